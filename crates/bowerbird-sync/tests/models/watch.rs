//! `watch`.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use bowerbird_sync::watch::{self, Receiver, Sender};
use proptest::prelude::*;

use super::harness::{Id, Waits, check};

#[derive(Debug, Clone)]
enum Step {
    /// A receiver waits for a change; while it does it is away.
    Changed(usize),
    /// A sender waits until there is no receiver.
    Closed,
    Poll(usize, bool),
    Drop(usize),
    Send,
    SendIf(bool),
    Look(usize),
    Mark(usize, bool),
    Subscribe,
    CloneReceiver(usize),
    DropReceiver(usize),
    CloneSender,
    DropSender,
}

fn step() -> impl Strategy<Value = Step> {
    let any_one = any::<usize>;
    prop_oneof![
        8 => any_one().prop_map(Step::Changed),
        2 => Just(Step::Closed),
        8 => (any_one(), any::<bool>()).prop_map(|(any, new)| Step::Poll(any, new)),
        4 => any_one().prop_map(Step::Drop),
        6 => Just(Step::Send),
        2 => any::<bool>().prop_map(Step::SendIf),
        3 => any_one().prop_map(Step::Look),
        2 => (any_one(), any::<bool>()).prop_map(|(any, changed)| Step::Mark(any, changed)),
        2 => Just(Step::Subscribe),
        3 => any_one().prop_map(Step::CloneReceiver),
        3 => any_one().prop_map(Step::DropReceiver),
        1 => Just(Step::CloneSender),
        1 => Just(Step::DropSender),
    ]
}

/// What a wait ends with: its half comes home.
enum End {
    Changed(Receiver<usize>, bool),
    Closed(Sender<usize>),
}

/// A receiver, and the version that it has seen; `None`: none that there is.
struct Eye {
    receiver: Receiver<usize>,
    seen: Option<usize>,
}

#[derive(Clone, Copy)]
enum Kind {
    Changed(Option<usize>),
    Closed,
}

struct World {
    senders: Vec<Sender<usize>>,
    eyes: Vec<Eye>,
    waits: Waits<End>,
    version: usize,
    /// All halves, at home or in a wait.
    sender_count: usize,
    receiver_count: usize,
    kinds: BTreeMap<Id, Kind>,
    changed_line: Vec<Id>,
    closed_line: Vec<Id>,
    /// Who waited until there is no receiver, and was told.
    closed_over: BTreeSet<Id>,
    woken: Vec<Id>,
}

impl World {
    fn new() -> Self {
        let (sender, receiver) = watch::channel(0);
        Self {
            senders: vec![sender],
            eyes: vec![Eye { receiver, seen: Some(0) }],
            waits: Waits::new(),
            version: 0,
            sender_count: 1,
            receiver_count: 1,
            kinds: BTreeMap::new(),
            changed_line: Vec::new(),
            closed_line: Vec::new(),
            closed_over: BTreeSet::new(),
            woken: Vec::new(),
        }
    }

    fn take_eye(&mut self, any: usize) -> Option<Eye> {
        let at = any.checked_rem(self.eyes.len())?;
        Some(self.eyes.remove(at))
    }

    fn wait_changed(&mut self, any: usize) {
        let Some(Eye { mut receiver, seen }) = self.take_eye(any) else { return };
        let id = self.waits.add(async move {
            let changed = receiver.changed().await.is_ok();
            End::Changed(receiver, changed)
        });
        self.kinds.insert(id, Kind::Changed(seen));
        self.poll(id, true);
    }

    fn wait_closed(&mut self) {
        let Some(sender) = self.senders.pop() else { return };
        let id = self.waits.add(async move {
            sender.closed().await;
            End::Closed(sender)
        });
        self.kinds.insert(id, Kind::Closed);
        self.poll(id, true);
    }

    fn poll(&mut self, id: Id, new: bool) {
        let end = self.waits.poll(id, new);
        match self.kinds[&id] {
            Kind::Changed(seen) => {
                let has_changed = seen != Some(self.version);
                if !has_changed && self.sender_count > 0 {
                    assert!(end.is_none());
                    if !self.changed_line.contains(&id) {
                        self.changed_line.push(id);
                    }
                    return;
                }
                let Some(End::Changed(receiver, changed)) = end else { panic!("it waits on") };
                assert_eq!(changed, has_changed);
                self.eyes.push(Eye { receiver, seen: Some(self.version) });
            }
            Kind::Closed => {
                if self.receiver_count > 0 && !self.closed_over.contains(&id) {
                    assert!(end.is_none());
                    if !self.closed_line.contains(&id) {
                        self.closed_line.push(id);
                    }
                    return;
                }
                let Some(End::Closed(sender)) = end else { panic!("it waits on") };
                self.senders.push(sender);
            }
        }
    }

    fn drop(&mut self, id: Id) {
        self.waits.drop(id);
        self.changed_line.retain(|other| *other != id);
        self.closed_line.retain(|other| *other != id);
        match self.kinds[&id] {
            Kind::Changed(_) => self.receiver_is_gone(),
            Kind::Closed => self.sender_is_gone(),
        }
    }

