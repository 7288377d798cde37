//! An authority, the certificates that it signs, and both sides of a connection.

use std::io;
use std::time::Duration;

use bowerbird::net::{TcpListener, TcpStream};
use bowerbird::tls::{
    TlsAcceptor, TlsAcceptorBuilder, TlsConnector, TlsConnectorBuilder, TlsStream,
};
use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair};

pub(crate) const NAME: &str = "bower.example";

/// A certificate authority of one's own.
pub(crate) struct Authority {
    issuer: Issuer<'static, KeyPair>,
    pub(crate) pem: String,
}

/// A certificate and its key, as PEM texts.
pub(crate) struct Identity {
    pub(crate) chain: String,
    pub(crate) key: String,
}

impl Authority {
    pub(crate) fn new() -> Self {
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        // Not the default name, which the others have: they would look signed by themselves.
        params.distinguished_name.push(DnType::CommonName, "an authority");
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let key = KeyPair::generate().unwrap();
        let certificate = params.self_signed(&key).unwrap();
        Self { pem: certificate.pem(), issuer: Issuer::new(params, key) }
    }

    pub(crate) fn sign(&self, name: &str) -> Identity {
        let key = KeyPair::generate().unwrap();
        let params = CertificateParams::new([name.to_owned()]).unwrap();
        let certificate = params.signed_by(&key, &self.issuer).unwrap();
        Identity { chain: certificate.pem(), key: key.serialize_pem() }
    }

    /// A server for [`NAME`].
    pub(crate) fn server(&self) -> TlsAcceptorBuilder {
        let identity = self.sign(NAME);
        TlsAcceptor::builder()
            .certificate(identity.chain.as_bytes(), identity.key.as_bytes())
            .unwrap()
    }

    /// A client that trusts this authority.
    pub(crate) fn client(&self) -> TlsConnectorBuilder {
        TlsConnector::builder().root_certificates(self.pem.as_bytes()).unwrap()
    }
}

/// Two ends of a TCP connection: the client's and the server's.
pub(crate) async fn tcp_pair() -> (TcpStream, TcpStream) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let client = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
    let (server, _) = listener.accept().await.unwrap();
    (client, server)
}

pub(crate) type Side = io::Result<TlsStream<TcpStream>>;

/// What a handshake between the two comes to, on the client's side and on the server's.
pub(crate) async fn handshake(
    connector: &TlsConnector,
    acceptor: &TlsAcceptor,
    name: &str,
) -> (Side, Side) {
    let (client, server) = tcp_pair().await;
    bowerbird::join((connector.connect(name, client), acceptor.accept(server))).await
}

/// Both ends of a session that stands.
pub(crate) async fn session() -> (TlsStream<TcpStream>, TlsStream<TcpStream>) {
    session_within(Duration::from_secs(30)).await
}

/// The same, with that time for the end.
pub(crate) async fn session_within(
    shutdown: Duration,
) -> (TlsStream<TcpStream>, TlsStream<TcpStream>) {
    let authority = Authority::new();
    let connector = authority.client().shutdown_timeout(shutdown).build().unwrap();
    let acceptor = authority.server().shutdown_timeout(shutdown).build().unwrap();
    let (client, server) = handshake(&connector, &acceptor, NAME).await;
    (client.unwrap(), server.unwrap())
}
