//! Node's loop itself watches a socket: libuv's poll handles, through the functions that Node
//! exports to addons.

#![expect(unsafe_code, reason = "neither libuv nor the end of an environment has a safe binding")]

use std::cell::Cell;
use std::ffi::{CStr, c_int, c_void};
use std::mem::transmute;
use std::os::fd::RawFd;
use std::ptr;
use std::rc::Rc;
use std::sync::OnceLock;

use napi::sys;

const READABLE: c_int = 1;
const WRITABLE: c_int = 2;
/// The place of `uv_poll_t` among libuv's handles, the same in every version 1.
const POLL: c_int = 8;

type Told = unsafe extern "C" fn(*mut c_void, c_int, c_int);
type Closed = unsafe extern "C" fn(*mut c_void);

/// libuv's functions.
struct Uv {
    handle_size: unsafe extern "C" fn(c_int) -> usize,
    set_data: unsafe extern "C" fn(*mut c_void, *mut c_void),
    get_data: unsafe extern "C" fn(*const c_void) -> *mut c_void,
    poll_init: unsafe extern "C" fn(*mut c_void, *mut c_void, c_int) -> c_int,
    poll_start: unsafe extern "C" fn(*mut c_void, c_int, Told) -> c_int,
    unref: unsafe extern "C" fn(*mut c_void),
    close: unsafe extern "C" fn(*mut c_void, Closed),
}

impl Uv {
    /// None where the process has no libuv of a version that is known here.
    fn get() -> Option<&'static Self> {
        static UV: OnceLock<Option<Uv>> = OnceLock::new();
        UV.get_or_init(Self::found).as_ref()
    }

    fn found() -> Option<Self> {
        let version: unsafe extern "C" fn() -> u32 =
            // SAFETY: the type is that of libuv's declaration.
            unsafe { transmute(symbol(c"uv_version")?) };
        // SAFETY: it takes nothing and has no effect.
        if unsafe { version() } >> 16 != 1 {
            return None;
        }
        // SAFETY: the types are those of libuv 1, which keeps them.
        #[expect(clippy::missing_transmute_annotations, reason = "the fields say the types")]
        unsafe {
            Some(Self {
                handle_size: transmute(symbol(c"uv_handle_size")?),
                set_data: transmute(symbol(c"uv_handle_set_data")?),
                get_data: transmute(symbol(c"uv_handle_get_data")?),
                poll_init: transmute(symbol(c"uv_poll_init")?),
                poll_start: transmute(symbol(c"uv_poll_start")?),
                unref: transmute(symbol(c"uv_unref")?),
                close: transmute(symbol(c"uv_close")?),
            })
        }
    }
}

fn symbol(name: &CStr) -> Option<ptr::NonNull<c_void>> {
    // SAFETY: the name ends with a zero, and looking it up has no effect.
    ptr::NonNull::new(unsafe { libc::dlsym(libc::RTLD_DEFAULT, name.as_ptr()) })
}

/// What the loop tells of a socket.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Ready {
    pub(crate) writable: bool,
    /// The loop does not watch it any more.
    pub(crate) broken: bool,
}

/// A socket that the loop watches, until this is dropped or the environment ends. It keeps no
/// process alive.
pub(crate) struct Watch {
    handle: Rc<Handle>,
}

/// What the loop has a pointer to. It lives until the loop has let go of it.
struct Handle {
    uv: &'static Uv,
    /// The `uv_poll_t`; words, for they are aligned as it has to be.
    poll: *mut c_void,
    _memory: Box<[Cell<u64>]>,
    is_closing: Cell<bool>,
    hook: Cell<sys::napi_async_cleanup_hook_handle>,
    told: Box<dyn Fn(Ready)>,
}

