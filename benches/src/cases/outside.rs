//! Threads outside: how they wait for a future, and what a spawn from there costs.

use std::future::Future;
use std::pin::pin;
use std::sync::{Arc, mpsc};
use std::task::{Context, Poll, Wake, Waker};
use std::thread::{self, Thread};
use std::time::{Duration, Instant};

use super::Case;
use super::countdown::Countdown;
use crate::runtimes::Runtime;

/// How long the runtime is left alone, so that its workers park.
const IDLE: Duration = Duration::from_micros(100);

static RUNNING: Countdown = Countdown::new();

/// Wakes a thread.
struct Unpark(Thread);

impl Wake for Unpark {
    fn wake(self: Arc<Self>) {
        self.0.unpark();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        self.0.unpark();
    }
}

/// Waits on this thread, the same way for all runtimes.
struct Outside(Waker);

impl Outside {
    fn new() -> Self {
        Self(Arc::new(Unpark(thread::current())).into())
    }

    fn wait<F: Future>(&self, future: F) -> F::Output {
        let mut future = pin!(future);
        let mut cx = Context::from_waker(&self.0);
        loop {
            if let Poll::Ready(output) = future.as_mut().poll(&mut cx) {
                return output;
            }
            thread::park();
        }
    }
}

/// Runs `work` on a thread outside and gives what it returns; the task that waits for it is all that the runtime
/// has to do meanwhile.
pub(super) async fn on_a_thread<R: Runtime, T: Send + 'static>(
    work: impl FnOnce() -> T + Send + 'static,
) -> T {
    let (sender, receiver) = R::oneshot();
    let thread = thread::spawn(move || R::send(sender, work()));
    let output = R::receive(receiver).await;
    thread.join().expect("the thread outside ends");
    output
}

/// See `benches/spawn_await_one_remote.rs`.
pub struct SpawnAwaitOneRemote;

impl Case for SpawnAwaitOneRemote {
    const NAME: &'static str = "spawn_await_one_remote";
    const OPERATIONS: u64 = 1;

    async fn batch<R: Runtime>() {
        round_trips::<R>(1).await;
    }

    async fn batches<R: Runtime>(count: u64) -> Duration {
        round_trips::<R>(count).await.iter().sum()
    }
}

/// The times in which a thread outside has spawned an empty task and got its output, one after the other.
pub async fn round_trips<R: Runtime>(count: u64) -> Vec<Duration> {
    let handle = R::handle();
    on_a_thread::<R, _>(move || {
        let outside = Outside::new();
        let mut times = Vec::with_capacity(count as usize);
        for _ in 0..count {
            let start = Instant::now();
            outside.wait(R::spawn_from_outside(&handle, async {}));
            times.push(start.elapsed());
        }
        times
    })
    .await
}

/// See `benches/spawn_many_remote_idle.rs`.
pub struct SpawnManyRemoteIdle;

impl Case for SpawnManyRemoteIdle {
    const NAME: &'static str = "spawn_many_remote_idle";
    const OPERATIONS: u64 = 10_000;

    async fn batch<R: Runtime>() {
        spawn_many::<R>(1, Self::OPERATIONS).await;
    }

    async fn batches<R: Runtime>(count: u64) -> Duration {
        spawn_many::<R>(count, Self::OPERATIONS).await
    }
}

async fn spawn_many<R: Runtime>(times: u64, count: u64) -> Duration {
    let handle = R::handle();
    on_a_thread::<R, _>(move || {
        let outside = Outside::new();
        let mut sum = Duration::ZERO;
        for _ in 0..times {
            thread::sleep(IDLE);
            let start = Instant::now();
            RUNNING.start(count);
            for _ in 0..count {
                R::spawn_from_outside_detached(&handle, async { RUNNING.count_down() });
            }
            outside.wait(RUNNING.wait());
            sum += start.elapsed();
        }
        sum
    })
    .await
}

/// The times from a spawn outside, every `pause`, to the end of a task that has spawned and awaited another.
pub(super) fn requests<R: Runtime>(
    handle: &R::Handle,
    pause: Duration,
    until: Instant,
) -> Vec<Duration> {
    let (ended, times) = mpsc::channel();
    while Instant::now() < until {
        let ended = ended.clone();
        let start = Instant::now();
        R::spawn_from_outside_detached(handle, async move {
            R::spawn(async {}).await;
            ended.send(start.elapsed()).expect("somebody counts");
        });
        thread::sleep(pause);
    }
    drop(ended);
    times.iter().collect()
}
