//! monoio: a loop a thread, an operation owns its buffer until it is done; the echo by its own words.

use std::net::{Ipv4Addr, SocketAddr, TcpListener as StdListener};
use std::sync::mpsc;
use std::thread;

use monoio::io::{AsyncReadRent, AsyncWriteRentExt};
use monoio::net::{ListenerOpts, TcpListener, TcpStream};
use monoio::{IoUringDriver, LegacyDriver, RuntimeBuilder};

use super::Service;
use crate::echo::{BUFFER_BYTES, LARGE_MESSAGE_BYTES};

/// Serves for ever, on io_uring.
pub(super) fn serve_by_uring(service: Service, workers: usize, bound: &mpsc::Sender<SocketAddr>) {
    on_threads(service, workers, bound, |accept| {
        let mut runtime = RuntimeBuilder::<IoUringDriver>::new().build().expect("monoio starts");
        runtime.block_on(accept);
    });
}

/// Serves for ever, on epoll.
pub(super) fn serve_by_epoll(service: Service, workers: usize, bound: &mpsc::Sender<SocketAddr>) {
    on_threads(service, workers, bound, |accept| {
        let mut runtime = RuntimeBuilder::<LegacyDriver>::new().build().expect("monoio starts");
        runtime.block_on(accept);
    });
}

type Accepting = std::pin::Pin<Box<dyn Future<Output = ()>>>;

/// Each thread listens on the same port; the kernel deals the connections out.
fn on_threads(
    service: Service,
    workers: usize,
    bound: &mpsc::Sender<SocketAddr>,
    run: fn(Accepting),
) {
    let buffer = if service == Service::LargeEcho { LARGE_MESSAGE_BYTES } else { BUFFER_BYTES };
    let free = StdListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("bind");
    let address = free.local_addr().expect("address");
    drop(free);
    let (ready, all_ready) = mpsc::channel();
    thread::scope(|scope| {
        for _ in 0..workers {
            let ready = ready.clone();
            scope.spawn(move || run(Box::pin(accept(address, buffer, ready))));
        }
        (0..workers).for_each(|_| all_ready.recv().expect("each listens"));
        bound.send(address).expect("somebody asked");
    });
}

async fn accept(address: SocketAddr, buffer: usize, ready: mpsc::Sender<()>) {
    let options = ListenerOpts::new().reuse_port(true);
    let listener = TcpListener::bind_with_config(address, &options).expect("bind");
    ready.send(()).expect("it waits");
    while let Ok((stream, _)) = listener.accept().await {
        monoio::spawn(echo(stream, buffer));
    }
}

async fn echo(mut stream: TcpStream, buffer: usize) {
    stream.set_nodelay(true).expect("nodelay");
    let mut buffer = vec![0; buffer];
    let room = buffer.len();
    loop {
        buffer.resize(room, 0);
        let (read, filled) = stream.read(buffer).await;
        match read {
            Ok(0) | Err(_) => return,
            Ok(count) => {
                buffer = {
                    let mut filled = filled;
                    filled.truncate(count);
                    filled
                }
            }
        }
        let (written, whole) = stream.write_all(buffer).await;
        if written.is_err() {
            return;
        }
        buffer = whole;
    }
}
