//! `Task.cancel`, `cancelling`, `uncancel`: a request that is delivered at a suspension.

use std::future::pending;
use std::sync::Arc;

use bowerbird::sync::{Event, oneshot};
use bowerbird::{current_task, gather, spawn, yield_now};
use bowerbird_tests::{Counted, Journal, everywhere, on_workers, turns, until};

#[test]
fn cancelled_task_drops_what_it_held_and_ends_cancelled() {
    everywhere(|| async {
        let (begun, dropped) = (Counted::new(), Counted::new());
        let (count, guard) = (begun.clone(), dropped.guard());
        let task = spawn(async move {
            let _guard = guard;
            count.add();
            pending::<()>().await;
        });
        until(|| begun.get() == 1).await;
        assert!(task.cancel());
        let handle = task.handle();
        let error = task.await.unwrap_err();
        assert!(error.is_cancelled() && !error.is_panic());
        assert_eq!(error.message(), None);
        assert!(handle.done() && handle.cancelled() && !handle.panicked());
        assert_eq!(dropped.get(), 1);
    });
}

#[test]
fn message_of_the_cancel_reaches_the_awaiter() {
    everywhere(|| async {
        let task = spawn(pending::<()>());
        task.cancel_with("closing time");
        let error = task.await.unwrap_err();
        assert_eq!(error.message(), Some("closing time"));
        assert_eq!(error.to_string(), "the task was cancelled: closing time");
    });
}

#[test]
fn cancel_of_a_task_that_has_ended_does_nothing() {
    everywhere(|| async {
        let task = spawn(async { 1 });
        until(|| task.done()).await;
        assert!(!task.cancel());
        assert!(!task.cancelled());
        assert_eq!(task.await.unwrap(), 1);
    });
}

#[test]
fn task_cancelled_before_its_first_poll_is_dropped_unpolled() {
    on_workers(1, async {
        let (polled, dropped) = (Counted::new(), Counted::new());
        let (count, guard) = (polled.clone(), dropped.guard());
        let task = spawn(async move {
            let _guard = guard;
            count.add();
        });
        task.cancel();
        assert!(task.await.unwrap_err().is_cancelled());
        assert_eq!((polled.get(), dropped.get()), (0, 1));
    });
}

#[test]
fn task_runs_on_after_its_cancel_until_it_suspends() {
    everywhere(|| async {
        let journal = Journal::new();
        let inner = journal.clone();
        let task = spawn(async move {
            current_task().unwrap().cancel();
            inner.note("still running");
            yield_now().await;
            inner.note("never");
        });
        assert!(task.await.unwrap_err().is_cancelled());
        journal.expect(&["still running"]);
    });
}

#[test]
fn value_returned_in_the_poll_of_the_cancel_is_dropped_for_it() {
    everywhere(|| async {
        let dropped = Counted::new();
        let value = dropped.guard();
        let task = spawn(async move {
            current_task().unwrap().cancel_with("too late for a value");
            value
        });
        let error = task.await.map(drop).unwrap_err();
        assert_eq!(error.message(), Some("too late for a value"));
        assert_eq!(dropped.get(), 1);
    });
}

#[test]
fn panic_in_the_poll_of_the_cancel_is_kept() {
    everywhere(|| async {
        let task = spawn(async {
            current_task().unwrap().cancel();
            panic!("stronger");
        });
        assert_eq!(task.await.map(|(): ()| ()).unwrap_err().message(), Some("stronger"));
    });
}

#[test]
fn awaited_task_is_cancelled_with_its_awaiter_and_ends_first() {
    everywhere(|| async {
        let journal = Journal::new();
        let (o, i) = (journal.on_drop("outer"), journal.on_drop("inner"));
        let begun = Counted::new();
        let count = begun.clone();
        let inner = spawn(async move {
            let _note = i;
            count.add();
            pending::<()>().await;
        });
        let inner_handle = inner.handle();
        let outer = spawn(async move {
            let _note = o;
            inner.await
        });
        until(|| begun.get() == 1).await;
        turns(3).await;
        outer.cancel_with("from above");
        let error = outer.await.unwrap_err();
        assert_eq!(error.message(), Some("from above"));
        assert!(inner_handle.cancelled());
        journal.expect(&["inner", "outer"]);
    });
}

#[test]
fn awaiter_does_not_end_before_the_task_that_it_has_cancelled() {
    everywhere(|| async {
        let (release, blocked) = std::sync::mpsc::channel();
        let begun = Counted::new();
        let count = begun.clone();
        // A closure that has begun cannot be cancelled: its task ends late.
        let slow = bowerbird::spawn_blocking(move || {
            count.add();
            blocked.recv().unwrap();
        });
        let slow_handle = slow.handle();
        let outer = spawn(slow);
        until(|| begun.get() == 1).await;
        turns(3).await;
        outer.cancel();
        turns(50).await;
        assert!(!outer.done() && !slow_handle.done());
        release.send(()).unwrap();
        assert!(outer.await.unwrap_err().is_cancelled());
        assert!(slow_handle.done());
    });
}

