use super::super::life::Turn;
use bowerbird_net::UdpSocket;

use super::*;
use crate::run;

/// A socket that sends takes everything at once on most systems, so what waits is put there by hand.
#[test]
fn datagrams_wait_for_the_system_in_order() {
    run(async {
        let peer = UdpSocket::bind("127.0.0.1:0").await?;
        let to = peer.local_addr()?;
        let socket = Arc::new(UdpSocket::bind("127.0.0.1:0").await?);
        let endpoint = Endpoint::new(socket, None);
        endpoint.hub.with(|state| {
            state.life.set_limits(Some(20), None).unwrap();
            state.life.backlog.push(b"first", Some(to));
        });
        // Behind what waits, although the system would take it.
        assert!(endpoint.send(b"second", Some(to)).is_ok());
        assert!(endpoint.send(b"", Some(to)).is_ok());
        let size = || endpoint.hub.with(|state| state.life.backlog.size());
        assert_eq!(size(), 5 + 6 + 3 * HEADER_BYTES);
        assert!(peer.try_recv_from(&mut [0; 8]).is_err());
        // Closing sends it on.
        endpoint.hub.with(|state| state.life.close());
        assert!(endpoint.hub.with(|state| matches!(state.next(), Step::Turn(Turn::PauseWriting))));
        for expected in [&b"first"[..], b"second", b""] {
            assert!(endpoint.hub.with(|state| matches!(
                state.next(),
                Step::Move { reads: false, writes: true }
            ) || matches!(
                state.next(),
                Step::Turn(Turn::ResumeWriting)
            )));
            endpoint.send_first()?;
            let mut room = [0; 8];
            let (count, _) = peer.recv_from(&mut room).await?;
            assert_eq!(&room[..count], expected);
        }
        assert_eq!(size(), 0);
        let ended = endpoint.hub.with(|state| {
            loop {
                match state.next() {
                    Step::Turn(Turn::ResumeWriting) => {}
                    Step::Turn(Turn::Lost(None)) => break true,
                    _ => break false,
                }
            }
        });
        assert!(ended);
        io::Result::Ok(())
    })
    .unwrap();
}

/// A datagram that cannot be sent does not keep those behind it.
#[test]
fn error_of_one_that_waits_passes_over_it() {
    run(async {
        let peer = UdpSocket::bind("127.0.0.1:0").await?;
        let to = peer.local_addr()?;
        let endpoint = Endpoint::new(Arc::new(UdpSocket::bind("127.0.0.1:0").await?), None);
        endpoint.hub.with(|state| {
            state.life.backlog.push(&[0; 100_000], Some(to));
            state.life.backlog.push(b"next", Some(to));
        });
        endpoint.send_first()?;
        assert!(endpoint.hub.with(|state| matches!(state.next(), Step::Error(_))));
        endpoint.send_first()?;
        let mut room = [0; 8];
        assert_eq!(peer.recv_from(&mut room).await?.0, 4);
        io::Result::Ok(())
    })
    .unwrap();
}

#[test]
fn errors_that_wait_are_few() {
    let mut errors = VecDeque::new();
    (0..1000).for_each(|_| keep(&mut errors, io::ErrorKind::Other.into()));
    assert_eq!(errors.len(), MOST_ERRORS);
}
