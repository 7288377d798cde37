//! How late a timer is, and what a runtime costs that has nothing to do but to tick.

use std::time::{Duration, Instant};

use crate::machine::cpu_time;
use crate::runtimes::Runtime;

/// How many tasks sleep at a time.
const SLEEPERS: u64 = 10;
const TICK: Duration = Duration::from_millis(1);

/// How late each of many sleeps ended, of ten tasks that sleep for 1 to 10 ms, again and again, until `budget` is
/// spent. The lengths are not whole milliseconds.
pub async fn lateness<R: Runtime>(budget: Duration) -> Vec<Duration> {
    let until = Instant::now() + budget;
    let sleepers = (0..SLEEPERS).map(|index| sleep_again::<R>(index, until)).collect();
    R::gather(sleepers).await.concat()
}

async fn sleep_again<R: Runtime>(seed: u64, until: Instant) -> Vec<Duration> {
    let mut late = Vec::new();
    let mut random = seed + 1;
    while Instant::now() < until {
        // The multiplier of Knuth's MMIX generator; the upper bits are the good ones.
        random =
            random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let length = Duration::from_micros(1_000 + (random >> 33) % 9_000);
        let deadline = Instant::now() + length;
        R::sleep(length).await;
        late.push(deadline.elapsed());
    }
    late
}

/// The CPU time, in milliseconds a second, of an otherwise idle runtime with an interval of 1 ms.
pub async fn busy_when_ticking<R: Runtime>(budget: Duration) -> f64 {
    let count = (budget.as_micros() / TICK.as_micros()) as u64;
    R::ticks(TICK, 20).await;
    let (start, before) = (Instant::now(), cpu_time());
    R::ticks(TICK, count).await;
    let busy = cpu_time() - before;
    busy.as_secs_f64() * 1e3 / start.elapsed().as_secs_f64()
}
