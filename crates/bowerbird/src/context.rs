//! Context variables: values that follow a task and what it spawns.
//!
//! asyncio: the module `contextvars`.

pub use bowerbird_core::{Context, ContextVar, Token, copy_context};
