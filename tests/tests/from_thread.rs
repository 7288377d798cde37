//! `from_thread`: from a closure of `to_thread` back into the runtime.

use std::future::pending;
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use bowerbird::context::ContextVar;
use bowerbird::{Runner, from_thread, spawn, spawn_blocking, timeout, to_thread, yield_now};
use bowerbird_tests::{Counted, Journal, catch, everywhere, on_workers, turns, until};

#[test]
fn future_runs_on_the_runtime_of_the_caller_with_its_context() {
    static WHO: ContextVar<&str> = ContextVar::new("who");
    everywhere(|| async {
        let _set = WHO.set("caller");
        let seen = to_thread(|| {
            let blocking = thread::current().id();
            from_thread::run(async move {
                yield_now().await;
                assert_ne!(thread::current().id(), blocking);
                WHO.get()
            })
        });
        assert_eq!(seen.await.unwrap(), Some("caller"));
    });
}

#[test]
fn run_sync_calls_on_a_worker() {
    everywhere(|| async {
        let inside = to_thread(|| from_thread::run_sync(|| bowerbird::current_task().is_some()));
        assert!(inside.await.unwrap());
    });
}

#[test]
fn panic_of_the_future_is_an_error_in_the_thread() {
    on_workers(1, async {
        let error = to_thread(|| from_thread::run(async { panic!("inside") }).map(|(): ()| ()));
        assert_eq!(error.await.unwrap_err().message(), Some("inside"));
    });
}

#[test]
fn closure_sees_that_its_awaiter_was_cancelled() {
    everywhere(|| async {
        let (begun, ended) = (Counted::new(), Counted::new());
        let (first, last) = (begun.clone(), ended.clone());
        let task = spawn(to_thread(move || {
            from_thread::check_cancelled().unwrap();
            first.add();
            while from_thread::check_cancelled().is_ok() {
                thread::yield_now();
            }
            last.add();
        }));
        until(|| begun.get() == 1).await;
        task.cancel();
        assert!(task.await.unwrap_err().is_cancelled());
        until(|| ended.get() == 1).await;
    });
}

#[test]
fn closure_of_spawn_blocking_sees_that_its_task_was_cancelled() {
    everywhere(|| async {
        let begun = Counted::new();
        let count = begun.clone();
        let task = spawn_blocking(move || {
            count.add();
            while from_thread::check_cancelled().is_ok() {
                thread::yield_now();
            }
        });
        until(|| begun.get() == 1).await;
        task.cancel();
        task.wait().await;
    });
}

#[test]
fn what_the_closure_waits_for_is_cancelled_with_its_awaiter() {
    everywhere(|| async {
        let journal = Journal::new();
        let guard = journal.on_drop("dropped");
        let begun = Counted::new();
        let count = begun.clone();
        let (sender, receiver) = mpsc::channel();
        let task = spawn(to_thread(move || {
            let waiting = async move {
                let _guard = guard;
                count.add();
                pending::<()>().await;
            };
            let error = from_thread::run(waiting).unwrap_err();
            sender.send((error.is_cancelled(), from_thread::run(async {}).is_err())).unwrap();
        }));
        until(|| begun.get() == 1).await;
        task.cancel();
        assert!(task.await.unwrap_err().is_cancelled());
        let mut ended = None;
        until(|| {
            ended = ended.or(receiver.try_recv().ok());
            ended.is_some()
        })
        .await;
        assert_eq!(ended, Some((true, true)), "what it runs afterwards is cancelled at once");
        journal.expect(&["dropped"]);
    });
}

#[test]
fn awaiter_that_does_not_abandon_waits_and_is_cancelled_later() {
    everywhere(|| async {
        let journal = Journal::new();
        let begun = Counted::new();
        let (count, thread_log, log) = (begun.clone(), journal.clone(), journal.clone());
        let task = spawn(async move {
            let work = to_thread(move || {
                count.add();
                while from_thread::check_cancelled().is_ok() {
                    thread::yield_now();
                }
                thread_log.note("closure ended");
                "value"
            });
            log.note(work.abandon_on_cancel(false).await);
            yield_now().await;
            log.note("not reached");
        });
        until(|| begun.get() == 1).await;
        // The awaiter must be suspended: a request before that is met at its first suspension.
        turns(3).await;
        task.cancel_with("enough");
        assert_eq!(task.await.unwrap_err().message(), Some("enough"));
        journal.expect(&["closure ended", "value"]);
    });
}

#[test]
fn awaiter_that_does_not_abandon_ends_a_closure_that_was_not_begun() {
    let builder = Runner::builder().worker_threads(1).max_blocking_threads(1);
    let program = async {
        let (release, blocked) = mpsc::channel::<()>();
        let running = spawn_blocking(move || blocked.recv().unwrap());
        let called = Counted::new();
        let count = called.clone();
        let task = spawn(to_thread(move || count.add()).abandon_on_cancel(false));
        turns(3).await;
        task.cancel_with("enough");
        turns(3).await;
        release.send(()).unwrap();
        running.await.unwrap();
        assert_eq!(task.await.unwrap_err().message(), Some("enough"));
        assert_eq!(called.get(), 0);
    };
    builder.build().unwrap().run(program).unwrap();
}

#[test]
fn timeout_waits_for_a_closure_that_is_not_abandoned() {
    on_workers(2, async {
        let begun = Counted::new();
        let count = begun.clone();
        let work = to_thread(move || {
            count.add();
            while from_thread::check_cancelled().is_ok() {
                thread::yield_now();
            }
            7
        });
        until(|| begun.get() == 1).await;
        let limit = Duration::from_millis(2);
        assert_eq!(timeout(limit, work.abandon_on_cancel(false)).await, Ok(7));
    });
}

#[test]
fn calls_on_a_worker_and_outside_a_runtime_are_refused() {
    let caught = catch(from_thread::check_cancelled);
    assert!(caught.message.contains("belongs to no runtime"), "{caught:?}");
    let caught = catch(|| from_thread::run(async {}));
    assert!(caught.file.ends_with("from_thread.rs") && caught.message.contains("belongs to no"));
    on_workers(1, async {
        let caught = catch(|| from_thread::run(async {}));
        assert!(caught.message.starts_with("from_thread::run() was called on a worker"));
        let caught = catch(from_thread::check_cancelled);
        assert!(caught.message.contains("check_cancelled() was called on a worker"));
    });
}
