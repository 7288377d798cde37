//! Transports and protocols over TLS: after CPython's `test_ssl.py` and `test_sslproto.py`.

mod ends;
mod files;
mod flow;
mod handshakes;
mod support;
mod upgrades;

#[allow(dead_code, reason = "the tests without TLS use the rest")]
#[path = "../protocols/support.rs"]
mod plain;

#[allow(dead_code, reason = "the tests of sessions use the rest")]
#[path = "../tls/support.rs"]
mod tls;
