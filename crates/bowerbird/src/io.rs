//! Readiness of any descriptor.
//!
//! asyncio: `loop.add_reader`, `loop.add_writer` and the `loop.sock_*` methods.
//!
//! [`AsyncFd`] makes anything with a descriptor awaitable: what the module `net` stands on, and what to use for
//! a socket, a pipe or a device that has no type of its own here.

pub use bowerbird_io::{
    AsyncFd, Descriptor, Interest, IoWith, Readable, Ready, ReadyFor, Writable,
};
