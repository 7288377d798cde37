//! What a group that runs needs of its children: tasks of their own, or futures in the same task.

use std::fmt;
use std::panic::Location;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use bowerbird_core::WaitDone;

use super::TaskFailure;
use super::members::Members;
use crate::cleanup::leave_unlimited;

/// The children of one group, seen by its future. It cannot be implemented elsewhere.
pub trait Crew {
    /// The group is polled by whoever has this waker.
    #[doc(hidden)]
    fn register(&mut self, waker: &Waker);

    #[doc(hidden)]
    fn is_shutting_down(&self) -> bool;

    /// Cancels all children, and lets no more in.
    #[doc(hidden)]
    fn abort(&mut self);

    /// One step of the children that are polled in place, beside the body. Returns whether the group began to
    /// shut down in it.
    #[doc(hidden)]
    fn poll_in_place(&mut self, cx: &mut Context<'_>) -> bool;

    /// Waits until no child is left; then the group is finished.
    #[doc(hidden)]
    fn poll_ended(&mut self, cx: &mut Context<'_>) -> Poll<()>;

    /// For the call graph: whoever polls the group awaits the children that are tasks.
    #[doc(hidden)]
    fn note_tasks(&self) {}

    #[doc(hidden)]
    fn take_failures(&mut self) -> Vec<TaskFailure>;

    /// The message of the group's errors.
    #[doc(hidden)]
    fn message(&self) -> String;

    #[doc(hidden)]
    fn location(&self) -> &'static Location<'static>;

    /// The call that makes the group, for debug mode.
    #[doc(hidden)]
    fn call(&self) -> &'static str;

    /// The group is dropped half-way: its children are cancelled, and its errors heard.
    #[doc(hidden)]
    fn leave(&mut self, error: Option<TaskFailure>);
}

/// Children that are tasks.
pub struct Spawned {
    pub(super) members: Arc<Members>,
    wait: Option<WaitDone>,
}

impl Spawned {
    pub(super) fn new(members: Arc<Members>) -> Self {
        Self { members, wait: None }
    }
}

impl fmt::Debug for Spawned {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Spawned").finish_non_exhaustive()
    }
}

impl Crew for Spawned {
    fn register(&mut self, waker: &Waker) {
        self.members.awaiter.register(waker);
    }

    fn is_shutting_down(&self) -> bool {
        self.members.is_shutting_down()
    }

    fn abort(&mut self) {
        self.members.abort();
    }

    fn poll_in_place(&mut self, _cx: &mut Context<'_>) -> bool {
        false
    }

    fn poll_ended(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        self.members.poll_ended(&mut self.wait, cx)
    }

    fn note_tasks(&self) {
        self.members.note_tasks();
    }

    fn take_failures(&mut self) -> Vec<TaskFailure> {
        self.members.take_failures()
    }

    fn message(&self) -> String {
        match self.members.name() {
            None => "unhandled errors in a TaskGroup".into(),
            Some(name) => format!("unhandled errors in the TaskGroup `{name}`"),
        }
    }

    fn location(&self) -> &'static Location<'static> {
        self.members.location
    }

    fn call(&self) -> &'static str {
        "task_group"
    }

    /// The children are awaited by whoever runs the cleanups.
    #[cold]
    fn leave(&mut self, error: Option<TaskFailure>) {
        let members = &self.members;
        members.abort();
        let mut failures = Vec::from_iter(error);
        if self.wait.is_none() && members.poll_ended(&mut None, &mut noop()).is_ready() {
            failures.splice(..0, members.take_failures());
            return report(failures, members.location);
        }
        let members = members.clone();
        let location = members.location;
        let future = async move {
            let mut wait = None;
            std::future::poll_fn(|cx| {
                members.awaiter.register(cx.waker());
                members.poll_ended(&mut wait, cx)
            })
            .await;
            failures.splice(..0, members.take_failures());
            report(failures, location);
        };
        // Awaiting a task has no deadline (rule 3); the children's cleanups have theirs.
        leave_unlimited(future, location, "the wait for the children of a task group");
    }
}

fn noop() -> Context<'static> {
    Context::from_waker(Waker::noop())
}

/// Nobody is left who could be given the errors: the exception handler hears them.
pub(super) fn report(failures: Vec<TaskFailure>, location: &'static Location<'static>) {
    use bowerbird_core::{Unhandled, UnhandledKind, call_exception_handler};
    for failure in failures {
        let mut unhandled = Unhandled::new(
            UnhandledKind::NeverRetrieved,
            "an error of a TaskGroup whose future was dropped was never retrieved",
        );
        unhandled.location = failure.spawned_at().or(Some(location));
        unhandled.task_name = failure.task_name().map(Into::into);
        call_exception_handler(&unhandled.with_source(Arc::new(failure)));
    }
}
