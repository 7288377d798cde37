//! The life of a transport: what streams and datagrams have in common.
//!
//! # The phases
//! ```text
//!             1 close(), nothing to send or to tell
//!            ,-----------------------------.
//!            | 2 abort(), an error         v
//!   OPEN ----+--------------------------> LOST -----------> GONE
//!     |                                    ^      5 connection_lost() is called,
//!     | 3 close(), otherwise               |        then the socket is closed
//!     '--------> FLUSHING -----------------+
//!                    |  4 all is sent; abort(), an error
//!                    |                     |
//!                    '----> ENDING --------'
//!          6 all is sent      7 the session has ended; abort(), an error
//! ```
//! Edges 1 to 4 are taken under the lock by whoever causes them, on any thread; edge 5 by the task of the
//! connection alone, which is the only one that calls the protocol. The first of 1, 2, 4 and 7 decides what
//! `connection_lost` is told; later ones change nothing. A transport over TLS lingers: it takes edges 3, 6 and 7 where
//! others take 1 and 4, for the end of a session is said and answered. What is written in ENDING comes too late.
//!
//! # Flow control
//! Beside the phase stands whether the protocol was told to pause. Only a write that makes the backlog longer
//! than `high` sets it, and only the task clears it, once the backlog is at most `low`. The task tells the
//! protocol of both, one after the other, for a pause that is not yet told is told before anything is sent: so
//! `pause_writing` and `resume_writing` alternate, beginning with a pause. A transport that is lost while paused
//! tells no resume, as in asyncio. A `close()` on another thread may come between the last bytes and their resume:
//! that takes edge 3, for in asyncio sending and telling are one step.

use std::io;

use bowerbird_core::{Unhandled, UnhandledKind, call_exception_handler};

/// What waits to be sent.
pub(super) trait Backlog: Default {
    /// Its size in bytes.
    fn size(&self) -> usize;
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    Open,
    Flushing,
    Ending,
    Lost,
    Gone,
}

/// What the task has to do before anything else.
pub(super) enum Turn {
    PauseWriting,
    ResumeWriting,
    Lost(Option<io::Error>),
}

/// After so many writes on a lost connection somebody is told.
const LOST_WRITES_UNTIL_REPORT: u8 = 5;

/// asyncio's `high` by default.
const DEFAULT_HIGH: usize = 64 * 1024;

/// The part of a transport's state that does not depend on what it carries.
#[derive(Debug)]
pub(super) struct Life<B> {
    phase: Phase,
    error: Option<io::Error>,
    pub(super) backlog: B,
    high: usize,
    low: usize,
    is_paused: bool,
    owes_pause: bool,
    /// Something has to be said and heard between the last byte and the end.
    lingers: bool,
    writes_lost: u8,
}

impl<B: Backlog> Life<B> {
    pub(super) fn new() -> Self {
        Self {
            phase: Phase::Open,
            error: None,
            backlog: B::default(),
            high: DEFAULT_HIGH,
            low: DEFAULT_HIGH / 4,
            is_paused: false,
            owes_pause: false,
            lingers: false,
            writes_lost: 0,
        }
    }

    pub(super) fn is_closing(&self) -> bool {
        self.phase != Phase::Open
    }

    pub(super) fn is_lost(&self) -> bool {
        matches!(self.phase, Phase::Lost | Phase::Gone)
    }

    /// Edges 1 and 3. Returns whether the task must look.
    pub(super) fn close(&mut self) -> bool {
        if self.phase != Phase::Open {
            return false;
        }
        let is_done = self.backlog.size() == 0 && !self.is_paused && !self.lingers;
        self.phase = if is_done { Phase::Lost } else { Phase::Flushing };
        true
    }

    /// Edge 2, and 4 and 7 from their other sides; what was not sent is dropped. Returns whether the task must look.
    pub(super) fn fail(&mut self, error: Option<io::Error>) -> bool {
        if self.is_lost() {
            return false;
        }
        self.phase = Phase::Lost;
        if self.error.is_none() {
            self.error = error;
        }
        self.backlog = B::default();
        true
    }

    /// Whether a write comes too late; then `Some` of whether it is the one to report.
    pub(super) fn refuse_write(&mut self) -> Option<bool> {
        (self.is_lost() || self.phase == Phase::Ending).then(|| {
            self.writes_lost = self.writes_lost.saturating_add(1);
            self.writes_lost == LOST_WRITES_UNTIL_REPORT
        })
    }

    /// Something was put into the backlog: the protocol may have to pause.
    pub(super) fn grown(&mut self) {
        let pauses = !self.is_paused && self.backlog.size() > self.high;
        self.is_paused |= pauses;
        self.owes_pause |= pauses;
    }