impl Watch {
    /// Has the loop of this environment watch the socket: `told` is called on the loop whenever
    /// something can be read. None where that is not to be had.
    pub(crate) fn new(
        env: sys::napi_env,
        socket: RawFd,
        told: impl Fn(Ready) + 'static,
    ) -> Option<Self> {
        let uv = Uv::get()?;
        let mut uv_loop = ptr::null_mut();
        // SAFETY: the environment is alive, for its thread runs this.
        let status = unsafe { sys::napi_get_uv_event_loop(env, &raw mut uv_loop) };
        if status != sys::Status::napi_ok || uv_loop.is_null() {
            return None;
        }
        // SAFETY: it takes a number and has no effect.
        let bytes = unsafe { (uv.handle_size)(POLL) };
        let memory: Box<[Cell<u64>]> = (0..bytes.div_ceil(8)).map(|_| Cell::new(0)).collect();
        let poll = memory.as_ptr().cast_mut().cast::<c_void>();
        // SAFETY: the memory is as large as libuv wants it, and outlives the handle.
        if unsafe { (uv.poll_init)(uv_loop.cast(), poll, socket) } != 0 {
            return None;
        }
        let handle = Rc::new(Handle {
            uv,
            poll,
            _memory: memory,
            is_closing: Cell::new(false),
            hook: Cell::new(ptr::null_mut()),
            told: Box::new(told),
        });
        let data = Rc::into_raw(handle.clone()).cast_mut().cast::<c_void>();
        let mut hook = ptr::null_mut();
        // SAFETY: the handle is initialised. The data lives until `closed`, which comes after the
        // hook was removed or has run.
        unsafe {
            (uv.set_data)(poll, data);
            (uv.unref)(poll);
            sys::napi_add_async_cleanup_hook(env, Some(environment_ends), data, &raw mut hook);
        }
        handle.hook.set(hook);
        let watch = Self { handle };
        watch.start(READABLE).then_some(watch)
    }

    /// Whether to be told also when the socket takes bytes.
    pub(crate) fn set_writable_wanted(&self, wanted: bool) {
        self.start(if wanted { READABLE | WRITABLE } else { READABLE });
    }

    fn start(&self, events: c_int) -> bool {
        let Handle { uv, poll, is_closing, .. } = &*self.handle;
        // SAFETY: the handle is initialised, and not closed.
        !is_closing.get() && unsafe { (uv.poll_start)(*poll, events, told) } == 0
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        self.handle.close();
    }
}

impl Handle {
    fn close(&self) {
        if !self.is_closing.replace(true) {
            // SAFETY: the handle is initialised, and closed only once.
            unsafe { (self.uv.close)(self.poll, closed) };
        }
    }
}

unsafe extern "C" fn told(poll: *mut c_void, status: c_int, events: c_int) {
    let Some(uv) = Uv::get() else {
        return;
    };
    // SAFETY: the data is what `Watch::new` put there, and lives until `closed`. Counted once more, so
    // that it also outlives a call that drops the watch.
    let handle = unsafe {
        let data = (uv.get_data)(poll).cast::<Handle>();
        Rc::increment_strong_count(data);
        Rc::from_raw(data)
    };
    if !handle.is_closing.get() {
        (handle.told)(Ready { writable: events & WRITABLE != 0, broken: status < 0 });
    }
}

unsafe extern "C" fn closed(poll: *mut c_void) {
    let Some(uv) = Uv::get() else {
        return;
    };
    // SAFETY: this gives back the count that `Watch::new` gave to the loop; nobody uses it any more.
    unsafe {
        let handle = Rc::from_raw((uv.get_data)(poll).cast::<Handle>());
        let hook = handle.hook.replace(ptr::null_mut());
        if !hook.is_null() {
            sys::napi_remove_async_cleanup_hook(hook);
        }
    }
}

unsafe extern "C" fn environment_ends(_: sys::napi_async_cleanup_hook_handle, data: *mut c_void) {
    // SAFETY: the data lives until `closed`, which removes this hook.
    unsafe { &*data.cast::<Handle>() }.close();
}
