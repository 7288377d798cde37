//! Cleanups that are not `Send`.
//!
//! The list of cleanups takes what is `Send`. A local one stays behind in its thread, under a number, and
//! what goes into the list is that number with the thread's id. Only tasks that stay on their thread make
//! local cleanups, so the thread that polls the number is the one that has the future; a number that is
//! polled elsewhere says so.

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::panic::Location;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::thread::ThreadId;

use bowerbird_core::report_cleanup;

use super::leave;

type LocalFuture = Pin<Box<dyn Future<Output = ()>>>;

thread_local! {
    static FUTURES: RefCell<HashMap<u64, LocalFuture>> = RefCell::new(HashMap::new());
    static NEXT: Cell<u64> = const { Cell::new(0) };
}

/// Leaves a cleanup that has to run on this thread.
pub(super) fn leave_local(
    future: impl Future<Output = ()> + 'static,
    location: &'static Location<'static>,
    what: &'static str,
) {
    let number = NEXT.with(|next| next.replace(next.get() + 1));
    let stored = FUTURES.try_with(|futures| futures.borrow_mut().insert(number, Box::pin(future)));
    if stored.is_err() {
        return report_cleanup("a local cleanup was left while its thread ended", None, location);
    }
    let thread = std::thread::current().id();
    leave(Local { number, thread, location }, location, what, None);
}

/// The number of a future that stands in `FUTURES` of `thread`.
struct Local {
    number: u64,
    thread: ThreadId,
    location: &'static Location<'static>,
}

impl Local {
    fn take(&self) -> Option<LocalFuture> {
        if std::thread::current().id() != self.thread {
            return None;
        }
        FUTURES.try_with(|futures| futures.borrow_mut().remove(&self.number)).ok().flatten()
    }
}

impl Future for Local {
    type Output = ();

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        // Taken out while it is polled: it may leave local cleanups itself.
        let Some(mut future) = self.take() else {
            report_cleanup(
                "a local cleanup came to another thread, and was not run",
                None,
                self.location,
            );
            return Poll::Ready(());
        };
        let polled = future.as_mut().poll(cx);
        if polled.is_pending() {
            FUTURES.with(|futures| futures.borrow_mut().insert(self.number, future));
        }
        polled
    }
}

impl Drop for Local {
    fn drop(&mut self) {
        drop(self.take());
    }
}
