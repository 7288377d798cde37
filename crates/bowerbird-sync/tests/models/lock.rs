//! `Lock`.

use std::sync::Arc;

use bowerbird_sync::{Lock, OwnedLockGuard};
use proptest::prelude::*;

use super::harness::{Waits, check};
use super::permits::Permits;

#[derive(Debug, Clone)]
enum Step {
    Wait,
    Poll(usize, bool),
    Drop(usize),
    Try,
    Unlock,
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        3 => Just(Step::Wait),
        4 => (any::<usize>(), any::<bool>()).prop_map(|(any, new)| Step::Poll(any, new)),
        2 => any::<usize>().prop_map(Step::Drop),
        1 => Just(Step::Try),
        3 => Just(Step::Unlock),
    ]
}

fn program(steps: Vec<Step>) {
    let lock = Arc::new(Lock::new(0));
    let mut model = Permits::new(1);
    let mut waits = Waits::new();
    let mut guard: Option<OwnedLockGuard<u32>> = None;
    let mut locked = 0;
    for step in steps {
        let mut enters = None;
        match step {
            Step::Wait => {
                let id = waits.add(lock.lock_owned());
                enters = waits.poll(id, true);
                assert_eq!(enters.is_some(), model.poll(id, 1).is_some());
            }
            Step::Poll(any, new) => {
                if let Some(id) = waits.pick(any) {
                    enters = waits.poll(id, new);
                    assert_eq!(enters.is_some(), model.poll(id, 1).is_some());
                }
            }
            Step::Drop(any) => {
                if let Some(id) = waits.pick(any) {
                    waits.drop(id);
                    model.leave(id);
                }
            }
            Step::Try => {
                enters = lock.try_lock_owned();
                assert_eq!(enters.is_some(), model.try_take(1).is_some());
            }
            Step::Unlock => {
                if guard.take().is_some() {
                    model.give(1);
                }
            }
        }
        if let Some(mut enters) = enters {
            *enters += 1;
            locked += 1;
            assert_eq!(*enters, locked);
            assert!(guard.replace(enters).is_none(), "two have the lock");
        }
        assert_eq!(waits.woken(), model.take_woken());
        assert_eq!(lock.is_locked(), model.free == 0);
        assert_eq!(lock.statistics().tasks_waiting, model.waiting());
    }
    drop((waits, guard));
    assert!(!lock.is_locked() && lock.statistics().tasks_waiting == 0);
}

#[test]
fn agrees_with_its_model() {
    check(step(), program);
}
