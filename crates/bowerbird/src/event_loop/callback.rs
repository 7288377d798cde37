//! One callback that waits to be called, and the handles by which it is cancelled.

use std::fmt;
use std::panic::{AssertUnwindSafe, Location, catch_unwind};
use std::sync::Arc;
use std::time::Instant;

use bowerbird_base::sync::Mutex;
use bowerbird_core::{Unhandled, UnhandledKind, call_exception_handler};

use crate::context::{Context, copy_context};

/// What is called.
pub(crate) type Callback = Box<dyn FnOnce() + Send>;

/// A callback with the context variables of whoever asked for it. It is called once, or cancelled.
pub(crate) struct Call {
    slot: Mutex<Slot>,
    location: &'static Location<'static>,
}

enum Slot {
    Waiting(Callback, Context),
    Called,
    Cancelled,
}

impl Call {
    /// Captures the context of this thread's task.
    pub(crate) fn new(callback: Callback, location: &'static Location<'static>) -> Arc<Self> {
        Arc::new(Self { slot: Mutex::new(Slot::Waiting(callback, copy_context())), location })
    }

    /// Calls it, unless it was cancelled. A panic is reported and goes no further.
    pub(crate) fn run(&self) {
        let taken = {
            let mut slot = self.slot.lock();
            match *slot {
                Slot::Waiting(..) => std::mem::replace(&mut *slot, Slot::Called),
                Slot::Called | Slot::Cancelled => return,
            }
        };
        let Slot::Waiting(callback, mut context) = taken else { return };
        // The exception handler sees the variables of the callback, as in asyncio.
        context.run(|| {
            let message = "a callback of the event loop panicked";
            bowerbird_core::caught_at(message, self.location, callback)
        });
        if let Err(payload) = catch_unwind(AssertUnwindSafe(|| drop(context))) {
            let message = "the destructor of a context variable panicked";
            let unhandled = Unhandled::new(UnhandledKind::Destructor, message);
            call_exception_handler(&unhandled.with_location(self.location).with_panic(payload));
        }
    }

    /// Drops the callback uncalled.
    fn cancel(&self) {
        let taken = {
            let mut slot = self.slot.lock();
            match *slot {
                Slot::Waiting(..) => std::mem::replace(&mut *slot, Slot::Cancelled),
                Slot::Called | Slot::Cancelled => return,
            }
        };
        drop(taken);
    }

    pub(crate) fn is_cancelled(&self) -> bool {
        matches!(*self.slot.lock(), Slot::Cancelled)
    }
}

/// A callback that was given to `call_soon`.
///
/// asyncio: `Handle`. (A [`Handle`](crate::runtime::Handle) is a runtime's here.) Dropping it cancels nothing.
///
/// # Examples
/// ```
/// use bowerbird::event_loop::EventLoop;
///
/// let mut event_loop = EventLoop::new().unwrap();
/// let callback = event_loop.call_soon(|| unreachable!("cancelled before"));
/// callback.cancel();
/// assert!(callback.cancelled());
/// event_loop.run_until_complete(async {}).unwrap();
/// ```
#[derive(Clone)]
pub struct CallbackHandle(pub(crate) Arc<Call>);

impl CallbackHandle {
    /// Drops the callback, unless it was called already.
    ///
    /// asyncio: `Handle.cancel`. One that is being called runs on.
    pub fn cancel(&self) {
        self.0.cancel();
    }

    /// Returns whether the callback was cancelled before it was called.
    ///
    /// asyncio: `Handle.cancelled`, which is true even if the callback was called before.
    pub fn cancelled(&self) -> bool {
        self.0.is_cancelled()
    }
}

impl fmt::Debug for CallbackHandle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "<CallbackHandle{} created at {}>", state_text(&self.0), self.0.location)
    }
}

/// A callback that was given to `call_later` or `call_at`.
///
/// asyncio: `TimerHandle`. Dropping it cancels nothing.
#[derive(Clone)]
pub struct TimerHandle {
    pub(crate) call: Arc<Call>,
    pub(crate) when: Instant,
}

impl TimerHandle {
    /// Returns when the callback is due.
    ///
    /// asyncio: `TimerHandle.when`.
    pub fn when(&self) -> Instant {
        self.when
    }

    /// Drops the callback, unless it was called already.
    ///
    /// asyncio: `Handle.cancel`.
    pub fn cancel(&self) {
        self.call.cancel();
    }

    /// Returns whether the callback was cancelled before it was called.
    ///
    /// asyncio: `Handle.cancelled`.
    pub fn cancelled(&self) -> bool {
        self.call.is_cancelled()
    }
}

impl fmt::Debug for TimerHandle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "<TimerHandle{} when={:?} created at {}>",
            state_text(&self.call),
            self.when,
            self.call.location
        )
    }
}

fn state_text(call: &Call) -> &'static str {
    match *call.slot.lock() {
        Slot::Waiting(..) => "",
        Slot::Called => " called",
        Slot::Cancelled => " cancelled",
    }
}
