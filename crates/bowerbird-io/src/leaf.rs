//! What every leaf future does around its look at readiness.

use std::panic::Location;
use std::task::{Context, Poll};

use bowerbird_base::poll_context::{self, Proceed};

/// The state of a leaf between its polls: whether it was suspended, and where the user's code made it.
#[derive(Debug, Clone, Copy)]
pub struct Leaf {
    is_suspended: bool,
    location: Option<&'static Location<'static>>,
}

impl Leaf {
    /// Makes the state of a leaf that the caller's line makes.
    #[track_caller]
    pub fn new() -> Self {
        Self { is_suspended: false, location: Some(Location::caller()) }
    }

    /// Makes the state of a leaf whose place is not known, as in the `poll_*` forms.
    pub fn without_location(is_suspended: bool) -> Self {
        Self { is_suspended, location: None }
    }

    /// Returns whether its last poll ended in `Pending`.
    pub fn is_suspended(&self) -> bool {
        self.is_suspended
    }

    /// Returns where the user's code made the leaf, if it is known.
    pub fn location(&self) -> Option<&'static Location<'static>> {
        self.location
    }

    /// Begins a poll. `Pending`: a cancellation is being offered and beats readiness, or the budget of the
    /// poll is used up; another poll is arranged for.
    #[inline]
    pub fn poll_enter(&mut self, cx: &mut Context<'_>) -> Poll<Proceed> {
        if self.is_suspended && poll_context::is_offered() {
            poll_context::yield_now(cx);
            return Poll::Pending;
        }
        let proceed = poll_context::poll_proceed(cx);
        self.is_suspended |= proceed.is_pending();
        proceed
    }

    /// Notes what the leaf waits for, right before it returns `Pending`.
    #[inline]
    pub fn suspend(&mut self, kind: &'static str, object: u64) {
        self.is_suspended = true;
        poll_context::note_wait(kind, object, self.location);
    }
}

impl Default for Leaf {
    #[track_caller]
    fn default() -> Self {
        Self::new()
    }
}
