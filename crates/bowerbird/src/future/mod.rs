//! Promises and futures: a value that somebody will set, and that many may await.
//!
//! asyncio: `asyncio.Future`. There it is one object; here the side that sets, [`Promise`], and the side that
//! waits, [`Future`], are two types. A future is cloned for many awaiters, each of whom gets a clone of the
//! value. Where one waits for one value and gives it nothing else to do, [`sync::oneshot`](crate::sync::oneshot)
//! is lighter, and moves the value.
//!
//! The name is that of a trait of the standard library, which is in scope everywhere; code that names this
//! type writes `future::Future`.
//!
//! # Examples
//! ```
//! use bowerbird::future;
//!
//! /// Resolves the host in the background; all who ask share the answer.
//! fn resolve() -> future::Future<String> {
//!     let (promise, answer) = future::promise();
//!     drop(bowerbird::spawn(async move {
//!         bowerbird::yield_now().await;
//!         promise.set_result("127.0.0.1".to_owned()).ok();
//!     }));
//!     answer
//! }
//!
//! bowerbird::run(async {
//!     let answer = resolve();
//!     let both = bowerbird::gather((answer.clone(), answer)).await;
//!     assert_eq!(both.0.unwrap(), both.1.unwrap());
//! });
//! ```

mod error;
mod promise;
mod state;
mod wait;

pub use error::{FutureError, InvalidStateError, SharedError};
pub use promise::{Promise, create_future, promise};
pub use wait::WaitFuture;

use std::fmt;
use std::panic::Location;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use bowerbird_base::poll_context::{self, Request};
use bowerbird_core::CallbackId;

use crate::context::copy_context;
use crate::event_loop::LoopHandle;
use state::{Listener, Outcome, Shared};
use wait::Place;

/// A value that a [`Promise`] is about.
///
/// asyncio: `asyncio.Future`. Cloning it gives another awaiter; the outcome stays, so that it may be awaited
/// any number of times. One whose last clone is dropped takes the promise's right to be heard with it, no more:
/// the promise is not cancelled.
///
/// # Cancellation
/// As in asyncio, whoever awaits a future and is cancelled, by a timeout too, cancels the future, and with it
/// all its other awaiters; then the request goes on outwards. It makes no difference whether it is awaited by
/// value or by `&mut`. To wait without that, await [`wait`](Self::wait).
///
/// # Cancel safety
/// Nothing is lost as long as a clone or the promise is left; await `&mut future`, or a clone, where the await
/// may be dropped. Dropping an await does not cancel the future.
///
/// # Errors
/// [`FutureError`] if an exception was set, the future was cancelled, or the promise was dropped unset.
#[must_use = "a future does nothing unless it is awaited or asked"]
pub struct Future<T> {
    shared: Arc<Shared<T>>,
    place: Place<T>,
    /// The request with which this awaiter cancelled the future (rule 3 of the protocol of cancellation).
    request: Option<Box<Request>>,
}

impl<T> Unpin for Future<T> {}

impl<T> Future<T> {
    fn new(shared: Arc<Shared<T>>) -> Self {
        Self { shared, place: Place::new(), request: None }
    }

    /// Returns whether the future has a result, an exception, or was cancelled.
    ///
    /// asyncio: `Future.done`.
    pub fn done(&self) -> bool {
        self.shared.outcome().is_some()
    }

    /// Returns whether the future was cancelled.
    ///
    /// asyncio: `Future.cancelled`.
    pub fn cancelled(&self) -> bool {
        self.shared.is_cancelled()
    }

    /// Returns a clone of the result.
    ///
    /// asyncio: `Future.result`.
    ///
    /// # Errors
    /// The exception that was set; a cancellation; [`FutureError::NotDone`] if the future is not done.
    ///
    /// # Examples
    /// ```
    /// let (promise, future) = bowerbird::future::promise();
    /// assert!(matches!(future.result(), Err(bowerbird::future::FutureError::NotDone(_))));
    /// promise.set_result(1).unwrap();
    /// assert_eq!(future.result().unwrap(), 1);
    /// ```
    pub fn result(&self) -> Result<T, FutureError>
    where
        T: Clone,
    {
        self.shared.result().unwrap_or_else(|| Err(FutureError::NotDone(not_done("result"))))
    }

    /// Returns the exception that was set; `None` if there is a result.
    ///
    /// asyncio: `Future.exception`.
    ///
    /// # Errors
    /// A cancellation; [`FutureError::NotDone`] if the future is not done.
    pub fn exception(&self) -> Result<Option<SharedError>, FutureError> {
        match self.shared.outcome() {
            None => Err(FutureError::NotDone(not_done("exception"))),
            Some(Outcome::Value(_)) => Ok(None),
            Some(Outcome::Exception(error)) => {
                self.shared.retrieve();
                Ok(Some(error.clone()))
            }
            Some(Outcome::Cancelled(message)) => Err(FutureError::Cancelled(message.clone())),
        }
    }

    /// Cancels the future at once; returns `false` if it is done.
    ///
    /// asyncio: `Future.cancel`. Whoever sets it later gets an error.
    #[track_caller]
    pub fn cancel(&self) -> bool {
        self.shared.cancel(None, Location::caller())
    }

    /// The same, with a message for the awaiters.
    ///
    /// asyncio: `Future.cancel(msg)`.
    #[track_caller]
    pub fn cancel_with(&self, message: impl Into<Arc<str>>) -> bool {
        self.shared.cancel(Some(message.into()), Location::caller())
    }

