//! Cleanups and requests that misbehave: they stay with their task, and every other cleanup is run.

mod common;

use std::future::poll_fn;
use std::panic::Location;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Wake, Waker};

use bowerbird_base::poll_context::{self, Cleanup, Request};
use bowerbird_core::{
    Config, ParkOnly, Patience, Runtime, Threads, Unhandled, UnhandledKind, current_task,
};
use common::{Bomb, count, everywhere, go, read, watched, yield_now};

fn leave(future: impl Future<Output = ()> + Send + 'static) {
    let cleanup = Cleanup { future: Box::pin(future), location: Location::caller() };
    assert!(poll_context::push_cleanup(cleanup).is_ok(), "a task is being polled");
}

/// Does something when it is dropped.
struct OnDrop<F: FnMut()>(F);
impl<F: FnMut()> Drop for OnDrop<F> {
    fn drop(&mut self) {
        self.0();
    }
}

/// A runtime whose reports are kept.
fn listening(workers: usize) -> (Arc<Runtime>, Arc<Mutex<Vec<Unhandled>>>) {
    let heard: Arc<Mutex<Vec<Unhandled>>> = Arc::default();
    let log = heard.clone();
    let mut config = Config::with_workers(workers);
    config.exception_handler =
        Arc::new(move |unhandled| log.lock().unwrap().push(unhandled.clone()));
    (Runtime::start(config, Arc::new(ParkOnly), Threads::All).unwrap(), heard)
}

fn request() -> Request {
    Request::of_task(None)
}

/// Suspends so often that everybody else on the worker has had many turns.
async fn turns(count: usize) {
    for _ in 0..count {
        yield_now().await;
    }
}

#[test]
fn task_that_leaves_a_request_alone_is_ended_by_it_in_a_few_turns() {
    everywhere(|| async {
        let (begun, over) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicBool::new(false)));
        let (flag, stop) = (begun.clone(), over.clone());
        let task = go(async move {
            flag.store(true, Ordering::SeqCst);
            // It wakes itself, and never looks at a request.
            while !stop.load(Ordering::SeqCst) {
                yield_now().await;
            }
        });
        while !begun.load(Ordering::SeqCst) {
            yield_now().await;
        }
        task.cancel();
        for _ in 0..1_000_000 {
            if task.done() {
                break;
            }
            yield_now().await;
        }
        let is_done = task.done();
        over.store(true, Ordering::SeqCst);
        assert!(is_done, "the request does not unwind the task");
    });
}

/// A destructor that raises or offers a request while its task unwinds: neither the cleanups of the task nor
/// another task on the thread is offered it.
#[test]
fn request_that_a_destructor_makes_ends_with_its_task() {
    for is_raised in [false, true] {
        everywhere(move || async move {
            let make = if is_raised { poll_context::raise } else { poll_context::offer };
            let task = go(async move {
                let _makes = OnDrop(move || make(request()));
                current_task().unwrap().cancel();
                turns(10_000).await;
            });
            assert!(task.await.unwrap_err().is_cancelled());
            let others: Vec<_> = (0..20).map(|_| go(turns(3))).collect();
            for other in others {
                other.await.expect("nobody has cancelled this one");
            }
        });
    }
}

/// A value that makes way for a cancellation, and whose destructor panics: the panic is the end.
#[test]
fn panic_of_a_value_that_makes_way_for_a_request_is_the_end() {
    everywhere(|| async {
        let drops = count();
        let bomb = Bomb::new(&drops, true);
        let task = go(async move {
            current_task().unwrap().cancel();
            bomb
        });
        let error = task.await.map(std::mem::forget).unwrap_err();
        assert!(error.is_panic(), "{error}");
        assert_eq!(read(&drops), 1);
    });
}

/// The same panic is a panic for all who ask, and reported to the runtime of the task wherever the handle goes.
#[test]
fn panic_of_a_value_that_makes_way_is_reported_if_nobody_retrieves_it() {
    for is_dropped_outside in [false, true] {
        watched(|| {
            let (rt, heard) = listening(1);
            let drops = count();
            let bomb = Bomb::new(&drops, true);
            let task = rt.block_on(async move {
                let task = go(async move {
                    current_task().unwrap().cancel();
                    bomb
                });
                let handle = task.handle();
                handle.wait().await;
                assert!(handle.done() && !handle.cancelled(), "it ended with a panic");
                task
            });
            let task = task.unwrap();
            if is_dropped_outside {
                std::thread::spawn(move || drop(task)).join().unwrap();
            } else {
                rt.block_on(async move { drop(task) }).unwrap();
            }
            rt.shut_down(Patience::Complete);
            let heard = heard.lock().unwrap();
            let [told] = &heard[..] else { panic!("{heard:?}") };
            assert_eq!(told.kind, UnhandledKind::NeverRetrieved);
        });
    }
}

/// The last wakers of a join: `wake_by_ref` before `wake` says that there is no value.
#[derive(Default)]
struct Told {
    by_ref: AtomicUsize,
    by_value: AtomicUsize,
}

impl Wake for Told {
    fn wake(self: Arc<Self>) {
        self.by_value.fetch_add(1, Ordering::SeqCst);
    }

    fn wake_by_ref(self: &Arc<Self>) {
        self.by_ref.fetch_add(1, Ordering::SeqCst);
    }
}

