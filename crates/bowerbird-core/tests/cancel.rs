//! Requests to cancel: accepted or refused, in each state, with cleanups.

mod common;

use std::future::{pending, poll_fn};
use std::panic::Location;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::task::Poll;

use bowerbird_base::poll_context::{self, Cleanup};
use bowerbird_core::{ContextVar, SpawnOptions, current_task};
use common::{Bomb, count, everywhere, go, go_blocking, read, until, yield_now};

/// Leaves a cleanup when it is dropped.
struct Leaves<F: FnOnce() -> Fut, Fut: Future<Output = ()> + Send + 'static>(Option<F>);
impl<F: FnOnce() -> Fut, Fut: Future<Output = ()> + Send + 'static> Drop for Leaves<F, Fut> {
    fn drop(&mut self) {
        let future = self.0.take().unwrap()();
        let cleanup = Cleanup { future: Box::pin(future), location: Location::caller() };
        assert!(poll_context::push_cleanup(cleanup).is_ok(), "there is a task around");
    }
}

/// The output of a task that passed its cancellation on was given away once, and only once.
#[test]
fn handle_that_passed_a_request_on_gives_the_error_once() {
    everywhere(|| async {
        let mut inner = go(pending::<()>());
        yield_now().await;
        let seen = Arc::new(Mutex::new(None));
        let slot = seen.clone();
        let outer = go(async move {
            poll_fn(|cx| {
                // A future of somebody else's that polls on although the request unwinds.
                match Pin::new(&mut inner).poll(cx) {
                    Poll::Ready(_) => panic!("it unwinds"),
                    Poll::Pending if inner.done() => Poll::Ready(()),
                    Poll::Pending => Poll::Pending,
                }
            })
            .await;
            *slot.lock().unwrap() = Some(inner.try_join());
            pending::<()>().await;
        });
        yield_now().await;
        yield_now().await;
        outer.cancel_with("passed on");
        assert!(outer.await.unwrap_err().is_cancelled());
        if let Some(seen) = seen.lock().unwrap().take() {
            let error = seen.expect("the task is done").unwrap_err();
            assert_eq!(error.message(), Some("passed on"));
        }
    });
}

#[test]
fn refused_cancel_leaves_value_and_count() {
    everywhere(|| async {
        let task = go(async { 5 });
        task.handle().wait().await;
        assert!(!task.cancel() && !task.cancel_with("late"));
        assert_eq!(task.cancelling(), 0);
        assert_eq!(task.await.unwrap(), 5);
    });
}

#[test]
fn accepted_cancel_in_any_state_ends_cancelled() {
    everywhere(|| async {
        let drops = count();
        for yields in 0..4 {
            for waits in 0..4 {
                let bomb = Bomb::new(&drops, false);
                let task = go(async move {
                    let _bomb = bomb;
                    for _ in 0..yields {
                        yield_now().await;
                    }
                    7
                });
                for _ in 0..waits {
                    yield_now().await;
                }
                let was_accepted = task.cancel();
                assert_eq!(task.await.is_err(), was_accepted);
            }
        }
        assert_eq!(read(&drops), 16);
    });
}

#[test]
fn cancel_from_inside_is_delivered_at_the_next_suspension() {
    everywhere(|| async {
        let reached = Arc::new(AtomicBool::new(false));
        let flag = reached.clone();
        let task = go(async move {
            current_task().unwrap().cancel();
            flag.store(true, Ordering::SeqCst);
            pending::<()>().await;
        });
        assert!(task.await.unwrap_err().is_cancelled());
        assert!(reached.load(Ordering::SeqCst));
    });
}

/// Cleanups of a cancelled task that suspend, yield and wake themselves; the task is not done before.
#[test]
fn cleanups_run_to_their_end_in_drop_order() {
    everywhere(|| async {
        let order: Arc<Mutex<Vec<u32>>> = Arc::default();
        let (o1, o2, o3) = (order.clone(), order.clone(), order.clone());
        let started = count();
        let flag = started.clone();
        let task = go(async move {
            let _outer = Leaves(Some(move || async move {
                yield_now().await;
                o1.lock().unwrap().push(2);
                drop(Leaves(Some(move || async move {
                    yield_now().await;
                    o3.lock().unwrap().push(3);
                })));
            }));
            let _inner = Leaves(Some(move || async move {
                yield_now().await;
                yield_now().await;
                o2.lock().unwrap().push(1);
            }));
            flag.fetch_add(1, Ordering::SeqCst);
            pending::<()>().await;
        });
        until(|| read(&started) == 1).await;
        task.cancel();
        assert!(task.await.unwrap_err().is_cancelled());
        assert_eq!(*order.lock().unwrap(), [1, 2, 3]);
    });
}

