//! A region of a task that may be cancelled by itself: what stands under `timeout`, `cancel_scope`,
//! `catch_cancel`, `with` and the groups.
//!
//! ```text
//!              inner ready
//!   RUNNING ----------------------------------> CLEANING(value) ---.
//!     | | inner pending, its own request unwinds                   | no cleanup left
//!     | '--------------------------------------> CLEANING(own) ----|--> DONE
//!     | inner pending, an outer request unwinds                    |
//!     '----------------------------------------> CLEANING(outer) --'--> PASSED: raises the request again
//!                                                                   '-> DONE, where it is caught
//! ```
//! After a `Pending` of the inner future a request that is still about unwinds to this scope: the inner
//! future is dropped, the cleanups that it left behind are run, and then the scope gives its own result if
//! the request was its own, or passes it on, or gives it to its owner (`catch_cancel`).
//!
//! It is its own if this scope offered it and no outer request was offered to this scope (rule 4 of the
//! protocol). An outer request that the task's root made counts only as long as the task has more requests
//! than before the scope's first poll: `uncancel` takes it back. One that is about at the first poll counts.
//!
//! A request that comes while the scope cleans up, or while it is shielded, is kept: it is offered to the
//! inner future when the shield is taken away, and again when the scope has a result (rule 7).
//!
//! # Ordering arguments
//! - `[ORD-1]` The numbers of scopes: Relaxed, for only their uniqueness matters.

use std::collections::VecDeque;
use std::pin::Pin;
use std::task::{Context, Poll};

use bowerbird_base::call_site::CallSite;
use bowerbird_base::debug;
use bowerbird_base::poll_context::{self, Cleanup, Delivery, Request};
use bowerbird_base::sync::static_atomic::{AtomicU64, Ordering};
use bowerbird_core::{current_cancelling, is_current_swept};
use pin_project_lite::pin_project;

use crate::cleanup::leave_again;

/// Numbers the scopes that make requests; 0 is the task's root.
static NEXT_ORIGIN: AtomicU64 = AtomicU64::new(1);

pin_project! {
    /// A region around `inner`.
    pub(crate) struct Scope<F: Future> {
        #[pin]
        inner: Option<F>,
        stage: Stage<F::Output>,
        // The requests that the task had at the first poll.
        cancelling_before: Option<u32>,
        // What few polls need: allocated when a request or a cleanup is about.
        rare: Option<Box<Rare>>,
    }

    impl<F: Future> PinnedDrop for Scope<F> {
        /// What the scope had not run yet goes to the next scope outwards, before what the inner future
        /// leaves behind now. In debug mode whoever holds the scope says that it was not awaited, or the
        /// inner future is cut off.
        fn drop(this: Pin<&mut Self>) {
            let mut this = this.project();
            let cleanups = this.rare.take().map(|rare| rare.cleanups).unwrap_or_default();
            cleanups.into_iter().for_each(leave_again);
            if this.inner.is_some() {
                debug::quietly(|| this.inner.set(None));
            }
        }
    }
}

#[derive(Debug)]
enum Stage<T> {
    Running,
    Cleaning(Outcome<T>),
    Passed,
    Done,
}

#[derive(Debug)]
enum Outcome<T> {
    Value(T),
    Own,
    Outer(Request),
}

#[derive(Debug, Default)]
struct Rare {
    /// The origin of this scope's own request, once it was offered.
    own: Option<u64>,
    /// The own request was offered, and not armed again since.
    is_offered: bool,
    outer: Outer,
    /// A request that came during the cleanups, or while the scope was shielded.
    kept: Option<Request>,
    cleanups: VecDeque<Cleanup>,
}

/// A region that makes no request of its own: what its future leaves behind is run before it ends.
pub(crate) fn scoped<F: Future>(site: CallSite, future: F) -> Sited<F> {
    Sited { inner: scoped_here(future), site }
}

/// The same, for one that is awaited where it is made.
pub(crate) fn scoped_here<F: Future>(future: F) -> Scoped<F> {
    Scoped { scope: Scope::new(future) }
}

pin_project! {
    /// The future of [`scoped`].
    pub(crate) struct Sited<F: Future> {
        #[pin]
        inner: Scoped<F>,
        site: CallSite,
    }
}

impl<F: Future> Sited<F> {
    /// The future, before its first poll.
    pub(crate) fn inner_mut(&mut self) -> &mut F {
        self.inner.scope.inner.as_mut().expect("it runs")
    }
}

impl<F: Future> Future for Sited<F> {
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<F::Output> {
        let this = self.project();
        this.site.polled();
        this.inner.poll(cx)
    }
}

