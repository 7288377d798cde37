//! What does it cost to tell everything to everybody?
//!
//! One receiver, 2,000 values, 100 on their way at a time; 1,000 receivers that wait for one value, ten times.
//! Throughput counts a value received by one receiver. smol is measured with async-broadcast.
//!
//! A slower number means that a receive locks more than once, or that wakes are not done in bulk.

use bowerbird_benches::side_by_side::run_sync;
use bowerbird_benches::sync_cases::{Broadcast1, Broadcast1000};
use criterion::{criterion_group, criterion_main};

criterion_group!(benches, run_sync::<Broadcast1>, run_sync::<Broadcast1000>);
criterion_main!(benches);
