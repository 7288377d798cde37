//! A loop seen from anywhere.

use std::fmt;
use std::panic::Location;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bowerbird_base::clock::far_future;
use bowerbird_core::{Handle, SpawnOptions, Unhandled, default_exception_handler};

use super::callback::{CallbackHandle, TimerHandle};
use super::state::LoopState;
use crate::Task;
use crate::future::{self, Future, Promise};
use crate::runtime::driver;

/// A handle of the loop of a runtime: calls back and spawns on it, from any thread.
///
/// asyncio: the loop, as `get_running_loop` gives it. Every runtime has one, that of [`run`](crate::run) with
/// its several workers too: callbacks of one loop are called one at a time, in the order in which they were
/// given, exactly once, and never inside the call that gives them. On one worker they take turns with tasks
/// in one queue, as in asyncio. They have the context variables of whoever gave them; one that panics is
/// reported to the exception handler, and the next is called.
///
/// It keeps nothing alive: when the runtime has ended, the loop is closed, and callbacks that were not called
/// are dropped.
///
/// # Examples
/// ```
/// use bowerbird::LoopHandle;
///
/// bowerbird::run(async {
///     let (promise, future) = bowerbird::future::promise();
///     LoopHandle::current().call_soon(move || promise.set_result("called").unwrap());
///     assert_eq!(future.await.unwrap(), "called");
/// });
/// ```
#[derive(Clone)]
pub struct LoopHandle(pub(crate) Arc<LoopState>);

impl LoopHandle {
    /// Returns the loop of this thread's runtime.
    ///
    /// asyncio: `get_running_loop`, `get_event_loop`.
    ///
    /// # Panics
    /// Outside a runtime; [`try_current`](Self::try_current) gives `None`.
    #[track_caller]
    pub fn current() -> Self {
        Self(driver::expect_current("LoopHandle::current").event_loop().clone())
    }

    /// Returns the loop of this thread's runtime, if it belongs to one.
    ///
    /// asyncio: `get_running_loop`, without its `RuntimeError`.
    pub fn try_current() -> Option<Self> {
        driver::try_current().map(|driver| Self(driver.event_loop().clone()))
    }

    // ----- callbacks -------------------------------------------------------------------------------

    /// Calls a closure soon: after this call, behind the callbacks that were given before.
    ///
    /// asyncio: `loop.call_soon`. From any thread, as
    /// [`call_soon_threadsafe`](Self::call_soon_threadsafe), which gives an error where this one panics.
    /// For `context=`, give a closure that runs [`Context::run`](crate::context::Context::run).
    ///
    /// # Panics
    /// If the loop is closed.
    ///
    /// # Examples
    /// ```
    /// use bowerbird::EventLoop;
    /// use std::sync::{Arc, Mutex};
    ///
    /// let lines = Arc::new(Mutex::new(Vec::new()));
    /// let mut event_loop = EventLoop::new().unwrap();
    /// for number in 0..3 {
    ///     let lines = lines.clone();
    ///     event_loop.call_soon(move || lines.lock().unwrap().push(number));
    /// }
    /// let handle = event_loop.handle();
    /// event_loop.call_soon(move || handle.stop());
    /// event_loop.run_forever().unwrap();
    /// assert_eq!(*lines.lock().unwrap(), [0, 1, 2]);
    /// ```
    #[track_caller]
    pub fn call_soon(&self, callback: impl FnOnce() + Send + 'static) -> CallbackHandle {
        match self.0.call_soon(Box::new(callback), Location::caller()) {
            Ok(call) => CallbackHandle(call),
            Err(_) => closed("call_soon"),
        }
    }

    /// Calls a closure soon, from any thread; a loop that sleeps is woken.
    ///
    /// asyncio: `loop.call_soon_threadsafe`.
    ///
    /// # Errors
    /// If the loop is closed; the closure is dropped.
    ///
    /// # Examples
    /// ```
    /// use bowerbird::EventLoop;
    ///
    /// let mut event_loop = EventLoop::new().unwrap();
    /// let handle = event_loop.handle();
    /// let stopper = handle.clone();
    /// let thread = std::thread::spawn(move || {
    ///     handle.call_soon_threadsafe(move || stopper.stop()).unwrap();
    /// });
    /// event_loop.run_forever().unwrap();
    /// thread.join().unwrap();
    /// ```
    #[track_caller]
    pub fn call_soon_threadsafe(
        &self,
        callback: impl FnOnce() + Send + 'static,
    ) -> Result<CallbackHandle, LoopClosed> {
        let queued = self.0.call_soon(Box::new(callback), Location::caller());
        queued.map(CallbackHandle).map_err(|_| LoopClosed(()))
    }

