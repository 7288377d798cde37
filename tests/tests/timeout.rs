//! `timeout`, `timeout_at`: asyncio's `wait_for` and `timeout`.

use std::future::pending;
use std::io;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use bowerbird::{
    TaskHandle, TimeoutError, current_task, gather, sleep, spawn, spawn_blocking, time, timeout,
    timeout_at, yield_now,
};
use bowerbird_tests::{Counted, Journal, everywhere, on_workers, paused, turns, until};

const MS: Duration = Duration::from_millis(1);
const LONG: Duration = Duration::from_secs(3_600);

#[test]
fn result_in_time_is_given() {
    everywhere(|| async {
        assert_eq!(timeout(LONG, async { 1 }).await, Ok(1));
        assert_eq!(timeout(Duration::MAX, yield_now()).await, Ok(()));
        assert_eq!(timeout_at(time::now() + LONG, async { 2 }).await, Ok(2));
    });
}

#[test]
fn time_that_is_over_gives_an_error_at_the_deadline() {
    paused(async {
        let start = time::now();
        let limited = timeout(10 * MS, pending::<()>());
        assert_eq!(limited.deadline(), start + 10 * MS);
        assert!(limited.await.is_err());
        assert_eq!(time::now() - start, 10 * MS);
    });
    everywhere(|| async { assert!(timeout(MS, pending::<()>()).await.is_err()) });
}

#[test]
fn result_in_the_turn_of_the_deadline_wins() {
    paused(async {
        let inner = sleep(10 * MS);
        assert_eq!(timeout(10 * MS, inner).await, Ok(()));
        let task = spawn(sleep(10 * MS));
        assert_eq!(timeout(20 * MS, task).await.unwrap().unwrap(), ());
    });
}

#[test]
fn deadline_that_has_passed_lets_the_future_run_once() {
    everywhere(|| async {
        assert_eq!(timeout(Duration::ZERO, async { 1 }).await, Ok(1));
        assert_eq!(timeout_at(time::now(), async { 2 }).await, Ok(2));
        assert!(timeout_at(time::now(), pending::<()>()).await.is_err());
        assert!(timeout(Duration::ZERO, pending::<()>()).await.is_err());
        // Once, and not once more: in asyncio the deadline comes before the next turn of the body too.
        assert!(timeout(Duration::ZERO, yield_now()).await.is_err());
        assert!(timeout_at(time::now(), yield_now()).await.is_err());
    });
}

#[test]
fn future_is_dropped_before_the_error_is_given() {
    everywhere(|| async {
        let dropped = Counted::new();
        let guard = dropped.guard();
        let held = async move {
            let _guard = guard;
            pending::<()>().await;
        };
        assert!(timeout(MS, held).await.is_err());
        assert_eq!(dropped.get(), 1);
    });
}

#[test]
fn task_awaited_by_value_is_cancelled_and_awaited() {
    everywhere(|| async {
        let (release, blocked) = std::sync::mpsc::channel();
        let begun = Counted::new();
        let count = begun.clone();
        let slow = spawn(async move {
            let closure = move || {
                count.add();
                blocked.recv().unwrap();
            };
            spawn_blocking(closure).await.unwrap();
        });
        let handle = slow.handle();
        until(|| begun.get() == 1).await;
        let limited = spawn(async move { timeout(MS, slow).await });
        until(|| handle.cancelling() > 0).await;
        turns(20).await;
        assert!(!limited.done(), "the task has not ended");
        release.send(()).unwrap();
        assert!(limited.await.unwrap().is_err());
        assert!(handle.cancelled());
    });
}

#[test]
fn task_that_is_only_waited_for_runs_on() {
    everywhere(|| async {
        let task = spawn(pending::<()>());
        assert!(timeout(MS, task.wait()).await.is_err());
        assert_eq!(task.cancelling(), 0);
        assert!(!task.done());
    });
}

#[test]
fn loop_around_a_timeout_does_not_swallow_a_cancel() {
    everywhere(|| async {
        let rounds = Counted::new();
        let count = rounds.clone();
        let task = spawn(async move {
            loop {
                match timeout(MS, pending::<()>()).await {
                    Ok(()) => unreachable!(),
                    Err(_) => count.add(),
                }
            }
        });
        until(|| rounds.get() >= 3).await;
        task.cancel_with("enough rounds");
        assert_eq!(task.await.unwrap_err().message(), Some("enough rounds"));
    });
}