#[test]
fn long_chain_of_awaits_is_cancelled_from_its_inner_end() {
    everywhere(|| async {
        let journal = Journal::new();
        let begun = Counted::new();
        let count = begun.clone();
        let mut task = spawn(async move {
            count.add();
            pending::<()>().await;
        });
        for level in 0..10 {
            let note = journal.on_drop(&level.to_string());
            let count = begun.clone();
            task = spawn(async move {
                let _note = note;
                count.add();
                task.await.unwrap();
            });
        }
        until(|| begun.get() == 11).await;
        turns(3).await;
        task.cancel_with("all the way");
        assert_eq!(task.await.unwrap_err().message(), Some("all the way"));
        journal.expect(&["0", "1", "2", "3", "4", "5", "6", "7", "8", "9"]);
    });
}

#[test]
fn task_cancelled_by_somebody_else_is_an_error_and_its_awaiter_goes_on() {
    everywhere(|| async {
        let inner = spawn(pending::<()>());
        let handle = inner.handle();
        let outer = spawn(async move { inner.await.unwrap_err().to_string() });
        turns(3).await;
        handle.cancel_with("not you");
        assert_eq!(outer.await.unwrap(), "the task was cancelled: not you");
    });
}

#[test]
fn wait_does_not_pass_the_cancel_on() {
    everywhere(|| async {
        let begun = Counted::new();
        let inner = spawn(pending::<()>());
        let (handle, count) = (inner.handle(), begun.clone());
        let outer = spawn(async move {
            count.add();
            handle.wait().await;
        });
        until(|| begun.get() == 1).await;
        outer.cancel();
        assert!(outer.await.unwrap_err().is_cancelled());
        assert!(!inner.done());
    });
}

#[test]
fn offered_cancel_beats_what_became_ready_in_the_same_turn() {
    on_workers(1, async {
        let event = Arc::new(Event::new());
        let waited = event.clone();
        let task = spawn(async move { waited.wait().await });
        turns(2).await;
        event.set();
        task.cancel();
        assert!(task.await.unwrap_err().is_cancelled());
    });
}

#[test]
fn cancelled_receiver_leaves_the_value_with_the_channel() {
    on_workers(1, async {
        let (sender, receiver) = oneshot::channel::<i32>();
        let task = spawn(receiver);
        turns(2).await;
        task.cancel();
        assert!(task.await.unwrap_err().is_cancelled());
        assert_eq!(sender.send(1), Err(1));
    });
}

#[test]
fn requests_are_counted_and_taken_back_one_by_one() {
    on_workers(1, async {
        let task = spawn(pending::<()>());
        turns(2).await;
        assert_eq!(task.cancelling(), 0);
        assert!(task.cancel() && task.cancel());
        assert_eq!(task.cancelling(), 2);
        assert_eq!(task.uncancel(), 1);
        assert_eq!(task.uncancel(), 0);
        assert_eq!(task.uncancel(), 0);
    });
}

#[test]
fn request_taken_back_before_its_delivery_is_gone() {
    on_workers(1, async {
        let (sender, receiver) = oneshot::channel::<i32>();
        let task = spawn(receiver);
        turns(2).await;
        task.cancel();
        task.uncancel();
        turns(3).await;
        assert!(!task.done());
        sender.send(4).unwrap();
        assert_eq!(task.await.unwrap(), Ok(4));
    });
}

#[test]
fn one_of_two_requests_taken_back_leaves_the_other() {
    on_workers(1, async {
        let task = spawn(pending::<()>());
        turns(2).await;
        task.cancel_with("first");
        task.cancel_with("second");
        assert_eq!(task.uncancel(), 1);
        assert!(task.await.unwrap_err().is_cancelled());
    });
}

#[test]
fn cancel_comes_from_any_thread() {
    everywhere(|| async {
        let tasks: Vec<_> = (0..100).map(|_| spawn(pending::<()>())).collect();
        let handles: Vec<_> = tasks.iter().map(|task| task.handle()).collect();
        let thread = std::thread::spawn(move || {
            handles.iter().for_each(|handle| {
                handle.cancel_with("from outside");
            });
        });
        for task in tasks {
            assert_eq!(task.await.unwrap_err().message(), Some("from outside"));
        }
        thread.join().unwrap();
    });
}

#[test]
fn two_tasks_that_cancel_each_other_both_end() {
    everywhere(|| async {
        let first = spawn(pending::<()>());
        let handle = first.handle();
        let second = spawn(async move {
            handle.cancel();
            pending::<()>().await;
        });
        let handle = second.handle();
        let third = spawn(async move {
            assert!(first.await.is_err());
            handle.cancel();
        });
        let (second, third) = gather((second, third)).await;
        assert!(second.unwrap_err().is_cancelled());
        third.unwrap();
    });
}

#[test]
fn destructor_that_panics_during_the_unwinding_makes_the_end_a_panic() {
    struct Bomb;
    impl Drop for Bomb {
        fn drop(&mut self) {
            panic!("in a destructor");
        }
    }
    everywhere(|| async {
        let begun = Counted::new();
        let count = begun.clone();
        let task = spawn(async move {
            let _bomb = Bomb;
            count.add();
            pending::<()>().await;
        });
        until(|| begun.get() == 1).await;
        task.cancel();
        assert_eq!(task.await.unwrap_err().message(), Some("in a destructor"));
    });
}
