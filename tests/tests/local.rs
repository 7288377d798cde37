//! `spawn_local`: tasks that need not be `Send` and stay on their thread.

use std::cell::Cell;
use std::future::pending;
use std::rc::Rc;
use std::thread;

use bowerbird::sync::oneshot;
use bowerbird::{Runtime, Task, spawn, spawn_blocking, spawn_local, yield_now};
use bowerbird_tests::{Counted, Journal, catch, everywhere, on_workers, turns, until};

#[test]
fn local_tasks_share_what_is_not_send() {
    everywhere(|| async {
        let count = Rc::new(Cell::new(0));
        let tasks: Vec<_> = (0..10)
            .map(|_| {
                let count = count.clone();
                spawn_local(async move {
                    yield_now().await;
                    count.set(count.get() + 1);
                    count
                })
            })
            .collect();
        for task in tasks {
            assert!(Rc::ptr_eq(&task.await.unwrap(), &count));
        }
        assert_eq!(count.get(), 10);
    });
}

#[test]
fn local_task_stays_on_the_thread_that_spawned_it() {
    everywhere(|| async {
        // Inside a task that may be on any worker.
        let on_worker = spawn(async {
            let own = thread::current().id();
            let local = spawn_local(async move {
                for _ in 0..50 {
                    yield_now().await;
                    assert_eq!(thread::current().id(), own);
                }
            });
            local.handle()
        });
        on_worker.await.unwrap().wait().await;
    });
}

#[test]
fn local_task_is_woken_from_another_thread() {
    everywhere(|| async {
        let own = thread::current().id();
        let (sender, receiver) = oneshot::channel();
        let task = spawn_local(async move {
            let got: i32 = receiver.await.unwrap();
            (got, thread::current().id())
        });
        turns(2).await;
        let thread = thread::spawn(move || sender.send(8).unwrap());
        assert_eq!(task.await.unwrap(), (8, own));
        thread.join().unwrap();
    });
}

#[test]
fn local_tasks_run_in_the_order_of_spawning_on_one_worker() {
    let journal = Journal::new();
    on_workers(1, async {
        for number in 0..4 {
            let journal = journal.clone();
            drop(Task::builder().spawn_local(async move { journal.note(number.to_string()) }));
        }
        turns(2).await;
    });
    journal.expect(&["0", "1", "2", "3"]);
}

#[test]
fn eager_local_task_runs_before_spawn_returns() {
    everywhere(|| async {
        let value = Rc::new(3);
        let inner = value.clone();
        let task = Task::builder().eager(true).spawn_local(async move { *inner });
        assert!(task.done());
        assert_eq!(task.await.unwrap(), *value);
    });
}

#[test]
fn local_tasks_of_a_finished_block_on_are_cancelled_and_awaited() {
    for workers in [1, 2] {
        let runtime = Runtime::builder().worker_threads(workers).build().unwrap();
        let dropped = Counted::new();
        let task = runtime.block_on(async {
            let guard = dropped.guard();
            let shared = Rc::new(());
            let task = spawn_local(async move {
                let _held = (guard, shared);
                pending::<()>().await;
            });
            yield_now().await;
            task.handle()
        });
        assert!(task.cancelled());
        assert_eq!(dropped.get(), 1);
    }
}

#[test]
fn leftover_local_tasks_are_cancelled_by_the_end_of_run() {
    everywhere(|| {
        let dropped = Counted::new();
        async move {
            let guard = dropped.guard();
            drop(spawn_local(async move {
                let _guard = guard;
                pending::<()>().await;
            }));
            yield_now().await;
        }
    });
}

#[test]
fn panic_of_a_local_task_is_the_error_of_its_await() {
    everywhere(|| async {
        let task = spawn_local(async { panic!("local") });
        assert_eq!(task.await.map(|(): ()| ()).unwrap_err().message(), Some("local"));
    });
}

#[test]
fn spawn_local_on_a_thread_that_polls_nothing_names_the_fix() {
    let expected = |caught: &bowerbird_tests::Caught, line| {
        assert!(caught.message.contains("spawn_local()"), "{caught:?}");
        assert!(caught.message.contains("bowerbird::spawn"), "{caught:?}");
        assert_eq!((caught.file.as_str(), caught.line), (file!(), line));
    };
    let runtime = Runtime::builder().worker_threads(1).build().unwrap();
    let _entered = runtime.enter();
    expected(&catch(|| spawn_local(async {})), line!());
    let caught = runtime.spawn(async {
        spawn_blocking(|| (catch(|| spawn_local(async {})), line!())).await.unwrap()
    });
    drop(_entered);
    let (caught, line) = runtime.block_on(caught).unwrap();
    expected(&caught, line);
}

#[test]
fn many_local_and_other_tasks_finish_side_by_side() {
    everywhere(|| async {
        let ended = Counted::new();
        for number in 0..500 {
            let ended = ended.clone();
            let task = async move {
                turns(number % 7).await;
                ended.add();
            };
            if number % 2 == 0 { drop(spawn_local(task)) } else { drop(spawn(task)) }
        }
        until(|| ended.get() == 500).await;
    });
}
