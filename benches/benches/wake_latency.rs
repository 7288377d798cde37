//! How soon does an idle runtime answer?
//!
//! A thread outside wakes the only task of a runtime whose workers have parked (100 us before); a figure is
//! the mean time from just before the wake to the poll (`compare` reports the median and the 99th percentile).
//!
//! A slower number means that the wake goes through more than one system call, that the wrong worker is
//! woken, or that a worker comes out of its park by a detour. Mostly this is the kernel's figure.

use bowerbird_benches::cases::WakeLatency;
use criterion::{criterion_group, criterion_main};

criterion_group!(benches, bowerbird_benches::side_by_side::run::<WakeLatency>);
criterion_main!(benches);
