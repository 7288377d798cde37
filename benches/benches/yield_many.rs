//! What does one turn of the scheduler cost?
//!
//! 200 tasks yield 1,000 times each; throughput counts yields.
//!
//! A slower number means that the loop itself got dearer: the push to the queue and the take from it, the
//! transitions of the task's state around a poll, entering and leaving the poll's context, housekeeping
//! done too often. On two workers: the queues are fought over.

use bowerbird_benches::cases::YieldMany;
use criterion::{criterion_group, criterion_main};

criterion_group!(benches, bowerbird_benches::side_by_side::run::<YieldMany>);
criterion_main!(benches);
