//! What every wait of this crate does around its own look at the primitive.

use std::panic::Location;
use std::task::{Context, Poll, ready};

use bowerbird_base::call_site::CallSite;
use bowerbird_base::ledger::{Line, Spot};
use bowerbird_base::poll_context;

/// The part of a wait that is the same for all: where the user's code made it, and whether a poll has
/// returned `Pending`.
///
/// It gives a wait the manners of a leaf: the first poll looks at readiness first, a later one lets an
/// offered cancellation go before it (so that who is cancelled takes nothing that was just handed over);
/// progress costs a unit of the cooperative budget; and what is waited for is noted.
#[derive(Debug)]
pub(crate) struct Leaf {
    site: CallSite,
    is_suspended: bool,
}

impl Leaf {
    /// A leaf of the call of that name: debug mode reports it if nobody polls it.
    #[track_caller]
    pub(crate) fn of(call: &'static str) -> Self {
        Self { site: CallSite::new(call), is_suspended: false }
    }

    /// A leaf of which debug mode says nothing.
    #[track_caller]
    pub(crate) fn new() -> Self {
        Self::at(Location::caller())
    }

    /// A leaf of a wait inside another one, which knows where the user's code made it.
    pub(crate) fn at(location: &'static Location<'static>) -> Self {
        Self { site: CallSite::silent(location), is_suspended: false }
    }

    /// Makes the next poll a first one again: for what waits for one thing after the other.
    pub(crate) fn begin_again(&mut self) {
        self.is_suspended = false;
    }

    /// Whether no poll has found it pending.
    #[inline]
    pub(crate) fn is_first_poll(&self) -> bool {
        !self.is_suspended
    }

    /// Whether a look may be taken without the rest of [`poll`](Self::poll): what is ready then is
    /// [told](Self::went_at_once), and all else polled.
    #[inline(always)]
    pub(crate) fn may_go_at_once(&self) -> bool {
        self.is_first_poll() && poll_context::has_budget()
    }

    /// The look found it ready.
    #[inline(always)]
    pub(crate) fn went_at_once(&mut self) {
        poll_context::consume_budget(1);
        self.site.polled();
    }

    /// The wait has begun: debug mode says nothing of it any more. [`poll`](Self::poll) says so itself.
    #[inline]
    pub(crate) fn polled(&mut self) {
        self.site.polled();
    }

    pub(crate) fn location(&self) -> &'static Location<'static> {
        self.site.location()
    }

    /// What the ledger says of this wait, and of what it leads to.
    #[inline]
    pub(crate) fn spot<O: ?Sized>(&self, kind: &'static str, object: &O) -> Spot {
        let object = std::ptr::from_ref(object).cast::<()>().addr() as u64;
        Spot { kind, object, location: self.location() }
    }

    /// The ledger's line of what this wait has got.
    #[inline]
    pub(crate) fn hold<O: ?Sized>(&self, kind: &'static str, object: &O) -> Line {
        Line::of_hold(|| self.spot(kind, object))
    }

    /// Polls `look` once. `kind` and `object` are what the call graph shows while it is pending; `look` has
    /// stored the waker when it returns `Pending`.
    #[inline]
    pub(crate) fn poll<O: ?Sized, T>(
        &mut self,
        cx: &mut Context<'_>,
        kind: &'static str,
        object: &O,
        look: impl FnOnce(&mut Context<'_>) -> Poll<T>,
    ) -> Poll<T> {
        self.site.polled();
        if self.is_suspended && poll_context::is_offered() {
            poll_context::yield_now(cx);
            return Poll::Pending;
        }
        let proceed = ready!(poll_context::poll_proceed(cx));
        match look(cx) {
            Poll::Ready(value) => {
                proceed.made_progress();
                Poll::Ready(value)
            }
            Poll::Pending => {
                self.is_suspended = true;
                let object = std::ptr::from_ref(object).cast::<()>().addr() as u64;
                poll_context::note_wait(kind, object, Some(self.location()));
                Poll::Pending
            }
        }
    }
}
