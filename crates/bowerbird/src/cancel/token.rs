//! `CancellationToken`: one signal that many tasks watch.

mod tree;

use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use bowerbird_base::call_site::CallSite;
use bowerbird_base::poll_context;
use pin_project_lite::pin_project;

use crate::CancelSafe;
use crate::scope::Scope;
use tree::Node;

/// A signal to end, which any number of tasks can watch.
///
/// asyncio: no counterpart; an `Event` that is set once, with children. It asks nobody: a task ends when it
/// looks, waits for [`cancelled`](Self::cancelled), or stands in
/// [`run_until_cancelled`](Self::run_until_cancelled). Clones are the same token. A child is cancelled with
/// its parent, and not the other way round; a child of which no clone is left costs its parent nothing. It
/// works in any thread and under any executor.
///
/// # Examples
/// ```
/// use bowerbird::CancellationToken;
/// bowerbird::run(async {
///     let token = CancellationToken::new();
///     let watched = token.child_token();
///     let task = bowerbird::spawn(async move {
///         watched.run_until_cancelled(std::future::pending::<()>()).await
///     });
///     token.cancel();
///     assert_eq!(task.await.unwrap(), None);
/// });
/// ```
#[derive(Clone)]
pub struct CancellationToken {
    handle: Arc<Handle>,
}

/// What the clones of one token share: when the last goes, the node leaves its tree.
struct Handle(Arc<Node>);

impl Drop for Handle {
    fn drop(&mut self) {
        self.0.leave();
    }
}

impl CancellationToken {
    /// Makes a token that has no parent.
    pub fn new() -> Self {
        Self::from_node(Node::root())
    }

    fn from_node(node: Arc<Node>) -> Self {
        Self { handle: Arc::new(Handle(node)) }
    }

    fn node(&self) -> &Arc<Node> {
        &self.handle.0
    }

    /// Makes a token that is cancelled with this one. If this one is cancelled, it is from the start.
    ///
    /// # Examples
    /// ```
    /// let parent = bowerbird::CancellationToken::new();
    /// let (first, second) = (parent.child_token(), parent.child_token());
    /// first.cancel();
    /// assert!(!parent.is_cancelled() && !second.is_cancelled());
    /// parent.cancel();
    /// assert!(second.is_cancelled());
    /// ```
    pub fn child_token(&self) -> Self {
        Self::from_node(self.node().child())
    }

    /// Cancels this token and all below it, and wakes who waits; again, it does nothing.
    ///
    /// When it returns, all of them are cancelled, whichever thread did it.
    pub fn cancel(&self) {
        self.node().cancel();
    }

    /// Returns whether the token is cancelled.
    pub fn is_cancelled(&self) -> bool {
        self.node().is_cancelled()
    }

