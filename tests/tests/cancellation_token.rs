//! `CancellationToken`: one signal that many tasks watch.

use std::future::pending;
use std::pin::pin;
use std::sync::{Arc, Barrier};
use std::task::{Context, Poll, Wake, Waker};
use std::thread;

use bowerbird::{CancellationToken, gather_iter, join, spawn, yield_now};
use bowerbird_tests::{Counted, Journal, everywhere, on_workers, paused, scaled, turns, until};

#[test]
fn cancel_wakes_every_waiter_once_and_for_all() {
    everywhere(|| async {
        let token = CancellationToken::new();
        let tasks: Vec<_> = (0..50).map(|_| spawn(token.clone().cancelled_owned())).collect();
        turns(3).await;
        assert!(!token.is_cancelled() && tasks.iter().all(|task| !task.done()));
        token.cancel();
        token.cancel();
        assert!(token.is_cancelled() && token.clone().is_cancelled());
        for task in tasks {
            task.await.unwrap();
        }
        token.cancelled().await;
    });
}

#[test]
fn waiters_are_woken_in_the_order_of_their_arrival() {
    on_workers(1, async {
        let (token, journal) = (CancellationToken::new(), Journal::new());
        let wait = |name: &'static str| {
            let (token, journal) = (token.clone(), journal.clone());
            spawn(async move {
                token.cancelled().await;
                journal.note(name);
            })
        };
        let (first, second) = (wait("first"), wait("second"));
        yield_now().await;
        first.cancel();
        yield_now().await;
        let (third, fourth) = (wait("third"), wait("fourth"));
        yield_now().await;
        token.cancel();
        gather_iter([second, third, fourth]).await;
        journal.expect(&["second", "third", "fourth"]);
    });
}

#[test]
fn children_are_cancelled_with_the_parent_and_not_the_other_way_round() {
    let root = CancellationToken::new();
    let (left, right) = (root.child_token(), root.child_token());
    let below = left.child_token().child_token();
    left.cancel();
    assert!(below.is_cancelled() && !right.is_cancelled() && !root.is_cancelled());
    root.cancel();
    assert!(right.is_cancelled());
    assert!(root.child_token().is_cancelled());
    assert!(root.child_token().child_token().is_cancelled());
}

#[test]
fn token_whose_ancestors_are_dropped_is_cancelled_by_those_left() {
    let root = CancellationToken::new();
    let middle = root.child_token();
    let leaf = middle.child_token().child_token();
    drop(middle);
    root.cancel();
    assert!(leaf.is_cancelled());

    let root = CancellationToken::new();
    let leaf = root.child_token();
    drop(root);
    assert!(!leaf.is_cancelled());
    let below = leaf.child_token();
    leaf.cancel();
    assert!(below.is_cancelled());
}

/// tokio 4639: what was below a cancelled token was never freed.
#[test]
fn deep_and_wide_trees_are_cancelled_and_dropped_in_any_order() {
    let depth = scaled(2_000_000);
    for order in 0..4 {
        let mut chain = vec![CancellationToken::new()];
        for _ in 0..depth {
            let child = chain[chain.len() - 1].child_token();
            chain.push(child);
        }
        if order & 1 == 1 {
            chain[0].cancel();
            assert!(chain.iter().all(CancellationToken::is_cancelled));
        }
        if order & 2 == 2 {
            chain.reverse();
        }
        drop(chain);
    }
}

#[test]
fn waiter_that_is_cancelled_or_dropped_does_not_disturb_the_others() {
    everywhere(|| async {
        let token = CancellationToken::new();
        let cancelled = spawn(token.clone().cancelled_owned());
        let kept = spawn(token.clone().cancelled_owned());
        {
            let mut dropped = pin!(token.cancelled());
            let mut cx = Context::from_waker(Waker::noop());
            assert!(dropped.as_mut().poll(&mut cx).is_pending());
        }
        turns(2).await;
        cancelled.cancel();
        assert!(cancelled.await.unwrap_err().is_cancelled());
        token.cancel();
        kept.await.unwrap();
    });
}

#[test]
fn request_to_a_suspended_waiter_beats_the_token() {
    on_workers(1, async {
        let (token, went_on) = (CancellationToken::new(), Counted::new());
        let (inner, counted) = (token.clone(), went_on.clone());
        let waiter = spawn(async move {
            inner.cancelled().await;
            counted.add();
        });
        yield_now().await;
        waiter.cancel();
        token.cancel();
        assert!(waiter.await.unwrap_err().is_cancelled());
        assert_eq!(went_on.get(), 0);
    });
}

#[test]
fn waker_that_panics_does_not_keep_the_others_asleep() {
    struct Panics;
    impl Wake for Panics {
        fn wake(self: Arc<Self>) {
            panic!("a waker");
        }
    }
    struct Counts(Counted);
    impl Wake for Counts {
        fn wake(self: Arc<Self>) {
            self.0.add();
        }
    }
    let (root, counted) = (CancellationToken::new(), Counted::new());
    let child = root.child_token();
    let (mut first, mut second) = (pin!(root.cancelled()), pin!(child.cancelled()));
    let waker = Waker::from(Arc::new(Panics));
    assert!(first.as_mut().poll(&mut Context::from_waker(&waker)).is_pending());
    let waker = Waker::from(Arc::new(Counts(counted.clone())));
    assert!(second.as_mut().poll(&mut Context::from_waker(&waker)).is_pending());
    root.cancel();
    assert_eq!(counted.get(), 1);
    assert!(child.is_cancelled());
}

