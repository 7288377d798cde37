//! `Runtime`: held by a synchronous program; its tasks run while nobody waits.

use std::future::pending;
use std::sync::{Arc, Barrier, Mutex, mpsc};
use std::thread;
use std::time::Duration;

use bowerbird::runtime::Handle;
use bowerbird::sync::oneshot;
use bowerbird::{
    Runtime, all_tasks, current_task, gather_iter, sleep, spawn, spawn_blocking, time, to_thread,
    yield_now,
};
use bowerbird_tests::{Counted, WORKER_COUNTS, catch, turns, until};
#[cfg(target_os = "linux")]
use bowerbird_tests::{in_own_process, thread_count};

fn runtime(workers: usize) -> Runtime {
    Runtime::builder().worker_threads(workers).build().unwrap()
}

#[test]
fn tasks_run_while_nobody_is_in_block_on() {
    for workers in WORKER_COUNTS {
        let runtime = runtime(workers);
        let (sender, receiver) = mpsc::channel();
        drop(runtime.spawn(async move {
            sleep(Duration::from_millis(1)).await;
            sender.send(to_thread(|| "in the background").await).unwrap();
        }));
        assert_eq!(receiver.recv().unwrap(), "in the background");
    }
}

#[test]
fn block_on_gives_the_value_of_a_future_that_need_not_be_send() {
    for workers in WORKER_COUNTS {
        let runtime = runtime(workers);
        let local = std::rc::Rc::new(3);
        assert_eq!(runtime.block_on(async { *local + spawn(async { 4 }).await.unwrap() }), 7);
        assert_eq!(runtime.block_on(async { 1 }), 1);
    }
}

#[test]
fn threads_in_block_on_and_background_tasks_all_make_progress() {
    for workers in WORKER_COUNTS {
        let runtime = Arc::new(runtime(workers));
        let ticks = Counted::new();
        let ticker = {
            let ticks = ticks.clone();
            runtime.spawn(async move {
                loop {
                    yield_now().await;
                    ticks.add();
                }
            })
        };
        let barrier = Arc::new(Barrier::new(4));
        let threads: Vec<_> = (0..4_u32)
            .map(|number| {
                let (runtime, barrier, ticks) = (runtime.clone(), barrier.clone(), ticks.clone());
                thread::spawn(move || {
                    barrier.wait();
                    for round in 0..20_u32 {
                        let sum = runtime.block_on(async {
                            let before = ticks.get();
                            let parts = gather_iter((0..10).map(|n| async move {
                                sleep(Duration::from_micros(u64::from(n))).await;
                                n + number + round
                            }))
                            .await;
                            until(|| ticks.get() > before).await;
                            parts.iter().sum::<u32>()
                        });
                        assert_eq!(sum, 45 + 10 * (number + round));
                    }
                })
            })
            .collect();
        threads.into_iter().for_each(|thread| thread.join().unwrap());
        ticker.cancel();
        let _never: Result<(), _> = runtime.block_on(ticker);
    }
}

#[test]
fn two_threads_in_block_on_talk_to_each_other() {
    for workers in WORKER_COUNTS {
        let runtime = Arc::new(runtime(workers));
        let (to_other, from_main) = oneshot::channel::<i32>();
        let (to_main, from_other) = oneshot::channel::<i32>();
        let other = runtime.clone();
        let thread = thread::spawn(move || {
            other.block_on(async move {
                let got = from_main.await.unwrap();
                to_main.send(got + 1).unwrap();
            });
        });
        let answer = runtime.block_on(async move {
            to_other.send(1).unwrap();
            from_other.await.unwrap()
        });
        assert_eq!(answer, 2);
        thread.join().unwrap();
    }
}

