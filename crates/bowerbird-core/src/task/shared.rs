//! One task, many waiters.

use std::fmt;
use std::ops::Deref;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Wake, Waker};

use bowerbird_base::poll_context::{self, Delivery, Request};

use super::error::TaskError;
use super::forward::{forget_forwarded, forward_offered};
use super::handle::TaskHandle;
use super::join::Task;

impl<T> Task<T> {
    /// Makes a handle that may be cloned, each of which gives a clone of the output.
    ///
    /// asyncio: every task may be awaited by many.
    ///
    /// # Examples
    /// ```
    /// bowerbird::run(async {
    ///     let task = bowerbird::spawn(async { 42 }).shared();
    ///     let other = task.clone();
    ///     assert_eq!((task.await.unwrap(), other.await.unwrap()), (42, 42));
    /// });
    /// ```
    pub fn shared(self) -> SharedTask<T>
    where
        T: Clone,
    {
        let handle = self.handle();
        let state = State { task: Some(self), output: None, waiters: Vec::new(), was_woken: false };
        SharedTask {
            handle,
            shared: Arc::new(Shared(Mutex::new(state))),
            place: None,
            request: None,
            has_passed: false,
        }
    }
}

/// A task that many may await; each gets a clone of its output.
///
/// asyncio: `asyncio.Task`. Whoever awaits it and is cancelled cancels the task, as asyncio does; await
/// [`TaskHandle::wait`] to wait without that. A request that is older than the await ends only its own task: the
/// others have not been asked.
///
/// # Cancel safety
/// Nothing is lost: the output stays.
///
/// # Errors
/// [`TaskError`] if the task was cancelled or panicked; the payload of a panic is its text.
#[must_use = "the task runs on when its handles are dropped; await it, or drop it on purpose"]
pub struct SharedTask<T> {
    handle: TaskHandle,
    shared: Arc<Shared<T>>,
    /// Where this waiter's waker stands.
    place: Option<usize>,
    /// The request that this waiter has passed to the task (rule 3 of the protocol of cancellation).
    request: Option<Box<Request>>,
    has_passed: bool,
}

struct Shared<T>(Mutex<State<T>>);

struct State<T> {
    task: Option<Task<T>>,
    output: Option<Result<T, TaskError>>,
    waiters: Vec<Place>,
    /// The task has woken its waiters since it was polled last.
    was_woken: bool,
}

/// A waiter's place.
enum Place {
    Free,
    /// Without a waker from when it was woken to its next poll.
    Waits(Option<Waker>),
}

impl<T> State<T> {
    /// Puts a waker where one may be already, and gives that one.
    fn register(&mut self, place: &mut Option<usize>, waker: Waker) -> Place {
        let is_free = |place: &Place| matches!(place, Place::Free);
        let free = || self.waiters.iter().position(is_free);
        let at = place.or_else(free).unwrap_or(self.waiters.len());
        if at == self.waiters.len() {
            self.waiters.push(Place::Free);
        }
        *place = Some(at);
        std::mem::replace(&mut self.waiters[at], Place::Waits(Some(waker)))
    }

    fn take_wakers(&mut self) -> Vec<Waker> {
        let waker = |place: &mut Place| match place {
            Place::Free => None,
            Place::Waits(waker) => waker.take(),
        };
        self.waiters.iter_mut().filter_map(waker).collect()
    }
}

impl<T> Shared<T> {
    fn lock(&self) -> MutexGuard<'_, State<T>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn wake_all(&self) {
        let waiters = self.lock().take_wakers();
        waiters.into_iter().for_each(Waker::wake);
    }
}

/// The one waker that the task itself knows: it wakes every waiter.
impl<T: Send + 'static> Wake for Shared<T> {
    fn wake(self: Arc<Self>) {
        let waiters = {
            let mut state = self.lock();
            state.was_woken = true;
            state.take_wakers()
        };
        waiters.into_iter().for_each(Waker::wake);
    }
}

