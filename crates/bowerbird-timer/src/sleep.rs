//! The future that waits for a deadline.
//!
//! ```text
//!   sleep(d) --> AHEAD ---.                          sleep(0) --> YIELD -- 6 first poll: yield --.
//!                         | 1 first Pending                                                      |
//!   sleep_until           v                       3 clock or turn past the deadline              v
//!   reset ------> FRESH ----> PENDING -----------------------------------------------------> DONE
//!                   ^  |         | 2 another waker: replaced                                    ^
//!                   |  |         | 4 reset: moves its entry, or FRESH if that has been fired    |
//!                   |  '-- 5 the clock has passed the deadline ---------------------------------'
//!                   '----- 7 reset
//! ```
//!
//! Only PENDING has an entry in a wheel. `AHEAD` saves a look at the clock: the deadline lay ahead when
//! the sleep was made a moment ago, and if it has passed since, the next turn fires it.

use std::fmt;
use std::future::Future;
use std::panic::Location;
use std::pin::Pin;
use std::task::{Context, Poll, Waker};
use std::time::{Duration, Instant};

use bowerbird_base::cancel_safe::CancelSafe;
use bowerbird_base::clock::far_future;
use bowerbird_base::{debug, poll_context};

use crate::current;
use crate::entry::Key;
use crate::timers::{Attempt, Found, Place};
use crate::wheel::Inserted;

/// Waits for a duration, from this call on.
///
/// asyncio: `asyncio.sleep(delay)`; the time runs from the call and not from the first `await`, and there
/// is no `result` argument. As there, a duration of zero gives way to everything else that is ready, once.
///
/// Sleeps end no earlier than asked and in the order of their deadlines, equal ones in the order in which
/// they were first polled; those longer than 20 ms may end up to a millisecond late so that many end
/// together. Every duration is accepted: what lies beyond the end of `Instant` is 30 years away.
///
/// # Cancel safety
/// Nothing is lost if the future is dropped; its entry is removed at once.
///
/// # Panics
/// Outside a runtime, at the call.
///
/// # Examples
/// ```
/// use std::time::Duration;
///
/// bowerbird::run(async {
///     let start = bowerbird::time::now();
///     bowerbird::sleep(Duration::from_millis(10)).await;
///     assert!(bowerbird::time::now() - start >= Duration::from_millis(10));
/// });
/// ```
#[track_caller]
pub fn sleep(duration: Duration) -> Sleep {
    Sleep::after(duration, Call::Sleep)
}

/// Sleeps that are parts of something else: what they are a part of says whether it was awaited.
pub mod part {
    use std::time::{Duration, Instant};

    use super::{Call, Sleep};

    /// A [`sleep`](super::sleep) that is part of what `call` makes.
    #[track_caller]
    pub fn sleep_of(call: Call, duration: Duration) -> Sleep {
        Sleep::after(duration, call)
    }

    /// A [`sleep_until`](super::sleep_until) that is part of what `call` makes.
    #[track_caller]
    pub fn sleep_until_of(call: Call, deadline: Instant) -> Sleep {
        Sleep::for_caller("sleep_until", deadline, call)
    }

    /// A [`sleep`](super::sleep) that nobody need poll.
    #[track_caller]
    pub fn sleep(duration: Duration) -> Sleep {
        Sleep::after(duration, Call::None)
    }

    /// A [`sleep_until`](super::sleep_until) that nobody need poll.
    #[track_caller]
    pub fn sleep_until(deadline: Instant) -> Sleep {
        Sleep::for_caller("sleep_until", deadline, Call::None)
    }
}

/// Waits until an instant of the runtime's clock; one that has passed is ready at the first poll.
///
/// asyncio: `loop.call_at(when, ..)`, as a future.
///
/// # Cancel safety
/// Nothing is lost if the future is dropped; its entry is removed at once.
///
/// # Panics
/// Outside a runtime, at the call.
///
/// # Examples
/// ```
/// use std::time::Duration;
///
/// bowerbird::run(async {
///     let deadline = bowerbird::time::now() + Duration::from_millis(10);
///     bowerbird::sleep_until(deadline).await;
///     assert!(bowerbird::time::now() >= deadline);
///     bowerbird::sleep_until(deadline).await; // has passed: does not wait
/// });
/// ```
#[track_caller]
pub fn sleep_until(deadline: Instant) -> Sleep {
    Sleep::for_caller("sleep_until", deadline, Call::SleepUntil)
}

