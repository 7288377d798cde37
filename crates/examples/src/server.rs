//! An HTTP/1.1 server: hyper on bowerbird's sockets, tasks and timers.
//!
//! One task accepts; each connection has a task of its own. `/` says hello, `/echo` gives a POST's body
//! back, `/sleep?ms=N` answers after N milliseconds.

use std::convert::Infallible;
use std::future::poll_fn;
use std::io;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use bowerbird::hyper::RuntimeTimer;
use bowerbird::net::{TcpListener, TcpStream, ToAddrs};
use bowerbird::sync::Event;
use bowerbird::{Task, TaskError};
use bytes::Bytes;
use http_body_util::{Either, Full};
use hyper::body::Incoming;
use hyper::header::{CONTENT_TYPE, HeaderValue};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Method, Request, Response, StatusCode};

/// How long a client may take to send the head of a request.
pub const HEADER_READ_TIMEOUT: Duration = Duration::from_secs(5);

/// How long accepting pauses after an error.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// The longest `/sleep`.
const LONGEST_SLEEP: Duration = Duration::from_secs(60);

type Body = Either<Full<Bytes>, Incoming>;

/// A server that runs.
///
/// asyncio: `asyncio.Server`.
#[derive(Debug)]
pub struct Server {
    address: SocketAddr,
    stop: Arc<Event>,
    serving: Task<usize>,
}

impl Server {
    /// Listens, and serves in the background.
    ///
    /// # Errors
    /// If the address cannot be bound.
    pub async fn start(addrs: impl ToAddrs) -> io::Result<Self> {
        let listener = TcpListener::bind(addrs).await?;
        let address = listener.local_addr()?;
        let stop = Arc::new(Event::new());
        let serving = bowerbird::spawn(accept_loop(listener, stop.clone()));
        Ok(Self { address, stop, serving })
    }

    /// The address that it listens on.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Waits for ever, unless the server fails.
    ///
    /// asyncio: `Server.serve_forever`.
    ///
    /// # Errors
    /// If the accepting task was cancelled or panicked.
    pub async fn serve_forever(self) -> Result<(), TaskError> {
        self.serving.await.map(|_connection_count| ())
    }

    /// Stops accepting, lets each connection finish the request that it is about, and waits for all.
    /// Returns how many connections it has served in all.
    ///
    /// asyncio: `Server.close` and `wait_closed`; there, connections are not told.
    ///
    /// # Errors
    /// If the accepting task was cancelled or panicked.
    pub async fn shut_down(self) -> Result<usize, TaskError> {
        self.stop.set();
        self.serving.await
    }
}

/// Accepts until it is told to stop, and then waits for the connections that are open. Returns how many
/// it has accepted.
async fn accept_loop(listener: TcpListener, stop: Arc<Event>) -> usize {
    let mut connections: Vec<Task<()>> = Vec::new();
    let mut prune_at = 64;
    let mut accepted_count = 0;
    let mut has_failed = false;
    while let Some(accepted) = unless(&stop, listener.accept()).await {
        match accepted {
            Ok((stream, _peer)) => {
                has_failed = false;
                accepted_count += 1;
                connections.push(bowerbird::spawn(serve_connection(stream, stop.clone())));
            }
            // Mostly EMFILE: the connection waits in the queue, and the next call would fail at once too.
            Err(error) => {
                if !std::mem::replace(&mut has_failed, true) {
                    eprintln!("cannot accept, trying on: {error}");
                }
                bowerbird::sleep(ACCEPT_PAUSE).await;
            }
        }
        if connections.len() >= prune_at {
            connections.retain(|connection| !connection.done());
            prune_at = 64.max(2 * connections.len());
        }
    }
    drop(listener);
    for connection in connections {
        // One that panicked has ended as well; the panic was its own.
        drop(connection.await);
    }
    accepted_count
}

/// Awaits a future; `None` if the event is set first.
async fn unless<F: Future>(event: &Event, future: F) -> Option<F::Output> {
    let mut set = pin!(event.wait());
    let mut future = pin!(future);
    poll_fn(|cx| match set.as_mut().poll(cx) {
        Poll::Ready(()) => Poll::Ready(None),
        Poll::Pending => future.as_mut().poll(cx).map(Some),
    })
    .await
}

/// Serves one connection to its end. Told to stop, it finishes the request that it is about.
async fn serve_connection(stream: TcpStream, stop: Arc<Event>) {
    let connection = http1::Builder::new()
        .timer(RuntimeTimer)
        .header_read_timeout(HEADER_READ_TIMEOUT)
        .serve_connection(stream, service_fn(respond));
    let mut connection = pin!(connection);
    let mut told = pin!(stop.wait());
    let mut is_waiting = false;
    let mut is_stopping = false;
    let ended = poll_fn(|cx| {
        // A task's waker stays the same: to wait for the event once is enough, then a look at it will do.
        if !is_stopping && (stop.is_set() || !is_waiting) {
            is_waiting = true;
            if told.as_mut().poll(cx).is_ready() {
                is_stopping = true;
                connection.as_mut().graceful_shutdown();
            }
        }
        connection.as_mut().poll(cx)
    });
    // An error is the client's: it went away, was too slow, or did not speak HTTP.
    drop(ended.await);
}

async fn respond(request: Request<Incoming>) -> Result<Response<Body>, Infallible> {
    let response = match (request.method(), request.uri().path()) {
        (&Method::GET | &Method::HEAD, "/") => text(StatusCode::OK, "Hello, world!\n"),
        (&Method::POST, "/echo") => echo(request),
        (&Method::GET, "/sleep") => match milliseconds(request.uri().query()) {
            Some(delay) => {
                bowerbird::sleep(delay.min(LONGEST_SLEEP)).await;
                text(StatusCode::OK, "Slept well.\n")
            }
            None => text(StatusCode::BAD_REQUEST, "How long? /sleep?ms=100\n"),
        },
        (_, "/" | "/echo" | "/sleep") => text(StatusCode::METHOD_NOT_ALLOWED, "Not like this.\n"),
        _ => text(StatusCode::NOT_FOUND, "There is /, /echo (POST) and /sleep?ms=100\n"),
    };
    Ok(response)
}

fn text(status: StatusCode, text: &'static str) -> Response<Body> {
    let mut response = Response::new(Either::Left(Full::from(text)));
    *response.status_mut() = status;
    let plain = HeaderValue::from_static("text/plain; charset=utf-8");
    response.headers_mut().insert(CONTENT_TYPE, plain);
    response
}

/// The body goes back while it comes in.
fn echo(request: Request<Incoming>) -> Response<Body> {
    let (head, body) = request.into_parts();
    let mut response = Response::new(Either::Right(body));
    if let Some(kind) = head.headers.get(CONTENT_TYPE) {
        response.headers_mut().insert(CONTENT_TYPE, kind.clone());
    }
    response
}

fn milliseconds(query: Option<&str>) -> Option<Duration> {
    let value = query?.split('&').find_map(|pair| pair.strip_prefix("ms="))?;
    value.parse().ok().map(Duration::from_millis)
}
