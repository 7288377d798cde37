//! What does fork and join cost when tasks make tasks?
//!
//! The Fibonacci number of 18, recursively, a task for every call (8,361 of them); both branches are
//! spawned, then awaited. Throughput counts tasks.
//!
//! A slower number on one worker means dearer spawns or joins; on two, that stealing takes leaves in place
//! of large branches, or that workers fall asleep and are woken between them.

use bowerbird_benches::cases::Fib;
use criterion::{criterion_group, criterion_main};

criterion_group!(benches, bowerbird_benches::side_by_side::run::<Fib>);
criterion_main!(benches);
