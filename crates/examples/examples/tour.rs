//! What bowerbird is, in ten seconds: `cargo run --release --example tour`.
//!
//! Plays a few programs of the asyncio tutorial, loads a real HTTP server with 256 connections, and shows
//! that nothing is left when it has ended.

use std::error::Error;
use std::io::{self, IsTerminal, Write};
use std::net::SocketAddr;
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use bowerbird::{gather, gather_iter, sleep, spawn, try_gather};
use bowerbird_examples::census::Census;
use bowerbird_examples::client::Client;
use bowerbird_examples::server::Server;
use bowerbird_examples::text::{Column, grouped, percentile, print_side_by_side};

type Outcome<T> = Result<T, Box<dyn Error>>;

const CONNECTION_COUNT: usize = 256;
const LOAD_TIME: Duration = Duration::from_secs(3);

fn main() -> ExitCode {
    let before = Census::take();
    let outcome = bowerbird::run(tour());
    let after = Census::settle(before);
    println!("Outside the runtime");
    println!("  before run()       {before}");
    println!("  after run()        {after}");
    if let Err(error) = &outcome {
        eprintln!("error: {error}");
    }
    match outcome {
        Ok(true) if after == before => {
            println!("Nothing is left.");
            ExitCode::SUCCESS
        }
        _ => {
            println!("Something was left or went wrong.");
            ExitCode::FAILURE
        }
    }
}

/// The whole tour. Returns whether the server left nothing behind.
async fn tour() -> Outcome<bool> {
    let workers =
        bowerbird::runtime::Handle::try_current().map_or(0, |runtime| runtime.worker_count());
    println!("bowerbird on {workers} workers (set BOWERBIRD_WORKERS for more or fewer)\n");
    seed_programs().await;
    let before = Census::take();
    let server = serve_under_load().await?;
    finish(server).await?;
    let after = Census::settle(before);
    println!("Inside the runtime");
    println!("  before the server  {before}");
    println!("  after its end      {after}\n");
    Ok(after == before)
}

// Programs of the asyncio tutorial -------------------------------------------------------------------

/// Plays them two at a time.
async fn seed_programs() {
    let left = Column::new("say_after, one after the other");
    let right = Column::new("say_after, as two tasks");
    gather((say_in_sequence(left.clone()), say_in_tasks(right.clone()))).await;
    print_side_by_side(&left, &right);

    let left = Column::new("gather keeps the order");
    let right = Column::new("count_numbers overlap");
    gather((gather_keeps_order(left.clone()), numbers_overlap(right.clone()))).await;
    print_side_by_side(&left, &right);
}

async fn say_after(column: Column, delay_ms: u64, what: &str) {
    sleep(Duration::from_millis(delay_ms)).await;
    column.print(what);
}

async fn say_in_sequence(column: Column) {
    say_after(column.clone(), 100, "hello").await;
    say_after(column.clone(), 200, "world").await;
    column.print("done");
}

async fn say_in_tasks(column: Column) {
    let hello = spawn(say_after(column.clone(), 100, "hello"));
    let world = spawn(say_after(column.clone(), 200, "world"));
    hello.await.unwrap();
    world.await.unwrap();
    column.print("done");
}

async fn fetch(column: Column, name: &str, delay_ms: u64) -> String {
    sleep(Duration::from_millis(delay_ms)).await;
    column.print(format!("end {name}"));
    format!("Done {name}")
}

async fn gather_keeps_order(column: Column) {
    let (a, b, c) = gather((
        fetch(column.clone(), "A", 300),
        fetch(column.clone(), "B", 200),
        fetch(column.clone(), "C", 100),
    ))
    .await;
    column.print([a, b, c].join(", "));
}

async fn count_numbers(column: Column, label: &str) {
    for number in 0..3 {
        column.print(format!("running {label}: {number}"));
        sleep(Duration::from_millis(50)).await;
    }
}

async fn numbers_overlap(column: Column) {
    let second = spawn(count_numbers(column.clone(), "f2"));
    count_numbers(column.clone(), "f1").await;
    second.await.unwrap();
    column.print("done");
}

// The server under load ------------------------------------------------------------------------------

