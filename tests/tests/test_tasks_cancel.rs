//! CPython's `test_tasks.py`: cancellation through tasks, `wait` and `gather`.
//!
//! What it shares with `cancel.rs` and `gather.rs` stands there; `tests/cpython/test_tasks.md` maps all of it.

use std::future::pending;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bowerbird::sync::oneshot;
use bowerbird::{
    ReturnWhen, Runner, TaskHandle, catch_cancel, current_task, gather, shield, sleep, spawn, time,
    timeout, wait, yield_now,
};
use bowerbird_tests::{
    Counted, Journal, WORKER_COUNTS, everywhere, on_workers, paused, turns, until,
};

const MS: Duration = Duration::from_millis(1);

#[test]
fn test_uncancel_basic() {
    on_workers(1, async {
        let task = spawn(async {
            assert!(catch_cancel(pending::<()>()).await.is_err());
            current_task().unwrap().uncancel();
            pending::<()>().await;
        });
        turns(2).await;
        assert!(task.cancel());
        assert_eq!(task.cancelling(), 1);
        turns(2).await;
        assert_eq!(task.cancelling(), 0);
        assert!(!task.done() && !task.cancelled());
        assert!(task.cancel());
        assert_eq!(task.cancelling(), 1);
        let handle = task.handle();
        assert!(task.await.unwrap_err().is_cancelled());
        // It has no effect on a task that is done.
        handle.uncancel();
        assert!(handle.cancelled() && handle.done());
    });
}

#[test]
fn test_cancel_task_catching() {
    everywhere(|| async {
        let (first, waited) = oneshot::channel::<()>();
        let task = spawn(async move {
            waited.await.unwrap();
            match catch_cancel(pending::<()>()).await {
                Ok(()) => 0,
                Err(_) => 42,
            }
        });
        first.send(()).unwrap();
        turns(5).await;
        task.cancel();
        let handle = task.handle();
        let result = task.await;
        // On several workers the request may find the task before its `catch_cancel`.
        assert!(matches!(result, Ok(42)) || handle.cancelled());
    });
}

#[test]
fn test_cancel_task_ignoring() {
    on_workers(1, async {
        let (third, waited) = oneshot::channel();
        let task = spawn(async move {
            assert!(catch_cancel(pending::<()>()).await.is_err());
            waited.await.unwrap()
        });
        turns(2).await;
        task.cancel();
        turns(2).await;
        assert!(!task.done());
        third.send(42).unwrap();
        let handle = task.handle();
        assert_eq!(task.await.unwrap(), 42);
        assert!(!handle.cancelled());
    });
}

#[test]
fn test_cancel_awaited_task() {
    on_workers(1, async {
        let dropped = Counted::new();
        let guard = dropped.guard();
        let nested = spawn(async move {
            let _guard = guard;
            pending::<()>().await;
        });
        let nested_handle = nested.handle();
        let task = spawn(async move {
            yield_now().await;
            // It is not waiting at the moment: what it waits for next is cancelled at once.
            current_task().unwrap().cancel();
            nested.await
        });
        assert!(task.await.unwrap_err().is_cancelled());
        assert!(nested_handle.cancelled());
        assert_eq!(dropped.get(), 1);
    });
}

#[test]
fn test_yield_future_passes_cancel() {
    everywhere(|| async {
        let task = spawn(async {
            let mut proof = 0;
            let inner = async {
                let caught = catch_cancel(pending::<()>()).await.unwrap_err();
                caught.resume::<()>().await;
                unreachable!("it goes on being cancelled");
            };
            match catch_cancel(inner).await {
                Ok(()) => proof += 10,
                Err(_) => proof += 100,
            }
            proof
        });
        turns(5).await;
        let handle = task.handle();
        task.cancel();
        let result = task.await;
        assert!(matches!(result, Ok(100)) || handle.cancelled());
    });
}

