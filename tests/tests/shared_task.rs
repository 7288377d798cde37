//! `task.shared()`: one task, many waiters.

use std::future::{Future, pending, poll_fn};
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Wake, Waker};

use bowerbird::sync::oneshot;
use bowerbird::tasks::SharedTask;
use bowerbird::tasks::coop::consume_budget;
use bowerbird::{TaskHandle, gather_iter, spawn};
use bowerbird_tests::{Counted, Journal, everywhere, on_workers, turns, until};

#[test]
fn every_waiter_gets_the_output_and_the_task_runs_once() {
    everywhere(|| async {
        let ran = Counted::new();
        let count = ran.clone();
        let task = spawn(async move {
            turns(3).await;
            count.add();
            String::from("output")
        })
        .shared();
        let waiters = gather_iter((0..20).map(|_| {
            let task = task.clone();
            async move { task.await.unwrap() }
        }));
        assert!(waiters.await.iter().all(|output| output == "output"));
        assert_eq!(task.await.unwrap(), "output");
        assert_eq!(ran.get(), 1);
    });
}

#[test]
fn waiters_are_woken_in_the_order_of_arrival_on_one_worker() {
    let journal = Journal::new();
    on_workers(1, async {
        let (sender, receiver) = oneshot::channel::<()>();
        let task = spawn(async move { receiver.await.is_ok() }).shared();
        let waiters = gather_iter((0..5).map(|number| {
            let (task, journal) = (task.clone(), journal.clone());
            async move {
                task.await.unwrap();
                journal.note(number.to_string());
            }
        }));
        turns(3).await;
        sender.send(()).unwrap();
        waiters.await;
    });
    journal.expect(&["0", "1", "2", "3", "4"]);
}

#[test]
fn output_stays_for_who_comes_late() {
    everywhere(|| async {
        let task = spawn(async { 7 }).shared();
        until(|| task.done()).await;
        assert_eq!(task.clone().await.unwrap(), 7);
        assert_eq!(task.clone().await.unwrap(), 7);
    });
}

#[test]
fn panic_is_told_to_every_waiter() {
    everywhere(|| async {
        let task = spawn(async { panic!("for all") }).shared();
        for _ in 0..3 {
            let error = task.clone().await.map(|(): ()| ()).unwrap_err();
            assert!(error.is_panic());
            assert_eq!(error.message(), Some("for all"));
        }
    });
}

#[test]
fn cancelled_waiter_cancels_the_task_for_all_as_in_asyncio() {
    everywhere(|| async {
        let begun = Counted::new();
        let task = spawn(pending::<()>()).shared();
        let waiter = |begun: Counted| {
            let task = task.clone();
            spawn(async move {
                begun.add();
                task.await
            })
        };
        let (first, second) = (waiter(begun.clone()), waiter(begun.clone()));
        until(|| begun.get() == 2).await;
        turns(5).await;
        first.cancel_with("by one");
        assert_eq!(first.await.unwrap_err().message(), Some("by one"));
        // The other waiter was not cancelled: it gets the error as a value.
        let error = second.await.unwrap().unwrap_err();
        assert_eq!(error.message(), Some("by one"));
        assert!(task.cancelled());
    });
}

#[test]
fn dropped_waiters_leave_the_task_running() {
    everywhere(|| async {
        let (sender, receiver) = oneshot::channel();
        let task = spawn(async move { receiver.await.unwrap() }).shared();
        for _ in 0..10 {
            let mut waiter = Box::pin(task.clone());
            let polled = std::future::poll_fn(|cx| {
                std::task::Poll::Ready(waiter.as_mut().poll(cx).is_pending())
            });
            assert!(polled.await);
        }
        sender.send(3).unwrap();
        assert_eq!(task.await.unwrap(), 3);
    });
}

#[test]
fn waiter_that_only_waits_is_cancelled_alone() {
    everywhere(|| async {
        let begun = Counted::new();
        let task = spawn(pending::<()>()).shared();
        let (handle, count) = ((*task).clone(), begun.clone());
        let waiter = spawn(async move {
            count.add();
            handle.wait().await;
        });
        until(|| begun.get() == 1).await;
        waiter.cancel();
        assert!(waiter.await.unwrap_err().is_cancelled());
        assert!(!task.done());
    });
}

#[test]
fn two_that_await_each_other_end_when_one_is_cancelled() {
    everywhere(|| async {
        let places: Arc<Mutex<Vec<SharedTask<()>>>> = Arc::default();
        let begun = Counted::new();
        let tasks: Vec<_> = (0..2)
            .map(|number| {
                let (places, begun) = (places.clone(), begun.clone());
                spawn(async move {
                    until(|| places.lock().unwrap().len() == 2).await;
                    let other = places.lock().unwrap()[1 - number].clone();
                    begun.add();
                    let _ended = other.await;
                })
                .shared()
            })
            .collect();
        places.lock().unwrap().extend(tasks.iter().cloned());
        until(|| begun.get() == 2).await;
        turns(5).await;
        tasks[0].cancel();
        for task in &tasks {
            task.wait().await;
        }
        assert!(tasks.iter().all(|task| task.cancelling() <= 2), "they hand it round");
        places.lock().unwrap().clear();
    });
}

/// A waiter that, when it is woken first, lets the task end and looks for its output at once.
struct Eager {
    gate: Mutex<Option<oneshot::Sender<u32>>>,
    task: TaskHandle,
    waiter: Mutex<Pin<Box<SharedTask<u32>>>>,
    wakes: Counted,
}

impl Wake for Eager {
    fn wake(self: Arc<Self>) {
        self.wakes.add();
        let Some(gate) = self.gate.lock().unwrap().take() else { return };
        gate.send(3).unwrap();
        while !self.task.done() {
            std::thread::yield_now();
        }
        // Somebody else is just looking at the task.
        let waker = Waker::from(self.clone());
        let polled = self.waiter.lock().unwrap().as_mut().poll(&mut Context::from_waker(&waker));
        assert!(polled.is_pending());
    }
}

#[test]
fn waiter_that_comes_while_another_one_looks_and_leaves_is_woken() {
    on_workers(2, async {
        let (sender, receiver) = oneshot::channel();
        let task = spawn(async move { receiver.await.unwrap() }).shared();
        let eager = Arc::new(Eager {
            gate: Mutex::new(Some(sender)),
            task: (*task).clone(),
            waiter: Mutex::new(Box::pin(task.clone())),
            wakes: Counted::new(),
        });
        let waker = Waker::from(eager.clone());
        let mut leaves = Box::pin(task.clone());
        poll_fn(|cx| {
            let mut waiter = eager.waiter.lock().unwrap();
            assert!(waiter.as_mut().poll(&mut Context::from_waker(&waker)).is_pending());
            drop(waiter);
            // Without a budget the look itself wakes all waiters, in its middle.
            while bowerbird::tasks::coop::has_budget_remaining() {
                assert!(Box::pin(consume_budget()).as_mut().poll(cx).is_ready());
            }
            assert!(leaves.as_mut().poll(cx).is_pending());
            Poll::Ready(())
        })
        .await;
        drop(leaves);
        assert_eq!(eager.wakes.get(), 2, "nobody told it that the task has ended");
        assert_eq!(task.await.unwrap(), 3);
    });
}
