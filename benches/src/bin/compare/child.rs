//! One measurement: warm up, measure for about as long as asked, print the figures.

use std::io::{self, BufRead, Read, Write};
use std::net::TcpStream;
use std::process::{self, Child, Command, ExitCode, Stdio};
use std::time::Duration;

use bowerbird_benches::cases::{
    Case, ChainedSpawn, Fib, Gather1000, Parked, PingPong, Skynet, SleepMany, Sleeping,
    SpawnAwaitOne, SpawnAwaitOneRemote, SpawnBlocking, SpawnManyLocal, SpawnManyRemoteIdle,
    TimerChurn, WakeLatency, YieldMany, latencies, round_trips,
};
use bowerbird_benches::echo::{Client, IDLE_CONNECTIONS};
use bowerbird_benches::machine::{allow_many_descriptors, pin_to_one_cpu};
use bowerbird_benches::primitives::{self, Primitives};
use bowerbird_benches::raw;
use bowerbird_benches::runtimes::{self, Runtime, Visitor};
use bowerbird_benches::sync_cases::{
    Broadcast1, Broadcast1000, EventBroadcast, LockContended, LockHandOver, LockUncontended, Mpsc1,
    Mpsc8, Oneshot, SemaphoreWaits, SyncCase, TokenPass, Watch1, Watch1000,
};

use crate::measures::{self, percentile, print, sync, throughput};
use crate::others;
use crate::plan::Measurement;

/// Measures and prints.
pub(crate) fn run(measurement: &Measurement) -> ExitCode {
    let Measurement { runtime, case, workers, budget } = measurement;
    if *workers == 1 {
        pin_to_one_cpu();
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
            "tcp_echo" | "udp_echo" => echo(self.0).expect("the echo server"),
            "idle_connection_memory" => idle_memory(self.0).expect("the echo server"),
            _ => unreachable!("a case without a measurement: {case}"),
        }
    }
}

/// This process is the client; the server is a child of it (pinned like it).
fn echo(measurement: &Measurement) -> io::Result<()> {
    let mut server = Server::start(measurement)?;
    let port: u16 = server.answer()?;
    let address = ([127, 0, 0, 1], port).into();
    let is_udp = measurement.case == "udp_echo";
    let mut client = if is_udp { Client::connect_udp(address) } else { Client::connect(address) };
    let budget = measurement.budget;
    client.exchange(|_, elapsed| elapsed > budget / 5);
    let cpu_before: u64 = server.cpu_ns()?;
    let mut done = client.exchange(|_, elapsed| elapsed > budget);
    let cpu_ns = server.cpu_ns()? - cpu_before;
    if is_udp {
        client.end_udp();
    } else {
        drop(client);
    }
    server.process.wait()?;
    done.latencies_ns.sort_unstable();
    print("rate", done.messages as f64 / done.elapsed.as_secs_f64());
    print("server-cpu", cpu_ns as f64 / done.messages as f64);
    print("p50", percentile(&done.latencies_ns, 500) as f64 / 1e3);
    print("p99", percentile(&done.latencies_ns, 990) as f64 / 1e3);
    Ok(())
}

/// What a connection costs the server that has one task for it, waiting for the next message.
fn idle_memory(measurement: &Measurement) -> io::Result<()> {
    allow_many_descriptors();
    let mut server = Server::start(measurement)?;
    let port: u16 = server.answer()?;
    let mut connections = Vec::new();
    let mut connect = |count: usize| {
        for index in 0..count {
            connections.push(TcpStream::connect(("127.0.0.1", port))?);
            // They are accepted in order: when this one answers, all have a task. Now and then, so that no
            // listener's queue overflows.
            if index % 64 == 0 || index + 1 == count {
                let last = connections.last_mut().expect("just made");
                last.write_all(b"there?")?;
                last.read_exact(&mut [0; 6])?;
            }
        }
        io::Result::Ok(())
    };
    connect(IDLE_CONNECTIONS.0)?;
    let before = server.memory()?;
    connect(IDLE_CONNECTIONS.1)?;
    let grown = server.memory()?.saturating_sub(before);
    print("memory", grown as f64 / IDLE_CONNECTIONS.1 as f64);
    drop(connections);
    server.process.wait()?;
    Ok(())
}

struct Server {
    process: Child,
    answers: io::Lines<io::BufReader<process::ChildStdout>>,
}

impl Server {
    fn start(measurement: &Measurement) -> io::Result<Self> {
        let mut process = Command::new(std::env::current_exe()?)
            .args(["--echo-server", &measurement.runtime, &measurement.workers.to_string()])
            .arg(measurement.case)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()?;
        let stdout = process.stdout.take().expect("it is piped");
        Ok(Self { process, answers: io::BufReader::new(stdout).lines() })
    }

    fn answer<N: std::str::FromStr>(&mut self) -> io::Result<N> {
        let line = self.answers.next().ok_or(io::ErrorKind::UnexpectedEof)??;
        line.parse().map_err(|_| io::Error::other(format!("the server said {line:?}")))
    }

    fn cpu_ns(&mut self) -> io::Result<u64> {
        self.ask("cpu")
    }

    fn memory(&mut self) -> io::Result<u64> {
        self.ask("memory")
    }

    fn ask(&mut self, question: &str) -> io::Result<u64> {
        writeln!(self.process.stdin.as_mut().expect("it is piped"), "{question}")?;
        self.answer()
    }
}
