//! Telling JavaScript from Node's loop: one entry for all replies of a read.

#![expect(
    unsafe_code,
    reason = "napi has no safe call with a list of arguments, nor callback scopes"
)]

use std::ffi::c_void;
use std::ptr;
use std::rc::Rc;

use napi::bindgen_prelude::{Function, FunctionRef, JsValue};
use napi::{Env, Unknown, sys};

/// Arguments of one call at most: they lie on the stack.
pub(crate) const ARGUMENTS_MAX: usize = 128;

/// Functions of `lib/link.ts`, and what Node knows their calls by.
pub(crate) struct Host {
    env: sys::napi_env,
    context: sys::napi_async_context,
    /// Is handed a number and replies: of the command with this number and of those that follow.
    replied: FunctionRef<(), ()>,
    /// Is handed a number and replies: those of the pipeline with this number that come next.
    piped: FunctionRef<(), ()>,
    /// Is handed numbers, whether it went well, and replies or errors.
    ended: FunctionRef<(), ()>,
    /// The same, of commands that were answered from memory as soon as they were handed in.
    answered: FunctionRef<(), ()>,
    /// Is told that there is something to do.
    wake: FunctionRef<(), ()>,
}

/// Calls functions of JavaScript within one entry.
pub(crate) struct Entry<'a> {
    host: &'a Host,
    pub(crate) env: Env,
}

impl Host {
    pub(crate) fn new(
        env: &Env,
        replied: &Function<'_, (), ()>,
        piped: &Function<'_, (), ()>,
        ended: &Function<'_, (), ()>,
        answered: &Function<'_, (), ()>,
        wake: &Function<'_, (), ()>,
    ) -> napi::Result<Self> {
        let name = env.create_string("outlast")?;
        let mut context = ptr::null_mut();
        // SAFETY: the environment is alive, and the name is one of its strings.
        let status = unsafe {
            sys::napi_async_init(env.raw(), ptr::null_mut(), name.raw(), &raw mut context)
        };
        napi::check_status!(status)?;
        Ok(Self {
            env: env.raw(),
            context,
            replied: replied.create_ref()?,
            piped: piped.create_ref()?,
            ended: ended.create_ref()?,
            answered: answered.create_ref()?,
            wake: wake.create_ref()?,
        })
    }

    pub(crate) const fn env(&self) -> sys::napi_env {
        self.env
    }

    /// Enters JavaScript from the loop. When this returns, all that was to follow in the same tick
    /// has happened. What was thrown is the process's, as from any callback.
    pub(crate) fn enter(&self, call: impl FnOnce(&Entry<'_>) -> napi::Result<()>) {
        let (mut handles, mut callback) = (ptr::null_mut(), ptr::null_mut());
        // SAFETY: this runs on the thread of the environment, and scopes are closed in the opposite
        // order, whatever the call does.
        unsafe {
            if sys::napi_open_handle_scope(self.env, &raw mut handles) != sys::Status::napi_ok {
                return;
            }
            let none = ptr::null_mut();
            let opened =
                sys::napi_open_callback_scope(self.env, none, self.context, &raw mut callback);
            if opened == sys::Status::napi_ok {
                let entry = Entry { host: self, env: Env::from_raw(self.env) };
                // An error that is not an exception cannot be told to anybody.
                let _ = call(&entry);
                self.give_exception();
                sys::napi_close_callback_scope(self.env, callback);
            }
            self.give_exception();
            sys::napi_close_handle_scope(self.env, handles);
        }
    }

    /// An exception that is pending ends the process, unless the program catches such ones.
    fn give_exception(&self) {
        let mut error = ptr::null_mut();
        // SAFETY: this runs on the thread of the environment, inside a handle scope.
        unsafe {
            let mut pending = false;
            sys::napi_is_exception_pending(self.env, &raw mut pending);
            if pending
                && sys::napi_get_and_clear_last_exception(self.env, &raw mut error)
                    == sys::Status::napi_ok
            {
                sys::napi_fatal_exception(self.env, error);
            }
        }
    }
}

/// A function of JavaScript that takes nothing, for what is called too often for the checks that the
/// macros of napi make.
pub(crate) trait Called {
    /// What a call returns.
    fn called<'env>(&self, env: &'env Env) -> napi::Result<Unknown<'env>>;
}

