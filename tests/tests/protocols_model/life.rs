//! Lives a script, and writes down what was done and what was called.

use std::collections::VecDeque;
use std::io;
use std::sync::{Arc, LazyLock, Mutex};
use std::time::Duration;

use bowerbird::net::{TcpListener, TcpStream};
use bowerbird::protocols::{Protocol, Transport, connect_accepted_socket};
use bowerbird::tls::{TlsAcceptor, TlsConnector};
use bowerbird_tests::{turns, until};

use crate::peer::Peer;
use crate::tls::{Authority, NAME};
use crate::{Op, Script};

/// What happened, in order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Event {
    /// About to be done; the flag: from inside of a callback.
    Does(Op, bool),
    /// These bear the number of the protocol that was called.
    Made(usize),
    Data(usize, usize),
    Eof(usize),
    Pause(usize),
    Resume(usize),
    Lost(usize, Option<io::ErrorKind>),
    /// Nothing runs, with so much unsent, and these marks.
    Quiet(usize, (usize, usize)),
}

/// A life, and what went through the connection.
pub(crate) struct Lived {
    pub(crate) events: Vec<Event>,
    pub(crate) peer_sent: usize,
    pub(crate) received: usize,
    pub(crate) written: usize,
    pub(crate) peer_read: usize,
    /// The peer has read the end of the stream, and no error.
    pub(crate) peer_saw_end: bool,
}

#[derive(Default)]
struct Log {
    events: Vec<Event>,
    inner: VecDeque<Option<Op>>,
    protocols: usize,
    received: usize,
    written: usize,
    has_ended_writing: bool,
}

type Shared = Arc<Mutex<Log>>;

struct Noted {
    number: usize,
    log: Shared,
    keeps_open: bool,
    /// The first protocol gets it, the others with it.
    transport: Option<Transport>,
}

impl Noted {
    fn hear(&self, event: Event) {
        let inner = {
            let mut log = self.log.lock().unwrap();
            log.events.push(event);
            log.inner.pop_front().flatten()
        };
        if let (Some(op), Some(transport)) = (inner, &self.transport) {
            act(&self.log, transport, op, self.keeps_open, true);
        }
    }
}

/// So many bytes are written at once, at most.
pub(crate) const MOST: usize = 8_000_000;

/// The bytes of a stream, which repeat, from `from` on.
pub(crate) fn bytes(from: usize, count: usize) -> &'static [u8] {
    const PERIOD: usize = 251;
    static ALL: LazyLock<Vec<u8>> =
        LazyLock::new(|| (0..=250).cycle().take(MOST + PERIOD).collect());
    &ALL[from % PERIOD..][..count]
}

pub(crate) fn check_bytes(from: usize, data: &[u8]) {
    assert!(data == bytes(from, data.len()), "bytes are as sent");
}

/// Does what any handle can do.
fn act(log: &Shared, transport: &Transport, op: Op, keeps_open: bool, is_inner: bool) {
    let mut guard = log.lock().unwrap();
    // One that is refused, or that has no certain effect.
    let is_void = match op {
        Op::Write(_) => guard.has_ended_writing || transport.is_closing(),
        Op::WriteEof => transport.is_closing() || !transport.can_write_eof(),
        _ => false,
    };
    if is_void {
        return;
    }
    guard.events.push(Event::Does(op, is_inner));
    match op {
        Op::Write(count) => {
            let data = bytes(guard.written, count);
            guard.written += count;
            // Under the lock, so that the order of bytes is that of the log.
            transport.write(data);
        }
        Op::WriteEof => {
            guard.has_ended_writing = true;
            transport.write_eof();
        }
        Op::PauseReading => transport.pause_reading(),
        Op::ResumeReading => transport.resume_reading(),
        Op::Close => transport.close(),
        Op::Abort => transport.abort(),
        Op::SetProtocol => {
            guard.protocols += 1;
            let transport_of_next = Some(transport.clone());
            let number = guard.protocols;
            let next = Noted { number, log: log.clone(), keeps_open, transport: transport_of_next };
            transport.set_protocol(next);
        }
        Op::Limits(high) => transport.set_write_buffer_limits(Some(high), None),
        _ => unreachable!("not an operation of a handle: {op:?}"),
    }
}

