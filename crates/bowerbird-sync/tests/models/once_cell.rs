//! `OnceCell`.

use std::cell::Cell;
use std::collections::{BTreeMap, BTreeSet};
use std::future::poll_fn;
use std::rc::Rc;
use std::sync::Arc;
use std::task::Poll;

use bowerbird_sync::{OnceCell, SetError};
use proptest::prelude::*;

use super::harness::{Id, Waits, check};
use super::permits::Permits;

#[derive(Debug, Clone)]
enum Step {
    /// Makes the value if it is to; what it makes is said later.
    Make,
    Wait,
    Poll(usize, bool),
    Drop(usize),
    /// Who makes the value has made it when it is polled next, or has failed.
    Decide(bool),
    Set,
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        20 => Just(Step::Make),
        12 => Just(Step::Wait),
        20 => (any::<usize>(), any::<bool>()).prop_map(|(any, new)| Step::Poll(any, new)),
        16 => any::<usize>().prop_map(Step::Drop),
        8 => prop::bool::weighted(0.2).prop_map(Step::Decide),
        1 => Just(Step::Set),
    ]
}

#[derive(Clone, Copy)]
enum Stage {
    /// For the right to make the value.
    TakingTurn,
    Making,
    Waiting,
}

struct World {
    cell: Arc<OnceCell<usize>>,
    waits: Waits<Option<usize>>,
    /// What who makes the value finds when it is polled.
    decided: Rc<Cell<Option<bool>>>,
    turn: Permits,
    value: Option<usize>,
    stages: BTreeMap<Id, Stage>,
    /// Who waits for the value alone, in order, and who was woken with it.
    line: Vec<Id>,
    over: BTreeSet<Id>,
}

impl World {
    fn new() -> Self {
        Self {
            cell: Arc::default(),
            waits: Waits::new(),
            decided: Rc::default(),
            turn: Permits::new(1),
            value: None,
            stages: BTreeMap::new(),
            line: Vec::new(),
            over: BTreeSet::new(),
        }
    }

    fn make(&mut self) {
        let (cell, decided) = (Arc::clone(&self.cell), Rc::clone(&self.decided));
        let id = self.waits.add(async move {
            // Each makes another value: the one that is there is the first.
            let made = Rc::as_ptr(&decided).addr();
            let decide = poll_fn(|_| match decided.take() {
                Some(true) => Poll::Ready(Ok(made)),
                Some(false) => Poll::Ready(Err(())),
                None => Poll::Pending,
            });
            cell.get_or_try_init(|| decide).await.ok().copied()
        });
        self.stages.insert(id, Stage::TakingTurn);
        self.poll(id, true);
    }

    fn wait(&mut self) {
        let cell = Arc::clone(&self.cell);
        let id = self.waits.add(async move { Some(*cell.wait().await) });
        self.stages.insert(id, Stage::Waiting);
        self.poll(id, true);
    }

    fn is_there(&mut self, value: usize) {
        self.value = Some(value);
        self.turn.close();
        self.turn.woken.extend(&self.line);
        self.over.extend(self.line.drain(..));
    }

    fn poll_model(&mut self, id: Id) -> Option<Option<usize>> {
        if let Stage::TakingTurn = self.stages[&id] {
            match self.turn.poll(id, 1)? {
                Err(_closed) => return Some(self.value),
                Ok(()) => drop(self.stages.insert(id, Stage::Making)),
            }
        }
        if let Stage::Making = self.stages[&id] {
            let is_made = self.decided.get()?;
            if is_made {
                self.is_there(Rc::as_ptr(&self.decided).addr());
            }
            self.turn.give(1);
            return Some(self.value);
        }
        if self.value.is_none() && !self.line.contains(&id) {
            self.line.push(id);
        }
        self.value.map(Some)
    }

    fn poll(&mut self, id: Id, new: bool) {
        let expected = self.poll_model(id);
        assert_eq!(self.waits.poll(id, new), expected);
    }

    fn drop(&mut self, id: Id) {
        self.waits.drop(id);
        match self.stages[&id] {
            Stage::TakingTurn => self.turn.leave(id),
            Stage::Making => self.turn.give(1),
            Stage::Waiting => self.line.retain(|other| *other != id),
        }
    }

    fn set(&mut self) {
        let set = self.cell.set(7);
        match self.turn.try_take(1) {
            Some(Ok(())) => {
                assert_eq!(set, Ok(()));
                self.is_there(7);
                self.turn.give(1);
            }
            Some(Err(_closed)) => assert_eq!(set, Err(SetError::AlreadySet(7))),
            None => assert_eq!(set, Err(SetError::Initializing(7))),
        }
    }

    fn step(&mut self, step: Step) {
        match step {
            Step::Make => self.make(),
            Step::Wait => self.wait(),
            Step::Poll(any, new) => {
                self.waits.pick(any).into_iter().for_each(|id| self.poll(id, new))
            }
            Step::Drop(any) => self.waits.pick(any).into_iter().for_each(|id| self.drop(id)),
            Step::Decide(is_made) => self.decided.set(Some(is_made)),
            Step::Set => self.set(),
        }
        assert_eq!(self.waits.woken(), self.turn.take_woken());
        assert_eq!(self.cell.get().copied(), self.value);
        let now = self.cell.statistics();
        assert_eq!(now.is_initializing, self.value.is_none() && self.turn.free == 0);
        assert_eq!(now.tasks_waiting, self.turn.waiting() + self.line.len());
    }
}

#[test]
fn agrees_with_its_model() {
    check(step(), |steps| {
        let mut world = World::new();
        steps.into_iter().for_each(|step| world.step(step));
    });
}