    fn receiver_is_gone(&mut self) {
        self.receiver_count -= 1;
        if self.receiver_count == 0 {
            self.closed_over.extend(&self.closed_line);
            self.woken.append(&mut self.closed_line);
        }
    }

    fn sender_is_gone(&mut self) {
        self.sender_count -= 1;
        if self.sender_count == 0 {
            self.woken.append(&mut self.changed_line);
        }
    }

    fn has_changed(&mut self) {
        self.version += 1;
        self.woken.append(&mut self.changed_line);
    }

    fn look(&mut self, any: usize) {
        let Some(mut eye) = self.take_eye(any) else { return };
        let is_new = eye.seen != Some(self.version);
        assert_eq!(eye.receiver.has_changed().ok(), (self.sender_count > 0).then_some(is_new));
        assert_eq!(*eye.receiver.borrow(), self.version);
        let value = eye.receiver.borrow_and_update();
        assert_eq!((*value, value.has_changed()), (self.version, is_new));
        drop(value);
        self.eyes.push(Eye { receiver: eye.receiver, seen: Some(self.version) });
    }

    fn with_sender(&mut self, step: &Step) {
        let Some(sender) = self.senders.pop() else { return };
        match step {
            Step::Send => {
                let sent = sender.send(self.version + 1).is_ok();
                assert_eq!(sent, self.receiver_count > 0);
                if sent {
                    self.has_changed();
                }
            }
            Step::SendIf(changes) => {
                let next = self.version + 1;
                let changed = sender.send_if_modified(|value| {
                    if *changes {
                        *value = next;
                    }
                    *changes
                });
                assert_eq!(changed, *changes);
                if changed {
                    self.has_changed();
                }
            }
            Step::Subscribe => {
                self.eyes.push(Eye { receiver: sender.subscribe(), seen: Some(self.version) });
                self.receiver_count += 1;
            }
            Step::CloneSender => {
                self.senders.push(sender.clone());
                self.sender_count += 1;
            }
            Step::DropSender => {
                drop(sender);
                self.sender_is_gone();
                return;
            }
            _ => {}
        }
        self.senders.push(sender);
    }

    fn step(&mut self, step: Step) {
        match step {
            Step::Changed(any) => self.wait_changed(any),
            Step::Closed => self.wait_closed(),
            Step::Poll(any, new) => {
                self.waits.pick(any).into_iter().for_each(|id| self.poll(id, new))
            }
            Step::Drop(any) => self.waits.pick(any).into_iter().for_each(|id| self.drop(id)),
            Step::Look(any) => self.look(any),
            Step::Mark(any, changed) => {
                if let Some(mut eye) = self.take_eye(any) {
                    if changed {
                        eye.receiver.mark_changed()
                    } else {
                        eye.receiver.mark_unchanged()
                    }
                    eye.seen = (!changed).then_some(self.version);
                    self.eyes.push(eye);
                }
            }
            Step::CloneReceiver(any) => {
                if let Some(eye) = self.take_eye(any) {
                    self.eyes.push(Eye { receiver: eye.receiver.clone(), seen: eye.seen });
                    self.eyes.push(eye);
                    self.receiver_count += 1;
                }
            }
            Step::DropReceiver(any) => {
                if self.take_eye(any).is_some() {
                    self.receiver_is_gone();
                }
            }
            step => self.with_sender(&step),
        }
        assert_eq!(self.waits.woken(), std::mem::take(&mut self.woken));
        if let Some(sender) = self.senders.first() {
            let now = sender.statistics();
            assert_eq!((now.senders, now.receivers), (self.sender_count, self.receiver_count));
            assert_eq!(now.waiting, self.changed_line.len());
        }
    }
}

#[test]
fn agrees_with_its_model() {
    check(step(), |steps| {
        let mut world = World::new();
        steps.into_iter().for_each(|step| world.step(step));
    });
}

/// `wait_for` calls its predicate once for each version it sees, and ends at the first that pleases.
#[test]
fn wait_for_looks_at_each_version_it_sees() {
    check((0..4_usize, any::<bool>()), |steps| {
        let (sender, mut receiver) = watch::channel(0);
        let looked = Rc::new(RefCell::new(Vec::new()));
        let mut waits = Waits::new();
        let log = Rc::clone(&looked);
        let id = waits.add(async move {
            let found = receiver.wait_for(|value| {
                log.borrow_mut().push(*value);
                *value == 3
            });
            found.await.is_ok()
        });
        let (mut expected, mut last, mut is_over) = (Vec::new(), None, false);
        for (at, (value, polls)) in steps.into_iter().enumerate() {
            if at > 0 {
                let was_waiting = last.is_some_and(|version| version + 1 == at);
                let sent = sender.send(value).is_ok();
                assert_eq!(sent, !is_over);
                assert_eq!(waits.woken().len(), usize::from(was_waiting && sent));
            }
            if polls && !is_over {
                let value = *sender.borrow();
                if last != Some(at) {
                    expected.push(value);
                }
                last = Some(at);
                is_over = waits.poll(id, false).is_some();
                assert_eq!(is_over, value == 3);
            }
        }
        assert_eq!(*looked.borrow(), expected);
    });
}
