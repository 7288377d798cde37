//! A descriptor that a signal handler may write to, and that a task can await.
//!
//! On Linux an eventfd: one descriptor, and a counter that a read sets back, so that rings which nobody has
//! heard are one. Elsewhere a pair of sockets.

use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, RawFd};
use std::sync::Arc;

#[cfg(any(target_os = "linux", target_os = "android"))]
type Fd = std::os::fd::OwnedFd;
#[cfg(not(any(target_os = "linux", target_os = "android")))]
type Fd = std::os::unix::net::UnixStream;

/// The end that is awaited. It does not block.
#[derive(Debug)]
pub struct Bell {
    reader: Arc<Fd>,
    writer: Arc<Fd>,
}

/// The end that a handler has.
#[derive(Debug, Clone)]
pub(crate) struct Ringer(Arc<Fd>);

impl Bell {
    /// Makes a bell.
    ///
    /// # Errors
    /// The system gives no descriptor.
    #[cfg(any(target_os = "linux", target_os = "android"))]
    pub fn new() -> io::Result<Self> {
        use rustix::event::{EventfdFlags, eventfd};
        let fd = Arc::new(eventfd(0, EventfdFlags::CLOEXEC | EventfdFlags::NONBLOCK)?);
        Ok(Self { reader: fd.clone(), writer: fd })
    }

    /// Makes a bell.
    ///
    /// # Errors
    /// The system gives no descriptor.
    #[cfg(not(any(target_os = "linux", target_os = "android")))]
    pub fn new() -> io::Result<Self> {
        let (reader, writer) = Fd::pair()?;
        reader.set_nonblocking(true)?;
        writer.set_nonblocking(true)?;
        Ok(Self { reader: Arc::new(reader), writer: Arc::new(writer) })
    }

    pub(crate) fn ringer(&self) -> Ringer {
        Ringer(self.writer.clone())
    }

    /// Takes all rings so far.
    ///
    /// # Errors
    /// `WouldBlock`: nobody has rung.
    pub fn take(&self) -> io::Result<()> {
        let mut buffer = [0; 64];
        let mut has_rung = false;
        loop {
            match rustix::io::read(&*self.reader, &mut buffer) {
                // An eventfd gives eight bytes, which are all it has.
                Ok(count) if count < buffer.len() => return Ok(()),
                Ok(_) => has_rung = true,
                Err(rustix::io::Errno::INTR) => {}
                Err(rustix::io::Errno::WOULDBLOCK) if has_rung => return Ok(()),
                Err(error) => return Err(error.into()),
            }
        }
    }
}

impl AsFd for Bell {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.reader.as_fd()
    }
}

impl Ringer {
    /// Rings. A signal handler may call it: it is one system call, and fails only when so many rings are
    /// unheard that one more says nothing new.
    pub(crate) fn ring(&self) {
        Self::ring_raw(self.0.as_fd());
    }

    /// The same, for a handler that has nothing but the number.
    pub(crate) fn ring_raw(bell: BorrowedFd<'_>) {
        let _ = rustix::io::write(bell, &1_u64.to_ne_bytes());
    }

    pub(crate) fn raw(&self) -> RawFd {
        self.0.as_raw_fd()
    }
}
