//! Readiness of any descriptor.
//!
//! asyncio: `loop.add_reader`, `loop.add_writer` and the `loop.sock_*` methods.

pub use bowerbird_io::{
    AsyncFd, Descriptor, Interest, IoWith, Readable, Ready, ReadyFor, Writable,
};