    /// Calls a closure after a delay.
    ///
    /// asyncio: `loop.call_later`.
    ///
    /// # Panics
    /// If the loop is closed.
    ///
    /// # Examples
    /// ```
    /// use bowerbird::EventLoop;
    /// use std::time::Duration;
    ///
    /// let mut event_loop = EventLoop::new().unwrap();
    /// let handle = event_loop.handle();
    /// let started = event_loop.time();
    /// event_loop.call_later(Duration::from_millis(5), move || handle.stop());
    /// event_loop.run_forever().unwrap();
    /// assert!(event_loop.time() - started >= Duration::from_millis(5));
    /// ```
    #[track_caller]
    pub fn call_later(
        &self,
        delay: Duration,
        callback: impl FnOnce() + Send + 'static,
    ) -> TimerHandle {
        self.timer(far_future(self.0.now(), delay), Box::new(callback), "call_later")
    }

    /// Calls a closure at an instant of the loop's clock; soon, if that has passed.
    ///
    /// asyncio: `loop.call_at`. Callbacks of one instant are called in the order in which they were given,
    /// which asyncio does not promise.
    ///
    /// # Panics
    /// If the loop is closed.
    #[track_caller]
    pub fn call_at(&self, when: Instant, callback: impl FnOnce() + Send + 'static) -> TimerHandle {
        self.timer(when, Box::new(callback), "call_at")
    }

    #[track_caller]
    fn timer(&self, when: Instant, callback: super::callback::Callback, name: &str) -> TimerHandle {
        match self.0.call_at(when, callback, Location::caller()) {
            Ok(call) => TimerHandle { call, when },
            Err(_) => closed(name),
        }
    }

    /// Returns the time of the loop's clock, which a test may pause.
    ///
    /// asyncio: `loop.time()`.
    pub fn time(&self) -> Instant {
        self.0.now()
    }

    // ----- tasks and futures -----------------------------------------------------------------------

    /// Spawns a task on the loop's runtime, from any thread.
    ///
    /// asyncio: `loop.create_task`.
    ///
    /// # Panics
    /// If the loop is closed.
    ///
    /// # Examples
    /// ```
    /// let mut event_loop = bowerbird::EventLoop::new().unwrap();
    /// let task = event_loop.create_task(async { 1 + 1 });
    /// assert_eq!(event_loop.run_until_complete(task).unwrap().unwrap(), 2);
    /// ```
    #[track_caller]
    pub fn create_task<F>(&self, future: F) -> Task<F::Output>
    where
        F: std::future::Future + Send + 'static,
        F::Output: Send + 'static,
    {
        match self.0.runtime() {
            Some(runtime) => runtime.spawn(future, &SpawnOptions::default()),
            None => closed("create_task"),
        }
    }

    /// Makes a promise and the future that it is about.
    ///
    /// asyncio: `loop.create_future()`. The same as [`future::promise`], which needs no loop.
    #[track_caller]
    pub fn create_future<T>(&self) -> (Promise<T>, Future<T>) {
        future::promise()
    }

    // ----- handlers --------------------------------------------------------------------------------

    /// Returns a handle of the runtime under this loop, if it has not ended.
    pub fn runtime(&self) -> Option<Handle> {
        self.0.runtime().map(|runtime| Handle::new(&runtime))
    }

