//! What is refused, before a handshake and by one.

use std::error::Error;
use std::io;

use bowerbird::tls::{TlsAcceptor, TlsConnector, TlsError};
use bowerbird_tests::everywhere;

use crate::support::{Authority, NAME, Side, handshake, tcp_pair};

/// The error of a side, as text; its kind and its place in an `io::Error` are checked.
fn refused(side: Side) -> String {
    let error = side.expect_err("the handshake should have failed");
    assert_eq!(error.kind(), io::ErrorKind::InvalidData, "{error}");
    let inner = error.get_ref().unwrap().downcast_ref::<TlsError>().unwrap();
    assert!(inner.source().is_some());
    error.to_string()
}

#[test]
fn certificate_for_another_name_is_refused() {
    everywhere(|| async {
        let authority = Authority::new();
        let connector = authority.client().build().unwrap();
        let acceptor = authority.server().build().unwrap();
        let (client, server) = handshake(&connector, &acceptor, "elsewhere.example").await;
        let client = refused(client);
        assert!(
            client.starts_with("the TLS handshake with `elsewhere.example` failed: "),
            "{client}"
        );
        assert!(client.contains("not valid for name"), "{client}");
        let server = refused(server);
        assert!(server.starts_with("the TLS handshake with a client failed: "), "{server}");
    });
}

#[test]
fn authority_that_nobody_named_is_refused() {
    everywhere(|| async {
        let connector = Authority::new().client().build().unwrap();
        let acceptor = Authority::new().server().build().unwrap();
        let (client, server) = handshake(&connector, &acceptor, NAME).await;
        let client = refused(client);
        assert!(client.contains("UnknownIssuer") || client.contains("BadSignature"), "{client}");
        refused(server);
    });
}

#[test]
fn client_without_a_certificate_is_refused_where_one_is_required() {
    everywhere(|| async {
        let authority = Authority::new();
        let connector = authority.client().build().unwrap();
        let optional =
            || authority.server().client_root_certificates(authority.pem.as_bytes()).unwrap();
        let required = optional().require_client_certificates().build().unwrap();
        let (_, server) = handshake(&connector, &required, NAME).await;
        let server = refused(server);
        assert!(server.contains("peer sent no certificates"), "{server}");

        let (client, server) = handshake(&connector, &optional().build().unwrap(), NAME).await;
        client.unwrap();
        assert!(server.unwrap().info().peer_certificates.is_empty());
    });
}

#[test]
fn protocols_without_a_common_one_are_refused() {
    everywhere(|| async {
        let authority = Authority::new();
        let connector = authority.client().alpn(["h2"]).build().unwrap();
        let acceptor = authority.server().alpn(["http/1.1"]).build().unwrap();
        let (client, server) = handshake(&connector, &acceptor, NAME).await;
        refused(client);
        refused(server);
    });
}

#[test]
fn what_is_no_name_is_refused_without_a_byte_sent() {
    everywhere(|| async {
        let connector = Authority::new().client().build().unwrap();
        for name in ["", "no name", "a..b"] {
            let (client, _server) = tcp_pair().await;
            let error = refused(connector.connect(name, client).await);
            let expected = format!("`{name}` is no name of a TLS server: ");
            assert!(error.starts_with(&expected), "{error}");
        }
    });
}

#[test]
fn builders_say_what_is_missing() {
    let authority = Authority::new();
    let error = TlsConnector::builder().build().unwrap_err().to_string();
    assert!(error.starts_with("cannot make a TlsConnector: it trusts nobody: call `"), "{error}");
    let error = TlsAcceptor::builder().build().unwrap_err().to_string();
    assert!(
        error.starts_with("cannot make a TlsAcceptor: it has no certificate: call `"),
        "{error}"
    );
    let error = authority.server().require_client_certificates().build().unwrap_err().to_string();
    assert!(error.contains("it requires client certificates and trusts nobody"), "{error}");
}

#[test]
fn builders_name_the_file_and_the_fault() {
    let authority = Authority::new();
    let identity = authority.sign(NAME);
    let (chain, key) = (identity.chain.as_bytes(), identity.key.as_bytes());
    let texts = [
        TlsConnector::builder().root_certificates_file("/no/such.pem").unwrap_err().to_string(),
        TlsConnector::builder().root_certificates(b"no certificate").unwrap_err().to_string(),
        TlsAcceptor::builder().certificate(chain, chain).unwrap_err().to_string(),
        TlsAcceptor::builder().certificate(key, key).unwrap_err().to_string(),
        TlsAcceptor::builder().certificate_files("/no/chain", "/no/key").unwrap_err().to_string(),
        TlsAcceptor::builder().certificate_for("no name", chain, key).unwrap_err().to_string(),
    ];
    let beginnings = [
        "cannot read certificates from `/no/such.pem`: ",
        "cannot read certificates from the given PEM text: there is none in it",
        "cannot read a private key from the given PEM text: ",
        "cannot read certificates from the given PEM text: there is none in it",
        "cannot read certificates from `/no/chain`: ",
        "`no name` is no host name: ",
    ];
    for (text, beginning) in texts.iter().zip(beginnings) {
        assert!(text.starts_with(beginning), "{text}");
    }
}

#[test]
fn key_of_another_certificate_is_refused() {
    let authority = Authority::new();
    let (one, other) = (authority.sign(NAME), authority.sign(NAME));
    let builder =
        TlsAcceptor::builder().certificate(one.chain.as_bytes(), other.key.as_bytes()).unwrap();
    let error = builder.build().unwrap_err().to_string();
    assert!(error.starts_with("cannot use the certificate for the default name: "), "{error}");
}