#[test]
fn block_on_while_every_worker_is_in_a_long_poll_polls_its_own_future() {
    for workers in WORKER_COUNTS {
        let runtime = runtime(workers);
        let (release, blocked) = mpsc::channel::<()>();
        let blocked = Arc::new(Mutex::new(blocked));
        let begun = Counted::new();
        let stuck: Vec<_> = (0..workers)
            .map(|_| {
                let (blocked, begun) = (blocked.clone(), begun.clone());
                runtime.spawn(async move {
                    begun.add();
                    let _closed = blocked.lock().unwrap().recv();
                })
            })
            .collect();
        while begun.get() < workers {
            thread::yield_now();
        }
        let waker = thread::spawn({
            let (sender, receiver) = oneshot::channel();
            let got = receiver;
            sender.send(5).unwrap();
            move || got
        });
        let receiver = waker.join().unwrap();
        assert_eq!(runtime.block_on(receiver), Ok(5));
        drop(release);
        stuck.into_iter().for_each(|task| runtime.block_on(task).unwrap());
    }
}

#[test]
fn panic_in_block_on_goes_through_and_the_runtime_lives() {
    for workers in WORKER_COUNTS {
        let runtime = runtime(workers);
        let caught = catch(|| runtime.block_on(async { panic!("in block_on") }));
        assert_eq!(caught.message, "in block_on");
        assert_eq!(runtime.block_on(async { spawn(async { 2 }).await.unwrap() }), 2);
    }
}

#[test]
fn block_on_inside_a_task_panics_and_names_the_fix() {
    for workers in WORKER_COUNTS {
        let (outer, inner) = (runtime(workers), Arc::new(runtime(1)));
        let used = inner.clone();
        let (caught, line) = outer
            .block_on(outer.spawn(async move { (catch(|| used.block_on(async {})), line!()) }))
            .unwrap();
        assert!(caught.message.contains("block_on()"), "{caught:?}");
        assert!(caught.message.contains("await the future instead"), "{caught:?}");
        assert_eq!((caught.file.as_str(), caught.line), (file!(), line));
        let handle = outer.handle();
        let caught = outer.block_on(async { catch(|| drop(handle.block_on(async {}))) });
        assert_eq!((caught.file.as_str(), caught.line), (file!(), line!() - 1));
    }
}

#[test]
fn block_on_that_is_cancelled_panics_at_its_line_with_the_message() {
    let runtime = runtime(1);
    let caught = catch(|| {
        runtime.block_on(async {
            current_task().unwrap().cancel_with("the reason");
            pending::<()>().await;
        })
    });
    assert!(caught.message.contains("the reason"), "{caught:?}");
    assert_eq!((caught.file.as_str(), caught.line), (file!(), line!() - 6));
}

#[test]
fn dropped_runtime_cancels_and_awaits_what_is_left() {
    for workers in WORKER_COUNTS {
        let runtime = runtime(workers);
        let (begun, dropped) = (Counted::new(), Counted::new());
        let tasks: Vec<_> = (0..100)
            .map(|_| {
                let (begun, guard) = (begun.clone(), dropped.guard());
                runtime.spawn(async move {
                    let _guard = guard;
                    begun.add();
                    pending::<()>().await;
                })
            })
            .collect();
        while begun.get() < 100 {
            thread::yield_now();
        }
        drop(runtime);
        assert_eq!(dropped.get(), 100);
        assert!(tasks.iter().all(|task| task.cancelled()));
    }
}

#[test]
fn runtime_dropped_in_its_own_task_ends_in_the_background() {
    for workers in WORKER_COUNTS {
        let runtime = runtime(workers);
        let handle = runtime.handle();
        let (begun, dropped) = (Counted::new(), Counted::new());
        let (count, guard) = (begun.clone(), dropped.guard());
        let other = handle.spawn(async move {
            let _guard = guard;
            count.add();
            pending::<()>().await;
        });
        while begun.get() < 1 {
            thread::yield_now();
        }
        let (sender, receiver) = mpsc::channel();
        drop(handle.spawn(async move {
            drop(runtime);
            sender.send("went on").unwrap();
        }));
        assert_eq!(receiver.recv().unwrap(), "went on");
        while dropped.get() < 1 {
            thread::yield_now();
        }
        while !other.done() {
            thread::yield_now();
        }
        assert!(other.cancelled());
    }
}

#[test]
fn runtime_dropped_in_a_task_of_another_ends_too() {
    for workers in WORKER_COUNTS {
        let (outer, inner) = (runtime(workers), runtime(workers));
        let (begun, dropped) = (Counted::new(), Counted::new());
        let (count, guard) = (begun.clone(), dropped.guard());
        drop(inner.spawn(async move {
            let _guard = guard;
            count.add();
            pending::<()>().await;
        }));
        while begun.get() < 1 {
            thread::yield_now();
        }
        outer.block_on(async move { drop(inner) });
        while dropped.get() < 1 {
            thread::yield_now();
        }
    }
}

