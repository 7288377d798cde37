//! asyncio's vocabulary and promises, on a multi-threaded work-stealing executor.
//!
//! A Python asyncio programmer finds every word here with its meaning kept, or its difference stated; a
//! Tokio programmer finds the features of a server runtime. (A bowerbird gathers, weaves and steals.)
//!
//! ```
//! use std::time::Duration;
//!
//! async fn fetch(name: &str, delay_ms: u64) -> String {
//!     bowerbird::sleep(Duration::from_millis(delay_ms)).await;
//!     format!("Done {name}")
//! }
//!
//! let results = bowerbird::run(async {
//!     bowerbird::gather((fetch("A", 30), fetch("B", 20), fetch("C", 10))).await
//! });
//! assert_eq!(results, ("Done A".into(), "Done B".into(), "Done C".into()));
//! ```
//!
//! # Where to begin
//! | for | there is |
//! |---|---|
//! | a program | [`run`], `#[bowerbird::main]`, [`Runner`]; a synchronous program holds a [`Runtime`] |
//! | tasks | [`spawn`] ([`create_task`] is the same), [`spawn_local`], [`Task`], [`TaskHandle`] |
//! | tasks that end together | [`task_group`], [`local_task_group`], [`TaskGroup`], [`TaskSet`], the module [`groups`] |
//! | waiting for several | [`gather`], [`wait`], [`as_completed`]; in place [`join`], [`race`], [`select!`](select) |
//! | limits | [`timeout`], [`fail_after`], [`move_on_after`], [`cancel_scope`] |
//! | cancellation | [`TaskHandle::cancel`], [`catch_cancel`], [`shield`], [`CancellationToken`] |
//! | cleanup that awaits | [`with()`], [`AsyncExitStack`], [`defer`] |
//! | time | [`sleep`], [`interval`], the module [`time`] |
//! | what blocks | [`to_thread`], [`spawn_blocking`], and back with [`from_thread`] |
//! | connections and servers | `open_connection`, `start_server`, the module `streams`; sockets in `net`, TLS in `tls` |
//! | files, standard streams, buffers | the modules `fs` and [`io`] |
//! | locks, queues, channels; signals | the modules [`sync`] and `signal` |
//! | child processes | the module `process`: `create_subprocess_exec`, `Command` |
//! | callbacks for bytes, as asyncio's transports | the module `protocols` |
//! | an end in good order | [`Builder::graceful`](runtime::Builder::graceful), [`shutdown_requested`] |
//! | a loop that is run by hand | [`EventLoop`], [`LoopHandle`], [`future::Future`]; in a GUI's loop: [`start_guest_run`] |
//!
//! A type that a function returns and that is seldom written down has its name in the module of its area:
//! [`tasks`], [`groups`], [`runtime`], [`event_loop`].
//!
//! The examples `worker_pool`, `graceful_server` and `fan_out` are programs that use them together;
//! docs/from-asyncio.md in the repository has each name of asyncio with its form here.
//!
//! # How it differs from asyncio
//! - Tasks run on several threads, so what is spawned is `Send`; [`spawn_local`] takes the rest. With one
//!   worker (`BOWERBIRD_WORKERS=1`) ready tasks run in FIFO order, as in asyncio.
//! - The runtime owns its tasks: one whose handle is dropped runs on.
//! - A cancellation is no exception. It is a request, which is offered to what the task awaits; a scope or a join
//!   may answer it. Where nobody does, the future is dropped, from the innermost scope outwards.
//! - Cleanups that await ([`with()`], [`defer`]) run to their end before the scope around them ends, on a
//!   cancellation, a timeout, a lost race and a panic too; shielded, and within a grace deadline.
//! - Blocks are functions: `async with TaskGroup() as group` is `task_group(async |group| ..)`.
//! - Errors are `Err`s: of a task that was cancelled or panicked, of a [`timeout`], of a group, whose
//!   [`ExceptionGroup`] has them all.
//! - [`run`] answers `SIGINT` and `SIGTERM`, and returns when every task it started has ended.
//!
//! # Features
//! | feature | default | adds |
//! |---|---|---|
//! | `macros` | yes | `#[bowerbird::main]`, `#[bowerbird::test]`, `#[bowerbird::cancel_safe]` |
//! | `net` | yes | the module `net`: TCP, UDP, Unix sockets and pipes, with the traits of futures-io |
//! | `process` | yes | the module `process`: child processes, with pipes as streams |
//! | `signal` | yes | the module `signal`: signals, on Windows console events; on Unix `run` answers Ctrl-C |
//! | `fs` | yes | the module `fs`; `stdin`, `stdout` and `stderr` in `io` |
//! | `codec` | no | the module `codec`: frames out of streams of bytes; brings the crate `bytes` |
//! | `tokio-io` | no | tokio's `AsyncRead` and `AsyncWrite` for the streams of `net` |
//! | `tls` | no | the module `tls`: TLS over any stream, by rustls |
//! | `hyper` | no | hyper's `Read` and `Write` for these streams, and the module `hyper`: executor and timer |