pin_project! {
    /// The future of [`scoped_here`].
    pub(crate) struct Scoped<F: Future> {
        #[pin]
        scope: Scope<F>,
    }
}

impl<F: Future> Future for Scoped<F> {
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<F::Output> {
        self.project().scope.poll(cx, |_| false).map(|result| match result {
            Ok(value) => value,
            Err(Expired) => unreachable!("this scope makes no request of its own"),
        })
    }
}

/// The outer requests that were offered to a scope.
#[derive(Debug, Default)]
pub(crate) struct Outer {
    /// The task's own. It counts (rule 4) as long as the task has more requests than the number: than it had
    /// when the scope began, and than it had without this one, which may be older than the scope. The end of
    /// a runtime makes requests that are not counted: these always count.
    root: Option<(Request, Option<u32>)>,
    /// Of those of scopes further out that of the outermost.
    scope: Option<Request>,
}

impl Outer {
    pub(crate) fn note(&mut self, request: &Request, cancelling_before: u32) {
        if request.origin != Request::TASK_ROOT {
            return request.clone().merge_into(&mut self.scope);
        }
        let others = request.cancelling.saturating_sub(1);
        let threshold = (!is_current_swept()).then_some(others.min(cancelling_before));
        self.root.get_or_insert_with(|| (request.clone(), threshold));
    }

    fn forget(&mut self, request: &Request) {
        match request.origin {
            Request::TASK_ROOT => self.root = None,
            _ => self.scope = None,
        }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.root.is_none() && self.scope.is_none()
    }

    /// Takes the outermost that counts.
    pub(crate) fn take(&mut self) -> Option<Request> {
        let outer = std::mem::take(self);
        let counts = |threshold: Option<u32>| threshold.is_none_or(|it| current_cancelling() > it);
        let root = outer.root.filter(|(_, threshold)| counts(*threshold));
        root.map(|(request, _)| request).or(outer.scope)
    }
}

/// The request as it is offered from now on: again, or by the branch that it unwound to the others.
pub(crate) fn anew(request: Request) -> Request {
    Request { cancelling: current_cancelling(), ..request }
}

/// Offers a request that was kept, or not delivered, to what comes next.
pub(crate) fn offer_again(request: Request) {
    poll_context::offer(anew(request));
}

/// How many requests the task had before what begins now. One that is offered at this moment has not been
/// delivered, and is not among them: what begins with it about is offered it, and must not lose it (rule 4).
fn cancelling_before(offered: Option<&Request>) -> u32 {
    match offered {
        Some(request) if request.origin == Request::TASK_ROOT => {
            request.cancelling.saturating_sub(1)
        }
        Some(_) | None => current_cancelling(),
    }
}

/// What joins and contests know of the requests of their task (rule 4).
#[derive(Debug, Default)]
pub(crate) struct Cancelling {
    /// At the first poll.
    before: Option<u32>,
    /// When a request was offered last: not when this branch came to see it, for one before it may have taken
    /// it back in the same poll.
    offered: u32,
}

impl Cancelling {
    /// A poll begins; what is offered has not been taken yet.
    pub(crate) fn note(&mut self) {
        let offered = poll_context::offered();
        self.before.get_or_insert_with(|| cancelling_before(offered.as_ref()));
        if let Some(request) = offered {
            self.offered = request.cancelling;
        }
    }

    /// Whoever caught the task's request called `uncancel`. A request that was raised inside never counted.
    pub(crate) fn was_taken_back(&self, request: &Request) -> bool {
        let now = current_cancelling();
        let is_the_tasks = request.origin == Request::TASK_ROOT;
        is_the_tasks && now < self.offered && self.before.is_some_and(|before| now <= before)
    }
}

/// The scope's own request had its way.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Expired;

/// Why a scope has no value of its inner future.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Cut {
    /// Its own request had its way.
    Own,
    /// An outer request unwound to it.
    Outer(Request),
}

impl<F: Future> Scope<F> {
    pub(crate) fn new(inner: F) -> Self {
        Self { inner: Some(inner), stage: Stage::Running, cancelling_before: None, rare: None }
    }

