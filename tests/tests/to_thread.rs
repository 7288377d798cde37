//! `to_thread`, `spawn_blocking`, `block_in_place`: what blocks, off the workers.

use std::collections::HashSet;
use std::sync::{Arc, Mutex, mpsc};
use std::thread;

use bowerbird::context::ContextVar;
use bowerbird::{
    Runner, block_in_place, current_task, gather_iter, sleep, spawn, spawn_blocking, to_thread,
};
use bowerbird_tests::{Counted, everywhere, on_workers, turns, until};

#[test]
fn closure_runs_on_another_thread_and_gives_its_result() {
    everywhere(|| async {
        let own = thread::current().id();
        let (sum, other) = to_thread(|| ((1..=10).sum::<u32>(), thread::current().id())).await;
        assert_eq!(sum, 55);
        assert_ne!(other, own);
    });
}

#[test]
fn workers_work_on_while_closures_block() {
    everywhere(|| async {
        let (release, blocked) = mpsc::channel::<()>();
        let blocking = spawn_blocking(move || blocked.recv().unwrap());
        let other = spawn(async {
            turns(10).await;
            "not blocked"
        });
        assert_eq!(other.await.unwrap(), "not blocked");
        release.send(()).unwrap();
        blocking.await.unwrap();
    });
}

#[test]
fn panic_of_the_closure_goes_on_in_the_awaiter() {
    everywhere(|| async {
        let task = spawn(async { to_thread(|| panic!("off the worker")).await });
        let error = task.await.map(|(): ()| ()).unwrap_err();
        assert_eq!(error.message(), Some("off the worker"));
        let error = spawn_blocking(|| panic!("as an error")).await.map(|(): ()| ()).unwrap_err();
        assert_eq!(error.message(), Some("as an error"));
    });
}

#[test]
fn context_follows_into_the_thread_and_not_back() {
    static USER: ContextVar<&str> = ContextVar::new("user");
    everywhere(|| async {
        let _token = USER.set("ann");
        let seen = to_thread(|| {
            let seen = USER.get();
            let _token = USER.set("bob");
            seen
        });
        assert_eq!(seen.await, Some("ann"));
        assert_eq!(USER.get(), Some("ann"));
        assert_eq!(spawn_blocking(|| USER.get()).await.unwrap(), Some("ann"));
    });
}

#[test]
fn cancelled_to_thread_ends_at_once_and_its_closure_runs_on() {
    everywhere(|| async {
        let (release, blocked) = mpsc::channel::<()>();
        let (begun, ended) = (Counted::new(), Counted::new());
        let (first, last) = (begun.clone(), ended.clone());
        let task = spawn(to_thread(move || {
            first.add();
            blocked.recv().unwrap();
            last.add();
        }));
        until(|| begun.get() == 1).await;
        turns(3).await;
        task.cancel();
        assert!(task.await.unwrap_err().is_cancelled());
        assert_eq!(ended.get(), 0);
        release.send(()).unwrap();
        until(|| ended.get() == 1).await;
    });
}

#[test]
fn closure_that_is_still_queued_is_dropped_with_its_cancelled_task() {
    for workers in [1, 4] {
        let builder = Runner::builder().worker_threads(workers).max_blocking_threads(1);
        builder
            .build()
            .unwrap()
            .run(async {
                let (release, blocked) = mpsc::channel::<()>();
                let first = spawn_blocking(move || blocked.recv().unwrap());
                let ran = Counted::new();
                let count = ran.clone();
                let queued = spawn_blocking(move || count.add());
                queued.cancel_with("not needed");
                release.send(()).unwrap();
                assert_eq!(queued.await.unwrap_err().message(), Some("not needed"));
                first.await.unwrap();
                assert_eq!(ran.get(), 0);
            })
            .unwrap();
    }
}

#[test]
fn pool_has_no_more_threads_than_its_limit() {
    let mut runner = Runner::builder().worker_threads(2).max_blocking_threads(3).build().unwrap();
    let threads = Arc::new(Mutex::new(HashSet::new()));
    let seen = threads.clone();
    runner
        .run(async {
            gather_iter((0..50).map(|_| {
                let seen = seen.clone();
                to_thread(move || {
                    thread::yield_now();
                    seen.lock().unwrap().insert(thread::current().id());
                })
            }))
            .await;
        })
        .unwrap();
    assert!((1..=3).contains(&threads.lock().unwrap().len()));
}

#[test]
fn threads_bear_the_name_of_the_runtime() {
    let mut runner = Runner::builder().worker_threads(1).thread_name("pool").build().unwrap();
    let name = runner.run(to_name()).unwrap();
    assert!(name.starts_with("pool-"), "{name}");
}

async fn to_name() -> String {
    to_thread(|| thread::current().name().unwrap().to_owned()).await
}

#[test]
fn queued_work_at_the_end_is_reported_and_not_run() {
    let heard = Arc::new(Mutex::new(Vec::new()));
    let handler = heard.clone();
    let mut runner = Runner::builder()
        .worker_threads(1)
        .max_blocking_threads(1)
        .exception_handler(move |unhandled| handler.lock().unwrap().push(unhandled.to_string()))
        .build()
        .unwrap();
    let (release, blocked) = mpsc::channel::<()>();
    let ran = Counted::new();
    let count = ran.clone();
    let queued = runner
        .run(async move {
            let begun = Counted::new();
            let begin = begun.clone();
            drop(spawn_blocking(move || {
                begin.add();
                // The end of the runtime lets it go.
                let _closed = blocked.recv();
            }));
            until(|| begun.get() == 1).await;
            spawn_blocking(move || count.add())
        })
        .unwrap();
    let handle = queued.handle();
    let releaser = thread::spawn(move || {
        // The queue is emptied before the running closure is awaited.
        while !handle.done() {
            thread::yield_now();
        }
        drop(release);
    });
    drop(runner);
    releaser.join().unwrap();
    assert_eq!(ran.get(), 0);
    assert!(queued.try_join().unwrap().unwrap_err().is_cancelled());
    let heard = heard.lock().unwrap();
    assert!(heard.iter().any(|line| line.contains("was not run")), "{heard:?}");
}

#[test]
fn blocking_work_is_no_task_of_all_tasks() {
    everywhere(|| async {
        let (release, blocked) = mpsc::channel::<()>();
        let work = spawn_blocking(move || blocked.recv().unwrap());
        assert_eq!(bowerbird::all_tasks(), [current_task().unwrap()]);
        release.send(()).unwrap();
        work.await.unwrap();
    });
}

#[test]
fn block_in_place_lets_other_tasks_run() {
    for workers in [2, 4] {
        on_workers(workers, async {
            let (release, blocked) = mpsc::channel();
            let blocking = spawn(async move {
                let got: i32 = block_in_place(move || blocked.recv().unwrap());
                sleep(std::time::Duration::from_micros(10)).await;
                got
            });
            let other = spawn(async move {
                turns(5).await;
                release.send(6).unwrap();
            });
            other.await.unwrap();
            assert_eq!(blocking.await.unwrap(), 6);
        });
    }
    on_workers(1, async { assert_eq!(spawn(async { block_in_place(|| 1) }).await.unwrap(), 1) });
}
