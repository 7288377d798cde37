//! Ticks at a fixed period.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use bowerbird_base::cancel_safe::CancelSafe;
use bowerbird_base::clock::far_future;

use crate::current;
use crate::sleep::{Call, Sleep};

/// A tick is missed if it is taken later than this, or later than half a period.
const TOLERANCE: Duration = Duration::from_millis(5);
const NANOS_PER_SEC: u128 = 1_000_000_000;

/// Ticks every `period`, the first time at once.
///
/// asyncio: no counterpart; `while True: ...; await asyncio.sleep(period)` drifts by the time its body
/// takes, this does not.
///
/// # Panics
/// If `period` is zero, or outside a runtime; at the call.
///
/// # Examples
/// ```
/// use std::time::Duration;
///
/// bowerbird::run(async {
///     let mut heartbeat = bowerbird::interval(Duration::from_millis(5));
///     let first = heartbeat.tick().await; // at once
///     let second = heartbeat.tick().await; // 5 ms later
///     assert_eq!(second - first, Duration::from_millis(5));
/// });
/// ```
#[track_caller]
pub fn interval(period: Duration) -> Interval {
    check_period("interval", period);
    Interval::new(Sleep::for_caller("interval", current::now(), Call::None), period)
}

/// Ticks every `period`, the first time at `start`.
///
/// asyncio: no counterpart; see [`interval`].
///
/// # Panics
/// If `period` is zero, or outside a runtime; at the call.
///
/// # Examples
/// ```
/// use std::time::Duration;
///
/// bowerbird::run(async {
///     let start = bowerbird::time::now() + Duration::from_millis(5);
///     let mut heartbeat = bowerbird::interval_at(start, Duration::from_secs(60));
///     assert_eq!(heartbeat.tick().await, start);
/// });
/// ```
#[track_caller]
pub fn interval_at(start: Instant, period: Duration) -> Interval {
    check_period("interval_at", period);
    Interval::new(Sleep::for_caller("interval_at", start, Call::None), period)
}

#[track_caller]
fn check_period(call: &str, period: Duration) {
    assert!(
        !period.is_zero(),
        "{call}() was called with a period of {period:?}. Pass a period longer than zero, such as \
         `Duration::from_millis(1)`; to run again after everything else that is ready, await `yield_now()`"
    );
}

/// What an [`Interval`] does after a tick that was taken too late.
///
/// A tick is too late if more than 5 ms have passed since it was due, or more than half a period.
/// With a period of 50 ms and work of 120 ms after the tick at 0, the ticks are taken at
///
/// | behaviour | ticks taken at (ms) |
/// |---|---|
/// | `Burst` | 0, 120, 120, 150, 200, 250 |
/// | `Delay` | 0, 120, 170, 220, 270 |
/// | `Skip` | 0, 120, 150, 200, 250 |
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub enum MissedTickBehavior {
    /// Ticks without waiting until it has caught up: the number of ticks is right.
    #[default]
    Burst,
    /// Waits a full period from the late tick on: ticks are never closer than a period.
    Delay,
    /// Leaves out what was missed: ticks stay at multiples of the period after the start.
    Skip,
}

impl MissedTickBehavior {
    /// The tick after the one that was due at `tick` and taken at `now`.
    fn next(self, tick: Instant, now: Instant, period: Duration) -> Instant {
        let late = now.saturating_duration_since(tick);
        if late <= TOLERANCE.min(period / 2) {
            return far_future(tick, period);
        }
        match self {
            Self::Burst => far_future(tick, period),
            Self::Delay => far_future(now, period),
            Self::Skip => far_future(now, period - remainder(late, period)),
        }
    }
}

/// `late` modulo `period`.
fn remainder(late: Duration, period: Duration) -> Duration {
    let nanos = late.as_nanos() % period.as_nanos();
    // Less than `period`, so the seconds fit.
    let secs = u64::try_from(nanos / NANOS_PER_SEC).unwrap_or(u64::MAX);
    Duration::new(secs, (nanos % NANOS_PER_SEC) as u32)
}

/// Ticks at a fixed period; see [`interval`].
///
/// asyncio: no counterpart.
///
/// # Cancel safety
/// A tick that is dropped before it is ready is not lost: the next one waits for the same instant.
pub struct Interval {
    sleep: Sleep,
    period: Duration,
    missed_tick_behavior: MissedTickBehavior,
}

impl Interval {
    fn new(sleep: Sleep, period: Duration) -> Self {
        Self { sleep, period, missed_tick_behavior: MissedTickBehavior::default() }
    }