    /// Polls the inner future. When it is pending, `is_due` says whether the scope makes its own request;
    /// a result in the turn of the request wins. An outer request is passed on.
    pub(crate) fn poll(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        is_due: impl FnOnce(&mut Context<'_>) -> bool,
    ) -> Poll<Result<F::Output, Expired>> {
        self.poll_shielded(cx, false, is_due)
    }

    /// The same; while it is shielded the scope does not let outer requests in.
    pub(crate) fn poll_shielded(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        is_shielded: bool,
        is_due: impl FnOnce(&mut Context<'_>) -> bool,
    ) -> Poll<Result<F::Output, Expired>> {
        let cut = match self.as_mut().poll_catching(cx, is_shielded, is_due) {
            Poll::Pending => return Poll::Pending,
            Poll::Ready(Ok(value)) => return Poll::Ready(Ok(value)),
            Poll::Ready(Err(cut)) => cut,
        };
        match cut {
            Cut::Own => Poll::Ready(Err(Expired)),
            Cut::Outer(request) => {
                self.pass_on(request, cx);
                Poll::Pending
            }
        }
    }

    /// The same; an outer request that unwound is given to the caller, who ends with a result or calls
    /// [`pass_on`](Self::pass_on).
    pub(crate) fn poll_catching(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        is_shielded: bool,
        is_due: impl FnOnce(&mut Context<'_>) -> bool,
    ) -> Poll<Result<F::Output, Cut>> {
        // Rule 5: a sibling's request that unwinds under a foreign combinator is set aside.
        let aside = match poll_context::delivery() {
            Delivery::Unwinding => poll_context::take_request(),
            _ => None,
        };
        if matches!(self.stage, Stage::Running) {
            self.as_mut().poll_running(cx, is_shielded, is_due);
        }
        let polled = self.poll_ending(cx);
        match aside {
            Some((request, _)) if poll_context::delivery() == Delivery::None => {
                poll_context::raise(request);
            }
            _ => {}
        }
        polled
    }

    /// Passes an outer request on: it is raised now, and again at each later poll.
    pub(crate) fn pass_on(self: Pin<&mut Self>, request: Request, cx: &mut Context<'_>) {
        let this = self.project();
        *this.stage = Stage::Passed;
        poll_context::raise(request.clone());
        this.rare.get_or_insert_default().kept = Some(request);
        poll_context::yield_now(cx);
    }

    fn poll_running(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        is_shielded: bool,
        is_due: impl FnOnce(&mut Context<'_>) -> bool,
    ) {
        let this = self.as_mut().project();
        this.cancelling_before.get_or_insert_with(current_cancelling);
        if poll_context::needs_attention() || this.rare.is_some() {
            self.as_mut().admit(is_shielded);
        }
        if self.as_mut().poll_inner(cx) || !is_due(cx) {
            return;
        }
        let rare = self.as_mut().project().rare.get_or_insert_default();
        if !std::mem::replace(&mut rare.is_offered, true) {
            // [ORD-1]
            let new_origin = || NEXT_ORIGIN.fetch_add(1, Ordering::Relaxed);
            let origin = *rare.own.get_or_insert_with(|| Request::scope_origin(new_origin()));
            offer_again(Request { origin, ..Request::of_task(None) });
            self.as_mut().poll_inner(cx);
        }
    }

    /// A request that was let in, and has been taken away from the inner future by a shield, is kept.
    pub(crate) fn keep(self: Pin<&mut Self>, request: Request) {
        let rare = self.project().rare.get_or_insert_default();
        rare.outer.forget(&request);
        request.merge_into(&mut rare.kept);
    }

    /// The scope may make its own request once more: the inner future took the one before, and goes on.
    pub(crate) fn rearm(self: Pin<&mut Self>) {
        if let Some(rare) = self.project().rare {
            rare.is_offered = false;
        }
    }

    /// Lets an outer request in, or keeps it before the shield.
    fn admit(self: Pin<&mut Self>, is_shielded: bool) {
        let this = self.project();
        let (rare, before) = (this.rare, this.cancelling_before.unwrap_or(0));
        let offered = if poll_context::is_offered() { poll_context::take_request() } else { None };
        let offered = offered.map(|(request, _)| request);
        if is_shielded {
            if let Some(request) = offered {
                request.merge_into(&mut rare.get_or_insert_default().kept);
            }
            return;
        }
        let mut coming = rare.as_mut().and_then(|rare| rare.kept.take()).map(anew);
        offered.into_iter().for_each(|request| request.merge_into(&mut coming));
        if let Some(request) = coming {
            rare.get_or_insert_default().outer.note(&request, before);
            poll_context::offer(request);
        }
    }

    /// Polls the inner future once, and obeys what it left behind. Returns whether the scope stopped
    /// running.
    fn poll_inner(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> bool {
        let mark = poll_context::cleanup_mark();
        let this = self.as_mut().project();
        let inner = this.inner.as_pin_mut().expect("a running scope has its future");
        let polled = poll_context::in_scope(|| inner.poll(cx));
        match polled {
            Poll::Ready(value) => {
                self.as_mut().drop_inner();
                self.as_mut().collect(mark);
                self.as_mut().withdraw_own();
                *self.project().stage = Stage::Cleaning(Outcome::Value(value));
                true
            }
            Poll::Pending if !poll_context::needs_attention() && !self.has_cleanups() => false,
            Poll::Pending => match poll_context::take_request() {
                Some((request, _)) => {
                    self.as_mut().drop_inner();
                    self.as_mut().collect(mark);
                    let outcome = self.as_mut().outcome_of(request);
                    *self.project().stage = Stage::Cleaning(outcome);
                    true
                }
                None => {
                    self.as_mut().collect(mark);
                    self.poll_cleanups(cx);
                    false
                }
            },
        }
    }

    /// Debug mode says nothing of what a contest has not polled, or of what is cut off.
    fn drop_inner(self: Pin<&mut Self>) {
        debug::quietly(|| self.project().inner.set(None));
    }

    /// Whose request it was that unwound to here (rule 4).
    fn outcome_of(self: Pin<&mut Self>, request: Request) -> Outcome<F::Output> {
        let this = self.project();
        let rare = this.rare.get_or_insert_default();
        match rare.outer.take() {
            Some(outer) => Outcome::Outer(outer),
            None if rare.own.is_some() => Outcome::Own,
            // Raised inside: `Cancelled::resume`, a task that was awaited, a gather.
            None => Outcome::Outer(request),
        }
    }

    fn has_cleanups(&self) -> bool {
        self.rare.as_ref().is_some_and(|rare| !rare.cleanups.is_empty())
    }

    /// The inner future gave a value although this scope's own request was about: the request goes.
    fn withdraw_own(self: Pin<&mut Self>) {
        let Some(own) = self.rare.as_ref().and_then(|rare| rare.own) else { return };
        match poll_context::take_request() {
            Some((request, _)) if request.origin == own => {}
            Some((request, Delivery::Unwinding)) => poll_context::raise(request),
            Some((request, _)) => poll_context::offer(request),
            None => {}
        }
    }

    /// Takes the cleanups that the inner future left since `mark`.
    fn collect(self: Pin<&mut Self>, mark: usize) {
        if poll_context::cleanup_mark() > mark {
            let cleanups = poll_context::take_cleanups(mark);
            self.project().rare.get_or_insert_default().cleanups.extend(cleanups);
        }
    }

    /// Runs the cleanups one after the other, shielded. Returns whether all have ended.
    fn poll_cleanups(self: Pin<&mut Self>, cx: &mut Context<'_>) -> bool {
        let Some(rare) = self.project().rare else { return true };
        if let Some((request, Delivery::Offered)) = poll_context::take_request() {
            request.merge_into(&mut rare.kept);
        }
        while let Some(cleanup) = rare.cleanups.front_mut() {
            let mark = poll_context::cleanup_mark();
            let polled = cleanup.future.as_mut().poll(cx);
            poll_context::take_request();
            if polled.is_ready() {
                rare.cleanups.pop_front();
            }
            rare.cleanups.extend(poll_context::take_cleanups(mark));
            if polled.is_pending() {
                return false;
            }
        }
        true
    }

    fn poll_ending(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<F::Output, Cut>> {
        match self.stage {
            Stage::Running => return Poll::Pending,
            Stage::Cleaning(_) => {}
            Stage::Passed => {
                let rare = self.as_mut().project().rare;
                if let Some(request) = rare.as_mut().and_then(|rare| rare.kept.take()) {
                    self.pass_on(request, cx);
                }
                return Poll::Pending;
            }
            Stage::Done => panic!("a scope was polled after its end"),
        }
        if !self.as_mut().poll_cleanups(cx) {
            return Poll::Pending;
        }
        let this = self.project();
        let kept = this.rare.as_mut().and_then(|rare| rare.kept.take());
        let result = match std::mem::replace(this.stage, Stage::Done) {
            Stage::Cleaning(Outcome::Value(value)) => Ok(value),
            Stage::Cleaning(Outcome::Own) => Err(Cut::Own),
            Stage::Cleaning(Outcome::Outer(request)) => {
                let mut merged = Some(request);
                kept.into_iter().for_each(|request| request.merge_into(&mut merged));
                return Poll::Ready(Err(Cut::Outer(merged.expect("there was one"))));
            }
            Stage::Running | Stage::Passed | Stage::Done => unreachable!("it was cleaning"),
        };
        kept.into_iter().for_each(offer_again);
        Poll::Ready(result)
    }
}
