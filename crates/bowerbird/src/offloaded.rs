//! Blocking work of the library's own, on the blocking pool: file operations.
//!
//! ```text
//!               the job ends                    poll
//!   RUNNING ------------------> DONE(value) ------------> TAKEN
//!      |  '---- the job is dropped unrun ---> UNRUN --'
//!      '-- the awaiter is dropped --> ABANDONED -- the job ends --> `lost` gets the value
//! ```
//! The state is under a lock, which neither a value nor a waker is dropped or called under.

use std::any::Any;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use bowerbird_base::poll_context::{Job, OffloadClass, offload};
use bowerbird_base::sync::Mutex;
use bowerbird_base::waker_slot::WakerSlot;
use bowerbird_io::Leaf;

enum State<T> {
    Running,
    Done(Result<T, Box<dyn Any + Send>>),
    Unrun,
    Taken,
    Abandoned,
}

struct Shared<T> {
    state: Mutex<State<T>>,
    waker: WakerSlot,
    lost: fn(T),
}

/// Work that goes on, and whose value somebody waits for.
pub(crate) struct InFlight<T>(Arc<Shared<T>>);

/// The side of the job. Dropped without a value, it says so.
struct Promise<T>(Arc<Shared<T>>);

impl<T: Send + 'static> InFlight<T> {
    /// Makes a job of a closure. `lost` gets the value if nobody waits for it any more.
    pub(crate) fn new(f: impl FnOnce() -> T + Send + 'static, lost: fn(T)) -> (Self, Job) {
        let state = Mutex::new(State::Running);
        let shared = Arc::new(Shared { state, waker: WakerSlot::new(), lost });
        let promise = Promise(shared.clone());
        let job = move || {
            let value = catch_unwind(AssertUnwindSafe(f));
            promise.end(State::Done(value));
        };
        (Self(shared), Box::new(job))
    }

    /// Makes a job and sends it to the pool.
    ///
    /// # Errors
    /// The pool takes no more.
    pub(crate) fn start(f: impl FnOnce() -> T + Send + 'static, lost: fn(T)) -> io::Result<Self> {
        let (in_flight, job) = Self::new(f, lost);
        send(job)?;
        Ok(in_flight)
    }

    /// Waits for the value.
    pub(crate) fn poll(&self, leaf: &mut Leaf, cx: &mut Context<'_>) -> Poll<io::Result<T>> {
        let proceed = ready!(leaf.poll_enter(cx));
        let mut is_registered = false;
        loop {
            let state = {
                let mut state = self.0.state.lock();
                match &*state {
                    State::Running => State::Running,
                    _ => std::mem::replace(&mut *state, State::Taken),
                }
            };
            match state {
                State::Running if is_registered => {
                    leaf.suspend("file", 0);
                    return Poll::Pending;
                }
                State::Running => {
                    self.0.waker.register(cx.waker());
                    is_registered = true;
                }
                State::Done(value) => {
                    proceed.made_progress();
                    return Poll::Ready(Ok(value.unwrap_or_else(|payload| resume_unwind(payload))));
                }
                State::Unrun => return Poll::Ready(Err(has_ended())),
                State::Taken | State::Abandoned => panic!("a future was polled after it was ready"),
            }
        }
    }
}

/// Sends a job to the pool.
///
/// # Errors
/// The pool takes no more.
pub(crate) fn send(job: Job) -> io::Result<()> {
    offload(OffloadClass::Fs, job).map_err(|job| {
        drop(job);
        has_ended()
    })
}

fn has_ended() -> io::Error {
    io::Error::other("the runtime has ended, or has no thread for it: the operation was not run")
}

impl<T> Promise<T> {
    fn end(&self, end: State<T>) {
        let before = {
            let mut state = self.0.state.lock();
            match &*state {
                State::Running => std::mem::replace(&mut *state, end),
                _ => end,
            }
        };
        match before {
            State::Running => self.0.waker.wake(),
            // Nobody waits: it is abandoned.
            State::Done(Ok(value)) => (self.0.lost)(value),
            _ => {}
        }
    }
}

impl<T> Drop for Promise<T> {
    fn drop(&mut self) {
        let is_running = matches!(*self.0.state.lock(), State::Running);
        if is_running {
            self.end(State::Unrun);
        }
    }
}

impl<T> Drop for InFlight<T> {
    fn drop(&mut self) {
        let left = std::mem::replace(&mut *self.0.state.lock(), State::Abandoned);
        if let State::Done(Ok(value)) = left {
            (self.0.lost)(value);
        }
    }
}
