//! `Semaphore` and `BoundedSemaphore`.

use std::collections::BTreeMap;
use std::sync::Arc;

use bowerbird_sync::{
    AcquireError, BoundedSemaphore, OwnedSemaphorePermit, Semaphore, TryAcquireError,
};
use proptest::prelude::*;

use super::harness::{Id, Waits, check};
use super::permits::Permits;

#[derive(Debug, Clone)]
enum Step {
    Acquire(usize),
    Poll(usize, bool),
    Drop(usize),
    Try(usize),
    GiveBack(usize),
    Forget(usize),
    Split(usize, usize),
    Merge,
    /// `add_permits`, or `release` of a bounded one.
    Add(usize),
    TakeAway(usize),
    Close,
}

fn step() -> impl Strategy<Value = Step> {
    let count = || 0..4_usize;
    prop_oneof![
        8 => count().prop_map(Step::Acquire),
        8 => (any::<usize>(), any::<bool>()).prop_map(|(any, new)| Step::Poll(any, new)),
        4 => any::<usize>().prop_map(Step::Drop),
        4 => count().prop_map(Step::Try),
        6 => any::<usize>().prop_map(Step::GiveBack),
        2 => any::<usize>().prop_map(Step::Forget),
        2 => (any::<usize>(), count()).prop_map(|(any, count)| Step::Split(any, count)),
        2 => Just(Step::Merge),
        4 => count().prop_map(Step::Add),
        2 => count().prop_map(Step::TakeAway),
        1 => Just(Step::Close),
    ]
}

const PERMITS: usize = 3;

struct World {
    semaphore: Arc<Semaphore>,
    bounded: Option<BoundedSemaphore>,
    waits: Waits<Result<OwnedSemaphorePermit, AcquireError>>,
    permits: Vec<OwnedSemaphorePermit>,
    model: Permits,
    wanted: BTreeMap<Id, usize>,
    forgotten: usize,
}

impl World {
    fn new(bounded: Option<BoundedSemaphore>) -> Self {
        let semaphore = match &bounded {
            Some(bounded) => Arc::clone(bounded.try_acquire_owned().unwrap().semaphore()),
            None => Arc::new(Semaphore::new(PERMITS)),
        };
        Self {
            semaphore,
            bounded,
            waits: Waits::new(),
            permits: Vec::new(),
            model: Permits::new(PERMITS),
            wanted: BTreeMap::new(),
            forgotten: 0,
        }
    }

    fn poll(&mut self, id: Id, new: bool) {
        let expected = self.model.poll(id, self.wanted[&id]);
        let acquired = self.waits.poll(id, new);
        assert_eq!(acquired.as_ref().map(Result::is_ok), expected.map(|taken| taken.is_ok()));
        if let Some(Ok(permit)) = acquired {
            assert_eq!(permit.count(), self.wanted[&id]);
            self.permits.push(permit);
        }
    }

    fn try_acquire(&mut self, count: usize) {
        let expected = self.model.try_take(count);
        match self.semaphore.try_acquire_many_owned(count) {
            Ok(permit) => {
                assert_eq!(expected, Some(Ok(())));
                self.permits.push(permit);
            }
            Err(TryAcquireError::Closed) => assert!(expected.is_some_and(|taken| taken.is_err())),
            Err(TryAcquireError::NoPermits) => assert!(expected.is_none()),
            Err(other) => panic!("{other}"),
        }
    }

    fn add(&mut self, count: usize) {
        let Some(bounded) = &self.bounded else {
            self.semaphore.add_permits(count);
            self.model.give(count);
            return;
        };
        assert_eq!(bounded.release().is_ok(), self.forgotten > 0);
        if self.forgotten > 0 {
            self.forgotten -= 1;
            self.model.give(1);
        }
    }

    fn permit(&mut self, any: usize) -> Option<OwnedSemaphorePermit> {
        let at = any.checked_rem(self.permits.len())?;
        Some(self.permits.swap_remove(at))
    }

    fn two_permits(&mut self) -> Option<[OwnedSemaphorePermit; 2]> {
        let first = self.permits.len().checked_sub(2)?;
        self.permits.split_off(first).try_into().ok()
    }

    fn step(&mut self, step: Step) {
        match step {
            Step::Acquire(count) => {
                let id = self.waits.add(self.semaphore.acquire_many_owned(count));
                self.wanted.insert(id, count);
                self.poll(id, true);
            }
            Step::Poll(any, new) => {
                self.waits.pick(any).into_iter().for_each(|id| self.poll(id, new))
            }
            Step::Drop(any) => {
                if let Some(id) = self.waits.pick(any) {
                    self.waits.drop(id);
                    self.model.leave(id);
                }
            }
            Step::Try(count) => self.try_acquire(count),
            Step::GiveBack(any) => {
                if let Some(permit) = self.permit(any) {
                    self.model.give(permit.count());
                }
            }
            Step::Forget(any) => {
                if let Some(permit) = self.permit(any) {
                    self.forgotten += permit.count();
                    permit.forget();
                }
            }
            Step::Split(any, count) => {
                if let Some(mut permit) = self.permit(any) {
                    let before = permit.count();
                    let split = permit.split(count);
                    assert_eq!(split.is_some(), count <= before);
                    self.permits.extend(split.into_iter().chain([permit]));
                }
            }
            Step::Merge => {
                if let Some([mut one, other]) = self.two_permits() {
                    let sum = one.count() + other.count();
                    one.merge(other);
                    assert_eq!(one.count(), sum);
                    self.permits.push(one);
                }
            }
            Step::Add(count) => self.add(count),
            Step::TakeAway(count) => {
                assert_eq!(self.semaphore.forget_permits(count), self.model.take_up_to(count));
            }
            Step::Close => {
                self.semaphore.close();
                self.model.close();
            }
        }
        assert_eq!(self.waits.woken(), self.model.take_woken());
        let now = self.semaphore.statistics();
        assert_eq!(now.available_permits, self.model.free);
        assert_eq!(now.tasks_waiting, self.model.waiting());
        assert_eq!(now.is_closed, self.model.is_closed);
        assert_eq!(self.semaphore.is_locked(), self.model.free == 0 || now.tasks_waiting > 0);
    }
}

#[test]
fn semaphore_agrees_with_its_model() {
    check(step(), |steps| {
        let mut world = World::new(None);
        steps.into_iter().for_each(|step| world.step(step));
    });
}

#[test]
fn bounded_semaphore_agrees_with_its_model() {
    check(step(), |steps| {
        let mut world = World::new(Some(BoundedSemaphore::new(PERMITS)));
        // What is taken away is gone, so that less can be given back.
        for step in steps.into_iter().filter(|step| !matches!(step, Step::TakeAway(_))) {
            world.step(step);
            let out: usize = world.permits.iter().map(OwnedSemaphorePermit::count).sum();
            assert!(world.model.free + out + world.forgotten <= PERMITS);
        }
    });
}
