//! Busy threads beside a test.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;

/// Threads that compute until this is dropped.
///
/// # Ordering arguments
/// - `[ORD-1]` Relaxed: the flag says nothing but "stop".
#[derive(Debug)]
pub struct Load {
    is_over: Arc<AtomicBool>,
    threads: Vec<JoinHandle<()>>,
}

impl Load {
    /// Starts so many threads.
    pub fn start(thread_count: usize) -> Self {
        let is_over = Arc::new(AtomicBool::new(false));
        let busy = |is_over: Arc<AtomicBool>| {
            // [ORD-1]
            while !is_over.load(Ordering::Relaxed) {
                std::hint::black_box((0..10_000_u64).fold(0, u64::wrapping_add));
            }
        };
        let threads = (0..thread_count)
            .map(|_| {
                let is_over = is_over.clone();
                std::thread::spawn(move || busy(is_over))
            })
            .collect();
        Self { is_over, threads }
    }
}

impl Drop for Load {
    fn drop(&mut self) {
        self.is_over.store(true, Ordering::Relaxed); // [ORD-1]
        for thread in self.threads.drain(..) {
            thread.join().expect("a busy thread ends well");
        }
    }
}
