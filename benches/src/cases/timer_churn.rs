//! Make a sleep of ten seconds, poll it once, drop it: what every timeout that is met does.

use std::future::{Future, poll_fn};
use std::pin::pin;
use std::task::Poll;
use std::time::Duration;

use super::Case;
use crate::runtimes::Runtime;

/// See `benches/timer_churn.rs`.
pub struct TimerChurn;

impl Case for TimerChurn {
    const NAME: &'static str = "timer_churn";
    const OPERATIONS: u64 = 1_024;

    async fn batch<R: Runtime>() {
        for index in 0..Self::OPERATIONS {
            if index % R::TIMERS_A_TURN == 0 {
                R::yield_now().await;
            }
            let mut sleep = pin!(R::sleep(Duration::from_secs(10)));
            poll_fn(|cx| {
                assert!(sleep.as_mut().poll(cx).is_pending());
                Poll::Ready(())
            })
            .await;
        }
    }
}