#![forbid(unsafe_code)]
#![cfg_attr(docsrs, feature(doc_cfg))]

mod run;
pub mod runtime;
pub mod tasks;
mod cancel;
mod cleanup;
pub mod groups;
mod scope;
mod slots;
#[cfg(feature = "fs")]
mod offloaded;
pub mod future;
pub mod event_loop;
pub mod from_thread;
pub mod time;
pub mod io;
#[cfg(feature = "fs")]
pub mod fs;
#[cfg(feature = "net")]
pub mod net;
#[cfg(feature = "codec")]
#[doc(inline)]
pub use bowerbird_net::codec;
#[cfg(feature = "net")]
pub mod protocols;
#[cfg(feature = "process")]
pub mod process;
#[cfg(all(any(unix, windows), feature = "signal"))]
pub mod signal;
pub mod stream;
#[cfg(feature = "net")]
pub mod streams;
pub mod sync;
pub mod context;
#[cfg(feature = "tls")]
pub use bowerbird_net::tls;
#[cfg(feature = "hyper")]
pub mod hyper;

pub use bowerbird_base::cancel_safe::CancelSafe;
pub use bowerbird_core::{
    Task, TaskBuilder, TaskError, TaskHandle, block_in_place, capture_call_graph,
    format_call_graph, print_call_graph,
};
#[cfg(feature = "macros")]
pub use bowerbird_macros::{cancel_safe, main, test};
pub use cancel::{
    CancelScope, CancellationToken, Cancelled, cancel_scope, catch_cancel,
    current_effective_deadline, fail_after, fail_at, move_on_after, move_on_at, shield,
};
pub use cleanup::{
    AsyncContextManager, AsyncExitStack, LocalAsyncContextManager, Outcome, defer, try_with,
    try_with_local, with, with_local, with_send,
};
pub use event_loop::guest::start_guest_run;
pub use event_loop::threadsafe::run_coroutine_threadsafe;
#[doc(inline)]
pub use event_loop::{EventLoop, LoopHandle};
pub use groups::exception_group::ExceptionGroup;
pub use groups::group::Group;
pub use groups::local_task_group::{LocalGroup, local_task_group};
pub use groups::task_failure::BoxError;
pub use groups::task_group::{Policy, TaskGroup, task_group, task_group_send};
pub use run::{RunError, Runner, run};
#[doc(inline)]
pub use runtime::Runtime;
pub use runtime::shutdown::{is_shutting_down, shutdown_requested};
#[cfg(feature = "net")]
#[doc(inline)]
pub use streams::{Server, StreamReader, StreamWriter, open_connection, start_server};
#[cfg(all(unix, feature = "net"))]
#[doc(inline)]
pub use streams::{open_unix_connection, start_unix_server};
pub use tasks::as_completed::as_completed;
pub use tasks::current::{all_tasks, current_task};
pub use tasks::gather::{gather, gather_iter, try_gather};
pub use tasks::join::{join, try_join};
pub use tasks::lossy::lossy;
pub use tasks::race::{race, race_iter};
pub use tasks::spawn::{create_task, spawn, spawn_eager, spawn_local};
pub use tasks::staggered_race::staggered_race;
pub use tasks::task_set::TaskSet;
pub use tasks::timeout::{TimeoutError, timeout, timeout_at};
pub use tasks::to_thread::{spawn_blocking, to_thread};
pub use tasks::wait::{ReturnWhen, wait};
pub use tasks::wait_for::wait_for;
pub use tasks::yield_now::yield_now;
pub use time::{interval, interval_at, sleep, sleep_until};

/// What the macros need; not part of the API.
#[doc(hidden)]
pub mod __private {
    pub use crate::run::run_main;
    pub use crate::tasks::cancel_safe_future::cancel_safe;
    pub use crate::tasks::contest::{Branch, NoBranch, Won};
    pub use crate::tasks::select::{branch, select};
    #[cfg(feature = "macros")]
    pub use bowerbird_macros::select_branches;
}

/// The snippets of the README, compiled and run.
#[cfg(doctest)]
#[doc = include_str!("../../../README.md")]
mod readme {}
