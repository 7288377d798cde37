//! `mpsc` and `mpmc`, with a limit, without one and without a buffer.

use std::collections::VecDeque;
use std::pin::Pin;

use bowerbird_sync::mpmc::{OwnedPermit, Sender, WeakSender};
use bowerbird_sync::{mpmc, mpsc};
use proptest::prelude::*;

use super::harness::{Id, Waits, check};

#[derive(Debug, Clone)]
enum Step {
    /// A sender is away while it sends, waits for a slot or for the close; a receiver while it receives.
    Send,
    Reserve,
    Closed,
    Recv(usize),
    RecvMany(usize, usize),
    Poll(usize, bool),
    Drop(usize),
    TrySend,
    TryReserve,
    TryRecv(usize),
    SendPermit,
    ReleasePermit,
    DropPermit,
    Close(bool),
    CloneSender,
    DropSender,
    Upgrade,
    CloneReceiver,
    DropReceiver,
}

fn step() -> impl Strategy<Value = Step> {
    let any_one = any::<usize>;
    prop_oneof![
        12 => Just(Step::Send),
        5 => Just(Step::Reserve),
        2 => Just(Step::Closed),
        12 => any_one().prop_map(Step::Recv),
        4 => (any_one(), 1..4_usize).prop_map(|(any, limit)| Step::RecvMany(any, limit)),
        20 => (any_one(), any::<bool>()).prop_map(|(any, new)| Step::Poll(any, new)),
        6 => any_one().prop_map(Step::Drop),
        5 => Just(Step::TrySend),
        3 => Just(Step::TryReserve),
        5 => any_one().prop_map(Step::TryRecv),
        4 => Just(Step::SendPermit),
        2 => Just(Step::ReleasePermit),
        2 => Just(Step::DropPermit),
        1 => any::<bool>().prop_map(Step::Close),
        12 => Just(Step::CloneSender),
        2 => Just(Step::DropSender),
        1 => Just(Step::Upgrade),
        6 => Just(Step::CloneReceiver),
        1 => Just(Step::DropReceiver),
    ]
}

/// The receivers of both kinds of channel.
trait Receiving: Sized + 'static {
    /// `None`: there can be one only.
    fn another(&self) -> Option<Self>;
    fn receive(self) -> Pin<Box<dyn Future<Output = End<Self>>>>;
    fn receive_many(self, limit: usize) -> Pin<Box<dyn Future<Output = End<Self>>>>;
    fn try_receive(&mut self) -> Option<u32>;
    fn end(&mut self);
}

macro_rules! receiving {
    ($receiver:ty, $another:expr) => {
        impl Receiving for $receiver {
            fn another(&self) -> Option<Self> {
                let another: fn(&Self) -> Option<Self> = $another;
                another(self)
            }

            #[allow(unused_mut, reason = "one of them is borrowed mutably to receive")]
            fn receive(mut self) -> Pin<Box<dyn Future<Output = End<Self>>>> {
                Box::pin(async move {
                    let value = self.recv().await;
                    End::Received(self, value.into_iter().collect())
                })
            }

            #[allow(unused_mut, reason = "one of them is borrowed mutably to receive")]
            fn receive_many(mut self, limit: usize) -> Pin<Box<dyn Future<Output = End<Self>>>> {
                Box::pin(async move {
                    let mut values = Vec::new();
                    let count = self.recv_many(&mut values, limit).await;
                    assert_eq!(count, values.len());
                    End::Received(self, values)
                })
            }

            fn try_receive(&mut self) -> Option<u32> {
                self.try_recv().ok()
            }

            fn end(&mut self) {
                self.close();
            }
        }
    };
}

receiving!(mpmc::Receiver<u32>, |receiver| Some(receiver.clone()));
receiving!(mpsc::Receiver<u32>, |_| None);

/// What a wait ends with: its half comes home.
enum End<R> {
    Sent(Sender<u32>, bool),
    Reserved(Option<OwnedPermit<u32>>),
    Closed(Sender<u32>),
    /// Nothing at the end.
    Received(R, Vec<u32>),
}

#[derive(Clone, Copy, PartialEq)]
enum Given {
    Nothing,
    Something,
    TheEnd,
}

/// One that waits: it sends that value, reserves, or receives so many.
#[derive(Clone, Copy)]
struct Wait {
    id: Id,
    kind: Kind,
    given: Given,
}

#[derive(Clone, Copy, PartialEq)]
enum Kind {
    Send(u32),
    Reserve,
    Closed,
    Recv(usize),
}

