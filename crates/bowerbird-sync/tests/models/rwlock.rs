//! `RwLock`, with upgrades and downgrades.

use std::collections::BTreeMap;
use std::pin::Pin;
use std::sync::Arc;

use bowerbird_sync::guards::OwnedRwLockUpgradableReadGuard;
use bowerbird_sync::{OwnedRwLockReadGuard, OwnedRwLockWriteGuard, RwLock};
use proptest::prelude::*;

use super::harness::{Id, Waits, check};
use super::permits::Permits;

#[derive(Debug, Clone, Copy, PartialEq)]
enum Kind {
    Read,
    Upgradable,
    Write,
}

#[derive(Debug, Clone)]
enum Step {
    Wait(Kind),
    Poll(usize, bool),
    Drop(usize),
    Try(Kind),
    Unlock(usize),
    Upgrade,
    TryUpgrade,
    Downgrade(Kind),
}

fn kind() -> impl Strategy<Value = Kind> {
    prop_oneof![2 => Just(Kind::Read), 1 => Just(Kind::Upgradable), 1 => Just(Kind::Write)]
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        4 => kind().prop_map(Step::Wait),
        5 => (any::<usize>(), any::<bool>()).prop_map(|(any, new)| Step::Poll(any, new)),
        2 => any::<usize>().prop_map(Step::Drop),
        2 => kind().prop_map(Step::Try),
        4 => any::<usize>().prop_map(Step::Unlock),
        2 => Just(Step::Upgrade),
        1 => Just(Step::TryUpgrade),
        1 => kind().prop_map(Step::Downgrade),
    ]
}

enum Guard {
    Read(OwnedRwLockReadGuard<u32>),
    Upgradable(OwnedRwLockUpgradableReadGuard<u32>),
    Write(OwnedRwLockWriteGuard<u32>),
}

impl Guard {
    fn kind(&self) -> Kind {
        match self {
            Self::Read(_) => Kind::Read,
            Self::Upgradable(_) => Kind::Upgradable,
            Self::Write(_) => Kind::Write,
        }
    }
}

/// In the model a writer takes all, one that may become one a little more than half.
const ALL: usize = 1000;

fn count(kind: Kind) -> usize {
    match kind {
        Kind::Read => 1,
        Kind::Upgradable => ALL / 2 + 1,
        Kind::Write => ALL,
    }
}

struct World {
    lock: Arc<RwLock<u32>>,
    waits: Waits<Guard>,
    guards: Vec<Guard>,
    model: Permits,
    /// How often somebody wrote.
    written: u32,
    /// What each wait wants; `None` of an upgrade.
    wanted: BTreeMap<Id, Option<Kind>>,
}

impl World {
    fn wait(&self, kind: Kind) -> Pin<Box<dyn Future<Output = Guard>>> {
        let lock = Arc::clone(&self.lock);
        match kind {
            Kind::Read => Box::pin(async move { Guard::Read(lock.read_owned().await) }),
            Kind::Upgradable => {
                Box::pin(async move { Guard::Upgradable(lock.upgradable_read_owned().await) })
            }
            Kind::Write => Box::pin(async move { Guard::Write(lock.write_owned().await) }),
        }
    }

    fn poll(&mut self, id: Id, new: bool) {
        let guard = self.waits.poll(id, new);
        let expected = match self.wanted[&id] {
            Some(kind) => self.model.poll(id, count(kind)),
            None => self.model.poll_first(id, count(Kind::Write) - count(Kind::Upgradable)),
        };
        assert_eq!(guard.is_some(), expected.is_some());
        if let Some(guard) = guard {
            assert_eq!(guard.kind(), self.wanted[&id].unwrap_or(Kind::Write));
            self.enter(guard);
        }
    }

    /// Who writes changes the value, who reads sees it.
    fn enter(&mut self, mut guard: Guard) {
        match &mut guard {
            Guard::Write(value) => {
                self.written += 1;
                **value += 1;
            }
            Guard::Read(value) => assert_eq!(**value, self.written),
            Guard::Upgradable(value) => assert_eq!(**value, self.written),
        }
        self.guards.push(guard);
    }

    fn drop(&mut self, id: Id) {
        self.waits.drop(id);
        self.model.leave(id);
        if self.wanted[&id].is_none() {
            self.model.give(count(Kind::Upgradable));
        }
    }