impl Protocol for Noted {
    fn connection_made(&mut self, transport: Transport) {
        self.transport = Some(transport);
        self.hear(Event::Made(self.number));
    }
    fn data_received(&mut self, data: &[u8]) {
        let from = {
            let mut log = self.log.lock().unwrap();
            let from = log.received;
            log.received += data.len();
            from
        };
        check_bytes(from, data);
        self.hear(Event::Data(self.number, data.len()));
    }
    fn eof_received(&mut self) -> bool {
        self.hear(Event::Eof(self.number));
        self.keeps_open
    }
    fn connection_lost(&mut self, error: Option<io::Error>) {
        self.hear(Event::Lost(self.number, error.map(|error| error.kind())));
    }
    fn pause_writing(&mut self) {
        self.hear(Event::Pause(self.number));
    }
    fn resume_writing(&mut self) {
        self.hear(Event::Resume(self.number));
    }
}

/// Both sides of sessions.
static SIDES: LazyLock<(TlsConnector, TlsAcceptor)> = LazyLock::new(|| {
    let authority = Authority::new();
    (authority.client().build().unwrap(), authority.server().build().unwrap())
});

/// Longer than any life takes.
const LIMIT: Duration = Duration::from_secs(5);

pub(crate) async fn live(script: &Script, is_alone: bool, is_tls: bool) -> Lived {
    let log: Shared = Shared::default();
    log.lock().unwrap().inner = script.inner.iter().copied().collect();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let connect = TcpStream::connect(listener.local_addr().unwrap());
    let (stream, (socket, _)) = bowerbird::try_join((connect, listener.accept())).await.unwrap();
    let keeps_open = script.keeps_open;
    let first = Noted { number: 0, log: log.clone(), keeps_open, transport: None };
    let making = connect_accepted_socket(|| first, socket);
    let (transport, mut peer) = if is_tls {
        let (connector, acceptor) = &*SIDES;
        let handshake = connector.connect(NAME, stream);
        let made = bowerbird::try_join((making.tls(acceptor), handshake)).await;
        made.map(|(transport, stream)| (transport, Peer::new(stream))).unwrap()
    } else {
        (making.await.unwrap(), Peer::new(stream))
    };

    for op in &script.outer {
        match op {
            Op::Turns(count) => {
                turns(*count + 2).await;
                if is_alone {
                    let size = transport.get_write_buffer_size();
                    let quiet = Event::Quiet(size, transport.get_write_buffer_limits());
                    log.lock().unwrap().events.push(quiet);
                }
            }
            Op::PeerSends(_) | Op::PeerReads(_) | Op::PeerEnds | Op::PeerResets | Op::PeerGoes => {
                log.lock().unwrap().events.push(Event::Does(*op, false));
                peer.act(*op);
            }
            _ => act(&log, &transport, *op, keeps_open, false),
        }
    }
    // Everything ends: nobody acts any more, and the peer reads what there is.
    log.lock().unwrap().inner.clear();
    act(&log, &transport, Op::Close, keeps_open, false);
    let is_lost =
        || log.lock().unwrap().events.iter().any(|event| matches!(event, Event::Lost(..)));
    let end = async {
        peer.read_out().await;
        // Over TLS its end is waited for.
        if is_tls {
            peer.act(Op::PeerGoes);
        }
        until(is_lost).await;
    };
    // What hangs fails, and is made smaller like any other failure.
    let _hangs = bowerbird::timeout(LIMIT, end).await;
    turns(3).await;

    let log = log.lock().unwrap();
    Lived {
        events: log.events.clone(),
        peer_sent: peer.sent,
        received: log.received,
        written: log.written,
        peer_read: peer.read,
        peer_saw_end: peer.saw_end,
    }
}
