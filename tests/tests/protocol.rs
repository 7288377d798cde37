//! The protocol of cancellation where it meets futures that do not know it: foreign combinators, futures
//! polled by hand. `tests/protocol.md` says which test is about which rule.

use std::future::{Future, pending, poll_fn};
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use bowerbird::sync::{Condition, Lock};
use bowerbird::{catch_cancel, join, race, sleep, spawn, time, timeout, yield_now};
use bowerbird_tests::{Counted, Journal, catch, everywhere, paused, turns, until};

const LONG: Duration = Duration::from_secs(3_600);

type Branch = Pin<Box<dyn Future<Output = ()> + Send>>;

/// A join that knows nothing of requests: it polls every branch each time, in their order.
struct Foreign(Vec<Option<Branch>>);

fn foreign<const N: usize>(branches: [Branch; N]) -> Foreign {
    Foreign(branches.into_iter().map(Some).collect())
}

impl Future for Foreign {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        for branch in &mut self.0 {
            if branch.as_mut().is_some_and(|it| it.as_mut().poll(cx).is_ready()) {
                *branch = None;
            }
        }
        if self.0.iter().all(Option::is_none) { Poll::Ready(()) } else { Poll::Pending }
    }
}

/// Catches the first request, and goes on as if there had been none.
async fn catcher(caught: Counted) {
    if catch_cancel(pending::<()>()).await.is_err() {
        caught.add();
    }
    pending().await
}

#[test]
fn request_that_unwinds_is_no_offer_to_the_scope_beside_it() {
    everywhere(|| async {
        let caught = Counted::new();
        let scope: Branch =
            Box::pin(async { assert!(timeout(LONG, pending::<()>()).await.is_ok()) });
        let task = spawn(foreign([scope, Box::pin(catcher(caught.clone()))]));
        turns(3).await;
        task.cancel();
        assert!(task.await.unwrap_err().is_cancelled());
        assert_eq!(caught.get(), 0, "the request passed the first branch, and was on its way out");
    });
}

#[test]
fn catcher_that_is_asked_first_under_a_foreign_join_keeps_the_request() {
    everywhere(|| async {
        let caught = Counted::new();
        let scope: Branch =
            Box::pin(async { assert!(timeout(LONG, pending::<()>()).await.is_ok()) });
        let task = spawn(foreign([Box::pin(catcher(caught.clone())), scope]));
        turns(3).await;
        task.cancel();
        until(|| caught.get() == 1).await;
        turns(3).await;
        assert!(!task.done());
        task.cancel();
        assert!(task.await.unwrap_err().is_cancelled());
    });
}

#[test]
fn scope_that_passed_a_request_on_raises_it_at_each_poll() {
    // Whoever polls the scope by hand, and goes on after its `Pending`, has the request at the next await.
    everywhere(|| async {
        let journal = Journal::new();
        let seen = journal.clone();
        let task = spawn(async move {
            let mut scope = pin!(timeout(LONG, pending::<()>()));
            let mut polls = 0;
            poll_fn(|cx| {
                polls += 1;
                let polled = scope.as_mut().poll(cx);
                assert!(polled.is_pending());
                if polls == 1 { Poll::Pending } else { Poll::Ready(()) }
            })
            .await;
            seen.note("polled by hand");
            yield_now().await;
            seen.note("never");
        });
        turns(3).await;
        task.cancel();
        assert!(task.await.unwrap_err().is_cancelled());
        journal.expect(&["polled by hand"]);
    });
}

#[test]
fn plain_future_may_be_polled_on_after_it_let_a_request_through() {
    everywhere(|| async {
        let task = spawn(async {
            let mut slept = pin!(sleep(Duration::from_millis(1)));
            let caught = catch_cancel(slept.as_mut()).await;
            assert!(caught.is_err());
            slept.await;
            "slept"
        });
        turns(3).await;
        task.cancel();
        // On a slow machine the sleep may be over before the request comes.
        if let Ok(text) = task.await {
            assert_eq!(text, "slept");
        }
    });
}

