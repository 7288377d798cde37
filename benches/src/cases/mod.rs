//! The cases, one file each. What a case asks is said in the benchmark file of the same name.

use std::future::Future;
use std::time::{Duration, Instant};

use crate::runtimes::Runtime;

mod chained_spawn;
mod countdown;
mod fib;
mod gather;
mod memory;
mod ping_pong;
mod spawn_await_one;
mod spawn_many;
mod timer_churn;
mod wake_latency;
mod yield_many;

pub use chained_spawn::ChainedSpawn;
pub use fib::Fib;
pub use gather::Gather1000;
pub use memory::bytes_per_parked_task;
pub use ping_pong::PingPong;
pub use spawn_await_one::SpawnAwaitOne;
pub use spawn_many::SpawnManyLocal;
pub use timer_churn::TimerChurn;
pub use wake_latency::{WakeLatency, latencies};
pub use yield_many::YieldMany;

/// A piece of work that is repeated as often as the measurement needs.
pub trait Case: 'static {
    /// What the reports call it.
    const NAME: &'static str;
    /// How many operations one batch counts as.
    const OPERATIONS: u64;

    /// Does the work once. Runs in a task, on a worker.
    fn batch<R: Runtime>() -> impl Future<Output = ()> + Send;

    /// Does the work `count` times and tells how long that took.
    fn batches<R: Runtime>(count: u64) -> impl Future<Output = Duration> + Send {
        async move {
            let start = Instant::now();
            for _ in 0..count {
                Self::batch::<R>().await;
            }
            start.elapsed()
        }
    }
}
