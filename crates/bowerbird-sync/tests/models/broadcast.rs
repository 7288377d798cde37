//! `broadcast`, with receivers that lag.

use std::collections::{BTreeMap, BTreeSet};

use bowerbird_sync::broadcast::{self, Receiver, RecvError, Sender, TryRecvError};
use proptest::prelude::*;

use super::harness::{Id, Waits, check};

#[derive(Debug, Clone)]
enum Step {
    /// A receiver waits for a value; while it does it is away.
    Recv(usize),
    TryRecv(usize),
    /// A sender waits until there is no receiver.
    Closed,
    Poll(usize, bool),
    Drop(usize),
    Send,
    Subscribe,
    Resubscribe(usize),
    DropReceiver(usize),
    CloneSender,
    DropSender,
}

fn step() -> impl Strategy<Value = Step> {
    let any_one = any::<usize>;
    prop_oneof![
        8 => any_one().prop_map(Step::Recv),
        6 => any_one().prop_map(Step::TryRecv),
        1 => Just(Step::Closed),
        8 => (any_one(), any::<bool>()).prop_map(|(any, new)| Step::Poll(any, new)),
        3 => any_one().prop_map(Step::Drop),
        12 => Just(Step::Send),
        2 => Just(Step::Subscribe),
        2 => any_one().prop_map(Step::Resubscribe),
        2 => any_one().prop_map(Step::DropReceiver),
        1 => Just(Step::CloneSender),
        1 => Just(Step::DropSender),
    ]
}

/// What a receiver finds.
#[derive(Debug, PartialEq)]
enum Found {
    Value(usize),
    Lagged(u64),
    End,
}

/// What a wait ends with: its half comes home.
enum End {
    Received(Receiver<usize>, Found),
    Closed(Sender<usize>),
}

struct World {
    capacity: usize,
    senders: Vec<Sender<usize>>,
    /// With the number of the next value, which is the value itself.
    receivers: Vec<(Receiver<usize>, usize)>,
    waits: Waits<End>,
    sent: usize,
    sender_count: usize,
    receiver_count: usize,
    /// Of those that wait for a value: the number of the next one.
    nexts: BTreeMap<Id, usize>,
    line: Vec<Id>,
    closed_line: Vec<Id>,
    closed_over: BTreeSet<Id>,
    woken: Vec<Id>,
}

impl World {
    fn new(capacity: usize) -> Self {
        let (sender, receiver) = broadcast::channel(capacity);
        Self {
            capacity,
            senders: vec![sender],
            receivers: vec![(receiver, 0)],
            waits: Waits::new(),
            sent: 0,
            sender_count: 1,
            receiver_count: 1,
            nexts: BTreeMap::new(),
            line: Vec::new(),
            closed_line: Vec::new(),
            closed_over: BTreeSet::new(),
            woken: Vec::new(),
        }
    }

    /// What a receiver finds, and what its next value is then.
    fn find(&self, next: usize) -> (Option<Found>, usize) {
        let oldest = self.sent.saturating_sub(self.capacity);
        if next < oldest {
            return (Some(Found::Lagged((oldest - next) as u64)), oldest);
        }
        if next < self.sent {
            return (Some(Found::Value(next)), next + 1);
        }
        ((self.sender_count == 0).then_some(Found::End), next)
    }

    fn take_receiver(&mut self, any: usize) -> Option<(Receiver<usize>, usize)> {
        let at = any.checked_rem(self.receivers.len())?;
        Some(self.receivers.remove(at))
    }

    fn recv(&mut self, any: usize) {
        let Some((mut receiver, next)) = self.take_receiver(any) else { return };
        let id = self.waits.add(async move {
            let found = match receiver.recv().await {
                Ok(value) => Found::Value(value),
                Err(RecvError::Lagged(missed)) => Found::Lagged(missed),
                Err(_closed) => Found::End,
            };
            End::Received(receiver, found)
        });
        self.nexts.insert(id, next);
        self.poll(id, true);
    }

    fn try_recv(&mut self, any: usize) {
        let Some((mut receiver, next)) = self.take_receiver(any) else { return };
        let (expected, next) = self.find(next);
        let found = match receiver.try_recv() {
            Ok(value) => Some(Found::Value(value)),
            Err(TryRecvError::Lagged(missed)) => Some(Found::Lagged(missed)),
            Err(TryRecvError::Closed) => Some(Found::End),
            Err(_empty) => None,
        };
        assert_eq!(found, expected);
        self.receivers.push((receiver, next));
    }

