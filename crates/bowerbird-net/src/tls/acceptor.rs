//! The server's side.

use std::collections::HashMap;
use std::fmt;
use std::io;
use std::path::Path;
use std::sync::Arc;

use futures_io::{AsyncRead, AsyncWrite};
use futures_rustls::pki_types::DnsName;
use futures_rustls::rustls::crypto::{CryptoProvider, ring};
use futures_rustls::rustls::server::{ClientHello, ResolvesServerCert, WebPkiClientVerifier};
use futures_rustls::rustls::sign::CertifiedKey;
use futures_rustls::rustls::{RootCertStore, ServerConfig};

use super::builder::session_methods;
use super::certificates::{Identity, parse_certificates, read_certificates};
use super::connector::{add_roots, alpn_names};
use super::handshake::Accept;
use super::session::Session;
use super::{Limits, TlsError};
use crate::streams::tls::{Handshake, StartTls};
use crate::streams::{StreamReader, StreamWriter};

/// Begins TLS sessions as a server.
///
/// asyncio: an `ssl.SSLContext` for servers.
///
/// A clone shares the configuration and the keys of its session tickets.
///
/// # Examples
/// ```no_run
/// use bowerbird::io::{AsyncReadExt, AsyncWriteExt};
/// use bowerbird::net::TcpListener;
/// use bowerbird::tls::TlsAcceptor;
///
/// # fn main() -> std::io::Result<()> {
/// bowerbird::run(async {
///     let acceptor =
///         TlsAcceptor::builder().certificate_files("server.pem", "server.key")?.build()?;
///     let listener = TcpListener::bind("127.0.0.1:8443").await?;
///     loop {
///         let (tcp, _) = listener.accept().await?;
///         let acceptor = acceptor.clone();
///         // The handshake is the task's: a slow client holds up nobody else.
///         bowerbird::spawn(async move {
///             let mut stream = acceptor.accept(tcp).await?;
///             stream.write_all(b"hello\n").await?;
///             stream.close().await
///         });
///     }
/// })
/// # }
/// ```
#[derive(Clone)]
pub struct TlsAcceptor {
    config: Arc<ServerConfig>,
    limits: Limits,
}

impl TlsAcceptor {
    /// Begins a configuration; it needs at least a certificate.
    ///
    /// asyncio: `ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)`.
    pub fn builder() -> TlsAcceptorBuilder {
        TlsAcceptorBuilder {
            default: None,
            named: Vec::new(),
            client_roots: None,
            client_required: false,
            alpn: Vec::new(),
            limits: Limits::default(),
        }
    }

    /// Does the handshake with a client over `stream`.
    ///
    /// asyncio: what `start_server(ssl=context)` does with each connection, or `start_tls(server_side=True)`.
    ///
    /// # Cancel safety
    /// A handshake that is dropped closes `stream`.
    ///
    /// # Errors
    /// What came is no TLS; there is no certificate for the name that the client asked for; the client has no
    /// valid certificate where one is required; the two have no protocol in common; the handshake took longer
    /// than [`handshake_timeout`](TlsAcceptorBuilder::handshake_timeout)
    /// ([`TimedOut`](std::io::ErrorKind::TimedOut)); or `stream` failed.
    #[track_caller]
    pub fn accept<S>(&self, stream: S) -> Accept<S>
    where
        S: AsyncRead + AsyncWrite + Unpin,
    {
        Accept::new(&self.config, self.limits, stream)
    }

    /// Begins a session with a client, for those who move the bytes themselves.
    ///
    /// # Errors
    /// The configuration cannot be used.
    #[doc(hidden)]
    pub fn session(&self) -> io::Result<Session> {
        Session::server(&self.config, self.limits)
    }

    /// Begins a TLS session on a connection that has carried plain text: gives a reader and a writer in place of
    /// these two.
    ///
    /// asyncio: `writer.start_tls(context)` in a handler of `start_server`, which changes the two in place. See
    /// [`TlsConnector::start_tls`](super::TlsConnector::start_tls).
    ///
    /// # Cancel safety
    /// A handshake that is dropped closes the connection.
    ///
    /// # Errors
    /// As for [`accept`](Self::accept).
    #[track_caller]
    pub fn start_tls(&self, reader: StreamReader, writer: StreamWriter) -> StartTls {
        StartTls::new(reader, writer, |plain| Handshake::Accept(self.accept(plain)))
    }
}

