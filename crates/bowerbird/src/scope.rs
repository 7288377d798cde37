//! A region of a task that may be cancelled by itself: what stands under `timeout`.
//!
//! ```text
//!              inner ready
//!   RUNNING ----------------------------------> CLEANING(value) ---.
//!     | | inner pending, its own request unwinds                   | no cleanup left
//!     | '--------------------------------------> CLEANING(expired) |--> DONE
//!     | inner pending, an outer request unwinds                    |
//!     '----------------------------------------> CLEANING(passed) -'--> PASSED: raises the request again
//! ```
//! After a `Pending` of the inner future a request that is still about unwinds to this scope: the inner
//! future is dropped, the cleanups that it left behind are run, and then the scope gives its own result if
//! the request was its own, or passes it on. It is its own if this scope offered it and no outer request
//! was offered to this scope. A request that comes while the scope cleans up is kept: if the scope then
//! has a result, it is offered again.
//!
//! # Ordering arguments
//! - `[ORD-1]` The numbers of scopes: Relaxed, for only their uniqueness matters.

use std::collections::VecDeque;
use std::pin::Pin;
use std::task::{Context, Poll};

use bowerbird_base::poll_context::{self, Cleanup, Delivery, Request};
use bowerbird_base::sync::static_atomic::{AtomicU64, Ordering};
use pin_project_lite::pin_project;

/// Numbers the scopes that make requests; 0 is the task's root.
static NEXT_ORIGIN: AtomicU64 = AtomicU64::new(1);

pin_project! {
    /// A region around `inner`.
    pub(crate) struct Scope<F: Future> {
        #[pin]
        inner: Option<F>,
        stage: Stage<F::Output>,
        // What few polls need: allocated when a request or a cleanup is about.
        rare: Option<Box<Rare>>,
    }

    impl<F: Future> PinnedDrop for Scope<F> {
        /// What the scope had not run yet goes to the next scope outwards, before what the inner future
        /// leaves behind now.
        fn drop(this: Pin<&mut Self>) {
            let mut this = this.project();
            let cleanups = this.rare.take().map(|rare| rare.cleanups).unwrap_or_default();
            cleanups.into_iter().for_each(leave_cleanup);
            this.inner.set(None);
        }
    }
}

/// Leaves a cleanup to the nearest scope; outside of tasks it becomes a task, and without a runtime nobody
/// can run it.
fn leave_cleanup(cleanup: Cleanup) {
    if let Err(cleanup) = poll_context::push_cleanup(cleanup) {
        let location = cleanup.location;
        if bowerbird_core::spawn(cleanup.future).map(drop).is_err() {
            eprintln!(
                "bowerbird: a cleanup registered at {location} was dropped outside of any runtime, and not run"
            );
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
    Expired,
    Passed,
}

#[derive(Debug, Default)]
struct Rare {
    /// The origin of this scope's own request, once it was offered.
    own: Option<u64>,
    /// An outer request was offered to this scope.
    has_seen_outer: bool,
    /// The request that unwinds, or that came during the cleanups.
    kept: Option<Request>,
    cleanups: VecDeque<Cleanup>,
}

/// The scope's own request had its way.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Expired;

impl<F: Future> Scope<F> {
    pub(crate) fn new(inner: F) -> Self {
        Self { inner: Some(inner), stage: Stage::Running, rare: None }
    }

    /// Whether the scope still waits for the inner future.
    pub(crate) fn is_running(&self) -> bool {
        matches!(self.stage, Stage::Running)
    }

    /// Polls the inner future. When it is pending, `is_due` says whether the scope makes its own request;
    /// a result in the turn of the request wins.
    pub(crate) fn poll(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        is_due: impl FnOnce(&mut Context<'_>) -> bool,
    ) -> Poll<Result<F::Output, Expired>> {
        if self.is_running() {
            // Rule 5: a sibling's request that unwinds under a foreign combinator is set aside.
            let aside = match poll_context::delivery() {
                Delivery::Unwinding => poll_context::take_request(),
                _ => None,
            };
            self.as_mut().poll_running(cx, is_due);
            match aside {
                Some((request, _)) if poll_context::delivery() == Delivery::None => {
                    poll_context::raise(request);
                }
                _ => {}
            }
        }
        self.poll_ending(cx)
    }

    fn poll_running(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        is_due: impl FnOnce(&mut Context<'_>) -> bool,
    ) {
        if poll_context::needs_attention() && poll_context::is_offered() {
            self.as_mut().project().rare.get_or_insert_default().has_seen_outer = true;
        }
        if self.as_mut().poll_inner(cx) || !is_due(cx) {
            return;
        }
        let rare = self.as_mut().project().rare.get_or_insert_default();
        if rare.own.is_none() {
            // [ORD-1]
            let origin = NEXT_ORIGIN.fetch_add(1, Ordering::Relaxed);
            rare.own = Some(origin);
            poll_context::offer(Request { message: None, origin });
            self.as_mut().poll_inner(cx);
        }
    }

    /// Polls the inner future once, and obeys what it left behind. Returns whether the scope stopped
    /// running.
    fn poll_inner(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> bool {
        let mark = poll_context::cleanup_mark();
        let this = self.as_mut().project();
        let inner = this.inner.as_pin_mut().expect("a running scope has its future");
        let polled = inner.poll(cx);
        match polled {
            Poll::Ready(value) => {
                self.as_mut().project().inner.set(None);
                self.as_mut().collect(mark);
                self.as_mut().withdraw_own();
                *self.project().stage = Stage::Cleaning(Outcome::Value(value));
                true
            }
            Poll::Pending if !poll_context::needs_attention() && !self.has_cleanups() => false,
            Poll::Pending => match poll_context::take_request() {
                Some((request, _)) => {
                    self.as_mut().project().inner.set(None);
                    self.as_mut().collect(mark);
                    let rare = self.as_mut().project().rare.get_or_insert_default();
                    let is_own = rare.own.is_some() && !rare.has_seen_outer;
                    rare.kept = (!is_own).then_some(request);
                    let outcome = if is_own { Outcome::Expired } else { Outcome::Passed };
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
            rare.has_seen_outer = true;
            rare.kept.get_or_insert(request);
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

    fn poll_ending(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Result<F::Output, Expired>> {
        let is_cleaning = match self.stage {
            Stage::Running => return Poll::Pending,
            Stage::Cleaning(_) => true,
            Stage::Passed => false,
            Stage::Done => panic!("a scope was polled after its end"),
        };
        if is_cleaning && !self.as_mut().poll_cleanups(cx) {
            return Poll::Pending;
        }
        let this = self.project();
        let kept = this.rare.as_mut().and_then(|rare| rare.kept.take());
        let result = match std::mem::replace(this.stage, Stage::Done) {
            Stage::Cleaning(Outcome::Value(value)) => Ok(value),
            Stage::Cleaning(Outcome::Expired) => Err(Expired),
            _ => {
                *this.stage = Stage::Passed;
                if let Some(request) = kept {
                    this.rare.get_or_insert_default().kept = Some(request.clone());
                    poll_context::raise(request);
                }
                poll_context::yield_now(cx);
                return Poll::Pending;
            }
        };
        if let Some(request) = kept {
            poll_context::offer(request);
        }
        Poll::Ready(result)
    }
}
