use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Wake, Waker};

use bowerbird_base::cancel_safe::CancelSafe;
use bowerbird_base::poll_context::{self, Request};
use bowerbird_base::rng::Rng;

use super::{
    Acquire, AcquireOwned, BoundedSemaphore, OwnedSemaphorePermit, Semaphore, SemaphorePermit,
    TryAcquireError,
};

fn poll<F: Future + Unpin>(future: &mut F) -> Poll<F::Output> {
    Pin::new(future).poll(&mut Context::from_waker(Waker::noop()))
}

fn ready<F: Future + Unpin>(future: &mut F) -> F::Output {
    match poll(future) {
        Poll::Ready(output) => output,
        Poll::Pending => panic!("not ready"),
    }
}

fn message(call: impl FnOnce()) -> String {
    let payload = catch_unwind(AssertUnwindSafe(call)).unwrap_err();
    match payload.downcast::<String>() {
        Ok(text) => *text,
        Err(payload) => payload.downcast_ref::<&str>().unwrap().to_string(),
    }
}

/// Wakers that write their number into a common list.
struct Numbered(usize, Arc<Mutex<Vec<usize>>>);

impl Wake for Numbered {
    fn wake(self: Arc<Self>) {
        self.1.lock().unwrap().push(self.0);
        assert_ne!(self.0, 99, "the panicking waker");
    }
}

#[test]
fn everything_is_send_and_waits_are_cancel_safe() {
    fn check<T: Send + Sync>() {}
    fn is_cancel_safe<T: CancelSafe>() {}
    check::<Semaphore>();
    check::<BoundedSemaphore>();
    check::<SemaphorePermit<'static>>();
    check::<OwnedSemaphorePermit>();
    check::<Acquire<'static>>();
    check::<AcquireOwned>();
    is_cancel_safe::<Acquire<'static>>();
    is_cancel_safe::<AcquireOwned>();
}

#[test]
fn permits_are_taken_and_given_back() {
    static SEMAPHORE: Semaphore = Semaphore::new(3);
    let two = SEMAPHORE.try_acquire_many(2).unwrap();
    let one = ready(&mut SEMAPHORE.acquire()).unwrap();
    assert!(SEMAPHORE.is_locked() && SEMAPHORE.try_acquire().is_err());
    drop(two);
    assert_eq!((SEMAPHORE.available_permits(), SEMAPHORE.is_locked()), (2, false));
    drop(one);
    assert_eq!(ready(&mut SEMAPHORE.acquire_many(0)).unwrap().count(), 0);
}

#[test]
fn permits_split_merge_and_are_forgotten() {
    let semaphore = Arc::new(Semaphore::new(10));
    let mut permit = semaphore.try_acquire_many(6).unwrap();
    let part = permit.split(4).unwrap();
    assert!(permit.split(3).is_none());
    permit.merge(part);
    assert_eq!((permit.count(), semaphore.available_permits()), (6, 4));
    permit.split(1).unwrap().forget();
    drop(permit);
    let mut owned = semaphore.try_acquire_many_owned(9).unwrap();
    let part = owned.split(5).unwrap();
    owned.merge(part);
    owned.split(2).unwrap().forget();
    drop(owned);
    assert_eq!((semaphore.available_permits(), Arc::strong_count(&semaphore)), (7, 1));
}

#[test]
fn merge_of_two_semaphores_panics_and_loses_nothing() {
    let (one, other) = (Arc::new(Semaphore::new(1)), Arc::new(Semaphore::new(1)));
    let mut permit = one.try_acquire().unwrap();
    let text = message(|| permit.merge(other.try_acquire().unwrap()));
    assert!(text.contains("two semaphores"), "{text}");
    drop(permit);
    let mut permit = one.try_acquire_owned().unwrap();
    message(|| permit.merge(other.try_acquire_owned().unwrap()));
    drop(permit);
    assert_eq!((one.available_permits(), other.available_permits()), (1, 1));
}

