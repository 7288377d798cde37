//! The end of a runtime, raced with everything that can be going on meanwhile.

mod common;

use std::future::{pending, poll_fn};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Barrier, Mutex};
use std::task::{Poll, Waker};
use std::time::Duration;

use bowerbird_core::{
    Handle, ParkOnly, Patience, Runtime, SpawnOptions, Task, Threads, block_in_place,
};
use common::{
    Bomb, config, count, go, go_blocking, go_local, read, runtime, spin_until, until, watched,
    yield_now,
};

// Wine makes a thread in a millisecond.
const ROUNDS: usize = if cfg!(windows) { 100 } else { 1_000 };

/// Row 20: tokio #2119, #6463, #2789.
#[test]
fn runtimes_start_and_stop_around_block_in_place() {
    watched(|| {
        for round in 0..ROUNDS {
            let rt = runtime(2 + round % 2, Threads::All);
            let ran = count();
            let tasks: Vec<_> = (0..3)
                .map(|_| {
                    let ran = ran.clone();
                    rt.spawn(
                        async move {
                            block_in_place(|| ran.fetch_add(1, Ordering::SeqCst));
                            yield_now().await;
                            block_in_place(std::thread::yield_now);
                        },
                        &SpawnOptions::default(),
                    )
                })
                .collect();
            if round % 3 == 0 {
                spin_until(|| read(&ran) > 0);
            }
            rt.shut_down(Patience::Complete);
            assert!(tasks.iter().all(|task| task.done()), "round {round}");
        }
    });
}

/// Row 22: tokio #1853, #1875, #4834, #7499.
#[test]
fn blocking_work_spawned_during_the_end_resolves() {
    watched(|| {
        for round in 0..ROUNDS {
            let rt = runtime(1 + round % 2, Threads::All);
            let (start, ran) = (Arc::new(Barrier::new(2)), count());
            let other = {
                let (rt, start, ran) = (rt.clone(), start.clone(), ran.clone());
                std::thread::spawn(move || {
                    start.wait();
                    let handle = Handle::new(&rt);
                    (0..8)
                        .map(|_| {
                            let ran = ran.clone();
                            handle.spawn_blocking(move || ran.fetch_add(1, Ordering::SeqCst))
                        })
                        .collect::<Vec<_>>()
                })
            };
            start.wait();
            rt.shut_down(Patience::Complete);
            let tasks = other.join().unwrap();
            let mut values = 0;
            for task in tasks {
                spin_until(|| task.done());
                values += usize::from(task.try_join().expect("it is done").is_ok());
            }
            assert_eq!(values, read(&ran), "what ran gave a value, the rest was cancelled");
        }
    });
}

#[test]
fn task_that_spawns_blocking_work_while_the_runtime_ends_gets_an_answer() {
    watched(|| {
        for round in 0..ROUNDS / 4 {
            let rt = runtime(1 + round % 2, Threads::All);
            let started = count();
            let seen = started.clone();
            drop(rt.spawn(
                async move {
                    loop {
                        seen.fetch_add(1, Ordering::SeqCst);
                        let _answer = go_blocking(|| ()).await;
                        yield_now().await;
                    }
                },
                &SpawnOptions::default(),
            ));
            spin_until(|| read(&started) > 0);
            rt.shut_down(Patience::Complete);
        }
    });
}

/// Tasks that are spawned from outside while the runtime ends.
#[test]
fn task_spawned_from_outside_during_the_end_resolves() {
    watched(|| {
        for round in 0..ROUNDS {
            let rt = runtime(1 + round % 3, Threads::All);
            let start = Arc::new(Barrier::new(2));
            let drops = count();
            let other = {
                let (rt, start, drops) = (rt.clone(), start.clone(), drops.clone());
                std::thread::spawn(move || {
                    start.wait();
                    (0..20)
                        .map(|number| {
                            let bomb = Bomb::new(&drops, false);
                            rt.spawn(
                                async move {
                                    let _bomb = bomb;
                                    if number % 2 == 0 {
                                        pending::<()>().await;
                                    }
                                },
                                &SpawnOptions::default(),
                            )
                        })
                        .collect::<Vec<Task<()>>>()
                })
            };
            start.wait();
            rt.shut_down(Patience::Complete);
            let tasks = other.join().unwrap();
            tasks.iter().for_each(|task| spin_until(|| task.done()));
            assert_eq!(read(&drops), 20);
        }
    });
}

