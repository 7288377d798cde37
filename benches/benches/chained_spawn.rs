//! How fast does a new task come to run?
//!
//! Each task spawns the next, to a depth of 1,000, and ends; the last one tells the root.
//!
//! A slower number means that a spawn from a task that is about to end takes a detour: past the next-task
//! slot, through the injector, or by a wake-up of a second worker for work that the first would have taken
//! at once.

use bowerbird_benches::cases::ChainedSpawn;
use criterion::{criterion_group, criterion_main};

criterion_group!(benches, bowerbird_benches::side_by_side::run::<ChainedSpawn>);
criterion_main!(benches);
