//! Running, stopping and closing a loop.

use std::future::pending;
use std::sync::mpsc;
use std::thread;

use bowerbird::future::promise;
use bowerbird::{EventLoop, LoopHandle, RunError, current_task};
use bowerbird_tests::{Journal, WORKER_COUNTS, catch, on_workers, turns};

use super::{SECOND, note, paused_loop, stop};

#[test]
fn test_close() {
    let mut event_loop = EventLoop::new().unwrap();
    assert!(!event_loop.is_closed() && !event_loop.is_running());
    event_loop.close();
    assert!(event_loop.is_closed());
    // It is idempotent.
    event_loop.close();
    assert!(event_loop.is_closed());
    assert!(matches!(event_loop.run_forever(), Err(RunError::Closed)));
    assert!(matches!(event_loop.run_until_complete(async {}), Err(RunError::Closed)));
    assert!(matches!(event_loop.turn(None), Err(RunError::Closed)));
    assert!(event_loop.call_soon_threadsafe(|| ()).is_err());
    for call in ["call_soon", "call_later", "create_task"] {
        let caught = catch(|| match call {
            "call_soon" => drop(event_loop.call_soon(|| ())),
            "call_later" => drop(event_loop.call_later(SECOND, || ())),
            _ => drop(event_loop.create_task(async {})),
        });
        assert!(caught.message.starts_with(&format!("{call}() was called on a closed")));
        assert!(caught.file.ends_with("runs.rs"), "{caught:?}");
    }
}

#[test]
fn closing_cancels_tasks_and_drops_callbacks_uncalled() {
    let journal = Journal::new();
    let mut event_loop = EventLoop::new().unwrap();
    let task = event_loop.create_task(pending::<()>());
    let guard = journal.on_drop("timer dropped");
    event_loop.call_later(SECOND, move || drop(guard));
    let keeps_its_loop = event_loop.handle();
    event_loop.call_later(SECOND, move || drop(keeps_its_loop));
    event_loop.run_until_complete(turns(2)).unwrap();
    event_loop.close();
    assert!(task.cancelled());
    journal.expect(&["timer dropped"]);
}

#[test]
fn is_running_is_true_inside_and_false_between_runs() {
    let mut event_loop = EventLoop::new().unwrap();
    let handle = event_loop.handle();
    assert!(!handle.is_running());
    assert!(event_loop.run_until_complete(async { LoopHandle::current().is_running() }).unwrap());
    assert!(!handle.is_running());
    bowerbird::run(async { assert!(LoopHandle::current().is_running()) });
}

#[test]
fn test_run_until_complete() {
    let mut event_loop = EventLoop::new().unwrap();
    let borrowed = String::from("borrowed");
    assert_eq!(event_loop.run_until_complete(async { borrowed.len() }).unwrap(), 8);
    let task = event_loop.create_task(async { 7 });
    assert_eq!(event_loop.run_until_complete(task).unwrap().unwrap(), 7);
}

#[test]
fn test_run_until_complete_stopped() {
    let journal = Journal::new();
    let mut event_loop = EventLoop::new().unwrap();
    let handle = event_loop.handle();
    let guard = journal.on_drop("dropped");
    let result = event_loop.run_until_complete(async move {
        let _guard = guard;
        handle.stop();
        pending::<()>().await;
    });
    assert!(matches!(result, Err(RunError::Stopped)));
    journal.expect(&["dropped"]);
}

#[test]
fn task_of_a_stopped_run_goes_on_in_the_next() {
    let mut event_loop = EventLoop::new().unwrap();
    let handle = event_loop.handle();
    let mut task = event_loop.create_task(async move {
        handle.stop();
        turns(3).await;
        "went on"
    });
    assert!(matches!(event_loop.run_until_complete(&mut task), Err(RunError::Stopped)));
    assert_eq!(event_loop.run_until_complete(&mut task).unwrap().unwrap(), "went on");
}

#[test]
fn cancelled_main_is_an_error() {
    let mut event_loop = EventLoop::new().unwrap();
    let result = event_loop.run_until_complete(async {
        current_task().unwrap().cancel_with("enough");
        pending::<()>().await
    });
    assert!(matches!(result, Err(RunError::Cancelled(Some(message))) if message == "enough"));
    // Also of a run that waits for `stop`.
    event_loop.call_soon(|| {
        bowerbird::all_tasks()[0].cancel();
    });
    assert!(matches!(event_loop.run_forever(), Err(RunError::Cancelled(None))));
}