/// Row 11: async-executor #163.
#[test]
fn foreign_threads_wake_while_the_runtime_ends() {
    watched(|| {
        for round in 0..ROUNDS {
            let rt = runtime(1 + round % 3, Threads::All);
            let wakers: Arc<Mutex<Vec<Waker>>> = Arc::default();
            let is_over = Arc::new(AtomicBool::new(false));
            for _ in 0..4 {
                let wakers = wakers.clone();
                drop(rt.spawn(
                    poll_fn(move |cx| {
                        wakers.lock().unwrap().push(cx.waker().clone());
                        Poll::<()>::Pending
                    }),
                    &SpawnOptions::default(),
                ));
            }
            spin_until(|| wakers.lock().unwrap().len() >= 4);
            let threads: Vec<_> = (0..2)
                .map(|_| {
                    let (wakers, is_over) = (wakers.clone(), is_over.clone());
                    std::thread::spawn(move || {
                        while !is_over.load(Ordering::SeqCst) {
                            let taken = wakers.lock().unwrap().pop();
                            if let Some(waker) = taken {
                                waker.wake_by_ref();
                                waker.wake();
                            }
                        }
                    })
                })
                .collect();
            rt.shut_down(Patience::Complete);
            drop(rt);
            is_over.store(true, Ordering::SeqCst);
            threads.into_iter().for_each(|thread| thread.join().unwrap());
        }
    });
}

/// A runtime that is dropped and never shut down: its tasks stay, and waking them does nothing.
#[test]
fn task_of_a_runtime_that_was_never_ended_may_be_woken() {
    watched(|| {
        let rt = runtime(1, Threads::AllButFirst);
        let kept: Arc<Mutex<Option<Waker>>> = Arc::default();
        let slot = kept.clone();
        let task = rt
            .run(async move {
                let task = go(poll_fn(move |cx| {
                    *slot.lock().unwrap() = Some(cx.waker().clone());
                    Poll::<()>::Pending
                }));
                yield_now().await;
                yield_now().await;
                task
            })
            .unwrap();
        drop(rt);
        // A runtime that takes the same places in the table must not get the task.
        let next = runtime(1, Threads::AllButFirst);
        let waker = kept.lock().unwrap().take().expect("it was polled");
        next.run(async {
            waker.wake_by_ref();
            yield_now().await;
        })
        .unwrap();
        std::thread::scope(|scope| {
            scope.spawn(|| waker.wake_by_ref());
        });
        waker.wake();
        assert!(!task.done() && !task.cancelled());
        assert!(task.cancel(), "asking is allowed, though nobody will ever answer");
        next.shut_down(Patience::Complete);
    });
}

/// Row 19: tokio #2046, #1886.
#[test]
fn end_with_queued_blocking_work_that_owns_handles() {
    watched(|| {
        for workers in [1, 2] {
            let mut settings = config(workers);
            settings.max_blocking_threads = 1;
            let rt = Runtime::start(settings, Arc::new(ParkOnly), Threads::All).unwrap();
            let handle = Handle::new(&rt);
            let (start, gate) = (Arc::new(Barrier::new(2)), Arc::new(Barrier::new(2)));
            let first = {
                let (start, gate) = (start.clone(), gate.clone());
                handle.spawn_blocking(move || {
                    start.wait();
                    gate.wait();
                })
            };
            start.wait();
            let drops = count();
            let queued: Vec<_> = (0..10)
                .map(|_| {
                    let (inner, bomb) = (handle.clone(), Bomb::new(&drops, false));
                    let waited = handle.spawn(pending::<()>());
                    handle.spawn_blocking(move || {
                        let _bomb = bomb;
                        let _ended = inner.block_on(waited);
                    })
                })
                .collect();
            let ender = {
                let rt = rt.clone();
                std::thread::spawn(move || rt.shut_down(Patience::Complete))
            };
            // The queued work is dropped before the running work is awaited.
            spin_until(|| queued.iter().all(|task| task.cancelled()));
            gate.wait();
            ender.join().unwrap();
            assert!(first.done());
            assert_eq!(read(&drops), 10);
        }
    });
}

