//! What does a timeout cost that never fires?
//!
//! Make a sleep of ten seconds, poll it once and drop it, 1,024 times: what every request with a timeout
//! does. Throughput counts sleeps.
//!
//! A slower number means that inserting into the wheel or taking out of it got dearer: a lock that is
//! contended, a clock read more than once, an allocation, an unpark for a deadline that is not the next.

use bowerbird_benches::cases::TimerChurn;
use criterion::{criterion_group, criterion_main};

criterion_group!(benches, bowerbird_benches::side_by_side::run::<TimerChurn>);
criterion_main!(benches);
