//! tokio: the multi-thread scheduler, and the current-thread one (always one worker).
//!
//! The root is spawned, not handed to `block_on`: a future in `block_on` is polled by the calling
//! thread, which is no worker, and everything it spawned would cross threads.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use futures_util::future::join_all;
use tokio::runtime::{Builder, Handle};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use super::Runtime;

/// tokio with either scheduler.
pub struct Tokio<const CURRENT_THREAD: bool>;
/// The work-stealing scheduler.
pub type MultiThread = Tokio<false>;
/// The single-threaded scheduler; the number of workers asked for is ignored.
pub type CurrentThread = Tokio<true>;

/// A join handle whose error is a panic here.
pub struct Task<T>(JoinHandle<T>);

impl<T> Future for Task<T> {
    type Output = T;

    #[inline]
    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<T> {
        Pin::new(&mut self.0).poll(cx).map(|output| output.expect("a child panicked"))
    }
}

impl<const CURRENT_THREAD: bool> Runtime for Tokio<CURRENT_THREAD> {
    const NAME: &'static str = if CURRENT_THREAD { "tokio-current" } else { "tokio" };
    type Task<T: Send + 'static> = Task<T>;
    type Sender<T: Send + 'static> = oneshot::Sender<T>;
    type Receiver<T: Send + 'static> = oneshot::Receiver<T>;
    type Handle = Handle;

    fn run<F>(workers: usize, root: F) -> F::Output
    where
        F: Future<Output: Send + 'static> + Send + 'static,
    {
        let mut builder = if CURRENT_THREAD {
            Builder::new_current_thread()
        } else {
            Builder::new_multi_thread()
        };
        let runtime = builder.worker_threads(workers).enable_all().build().expect("tokio starts");
        runtime.block_on(async { tokio::spawn(root).await.expect("the root panicked") })
    }

    #[inline]
    fn spawn<F>(future: F) -> Task<F::Output>
    where
        F: Future<Output: Send + 'static> + Send + 'static,
    {
        Task(tokio::spawn(future))
    }

    #[inline]
    fn spawn_detached<F>(future: F)
    where
        F: Future<Output: Send + 'static> + Send + 'static,
    {
        drop(tokio::spawn(future));
    }

    fn handle() -> Handle {
        Handle::current()
    }

    #[inline]
    fn spawn_from_outside<F>(handle: &Handle, future: F) -> Task<F::Output>
    where
        F: Future<Output: Send + 'static> + Send + 'static,
    {
        Task(handle.spawn(future))
    }

    #[inline]
    fn spawn_blocking<F, T>(work: F) -> impl Future<Output = T> + Send
    where
        F: FnOnce() -> T + Send + 'static,
        T: Send + 'static,
    {
        Task(tokio::task::spawn_blocking(work))
    }

    async fn ticks(period: Duration, count: u64) {
        let mut interval = tokio::time::interval(period);
        for _ in 0..count {
            interval.tick().await;
        }
    }

    async fn gather<F>(futures: Vec<F>) -> Vec<F::Output>
    where
        F: Future<Output: Send + 'static> + Send + 'static,
    {
        join_all(futures.into_iter().map(Self::spawn)).await
    }

    #[inline]
    fn yield_now() -> impl Future<Output = ()> + Send {
        tokio::task::yield_now()
    }

    #[inline]
    fn sleep(duration: Duration) -> impl Future<Output: Send> + Send {
        tokio::time::sleep(duration)
    }

    #[inline]
    fn oneshot<T: Send + 'static>() -> (oneshot::Sender<T>, oneshot::Receiver<T>) {
        oneshot::channel()
    }

    #[inline]
    fn send<T: Send + 'static>(sender: oneshot::Sender<T>, value: T) {
        let _ = sender.send(value);
    }

    #[inline]
    async fn receive<T: Send + 'static>(receiver: oneshot::Receiver<T>) -> T {
        receiver.await.expect("the sender is gone")
    }
}
