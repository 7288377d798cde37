//! What is known of a session.

use futures_rustls::pki_types::CertificateDer;
use futures_rustls::rustls::{CommonState, HandshakeKind, ProtocolVersion};

/// What the two sides of a TLS session agreed on, and who the peer said it is.
///
/// asyncio: `ssl.SSLObject`, as `writer.get_extra_info("ssl_object")` gives it.
///
/// [`TlsStream::info`](super::TlsStream::info) gives it, and so does `get_extra_info::<TlsInfo>()` of a
/// [`StreamWriter`](crate::streams::StreamWriter) over TLS.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct TlsInfo {
    /// The version of TLS that is spoken.
    ///
    /// asyncio: `ssl_object.version()`.
    pub protocol_version: Option<ProtocolVersion>,
    /// The name of the cipher suite that is used.
    ///
    /// asyncio: `get_extra_info("cipher")`.
    pub cipher_suite: Option<&'static str>,
    /// The application protocol that both sides agreed on (ALPN).
    ///
    /// asyncio: `ssl_object.selected_alpn_protocol()`.
    pub alpn_protocol: Option<Vec<u8>>,
    /// On the server's side, the name that the client asked for (SNI).
    ///
    /// asyncio: what `SSLContext.sni_callback` is told.
    pub server_name: Option<String>,
    /// The certificates that the peer showed, its own first, in DER form.
    ///
    /// asyncio: `ssl_object.getpeercert(binary_form=True)`, which is the first of them.
    pub peer_certificates: Vec<CertificateDer<'static>>,
    /// Whether the session went on with an earlier one, by the short handshake.
    ///
    /// asyncio: `ssl_object.session_reused`.
    pub is_resumed: bool,
}

/// What is known of a session whose handshake is done.
pub(super) fn info_of(session: &CommonState, server_name: Option<&str>) -> TlsInfo {
    TlsInfo {
        protocol_version: session.protocol_version(),
        cipher_suite: session.negotiated_cipher_suite().and_then(|suite| suite.suite().as_str()),
        alpn_protocol: session.alpn_protocol().map(<[u8]>::to_vec),
        server_name: server_name.map(str::to_owned),
        peer_certificates: session.peer_certificates().unwrap_or_default().to_vec(),
        is_resumed: session.handshake_kind() == Some(HandshakeKind::Resumed),
    }
}
