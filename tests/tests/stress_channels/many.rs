//! `mpsc` and `mpmc`, with a limit and without.
//!
//! A round is one channel. Producers send by every way there is, give up sends in the middle, and are replaced by
//! new ones; consumers likewise. A round ends when the producers have made their values, when somebody closes the
//! channel, or when the receivers are dropped. Then:
//! - what was sent is what was received, plus what was dropped with the last receiver;
//! - what was not sent came back, or was dropped with the send that was given up;
//! - each consumer has seen the values of each producer in the order in which they were sent.

use std::collections::HashMap;
use std::future::poll_fn;
use std::pin::pin;
use std::task::Poll;

use bowerbird::stream::StreamExt;
use bowerbird::sync::mpmc::{self, TryRecvError, TrySendError};
use bowerbird::sync::mpsc;
use bowerbird::{spawn, yield_now};
use bowerbird_tests::{WORKER_COUNTS, on_workers};

use super::ledger::{Ledger, Tally, Value};
use super::{Random, count};

/// Values a round, about.
const ROUND: u64 = 100_000;
/// What a channel with a limit is made with.
const CAPACITIES: [usize; 8] = [0, 1, 1, 2, 3, 8, 128, 1024];

#[derive(Clone)]
enum Sender {
    Bounded(mpsc::Sender<Value>),
    Unbounded(mpsc::UnboundedSender<Value>),
}

enum Receiver {
    One(mpsc::Receiver<Value>),
    Any(mpmc::Receiver<Value>),
}

#[derive(Clone, Copy)]
struct Kind {
    has_many_receivers: bool,
    is_bounded: bool,
}

/// How a round ends.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum End {
    /// When all was sent.
    Senders,
    /// A consumer closes the channel and takes what is left.
    Close,
    /// The consumers go.
    Receivers,
}

fn make(kind: Kind, random: &mut Random) -> (Sender, Receiver) {
    let capacity = CAPACITIES[random.below(CAPACITIES.len() as u64) as usize];
    match (kind.has_many_receivers, kind.is_bounded) {
        (false, true) => {
            let (sender, receiver) = mpsc::channel(capacity);
            (Sender::Bounded(sender), Receiver::One(receiver))
        }
        (false, false) => {
            let (sender, receiver) = mpsc::unbounded_channel();
            (Sender::Unbounded(sender), Receiver::One(receiver))
        }
        (true, true) => {
            let (sender, receiver) = mpmc::channel(capacity);
            (Sender::Bounded(sender), Receiver::Any(receiver))
        }
        (true, false) => {
            let (sender, receiver) = mpmc::unbounded_channel();
            (Sender::Unbounded(sender), Receiver::Any(receiver))
        }
    }
}

/// Polls a future once.
async fn once<F: Future>(future: F) -> Option<F::Output> {
    let mut future = pin!(future);
    poll_fn(|cx| match future.as_mut().poll(cx) {
        Poll::Ready(output) => Poll::Ready(Some(output)),
        Poll::Pending => Poll::Ready(None),
    })
    .await
}

// ---------------------------------------------------------------------------------------------------
// Producers
// ---------------------------------------------------------------------------------------------------

/// What a producer did.
#[derive(Default)]
struct Sent {
    sent: Tally,
    /// Not sent: it came back.
    returned: Tally,
    /// Not sent: dropped with its send.
    given_up: Tally,
    is_closed: bool,
}

impl Sent {
    fn join(&mut self, other: Self) {
        self.sent.join(other.sent);
        self.returned.join(other.returned);
        self.given_up.join(other.given_up);
        self.is_closed |= other.is_closed;
    }

    /// Enters a value that was sent or came back.
    fn enter(&mut self, tally: Tally, result: Result<(), Value>) {
        match result {
            Ok(()) => self.sent.join(tally),
            Err(value) => {
                value.take(&mut self.returned);
                self.is_closed = true;
            }
        }
    }
}

struct Producer {
    sender: Sender,
    id: u32,
    next: u32,
    ledger: &'static Ledger,
    random: Random,
    done: Sent,
}

