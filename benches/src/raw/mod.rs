//! The floor: what a case costs without any runtime, where that is a question.
//!
//! A program of the least steps that the work cannot do without: an allocation and an indirect call for a task, a
//! clock read for a timer, two hand-overs between threads for a round trip. No runtime can be faster; how near
//! one comes says what is left.

use std::time::Duration;

mod single;
mod threads;

/// What the reports call it.
pub const NAME: &str = "raw";

/// How a floor is measured: for so long, saying its figures to the last.
type Floor = fn(Duration, &mut dyn FnMut(&str, f64));

/// The cases, with the numbers of workers for which there is a floor. What one thread does has one.
const FLOORS: &[(&str, &[usize], Floor)] = &[
    ("spawn_many_local", &[1], single::boxed_calls),
    ("yield_many", &[1], single::polls),
    ("timer_churn", &[1], single::timers),
    ("lock_uncontended", &[1], single::locks),
    ("lock_contended", &[1], single::locks),
    ("oneshot", &[1], single::oneshots),
    ("mpsc_1", &[1], single::channel),
    ("parked_task_memory", &[1, 2], single::memory),
    ("wake_latency", &[1, 2], threads::unparks),
    ("spawn_await_one_remote", &[1, 2], threads::round_trips),
    ("spawn_blocking", &[1, 2], threads::blocking),
    ("timer_lateness", &[2], threads::lateness),
    ("idle_ticker", &[2], threads::ticker),
    ("uneven", &[2], threads::even),
];

fn find(case: &str, workers: usize) -> Option<Floor> {
    let mut floors = FLOORS.iter();
    floors.find(|(name, of, _)| *name == case && of.contains(&workers)).map(|&(_, _, floor)| floor)
}

/// Whether this case has a floor.
pub fn has(case: &str, workers: usize) -> bool {
    find(case, workers).is_some()
}

/// Measures it, if it has one.
pub fn run(case: &str, workers: usize, budget: Duration, mut say: impl FnMut(&str, f64)) {
    if let Some(floor) = find(case, workers) {
        floor(budget, &mut say);
    }
}

/// Prints the times of one of `operations`, where `batch` does them all, as often as the budget allows.
fn repeat(
    budget: Duration,
    operations: u64,
    say: &mut dyn FnMut(&str, f64),
    mut batch: impl FnMut(),
) {
    use std::time::Instant;

    use crate::machine::cpu_time;

    batch();
    let (start, cpu_before, mut count) = (Instant::now(), cpu_time(), 0);
    while start.elapsed() < budget {
        batch();
        count += operations;
    }
    say("wall", start.elapsed().as_nanos() as f64 / count as f64);
    say("cpu", (cpu_time() - cpu_before).as_nanos() as f64 / count as f64);
}
