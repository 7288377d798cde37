//! What every leaf future does around its look at readiness.

use std::panic::Location;
use std::task::{Context, Poll};

use bowerbird_base::call_site::CallSite;
use bowerbird_base::poll_context::{self, Proceed};

/// The state of a leaf between its polls: whether it was suspended, and where the user's code made it.
#[derive(Debug)]
pub struct Leaf {
    is_suspended: bool,
    site: Option<CallSite>,
}

impl Leaf {
    /// Makes the state of a leaf that the caller's line makes, by the call of that name.
    #[inline]
    #[track_caller]
    pub fn new(call: &'static str) -> Self {
        Self { is_suspended: false, site: Some(CallSite::new(call)) }
    }

    /// Makes the state of a leaf that is a part of another future, which may end without polling it.
    #[inline]
    pub fn part(location: Option<&'static Location<'static>>) -> Self {
        Self { is_suspended: false, site: location.map(CallSite::silent) }
    }

    /// Makes the state of a leaf whose place is not known, as in the `poll_*` forms.
    pub fn without_location(is_suspended: bool) -> Self {
        Self { is_suspended, site: None }
    }

    /// Returns whether its last poll ended in `Pending`.
    pub fn is_suspended(&self) -> bool {
        self.is_suspended
    }

    /// Returns where the user's code made the leaf, if it is known.
    pub fn location(&self) -> Option<&'static Location<'static>> {
        self.site.as_ref().map(CallSite::location)
    }

    /// The future is polled: debug mode does not report it any more.
    #[inline]
    pub fn polled(&mut self) {
        if let Some(site) = &mut self.site {
            site.polled();
        }
    }

    /// Begins a poll. `Pending`: a cancellation is being offered and beats readiness, or the budget of the
    /// poll is used up; another poll is arranged for.
    #[inline(always)]
    pub fn poll_enter(&mut self, cx: &mut Context<'_>) -> Poll<Proceed> {
        self.polled();
        if self.is_suspended && poll_context::is_offered() {
            poll_context::yield_now(cx);
            return Poll::Pending;
        }
        let proceed = poll_context::poll_proceed(cx);
        self.is_suspended |= proceed.is_pending();
        proceed
    }

    /// Something that it polls, and that notes what it waits for itself, is about to make it return `Pending`.
    #[inline]
    pub fn pended(&mut self) {
        self.is_suspended = true;
    }

    /// Notes what the leaf waits for, right before it returns `Pending`.
    #[inline]
    pub fn suspend(&mut self, kind: &'static str, object: u64) {
        self.is_suspended = true;
        poll_context::note_wait(kind, object, self.location());
    }
}
