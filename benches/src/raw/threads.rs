//! Floors between threads: parking, sleeping, a shared counter of jobs.
//!
//! # Ordering arguments
//! - `[ORD-1]` release and acquire: who waits sees what was done before; `park` and `unpark` wake.
//! - `[ORD-2]` Relaxed: each number is given once, which is all that is asked of it.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, Thread};
use std::time::{Duration, Instant};

use crate::cases::{job, time_of_a_job};
use crate::machine::cpu_time;

type Say<'a> = &'a mut dyn FnMut(&str, f64);

const IDLE: Duration = Duration::from_micros(100);

fn say_percentiles(mut all: Vec<Duration>, say: Say<'_>) {
    all.sort_unstable();
    for (name, percent) in [("p50", 50), ("p99", 99)] {
        say(name, all[(all.len() - 1) * percent / 100].as_nanos() as f64 / 1e3);
    }
}

/// A thread wakes another that has parked; how soon that one runs.
pub(super) fn unparks(budget: Duration, say: Say<'_>) {
    let woken_at = Arc::new(Mutex::new(None::<Instant>));
    let until = Instant::now() + budget;
    let waking = {
        let (woken_at, parked) = (woken_at.clone(), thread::current());
        thread::spawn(move || {
            while Instant::now() < until {
                thread::sleep(IDLE);
                *woken_at.lock().unwrap_or_else(PoisonError::into_inner) = Some(Instant::now());
                parked.unpark();
            }
        })
    };
    let (mut all, cpu_before) = (Vec::new(), cpu_time());
    while !waking.is_finished() {
        thread::park_timeout(Duration::from_millis(50));
        if let Some(at) = woken_at.lock().unwrap_or_else(PoisonError::into_inner).take() {
            all.push(at.elapsed());
        }
    }
    let count = all.len() as f64;
    say_percentiles(all, say);
    say("cpu", (cpu_time() - cpu_before).as_nanos() as f64 / count);
    waking.join().expect("the waking thread ends");
}

/// The times in which a thread that parks was asked and has answered.
fn ask_again_and_again(budget: Duration) -> Vec<Duration> {
    /// Counts questions and answers: odd is a question.
    static TURN: AtomicU64 = AtomicU64::new(0);
    const END: u64 = u64::MAX;
    fn wait_until(is_mine: impl Fn(u64) -> bool) -> u64 {
        loop {
            // [ORD-1]
            let turn = TURN.load(Ordering::Acquire);
            if is_mine(turn) {
                return turn;
            }
            thread::park();
        }
    }
    fn hand_over(turn: u64, to: &Thread) {
        // [ORD-1]
        TURN.store(turn, Ordering::Release);
        to.unpark();
    }
    let asking = thread::current();
    let answering = thread::spawn(move || {
        loop {
            let turn = wait_until(|turn| turn % 2 == 1);
            if turn == END {
                return;
            }
            hand_over(turn + 1, &asking);
        }
    });
    let (until, mut turn, mut all) = (Instant::now() + budget, 0, Vec::new());
    while Instant::now() < until {
        let start = Instant::now();
        hand_over(turn + 1, answering.thread());
        turn = wait_until(|now| now == turn + 2);
        all.push(start.elapsed());
    }
    hand_over(END, answering.thread());
    answering.join().expect("the answering thread ends");
    all
}

/// A round trip between two threads.
pub(super) fn round_trips(budget: Duration, say: Say<'_>) {
    let cpu_before = cpu_time();
    let all = ask_again_and_again(budget);
    let cpu = (cpu_time() - cpu_before).as_nanos() as f64 / all.len() as f64;
    say_percentiles(all, say);
    say("cpu", cpu);
}

/// The same, as a mean.
pub(super) fn blocking(budget: Duration, say: Say<'_>) {
    let cpu_before = cpu_time();
    let all = ask_again_and_again(budget);
    let count = all.len() as f64;
    say("wall", all.iter().sum::<Duration>().as_nanos() as f64 / count);
    say("cpu", (cpu_time() - cpu_before).as_nanos() as f64 / count);
}

/// How late a sleep of one thread ends.
pub(super) fn lateness(budget: Duration, say: Say<'_>) {
    let until = Instant::now() + budget;
    let mut all = Vec::new();
    while Instant::now() < until {
        let length = Duration::from_micros(1_000 + 370 * (all.len() as u64 % 20));
        let deadline = Instant::now() + length;
        thread::sleep(length);
        all.push(deadline.elapsed());
    }
    say_percentiles(all, say);
}

/// A thread that sleeps until the next millisecond, again and again.
pub(super) fn ticker(budget: Duration, say: Say<'_>) {
    const TICK: Duration = Duration::from_millis(1);
    let (start, cpu_before) = (Instant::now(), cpu_time());
    let mut next = start;
    while start.elapsed() < budget {
        next += TICK;
        thread::sleep(next.saturating_duration_since(Instant::now()));
    }
    say("busy", (cpu_time() - cpu_before).as_secs_f64() * 1e3 / start.elapsed().as_secs_f64());
}

/// Two threads that take jobs from one counter: what the machine gives, evenly spread.
pub(super) fn even(budget: Duration, say: Say<'_>) {
    const JOBS: u64 = 1_000;
    let each = time_of_a_job();
    let (start, mut batches) = (Instant::now(), 0);
    let next = AtomicU64::new(0);
    let take = |until: u64| {
        // [ORD-2]
        while next.fetch_add(1, Ordering::Relaxed) < until {
            job();
        }
    };
    while start.elapsed() < budget {
        // As many at a time as a batch of the case has; threads are too dear to start for fewer.
        // [ORD-2]
        next.store(0, Ordering::Relaxed);
        thread::scope(|scope| {
            scope.spawn(|| take(10 * JOBS));
            take(10 * JOBS);
        });
        batches += 10;
    }
    let work = each.as_secs_f64() * (batches * JOBS) as f64;
    say("efficiency", work / (start.elapsed().as_secs_f64() * 2.0));
}
