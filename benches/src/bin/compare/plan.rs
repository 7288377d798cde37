//! What is measured, and in which order.

use std::fmt;
use std::time::Duration;

use bowerbird_benches::primitives::{self, Kind};

use crate::args::Args;
use crate::go;

/// The cases, in the order of the report.
pub(crate) const CASES: &[&str] = &[
    "spawn_many_local",
    "chained_spawn",
    "spawn_await_one",
    "gather_1000",
    "fib",
    "yield_many",
    "ping_pong",
    "token_pass",
    "wake_latency",
    "timer_churn",
    "tcp_echo",
    "udp_echo",
    "parked_task_memory",
    "idle_connection_memory",
    "lock_uncontended",
    "lock_contended",
    "lock_hand_over",
    "semaphore",
    "event_broadcast",
    "oneshot",
    "mpsc_1",
    "mpsc_8",
    "watch_1",
    "watch_1000",
    "broadcast_1",
    "broadcast_1000",
];

/// Who is measured with a case: ours first, then the peers.
pub(crate) fn contenders(case: &str) -> Vec<&'static str> {
    let mut names = primitives::names(match case.split('_').next() {
        Some("mpsc" | "token") => Kind::Channels,
        Some("watch") => Kind::Watches,
        Some("broadcast") => Kind::Broadcasts,
        _ => Kind::Waits,
    });
    if go::has(case) {
        names.push(go::NAME);
    }
    names
}

/// One process.
#[derive(Clone, Debug)]
pub(crate) struct Measurement {
    pub(crate) runtime: String,
    pub(crate) case: &'static str,
    pub(crate) workers: usize,
    /// How long it may measure.
    pub(crate) budget: Duration,
}

impl Measurement {
    /// The command line that the program gives itself for it.
    pub(crate) fn to_args(&self) -> [String; 5] {
        [
            "--child".to_owned(),
            self.runtime.clone(),
            self.case.to_owned(),
            self.workers.to_string(),
            self.budget.as_millis().to_string(),
        ]
    }
}

impl fmt::Display for Measurement {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let plural = if self.workers == 1 { "" } else { "s" };
        write!(f, "{}, {} worker{plural}, {}", self.case, self.workers, self.runtime)
    }
}

/// All measurements of a run: for each case and number of workers the rounds, in each round all
/// runtimes, a different one first each time.
pub(crate) fn interleave(args: &Args) -> Vec<Measurement> {
    let mut measurements = Vec::new();
    let cases = if args.cases.is_empty() { CASES } else { &args.cases };
    for &case in cases {
        for workers in args.workers.map_or_else(|| vec![1, 2], |workers| vec![workers]) {
            for round in 0..rounds(case, args.quick) {
                let names = contenders(case);
                for index in 0..names.len() {
                    let name = names[(round + index) % names.len()];
                    measurements.push(Measurement {
                        runtime: name.to_owned(),
                        case,
                        workers,
                        budget: Duration::from_millis(if args.quick { 150 } else { 700 }),
                    });
                }
            }
        }
    }
    measurements
}

fn rounds(case: &str, quick: bool) -> usize {
    match (case, quick) {
        // The figure hardly varies, and a round is long.
        ("parked_task_memory" | "idle_connection_memory", true) => 1,
        (_, true) | ("parked_task_memory" | "idle_connection_memory", false) => 3,
        (_, false) => 7,
    }
}
