//! How a source is registered.

use std::error::Error;
use std::fmt;
use std::io;
use std::sync::Arc;

use bowerbird_base::sync::static_atomic::AtomicU8;

use super::AsyncFd;
use crate::current::expect_current;
use crate::descriptor::{Descriptor, borrow};
use crate::driver::IoDriver;
use crate::interest::Interest;
use crate::registration::Registration;

impl<T: Descriptor> AsyncFd<T> {
    /// Registers a descriptor for reading and writing with the current runtime.
    ///
    /// asyncio: `loop.add_reader(fd, ..)` without a callback.
    ///
    /// # Errors
    /// The system cannot poll this descriptor (a regular file: `EPERM`), it is registered already, or the
    /// runtime is shutting down. The descriptor is closed then.
    ///
    /// # Panics
    /// Called outside a runtime.
    ///
    /// # Examples
    /// ```
    /// use bowerbird::io::AsyncFd;
    /// use std::net::UdpSocket;
    ///
    /// bowerbird::run(async {
    ///     let (here, there) = (UdpSocket::bind("127.0.0.1:0")?, UdpSocket::bind("127.0.0.1:0")?);
    ///     here.set_nonblocking(true)?;
    ///     let here = AsyncFd::new(here)?;
    ///     there.send_to(b"hello", here.get_ref().local_addr()?)?;
    ///
    ///     let mut buffer = [0; 16];
    ///     let count = here.read_with(|socket| socket.recv(&mut buffer)).await?;
    ///     assert_eq!(&buffer[..count], b"hello");
    ///     std::io::Result::Ok(())
    /// }).unwrap();
    /// ```
    #[track_caller]
    pub fn new(inner: T) -> io::Result<Self> {
        Self::register(
            expect_current("AsyncFd::new"),
            inner,
            Interest::READABLE | Interest::WRITABLE,
        )
    }

    /// Registers a descriptor for some directions only, as for the end of a pipe.
    ///
    /// asyncio: the choice between `add_reader` and `add_writer`.
    ///
    /// # Errors
    /// As for [`AsyncFd::new`].
    ///
    /// # Panics
    /// Called outside a runtime.
    ///
    /// # Examples
    /// ```
    /// use bowerbird::io::{AsyncFd, Interest};
    /// use std::net::UdpSocket;
    ///
    /// bowerbird::run(async {
    ///     let here = UdpSocket::bind("127.0.0.1:0")?;
    ///     here.set_nonblocking(true)?;
    ///     let here = AsyncFd::with_interest(here, Interest::WRITABLE)?;
    ///     here.writable().await?;
    ///     assert!(here.readable().await.is_err(), "registered for writing only");
    ///     std::io::Result::Ok(())
    /// }).unwrap();
    /// ```
    #[track_caller]
    pub fn with_interest(inner: T, interest: Interest) -> io::Result<Self> {
        Self::register(expect_current("AsyncFd::with_interest"), inner, interest)
    }

    /// As [`AsyncFd::new`], and gives the descriptor back if that fails.
    ///
    /// asyncio: no counterpart.
    ///
    /// # Errors
    /// As for [`AsyncFd::new`], with the descriptor's owner.
    ///
    /// # Panics
    /// Called outside a runtime.
    ///
    /// # Examples
    /// ```
    /// # #[cfg(target_os = "linux")]
    /// bowerbird::run(async {
    ///     let file = std::fs::File::open("/proc/self/exe").unwrap();
    ///     let (file, error) = bowerbird::io::AsyncFd::try_new(file).unwrap_err().into_parts();
    ///     assert_eq!(error.kind(), std::io::ErrorKind::PermissionDenied, "the system cannot poll it");
    ///     assert!(file.metadata().unwrap().is_file());
    /// });
    /// ```
    #[track_caller]
    pub fn try_new(inner: T) -> Result<Self, RegisterError<T>> {
        let interest = Interest::READABLE | Interest::WRITABLE;
        Self::try_register(expect_current("AsyncFd::try_new"), inner, interest)
    }

    /// As [`AsyncFd::with_interest`], and gives the descriptor back if that fails.
    ///
    /// asyncio: no counterpart.
    ///
    /// # Errors
    /// As for [`AsyncFd::new`], with the descriptor's owner.
    ///
    /// # Panics
    /// Called outside a runtime.
    #[track_caller]
    pub fn try_with_interest(inner: T, interest: Interest) -> Result<Self, RegisterError<T>> {
        Self::try_register(expect_current("AsyncFd::try_with_interest"), inner, interest)
    }

    /// Registers a descriptor with a driver that the caller names.
    ///
    /// # Errors
    /// As for [`AsyncFd::new`].
    #[doc(hidden)]
    pub fn register(driver: Arc<IoDriver>, inner: T, interest: Interest) -> io::Result<Self> {
        Self::try_register(driver, inner, interest).map_err(io::Error::from)
    }

    fn try_register(
        driver: Arc<IoDriver>,
        inner: T,
        interest: Interest,
    ) -> Result<Self, RegisterError<T>> {
        let registration = match Registration::new(driver, borrow(&inner), interest) {
            Ok(registration) => registration,
            Err(error) => return Err(RegisterError::new(inner, error)),
        };
        // What is registered for reading hears of urgent data as well, and everything of errors.
        let urgent = if interest.is_readable() { Interest::PRIORITY } else { Interest::ERROR };
        let interest = interest | urgent | Interest::ERROR;
        Ok(Self { registration, interest, suspended: AtomicU8::new(0), inner: Some(inner) })
    }
}

/// The descriptor's owner, and why it could not be registered.
///
/// asyncio: no counterpart.
///
/// # Examples
/// See [`AsyncFd::try_new`](crate::AsyncFd::try_new).
pub struct RegisterError<T> {
    inner: T,
    error: io::Error,
}

impl<T> RegisterError<T> {
    pub(super) fn new(inner: T, error: io::Error) -> Self {
        Self { inner, error }
    }

    /// Gives both.
    pub fn into_parts(self) -> (T, io::Error) {
        (self.inner, self.error)
    }
}

impl<T> From<RegisterError<T>> for io::Error {
    fn from(error: RegisterError<T>) -> Self {
        error.error
    }
}

impl<T> fmt::Display for RegisterError<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the descriptor cannot be registered: {}", self.error)
    }
}

impl<T> fmt::Debug for RegisterError<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RegisterError").field("error", &self.error).finish_non_exhaustive()
    }
}

impl<T> Error for RegisterError<T> {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        Some(&self.error)
    }
}
