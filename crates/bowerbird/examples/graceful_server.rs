//! A server that ends well: it stops accepting, answers what it has begun, and closes what it holds.
//!
//! Run it with `cargo run --example graceful_server`, talk to it with `nc 127.0.0.1 8889`, end it with Ctrl-C.
//! With a port of 0 it talks to itself for a moment and then asks itself to end: `.. --example graceful_server 0`.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use bowerbird::net::{TcpListener, TcpStream};
use bowerbird::runtime::Handle;
use bowerbird::runtime::Shutdown;
use bowerbird::{
    AsyncContextManager, BoxError, Group, Outcome, Policy, RunError, Runner, TaskGroup, select,
    shutdown_requested, sleep, timeout, with,
};

/// What the server holds while it runs: opened before the first connection, closed after the last one.
struct Journal;

impl AsyncContextManager for Journal {
    type Value = ();

    async fn enter(&mut self) {
        sleep(Duration::from_millis(1)).await;
        println!("journal: open");
    }

    async fn exit(self, outcome: Outcome) {
        sleep(Duration::from_millis(1)).await;
        println!("journal: closed ({outcome:?})");
    }
}

/// Sends back what comes, until the peer is done, silent for long, or the server ends.
async fn echo(mut stream: TcpStream, peer: SocketAddr) -> io::Result<()> {
    let mut data = [0; 1024];
    loop {
        let count = select! {
            read = timeout(Duration::from_secs(30), stream.read(&mut data)) => match read {
                Ok(count) => count?,
                Err(_silent) => 0,
            },
            () = shutdown_requested() => 0,
        };
        if count == 0 {
            println!("{peer}: done");
            return stream.shutdown().await;
        }
        stream.write_all(&data[..count]).await?;
    }
}

/// Accepts connections until the runtime is asked to end.
async fn accept(listener: TcpListener, connections: Group) -> Result<(), BoxError> {
    loop {
        let accepted = select! {
            accepted = listener.accept() => accepted,
            () = shutdown_requested() => break,
        };
        let (stream, peer) = accepted?;
        connections.spawn(echo(stream, peer));
    }
    println!("no more connections");
    Ok(())
}

async fn serve(port: u16) -> Result<(), BoxError> {
    let listener = TcpListener::bind(("127.0.0.1", port)).await?;
    let address = listener.local_addr()?;
    println!("listening");
    if port == 0 {
        drop(bowerbird::spawn(try_it(address)));
    }
    // A connection that fails does no harm to the others; what they failed of is told at the end.
    let connections = TaskGroup::new().name("connections").policy(Policy::Supervisor);
    with(Journal, async |()| connections.run(async |group| accept(listener, group).await).await)
        .await?;
    Ok(())
}

/// Talks to the server, and then asks the runtime to end, as Ctrl-C would.
async fn try_it(address: SocketAddr) -> io::Result<()> {
    let mut stream = TcpStream::connect(address).await?;
    stream.write_all(b"hello").await?;
    let mut answer = [0; 5];
    stream.read_exact(&mut answer).await?;
    println!("the answer: {}", String::from_utf8_lossy(&answer));
    Handle::current().request_shutdown();
    let mut rest = Vec::new();
    stream.read_to_end(&mut rest).await?;
    Ok(())
}

fn main() -> Result<(), BoxError> {
    let port = std::env::args().nth(1).map_or(Ok(8889), |port| port.parse())?;
    // Asked to end, what runs has ten seconds; then it is cancelled, with its cleanups.
    let mut runner = Runner::builder().graceful(Duration::from_secs(10)).build()?;
    let ended = runner.run(serve(port));
    if let Some(Shutdown { cause, phase, .. }) = runner.last_shutdown() {
        println!("asked to end by {cause:?}; the last phase was {phase:?}");
    }
    match ended {
        Ok(served) => served,
        Err(RunError::Interrupted | RunError::Terminated) => Ok(()),
        Err(error) => Err(error.into()),
    }
}