    fn closed(&mut self) {
        let Some(sender) = self.senders.pop() else { return };
        let id = self.waits.add(async move {
            sender.closed().await;
            End::Closed(sender)
        });
        self.poll(id, true);
    }

    fn poll(&mut self, id: Id, new: bool) {
        let end = self.waits.poll(id, new);
        let Some(next) = self.nexts.get(&id) else {
            if self.receiver_count > 0 && !self.closed_over.contains(&id) {
                assert!(end.is_none());
                if !self.closed_line.contains(&id) {
                    self.closed_line.push(id);
                }
                return;
            }
            let Some(End::Closed(sender)) = end else { panic!("it waits on") };
            self.senders.push(sender);
            return;
        };
        match (end, self.find(*next)) {
            (Some(End::Received(receiver, found)), (Some(expected), next)) => {
                assert_eq!(found, expected);
                self.nexts.remove(&id);
                self.receivers.push((receiver, next));
            }
            (None, (None, _)) => {
                if !self.line.contains(&id) {
                    self.line.push(id);
                }
            }
            (end, (expected, _)) => panic!("ready: {}, expected: {expected:?}", end.is_some()),
        }
    }

    fn drop(&mut self, id: Id) {
        self.waits.drop(id);
        self.line.retain(|other| *other != id);
        self.closed_line.retain(|other| *other != id);
        match self.nexts.remove(&id) {
            Some(_) => self.receiver_is_gone(),
            None => self.sender_is_gone(),
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
            self.woken.append(&mut self.line);
        }
    }

    fn with_sender(&mut self, step: &Step) {
        let Some(sender) = self.senders.pop() else { return };
        match step {
            Step::Send => {
                let sent = sender.send(self.sent).ok();
                assert_eq!(sent, (self.receiver_count > 0).then_some(self.receiver_count));
                if sent.is_some() {
                    self.sent += 1;
                    self.woken.append(&mut self.line);
                }
            }
            Step::Subscribe => {
                self.receivers.push((sender.subscribe(), self.sent));
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

    /// How many values are kept: those that somebody has not seen, the latest of them.
    fn kept(&self) -> usize {
        let at_home = self.receivers.iter().map(|(_, next)| next);
        let first = at_home.chain(self.nexts_waiting()).min();
        first.map_or(0, |first| (self.sent - first).min(self.capacity))
    }

    fn nexts_waiting(&self) -> impl Iterator<Item = &usize> {
        self.nexts.values()
    }

    fn step(&mut self, step: Step) {
        match step {
            Step::Recv(any) => self.recv(any),
            Step::TryRecv(any) => self.try_recv(any),
            Step::Closed => self.closed(),
            Step::Poll(any, new) => {
                self.waits.pick(any).into_iter().for_each(|id| self.poll(id, new))
            }
            Step::Drop(any) => self.waits.pick(any).into_iter().for_each(|id| self.drop(id)),
            Step::Resubscribe(any) => {
                if let Some((receiver, next)) = self.take_receiver(any) {
                    self.receivers.push((receiver.resubscribe(), self.sent));
                    self.receivers.push((receiver, next));
                    self.receiver_count += 1;
                }
            }
            Step::DropReceiver(any) => {
                if self.take_receiver(any).is_some() {
                    self.receiver_is_gone();
                }
            }
            step => self.with_sender(&step),
        }
        assert_eq!(self.waits.woken(), std::mem::take(&mut self.woken));
        for (receiver, next) in &self.receivers {
            assert_eq!(receiver.len(), self.sent - next);
        }
        if let Some(sender) = self.senders.first() {
            let now = sender.statistics();
            assert_eq!((now.senders, now.receivers), (self.sender_count, self.receiver_count));
            assert_eq!((now.waiting, now.len), (self.line.len(), self.kept()));
        }
    }
}

#[test]
fn agrees_with_its_model() {
    for capacity in 1..4 {
        check(step(), |steps| {
            let mut world = World::new(capacity);
            steps.into_iter().for_each(|step| world.step(step));
        });
    }
}
