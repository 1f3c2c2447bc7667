//! What a page or a Node process may ask: one line of work each. `js/` gives it its types.
//!
//! In WebAssembly it does without the standard library: what that brings along to report a panic to
//! nobody is a tenth of the module.

#![cfg_attr(target_arch = "wasm32", no_std)]

extern crate alloc;

#[cfg(feature = "diagnosis")]
mod answer;
mod convert;
#[cfg(feature = "diagnosis")]
mod diagnosis;
#[cfg(feature = "diagnosis")]
mod engine;
mod errors;
#[cfg(feature = "diagnosis")]
mod evidence;
#[cfg(feature = "diagnosis")]
mod option;
#[cfg(feature = "store")]
mod reply;
#[cfg(feature = "store")]
mod store;

#[cfg(feature = "diagnosis")]
pub use diagnosis::*;
#[cfg(feature = "diagnosis")]
pub use engine::{Engine, Throttle};
#[cfg(feature = "store")]
pub use store::Store;

#[cfg(target_arch = "wasm32")]
#[global_allocator]
static ALLOCATOR: dlmalloc::GlobalDlmalloc = dlmalloc::GlobalDlmalloc;

/// A panic is a fault of outlast. The trap shows as a `RuntimeError` with a stack.
#[cfg(target_arch = "wasm32")]
#[panic_handler]
fn panic(_: &core::panic::PanicInfo<'_>) -> ! {
    core::arch::wasm32::unreachable()
}
