//! One task, many waiters: what one waiter's cancellation does to the others.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use bowerbird::sync::oneshot;
use bowerbird::{Runner, spawn, yield_now};

/// A leaf of somebody else's: ready at its second poll, whatever is offered.
struct SecondPoll(bool);

impl Future for SecondPoll {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, _cx: &mut Context<'_>) -> Poll<()> {
        if std::mem::replace(&mut self.0, true) { Poll::Ready(()) } else { Poll::Pending }
    }
}

#[test]
fn waiter_cancelled_at_its_first_poll_leaves_the_task_to_the_others() {
    let mut runner = Runner::builder().worker_threads(1).build().unwrap();
    runner
        .run(async {
            let (sender, receiver) = oneshot::channel();
            let task = spawn(receiver).shared();
            let patient = spawn(task.clone());
            let late = spawn({
                let task = task.clone();
                async move {
                    SecondPoll(false).await;
                    task.await
                }
            });
            yield_now().await;
            yield_now().await;
            late.cancel();
            assert!(late.await.unwrap_err().is_cancelled());
            assert!(!task.done(), "the request was the late waiter's");
            sender.send(7).unwrap();
            assert_eq!(patient.await.unwrap().unwrap(), Ok(7));
        })
        .unwrap();
}

#[test]
fn waiter_cancelled_after_the_end_of_the_task_unwinds() {
    let mut runner = Runner::builder().worker_threads(1).build().unwrap();
    runner
        .run(async {
            let (sender, receiver) = oneshot::channel();
            let task = spawn(receiver).shared();
            let waiter = spawn(task.clone());
            yield_now().await;
            sender.send(7).unwrap();
            yield_now().await;
            assert!(task.done() && !waiter.done());
            waiter.cancel();
            assert!(waiter.await.unwrap_err().is_cancelled());
            assert_eq!(task.await.unwrap(), Ok(7));
        })
        .unwrap();
}