/// `stop` before the run: one turn of what is ready, then the end.
#[test]
fn test_run_forever_pre_stopped() {
    let journal = Journal::new();
    let mut event_loop = EventLoop::new().unwrap();
    event_loop.stop();
    event_loop.run_forever().unwrap();

    let (inner, next) = (event_loop.handle(), note(&journal, "next run"));
    let first = note(&journal, "first");
    event_loop.call_soon(move || {
        first();
        inner.call_soon(next);
    });
    event_loop.stop();
    event_loop.run_forever().unwrap();
    journal.expect(&["first"]);
    event_loop.stop();
    event_loop.run_forever().unwrap();
    journal.expect(&["first", "next run"]);
}

#[test]
fn pre_stopped_run_sees_what_is_due_and_gives_tasks_a_turn() {
    let journal = Journal::new();
    let mut event_loop = paused_loop();
    event_loop.call_at(event_loop.time(), note(&journal, "due"));
    event_loop.call_later(SECOND, note(&journal, "later"));
    let noted = journal.clone();
    drop(event_loop.create_task(async move { noted.note("task") }));
    event_loop.stop();
    event_loop.run_forever().unwrap();
    let mut lines = journal.lines();
    lines.sort();
    assert_eq!(lines, ["due", "task"]);
}

/// `stop` during a run: the batch is finished, and what it adds waits for the next run.
#[test]
fn test_single_selecter_event_callback_after_stopping() {
    let journal = Journal::new();
    let mut event_loop = EventLoop::new().unwrap();
    let handle = event_loop.handle();
    let (first, added) = (note(&journal, "first"), note(&journal, "added"));
    event_loop.call_soon(move || {
        first();
        handle.call_soon(added);
        handle.stop();
    });
    event_loop.call_soon(note(&journal, "second"));
    event_loop.run_forever().unwrap();
    journal.expect(&["first", "second"]);
    event_loop.run_until_complete(turns(2)).unwrap();
    journal.expect(&["first", "second", "added"]);
}

#[test]
fn stop_from_another_thread_ends_a_sleeping_loop() {
    for workers in WORKER_COUNTS {
        let mut event_loop = EventLoop::builder().worker_threads(workers).build().unwrap();
        let handle = event_loop.handle();
        let stopper = thread::spawn(move || {
            while !handle.is_running() {
                thread::yield_now();
            }
            handle.stop();
        });
        event_loop.run_forever().unwrap();
        stopper.join().unwrap();
    }
}

/// With several workers callbacks are called, and may stop the loop, between runs too.
#[test]
fn stop_by_a_worker_before_the_run_makes_it_one_turn() {
    let mut event_loop = EventLoop::builder().worker_threads(2).build().unwrap();
    let (journal, handle) = (Journal::new(), event_loop.handle());
    let (sender, receiver) = mpsc::channel();
    let put_off = note(&journal, "put off, and called in the run");
    event_loop.call_soon(move || {
        handle.stop();
        handle.call_soon(put_off);
        sender.send(()).unwrap();
    });
    receiver.recv().unwrap();
    event_loop.run_forever().unwrap();
    journal.expect(&["put off, and called in the run"]);
}

#[test]
fn stop_of_a_loop_that_is_not_run_by_hand_is_refused() {
    on_workers(1, async {
        let caught = catch(|| LoopHandle::current().stop());
        assert!(caught.message.starts_with("stop() was called on the loop of a runtime"));
        assert!(caught.file.ends_with("runs.rs"));
    });
}

/// `RunningLoopTests.test_running_loop_within_a_loop`.
#[test]
fn test_running_loop_within_a_loop() {
    let mut event_loop = EventLoop::new().unwrap();
    event_loop
        .run_until_complete(async {
            let mut inner = EventLoop::new().unwrap();
            let caught = catch(|| inner.run_forever());
            assert!(caught.message.contains("inside a task"), "{caught:?}");
            // `test_get_running_loop_already_running`: the refusal changes nothing.
            let running = LoopHandle::current();
            assert!(running.is_running() && !inner.is_running());
            let (told, heard) = promise();
            running.call_soon(move || told.set_result(()).unwrap());
            heard.await.unwrap();
        })
        .unwrap();
}

#[test]
fn panic_of_the_main_future_goes_on_and_the_loop_may_run_again() {
    let mut event_loop = EventLoop::new().unwrap();
    let caught = catch(|| event_loop.run_until_complete(async { panic!("main") }));
    assert_eq!(caught.message, "main");
    event_loop.call_soon(stop(&event_loop));
    event_loop.run_forever().unwrap();
}