#[test]
fn waker_may_use_the_token_and_its_tree() {
    struct Meddles(CancellationToken);
    impl Wake for Meddles {
        fn wake(self: Arc<Self>) {
            assert!(self.0.child_token().is_cancelled());
            self.0.cancel();
        }
    }
    impl Drop for Meddles {
        fn drop(&mut self) {
            self.0.cancel();
        }
    }
    let root = CancellationToken::new();
    let child = root.child_token();
    let waker = Waker::from(Arc::new(Meddles(child.clone())));
    let mut wait = Box::pin(child.cancelled());
    assert!(wait.as_mut().poll(&mut Context::from_waker(&waker)).is_pending());
    drop(waker);
    root.cancel();
    // Replaced and dropped: the waker's destructor may cancel, too.
    let token = CancellationToken::new();
    let waker = Waker::from(Arc::new(Meddles(token.clone())));
    let mut wait = Box::pin(token.cancelled());
    assert!(wait.as_mut().poll(&mut Context::from_waker(&waker)).is_pending());
    drop(waker);
    assert!(wait.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending());
    assert!(token.is_cancelled());
}

#[test]
fn wait_that_changes_its_task_wakes_the_new_one() {
    everywhere(|| async {
        let token = CancellationToken::new();
        let mut wait = Box::pin(token.clone().cancelled_owned());
        let mut cx = Context::from_waker(Waker::noop());
        assert!(wait.as_mut().poll(&mut cx).is_pending());
        let task = spawn(wait);
        turns(2).await;
        token.cancel();
        task.await.unwrap();
    });
}

// ---------------------------------------------------------------------------------------------------
// run_until_cancelled
// ---------------------------------------------------------------------------------------------------

#[test]
fn run_until_cancelled_gives_the_output_or_nothing() {
    everywhere(|| async {
        let token = CancellationToken::new();
        assert_eq!(token.run_until_cancelled(async { 1 }).await, Some(1));
        let run = token.run_until_cancelled(pending::<()>());
        assert_eq!(join((run, async { token.cancel() })).await.0, None);
        let polled = Counted::new();
        let run = token.run_until_cancelled(async { polled.add() });
        assert_eq!((run.await, polled.get()), (None, 0));
    });
}

/// tokio-util 7405: a future that has an output when the token is cancelled does not lose it.
#[test]
fn output_that_comes_in_the_turn_of_the_cancellation_wins() {
    on_workers(1, async {
        let token = CancellationToken::new();
        let run = token.run_until_cancelled(async {
            yield_now().await;
            token.cancel();
            "kept"
        });
        assert_eq!(run.await, Some("kept"));
    });
}

#[test]
fn future_and_the_tasks_that_it_awaits_have_ended_before_nothing_is_given() {
    everywhere(|| async {
        let (token, journal) = (CancellationToken::new(), Journal::new());
        let (inner, child) = (journal.clone(), journal.clone());
        let task = spawn(token.clone().run_until_cancelled_owned(async move {
            let _dropped = inner.on_drop("future dropped");
            let task = spawn(async move {
                let _dropped = child.on_drop("task dropped");
                pending::<()>().await;
            });
            turns(2).await;
            inner.note("waiting");
            task.await.unwrap();
        }));
        until(|| !journal.lines().is_empty()).await;
        turns(3).await;
        token.cancel();
        assert_eq!(task.await.unwrap(), None);
        journal.expect(&["waiting", "task dropped", "future dropped"]);
    });
}

#[test]
fn cancellation_of_the_task_goes_through() {
    everywhere(|| async {
        let token = CancellationToken::new();
        let task = spawn(token.clone().run_until_cancelled_owned(pending::<()>()));
        turns(2).await;
        task.cancel();
        assert!(task.await.unwrap_err().is_cancelled());
        assert!(!token.is_cancelled());
    });
}

// ---------------------------------------------------------------------------------------------------
// Guards, threads
// ---------------------------------------------------------------------------------------------------

#[test]
fn guard_cancels_when_it_is_dropped_unless_disarmed() {
    paused(async {
        let token = CancellationToken::new();
        assert!(!token.clone().drop_guard().disarm().is_cancelled());
        assert!(!token.drop_guard_ref().disarm().is_cancelled());
        let task = spawn({
            let guard = token.clone().drop_guard();
            async move {
                let _guard = guard;
                panic!("on the way");
            }
        });
        assert!(task.await.unwrap_err().is_panic());
        assert!(token.is_cancelled());
    });
}

#[test]
fn it_works_without_a_runtime() {
    let token = CancellationToken::new();
    let mut cx = Context::from_waker(Waker::noop());
    let mut run = pin!(token.run_until_cancelled(pending::<()>()));
    assert!(run.as_mut().poll(&mut cx).is_pending());
    token.cancel();
    assert_eq!(run.as_mut().poll(&mut cx), Poll::Ready(None));
}

#[test]
fn threads_that_grow_drop_and_cancel_one_tree_leave_nothing_uncancelled() {
    for round in 0..scaled(200_000) {
        let root = CancellationToken::new();
        let middle = root.child_token();
        let barrier = Barrier::new(3);
        let leaves = thread::scope(|scope| {
            let grow = scope.spawn(|| {
                barrier.wait();
                let mut token = middle.child_token();
                for _ in 0..5 {
                    token = token.child_token();
                }
                let kept = [token.child_token(), middle.child_token().child_token()];
                (token, kept)
            });
            scope.spawn(|| {
                barrier.wait();
                let children: Vec<_> = (0..4).map(|_| middle.child_token().child_token()).collect();
                if round % 2 == 0 {
                    middle.cancel();
                    assert!(children.iter().all(CancellationToken::is_cancelled));
                }
            });
            barrier.wait();
            root.cancel();
            assert!(middle.is_cancelled());
            grow.join().unwrap()
        });
        assert!(leaves.0.is_cancelled() && leaves.1.iter().all(CancellationToken::is_cancelled));
    }
}
