//! What does the way to the blocking pool and back cost?
//!
//! A task runs an empty closure on the blocking pool and awaits it, one after the other. Throughput counts round trips.
//!
//! A slower number means that a thread is started where one was idle, that an idle one is woken by a detour, or that the
//! wake of the task is. On one worker two thirds are the kernel's.

use bowerbird_benches::cases::SpawnBlocking;
use criterion::{criterion_group, criterion_main};

criterion_group!(benches, bowerbird_benches::side_by_side::run::<SpawnBlocking>);
criterion_main!(benches);
