//! What is asked of the operating system: pin to a CPU, CPU time, resident memory.

pub use imp::{
    allow_many_descriptors, cpu_time, machine_times, pin_to_one_cpu, resident_bytes, with_one_cpu,
};

use std::ops::Sub;

#[cfg(target_os = "linux")]
#[path = "machine/linux.rs"]
mod imp;

#[cfg(not(target_os = "linux"))]
#[path = "machine/elsewhere.rs"]
mod imp;

/// CPU time since some beginning, in ticks of the kernel.
#[derive(Clone, Copy)]
pub struct MachineTimes {
    /// Of all CPUs, idle or not.
    pub all: u64,
    /// Of all CPUs, not idle.
    pub busy: u64,
    /// Of this process and of its children that have ended.
    pub ours: u64,
}

impl MachineTimes {
    /// The share of the machine's CPU time that went to others.
    pub fn share_of_others(self) -> f64 {
        self.busy.saturating_sub(self.ours) as f64 / self.all.max(1) as f64
    }
}

impl Sub for MachineTimes {
    type Output = Self;

    fn sub(self, before: Self) -> Self {
        Self {
            all: self.all - before.all,
            busy: self.busy - before.busy,
            ours: self.ours - before.ours,
        }
    }
}