impl From<Arc<ServerConfig>> for TlsAcceptor {
    /// Takes a configuration of rustls, with the default limits of time.
    fn from(config: Arc<ServerConfig>) -> Self {
        Self { config, limits: Limits::default() }
    }
}

impl fmt::Debug for TlsAcceptor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TlsAcceptor")
            .field("alpn", &alpn_names(&self.config.alpn_protocols))
            .finish()
    }
}

/// What a [`TlsAcceptor`] is made from.
///
/// asyncio: the methods of `ssl.SSLContext`.
///
/// # Examples
/// ```no_run
/// use bowerbird::tls::TlsAcceptor;
///
/// # fn main() -> Result<(), bowerbird::tls::TlsError> {
/// let acceptor = TlsAcceptor::builder()
///     .certificate_files("server.pem", "server.key")?
///     .certificate_files_for("other.example", "other.pem", "other.key")?
///     .client_root_certificates_file("clients.pem")?
///     .require_client_certificates()
///     .alpn(["h2", "http/1.1"])
///     .build()?;
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
#[must_use = "a builder does nothing until `build`"]
pub struct TlsAcceptorBuilder {
    default: Option<Identity>,
    named: Vec<(String, Identity)>,
    client_roots: Option<RootCertStore>,
    client_required: bool,
    alpn: Vec<Vec<u8>>,
    limits: Limits,
}

session_methods!(
    TlsAcceptorBuilder,
    "Speaks these application protocols, the preferred one first (ALPN). A client that offers protocols and none of \
     these is refused."
);

impl TlsAcceptorBuilder {
    /// Sets the certificate for every name that has none of its own: the chain, own certificate first, and the
    /// private key, as PEM texts.
    ///
    /// asyncio: `SSLContext.load_cert_chain`, which takes files only.
    ///
    /// # Errors
    /// One of the texts does not hold what it should.
    pub fn certificate(mut self, chain: &[u8], key: &[u8]) -> Result<Self, TlsError> {
        self.default = Some(Identity::from_pem(chain, key)?);
        Ok(self)
    }

    /// Sets the certificate for every name that has none of its own: the chain, own certificate first, and the
    /// private key, as PEM files.
    ///
    /// asyncio: `SSLContext.load_cert_chain(certfile, keyfile)`.
    ///
    /// # Errors
    /// One of the files cannot be read, or does not hold what it should.
    pub fn certificate_files(
        mut self,
        chain: impl AsRef<Path>,
        key: impl AsRef<Path>,
    ) -> Result<Self, TlsError> {
        self.default = Some(Identity::from_files(chain.as_ref(), key.as_ref())?);
        Ok(self)
    }

    /// Sets the certificate for clients that ask for `name` (SNI), as PEM texts.
    ///
    /// asyncio: `SSLContext.sni_callback`.
    ///
    /// # Errors
    /// One of the texts does not hold what it should.
    pub fn certificate_for(
        mut self,
        name: &str,
        chain: &[u8],
        key: &[u8],
    ) -> Result<Self, TlsError> {
        self.named.push((dns_name(name)?, Identity::from_pem(chain, key)?));
        Ok(self)
    }

    /// Sets the certificate for clients that ask for `name` (SNI), as PEM files.
    ///
    /// asyncio: `SSLContext.sni_callback`.
    ///
    /// # Errors
    /// One of the files cannot be read, or does not hold what it should.
    pub fn certificate_files_for(
        mut self,
        name: &str,
        chain: impl AsRef<Path>,
        key: impl AsRef<Path>,
    ) -> Result<Self, TlsError> {
        self.named.push((dns_name(name)?, Identity::from_files(chain.as_ref(), key.as_ref())?));
        Ok(self)
    }

    /// Asks clients for a certificate by one of these authorities, as a PEM text; a client without one is let
    /// in unless [`require_client_certificates`](Self::require_client_certificates) is called too.
    ///
    /// asyncio: `verify_mode = CERT_OPTIONAL` and `load_verify_locations(cadata=..)`.
    ///
    /// # Errors
    /// The text holds no certificate, or one that cannot be read.
    pub fn client_root_certificates(mut self, pem: &[u8]) -> Result<Self, TlsError> {
        let roots = self.client_roots.get_or_insert_with(RootCertStore::empty);
        add_roots(roots, parse_certificates(pem)?)?;
        Ok(self)
    }

