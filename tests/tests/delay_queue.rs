//! `time::DelayQueue`: values that come out when their time has come.

use std::future::poll_fn;
use std::pin::pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Waker};
use std::time::{Duration, Instant};

use bowerbird::time::{DelayQueue, now};
use bowerbird::{Task, sleep, spawn, time, yield_now};
use bowerbird_tests::{Counted, catch, everywhere, on_workers, paused, scaled, turns};

const MS: Duration = Duration::from_millis(1);

type Shared = Arc<Mutex<DelayQueue<&'static str>>>;

/// A task that waits for the next value of a queue that others change meanwhile.
fn next_of(queue: &Shared) -> Task<Option<&'static str>> {
    let queue = queue.clone();
    spawn(async move {
        let expired = poll_fn(|cx| queue.lock().unwrap().poll_expired(cx)).await;
        expired.map(|expired| expired.into_inner())
    })
}

#[test]
fn values_come_out_at_their_deadlines_and_equal_ones_in_order() {
    paused(async {
        let (start, mut queue) = (now(), DelayQueue::new());
        for (value, delay) in [(1, 30), (2, 10), (3, 20), (4, 10), (5, 0), (6, 30)] {
            queue.insert(value, delay * MS);
        }
        let mut seen = Vec::new();
        while let Some(expired) = queue.next().await {
            assert_eq!(expired.deadline(), now());
            seen.push((*expired.get_ref(), (now() - start).as_millis()));
        }
        assert_eq!(seen, [(5, 0), (2, 10), (4, 10), (3, 20), (1, 30), (6, 30)]);
        assert!(queue.is_empty() && queue.next().await.is_none());
    });
}

#[test]
fn it_works_on_several_workers_and_moves_between_tasks() {
    everywhere(|| async {
        let mut queue = DelayQueue::new();
        for value in 0..20 {
            queue.insert(value, value * MS / 4);
        }
        let first = queue.next().await.unwrap().into_inner();
        let rest = spawn(async move {
            let mut seen = Vec::new();
            while let Some(expired) = queue.next().await {
                seen.push(expired.into_inner());
            }
            seen
        });
        assert_eq!((first, rest.await.unwrap()), (0, (1..20).collect()));
    });
}

#[test]
fn key_is_good_until_its_value_has_left_and_never_of_another() {
    paused(async {
        let mut queue = DelayQueue::new();
        let first = queue.insert("first", MS);
        *queue.get_mut(&first).unwrap() = "changed";
        assert_eq!(queue.remove(&first).unwrap().into_inner(), "changed");
        let second = queue.insert("second", MS);
        assert_ne!(first, second);
        assert!(queue.get(&first).is_none() && queue.deadline(&first).is_none());
        assert!(!queue.reset(&first, MS) && queue.remove(&first).is_none());
        assert_eq!(queue.deadline(&second), Some(now() + MS));
        assert_eq!(queue.next().await.unwrap().key(), second);
        assert!(!queue.reset(&second, MS));
    });
}

/// tokio 849, 868, 3270, 2473: resets of what is due, has passed, or was reset before.
#[test]
fn value_can_be_reset_again_and_again() {
    paused(async {
        let (epoch, mut queue) = (now(), DelayQueue::new());
        let lost = queue.insert_at("lost", epoch + 200 * MS);
        let idle = queue.insert_at("idle", epoch + 250 * MS);
        let _ = pin!(queue.next()).as_mut().poll(&mut Context::from_waker(Waker::noop()));
        for (key, at) in [(lost, 300), (idle, 350), (lost, 400), (idle, 5), (lost, 0), (idle, 2)] {
            assert!(queue.reset_at(&key, epoch + at * MS));
        }
        time::advance(20 * MS).await;
        assert!(queue.reset_at(&idle, epoch + 40 * MS));
        assert_eq!(queue.next().await.unwrap().into_inner(), "lost");
        assert_eq!((queue.next().await.unwrap().into_inner(), now()), ("idle", epoch + 40 * MS));
    });
}