    /// Calls `callback` soon after the future is done; if it is already, soon.
    ///
    /// asyncio: `Future.add_done_callback`. It is called by the loop of the runtime in which it was added, as by
    /// `call_soon`: never inside this call or a `set_result`, in the order in which callbacks were added, with
    /// the context variables of whoever added it. On one worker awaiters and callbacks take turns in the
    /// order in which they came.
    ///
    /// # Panics
    /// Outside a runtime.
    ///
    /// # Examples
    /// ```
    /// bowerbird::run(async {
    ///     let (promise, answer) = bowerbird::future::promise();
    ///     let (doubled, double) = bowerbird::future::promise();
    ///     answer.add_done_callback(move |answer| {
    ///         doubled.set_result(answer.result().unwrap() * 2).unwrap();
    ///     });
    ///     promise.set_result(21).unwrap();
    ///     assert_eq!(double.await.unwrap(), 42);
    /// });
    /// ```
    #[track_caller]
    pub fn add_done_callback(
        &self,
        callback: impl FnOnce(&Future<T>) + Send + 'static,
    ) -> CallbackId
    where
        T: Send + Sync + 'static,
    {
        let Some(event_loop) = LoopHandle::try_current() else {
            crate::run::outside_a_runtime("add_done_callback")
        };
        let location = Location::caller();
        let mut context = copy_context();
        let tell = move |future: Future<T>| {
            let call = Box::new(move || context.run(|| callback(&future)));
            // A closed loop calls nothing any more, as in asyncio; the callback is dropped.
            let _closed = event_loop.0.call_soon(call, location);
        };
        let (number, rejected) = self.shared.listen(Listener::Callback(Box::new(tell)));
        if let Some(listener) = rejected {
            self.shared.tell(listener);
        }
        CallbackId::from_number(number)
    }

    /// Takes a callback away; returns whether it was still waiting for the end.
    ///
    /// asyncio: `Future.remove_done_callback`, which takes the function and returns a count.
    pub fn remove_done_callback(&self, id: CallbackId) -> bool {
        self.shared.unlisten(id.number())
    }

    /// Captures the tasks that await this future, each with those that await that; see
    /// [`CallGraph`](crate::tasks::CallGraph).
    ///
    /// asyncio: `asyncio.capture_call_graph(future).awaited_by`.
    pub fn awaited_by(&self) -> Vec<crate::tasks::CallGraph> {
        bowerbird_core::capture_awaiters(wait::WAIT_KIND, wait::number_of(&self.shared))
    }

    /// Waits until the future is done, whatever its end.
    ///
    /// asyncio: `asyncio.wait({future})`. Cancelling the waiter does not cancel the future.
    ///
    /// # Cancel safety
    /// Nothing is lost.
    ///
    /// # Examples
    /// ```
    /// use std::time::Duration;
    /// bowerbird::run(async {
    ///     let (promise, future) = bowerbird::future::promise();
    ///     let limit = Duration::from_millis(1);
    ///     assert!(bowerbird::timeout(limit, future.wait()).await.is_err());
    ///     promise.set_result(1).unwrap(); // an await of the future itself would have cancelled it
    ///     assert_eq!(future.await.unwrap(), 1);
    /// });
    /// ```
    pub fn wait(&self) -> WaitFuture<T> {
        WaitFuture::new(self.shared.clone())
    }
}

impl<T: Clone> std::future::Future for Future<T> {
    type Output = Result<T, FutureError>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        if let Some(request) = &self.request {
            // Passed on: it unwinds from here at each poll.
            poll_context::raise(Request::clone(request));
            poll_context::yield_now(cx);
            return Poll::Pending;
        }
        if self.place.is_suspended() && poll_context::is_offered() {
            self.cancel_by_request();
            poll_context::yield_now(cx);
            return Poll::Pending;
        }
        let this = &mut *self;
        this.place.poll(&this.shared, cx).map(|()| match this.shared.result() {
            Some(result) => result,
            None => unreachable!("the future is done"),
        })
    }
}

impl<T> Future<T> {
    /// Makes the offered request the future's, and raises it again. If the future is done, there is nothing to
    /// cancel: the request is left where it is, and unwinds from here.
    #[cold]
    fn cancel_by_request(&mut self) {
        let Some((request, _)) = poll_context::take_request() else { return };
        let outcome = Outcome::Cancelled(request.message.clone());
        if self.shared.settle(outcome, self.shared.created_at).is_ok() {
            self.request = Some(Box::new(request.clone()));
            poll_context::raise(request);
        } else {
            poll_context::offer(request);
        }
    }
}

impl<T> Clone for Future<T> {
    fn clone(&self) -> Self {
        Self::new(self.shared.clone())
    }
}

impl<T> Drop for Future<T> {
    fn drop(&mut self) {
        self.place.leave(&self.shared);
    }
}

impl<T> fmt::Debug for Future<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        describe(&self.shared, "Future", f)
    }
}

fn not_done(call: &'static str) -> InvalidStateError {
    InvalidStateError { call, settled: None }
}

/// `<Future pending created at src/main.rs:3:9>`, as asyncio shows it.
fn describe<T>(shared: &Shared<T>, name: &str, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    let state = match shared.outcome() {
        None => "pending",
        Some(Outcome::Value(_)) => "finished",
        Some(Outcome::Exception(error)) => {
            return write!(f, "<{name} finished exception={error} at {}>", shared.created_at);
        }
        Some(Outcome::Cancelled(_)) => "cancelled",
    };
    write!(f, "<{name} {state} created at {}>", shared.created_at)
}