impl Producer {
    /// The next value, and the tally of it alone.
    fn value(&mut self) -> (Value, Tally) {
        self.next += 1;
        let (value, mut tally) = (Value::new(self.id, self.next, self.ledger), Tally::default());
        tally.add(&value);
        (value, tally)
    }

    /// Sends until it has made so many values, the channel is closed, or chance ends it.
    async fn run(mut self, most: u32) -> Sent {
        while self.next < most && !self.done.is_closed && !self.random.one_in(20_000) {
            if self.random.one_in(1_000) {
                self.sender = self.sender.clone();
            }
            self.step().await;
        }
        self.done
    }

    async fn step(&mut self) {
        if let Sender::Unbounded(sender) = &self.sender {
            let sender = sender.clone();
            return self.send_unbounded(&sender).await;
        }
        match self.random.below(16) {
            0..8 => self.send().await,
            8..10 => self.try_send().await,
            10..12 => self.give_up_send().await,
            12 => self.give_up_reserve().await,
            13..15 => self.permit().await,
            _ => self.send_many().await,
        }
    }

    async fn send_unbounded(&mut self, sender: &mpsc::UnboundedSender<Value>) {
        let (value, tally) = self.value();
        let sent = match sender.downgrade().upgrade() {
            Some(other) if self.random.one_in(100) => other.send(value),
            _ => sender.send(value),
        };
        self.done.enter(tally, sent.map_err(mpsc::SendError::into_inner));
        if self.random.one_in(64) {
            yield_now().await;
        }
    }

    fn bounded(&self) -> mpsc::Sender<Value> {
        match &self.sender {
            Sender::Bounded(sender) => sender.clone(),
            Sender::Unbounded(_) => unreachable!("it has a limit"),
        }
    }

    async fn send(&mut self) {
        let (value, tally) = self.value();
        let sent = self.bounded().send(value).await;
        self.done.enter(tally, sent.map_err(mpsc::SendError::into_inner));
    }

    async fn try_send(&mut self) {
        let (value, tally) = self.value();
        match self.bounded().try_send(value) {
            Ok(()) => self.done.enter(tally, Ok(())),
            Err(TrySendError::Closed(value)) => self.done.enter(tally, Err(value)),
            Err(TrySendError::Full(value)) => {
                value.take(&mut self.done.returned);
                yield_now().await;
            }
        }
    }

    /// Polls a send once or twice, and keeps the value or drops it.
    async fn give_up_send(&mut self) {
        let (value, tally) = self.value();
        let sender = self.bounded();
        let mut send = sender.send(value);
        for _ in 0..2 {
            if let Some(sent) = once(&mut send).await {
                return self.done.enter(tally, sent.map_err(mpsc::SendError::into_inner));
            }
            yield_now().await;
        }
        if self.random.one_in(2) {
            drop(send);
            self.done.given_up.join(tally);
        } else if let Some(value) = send.into_value() {
            value.take(&mut self.done.returned);
        }
    }

    async fn give_up_reserve(&mut self) {
        let sender = self.bounded();
        let mut reserve = sender.reserve();
        for _ in 0..2 {
            if let Some(permit) = once(&mut reserve).await {
                return drop(permit);
            }
            yield_now().await;
        }
    }

    async fn permit(&mut self) {
        if self.random.one_in(2) {
            match self.bounded().reserve_owned().await {
                Ok(permit) => {
                    let (value, tally) = self.value();
                    drop(permit.send(value));
                    self.done.enter(tally, Ok(()));
                }
                Err(_) => self.done.is_closed = true,
            }
        } else {
            let sender = self.bounded();
            match sender.reserve().await {
                Ok(permit) => {
                    let (value, tally) = self.value();
                    permit.send(value);
                    self.done.enter(tally, Ok(()));
                }
                Err(_) => self.done.is_closed = true,
            }
        }
    }

