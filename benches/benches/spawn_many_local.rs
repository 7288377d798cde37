//! What does a task cost from spawn to its end, when one task spawns many?
//!
//! A task on a worker spawns 10,000 detached tasks that count down, and waits for the last one; a figure
//! is the time of a batch, throughput counts tasks.
//!
//! A slower number means that a task cell got dearer: its allocation, its place in the registry, the
//! push to the local queue and the take from it, or its end and its release. On two workers it
//! also means that thieves are woken too eagerly or that finishing a stolen task bounces cache lines.

use bowerbird_benches::cases::SpawnManyLocal;
use criterion::{criterion_group, criterion_main};

criterion_group!(benches, bowerbird_benches::side_by_side::run::<SpawnManyLocal>);
criterion_main!(benches);
