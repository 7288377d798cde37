use std::sync::Arc;
use std::task::{Wake, Waker};

use bowerbird_base::poll_context::{self, Request};

use super::Event;
use crate::test_wakers::{Woken, is_ready, is_ready_with};

#[test]
fn set_wakes_all_in_order_of_arrival() {
    let (event, woken) = (Event::new(), Woken::default());
    let mut waits: Vec<_> = (0..10).map(|_| event.wait()).collect();
    for (number, wait) in waits.iter_mut().enumerate() {
        assert!(!is_ready_with(wait, &woken.waker(number)));
    }
    event.set();
    event.set();
    assert_eq!(woken.take(), (0..10).collect::<Vec<_>>());
    assert!(waits.iter_mut().all(is_ready));
}

#[test]
fn set_and_cleared_at_once_still_releases_who_waited() {
    let event = Event::new();
    let mut early = event.wait();
    assert!(!is_ready(&mut early));
    event.set();
    event.clear();
    assert!(is_ready(&mut early));
    assert!(!is_ready(&mut event.wait()));
    assert!(!event.is_set());
}

#[test]
fn set_event_is_ready_without_an_entry() {
    let event = Event::new();
    event.set();
    assert!(event.is_set());
    assert!(is_ready(&mut event.wait()));
    assert!(event.waits.lock().is_unused());
}

#[test]
fn dropped_wait_leaves_no_entry_and_the_others_keep_their_order() {
    let (event, woken) = (Event::new(), Woken::default());
    let mut waits: Vec<_> = (0..4).map(|_| event.wait()).collect();
    for (number, wait) in waits.iter_mut().enumerate() {
        assert!(!is_ready_with(wait, &woken.waker(number)));
    }
    drop(waits.remove(1));
    assert_eq!(event.statistics().tasks_waiting, 3);
    event.set();
    assert_eq!(woken.take(), [0, 2, 3]);
    drop(waits);
}

#[test]
fn repolled_wait_keeps_its_place_and_only_its_last_waker() {
    let (event, woken) = (Event::new(), Woken::default());
    let mut waits: Vec<_> = (0..2).map(|_| event.wait()).collect();
    for (number, index) in [(0, 0), (1, 1), (2, 0)] {
        let waker = woken.waker(number);
        assert!(!is_ready_with(&mut waits[index], &waker));
        assert!(!is_ready_with(&mut waits[index], &waker));
    }
    event.set();
    assert_eq!(woken.take(), [2, 1]);
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
    let mut wait = event.wait();
    assert!(!is_ready_with(&mut wait, &Waker::from(Arc::new(Clears(event.clone())))));
    event.set();
    assert!(!event.is_set());
    assert!(is_ready(&mut wait));
}

#[test]
fn offered_cancellation_goes_before_the_event() {
    let event = Event::new();
    let mut wait = event.wait();
    assert!(!is_ready(&mut wait));
    event.set();
    poll_context::offer(Request::of_task(None));
    assert!(!is_ready(&mut wait));
    assert!(poll_context::take_request().is_some());
    assert!(is_ready(&mut wait));
}

#[test]
fn crowd_is_woken_in_order_of_arrival() {
    let (event, woken) = (Event::new(), Woken::default());
    for round in 1..3 {
        let mut waits: Vec<_> = (100..1100).map(|_| event.wait()).collect();
        for (number, wait) in waits.iter_mut().enumerate() {
            assert!(!is_ready_with(wait, &woken.waker(number + 100)));
        }
        // One from the middle is gone, and its entry used again: it is the last now.
        drop(waits.remove(500));
        waits.push(event.wait());
        assert!(!is_ready_with(&mut waits[999], &woken.waker(round)));
        event.set();
        event.clear();
        let order: Vec<_> = (100..600).chain(601..1100).chain([round]).collect();
        assert_eq!(woken.take(), order);
        assert!(waits.iter_mut().all(is_ready));
        assert!(event.waits.lock().is_unused());
    }
}

/// The entry of a wait that was released is somebody else's now.
#[test]
fn released_wait_does_not_touch_the_entries_of_later_ones() {
    let (event, woken) = (Event::new(), Woken::default());
    let (mut dropped, mut polled) = (event.wait(), event.wait());
    assert!(!is_ready(&mut dropped) && !is_ready(&mut polled));
    event.set();
    event.clear();
    let mut later: Vec<_> = (0..2).map(|_| event.wait()).collect();
    for (number, wait) in later.iter_mut().enumerate() {
        assert!(!is_ready_with(wait, &woken.waker(number)));
    }
    drop(dropped);
    assert!(is_ready(&mut polled));
    assert_eq!(event.statistics().tasks_waiting, 2);
    event.set();
    assert_eq!(woken.take(), [0, 1]);
}

#[test]
fn wait_that_was_over_may_be_polled_again() {
    let event = Event::new();
    event.set();
    let mut wait = event.wait();
    assert!(is_ready(&mut wait));
    event.clear();
    assert!(!is_ready(&mut wait));
    event.set();
    assert!(is_ready(&mut wait));
}
