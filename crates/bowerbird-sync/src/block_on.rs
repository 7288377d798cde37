//! Waiting for a leaf of this crate from a thread that runs no task.

use std::panic::Location;
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker};

use bowerbird_base::poll_context;
use bowerbird_base::sync::thread::{self, Thread};

/// A waker that unparks the thread that made it.
struct Unpark(Thread);

impl Wake for Unpark {
    fn wake(self: Arc<Self>) {
        self.0.unpark();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        self.0.unpark();
    }
}

/// Polls `future` to its end, parking the thread in between.
///
/// # Panics
/// If a task is being polled in this thread: `call` is then named as the culprit and `fix` as the way out.
#[track_caller]
pub(crate) fn block_on<F: Future>(future: F, call: &str, fix: &str) -> F::Output {
    refuse_inside_a_task(Location::caller(), call, fix);
    let mut future = pin!(future);
    // What is ready at once costs no allocation.
    if let Poll::Ready(output) = future.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
        return output;
    }
    let waker = Waker::from(Arc::new(Unpark(thread::current())));
    let mut cx = Context::from_waker(&waker);
    loop {
        if let Poll::Ready(output) = future.as_mut().poll(&mut cx) {
            return output;
        }
        thread::park();
    }
}

fn refuse_inside_a_task(location: &Location<'_>, call: &str, fix: &str) {
    if !poll_context::current_task().is_null() {
        panic!("{call} at {location} would block the worker that polls this task: {fix}");
    }
}
