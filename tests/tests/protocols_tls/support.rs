//! A transport over TLS, and its peer.

use std::time::Duration;

use bowerbird::net::TcpStream;
use bowerbird::protocols::{StreamProtocol, Transport, connect_accepted_socket};
use bowerbird::tls::{TlsAcceptor, TlsConnector, TlsStream};
use bowerbird_tests::Journal;

use crate::plain::sockets;
use crate::tls::{Authority, NAME};

/// Both sides of sessions, whose handshakes and ends may take that long.
pub(crate) fn sides_within(limit: Duration) -> (TlsConnector, TlsAcceptor) {
    let authority = Authority::new();
    let client = authority.client().handshake_timeout(limit).shutdown_timeout(limit);
    let server = authority.server().handshake_timeout(limit).shutdown_timeout(limit);
    (client.build().unwrap(), server.build().unwrap())
}

pub(crate) fn sides() -> (TlsConnector, TlsAcceptor) {
    sides_within(Duration::from_secs(30))
}

/// A server's transport with this protocol, and its client.
pub(crate) async fn pair<P, K>(protocol: P) -> (Transport, TlsStream<TcpStream>)
where
    P: StreamProtocol<K>,
{
    pair_within(protocol, Duration::from_secs(30)).await
}

/// The same, with that time for the end.
pub(crate) async fn pair_within<P, K>(
    protocol: P,
    limit: Duration,
) -> (Transport, TlsStream<TcpStream>)
where
    P: StreamProtocol<K>,
{
    let (connector, acceptor) = sides_within(limit);
    let (peer, socket) = sockets().await;
    let making = connect_accepted_socket(move || protocol, socket).tls(&acceptor);
    bowerbird::try_join((making, connector.connect(NAME, peer))).await.unwrap()
}

/// Waits until the protocol has heard of the end, and lets a paused clock go on meanwhile.
pub(crate) async fn end_in_time(journal: &Journal) {
    while !journal.lines().iter().any(|line| line.starts_with("lost")) {
        bowerbird::sleep(Duration::from_millis(100)).await;
    }
}