    /// Waits until the token is cancelled; ready at once if it is.
    ///
    /// asyncio: `Event.wait`.
    ///
    /// # Cancel safety
    /// Nothing is lost.
    ///
    /// # Examples
    /// ```
    /// bowerbird::run(async {
    ///     let token = bowerbird::CancellationToken::new();
    ///     bowerbird::join((token.cancelled(), async { token.cancel() })).await;
    /// });
    /// ```
    #[track_caller]
    pub fn cancelled(&self) -> WaitForCancellation<'_> {
        self.wait_for("CancellationToken::cancelled")
    }

    /// The same as [`cancelled`](Self::cancelled), with a token that the future owns.
    ///
    /// # Cancel safety
    /// Nothing is lost.
    ///
    /// # Examples
    /// ```
    /// bowerbird::run(async {
    ///     let token = bowerbird::CancellationToken::new();
    ///     let task = bowerbird::spawn(token.clone().cancelled_owned());
    ///     token.cancel();
    ///     task.await.unwrap();
    /// });
    /// ```
    #[track_caller]
    pub fn cancelled_owned(self) -> WaitForCancellationOwned {
        self.wait_for_owned("CancellationToken::cancelled_owned")
    }

    /// Makes a guard that cancels the token when it is dropped.
    ///
    /// # Examples
    /// ```
    /// let token = bowerbird::CancellationToken::new();
    /// let guard = token.clone().drop_guard();
    /// assert!(!token.is_cancelled());
    /// drop(guard);
    /// assert!(token.is_cancelled());
    /// ```
    pub fn drop_guard(self) -> DropGuard {
        DropGuard { token: Some(self) }
    }

    /// Makes a guard that cancels the token when it is dropped, and borrows it.
    ///
    /// # Examples
    /// ```
    /// let token = bowerbird::CancellationToken::new();
    /// drop(token.drop_guard_ref());
    /// assert!(token.is_cancelled());
    /// ```
    pub fn drop_guard_ref(&self) -> DropGuardRef<'_> {
        DropGuardRef { token: Some(self) }
    }

    /// Runs a future until the token is cancelled: `None` if that comes first.
    ///
    /// asyncio: no counterpart. The future is asked to end as by a [`timeout`](crate::timeout()): a task that
    /// it awaits by value is cancelled and awaited, its cleanups are run, and only then this is ready. A result
    /// that comes in the same turn wins. With a token that is cancelled before, the future is not polled.
    ///
    /// # Cancel safety
    /// As the future's own.
    ///
    /// # Examples
    /// ```
    /// bowerbird::run(async {
    ///     let token = bowerbird::CancellationToken::new();
    ///     assert_eq!(token.run_until_cancelled(async { 1 }).await, Some(1));
    ///     token.cancel();
    ///     assert_eq!(token.run_until_cancelled(async { 1 }).await, None);
    /// });
    /// ```
    #[track_caller]
    pub fn run_until_cancelled<F: Future>(&self, future: F) -> RunUntilCancelled<'_, F> {
        let cancelled = self.wait_for("CancellationToken::run_until_cancelled");
        RunUntilCancelled { cancelled, run: Run::new(future) }
    }

    /// The same as [`run_until_cancelled`](Self::run_until_cancelled), with a token that the future owns.
    ///
    /// # Cancel safety
    /// As the future's own.
    ///
    /// # Examples
    /// ```
    /// bowerbird::run(async {
    ///     let token = bowerbird::CancellationToken::new();
    ///     let task = bowerbird::spawn(token.run_until_cancelled_owned(async { 1 }));
    ///     assert_eq!(task.await.unwrap(), Some(1));
    /// });
    /// ```
    #[track_caller]
    pub fn run_until_cancelled_owned<F: Future>(self, future: F) -> RunUntilCancelledOwned<F> {
        let cancelled = self.wait_for_owned("CancellationToken::run_until_cancelled_owned");
        RunUntilCancelledOwned { cancelled, run: Run::new(future) }
    }

    #[track_caller]
    fn wait_for(&self, call: &'static str) -> WaitForCancellation<'_> {
        WaitForCancellation { token: self, wait: Wait::new(CallSite::new(call)) }
    }

    #[track_caller]
    fn wait_for_owned(self, call: &'static str) -> WaitForCancellationOwned {
        WaitForCancellationOwned { token: self, wait: Wait::new(CallSite::new(call)) }
    }
}

impl Default for CancellationToken {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for CancellationToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CancellationToken").field("is_cancelled", &self.is_cancelled()).finish()
    }
}

// ---------------------------------------------------------------------------------------------------
// Waiting
// ---------------------------------------------------------------------------------------------------

/// What the two waiting futures do.
#[derive(Debug)]
struct Wait {
    /// Where our waker stands in the list of waiters.
    place: Option<u64>,
    is_suspended: bool,
    site: CallSite,
}

impl Wait {
    fn new(site: CallSite) -> Self {
        Self { place: None, is_suspended: false, site }
    }

    fn poll(&mut self, node: &Arc<Node>, cx: &mut Context<'_>) -> Poll<()> {
        self.site.polled();
        if self.is_suspended && poll_context::is_offered() {
            poll_context::yield_now(cx);
            return Poll::Pending;
        }
        let Poll::Ready(proceed) = poll_context::poll_proceed(cx) else { return Poll::Pending };
        if node.is_cancelled() || node.register(&mut self.place, cx.waker()) {
            proceed.made_progress();
            self.is_suspended = false;
            return Poll::Ready(());
        }
        self.is_suspended = true;
        let address = Arc::as_ptr(node).addr() as u64;
        poll_context::note_wait("cancellation token", address, Some(self.site.location()));
        Poll::Pending
    }

    fn leave(&mut self, node: &Node) {
        if let Some(place) = self.place.take() {
            node.unregister(place);
        }
    }
}

/// The future of [`CancellationToken::cancelled`].
#[derive(Debug)]
#[must_use = "futures do nothing unless awaited"]
pub struct WaitForCancellation<'a> {
    token: &'a CancellationToken,
    wait: Wait,
}

/// The future of [`CancellationToken::cancelled_owned`].
#[derive(Debug)]
#[must_use = "futures do nothing unless awaited"]
pub struct WaitForCancellationOwned {
    token: CancellationToken,
    wait: Wait,
}

impl CancelSafe for WaitForCancellation<'_> {}
impl CancelSafe for WaitForCancellationOwned {}

impl Future for WaitForCancellation<'_> {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let this = &mut *self;
        this.wait.poll(this.token.node(), cx)
    }
}

impl Future for WaitForCancellationOwned {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let this = &mut *self;
        this.wait.poll(this.token.node(), cx)
    }
}

impl Drop for WaitForCancellation<'_> {
    fn drop(&mut self) {
        self.wait.leave(self.token.node());
    }
}

impl Drop for WaitForCancellationOwned {
    fn drop(&mut self) {
        self.wait.leave(self.token.node());
    }
}