    fn try_lock(&mut self, kind: Kind) {
        let guard = match kind {
            Kind::Read => self.lock.try_read_owned().map(Guard::Read),
            Kind::Upgradable => self.lock.try_upgradable_read_owned().map(Guard::Upgradable),
            Kind::Write => self.lock.try_write_owned().map(Guard::Write),
        };
        assert_eq!(guard.is_some(), self.model.try_take(count(kind)).is_some());
        guard.into_iter().for_each(|guard| self.enter(guard));
    }

    fn take_guard(&mut self, of: &[Kind]) -> Option<Guard> {
        let at = self.guards.iter().position(|guard| of.contains(&guard.kind()))?;
        Some(self.guards.remove(at))
    }

    fn upgrade(&mut self) {
        let Some(Guard::Upgradable(guard)) = self.take_guard(&[Kind::Upgradable]) else { return };
        let id = self
            .waits
            .add(async move { Guard::Write(OwnedRwLockUpgradableReadGuard::upgrade(guard).await) });
        self.wanted.insert(id, None);
        self.poll(id, true);
    }

    fn try_upgrade(&mut self) {
        let Some(Guard::Upgradable(guard)) = self.take_guard(&[Kind::Upgradable]) else { return };
        let rest = count(Kind::Write) - count(Kind::Upgradable);
        let expected = self.model.try_take_first(rest).is_some();
        let guard = match OwnedRwLockUpgradableReadGuard::try_upgrade(guard) {
            Ok(guard) => Guard::Write(guard),
            Err(guard) => Guard::Upgradable(guard),
        };
        assert_eq!(guard.kind() == Kind::Write, expected);
        self.enter(guard);
    }

    fn downgrade(&mut self, to: Kind) {
        let guard = match self.take_guard(&[Kind::Write, Kind::Upgradable]) {
            Some(Guard::Write(guard)) if to == Kind::Read => {
                self.model.give(count(Kind::Write) - count(Kind::Read));
                Guard::Read(OwnedRwLockWriteGuard::downgrade(guard))
            }
            Some(Guard::Write(guard)) => {
                self.model.give(count(Kind::Write) - count(Kind::Upgradable));
                Guard::Upgradable(OwnedRwLockWriteGuard::downgrade_to_upgradable(guard))
            }
            Some(Guard::Upgradable(guard)) => {
                self.model.give(count(Kind::Upgradable) - count(Kind::Read));
                Guard::Read(OwnedRwLockUpgradableReadGuard::downgrade(guard))
            }
            _ => return,
        };
        self.enter(guard);
    }

    fn step(&mut self, step: Step) {
        match step {
            Step::Wait(kind) => {
                let id = self.waits.add(self.wait(kind));
                self.wanted.insert(id, Some(kind));
                self.poll(id, true);
            }
            Step::Poll(any, new) => {
                self.waits.pick(any).into_iter().for_each(|id| self.poll(id, new))
            }
            Step::Drop(any) => self.waits.pick(any).into_iter().for_each(|id| self.drop(id)),
            Step::Try(kind) => self.try_lock(kind),
            Step::Unlock(any) if !self.guards.is_empty() => {
                let guard = self.guards.remove(any % self.guards.len());
                self.model.give(count(guard.kind()));
                drop(guard);
            }
            Step::Unlock(_) => {}
            Step::Upgrade => self.upgrade(),
            Step::TryUpgrade => self.try_upgrade(),
            Step::Downgrade(to) => self.downgrade(to),
        }
        assert_eq!(self.waits.woken(), self.model.take_woken());
        let of = |kind| self.guards.iter().filter(|guard| guard.kind() == kind).count();
        assert!(of(Kind::Write) == 0 || self.guards.len() == 1, "a writer is alone");
        assert!(of(Kind::Upgradable) <= 1);
        assert_eq!(self.lock.is_locked(), self.model.free < ALL);
        assert_eq!(self.lock.statistics().tasks_waiting, self.model.waiting());
    }
}

#[test]
fn agrees_with_its_model() {
    check(step(), |steps| {
        let mut world = World {
            lock: Arc::new(RwLock::new(0)),
            waits: Waits::new(),
            guards: Vec::new(),
            model: Permits::new(ALL),
            written: 0,
            wanted: BTreeMap::new(),
        };
        steps.into_iter().for_each(|step| world.step(step));
        let lock = Arc::clone(&world.lock);
        drop(world);
        assert!(!lock.is_locked() && lock.statistics().tasks_waiting == 0);
    });
}
