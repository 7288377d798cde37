//! What a parked task costs in resident memory.
//!
//! # Ordering arguments
//! - `[ORD-1]` only a number of tasks is learnt from it, nothing that they wrote.

use std::future::Future;
use std::pin::Pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll, Waker};

use crate::machine::resident_bytes;
use crate::runtimes::Runtime;

/// How many are spawned before they are let run, so that queues stay small.
const BURST: u64 = 1_000;

static PARKED_COUNT: AtomicU64 = AtomicU64::new(0);

/// A future of 64 bytes that waits for ever and, like every leaf, keeps the waker.
struct Parked {
    waker: Option<Waker>,
    _local_variables: [u8; 48],
}

const _: () = assert!(size_of::<Parked>() == 64);

impl Future for Parked {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        if self.waker.is_none() {
            self.waker = Some(cx.waker().clone());
            // [ORD-1]
            PARKED_COUNT.fetch_add(1, Ordering::Relaxed);
        }
        Poll::Pending
    }
}

/// Parks `count` tasks and tells how much the process has grown, for each. The tasks never end: the
/// caller leaves the process.
pub async fn bytes_per_parked_task<R: Runtime>(count: u64) -> f64 {
    park::<R>(BURST).await;
    let before = resident_bytes();
    park::<R>(count).await;
    (resident_bytes() - before) as f64 / count as f64
}

async fn park<R: Runtime>(count: u64) {
    // [ORD-1]
    let goal = PARKED_COUNT.load(Ordering::Relaxed) + count;
    let mut left = count;
    while left > 0 {
        for _ in 0..left.min(BURST) {
            R::spawn_detached(Parked { waker: None, _local_variables: [0; 48] });
        }
        left -= left.min(BURST);
        // [ORD-1]
        while PARKED_COUNT.load(Ordering::Relaxed) + left < goal {
            R::yield_now().await;
        }
    }
}
