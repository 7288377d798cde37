//! A runtime is asked to end well.

use bowerbird_core::{Handle, ShutdownRequested};

use crate::run::outside_a_runtime;

/// Waits until the runtime is asked to end: what a server stops accepting on.
///
/// asyncio: no counterpart. Somebody asks by a signal, if the program runs in a
/// [`Runner`](crate::Runner) with [`graceful`](crate::runtime::Builder::graceful), or by
/// [`Handle::request_shutdown`]. Every task of the runtime may wait, those of libraries too. It owns what it
/// needs, so that it can be given to axum's `with_graceful_shutdown` and its like.
///
/// # Cancel safety
/// Nothing is lost: the request stays.
///
/// # Panics
/// Outside a runtime.
///
/// # Examples
/// ```
/// use std::time::Duration;
/// use bowerbird::runtime::Handle;
/// use bowerbird::{Runner, is_shutting_down, shutdown_requested, spawn, yield_now};
///
/// async fn serve() -> u32 {
///     let mut served = 0;
///     while !is_shutting_down() {
///         served += 1;
///         if served == 3 {
///             Handle::current().request_shutdown(); // as SIGTERM would
///         }
///         yield_now().await;
///     }
///     served
/// }
///
/// let mut runner = Runner::builder().graceful(Duration::from_secs(30)).build().unwrap();
/// let served = runner.run(async {
///     let server = spawn(serve());
///     shutdown_requested().await;
///     server.await.unwrap() // finishes what it has begun
/// });
/// assert_eq!(served, Ok(3));
/// ```
#[track_caller]
pub fn shutdown_requested() -> ShutdownRequested {
    match Handle::try_current() {
        Some(handle) => handle.shutdown_requested(),
        None => outside_a_runtime("shutdown_requested"),
    }
}

/// Returns whether this thread's runtime was asked to end, or is ending; `false` outside a runtime.
///
/// asyncio: no counterpart.
pub fn is_shutting_down() -> bool {
    Handle::try_current().is_some_and(|handle| handle.is_shutting_down())
}
