//! Random steps against a plain model.

use std::collections::VecDeque;
use std::pin::Pin;
use std::task::{Context, Poll, Waker};

use crate::channel::{Permit, RecvWait, SendWait};
use crate::mpmc;

/// The model: everything in vectors, and after each step whoever can be served is served.
#[derive(Default)]
struct Model {
    capacity: usize,
    buffer: VecDeque<u32>,
    permits: usize,
    is_closed: bool,
    /// Value, and whether it was given a slot.
    senders: Vec<(u32, Given)>,
    /// Number, and whether it was given a value.
    receivers: Vec<(u32, Given)>,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Given {
    Nothing,
    Something,
    TheEnd,
}

impl Model {
    fn reserved(&self) -> usize {
        self.permits + self.senders.iter().filter(|each| each.1 == Given::Something).count()
    }

    fn free(&self) -> usize {
        let waiting = self.receivers.iter().filter(|each| each.1 == Given::Nothing).count();
        let (most, used) = match self.capacity {
            0 => (waiting, self.reserved()),
            capacity => (capacity, self.buffer.len() + self.reserved()),
        };
        most.saturating_sub(used)
    }

    fn available(&self) -> usize {
        let promised = self.receivers.iter().filter(|each| each.1 == Given::Something).count();
        self.buffer.len() - promised
    }

    fn may_send(&self) -> bool {
        !self.is_closed
            && self.free() > 0
            && self.senders.iter().all(|each| each.1 != Given::Nothing)
    }

    fn is_over(&self) -> bool {
        self.is_closed && self.reserved() == 0 && self.buffer.is_empty()
    }

    fn settle(&mut self) {
        while self.available() > 0 {
            let Some(first) = self.receivers.iter_mut().find(|each| each.1 == Given::Nothing)
            else {
                break;
            };
            first.1 = Given::Something;
        }
        while self.free() > 0 || self.is_closed {
            let is_closed = self.is_closed;
            let Some(first) = self.senders.iter_mut().find(|each| each.1 == Given::Nothing) else {
                break;
            };
            first.1 = if is_closed { Given::TheEnd } else { Given::Something };
        }
        if self.is_over() {
            let waits = self.receivers.iter_mut().filter(|each| each.1 == Given::Nothing);
            waits.for_each(|each| each.1 = Given::TheEnd);
        }
    }

    /// What polling the send of `value` gives; it is gone when it is ready.
    fn poll_send(&mut self, value: u32) -> Poll<bool> {
        let at = self.senders.iter().position(|each| each.0 == value).unwrap();
        match self.senders[at].1 {
            Given::Nothing => return Poll::Pending,
            Given::Something => self.buffer.push_back(value),
            Given::TheEnd => {}
        }
        Poll::Ready(self.senders.remove(at).1 == Given::Something)
    }

