//! Two conditions of one lock.

use std::sync::Arc;

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
        for producer in 0..2 {
            let shelf = shelf.clone();
            programs.push(Box::new(move || {
                (0..2).for_each(|item| shelf.put(2 * producer + item));
                Vec::new()
            }));
        }
        for _ in 0..2 {
            let shelf = shelf.clone();
            programs.push(Box::new(move || (0..2).map(|_| shelf.get()).collect()));
        }
        // Who only comes to give up may have been notified before another one.
        for condition in [&shelf.filled, &shelf.emptied] {
            let (items, condition) = (shelf.items.clone(), condition.clone());
            programs.push(Box::new(move || {
                let _is_ready = give_up(condition.wait(&mut block_on(items.lock())));
                Vec::new()
            }));
        }
        let mut got = together(programs).concat();
        got.sort();
        assert_eq!(got, [0, 1, 2, 3]);
        assert!(!shelf.items.is_locked());
        let waiting = |condition: &Condition| condition.statistics().tasks_waiting;
        assert_eq!((waiting(&shelf.filled), waiting(&shelf.emptied)), (0, 0));
    });
}