    async fn send_many(&mut self) {
        let (mut values, mut tallies) = (Vec::new(), Vec::new());
        for _ in 0..self.random.below(50) {
            let (value, tally) = self.value();
            values.push(value);
            tallies.push(tally);
        }
        let sender = self.bounded();
        let mut sending = sender.send_many(values);
        let unsent = if self.random.one_in(8) {
            match once(&mut sending).await {
                Some(result) => result.err().map(mpsc::SendError::into_inner),
                None => sending.into_unsent(),
            }
        } else {
            sending.await.err().map(mpsc::SendError::into_inner)
        };
        let unsent: Vec<_> = unsent.into_iter().flatten().collect();
        tallies.truncate(tallies.len() - unsent.len());
        tallies.into_iter().for_each(|tally| self.done.sent.join(tally));
        unsent.into_iter().for_each(|value| value.take(&mut self.done.returned));
    }
}

/// One producer after the other, until so many values were made.
async fn producers(
    sender: Sender,
    first_id: u32,
    mut left: u32,
    ledger: &'static Ledger,
    mut random: Random,
) -> Sent {
    let mut all = Sent::default();
    let mut id = first_id;
    while left > 0 && !all.is_closed {
        let (sender, random) = (sender.clone(), random.split());
        let producer = Producer { sender, id, next: 0, ledger, random, done: Sent::default() };
        let done = spawn(producer.run(left)).await.expect("a producer");
        let made = done.sent.count + done.returned.count + done.given_up.count;
        left = left.saturating_sub(made.max(1) as u32);
        all.join(done);
        id += 1;
    }
    all
}

// ---------------------------------------------------------------------------------------------------
// Consumers
// ---------------------------------------------------------------------------------------------------

struct Consumer {
    receiver: Receiver,
    received: Tally,
    /// The last number of each producer.
    last: HashMap<u32, u32>,
    end: End,
    /// So many values until it does what `end` says.
    left: u64,
    random: Random,
}

/// What a consumer found.
enum Found {
    Something,
    Nothing,
    TheEnd,
}

impl Consumer {
    /// Receives until the end, or until chance ends it: then with a receiver for the next.
    async fn run(mut self) -> (Self, bool) {
        while !self.random.one_in(20_000) {
            if self.end != End::Senders && self.received.count >= self.left {
                match (self.end, &mut self.receiver) {
                    (End::Receivers, _) => return (self, true),
                    (_, Receiver::One(receiver)) => receiver.close(),
                    (_, Receiver::Any(receiver)) => receiver.close(),
                }
                self.end = End::Senders;
            }
            match self.step().await {
                Found::Something => {}
                Found::Nothing => yield_now().await,
                Found::TheEnd => return (self, true),
            }
        }
        if let Receiver::Any(receiver) = &self.receiver {
            self.receiver = Receiver::Any(receiver.clone());
        }
        (self, false)
    }

    async fn step(&mut self) -> Found {
        let way = self.random.below(16);
        let mut values = Vec::new();
        let received = match (&mut self.receiver, way) {
            (Receiver::One(receiver), 0..8) => Some(receiver.recv().await.ok()),
            (Receiver::Any(receiver), 0..8) => Some(receiver.recv().await.ok()),
            (Receiver::One(receiver), 8..11) => once(receiver.recv()).await.map(Result::ok),
            (Receiver::Any(receiver), 8..11) => {
                let mut receive = receiver.recv();
                match once(&mut receive).await {
                    Some(received) => Some(received.ok()),
                    None => {
                        yield_now().await;
                        once(&mut receive).await.map(Result::ok)
                    }
                }
            }
            (Receiver::One(receiver), 11..13) => ended(receiver.try_recv()),
            (Receiver::Any(receiver), 11..13) => ended(receiver.try_recv()),
            (Receiver::One(receiver), 13) => once(receiver.next()).await,
            (Receiver::Any(receiver), 13) => {
                let mut stream = receiver.clone().into_stream();
                once(stream.next()).await
            }
            (Receiver::One(receiver), _) => {
                Some((receiver.recv_many(&mut values, 40).await > 0).then(|| values.remove(0)))
            }
            (Receiver::Any(receiver), _) => {
                Some((receiver.recv_many(&mut values, 40).await > 0).then(|| values.remove(0)))
            }
        };
        let found = match received {
            Some(Some(value)) => {
                self.enter(value);
                Found::Something
            }
            Some(None) => Found::TheEnd,
            None => Found::Nothing,
        };
        values.into_iter().for_each(|value| self.enter(value));
        found
    }

