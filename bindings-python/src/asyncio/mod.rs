//! The client for asyncio: the event loop reads and writes the socket itself.

mod call;
mod client;
mod link;
mod member;
mod pending;
mod reply;
mod slices;
mod waiter;

pub(crate) use call::Later;
pub(crate) use client::AsyncClient;
pub(crate) use link::Link;
pub(crate) use member::Member;
pub(crate) use reply::Reply;
