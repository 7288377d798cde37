//! A channel for one value.
//!
//! One allocation. Sending is one read-modify-write while nobody waits, and receiving what is there is
//! none; with a suspended receiver it is three in all. `oneshot/state.rs` has the protocol.
//!
//! asyncio: a bare `Future` that one side resolves with `set_result` and the other awaits. Here the two
//! sides are two types, so that a result is set once, and a side that is dropped tells the other.

use std::error::Error;
use std::fmt;
use std::panic::Location;
use std::pin::Pin;
use std::task::{Context, Poll};

use bowerbird_base::call_site::CallSite;
use bowerbird_base::cancel_safe::CancelSafe;
use bowerbird_base::poll_context;

use crate::block_on::block_on;

mod state;
#[allow(
    unsafe_code,
    reason = "two handles own one allocation, and a state word says who may touch what"
)]
mod block;

use block::{RxHalf, TxHalf};

/// Makes a channel for one value.
///
/// asyncio: `loop.create_future()`. There one object is both ends.
///
/// # Examples
/// ```
/// let (sender, receiver) = bowerbird::sync::oneshot::channel();
/// sender.send("pong").unwrap();
/// assert_eq!(receiver.blocking_recv(), Ok("pong"));
/// ```
#[track_caller]
pub fn channel<T>() -> (Sender<T>, Receiver<T>) {
    let (sender, receiver) = block::pair();
    let receiver =
        Receiver { half: Some(receiver), is_suspended: false, location: Location::caller() };
    (Sender { half: sender }, receiver)
}

/// The side that sends.
///
/// Dropping it unused tells the receiver, which gets [`RecvError`].
///
/// asyncio: who calls `Future.set_result`. A future that nobody resolves waits for ever there.
pub struct Sender<T> {
    half: TxHalf<T>,
}

/// The side that receives: a future of the value.
///
/// Dropping it tells the sender, whose `send` then gives the value back; a value sent before is dropped
/// with it, once.
///
/// asyncio: who awaits the `Future`. Only one may wait here.
///
/// # Cancel safety
/// Nothing is lost: the value stays in the channel until a poll returns it, so `&mut receiver` can be
/// awaited, dropped and awaited again. Dropping the receiver itself ends the channel.
///
/// # Panics
/// When polled again after it was ready.
///
/// # Examples
/// ```
/// use std::pin::pin;
/// use std::task::{Context, Poll, Waker};
///
/// let (sender, mut receiver) = bowerbird::sync::oneshot::channel();
/// let mut cx = Context::from_waker(Waker::noop());
/// assert!(pin!(&mut receiver).poll(&mut cx).is_pending());
/// sender.send(1).unwrap();
/// assert_eq!(pin!(&mut receiver).poll(&mut cx), Poll::Ready(Ok(1)));
/// ```
#[must_use = "a dropped receiver closes the channel"]
pub struct Receiver<T> {
    /// `None` once the channel has come to its end for this side.
    half: Option<RxHalf<T>>,
    /// A poll has returned `Pending`: an offered cancellation now goes before the value.
    is_suspended: bool,
    location: &'static Location<'static>,
}

impl<T> Sender<T> {
    /// Sends the value.
    ///
    /// asyncio: `Future.set_result`. On a future that was cancelled it raises `InvalidStateError`; here
    /// the value comes back.
    ///
    /// A receiver that waits is woken. `Ok` means that the receiver was there, not that it will look: one
    /// that is dropped later drops the value.
    ///
    /// # Errors
    /// The value, if the receiver was dropped or closed before.
    ///
    /// # Examples
    /// ```
    /// let (sender, receiver) = bowerbird::sync::oneshot::channel();
    /// drop(receiver);
    /// assert_eq!(sender.send(7), Err(7));
    /// ```
    #[inline]
    pub fn send(self, value: T) -> Result<(), T> {
        self.half.send(value)
    }

    /// Returns whether a value would be refused: the receiver was dropped or closed.
    ///
    /// asyncio: `Future.cancelled`, seen by who would set the result.
    ///
    /// # Examples
    /// ```
    /// let (sender, mut receiver) = bowerbird::sync::oneshot::channel::<u8>();
    /// assert!(!sender.is_closed());
    /// receiver.close();
    /// assert!(sender.is_closed());
    /// ```
    pub fn is_closed(&self) -> bool {
        self.half.look().is_closed()
    }

