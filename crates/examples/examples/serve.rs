//! A server for curl and wrk, until Ctrl-C or SIGTERM: `cargo run --release --example serve [port]`.
//!
//! Asked to end, it stops accepting, finishes the requests that it is about, and ends; a second signal cuts that
//! short.

use std::error::Error;
use std::process::ExitCode;
use std::time::Duration;

use bowerbird::{Runner, shutdown_requested};
use bowerbird_examples::server::Server;

/// How long requests that are going on may take when the server is asked to end.
const GRACE: Duration = Duration::from_secs(30);

fn main() -> Result<ExitCode, Box<dyn Error>> {
    match Runner::builder().graceful(GRACE).build()?.run(serve()) {
        Ok(served) => served.map(|()| ExitCode::SUCCESS),
        Err(error) => {
            eprintln!("{error}");
            Ok(u8::try_from(error.exit_code()).map_or(ExitCode::FAILURE, ExitCode::from))
        }
    }
}

async fn serve() -> Result<(), Box<dyn Error>> {
    let port: u16 = match std::env::args().nth(1) {
        Some(port) => port.parse().map_err(|error| format!("the port {port:?}: {error}"))?,
        None => 8080,
    };
    let server = Server::start(("127.0.0.1", port))
        .await
        .map_err(|error| format!("port {port}: {error}"))?;
    let address = server.address();
    println!("http://{address}/ serves until Ctrl-C; for example:");
    println!("  curl -v http://{address}/");
    println!("  curl --data 'to and fro' http://{address}/echo");
    println!("  curl http://{address}/sleep?ms=500");
    println!("  wrk -c256 -t2 -d10s http://{address}/");
    shutdown_requested().await;
    let count = server.shut_down().await?;
    println!("served {count} connections");
    Ok(())
}
