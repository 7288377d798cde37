//! What does it cost when one task at a time is ready, always another one?
//!
//! A token goes round a ring of 100 tasks, from channel to channel, 10,000 times. Each hop is a send, a wake,
//! a switch to the next task, a receive that finds nothing more and waits.
//!
//! A slower number means that the woken task goes through a queue that another worker looks at, or that a wait
//! locks more often than to join and to be called.

use bowerbird_benches::side_by_side::run_sync;
use bowerbird_benches::sync_cases::TokenPass;
use criterion::{criterion_group, criterion_main};

criterion_group!(benches, run_sync::<TokenPass>);
criterion_main!(benches);
