//! What both builders set.

/// Gives a builder the methods for its fields `alpn` and `limits`. `$alpn` says what its protocols are for.
macro_rules! session_methods {
    ($Builder:ident, $alpn:literal) => {
        impl $Builder {
            #[doc = $alpn]
            ///
            /// asyncio: `SSLContext.set_alpn_protocols`.
            pub fn alpn<P: AsRef<[u8]>>(mut self, protocols: impl IntoIterator<Item = P>) -> Self {
                self.alpn = protocols.into_iter().map(|name| name.as_ref().to_vec()).collect();
                self
            }

            /// Sets how long a handshake may take; 60 seconds if not set.
            ///
            /// asyncio: `ssl_handshake_timeout`.
            pub fn handshake_timeout(mut self, limit: std::time::Duration) -> Self {
                self.limits.handshake = limit;
                self
            }

            /// Sets how long [`TlsStream::close`](super::TlsStream::close) may take; 30 seconds if not set.
            ///
            /// asyncio: `ssl_shutdown_timeout`.
            pub fn shutdown_timeout(mut self, limit: std::time::Duration) -> Self {
                self.limits.shutdown = limit;
                self
            }
        }
    };
}
pub(super) use session_methods;