#[test]
fn who_wants_many_is_not_overtaken() {
    let semaphore = Semaphore::new(1);
    let (mut many, mut one) = (semaphore.acquire_many(3), semaphore.acquire());
    assert!(poll(&mut many).is_pending() && poll(&mut one).is_pending());
    // asyncio's word: locked while others wait, though a permit is free.
    assert!(semaphore.is_locked() && semaphore.available_permits() == 1);
    assert_eq!(semaphore.try_acquire().unwrap_err(), TryAcquireError::NoPermits);
    semaphore.add_permits(2);
    let three = ready(&mut many).unwrap();
    assert!(poll(&mut one).is_pending());
    drop(three);
    assert_eq!(ready(&mut one).unwrap().count(), 1);
}

#[test]
fn permits_added_at_once_wake_all_whom_they_serve_in_order() {
    let (semaphore, order) = (Semaphore::new(0), Arc::default());
    let mut waits: Vec<_> = (0..5).map(|_| semaphore.acquire()).collect();
    for (number, wait) in waits.iter_mut().enumerate() {
        let waker = Waker::from(Arc::new(Numbered(number, Arc::clone(&order))));
        assert!(Pin::new(wait).poll(&mut Context::from_waker(&waker)).is_pending());
    }
    semaphore.add_permits(3);
    assert_eq!(*order.lock().unwrap(), [0, 1, 2]);
    // One that was served and goes away serves the next.
    drop(waits.remove(1));
    assert_eq!(*order.lock().unwrap(), [0, 1, 2, 3]);
    assert_eq!(semaphore.statistics().tasks_waiting, 1);
}

#[test]
fn panic_of_a_waker_keeps_nobody_asleep() {
    let (semaphore, order) = (Semaphore::new(0), Arc::default());
    let mut waits: Vec<_> = (0..3).map(|_| semaphore.acquire()).collect();
    for (wait, number) in waits.iter_mut().zip([0, 99, 2]) {
        let waker = Waker::from(Arc::new(Numbered(number, Arc::clone(&order))));
        assert!(Pin::new(wait).poll(&mut Context::from_waker(&waker)).is_pending());
    }
    semaphore.add_permits(3);
    assert_eq!(*order.lock().unwrap(), [0, 99, 2]);
    for wait in &mut waits {
        ready(wait).unwrap().forget();
    }
}

#[test]
fn closed_semaphore_refuses_and_takes_back() {
    let semaphore = Arc::new(Semaphore::new(1));
    let permit = semaphore.try_acquire().unwrap();
    let (mut wait, mut owned) = (semaphore.acquire(), semaphore.acquire_owned());
    assert!(poll(&mut wait).is_pending() && poll(&mut owned).is_pending());
    semaphore.close();
    assert_eq!(ready(&mut wait).unwrap_err().to_string(), "the semaphore is closed");
    ready(&mut owned).unwrap_err();
    drop(permit);
    assert_eq!(semaphore.try_acquire().unwrap_err(), TryAcquireError::Closed);
    assert!(semaphore.blocking_acquire().is_err() && semaphore.is_closed());
    assert_eq!((semaphore.available_permits(), semaphore.forget_permits(5)), (1, 1));
}

#[test]
fn wait_that_was_served_before_the_close_has_its_permit() {
    let semaphore = Semaphore::new(0);
    let mut wait = semaphore.acquire();
    assert!(poll(&mut wait).is_pending());
    semaphore.add_permits(1);
    semaphore.close();
    drop(ready(&mut wait).unwrap());
    assert_eq!(semaphore.available_permits(), 1);
}

#[test]
fn offered_cancellation_goes_before_the_permit() {
    let semaphore = Semaphore::new(0);
    let mut wait = semaphore.acquire();
    assert!(poll(&mut wait).is_pending());
    semaphore.add_permits(1);
    poll_context::offer(Request::of_task(None));
    assert!(poll(&mut wait).is_pending());
    assert!(poll_context::take_request().is_some());
    drop(wait);
    assert_eq!(semaphore.available_permits(), 1);
}

#[test]
fn too_many_permits_are_refused() {
    let most = Semaphore::MAX_PERMITS;
    assert!(message(|| drop(Semaphore::new(most + 1))).contains("MAX_PERMITS"));
    let semaphore = Semaphore::new(most);
    assert!(message(|| semaphore.add_permits(1)).contains("add_permits(1)"));
    assert!(message(|| drop(semaphore.acquire_many(most + 1))).contains("MAX_PERMITS"));
    // Given back where there is no room any more: what the semaphore can have stays.
    let permit = semaphore.try_acquire().unwrap();
    semaphore.add_permits(1);
    drop(permit);
    assert_eq!(semaphore.available_permits(), most);
}