#[test]
fn cancel_after_the_deadline_of_the_same_turn_finds_the_timeout_over() {
    let journal = Journal::new();
    paused(async {
        let inner = journal.clone();
        let task = spawn(async move {
            let ended = timeout(10 * MS, pending::<()>()).await;
            inner.note(format!("{}", ended.unwrap_err()));
        });
        turns(2).await;
        sleep(10 * MS).await;
        assert!(!task.cancel(), "it has ended in the turn before");
    });
    journal.expect(&["the time was over"]);
}

#[test]
fn cancel_before_the_deadline_of_the_same_turn_goes_through() {
    paused(async {
        let found = Arc::new(OnceLock::<TaskHandle>::new());
        let wanted = found.clone();
        // Its sleep is registered first, so it is woken first.
        let canceller = spawn(async move {
            sleep(10 * MS).await;
            wanted.get().unwrap().cancel_with("first")
        });
        turns(2).await;
        let task = spawn(async { timeout(10 * MS, pending::<()>()).await });
        found.set(task.handle()).unwrap();
        assert!(canceller.await.unwrap());
        assert_eq!(task.await.unwrap_err().message(), Some("first"));
    });
}

#[test]
fn inner_timeout_that_is_shorter_gives_its_error_and_the_outer_goes_on() {
    paused(async {
        let start = time::now();
        let both = timeout(30 * MS, async {
            assert!(timeout(10 * MS, pending::<()>()).await.is_err());
            sleep(10 * MS).await;
            "went on"
        });
        assert_eq!(both.await, Ok("went on"));
        assert_eq!(time::now() - start, 20 * MS);
    });
}

#[test]
fn outer_timeout_that_is_shorter_passes_through_the_inner() {
    paused(async {
        let journal = Journal::new();
        let inner = journal.clone();
        let both = timeout(10 * MS, async move {
            let ended = timeout(30 * MS, pending::<()>()).await;
            inner.note(format!("{ended:?}"));
        });
        assert!(both.await.is_err());
        journal.expect(&[]);
    });
}

#[test]
fn equal_timeouts_give_the_inner_error_to_the_inner_one() {
    paused(async {
        let both = timeout(10 * MS, timeout(10 * MS, pending::<()>()));
        // Whoever is polled last offers its request last; the inner one has had its own by then.
        assert!(matches!(both.await, Ok(Err(TimeoutError { .. })) | Err(_)));
    });
}

#[test]
fn cancelled_task_in_a_timeout_is_no_timeout() {
    everywhere(|| async {
        let task = spawn(async { timeout(LONG, pending::<()>()).await });
        turns(3).await;
        task.cancel_with("from outside");
        assert_eq!(task.await.unwrap_err().message(), Some("from outside"));
    });
}

#[test]
fn timeout_around_a_gather_cancels_its_children() {
    everywhere(|| async {
        let (begun, dropped) = (Counted::new(), Counted::new());
        let child = || {
            let (begun, guard) = (begun.clone(), dropped.guard());
            async move {
                let _guard = guard;
                begun.add();
                pending::<()>().await;
            }
        };
        let limited = timeout(5 * MS, gather((child(), child(), child())));
        assert!(limited.await.is_err());
        assert_eq!(begun.get(), dropped.get().min(begun.get()));
        assert_eq!(dropped.get(), 3);
    });
}

#[test]
fn awaiter_of_a_task_whose_own_timeout_passed_is_not_cancelled() {
    everywhere(|| async {
        let task = spawn(async { timeout(MS, pending::<()>()).await.is_err() });
        assert!(task.await.unwrap());
        assert_eq!(current_task().unwrap().cancelling(), 0);
    });
}

#[test]
fn error_of_a_timeout_is_an_io_error_of_its_kind() {
    paused(async {
        let error = timeout(MS, pending::<()>()).await.unwrap_err();
        assert_eq!(io::Error::from(error).kind(), io::ErrorKind::TimedOut);
        assert!(!error.to_string().is_empty());
    });
}

#[test]
fn panic_in_a_timeout_goes_through() {
    everywhere(|| async {
        let task = spawn(async { timeout(LONG, async { panic!("inside") }).await });
        assert_eq!(task.await.unwrap_err().message(), Some("inside"));
    });
}

/// Uses up the budget of each poll, and so gives others their turn, but never ends.
async fn work_for_ever() {
    loop {
        bowerbird::tasks::coop::consume_budget().await;
    }
}

#[test]
fn work_that_uses_up_its_budget_at_each_poll_is_timed_out() {
    on_workers(1, async {
        assert!(timeout(MS, work_for_ever()).await.is_err());
        assert!(bowerbird::fail_after(MS, async |_| work_for_ever().await).await.is_err());
    });
}
