//! What nobody retrieved: the last place where an error can be heard.

use std::any::Any;
use std::fmt;
use std::panic::{AssertUnwindSafe, Location, catch_unwind};
use std::sync::Arc;

use crate::config::Hook;
use crate::current;
use crate::task::error::panic_text;
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

/// Calls code that is not ours; what it panics with is reported and goes no further.
pub(crate) fn caught<R>(message: &str, f: impl FnOnce() -> R) -> Option<R> {
    match catch_unwind(AssertUnwindSafe(f)) {
        Ok(output) => Some(output),
        Err(payload) => {
            report_panic_text(message, payload);
            None
        }
    }
}

/// Drops a value of the user's; a panic of its destructor is reported and goes no further.
pub(crate) fn drop_caught<T>(value: T, message: &str) {
    caught(message, move || drop(value));
}

/// Drops the payload of a panic, whose destructor may panic again, with a payload of its own.
pub(crate) fn drop_payload(payload: Box<dyn Any + Send>) {
    /// Who panics longer than this in destructors of payloads has the last one forgotten.
    const MOST_PANICS: usize = 8;
    let mut payload = payload;
    for _ in 0..MOST_PANICS {
        match catch_unwind(AssertUnwindSafe(move || drop(payload))) {
            Ok(()) => return,
            Err(next) => payload = next,
        }
    }
    std::mem::forget(payload);
}

/// Calls a hook, if there is one.
pub(crate) fn call_hook(hook: Option<&Hook>) {
    if let Some(hook) = hook {
        caught("a hook of the runtime's threads panicked", || hook());
    }
}

/// Reports a panic that concerns no task.
#[cold]
pub(crate) fn report_panic_text(message: &str, payload: Box<dyn Any + Send>) {
    report_text(message, panic_text(&*payload));
    drop_payload(payload);
}

/// Reports what concerns no task.
#[cold]
pub(crate) fn report_text(message: &str, error: Option<&str>) {
    report(&Unhandled {
        message: message.into(),
        error: error.map(str::to_owned),
        task_id: None,
        task_name: None,
        location: None,
    });
}

/// The process cannot go on if a panic comes out of the runtime's own code: a future that borrows from the
/// stack would stay behind, or a worker's tasks would wait for ever.
pub(crate) struct AbortOnUnwind;

impl Drop for AbortOnUnwind {
    fn drop(&mut self) {
        eprintln!(
            "bowerbird: a panic came out of the runtime itself; this is a bug, the process ends"
        );
        std::process::abort();
    }
}

/// Tells the handler of this thread's runtime, or the default one. A handler that panics is not heard.
pub(crate) fn report(unhandled: &Unhandled) {
    let handler = current::runtime()
        .map_or_else(default_handler, |runtime| runtime.config.exception_handler.clone());
    let told = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| handler(unhandled)));
    if let Err(payload) = told {
        drop_payload(payload);
    }
}
