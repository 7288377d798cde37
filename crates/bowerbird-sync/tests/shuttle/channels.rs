//! `mpsc` and `mpmc`.

use std::task::Poll;

use bowerbird_sync::mpmc::Sender;
use bowerbird_sync::{mpmc, mpsc};
use shuttle::future::block_on;

use super::{Program, check, give_up, sometimes, together};

/// Sends numbers up to `end` in each of the ways that there are, and gives some waits up in between.
fn send_all(sender: &Sender<(usize, u32)>, number: usize, end: u32) {
    for value in 1..=end {
        if sometimes() {
            // A send that is given up has not sent.
            match give_up(sender.send((number, value))) {
                Poll::Ready(sent) => {
                    sent.unwrap();
                    continue;
                }
                Poll::Pending => drop(give_up(sender.reserve())),
            }
        }
        match value % 2 {
            0 => block_on(sender.send((number, value))).unwrap(),
            _ => block_on(sender.reserve()).unwrap().send((number, value)),
        }
    }
}

/// Of each sender the last value, which grows.
#[derive(Default)]
struct Received {
    last: [u32; 2],
    values: Vec<(usize, u32)>,
}

impl Received {
    fn add(&mut self, (number, value): (usize, u32)) {
        assert!(value > self.last[number], "{value} after {:?}", self.last);
        self.last[number] = value;
        self.values.push((number, value));
    }
}

fn assert_all_once(mut values: Vec<(usize, u32)>, end: u32) {
    values.sort();
    let all: Vec<_> =
        (0..2).flat_map(|number| (1..=end).map(move |value| (number, value))).collect();
    assert_eq!(values, all);
}

/// All that two senders send is received once, in the order of each, also beside waits that are given up on both
/// sides; then the end.
#[test]
fn one_receiver_gets_all_in_order() {
    for capacity in [0, 1, 2] {
        check(move || {
            let (sender, mut receiver) = mpsc::channel(capacity);
            let mut programs: Vec<Program> = Vec::new();
            for number in 0..2 {
                let sender = sender.clone();
                programs.push(Box::new(move || send_all(&sender, number, 2)));
            }
            drop(sender);
            programs.push(Box::new(move || {
                let mut received = Received::default();
                loop {
                    let mut values = Vec::new();
                    if sometimes() {
                        match give_up(receiver.recv()) {
                            Poll::Ready(Ok(value)) => values.push(value),
                            Poll::Ready(Err(_end)) => break,
                            Poll::Pending => {}
                        }
                    } else if block_on(receiver.recv_many(&mut values, 2)) == 0 {
                        break;
                    }
                    values.into_iter().for_each(|value| received.add(value));
                }
                assert_all_once(received.values, 2);
            }));
            together(programs);
        });
    }
}

/// The same with two receivers, of which one may go early; what it has not received is for the other.
#[test]
fn two_receivers_get_each_value_once() {
    for capacity in [0, 1] {
        check(move || {
            let (sender, receiver) = mpmc::channel(capacity);
            let mut programs: Vec<Program<Vec<(usize, u32)>>> = Vec::new();
            for number in 0..2 {
                let sender = sender.clone();
                programs.push(Box::new(move || {
                    send_all(&sender, number, 2);
                    Vec::new()
                }));
            }
            drop(sender);
            for may_go in [false, true] {
                let receiver = receiver.clone();
                programs.push(Box::new(move || {
                    let mut received = Received::default();
                    loop {
                        if sometimes() {
                            if let Poll::Ready(Ok(value)) = give_up(receiver.recv()) {
                                received.add(value);
                            }
                            if may_go {
                                break;
                            }
                        }
                        match block_on(receiver.recv()) {
                            Ok(value) => received.add(value),
                            Err(_end) => break,
                        }
                    }
                    received.values
                }));
            }
            drop(receiver);
            assert_all_once(together(programs).concat(), 2);
        });
    }
}

/// A receiver that closes gets what was sent before, and no sender waits on.
#[test]
fn receiver_that_closes_gets_what_was_sent() {
    check(|| {
        let (sender, mut receiver) = mpsc::channel(1);
        let weak = sender.downgrade();
        let mut programs: Vec<Program<usize>> = Vec::new();
        for _ in 0..2 {
            let sender = sender.clone();
            programs.push(Box::new(move || {
                let sent = (0..2).take_while(|_| block_on(sender.send(())).is_ok()).count();
                block_on(sender.closed());
                sent
            }));
        }
        drop(sender);
        programs.push(Box::new(move || {
            let first = usize::from(sometimes() && block_on(receiver.recv()).is_ok());
            receiver.close();
            first + std::iter::from_fn(|| block_on(receiver.recv()).ok()).count()
        }));
        let all = together(programs);
        assert_eq!(all[0] + all[1], all[2], "sent, and received");
        assert!(weak.upgrade().is_none());
    });
}
