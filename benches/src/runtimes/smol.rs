//! smol, from its parts: async-executor's `Executor` or `StaticExecutor`, driven by N threads in
//! `async_io::block_on`, one of them the caller, as the crate `smol` does it; timers and sockets of
//! async-io. (With `futures_lite::future::block_on` a wake-up and a yield are faster by a tenth or more,
//! a message through a socket slower by a fifth.)
//!
//! The executors are statics, as in the crate `smol`. smol has no one-value channel of its own;
//! `futures_channel::oneshot` stands in for it, the faster choice beside `async_channel::bounded(1)`.

use std::future::Future;
use std::thread;
use std::time::Duration;

use async_executor::{Executor, StaticExecutor, Task};
use async_io::Timer;
use futures_channel::oneshot;
use futures_lite::StreamExt;
use futures_util::future::join_all;

use super::Runtime;

static SHARED: Executor<'static> = Executor::new();
static STATIC: StaticExecutor = StaticExecutor::new();

/// smol with either executor.
pub struct Smol<const IS_STATIC: bool>;
/// The ordinary `Executor`.
pub type Shared = Smol<false>;
/// `StaticExecutor`, which keeps no list of its tasks and cannot be dropped.
pub type Static = Smol<true>;

impl<const IS_STATIC: bool> Smol<IS_STATIC> {
    fn drive<F: Future>(until: F) -> F::Output {
        if IS_STATIC {
            async_io::block_on(STATIC.run(until))
        } else {
            async_io::block_on(SHARED.run(until))
        }
    }
}

impl<const IS_STATIC: bool> Runtime for Smol<IS_STATIC> {
    const NAME: &'static str = if IS_STATIC { "smol-static" } else { "smol" };
    // A task that does not give way keeps the workers from the reactor, and async-io's helper thread then
    // does their work at nearly twice the price (137 against 230 ns for a timer, on one CPU).
    const TIMERS_A_TURN: u64 = 8;
    type Task<T: Send + 'static> = Task<T>;
    type Sender<T: Send + 'static> = oneshot::Sender<T>;
    type Receiver<T: Send + 'static> = oneshot::Receiver<T>;
    // The executors are statics.
    type Handle = ();

    fn run<F>(workers: usize, root: F) -> F::Output
    where
        F: Future<Output: Send + 'static> + Send + 'static,
    {
        let (running, ended) = async_channel::bounded::<()>(1);
        thread::scope(|scope| {
            for _ in 1..workers {
                let ended = ended.clone();
                scope.spawn(move || Self::drive(async move { ended.recv().await.is_err() }));
            }
            let output = Self::drive(Self::spawn(root));
            drop(running);
            output
        })
    }

    #[inline]
    fn spawn<F>(future: F) -> Task<F::Output>
    where
        F: Future<Output: Send + 'static> + Send + 'static,
    {
        if IS_STATIC { STATIC.spawn(future) } else { SHARED.spawn(future) }
    }

    #[inline]
    fn spawn_detached<F>(future: F)
    where
        F: Future<Output: Send + 'static> + Send + 'static,
    {
        Self::spawn(future).detach();
    }

    fn handle() {}

    #[inline]
    fn spawn_from_outside<F>((): &(), future: F) -> Task<F::Output>
    where
        F: Future<Output: Send + 'static> + Send + 'static,
    {
        Self::spawn(future)
    }

    #[inline]
    fn spawn_from_outside_detached<F>((): &(), future: F)
    where
        F: Future<Output: Send + 'static> + Send + 'static,
    {
        Self::spawn(future).detach();
    }

    #[inline]
    fn spawn_blocking<F, T>(work: F) -> impl Future<Output = T> + Send
    where
        F: FnOnce() -> T + Send + 'static,
        T: Send + 'static,
    {
        blocking::unblock(work)
    }

    async fn ticks(period: Duration, count: u64) {
        let mut interval = Timer::interval(period);
        for _ in 0..count {
            interval.next().await;
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
        futures_lite::future::yield_now()
    }

    #[inline]
    fn sleep(duration: Duration) -> impl Future<Output: Send> + Send {
        Timer::after(duration)
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
