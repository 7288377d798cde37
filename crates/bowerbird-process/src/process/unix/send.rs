//! Signals to a child.

use std::io;

/// Who is sent a signal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Target {
    Process,
    /// The group that the process leads.
    Group,
}

/// Sends a signal to whoever has the number.
pub(super) fn by_number(pid: u32, signal: i32, target: Target) -> io::Result<()> {
    let pid = pid as libc::pid_t;
    let number = if target == Target::Group { -pid } else { pid };
    // SAFETY: the call takes any numbers. Whom it reaches is the caller's concern, who holds the lock under which the
    // child is reaped.
    let result = unsafe { libc::kill(number, signal) };
    if result == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
}

/// Sends a signal to the process that a descriptor stands for, or to its group; to no other, whatever has become of
/// its number. rustix has it for named signals, and without the group.
#[cfg(any(target_os = "linux", target_os = "android"))]
pub(super) fn by_pidfd(
    pidfd: std::os::fd::BorrowedFd<'_>,
    signal: i32,
    target: Target,
) -> io::Result<()> {
    use std::os::fd::AsRawFd;
    /// Linux 6.9; older kernels say `EINVAL`.
    const PIDFD_SIGNAL_PROCESS_GROUP: libc::c_uint = 4;
    let flags = if target == Target::Group { PIDFD_SIGNAL_PROCESS_GROUP } else { 0 };
    let info: *const libc::siginfo_t = std::ptr::null();
    // SAFETY: the descriptor is borrowed for the call; without an information the system fills in one as `kill` does.
    let result = unsafe {
        libc::syscall(libc::SYS_pidfd_send_signal, pidfd.as_raw_fd(), signal, info, flags)
    };
    if result == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
}
