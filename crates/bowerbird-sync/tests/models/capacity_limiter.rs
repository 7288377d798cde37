//! `CapacityLimiter`.

use std::collections::{BTreeSet, VecDeque};
use std::sync::Arc;

use bowerbird_sync::{CapacityLimiter, OwnedCapacityToken};
use proptest::prelude::*;

use super::harness::{Id, Waits, check};

#[derive(Debug, Clone)]
enum Step {
    Acquire,
    Poll(usize, bool),
    Drop(usize),
    Try,
    GiveBack(usize),
    SetTotal(usize),
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        4 => Just(Step::Acquire),
        4 => (any::<usize>(), any::<bool>()).prop_map(|(any, new)| Step::Poll(any, new)),
        2 => any::<usize>().prop_map(Step::Drop),
        1 => Just(Step::Try),
        3 => any::<usize>().prop_map(Step::GiveBack),
        2 => (0..4_usize).prop_map(Step::SetTotal),
    ]
}

struct Model {
    total: usize,
    borrowed: usize,
    line: VecDeque<Id>,
    handed: BTreeSet<Id>,
    woken: Vec<Id>,
}

impl Model {
    fn serve(&mut self) {
        while self.borrowed < self.total {
            let Some(id) = self.line.pop_front() else { break };
            self.borrowed += 1;
            self.handed.insert(id);
            self.woken.push(id);
        }
    }

    fn try_take(&mut self) -> bool {
        let may = self.line.is_empty() && self.borrowed < self.total;
        self.borrowed += usize::from(may);
        may
    }

    fn poll(&mut self, id: Id) -> bool {
        if self.handed.remove(&id) {
            return true;
        }
        if self.line.contains(&id) {
            return false;
        }
        let taken = self.try_take();
        if !taken {
            self.line.push_back(id);
        }
        taken
    }

    fn give(&mut self) {
        self.borrowed -= 1;
        self.serve();
    }
}

fn program(steps: Vec<Step>) {
    let limiter = Arc::new(CapacityLimiter::new(1));
    let (line, handed) = (VecDeque::new(), BTreeSet::new());
    let mut model = Model { total: 1, borrowed: 0, line, handed, woken: Vec::new() };
    let mut waits = Waits::new();
    let mut tokens: Vec<OwnedCapacityToken> = Vec::new();
    for step in steps {
        match step {
            Step::Acquire => {
                let id = waits.add(limiter.acquire_owned());
                let token = waits.poll(id, true);
                assert_eq!(token.is_some(), model.poll(id));
                tokens.extend(token);
            }
            Step::Poll(any, new) => {
                if let Some(id) = waits.pick(any) {
                    let token = waits.poll(id, new);
                    assert_eq!(token.is_some(), model.poll(id));
                    tokens.extend(token);
                }
            }
            Step::Drop(any) => {
                if let Some(id) = waits.pick(any) {
                    waits.drop(id);
                    model.line.retain(|other| *other != id);
                    if model.handed.remove(&id) {
                        model.give();
                    }
                }
            }
            Step::Try => {
                let expected = model.try_take();
                // There is no owned form: what it takes is given back at once.
                let token = limiter.try_acquire();
                assert_eq!(token.is_some(), expected);
                if token.is_some() {
                    drop(token);
                    model.give();
                }
            }
            Step::GiveBack(any) if !tokens.is_empty() => {
                drop(tokens.swap_remove(any % tokens.len()));
                model.give();
            }
            Step::GiveBack(_) => {}
            Step::SetTotal(total) => {
                limiter.set_total_tokens(total);
                model.total = total;
                model.serve();
            }
        }
        assert_eq!(waits.woken(), std::mem::take(&mut model.woken));
        let now = limiter.statistics();
        assert_eq!((now.total_tokens, now.borrowed_tokens), (model.total, model.borrowed));
        assert_eq!(now.tasks_waiting, model.line.len());
        assert_eq!(now.borrowers.len(), tokens.len() + model.handed.len());
    }
}

#[test]
fn agrees_with_its_model() {
    check(step(), program);
}
