//! Who holds a lock is in the call graph; a lock handed to a future that nobody polls is told of in debug mode.

use std::future::{pending, poll_fn};
use std::pin::pin;
use std::sync::{Arc, Mutex};
use std::task::Poll;

use bowerbird::runtime::{Unhandled, UnhandledKind};
use bowerbird::sync::{Lock, oneshot};
use bowerbird::{Runner, Task, capture_call_graph};
use bowerbird_tests::{WORKER_COUNTS, until};

type Heard = Arc<Mutex<Vec<Unhandled>>>;

fn named<T: Send + 'static>(
    name: &str,
    future: impl Future<Output = T> + Send + 'static,
) -> Task<T> {
    Task::builder().name(name).spawn(future)
}

/// Runs a program in debug mode, on one worker and on several, and gives it the futurelocks told of.
fn everywhere<F: Future>(program: impl Fn(Heard) -> F) {
    for workers in WORKER_COUNTS {
        let heard = Heard::default();
        let log = heard.clone();
        let runner = Runner::builder().worker_threads(workers).debug(true);
        let runner = runner.exception_handler(move |unhandled| {
            if unhandled.kind == UnhandledKind::Futurelock {
                log.lock().unwrap().push(unhandled.clone());
            }
        });
        runner.build().unwrap().run(program(heard)).unwrap();
    }
}

/// Holds the lock until it is told to release it; ready when it holds it.
async fn hold(lock: &Arc<Lock<()>>) -> (Task<()>, oneshot::Sender<()>) {
    let (release, released) = oneshot::channel();
    let (begun, begins) = oneshot::channel();
    let lock = lock.clone();
    let holder = named("holder", async move {
        let _guard = lock.lock().await;
        begun.send(()).unwrap();
        let _asked_to = released.await;
    });
    begins.await.unwrap();
    (holder, release)
}

/// The program of oxidecomputer/omicron issue 9259: a wait that lost a select is kept, and what comes next
/// waits for the same lock.
#[test]
fn lock_handed_to_a_future_that_lost_is_told_of() {
    everywhere(async |heard| {
        let lock = Arc::new(Lock::new(()));
        let (holder, release) = hold(&lock).await;
        let line = line!() + 3;
        let theirs = lock.clone();
        let victim = named("victim", async move {
            let mut first = pin!(theirs.lock());
            poll_fn(|cx| Poll::Ready(first.as_mut().poll(cx).is_pending())).await;
            release.send(()).unwrap();
            drop(theirs.lock().await);
        });
        until(|| !heard.lock().unwrap().is_empty()).await;
        holder.await.unwrap();
        let told = heard.lock().unwrap().clone();
        assert_eq!(told.len(), 1, "{told:?}");
        assert_eq!(told[0].task.as_ref(), Some(&victim.handle()));
        assert_eq!(told[0].location.unwrap().line(), line);
        let text = told[0].to_string();
        assert!(text.contains("victim may wait for itself: a lock was handed"), "{text}");

        let graph = capture_call_graph(Some(&victim.handle())).unwrap();
        let holders = &graph.waits_for[0].held_by;
        assert_eq!(holders.len(), 1);
        assert!(holders[0].is_handed);
        assert!(graph.to_string().contains("held by victim (File '"), "{graph}");
        victim.cancel();
        victim.await.unwrap_err();
    });
}

/// The same with two tasks: one keeps the future and sleeps over it, the other waits.
#[test]
fn lock_handed_to_a_future_of_another_task_that_sleeps_over_it_is_told_of() {
    everywhere(async |heard| {
        let lock = Arc::new(Lock::new(()));
        let (holder, release) = hold(&lock).await;
        let (theirs, others) = (lock.clone(), lock.clone());
        let (keeps, kept) = oneshot::channel();
        let keeper = named("keeper", async move {
            let mut first = pin!(theirs.lock());
            poll_fn(|cx| Poll::Ready(first.as_mut().poll(cx).is_pending())).await;
            keeps.send(()).unwrap();
            pending::<()>().await;
        });
        kept.await.unwrap();
        let waiter = named("waiter", async move { drop(others.lock().await) });
        until(|| lock.statistics().tasks_waiting == 2).await;
        release.send(()).unwrap();
        holder.await.unwrap();
        until(|| !heard.lock().unwrap().is_empty()).await;
        let told = heard.lock().unwrap().clone();
        assert_eq!(told[0].task.as_ref(), Some(&keeper.handle()));
        // The keeper is awaited by who waits for what it holds.
        let graph = capture_call_graph(Some(&keeper.handle())).unwrap();
        assert_eq!(graph.awaited_by[0].task, waiter.handle());
        keeper.cancel();
        keeper.await.unwrap_err();
        waiter.await.unwrap();
    });
}

#[test]
fn locks_that_are_polled_are_not_told_of() {
    everywhere(async |heard| {
        let lock = Arc::new(Lock::new(0));
        let tasks: Vec<_> = (0..20)
            .map(|_| {
                let lock = lock.clone();
                named("each", async move {
                    for _ in 0..50 {
                        bowerbird::join((add(&lock), add(&lock))).await;
                        bowerbird::yield_now().await;
                    }
                })
            })
            .collect();
        for task in tasks {
            task.await.unwrap();
        }
        assert_eq!(*lock.lock().await, 2_000);
        assert!(heard.lock().unwrap().is_empty());
    });
}

async fn add(lock: &Lock<u32>) {
    let mut guard = lock.lock().await;
    bowerbird::yield_now().await;
    *guard += 1;
}

#[test]
fn holder_of_a_lock_is_in_the_graph_of_who_waits() {
    everywhere(async |_| {
        let lock = Arc::new(Lock::new(()));
        let (holder, release) = hold(&lock).await;
        let theirs = lock.clone();
        let waiter = named("waiter", async move { drop(theirs.lock().await) });
        until(|| lock.statistics().tasks_waiting == 1).await;
        let graph = capture_call_graph(Some(&waiter.handle())).unwrap();
        let held = &graph.waits_for[0].held_by[0];
        assert_eq!(held.task, Some(holder.handle()));
        assert!(!held.is_handed);
        let graph = capture_call_graph(Some(&holder.handle())).unwrap();
        assert_eq!(graph.awaited_by[0].task, waiter.handle());
        release.send(()).unwrap();
        waiter.await.unwrap();
        holder.await.unwrap();
    });
}
