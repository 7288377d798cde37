//! Linux: affinity, the process clock, `/proc/self/statm`.

use std::fs;
use std::time::Duration;

use rustix::param::page_size;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use rustix::thread::{CpuSet, sched_getaffinity, sched_setaffinity};
use rustix::time::{ClockId, clock_gettime};

use super::MachineTimes;

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

/// Lets this process have as many descriptors as it may.
///
/// # Panics
///
/// When the kernel refuses.
pub fn allow_many_descriptors() {
    let maximum = getrlimit(Resource::Nofile).maximum;
    setrlimit(Resource::Nofile, Rlimit { current: maximum, maximum }).expect("setrlimit");
}

/// Returns the machine's CPU times and this process's part of them.
///
/// # Panics
///
/// When `/proc` is not mounted.
pub fn machine_times() -> MachineTimes {
    let stat = fs::read_to_string("/proc/stat").expect("/proc/stat");
    // "cpu", then user, nice, system, idle, iowait, irq, softirq, steal (guest times are in user's).
    let line = stat.lines().next().unwrap_or_default();
    let ticks: Vec<u64> = numbers(line, "cpu").take(8).collect();
    let own = fs::read_to_string("/proc/self/stat").expect("/proc/self/stat");
    // After the name in brackets: the state, then numbers; utime, stime, cutime, cstime from the 11th on.
    let own = own.rsplit_once(')').map_or("", |(_, rest)| rest.trim_start());
    let all: u64 = ticks.iter().sum();
    let idle: u64 = ticks.iter().skip(3).take(2).sum();
    MachineTimes { all, busy: all - idle, ours: numbers(own, "").skip(10).take(4).sum() }
}

fn numbers<'a>(line: &'a str, label: &str) -> impl Iterator<Item = u64> + use<'a> {
    let rest = line.strip_prefix(label).unwrap_or(line);
    rest.split_ascii_whitespace().filter_map(|word| word.parse().ok())
}