#[test]
fn shutdown_timeout_leaves_a_stuck_task_behind_and_reports_it() {
    for workers in WORKER_COUNTS {
        let heard = Arc::new(Mutex::new(Vec::new()));
        let handler = heard.clone();
        let runtime = Runtime::builder()
            .worker_threads(workers)
            .exception_handler(move |unhandled| handler.lock().unwrap().push(unhandled.to_string()))
            .build()
            .unwrap();
        let (release, blocked) = mpsc::channel::<()>();
        let begun = Counted::new();
        let count = begun.clone();
        let task = bowerbird::Task::builder().name("stuck one");
        let entered = runtime.enter();
        drop(task.spawn(async move {
            count.add();
            // Not a suspension: nothing can end it.
            let _closed = blocked.recv();
        }));
        drop(entered);
        while begun.get() < 1 {
            thread::yield_now();
        }
        runtime.shutdown_timeout(Duration::from_millis(20));
        let heard = heard.lock().unwrap().clone();
        assert_eq!(heard.len(), 1, "{workers}: {heard:?}");
        assert!(heard[0].contains("stuck one"), "{workers}: {heard:?}");
        drop(release);
    }
}

#[test]
fn shutdown_timeout_leaves_a_stuck_closure_behind_and_reports_it() {
    for workers in WORKER_COUNTS {
        let heard = Arc::new(Mutex::new(Vec::new()));
        let handler = heard.clone();
        let runtime = Runtime::builder()
            .worker_threads(workers)
            .exception_handler(move |unhandled| handler.lock().unwrap().push(unhandled.to_string()))
            .build()
            .unwrap();
        let (release, blocked) = mpsc::channel::<()>();
        let begun = Counted::new();
        let count = begun.clone();
        let stuck = runtime.handle().spawn_blocking(move || {
            count.add();
            let _closed = blocked.recv();
        });
        stuck.set_name("stuck closure");
        drop(stuck);
        while begun.get() < 1 {
            thread::yield_now();
        }
        runtime.shutdown_timeout(Duration::from_millis(20));
        let heard = heard.lock().unwrap().clone();
        assert_eq!(heard.len(), 1, "{workers}: {heard:?}");
        assert!(heard[0].contains("stuck closure"), "{workers}: {heard:?}");
        drop(release);
    }
}

#[test]
fn shutdown_timeout_without_anything_stuck_ends_everything() {
    for workers in WORKER_COUNTS {
        let runtime = runtime(workers);
        let dropped = Counted::new();
        let guard = dropped.guard();
        let task = runtime.spawn(async move {
            let _guard = guard;
            pending::<()>().await;
        });
        runtime.shutdown_timeout(Duration::from_secs(3_600));
        assert_eq!(dropped.get(), 1);
        assert!(task.cancelled());
    }
}

#[test]
fn shutdown_background_does_not_wait_for_what_blocks() {
    for workers in WORKER_COUNTS {
        let runtime = runtime(workers);
        let (release, blocked) = mpsc::channel::<()>();
        let (begun, ended) = (Counted::new(), Counted::new());
        let (first, last) = (begun.clone(), ended.clone());
        let handle = runtime.handle();
        drop(handle.spawn_blocking(move || {
            first.add();
            let _closed = blocked.recv();
            last.add();
        }));
        while begun.get() < 1 {
            thread::yield_now();
        }
        runtime.shutdown_background();
        assert_eq!(ended.get(), 0);
        drop(release);
        while ended.get() < 1 {
            thread::yield_now();
        }
    }
}

#[test]
fn entered_thread_spawns_and_sleeps_on_the_runtime() {
    for workers in WORKER_COUNTS {
        let runtime = runtime(workers);
        assert!(Handle::try_current().is_none());
        let guard = runtime.enter();
        let task = spawn(async {
            sleep(Duration::from_micros(100)).await;
            9
        });
        let waiting = sleep(Duration::from_millis(1));
        assert_eq!(all_tasks().len(), Handle::try_current().unwrap().all_tasks().len());
        assert!(current_task().is_none());
        drop(guard);
        assert!(Handle::try_current().is_none());
        assert_eq!(runtime.block_on(task).unwrap(), 9);
        runtime.block_on(waiting);
    }
}

