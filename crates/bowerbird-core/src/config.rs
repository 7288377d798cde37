//! How a runtime is set up.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use bowerbird_base::rng::random_seed;

use crate::report::{ExceptionHandler, default_exception_handler};
use crate::task::handle::TaskHandle;

/// A hook that a thread of the runtime calls.
pub type Hook = Arc<dyn Fn() + Send + Sync>;

/// A hook that is told of a task.
pub type TaskHook = Arc<dyn Fn(&TaskHandle) + Send + Sync>;

/// What is called in the life of each task.
#[derive(Clone, Default)]
#[non_exhaustive]
pub struct TaskHooks {
    /// When it was made, by the thread that spawns it, before its first poll.
    pub spawn: Option<TaskHook>,
    /// When it has ended, and its cleanups too.
    pub terminate: Option<TaskHook>,
    /// Before each of its polls.
    pub before_poll: Option<TaskHook>,
    /// After each of its polls.
    pub after_poll: Option<TaskHook>,
}

impl TaskHooks {
    pub(crate) fn is_empty(&self) -> bool {
        let Self { spawn, terminate, before_poll, after_poll } = self;
        [spawn, terminate, before_poll, after_poll].into_iter().all(Option::is_none)
    }
}

/// What happens when a task panics and nobody awaits it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum PanicPolicy {
    /// The exception handler is told, and everything else goes on.
    #[default]
    Report,
    /// The exception handler is told, and the main future is cancelled, so that `run` comes to its end.
    CancelMain,
}

/// The settings of a runtime.
#[derive(Clone)]
#[non_exhaustive]
pub struct Config {
    /// How many workers there are; at least one.
    pub worker_threads: usize,
    /// How many threads the blocking pool may have; at least one.
    pub max_blocking_threads: usize,
    /// How long a thread of the blocking pool waits for work before it ends.
    pub thread_keep_alive: Duration,
    /// Gives the name of the n-th thread.
    pub thread_name: Arc<dyn Fn(usize) -> String + Send + Sync>,
    /// The stack size of the threads, in bytes; `None` is std's default.
    pub thread_stack_size: Option<usize>,
    /// Called by each thread of the runtime when it begins.
    pub on_thread_start: Option<Hook>,
    /// Called by each thread of the runtime before it ends.
    pub on_thread_stop: Option<Hook>,
    /// Called by a worker before it sleeps.
    pub on_thread_park: Option<Hook>,
    /// Called by a worker after it slept.
    pub on_thread_unpark: Option<Hook>,
    /// Called in the life of each task.
    pub task_hooks: TaskHooks,
    /// What happens when a task panics and nobody awaits it.
    pub panic_policy: PanicPolicy,
    /// The seed of the choice of victims.
    pub seed: u64,
    /// Debug mode: slow polls and callbacks are reported, tasks know from where they were spawned.
    pub is_debug: bool,
    /// Whether each task keeps what its leaves wait for, for the call graph; debug mode does so too.
    pub tracks_waits: bool,
    /// From when on debug mode reports a poll or a callback.
    pub slow_callback_duration: Duration,
    /// Hears what nobody retrieved.
    pub exception_handler: ExceptionHandler,
    /// How long the end of `run` waits for blocking calls that are going on.
    pub blocking_shutdown_timeout: Duration,
    /// Whether the rescue thread is started (with several workers).
    pub has_rescue: bool,
}

impl Config {
    /// Reads the number of workers from `BOWERBIRD_WORKERS`, or takes one a CPU that the process may use
    /// (affinity and cgroup quota honoured).
    ///
    /// # Errors
    /// A text that names the variable, its value and the fix, if the value is not a number from 1 to
    /// 1024.
    pub fn from_environment() -> Result<Self, String> {
        let workers = match std::env::var_os("BOWERBIRD_WORKERS") {
            Some(value) => parse_workers(&value.to_string_lossy())?,
            None => num_cpus::get().clamp(1, MAX_WORKERS),
        };
        Ok(Self::with_workers(workers))
    }

    /// Reads from `BOWERBIRD_DEBUG` whether debug mode is on: `1` or `0`; unset or empty is off.
    ///
    /// # Errors
    /// A text that names the variable, its value and the fix, if the value is another one.
    pub fn debug_from_environment() -> Result<bool, String> {
        std::env::var_os("BOWERBIRD_DEBUG")
            .map_or(Ok(false), |value| parse_debug(&value.to_string_lossy()))
    }

    /// The defaults, with a number of workers.
    pub fn with_workers(worker_threads: usize) -> Self {
        Self {
            worker_threads,
            max_blocking_threads: 512,
            thread_keep_alive: Duration::from_secs(10),
            thread_name: Arc::new(|index| format!("bowerbird-{index}")),
            thread_stack_size: None,
            on_thread_start: None,
            on_thread_stop: None,
            on_thread_park: None,
            on_thread_unpark: None,
            task_hooks: TaskHooks::default(),
            panic_policy: PanicPolicy::default(),
            seed: random_seed(),
            is_debug: false,
            tracks_waits: false,
            slow_callback_duration: Duration::from_millis(100),
            exception_handler: Arc::new(default_exception_handler),
            blocking_shutdown_timeout: Duration::from_secs(300),
            has_rescue: true,
        }
    }
}

/// The largest number of workers of one runtime.
pub const MAX_WORKERS: usize = 1_024;

fn parse_workers(value: &str) -> Result<usize, String> {
    match value.trim().parse() {
        Ok(count) if (1..=MAX_WORKERS).contains(&count) => Ok(count),
        _ => Err(format!(
            "BOWERBIRD_WORKERS is {value:?}, which is not a number of workers; set it to a whole number from 1 \
             to {MAX_WORKERS}, or unset it for one worker a CPU"
        )),
    }
}

fn parse_debug(value: &str) -> Result<bool, String> {
    match value.trim() {
        "1" => Ok(true),
        "0" | "" => Ok(false),
        _ => Err(format!(
            "BOWERBIRD_DEBUG is {value:?}, which says neither on nor off; set it to 1 for debug mode, or to 0, \
             or unset it"
        )),
    }
}

impl fmt::Debug for Config {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Config")
            .field("worker_threads", &self.worker_threads)
            .field("max_blocking_threads", &self.max_blocking_threads)
            .field("panic_policy", &self.panic_policy)
            .field("seed", &self.seed)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::{parse_debug, parse_workers};

    #[test]
    fn number_of_workers_is_read() {
        assert_eq!(parse_workers(" 4 "), Ok(4));
    }

    #[test]
    fn debug_mode_is_read() {
        assert_eq!([" 1 ", "0", ""].map(parse_debug), [Ok(true), Ok(false), Ok(false)]);
        for value in ["yes", "2", "on", "-1"] {
            let error = parse_debug(value).unwrap_err();
            assert!(
                error.contains("BOWERBIRD_DEBUG") && error.contains(&format!("{value:?}")),
                "{error}"
            );
        }
    }

    #[test]
    fn bad_number_of_workers_names_variable_and_value() {
        for value in ["0", "-1", "many", "", "1025", "99999999999999999999"] {
            let error = parse_workers(value).unwrap_err();
            assert!(
                error.contains("BOWERBIRD_WORKERS") && error.contains(&format!("{value:?}")),
                "{error}"
            );
        }
    }
}
