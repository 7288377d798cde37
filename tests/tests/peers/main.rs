//! Programs of others at the other end: curl, openssl, socat, nc, and Python's asyncio.
//!
//! `cargo xtask peers` runs them. They need Debian's packages curl, openssl, socat and netcat-openbsd, and a
//! `python3` of at least 3.11.

mod asyncio;
mod curl;
mod datagrams;
mod nc;
mod openssl;
mod socat;
mod support;
