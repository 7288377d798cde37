//! Other systems: the cases run, unpinned, and only their wall time is known.

use std::time::Duration;

use super::MachineTimes;

/// Does nothing: there is no portable way.
pub fn pin_to_one_cpu() {}

/// Runs `work`.
pub fn with_one_cpu<T>(work: impl FnOnce() -> T) -> T {
    work()
}

/// Returns zero: not measured here.
pub fn cpu_time() -> Duration {
    Duration::ZERO
}

/// Returns zero: not measured here.
pub fn resident_bytes() -> u64 {
    0
}

/// Does nothing: what needs it is measured on Linux only.
pub fn allow_many_descriptors() {}

/// Returns zeros: not measured here.
pub fn machine_times() -> MachineTimes {
    MachineTimes { all: 0, busy: 0, ours: 0 }
}