#[test]
fn entered_runtimes_nest() {
    let (first, second) = (runtime(1), runtime(2));
    let workers = || Handle::try_current().unwrap().worker_count();
    let outer = first.enter();
    assert_eq!(workers(), 1);
    let inner = second.enter();
    assert_eq!(workers(), 2);
    drop(inner);
    assert_eq!(workers(), 1);
    drop(outer);
}

#[test]
fn task_of_one_runtime_is_awaited_in_another() {
    for workers in WORKER_COUNTS {
        let (first, second) = (runtime(workers), runtime(workers));
        let task = first.spawn(async {
            sleep(Duration::from_millis(1)).await;
            "across"
        });
        assert_eq!(second.block_on(task).unwrap(), "across");
        let handle = first.handle();
        let nested = second.spawn(async move { handle.spawn(async { 3 }).await.unwrap() });
        assert_eq!(first.block_on(nested).unwrap(), 3);
    }
}

#[test]
fn sleep_of_one_runtime_is_awaited_in_another() {
    let (first, second) = (runtime(1), runtime(2));
    let waiting = {
        let _entered = first.enter();
        sleep(Duration::from_millis(2))
    };
    second.block_on(waiting);
    let waiting = first.block_on(async { sleep(Duration::from_millis(2)) });
    second.block_on(second.spawn(waiting)).unwrap();
}

#[test]
fn tasks_spawned_from_many_threads_all_run() {
    for workers in WORKER_COUNTS {
        let runtime = runtime(workers);
        let ended = Counted::new();
        thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| {
                    for _ in 0..500 {
                        let ended = ended.clone();
                        drop(runtime.spawn(async move {
                            yield_now().await;
                            ended.add();
                        }));
                    }
                });
            }
        });
        runtime.block_on(until(|| ended.get() == 2_000));
    }
}

#[test]
fn tasks_spawned_while_the_runtime_ends_all_end() {
    for workers in WORKER_COUNTS {
        for _ in 0..10 {
            let runtime = runtime(workers);
            let handle = runtime.handle();
            let made = Counted::new();
            let dropped = Counted::new();
            let (count, drops) = (made.clone(), dropped.clone());
            let spawner = thread::spawn(move || {
                for _ in 0..300 {
                    let guard = drops.guard();
                    count.add();
                    drop(handle.spawn(async move {
                        let _guard = guard;
                        pending::<()>().await;
                    }));
                }
            });
            while made.get() < 50 {
                thread::yield_now();
            }
            drop(runtime);
            spawner.join().unwrap();
            assert_eq!(dropped.get(), 300);
        }
    }
}

#[cfg(target_os = "linux")]
#[test]
fn runtime_without_a_task_has_its_threads_and_ends_them() {
    let name = "runtime_without_a_task_has_its_threads_and_ends_them";
    in_own_process(name, &[], || {
        let before = thread_count();
        let runtime = runtime(3);
        // Three workers and the rescue thread.
        while thread_count() != before + 4 {
            thread::yield_now();
        }
        drop(runtime);
        while thread_count() != before {
            thread::yield_now();
        }
    });
}

#[test]
fn clock_is_the_runtimes_own() {
    let paused = Runtime::builder().worker_threads(1).start_paused(true).build().unwrap();
    let running = runtime(1);
    let start = paused.block_on(async { time::now() });
    running.block_on(async { sleep(Duration::from_millis(1)).await });
    assert_eq!(paused.block_on(async { time::now() }), start);
}

#[test]
fn blocking_work_of_a_runtime_goes_to_its_own_pool() {
    let runtime = Runtime::builder().worker_threads(1).thread_name("own").build().unwrap();
    let name = || thread::current().name().unwrap().to_owned();
    let _entered = runtime.enter();
    let task = spawn_blocking(name);
    drop(_entered);
    assert!(runtime.block_on(task).unwrap().starts_with("own-"));
    runtime.block_on(turns(2));
}
