//! Two conditions of one lock.

use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Waker};

use bowerbird_base::sync::thread;
use bowerbird_sync::guards::ConditionGuard;
use bowerbird_sync::{Condition, Lock};
use shuttle::future::block_on;

use super::{Program, check, give_up, sometimes, together};

/// A buffer of one place.
#[derive(Clone, Default)]
struct Shelf {
    items: Arc<Lock<Vec<u32>>>,
    filled: Arc<Condition>,
    emptied: Arc<Condition>,
}

/// Waits once, or gives the wait up: `false`, and then the guard has lost its lock.
fn wait_once<G: ConditionGuard>(condition: &Condition, guard: &mut G) -> bool {
    let wait = condition.wait(guard);
    if sometimes() {
        return give_up(wait).is_ready();
    }
    block_on(wait);
    true
}

impl Shelf {
    fn put(&self, item: u32) {
        loop {
            let mut items = block_on(self.items.lock());
            loop {
                if items.is_empty() {
                    items.push(item);
                    self.filled.notify(&items, 1);
                    return;
                }
                if !wait_once(&self.emptied, &mut items) {
                    break;
                }
            }
        }
    }

    /// With the other kind of guard.
    fn get(&self) -> u32 {
        loop {
            let mut items = block_on(self.items.lock_owned());
            loop {
                if let Some(item) = items.pop() {
                    self.emptied.notify(&items, 1);
                    return item;
                }
                if !wait_once(&self.filled, &mut items) {
                    break;
                }
            }
        }
    }
}

/// Each item is put and got once, where a notification is for one only and some who wait give up: a notification that
/// is lost with them leaves somebody waiting for ever.
#[test]
fn notification_of_a_wait_that_is_given_up_is_for_another() {
    check(|| {
        let shelf = Shelf::default();
        let mut programs: Vec<Program<Vec<u32>>> = Vec::new();
        for (is_put, shelf) in [(true, shelf.clone()), (false, shelf.clone())] {
            programs.push(Box::new(move || match is_put {
                true => {
                    (0..3).for_each(|item| shelf.put(item));
                    Vec::new()
                }
                false => (0..3).map(|_| shelf.get()).collect(),
            }));
        }
        // Who only comes to give up may have been notified before another one.
        for condition in [&shelf.filled, &shelf.emptied] {
            let (items, condition) = (shelf.items.clone(), condition.clone());
            programs.push(Box::new(move || {
                let mut items = block_on(items.lock());
                let mut wait = pin!(condition.wait(&mut items));
                let _pending = wait.as_mut().poll(&mut Context::from_waker(Waker::noop()));
                (0..5).for_each(|_| thread::yield_now());
                Vec::new()
            }));
        }
        assert_eq!(together(programs).concat(), [0, 1, 2]);
        assert!(!shelf.items.is_locked());
        let waiting = |condition: &Condition| condition.statistics().tasks_waiting;
        assert_eq!((waiting(&shelf.filled), waiting(&shelf.emptied)), (0, 0));
    });
}
