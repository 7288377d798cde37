//! The traits of the ecosystem, implemented where the types are.
//!
//! Reading traits are implemented for the streams, references to them and the reading halves, writing traits
//! for the streams, references to them and the writing halves. Closing ends the writing direction.

mod descriptor;
mod futures_io;
#[cfg(feature = "tokio-io")]
#[allow(unsafe_code, reason = "the read buffer is told how much of it was initialised")]
mod tokio_io;
#[cfg(feature = "hyper")]
#[allow(unsafe_code, reason = "the read buffer is told how much of it was initialised")]
mod hyper;

/// Gives the types that bytes can be read from to a macro, with their generic parameters before them.
macro_rules! for_readers {
    ($implement:ident) => {
        $implement!([] $crate::TcpStream);
        $implement!([] &$crate::TcpStream);
        #[cfg(unix)]
        $implement!([] $crate::UnixStream);
        #[cfg(unix)]
        $implement!([] &$crate::UnixStream);
        #[cfg(unix)]
        $implement!([] $crate::pipe::Receiver);
        #[cfg(windows)]
        $implement!([] $crate::windows::named_pipe::NamedPipeServer);
        #[cfg(windows)]
        $implement!([] &$crate::windows::named_pipe::NamedPipeServer);
        #[cfg(windows)]
        $implement!([] $crate::windows::named_pipe::NamedPipeClient);
        #[cfg(windows)]
        $implement!([] &$crate::windows::named_pipe::NamedPipeClient);
        $implement!([S: $crate::byte_stream::Endpoint] $crate::ReadHalf<'_, S>);
        $implement!([S: $crate::byte_stream::Endpoint] $crate::OwnedReadHalf<S>);
    };
}
use for_readers;

/// The same for what bytes can be written to.
macro_rules! for_writers {
    ($implement:ident) => {
        $implement!([] $crate::TcpStream);
        $implement!([] &$crate::TcpStream);
        #[cfg(unix)]
        $implement!([] $crate::UnixStream);
        #[cfg(unix)]
        $implement!([] &$crate::UnixStream);
        #[cfg(unix)]
        $implement!([] $crate::pipe::Sender);
        #[cfg(windows)]
        $implement!([] $crate::windows::named_pipe::NamedPipeServer);
        #[cfg(windows)]
        $implement!([] &$crate::windows::named_pipe::NamedPipeServer);
        #[cfg(windows)]
        $implement!([] $crate::windows::named_pipe::NamedPipeClient);
        #[cfg(windows)]
        $implement!([] &$crate::windows::named_pipe::NamedPipeClient);
        $implement!([S: $crate::byte_stream::Endpoint] $crate::WriteHalf<'_, S>);
        $implement!([S: $crate::byte_stream::Endpoint] $crate::OwnedWriteHalf<S>);
    };
}
use for_writers;