/// tokio 849: the timer was not moved.
#[test]
fn waiter_is_woken_at_the_deadline_that_a_value_was_reset_to() {
    paused(async {
        let queue = Shared::default();
        let start = now();
        let key = queue.lock().unwrap().insert("value", 200 * MS);
        let waiter = next_of(&queue);
        turns(2).await;
        assert!(queue.lock().unwrap().reset(&key, 5 * MS));
        assert_eq!((waiter.await.unwrap(), now() - start), (Some("value"), 5 * MS));
        let key = queue.lock().unwrap().insert("value", 10 * MS);
        let waiter = next_of(&queue);
        turns(2).await;
        assert!(queue.lock().unwrap().reset(&key, 50 * MS));
        assert_eq!((waiter.await.unwrap(), now() - start), (Some("value"), 55 * MS));
    });
}

/// tokio 1700, 8274.
#[test]
fn waiter_is_woken_for_a_value_that_comes_before_the_first_or_is_past_already() {
    paused(async {
        let queue = Shared::default();
        let start = now();
        let late = queue.lock().unwrap().insert("late", 1_000 * MS);
        let waiter = next_of(&queue);
        turns(2).await;
        queue.lock().unwrap().insert("early", 3 * MS);
        queue.lock().unwrap().insert("between", 500 * MS);
        assert_eq!((waiter.await.unwrap(), now() - start), (Some("early"), 3 * MS));
        let waiter = next_of(&queue);
        turns(2).await;
        queue.lock().unwrap().reset_at(&late, start);
        assert_eq!((waiter.await.unwrap(), now() - start), (Some("late"), 3 * MS));
        let waiter = next_of(&queue);
        turns(2).await;
        queue.lock().unwrap().insert_at("past", start);
        assert_eq!((waiter.await.unwrap(), now() - start), (Some("past"), 3 * MS));
    });
}

/// tokio 6751, 4161, 8320.
#[test]
fn waiter_is_woken_when_the_queue_becomes_empty() {
    on_workers(2, async {
        let queue = Shared::default();
        let key = queue.lock().unwrap().insert("removed", Duration::MAX);
        let waiter = next_of(&queue);
        turns(5).await;
        assert!(queue.lock().unwrap().remove(&key).is_some());
        assert_eq!(waiter.await.unwrap(), None);
        queue.lock().unwrap().insert("cleared", Duration::MAX);
        let waiter = next_of(&queue);
        turns(5).await;
        queue.lock().unwrap().clear();
        assert_eq!(waiter.await.unwrap(), None);
    });
}

#[test]
fn who_found_the_queue_empty_is_woken_by_an_insertion() {
    on_workers(1, async {
        let queue = Shared::default();
        let inner = queue.clone();
        let waiter = spawn(async move {
            // Treats an empty queue as one more reason to wait.
            poll_fn(|cx| match inner.lock().unwrap().poll_expired(cx) {
                Poll::Ready(None) => Poll::Pending,
                other => other,
            })
            .await
        });
        turns(2).await;
        assert!(!waiter.done());
        queue.lock().unwrap().insert("value", MS);
        assert_eq!(waiter.await.unwrap().unwrap().into_inner(), "value");
    });
}

#[test]
fn removal_of_the_first_lets_the_waiter_sleep_on_to_the_second() {
    paused(async {
        let queue = Shared::default();
        let start = now();
        let first = queue.lock().unwrap().insert("first", 10 * MS);
        queue.lock().unwrap().insert("second", 30 * MS);
        let waiter = next_of(&queue);
        turns(2).await;
        assert!(queue.lock().unwrap().remove(&first).is_some());
        assert_eq!((waiter.await.unwrap(), now() - start), (Some("second"), 30 * MS));
    });
}

