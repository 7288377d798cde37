//! Who is at the other end of a Unix socket.

use std::io;
use std::os::fd::BorrowedFd;

use crate::socket;

/// The user, the group and, where the system tells it, the process at the other end of a Unix socket, as they
/// were when it connected or began to listen.
///
/// asyncio: no counterpart (`struct ucred` of `SO_PEERCRED`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct UCred {
    process: Option<i32>,
    user: u32,
    group: u32,
}

impl UCred {
    pub(super) fn of_peer(socket: BorrowedFd<'_>) -> io::Result<Self> {
        let (process, user, group) = socket::credentials_of_peer(socket)?;
        Ok(Self { process, user, group })
    }

    /// The number of the user.
    pub fn uid(&self) -> u32 {
        self.user
    }

    /// The number of the group.
    pub fn gid(&self) -> u32 {
        self.group
    }

    /// The number of the process: on Linux only, and not of one that this process cannot see.
    pub fn pid(&self) -> Option<i32> {
        self.process
    }
}