impl<T: Clone + Send + 'static> Future for SharedTask<T> {
    type Output = Result<T, TaskError>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        if self.has_passed {
            return self.pass_on(cx);
        }
        let this = &mut *self;
        let is_asked = this.place.is_some() && poll_context::is_offered();
        if is_asked && !forward_offered(&this.handle, &mut this.request) {
            // Rule 1: it beats readiness, and unwinds from here.
            poll_context::yield_now(cx);
            return Poll::Pending;
        }
        match self.poll_output(cx) {
            Poll::Ready(Err(error)) if self.request.is_some() && error.is_cancelled() => {
                self.pass_on(cx)
            }
            other => other,
        }
    }
}

impl<T: Clone + Send + 'static> SharedTask<T> {
    #[cold]
    fn pass_on<O>(&mut self, cx: &mut Context<'_>) -> Poll<O> {
        self.has_passed = true;
        if let Some(request) = &self.request {
            poll_context::raise(Request::clone(request));
        }
        poll_context::yield_now(cx);
        Poll::Pending
    }

    fn poll_output(&mut self, cx: &mut Context<'_>) -> Poll<Result<T, TaskError>> {
        let fresh = cx.waker().clone();
        let this = self;
        // The task is taken out, so that nothing of it is polled or dropped under the lock.
        let (task, replaced) = {
            let mut state = this.shared.lock();
            if let Some(output) = &state.output {
                return Poll::Ready(output.clone());
            }
            let replaced = state.register(&mut this.place, fresh);
            state.was_woken &= state.task.is_none();
            (state.task.take(), replaced)
        };
        drop(replaced);
        if let Some(mut task) = task {
            let waker = Waker::from(this.shared.clone());
            // A request that is about is this waiter's: the inner handle, which all share, must not take it.
            let aside = poll_context::take_request();
            let polled = Pin::new(&mut task).poll(&mut Context::from_waker(&waker));
            match aside {
                Some((request, Delivery::Unwinding)) => poll_context::raise(request),
                Some((request, _)) => poll_context::offer(request),
                None => {}
            }
            match polled {
                Poll::Pending => this.put_back(task),
                Poll::Ready(output) => {
                    this.shared.lock().output = Some(output.clone());
                    this.shared.wake_all();
                    return Poll::Ready(output);
                }
            }
        }
        poll_context::note_wait("task", this.handle.id().get(), Some(this.handle.spawn_location()));
        Poll::Pending
    }
}

impl<T> SharedTask<T> {
    /// Those who looked for the task while it was out, after it had ended, are woken once more.
    fn put_back(&self, task: Task<T>) {
        let waiters = {
            let mut state = self.shared.lock();
            state.task = Some(task);
            if state.was_woken { state.take_wakers() } else { Vec::new() }
        };
        waiters.into_iter().for_each(Waker::wake);
    }
}

impl<T> Clone for SharedTask<T> {
    fn clone(&self) -> Self {
        Self {
            handle: self.handle.clone(),
            shared: self.shared.clone(),
            place: None,
            request: None,
            has_passed: false,
        }
    }
}

impl<T> Drop for SharedTask<T> {
    fn drop(&mut self) {
        if self.request.is_some() {
            forget_forwarded(&self.handle);
        }
        if let Some(place) = self.place {
            let left = std::mem::replace(&mut self.shared.lock().waiters[place], Place::Free);
            drop(left);
        }
    }
}

impl<T> AsRef<TaskHandle> for SharedTask<T> {
    fn as_ref(&self) -> &TaskHandle {
        &self.handle
    }
}

impl<T> Deref for SharedTask<T> {
    type Target = TaskHandle;
    fn deref(&self) -> &TaskHandle {
        &self.handle
    }
}

impl<T> fmt::Debug for SharedTask<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.handle.fmt(f)
    }
}