    /// Sets who hears what nobody retrieved, on the loop's runtime; a closed loop hears nothing any more.
    ///
    /// asyncio: `loop.set_exception_handler`; for `None` give
    /// [`default_exception_handler`](crate::runtime::default_exception_handler).
    ///
    /// # Examples
    /// ```
    /// use bowerbird::LoopHandle;
    /// use std::sync::mpsc;
    ///
    /// let (sender, heard) = mpsc::channel();
    /// bowerbird::run(async {
    ///     LoopHandle::current().set_exception_handler(move |unhandled| {
    ///         sender.send(unhandled.error.clone()).unwrap();
    ///     });
    ///     LoopHandle::current().call_soon(|| panic!("nobody waits for this"));
    /// });
    /// assert_eq!(heard.recv().unwrap().unwrap(), "nobody waits for this");
    /// ```
    pub fn set_exception_handler(&self, handler: impl Fn(&Unhandled) + Send + Sync + 'static) {
        if let Some(runtime) = self.runtime() {
            runtime.set_exception_handler(handler);
        }
    }

    /// Tells the exception handler; of a closed loop, the default one.
    ///
    /// asyncio: `loop.call_exception_handler(context)`.
    ///
    /// # Examples
    /// ```
    /// use bowerbird::LoopHandle;
    /// use bowerbird::runtime::{Unhandled, UnhandledKind};
    ///
    /// bowerbird::run(async {
    ///     let unhandled = Unhandled::new(UnhandledKind::Other, "the cache could not be written");
    ///     LoopHandle::current().call_exception_handler(&unhandled.with_error("no space left"));
    /// });
    /// ```
    pub fn call_exception_handler(&self, unhandled: &Unhandled) {
        match self.runtime() {
            Some(runtime) => runtime.call_exception_handler(unhandled),
            None => default_exception_handler(unhandled),
        }
    }

    /// Switches debug mode of the loop's runtime on or off.
    ///
    /// asyncio: `loop.set_debug`. See [`Handle::set_debug`].
    pub fn set_debug(&self, is_on: bool) {
        if let Some(runtime) = self.runtime() {
            runtime.set_debug(is_on);
        }
    }

    /// Returns whether debug mode is on.
    ///
    /// asyncio: `loop.get_debug`.
    pub fn get_debug(&self) -> bool {
        self.runtime().is_some_and(|runtime| runtime.get_debug())
    }

    // ----- the run ---------------------------------------------------------------------------------

    /// Ends `run_forever`: the batch of callbacks that is going on is finished; what these add waits for the
    /// next run. Before a run: one turn is made of what is ready.
    ///
    /// asyncio: `loop.stop`. `run_until_complete` then ends with [`RunError::Stopped`](crate::RunError).
    ///
    /// # Panics
    /// If the loop is not an [`EventLoop`](super::EventLoop)'s: what [`run`](crate::run) runs ends with its
    /// main future. So does a [guest run](crate::start_guest_run).
    #[track_caller]
    pub fn stop(&self) {
        if self.0.is_guest() {
            panic!(
                "stop() was called on the loop of a guest run; cancel the task that `start_guest_run` gave instead"
            );
        }
        if !self.0.stop() {
            panic!(
                "stop() was called on the loop of a runtime that is no EventLoop; end the future given to `run` \
                 or `block_on` instead, or use `EventLoop::run_forever`"
            );
        }
    }

    /// Returns whether the loop runs at the moment.
    ///
    /// asyncio: `loop.is_running`. Loops that are not an [`EventLoop`](super::EventLoop)'s run until their
    /// runtime has ended.
    pub fn is_running(&self) -> bool {
        self.0.is_running()
    }

    /// Returns whether the loop is closed: it calls nothing any more.
    ///
    /// asyncio: `loop.is_closed`.
    pub fn is_closed(&self) -> bool {
        self.0.is_closed()
    }
}

impl PartialEq for LoopHandle {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }
}

impl Eq for LoopHandle {}

impl fmt::Debug for LoopHandle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LoopHandle")
            .field("running", &self.is_running())
            .field("closed", &self.is_closed())
            .finish()
    }
}

/// The loop is closed.
///
/// asyncio: `RuntimeError('Event loop is closed')`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LoopClosed(pub(super) ());

impl fmt::Display for LoopClosed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the event loop is closed")
    }
}

impl std::error::Error for LoopClosed {}

/// The panic of a call on a closed loop.
#[track_caller]
#[cold]
pub(crate) fn closed(call: &str) -> ! {
    panic!(
        "{call}() was called on a closed event loop; ask is_closed() first, or use call_soon_threadsafe(), \
         which gives an error"
    )
}
