//! One hop to the blocking pool: [`Operation`], [`batch`].

use std::fmt;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

use bowerbird_base::poll_context::Job;
use bowerbird_io::Leaf;

use crate::offloaded::{InFlight, send};
use crate::run::outside_a_runtime;

/// The future of the functions of the module [`fs`](crate::fs).
///
/// # Cancel safety
/// Not safe: once polled, the operation goes on to its end, but its result is lost.
#[must_use = "futures do nothing unless you `.await` or poll them"]
pub struct Operation<T> {
    /// Until the first poll.
    job: Option<Job>,
    in_flight: InFlight<io::Result<T>>,
    leaf: Leaf,
}

#[track_caller]
pub(super) fn operation<T, F>(call: &'static str, f: F) -> Operation<T>
where
    T: Send + 'static,
    F: FnOnce() -> io::Result<T> + Send + 'static,
{
    if !bowerbird_timer::is_inside() {
        outside_a_runtime(call);
    }
    let (in_flight, job) = InFlight::new(f, drop);
    Operation { job: Some(job), in_flight, leaf: Leaf::new(call) }
}

/// Does several operations in one hop: whatever the closure does with [`std::fs`].
///
/// asyncio: `to_thread(f)`. The difference to [`to_thread`](crate::to_thread()): the end of the runtime waits for it as
/// for every file operation, and does it if it was still queued.
///
/// # Cancel safety
/// Not safe: once polled, the closure runs to its end, but its result is lost.
///
/// # Errors
/// What the closure gives; or the runtime has ended.
///
/// # Panics
/// Outside a runtime. If the closure panics, the panic goes on in the awaiter.
///
/// # Examples
/// ```
/// use bowerbird::fs;
///
/// bowerbird::run(async {
///     let path = std::env::temp_dir().join(format!("bowerbird-batch-{}", std::process::id()));
///     let length = fs::batch(move || {
///         let draft = path.with_extension("draft");
///         std::fs::write(&draft, "hello")?;
///         std::fs::rename(&draft, &path)?;
///         let length = std::fs::metadata(&path)?.len();
///         std::fs::remove_file(&path)?;
///         Ok(length)
///     }).await?;
///     assert_eq!(length, 5);
///     std::io::Result::Ok(())
/// }).unwrap();
/// ```
#[track_caller]
pub fn batch<T, F>(f: F) -> Operation<T>
where
    T: Send + 'static,
    F: FnOnce() -> io::Result<T> + Send + 'static,
{
    operation("fs::batch", f)
}

// The value is moved, never pinned.
impl<T> Unpin for Operation<T> {}

impl<T: Send + 'static> Future for Operation<T> {
    type Output = io::Result<T>;

    #[track_caller]
    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let Self { job, in_flight, leaf } = self.get_mut();
        if let Some(job) = job.take() {
            send(job)?;
        }
        in_flight.poll(leaf, cx)?
    }
}

impl<T> fmt::Debug for Operation<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Operation").field("has_begun", &self.job.is_none()).finish_non_exhaustive()
    }
}
