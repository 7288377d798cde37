//! Readers, writers, and the readiness of any descriptor.
//!
//! asyncio: `StreamReader` and `StreamWriter` for any source and sink of bytes; `loop.add_reader`,
//! `loop.add_writer` and the `loop.sock_*` methods.
//!
//! With the feature `net`: the traits of futures-io, which many libraries share, with extension traits for the methods
//! that one uses ([`AsyncReadExt`], [`AsyncWriteExt`], [`AsyncBufReadExt`], [`AsyncSeekExt`]); buffers, pipes in
//! memory, [`copy`]. The futures of the methods are in [`futures`]. With the feature `fs` also [`stdin`], [`stdout`] and
//! [`stderr`].
//!
//! [`AsyncFd`] makes anything with a descriptor awaitable: what the module `net` stands on, and what to use for
//! a socket, a pipe or a device that has no type of its own here.

#[cfg(feature = "fs")]
mod stdin;
#[cfg(feature = "fs")]
mod stdout;

pub use bowerbird_io::{
    AsyncFd, Descriptor, Guarded, Interest, IoWith, IoWithMut, Ready, ReadyFor, ReadyGuard,
    RegisterError,
};
#[cfg(feature = "net")]
pub use bowerbird_net::io::*;
#[cfg(feature = "fs")]
pub use stdin::{Stdin, stdin};
#[cfg(feature = "fs")]
pub use stdout::{Stderr, Stdout, stderr, stdout};