    /// Waits until the receiver is dropped or closed.
    ///
    /// asyncio: `Future.add_done_callback`, called when the one who waits cancels the future. Here it can
    /// be awaited, to give up work whose result nobody wants.
    ///
    /// # Cancel safety
    /// Nothing is lost, and a wait that is dropped leaves no waker behind.
    ///
    /// # Examples
    /// ```
    /// use std::pin::pin;
    /// use std::task::{Context, Waker};
    ///
    /// let (mut sender, receiver) = bowerbird::sync::oneshot::channel::<u8>();
    /// let mut cx = Context::from_waker(Waker::noop());
    /// let mut closed = pin!(sender.closed());
    /// assert!(closed.as_mut().poll(&mut cx).is_pending());
    /// drop(receiver);
    /// assert!(closed.as_mut().poll(&mut cx).is_ready());
    /// ```
    #[track_caller]
    pub fn closed(&mut self) -> Closed<'_, T> {
        let site = CallSite::new("oneshot::Sender::closed");
        Closed { sender: self, is_suspended: false, site }
    }

    /// Polls for what [`closed`](Self::closed) waits for; the waker of the last call is woken.
    ///
    /// asyncio: no counterpart.
    ///
    /// # Examples
    /// ```
    /// use std::task::{Context, Waker};
    ///
    /// let (mut sender, receiver) = bowerbird::sync::oneshot::channel::<u8>();
    /// drop(receiver);
    /// assert!(sender.poll_closed(&mut Context::from_waker(Waker::noop())).is_ready());
    /// ```
    pub fn poll_closed(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let seen = self.half.look();
        if seen.is_closed() || !self.half.register(seen, cx.waker()) {
            let proceed = std::task::ready!(poll_context::poll_proceed(cx));
            proceed.made_progress();
            return Poll::Ready(());
        }
        Poll::Pending
    }
}

impl<T> Receiver<T> {
    /// Takes the value if it is there.
    ///
    /// asyncio: `Future.result`, which raises `InvalidStateError` when there is none yet.
    ///
    /// # Errors
    /// [`TryRecvError::Empty`] if none was sent yet; [`TryRecvError::Closed`] if none will come: the sender
    /// was dropped, this side was closed, or the value was taken before.
    ///
    /// # Examples
    /// ```
    /// use bowerbird::sync::oneshot::{TryRecvError, channel};
    ///
    /// let (sender, mut receiver) = channel();
    /// assert_eq!(receiver.try_recv(), Err(TryRecvError::Empty));
    /// sender.send(3).unwrap();
    /// assert_eq!(receiver.try_recv(), Ok(3));
    /// assert_eq!(receiver.try_recv(), Err(TryRecvError::Closed));
    /// ```
    pub fn try_recv(&mut self) -> Result<T, TryRecvError> {
        let Some(half) = &self.half else { return Err(TryRecvError::Closed) };
        let seen = half.look();
        if !seen.is_sender_done() && !seen.is_closed() {
            return Err(TryRecvError::Empty);
        }
        self.half.take().and_then(|half| half.finish(seen)).ok_or(TryRecvError::Closed)
    }

    /// Returns whether this side has come to its end: it gave its value, or the error.
    ///
    /// asyncio: `Future.done`. To await it again, or to poll it, panics.
    ///
    /// # Examples
    /// ```
    /// let (sender, mut receiver) = bowerbird::sync::oneshot::channel();
    /// sender.send(3).unwrap();
    /// assert!(!receiver.is_terminated());
    /// receiver.try_recv().unwrap();
    /// assert!(receiver.is_terminated());
    /// ```
    pub fn is_terminated(&self) -> bool {
        self.half.is_none()
    }

    /// Returns whether there is no value to take: none was sent yet, none will come, or it was taken.
    ///
    /// asyncio: `not Future.done()`.
    ///
    /// # Examples
    /// ```
    /// let (sender, mut receiver) = bowerbird::sync::oneshot::channel();
    /// assert!(receiver.is_empty());
    /// sender.send(3).unwrap();
    /// assert!(!receiver.is_empty());
    /// receiver.try_recv().unwrap();
    /// assert!(receiver.is_empty());
    /// ```
    pub fn is_empty(&self) -> bool {
        self.half.as_ref().is_none_or(|half| !half.look().has_value())
    }

