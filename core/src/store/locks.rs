//! Who guards a store's parts: nobody where one thread has it, the host's locks where many do.

use core::cell::{RefCell, RefMut};
use core::ops::DerefMut;

/// A kind of lock. The core has no threads, so it has no locks either; a host that shares a store
/// brings its own.
pub trait Locks {
    /// A value behind such a lock.
    type Lock<T>;
    /// Access to the value while the lock is held.
    type Guard<'a, T: 'a>: DerefMut<Target = T>;

    /// Puts a value behind a lock.
    fn wrap<T>(value: T) -> Self::Lock<T>;

    /// Waits until nobody else has the value. A thread never asks for a lock that it holds.
    fn lock<T>(lock: &Self::Lock<T>) -> Self::Guard<'_, T>;
}

/// No lock: for a store that one thread has.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Unshared;

impl Locks for Unshared {
    type Lock<T> = RefCell<T>;
    type Guard<'a, T: 'a> = RefMut<'a, T>;

    fn wrap<T>(value: T) -> RefCell<T> {
        RefCell::new(value)
    }

    fn lock<T>(lock: &RefCell<T>) -> RefMut<'_, T> {
        lock.borrow_mut()
    }
}