#[test]
fn test_cancel_with_message_then_future_result() {
    everywhere(|| async {
        for message in [None, Some("my message")] {
            let task = spawn(async move {
                let sleeper = spawn(pending::<()>());
                yield_now().await;
                match message {
                    Some(message) => sleeper.cancel_with(message),
                    None => sleeper.cancel(),
                };
                wait([&sleeper], ReturnWhen::AllCompleted).await;
                sleeper.await
            });
            assert_eq!(task.await.unwrap().unwrap_err().message(), message);
        }
    });
}

#[test]
fn test_cancel_with_message_before_starting_task() {
    on_workers(1, async {
        let task = spawn(pending::<()>());
        task.cancel_with("my message");
        wait([&task], ReturnWhen::AllCompleted).await;
        assert_eq!(task.await.unwrap_err().message(), Some("my message"));
    });
}

#[test]
fn test_task_cancel_sleeping_task() {
    paused(async {
        let start = time::now();
        let sleeper = spawn(sleep(5_000_000 * MS));
        let handle = sleeper.handle();
        let canceller = spawn(async move {
            sleep(100 * MS).await;
            handle.cancel();
        });
        assert!(sleeper.await.unwrap_err().is_cancelled());
        assert_eq!(time::now() - start, 100 * MS);
        canceller.await.unwrap();
    });
}

#[test]
fn test_current_task_with_interleaving_tasks() {
    everywhere(|| async {
        let (first, first_waited) = oneshot::channel::<()>();
        let (second, second_waited) = oneshot::channel::<()>();
        let one = spawn(async move {
            let me = current_task().unwrap();
            first_waited.await.unwrap();
            assert_eq!(current_task().unwrap(), me);
            second.send(()).unwrap();
            me
        });
        let two = spawn(async move {
            let me = current_task().unwrap();
            first.send(()).unwrap();
            second_waited.await.unwrap();
            assert_eq!(current_task().unwrap(), me);
            me
        });
        let handles = [one.handle(), two.handle()];
        assert_eq!([one.await.unwrap(), two.await.unwrap()], handles);
    });
}

#[test]
fn test_cancellation_broadcast() {
    everywhere(|| async {
        let begun = Counted::new();
        let child = || {
            let begun = begun.clone();
            spawn(async move {
                begun.add();
                pending::<()>().await;
            })
        };
        let (one, two) = (child(), child());
        let handles = [one.handle(), two.handle()];
        let outer = spawn(async move {
            let _ends = gather((one, two)).await;
            unreachable!("it is cancelled");
        });
        until(|| begun.get() == 2).await;
        turns(5).await;
        assert!(outer.cancel());
        assert!(outer.await.unwrap_err().is_cancelled());
        assert!(handles.iter().all(|handle| handle.cancelled()));
    });
}

#[test]
fn test_gather_shield() {
    on_workers(1, async {
        let (one, first) = oneshot::channel::<i32>();
        let (two, second) = oneshot::channel::<i32>();
        let (first, second) = (spawn(first), spawn(second));
        let handles = [first.handle(), second.handle()];
        let outer = spawn(async move {
            let _ends = gather((shield(first), shield(second))).await;
        });
        turns(5).await;
        outer.cancel();
        assert!(outer.await.unwrap_err().is_cancelled());
        assert!(handles.iter().all(|handle| !handle.done() && handle.cancelling() == 0));
        one.send(1).unwrap();
        two.send(2).unwrap();
        wait(&handles, ReturnWhen::AllCompleted).await;
        assert!(handles.iter().all(|handle| !handle.cancelled()));
    });
}

#[test]
fn test_shield_gather() {
    on_workers(1, async {
        let (one, first) = oneshot::channel::<i32>();
        let (told, result) = oneshot::channel();
        let inner = spawn(async move {
            let ends = gather((first, async { 2 })).await;
            told.send(ends).unwrap();
        });
        let outer = spawn(shield(inner));
        turns(5).await;
        outer.cancel();
        assert!(outer.await.unwrap_err().is_cancelled());
        one.send(1).unwrap();
        assert_eq!(result.await.unwrap(), (Ok(1), 2));
    });
}