#[cold]
#[track_caller]
fn outside_a_runtime(call: &str) -> ! {
    panic!(
        "{call}() was called outside a bowerbird runtime. Wrap the program in `bowerbird::run(async {{ .. }})` \
         or `#[bowerbird::main]`; on another thread, enter the runtime first: `let _guard = handle.enter();`"
    )
}

/// A future that waits for a deadline; see [`sleep`].
///
/// asyncio: the coroutine of `asyncio.sleep`; this one can be asked for its deadline and be given another.
///
/// It is `Unpin`: `&mut sleep` can be awaited. Once it has been ready it stays ready until
/// [`reset`](Sleep::reset).
///
/// # Cancel safety
/// Nothing is lost if it is dropped; its entry is removed at once.
#[must_use = "a sleep does nothing unless it is awaited"]
pub struct Sleep {
    deadline: Instant,
    location: &'static Location<'static>,
    /// The stamp and the index of the entry's key; they mean nothing unless `state` is `Pending`.
    stamp: u64,
    index: u32,
    timers: u32,
    wheel: u32,
    state: State,
    /// It has returned `Pending` since it was last ready: an offered cancellation goes first.
    was_suspended: bool,
    /// What debug mode names if nobody polls it.
    call: Call,
}

/// The call that has made a sleep, or what the sleep is a part of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Call {
    /// Nobody need poll it.
    None,
    /// `sleep`.
    Sleep,
    /// `sleep_until`.
    SleepUntil,
    /// `timeout`.
    Timeout,
    /// `timeout_at`.
    TimeoutAt,
    /// `wait_for`.
    WaitFor,
}

impl Call {
    fn name(self) -> Option<&'static str> {
        match self {
            Self::None => None,
            Self::Sleep => Some("sleep"),
            Self::SleepUntil => Some("sleep_until"),
            Self::Timeout => Some("timeout"),
            Self::TimeoutAt => Some("timeout_at"),
            Self::WaitFor => Some("wait_for"),
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Ahead,
    Fresh,
    Yield,
    Pending,
    Done,
}

/// What a poll comes to; `Pending` holds the object of the wait note, the deadline in nanoseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Verdict {
    Ready,
    Pending(u64),
}

impl Sleep {
    #[inline(always)]
    #[track_caller]
    fn after(duration: Duration, call: Call) -> Self {
        let Some((timers, now)) = current::with_current(|current| {
            let timers = &current.timers;
            (timers.id(), timers.clock().now())
        }) else {
            outside_a_runtime("sleep")
        };
        let state = if duration.is_zero() { State::Yield } else { State::Ahead };
        Self::new(timers, far_future(now, duration), state, Location::caller(), call)
    }

    #[inline]
    fn new(
        timers: u32,
        deadline: Instant,
        state: State,
        location: &'static Location<'static>,
        call: Call,
    ) -> Self {
        Self {
            deadline,
            location,
            stamp: 0,
            index: 0,
            timers,
            wheel: 0,
            state,
            was_suspended: false,
            call,
        }
    }

    /// Makes a sleep of this thread's runtime for the function of that name.
    #[track_caller]
    pub(crate) fn for_caller(name: &str, deadline: Instant, call: Call) -> Self {
        let Some(timers) = current::with_current(|current| current.timers.id()) else {
            outside_a_runtime(name)
        };
        Self::new(timers, deadline, State::Fresh, Location::caller(), call)
    }

    /// What it is a part of is polled: nobody need poll the sleep any more.
    #[doc(hidden)]
    #[inline]
    pub fn set_part(&mut self) {
        self.call = Call::None;
    }

    /// The instant that it waits for.
    ///
    /// # Examples
    /// ```
    /// use std::time::Duration;
    ///
    /// bowerbird::run(async {
    ///     let before = bowerbird::time::now();
    ///     let sleep = bowerbird::sleep(Duration::from_secs(60));
    ///     assert!(sleep.deadline() >= before + Duration::from_secs(60));
    /// });
    /// ```
    pub fn deadline(&self) -> Instant {
        self.deadline
    }

