//! What is measured, and in which order.

use std::fmt;
use std::time::Duration;

use bowerbird_benches::primitives::{self, Kind};
use bowerbird_benches::servers::Service;
use bowerbird_benches::{raw, runtimes};

use crate::args::Args;
use crate::others;

/// What a case is about: a table of the report, and a plot.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Group {
    Scheduling,
    Timers,
    Sync,
    Load,
    Memory,
    Network,
}

impl Group {
    pub(crate) const ALL: [Self; 6] =
        [Self::Scheduling, Self::Timers, Self::Sync, Self::Load, Self::Memory, Self::Network];

    pub(crate) fn title(self) -> &'static str {
        match self {
            Self::Scheduling => "Scheduling",
            Self::Timers => "Timers",
            Self::Sync => "Locks and channels",
            Self::Load => "Load",
            Self::Memory => "Memory",
            Self::Network => "Network",
        }
    }

    /// Whether the geometric mean is over it.
    pub(crate) fn is_in_mean(self) -> bool {
        matches!(self, Self::Scheduling | Self::Timers | Self::Sync)
    }
}

/// A question.
#[derive(Debug)]
pub(crate) struct Case {
    pub(crate) name: &'static str,
    pub(crate) group: Group,
    /// The figure that ratios and means are about; the others stand beside it.
    pub(crate) main: &'static str,
    /// The numbers of workers that it is measured with; a quick run takes the first.
    pub(crate) workers: &'static [usize],
    /// Takes at least so long, whatever it is told; 0 if it is as short as wanted.
    pub(crate) least_ms: u64,
}

const ONE_AND_TWO: &[usize] = &[1, 2];
const TWO: &[usize] = &[2];

const fn case(name: &'static str, group: Group, main: &'static str) -> Case {
    Case { name, group, main, workers: ONE_AND_TWO, least_ms: 0 }
}

impl Case {
    const fn on_two(self) -> Self {
        Self { workers: TWO, ..self }
    }

    const fn takes_ms(self, least_ms: u64) -> Self {
        Self { least_ms, ..self }
    }
}

/// The cases, in the order of the report.
pub(crate) const CASES: &[Case] = {
    use Group::{Load, Memory, Network, Scheduling, Sync, Timers};
    &[
        case("spawn_many_local", Scheduling, "wall"),
        case("chained_spawn", Scheduling, "wall"),
        case("spawn_await_one", Scheduling, "wall"),
        case("spawn_await_one_remote", Scheduling, "p50"),
        case("spawn_many_remote_idle", Scheduling, "wall"),
        case("gather_1000", Scheduling, "wall"),
        case("fib", Scheduling, "wall"),
        case("skynet", Scheduling, "wall").takes_ms(700),
        case("yield_many", Scheduling, "wall"),
        case("ping_pong", Scheduling, "wall"),
        case("token_pass", Scheduling, "wall"),
        case("wake_latency", Scheduling, "p50"),
        case("spawn_blocking", Scheduling, "wall"),
        case("timer_churn", Timers, "wall"),
        case("sleep_many", Timers, "cpu").takes_ms(600),
        case("timer_lateness", Timers, "p50").on_two().takes_ms(500),
        case("idle_ticker", Timers, "busy").on_two().takes_ms(500),
        case("lock_uncontended", Sync, "wall"),
        case("lock_contended", Sync, "wall"),
        case("lock_hand_over", Sync, "wall"),
        case("semaphore", Sync, "wall"),
        case("event_broadcast", Sync, "wall"),
        case("oneshot", Sync, "wall"),
        case("mpsc_1", Sync, "wall"),
        case("mpsc_8", Sync, "wall"),
        case("watch_1", Sync, "wall"),
        case("watch_1000", Sync, "wall"),
        case("broadcast_1", Sync, "wall"),
        case("broadcast_1000", Sync, "wall"),
        case("uneven", Load, "efficiency").on_two().takes_ms(200),
        case("mixed_load", Load, "p99.9").on_two().takes_ms(1_000),
        case("fairness", Load, "polls").takes_ms(300),
        case("parked_task_memory", Memory, "memory").takes_ms(900),
        case("sleeping_task_memory", Memory, "memory").on_two().takes_ms(900),
        case("idle_connection_memory", Memory, "memory").takes_ms(900),
        case("tcp_echo", Network, "server-cpu"),
        case("tcp_echo_16k", Network, "server-cpu"),
        case("connection_churn", Network, "server-cpu"),
        case("udp_echo", Network, "server-cpu"),
        case("http_plaintext", Network, "server-cpu"),
        case("http_pipelined", Network, "server-cpu"),
    ]
};