/// asyncio marks the later exceptions of a gather as retrieved, so that nobody hears of them; here they are
/// reported, as whatever nobody looked at.
#[test]
fn test_exception_marking() {
    let reports = Arc::new(Mutex::new(Vec::new()));
    let heard = reports.clone();
    let builder = Runner::builder().worker_threads(1).exception_handler(move |unhandled| {
        heard.lock().unwrap().push(unhandled.error.clone().unwrap_or_default());
    });
    let result = builder.build().unwrap().run(async {
        let (release, released) = oneshot::channel::<()>();
        let outer = spawn(async move {
            let late = async move {
                released.await.unwrap();
                panic!("late");
            };
            gather((async { panic!("early") }, late)).await;
        });
        let error = outer.await.unwrap_err();
        release.send(()).unwrap();
        turns(5).await;
        error
    });
    assert_eq!(result.unwrap().message(), Some("early"));
    assert_eq!(*reports.lock().unwrap(), ["late"]);
}

// ----- shields whose awaiter was cancelled ------------------------------------------------------------

/// Runs a program with somebody who hears what nobody retrieved.
fn heard_on_every_number_of_workers<F: Future>(program: impl Fn(Journal) -> F) {
    for workers in WORKER_COUNTS {
        let journal = Journal::new();
        let log = journal.clone();
        let builder = Runner::builder()
            .worker_threads(workers)
            .exception_handler(move |unhandled| log.note(unhandled.error.clone().unwrap()));
        builder.build().unwrap().run(program(journal)).unwrap();
    }
}

/// A task in a shield whose awaiter is cancelled, and what ends it, with a panic or without.
async fn shielded_alone(panics: bool) -> (TaskHandle, oneshot::Sender<()>) {
    let (end, ended) = oneshot::channel::<()>();
    let inner = spawn(async move {
        ended.await.unwrap();
        assert!(!panics, "foo");
    });
    let handle = inner.handle();
    let outer = spawn(shield(inner));
    turns(3).await;
    outer.cancel();
    assert!(outer.await.unwrap_err().is_cancelled());
    assert!(!handle.done() && handle.cancelling() == 0);
    (handle, end)
}

#[test]
fn test_shield_cancel_outer_result() {
    heard_on_every_number_of_workers(async |journal: Journal| {
        let (inner, end) = shielded_alone(false).await;
        end.send(()).unwrap();
        inner.wait().await;
        assert!(!inner.cancelled());
        journal.expect(&[]);
    });
}

/// The shield took the task, so nobody can ask for its panic any more: it is heard at once, and once.
#[test]
fn test_shield_cancel_outer_exception_never_retrieved() {
    heard_on_every_number_of_workers(async |journal: Journal| {
        let (inner, end) = shielded_alone(true).await;
        end.send(()).unwrap();
        inner.wait().await;
        until(|| !journal.lines().is_empty()).await;
        journal.expect(&["foo"]);
    });
}

/// Whoever keeps a shared task retrieves the panic, and it is not heard; also if two shields were cancelled
/// (`test_shield_cancel_outer_twice_exception`).
#[test]
fn test_shield_cancel_outer_exception() {
    heard_on_every_number_of_workers(async |journal: Journal| {
        let (end, ended) = oneshot::channel::<()>();
        let inner = spawn(async move {
            ended.await.unwrap();
            panic!("foo");
        })
        .shared();
        for _ in 0..2 {
            let kept = inner.clone();
            let outer = spawn(shield(spawn(async move { kept.wait().await })));
            turns(3).await;
            outer.cancel();
            assert!(outer.await.unwrap_err().is_cancelled());
        }
        assert!(!inner.done() && inner.cancelling() == 0);
        end.send(()).unwrap();
        assert_eq!(inner.await.map(|(): ()| ()).unwrap_err().message(), Some("foo"));
        journal.expect(&[]);
    });
}

#[test]
fn test_shield_cancel_outer_in_task() {
    everywhere(|| async {
        let inner = spawn(pending::<()>());
        let handle = inner.handle();
        assert!(timeout(Duration::from_millis(1), shield(inner)).await.is_err());
        // The task of the awaiter goes on, and the inner one is left alone.
        turns(3).await;
        assert!(!handle.done() && handle.cancelling() == 0);
        handle.cancel();
        handle.wait().await;
        assert!(handle.cancelled());
    });
}
