//! What does a wake from task to task cost?
//!
//! 1,000 tasks each spawn a partner and exchange one value there and one back over one-value channels;
//! throughput counts round trips, the two spawns included. tokio is measured with `tokio::sync::oneshot`,
//! smol, which has none, with `futures_channel::oneshot`.
//!
//! A slower number means that a wake got dearer (clone, transition, schedule), that the woken task runs
//! later than next, or that the channel does more than one allocation. On two workers: the pair is
//! needlessly run apart.

use bowerbird_benches::cases::PingPong;
use criterion::{criterion_group, criterion_main};

criterion_group!(benches, bowerbird_benches::side_by_side::run::<PingPong>);
criterion_main!(benches);
