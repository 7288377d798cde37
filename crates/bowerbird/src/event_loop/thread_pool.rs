//! A pool of threads as an executor.

use std::collections::VecDeque;
use std::fmt;
use std::sync::Arc;
use std::thread;

use bowerbird_base::sync::{Condvar, Mutex};

use super::executor::{Executor, Job};

/// Calls closures on so many threads of its own, in the order in which they came.
///
/// asyncio: `concurrent.futures.ThreadPoolExecutor`. Threads are started when they are needed. Dropping it lets
/// it take no more: what it has is still called, and then the threads end; nobody waits for them.
///
/// # Examples
/// ```
/// use bowerbird::event_loop::{Executor, ThreadPoolExecutor};
/// use std::sync::mpsc;
///
/// let (sender, receiver) = mpsc::channel();
/// let pool = ThreadPoolExecutor::new(1);
/// pool.submit(Box::new(move || sender.send("called").unwrap())).ok().unwrap();
/// assert_eq!(receiver.recv(), Ok("called"));
/// ```
pub struct ThreadPoolExecutor {
    pool: Arc<Pool>,
    max_workers: usize,
    name: String,
}

struct Pool {
    state: Mutex<State>,
    has_work: Condvar,
}

#[derive(Default)]
struct State {
    jobs: VecDeque<Job>,
    thread_count: usize,
    idle_count: usize,
    is_closed: bool,
}

impl ThreadPoolExecutor {
    /// Makes a pool of at most so many threads, at least one.
    pub fn new(max_workers: usize) -> Self {
        Self::with_name(max_workers, "executor")
    }

    /// The same, with threads named `name-0`, `name-1`, ...
    ///
    /// asyncio: `thread_name_prefix=`.
    pub fn with_name(max_workers: usize, name: impl Into<String>) -> Self {
        let pool = Arc::new(Pool { state: Mutex::default(), has_work: Condvar::new() });
        // A zero in it would make `thread::Builder::name` panic.
        let name = name.into().replace('\0', "");
        Self { pool, max_workers: max_workers.max(1), name }
    }

    fn start_thread(&self, index: usize) -> std::io::Result<()> {
        let pool = self.pool.clone();
        let builder = thread::Builder::new().name(format!("{}-{index}", self.name));
        builder.spawn(move || pool.work()).map(drop)
    }
}

impl Executor for ThreadPoolExecutor {
    fn submit(&self, job: Job) -> Result<(), Job> {
        let mut state = self.pool.state.lock();
        if state.is_closed {
            return Err(job);
        }
        state.jobs.push_back(job);
        if state.idle_count >= state.jobs.len() || state.thread_count >= self.max_workers {
            drop(state);
            self.pool.has_work.notify_one();
            return Ok(());
        }
        let index = state.thread_count;
        if self.start_thread(index).is_ok() {
            state.thread_count += 1;
            return Ok(());
        }
        // The threads that there are will call it; without any it is given back.
        match state.jobs.pop_back() {
            Some(job) if state.thread_count == 0 => Err(job),
            Some(job) => {
                state.jobs.push_back(job);
                Ok(())
            }
            None => Ok(()),
        }
    }

    fn shutdown(&self) {
        self.pool.state.lock().is_closed = true;
        self.pool.has_work.notify_all();
    }
}

impl Pool {
    fn work(&self) {
        let mut state = self.state.lock();
        loop {
            if let Some(job) = state.jobs.pop_front() {
                drop(state);
                let location = std::panic::Location::caller();
                bowerbird_core::caught_at("a job of an executor panicked", location, job);
                state = self.state.lock();
            } else if state.is_closed {
                return;
            } else {
                state.idle_count += 1;
                self.has_work.wait(&mut state);
                state.idle_count -= 1;
            }
        }
    }
}

impl Drop for ThreadPoolExecutor {
    fn drop(&mut self) {
        self.shutdown();
    }
}

impl fmt::Debug for ThreadPoolExecutor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ThreadPoolExecutor")
            .field("name", &self.name)
            .field("max_workers", &self.max_workers)
            .finish_non_exhaustive()
    }
}
