//! asyncio's streams: a reader and a writer for each connection.
//!
//! | asyncio | here |
//! |---|---|
//! | `StreamReader`, `StreamWriter` | [`StreamReader`], [`StreamWriter`] |
//! | `IncompleteReadError`, `LimitOverrunError` | [`IncompleteReadError`], [`LimitOverrunError`], in a [`ReadError`] |
//! | `open_connection(sock=sock)` | [`from_tcp`]; [`from_stream`] for anything that reads and writes |

pub use bowerbird_net::streams::*;
