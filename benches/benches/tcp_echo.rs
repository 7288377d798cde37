//! What does a message cost that goes through a socket?
//!
//! 64 connections, a task each, 64 bytes a message, one in flight on each; the client is a thread of this
//! process on an epoll of its own. An iteration is a message. The client's share is in the figure:
//! `compare` keeps the client in another process and reports the server's CPU time alone.
//!
//! A slower number means more system calls for a message than a read, a write and a share of an
//! `epoll_wait`; readiness that wakes a task for nothing; or, on two workers, events handed across. Most
//! of it is the kernel's.

use bowerbird_benches::side_by_side::run_echo;
use criterion::{criterion_group, criterion_main};

criterion_group!(benches, run_echo);
criterion_main!(benches);