    fn enter(&mut self, value: Value) {
        let last = self.last.entry(value.producer).or_insert(0);
        assert!(*last < value.number, "producer {}: {} after {last}", value.producer, value.number);
        *last = value.number;
        value.take(&mut self.received);
    }
}

fn ended(received: Result<Value, TryRecvError>) -> Option<Option<Value>> {
    match received {
        Ok(value) => Some(Some(value)),
        Err(TryRecvError::Empty) => None,
        Err(TryRecvError::Closed) => Some(None),
    }
}

/// One consumer after the other, until the end.
async fn consumers(mut consumer: Consumer) -> Tally {
    loop {
        let is_over;
        (consumer, is_over) = spawn(consumer.run()).await.expect("a consumer");
        if is_over {
            return consumer.received;
        }
    }
}

// ---------------------------------------------------------------------------------------------------
// Rounds
// ---------------------------------------------------------------------------------------------------

/// One channel from its making to its end. Returns how many values were sent.
async fn round(kind: Kind, mut random: Random) -> u64 {
    let ledger = Ledger::new();
    let (sender, receiver) = make(kind, &mut random);
    let end = match random.below(8) {
        0 => End::Close,
        1 => End::Receivers,
        _ => End::Senders,
    };
    let (producer_count, consumer_count) = match receiver {
        Receiver::One(_) => (1 + random.below(8), 1),
        Receiver::Any(_) => (1 + random.below(8), 1 + random.below(5)),
    };
    let each = (ROUND / producer_count) as u32;
    let left = random.below(ROUND / consumer_count);
    let new_consumer = |receiver, random| Consumer {
        receiver,
        received: Tally::default(),
        last: HashMap::new(),
        end,
        left,
        random,
    };
    let mut receiving = Vec::new();
    if let Receiver::Any(receiver) = &receiver {
        for _ in 1..consumer_count {
            let receiver = Receiver::Any(receiver.clone());
            receiving.push(spawn(consumers(new_consumer(receiver, random.split()))));
        }
    }
    receiving.push(spawn(consumers(new_consumer(receiver, random.split()))));
    let sending: Vec<_> = (0..producer_count as u32)
        .map(|slot| spawn(producers(sender.clone(), slot << 20, each, ledger, random.split())))
        .collect();
    drop(sender);

    let (mut done, mut received) = (Sent::default(), Tally::default());
    for task in sending {
        done.join(task.await.expect("producers"));
    }
    for task in receiving {
        received.join(task.await.expect("consumers"));
    }
    // Both ends are gone, and the channel with them.
    let mut arrived = received;
    arrived.join(ledger.dropped());
    let mut left = done.sent;
    left.join(done.given_up);
    assert_eq!(arrived, left, "{end:?}: what was sent is not what arrived");
    if end != End::Receivers {
        assert_eq!(received, done.sent, "{end:?}: what was sent is not what was received");
    }
    done.sent.count
}

fn stress(name: &str, kind: Kind) {
    let mut random = Random::of_test(name);
    let (mut sent, mut rounds) = (0, 0);
    while sent < count() {
        for workers in WORKER_COUNTS {
            let mut random = random.split();
            let some = async move {
                let mut sent = 0;
                for _ in 0..8 {
                    sent += round(kind, random.split()).await;
                    if sent >= count() {
                        break;
                    }
                }
                sent
            };
            sent += on_workers(workers, some);
            rounds += 1;
        }
    }
    println!("figure: {name}: {sent} values through channels, {rounds} runtimes");
}

#[test]
fn mpsc_with_a_limit_keeps_each_value_and_the_order() {
    stress("mpsc", Kind { has_many_receivers: false, is_bounded: true });
}

#[test]
fn mpsc_without_a_limit_keeps_each_value_and_the_order() {
    stress("mpsc unbounded", Kind { has_many_receivers: false, is_bounded: false });
}

#[test]
fn mpmc_with_a_limit_keeps_each_value_and_the_order() {
    stress("mpmc", Kind { has_many_receivers: true, is_bounded: true });
}

#[test]
fn mpmc_without_a_limit_keeps_each_value_and_the_order() {
    stress("mpmc unbounded", Kind { has_many_receivers: true, is_bounded: false });
}
