//! Redis Cluster: which slot a key lies in, who serves it, and what a command means there.
//!
//! A cluster divides its keys into 16,384 slots, and each slot is served by one master. Keys that
//! belong together share the part of their names between braces. What is decided here knows no
//! connection: [`plan`] tells where a command goes and how it is divided, [`Topology`] reads who serves
//! what, [`Redirect`] what a node says that does not serve a slot (any more, or not yet).

mod join;
mod plan;
mod redirect;
mod scan;
mod slot;
mod topology;
mod whole;

pub use join::Join;
pub use plan::{CROSS_SLOT, CrossSlot, Part, Plan, plan, slot_of_all, slot_of_call};
pub use redirect::Redirect;
pub use scan::Cursor;
pub use slot::{SLOTS, slot_of, tag_of};
pub use topology::{Node, Shard, Topology};
pub use whole::{Ranges, add, ranges, whole};
