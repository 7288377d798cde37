//! A pool of threads as an executor.

use std::collections::VecDeque;
use std::fmt;
use std::sync::Arc;
use std::thread::{self, JoinHandle};
use std::time::Duration;

use bowerbird_base::clock::system_now;
use bowerbird_base::sync::{Condvar, Mutex};
use bowerbird_core::check_may_block;

use super::executor::{Executor, Job};
use crate::TimeoutError;

/// Calls closures on so many threads of its own, in the order in which they came.
///
/// asyncio: `concurrent.futures.ThreadPoolExecutor`. Threads are started when they are needed. Dropping it lets
/// it take no more: what it has is still called, and then the threads end; but nobody waits for them, for a pool
/// may be dropped in a task, or by its own last job. [`join`](Self::join) waits.
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
    /// The last thread is about to end.
    has_ended: Condvar,
}

#[derive(Default)]
struct State {
    jobs: VecDeque<Job>,
    threads: Vec<JoinHandle<()>>,
    /// How many were started.
    thread_count: usize,
    /// How many of them work still.
    live_count: usize,
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
        let (state, has_work, has_ended) = (Mutex::default(), Condvar::new(), Condvar::new());
        let pool = Arc::new(Pool { state, has_work, has_ended });
        // A zero in it would make `thread::Builder::name` panic.
        let name = name.into().replace('\0', "");
        Self { pool, max_workers: max_workers.max(1), name }
    }

    /// Takes no more jobs, and blocks this thread until all that it has are called and its threads have ended;
    /// `None` waits without a limit.
    ///
    /// asyncio: `Executor.shutdown(wait=True)`, the end of `with ThreadPoolExecutor() as pool:`. In a task, await
    /// it in [`to_thread`](crate::to_thread()).
    ///
    /// # Errors
    /// If the time was over; what runs goes on, and this may be called again.
    ///
    /// # Panics
    /// Inside a task; in a job of this pool.
    ///
    /// # Examples
    /// ```
    /// use bowerbird::event_loop::{Executor, ThreadPoolExecutor};
    /// use std::sync::Arc;
    /// use std::sync::atomic::{AtomicBool, Ordering};
    ///
    /// let written = Arc::new(AtomicBool::new(false));
    /// let pool = ThreadPoolExecutor::new(1);
    /// let flag = written.clone();
    /// pool.submit(Box::new(move || flag.store(true, Ordering::Relaxed))).ok().unwrap();
    /// pool.join(None).unwrap();
    /// assert!(written.load(Ordering::Relaxed));
    /// ```
    #[track_caller]
    pub fn join(&self, limit: Option<Duration>) -> Result<(), TimeoutError> {
        if check_may_block().is_err() {
            panic!(
                "ThreadPoolExecutor::join() was called inside a task, and would block the worker that runs it; \
                 call it in `to_thread`"
            );
        }
        let deadline = limit.and_then(|limit| system_now().checked_add(limit));
        self.shutdown();
        let mut state = self.pool.state.lock();
        if state.threads.iter().any(|other| other.thread().id() == thread::current().id()) {
            drop(state);
            panic!(
                "ThreadPoolExecutor::join() was called in a job of the same pool; it would wait for itself"
            );
        }
        while state.live_count > 0 {
            match deadline {
                None => self.pool.has_ended.wait(&mut state),
                Some(deadline) => {
                    if self.pool.has_ended.wait_until(&mut state, deadline).timed_out() {
                        return Err(TimeoutError::new());
                    }
                }
            }
        }
        let threads = std::mem::take(&mut state.threads);
        drop(state);
        // They have called everything: what they have left is the way out.
        threads.into_iter().for_each(|thread| drop(thread.join()));
        Ok(())
    }

    fn start_thread(&self, index: usize) -> std::io::Result<JoinHandle<()>> {
        let pool = self.pool.clone();
        let builder = thread::Builder::new().name(format!("{}-{index}", self.name));
        builder.spawn(move || pool.work())
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
        if let Ok(thread) = self.start_thread(index) {
            state.thread_count += 1;
            state.live_count += 1;
            state.threads.push(thread);
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
                state.live_count -= 1;
                if state.live_count == 0 {
                    self.has_ended.notify_all();
                }
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
