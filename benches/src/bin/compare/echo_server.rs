//! The process of the echo server: prints its port; for every line it reads, the CPU time it has used
//! (ns), or for `memory` its resident bytes; ends when the client has closed all connections.

use std::io;
use std::net::SocketAddr;
use std::process::ExitCode;
use std::sync::mpsc;
use std::thread;

use bowerbird_benches::echo::{CONNECTIONS, IDLE_CONNECTIONS};
use bowerbird_benches::machine::{allow_many_descriptors, cpu_time, resident_bytes};
use bowerbird_benches::runtimes::{self, Runtime, Visitor};

pub(crate) fn run(runtime: &str, workers: usize, case: &'static str) -> ExitCode {
    match runtimes::visit(runtime, &mut Serve { workers, case }) {
        Some(()) => ExitCode::SUCCESS,
        None => ExitCode::FAILURE,
    }
}

struct Serve {
    workers: usize,
    case: &'static str,
}

impl Visitor for Serve {
    type Output = ();

    fn visit<R: Runtime>(&mut self) {
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
        });
        match self.case {
            "udp_echo" => R::run(self.workers, R::serve_udp_echo(bound)),
            "idle_connection_memory" => {
                allow_many_descriptors();
                R::run(self.workers, R::serve_echo(bound, IDLE_CONNECTIONS.0 + IDLE_CONNECTIONS.1));
            }
            _ => R::run(self.workers, R::serve_echo(bound, CONNECTIONS)),
        }
    }
}
