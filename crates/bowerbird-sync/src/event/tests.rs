use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Wake, Waker};

use bowerbird_base::poll_context::{self, Request};

use super::Event;

/// Wakers that write their number into a common list.
struct Numbered(usize, Arc<Mutex<Vec<usize>>>);

impl Wake for Numbered {
    fn wake(self: Arc<Self>) {
        self.1.lock().unwrap().push(self.0);
        assert_ne!(self.0, 99, "the panicking waker");
    }
}

fn is_ready<F: Future>(future: &mut Pin<Box<F>>, waker: &Waker) -> bool {
    future.as_mut().poll(&mut Context::from_waker(waker)).is_ready()
}

#[test]
fn set_wakes_all_in_order_of_arrival() {
    let (event, order) = (Event::new(), Arc::default());
    let mut waits: Vec<_> = (0..10).map(|_| Box::pin(event.wait())).collect();
    for (number, wait) in waits.iter_mut().enumerate() {
        assert!(!is_ready(wait, &Waker::from(Arc::new(Numbered(number, Arc::clone(&order))))));
    }
    event.set();
    event.set();
    assert_eq!(*order.lock().unwrap(), (0..10).collect::<Vec<_>>());
    assert!(waits.iter_mut().all(|wait| is_ready(wait, Waker::noop())));
}

#[test]
fn set_and_cleared_at_once_still_releases_who_waited() {
    let event = Event::new();
    let mut early = Box::pin(event.wait());
    assert!(!is_ready(&mut early, Waker::noop()));
    event.set();
    event.clear();
    assert!(is_ready(&mut early, Waker::noop()));
    assert!(!is_ready(&mut Box::pin(event.wait()), Waker::noop()));
    assert!(!event.is_set());
}

#[test]
fn set_event_is_ready_without_an_entry() {
    let event = Event::new();
    event.set();
    assert!(event.is_set());
    assert!(is_ready(&mut Box::pin(event.wait()), Waker::noop()));
    assert!(event.waiters.lock().wakers.is_empty());
}

#[test]
fn dropped_wait_leaves_no_entry_and_the_others_keep_their_order() {
    let (event, order) = (Event::new(), Arc::default());
    let mut waits: Vec<_> = (0..4).map(|_| Box::pin(event.wait())).collect();
    for (number, wait) in waits.iter_mut().enumerate() {
        assert!(!is_ready(wait, &Waker::from(Arc::new(Numbered(number, Arc::clone(&order))))));
    }
    drop(waits.remove(1));
    assert_eq!(event.waiters.lock().wakers.len(), 3);
    event.set();
    assert_eq!(*order.lock().unwrap(), [0, 2, 3]);
    drop(waits);
}

#[test]
fn repolled_wait_keeps_its_place_and_only_its_last_waker() {
    let (event, order) = (Event::new(), Arc::default());
    let mut waits: Vec<_> = (0..2).map(|_| Box::pin(event.wait())).collect();
    for (number, index) in [(0, 0), (1, 1), (2, 0)] {
        let waker = Waker::from(Arc::new(Numbered(number, Arc::clone(&order))));
        assert!(!is_ready(&mut waits[index], &waker));
        assert!(!is_ready(&mut waits[index], &waker));
    }
    event.set();
    assert_eq!(*order.lock().unwrap(), [2, 1]);
}

#[test]
fn panic_of_a_waker_keeps_nobody_asleep() {
    let (event, order) = (Event::new(), Arc::default());
    let mut waits: Vec<_> = (0..3).map(|_| Box::pin(event.wait())).collect();
    for (wait, number) in waits.iter_mut().zip([0, 99, 2]) {
        assert!(!is_ready(wait, &Waker::from(Arc::new(Numbered(number, Arc::clone(&order))))));
    }
    assert!(catch_unwind(AssertUnwindSafe(|| event.set())).is_err());
    assert_eq!(*order.lock().unwrap(), [0, 99, 2]);
    assert!(event.is_set());
    event.clear();
}

/// A waker may set and clear the event that wakes it: nothing is locked then.
#[test]
fn waker_that_uses_the_event_does_not_deadlock() {
    struct Clears(Arc<Event>);
    impl Wake for Clears {
        fn wake(self: Arc<Self>) {
            self.0.clear();
        }
    }
    let event = Arc::new(Event::new());
    let mut wait = Box::pin(event.wait());
    assert!(!is_ready(&mut wait, &Waker::from(Arc::new(Clears(event.clone())))));
    event.set();
    assert!(!event.is_set());
    assert!(is_ready(&mut wait, Waker::noop()));
}

#[test]
fn offered_cancellation_goes_before_the_event() {
    let event = Event::new();
    let mut wait = Box::pin(event.wait());
    assert!(!is_ready(&mut wait, Waker::noop()));
    event.set();
    poll_context::offer(Request { message: None, origin: Request::TASK_ROOT });
    assert!(!is_ready(&mut wait, Waker::noop()));
    assert!(poll_context::take_request().is_some());
    assert!(is_ready(&mut wait, Waker::noop()));
}
