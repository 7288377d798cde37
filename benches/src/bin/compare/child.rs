//! One measurement: warm up, measure for about as long as asked, print the figures.

use std::io::{self, BufRead, Read, Write};
use std::net::TcpStream;
use std::process::{self, Child, Command, ExitCode, Stdio};
use std::time::Duration;

use bowerbird_benches::cases::{
    Case, ChainedSpawn, Fib, Gather1000, PingPong, SpawnAwaitOne, SpawnManyLocal, TimerChurn,
    WakeLatency, YieldMany, bytes_per_parked_task, latencies,
};
use bowerbird_benches::echo::{Client, IDLE_CONNECTIONS};
use bowerbird_benches::machine::{allow_many_descriptors, cpu_time, pin_to_one_cpu};
use bowerbird_benches::primitives::{self, Primitives};
use bowerbird_benches::runtimes::{self, Runtime, Visitor};
use bowerbird_benches::sync_cases::{
    Broadcast1, Broadcast1000, EventBroadcast, LockContended, LockHandOver, LockUncontended, Mpsc1,
    Mpsc8, Oneshot, SemaphoreWaits, SyncCase, TokenPass, Watch1, Watch1000,
};

use crate::go;
use crate::plan::Measurement;

/// How many tasks are parked at once.
const PARKED_COUNT: u64 = 1_000_000;

/// Measures and prints.
pub(crate) fn run(measurement: &Measurement) -> ExitCode {
    if measurement.workers == 1 {
        pin_to_one_cpu();
    }
    if measurement.runtime == go::NAME {
        return go::run(measurement);
    }
    let done = if SYNC_CASES.contains(&measurement.case) {
        primitives::visit(&measurement.runtime, &mut SyncRunner(measurement))
    } else {
        runtimes::visit(&measurement.runtime, &mut Runner(measurement))
    };
    match done {
        Some(()) => ExitCode::SUCCESS,
        None => {
            eprintln!("nothing to compare is called {:?}", measurement.runtime);
            ExitCode::FAILURE
        }
    }
}

/// Those of [`SyncRunner`].
const SYNC_CASES: &[&str] = &[
    LockUncontended::NAME,
    LockContended::NAME,
    LockHandOver::NAME,
    SemaphoreWaits::NAME,
    EventBroadcast::NAME,
    Oneshot::NAME,
    TokenPass::NAME,
    Mpsc1::NAME,
    Mpsc8::NAME,
    Watch1::NAME,
    Watch1000::NAME,
    Broadcast1::NAME,
    Broadcast1000::NAME,
];

struct SyncRunner<'a>(&'a Measurement);

impl primitives::Visitor for SyncRunner<'_> {
    type Output = ();

    fn visit<P: Primitives>(&mut self) {
        let Measurement { case, workers, budget, .. } = *self.0;
        match case {
            LockUncontended::NAME => sync::<P, LockUncontended>(workers, budget),
            LockContended::NAME => sync::<P, LockContended>(workers, budget),
            LockHandOver::NAME => sync::<P, LockHandOver>(workers, budget),
            SemaphoreWaits::NAME => sync::<P, SemaphoreWaits>(workers, budget),
            EventBroadcast::NAME => sync::<P, EventBroadcast>(workers, budget),
            Oneshot::NAME => sync::<P, Oneshot>(workers, budget),
            TokenPass::NAME => sync::<P, TokenPass>(workers, budget),
            Mpsc1::NAME => sync::<P, Mpsc1>(workers, budget),
            Mpsc8::NAME => sync::<P, Mpsc8>(workers, budget),
            Watch1::NAME => sync::<P, Watch1>(workers, budget),
            Watch1000::NAME => sync::<P, Watch1000>(workers, budget),
            Broadcast1::NAME => sync::<P, Broadcast1>(workers, budget),
            Broadcast1000::NAME => sync::<P, Broadcast1000>(workers, budget),
            _ => unreachable!("a case without a measurement: {case}"),
        }
    }
}

struct Runner<'a>(&'a Measurement);

