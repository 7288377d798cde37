//! `Barrier`, with `abort` and `reset`.

use std::collections::BTreeMap;
use std::sync::Arc;

use bowerbird_sync::{Barrier, BarrierState};
use proptest::prelude::*;

use super::harness::{Id, Waits, check};

#[derive(Debug, Clone)]
enum Step {
    Wait,
    Poll(usize, bool),
    Drop(usize),
    Reset,
    Abort,
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        6 => Just(Step::Wait),
        8 => (any::<usize>(), any::<bool>()).prop_map(|(any, new)| Step::Poll(any, new)),
        3 => any::<usize>().prop_map(Step::Drop),
        2 => Just(Step::Reset),
        1 => Just(Step::Abort),
    ]
}

/// What a wait was told.
#[derive(Clone, Copy)]
enum Told {
    /// Its group is complete or broken; it has that index in it.
    Inside(usize),
    /// All that were inside are gone: it arrives once more.
    ArriveAgain,
}

struct Model {
    parties: usize,
    state: BarrierState,
    /// While it fills those of the group, else those who wait for it to fill again.
    line: Vec<Id>,
    told: BTreeMap<Id, Told>,
    /// How many of a group that is over have not left.
    leaving: usize,
    woken: Vec<Id>,
}

impl Model {
    fn tell(&mut self, told: impl Fn(usize) -> Told) {
        for (index, id) in std::mem::take(&mut self.line).into_iter().enumerate() {
            self.told.insert(id, told(index));
            self.woken.push(id);
        }
    }

    fn break_up(&mut self) {
        if self.state == BarrierState::Filling {
            self.leaving = self.line.len();
            self.tell(Told::Inside);
        }
    }

    fn leave(&mut self) {
        self.leaving -= 1;
        if self.leaving == 0 && self.state != BarrierState::Broken {
            self.state = BarrierState::Filling;
            self.tell(|_| Told::ArriveAgain);
        }
    }

    fn poll(&mut self, id: Id) -> Option<Option<usize>> {
        match self.told.remove(&id) {
            Some(Told::Inside(index)) => {
                let through = self.state == BarrierState::Draining;
                self.leave();
                return Some(through.then_some(index));
            }
            Some(Told::ArriveAgain) => {}
            None if self.line.contains(&id) => return None,
            None => {}
        }
        if self.state == BarrierState::Broken {
            return Some(None);
        }
        if self.state == BarrierState::Filling && self.line.len() + 1 == self.parties {
            self.tell(Told::Inside);
            (self.state, self.leaving) = (BarrierState::Draining, self.parties);
            self.leave();
            return Some(Some(self.parties - 1));
        }
        self.line.push(id);
        None
    }

    fn drop(&mut self, id: Id) {
        self.line.retain(|other| *other != id);
        if let Some(Told::Inside(_)) = self.told.remove(&id) {
            self.leave();
        }
    }

    fn reset(&mut self) {
        self.break_up();
        let is_left = self.leaving > 0;
        self.state = if is_left { BarrierState::Resetting } else { BarrierState::Filling };
    }

    fn abort(&mut self) {
        self.break_up();
        self.state = BarrierState::Broken;
        self.tell(|_| Told::ArriveAgain);
    }
}

fn program(parties: usize, steps: Vec<Step>) {
    let barrier = Arc::new(Barrier::new(parties));
    let (line, told, woken) = (Vec::new(), BTreeMap::new(), Vec::new());
    let mut model = Model { parties, state: BarrierState::Filling, line, told, leaving: 0, woken };
    let mut waits = Waits::new();
    for step in steps {
        let polled = match step {
            Step::Wait => {
                let barrier = Arc::clone(&barrier);
                Some((waits.add(async move { barrier.wait().await.ok() }), true))
            }
            Step::Poll(any, new) => waits.pick(any).map(|id| (id, new)),
            Step::Drop(any) => {
                if let Some(id) = waits.pick(any) {
                    waits.drop(id);
                    model.drop(id);
                }
                None
            }
            Step::Reset => {
                barrier.reset();
                model.reset();
                None
            }
            Step::Abort => {
                barrier.abort();
                model.abort();
                None
            }
        };
        if let Some((id, new)) = polled {
            assert_eq!(waits.poll(id, new), model.poll(id));
        }
        assert_eq!(waits.woken(), std::mem::take(&mut model.woken));
        let now = barrier.statistics();
        let filled = if now.state == BarrierState::Filling { model.line.len() } else { 0 };
        assert_eq!(now.state, model.state);
        assert_eq!(barrier.n_waiting(), filled);
        assert_eq!(now.tasks_inside, filled + model.leaving);
        assert_eq!(now.tasks_blocked, model.line.len() - filled);
    }
}

#[test]
fn agrees_with_its_model() {
    for parties in 1..5 {
        check(step(), |steps| program(parties, steps));
    }
}