/// The case that is called so.
pub(crate) fn find(name: &str) -> Option<&'static Case> {
    CASES.iter().find(|case| case.name == name)
}

/// Who is measured with a case: ours first, then the peers, then the floor.
pub(crate) fn contenders(case: &Case, workers: usize) -> Vec<&'static str> {
    let mut names = match case.name.split('_').next() {
        Some("mpsc" | "token") => primitives::names(Kind::Channels),
        Some("watch") => primitives::names(Kind::Watches),
        Some("broadcast") => primitives::names(Kind::Broadcasts),
        _ if case.group == Group::Sync => primitives::names(Kind::Waits),
        _ => runtimes::all_names(),
    };
    names.extend(others::names(case.name, workers));
    if let Some(service) = Service::of(case.name) {
        names.extend(service.others(workers));
    }
    if raw::has(case.name, workers) {
        names.push(raw::NAME);
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

/// How much may be measured.
struct Limits {
    /// For everything together.
    total: Duration,
    /// For one measurement.
    budget: (Duration, Duration),
    /// Of a case that is as short as wanted, and of one that is not.
    rounds: (usize, usize),
}

const QUICK: Limits = Limits {
    total: Duration::from_secs(80),
    budget: (Duration::from_millis(20), Duration::from_millis(150)),
    rounds: (3, 1),
};

const WHOLE: Limits = Limits {
    total: Duration::from_secs(25 * 60),
    budget: (Duration::from_millis(100), Duration::from_millis(700)),
    rounds: (5, 5),
};

/// What a measurement takes beside its budget: a fifth of it to warm up, and the start of a process.
fn expected(case: &Case, budget: Duration) -> Duration {
    let least = Duration::from_millis(case.least_ms);
    budget.mul_f64(1.25).max(least) + Duration::from_millis(15)
}

/// All measurements of a run: for each case and number of workers the rounds, in each round all
/// runtimes, a different one first each time.
pub(crate) fn interleave(args: &Args) -> Vec<Measurement> {
    let limits = if args.quick { QUICK } else { WHOLE };
    let plan = rounds(args, &limits);
    // The longest budget with which all of it fits.
    let fits = |budget: Duration| {
        plan.iter().map(|(case, ..)| expected(case, budget)).sum::<Duration>() <= limits.total
    };
    let (least, most) = limits.budget;
    let mut budget = most;
    while budget > least && !fits(budget) {
        budget -= Duration::from_millis(5);
    }
    plan.into_iter()
        .map(|(case, workers, runtime)| Measurement {
            runtime: runtime.to_owned(),
            case: case.name,
            workers,
            budget,
        })
        .collect()
}

fn rounds(args: &Args, limits: &Limits) -> Vec<(&'static Case, usize, &'static str)> {
    let mut plan = Vec::new();
    let is_wanted = |case: &&Case| args.cases.is_empty() || args.cases.contains(&case.name);
    for case in CASES.iter().filter(is_wanted) {
        let workers = match args.workers {
            Some(workers) => vec![workers],
            // Who asks for a case wants to see both.
            None if args.quick && args.cases.is_empty() => vec![case.workers[0]],
            None => case.workers.to_vec(),
        };
        let rounds = if case.least_ms > 0 { limits.rounds.1 } else { limits.rounds.0 };
        for workers in workers {
            let names = contenders(case, workers);
            for round in 0..rounds {
                let turned = (0..names.len()).map(|index| names[(round + index) % names.len()]);
                plan.extend(turned.map(|name| (case, workers, name)));
            }
        }
    }
    plan
}