#[test]
fn loser_of_a_race_is_dropped_and_its_catcher_sees_nothing() {
    everywhere(|| async {
        let (caught, dropped) = (Counted::new(), Counted::new());
        let (count, guard) = (caught.clone(), dropped.guard());
        let loser = async move {
            let _guard = guard;
            if catch_cancel(pending::<()>()).await.is_err() {
                count.add();
            }
        };
        race((loser, yield_now())).await;
        assert_eq!((caught.get(), dropped.get()), (0, 1));
    });
}

#[test]
fn leaf_that_is_polled_first_with_a_request_about_looks_at_readiness() {
    everywhere(|| async {
        let (send, receive) = bowerbird::sync::oneshot::channel::<u32>();
        let task = spawn(async move {
            let caught = catch_cancel(pending::<()>()).await.unwrap_err();
            let again = async { caught.resume::<()>().await };
            // The request is about again, and the receiver is polled for the first time.
            bowerbird::join((again, async { assert_eq!(receive.await.unwrap(), 7) })).await;
        });
        turns(3).await;
        send.send(7).unwrap();
        task.cancel();
        assert!(task.await.unwrap_err().is_cancelled());
    });
}

/// Rule 9: the wait of a condition keeps the request, and those that come after it, until it has its lock back.
#[test]
fn cancelled_wait_of_a_condition_has_the_lock_before_it_goes_on() {
    everywhere(|| async {
        let shared = Arc::new((Lock::new(Journal::new()), Condition::new()));
        let task = {
            let shared = shared.clone();
            spawn(async move {
                let mut guard = shared.0.lock().await;
                let cancelled = catch_cancel(shared.1.wait(&mut guard)).await.unwrap_err();
                guard.note("cancelled");
                cancelled.resume::<()>().await
            })
        };
        until(|| shared.1.statistics().tasks_waiting == 1).await;
        let guard = shared.0.lock().await;
        task.cancel_with("first");
        turns(3).await;
        task.cancel_with("second");
        turns(3).await;
        assert!(!task.done());
        guard.note("unlocked");
        drop(guard);
        assert_eq!(task.await.unwrap_err().message(), Some("first"));
        shared.0.lock().await.expect(&["unlocked", "cancelled"]);
    });
}

#[test]
fn timeout_around_a_condition_ends_with_the_lock() {
    paused(async {
        let (lock, changed) = (Lock::new(0), Condition::new());
        let holder = async {
            yield_now().await;
            let _guard = lock.lock().await;
            sleep(LONG).await;
        };
        let waiter = async {
            let (mut guard, began) = (lock.lock().await, time::now());
            let waited = timeout(Duration::from_secs(1), changed.wait(&mut guard)).await;
            *guard += 1;
            (waited.is_err(), time::now() - began)
        };
        let ((was_cut, took), ()) = join((waiter, holder)).await;
        assert!(was_cut && took >= LONG);
        assert_eq!(*lock.lock().await, 1);
    });
}

/// A request from further out that comes while the wait of a timeout's own request takes the lock goes further out.
#[test]
fn outer_request_during_the_wait_for_the_lock_passes_the_timeout() {
    paused(async {
        let shared = Arc::new((Lock::new(0), Condition::new()));
        let task = {
            let shared = shared.clone();
            spawn(async move {
                let mut guard = shared.0.lock().await;
                let waited = timeout(Duration::from_secs(1), shared.1.wait(&mut guard)).await;
                panic!("the timeout gave {waited:?}");
            })
        };
        until(|| shared.1.statistics().tasks_waiting == 1).await;
        let guard = shared.0.lock().await;
        sleep(Duration::from_secs(2)).await;
        task.cancel_with("outer");
        turns(2).await;
        assert!(!task.done());
        drop(guard);
        assert_eq!(task.await.unwrap_err().message(), Some("outer"));
    });
}

/// Dropped and not cancelled, it cannot wait for the lock; the guard knows that.
#[test]
fn wait_of_a_condition_that_loses_a_race_leaves_a_guard_without_its_lock() {
    everywhere(|| async {
        let (lock, changed) = (Lock::new(0), Condition::new());
        let mut guard = lock.lock().await;
        race((changed.wait(&mut guard), yield_now())).await;
        assert!(!lock.is_locked());
        let caught = catch(|| *guard += 1);
        assert!(caught.message.contains("call lock() again"), "{caught:?}");
        assert!(caught.file.ends_with("protocol.rs"), "{caught:?}");
        guard = lock.lock().await;
        *guard += 1;
    });
}
