//! What nobody retrieved: the last place where an error can be heard.

use std::fmt;
use std::panic::Location;
use std::sync::Arc;

use crate::current;
use crate::task::id::TaskId;

/// Something that went wrong where nobody waits for it.
///
/// asyncio: the context dictionary of `call_exception_handler`.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Unhandled {
    /// What happened, in words.
    pub message: String,
    /// The text of the panic or of the error, if there is one.
    pub error: Option<String>,
    /// The task's number, if a task is concerned.
    pub task_id: Option<TaskId>,
    /// The task's name.
    pub task_name: Option<Arc<str>>,
    /// Where the task was spawned, or the cleanup registered.
    pub location: Option<&'static Location<'static>>,
}

impl fmt::Display for Unhandled {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)?;
        if let Some(name) = &self.task_name {
            write!(f, ": {name}")?;
        }
        if let Some(location) = self.location {
            write!(f, ", spawned at {location}")?;
        }
        if let Some(error) = &self.error {
            write!(f, ": {error}")?;
        }
        Ok(())
    }
}

/// Hears what nobody retrieved.
pub type ExceptionHandler = Arc<dyn Fn(&Unhandled) + Send + Sync>;

/// The handler that a runtime has unless it is given another: a line on standard error.
pub(crate) fn default_handler() -> ExceptionHandler {
    Arc::new(|unhandled| eprintln!("bowerbird: {unhandled}"))
}

/// Tells the handler of this thread's runtime, or the default one. A handler that panics is not heard.
pub(crate) fn report(unhandled: &Unhandled) {
    let handler = current::runtime()
        .map_or_else(default_handler, |runtime| runtime.config.exception_handler.clone());
    let told = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| handler(unhandled)));
    if let Err(payload) = told {
        std::mem::forget(payload); // its destructor may panic again
    }
}
