//! What does a call cost that is made through a task?
//!
//! Spawn an empty task and await it, 1,000 times, one after the other.
//!
//! A slower number means that the hand-over from parent to child and back is no longer straight: the join
//! waker, the child's way to the front, the parent's way back. On two workers far more than on one: a
//! sleeper is woken for each child.

use bowerbird_benches::cases::SpawnAwaitOne;
use criterion::{criterion_group, criterion_main};

criterion_group!(benches, bowerbird_benches::side_by_side::run::<SpawnAwaitOne>);
criterion_main!(benches);
