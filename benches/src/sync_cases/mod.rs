//! The cases about locks and channels, written once for every library.

use std::future::Future;
use std::time::{Duration, Instant};

use crate::primitives::{Kind, Primitives};
use crate::runtimes::Runtime;

mod channels;
mod to_all;
mod waits;

pub use channels::{Mpsc1, Mpsc8, TokenPass};
pub use to_all::{Broadcast1, Broadcast1000, Watch1, Watch1000};
pub use waits::{
    EventBroadcast, LockContended, LockHandOver, LockUncontended, Oneshot, SemaphoreWaits,
};

/// A piece of work that is repeated as often as the measurement needs.
pub trait SyncCase: 'static {
    /// What the reports call it.
    const NAME: &'static str;
    /// Which libraries are compared.
    const KIND: Kind;
    /// How many operations one batch counts as.
    const OPERATIONS: u64;

    /// Does the work once. Runs in a task, on a worker.
    fn batch<P: Primitives>() -> impl Future<Output = ()> + Send;

    /// Does the work `count` times and tells how long that took.
    fn batches<P: Primitives>(count: u64) -> impl Future<Output = Duration> + Send {
        async move {
            let start = Instant::now();
            for _ in 0..count {
                Self::batch::<P>().await;
            }
            start.elapsed()
        }
    }
}

/// Spawns `count` tasks and waits for all.
async fn together<P, F>(count: usize, task: impl Fn(usize) -> F + Send)
where
    P: Primitives,
    F: Future<Output = ()> + Send + 'static,
{
    P::Runtime::gather((0..count).map(task).collect()).await;
}
