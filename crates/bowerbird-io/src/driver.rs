//! The driver: a small array of pollers that all workers share.
//!
//! A worker that would park claims a poller that nobody waits on ([`IoDriver::try_claim`]) and waits on it;
//! a worker that has run out of work drains the pollers without blocking ([`IoDriver::drain`]). So no
//! source is ever the hostage of one worker's long poll.
//!
//! # Ordering arguments
//! - `[ORD-1]` The number that spreads sources over the pollers: Relaxed, for nothing is published by it.

use std::fmt;
use std::io;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use bowerbird_base::cache_line::CacheLine;
use bowerbird_base::sync::static_atomic::{AtomicUsize, Ordering};

use crate::claim::Claim;
use crate::poller::{Batch, OsPoller};
use crate::registry::Registry;

/// What a wait or a drain brought.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Turn {
    /// How many wakers were woken.
    pub woken_count: usize,
    /// Whether [`IoDriver::notify`] was called for this waiter. Always false after a drain.
    pub was_notified: bool,
}

/// One poller: who waits on it, its descriptor, its sources.
#[derive(Debug)]
pub(crate) struct Poller {
    claim: CacheLine<Claim>,
    pub(crate) os: OsPoller,
    pub(crate) registry: Registry,
}

/// The pollers of a runtime, and the sources registered on them.
pub struct IoDriver {
    pollers: Box<[Poller]>,
    next_poller: AtomicUsize,
    on_register: OnceLock<Box<dyn Fn() + Send + Sync>>,
}

impl IoDriver {
    /// Makes a driver with `poller_count` pollers, at least one.
    ///
    /// # Errors
    /// The system gave no descriptor for a poller.
    pub fn new(poller_count: usize) -> io::Result<Arc<Self>> {
        let pollers = (0..poller_count.max(1)).map(|_| {
            let os = OsPoller::new()?;
            Ok(Poller { claim: CacheLine(Claim::new()), os, registry: Registry::default() })
        });
        let pollers = pollers.collect::<io::Result<_>>()?;
        Ok(Arc::new(Self {
            pollers,
            next_poller: AtomicUsize::new(0),
            on_register: OnceLock::new(),
        }))
    }

    /// The number of pollers.
    pub fn poller_count(&self) -> usize {
        self.pollers.len()
    }

    /// Becomes the only waiter of a poller, if there is none. Follow it by [`IoDriver::wait`], which gives
    /// the claim back, or by [`IoDriver::release`].
    #[must_use = "a claim has to be given back"]
    pub fn try_claim(&self, poller: usize) -> bool {
        self.pollers[poller].claim.try_claim()
    }

    /// Returns whether somebody has claimed a poller.
    pub fn is_claimed(&self, poller: usize) -> bool {
        self.pollers[poller].claim.is_claimed()
    }

    /// Gives a claim back without a wait. Returns whether the claimant was notified meanwhile.
    pub fn release(&self, poller: usize) -> bool {
        self.pollers[poller].claim.release()
    }

    /// Waits for events, a notification or the end of `timeout`, and wakes whom the events concern.
    ///
    /// Only for who has claimed the poller. The claim is given back before any waker is woken, so that a
    /// worker woken by it can take over. A signal ends the wait as if nothing had happened.
    ///
    /// # Errors
    /// The system call failed; the claim is given back all the same.
    pub fn wait(&self, poller: usize, timeout: Option<Duration>) -> io::Result<Turn> {
        let poller = &self.pollers[poller];
        debug_assert!(poller.claim.is_claimed(), "wait() without a claim");
        let timeout = if poller.claim.is_notified() { Some(Duration::ZERO) } else { timeout };
        let mut batch = Batch::new();
        let harvest = poller.os.wait(&mut batch, timeout);
        let was_notified = poller.claim.release();
        harvest?;
        Ok(Turn { woken_count: poller.dispatch(&batch), was_notified })
    }

    /// Harvests what a poller has, without blocking, and wakes whom the events concern. Anybody may do so at
    /// any time, also while somebody waits.
    ///
    /// # Errors
    /// The system call failed.
    pub fn drain(&self, poller: usize) -> io::Result<Turn> {
        let poller = &self.pollers[poller];
        let mut batch = Batch::new();
        let may_have_ring = poller.os.wait(&mut batch, Some(Duration::ZERO))?;
        if may_have_ring && poller.claim.must_ring_again() {
            poller.os.ring();
        }
        Ok(Turn { woken_count: poller.dispatch(&batch), was_notified: false })
    }

    /// Makes the waiter of a poller come back, or the next one if there is none.
    pub fn notify(&self, poller: usize) {
        let poller = &self.pollers[poller];
        if poller.claim.notify() {
            poller.os.ring();
        }
    }

    /// Ends the driver: registrations fail from now on, and whoever waits for a source, or would wait,
    /// gets an error that says so. Operations that need not wait still work.
    pub fn shut_down(&self) {
        self.pollers.iter().for_each(|poller| poller.registry.shut_down());
    }

    /// Sets what is called, without any lock, after each registration of a source: whoever sleeps without a
    /// poller because there was no source then looks again.
    ///
    /// # Panics
    /// If it has been set before.
    pub fn set_on_register(&self, f: Box<dyn Fn() + Send + Sync>) {
        assert!(
            self.on_register.set(f).is_ok(),
            "set_on_register() was called twice; call it once"
        );
    }

    /// A source was registered.
    pub(crate) fn registered(&self) {
        if let Some(f) = self.on_register.get() {
            f();
        }
    }

    /// The number of registered sources.
    pub fn source_count(&self) -> usize {
        self.pollers.iter().map(|poller| poller.registry.len()).sum()
    }

    /// The poller for the next source: each in turn.
    pub(crate) fn choose_poller(&self) -> usize {
        if self.pollers.len() == 1 {
            return 0;
        }
        // [ORD-1]
        self.next_poller.fetch_add(1, Ordering::Relaxed) % self.pollers.len()
    }

    pub(crate) fn poller(&self, index: usize) -> &Poller {
        &self.pollers[index]
    }
}

impl Poller {
    fn dispatch(&self, batch: &Batch) -> usize {
        if batch.is_empty() { 0 } else { self.registry.dispatch(batch.occurrences()) }
    }
}

impl fmt::Debug for IoDriver {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("IoDriver").field("pollers", &self.pollers).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
