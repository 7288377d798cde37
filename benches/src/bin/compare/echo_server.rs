//! The process of a server: prints its port; for every line it reads, the CPU time it has used (ns), or for
//! `memory` its resident bytes; ends when there are no more lines, or the client has closed all connections.

use std::io;
use std::net::SocketAddr;
use std::process::{self, ExitCode};
use std::sync::mpsc;
use std::thread;

use bowerbird_benches::machine::{cpu_time, resident_bytes};
use bowerbird_benches::servers::{self, Service};

pub(crate) fn run(runtime: &str, workers: usize, case: &'static str) -> ExitCode {
    let (bound, address) = mpsc::channel::<SocketAddr>();
    // Beside the runtime, and blocked except while no message is in flight.
    thread::spawn(move || {
        println!("{}", address.recv().expect("the server is there").port());
        for line in io::stdin().lines() {
            match line.expect("the client writes").as_str() {
                "memory" => println!("{}", resident_bytes()),
                _ => println!("{}", cpu_time().as_nanos()),
            }
        }
        process::exit(0);
    });
    let service = Service::of(case).expect("a case with a server");
    match servers::serve(runtime, service, workers, bound) {
        Some(()) => ExitCode::SUCCESS,
        None => ExitCode::FAILURE,
    }
}
