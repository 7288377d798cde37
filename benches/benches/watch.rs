//! What does it cost to tell the last value?
//!
//! One receiver, 2,000 values; 1,000 receivers, ten values. A value is set when all have seen the one before, so none is
//! skipped; throughput counts a value seen by one receiver. With one receiver the figure holds the turns of the sender
//! as well, which looks whether it was seen. smol has no such channel.
//!
//! A slower number means that a change costs more than a look at a version, or that the lists of those who wait are
//! walked under a lock that receivers need.

use bowerbird_benches::side_by_side::run_sync;
use bowerbird_benches::sync_cases::{Watch1, Watch1000};
use criterion::{criterion_group, criterion_main};

criterion_group!(benches, run_sync::<Watch1>, run_sync::<Watch1000>);
criterion_main!(benches);