/// Starts a server and loads it. Gives it back with all connections still open.
async fn serve_under_load() -> Outcome<Loaded> {
    let server = Server::start(("127.0.0.1", 0)).await?;
    let address = server.address();
    let connects = (0..CONNECTION_COUNT).map(|_| Client::connect(address));
    let clients = try_gather(connects.collect::<Vec<_>>()).await?;
    println!(
        "An HTTP server on {address}, and {CONNECTION_COUNT} connections to it in this process"
    );

    let start = bowerbird::time::now();
    let end = start + LOAD_TIME;
    let answered = Arc::new(AtomicU64::new(0));
    let progress = spawn(show_progress(start, answered.clone()));
    let loads = clients.into_iter().map(|client| load(client, end, answered.clone()));
    let results = gather_iter(loads).await;
    let elapsed = start.elapsed();
    progress.await?;

    let mut clients = Vec::new();
    let mut latencies = Vec::new();
    for result in results {
        let (client, times) = result?;
        clients.push(client);
        latencies.extend(times);
    }
    report(latencies, elapsed);
    Ok(Loaded { server, address, clients })
}

struct Loaded {
    server: Server,
    address: SocketAddr,
    clients: Vec<Client>,
}

/// Sends one request after the other until the time is over. Returns how long each took.
async fn load(
    mut client: Client,
    end: Instant,
    answered: Arc<AtomicU64>,
) -> io::Result<(Client, Vec<Duration>)> {
    let mut latencies = Vec::new();
    let mut before = bowerbird::time::now();
    while before < end {
        let body = client.get("/").await?;
        assert_eq!(body, b"Hello, world!\n");
        let after = bowerbird::time::now();
        latencies.push(after - before);
        before = after;
        answered.fetch_add(1, Ordering::Relaxed);
    }
    Ok((client, latencies))
}

/// Shows how it goes: ten times a second in one place on a terminal, else a line a second.
async fn show_progress(start: Instant, answered: Arc<AtomicU64>) {
    let is_terminal = io::stdout().is_terminal();
    let step = if is_terminal { LOAD_TIME / 30 } else { LOAD_TIME / 3 };
    let mut ticks = bowerbird::interval_at(start + step, step);
    loop {
        ticks.tick().await;
        let elapsed = start.elapsed();
        let count = answered.load(Ordering::Relaxed);
        let rate = (count as f64 / elapsed.as_secs_f64()) as u64;
        let (count, rate) = (grouped(count), grouped(rate));
        let line =
            format!("  {:.1} s  {count:>9} requests  {rate:>8} a second", elapsed.as_secs_f64());
        if is_terminal {
            print!("\r{line} ");
            drop(io::stdout().flush());
        } else {
            println!("{line}");
        }
        if elapsed >= LOAD_TIME {
            break;
        }
    }
    if is_terminal {
        println!();
    }
}

fn report(mut latencies: Vec<Duration>, elapsed: Duration) {
    latencies.sort_unstable();
    let count = latencies.len() as u64;
    let rate = (count as f64 / elapsed.as_secs_f64()) as u64;
    println!(
        "  {} requests in {:.2} s: {} a second",
        grouped(count),
        elapsed.as_secs_f64(),
        grouped(rate)
    );
    print!("  latency");
    for (name, share) in [("p50", 0.5), ("p90", 0.9), ("p99", 0.99), ("p99.9", 0.999), ("max", 1.0)]
    {
        print!("   {name} {:.2?}", percentile(&latencies, share));
    }
    println!("\n");
}

/// Shuts the server down while a request is under way; that one is answered, the idle connections are
/// closed.
async fn finish(loaded: Loaded) -> Outcome<()> {
    let Loaded { server, address, clients } = loaded;
    let mut late = Client::connect(address).await?;
    let request = spawn(async move { late.get("/sleep?ms=200").await.map(<[u8]>::to_vec) });
    sleep(Duration::from_millis(50)).await;

    let start = bowerbird::time::now();
    let connection_count = server.shut_down().await?;
    let took = start.elapsed();
    let body = request.await??;
    let text = String::from_utf8_lossy(&body);
    println!("The server has served {connection_count} connections and shut down in {took:.0?}.");
    println!("The request that was under way was answered: {:?}\n", text.trim_end());
    drop(clients);
    Ok(())
}
