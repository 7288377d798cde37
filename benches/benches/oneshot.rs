//! What does a one-value channel cost, made, used and dropped?
//!
//! Nobody waits: the value is there when it is asked for. The allocation is most of it. smol has none of its own and
//! is measured with `futures_channel::oneshot`.

use bowerbird_benches::side_by_side::run_sync;
use bowerbird_benches::sync_cases::Oneshot;
use criterion::{criterion_group, criterion_main};

criterion_group!(benches, run_sync::<Oneshot>);
criterion_main!(benches);