    /// The same with a PEM file.
    ///
    /// asyncio: `verify_mode = CERT_OPTIONAL` and `load_verify_locations(cafile)`.
    ///
    /// # Errors
    /// The file cannot be read, holds no certificate, or one that cannot be read.
    pub fn client_root_certificates_file(
        mut self,
        path: impl AsRef<Path>,
    ) -> Result<Self, TlsError> {
        let roots = self.client_roots.get_or_insert_with(RootCertStore::empty);
        add_roots(roots, read_certificates(path.as_ref())?)?;
        Ok(self)
    }

    /// Refuses clients that show no certificate.
    ///
    /// asyncio: `verify_mode = CERT_REQUIRED`.
    pub fn require_client_certificates(mut self) -> Self {
        self.client_required = true;
        self
    }

    /// Makes the acceptor.
    ///
    /// # Errors
    /// There is no certificate at all; a certificate and its key do not belong together; or client certificates
    /// are required and no authority for them is named.
    pub fn build(self) -> Result<TlsAcceptor, TlsError> {
        let failed = "cannot make a TlsAcceptor";
        if self.default.is_none() && self.named.is_empty() {
            return Err(TlsError::new(
                failed,
                "it has no certificate: call `certificate_files` or `certificate`",
            ));
        }
        let resolver = Certificates::new(self.default, self.named)?;
        let config = ServerConfig::builder_with_provider(provider())
            .with_safe_default_protocol_versions()
            .map_err(|error| TlsError::new(failed, error))?;
        let config = match (self.client_roots, self.client_required) {
            (None, false) => config.with_no_client_auth(),
            (None, true) => {
                return Err(TlsError::new(
                    failed,
                    "it requires client certificates and trusts nobody: call `client_root_certificates_file` \
                     or `client_root_certificates`",
                ));
            }
            (Some(roots), required) => {
                let verifier =
                    WebPkiClientVerifier::builder_with_provider(roots.into(), provider());
                let verifier = if required { verifier } else { verifier.allow_unauthenticated() };
                config.with_client_cert_verifier(
                    verifier.build().map_err(|error| TlsError::new(failed, error))?,
                )
            }
        };
        let mut config = config.with_cert_resolver(Arc::new(resolver));
        config.alpn_protocols = self.alpn;
        // Sessions are resumed by tickets, which cost the server no memory; their keys change every six hours.
        config.ticketer = ring::Ticketer::new().map_err(|error| TlsError::new(failed, error))?;
        Ok(TlsAcceptor { config: Arc::new(config), limits: self.limits })
    }
}

/// The cryptography that rustls is to use; a process-wide default is neither needed nor set.
pub(super) fn provider() -> Arc<CryptoProvider> {
    Arc::new(ring::default_provider())
}

fn dns_name(name: &str) -> Result<String, TlsError> {
    match DnsName::try_from(name) {
        Ok(name) => Ok(name.to_lowercase_owned().as_ref().to_owned()),
        Err(error) => Err(TlsError::new(format!("`{name}` is no host name"), error)),
    }
}

/// Which certificate a client is shown.
#[derive(Debug)]
struct Certificates {
    default: Option<Arc<CertifiedKey>>,
    named: HashMap<String, Arc<CertifiedKey>>,
}

impl Certificates {
    fn new(default: Option<Identity>, named: Vec<(String, Identity)>) -> Result<Self, TlsError> {
        Ok(Self {
            default: default.map(|identity| certified("the default name", identity)).transpose()?,
            named: named
                .into_iter()
                .map(|(name, identity)| {
                    let key = certified(&format!("`{name}`"), identity)?;
                    Ok((name, key))
                })
                .collect::<Result<_, TlsError>>()?,
        })
    }
}

fn certified(name: &str, Identity { chain, key }: Identity) -> Result<Arc<CertifiedKey>, TlsError> {
    CertifiedKey::from_der(chain, key, &provider())
        .map(Arc::new)
        .map_err(|error| TlsError::new(format!("cannot use the certificate for {name}"), error))
}

impl ResolvesServerCert for Certificates {
    fn resolve(&self, client_hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        client_hello
            .server_name()
            .and_then(|name| self.named.get(&name.to_ascii_lowercase()))
            .or(self.default.as_ref())
            .cloned()
    }
}
