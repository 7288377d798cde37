//! What does gathering cost for each child?
//!
//! Spawn 1,000 children and collect their outputs in order: `bowerbird::gather`, for the peers
//! `futures_util::future::join_all` over their handles, which is what their users write. (Awaiting the
//! handles one after another would be a loop and no future that can be passed on.) Throughput counts
//! children.
//!
//! A slower number means that a child's end does more than store an output and count down, or that the
//! awaiter is woken more than once.

use bowerbird_benches::cases::Gather1000;
use criterion::{criterion_group, criterion_main};

criterion_group!(benches, bowerbird_benches::side_by_side::run::<Gather1000>);
criterion_main!(benches);