    /// Closes the channel: a later `send` gives its value back.
    ///
    /// asyncio: `Future.cancel`. A value sent before is kept, and [`try_recv`](Self::try_recv) or awaiting
    /// takes it.
    ///
    /// # Examples
    /// ```
    /// let (sender, mut receiver) = bowerbird::sync::oneshot::channel();
    /// receiver.close();
    /// assert_eq!(sender.send(7), Err(7));
    /// ```
    pub fn close(&mut self) {
        if let Some(half) = &mut self.half {
            half.close();
        }
    }

    /// Waits for the value from a thread that runs no task.
    ///
    /// asyncio: `concurrent.futures.Future.result`.
    ///
    /// # Errors
    /// [`RecvError`] if the sender was dropped without sending, or this side was closed before.
    ///
    /// # Panics
    /// Inside a task, whose worker it would block.
    ///
    /// # Examples
    /// ```
    /// let (sender, receiver) = bowerbird::sync::oneshot::channel();
    /// let thread = std::thread::spawn(move || receiver.blocking_recv());
    /// sender.send(5).unwrap();
    /// assert_eq!(thread.join().unwrap(), Ok(5));
    /// ```
    #[track_caller]
    pub fn blocking_recv(self) -> Result<T, RecvError> {
        block_on(self, "oneshot::Receiver::blocking_recv()", "await the receiver instead")
    }
}

impl<T> Future for Receiver<T> {
    type Output = Result<T, RecvError>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = &mut *self;
        if this.is_suspended && poll_context::is_offered() {
            poll_context::yield_now(cx);
            return Poll::Pending;
        }
        let Some(half) = &mut this.half else {
            panic!(
                "the oneshot::Receiver made at {} was polled again after it was ready: await it once, or \
                 use try_recv()",
                this.location
            );
        };
        let mut seen = half.look();
        if !seen.is_sender_done() && !seen.is_closed() {
            if half.register(seen, cx.waker()) {
                this.is_suspended = true;
                poll_context::note_wait("oneshot", half.address(), Some(this.location));
                return Poll::Pending;
            }
            seen = half.look();
        }
        let proceed = std::task::ready!(poll_context::poll_proceed(cx));
        proceed.made_progress();
        Poll::Ready(this.half.take().and_then(|half| half.finish(seen)).ok_or(RecvError(())))
    }
}

// Nothing in it is pinned: the value lives in the block.
impl<T> Unpin for Receiver<T> {}
impl<T> CancelSafe for Receiver<T> {}

/// Waits until the receiver is dropped or closed, see [`Sender::closed`].
#[must_use = "futures do nothing unless awaited"]
pub struct Closed<'a, T> {
    sender: &'a mut Sender<T>,
    is_suspended: bool,
    site: CallSite,
}

impl<T> Future for Closed<'_, T> {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        self.site.polled();
        if self.is_suspended && poll_context::is_offered() {
            poll_context::yield_now(cx);
            return Poll::Pending;
        }
        let poll = self.sender.poll_closed(cx);
        if poll.is_pending() {
            self.is_suspended = true;
            let object = self.sender.half.address();
            poll_context::note_wait("oneshot.closed", object, Some(self.site.location()));
        }
        poll
    }
}

impl<T> Drop for Closed<'_, T> {
    fn drop(&mut self) {
        if self.is_suspended {
            self.sender.half.unregister();
        }
    }
}

impl<T> CancelSafe for Closed<'_, T> {}

/// No value will come: the sender was dropped without sending, or the receiver was closed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RecvError(());

/// Why [`Receiver::try_recv`] has no value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum TryRecvError {
    /// None was sent yet.
    Empty,
    /// None will come.
    Closed,
}

impl fmt::Display for RecvError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the oneshot channel ended without a value")
    }
}

impl fmt::Display for TryRecvError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Empty => "the oneshot channel has no value yet",
            Self::Closed => "the oneshot channel ended without a value",
        })
    }
}

impl Error for RecvError {}
impl Error for TryRecvError {}

impl<T> fmt::Debug for Sender<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sender").field("is_closed", &self.is_closed()).finish()
    }
}

impl<T> fmt::Debug for Receiver<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Receiver").field("location", &self.location).finish_non_exhaustive()
    }
}

impl<T> fmt::Debug for Closed<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Closed").field("location", self.site.location()).finish_non_exhaustive()
    }
}

bowerbird_base::model_or_real! {
    {
        #[cfg(test)]
        mod loom_tests;
    }
    {
        #[cfg(test)]
        mod tests;
    }
}