    fn poll_recv(&mut self, number: u32) -> Poll<Option<u32>> {
        let at = self.receivers.iter().position(|each| each.0 == number).unwrap();
        match self.receivers[at].1 {
            Given::Nothing => return Poll::Pending,
            Given::Something | Given::TheEnd => self.receivers.remove(at),
        };
        Poll::Ready(self.buffer.pop_front())
    }
}

/// One run: the real channel and the model beside it.
struct Run<'a> {
    sender: &'a mpmc::Sender<u32>,
    receiver: &'a mpmc::Receiver<u32>,
    model: Model,
    sends: Vec<(u32, SendWait<'a, u32>)>,
    receives: Vec<(u32, RecvWait<'a, u32>)>,
    permits: Vec<Permit<'a, u32>>,
    next: u32,
    random: u64,
}

impl Run<'_> {
    fn random(&mut self, below: usize) -> usize {
        self.random ^= self.random << 13;
        self.random ^= self.random >> 7;
        self.random ^= self.random << 17;
        (self.random >> 16) as usize % below
    }

    fn step(&mut self) {
        self.next += 1;
        let number = self.next;
        match self.random(100) {
            0..20 => self.begin_send(number),
            20..40 => self.begin_receive(number),
            40..65 => self.poll_one(),
            65..75 => self.drop_one(),
            75..85 => self.try_one(number),
            85..99 => self.permit(number),
            _ if self.random(20) == 0 => {
                self.sender.close();
                self.model.is_closed = true;
            }
            _ => {}
        }
        self.model.settle();
        self.compare();
    }

    fn begin_send(&mut self, number: u32) {
        let can_at_once = self.model.may_send() || self.model.is_closed;
        let given = match (can_at_once, self.model.is_closed) {
            (false, _) => Given::Nothing,
            (true, false) => Given::Something,
            (true, true) => Given::TheEnd,
        };
        self.model.senders.push((number, given));
        self.sends.push((number, self.sender.send(number)));
        self.poll_send(self.sends.len() - 1);
    }

    fn begin_receive(&mut self, number: u32) {
        let given = match (self.model.available(), self.model.is_over()) {
            (1.., _) => Given::Something,
            (0, true) => Given::TheEnd,
            (0, false) => Given::Nothing,
        };
        self.model.receivers.push((number, given));
        self.receives.push((number, self.receiver.recv()));
        self.poll_receive(self.receives.len() - 1);
    }

    fn poll_send(&mut self, at: usize) {
        let (value, send) = &mut self.sends[at];
        let expected = self.model.poll_send(*value);
        let polled = Pin::new(send).poll(&mut Context::from_waker(Waker::noop()));
        assert_eq!(polled.map(|sent| sent.is_ok()), expected);
        if polled.is_ready() {
            drop(self.sends.swap_remove(at));
        }
    }

    fn poll_receive(&mut self, at: usize) {
        let (number, receive) = &mut self.receives[at];
        let expected = self.model.poll_recv(*number);
        let polled = Pin::new(receive).poll(&mut Context::from_waker(Waker::noop()));
        assert_eq!(polled.map(Result::ok), expected);
        if polled.is_ready() {
            drop(self.receives.swap_remove(at));
        }
    }

    fn poll_one(&mut self) {
        let all = self.sends.len() + self.receives.len();
        if all == 0 {
            return;
        }
        match self.random(all) {
            at if at < self.sends.len() => self.poll_send(at),
            at => self.poll_receive(at - self.sends.len()),
        }
    }

    fn drop_one(&mut self) {
        let all = self.sends.len() + self.receives.len();
        if all == 0 {
            return;
        }
        match self.random(all) {
            at if at < self.sends.len() => {
                let (value, send) = self.sends.swap_remove(at);
                drop(send);
                self.model.senders.retain(|each| each.0 != value);
            }
            at => {
                let (number, receive) = self.receives.swap_remove(at - self.sends.len());
                drop(receive);
                self.model.receivers.retain(|each| each.0 != number);
            }
        }
    }

    fn try_one(&mut self, number: u32) {
        if self.random(2) == 0 {
            assert_eq!(self.sender.try_send(number).is_ok(), self.model.may_send());
            if self.model.may_send() {
                self.model.buffer.push_back(number);
            }
        } else {
            let expected = (self.model.available() > 0).then(|| self.model.buffer.pop_front());
            assert_eq!(self.receiver.try_recv().ok(), expected.flatten());
        }
    }

    fn permit(&mut self, number: u32) {
        match (self.random(3), self.permits.pop()) {
            (0, permit) => {
                self.permits.extend(permit);
                let permit = self.sender.try_reserve().ok();
                assert_eq!(permit.is_some(), self.model.may_send());
                self.permits.extend(permit);
                self.model.permits = self.permits.len();
            }
            (1, Some(permit)) => {
                permit.send(number);
                self.model.permits -= 1;
                self.model.buffer.push_back(number);
            }
            (_, permit) => self.model.permits -= usize::from(permit.is_some()),
        }
    }

    fn compare(&self) {
        let statistics = self.sender.statistics();
        let waiting =
            |waits: &[(u32, Given)]| waits.iter().filter(|each| each.1 == Given::Nothing).count();
        assert_eq!(statistics.buffered, self.model.buffer.len());
        assert_eq!(statistics.reserved, self.model.reserved());
        assert_eq!(statistics.waiting_to_send, waiting(&self.model.senders));
        assert_eq!(statistics.waiting_to_receive, waiting(&self.model.receivers));
        assert_eq!(self.sender.capacity(), self.model.free());
    }
}

#[test]
fn agrees_with_a_plain_model() {
    for seed in 1..=300_u64 {
        let capacity = (seed % 5) as usize;
        let (sender, receiver) = mpmc::channel(capacity);
        let mut run = Run {
            sender: &sender,
            receiver: &receiver,
            model: Model { capacity, ..Model::default() },
            sends: Vec::new(),
            receives: Vec::new(),
            permits: Vec::new(),
            next: 0,
            random: seed.wrapping_mul(0x9e37_79b9_7f4a_7c15),
        };
        println!("seed {seed}, capacity {capacity}");
        for _ in 0..400 {
            run.step();
        }
    }
}
