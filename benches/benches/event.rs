//! What does it cost to wake everybody?
//!
//! 1,000 tasks wait for one `Notify`, ten times; throughput counts a wake of one task. smol is measured with
//! event-listener.
//!
//! A slower number means that the walk over the waiters got dearer, or that wakes are not queued in bulk.

use bowerbird_benches::side_by_side::run_sync;
use bowerbird_benches::sync_cases::EventBroadcast;
use criterion::{criterion_group, criterion_main};

criterion_group!(benches, run_sync::<EventBroadcast>);
criterion_main!(benches);
