//! Where the user's line made a future; in debug mode also which call it was, and whether it was ever polled.
//!
//! A named future holds a [`CallSite`] instead of a bare `&'static Location`, which is no larger:
//!
//! ```
//! # use bowerbird_base::call_site::CallSite;
//! # use bowerbird_base::poll_context;
//! # use std::{future::Future, pin::Pin, task::{Context, Poll}};
//! struct Nap {
//!     site: CallSite,
//! }
//!
//! #[track_caller]
//! fn nap() -> Nap {
//!     Nap { site: CallSite::new("nap") }
//! }
//!
//! impl Future for Nap {
//!     type Output = ();
//!
//!     fn poll(mut self: Pin<&mut Self>, _cx: &mut Context<'_>) -> Poll<()> {
//!         self.site.polled();
//!         poll_context::note_wait("nap", 0, Some(self.site.location()));
//!         Poll::Pending
//!     }
//! }
//! ```
//!
//! Made in debug mode and dropped before [`polled`](CallSite::polled), it tells
//! [`report_never_awaited`](crate::debug::report_never_awaited). Otherwise it costs a test of one bit at the
//! poll and at the drop. A combinator that drops futures it never polled, because it has its result without
//! them, does so under [`quiet`](crate::debug::quiet); what it makes for itself is [`CallSite::silent`].

use std::fmt;
use std::panic::Location;
use std::ptr::NonNull;

use crate::debug;

/// The bit of the pointer that says that it leads to an [`Unpolled`].
const UNPOLLED: usize = 1;

const _: () =
    assert!(align_of::<Location<'static>>() > UNPOLLED && align_of::<Unpolled>() > UNPOLLED);

/// Where the user's line made a future; see the [module](self).
///
/// A pointer to a `Location`; or, with the bit `UNPOLLED`, to an `Unpolled` in a box, which it owns.
pub struct CallSite(NonNull<()>);

/// What is kept in debug mode, until the first poll.
struct Unpolled {
    call: &'static str,
    location: &'static Location<'static>,
}

// SAFETY: it stands for a `&'static Location`, or for a box of two `'static` references to `Sync` types; it is
// changed through `&mut self` only.
unsafe impl Send for CallSite {}
// SAFETY: as above.
unsafe impl Sync for CallSite {}

impl CallSite {
    /// Names the call that makes a future, at the caller's line.
    #[inline]
    #[track_caller]
    pub fn new(call: &'static str) -> Self {
        Self::at(call, Location::caller())
    }

    /// The same, at a line that was kept.
    #[inline]
    pub fn at(call: &'static str, location: &'static Location<'static>) -> Self {
        if debug::is_on() { Self::unpolled(call, location) } else { Self::silent(location) }
    }

    /// A site that never reports: of a future that is a part of another, or need not be awaited.
    #[inline]
    pub const fn silent(location: &'static Location<'static>) -> Self {
        let pointer: *const Location<'static> = location;
        // SAFETY: it comes from a reference.
        Self(unsafe { NonNull::new_unchecked(pointer.cast_mut().cast()) })
    }

    #[cold]
    fn unpolled(call: &'static str, location: &'static Location<'static>) -> Self {
        let kept = Box::into_raw(Box::new(Unpolled { call, location }));
        // SAFETY: a box is not at address 0, and a bit more does not make it that.
        Self(unsafe { NonNull::new_unchecked(kept.map_addr(|address| address | UNPOLLED).cast()) })
    }

    /// Where the user's line is.
    #[inline]
    pub fn location(&self) -> &'static Location<'static> {
        if self.is_unpolled() {
            return self.kept_location();
        }
        // SAFETY: without the bit it is what `silent` has made of a `'static` reference.
        unsafe { self.0.cast::<Location<'static>>().as_ref() }
    }

    /// The future is polled, or need not be: nothing is reported any more.
    #[inline]
    pub fn polled(&mut self) {
        if self.is_unpolled() {
            self.take();
        }
    }

    #[inline]
    fn is_unpolled(&self) -> bool {
        self.0.addr().get() & UNPOLLED != 0
    }

    /// The box. The bit must be there.
    fn kept(&self) -> *mut Unpolled {
        debug_assert!(self.is_unpolled());
        self.0.as_ptr().cast::<Unpolled>().map_addr(|address| address & !UNPOLLED)
    }

    #[cold]
    fn kept_location(&self) -> &'static Location<'static> {
        // SAFETY: with the bit it is the box that `unpolled` has made, which lives as long as the bit is there.
        unsafe { (*self.kept()).location }
    }

    /// Out of line, so that the drop of a future is small enough to be inlined.
    #[cold]
    fn end_unpolled(&mut self) {
        let Unpolled { call, location } = self.take();
        if debug::is_on() {
            debug::report_never_awaited(call, location);
        }
    }

    /// Takes the box out, and leaves its location: the bit goes.
    #[cold]
    fn take(&mut self) -> Unpolled {
        // SAFETY: with the bit it is the box that `unpolled` has made; the bit goes with it, below.
        let kept = unsafe { Box::from_raw(self.kept()) };
        // Not an assignment, which would drop what was here.
        self.0 = std::mem::ManuallyDrop::new(Self::silent(kept.location)).0;
        *kept
    }
}

impl Drop for CallSite {
    #[inline]
    fn drop(&mut self) {
        if self.is_unpolled() {
            self.end_unpolled();
        }
    }
}

impl fmt::Debug for CallSite {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self.location(), f)
    }
}

#[cfg(test)]
mod tests;
