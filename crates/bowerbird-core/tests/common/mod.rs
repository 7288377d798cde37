//! What the tests share: runtimes, a watchdog, things that panic or count.
#![allow(dead_code, reason = "each test file uses a part of it")]

use std::future::poll_fn;
use std::panic::Location;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, mpsc};
use std::task::Poll;
use std::time::Duration;

use bowerbird_core::{Config, ParkOnly, Runtime, SpawnOptions, Task, Threads, spawn};

/// How long a test may take before it is called hung; nothing is asserted about shorter times.
const PATIENCE: Duration = Duration::from_secs(120);

/// Runs `f`; a hang ends the process and names the test.
pub(crate) fn watched<R>(f: impl FnOnce() -> R) -> R {
    let (alive, heard) = mpsc::channel::<()>();
    let name = std::thread::current().name().unwrap_or("a test").to_owned();
    std::thread::spawn(move || {
        if heard.recv_timeout(PATIENCE) == Err(mpsc::RecvTimeoutError::Timeout) {
            eprintln!("{name} hangs");
            std::process::abort();
        }
    });
    let output = f();
    drop(alive);
    output
}

/// Settings whose exception handler is silent.
pub(crate) fn config(workers: usize) -> Config {
    let mut config = Config::with_workers(workers);
    config.exception_handler = Arc::new(|_| {});
    config
}

pub(crate) fn runtime(workers: usize, threads: Threads) -> Arc<Runtime> {
    Runtime::start(config(workers), Arc::new(ParkOnly), threads).unwrap()
}

/// Runs a future on runtimes of one and of several workers, both ways in, and ends them.
pub(crate) fn everywhere<F: Future>(make: impl Fn() -> F) {
    watched(|| {
        for workers in [1, 2, 4] {
            let rt = runtime(workers, Threads::AllButFirst);
            rt.run(make()).unwrap();
            rt.shut_down(bowerbird_core::Patience::Complete);
            let rt = runtime(workers, Threads::All);
            rt.block_on(make()).unwrap();
            rt.shut_down(bowerbird_core::Patience::Complete);
        }
    });
}

pub(crate) fn go<F>(future: F) -> Task<F::Output>
where
    F: Future + Send + 'static,
    F::Output: Send + 'static,
{
    spawn(future).unwrap()
}

#[track_caller]
pub(crate) fn go_blocking<T: Send + 'static>(f: impl FnOnce() -> T + Send + 'static) -> Task<T> {
    bowerbird_core::spawn_blocking(f, &SpawnOptions::default(), Location::caller()).unwrap()
}

#[track_caller]
pub(crate) fn go_local<F: Future<Output: 'static> + 'static>(future: F) -> Task<F::Output> {
    bowerbird_core::spawn_local(future, &SpawnOptions::default(), Location::caller()).unwrap()
}

pub(crate) async fn yield_now() {
    let mut is_second = false;
    poll_fn(|cx| {
        if std::mem::replace(&mut is_second, true) {
            return Poll::Ready(());
        }
        cx.waker().wake_by_ref();
        Poll::Pending
    })
    .await;
}

/// Yields until the condition holds.
pub(crate) async fn until(condition: impl Fn() -> bool) {
    while !condition() {
        yield_now().await;
    }
}

/// Gives the core away until the condition holds.
pub(crate) fn spin_until(condition: impl Fn() -> bool) {
    while !condition() {
        std::thread::yield_now();
    }
}

/// Counts its drops, and panics in them if it is armed.
pub(crate) struct Bomb {
    pub(crate) drops: Arc<AtomicUsize>,
    pub(crate) is_armed: bool,
}

impl Bomb {
    pub(crate) fn new(drops: &Arc<AtomicUsize>, is_armed: bool) -> Self {
        Self { drops: drops.clone(), is_armed }
    }
}

impl Drop for Bomb {
    fn drop(&mut self) {
        self.drops.fetch_add(1, Ordering::SeqCst);
        if self.is_armed {
            panic!("a bomb went off");
        }
    }
}

pub(crate) fn count() -> Arc<AtomicUsize> {
    Arc::default()
}

pub(crate) fn read(count: &AtomicUsize) -> usize {
    count.load(Ordering::SeqCst)
}
