//! `Condition`: two of them, and the waits for their lock.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use bowerbird_sync::{Condition, Lock, OwnedLockGuard};
use proptest::prelude::*;

use super::harness::{Id, Waits, check};
use super::permits::Permits;

#[derive(Debug, Clone)]
enum Step {
    Lock,
    /// Waits for the lock, and then at that condition.
    Wait(usize),
    Poll(usize, bool),
    Drop(usize),
    Unlock,
    Notify(usize, usize),
    NotifyAll(usize),
}

fn step() -> impl Strategy<Value = Step> {
    let which = || 0..2_usize;
    prop_oneof![
        2 => Just(Step::Lock),
        5 => which().prop_map(Step::Wait),
        7 => (any::<usize>(), any::<bool>()).prop_map(|(any, new)| Step::Poll(any, new)),
        2 => any::<usize>().prop_map(Step::Drop),
        4 => Just(Step::Unlock),
        4 => (which(), 0..3_usize).prop_map(|(which, count)| Step::Notify(which, count)),
        1 => which().prop_map(Step::NotifyAll),
    ]
}

/// How far a wait has come.
#[derive(Clone, Copy)]
enum Stage {
    /// For the lock, and then at a condition or not.
    Locking(Option<usize>),
    Waiting(usize),
    Notified(usize),
    /// It was notified, and owes that to another if it ends without its lock.
    LockingAgain(usize),
}

struct World {
    lock: Arc<Lock<()>>,
    conditions: [Arc<Condition>; 2],
    waits: Waits<OwnedLockGuard<()>>,
    guard: Option<OwnedLockGuard<()>>,
    model: Permits,
    lines: [VecDeque<Id>; 2],
    stages: BTreeMap<Id, Stage>,
}

impl World {
    fn new() -> Self {
        Self {
            lock: Arc::new(Lock::new(())),
            conditions: [Arc::default(), Arc::default()],
            waits: Waits::new(),
            guard: None,
            model: Permits::new(1),
            lines: [VecDeque::new(), VecDeque::new()],
            stages: BTreeMap::new(),
        }
    }

    fn add(&mut self, which: Option<usize>) {
        let lock = Arc::clone(&self.lock);
        let condition = which.map(|which| Arc::clone(&self.conditions[which]));
        let id = self.waits.add(async move {
            let mut guard = lock.lock_owned().await;
            if let Some(condition) = condition {
                condition.wait(&mut guard).await;
            }
            guard
        });
        self.stages.insert(id, Stage::Locking(which));
        self.poll(id, true);
    }

    /// One poll of the model. `true`: it ends with the lock.
    fn poll_model(&mut self, id: Id) -> bool {
        match self.stages[&id] {
            Stage::Locking(which) => {
                if self.model.poll(id, 1).is_none() {
                    return false;
                }
                let Some(which) = which else { return true };
                self.lines[which].push_back(id);
                self.stages.insert(id, Stage::Waiting(which));
                self.model.give(1);
                false
            }
            Stage::Waiting(_) => false,
            Stage::Notified(which) => {
                self.stages.insert(id, Stage::LockingAgain(which));
                self.model.poll(id, 1).is_some()
            }
            Stage::LockingAgain(_) => self.model.poll(id, 1).is_some(),
        }
    }

    fn poll(&mut self, id: Id, new: bool) {
        let ends = self.poll_model(id);
        let guard = self.waits.poll(id, new);
        assert_eq!(guard.is_some(), ends);
        if let Some(guard) = guard {
            assert!(self.guard.replace(guard).is_none(), "two have the lock");
        }
    }

    fn drop(&mut self, id: Id) {
        self.waits.drop(id);
        match self.stages[&id] {
            Stage::Locking(_) => self.model.leave(id),
            Stage::Waiting(which) => self.lines[which].retain(|other| *other != id),
            Stage::Notified(which) => self.notify_model(which, 1),
            Stage::LockingAgain(which) => {
                self.model.leave(id);
                self.notify_model(which, 1);
            }
        }
    }

    fn notify_model(&mut self, which: usize, count: usize) {
        for _ in 0..count {
            let Some(id) = self.lines[which].pop_front() else { break };
            self.stages.insert(id, Stage::Notified(which));
            self.model.woken.push(id);
        }
    }

    /// With the lock that there is, or with one that is taken for it; else not at all.
    fn notify(&mut self, which: usize, count: usize) {
        let condition = &self.conditions[which];
        match (&self.guard, self.lock.try_lock()) {
            (Some(guard), _) if count == usize::MAX => condition.notify_all(guard),
            (Some(guard), _) => condition.notify(guard, count),
            (None, Some(guard)) => condition.notify(&guard, count),
            (None, None) => return,
        }
        self.notify_model(which, count);
    }

    fn step(&mut self, step: Step) {
        match step {
            Step::Lock => self.add(None),
            Step::Wait(which) => self.add(Some(which)),
            Step::Poll(any, new) => {
                self.waits.pick(any).into_iter().for_each(|id| self.poll(id, new))
            }
            Step::Drop(any) => self.waits.pick(any).into_iter().for_each(|id| self.drop(id)),
            Step::Unlock => {
                if self.guard.take().is_some() {
                    self.model.give(1);
                }
            }
            Step::Notify(which, count) => self.notify(which, count),
            Step::NotifyAll(which) => self.notify(which, usize::MAX),
        }
        assert_eq!(self.waits.woken(), self.model.take_woken());
        assert_eq!(self.lock.is_locked(), self.model.free == 0);
        assert_eq!(self.lock.statistics().tasks_waiting, self.model.waiting());
        for (condition, line) in self.conditions.iter().zip(&self.lines) {
            assert_eq!(condition.statistics().tasks_waiting, line.len());
        }
    }
}

#[test]
fn agrees_with_its_model() {
    check(step(), |steps| {
        let mut world = World::new();
        steps.into_iter().for_each(|step| world.step(step));
        let lock = Arc::clone(&world.lock);
        drop(world);
        assert!(!lock.is_locked() && lock.statistics().tasks_waiting == 0);
    });
}