/// Row 21: iroh-blobs #260.
#[test]
fn last_reference_to_a_runtime_dropped_inside_a_task_does_not_wait_for_itself() {
    struct EndsWhenDropped(Arc<Runtime>);
    impl Drop for EndsWhenDropped {
        fn drop(&mut self) {
            self.0.shut_down(Patience::Complete);
        }
    }
    watched(|| {
        for workers in [1, 2, 3] {
            for is_other in [false, true] {
                let rt = runtime(workers, Threads::All);
                let ended = if is_other { runtime(workers, Threads::All) } else { rt.clone() };
                let drops = count();
                let bomb = Bomb::new(&drops, false);
                drop(ended.spawn(
                    async move {
                        let _bomb = bomb;
                        pending::<()>().await;
                    },
                    &SpawnOptions::default(),
                ));
                let held = EndsWhenDropped(ended);
                let task = rt.spawn(async move { drop(held) }, &SpawnOptions::default());
                spin_until(|| task.done() && read(&drops) == 1);
                // The end that it asked for may have cancelled it.
                let output = task.try_join().unwrap();
                assert!(output.is_ok() || output.is_err_and(|error| error.is_cancelled()));
                rt.shut_down(Patience::Complete);
            }
        }
    });
}

#[test]
fn block_on_while_the_runtime_ends_comes_back() {
    watched(|| {
        for round in 0..ROUNDS {
            let rt = runtime(1 + round % 3, Threads::All);
            let start = Arc::new(Barrier::new(3));
            let others: Vec<_> = (0..2)
                .map(|_| {
                    let (rt, start) = (rt.clone(), start.clone());
                    std::thread::spawn(move || {
                        start.wait();
                        for number in 0..5 {
                            // The end cancels what waits, unless it is done before.
                            match rt.block_on(async { number }) {
                                Ok(seen) => assert_eq!(seen, number),
                                Err(error) => assert!(error.is_cancelled()),
                            }
                        }
                    })
                })
                .collect();
            start.wait();
            rt.shut_down(Patience::Complete);
            others.into_iter().for_each(|other| other.join().unwrap());
            assert_eq!(rt.block_on(async { 8 }).unwrap(), 8, "after the end too");
        }
    });
}

#[test]
fn end_asked_for_by_several_threads_comes_once() {
    watched(|| {
        for round in 0..200 {
            let threads = if round % 2 == 0 { Threads::All } else { Threads::AllButFirst };
            let rt = runtime(1 + round % 3, threads);
            let drops = count();
            for _ in 0..10 {
                let bomb = Bomb::new(&drops, false);
                drop(rt.spawn(
                    async move {
                        let _bomb = bomb;
                        pending::<()>().await;
                    },
                    &SpawnOptions::default(),
                ));
            }
            std::thread::scope(|scope| {
                for _ in 0..3 {
                    scope.spawn(|| rt.shut_down(Patience::Complete));
                }
            });
            assert_eq!(read(&drops), 10);
        }
    });
}

/// Two threads in `run` of one runtime: the seat has one occupant at a time, the other is told.
#[test]
fn run_from_two_threads_at_once_is_refused_to_one() {
    watched(|| {
        for workers in [1, 2] {
            let rt = runtime(workers, Threads::AllButFirst);
            let (inside, together) = (count(), Barrier::new(2));
            std::thread::scope(|scope| {
                for _ in 0..2 {
                    scope.spawn(|| {
                        together.wait();
                        for _ in 0..200 {
                            let ran = catch_unwind(AssertUnwindSafe(|| {
                                rt.run(async {
                                    assert_eq!(inside.fetch_add(1, Ordering::SeqCst), 0);
                                    yield_now().await;
                                    inside.fetch_sub(1, Ordering::SeqCst);
                                })
                            }));
                            assert!(ran.is_err() || ran.is_ok_and(|output| output.is_ok()));
                        }
                    });
                }
            });
            rt.run(async {}).unwrap();
            rt.shut_down(Patience::Complete);
        }
    });
}