/// Makes the function; it keeps what it calls.
pub(crate) fn function<T: Called + 'static>(env: &Env, callee: Rc<T>) -> napi::Result<Unknown<'_>> {
    let (mut function, none) = (ptr::null_mut(), ptr::null_mut::<c_void>());
    let data = Rc::into_raw(callee).cast_mut().cast::<c_void>();
    // SAFETY: the environment is alive; what the function points to lives as long as it does.
    unsafe {
        let made = sys::napi_create_function(
            env.raw(),
            ptr::null(),
            0,
            Some(trampoline::<T>),
            data,
            &raw mut function,
        );
        if made != sys::Status::napi_ok {
            drop(Rc::from_raw(data.cast::<T>()));
        }
        napi::check_status!(made)?;
        let finally: sys::napi_finalize = Some(finalize::<T>);
        let kept =
            sys::napi_add_finalizer(env.raw(), function, data, finally, none, ptr::null_mut());
        napi::check_status!(kept)?;
        Ok(Unknown::from_raw_unchecked(env.raw(), function))
    }
}

unsafe extern "C" fn trampoline<T: Called>(
    env: sys::napi_env,
    info: sys::napi_callback_info,
) -> sys::napi_value {
    let (mut data, none) = (ptr::null_mut(), ptr::null_mut::<c_void>());
    // SAFETY: the data is what `function` gave, and lives as long as the function that is called.
    let (callee, env) = unsafe {
        sys::napi_get_cb_info(env, info, none.cast(), none.cast(), none.cast(), &raw mut data);
        (&*data.cast::<T>(), Env::from_raw(env))
    };
    match callee.called(&env) {
        Ok(value) => value.raw(),
        Err(error) => {
            // SAFETY: this runs inside a call from JavaScript.
            unsafe { napi::JsError::from(error).throw_into(env.raw()) };
            ptr::null_mut()
        }
    }
}

unsafe extern "C" fn finalize<T: Called>(_: sys::napi_env, data: *mut c_void, _: *mut c_void) {
    // SAFETY: this gives back the count that `function` took.
    drop(unsafe { Rc::from_raw(data.cast::<T>()) });
}

impl Entry<'_> {
    /// Tells replies: a number, and the replies from there on.
    pub(crate) fn replied(&self, arguments: &[sys::napi_value]) -> napi::Result<()> {
        self.call(&self.host.replied, arguments)
    }

    /// Tells replies of a pipeline: its number, and the replies that come next.
    pub(crate) fn piped(&self, arguments: &[sys::napi_value]) -> napi::Result<()> {
        self.call(&self.host.piped, arguments)
    }

    /// Tells of commands that ended.
    pub(crate) fn ended(&self, settlements: &Unknown<'_>) -> napi::Result<()> {
        self.call(&self.host.ended, &[settlements.raw()])
    }

    /// Tells of commands that were answered as soon as they were handed in.
    pub(crate) fn answered(&self, settlements: &Unknown<'_>) -> napi::Result<()> {
        self.call(&self.host.answered, &[settlements.raw()])
    }

    /// Tells that there is something to do.
    pub(crate) fn wake(&self) -> napi::Result<()> {
        self.call(&self.host.wake, &[])
    }

    fn call(
        &self,
        function: &FunctionRef<(), ()>,
        arguments: &[sys::napi_value],
    ) -> napi::Result<()> {
        let function = function.borrow_back(&self.env)?;
        let mut this = ptr::null_mut();
        // SAFETY: the function and its arguments are values of this environment, in an open scope.
        let status = unsafe {
            sys::napi_get_undefined(self.env.raw(), &raw mut this);
            sys::napi_call_function(
                self.env.raw(),
                this,
                function.raw(),
                arguments.len(),
                arguments.as_ptr(),
                ptr::null_mut(),
            )
        };
        napi::check_status!(status)
    }
}
