//! Ten thousand connections at a time, on asyncio's streams: the server here, its clients in a process of their own,
//! so that neither needs more descriptors than one end of each.
//!
//! # Ordering arguments
//! - `[ORD-1]` Relaxed: a sum; `gather_iter` has waited for who adds to it.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use bowerbird::streams::{StreamReader, StreamWriter};
use bowerbird::{gather_iter, open_connection, start_server};
use bowerbird_tests::{
    child_command, descriptor_count, on_workers, resident_bytes, scaled, text_of, until,
};

const TEST: &str = "ten_thousand_connections_echo_for_a_minute";
const SERVER: &str = "BOWERBIRD_TEST_SERVER";
const MESSAGE: usize = 64;

/// How many are opened at a time: what a listener's queue holds.
const AT_A_TIME: usize = 500;

#[test]
fn ten_thousand_connections_echo_for_a_minute() {
    match std::env::var(SERVER) {
        Ok(address) => on_workers(2, clients(address.parse().expect("an address"))),
        Err(_) => on_workers(2, server()),
    }
}

async fn echo(mut reader: StreamReader, writer: StreamWriter) -> std::io::Result<()> {
    loop {
        let data = reader.read(4 * 1024).await?;
        if data.is_empty() {
            writer.close();
            return writer.wait_closed().await;
        }
        writer.write(&data);
        writer.drain().await?;
    }
}

async fn server() {
    let server = start_server(echo, "127.0.0.1:0").backlog(4096).await.unwrap();
    let before = (descriptor_count(), resident_bytes());
    let address = server.local_addr().unwrap().to_string();
    let mut command = child_command(TEST, &[(SERVER, &address)]);
    let running = bowerbird::spawn(bowerbird::to_thread(move || command.output().unwrap()));
    let count = scaled(10_000) as usize;
    until(|| server.connection_count() == count).await;
    let memory = (resident_bytes() - before.1) / count;
    let output = running.await.unwrap();
    let text = text_of(&output);
    assert!(output.status.success(), "{text}");
    until(|| server.connection_count() == 0).await;
    assert_eq!(descriptor_count(), before.0);
    let told = text.lines().find(|line| line.contains(" messages")).unwrap_or_default();
    let told = told.rsplit(" ... ").next().unwrap_or_default();
    println!("{count} connections, {told}, at most {memory} bytes of memory each");
    server.close();
    server.wait_closed().await;
}

/// Every connection is open before the first speaks.
async fn clients(address: SocketAddr) {
    let count = scaled(10_000) as usize;
    let mut connections = Vec::new();
    while connections.len() < count {
        let some = AT_A_TIME.min(count - connections.len());
        let opened = gather_iter((0..some).map(|_| open_connection(address))).await;
        connections.extend(opened.into_iter().map(|opened| opened.expect("a connection")));
    }
    // [ORD-1]
    let total = Arc::new(AtomicU64::new(0));
    let end = Instant::now() + Duration::from_millis(scaled(60_000));
    gather_iter(connections.into_iter().enumerate().map(|(number, (mut reader, writer))| {
        let total = total.clone();
        async move {
            let mut sent = [number as u8; MESSAGE];
            let mut messages = 0_u64;
            while messages == 0 || Instant::now() < end {
                sent[0] = messages as u8;
                writer.write(sent);
                let back = reader.readexactly(MESSAGE).await.expect("what was sent");
                assert!(back == sent, "connection {number}, message {messages}: {back:?}");
                messages += 1;
            }
            writer.close();
            writer.wait_closed().await.expect("an end without error");
            total.fetch_add(messages, Ordering::Relaxed); // [ORD-1]
        }
    }))
    .await;
    println!("{} messages", total.load(Ordering::Relaxed)); // [ORD-1]
}
