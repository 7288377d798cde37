//! Reads that do not block, where the system has them.

use std::fs::File;
use std::io;

/// Reads what the system has in memory, at the file's position; `None` if that cannot be told, or would block.
#[cfg(target_os = "linux")]
pub(super) fn read(file: &File, buffer: &mut [u8]) -> Option<io::Result<usize>> {
    use rustix::io::ReadWriteFlags;

    /// A longer read blocks the worker for as long as it copies.
    const MOST: usize = 64 * 1024;
    /// At the position of the file, which it moves.
    const AT_POSITION: u64 = u64::MAX;

    let length = buffer.len().min(MOST);
    let buffers = &mut [io::IoSliceMut::new(&mut buffer[..length])];
    match rustix::io::preadv2(file, buffers, AT_POSITION, ReadWriteFlags::NOWAIT) {
        Ok(count) => Some(Ok(count)),
        // Not in memory, or a file or a system that has no such flag: the pool knows what is wrong, if anything is.
        Err(_) => None,
    }
}

/// No other system has it.
#[cfg(not(target_os = "linux"))]
pub(super) fn read(_file: &File, _buffer: &mut [u8]) -> Option<io::Result<usize>> {
    None
}
