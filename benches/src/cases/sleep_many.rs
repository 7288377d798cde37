//! 100,000 tasks sleep for 1 to 100 milliseconds, once each.

use std::time::Duration;

use super::Case;
use super::countdown::Countdown;
use crate::runtimes::Runtime;

static RUNNING: Countdown = Countdown::new();

/// See `benches/sleep_many.rs`.
pub struct SleepMany;

impl Case for SleepMany {
    const NAME: &'static str = "sleep_many";
    const OPERATIONS: u64 = 100_000;

    async fn batch<R: Runtime>() {
        RUNNING.start(Self::OPERATIONS);
        for index in 0..Self::OPERATIONS {
            // All lengths alike, but not one after the other: 37 and 100 have no common divisor.
            let length = Duration::from_millis(1 + index * 37 % 100);
            R::spawn_detached(async move {
                R::sleep(length).await;
                RUNNING.count_down();
            });
        }
        RUNNING.wait().await;
    }
}