#[test]
fn waker_that_counts_is_told_of_an_end_without_a_value() {
    for is_cancelled in [false, true] {
        everywhere(move || async move {
            let ends = Arc::new(AtomicBool::new(false));
            let flag = ends.clone();
            let mut task = go(async move {
                while !flag.load(Ordering::SeqCst) {
                    yield_now().await;
                }
            });
            let told = Arc::new(Told::default());
            let waker = Waker::from(told.clone());
            assert!(Pin::new(&mut task).poll(&mut Context::from_waker(&waker)).is_pending());
            match is_cancelled {
                true => drop(task.cancel()),
                false => ends.store(true, Ordering::SeqCst),
            }
            task.handle().wait().await;
            // The worker that ended it may be about to say so.
            while told.by_value.load(Ordering::SeqCst) == 0 {
                yield_now().await;
            }
            assert_eq!(told.by_ref.load(Ordering::SeqCst), usize::from(is_cancelled));
            assert_eq!(told.by_value.load(Ordering::SeqCst), 1);
        });
    }
}

/// What a cleanup offers or raises is no request for the next cleanup, for the task, or for another task.
#[test]
fn request_that_a_cleanup_makes_has_nowhere_to_go() {
    for (is_raised, waits) in [(false, false), (true, false), (false, true), (true, true)] {
        everywhere(move || async move {
            let make = if is_raised { poll_context::raise } else { poll_context::offer };
            let seen: Arc<Mutex<Vec<bool>>> = Arc::default();
            let log = seen.clone();
            let task = go(async move {
                leave(async move {
                    make(request());
                    if waits {
                        yield_now().await;
                        make(request());
                    }
                });
                leave(
                    async move { log.lock().unwrap().push(poll_context::take_request().is_some()) },
                );
                turns(5).await;
                7
            });
            let others: Vec<_> = (0..20).map(|_| go(turns(8))).collect();
            assert_eq!(task.await.expect("it goes on"), 7);
            assert_eq!(*seen.lock().unwrap(), [false]);
            for other in others {
                other.await.expect("nobody has cancelled this one");
            }
        });
    }
}

/// A cleanup that suspends in the poll in which it leaves another one: the task waits for that too, whoever is
/// polled on the thread meanwhile.
#[test]
fn cleanup_left_by_a_cleanup_that_waits_belongs_to_its_task() {
    everywhere(|| async {
        let ended = Arc::new(AtomicBool::new(false));
        let flag = ended.clone();
        let others: Vec<_> = (0..10).map(|_| go(turns(20))).collect();
        let task = go(async move {
            leave(async move {
                leave(async move {
                    turns(10).await;
                    flag.store(true, Ordering::SeqCst);
                });
                turns(2).await;
            });
        });
        task.await.unwrap();
        assert!(ended.load(Ordering::SeqCst), "the task is done before its last cleanup");
        for other in others {
            other.await.unwrap();
        }
    });
}

/// A cleanup that takes longer than one turn beside a task that goes on.
#[test]
fn cleanup_beside_a_running_task_goes_on_in_its_turns() {
    everywhere(|| async {
        let ended = Arc::new(AtomicBool::new(false));
        let flag = ended.clone();
        let task = go(async move {
            leave(async move {
                poll_yields(6).await;
                flag.store(true, Ordering::SeqCst);
            });
            for _ in 0..1_000 {
                if ended.load(Ordering::SeqCst) {
                    return true;
                }
                yield_now().await;
            }
            false
        });
        assert!(task.await.unwrap(), "the cleanup stands still while the task runs");
    });
}

/// A cleanup that yields to the others while the future beside it sleeps is polled again.
#[test]
fn cleanup_that_yields_beside_a_sleeping_task_is_polled_again() {
    everywhere(|| async {
        let (ended, over) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicBool::new(false)));
        let (flag, stop) = (ended.clone(), over.clone());
        let task = go(async move {
            leave(async move {
                poll_yields(4).await;
                flag.store(true, Ordering::SeqCst);
            });
            // Nobody wakes it, but for a request.
            poll_fn(|_| if stop.load(Ordering::SeqCst) { Poll::Ready(()) } else { Poll::Pending })
                .await;
        });
        for _ in 0..1_000_000 {
            if ended.load(Ordering::SeqCst) {
                break;
            }
            yield_now().await;
        }
        let has_ended = ended.load(Ordering::SeqCst);
        over.store(true, Ordering::SeqCst);
        task.cancel();
        assert!(has_ended, "the cleanup that yielded was forgotten");
        assert!(task.await.unwrap_err().is_cancelled());
    });
}

/// Yields without a wake-up: the worker queues the task again because of the yield alone.
async fn poll_yields(count: usize) {
    for _ in 0..count {
        let mut is_second = false;
        poll_fn(|cx| {
            if std::mem::replace(&mut is_second, true) {
                return Poll::Ready(());
            }
            poll_context::yield_now(cx);
            Poll::Pending
        })
        .await;
    }
}

/// A cleanup that panics is reported once, with its place, and those behind it are run.
#[test]
fn panic_of_a_cleanup_is_reported_and_the_next_one_is_run() {
    for is_cancelled in [false, true] {
        watched(|| {
            for workers in [1, 2, 4] {
                let (rt, heard) = listening(workers);
                let ran = count();
                let counted = ran.clone();
                let is_err = rt.block_on(async move {
                    let task = go(async move {
                        leave(async {
                            yield_now().await;
                            panic!("a cleanup fails");
                        });
                        leave(async move {
                            yield_now().await;
                            counted.fetch_add(1, Ordering::SeqCst);
                        });
                        if is_cancelled {
                            current_task().unwrap().cancel();
                            turns(10_000).await;
                        }
                    });
                    task.await.is_err()
                });
                rt.shut_down(Patience::Complete);
                assert_eq!(is_err.unwrap(), is_cancelled, "a cleanup's panic is not the task's");
                assert_eq!(read(&ran), 1);
                let heard = heard.lock().unwrap();
                let [told] = &heard[..] else { panic!("{heard:?}") };
                assert_eq!(told.kind, UnhandledKind::Cleanup);
                assert_eq!(told.location.map(Location::file), Some(file!()));
            }
        });
    }
}
