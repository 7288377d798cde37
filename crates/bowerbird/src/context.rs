//! Context variables: values that follow a task and what it spawns.
//!
//! asyncio: the module `contextvars`.
//!
//! # Examples
//! ```
//! use bowerbird::context::ContextVar;
//! static USER: ContextVar<&str> = ContextVar::new("user");
//!
//! bowerbird::run(async {
//!     USER.set("ann");
//!     let task = bowerbird::spawn(async { USER.get() });
//!     USER.set("bob"); // the task has a copy from before
//!     assert_eq!((task.await.unwrap(), USER.get()), (Some("ann"), Some("bob")));
//! });
//! ```

pub use bowerbird_core::{Context, ContextVar, Token, VarScope, context_var, copy_context};
