//! Where there are no signals, or the feature is off: a run leaves them alone.

use std::io;
use std::sync::Arc;

use bowerbird_io::IoDriver;

use super::session::Session;
use super::settings::{Ending, ShutdownCause};

/// Signals are never taken over.
pub(crate) enum SignalWatch {}

impl SignalWatch {
    pub(crate) fn begin(
        _session: &Arc<Session>,
        _ending: &Ending,
        _io: &Arc<IoDriver>,
    ) -> io::Result<Option<Self>> {
        Ok(None)
    }

    pub(crate) fn count(&self) -> u32 {
        match *self {}
    }

    pub(crate) fn first(&self) -> Option<ShutdownCause> {
        match *self {}
    }
}
