//! The cases with a server: this process is the client, the server is a child of it, pinned like it.

use std::io::{self, BufRead, Read, Write};
use std::net::TcpStream;
use std::process::{self, Child, Command, Stdio};

use bowerbird_benches::echo::{
    Client, IDLE_CONNECTIONS, LARGE_MESSAGE_BYTES, Load, MESSAGE_BYTES, PIPELINE_DEPTH,
};
use bowerbird_benches::machine::allow_many_descriptors;
use bowerbird_benches::servers::Service;

use crate::plan::Measurement;

/// Measures what `service` costs the server.
pub(crate) fn run(
    measurement: &Measurement,
    service: Service,
    mut print: impl FnMut(&str, f64),
) -> io::Result<()> {
    let mut server = Server::start(measurement)?;
    let port: u16 = server.answer()?;
    if service == Service::Idle {
        print("memory", bytes_per_idle_connection(&mut server, port)?);
        return server.end();
    }
    let address = ([127, 0, 0, 1], port).into();
    let mut client = match service {
        Service::Echo | Service::Idle => Client::connect(address, Load::echo(MESSAGE_BYTES)),
        Service::LargeEcho => Client::connect(address, Load::echo(LARGE_MESSAGE_BYTES)),
        Service::Churn => Client::connect_again_and_again(address),
        Service::UdpEcho => Client::connect_udp(address),
        Service::Http => Client::connect(address, Load::http(1)),
        Service::HttpPipelined => Client::connect(address, Load::http(PIPELINE_DEPTH)),
    };
    let budget = measurement.budget;
    client.exchange(|_, elapsed| elapsed > budget / 5);
    let cpu_before: u64 = server.cpu_ns()?;
    let mut done = client.exchange(|_, elapsed| elapsed > budget);
    let cpu_ns = server.cpu_ns()? - cpu_before;
    drop(client);
    server.end()?;
    done.latencies_ns.sort_unstable();
    let percentile =
        |percent| done.latencies_ns[(done.latencies_ns.len() - 1) * percent / 100] as f64 / 1e3;
    print("rate", done.messages as f64 / done.elapsed.as_secs_f64());
    print("server-cpu", cpu_ns as f64 / done.messages as f64);
    print("p50", percentile(50));
    print("p99", percentile(99));
    Ok(())
}

/// What a connection costs the server that has one task for it, waiting for the next message.
fn bytes_per_idle_connection(server: &mut Server, port: u16) -> io::Result<f64> {
    allow_many_descriptors();
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
    Ok(grown as f64 / IDLE_CONNECTIONS.1 as f64)
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

    /// By the end of its input.
    fn end(mut self) -> io::Result<()> {
        drop(self.process.stdin.take());
        self.process.wait().map(drop)
    }
}
