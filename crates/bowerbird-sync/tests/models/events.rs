//! `Event`, `AutoResetEvent` and `Notify`.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;

use bowerbird_sync::{AutoResetEvent, Event, Notify};
use proptest::prelude::*;

use super::harness::{Id, Waits, check};

#[derive(Debug, Clone)]
enum Step {
    Wait,
    Poll(usize, bool),
    Drop(usize),
    Set,
    Clear,
    NotifyLast,
    NotifyAll,
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        4 => Just(Step::Wait),
        5 => (any::<usize>(), any::<bool>()).prop_map(|(any, new)| Step::Poll(any, new)),
        3 => any::<usize>().prop_map(Step::Drop),
        3 => Just(Step::Set),
        2 => Just(Step::Clear),
        1 => Just(Step::NotifyLast),
        1 => Just(Step::NotifyAll),
    ]
}

#[derive(Default)]
struct EventModel {
    is_set: bool,
    line: Vec<Id>,
    over: BTreeSet<Id>,
    woken: Vec<Id>,
}

impl EventModel {
    fn poll(&mut self, id: Id) -> bool {
        if self.over.remove(&id) || self.is_set {
            return true;
        }
        if !self.line.contains(&id) {
            self.line.push(id);
        }
        false
    }

    fn set(&mut self) {
        self.is_set = true;
        self.over.extend(&self.line);
        self.woken.append(&mut self.line);
    }
}

fn event_program(steps: Vec<Step>) {
    let (event, mut model) = (Arc::new(Event::new()), EventModel::default());
    let mut waits = Waits::new();
    for step in steps {
        match step {
            Step::Wait => {
                let event = Arc::clone(&event);
                let id = waits.add(async move { event.wait().await });
                assert_eq!(waits.poll(id, true).is_some(), model.poll(id));
            }
            Step::Poll(any, new) => {
                if let Some(id) = waits.pick(any) {
                    assert_eq!(waits.poll(id, new).is_some(), model.poll(id));
                }
            }
            Step::Drop(any) => {
                if let Some(id) = waits.pick(any) {
                    waits.drop(id);
                    model.line.retain(|other| *other != id);
                    model.over.remove(&id);
                }
            }
            Step::Set => {
                event.set();
                model.set();
            }
            Step::Clear | Step::NotifyLast | Step::NotifyAll => {
                event.clear();
                model.is_set = false;
            }
        }
        assert_eq!(waits.woken(), std::mem::take(&mut model.woken));
        let now = event.statistics();
        assert_eq!((now.is_set, now.tasks_waiting), (model.is_set, model.line.len()));
    }
}

#[test]
fn event_agrees_with_its_model() {
    check(step(), event_program);
}

#[derive(Clone, Copy, PartialEq)]
enum End {
    First,
    Last,
}

/// A signal to one waiter, or to all.
#[derive(Default)]
struct SignalModel {
    is_stored: bool,
    /// How often all were notified, and what it was when each wait was made.
    turn: usize,
    made: BTreeMap<Id, usize>,
    line: VecDeque<Id>,
    /// Who was notified: alone, from that end, or with all.
    called: BTreeMap<Id, Option<End>>,
    woken: Vec<Id>,
}

impl SignalModel {
    fn poll(&mut self, id: Id) -> bool {
        if self.called.remove(&id).is_some() {
            return true;
        }
        if self.line.contains(&id) {
            return false;
        }
        if self.made[&id] != self.turn || std::mem::take(&mut self.is_stored) {
            return true;
        }
        self.line.push_back(id);
        false
    }

    fn notify(&mut self, end: End) {
        let first = if end == End::First { self.line.pop_front() } else { self.line.pop_back() };
        match first {
            Some(id) => {
                self.called.insert(id, Some(end));
                self.woken.push(id);
            }
            None => self.is_stored = true,
        }
    }

    fn notify_all(&mut self) {
        self.turn += 1;
        for id in std::mem::take(&mut self.line) {
            self.called.insert(id, None);
            self.woken.push(id);
        }
    }

    fn leave(&mut self, id: Id) {
        self.line.retain(|other| *other != id);
        if let Some(Some(end)) = self.called.remove(&id) {
            self.notify(end);
        }
    }
}

fn notify_program(steps: Vec<Step>) {
    let (notify, mut model) = (Arc::new(Notify::new()), SignalModel::default());
    let mut waits = Waits::new();
    for step in steps {
        match step {
            // Not polled: the wait counts from when it is made.
            Step::Wait => {
                let id = waits.add(Arc::clone(&notify).notified_owned());
                model.made.insert(id, model.turn);
            }
            Step::Poll(any, new) => {
                if let Some(id) = waits.pick(any) {
                    assert_eq!(waits.poll(id, new).is_some(), model.poll(id));
                }
            }
            Step::Drop(any) => {
                if let Some(id) = waits.pick(any) {
                    waits.drop(id);
                    model.leave(id);
                }
            }
            Step::Set | Step::Clear => {
                notify.notify_one();
                model.notify(End::First);
            }
            Step::NotifyLast => {
                notify.notify_last();
                model.notify(End::Last);
            }
            Step::NotifyAll => {
                notify.notify_waiters();
                model.notify_all();
            }
        }
        assert_eq!(waits.woken(), std::mem::take(&mut model.woken));
        let now = notify.statistics();
        assert_eq!((now.is_stored, now.tasks_waiting), (model.is_stored, model.line.len()));
    }
}

#[test]
fn notify_agrees_with_its_model() {
    check(step(), notify_program);
}

fn auto_reset_program(steps: Vec<Step>) {
    let (event, mut model) = (Arc::new(AutoResetEvent::new()), SignalModel::default());
    let mut waits = Waits::new();
    for step in steps {
        match step {
            Step::Wait => {
                let event = Arc::clone(&event);
                let id = waits.add(async move { event.wait().await });
                model.made.insert(id, model.turn);
                assert_eq!(waits.poll(id, true).is_some(), model.poll(id));
            }
            Step::Poll(any, new) => {
                if let Some(id) = waits.pick(any) {
                    assert_eq!(waits.poll(id, new).is_some(), model.poll(id));
                }
            }
            Step::Drop(any) => {
                if let Some(id) = waits.pick(any) {
                    waits.drop(id);
                    model.leave(id);
                }
            }
            Step::Set => {
                event.set();
                model.notify(End::First);
            }
            Step::Clear => assert_eq!(event.clear(), std::mem::take(&mut model.is_stored)),
            Step::NotifyLast | Step::NotifyAll => {
                assert_eq!(event.try_wait(), std::mem::take(&mut model.is_stored));
            }
        }
        assert_eq!(waits.woken(), std::mem::take(&mut model.woken));
        let now = event.statistics();
        assert_eq!((now.is_set, now.tasks_waiting), (model.is_stored, model.line.len()));
    }
}

#[test]
fn auto_reset_event_agrees_with_its_model() {
    check(step(), auto_reset_program);
}
