//! What does a spawn from outside cost a runtime that was idle?
//!
//! A thread outside spawns 10,000 tasks and waits until all have run; before each round the workers have had 100 us to
//! park. Throughput counts tasks.
//!
//! A slower number means that each spawn wakes somebody, although who was woken has not looked yet; that the
//! queue for what comes from outside is contended; or that the workers take tasks from it one by one.

use bowerbird_benches::cases::SpawnManyRemoteIdle;
use criterion::{criterion_group, criterion_main};

criterion_group!(benches, bowerbird_benches::side_by_side::run::<SpawnManyRemoteIdle>);
criterion_main!(benches);
