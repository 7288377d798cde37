//! Two sessions over a wire in memory, which takes and gives as little as it is told to.

use std::collections::VecDeque;
use std::io::{self, IoSlice, Read, Write};

use super::Session;
use crate::tls::{TlsAcceptor, TlsConnector};

const NAME: &str = "bower.example";

/// One end: what it has received, and what it has sent.
#[derive(Default)]
struct End {
    received: VecDeque<u8>,
    sent: Vec<u8>,
    /// How many bytes may still be sent.
    takes: usize,
    has_ended: bool,
}

impl Read for End {
    fn read(&mut self, room: &mut [u8]) -> io::Result<usize> {
        if self.received.is_empty() && !self.has_ended {
            return Err(io::ErrorKind::WouldBlock.into());
        }
        self.received.read(room)
    }
}

impl Write for End {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let count = bytes.len().min(self.takes);
        if count == 0 {
            return Err(io::ErrorKind::WouldBlock.into());
        }
        self.takes -= count;
        self.sent.extend_from_slice(&bytes[..count]);
        Ok(count)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn carry(from: &mut End, to: &mut End) {
    to.received.extend(from.sent.drain(..));
}

struct Pair {
    client: Session,
    server: Session,
    here: End,
    there: End,
}

/// Two sessions after their handshake, which went `step` bytes at a time.
fn pair(step: usize) -> Pair {
    let certified = rcgen::generate_simple_self_signed([NAME.to_owned()]).unwrap();
    let (chain, key) = (certified.cert.pem(), certified.signing_key.serialize_pem());
    let acceptor = TlsAcceptor::builder().certificate(chain.as_bytes(), key.as_bytes()).unwrap();
    let connector = TlsConnector::builder().root_certificates(chain.as_bytes()).unwrap();
    let mut pair = Pair {
        client: connector.build().unwrap().session(NAME).unwrap(),
        server: acceptor.build().unwrap().session().unwrap(),
        here: End::default(),
        there: End::default(),
    };
    loop {
        let Pair { client, server, here, there } = &mut pair;
        (here.takes, there.takes) = (step, step);
        let done = [client.handshake(here), server.handshake(there)];
        let done = done.map(|result| match result {
            Err(error) => {
                assert_eq!(error.kind(), io::ErrorKind::WouldBlock);
                false
            }
            Ok(()) => true,
        });
        let is_idle = !client.wants_write() && !server.wants_write();
        let _blocked = (client.send(here), server.send(there));
        carry(here, there);
        carry(there, here);
        if done == [true, true] && is_idle {
            return pair;
        }
    }
}

#[test]
fn handshake_goes_on_from_any_point() {
    for step in [1, 7, 1000, 100_000] {
        let Pair { client, server, .. } = pair(step);
        assert_eq!(server.info().server_name.as_deref(), Some(NAME));
        assert_eq!(client.info().peer_certificates.len(), 1);
    }
}

#[test]
fn bytes_come_through_a_wire_that_takes_little() {
    let Pair { mut client, mut server, mut here, mut there } = pair(100_000);
    let bytes: Vec<u8> = (0..200_000_u32).map(|number| (number % 251) as u8).collect();
    let (mut sent, mut got) = (0, Vec::new());
    let mut room = vec![0; 5000];
    while got.len() < bytes.len() {
        here.takes = 3000;
        if client.send(&mut here).is_ok() && sent < bytes.len() {
            sent += client.encrypt(&[IoSlice::new(&bytes[sent..])]).unwrap();
        }
        carry(&mut here, &mut there);
        match server.receive(&mut there, &mut room) {
            Ok(count) => got.extend_from_slice(&room[..count]),
            Err(error) => assert_eq!(error.kind(), io::ErrorKind::WouldBlock),
        }
    }
    assert!(got == bytes);
}

/// What came before the end is given before the end is told, and the end again and again.
#[test]
fn an_end_is_told_after_what_came_before_it() {
    for is_said in [true, false] {
        let Pair { mut client, mut server, mut here, mut there } = pair(100_000);
        here.takes = 100_000;
        client.encrypt(&[IoSlice::new(b"last")]).unwrap();
        if is_said {
            client.end();
        }
        client.send(&mut here).unwrap();
        carry(&mut here, &mut there);
        there.has_ended = true;
        let mut room = [0; 10];
        assert_eq!(server.receive(&mut there, &mut room).unwrap(), 4);
        assert!(server.has_news(), "the end is known without the socket");
        for _ in 0..2 {
            match server.receive(&mut there, &mut room) {
                Ok(count) => assert!(is_said && count == 0),
                Err(error) => assert!(!is_said && error.kind() == io::ErrorKind::UnexpectedEof),
            }
        }
    }
}

#[test]
fn garbage_is_an_error_and_the_peer_is_told() {
    let Pair { mut server, mut there, .. } = pair(100_000);
    there.received.extend([0x17, 3, 3, 0, 20].into_iter().chain([7; 20]));
    there.takes = 1000;
    let error = server.receive(&mut there, &mut [0; 10]).unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::InvalidData);
    assert!(!there.sent.is_empty(), "an alert");
}
