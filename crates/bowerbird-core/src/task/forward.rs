//! Rule 3 of the protocol: a request that is offered to who awaits a task becomes the task's.
//!
//! Whose request a task was handed is noted at it. Following these notes from a task shows who waits for its end;
//! if the task that it would hand a request to is among them, the two would hand it round for ever. (asyncio
//! recurses there until its stack is full.) Such a request stays where it is, and unwinds its task.

use bowerbird_base::poll_context::{self, Request};

use super::handle::TaskHandle;
use crate::handle::current_task;

/// What became of a request that was to be handed to a task.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Forwarded {
    /// It is the task's.
    Accepted,
    /// The task has ended.
    Ended,
    /// The task's own end waits for the current one.
    Circular,
}

/// Hands a request to a task whose end the current task waits for.
pub fn forward_request(request: &Request, awaited: &TaskHandle) -> Forwarded {
    let Some(this) = current_task() else {
        return if cancel(request, awaited) { Forwarded::Accepted } else { Forwarded::Ended };
    };
    // The note is made before the notes are followed: of two tasks that do this at the same time, at least one
    // sees the other's.
    replace_note(awaited, Some(this.clone()));
    let forwarded = match waits_for(awaited, this) {
        true => Forwarded::Circular,
        false if cancel(request, awaited) => return Forwarded::Accepted,
        false => Forwarded::Ended,
    };
    replace_note(awaited, None);
    forwarded
}

/// Whether the end of this task waits, by requests that were handed on, for the current one.
pub fn waits_for_current(task: &TaskHandle) -> bool {
    current_task().is_some_and(|this| waits_for(task, this))
}

/// Hands the offered request to a task, and adds it to those that were. `false`: the task cannot answer it, and it
/// is left where it is.
pub(super) fn forward_offered(awaited: &TaskHandle, outermost: &mut Option<Box<Request>>) -> bool {
    let Some((request, _)) = poll_context::take_request() else { return true };
    if forward_request(&request, awaited) != Forwarded::Accepted {
        poll_context::offer(request);
        return false;
    }
    let mut merged = outermost.take().map(|request| *request);
    request.merge_into(&mut merged);
    *outermost = merged.map(Box::new);
    true
}

/// The awaited task has ended.
pub(super) fn forget_forwarded(awaited: &TaskHandle) {
    replace_note(awaited, None);
}

fn cancel(request: &Request, task: &TaskHandle) -> bool {
    match &request.message {
        Some(message) => task.cancel_with(message.clone()),
        None => task.cancel(),
    }
}

fn waits_for(awaited: &TaskHandle, this: TaskHandle) -> bool {
    /// Longer chains are taken for endless.
    const LONGEST: usize = 100_000;
    let mut next = Some(this);
    for _ in 0..LONGEST {
        match next {
            None => return false,
            Some(task) if task == *awaited => return true,
            Some(task) => {
                let cold = task.header_ref().cold();
                next = cold.and_then(|cold| cold.0.lock().forwarded_from.clone());
            }
        }
    }
    true
}

fn replace_note(awaited: &TaskHandle, note: Option<TaskHandle>) {
    let cold = awaited.header_ref().cold_or_new();
    let before = std::mem::replace(&mut cold.0.lock().forwarded_from, note);
    drop(before);
}