impl Visitor for Runner<'_> {
    type Output = ();

    fn visit<R: Runtime>(&mut self) {
        let Measurement { case, workers, budget, .. } = *self.0;
        match case {
            SpawnManyLocal::NAME => throughput::<R, SpawnManyLocal>(workers, budget),
            ChainedSpawn::NAME => throughput::<R, ChainedSpawn>(workers, budget),
            SpawnAwaitOne::NAME => throughput::<R, SpawnAwaitOne>(workers, budget),
            Gather1000::NAME => throughput::<R, Gather1000>(workers, budget),
            Fib::NAME => throughput::<R, Fib>(workers, budget),
            YieldMany::NAME => throughput::<R, YieldMany>(workers, budget),
            PingPong::NAME => throughput::<R, PingPong>(workers, budget),
            TimerChurn::NAME => throughput::<R, TimerChurn>(workers, budget),
            WakeLatency::NAME => latency::<R>(workers, budget),
            "parked_task_memory" => memory::<R>(workers),
            "tcp_echo" | "udp_echo" => echo(self.0).expect("the echo server"),
            "idle_connection_memory" => idle_memory(self.0).expect("the echo server"),
            _ => unreachable!("a case without a measurement: {case}"),
        }
    }
}

fn print(metric: &str, value: f64) {
    println!("{metric} {value}");
}

/// How often a batch that takes `batch` fits into `budget`.
fn count_in(budget: Duration, batch: Duration) -> u64 {
    (budget.as_nanos() / batch.as_nanos().max(1)).max(1) as u64
}

fn throughput<R: Runtime, C: Case>(workers: usize, budget: Duration) {
    repeated::<R, _>(workers, budget, C::OPERATIONS, C::batches::<R>);
}

fn sync<P: Primitives, C: SyncCase>(workers: usize, budget: Duration) {
    repeated::<P::Runtime, _>(workers, budget, C::OPERATIONS, C::batches::<P>);
}

/// Measures what is done so often as it is asked for; a time is that of one of `operations`.
fn repeated<R: Runtime, F>(
    workers: usize,
    budget: Duration,
    operations: u64,
    batches: impl Fn(u64) -> F + Send + 'static,
) where
    F: Future<Output = Duration> + Send,
{
    let (count, wall, cpu) = R::run(workers, async move {
        // The first batch pays for pages and caches; the second says how long one takes.
        batches(1).await;
        let batch = batches(1).await;
        batches(count_in(budget / 5, batch)).await;
        let count = count_in(budget, batch);
        let cpu_before = cpu_time();
        let wall = batches(count).await;
        (count, wall, cpu_time() - cpu_before)
    });
    let operations = (count * operations) as f64;
    print("wall", wall.as_nanos() as f64 / operations);
    print("cpu", cpu.as_nanos() as f64 / operations);
}

fn latency<R: Runtime>(workers: usize, budget: Duration) {
    // Most of a wake is the pause before it, about 160 us with the kernel's timer slack.
    let count = count_in(budget, Duration::from_micros(160));
    let (mut all, cpu) = R::run(workers, async move {
        latencies(count / 5 + 1).await;
        let cpu_before = cpu_time();
        let all = latencies(count).await;
        (all, cpu_time() - cpu_before)
    });
    all.sort_unstable();
    print("p50", percentile(&all, 50).as_nanos() as f64 / 1e3);
    print("p99", percentile(&all, 99).as_nanos() as f64 / 1e3);
    print("cpu", cpu.as_nanos() as f64 / count as f64);
}

fn percentile<T: Copy>(sorted: &[T], percent: usize) -> T {
    sorted[(sorted.len() - 1) * percent / 100]
}

fn memory<R: Runtime>(workers: usize) {
    R::run(workers, async {
        print("memory", bytes_per_parked_task::<R>(PARKED_COUNT).await);
        // A million tasks are parked for ever: the end of the process is the end of them.
        io::stdout().flush().expect("the parent reads");
        process::exit(0)
    })
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
    print("p50", percentile(&done.latencies_ns, 50) as f64 / 1e3);
    print("p99", percentile(&done.latencies_ns, 99) as f64 / 1e3);
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
