//! How a case becomes figures: throughput, latencies, memory, and the rest.

use std::io::{self, Write};
use std::process;
use std::time::Duration;

use bowerbird_benches::cases::{
    Case, Wait, busy_when_ticking, bytes_per_task, lateness, longest_wait, mixed_load,
    uneven_efficiency,
};
use bowerbird_benches::machine::cpu_time;
use bowerbird_benches::primitives::Primitives;
use bowerbird_benches::runtimes::Runtime;
use bowerbird_benches::sync_cases::SyncCase;

use crate::allocations;

/// How many tasks wait at once.
const WAITING_COUNT: u64 = 1_000_000;

/// What runs for a time has at least so much of it.
const LEAST: Duration = Duration::from_millis(500);

/// Says a figure to the parent.
pub(crate) fn print(metric: &str, value: f64) {
    println!("{metric} {value}");
}

/// How often a batch that takes `batch` fits into `budget`.
fn count_in(budget: Duration, batch: Duration) -> u64 {
    (budget.as_nanos() / batch.as_nanos().max(1)).max(1) as u64
}

pub(crate) fn throughput<R: Runtime, C: Case>(workers: usize, budget: Duration) {
    repeated::<R, _>(workers, budget, C::OPERATIONS, C::batches::<R>);
}

pub(crate) fn sync<P: Primitives, C: SyncCase>(workers: usize, budget: Duration) {
    repeated::<P::Runtime, _>(workers, budget, C::OPERATIONS, C::batches::<P>);
}

/// Measures what is done so often as it is asked for; a figure is that of one of `operations`.
fn repeated<R: Runtime, F>(
    workers: usize,
    budget: Duration,
    operations: u64,
    batches: impl Fn(u64) -> F + Send + 'static,
) where
    F: Future<Output = Duration> + Send,
{
    let (count, wall, cpu, allocations) = R::run(workers, async move {
        // The first batch pays for pages and caches; the second says how long one takes.
        let first = batches(1).await;
        let mut count = 1;
        if first < budget {
            let batch = batches(1).await;
            batches(count_in(budget / 5, batch)).await;
            count = count_in(budget, batch);
        }
        let cpu_before = cpu_time();
        let wall = batches(count).await;
        let cpu = cpu_time() - cpu_before;
        let before = allocations::start();
        batches(1).await;
        (count, wall, cpu, allocations::stop() - before)
    });
    let all = (count * operations) as f64;
    print("wall", wall.as_nanos() as f64 / all);
    print("cpu", cpu.as_nanos() as f64 / all);
    print("allocations", allocations as f64 / operations as f64);
}

/// Measures the latencies of what takes about `each` with what comes between.
pub(crate) fn latency<R: Runtime, F>(
    workers: usize,
    budget: Duration,
    each: Duration,
    latencies: impl Fn(u64) -> F + Send + 'static,
) where
    F: Future<Output = Vec<Duration>> + Send,
{
    let count = count_in(budget, each);
    let (all, cpu) = R::run(workers, async move {
        latencies(count / 5 + 1).await;
        let cpu_before = cpu_time();
        let all = latencies(count).await;
        (all, cpu_time() - cpu_before)
    });
    percentiles(all, &[("p50", 500), ("p99", 990)]);
    print("cpu", cpu.as_nanos() as f64 / count as f64);
}

/// Prints what so many in a thousand do not exceed, in microseconds.
fn percentiles(mut all: Vec<Duration>, of: &[(&str, usize)]) {
    all.sort_unstable();
    for &(name, permille) in of {
        print(name, percentile(&all, permille).as_nanos() as f64 / 1e3);
    }
}

pub(crate) fn percentile<T: Copy>(sorted: &[T], permille: usize) -> T {
    sorted[(sorted.len() - 1) * permille / 1000]
}

pub(crate) fn memory<R: Runtime, W: Wait>(workers: usize) {
    R::run(workers, async {
        print("memory", bytes_per_task::<R, W>(WAITING_COUNT).await);
        // A million tasks wait for ever: the end of the process is the end of them.
        io::stdout().flush().expect("the parent reads");
        process::exit(0)
    })
}

pub(crate) fn timer_lateness<R: Runtime>(workers: usize, budget: Duration) {
    let all = R::run(workers, lateness::<R>(budget.max(LEAST)));
    percentiles(all, &[("p50", 500), ("p99", 990)]);
}

pub(crate) fn idle_ticker<R: Runtime>(workers: usize, budget: Duration) {
    print("busy", R::run(workers, busy_when_ticking::<R>(budget.max(LEAST))));
}

pub(crate) fn uneven<R: Runtime>(workers: usize, budget: Duration) {
    print("efficiency", R::run(workers, uneven_efficiency::<R>(workers, budget)));
}

pub(crate) fn mixed<R: Runtime>(workers: usize, budget: Duration) {
    let all = R::run(workers, mixed_load::<R>(budget.max(2 * LEAST)));
    percentiles(all, &[("p50", 500), ("p99", 990), ("p99.9", 999)]);
}

pub(crate) fn fairness<R: Runtime>(workers: usize) {
    print("polls", R::run(workers, longest_wait::<R>()) as f64);
}