/// Everything in vectors; after each step whoever can be served is served.
struct Model {
    capacity: usize,
    buffer: VecDeque<u32>,
    permits: usize,
    is_closed: bool,
    senders: usize,
    receivers: usize,
    /// In the order of arrival.
    waits: Vec<Wait>,
    woken: Vec<Id>,
}

impl Model {
    fn count(&self, given: Given, is: impl Fn(Kind) -> bool) -> usize {
        self.waits.iter().filter(|wait| wait.given == given && is(wait.kind)).count()
    }

    fn reserved(&self) -> usize {
        self.permits + self.count(Given::Something, takes_slot)
    }

    fn free(&self) -> usize {
        let (most, used) = match self.capacity {
            0 => (self.count(Given::Nothing, receives), self.reserved()),
            capacity => (capacity, self.buffer.len() + self.reserved()),
        };
        most.saturating_sub(used)
    }

    fn available(&self) -> usize {
        self.buffer.len() - self.count(Given::Something, receives)
    }

    fn may_send(&self) -> bool {
        !self.is_closed && self.free() > 0 && self.count(Given::Nothing, takes_slot) == 0
    }

    fn is_over(&self) -> bool {
        self.is_closed && self.reserved() == 0 && self.buffer.is_empty()
    }

    fn give(&mut self, is: fn(Kind) -> bool, given: Given) -> bool {
        let mut waits = self.waits.iter_mut();
        let Some(first) = waits.find(|wait| wait.given == Given::Nothing && is(wait.kind)) else {
            return false;
        };
        first.given = given;
        self.woken.push(first.id);
        true
    }

    fn settle(&mut self) {
        while self.is_closed && self.give(takes_slot, Given::TheEnd) {}
        while self.is_closed && self.give(waits_for_close, Given::TheEnd) {}
        while self.available() > 0 && self.give(receives, Given::Something) {}
        while self.free() > 0 && self.give(takes_slot, Given::Something) {}
        while self.is_over() && self.give(receives, Given::TheEnd) {}
    }

    /// What a new wait finds.
    fn arrive(&mut self, id: Id, kind: Kind) {
        let given = match kind {
            Kind::Send(_) | Kind::Reserve if self.is_closed => Given::TheEnd,
            Kind::Send(_) | Kind::Reserve if self.may_send() => Given::Something,
            Kind::Closed if self.is_closed => Given::TheEnd,
            Kind::Recv(_) if self.available() > 0 => Given::Something,
            Kind::Recv(_) if self.is_over() => Given::TheEnd,
            _ => Given::Nothing,
        };
        self.waits.push(Wait { id, kind, given });
    }

    fn push(&mut self, value: u32) -> bool {
        if self.receivers > 0 {
            self.buffer.push_back(value);
        }
        self.receivers > 0
    }

    /// One of the senders or receivers is gone.
    fn check_ends(&mut self) {
        if self.senders == 0 || self.receivers == 0 {
            self.is_closed = true;
        }
        if self.receivers == 0 {
            self.buffer.clear();
        }
    }
}

fn takes_slot(kind: Kind) -> bool {
    matches!(kind, Kind::Send(_) | Kind::Reserve)
}

fn receives(kind: Kind) -> bool {
    matches!(kind, Kind::Recv(_))
}

fn waits_for_close(kind: Kind) -> bool {
    kind == Kind::Closed
}

struct World<R> {
    senders: Vec<Sender<u32>>,
    weak: WeakSender<u32>,
    permits: Vec<OwnedPermit<u32>>,
    receivers: Vec<R>,
    waits: Waits<End<R>>,
    model: Model,
    next: u32,
}

impl<R: Receiving> World<R> {
    fn new(capacity: usize, (sender, receiver): (Sender<u32>, R)) -> Self {
        let (weak, waits) = (sender.downgrade(), Waits::new());
        let model = Model {
            capacity,
            buffer: VecDeque::new(),
            permits: 0,
            is_closed: false,
            senders: 1,
            receivers: 1,
            waits: Vec::new(),
            woken: Vec::new(),
        };
        let (senders, receivers) = (vec![sender], vec![receiver]);
        Self { senders, weak, permits: Vec::new(), receivers, waits, model, next: 0 }
    }

    fn arrive(&mut self, id: Id, kind: Kind) {
        self.model.arrive(id, kind);
        self.poll(id, true);
    }

