use crate::test_support::{Count, Rig};
use crate::{Sleep, sleep, sleep_until};
use bowerbird_base::rng::{Rng, random_seed};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

#[test]
fn shut_down_drops_the_wakers_and_later_sleeps_never_fire() {
    let (rig, count) = (Rig::new(), Count::new());
    let mut sleeps = [sleep(Duration::from_secs(1)), sleep(Duration::from_secs(2))];
    sleeps.iter_mut().for_each(|sleep| assert!(count.poll(sleep).is_pending()));
    rig.timers.shut_down();
    assert_eq!((rig.timers.pending_count(), Arc::strong_count(&count)), (0, 1));
    let mut later = sleep(Duration::from_secs(1));
    assert!(count.poll(&mut later).is_pending());
    assert!(sleeps.iter_mut().all(|sleep| count.poll(sleep).is_pending()), "gone is not fired");
    assert_eq!((rig.advance(Duration::from_secs(9)), count.get()), (0, 0));
    assert_eq!((rig.timers.pending_count(), Arc::strong_count(&count)), (0, 1));
}

#[test]
fn on_earlier_is_called_for_the_shared_wheel_only_and_only_when_needed() {
    let (rig, count) = (Rig::new(), Count::new());
    let calls = Arc::new(AtomicUsize::new(0));
    let (seen, timers) = (calls.clone(), Arc::downgrade(&rig.timers));
    rig.timers.set_on_earlier(Box::new(move || {
        // Neither a lock nor the thread's current timers are held.
        let timers = timers.upgrade().expect("alive");
        assert!(timers.next_deadline(timers.shared_index()).is_some());
        crate::enter(crate::enter(None));
        seen.fetch_add(1, Ordering::Relaxed);
    }));
    let insert = |wheel: usize, secs: u64| -> (Sleep, usize) {
        rig.enter(wheel);
        let mut sleep = sleep(Duration::from_secs(secs));
        assert!(count.poll(&mut sleep).is_pending());
        (sleep, calls.load(Ordering::Relaxed))
    };
    let own = insert(0, 1);
    assert_eq!(own.1, 0, "a worker's own wheel");
    let mut first = insert(2, 10);
    assert_eq!(first.1, 1);
    let later = insert(2, 20);
    assert_eq!(later.1, 1, "not earlier");
    let earlier = insert(2, 5);
    assert_eq!(earlier.1, 2);
    first.0.reset(rig.clock.now() + Duration::from_secs(1));
    assert_eq!(calls.load(Ordering::Relaxed), 3, "a reset counts");
    drop(first);
    let second = insert(2, 2);
    assert_eq!(second.1, 3, "whoever waits knows of the dropped one, and wakes early enough");
    drop(second);
    assert!(rig.next(2) > Some(rig.clock.now() + Duration::from_secs(3)));
    assert_eq!(insert(2, 3).1, 4, "whoever asked has been told of a later one");
}

#[test]
fn fire_wakes_in_the_order_of_deadline_and_insertion() {
    let rig = Rig::new();
    let woken = Arc::new(parking::Order::default());
    let now = rig.clock.now();
    let deadlines = [30, 10, 20, 10, 30, 20, 10_000_000, 10];
    let mut sleeps: Vec<Sleep> = Vec::new();
    for (index, millis) in deadlines.into_iter().enumerate() {
        let mut sleep = sleep_until(now + Duration::from_millis(millis));
        assert!(woken.poll(index, &mut sleep).is_pending());
        sleeps.push(sleep);
    }
    assert_eq!(rig.advance(Duration::from_millis(100)), 7);
    assert_eq!(woken.take(), [1, 3, 7, 2, 5, 0, 4]);
}