#[test]
fn wait_that_is_cancelled_loses_no_value() {
    paused(async {
        let queue = Shared::default();
        queue.lock().unwrap().insert("kept", MS);
        let waiter = next_of(&queue);
        yield_now().await;
        waiter.cancel();
        sleep(5 * MS).await;
        assert!(waiter.await.unwrap_err().is_cancelled());
        assert_eq!(queue.lock().unwrap().len(), 1);
        assert_eq!(next_of(&queue).await.unwrap(), Some("kept"));
    });
}

#[test]
fn values_that_are_all_due_do_not_starve_other_tasks() {
    on_workers(1, async {
        let mut queue = DelayQueue::new();
        let due = now();
        for value in 0..10_000 {
            queue.insert_at(value, due);
        }
        let taken = Counted::new();
        let inner = taken.clone();
        let task = spawn(async move {
            while queue.next().await.is_some_and(|_| {
                inner.add();
                true
            }) {}
        });
        yield_now().await;
        assert!((1..1_000).contains(&taken.get()), "{}", taken.get());
        task.await.unwrap();
        assert_eq!(taken.get(), 10_000);
    });
}

#[test]
fn every_duration_and_instant_is_accepted() {
    paused(async {
        let mut queue = DelayQueue::with_capacity(8);
        assert!(queue.capacity() >= 8);
        queue.insert("never", Duration::MAX);
        queue.insert_at("past", now() - MS);
        assert_eq!(queue.next().await.unwrap().into_inner(), "past");
        assert!(bowerbird::timeout(100_000 * MS, queue.next()).await.is_err());
    });
}

#[test]
fn it_may_be_made_and_filled_outside_a_runtime_but_not_awaited() {
    let mut queue = DelayQueue::new();
    queue.insert(1, Duration::from_secs(1));
    let caught = catch(|| {
        let _ = pin!(queue.next()).as_mut().poll(&mut Context::from_waker(Waker::noop()));
    });
    assert!(caught.message.starts_with("DelayQueue::poll_expired() was called outside"));
    queue.clear();
    queue.insert_at(2, Instant::now());
    on_workers(1, async { assert_eq!(queue.next().await.unwrap().into_inner(), 2) });
}

#[test]
fn clear_drops_every_value_once() {
    let counted = Counted::new();
    let mut queue = DelayQueue::new();
    for _ in 0..100 {
        queue.insert(counted.guard(), MS);
    }
    queue.clear();
    assert_eq!((counted.get(), queue.len()), (100, 0));
    queue.insert(counted.guard(), MS);
    drop(queue);
    assert_eq!(counted.get(), 101);
}

/// Against a list that is sorted each time.
#[test]
fn random_operations_agree_with_a_sorted_list() {
    paused(async {
        let (mut queue, mut model) = (DelayQueue::new(), Vec::new());
        let mut seed = 1_u64;
        let mut random = move |below: u64| {
            seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            (seed >> 33) % below
        };
        for step in 0..scaled(2_000_000) {
            match random(10) {
                0..4 => {
                    let deadline = now() + random(100) as u32 * MS;
                    model.push((deadline, step, queue.insert_at(step, deadline), step));
                }
                4..6 if !model.is_empty() => {
                    let at = random(model.len() as u64) as usize;
                    let deadline = now() + random(100) as u32 * MS;
                    assert!(queue.reset_at(&model[at].2, deadline));
                    (model[at].0, model[at].1) = (deadline, step);
                }
                6..8 if !model.is_empty() => {
                    let (_, _, key, value) = model.swap_remove(random(model.len() as u64) as usize);
                    assert_eq!(queue.remove(&key).map(|it| it.into_inner()), Some(value));
                }
                _ if !model.is_empty() => {
                    model.sort_unstable_by_key(|entry| (entry.0, entry.1));
                    let (deadline, _, key, value) = model.remove(0);
                    assert_eq!(queue.peek(), Some(key));
                    let expired = queue.next().await.unwrap();
                    assert_eq!((*expired.get_ref(), expired.deadline()), (value, deadline));
                    assert!(now() >= deadline);
                }
                _ => {}
            }
            assert_eq!(queue.len(), model.len());
        }
    });
}