/// A `!Send` future is dropped on the thread that made it or not at all, whoever ends the runtime, and how.
#[test]
fn local_task_left_behind_by_run_is_dropped_on_its_thread() {
    struct Here(std::thread::ThreadId, Arc<AtomicUsize>);
    impl Drop for Here {
        fn drop(&mut self) {
            assert_eq!(std::thread::current().id(), self.0);
            self.1.fetch_add(1, Ordering::SeqCst);
        }
    }
    watched(|| {
        for workers in [1, 2] {
            for is_ended_here in [false, true] {
                for patience in [Patience::Complete, Patience::Timeout(Duration::from_secs(60))] {
                    let rt = runtime(workers, Threads::AllButFirst);
                    let drops = count();
                    rt.run(async {
                        let here = Here(std::thread::current().id(), drops.clone());
                        drop(go_local(async move {
                            let _here = here;
                            pending::<()>().await;
                        }));
                        yield_now().await;
                    })
                    .unwrap();
                    if is_ended_here {
                        rt.shut_down(patience);
                        assert_eq!(read(&drops), 1);
                    } else {
                        let ender = rt.clone();
                        std::thread::spawn(move || ender.shut_down(patience)).join().unwrap();
                        assert_eq!(read(&drops), 0, "it is left behind");
                    }
                }
            }
        }
    });
}

/// Row 13: tokio #4724, #6505.
#[test]
fn two_tasks_that_await_each_other_end_with_the_runtime() {
    watched(|| {
        for workers in [1, 2, 4] {
            for _ in 0..50 {
                let rt = runtime(workers, Threads::AllButFirst);
                let drops = count();
                rt.run(async {
                    let handles: Arc<Mutex<Vec<Task<()>>>> = Arc::default();
                    let tasks: Vec<_> = (0..2)
                        .map(|_| {
                            let (handles, bomb) = (handles.clone(), Bomb::new(&drops, false));
                            go(async move {
                                let _bomb = bomb;
                                let take = || handles.lock().unwrap().pop();
                                let other = loop {
                                    match take() {
                                        Some(other) => break other,
                                        None => yield_now().await,
                                    }
                                };
                                let _ended = other.await;
                            })
                        })
                        .collect();
                    let ids: Vec<_> = tasks.iter().map(|task| task.id()).collect();
                    assert_ne!(ids[0], ids[1]);
                    handles.lock().unwrap().extend(tasks);
                    until(|| handles.lock().unwrap().is_empty()).await;
                    yield_now().await;
                })
                .unwrap();
                rt.shut_down(Patience::Complete);
                assert_eq!(read(&drops), 2);
            }
        }
    });
}

/// Row 25: tokio #5177.
#[test]
fn block_on_inside_a_task_panics_and_leaves_the_runtime_usable() {
    watched(|| {
        for workers in [1, 2] {
            let rt = runtime(workers, Threads::All);
            let inner = rt.clone();
            let task = rt.spawn(
                async move {
                    let inside = catch_unwind(AssertUnwindSafe(|| inner.block_on(async { 1 })));
                    assert!(inside.is_err(), "waiting inside a task must be refused");
                    let inside = catch_unwind(AssertUnwindSafe(|| inner.run(async { 1 })));
                    assert!(inside.is_err(), "waiting inside a task must be refused");
                },
                &SpawnOptions::default(),
            );
            rt.block_on(task).unwrap().unwrap();
            assert_eq!(rt.block_on(async { go(async { 2 }).await.unwrap() }).unwrap(), 2);
            rt.shut_down(Patience::Complete);
        }
    });
}
