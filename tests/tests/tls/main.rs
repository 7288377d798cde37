//! TLS over TCP: both sides, what is refused and how, and the ends.

mod ends;
mod handshakes;
mod refusals;
mod sessions;
mod streams;
mod support;
