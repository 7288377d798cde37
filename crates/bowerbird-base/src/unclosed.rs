//! Streams that are dropped without being closed, for debug mode.
//!
//! A connection holds an [`Unclosed`], which is empty and one word unless debug mode is on when it is made. It
//! is told of writes ([`wrote`](Unclosed::wrote)) and of the end of the writing side
//! ([`ended`](Unclosed::ended)), one test each when it is empty; and when the connection is dropped, before
//! its descriptor is closed, it looks at what is left:
//!
//! | | input is there that nobody read | none | the peer has ended, or the connection is broken |
//! |---|---|---|---|
//! | written to, not ended | reported: a reset | reported: no `shutdown()` | - |
//! | ended, or never written to | reported: a reset | - | - |
//!
//! Nothing is reported under [`quiet`](crate::debug::quiet): a task that is cancelled had no chance to close
//! what it holds.
//!
//! # Ordering arguments
//! - `[ORD-1]` What was seen of a connection: Relaxed. Whoever drops it has it to itself, and has got it in a
//!   way that orders what the others did before.

use std::fmt;
use std::panic::Location;

use crate::debug::{self, Warning, WarningKind};
use crate::sync::static_atomic::{AtomicU8, Ordering};

/// What debug mode knows of a connection; see the [module](self).
#[derive(Default)]
pub struct Unclosed(Option<Box<Seen>>);

struct Seen {
    location: Option<&'static Location<'static>>,
    flags: AtomicU8,
}

/// Something was written, and the writing side is open.
const WRITTEN: u8 = 1;
/// The user knows what a drop does.
const INTENDED: u8 = 2;

/// What a connection has to be read when it is dropped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Input {
    /// Bytes that nobody has read: a close resets the connection.
    Unread,
    /// Nothing, and the peer may still send.
    Nothing,
    /// Nothing, and the peer has ended; or the connection is broken.
    Ended,
}

impl Unclosed {
    /// Begins to look at a connection that was made at the user's line, if that is known.
    #[inline]
    pub fn new(location: Option<&'static Location<'static>>) -> Self {
        Self(if debug::is_on() { Some(Self::seen(location)) } else { None })
    }

    #[cold]
    fn seen(location: Option<&'static Location<'static>>) -> Box<Seen> {
        Box::new(Seen { location, flags: AtomicU8::new(0) })
    }

    /// Something was written.
    #[inline]
    pub fn wrote(&self) {
        if let Some(seen) = &self.0 {
            seen.flags.fetch_or(WRITTEN, Ordering::Relaxed); // [ORD-1]
        }
    }

    /// The writing side was ended.
    #[inline]
    pub fn ended(&self) {
        if let Some(seen) = &self.0 {
            seen.flags.fetch_and(!WRITTEN, Ordering::Relaxed); // [ORD-1]
        }
    }

    /// The user has said how the connection is to end: as one that a close resets, or elsewhere.
    #[inline]
    pub fn intend(&self) {
        if let Some(seen) = &self.0 {
            seen.flags.fetch_or(INTENDED, Ordering::Relaxed); // [ORD-1]
        }
    }

    /// The connection is dropped, and its descriptor is still open: reports it, if it looks unclosed. `what`
    /// names its type; `look` and `peer` are asked in debug mode only.
    #[inline]
    pub fn dropped(
        &mut self,
        what: &str,
        look: impl FnOnce() -> Input,
        peer: impl FnOnce() -> Option<String>,
    ) {
        if let Some(seen) = self.0.take() {
            if debug::is_on() {
                seen.judge(what, look, peer);
            }
        }
    }
}

impl Seen {
    #[cold]
    fn judge(
        &self,
        what: &str,
        look: impl FnOnce() -> Input,
        peer: impl FnOnce() -> Option<String>,
    ) {
        let flags = self.flags.load(Ordering::Relaxed); // [ORD-1]
        if flags & INTENDED != 0 {
            return;
        }
        let why = match look() {
            Input::Unread => "it was dropped with unread input, which resets the connection",
            Input::Nothing if flags & WRITTEN != 0 => {
                "it was written to, and dropped without shutdown()"
            }
            Input::Nothing | Input::Ended => return,
        };
        let peer = peer().unwrap_or_else(|| "an unknown peer".into());
        let text = format!("unclosed {what} to {peer}: {why}");
        let warning = Warning::new(WarningKind::NeverUsed, text);
        debug::report(match self.location {
            Some(location) => warning.at(location),
            None => warning,
        });
    }
}

impl fmt::Debug for Unclosed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Unclosed").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
