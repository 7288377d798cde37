//! One measurement: warm up, measure for about as long as asked, print the figures.

use std::process::ExitCode;
use std::time::Duration;

use bowerbird_benches::cases::{
    Case, ChainedSpawn, Fib, Gather1000, Parked, PingPong, Skynet, SleepMany, Sleeping,
    SpawnAwaitOne, SpawnAwaitOneRemote, SpawnBlocking, SpawnManyLocal, SpawnManyRemoteIdle,
    TimerChurn, WakeLatency, YieldMany, latencies, round_trips,
};
use bowerbird_benches::machine::pin_to_one_cpu;
use bowerbird_benches::primitives::{self, Primitives};
use bowerbird_benches::raw;
use bowerbird_benches::runtimes::{self, Runtime, Visitor};
use bowerbird_benches::servers::Service;
use bowerbird_benches::sync_cases::{
    Broadcast1, Broadcast1000, EventBroadcast, LockContended, LockHandOver, LockUncontended, Mpsc1,
    Mpsc8, Oneshot, SemaphoreWaits, SyncCase, TokenPass, Watch1, Watch1000,
};

use crate::measures::{self, print, sync, throughput};
use crate::others;
use crate::plan::Measurement;
use crate::served;

/// Measures and prints.
pub(crate) fn run(measurement: &Measurement) -> ExitCode {
    let Measurement { runtime, case, workers, budget } = measurement;
    if *workers == 1 {
        pin_to_one_cpu();
    }
    if let Some(service) = Service::of(case) {
        served::run(measurement, service, print).expect("the server answers");
        return ExitCode::SUCCESS;
    }
    if runtime == raw::NAME {
        raw::run(case, *workers, *budget, print);
        return ExitCode::SUCCESS;
    }
    if let Some(code) = others::run(measurement) {
        return code;
    }
    let done = match primitives::visit(runtime, &mut SyncRunner(measurement)) {
        Some(true) => Some(()),
        _ => runtimes::visit(runtime, &mut Runner(measurement)),
    };
    match done {
        Some(()) => ExitCode::SUCCESS,
        None => {
            eprintln!("nothing to compare is called {runtime:?}");
            ExitCode::FAILURE
        }
    }
}

/// Measures if the case is about locks or channels, and says whether it is.
struct SyncRunner<'a>(&'a Measurement);

impl primitives::Visitor for SyncRunner<'_> {
    type Output = bool;

    fn visit<P: Primitives>(&mut self) -> bool {
        let Measurement { case, workers, budget, .. } = *self.0;
        match case {
            TokenPass::NAME => sync::<P, TokenPass>(workers, budget),
            LockUncontended::NAME => sync::<P, LockUncontended>(workers, budget),
            LockContended::NAME => sync::<P, LockContended>(workers, budget),
            LockHandOver::NAME => sync::<P, LockHandOver>(workers, budget),
            SemaphoreWaits::NAME => sync::<P, SemaphoreWaits>(workers, budget),
            EventBroadcast::NAME => sync::<P, EventBroadcast>(workers, budget),
            Oneshot::NAME => sync::<P, Oneshot>(workers, budget),
            Mpsc1::NAME => sync::<P, Mpsc1>(workers, budget),
            Mpsc8::NAME => sync::<P, Mpsc8>(workers, budget),
            Watch1::NAME => sync::<P, Watch1>(workers, budget),
            Watch1000::NAME => sync::<P, Watch1000>(workers, budget),
            Broadcast1::NAME => sync::<P, Broadcast1>(workers, budget),
            Broadcast1000::NAME => sync::<P, Broadcast1000>(workers, budget),
            _ => return false,
        }
        true
    }
}

struct Runner<'a>(&'a Measurement);

impl Visitor for Runner<'_> {
    type Output = ();

    fn visit<R: Runtime>(&mut self) {
        // With the pause before it, which the kernel's timer slack makes longer.
        const A_WAKE: Duration = Duration::from_micros(160);
        const A_ROUND_TRIP: Duration = Duration::from_micros(6);
        let Measurement { case, workers, budget, .. } = *self.0;
        match case {
            SpawnManyLocal::NAME => throughput::<R, SpawnManyLocal>(workers, budget),
            ChainedSpawn::NAME => throughput::<R, ChainedSpawn>(workers, budget),
            SpawnAwaitOne::NAME => throughput::<R, SpawnAwaitOne>(workers, budget),
            SpawnManyRemoteIdle::NAME => throughput::<R, SpawnManyRemoteIdle>(workers, budget),
            SpawnBlocking::NAME => throughput::<R, SpawnBlocking>(workers, budget),
            Gather1000::NAME => throughput::<R, Gather1000>(workers, budget),
            Fib::NAME => throughput::<R, Fib>(workers, budget),
            Skynet::NAME => throughput::<R, Skynet>(workers, budget),
            YieldMany::NAME => throughput::<R, YieldMany>(workers, budget),
            PingPong::NAME => throughput::<R, PingPong>(workers, budget),
            TimerChurn::NAME => throughput::<R, TimerChurn>(workers, budget),
            SleepMany::NAME => throughput::<R, SleepMany>(workers, budget),
            WakeLatency::NAME => measures::latency::<R, _>(workers, budget, A_WAKE, latencies),
            SpawnAwaitOneRemote::NAME => {
                measures::latency::<R, _>(workers, budget, A_ROUND_TRIP, round_trips::<R>);
            }
            "timer_lateness" => measures::timer_lateness::<R>(workers, budget),
            "idle_ticker" => measures::idle_ticker::<R>(workers, budget),
            "uneven" => measures::uneven::<R>(workers, budget),
            "mixed_load" => measures::mixed::<R>(workers, budget),
            "fairness" => measures::fairness::<R>(workers),
            "parked_task_memory" => measures::memory::<R, Parked>(workers),
            "sleeping_task_memory" => measures::memory::<R, Sleeping>(workers),
            _ => unreachable!("a case without a measurement: {case}"),
        }
    }
}
