//! Every other system: the paths of the `polling` crate (kqueue, event ports, IOCP, `poll`).
//!
//! Edge mode where the system has it; else one-shot, armed again by those that wait (see `source`).
//! `polling` does not show whether the peer has closed, so a short read never clears readiness here. It
//! does not show a ring either, so every drain has to take it that it may have swallowed one; and while
//! one thread waits, a drain by another does nothing.
//!
//! The `poll` back end, which no system of ours has by default, reports a hang-up even of a source that is
//! disarmed, so one that nobody reads spins until it is closed; and it cannot wait for urgent data alone.

use std::cell::Cell;
use std::io;
use std::num::NonZeroUsize;
use std::time::Duration;

use polling::{Event, Events, PollMode};

use super::BATCH;
use crate::descriptor::{Borrowed, polled};
use crate::interest::Interest;
use crate::readiness;
use crate::registry::Key;
use crate::source::Occurrence;

thread_local! {
    static SPARE: Cell<Option<Events>> = const { Cell::new(None) };
}

/// The events of one wait, in a buffer that the thread keeps.
pub(crate) struct Batch {
    events: Option<Events>,
    is_one_shot: bool,
}

impl Batch {
    pub(crate) fn new() -> Self {
        let mut events = SPARE.try_with(Cell::take).unwrap_or_default().unwrap_or_else(|| {
            Events::with_capacity(NonZeroUsize::new(BATCH).unwrap_or(NonZeroUsize::MIN))
        });
        events.clear();
        Self { events: Some(events), is_one_shot: false }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.events.as_ref().is_none_or(Events::is_empty)
    }

    pub(crate) fn occurrences(&self) -> impl Iterator<Item = (Key, Occurrence)> + '_ {
        let is_one_shot = self.is_one_shot;
        let events = self.events.iter().flat_map(Events::iter);
        events.map(move |event| (Key(event.key), occurrence(&event, is_one_shot)))
    }
}

impl Drop for Batch {
    fn drop(&mut self) {
        let _ = SPARE.try_with(|spare| spare.set(self.events.take()));
    }
}

fn occurrence(event: &Event, is_one_shot: bool) -> Occurrence {
    let is_error = event.is_err().unwrap_or(false);
    let both = event.is_interrupt() || is_error;
    let error = if is_error { readiness::ERROR } else { 0 };
    let hang_up = if event.is_interrupt() { readiness::CLOSED } else { 0 };
    let mut occurrence = Occurrence { read: error | hang_up, write: error | hang_up, is_one_shot };
    if event.readable || both {
        occurrence.read |= readiness::READY;
    }
    if both {
        occurrence.read |= readiness::FAULT;
    }
    if event.is_priority() {
        occurrence.read |= readiness::PRIORITY;
    }
    if event.is_priority() || both {
        occurrence.read |= readiness::URGENT;
    }
    if event.writable || both {
        occurrence.write |= readiness::READY;
    }
    occurrence
}

/// One poller of the `polling` crate.
#[derive(Debug)]
pub(crate) struct OsPoller {
    poller: polling::Poller,
    mode: PollMode,
}

impl OsPoller {
    /// Whether an event shows that the peer has closed: the rule for short reads needs it.
    pub(crate) const SHOWS_CLOSED: bool = false;

    pub(crate) fn new() -> io::Result<Self> {
        let poller = polling::Poller::new()?;
        let mode = if poller.supports_edge() { PollMode::Edge } else { PollMode::Oneshot };
        Ok(Self { poller, mode })
    }

    /// Whether an event disarms its registration.
    #[inline]
    pub(crate) fn is_one_shot(&self) -> bool {
        self.mode == PollMode::Oneshot
    }

    /// Registers a source: for good in edge mode, for nothing yet in one-shot mode.
    pub(crate) fn add(&self, source: Borrowed<'_>, key: Key, interest: Interest) -> io::Result<()> {
        let Some(source) = polled(source) else { return Ok(()) };
        let event = if self.is_one_shot() { Event::none(key.0) } else { event_for(key, interest) };
        // SAFETY: polling asks that the source be deleted before its descriptor is closed. `AsyncFd` owns
        // both the registration and the descriptor's owner, and ends the first before it lets go of the
        // second. Only a user who closes the descriptor behind its back (through `get_mut`, say) breaks the
        // rule; the back ends keep a number, no memory, and the events of whoever gets that number next
        // carry a key that finds nobody, or wake a waiter for nothing.
        unsafe { self.poller.add_with_mode(&source, event, self.mode) }
    }

    /// Arms a source for a waiter, in one-shot mode.
    pub(crate) fn arm(&self, source: Borrowed<'_>, key: Key, interest: Interest) -> io::Result<()> {
        let Some(source) = polled(source) else { return Ok(()) };
        self.poller.modify_with_mode(source, event_for(key, interest), PollMode::Oneshot)
    }

    /// Ends a registration.
    pub(crate) fn delete(&self, source: Borrowed<'_>) -> io::Result<()> {
        polled(source).map_or(Ok(()), |source| self.poller.delete(source))
    }

    /// Harvests events; says whether a ring may have been among them.
    pub(crate) fn wait(&self, batch: &mut Batch, timeout: Option<Duration>) -> io::Result<bool> {
        batch.is_one_shot = self.is_one_shot();
        let Some(events) = &mut batch.events else { return Ok(false) };
        match self.poller.wait(events, timeout) {
            Ok(_) => Ok(true),
            // `WouldBlock`: the `poll` back end, when another thread has emptied its pipe meanwhile.
            Err(error)
                if matches!(
                    error.kind(),
                    io::ErrorKind::Interrupted | io::ErrorKind::WouldBlock
                ) =>
            {
                Ok(true)
            }
            Err(error) => Err(error),
        }
    }

    /// Rings: ends the wait that is going on, or the next one.
    pub(crate) fn ring(&self) {
        // A waiter that cannot be woken is a worker lost: say so rather than hang in silence.
        if let Err(error) = self.poller.notify() {
            panic!("cannot wake the I/O driver: {error}");
        }
    }
}

fn event_for(key: Key, interest: Interest) -> Event {
    let mut event = Event::new(key.0, interest.is_readable(), interest.is_writable());
    event.set_interrupt(true);
    event.set_priority(interest.is_readable() || interest.is_priority());
    event
}
