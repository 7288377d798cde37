//! What does a value cost on its way through a bounded channel?
//!
//! 8,000 values from one task, or from eight, to one; capacity 128. On one worker the channel fills and empties by
//! turns; on two the ends run beside each other.
//!
//! A slower number means that a value costs more than one lock or two read-modify-writes each way, or that
//! wake-ups are not one a turn but one a value.

use bowerbird_benches::side_by_side::run_sync;
use bowerbird_benches::sync_cases::{Mpsc1, Mpsc8};
use criterion::{criterion_group, criterion_main};

criterion_group!(benches, run_sync::<Mpsc1>, run_sync::<Mpsc8>);
criterion_main!(benches);
