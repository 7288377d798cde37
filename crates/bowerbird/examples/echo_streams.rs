//! The echo server and client of asyncio's documentation, with streams.
//!
//! `cargo run --example echo_streams` runs both in one process: the client says hello, and the server ends.
//! `.. --example echo_streams serve 8888` serves lines until Ctrl-C (try `nc 127.0.0.1 8888`), and `.. client 8888`
//! asks such a server.

use std::io;

use bowerbird::{Server, StreamReader, StreamWriter, open_connection, start_server, with};

/// Answers one message, as in the documentation.
async fn handle_echo(mut reader: StreamReader, writer: StreamWriter) -> io::Result<()> {
    let data = reader.read(100).await?;
    let message = String::from_utf8_lossy(&data);
    println!("Received {message:?}");

    println!("Send: {message:?}");
    writer.write(&data);
    writer.drain().await?;

    println!("Close the connection");
    writer.close();
    writer.wait_closed().await
}

/// Sends every line back, until the client is done.
async fn handle_lines(mut reader: StreamReader, writer: StreamWriter) -> io::Result<()> {
    while let Some(line) = reader.next().await {
        writer.write(line?);
        writer.drain().await?;
    }
    writer.close();
    writer.wait_closed().await
}

async fn tcp_echo_client(message: &str, port: u16) -> io::Result<()> {
    let (mut reader, writer) = open_connection(("127.0.0.1", port)).await?;

    println!("Send: {message:?}");
    writer.write(message);
    writer.drain().await?;

    let data = reader.read(100).await?;
    println!("Received: {:?}", String::from_utf8_lossy(&data));

    println!("Close the connection");
    writer.close();
    writer.wait_closed().await
}

fn port_of(server: &Server) -> u16 {
    server.local_addr().map_or(0, |address| address.port())
}

async fn both() -> io::Result<()> {
    let server = start_server(handle_echo, ("127.0.0.1", 0)).await?;
    with(server, async |server| tcp_echo_client("Hello World!", port_of(&server)).await).await
}

async fn serve(port: u16) -> io::Result<()> {
    let server = start_server(handle_lines, ("127.0.0.1", port)).await?;
    println!("Serving on {:?}", server.local_addrs());
    with(server, async |server: Server| server.serve_forever().await).await
}

fn main() -> io::Result<()> {
    let mut arguments = std::env::args().skip(1);
    let mode = arguments.next();
    let port = arguments.next().and_then(|port| port.parse().ok()).unwrap_or(8888);
    match mode.as_deref() {
        None => bowerbird::run(both()),
        Some("serve") => bowerbird::run(serve(port)),
        Some("client") => bowerbird::run(tcp_echo_client("Hello World!\n", port)),
        Some(other) => Err(io::Error::other(format!("`{other}` is neither `serve` nor `client`"))),
    }
}
