//! `add_done_callback`, `remove_done_callback`.

use std::future::pending;
use std::sync::mpsc;

use bowerbird::sync::oneshot;
use bowerbird::{Runner, spawn};
use bowerbird_tests::{Counted, Journal, everywhere, on_workers, turns, until};

#[test]
fn callbacks_are_called_in_their_order_after_the_end() {
    everywhere(|| async {
        let journal = Journal::new();
        let (sender, receiver) = oneshot::channel::<()>();
        let task = spawn(receiver);
        for number in 0..5 {
            let journal = journal.clone();
            task.add_done_callback(move |task| {
                assert!(task.done());
                journal.note(number.to_string());
            });
        }
        turns(3).await;
        journal.expect(&[]);
        sender.send(()).unwrap();
        until(|| journal.lines().len() == 5).await;
        journal.expect(&["0", "1", "2", "3", "4"]);
    });
}

/// asyncio: the wake-up of an awaiter is a callback too, and was added after these.
#[test]
fn callbacks_are_called_before_the_awaiters_go_on_with_one_worker() {
    on_workers(1, async {
        let journal = Journal::new();
        let task = spawn(turns(3));
        let inner = journal.clone();
        task.add_done_callback(move |_| inner.note("callback"));
        let handle = task.handle();
        let inner = journal.clone();
        let waiting = spawn(async move {
            handle.wait().await;
            inner.note("waited");
        });
        task.await.unwrap();
        journal.note("awaited");
        waiting.await.unwrap();
        assert_eq!(journal.lines()[0], "callback");
        assert_eq!(journal.lines().len(), 3);
    });
}

#[test]
fn callback_is_called_soon_and_never_inside_the_call_if_the_task_has_ended() {
    on_workers(1, async {
        let journal = Journal::new();
        let task = spawn(async {});
        until(|| task.done()).await;
        let inner = journal.clone();
        task.add_done_callback(move |_| inner.note("callback"));
        journal.note("added");
        turns(2).await;
        journal.expect(&["added", "callback"]);
    });
}

#[test]
fn callback_is_called_however_the_task_ends() {
    everywhere(|| async {
        let (sender, receiver) = mpsc::channel();
        let tasks =
            [spawn(async {}), spawn(async { panic!("an end too") }), spawn(pending::<()>())];
        for task in &tasks {
            let sender = sender.clone();
            task.add_done_callback(move |task| {
                sender.send((task.id(), task.cancelled(), task.panicked())).unwrap();
            });
        }
        tasks[2].cancel();
        let mut ends = Vec::new();
        until(|| {
            ends.extend(receiver.try_recv());
            ends.len() == 3
        })
        .await;
        ends.sort();
        let expected = [(false, false), (false, true), (true, false)];
        assert!(ends.iter().map(|end| (end.1, end.2)).eq(expected), "{ends:?}");
    });
}

#[test]
fn callback_gets_the_task_that_it_was_added_to() {
    everywhere(|| async {
        let (sender, receiver) = oneshot::channel();
        let task = spawn(async { turns(2).await });
        task.add_done_callback(move |ended| sender.send(ended.clone()).unwrap());
        assert_eq!(receiver.await.unwrap(), task.handle());
    });
}

#[test]
fn removed_callback_is_not_called() {
    everywhere(|| async {
        let called = Counted::new();
        let (sender, receiver) = oneshot::channel::<()>();
        let task = spawn(receiver);
        let (first, last) = (called.clone(), called.clone());
        let removed = task.add_done_callback(move |_| first.add());
        let kept = task.add_done_callback(move |_| last.add());
        assert!(task.remove_done_callback(removed));
        assert!(!task.remove_done_callback(removed));
        sender.send(()).unwrap();
        until(|| called.get() > 0).await;
        turns(5).await;
        assert_eq!(called.get(), 1);
        assert!(!task.remove_done_callback(kept));
    });
}

#[test]
fn callback_that_panics_is_reported_and_the_next_is_called() {
    for workers in [1, 4] {
        let journal = Journal::new();
        let heard = journal.clone();
        let mut runner = Runner::builder()
            .worker_threads(workers)
            .exception_handler(move |unhandled| {
                heard.note(format!(
                    "{}: {}",
                    unhandled.message,
                    unhandled.error.as_deref().unwrap()
                ));
            })
            .build()
            .unwrap();
        let inner = journal.clone();
        runner
            .run(async {
                let task = spawn(async { turns(2).await });
                task.add_done_callback(|_| panic!("the first"));
                let called = inner.clone();
                task.add_done_callback(move |_| called.note("second called"));
                task.await.unwrap();
            })
            .unwrap();
        drop(runner);
        let lines = journal.lines();
        assert_eq!(lines.len(), 2, "{lines:?}");
        assert!(lines[0].ends_with(": the first"), "{lines:?}");
        assert_eq!(lines[1], "second called");
    }
}

#[test]
fn callbacks_of_leftovers_are_called_before_run_returns() {
    for workers in [1, 2, 4] {
        let called = Counted::new();
        on_workers(workers, async {
            for _ in 0..20 {
                let task = spawn(pending::<()>());
                let called = called.clone();
                task.add_done_callback(move |_| called.add());
            }
        });
        assert_eq!(called.get(), 20, "with {workers} workers");
    }
}

#[test]
fn callback_may_spawn() {
    everywhere(|| async {
        let (sender, receiver) = oneshot::channel();
        let task = spawn(async {});
        task.add_done_callback(move |_| {
            drop(spawn(async move { sender.send("spawned").unwrap() }));
        });
        assert_eq!(receiver.await.unwrap(), "spawned");
    });
}

/// asyncio captures the context at `add_done_callback`, not at the task's creation.
#[test]
fn callback_has_the_context_of_whoever_added_it() {
    static WHO: bowerbird::context::ContextVar<&str> = bowerbird::context::ContextVar::new("who");
    bowerbird::run(async {
        let _before = WHO.set("at spawn");
        let task = bowerbird::spawn(async {});
        let _spawned = WHO.set("at add");
        let (sender, receiver) = bowerbird::sync::oneshot::channel();
        task.add_done_callback(move |_| sender.send(WHO.get()).unwrap());
        let _added = WHO.set("later");
        assert_eq!(receiver.await.unwrap(), Some("at add"));
        task.await.unwrap();
    });
}
