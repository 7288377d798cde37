//! The tasks, threads and descriptors that this process has.

use std::fmt;
use std::thread;
use std::time::Duration;

/// A count of what the process has; threads and descriptors are counted on Linux.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Census {
    /// Tasks of this thread's runtime, the main future among them; none outside a runtime.
    pub tasks: usize,
    /// Threads of the process.
    pub threads: Option<usize>,
    /// Open descriptors of the process.
    pub descriptors: Option<usize>,
}

impl Census {
    /// Counts.
    pub fn take() -> Self {
        Self {
            tasks: bowerbird::all_tasks().len(),
            threads: entries("/proc/self/task"),
            // Reading the directory takes one itself.
            descriptors: entries("/proc/self/fd").map(|count| count - 1),
        }
    }

    /// Counts until the counts are `expected`, for at most a second: the system removes a thread from its
    /// list some microseconds after it was joined.
    pub fn settle(expected: Self) -> Self {
        let mut census = Self::take();
        for _ in 0..1_000 {
            if census == expected {
                break;
            }
            thread::sleep(Duration::from_millis(1));
            census = Self::take();
        }
        census
    }
}

impl fmt::Display for Census {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let shown = |count: Option<usize>| match count {
            Some(count) => count.to_string(),
            None => "not counted here".to_owned(),
        };
        let (threads, descriptors) = (shown(self.threads), shown(self.descriptors));
        write!(f, "tasks {:>3}   threads {threads:>3}   descriptors {descriptors:>3}", self.tasks)
    }
}

#[cfg(target_os = "linux")]
fn entries(directory: &str) -> Option<usize> {
    std::fs::read_dir(directory).ok().map(Iterator::count)
}

#[cfg(not(target_os = "linux"))]
fn entries(_directory: &str) -> Option<usize> {
    None
}