#[test]
fn bounded_semaphore_releases_what_was_forgotten_and_no_more() {
    let semaphore = BoundedSemaphore::new(2);
    let held = semaphore.try_acquire().unwrap();
    let error = semaphore.release().unwrap_err();
    assert!(error.to_string().contains("each of its 2 permits"), "{error}");
    semaphore.try_acquire_owned().unwrap().forget();
    assert!(semaphore.is_locked());
    semaphore.release().unwrap();
    assert_eq!((semaphore.release(), semaphore.available_permits()), (Err(error), 1));
    drop(held);
    assert_eq!((semaphore.limit(), semaphore.available_permits()), (2, 2));
    let text = message(|| drop(semaphore.acquire_many(3)));
    assert!(text.contains("3 permits are more than the 2"), "{text}");
}

#[test]
fn blocking_acquire_waits_for_its_turn() {
    let semaphore = Arc::new(Semaphore::new(1));
    let permit = semaphore.blocking_acquire().unwrap();
    let thread = {
        let semaphore = semaphore.clone();
        std::thread::spawn(move || semaphore.blocking_acquire_many_owned(1).unwrap().count())
    };
    drop(permit);
    assert_eq!(thread.join().unwrap(), 1);
}

#[test]
fn debug_shows_how_things_stand() {
    let semaphore = Semaphore::default();
    let text = "Semaphore { available_permits: 1, tasks_waiting: 0, is_closed: false, .. }";
    assert_eq!(format!("{semaphore:?}"), text);
    assert!(format!("{:?}", semaphore.acquire_many(3)).contains("count: 3"));
}

/// A wait and what it got.
struct Step {
    count: usize,
    wait: AcquireOwned,
}

/// Random steps against a number and a queue.
#[test]
fn random_steps_agree_with_a_number_and_a_queue() {
    for seed in 0..200 {
        let rng = Rng::new(seed);
        let below = |bound: usize| rng.below(bound as u32) as usize;
        let semaphore = Arc::new(Semaphore::new(3));
        let mut free = 3;
        let mut held: Vec<OwnedSemaphorePermit> = Vec::new();
        let mut waits: VecDeque<Step> = VecDeque::new();
        for step in 0..300 {
            match rng.below(6) {
                0 | 1 => {
                    let count = below(4);
                    let mut wait = semaphore.acquire_many_owned(count);
                    let is_free = waits.is_empty() && free >= count;
                    match poll(&mut wait) {
                        Poll::Ready(permit) => {
                            assert!(is_free, "{seed} {step}");
                            free -= count;
                            held.push(permit.unwrap());
                        }
                        Poll::Pending => {
                            assert!(!is_free, "{seed} {step}");
                            waits.push_back(Step { count, wait });
                        }
                    }
                }
                2 | 3 if !held.is_empty() => {
                    let permit = held.swap_remove(below(held.len()));
                    free += permit.count();
                    if rng.below(8) == 0 {
                        free -= permit.count();
                        permit.forget();
                    }
                }
                4 if !waits.is_empty() => drop(waits.remove(below(waits.len()))),
                _ => {
                    semaphore.add_permits(1);
                    free += 1;
                }
            }
            // Whom the free permits serve now.
            while waits.front().is_some_and(|first| first.count <= free) {
                let mut first = waits.pop_front().unwrap();
                free -= first.count;
                held.push(ready(&mut first.wait).unwrap());
            }
            assert!(waits.iter_mut().all(|other| poll(&mut other.wait).is_pending()));
            let now = (semaphore.available_permits(), semaphore.statistics().tasks_waiting);
            assert_eq!(now, (free, waits.len()), "{seed} {step}");
        }
    }
}

#[test]
fn bounded_semaphore_has_no_way_past_its_limit() {
    let semaphore = BoundedSemaphore::new(1);
    let permit = semaphore.try_acquire_owned().unwrap();
    let text = message(|| permit.semaphore().add_permits(1));
    assert!(
        text.contains("add_permits(1)") && text.contains("BoundedSemaphore::release()"),
        "{text}"
    );
    drop(permit);
    assert_eq!(semaphore.available_permits(), 1);
}
