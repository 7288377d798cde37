//! The process of the echo server: prints its port; for every line it reads, the CPU time it has used
//! (ns); ends when the client has closed all connections.

use std::io;
use std::net::SocketAddr;
use std::process::ExitCode;
use std::sync::mpsc;
use std::thread;

use bowerbird_benches::echo::CONNECTIONS;
use bowerbird_benches::machine::cpu_time;
use bowerbird_benches::runtimes::{self, Runtime, Visitor};

pub(crate) fn run(runtime: &str, workers: usize) -> ExitCode {
    match runtimes::visit(runtime, &mut Serve { workers }) {
        Some(()) => ExitCode::SUCCESS,
        None => ExitCode::FAILURE,
    }
}

struct Serve {
    workers: usize,
}

impl Visitor for Serve {
    type Output = ();

    fn visit<R: Runtime>(&mut self) {
        let (bound, address) = mpsc::channel::<SocketAddr>();
        // Beside the runtime, and blocked except while no message is in flight.
        thread::spawn(move || {
            println!("{}", address.recv().expect("the server is there").port());
            for _ in io::stdin().lines() {
                println!("{}", cpu_time().as_nanos());
            }
        });
        R::run(self.workers, R::serve_echo(bound, CONNECTIONS));
    }
}
