//! Bowerbird: a `Runner`, whose calling thread is worker 0.
//!
//! The root is spawned like the peers' roots, although main is polled by a worker anyway: main cannot
//! be stolen, a task can.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use bowerbird::runtime::Handle;
use bowerbird::sync::oneshot;

use super::{OURS, Runtime};

/// Bowerbird.
pub struct Bowerbird;

/// A task whose error is a panic here.
pub struct Task<T>(bowerbird::Task<T>);

impl<T: Send + 'static> Future for Task<T> {
    type Output = T;

    #[inline]
    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<T> {
        Pin::new(&mut self.0).poll(cx).map(|output| output.expect("a child panicked"))
    }
}

impl Runtime for Bowerbird {
    const NAME: &'static str = OURS;
    type Task<T: Send + 'static> = Task<T>;
    type Sender<T: Send + 'static> = oneshot::Sender<T>;
    type Receiver<T: Send + 'static> = oneshot::Receiver<T>;
    type Handle = Handle;

    fn run<F>(workers: usize, root: F) -> F::Output
    where
        F: Future<Output: Send + 'static> + Send + 'static,
    {
        let runner = bowerbird::Runner::builder().worker_threads(workers).build();
        let root = async { bowerbird::spawn(root).await.expect("the root panicked") };
        runner.expect("bowerbird starts").run(root).expect("main was not interrupted")
    }

    #[inline]
    fn spawn<F>(future: F) -> Task<F::Output>
    where
        F: Future<Output: Send + 'static> + Send + 'static,
    {
        Task(bowerbird::spawn(future))
    }

    #[inline]
    fn spawn_detached<F>(future: F)
    where
        F: Future<Output: Send + 'static> + Send + 'static,
    {
        drop(bowerbird::spawn(future));
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
        Task(bowerbird::spawn_blocking(work))
    }

    async fn ticks(period: Duration, count: u64) {
        let mut interval = bowerbird::interval(period);
        for _ in 0..count {
            interval.tick().await;
        }
    }

    #[inline]
    fn gather<F>(futures: Vec<F>) -> impl Future<Output = Vec<F::Output>> + Send
    where
        F: Future<Output: Send + 'static> + Send + 'static,
    {
        bowerbird::gather(futures)
    }

    #[inline]
    fn yield_now() -> impl Future<Output = ()> + Send {
        bowerbird::yield_now()
    }

    #[inline]
    fn sleep(duration: Duration) -> impl Future<Output: Send> + Send {
        bowerbird::sleep(duration)
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
