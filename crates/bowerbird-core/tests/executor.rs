//! The executor without I/O and timers: spawn, join, cancel, local tasks, blocking work, shutdown.

use std::future::{pending, poll_fn};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::Poll;
use std::time::Duration;

use bowerbird_core::{
    Config, Handle, ParkOnly, Patience, Runtime, SpawnOptions, Task, TaskError, Threads, all_tasks,
    block_in_place, current_task, spawn, spawn_blocking, spawn_local,
};

fn runtime(workers: usize, threads: Threads) -> Arc<Runtime> {
    Runtime::start(Config::with_workers(workers), Arc::new(ParkOnly), threads).unwrap()
}

/// Runs a future on runtimes of one and of several workers, both ways in.
fn everywhere<T>(make: impl Fn() -> T)
where
    T: Future,
{
    for workers in [1, 2, 4] {
        let rt = runtime(workers, Threads::AllButFirst);
        rt.run(make()).unwrap();
        rt.shut_down(Patience::Complete);
        let rt = runtime(workers, Threads::All);
        rt.block_on(make()).unwrap();
        rt.shut_down(Patience::Complete);
    }
}

async fn yield_now() {
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

fn go<F>(future: F) -> Task<F::Output>
where
    F: Future + Send + 'static,
    F::Output: Send + 'static,
{
    spawn(future).unwrap()
}

#[test]
fn spawned_task_gives_its_output() {
    everywhere(|| async {
        assert_eq!(go(async { 7 }).await.unwrap(), 7);
        let outer = go(async { go(async { String::from("inner") }).await.unwrap() });
        assert_eq!(outer.await.unwrap(), "inner");
    });
}

#[test]
fn many_tasks_run_once_each() {
    everywhere(|| async {
        let count = Arc::new(AtomicUsize::new(0));
        let tasks: Vec<_> = (0..10_000)
            .map(|index| {
                let count = count.clone();
                go(async move {
                    for _ in 0..index % 5 {
                        yield_now().await;
                    }
                    count.fetch_add(1, Ordering::Relaxed);
                })
            })
            .collect();
        for task in tasks {
            task.await.unwrap();
        }
        assert_eq!(count.load(Ordering::Relaxed), 10_000);
    });
}

#[test]
fn panic_reaches_the_awaiter() {
    everywhere(|| async {
        let error = go(async { panic!("boom") }).await.unwrap_err();
        assert!(error.is_panic());
        assert_eq!(error.message(), Some("boom"));
    });
}

#[test]
fn cancelled_task_drops_its_future_and_says_why() {
    everywhere(|| async {
        let dropped = Arc::new(AtomicUsize::new(0));
        let task = {
            let guard = CountDrop(dropped.clone());
            go(async move {
                let _guard = guard;
                pending::<()>().await;
            })
        };
        yield_now().await;
        assert!(task.cancel_with("enough"));
        let handle = task.handle();
        let error = task.await.unwrap_err();
        assert!(error.is_cancelled());
        assert_eq!(error.message(), Some("enough"));
        assert!(handle.cancelled() && handle.done());
        assert!(!handle.cancel());
        assert_eq!(dropped.load(Ordering::Relaxed), 1);
    });
}

struct CountDrop(Arc<AtomicUsize>);
impl Drop for CountDrop {
    fn drop(&mut self) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }
}

#[test]
fn cancel_goes_down_a_chain_of_awaits_and_ends_innermost_first() {
    everywhere(|| async {
        let order = Arc::new(std::sync::Mutex::new(Vec::new()));
        struct Note(&'static str, Arc<std::sync::Mutex<Vec<&'static str>>>);
        impl Drop for Note {
            fn drop(&mut self) {
                self.1.lock().unwrap().push(self.0);
            }
        }
        let (o1, o2) = (order.clone(), order.clone());
        let outer = go(async move {
            let _note = Note("outer", o1);
            let inner = go(async move {
                let _note = Note("inner", o2);
                pending::<()>().await;
            });
            inner.await
        });
        for _ in 0..20 {
            yield_now().await;
        }
        while all_tasks().len() < 3 {
            yield_now().await;
        }
        outer.cancel_with("chain");
        let error = outer.await.unwrap_err();
        assert!(error.is_cancelled());
        assert_eq!(error.message(), Some("chain"));
        assert_eq!(*order.lock().unwrap(), ["inner", "outer"]);
    });
}

#[test]
fn leftovers_are_cancelled_when_the_runtime_ends() {
    for workers in [1, 3] {
        let dropped = Arc::new(AtomicUsize::new(0));
        let rt = runtime(workers, Threads::AllButFirst);
        rt.run(async {
            for _ in 0..1_000 {
                let guard = CountDrop(dropped.clone());
                drop(go(async move {
                    let _guard = guard;
                    pending::<()>().await;
                }));
            }
            yield_now().await;
        })
        .unwrap();
        rt.shut_down(Patience::Complete);
        assert_eq!(dropped.load(Ordering::Relaxed), 1_000);
        assert!(Handle::new(&rt).all_tasks().is_empty());
    }
}

#[test]
fn local_tasks_stay_on_their_thread() {
    everywhere(|| async {
        let here = std::thread::current().id();
        let rc = std::rc::Rc::new(5);
        let options = SpawnOptions::default();
        let task = spawn_local(
            async move {
                let (sender, mut receiver) = (Arc::new(AtomicUsize::new(0)), 0);
                let other = sender.clone();
                let waker = poll_fn(|cx| Poll::Ready(cx.waker().clone())).await;
                let thread = std::thread::spawn(move || {
                    other.store(1, Ordering::Release);
                    waker.wake();
                });
                poll_fn(|_| {
                    receiver += 1;
                    if sender.load(Ordering::Acquire) == 1 {
                        Poll::Ready(())
                    } else {
                        Poll::Pending
                    }
                })
                .await;
                thread.join().unwrap();
                assert_eq!(std::thread::current().id(), here);
                *rc
            },
            &options,
            std::panic::Location::caller(),
        )
        .unwrap();
        assert_eq!(task.await.unwrap(), 5);
    });
}

