//! What Linux says of this process.

use std::fs;

/// How many threads the process has.
pub fn thread_count() -> usize {
    count("/proc/self/task")
}

/// How many descriptors are open, the one of this look included.
pub fn descriptor_count() -> usize {
    count("/proc/self/fd")
}

fn count(directory: &str) -> usize {
    fs::read_dir(directory).expect("Linux has /proc").count()
}

/// How much of the process is in memory.
pub fn resident_bytes() -> usize {
    let status = fs::read_to_string("/proc/self/status").expect("Linux has /proc");
    field(&status, "VmRSS:") * 1_024
}

/// How often all threads but the one that asks were switched to and away from: each wake-up counts.
pub fn switch_count() -> usize {
    let own = fs::read_link("/proc/thread-self").expect("Linux has /proc");
    let own = own.file_name().expect("its last part is the thread's number").to_owned();
    let threads = fs::read_dir("/proc/self/task").expect("Linux has /proc");
    threads
        .filter_map(Result::ok)
        .filter(|entry| entry.file_name() != own)
        // A thread may end between the two looks.
        .filter_map(|entry| fs::read_to_string(entry.path().join("status")).ok())
        .map(|status| {
            field(&status, "voluntary_ctxt_switches:")
                + field(&status, "nonvoluntary_ctxt_switches:")
        })
        .sum()
}

fn field(status: &str, name: &str) -> usize {
    let line = status.lines().find_map(|line| line.strip_prefix(name));
    let number = line.and_then(|line| line.split_whitespace().next());
    number.and_then(|number| number.parse().ok()).unwrap_or_else(|| panic!("no {name}"))
}