/// A closure of the blocking pool that leaves a cleanup: somebody runs it, and the handle resolves.
#[test]
fn cleanup_left_by_blocking_work_is_run() {
    everywhere(|| async {
        let ran = count();
        for _ in 0..20 {
            let counted = ran.clone();
            let task = go_blocking(move || {
                drop(Leaves(Some(move || async move {
                    yield_now().await;
                    poll_context_yield().await;
                    counted.fetch_add(1, Ordering::SeqCst);
                })));
                3
            });
            assert_eq!(task.await.unwrap(), 3);
        }
        assert_eq!(read(&ran), 20);
    });
}

async fn poll_context_yield() {
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

static NUMBER: ContextVar<u32> = ContextVar::new("number");

/// A cleanup sees its task's variables at every poll, and what it sets stays with the task.
#[test]
fn cleanup_keeps_the_context_of_its_task_to_itself() {
    everywhere(|| async {
        for is_set_before in [false, true] {
            for is_cancelled in [false, true] {
                let seen: Arc<Mutex<Vec<Option<u32>>>> = Arc::default();
                let (log, started) = (seen.clone(), count());
                let flag = started.clone();
                let task = go(async move {
                    if is_set_before {
                        drop(NUMBER.set(1));
                        yield_now().await;
                    } else {
                        drop(NUMBER.set(1));
                    }
                    let leaves = Leaves(Some(move || async move {
                        log.lock().unwrap().push(NUMBER.get());
                        yield_now().await;
                        log.lock().unwrap().push(NUMBER.get());
                        drop(NUMBER.set(2));
                        yield_now().await;
                        log.lock().unwrap().push(NUMBER.get());
                        drop(NUMBER.set(3));
                    }));
                    flag.fetch_add(1, Ordering::SeqCst);
                    if is_cancelled {
                        pending::<()>().await;
                    }
                    drop(leaves);
                });
                until(|| read(&started) == 1).await;
                if is_cancelled {
                    task.cancel();
                }
                assert_eq!(task.await.is_err(), is_cancelled);
                assert_eq!(*seen.lock().unwrap(), [Some(1), Some(1), Some(2)]);
                for _ in 0..20 {
                    let other = go(async { (NUMBER.get(), yield_now().await, NUMBER.get()) });
                    assert_eq!(other.await.unwrap(), (None, (), None), "it leaked to another task");
                }
                assert_eq!(NUMBER.get(), None);
            }
        }
    });
}

/// A value of a context variable may use variables when it is cloned and dropped.
#[test]
fn context_variable_may_be_used_while_its_value_is_cloned() {
    struct Nosy;
    impl Clone for Nosy {
        fn clone(&self) -> Self {
            drop(NUMBER.set(9));
            Self
        }
    }
    static NOSY: ContextVar<Nosy> = ContextVar::new("nosy");
    everywhere(|| async {
        go(async {
            drop(NOSY.set(Nosy));
            assert!(NOSY.get().is_some());
            assert_eq!(NUMBER.get(), Some(9));
        })
        .await
        .unwrap();
    });
}

/// Callbacks and waiters that come while the task ends are each called once.
#[test]
fn callbacks_added_while_the_task_ends_are_called_once_each() {
    everywhere(|| async {
        for round in 0..200 {
            let task = go(async move {
                if round % 2 == 0 {
                    yield_now().await;
                }
            });
            let (called, handle) = (count(), task.handle());
            let counted = called.clone();
            let adder = std::thread::spawn(move || {
                for _ in 0..5 {
                    let counted = counted.clone();
                    handle.add_done_callback(move |_| _ = counted.fetch_add(1, Ordering::SeqCst));
                }
            });
            task.await.unwrap();
            adder.join().unwrap();
            until(|| read(&called) == 5).await;
        }
    });
}

#[test]
fn eager_task_runs_before_spawn_returns_and_can_be_cancelled() {
    everywhere(|| async {
        let mut options = SpawnOptions::default();
        options.is_eager = true;
        let ran = count();
        let inner = ran.clone();
        let task = bowerbird_core::spawn_with(
            async move {
                inner.fetch_add(1, Ordering::SeqCst);
                pending::<()>().await;
            },
            &options,
            Location::caller(),
        )
        .unwrap();
        assert_eq!(read(&ran), 1);
        task.cancel();
        assert!(task.await.unwrap_err().is_cancelled());
    });
}