// ---------------------------------------------------------------------------------------------------
// Running until
// ---------------------------------------------------------------------------------------------------

pin_project! {
    /// What the two running futures do.
    struct Run<F: Future> {
        // None when it is done.
        #[pin]
        scope: Option<Scope<F>>,
        is_fresh: bool,
    }
}

impl<F: Future> Run<F> {
    fn new(future: F) -> Self {
        Self { scope: Some(Scope::new(future)), is_fresh: true }
    }

    #[track_caller]
    fn poll<C>(
        self: Pin<&mut Self>,
        is_cancelled: bool,
        cancelled: &mut C,
        cx: &mut Context<'_>,
    ) -> Poll<Option<F::Output>>
    where
        C: Future<Output = ()> + Unpin,
    {
        let mut this = self.project();
        if std::mem::take(this.is_fresh) && is_cancelled {
            this.scope.set(None);
            return Poll::Ready(None);
        }
        let Some(scope) = this.scope.as_mut().as_pin_mut() else {
            panic!(
                "a `run_until_cancelled` was polled after it had given its output; await it once"
            );
        };
        let polled = scope.poll(cx, |cx| Pin::new(cancelled).poll(cx).is_ready());
        if polled.is_ready() {
            this.scope.set(None);
        }
        polled.map(Result::ok)
    }
}

pin_project! {
    /// The future of [`CancellationToken::run_until_cancelled`].
    #[must_use = "futures do nothing unless awaited"]
    pub struct RunUntilCancelled<'a, F: Future> {
        cancelled: WaitForCancellation<'a>,
        #[pin]
        run: Run<F>,
    }
}

pin_project! {
    /// The future of [`CancellationToken::run_until_cancelled_owned`].
    #[must_use = "futures do nothing unless awaited"]
    pub struct RunUntilCancelledOwned<F: Future> {
        cancelled: WaitForCancellationOwned,
        #[pin]
        run: Run<F>,
    }
}

impl<F: Future + CancelSafe> CancelSafe for RunUntilCancelled<'_, F> {}
impl<F: Future + CancelSafe> CancelSafe for RunUntilCancelledOwned<F> {}

impl<F: Future> Future for RunUntilCancelled<'_, F> {
    type Output = Option<F::Output>;

    #[track_caller]
    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        this.cancelled.wait.site.polled();
        this.run.poll(this.cancelled.token.is_cancelled(), this.cancelled, cx)
    }
}

impl<F: Future> Future for RunUntilCancelledOwned<F> {
    type Output = Option<F::Output>;

    #[track_caller]
    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        this.cancelled.wait.site.polled();
        this.run.poll(this.cancelled.token.is_cancelled(), this.cancelled, cx)
    }
}

impl<F: Future> fmt::Debug for RunUntilCancelled<'_, F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RunUntilCancelled")
            .field("token", self.cancelled.token)
            .finish_non_exhaustive()
    }
}

impl<F: Future> fmt::Debug for RunUntilCancelledOwned<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RunUntilCancelledOwned")
            .field("token", &self.cancelled.token)
            .finish_non_exhaustive()
    }
}

// ---------------------------------------------------------------------------------------------------
// Guards
// ---------------------------------------------------------------------------------------------------

/// Cancels its token when it is dropped; see [`CancellationToken::drop_guard`].
#[derive(Debug)]
#[must_use = "the token is cancelled when the guard is dropped"]
pub struct DropGuard {
    token: Option<CancellationToken>,
}

impl DropGuard {
    /// Gives the token back, which is not cancelled then.
    ///
    /// # Examples
    /// ```
    /// let guard = bowerbird::CancellationToken::new().drop_guard();
    /// assert!(!guard.disarm().is_cancelled());
    /// ```
    pub fn disarm(mut self) -> CancellationToken {
        self.token.take().expect("only this and the drop take it")
    }
}

impl Drop for DropGuard {
    fn drop(&mut self) {
        if let Some(token) = &self.token {
            token.cancel();
        }
    }
}

/// Cancels a borrowed token when it is dropped; see [`CancellationToken::drop_guard_ref`].
#[derive(Debug)]
#[must_use = "the token is cancelled when the guard is dropped"]
pub struct DropGuardRef<'a> {
    token: Option<&'a CancellationToken>,
}

impl<'a> DropGuardRef<'a> {
    /// Gives the token back, which is not cancelled then.
    ///
    /// # Examples
    /// ```
    /// let token = bowerbird::CancellationToken::new();
    /// assert!(!token.drop_guard_ref().disarm().is_cancelled());
    /// ```
    pub fn disarm(mut self) -> &'a CancellationToken {
        self.token.take().expect("only this and the drop take it")
    }
}

impl Drop for DropGuardRef<'_> {
    fn drop(&mut self) {
        if let Some(token) = self.token {
            token.cancel();
        }
    }
}

#[cfg(test)]
mod tests;
