//! The system's handles, for calls that are not here. Such calls must not change what is non-blocking, and a
//! read or write that says `WouldBlock` is better made through the type's own methods, which note that.

#[cfg(unix)]
mod system {
    pub(super) use std::os::fd::{
        AsFd as Handle, AsRawFd as RawHandle, BorrowedFd as Borrowed, RawFd as Raw,
    };
}
#[cfg(windows)]
mod system {
    pub(super) use std::os::windows::io::{
        AsRawSocket as RawHandle, AsSocket as Handle, BorrowedSocket as Borrowed, RawSocket as Raw,
    };
}

macro_rules! handles {
    ($type:ty, |$this:ident| $os:expr) => {
        impl system::Handle for $type {
            #[cfg(unix)]
            fn as_fd(&self) -> system::Borrowed<'_> {
                let $this = self;
                $os.as_fd()
            }

            #[cfg(windows)]
            fn as_socket(&self) -> system::Borrowed<'_> {
                let $this = self;
                $os.as_socket()
            }
        }

        impl system::RawHandle for $type {
            #[cfg(unix)]
            fn as_raw_fd(&self) -> system::Raw {
                let $this = self;
                $os.as_raw_fd()
            }

            #[cfg(windows)]
            fn as_raw_socket(&self) -> system::Raw {
                let $this = self;
                $os.as_raw_socket()
            }
        }
    };
}

use crate::accepting::Listener;
use crate::byte_stream::Endpoint;

handles!(crate::TcpStream, |this| this.core().os());
handles!(crate::TcpListener, |this| this.source().get_ref());
handles!(crate::UdpSocket, |this| this.os());
#[cfg(unix)]
handles!(crate::UnixStream, |this| this.core().os());
#[cfg(unix)]
handles!(crate::UnixDatagram, |this| this.os());
#[cfg(unix)]
handles!(crate::UnixListener, |this| this.source().get_ref());
#[cfg(unix)]
handles!(crate::UnixSocket, |this| this.socket());
#[cfg(unix)]
handles!(crate::pipe::Sender, |this| this.core().os());
#[cfg(unix)]
handles!(crate::pipe::Receiver, |this| this.core().os());
handles!(crate::TcpSocket, |this| this.socket());
