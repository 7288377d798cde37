//! Certificates and keys in PEM form.

use std::path::Path;

use futures_rustls::pki_types::pem::{self, PemObject};
use futures_rustls::pki_types::{CertificateDer, PrivateKeyDer};

use super::TlsError;

/// A chain of certificates, the own one first, and its private key.
#[derive(Debug)]
pub(super) struct Identity {
    pub(super) chain: Vec<CertificateDer<'static>>,
    pub(super) key: PrivateKeyDer<'static>,
}

impl Identity {
    pub(super) fn from_pem(chain: &[u8], key: &[u8]) -> Result<Self, TlsError> {
        Ok(Self {
            chain: certificates("the given PEM text", CertificateDer::pem_slice_iter(chain))?,
            key: PrivateKeyDer::from_pem_slice(key).map_err(|error| {
                TlsError::new("cannot read a private key from the given PEM text", error)
            })?,
        })
    }

    pub(super) fn from_files(chain: &Path, key: &Path) -> Result<Self, TlsError> {
        Ok(Self {
            chain: read_certificates(chain)?,
            key: PrivateKeyDer::from_pem_file(key).map_err(|error| {
                TlsError::new(format!("cannot read a private key from `{}`", key.display()), error)
            })?,
        })
    }
}

/// The certificates of a PEM file, at least one.
pub(super) fn read_certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>, TlsError> {
    let source = format!("`{}`", path.display());
    match CertificateDer::pem_file_iter(path) {
        Ok(found) => certificates(&source, found),
        Err(error) => Err(TlsError::new(format!("cannot read certificates from {source}"), error)),
    }
}

/// The certificates of a PEM text, at least one.
pub(super) fn parse_certificates(pem: &[u8]) -> Result<Vec<CertificateDer<'static>>, TlsError> {
    certificates("the given PEM text", CertificateDer::pem_slice_iter(pem))
}

fn certificates(
    source: &str,
    found: impl Iterator<Item = Result<CertificateDer<'static>, pem::Error>>,
) -> Result<Vec<CertificateDer<'static>>, TlsError> {
    let context = || format!("cannot read certificates from {source}");
    let found: Vec<_> =
        found.collect::<Result<_, _>>().map_err(|error| TlsError::new(context(), error))?;
    if found.is_empty() {
        return Err(TlsError::new(context(), "there is none in it"));
    }
    Ok(found)
}
