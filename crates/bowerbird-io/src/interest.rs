//! What a caller waits for, and what an event showed.

use std::fmt;
use std::ops::BitOr;

use crate::readiness::{self, Snapshot};

/// What to wait for on a source; values are joined with `|`.
///
/// asyncio: the choice between `add_reader` and `add_writer`, as a value.
///
/// # Examples
/// ```
/// use bowerbird::io::Interest;
/// let both = Interest::READABLE | Interest::WRITABLE;
/// assert!(both.is_readable() && both.is_writable() && !both.is_priority());
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Interest(pub(crate) u8);

impl Interest {
    /// Reading may go on: data, an end of stream, an error, or a connection to accept.
    pub const READABLE: Self = Self(1);
    /// Writing may go on: space, an error, or a connection established.
    pub const WRITABLE: Self = Self(2);
    /// Out-of-band data may be read (`EPOLLPRI`).
    pub const PRIORITY: Self = Self(4);

    /// An error waits on the source, or both directions have ended (`EPOLLERR`, `EPOLLHUP`): of the writing end of
    /// a pipe, that its reader has gone; of a UDP socket, something in its error queue. Every source may be waited
    /// on for it. Where the system does not tell (see the crate `polling`) it never comes alone.
    pub const ERROR: Self = Self(8);

    /// Returns whether reading is part of it.
    pub const fn is_readable(self) -> bool {
        self.0 & Self::READABLE.0 != 0
    }

    /// Returns whether writing is part of it.
    pub const fn is_writable(self) -> bool {
        self.0 & Self::WRITABLE.0 != 0
    }

    /// Returns whether out-of-band data is part of it.
    pub const fn is_priority(self) -> bool {
        self.0 & Self::PRIORITY.0 != 0
    }

    /// Returns whether errors are part of it.
    pub const fn is_error(self) -> bool {
        self.0 & Self::ERROR.0 != 0
    }

    /// Joins two interests in a constant.
    pub const fn union(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// The flag in the readiness word of the reading side that means "go on" for this interest.
    pub(crate) const fn read_gate(self) -> u64 {
        let ready = if self.is_readable() { readiness::READY } else { 0 };
        let urgent = if self.is_priority() { readiness::URGENT } else { 0 };
        let fault = if self.is_error() { readiness::FAULT } else { 0 };
        ready | urgent | fault
    }

    /// As [`Interest::read_gate`], for the writing side.
    pub(crate) const fn write_gate(self) -> u64 {
        if self.is_writable() { readiness::READY } else { 0 }
    }

    /// The word for [`note_wait`](bowerbird_base::poll_context::note_wait).
    pub(crate) const fn wait_kind(self) -> &'static str {
        match (self.is_readable(), self.is_writable()) {
            (true, false) => "readable",
            (false, true) => "writable",
            (true, true) => "readable or writable",
            (false, false) if self.is_priority() => "priority",
            (false, false) => "error",
        }
    }
}

impl BitOr for Interest {
    type Output = Self;
    fn bitor(self, other: Self) -> Self {
        self.union(other)
    }
}

impl fmt::Debug for Interest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut separator = "";
        for (bit, name) in [
            (Self::READABLE, "READABLE"),
            (Self::WRITABLE, "WRITABLE"),
            (Self::PRIORITY, "PRIORITY"),
            (Self::ERROR, "ERROR"),
        ] {
            if self.0 & bit.0 != 0 {
                write!(f, "{separator}{name}")?;
                separator = " | ";
            }
        }
        Ok(())
    }
}

/// What is known about a source at one moment.
///
/// It is a hint: an operation may still say `WouldBlock`, because somebody else was faster.
#[derive(Debug, Clone, Copy)]
pub struct Ready {
    pub(crate) read: Snapshot,
    pub(crate) write: Snapshot,
}

impl Ready {
    /// Returns whether a read may succeed.
    pub fn is_readable(self) -> bool {
        self.read.has(readiness::READY)
    }

    /// Returns whether a write may succeed.
    pub fn is_writable(self) -> bool {
        self.write.has(readiness::READY)
    }

    /// Returns whether out-of-band data was announced.
    pub fn is_priority(self) -> bool {
        self.read.has(readiness::PRIORITY)
    }

    /// Returns whether the other side has ended its writing. Data may still be waiting to be read.
    ///
    /// Where the system does not say so (see the crate `polling`) it stays false, and only a read of zero
    /// bytes tells.
    pub fn is_read_closed(self) -> bool {
        self.read.has(readiness::CLOSED)
    }

    /// Returns whether both directions have ended (`EPOLLHUP`), so that writing is over too.
    pub fn is_write_closed(self) -> bool {
        self.write.has(readiness::CLOSED)
    }

    /// Returns whether an error is waiting on the source (`EPOLLERR`).
    pub fn is_error(self) -> bool {
        self.read.has(readiness::ERROR) || self.write.has(readiness::ERROR)
    }

    /// Returns whether any part of `interest` may go on.
    pub(crate) fn satisfies(self, interest: Interest) -> bool {
        self.read.has(interest.read_gate()) || self.write.has(interest.write_gate())
    }

    /// Returns whether an operation for `interest` is worth a try: it may go on, or nobody has looked yet. Urgent
    /// data and errors are rare: for them the first event is waited for.
    pub(crate) fn is_worth_a_try(self, interest: Interest) -> bool {
        self.satisfies(interest)
            || (interest.is_readable() && self.read.has(readiness::UNKNOWN))
            || (interest.is_writable() && self.write.has(readiness::UNKNOWN))
    }

    pub(crate) fn is_shut_down(self) -> bool {
        self.read.has(readiness::SHUT_DOWN)
    }
}
