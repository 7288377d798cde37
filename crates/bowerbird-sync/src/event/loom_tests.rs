use std::pin::Pin;
use std::task::{Context, Waker};

use bowerbird_base::sync::cell::UnsafeCell;
use bowerbird_base::sync::{Arc, thread};
use loom::future::block_on;

use super::Event;
use super::wait::is_over;

/// `[ORD-1]`. The look stands alone: a poll that sees nothing goes on to the lock, which orders it too. It is in the
/// second thread: loom tries it first after all that the other does, and would not come to that by itself.
#[test]
fn who_sees_the_flag_sees_what_came_before_it() {
    loom::model(|| {
        let shared = Arc::new((Event::new(), UnsafeCell::new(0)));
        let looker = {
            let shared = shared.clone();
            thread::spawn(move || {
                if shared.0.is_set() {
                    shared.1.with(|_| ());
                }
            })
        };
        shared.1.with_mut(|_| ());
        shared.0.set();
        looker.join().unwrap();
    });
}

/// `[ORD-1]`: the same when the flag was cleared again.
#[test]
fn who_sees_the_turn_sees_what_came_before_it() {
    loom::model(|| {
        let shared = Arc::new((Event::new(), UnsafeCell::new(0)));
        let mut wait = shared.0.wait();
        assert!(Pin::new(&mut wait).poll(&mut Context::from_waker(Waker::noop())).is_pending());
        let began = wait.began.take();
        let looker = {
            let shared = shared.clone();
            thread::spawn(move || {
                if is_over(&began, shared.0.look()) {
                    shared.1.with(|_| ());
                }
            })
        };
        shared.1.with_mut(|_| ());
        shared.0.set();
        shared.0.clear();
        looker.join().unwrap();
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
        assert!(event.waits.lock().is_unused());
    });
}
