//! The limit of a group: children beyond it wait for their turn, in the order in which they were spawned.

use std::collections::BTreeMap;
use std::task::Waker;

/// Who runs and who waits.
#[derive(Debug)]
pub(super) struct Turns {
    limit: usize,
    running: usize,
    next_ticket: u64,
    /// Those without a turn, with their wakers once they were polled.
    waiting: BTreeMap<u64, Option<Waker>>,
}

impl Default for Turns {
    fn default() -> Self {
        Self { limit: usize::MAX, running: 0, next_ticket: 1, waiting: BTreeMap::new() }
    }
}

/// The turn of one child: a ticket as long as it has to wait, 0 when it has come.
#[derive(Debug)]
pub(super) struct Turn(u64);

impl Turn {
    /// The turn of a child in a group without a limit.
    #[inline]
    pub(super) fn unlimited() -> Self {
        Self(0)
    }

    #[inline]
    pub(super) fn has_come(&self) -> bool {
        self.0 == 0
    }
}

/// What a turn that is given back leads to, to be done outside of the lock.
#[derive(Debug, Default)]
pub(super) struct Next {
    pub(super) woken: Option<Waker>,
    pub(super) unused: Option<Waker>,
}

impl Turns {
    pub(super) fn set_limit(&mut self, limit: usize) {
        self.limit = limit;
    }

    pub(super) fn is_limited(&self) -> bool {
        self.limit != usize::MAX
    }

    /// A child comes: it may run, or gets a ticket.
    #[inline]
    pub(super) fn take(&mut self) -> Turn {
        if self.running < self.limit {
            self.running += 1;
            return Turn(0);
        }
        let ticket = self.next_ticket;
        self.next_ticket += 1;
        self.waiting.insert(ticket, None);
        Turn(ticket)
    }

    /// A child without a turn is polled. Gives a waker that is to be dropped.
    pub(super) fn wait(&mut self, turn: &mut Turn, waker: Waker) -> Option<Waker> {
        match self.waiting.get_mut(&turn.0) {
            Some(place) => place.replace(waker),
            // Whoever gave its turn back has passed it on to this one.
            None => {
                turn.0 = 0;
                Some(waker)
            }
        }
    }

    /// A child has ended, with its turn or while it waited for one.
    #[inline]
    pub(super) fn give_back(&mut self, turn: &Turn) -> Next {
        if !turn.has_come() {
            if let Some(unused) = self.waiting.remove(&turn.0) {
                return Next { woken: None, unused };
            }
        }
        match self.waiting.pop_first() {
            Some((_, woken)) => Next { woken, unused: None },
            None => {
                self.running -= 1;
                Next::default()
            }
        }
    }
}