#[test]
fn blocking_work_runs_on_other_threads_and_returns_panics() {
    everywhere(|| async {
        let here = std::thread::current().id();
        let options = SpawnOptions::default();
        let at = std::panic::Location::caller();
        let tasks: Vec<_> = (0..50)
            .map(|n| {
                spawn_blocking(move || (n, std::thread::current().id()), &options, at).unwrap()
            })
            .collect();
        for (n, task) in tasks.into_iter().enumerate() {
            let (m, thread) = task.await.unwrap();
            assert!(n == m && thread != here);
        }
        let error = spawn_blocking(|| panic!("blocked"), &options, at).unwrap().await.unwrap_err();
        assert_eq!(error.message(), Some("blocked"));
    });
}

#[test]
fn done_callbacks_are_called_in_order() {
    everywhere(|| async {
        let order = Arc::new(std::sync::Mutex::new(Vec::new()));
        let task = go(async { 1 });
        for n in 0..3 {
            let order = order.clone();
            task.add_done_callback(move |task| {
                assert!(task.done());
                order.lock().unwrap().push(n);
            });
        }
        let order2 = order.clone();
        let id = task.add_done_callback(move |_| order2.lock().unwrap().push(99));
        let _removed = task.remove_done_callback(id);
        task.await.unwrap();
        while order.lock().unwrap().len() < 3 {
            yield_now().await;
        }
        assert_eq!(order.lock().unwrap()[..3], [0, 1, 2]);
    });
}

#[test]
fn wakes_from_many_threads_are_not_lost() {
    for workers in [1, 2] {
        let rt = runtime(workers, Threads::AllButFirst);
        rt.run(async {
            let count = Arc::new(AtomicUsize::new(0));
            let seen = count.clone();
            let target = 4 * 50_000;
            let task = go(poll_fn(move |cx| {
                static STARTED: AtomicUsize = AtomicUsize::new(0);
                if STARTED.fetch_add(1, Ordering::Relaxed) % 1_000_000_007 == 0
                    || seen.load(Ordering::Relaxed) == 0
                {
                    let threads = if seen.load(Ordering::Relaxed) == 0 { 4 } else { 0 };
                    for _ in 0..threads {
                        let (waker, count) = (cx.waker().clone(), seen.clone());
                        count.fetch_add(1, Ordering::Relaxed);
                        std::thread::spawn(move || {
                            for _ in 0..50_000 {
                                count.fetch_add(1, Ordering::Relaxed);
                                waker.wake_by_ref();
                            }
                        });
                    }
                }
                if seen.load(Ordering::Relaxed) >= target + 4 {
                    Poll::Ready(())
                } else {
                    Poll::Pending
                }
            }));
            task.await.unwrap();
            assert_eq!(count.load(Ordering::Relaxed), target + 4);
        })
        .unwrap();
        rt.shut_down(Patience::Complete);
    }
}

#[test]
fn handle_spawns_from_outside() {
    for workers in [1, 2] {
        let rt = runtime(workers, Threads::All);
        let handle = Handle::new(&rt);
        let threads: Vec<_> = (0..4)
            .map(|_| {
                let handle = handle.clone();
                std::thread::spawn(move || {
                    (0..1_000)
                        .map(|n| handle.block_on(handle.spawn(async move { n })).unwrap().unwrap())
                        .sum::<usize>()
                })
            })
            .collect();
        for thread in threads {
            assert_eq!(thread.join().unwrap(), 499_500);
        }
        rt.shut_down(Patience::Complete);
    }
}

#[test]
fn block_in_place_lets_others_work() {
    for workers in [2, 3] {
        let rt = runtime(workers, Threads::All);
        let handle = Handle::new(&rt);
        rt.block_on(async {
            let tasks: Vec<_> = (0..workers + 2)
                .map(|_| {
                    let handle = handle.clone();
                    go(async move {
                        block_in_place(|| {
                            let inner = handle.spawn(async { 1 });
                            while !inner.done() {
                                std::thread::yield_now();
                            }
                        });
                        current_task().unwrap().id()
                    })
                })
                .collect();
            for task in tasks {
                let id = task.id();
                assert_eq!(task.await.unwrap(), id);
            }
        })
        .unwrap();
        rt.shut_down(Patience::Complete);
    }
}

#[test]
fn uncancel_takes_a_request_back() {
    everywhere(|| async {
        let task = go(async {
            yield_now().await;
            3
        });
        task.cancel();
        assert_eq!(task.cancelling(), 1);
        let left = task.uncancel();
        assert_eq!(left, 0);
        let result: Result<i32, TaskError> = task.await;
        // On several workers the request may have been delivered before it was taken back.
        assert!(
            result.is_ok_and(|value| value == 3)
                || Handle::try_current().unwrap().worker_count() > 1
        );
    });
}

#[test]
fn stuck_worker_does_not_hold_its_next_task() {
    let rt = runtime(2, Threads::AllButFirst);
    rt.run(async {
        let done = Arc::new(AtomicUsize::new(0));
        let flag = done.clone();
        let stuck = go(async move {
            let flag2 = flag.clone();
            drop(go(async move { flag2.store(1, Ordering::Release) }));
            while flag.load(Ordering::Acquire) == 0 {
                std::thread::yield_now();
            }
        });
        stuck.await.unwrap();
    })
    .unwrap();
    rt.shut_down(Patience::Timeout(Duration::from_secs(10)));
}
