//! A runtime of one thread, just enough to drive the sockets without the executor.

use std::future::Future;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, Wake, Waker};

use bowerbird_base::clock::Clock;
use bowerbird_base::poll_context;
use bowerbird_io::IoDriver;
use bowerbird_timer::{Current, Timers};

/// Wakes the one thread.
struct Thread {
    driver: Arc<IoDriver>,
    is_woken: AtomicBool,
}

impl Wake for Thread {
    fn wake(self: Arc<Self>) {
        self.is_woken.store(true, Ordering::SeqCst);
        self.driver.notify(0);
    }
}

/// Runs a future to its end, with I/O, timers and a thread for each blocking job.
pub(crate) fn run<F: Future>(future: F) -> F::Output {
    let driver = IoDriver::new(1).unwrap();
    let clock = Arc::new(Clock::new());
    let timers = Timers::new(1, clock.clone());
    bowerbird_io::enter(Some(driver.clone()));
    bowerbird_timer::enter(Some(Current { timers: timers.clone(), wheel: 0 }));
    poll_context::set_offloader(Some(Arc::new(|_, job| {
        std::thread::spawn(job);
        Ok(())
    })));
    let thread = Arc::new(Thread { driver: driver.clone(), is_woken: AtomicBool::new(true) });
    let output = {
        let mut future = pin!(future);
        let waker = Waker::from(thread.clone());
        loop {
            if thread.is_woken.swap(false, Ordering::SeqCst) {
                if let Poll::Ready(output) = future.as_mut().poll(&mut Context::from_waker(&waker))
                {
                    break output;
                }
            }
            timers.fire(0, clock.now());
            let left = timers.next_deadline(0).map(|at| at.saturating_duration_since(clock.now()));
            assert!(driver.try_claim(0));
            driver.wait(0, left).unwrap();
        }
    };
    assert_eq!(driver.source_count(), 0, "a socket was left open");
    bowerbird_io::enter(None);
    bowerbird_timer::enter(None);
    poll_context::set_offloader(None);
    output
}

/// Polls all of them until all are done.
pub(crate) async fn join_all<'a, T>(futures: Vec<Pin<Box<dyn Future<Output = T> + 'a>>>) -> Vec<T> {
    let mut futures: Vec<_> = futures.into_iter().map(Some).collect();
    let mut outputs: Vec<Option<T>> = futures.iter().map(|_| None).collect();
    std::future::poll_fn(|cx| {
        for (future, output) in futures.iter_mut().zip(&mut outputs) {
            let Some(running) = future else { continue };
            if let Poll::Ready(value) = running.as_mut().poll(cx) {
                *output = Some(value);
                *future = None;
            }
        }
        if futures.iter().all(Option::is_none) { Poll::Ready(()) } else { Poll::Pending }
    })
    .await;
    outputs.into_iter().flatten().collect()
}

fn ready_value<T>(poll: Poll<T>) -> Option<T> {
    match poll {
        Poll::Ready(value) => Some(value),
        Poll::Pending => None,
    }
}

/// Polls two futures until both are done.
pub(crate) async fn join<A, B>(a: impl Future<Output = A>, b: impl Future<Output = B>) -> (A, B) {
    let (mut a, mut b) = (pin!(a), pin!(b));
    let (mut first, mut second) = (None, None);
    std::future::poll_fn(|cx| {
        if first.is_none() {
            first = ready_value(a.as_mut().poll(cx));
        }
        if second.is_none() {
            second = ready_value(b.as_mut().poll(cx));
        }
        if first.is_some() && second.is_some() { Poll::Ready(()) } else { Poll::Pending }
    })
    .await;
    (first.unwrap(), second.unwrap())
}

/// Polls a future once and drops it; it must not be ready.
pub(crate) async fn poll_once_and_drop<F: Future>(future: F) {
    let mut future = pin!(future);
    let is_pending =
        std::future::poll_fn(|cx| Poll::Ready(future.as_mut().poll(cx).is_pending())).await;
    assert!(is_pending);
}

/// A directory of this test's own, removed at the end.
pub(crate) struct Directory(std::path::PathBuf);

/// Makes an empty directory for the test of that name.
pub(crate) fn fresh_directory(test: &str) -> Directory {
    let path = std::env::temp_dir().join(format!("bowerbird-{test}-{}", std::process::id()));
    let _ = std::fs::remove_dir_all(&path);
    std::fs::create_dir_all(&path).unwrap();
    Directory(path)
}

impl std::ops::Deref for Directory {
    type Target = std::path::Path;
    fn deref(&self) -> &std::path::Path {
        &self.0
    }
}

impl Drop for Directory {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}
