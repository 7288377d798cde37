//! What few tasks use: allocated when it is first needed.

use std::backtrace::Backtrace;
use std::collections::VecDeque;
use std::panic::Location;
use std::sync::Arc;
use std::task::Waker;

use bowerbird_base::poll_context::{Cleanup, Request, Wait};
use bowerbird_base::sync::Mutex;

use super::handle::TaskHandle;
use super::header::ErrorText;
use crate::report::Reporter;
use crate::variables::Context;

/// A done callback.
pub(crate) struct Callback {
    pub(crate) id: u64,
    pub(crate) call: Box<dyn FnOnce(&TaskHandle) + Send>,
    /// Where it was added.
    pub(crate) location: &'static Location<'static>,
}

/// The cold part of a task.
pub(crate) struct Cold(pub(crate) Mutex<ColdState>);

/// What stands behind the lock. No waker and no callback is run or dropped under it.
#[derive(Default)]
pub(crate) struct ColdState {
    /// The task's own name; without one it is `Task-N`.
    pub(crate) name: Option<Arc<str>>,
    /// The context variables that the task runs with.
    pub(crate) context: Option<Context>,
    /// How many requests to cancel were made and not taken back.
    pub(crate) cancelling: u32,
    /// The request that the next poll delivers.
    pub(crate) request: Option<Request>,
    /// Whose request this task was handed, while that one waits for it; see [`forward`](super::forward).
    pub(crate) forwarded_from: Option<TaskHandle>,
    /// Who is told, in the order of asking, when the task is done.
    pub(crate) callbacks: Vec<Callback>,
    pub(crate) next_callback: u64,
    /// Who waits for the end without owning the output; `None` is a free place.
    pub(crate) waiters: Vec<Option<Waker>>,
    /// Set when the callbacks and waiters were called: later ones are called at once.
    pub(crate) is_told: bool,
    /// Gives the text of an `Err` that nobody retrieved: set by `Task::report_errors`.
    pub(crate) error_text: Option<ErrorText>,
    /// From where the task was spawned, in debug mode.
    pub(crate) spawned_from: Option<Arc<Backtrace>>,
    /// What the task's leaves waited for when its last poll ended, if it is watched.
    pub(crate) waits: Vec<Wait>,
    /// Why the task was not run, for the case that nobody looks at its end.
    pub(crate) complaint: Option<&'static str>,
    /// Who hears of the task's panic or error: set when it ends by one, or with one of the lines above.
    pub(crate) reporter: Option<Arc<Reporter>>,
    /// The panic was reported by the end of the runtime.
    pub(crate) is_reported: bool,
    /// What the task's future left behind, to be run before the task is done.
    pub(crate) cleanups: VecDeque<Cleanup>,
}

impl Cold {
    pub(crate) fn new() -> Self {
        Self(Mutex::new(ColdState::default()))
    }
}