    /// Waits for the next tick and gives the instant at which it was due.
    ///
    /// # Cancel safety
    /// Nothing is lost: the next call waits for the same tick.
    ///
    /// # Examples
    /// ```
    /// use std::time::Duration;
    ///
    /// bowerbird::run(async {
    ///     let mut heartbeat = bowerbird::interval(Duration::from_millis(5));
    ///     let mut ticks = Vec::new();
    ///     for _ in 0..3 {
    ///         ticks.push(heartbeat.tick().await);
    ///     }
    ///     assert_eq!(ticks[2] - ticks[0], Duration::from_millis(10));
    /// });
    /// ```
    pub fn tick(&mut self) -> Tick<'_> {
        Tick { interval: self }
    }

    /// Waits for the next tick, in the form of a poll.
    ///
    /// # Examples
    /// ```
    /// use std::time::Duration;
    ///
    /// bowerbird::run(async {
    ///     let mut heartbeat = bowerbird::interval(Duration::from_millis(5));
    ///     let tick = std::future::poll_fn(|cx| heartbeat.poll_tick(cx)).await;
    ///     assert!(tick <= bowerbird::time::now());
    /// });
    /// ```
    pub fn poll_tick(&mut self, cx: &mut Context<'_>) -> Poll<Instant> {
        if self.sleep.poll_elapsed(cx).is_pending() {
            return Poll::Pending;
        }
        let tick = self.sleep.deadline();
        let next = self.missed_tick_behavior.next(tick, self.sleep.now(), self.period);
        self.sleep.reset(next);
        Poll::Ready(tick)
    }

    /// Lets the next tick come one period from now.
    ///
    /// # Examples
    /// ```
    /// use std::time::Duration;
    ///
    /// bowerbird::run(async {
    ///     let mut heartbeat = bowerbird::interval(Duration::from_millis(5));
    ///     heartbeat.tick().await;
    ///     let before = bowerbird::time::now();
    ///     heartbeat.reset();
    ///     assert!(heartbeat.tick().await >= before + heartbeat.period());
    /// });
    /// ```
    pub fn reset(&mut self) {
        self.reset_after(self.period);
    }

    /// Lets the next tick come at once.
    ///
    /// # Examples
    /// ```
    /// use std::time::Duration;
    ///
    /// bowerbird::run(async {
    ///     let mut heartbeat = bowerbird::interval(Duration::from_millis(3_600_000));
    ///     heartbeat.tick().await;
    ///     heartbeat.reset_immediately();
    ///     assert!(heartbeat.tick().await <= bowerbird::time::now());
    /// });
    /// ```
    pub fn reset_immediately(&mut self) {
        self.sleep.reset(self.sleep.now());
    }

    /// Lets the next tick come after that time, later ones each a period after it.
    ///
    /// # Examples
    /// ```
    /// use std::time::Duration;
    ///
    /// bowerbird::run(async {
    ///     let mut heartbeat = bowerbird::interval(Duration::from_millis(3_600_000));
    ///     heartbeat.tick().await;
    ///     let before = bowerbird::time::now();
    ///     heartbeat.reset_after(Duration::from_millis(1));
    ///     assert!(heartbeat.tick().await >= before + Duration::from_millis(1));
    /// });
    /// ```
    pub fn reset_after(&mut self, after: Duration) {
        self.sleep.reset(far_future(self.sleep.now(), after));
    }

    /// Lets the next tick come at that instant, later ones each a period after it.
    ///
    /// # Examples
    /// ```
    /// use std::time::Duration;
    ///
    /// bowerbird::run(async {
    ///     let mut heartbeat = bowerbird::interval(Duration::from_millis(3_600_000));
    ///     heartbeat.tick().await;
    ///     let at = bowerbird::time::now() + Duration::from_millis(1);
    ///     heartbeat.reset_at(at);
    ///     assert_eq!(heartbeat.tick().await, at);
    /// });
    /// ```
    pub fn reset_at(&mut self, deadline: Instant) {
        self.sleep.reset(deadline);
    }

    /// The time between two ticks.
    ///
    /// # Examples
    /// ```
    /// use std::time::Duration;
    ///
    /// bowerbird::run(async {
    ///     let heartbeat = bowerbird::interval(Duration::from_secs(1));
    ///     assert_eq!(heartbeat.period(), Duration::from_secs(1));
    /// });
    /// ```
    pub fn period(&self) -> Duration {
        self.period
    }

    /// What happens after a tick that was taken too late.
    ///
    /// # Examples
    /// ```
    /// use std::time::Duration;
    /// use bowerbird::time::MissedTickBehavior;
    ///
    /// bowerbird::run(async {
    ///     let heartbeat = bowerbird::interval(Duration::from_secs(1));
    ///     assert_eq!(heartbeat.missed_tick_behavior(), MissedTickBehavior::Burst);
    /// });
    /// ```
    pub fn missed_tick_behavior(&self) -> MissedTickBehavior {
        self.missed_tick_behavior
    }

    /// Sets what happens after a tick that was taken too late.
    ///
    /// # Examples
    /// ```
    /// use std::time::Duration;
    /// use bowerbird::time::{self, MissedTickBehavior};
    ///
    /// // With one worker and a paused clock, time passes only where this says so.
    /// let mut runner = bowerbird::Runner::builder().worker_threads(1).start_paused(true).build().unwrap();
    /// runner.run(async {
    ///     let mut heartbeat = bowerbird::interval(Duration::from_secs(1));
    ///     heartbeat.set_missed_tick_behavior(MissedTickBehavior::Skip);
    ///     let first = heartbeat.tick().await;
    ///     time::advance(Duration::from_millis(2_500)).await;
    ///     assert_eq!(heartbeat.tick().await - first, Duration::from_secs(1)); // late
    ///     assert_eq!(heartbeat.tick().await - first, Duration::from_secs(3)); // 2 was left out
    /// }).unwrap();
    /// ```
    pub fn set_missed_tick_behavior(&mut self, behavior: MissedTickBehavior) {
        self.missed_tick_behavior = behavior;
    }
}

impl fmt::Debug for Interval {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Interval")
            .field("next", &self.sleep.deadline())
            .field("period", &self.period)
            .field("missed_tick_behavior", &self.missed_tick_behavior)
            .finish_non_exhaustive()
    }
}

/// A future that waits for a tick; see [`Interval::tick`].
///
/// asyncio: no counterpart.
///
/// # Cancel safety
/// Nothing is lost if it is dropped: the next one waits for the same tick.
#[derive(Debug)]
#[must_use = "a tick does nothing unless it is awaited"]
pub struct Tick<'a> {
    interval: &'a mut Interval,
}

impl Future for Tick<'_> {
    type Output = Instant;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Instant> {
        self.get_mut().interval.poll_tick(cx)
    }
}

impl CancelSafe for Tick<'_> {}

#[cfg(test)]
bowerbird_base::model_or_real! { {} { mod tests; } }