    /// Returns whether the deadline has passed.
    ///
    /// # Examples
    /// ```
    /// bowerbird::run(async {
    ///     assert!(bowerbird::sleep_until(bowerbird::time::now()).is_elapsed());
    ///     assert!(!bowerbird::sleep(std::time::Duration::MAX).is_elapsed());
    /// });
    /// ```
    pub fn is_elapsed(&self) -> bool {
        self.state == State::Done || self.now() >= self.deadline
    }

    /// Gives it another deadline, without allocation: earlier, later, or one that has passed.
    ///
    /// A task that waits for it is woken at the new deadline; it need not poll in between.
    ///
    /// asyncio: `asyncio.Timeout.reschedule(when)`.
    ///
    /// # Examples
    /// ```
    /// bowerbird::run(async {
    ///     let mut sleep = bowerbird::sleep(std::time::Duration::MAX);
    ///     let deadline = bowerbird::time::now() + std::time::Duration::from_millis(1);
    ///     sleep.reset(deadline);
    ///     (&mut sleep).await;
    ///     assert!(bowerbird::time::now() >= deadline);
    /// });
    /// ```
    pub fn reset(&mut self, deadline: Instant) {
        self.deadline = deadline;
        let place = self.place();
        match std::mem::replace(&mut self.state, State::Fresh) {
            State::Pending => {}
            // It was polled, and looks as if it was not from now on.
            State::Done => {
                self.call = Call::None;
                return;
            }
            State::Ahead | State::Fresh | State::Yield => return,
        }
        let moved = current::with_timers(self.timers, |timers, home| {
            timers.reschedule(place, home, deadline)
        });
        // If it has been fired, the wake that is under way makes the task poll, and that registers.
        if let Some(attempt) = moved.flatten() {
            self.note_attempt(attempt);
        }
    }

    /// Gives it a deadline that far from now, by its own runtime's clock.
    #[doc(hidden)]
    pub fn restart(&mut self, duration: Duration) {
        self.reset(far_future(self.now(), duration));
    }

    /// Waits for the deadline; what [`Future::poll`] does, for an unpinned reference.
    pub fn poll_elapsed(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        if self.was_suspended && poll_context::is_offered() {
            poll_context::yield_now(cx);
            return self.suspend(0);
        }
        let Poll::Ready(proceed) = poll_context::poll_proceed(cx) else {
            return self.suspend(0);
        };
        let verdict = match self.state {
            State::Done => Verdict::Ready,
            State::Yield => {
                self.state = State::Done;
                poll_context::yield_now(cx);
                Verdict::Pending(0)
            }
            State::Pending => self.look(cx),
            State::Ahead => self.register(cx),
            State::Fresh if self.now() >= self.deadline => Verdict::Ready,
            State::Fresh => self.register(cx),
        };
        match verdict {
            Verdict::Pending(deadline_ns) => self.suspend(deadline_ns),
            Verdict::Ready => {
                self.state = State::Done;
                self.was_suspended = false;
                proceed.made_progress();
                Poll::Ready(())
            }
        }
    }

    /// Waits for the deadline of a scope: whatever budget is left, for what is polled inside the scope may have used
    /// it up, at each poll. A scope without any time is due at once: the turn that a sleep of no time gives the
    /// others is not for what the scope holds.
    pub fn poll_due(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        if self.state == State::Yield {
            self.state = State::Fresh;
        }
        poll_context::unconstrained(|| self.poll_elapsed(cx))
    }

    #[inline]
    fn suspend(&mut self, deadline_ns: u64) -> Poll<()> {
        self.was_suspended = true;
        poll_context::note_wait("sleep", deadline_ns, Some(self.location));
        Poll::Pending
    }

    /// The time of its own runtime's clock.
    pub(crate) fn now(&self) -> Instant {
        let now = current::with_timers(self.timers, |timers, _| timers.clock().now());
        now.unwrap_or_else(current::system_now)
    }

