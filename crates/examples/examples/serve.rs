//! A server for curl and wrk, until Ctrl-C: `cargo run --release --example serve [port]`.

use std::error::Error;

use bowerbird_examples::server::Server;

#[bowerbird::main]
async fn main() -> Result<(), Box<dyn Error>> {
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
    server.serve_forever().await?;
    Ok(())
}
