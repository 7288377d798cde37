//! The life of a registration: a descriptor becomes a key, until it is deregistered.
//!
//! The end comes in this order, and the order matters:
//! 1. The key leaves the registry: no event reaches the source any more, not even one that is in the batch
//!    of another thread.
//! 2. The descriptor leaves the system's poller: if a duplicate of it lives on (in a child, say), closing
//!    ours would not remove it, and its events would come for ever.
//! 3. The descriptor is closed, or given back to the user.

use std::io;
use std::sync::Arc;

use bowerbird_base::sync;

use crate::descriptor::Borrowed;
use crate::driver::IoDriver;
use crate::interest::Interest;
use crate::poller::OsPoller;
use crate::registry::Key;
use crate::source::Source;

/// A registered source. It does not own the descriptor: its owner calls [`Registration::end`] before it
/// lets go of that.
#[derive(Debug)]
pub(crate) struct Registration {
    driver: Arc<IoDriver>,
    poller: usize,
    key: Key,
    pub(crate) source: sync::Arc<Source>,
}

impl Registration {
    pub(crate) fn new(
        driver: Arc<IoDriver>,
        descriptor: Borrowed<'_>,
        interest: Interest,
    ) -> io::Result<Self> {
        let poller = driver.choose_poller();
        let source = sync::Arc::new(Source::new());
        // The key must be known before the first event can come.
        let key = driver.poller(poller).registry.insert(source.clone())?;
        if let Err(error) = driver.poller(poller).os.add(descriptor, key, interest) {
            driver.poller(poller).registry.remove(key);
            return Err(error);
        }
        driver.registered();
        Ok(Self { driver, poller, key, source })
    }

    /// Arms the source for a waiter that has stored its waker, where that is needed.
    #[inline]
    pub(crate) fn arm(&self, descriptor: Borrowed<'_>, interest: Interest) -> io::Result<()> {
        let os = &self.driver.poller(self.poller).os;
        if !os.is_one_shot() {
            return Ok(());
        }
        self.source.arm(interest, |all| os.arm(descriptor, self.key, all))
    }

    /// Whether a short read may clear readiness on this system.
    pub(crate) const SHOWS_CLOSED: bool = OsPoller::SHOWS_CLOSED;

    /// Deregisters.
    pub(crate) fn end(&self, descriptor: Borrowed<'_>) {
        let poller = self.driver.poller(self.poller);
        poller.registry.remove(self.key);
        // It fails if the user has put another descriptor in its place; then that one is not ours to touch.
        let _ = poller.os.delete(descriptor);
    }

    pub(crate) fn driver(&self) -> &Arc<IoDriver> {
        &self.driver
    }
}
