//! What can go wrong before and during a handshake.

use std::error::Error;
use std::fmt;
use std::io;

/// A TLS configuration or handshake that failed: what was done, with whom, and why.
///
/// asyncio: `ssl.SSLError` and its subclasses.
///
/// It stands in the [`io::Error`] that a handshake gives, as its
/// [`get_ref`](io::Error::get_ref); its [`source`](Error::source) is the error of rustls.
///
/// # Examples
/// ```
/// use bowerbird::tls::{TlsConnector, TlsError};
///
/// let error: TlsError = TlsConnector::builder().root_certificates_file("/no/such.pem").unwrap_err();
/// assert!(error.to_string().starts_with("cannot read certificates from `/no/such.pem`: "));
/// ```
#[derive(Debug)]
pub struct TlsError {
    context: String,
    source: Box<dyn Error + Send + Sync>,
}

impl TlsError {
    pub(super) fn new(
        context: impl Into<String>,
        source: impl Into<Box<dyn Error + Send + Sync>>,
    ) -> Self {
        Self { context: context.into(), source: source.into() }
    }
}

impl fmt::Display for TlsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.context, self.source)
    }
}

impl Error for TlsError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        Some(self.source.as_ref())
    }
}

impl From<TlsError> for io::Error {
    fn from(error: TlsError) -> Self {
        // A failed read or write keeps its kind; what rustls refuses is bad data.
        let kind = match error.source.downcast_ref::<io::Error>() {
            Some(source) => source.kind(),
            None => io::ErrorKind::InvalidData,
        };
        Self::new(kind, error)
    }
}