/// Sleeps against a sorted map: never early, none lost, order kept, whoever fires the wheels.
#[test]
fn sleeps_do_what_a_sorted_map_does() {
    for seed in [1, random_seed()] {
        println!("seed {seed}");
        let (rig, rng) = (Rig::new(), Rng::new(seed));
        let woken = Arc::new(parking::Order::default());
        let mut sleeps: BTreeMap<usize, Sleep> = BTreeMap::new();
        for id in 0..30_000 {
            let nanos = u64::from(rng.next_u32()) << rng.below(20) >> rng.below(20);
            let deadline = rig.clock.now() + Duration::from_nanos(nanos);
            rig.enter(rng.below(3) as usize);
            match rng.below(10) {
                0..=4 => {
                    let mut sleep = sleep_until(deadline);
                    if woken.poll(id, &mut sleep).is_pending() {
                        sleeps.insert(id, sleep);
                    }
                }
                5 => drop(sleeps.pop_first()),
                6..=7 => {
                    if let Some((_, sleep)) = sleeps.iter_mut().nth(rng.below(50) as usize) {
                        sleep.reset(deadline);
                    }
                }
                _ => {
                    rig.clock.advance(Duration::from_nanos(nanos / 16));
                    fire_and_compare(&rig, &woken, &mut sleeps);
                }
            }
            assert_eq!(rig.timers.pending_count(), sleeps.len());
        }
        drop(sleeps);
        assert_eq!(rig.timers.pending_count(), 0);
    }
}

fn fire_and_compare(rig: &Rig, woken: &Arc<parking::Order>, sleeps: &mut BTreeMap<usize, Sleep>) {
    let now = rig.clock.now();
    let due: Vec<usize> =
        sleeps.iter().filter(|(_, sleep)| sleep.deadline() <= now).map(|(id, _)| *id).collect();
    let mut fired = Vec::new();
    for wheel in 0..3 {
        rig.fire(wheel);
        let order = woken.take();
        let deadlines: Vec<_> = order.iter().map(|id| sleeps[id].deadline()).collect();
        assert!(deadlines.is_sorted(), "in the order of the deadlines");
        fired.extend(order);
        let earliest = rig.next(wheel);
        assert!(earliest.is_none_or(|earliest| earliest > now));
    }
    fired.sort_unstable();
    assert_eq!(fired, due, "all that is due, and nothing early");
    for id in due {
        let mut sleep = sleeps.remove(&id).expect("was there");
        assert!(woken.poll(id, &mut sleep).is_ready());
    }
}

#[test]
fn million_sleeps_are_pending_and_fire() {
    let (rig, count, rng) = (Rig::new(), Count::new(), Rng::new(3));
    let mut sleeps: Vec<Sleep> = Vec::with_capacity(1_000_000);
    for _ in 0..1_000_000 {
        let mut sleep = sleep(Duration::from_micros(u64::from(rng.below(1_000_000_000)) + 1));
        assert!(count.poll(&mut sleep).is_pending());
        sleeps.push(sleep);
    }
    assert_eq!(rig.timers.pending_count(), 1_000_000);
    assert_eq!(
        rig.advance(Duration::from_secs(500)) + rig.advance(Duration::from_secs(500)),
        1_000_000
    );
    assert_eq!((count.get(), rig.timers.pending_count(), rig.next(0)), (1_000_000, 0, None));
}

mod parking {
    //! A waker that notes in which order it and its siblings are woken.

    use std::future::Future;
    use std::pin::Pin;
    use std::sync::{Arc, Mutex, PoisonError};
    use std::task::{Context, Poll, Wake, Waker};

    #[derive(Default)]
    pub(super) struct Order(Mutex<Vec<usize>>);

    struct One(Arc<Order>, usize);

    impl Wake for One {
        fn wake(self: Arc<Self>) {
            self.0.0.lock().unwrap_or_else(PoisonError::into_inner).push(self.1);
        }
    }

    impl Order {
        pub(super) fn poll<F: Future + Unpin>(
            self: &Arc<Self>,
            id: usize,
            future: &mut F,
        ) -> Poll<F::Output> {
            let waker = Waker::from(Arc::new(One(self.clone(), id)));
            Pin::new(future).poll(&mut Context::from_waker(&waker))
        }

        pub(super) fn take(&self) -> Vec<usize> {
            std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner))
        }
    }
}
