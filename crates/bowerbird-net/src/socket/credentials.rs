//! Who is at the other end of a Unix socket.

use std::io;
use std::os::fd::BorrowedFd;

/// Process (where the system tells), user and group.
pub(crate) type Credentials = (Option<i32>, u32, u32);

#[cfg(any(target_os = "linux", target_os = "android"))]
pub(crate) fn credentials_of_peer(socket: BorrowedFd<'_>) -> io::Result<Credentials> {
    use std::os::fd::AsRawFd;
    let mut peer = libc::ucred { pid: 0, uid: 0, gid: 0 };
    let mut length = size_of::<libc::ucred>() as libc::socklen_t;
    // Not through rustix: its process number cannot be 0, which stands for one that this process cannot see.
    // SAFETY: the descriptor is open while it is borrowed; the call writes at most `length` bytes, the size of
    // `peer`, behind the first pointer and a length behind the second, which are to locals of these types.
    let result = unsafe {
        libc::getsockopt(
            socket.as_raw_fd(),
            libc::SOL_SOCKET,
            libc::SO_PEERCRED,
            (&raw mut peer).cast(),
            &raw mut length,
        )
    };
    match result {
        0 => Ok(((peer.pid > 0).then_some(peer.pid), peer.uid, peer.gid)),
        _ => Err(io::Error::last_os_error()),
    }
}

#[cfg(any(
    target_os = "macos",
    target_os = "ios",
    target_os = "freebsd",
    target_os = "netbsd",
    target_os = "openbsd",
    target_os = "dragonfly",
))]
pub(crate) fn credentials_of_peer(socket: BorrowedFd<'_>) -> io::Result<Credentials> {
    use std::os::fd::AsRawFd;
    let (mut user, mut group) = (0, 0);
    // SAFETY: the descriptor is open while it is borrowed, and the call writes one integer behind each of the
    // two pointers, which are to locals of these types.
    match unsafe { libc::getpeereid(socket.as_raw_fd(), &raw mut user, &raw mut group) } {
        0 => Ok((None, user, group)),
        _ => Err(io::Error::last_os_error()),
    }
}

#[cfg(not(any(
    target_os = "linux",
    target_os = "android",
    target_os = "macos",
    target_os = "ios",
    target_os = "freebsd",
    target_os = "netbsd",
    target_os = "openbsd",
    target_os = "dragonfly",
)))]
pub(crate) fn credentials_of_peer(_socket: BorrowedFd<'_>) -> io::Result<Credentials> {
    Err(io::Error::new(
        io::ErrorKind::Unsupported,
        "this system has no call that tells who is at the other end of a Unix socket",
    ))
}
