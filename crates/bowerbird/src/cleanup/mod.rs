//! Cleanups: what a dropped future leaves behind, to be awaited before the scope around it ends.
//!
//! `bowerbird_base::poll_context` carries them from the destructor that leaves one to the scope that runs
//! it; what is here gives each its limits: a cleanup is shielded by whoever runs it, has until the grace
//! deadline, and cannot fail; what goes wrong in it reaches the exception handler.
//!
//! Three ways to register one: [`with`] a manager whose `exit` is awaited however the body ends, [`defer`]
//! for a single future, and an [`AsyncExitStack`] for a number of them that is known at run time only.
//! Whatever ends the body, a result, an error, a cancellation, a timeout, a lost race or a panic, they run
//! innermost first, before the scope around them ends.

use std::fmt;
use std::panic::{AssertUnwindSafe, Location, catch_unwind};
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use bowerbird_base::debug;
use bowerbird_base::poll_context::{self, Cleanup};
use bowerbird_core::{Handle, TaskHandle, report_cleanup};
use bowerbird_timer::Sleep;
use bowerbird_timer::part::sleep_until;

use crate::runtime::driver;

mod context_manager;
mod defer;
mod exit_stack;
mod local;

pub use context_manager::{
    AsyncContextManager, LocalAsyncContextManager, Outcome, try_with, try_with_local, with,
    with_local, with_send,
};
pub use defer::{Defer, defer};
pub use exit_stack::AsyncExitStack;

/// How long cleanups may take, unless the builder says otherwise.
pub(crate) const GRACE: Duration = Duration::from_secs(10);

/// Leaves a cleanup for the nearest scope around the future that is being polled or dropped.
///
/// All that is left behind by one drop shares one deadline: the grace period begins now. Outside of tasks
/// the cleanup becomes a task of this thread's runtime, or of `runtime`; without one nobody can run it, and
/// that is said.
pub(crate) fn leave(
    future: impl Future<Output = ()> + Send + 'static,
    location: &'static Location<'static>,
    what: &'static str,
    runtime: Option<Handle>,
) {
    let deadline = bowerbird_timer::is_inside()
        .then(|| bowerbird_timer::now().checked_add(driver::cleanup_grace()))
        .flatten();
    leave_until(deadline, future, location, what, runtime);
}

/// Leaves a cleanup that has no deadline: it waits for tasks that were cancelled, whose own cleanups have one.
pub(crate) fn leave_unlimited(
    future: impl Future<Output = ()> + Send + 'static,
    location: &'static Location<'static>,
    what: &'static str,
) {
    leave_until(None, future, location, what, None);
}

fn leave_until(
    deadline: Option<Instant>,
    future: impl Future<Output = ()> + Send + 'static,
    location: &'static Location<'static>,
    what: &'static str,
    runtime: Option<Handle>,
) {
    let graced = Graced { future: Some(Box::pin(future)), deadline, sleep: None, location, what };
    leave_on(Cleanup { future: Box::pin(graced), location }, runtime);
}

/// Leaves a wait for tasks that were just cancelled, so that whoever drops what held them does not end before
/// they have. Without a deadline: their own cleanups have theirs. Outside a poll there is nobody to wait: the
/// runtime itself waits for its tasks.
pub(crate) fn leave_wait(tasks: Vec<TaskHandle>, location: &'static Location<'static>) {
    if tasks.is_empty() {
        return;
    }
    let future = Box::pin(async move {
        for task in tasks {
            task.wait().await;
        }
    });
    let _outside = poll_context::push_cleanup(Cleanup { future, location });
}

/// Leaves a cleanup that has its limits already: to the next scope outwards.
pub(crate) fn leave_again(cleanup: Cleanup) {
    leave_on(cleanup, None);
}

fn leave_on(cleanup: Cleanup, runtime: Option<Handle>) {
    let Err(cleanup) = poll_context::push_cleanup(cleanup) else { return };
    let location = cleanup.location;
    match Handle::try_current().or(runtime) {
        Some(runtime) => drop(runtime.spawn(cleanup.future)),
        None => report_cleanup(
            "a cleanup was dropped outside of any runtime, and not run",
            None,
            location,
        ),
    }
}

/// A cleanup under its grace deadline.
struct Graced<F> {
    future: Option<Pin<Box<F>>>,
    deadline: Option<Instant>,
    sleep: Option<Sleep>,
    location: &'static Location<'static>,
    what: &'static str,
}

impl<F: Future<Output = ()>> Graced<F> {
    /// The future is dropped: its destructor is the user's.
    fn end(&mut self) {
        let future = self.future.take();
        // One that overran is cut off.
        let _quiet = debug::quiet();
        if let Err(payload) = catch_unwind(AssertUnwindSafe(|| drop(future))) {
            report_cleanup("the destructor of a cleanup panicked", Some(payload), self.location);
        }
    }

    fn is_overdue(&mut self, cx: &mut Context<'_>) -> bool {
        let Some(deadline) = self.deadline else { return false };
        if !bowerbird_timer::is_inside() {
            return false;
        }
        let sleep = self.sleep.get_or_insert_with(|| sleep_until(deadline));
        sleep.poll_due(cx).is_ready()
    }
}

impl<F: Future<Output = ()>> Future for Graced<F> {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let this = &mut *self;
        let Some(future) = &mut this.future else { return Poll::Ready(()) };
        match catch_unwind(AssertUnwindSafe(|| future.as_mut().poll(cx))) {
            Ok(Poll::Ready(())) => {}
            Ok(Poll::Pending) if !this.is_overdue(cx) => return Poll::Pending,
            Ok(Poll::Pending) => {
                let message = format!("{} overran its grace deadline and was dropped", this.what);
                report_cleanup(&message, None, this.location);
            }
            Err(payload) => report_cleanup("a cleanup panicked", Some(payload), this.location),
        }
        this.end();
        Poll::Ready(())
    }
}

impl<F> fmt::Debug for Graced<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Graced").field("location", &self.location).finish_non_exhaustive()
    }
}
