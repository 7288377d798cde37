//! `join`, `try_join`: several futures in one task, without spawning.

use std::future::pending;
use std::rc::Rc;
use std::time::Duration;

use bowerbird::sync::oneshot;
use bowerbird::{
    cancel_scope, catch_cancel, current_task, join, sleep, spawn, time, try_join, yield_now,
};
use bowerbird_tests::{Counted, Journal, everywhere, on_workers, paused, turns, until};

const MS: Duration = Duration::from_millis(1);

#[test]
fn borrowed_futures_that_are_not_send_are_joined() {
    everywhere(|| async {
        let text = Rc::new(String::from("shared"));
        let (a, b) = join((async { text.len() }, async { text.clone() })).await;
        assert_eq!((a, b.as_str()), (6, "shared"));
    });
}

#[test]
fn branches_are_polled_in_the_order_of_the_arguments() {
    let journal = Journal::new();
    on_workers(1, async {
        let step = |name: &'static str| {
            let journal = journal.clone();
            async move {
                for number in 0..2 {
                    journal.note(format!("{name} {number}"));
                    yield_now().await;
                }
            }
        };
        join((step("a"), step("b"), step("c"))).await;
    });
    journal.expect(&["a 0", "b 0", "c 0", "a 1", "b 1", "c 1"]);
}

#[test]
fn branches_belong_to_the_task_that_joins_them() {
    everywhere(|| async {
        let me = current_task().unwrap();
        let (a, b) = join((async { current_task() }, async { current_task() })).await;
        assert_eq!((a.unwrap(), b.unwrap()), (me.clone(), me));
    });
}

#[test]
fn branches_wait_at_the_same_time() {
    paused(async {
        let start = time::now();
        let nap = |ms| sleep(Duration::from_millis(ms));
        join((nap(10), nap(30), nap(20))).await;
        assert_eq!(time::now() - start, Duration::from_millis(30));
    });
}

#[test]
fn branch_that_wakes_another_is_heard() {
    everywhere(|| async {
        let (sender, receiver) = oneshot::channel();
        let (got, ()) = join((receiver, async {
            turns(3).await;
            sender.send(5).unwrap();
        }))
        .await;
        assert_eq!(got, Ok(5));
    });
}

#[test]
fn cancel_reaches_every_branch_and_waits_for_all() {
    everywhere(|| async {
        let (release, blocked) = std::sync::mpsc::channel();
        let (begun, dropped) = (Counted::new(), Counted::new());
        let count = begun.clone();
        let slow = bowerbird::spawn_blocking(move || {
            count.add();
            blocked.recv().unwrap();
        });
        let (count, guard) = (begun.clone(), dropped.guard());
        let quick = spawn(async move {
            let _guard = guard;
            count.add();
            pending::<()>().await;
        });
        let handles = [slow.handle(), quick.handle()];
        let outer = spawn(async move { join((slow, quick)).await });
        until(|| begun.get() == 2).await;
        turns(5).await;
        outer.cancel_with("both");
        until(|| dropped.get() == 1).await;
        turns(20).await;
        assert!(!outer.done(), "one branch has not ended");
        release.send(()).unwrap();
        assert_eq!(outer.await.unwrap_err().message(), Some("both"));
        assert!(handles.iter().all(|handle| handle.done()));
    });
}

#[test]
fn panic_of_a_branch_goes_through() {
    everywhere(|| async {
        let task = spawn(async { join((pending::<()>(), async { panic!("in a branch") })).await });
        assert_eq!(task.await.unwrap_err().message(), Some("in a branch"));
    });
}

#[test]
fn try_join_gives_values_or_the_first_error_and_drops_the_others() {
    everywhere(|| async {
        let good: Result<(i32, &str), ()> = try_join((async { Ok(1) }, async { Ok("two") })).await;
        assert_eq!(good, Ok((1, "two")));
        let dropped = Counted::new();
        let guard = dropped.guard();
        let bad: Result<((), ()), &str> = try_join((
            async move {
                let _guard = guard;
                pending().await
            },
            async {
                yield_now().await;
                Err("no")
            },
        ))
        .await;
        assert_eq!((bad, dropped.get()), (Err("no"), 1));
    });
}

#[test]
fn joins_nest_up_to_eight_branches() {
    everywhere(|| async {
        let one = || async { 1 };
        let eight =
            join((one(), one(), one(), one(), one(), one(), one(), join((one(), one())))).await;
        assert_eq!(eight.7, (1, 1));
    });
}

#[test]
fn request_that_another_branch_took_back_is_not_offered_after_the_join() {
    paused(async {
        let task = spawn(async {
            let keeps = cancel_scope(async |scope| {
                scope.set_shield(true);
                sleep(10 * MS).await;
            });
            let takes_back = async {
                assert!(catch_cancel(pending::<()>()).await.is_err());
                assert_eq!(current_task().unwrap().uncancel(), 0);
            };
            assert_eq!(join((keeps, takes_back)).await, (Some(()), ()));
            sleep(MS).await;
            "not cancelled"
        });
        sleep(MS).await;
        task.cancel();
        assert_eq!(task.await.unwrap(), "not cancelled");
    });
}
