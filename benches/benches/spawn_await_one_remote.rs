//! What does a synchronous thread pay for one task?
//!
//! A thread outside spawns an empty task and waits for its output, one after the other; an operation is such a round
//! trip. The thread waits the same way for all runtimes: it parks, and the join waker unparks it.
//!
//! A slower number means that the spawn wakes a worker by a detour, or wakes more than one; that the worker looks
//! elsewhere before it finds the task; or that it parks more dearly. Mostly this is the kernel's figure: two
//! hand-overs between threads.

use bowerbird_benches::cases::SpawnAwaitOneRemote;
use criterion::{criterion_group, criterion_main};

criterion_group!(benches, bowerbird_benches::side_by_side::run::<SpawnAwaitOneRemote>);
criterion_main!(benches);