    /// What is next, if it is not moving bytes.
    pub(super) fn next(&mut self) -> Option<Turn> {
        if self.phase != Phase::Gone && std::mem::take(&mut self.owes_pause) {
            return Some(Turn::PauseWriting);
        }
        if !self.is_lost() && self.is_paused && self.backlog.size() <= self.low {
            self.is_paused = false;
            return Some(Turn::ResumeWriting);
        }
        if self.phase == Phase::Flushing && self.backlog.size() == 0 {
            self.phase = if self.lingers { Phase::Ending } else { Phase::Lost };
        }
        if self.phase == Phase::Lost {
            self.phase = Phase::Gone;
            return Some(Turn::Lost(self.error.take()));
        }
        None
    }

    /// From now on it takes the edges of a transport over TLS.
    #[cfg(feature = "tls")]
    pub(super) fn linger(&mut self) {
        self.lingers = true;
    }

    /// Closes as [`close`](Self::close) does, and tells of this error at the end.
    #[cfg(feature = "tls")]
    pub(super) fn close_with(&mut self, error: io::Error) {
        if self.close() {
            self.error = Some(error);
        }
    }

    /// Whether it is in phase ENDING.
    #[cfg(feature = "tls")]
    pub(super) fn is_ending(&self) -> bool {
        self.phase == Phase::Ending
    }

    /// Sets the limits as asyncio does: of what is not given, `low` is a quarter of `high`.
    ///
    /// # Errors
    /// Gives both back if `low` is above `high`.
    pub(super) fn set_limits(
        &mut self,
        high: Option<usize>,
        low: Option<usize>,
    ) -> Result<(), (usize, usize)> {
        let high = high.unwrap_or_else(|| low.map_or(DEFAULT_HIGH, |low| low.saturating_mul(4)));
        let low = low.unwrap_or(high / 4);
        if low > high {
            return Err((high, low));
        }
        (self.high, self.low) = (high, low);
        self.grown();
        Ok(())
    }

    /// `(low, high)`.
    pub(super) fn limits(&self) -> (usize, usize) {
        (self.low, self.high)
    }
}

/// The panic for limits that contradict each other.
#[track_caller]
#[cold]
pub(super) fn bad_limits((high, low): (usize, usize)) -> ! {
    panic!(
        "set_write_buffer_limits() was called with high {high} below low {low}; give a high that is at least low"
    )
}

/// Tells of a program that goes on writing to a connection that is lost.
#[cold]
pub(super) fn report_lost_write() {
    let message = "a transport is written to again and again after its connection was lost";
    call_exception_handler(&Unhandled::new(UnhandledKind::Other, message));
}

#[cfg(test)]
mod tests {
    use super::*;

    impl Backlog for usize {
        fn size(&self) -> usize {
            *self
        }
    }

    #[test]
    fn it_resumes_at_the_low_mark_and_not_before() {
        let mut life = Life::<usize>::new();
        life.set_limits(Some(10), Some(4)).unwrap();
        life.backlog = 11;
        life.grown();
        assert!(matches!(life.next(), Some(Turn::PauseWriting)));
        life.backlog = 5;
        assert!(life.next().is_none());
        life.backlog = 4;
        assert!(matches!(life.next(), Some(Turn::ResumeWriting)));
    }

    #[test]
    fn a_resume_that_is_not_told_yet_comes_before_the_end() {
        let mut life = Life::<usize>::new();
        life.backlog = DEFAULT_HIGH + 1;
        life.grown();
        assert!(matches!(life.next(), Some(Turn::PauseWriting)));
        life.backlog = 0;
        assert!(life.close());
        assert!(matches!(life.next(), Some(Turn::ResumeWriting)));
        assert!(matches!(life.next(), Some(Turn::Lost(None))));
    }

    #[cfg(feature = "tls")]
    #[test]
    fn one_that_lingers_ends_after_the_last_byte() {
        let mut life = Life::<usize>::new();
        life.linger();
        life.backlog = 1;
        life.close_with(io::ErrorKind::UnexpectedEof.into());
        assert!(life.next().is_none() && !life.is_ending() && life.refuse_write().is_none());
        life.backlog = 0;
        assert!(life.next().is_none() && life.is_ending() && life.refuse_write().is_some());
        assert!(life.fail(Some(io::ErrorKind::TimedOut.into())));
        let Some(Turn::Lost(Some(error))) = life.next() else { panic!("it is lost") };
        assert_eq!(error.kind(), io::ErrorKind::UnexpectedEof);
    }

    #[test]
    fn first_end_is_the_one_that_is_told_and_only_once() {
        let mut life = Life::<usize>::new();
        assert!(life.fail(None));
        assert!(!life.fail(Some(io::ErrorKind::BrokenPipe.into())));
        assert!(matches!(life.next(), Some(Turn::Lost(None))));
        assert!(!life.fail(None) && !life.close() && life.next().is_none());
    }
}
