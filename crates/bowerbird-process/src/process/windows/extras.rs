//! What a start on Windows can be told besides.

use std::ffi::OsStr;
use std::os::windows::process::CommandExt;
use std::process as os;

use crate::process::Command;

/// Nothing that std has no word for.
#[derive(Default)]
pub(crate) struct Extras {
    pub(crate) without_pidfd: bool,
}

impl Extras {
    pub(crate) fn apply(&mut self, _std: &mut os::Command) {}
}

/// Windows.
impl Command {
    /// Sets flags of `CreateProcess`, as `CREATE_NEW_PROCESS_GROUP`.
    ///
    /// asyncio: `creationflags=`.
    pub fn creation_flags(&mut self, flags: u32) -> &mut Self {
        self.as_std_mut().creation_flags(flags);
        self
    }

    /// Adds an argument as it is, without quotes around it.
    ///
    /// asyncio: `create_subprocess_shell`, in part.
    pub fn raw_arg(&mut self, text: impl AsRef<OsStr>) -> &mut Self {
        self.as_std_mut().raw_arg(text);
        self
    }
}
