//! The client's side.

use std::fmt;
use std::io;
use std::path::Path;
use std::sync::Arc;

use futures_io::{AsyncRead, AsyncWrite};
use futures_rustls::pki_types::{CertificateDer, ServerName};
use futures_rustls::rustls::{ClientConfig, RootCertStore};

use super::builder::session_methods;
use super::certificates::{Identity, parse_certificates, read_certificates};
use super::handshake::Connect;
use super::session::Session;
use super::{Limits, TlsError, acceptor::provider};
use crate::streams::tls::{Handshake, StartTls};
use crate::streams::{StreamReader, StreamWriter};

/// Begins TLS sessions as a client.
///
/// asyncio: an `ssl.SSLContext` for clients.
///
/// A clone shares the configuration and the remembered sessions.
///
/// # Examples
/// ```no_run
/// use bowerbird::io::{AsyncReadExt, AsyncWriteExt};
/// use bowerbird::net::TcpStream;
/// use bowerbird::tls::TlsConnector;
///
/// # fn main() -> std::io::Result<()> {
/// bowerbird::run(async {
///     let connector = TlsConnector::new()?;
///     let tcp = TcpStream::connect("example.com:443").await?;
///     let mut stream = connector.connect("example.com", tcp).await?;
///     stream.write_all(b"GET / HTTP/1.0\r\nhost: example.com\r\n\r\n").await?;
///     stream.flush().await?;
///     let mut page = Vec::new();
///     stream.read_to_end(&mut page).await?;
///     stream.close().await
/// })
/// # }
/// ```
#[derive(Clone)]
pub struct TlsConnector {
    config: Arc<ClientConfig>,
    limits: Limits,
}

impl TlsConnector {
    /// Makes a connector that trusts the certificate authorities of this system.
    ///
    /// asyncio: `ssl.create_default_context()`.
    ///
    /// It reads the system's certificates, which takes milliseconds: make one, and clone it.
    ///
    /// # Errors
    /// The system has no readable certificates.
    pub fn new() -> Result<Self, TlsError> {
        Self::builder().system_roots()?.build()
    }

    /// Begins a configuration of one's own, which trusts nobody yet.
    ///
    /// asyncio: `ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)`.
    pub fn builder() -> TlsConnectorBuilder {
        TlsConnectorBuilder {
            roots: RootCertStore::empty(),
            identity: None,
            alpn: Vec::new(),
            limits: Limits::default(),
        }
    }

    /// Does the handshake with the server `server_name` over `stream`.
    ///
    /// asyncio: `open_connection(ssl=context, server_hostname=server_name)`, or `start_tls` on a stream that
    /// has carried plain text before.
    ///
    /// `server_name` is what the certificate must be for, a host name or an IP address; a host name is also
    /// sent to the server (SNI).
    ///
    /// # Cancel safety
    /// A handshake that is dropped closes `stream`.
    ///
    /// # Errors
    /// `server_name` is neither a host name nor an address; the server's certificate is not for it or by
    /// nobody trusted; the two have no protocol in common; the handshake took longer than
    /// [`handshake_timeout`](TlsConnectorBuilder::handshake_timeout)
    /// ([`TimedOut`](std::io::ErrorKind::TimedOut)); or `stream` failed.
    #[track_caller]
    pub fn connect<S>(&self, server_name: &str, stream: S) -> Connect<S>
    where
        S: AsyncRead + AsyncWrite + Unpin,
    {
        Connect::new(&self.config, self.limits, server_name, name_of(server_name), stream)
    }

    /// Begins a session with the server `server_name`, for those who move the bytes themselves.
    ///
    /// # Errors
    /// `server_name` is neither a host name nor an address.
    #[doc(hidden)]
    pub fn session(&self, server_name: &str) -> io::Result<Session> {
        Session::client(&self.config, self.limits, server_name, name_of(server_name))
    }

    /// Begins a TLS session on a connection that has carried plain text: gives a reader and a writer in place of
    /// these two.
    ///
    /// asyncio: `writer.start_tls(context, server_hostname=server_name)`, which changes the two in place.
    ///
    /// What was written and not yet sent goes before the session, in plain text; what the reader has read ahead
    /// is the beginning of the session. To close the new writer ends the session and the connection, which is
    /// given up if that takes longer than [`shutdown_timeout`](TlsConnectorBuilder::shutdown_timeout). There is
    /// no `write_eof` in a session.
    ///
    /// # Cancel safety
    /// A handshake that is dropped closes the connection.
    ///
    /// # Errors
    /// As for [`connect`](Self::connect).
    ///
    /// # Examples
    /// ```no_run
    /// use bowerbird::open_connection;
    /// use bowerbird::tls::TlsConnector;
    ///
    /// # fn main() -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
    /// bowerbird::run(async {
    ///     let (mut reader, writer) = open_connection("mail.example.com:25").await?;
    ///     let greeting = reader.readline().await?;
    ///     writer.write("STARTTLS\r\n");
    ///     let go_ahead = reader.readline().await?;
    ///     let connector = TlsConnector::new()?;
    ///     let (reader, writer) = connector.start_tls("mail.example.com", reader, writer).await?;
    ///     # let _ = (greeting, go_ahead, reader, writer);
    ///     Ok(())
    /// })
    /// # }
    /// ```
    #[track_caller]
    pub fn start_tls(
        &self,
        server_name: &str,
        reader: StreamReader,
        writer: StreamWriter,
    ) -> StartTls {
        StartTls::new(reader, writer, |plain| Handshake::Connect(self.connect(server_name, plain)))
    }
}

