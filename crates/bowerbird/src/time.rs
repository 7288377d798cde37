//! Sleeps, intervals, and the clock that they follow.
//!
//! asyncio: `sleep`, `loop.time()`. Durations up to `Duration::MAX` and instants in the past are fine.

mod delay_queue;

pub use bowerbird_timer::{
    Interval, MissedTickBehavior, Sleep, Tick, interval, interval_at, now, sleep, sleep_until,
};
pub use delay_queue::{DelayKey, DelayQueue, Expired, NextExpired};

use std::time::Duration;

use crate::runtime::driver;
use crate::yield_now;

/// Stops the clock of this runtime: time passes only by [`advance`].
///
/// asyncio: no counterpart; tests replace the loop's `time()` there.
///
/// With one worker, a paused clock moves by itself to the next deadline when nothing else can happen: no
/// task is ready, no event is there, no blocking work is going on. So a test of an hour's sleep takes no
/// time. With several workers only [`advance`] moves it.
///
/// # Panics
/// Outside a runtime.
///
/// # Examples
/// ```
/// use std::time::Duration;
/// bowerbird::Runner::builder().worker_threads(1).start_paused(true).build().unwrap().run(async {
///     let start = bowerbird::time::now();
///     bowerbird::sleep(Duration::from_secs(3_600)).await;
///     assert_eq!(bowerbird::time::now() - start, Duration::from_secs(3_600));
/// }).unwrap();
/// ```
#[track_caller]
pub fn pause() {
    driver::expect_current("pause").timers().clock().pause();
}

/// Lets a paused clock run on from the time that it shows.
///
/// asyncio: no counterpart.
///
/// # Panics
/// Outside a runtime.
///
/// # Examples
/// ```
/// use bowerbird::time;
/// use std::time::Duration;
/// bowerbird::run(async {
///     time::pause();
///     let shown = time::now();
///     time::resume();
///     bowerbird::sleep(Duration::from_millis(1)).await;
///     assert!(time::now() >= shown + Duration::from_millis(1));
/// });
/// ```
#[track_caller]
pub fn resume() {
    driver::expect_current("resume").timers().clock().resume();
}

/// Moves a paused clock forward, wakes what is due, and lets it run once.
///
/// asyncio: no counterpart. The clock moves at the call, the others run at the await.
///
/// # Cancel safety
/// The clock has moved even if the future is dropped at its await.
///
/// # Panics
/// Outside a runtime; if the clock is not paused.
///
/// # Examples
/// ```
/// use bowerbird::time;
/// use std::time::Duration;
/// let mut runner = bowerbird::Runner::builder().worker_threads(1).start_paused(true).build().unwrap();
/// runner.run(async {
///     let task = bowerbird::spawn(bowerbird::sleep(Duration::from_secs(60)));
///     bowerbird::yield_now().await;
///     time::advance(Duration::from_secs(60)).await;
///     assert!(task.done());
/// }).unwrap();
/// ```
#[track_caller]
pub fn advance(step: Duration) -> impl Future<Output = ()> + Send {
    let driver = driver::expect_current("advance");
    assert!(
        driver.timers().clock().advance(step),
        "advance() was called while the clock runs; call `bowerbird::time::pause()` first"
    );
    driver.fire_all();
    async move {
        yield_now().await;
    }
}
