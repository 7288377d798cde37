//! The executor of bowerbird: tasks, wakers, work-stealing workers, the blocking pool.
//!
//! ```text
//! spawn -> schedule -> worker -> poll -> Pending: a leaf keeps the waker
//!             ^                            |
//!             '--------- wake <------------'   { event | deadline | another task | another thread }
//! ```
//! The modules stand in the order of a task's journey. This crate knows no descriptor and no wheel: what
//! its workers sleep on is a [`Park`], and only `std::task::Waker` and the types of `bowerbird-base` come
//! in. Users see it through the umbrella crate `bowerbird`.

#[allow(unsafe_code, reason = "makes typed handles of headers")]
mod spawn;
#[allow(unsafe_code, reason = "finds a task's seat by its number")]
mod schedule;
mod queue;
#[allow(unsafe_code, reason = "only the occupant reaches the core of its seat")]
mod worker;
#[allow(unsafe_code, reason = "calls the functions that know the future's type")]
mod poll;
#[allow(unsafe_code, reason = "a waker is a pointer to a header")]
mod wake;
mod task;
#[allow(unsafe_code, reason = "an allocator of tasks")]
mod cells;
mod idle;
mod park;
#[allow(unsafe_code, reason = "an intrusive list")]
mod owned;
#[allow(unsafe_code, reason = "leads from a number to a runtime")]
mod owner;
#[allow(unsafe_code, reason = "the core of a seat is its occupant's")]
mod seat;
#[allow(unsafe_code, reason = "takes the thieves' ends of new seats")]
mod runtime;
#[allow(unsafe_code, reason = "looks whether local tasks are left in the seat that it leaves")]
mod block_on;
mod shutdown;
mod turns;
mod shutdown_request;
mod rescue;
mod batch;
mod blocking;
#[allow(unsafe_code, reason = "a thread-local pointer to this thread's seat")]
mod current;
mod watch;
mod call_graph;
mod variables;
mod random;
mod config;
mod unhandled;
mod report;
mod handle;
mod task_builder;

pub use block_on::{InsideRuntime, block_in_place, check_may_block};
pub use blocking::spawn_blocking;
pub use call_graph::{
    CallGraph, Omitted, WaitsFor, capture_awaiters, capture_call_graph, format_call_graph,
    note_tasks, print_call_graph,
};
pub use config::{Config, Hook, MAX_WORKERS, PanicPolicy, TaskHook, TaskHooks};
pub use handle::{EnterGuard, Handle, all_tasks, current_task};
pub use park::{Park, ParkOnly, Parker};
pub use random::random_below;
pub use report::{
    ExceptionHandler, call_exception_handler, caught_at, default_exception_handler, report_cleanup,
};
pub use runtime::{Runtime, Threads};
pub use shutdown::Patience;
pub use shutdown_request::{ShutdownHook, ShutdownRequested};
pub use spawn::{SpawnError, SpawnOptions, spawn, spawn_joined, spawn_local, spawn_with};
pub use task::cancel_on_drop::CancelOnDrop;
pub use task::error::TaskError;
pub use task::forward::{Forwarded, forward_request, waits_for_current};
pub use task::handle::{CallbackId, TaskHandle, WaitDone, current_cancelling, is_current_swept};
pub use task::id::TaskId;
pub use task::join::Task;
pub use task::shared::SharedTask;
pub use task_builder::TaskBuilder;
pub use turns::{Turned, Turns};
pub use unhandled::{Unhandled, UnhandledKind};
pub use variables::{
    Context, ContextVar, Token, VarScope, copy_context, current_deadline, replace_deadline,
};
pub use watch::time_callback;
