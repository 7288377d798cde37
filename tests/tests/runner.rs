//! `Runner`: several mains, one after the other, on one runtime.

use std::future::pending;

use bowerbird::sync::oneshot;
use bowerbird::{RunError, Runner, all_tasks, current_task, spawn};
use bowerbird_tests::{Counted, WORKER_COUNTS, catch, turns, until};

fn runner(workers: usize) -> Runner {
    Runner::builder().worker_threads(workers).build().unwrap()
}

#[test]
fn runs_share_one_runtime_and_tasks_go_on_between_them() {
    for workers in WORKER_COUNTS {
        let mut runner = runner(workers);
        let (sender, receiver) = oneshot::channel::<i32>();
        let task = runner.run(async { spawn(async { receiver.await.unwrap() * 2 }) }).unwrap();
        sender.send(21).unwrap();
        assert_eq!(runner.run(task).unwrap().unwrap(), 42);
    }
}

#[test]
fn dropped_runner_cancels_and_awaits_what_is_left() {
    for workers in WORKER_COUNTS {
        let dropped = Counted::new();
        let guard = dropped.guard();
        let mut runner = runner(workers);
        let task = runner
            .run(async {
                let task = spawn(async move {
                    let _guard = guard;
                    pending::<()>().await;
                });
                turns(3).await;
                task
            })
            .unwrap();
        assert!(!task.done());
        runner.close();
        assert_eq!(dropped.get(), 1);
        assert!(task.cancelled());
    }
}

#[test]
fn cancelled_main_is_an_error_with_its_message_and_the_runner_goes_on() {
    for workers in WORKER_COUNTS {
        let mut runner = runner(workers);
        let ended = runner.run(async {
            current_task().unwrap().cancel_with("no more");
            pending::<()>().await;
        });
        let Err(error) = ended else { panic!("it was cancelled") };
        assert!(matches!(&error, RunError::Cancelled(Some(message)) if message == "no more"));
        assert!(error.to_string().contains("no more"), "{error}");
        assert_eq!(runner.run(async { 1 }).unwrap(), 1);
    }
}

#[test]
fn main_cancelled_from_another_thread_is_an_error() {
    for workers in WORKER_COUNTS {
        let mut runner = runner(workers);
        let (sender, receiver) = std::sync::mpsc::channel();
        let thread = std::thread::spawn(move || {
            let main: bowerbird::TaskHandle = receiver.recv().unwrap();
            main.cancel();
        });
        let ended = runner.run(async {
            sender.send(current_task().unwrap()).unwrap();
            pending::<()>().await;
        });
        assert!(matches!(ended, Err(RunError::Cancelled(None))));
        thread.join().unwrap();
    }
}

#[test]
fn panic_of_a_main_leaves_the_runner_usable() {
    for workers in WORKER_COUNTS {
        let mut runner = runner(workers);
        let caught = catch(|| runner.run(async { panic!("this one") }));
        assert_eq!(caught.message, "this one");
        assert_eq!(runner.run(async { spawn(async { 2 }).await.unwrap() }).unwrap(), 2);
    }
}

#[test]
fn handle_spawns_from_another_thread() {
    for workers in WORKER_COUNTS {
        let mut runner = runner(workers);
        let handle = runner.handle();
        let (sender, receiver) = oneshot::channel();
        let thread = std::thread::spawn(move || {
            drop(handle.spawn(async move { sender.send("from outside").unwrap() }));
        });
        assert_eq!(runner.run(receiver).unwrap().unwrap(), "from outside");
        thread.join().unwrap();
    }
}

#[test]
fn task_spawned_after_the_end_is_cancelled_and_says_why() {
    for workers in WORKER_COUNTS {
        let runner = runner(workers);
        let handle = runner.handle();
        drop(runner);
        let dropped = Counted::new();
        let guard = dropped.guard();
        let task = handle.spawn(async move {
            let _guard = guard;
        });
        assert_eq!(dropped.get(), 1);
        let error = task.try_join().unwrap().unwrap_err();
        assert_eq!(error.message(), Some("the runtime has ended"));
    }
}

#[test]
fn run_inside_a_task_panics_and_names_the_fix() {
    let mut outer = runner(1);
    outer
        .run(async {
            let mut inner = runner(1);
            let caught = catch(|| inner.run(async {}));
            assert!(caught.message.contains("run()"), "{caught:?}");
            assert!(caught.message.contains("await"), "{caught:?}");
            assert_eq!((caught.file.as_str(), caught.line), (file!(), line!() - 3));
        })
        .unwrap();
}

#[test]
fn runner_that_never_ran_closes() {
    for workers in WORKER_COUNTS {
        drop(runner(workers));
    }
}

#[test]
fn hooks_are_called_by_every_thread() {
    for workers in WORKER_COUNTS {
        let (started, stopped) = (Counted::new(), Counted::new());
        let (start, stop) = (started.clone(), stopped.clone());
        let mut runner = Runner::builder()
            .worker_threads(workers)
            .on_thread_start(move || start.add())
            .on_thread_stop(move || stop.add())
            .build()
            .unwrap();
        // The calling thread is a worker, but not one of the runtime's threads; the pool has one.
        runner
            .run(async {
                bowerbird::to_thread(|| ()).await;
                until(|| started.get() == workers).await;
            })
            .unwrap();
        drop(runner);
        assert_eq!((started.get(), stopped.get()), (workers, workers));
    }
}

#[test]
fn tasks_of_two_runners_do_not_mix() {
    let (mut first, mut second) = (runner(2), runner(2));
    let _held = first.run(async { spawn(pending::<()>()) }).unwrap();
    assert_eq!(second.run(async { all_tasks().len() }).unwrap(), 1);
    assert_eq!(first.run(async { all_tasks().len() }).unwrap(), 2);
}