impl From<Arc<ClientConfig>> for TlsConnector {
    /// Takes a configuration of rustls, with the default limits of time.
    fn from(config: Arc<ClientConfig>) -> Self {
        Self { config, limits: Limits::default() }
    }
}

impl fmt::Debug for TlsConnector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TlsConnector")
            .field("alpn", &alpn_names(&self.config.alpn_protocols))
            .finish()
    }
}

fn name_of(server_name: &str) -> Result<ServerName<'static>, TlsError> {
    ServerName::try_from(server_name.to_owned()).map_err(|error| {
        TlsError::new(format!("`{server_name}` is no name of a TLS server"), error)
    })
}

pub(super) fn alpn_names(protocols: &[Vec<u8>]) -> Vec<String> {
    protocols.iter().map(|name| String::from_utf8_lossy(name).into_owned()).collect()
}

/// What a [`TlsConnector`] is made from.
///
/// asyncio: the methods of `ssl.SSLContext`.
///
/// # Examples
/// ```no_run
/// use bowerbird::tls::TlsConnector;
///
/// # fn main() -> Result<(), bowerbird::tls::TlsError> {
/// let connector = TlsConnector::builder()
///     .root_certificates_file("ca.pem")?
///     .certificate_files("client.pem", "client.key")?
///     .alpn(["h2", "http/1.1"])
///     .build()?;
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
#[must_use = "a builder does nothing until `build`"]
pub struct TlsConnectorBuilder {
    roots: RootCertStore,
    identity: Option<Identity>,
    alpn: Vec<Vec<u8>>,
    limits: Limits,
}

session_methods!(
    TlsConnectorBuilder,
    "Offers these application protocols, the preferred one first (ALPN)."
);

impl TlsConnectorBuilder {
    /// Trusts the certificate authorities of this system.
    ///
    /// asyncio: `SSLContext.load_default_certs()`.
    ///
    /// # Errors
    /// The system has no readable certificates. Some that cannot be read beside others that can are passed over.
    pub fn system_roots(mut self) -> Result<Self, TlsError> {
        let found = rustls_native_certs::load_native_certs();
        let (added, _) = self.roots.add_parsable_certificates(found.certs);
        match found.errors.into_iter().next() {
            _ if added > 0 => Ok(self),
            Some(error) => Err(TlsError::new("cannot read this system's certificates", error)),
            None => Err(TlsError::new(
                "cannot read this system's certificates",
                "there are none (on Debian they are the package ca-certificates)",
            )),
        }
    }

    /// Trusts the certificates of a PEM text, and what they sign.
    ///
    /// asyncio: `SSLContext.load_verify_locations(cadata=..)`.
    ///
    /// # Errors
    /// The text holds no certificate, or one that cannot be read.
    pub fn root_certificates(mut self, pem: &[u8]) -> Result<Self, TlsError> {
        add_roots(&mut self.roots, parse_certificates(pem)?)?;
        Ok(self)
    }

    /// Trusts the certificates of a PEM file, and what they sign.
    ///
    /// asyncio: `SSLContext.load_verify_locations(cafile)`.
    ///
    /// # Errors
    /// The file cannot be read, holds no certificate, or one that cannot be read.
    pub fn root_certificates_file(mut self, path: impl AsRef<Path>) -> Result<Self, TlsError> {
        add_roots(&mut self.roots, read_certificates(path.as_ref())?)?;
        Ok(self)
    }

    /// Shows this certificate to servers that ask for one: the chain, own certificate first, and the private
    /// key, as PEM texts.
    ///
    /// asyncio: `SSLContext.load_cert_chain`, which takes files only.
    ///
    /// # Errors
    /// One of the texts does not hold what it should.
    pub fn certificate(mut self, chain: &[u8], key: &[u8]) -> Result<Self, TlsError> {
        self.identity = Some(Identity::from_pem(chain, key)?);
        Ok(self)
    }

    /// Shows this certificate to servers that ask for one: the chain, own certificate first, and the private
    /// key, as PEM files.
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
        self.identity = Some(Identity::from_files(chain.as_ref(), key.as_ref())?);
        Ok(self)
    }

    /// Makes the connector.
    ///
    /// # Errors
    /// Nobody is trusted, so that every handshake would fail; or the certificate and the key do not belong
    /// together.
    pub fn build(self) -> Result<TlsConnector, TlsError> {
        let Self { roots, identity, alpn, limits } = self;
        if roots.is_empty() {
            return Err(TlsError::new(
                "cannot make a TlsConnector",
                "it trusts nobody: call `system_roots`, `root_certificates_file` or `root_certificates`",
            ));
        }
        let failed = |error| TlsError::new("cannot make a TlsConnector", error);
        let config = ClientConfig::builder_with_provider(provider())
            .with_safe_default_protocol_versions()
            .map_err(failed)?
            .with_root_certificates(roots);
        let mut config = match identity {
            Some(Identity { chain, key }) => {
                config.with_client_auth_cert(chain, key).map_err(failed)?
            }
            None => config.with_no_client_auth(),
        };
        config.alpn_protocols = alpn;
        Ok(TlsConnector { config: Arc::new(config), limits })
    }
}

pub(super) fn add_roots(
    roots: &mut RootCertStore,
    certificates: Vec<CertificateDer<'static>>,
) -> Result<(), TlsError> {
    for certificate in certificates {
        roots
            .add(certificate)
            .map_err(|error| TlsError::new("a certificate cannot stand for an authority", error))?;
    }
    Ok(())
}
