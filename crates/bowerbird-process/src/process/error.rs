//! The process is not there any more.

use std::error::Error;
use std::fmt;
use std::io;

/// A signal was to be sent to a process that has ended.
///
/// asyncio: `ProcessLookupError`, an `OSError`; here it is inside of an [`io::Error`] of the kind `NotFound`. Nothing
/// was sent: another process may have the number by now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ProcessLookupError {
    pub(super) pid: u32,
}

impl ProcessLookupError {
    /// Returns the number that the process had.
    pub fn pid(&self) -> u32 {
        self.pid
    }
}

impl fmt::Display for ProcessLookupError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "process {} has ended: there is nobody to send a signal to", self.pid)
    }
}

impl Error for ProcessLookupError {}

impl From<ProcessLookupError> for io::Error {
    fn from(error: ProcessLookupError) -> Self {
        Self::new(io::ErrorKind::NotFound, error)
    }
}
