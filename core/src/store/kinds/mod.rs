//! The types of values.

mod hash;
mod list;
mod set;
mod sorted_set;
pub(crate) mod stream;

pub(crate) use hash::Hash;
pub(crate) use list::List;
pub(crate) use set::Set;
pub(crate) use sorted_set::SortedSet;
pub(crate) use stream::Stream;

use alloc::boxed::Box;

use super::slot::Data;

/// A type that a value can have.
pub(crate) trait Kind: Sized {
    /// An empty value. The seed is for what it hashes.
    fn new(seed: u64) -> Self;
    /// The value, if it has this type.
    fn of(data: &Data) -> Option<&Self>;
    /// The value to change, if it has this type.
    fn of_mut(data: &mut Data) -> Option<&mut Self>;
    /// The value without its type.
    fn into_data(self) -> Data;
}

/// A kind that is a variant of `Data`, with a `new(seed)` of its own.
macro_rules! kind {
    ($type:ident) => {
        impl Kind for $type {
            fn new(seed: u64) -> Self {
                Self::new(seed)
            }
            fn of(data: &Data) -> Option<&Self> {
                if let Data::$type(value) = data { Some(value) } else { None }
            }
            fn of_mut(data: &mut Data) -> Option<&mut Self> {
                if let Data::$type(value) = data { Some(value) } else { None }
            }
            fn into_data(self) -> Data {
                Data::$type(self.into())
            }
        }
    };
}

kind!(Hash);
kind!(List);
kind!(Set);
kind!(SortedSet);

impl Kind for Stream {
    fn new(seed: u64) -> Self {
        Self::new(seed)
    }
    fn of(data: &Data) -> Option<&Self> {
        if let Data::Stream(value) = data { Some(value) } else { None }
    }
    fn of_mut(data: &mut Data) -> Option<&mut Self> {
        if let Data::Stream(value) = data { Some(value) } else { None }
    }
    fn into_data(self) -> Data {
        Data::Stream(Box::new(self))
    }
}
