//! Does one case so and so often and nothing else: the program whose instructions `cargo xtask budgets` counts.
//!
//! Two numbers of batches are run, a few and a few more. What the second run takes beyond the first is what the
//! batches take: the start of the process and of the runtime, and all that is done once, falls out.
//!
//! One worker (if not said otherwise, to see which instructions several share), and nothing that asks the clock
//! or chance for its way, so a count repeats to a few instructions in ten thousand. The echo has a second thread,
//! the client: its instructions, two system calls a message and little else, are in the figure and the same for
//! all runtimes.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::process::ExitCode;
use std::sync::mpsc;
use std::thread;

use bowerbird_benches::cases::{
    Case, ChainedSpawn, Fib, Gather1000, PingPong, SpawnAwaitOne, SpawnManyLocal, TimerChurn,
    YieldMany,
};
use bowerbird_benches::echo::{BUFFER_BYTES, MESSAGE_BYTES};
use bowerbird_benches::primitives::{self, Kind, Primitives};
use bowerbird_benches::runtimes::{self, Runtime};
use bowerbird_benches::servers::{self, Network};
use bowerbird_benches::sync_cases::{
    Broadcast1, Broadcast1000, EventBroadcast, LockContended, LockHandOver, LockUncontended, Mpsc1,
    Mpsc8, Oneshot, SemaphoreWaits, SyncCase, TokenPass, Watch1, Watch1000,
};

const USAGE: &str = "usage: counts --list | counts RUNTIME CASE BATCHES [WORKERS]";

/// A case to be counted.
struct Counted {
    name: &'static str,
    kind: Kind,
    operations: u64,
    /// How many batches are done first, and how many in the longer run.
    batches: (u64, u64),
}

/// The table of cases, and for each the function that does it.
macro_rules! cases {
    (
        runtimes { $($case:ident $batches:expr,)+ }
        libraries { $($sync_case:ident $sync_batches:expr,)+ }
    ) => {
        const CASES: &[Counted] = &[
            $(Counted {
                name: $case::NAME,
                kind: Kind::Waits,
                operations: $case::OPERATIONS,
                batches: $batches,
            },)+
            $(Counted {
                name: $sync_case::NAME,
                kind: $sync_case::KIND,
                operations: $sync_case::OPERATIONS,
                batches: $sync_batches,
            },)+
            Counted { name: TCP_ECHO, kind: Kind::Waits, operations: 1, batches: (500, 2_500) },
        ];

        impl primitives::Visitor for Do<'_> {
            type Output = bool;

            fn visit<P: Primitives>(&mut self) -> bool {
                let (batches, workers) = (self.batches, self.workers);
                match self.case {
                    $($case::NAME => {
                        P::Runtime::run(workers, $case::batches::<P::Runtime>(batches));
                    })+
                    $($sync_case::NAME => {
                        P::Runtime::run(workers, $sync_case::batches::<P>(batches));
                    })+
                    TCP_ECHO => tcp_echo::<P::Runtime>(batches, workers),
                    _ => return false,
                }
                true
            }
        }
    };
}

cases! {
    runtimes {
        SpawnManyLocal (2, 7),
        ChainedSpawn (10, 60),
        SpawnAwaitOne (10, 60),
        Gather1000 (10, 60),
        Fib (2, 7),
        YieldMany (1, 2),
        PingPong (5, 30),
        TimerChurn (10, 60),
    }
    libraries {
        TokenPass (2, 7),
        LockUncontended (10, 210),
        LockContended (5, 30),
        LockHandOver (2, 7),
        SemaphoreWaits (2, 7),
        EventBroadcast (2, 7),
        Oneshot (10, 60),
        Mpsc1 (2, 12),
        Mpsc8 (2, 12),
        Watch1 (2, 12),
        Watch1000 (2, 5),
        Broadcast1 (2, 12),
        Broadcast1000 (2, 5),
    }
}

const TCP_ECHO: &str = "tcp_echo";

struct Do<'a> {
    case: &'a str,
    batches: u64,
    workers: usize,
}

fn main() -> ExitCode {
    let arguments: Vec<_> = std::env::args().skip(1).collect();
    let arguments: Vec<_> = arguments.iter().map(String::as_str).collect();
    match arguments[..] {
        ["--list"] => list(),
        [runtime, case, batches, ref workers @ ..]
            if let (Ok(batches), Some(workers)) = (batches.parse(), parse_workers(workers)) =>
        {
            if primitives::visit(runtime, &mut Do { case, batches, workers }) != Some(true) {
                eprintln!("counts: no case {case:?} or nothing that is called {runtime:?}");
                return ExitCode::FAILURE;
            }
        }
        _ => {
            eprintln!("{USAGE}");
            return ExitCode::from(2);
        }
    }
    ExitCode::SUCCESS
}

/// One, unless something else was asked for.
fn parse_workers(arguments: &[&str]) -> Option<usize> {
    match arguments {
        [] => Some(1),
        [workers] => workers.parse().ok().filter(|&workers| workers > 0),
        _ => None,
    }
}

/// One line a case: its name, operations in a batch, both numbers of batches, who has it.
fn list() {
    for Counted { name, kind, operations, batches: (few, more) } in CASES {
        let names = match *name {
            TCP_ECHO => runtimes::NAMES.to_vec(),
            _ => primitives::names(*kind),
        };
        println!("{name} {operations} {few} {more} {}", names.join(" "));
    }
}

/// So many messages there and back over one connection, one after the other.
fn tcp_echo<R: Network>(messages: u64, workers: usize) {
    let (bound, address) = mpsc::channel::<SocketAddr>();
    let client = thread::spawn(move || {
        let address = address.recv().expect("the server is there");
        let mut stream = TcpStream::connect(address).expect("connect");
        stream.set_nodelay(true).expect("nodelay");
        let mut message = [7; MESSAGE_BYTES];
        for _ in 0..messages {
            stream.write_all(&message).expect("send");
            stream.read_exact(&mut message).expect("receive");
        }
    });
    R::run(workers, servers::echo::<R, BUFFER_BYTES>(bound, 1));
    client.join().expect("the client ends");
}
