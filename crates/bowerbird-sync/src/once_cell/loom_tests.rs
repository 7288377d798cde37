use std::pin::pin;
use std::sync::atomic::{AtomicU32, Ordering};
use std::task::{Context, Waker};

use bowerbird_base::sync::{Arc, thread};
use loom::future::block_on;

use super::OnceCell;

/// Two need it at a time: one makes it, both see the one value.
#[test]
fn one_of_two_makes_it() {
    loom::model(|| {
        let (cell, made) = (Arc::new(OnceCell::new()), Arc::new(AtomicU32::new(0)));
        let need = |value: u32| {
            let (cell, made) = (cell.clone(), made.clone());
            move || {
                let make = async || {
                    made.fetch_add(1, Ordering::Relaxed);
                    value
                };
                // Loom does not see the look at the value, so it takes what follows for the same in all orders; it
                // sees this one.
                let _looked = cell.right.free();
                *block_on(cell.get_or_init(make))
            }
        };
        let other = thread::spawn(need(1));
        let own = need(2)();
        assert_eq!(own, other.join().unwrap());
        assert_eq!((made.load(Ordering::Relaxed), cell.statistics().tasks_waiting), (1, 0));
    });
}

/// The one that makes it is dropped: the other does.
#[test]
fn dropped_attempt_races_with_a_wait_for_it() {
    loom::model(|| {
        let cell = Arc::new(OnceCell::new());
        let given_up = cell.clone();
        let attempt = async move { *given_up.get_or_init(std::future::pending).await };
        let mut attempt = Box::pin(attempt);
        assert!(attempt.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending());
        let other = {
            let cell = cell.clone();
            thread::spawn(move || *block_on(cell.get_or_init(async || 1)))
        };
        drop(attempt);
        assert_eq!(other.join().unwrap(), 1);
    });
}

/// Who waits for the value is woken by who sets it.
#[test]
fn set_races_with_a_wait() {
    loom::model(|| {
        let cell = Arc::new(OnceCell::new());
        let setter = {
            let cell = cell.clone();
            thread::spawn(move || cell.set(1).unwrap())
        };
        let value = *block_on(pin!(cell.wait()));
        assert_eq!(value, 1);
        setter.join().unwrap();
    });
}
