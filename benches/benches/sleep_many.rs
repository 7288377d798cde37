//! What does a sleep cost that is slept to its end?
//!
//! 100,000 tasks sleep for 1 to 100 ms, one time each. Wall time says little, since most of it is slept;
//! `compare` reports the CPU time of a sleep as well.
//!
//! A slower number means that an insertion or a cancellation got dearer, or that the driver wakes up for
//! single timers that it might have taken together.

use bowerbird_benches::cases::SleepMany;
use criterion::{criterion_group, criterion_main};

criterion_group!(benches, bowerbird_benches::side_by_side::run::<SleepMany>);
criterion_main!(benches);
