//! What a handler does for a listener, from its registration to its end.

use std::io;

use signal_hook_registry::SigId;

use super::SignalKind;
use crate::bell::Ringer;

/// A bell is rung at each delivery of a signal as long as this lives.
#[derive(Debug)]
pub(crate) struct Action(SigId);

impl Action {
    /// From now on each delivery rings.
    pub(crate) fn register(kind: SignalKind, ringer: Ringer) -> io::Result<Self> {
        // Forbidden signals make the next call panic.
        kind.check()?;
        // SAFETY: the action may be called by a signal handler, at any point of any thread: it makes one
        // `write` to a descriptor that it owns, takes no lock, allocates nothing, and cannot panic. The
        // registry keeps `errno`, and drops the action outside of handlers, when none calls it any more.
        let registered =
            unsafe { signal_hook_registry::register(kind.as_raw(), move || ringer.ring()) };
        registered.map(Self).map_err(|error| kind.refused(error.kind(), error))
    }
}

impl Drop for Action {
    fn drop(&mut self) {
        signal_hook_registry::unregister(self.0);
    }
}
