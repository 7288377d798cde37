//! Files that are sent through a session.

use bowerbird::io::AsyncReadExt;
use bowerbird::protocols::{sendfile, start_tls};
use bowerbird_tests::{Journal, everywhere};

use crate::plain::{Noted, Temporary, fill};
use crate::support::{pair, sides};
use crate::tls::NAME;

#[test]
fn test_sendfile_ssl_pre_and_post_data() {
    everywhere(|| async {
        let file = Temporary::new(3_000_001);
        let (transport, mut peer) = pair(Noted::new(&Journal::new())).await;
        let count = fill(&transport);
        let handle = transport.clone();
        let sending = sendfile(&transport, file.open(), 0, None);
        let sending = bowerbird::spawn(async move {
            let sent = sending.await;
            handle.write(b"the end");
            handle.close();
            sent
        });
        let mut all = Vec::new();
        peer.read_to_end(&mut all).await.unwrap();
        assert!(all[count..] == [&file.bytes[..], b"the end"].concat());
        assert_eq!(sending.await.unwrap().unwrap(), file.bytes.len() as u64);
    });
}

#[test]
fn test_sendfile_ssl_partial() {
    everywhere(|| async {
        let file = Temporary::new(100_000);
        let (transport, mut peer) = pair(Noted::new(&Journal::new())).await;
        let sent = sendfile(&transport, file.open(), 1000, Some(90_000)).await.unwrap();
        assert_eq!(sent, 90_000);
        transport.close();
        let mut all = Vec::new();
        peer.read_to_end(&mut all).await.unwrap();
        assert!(all == file.bytes[1000..91_000]);
    });
}

#[test]
fn a_transport_that_sends_a_file_cannot_be_upgraded() {
    everywhere(|| async {
        let (connector, _) = sides();
        let file = Temporary::new(20_000_000);
        let (transport, mut peer) = crate::plain::pair(Noted::new(&Journal::new())).await;
        let sending = bowerbird::spawn(sendfile(&transport, file.open(), 0, None));
        crate::plain::drain(&mut peer, 1024).await;
        let error = start_tls(&transport, (&connector, NAME)).await.unwrap_err();
        assert_eq!(error.kind(), std::io::ErrorKind::ResourceBusy);
        crate::plain::drain(&mut peer, file.bytes.len() - 1024).await;
        sending.await.unwrap().unwrap();
    });
}
