//! An event that lets one waiter through.
//!
//! `notify/signal.rs` has the protocol.

use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll};

use bowerbird_base::cancel_safe::CancelSafe;
use bowerbird_base::const_fn;

use crate::block_on::block_on;
use crate::leaf::Leaf;
use crate::notify::signal::{End, Signal, SignalWait};

/// An event that clears itself: each `set` lets one waiter through.
///
/// asyncio: none; an [`Event`](crate::Event) that stays set lets all through. The word is that of .NET and Windows.
///
/// Waits are served first come, first served. Setting it while it is set does nothing. It is what
/// [`Notify`](crate::Notify) is with `notify_one` alone, and can be looked at and cleared.
///
/// # Examples
/// ```
/// use bowerbird::sync::AutoResetEvent;
///
/// bowerbird::run(async {
///     let turn = AutoResetEvent::new();
///     turn.set();
///     turn.wait().await;
///     assert!(!turn.is_set());
/// });
/// ```
pub struct AutoResetEvent {
    signal: Signal,
}

/// What an [`AutoResetEvent`] was like at one moment, see [`AutoResetEvent::statistics`].
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct AutoResetEventStatistics {
    /// Whether it was set.
    pub is_set: bool,
    /// How many waited.
    pub tasks_waiting: usize,
}

impl AutoResetEvent {
    const_fn! {
        /// Makes an event that is not set.
        ///
        /// asyncio: none.
        ///
        /// # Examples
        /// ```
        /// assert!(!bowerbird::sync::AutoResetEvent::new().is_set());
        /// ```
        pub fn new() -> Self {
            Self { signal: Signal::new() }
        }
    }

    /// Lets one waiter through: the first that waits, or else the next that comes.
    ///
    /// asyncio: `Event.set` lets all through.
    ///
    /// A waiter that was let through and is dropped before it is polled gives way to the next.
    ///
    /// # Examples
    /// ```
    /// let event = bowerbird::sync::AutoResetEvent::new();
    /// event.set();
    /// event.set();
    /// assert!(event.try_wait());
    /// assert!(!event.try_wait());
    /// ```
    #[inline]
    pub fn set(&self) {
        self.signal.notify_one(End::First);
    }

    /// Clears the event, and returns whether it was set.
    ///
    /// asyncio: `Event.clear`. A waiter that was let through before goes on.
    ///
    /// # Examples
    /// ```
    /// let event = bowerbird::sync::AutoResetEvent::new();
    /// event.set();
    /// assert!(event.clear());
    /// assert!(!event.is_set());
    /// ```
    pub fn clear(&self) -> bool {
        self.signal.take()
    }

    /// Returns whether the event is set, so that the next waiter goes through.
    ///
    /// asyncio: `Event.is_set`.
    ///
    /// # Examples
    /// ```
    /// let event = bowerbird::sync::AutoResetEvent::new();
    /// event.set();
    /// assert!(event.is_set());
    /// ```
    pub fn is_set(&self) -> bool {
        self.signal.is_stored()
    }

    /// Goes through if the event is set, which clears it.
    ///
    /// asyncio: none.
    ///
    /// # Examples
    /// ```
    /// let event = bowerbird::sync::AutoResetEvent::new();
    /// assert!(!event.try_wait());
    /// event.set();
    /// assert!(event.try_wait());
    /// ```
    #[must_use = "it has cleared the event if it returns true"]
    pub fn try_wait(&self) -> bool {
        self.signal.take()
    }

    /// Waits to be let through.
    ///
    /// asyncio: `Event.wait`. Ready at once, without a suspension, when the event is set.
    ///
    /// # Cancel safety
    /// No `set` is lost: a wait that was let through and is dropped gives way to the next. Its place among the
    /// others is.
    ///
    /// # Examples
    /// ```
    /// bowerbird::run(async {
    ///     let event = std::sync::Arc::new(bowerbird::sync::AutoResetEvent::new());
    ///     let thread = std::thread::spawn({
    ///         let event = event.clone();
    ///         move || event.set()
    ///     });
    ///     event.wait().await;
    ///     thread.join().unwrap();
    /// });
    /// ```
    #[track_caller]
    pub fn wait(&self) -> AutoResetWait<'_> {
        AutoResetWait {
            event: self,
            wait: self.signal.wait(),
            leaf: Leaf::of("AutoResetEvent::wait"),
        }
    }

    /// Waits to be let through, from a thread that runs no task.
    ///
    /// asyncio: none.
    ///
    /// # Panics
    /// Inside a task, whose worker it would block.
    ///
    /// # Examples
    /// ```
    /// let event = bowerbird::sync::AutoResetEvent::new();
    /// std::thread::scope(|scope| {
    ///     scope.spawn(|| event.blocking_wait());
    ///     event.set();
    /// });
    /// ```
    #[track_caller]
    pub fn blocking_wait(&self) {
        let fix = "await event.wait() instead";
        block_on(self.wait(), "AutoResetEvent::blocking_wait()", fix);
    }

    /// Tells how many wait.
    ///
    /// asyncio: none.
    ///
    /// # Examples
    /// ```
    /// assert_eq!(bowerbird::sync::AutoResetEvent::new().statistics().tasks_waiting, 0);
    /// ```
    pub fn statistics(&self) -> AutoResetEventStatistics {
        AutoResetEventStatistics { is_set: self.is_set(), tasks_waiting: self.signal.waiting() }
    }
}

impl Default for AutoResetEvent {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for AutoResetEvent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AutoResetEvent").field("is_set", &self.is_set()).finish_non_exhaustive()
    }
}

/// Waits to be let through, see [`AutoResetEvent::wait`].
#[must_use = "futures do nothing unless awaited"]
pub struct AutoResetWait<'a> {
    event: &'a AutoResetEvent,
    wait: SignalWait,
    leaf: Leaf,
}

impl Future for AutoResetWait<'_> {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let Self { event, wait, leaf } = &mut *self;
        leaf.poll(cx, "auto_reset_event", *event, |cx| event.signal.poll(wait, cx.waker()))
    }
}

impl Drop for AutoResetWait<'_> {
    fn drop(&mut self) {
        self.event.signal.leave(&mut self.wait);
    }
}

impl CancelSafe for AutoResetWait<'_> {}

impl fmt::Debug for AutoResetWait<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AutoResetWait")
            .field("location", &self.leaf.location())
            .finish_non_exhaustive()
    }
}