    /// Puts an entry into a wheel, unless the deadline has passed.
    fn register(&mut self, cx: &mut Context<'_>) -> Verdict {
        let (deadline, waker) = (self.deadline, cx.waker().clone());
        let attempt = current::with_timers(self.timers, |timers, home| {
            // A paused clock has not moved by itself, so it can be trusted to the nanosecond, cheaply.
            let clock = timers.clock();
            if clock.is_paused() && clock.now() >= deadline {
                return Err(waker);
            }
            Ok(timers.insert(home, deadline, waker))
        });
        match attempt {
            Some(Ok(attempt)) => self.note_attempt(attempt),
            Some(Err(unused)) => {
                drop(unused);
                Verdict::Ready
            }
            // A runtime that is gone wakes nobody.
            None => Verdict::Pending(0),
        }
    }

    /// Remembers what an attempt to have an entry came to.
    #[inline]
    fn note_attempt(&mut self, attempt: Attempt) -> Verdict {
        match attempt.outcome {
            Inserted::Pending(Key { index, stamp }) => {
                (self.index, self.stamp, self.wheel) = (index, stamp, attempt.wheel as u32);
                self.state = State::Pending;
                if attempt.is_earlier {
                    self.notify_earlier();
                }
                Verdict::Pending(attempt.deadline_ns)
            }
            Inserted::Passed(_unused) => Verdict::Ready,
            Inserted::ShutDown(_unused) => Verdict::Pending(0),
        }
    }

    #[cold]
    fn notify_earlier(&self) {
        // Not inside `with_timers`: this is code of others.
        if let Some(timers) = current::find(self.timers) {
            timers.notify_earlier();
        }
    }

    /// Looks after its entry.
    fn look(&mut self, cx: &mut Context<'_>) -> Verdict {
        if self.now() >= self.deadline {
            self.withdraw();
            return Verdict::Ready;
        }
        match self.find(cx.waker()) {
            Some(Found::Fired) => Verdict::Ready,
            Some(Found::Same(deadline_ns)) => Verdict::Pending(deadline_ns),
            Some(Found::Other(deadline_ns)) => self.replace_waker(cx, deadline_ns),
            Some(Found::ShutDown) | None => Verdict::Pending(0),
        }
    }

    fn find(&self, waker: &Waker) -> Option<Found> {
        let place = self.place();
        current::with_timers(self.timers, |timers, _| timers.look(place, waker))
    }

    #[cold]
    fn replace_waker(&mut self, cx: &mut Context<'_>, deadline_ns: u64) -> Verdict {
        let (place, waker) = (self.place(), cx.waker().clone());
        let old = current::with_timers(self.timers, |timers, _| timers.replace_waker(place, waker));
        let is_gone = matches!(old, Some(Err(_)));
        drop(old);
        // Gone since the look: fired, and the old waker was the one woken; or shut down.
        if is_gone && self.find(cx.waker()) == Some(Found::Fired) {
            return Verdict::Ready;
        }
        Verdict::Pending(deadline_ns)
    }

    /// It is dropped, and no poll got as far as its deadline.
    #[cold]
    fn report_unpolled(&self) {
        if let Some(call) = self.call.name().filter(|_| !self.was_suspended) {
            debug::report_never_awaited(call, self.location);
        }
    }

    /// Removes its entry, if it has one.
    #[inline]
    fn withdraw(&mut self) {
        if self.state == State::Pending {
            let place = self.place();
            self.state = State::Fresh;
            drop(current::with_timers(self.timers, |timers, _| timers.remove(place)));
        }
    }

    #[inline]
    fn place(&self) -> Place {
        Place { wheel: self.wheel as usize, key: Key { index: self.index, stamp: self.stamp } }
    }
}

impl Future for Sleep {
    type Output = ();

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        self.get_mut().poll_elapsed(cx)
    }
}

impl CancelSafe for Sleep {}

impl Drop for Sleep {
    #[inline]
    fn drop(&mut self) {
        match self.state {
            State::Pending => self.withdraw(),
            State::Done => {}
            State::Ahead | State::Fresh | State::Yield => {
                if debug::is_on() {
                    self.report_unpolled();
                }
            }
        }
    }
}

impl fmt::Debug for Sleep {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sleep")
            .field("deadline", &self.deadline)
            .field("state", &self.state)
            .field("location", &self.location)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
bowerbird_base::model_or_real! { {} { mod tests; } }
