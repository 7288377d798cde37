//! What is asked of the operating system: pin to a CPU, CPU time, resident memory.

pub use imp::{cpu_time, pin_to_one_cpu, resident_bytes, with_one_cpu};

#[cfg(target_os = "linux")]
#[path = "machine/linux.rs"]
mod imp;

#[cfg(not(target_os = "linux"))]
#[path = "machine/elsewhere.rs"]
mod imp;
