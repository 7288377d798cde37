use std::pin::Pin;
use std::task::{Context, Waker};

use bowerbird_base::sync::atomic::{AtomicUsize, Ordering};
use bowerbird_base::sync::{Arc, thread};
use loom::future::block_on;

use super::Event;

/// `[ORD-1]`: who goes on sees what was done before the set.
#[test]
fn what_was_done_before_set_is_seen_after_wait() {
    loom::model(|| {
        let shared = Arc::new((Event::new(), AtomicUsize::new(0)));
        let setter = {
            let shared = shared.clone();
            thread::spawn(move || {
                shared.1.store(1, Ordering::Relaxed);
                shared.0.set();
            })
        };
        block_on(shared.0.wait());
        assert_eq!(shared.1.load(Ordering::Relaxed), 1);
        setter.join().unwrap();
    });
}

/// A set that is cleared at once still releases who was suspended before it.
#[test]
fn set_and_clear_race_with_a_suspended_wait() {
    loom::model(|| {
        let event = Arc::new(Event::new());
        let mut wait = Box::pin(event.wait());
        assert!(wait.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending());
        let setter = {
            let event = event.clone();
            thread::spawn(move || {
                event.set();
                event.clear();
            })
        };
        block_on(wait);
        setter.join().unwrap();
    });
}

/// A wait dropped while the event is set takes nothing from the others and leaves no entry.
#[test]
fn dropped_wait_races_with_set() {
    loom::model(|| {
        let event = Arc::new(Event::new());
        let setter = {
            let event = event.clone();
            thread::spawn(move || event.set())
        };
        let mut given_up = event.wait();
        let _poll = Pin::new(&mut given_up).poll(&mut Context::from_waker(Waker::noop()));
        drop(given_up);
        block_on(event.wait());
        setter.join().unwrap();
        assert!(event.waiters.lock().wakers.is_empty());
    });
}
