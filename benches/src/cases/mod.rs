//! The cases, one file each. What a case asks is said in the benchmark file of the same name.

use std::future::Future;
use std::time::{Duration, Instant};

use crate::runtimes::Runtime;

mod chained_spawn;
mod countdown;
mod fairness;
mod fib;
mod gather;
mod load;
mod memory;
mod outside;
mod ping_pong;
mod skynet;
mod sleep_many;
mod spawn_await_one;
mod spawn_blocking;
mod spawn_many;
mod timer_churn;
mod timers;
mod wake_latency;
mod yield_many;

pub use chained_spawn::ChainedSpawn;
pub use fairness::longest_wait;
pub use fib::Fib;
pub use gather::Gather1000;
pub(crate) use load::{job, time_of_a_job};
pub use load::{mixed_load, uneven_efficiency};
pub use memory::{Parked, Sleeping, Wait, bytes_per_task};
pub use outside::{SpawnAwaitOneRemote, SpawnManyRemoteIdle, round_trips};
pub use ping_pong::PingPong;
pub use skynet::Skynet;
pub use sleep_many::SleepMany;
pub use spawn_await_one::SpawnAwaitOne;
pub use spawn_blocking::SpawnBlocking;
pub use spawn_many::SpawnManyLocal;
pub use timer_churn::TimerChurn;
pub use timers::{busy_when_ticking, lateness};
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
