//! Linux: affinity, the process clock, `/proc/self/statm`.

use std::fs;
use std::time::Duration;

use rustix::param::page_size;
use rustix::thread::{CpuSet, sched_getaffinity, sched_setaffinity};
use rustix::time::{ClockId, clock_gettime};

/// Pins the calling thread, and every thread and process it starts from here on, to one CPU.
///
/// # Panics
///
/// When the kernel refuses.
pub fn pin_to_one_cpu() {
    let allowed = sched_getaffinity(None).expect("sched_getaffinity");
    // The last one: the first takes most of a machine's interrupts.
    let last = (0..CpuSet::MAX_CPU).rev().find(|&cpu| allowed.is_set(cpu)).expect("no CPU allowed");
    let mut one = CpuSet::new();
    one.set(last);
    sched_setaffinity(None, &one).expect("sched_setaffinity");
}

/// Runs `work` with the calling thread, and the threads it starts, pinned to one CPU.
///
/// # Panics
///
/// When the kernel refuses.
pub fn with_one_cpu<T>(work: impl FnOnce() -> T) -> T {
    let before = sched_getaffinity(None).expect("sched_getaffinity");
    pin_to_one_cpu();
    let output = work();
    sched_setaffinity(None, &before).expect("sched_setaffinity");
    output
}

/// Returns the CPU time, user and system, that all threads of this process have used.
///
/// # Panics
///
/// When the clock reads negative.
pub fn cpu_time() -> Duration {
    clock_gettime(ClockId::ProcessCPUTime).try_into().expect("CPU time is not negative")
}

/// Returns the resident memory of this process.
///
/// # Panics
///
/// When `/proc` is not mounted.
pub fn resident_bytes() -> u64 {
    let statm = fs::read_to_string("/proc/self/statm").expect("/proc/self/statm");
    let pages: u64 = statm.split(' ').nth(1).and_then(|pages| pages.parse().ok()).expect("statm");
    pages * page_size() as u64
}
