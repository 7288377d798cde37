//! A thread outside wakes the one task of an idle runtime.

use std::future::{Future, poll_fn};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, Waker};
use std::thread;
use std::time::{Duration, Instant};

use super::Case;
use crate::runtimes::Runtime;

/// How long the thread leaves the runtime alone, so that its workers park.
const IDLE: Duration = Duration::from_micros(100);

/// See `benches/wake_latency.rs`.
pub struct WakeLatency;

impl Case for WakeLatency {
    const NAME: &'static str = "wake_latency";
    const OPERATIONS: u64 = 1;

    async fn batch<R: Runtime>() {
        latencies(1).await;
    }

    async fn batches<R: Runtime>(count: u64) -> Duration {
        latencies(count).await.iter().sum()
    }
}

/// The time from just before each of `count` wakes to the poll that it led to.
#[allow(clippy::manual_async_fn, reason = "every runtime's root must be Send")]
pub fn latencies(count: u64) -> impl Future<Output = Vec<Duration>> + Send {
    async move {
        let slot = Arc::new(Slot::default());
        let waking = {
            let slot = Arc::clone(&slot);
            thread::spawn(move || {
                for _ in 0..count {
                    slot.wake_when_idle();
                }
            })
        };
        let mut latencies = Vec::with_capacity(count as usize);
        for _ in 0..count {
            latencies.push(poll_fn(|cx| slot.poll_woken(cx)).await);
        }
        waking.join().expect("the waking thread ends");
        latencies
    }
}

/// Where the task leaves its waker and the thread the time of its wake.
#[derive(Default)]
struct Slot(Mutex<(Option<Waker>, Option<Instant>)>);

impl Slot {
    fn poll_woken(&self, cx: &mut Context<'_>) -> Poll<Duration> {
        let mut slot = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(woken_at) = slot.1.take() {
            return Poll::Ready(woken_at.elapsed());
        }
        slot.0 = Some(cx.waker().clone());
        Poll::Pending
    }

    fn wake_when_idle(&self) {
        loop {
            thread::sleep(IDLE);
            let mut slot = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            if let Some(waker) = slot.0.take() {
                slot.1 = Some(Instant::now());
                drop(slot);
                waker.wake();
                return;
            }
        }
    }
}
