//! async-std: one global executor for the process, whose number of threads an environment variable says.
//!
//! It is no longer maintained, and its parts are those of smol; it is here because programs still use it. As smol, it
//! has no stable one-value channel: `futures_channel::oneshot` stands in for it.

use std::future::Future;
use std::time::Duration;

use async_std::stream::StreamExt;
use async_std::task::{self, JoinHandle};
use futures_channel::oneshot;
use futures_util::future::join_all;

use super::Runtime;

/// What must hold the number of threads before the first task is spawned.
pub const THREAD_COUNT: &str = "ASYNC_STD_THREAD_COUNT";

/// async-std.
pub struct AsyncStd;

impl Runtime for AsyncStd {
    const NAME: &'static str = "async-std";
    // As for smol: the timers are async-io's.
    const TIMERS_A_TURN: u64 = 8;
    type Task<T: Send + 'static> = JoinHandle<T>;
    type Sender<T: Send + 'static> = oneshot::Sender<T>;
    type Receiver<T: Send + 'static> = oneshot::Receiver<T>;
    // The executor is a static.
    type Handle = ();

    /// # Panics
    ///
    /// When [`THREAD_COUNT`] is not the number of workers.
    fn run<F>(workers: usize, root: F) -> F::Output
    where
        F: Future<Output: Send + 'static> + Send + 'static,
    {
        let count = std::env::var(THREAD_COUNT).unwrap_or_default();
        assert_eq!(count, workers.to_string(), "{THREAD_COUNT} must be the number of workers");
        task::block_on(task::spawn(root))
    }

    #[inline]
    fn spawn<F>(future: F) -> JoinHandle<F::Output>
    where
        F: Future<Output: Send + 'static> + Send + 'static,
    {
        task::spawn(future)
    }

    #[inline]
    fn spawn_detached<F>(future: F)
    where
        F: Future<Output: Send + 'static> + Send + 'static,
    {
        drop(task::spawn(future));
    }

    fn handle() {}

    #[inline]
    fn spawn_from_outside<F>((): &(), future: F) -> JoinHandle<F::Output>
    where
        F: Future<Output: Send + 'static> + Send + 'static,
    {
        task::spawn(future)
    }

    #[inline]
    fn spawn_blocking<F, T>(work: F) -> impl Future<Output = T> + Send
    where
        F: FnOnce() -> T + Send + 'static,
        T: Send + 'static,
    {
        task::spawn_blocking(work)
    }

    async fn ticks(period: Duration, count: u64) {
        let mut interval = async_std::stream::interval(period);
        for _ in 0..count {
            interval.next().await;
        }
    }

    async fn gather<F>(futures: Vec<F>) -> Vec<F::Output>
    where
        F: Future<Output: Send + 'static> + Send + 'static,
    {
        join_all(futures.into_iter().map(task::spawn)).await
    }

    #[inline]
    fn yield_now() -> impl Future<Output = ()> + Send {
        task::yield_now()
    }

    #[inline]
    fn sleep(duration: Duration) -> impl Future<Output: Send> + Send {
        task::sleep(duration)
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
