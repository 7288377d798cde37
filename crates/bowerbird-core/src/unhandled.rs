//! What an exception handler is told.

use std::any::Any;
use std::backtrace::Backtrace;
use std::error::Error;
use std::fmt;
use std::panic::Location;
use std::sync::Arc;

use crate::task::error::{TaskError, panic_text};
use crate::task::handle::TaskHandle;
use crate::task::id::TaskId;

/// What kind of thing went wrong where nobody waits for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum UnhandledKind {
    /// A task failed, and nobody awaited it.
    ///
    /// asyncio: "Task exception was never retrieved".
    NeverRetrieved,
    /// A task had not ended when its runtime did.
    ///
    /// asyncio: "Task was destroyed but it is pending!".
    DestroyedPending,
    /// A callback failed: of a task, of a future, of the event loop.
    ///
    /// asyncio: "Exception in callback".
    Callback,
    /// A hook of the runtime failed: at the start, the end, the sleep of a thread.
    Hook,
    /// A destructor panicked.
    Destructor,
    /// A waker that is not the runtime's own panicked.
    Waker,
    /// A cleanup failed, took longer than its grace, or could not be run.
    Cleanup,
    /// Work of the blocking pool was not run, failed where nobody sees it, or was left behind.
    Blocking,
    /// The end of a runtime was disturbed.
    Shutdown,
    /// The driver, or something else of the runtime's own, failed.
    Runtime,
    /// The exception handler failed itself.
    ExceptionHandler,
    /// Debug mode: a callback or a poll took long.
    ///
    /// asyncio: "Executing ... took 0.123 seconds".
    Slow,
    /// Debug mode: something was made and never awaited, or never closed.
    ///
    /// asyncio: "coroutine ... was never awaited", `ResourceWarning`.
    NeverUsed,
    /// Debug mode: a task may wait for ever for what a future of its own holds, which it does not poll.
    ///
    /// asyncio: no counterpart; every coroutine that waits there is a task, or is awaited by one.
    Futurelock,
    /// What fits nowhere else.
    Other,
}

/// Something that went wrong where nobody waits for it.
///
/// asyncio: the context dictionary of `call_exception_handler`.
///
/// # Examples
/// ```
/// use bowerbird::runtime::{Unhandled, UnhandledKind};
///
/// let unhandled = Unhandled::new(UnhandledKind::Callback, "a callback failed").with_error("no disk");
/// assert_eq!(unhandled.to_string(), "a callback failed: no disk");
/// ```
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Unhandled {
    /// What kind of thing it is.
    pub kind: UnhandledKind,
    /// What happened, in words.
    pub message: String,
    /// The text of the panic or of the error, if there is one.
    pub error: Option<String>,
    /// The error itself, if there is one: a [`TaskError`] with the payload for a panic, the user's own
    /// for one that was returned.
    pub source: Option<Arc<dyn Error + Send + Sync>>,
    /// The task, if one is concerned.
    pub task: Option<TaskHandle>,
    /// The task's number.
    pub task_id: Option<TaskId>,
    /// The task's name.
    pub task_name: Option<Arc<str>>,
    /// Where the task was spawned, the callback or the cleanup registered, or the future made.
    pub location: Option<&'static Location<'static>>,
    /// From where the task was spawned, in debug mode.
    pub backtrace: Option<Arc<Backtrace>>,
}

impl Unhandled {
    /// Makes a report with nothing but a message.
    pub fn new(kind: UnhandledKind, message: impl Into<String>) -> Self {
        Self {
            kind,
            message: message.into(),
            error: None,
            source: None,
            task: None,
            task_id: None,
            task_name: None,
            location: None,
            backtrace: None,
        }
    }

    /// Names the task, and where it was spawned.
    #[must_use]
    pub fn with_task(mut self, task: &TaskHandle) -> Self {
        self.task_id = Some(task.id());
        self.task_name = Some(task.name());
        self.location = Some(task.spawn_location());
        self.backtrace = task.spawn_backtrace();
        self.task = Some(task.clone());
        self
    }

    /// Sets where the thing was registered or made; after [`with_task`](Self::with_task), which sets it too.
    #[must_use]
    pub fn with_location(mut self, location: &'static Location<'static>) -> Self {
        self.location = Some(location);
        self
    }

    /// Sets the text of the error.
    #[must_use]
    pub fn with_error(mut self, error: impl fmt::Display) -> Self {
        self.error = Some(error.to_string());
        self
    }

    /// Sets the error, and its text.
    #[must_use]
    pub fn with_source(mut self, source: Arc<dyn Error + Send + Sync>) -> Self {
        self.error = Some(source.to_string());
        self.source = Some(source);
        self
    }

    /// Sets the payload of a panic, and its text. The payload is in [`source`](Self::source), as a
    /// [`TaskError`].
    #[must_use]
    pub fn with_panic(mut self, payload: Box<dyn Any + Send>) -> Self {
        self.error = panic_text(&*payload).map(str::to_owned);
        self.source = Some(Arc::new(TaskError::panicked(payload)));
        self
    }
}

impl fmt::Display for Unhandled {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)?;
        // The words for a slow call have both in them.
        let is_slow = self.kind == UnhandledKind::Slow;
        if let Some(name) = self.task_name.as_ref().filter(|_| !is_slow) {
            write!(f, ": {name}")?;
        }
        if let Some(location) = self.location.filter(|_| !is_slow) {
            let spawned_at = self.task.as_ref().map(TaskHandle::spawn_location);
            let verb = match self.kind {
                UnhandledKind::NeverUsed | UnhandledKind::Futurelock => "made",
                _ => "registered",
            };
            match spawned_at {
                Some(spawned_at) if spawned_at == location => write!(f, ", spawned at {location}")?,
                Some(spawned_at) => write!(f, ", spawned at {spawned_at}, {verb} at {location}")?,
                None => write!(f, ", {verb} at {location}")?,
            }
        }
        if let Some(error) = &self.error {
            write!(f, ": {error}")?;
        }
        match &self.backtrace {
            Some(backtrace) => write!(f, "\nspawned from:\n{backtrace}"),
            None => Ok(()),
        }
    }
}
