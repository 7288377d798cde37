//! What does a lock cost that is held across an await?
//!
//! Uncontended: one task takes and gives it 1,000 times. Contended: eight tasks do, without an await while
//! they hold it; on one worker they meet only where a budget makes one yield. Handed over: eight tasks yield while
//! they hold it, so that each release finds waiters; what is measured is the queue and the wake.
//!
//! A slower number means, in this order: that a free lock costs more than one compare-and-swap each way; that
//! an unlock takes the list's lock without need; that a hand-over allocates or wakes more than one.

use bowerbird_benches::side_by_side::run_sync;
use bowerbird_benches::sync_cases::{LockContended, LockHandOver, LockUncontended};
use criterion::{criterion_group, criterion_main};

criterion_group!(
    benches,
    run_sync::<LockUncontended>,
    run_sync::<LockContended>,
    run_sync::<LockHandOver>
);
criterion_main!(benches);