    fn with_sender(&mut self, step: &Step) {
        let Some(sender) = self.senders.pop() else { return };
        self.next += 1;
        let value = self.next;
        match step {
            Step::Send => {
                let id = self.waits.add(async move {
                    let refused = sender.send(value).await.err();
                    assert!(refused.as_ref().is_none_or(|refused| refused.0 == value));
                    let is_sent = refused.is_none();
                    End::Sent(sender, is_sent)
                });
                return self.arrive(id, Kind::Send(value));
            }
            Step::Reserve => {
                let id =
                    self.waits.add(async move { End::Reserved(sender.reserve_owned().await.ok()) });
                return self.arrive(id, Kind::Reserve);
            }
            Step::Closed => {
                let id = self.waits.add(async move {
                    sender.closed().await;
                    End::Closed(sender)
                });
                return self.arrive(id, Kind::Closed);
            }
            Step::TrySend => {
                let may = self.model.may_send();
                assert_eq!(sender.try_send(value).is_ok(), may);
                if may {
                    self.model.push(value);
                }
            }
            Step::TryReserve => {
                let may = self.model.may_send();
                match sender.try_reserve_owned() {
                    Ok(permit) => {
                        assert!(may);
                        self.model.permits += 1;
                        self.permits.push(permit);
                    }
                    Err(refused) => {
                        assert!(!may);
                        assert_eq!(refused.is_closed(), self.model.is_closed);
                        self.senders.push(refused.into_inner());
                    }
                }
                return;
            }
            Step::Close(_) => {
                sender.close();
                self.model.is_closed = true;
            }
            Step::CloneSender => {
                self.senders.push(sender.clone());
                self.model.senders += 1;
            }
            Step::DropSender => {
                drop(sender);
                self.model.senders -= 1;
                return;
            }
            _ => {}
        }
        self.senders.push(sender);
    }

    fn with_permit(&mut self, step: &Step) {
        let Some(permit) = self.permits.pop() else { return };
        self.model.permits -= 1;
        match step {
            Step::SendPermit => {
                self.next += 1;
                self.senders.push(permit.send(self.next));
                self.model.push(self.next);
            }
            Step::ReleasePermit => self.senders.push(permit.release()),
            _ => {
                drop(permit);
                self.model.senders -= 1;
            }
        }
    }

    fn with_receiver(&mut self, any: usize, step: &Step) {
        let Some(at) = any.checked_rem(self.receivers.len()) else { return };
        let mut receiver = self.receivers.remove(at);
        match step {
            Step::Recv(_) => {
                let id = self.waits.add(receiver.receive());
                return self.arrive(id, Kind::Recv(1));
            }
            Step::RecvMany(_, limit) => {
                let id = self.waits.add(receiver.receive_many(*limit));
                return self.arrive(id, Kind::Recv(*limit));
            }
            Step::TryRecv(_) => {
                let is_there = self.model.available() > 0;
                let expected = if is_there { self.model.buffer.pop_front() } else { None };
                assert_eq!(receiver.try_receive(), expected);
            }
            Step::Close(_) => {
                receiver.end();
                self.model.is_closed = true;
            }
            Step::CloneReceiver => {
                let another = receiver.another();
                self.model.receivers += usize::from(another.is_some());
                self.receivers.extend(another);
            }
            Step::DropReceiver => {
                drop(receiver);
                self.model.receivers -= 1;
                return;
            }
            _ => {}
        }
        self.receivers.push(receiver);
    }

    fn poll(&mut self, id: Id, new: bool) {
        let end = self.waits.poll(id, new);
        let at = self.model.waits.iter().position(|wait| wait.id == id).unwrap();
        let Wait { kind, given, .. } = self.model.waits[at];
        assert_eq!(end.is_some(), given != Given::Nothing);
        let Some(end) = end else { return };
        // Looked at while the promise is still its own.
        let more = self.model.available();
        self.model.waits.remove(at);
        match (end, kind) {
            (End::Sent(sender, is_sent), Kind::Send(value)) => {
                let expected = given == Given::Something && self.model.push(value);
                assert_eq!(is_sent, expected);
                self.senders.push(sender);
            }
            (End::Reserved(permit), Kind::Reserve) => {
                assert_eq!(permit.is_some(), given == Given::Something);
                match permit {
                    Some(_) => self.model.permits += 1,
                    None => self.model.senders -= 1,
                }
                self.permits.extend(permit);
            }
            (End::Closed(sender), Kind::Closed) => self.senders.push(sender),
            (End::Received(receiver, values), Kind::Recv(limit)) => {
                let count = if given == Given::Something { limit.min(more + 1) } else { 0 };
                let expected: Vec<u32> = self.model.buffer.drain(..count).collect();
                assert_eq!(values, expected);
                self.receivers.push(receiver);
            }
            _ => panic!("another kind of wait has ended"),
        }
    }

