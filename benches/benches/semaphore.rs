//! What does a permit cost that must be waited for?
//!
//! Eight tasks share four permits and yield while they have one. A slower number means that the queue got dearer,
//! or that a permit that was given back wakes more than one task.

use bowerbird_benches::side_by_side::run_sync;
use bowerbird_benches::sync_cases::SemaphoreWaits;
use criterion::{criterion_group, criterion_main};

criterion_group!(benches, run_sync::<SemaphoreWaits>);
criterion_main!(benches);
