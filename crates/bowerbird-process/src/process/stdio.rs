//! What the three standard streams of a child are.

use std::fmt;
use std::fs::File;
use std::process as os;

#[cfg(unix)]
pub(super) use std::os::fd::OwnedFd as Owned;
#[cfg(windows)]
pub(super) use std::os::windows::io::OwnedHandle as Owned;

/// What a standard stream of a child is: a pipe, nothing, that of this process, or a file.
///
/// asyncio: what `stdin=`, `stdout=` and `stderr=` take: [`PIPE`], [`DEVNULL`], [`STDOUT`], or a file object. Files,
/// descriptors and `std::process::Stdio` turn into it.
pub struct Stdio(pub(super) Kind);

pub(super) enum Kind {
    Inherit,
    Null,
    Piped,
    /// Where standard output goes.
    Stdout,
    Owned(Owned),
    /// Until the first start, which hands it to std.
    Std(Option<os::Stdio>),
}

/// A pipe to this process.
///
/// asyncio: `asyncio.subprocess.PIPE`.
pub const PIPE: Stdio = Stdio(Kind::Piped);

/// Nothing: reads end at once, what is written is lost.
///
/// asyncio: `asyncio.subprocess.DEVNULL`.
pub const DEVNULL: Stdio = Stdio(Kind::Null);

/// Of standard error: where standard output goes.
///
/// asyncio: `asyncio.subprocess.STDOUT`.
pub const STDOUT: Stdio = Stdio(Kind::Stdout);

impl Stdio {
    /// A pipe to this process: [`PIPE`].
    pub const fn piped() -> Self {
        PIPE
    }

    /// Nothing: [`DEVNULL`].
    pub const fn null() -> Self {
        DEVNULL
    }

    /// That of this process.
    ///
    /// asyncio: `None`.
    pub const fn inherit() -> Self {
        Self(Kind::Inherit)
    }
}

/// What has a descriptor (on Windows a handle) of its own.
macro_rules! from_owned {
    ($($type:ty),*) => {
        $(impl From<$type> for Stdio {
            fn from(owner: $type) -> Self {
                Self(Kind::Owned(owner.into()))
            }
        })*
    };
}

from_owned!(File, Owned, os::ChildStdin, os::ChildStdout, os::ChildStderr);

impl From<os::Stdio> for Stdio {
    fn from(stdio: os::Stdio) -> Self {
        Self(Kind::Std(Some(stdio)))
    }
}

impl fmt::Debug for Stdio {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match &self.0 {
            Kind::Inherit => "inherit",
            Kind::Null => "DEVNULL",
            Kind::Piped => "PIPE",
            Kind::Stdout => "STDOUT",
            Kind::Owned(_) => "file",
            Kind::Std(_) => "Stdio",
        })
    }
}
