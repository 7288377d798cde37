//! What a task that waits costs in resident memory.
//!
//! # Ordering arguments
//! - `[ORD-1]` only a number of tasks is learnt from it, nothing that they wrote.

use std::future::Future;
use std::pin::Pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use crate::machine::resident_bytes;
use crate::runtimes::Runtime;

/// How many are spawned before they are let run, so that queues stay small.
const BURST: u64 = 1_000;
/// Longer than any measurement.
const LONG: Duration = Duration::from_secs(3_600);

static WAITING_COUNT: AtomicU64 = AtomicU64::new(0);

fn count_one() {
    // [ORD-1]
    WAITING_COUNT.fetch_add(1, Ordering::Relaxed);
}

/// What the tasks wait for.
pub trait Wait: 'static {
    /// Counts itself in its first poll, and does not end.
    fn wait<R: Runtime>() -> impl Future<Output = ()> + Send + 'static;
}

/// A future of 64 bytes that waits for ever and, like every leaf, keeps the waker.
pub struct Parked {
    waker: Option<Waker>,
    _local_variables: [u8; 48],
}

const _: () = assert!(size_of::<Parked>() == 64);

impl Future for Parked {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        if self.waker.is_none() {
            self.waker = Some(cx.waker().clone());
            count_one();
        }
        Poll::Pending
    }
}

impl Wait for Parked {
    fn wait<R: Runtime>() -> impl Future<Output = ()> + Send + 'static {
        Self { waker: None, _local_variables: [0; 48] }
    }
}

/// The runtime's own sleep, and nothing else in the future.
pub struct Sleeping;

impl Wait for Sleeping {
    async fn wait<R: Runtime>() {
        count_one();
        R::sleep(LONG).await;
    }
}

/// Lets `count` tasks wait and tells how much the process has grown, for each. The tasks never end: the
/// caller leaves the process.
pub async fn bytes_per_task<R: Runtime, W: Wait>(count: u64) -> f64 {
    spawn::<R, W>(BURST).await;
    let before = resident_bytes();
    spawn::<R, W>(count).await;
    (resident_bytes() - before) as f64 / count as f64
}

async fn spawn<R: Runtime, W: Wait>(count: u64) {
    // [ORD-1]
    let goal = WAITING_COUNT.load(Ordering::Relaxed) + count;
    let mut left = count;
    while left > 0 {
        for _ in 0..left.min(BURST) {
            R::spawn_detached(W::wait::<R>());
        }
        left -= left.min(BURST);
        // [ORD-1]
        while WAITING_COUNT.load(Ordering::Relaxed) + left < goal {
            R::yield_now().await;
        }
    }
}
