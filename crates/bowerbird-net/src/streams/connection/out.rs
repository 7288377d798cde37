//! What a connection has to send: the state under its lock. No method calls anything foreign; what has to be
//! woken or dropped is given back.

use std::collections::VecDeque;
use std::io::{self, IoSlice};
use std::task::Waker;

use crate::streams::error::KeptError;
use crate::streams::waiters::Waiters;

/// The high-water mark where nobody sets one.
const HIGH_WATER: usize = 64 * 1024;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Phase {
    Open,
    /// `close` was called; what is left is being sent.
    Closing,
    /// The end, by `close`, `abort` or an error.
    Closed,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Eof {
    Not,
    Asked,
    Sent,
}

pub(super) struct Out {
    /// What is to be sent, without what the flusher has at the moment.
    pub(super) queue: VecDeque<u8>,
    /// What the flusher has.
    pub(super) in_flight: usize,
    high: usize,
    low: usize,
    /// The size was above the high-water mark, and has not come down to the low one since.
    is_paused: bool,
    pub(super) phase: Phase,
    pub(super) eof: Eof,
    /// The wire may keep bytes of its own.
    pub(super) is_unflushed: bool,
    pub(super) is_flushing: bool,
    /// Somebody woke while there was a flusher.
    pub(super) again: bool,
    /// The flusher has given up a wire that wakes and does nothing: who comes next tries again.
    pub(super) is_stalled: bool,
    /// The reader is dropped, or there was none.
    is_reader_gone: bool,
    is_writer_gone: bool,
    pub(super) error: Option<KeptError>,
    pub(super) waiters: Waiters,
}

/// What the flusher does next.
pub(super) enum Step {
    Send(VecDeque<u8>),
    Flush,
    End,
    Close,
    Rest,
}

/// What a future of the writer waits for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::streams) enum Goal {
    /// The buffer is below its marks.
    Drained,
    /// Everything has left.
    Empty,
    /// The end.
    Closed,
}

/// Those who are to be woken, outside the lock.
pub(super) type Woken = Vec<(u64, Waker)>;

impl Out {
    pub(super) fn new(has_reader: bool) -> Self {
        Self {
            queue: VecDeque::new(),
            in_flight: 0,
            high: HIGH_WATER,
            low: HIGH_WATER / 4,
            is_paused: false,
            phase: Phase::Open,
            eof: Eof::Not,
            is_unflushed: false,
            is_flushing: false,
            again: false,
            is_stalled: false,
            is_reader_gone: !has_reader,
            is_writer_gone: false,
            error: None,
            waiters: Waiters::default(),
        }
    }

    pub(super) fn size(&self) -> usize {
        self.queue.len() + self.in_flight
    }

    /// What there is to do, in this order.
    pub(super) fn next_step(&mut self) -> Step {
        if !self.has_next_step() {
            Step::Rest
        } else if !self.queue.is_empty() {
            self.in_flight = self.queue.len();
            self.is_unflushed = true;
            Step::Send(std::mem::take(&mut self.queue))
        } else if self.is_unflushed {
            Step::Flush
        } else if self.phase == Phase::Closing {
            Step::Close
        } else {
            Step::End
        }
    }

    pub(super) fn has_next_step(&self) -> bool {
        self.phase != Phase::Closed
            && (!self.queue.is_empty()
                || self.is_unflushed
                || self.eof == Eof::Asked
                || self.phase == Phase::Closing)
    }

    /// Makes the caller the flusher, if there is something to do; leaves the one that there is a note.
    pub(super) fn begin_flushing(&mut self) -> bool {
        self.again = self.is_flushing;
        let begins = !self.is_flushing && self.has_next_step();
        self.is_flushing |= begins;
        begins
    }

    /// The writer is dropped: nothing follows what it has written. Without a reader that is a close.
    pub(super) fn leave_writer(&mut self) {
        self.is_writer_gone = true;
        if self.eof == Eof::Not {
            self.eof = Eof::Asked;
        }
        self.close_if_left();
    }

    /// The reader is dropped.
    pub(super) fn leave_reader(&mut self) {
        self.is_reader_gone = true;
        self.close_if_left();
    }

    fn close_if_left(&mut self) {
        if self.is_reader_gone && self.is_writer_gone && self.phase == Phase::Open {
            self.phase = Phase::Closing;
        }
    }

    pub(super) fn marks(&self) -> (usize, usize) {
        (self.low, self.high)
    }

    pub(super) fn set_marks(&mut self, low: usize, high: usize) -> Woken {
        (self.low, self.high) = (low, high);
        self.look_at_size()
    }

    /// Adds bytes behind what there is.
    pub(super) fn push(&mut self, pieces: &[IoSlice<'_>]) {
        pieces.iter().for_each(|piece| self.queue.extend(&**piece));
        self.is_paused |= self.size() > self.high;
    }

    /// What the flusher had comes back, but for the first `sent` bytes; newer bytes go behind it.
    pub(super) fn put_back(&mut self, mut rest: VecDeque<u8>, sent: usize) -> Woken {
        self.in_flight = 0;
        if self.phase == Phase::Closed {
            return Woken::new();
        }
        rest.drain(..sent);
        if !rest.is_empty() {
            rest.append(&mut self.queue);
            self.queue = rest;
        }
        self.look_at_size()
    }

    /// Notes the size after bytes came or went; gives those who have waited for that.
    pub(super) fn look_at_size(&mut self) -> Woken {
        let size = self.size();
        self.is_paused |= size > self.high;
        let comes_down = self.is_paused && size <= self.low;
        self.is_paused &= !comes_down;
        if comes_down || size == 0 { self.waiters.take() } else { Woken::new() }
    }

    /// Ends it, by an error or without; gives what to drop and whom to wake.
    pub(super) fn end(&mut self, error: Option<KeptError>) -> (VecDeque<u8>, Woken) {
        if self.phase == Phase::Closed {
            return (VecDeque::new(), Woken::new());
        }
        self.phase = Phase::Closed;
        self.error = error;
        self.in_flight = 0;
        (std::mem::take(&mut self.queue), self.waiters.take())
    }

    pub(super) fn look(&self, goal: Goal) -> Option<io::Result<()>> {
        let is_closed = self.phase == Phase::Closed;
        match (&self.error, goal) {
            (Some(error), _) => Some(Err(error.again())),
            (None, Goal::Closed) => is_closed.then_some(Ok(())),
            (None, _) if is_closed => {
                Some(Err(io::Error::new(io::ErrorKind::ConnectionReset, "the writer is closed")))
            }
            (None, Goal::Drained) => (!self.is_paused).then_some(Ok(())),
            (None, Goal::Empty) => (self.size() == 0 && !self.is_unflushed).then_some(Ok(())),
        }
    }
}
