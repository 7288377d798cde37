//! `tasks::coop`: the budget of a poll.

use std::future::{poll_fn, ready};
use std::task::Poll;

use bowerbird::tasks::coop::{consume_budget, cooperative, has_budget_remaining, unconstrained};
use bowerbird::{join, spawn, yield_now};
use bowerbird_tests::{Counted, everywhere, on_workers};

/// How often `work` lets a ready task run while it does 1,280 steps.
async fn turns_of_another(work: impl AsyncFnOnce()) -> usize {
    let turns = Counted::new();
    let inner = turns.clone();
    let other = spawn(async move {
        loop {
            yield_now().await;
            inner.add();
        }
    });
    yield_now().await;
    let before = turns.get();
    work().await;
    other.cancel();
    turns.get() - before
}

#[test]
fn consume_budget_yields_every_128_times() {
    on_workers(1, async {
        let turns = turns_of_another(async || {
            for _ in 0..1_280 {
                consume_budget().await;
            }
        });
        let turns = turns.await;
        assert!((9..=11).contains(&turns), "{turns}");
    });
}

#[test]
fn cooperative_future_counts_when_it_is_ready() {
    on_workers(1, async {
        let turns = turns_of_another(async || {
            for _ in 0..1_280 {
                cooperative(ready(())).await;
            }
        });
        let turns = turns.await;
        assert!((9..=11).contains(&turns), "{turns}");
        let foreign = turns_of_another(async || {
            for _ in 0..1_280 {
                ready(()).await;
            }
        });
        assert_eq!(foreign.await, 0);
    });
}

#[test]
fn cooperative_future_is_not_polled_without_budget() {
    on_workers(1, async {
        yield_now().await;
        let polls = Counted::new();
        while has_budget_remaining() {
            consume_budget().await;
        }
        let first = poll_fn(|cx| {
            let mut future = std::pin::pin!(cooperative(async { polls.add() }));
            Poll::Ready(future.as_mut().poll(cx).is_pending())
        });
        assert!(first.await);
        assert_eq!(polls.get(), 0);
    });
}

#[test]
fn unconstrained_future_never_yields_by_itself() {
    on_workers(1, async {
        let turns = turns_of_another(async || {
            unconstrained(async {
                for _ in 0..1_280 {
                    consume_budget().await;
                    assert!(has_budget_remaining());
                }
            })
            .await;
        });
        assert_eq!(turns.await, 0);
    });
}

#[test]
fn budget_outside_the_unconstrained_is_as_it_was() {
    on_workers(1, async {
        yield_now().await;
        for _ in 0..127 {
            consume_budget().await;
        }
        unconstrained(async { consume_budget().await }).await;
        assert!(has_budget_remaining());
        consume_budget().await;
        assert!(!has_budget_remaining());
    });
}

#[test]
fn cancellation_reaches_a_loop_that_only_consumes_budget() {
    everywhere(|| async {
        let task = spawn(async {
            loop {
                consume_budget().await;
            }
        });
        yield_now().await;
        task.cancel();
        assert!(task.await.unwrap_err().is_cancelled());
    });
}

#[test]
fn budget_is_that_of_the_task_and_not_of_a_branch() {
    on_workers(1, async {
        yield_now().await;
        let spend = || async {
            for _ in 0..64 {
                consume_budget().await;
            }
            has_budget_remaining()
        };
        assert_eq!(join((spend(), spend())).await, (true, false));
    });
}

#[test]
fn outside_a_task_there_is_no_limit() {
    for _ in 0..1_000 {
        let mut future = std::pin::pin!(consume_budget());
        let mut cx = std::task::Context::from_waker(std::task::Waker::noop());
        assert!(future.as_mut().poll(&mut cx).is_ready());
    }
    assert!(has_budget_remaining());
}