    fn drop(&mut self, id: Id) {
        let at = self.model.waits.iter().position(|wait| wait.id == id).unwrap();
        let wait = self.model.waits.remove(at);
        self.waits.drop(id);
        match wait.kind {
            Kind::Recv(_) => self.model.receivers -= 1,
            _ => self.model.senders -= 1,
        }
    }

    fn step(&mut self, step: Step) {
        match step {
            Step::Poll(any, new) => {
                self.waits.pick(any).into_iter().for_each(|id| self.poll(id, new))
            }
            Step::Drop(any) => self.waits.pick(any).into_iter().for_each(|id| self.drop(id)),
            Step::Recv(any) | Step::RecvMany(any, _) | Step::TryRecv(any) => {
                self.with_receiver(any, &step);
            }
            Step::CloneReceiver | Step::DropReceiver | Step::Close(true) => {
                self.with_receiver(0, &step);
            }
            Step::SendPermit | Step::ReleasePermit | Step::DropPermit => self.with_permit(&step),
            Step::Upgrade => {
                let sender = self.weak.upgrade();
                assert_eq!(sender.is_some(), self.model.senders > 0);
                self.model.senders += usize::from(sender.is_some());
                self.senders.extend(sender);
            }
            step => self.with_sender(&step),
        }
        self.model.check_ends();
        self.model.settle();
        assert_eq!(self.waits.woken(), std::mem::take(&mut self.model.woken));
        self.compare();
    }

    fn compare(&self) {
        let Some(sender) = self.senders.first() else { return };
        let (now, model) = (sender.statistics(), &self.model);
        assert_eq!((now.buffered, now.reserved), (model.buffer.len(), model.reserved()));
        assert_eq!((now.senders, now.receivers), (model.senders, model.receivers));
        assert_eq!(now.is_closed, model.is_closed);
        assert_eq!(now.waiting_to_send, model.count(Given::Nothing, takes_slot));
        assert_eq!(now.waiting_to_receive, model.count(Given::Nothing, receives));
        assert_eq!(sender.capacity(), model.free());
    }
}

#[test]
fn mpmc_agrees_with_its_model() {
    for capacity in 0..4 {
        check(step(), |steps| {
            let mut world = World::new(capacity, mpmc::channel(capacity));
            steps.into_iter().for_each(|step| world.step(step));
        });
    }
}

#[test]
fn mpsc_agrees_with_its_model() {
    for capacity in 0..4 {
        check(step(), |steps| {
            let mut world = World::new(capacity, mpsc::channel(capacity));
            steps.into_iter().for_each(|step| world.step(step));
        });
    }
}

/// The senders of a channel without a limit never wait, so what is sent is in the buffer at once.
#[test]
fn unbounded_channel_agrees_with_a_queue() {
    check((0..6_u8, any::<bool>()), |steps| {
        let (sender, receiver) = mpmc::unbounded_channel();
        let weak = sender.downgrade();
        let mut sender = Some(sender);
        let (mut waits, mut line, mut buffer) = (Waits::new(), Vec::new(), VecDeque::new());
        let mut sent = 0;
        for (step, new) in steps {
            match step {
                0..3 => {
                    sent += 1;
                    let is_sent = sender.as_ref().is_some_and(|sender| sender.send(sent).is_ok());
                    assert_eq!(is_sent, sender.is_some());
                    if is_sent {
                        buffer.push_back(sent);
                    }
                }
                3 if line.is_empty() => {
                    let receiver = receiver.clone();
                    line.push(waits.add(async move { receiver.recv().await.ok() }));
                }
                3 => {}
                4 => {
                    if let Some(id) = line.first() {
                        let value = waits.poll(*id, new);
                        let expected = buffer.pop_front();
                        let is_ready = expected.is_some() || sender.is_none();
                        assert_eq!(value, is_ready.then_some(expected));
                        if is_ready {
                            line.clear();
                        }
                    }
                }
                _ => {
                    sender = None;
                    assert!(weak.upgrade().is_none());
                }
            }
            assert!(waits.woken().len() <= 1);
            assert_eq!(receiver.len(), buffer.len());
        }
    });
}
