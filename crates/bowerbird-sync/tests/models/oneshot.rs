//! `oneshot`.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll, Wake, Waker};

use bowerbird_sync::oneshot::{self, TryRecvError};
use proptest::prelude::*;

use super::harness::check;

#[derive(Debug, Clone)]
enum Step {
    Poll(bool),
    TryRecv,
    Close,
    DropReceiver,
    Send,
    PollClosed(bool),
    DropSender,
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        6 => any::<bool>().prop_map(Step::Poll),
        2 => Just(Step::TryRecv),
        1 => Just(Step::Close),
        1 => Just(Step::DropReceiver),
        1 => Just(Step::Send),
        6 => any::<bool>().prop_map(Step::PollClosed),
        1 => Just(Step::DropSender),
    ]
}

#[derive(Default)]
struct Count(AtomicUsize);

impl Wake for Count {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }
}

/// The waker of one side: how often it should have been woken, and was.
#[derive(Default)]
struct Side {
    count: Arc<Count>,
    is_waiting: bool,
    /// Of the waker that was given last.
    expected: usize,
}

impl Side {
    /// A wait gives its waker, the last one or a new one.
    fn waker(&mut self, new: bool) -> Waker {
        if new {
            (self.count, self.expected) = (Arc::default(), 0);
        }
        Waker::from(Arc::clone(&self.count))
    }

    fn wake(&mut self) {
        self.expected += usize::from(std::mem::take(&mut self.is_waiting));
    }

    fn check(&self) {
        assert_eq!(self.count.0.load(Ordering::Relaxed), self.expected);
    }
}

#[derive(Default)]
struct Model {
    value: Option<u32>,
    sender_is_gone: bool,
    is_closed: bool,
    receiver: Side,
    sender: Side,
}

impl Model {
    fn close(&mut self) {
        self.is_closed = true;
        if !self.sender_is_gone {
            self.sender.wake();
        }
    }

    /// What the receiver finds: nothing yet, the end, or the value.
    fn recv(&mut self) -> Option<Option<u32>> {
        (self.sender_is_gone || self.is_closed).then(|| {
            self.close();
            self.value.take()
        })
    }
}

fn program(steps: Vec<Step>) {
    let (sender, receiver) = oneshot::channel();
    let (mut sender, mut receiver) = (Some(sender), Some(receiver));
    let mut model = Model::default();
    for step in steps {
        match step {
            Step::Poll(new) => {
                let Some(wait) = &mut receiver else { continue };
                let waker = model.receiver.waker(new);
                let polled = Pin::new(wait).poll(&mut Context::from_waker(&waker));
                let expected = model.recv();
                model.receiver.is_waiting = expected.is_none();
                match polled {
                    Poll::Ready(value) => {
                        assert_eq!(Some(value.ok()), expected);
                        receiver = None;
                    }
                    Poll::Pending => assert_eq!(expected, None),
                }
            }
            Step::TryRecv => {
                let Some(half) = &mut receiver else { continue };
                let expected = model.recv();
                match half.try_recv() {
                    Ok(value) => assert_eq!(expected, Some(Some(value))),
                    Err(TryRecvError::Closed) => assert_eq!(expected, Some(None)),
                    Err(_empty) => assert_eq!(expected, None),
                }
                if expected.is_some() {
                    assert!(half.is_terminated());
                    receiver = None;
                }
            }
            Step::Close => {
                if let Some(half) = &mut receiver {
                    half.close();
                    model.close();
                    // Who closed it itself need not be told.
                    model.receiver.is_waiting = false;
                }
            }
            Step::DropReceiver => {
                if receiver.take().is_some() {
                    model.close();
                    model.value = None;
                }
            }
            Step::Send => {
                let Some(half) = sender.take() else { continue };
                let sent = half.send(7);
                assert_eq!(sent, if model.is_closed { Err(7) } else { Ok(()) });
                model.value = sent.is_ok().then_some(7);
                model.sender_is_gone = true;
                model.receiver.wake();
            }
            Step::PollClosed(new) => {
                let Some(half) = &mut sender else { continue };
                let waker = model.sender.waker(new);
                let polled = half.poll_closed(&mut Context::from_waker(&waker));
                assert_eq!(polled.is_ready(), model.is_closed);
                model.sender.is_waiting = !model.is_closed;
            }
            Step::DropSender => {
                if sender.take().is_some() {
                    model.sender_is_gone = true;
                    model.receiver.wake();
                }
            }
        }
        if receiver.is_some() {
            model.receiver.check();
        }
        model.sender.check();
        let has_value = model.value.is_some();
        assert!(receiver.as_ref().is_none_or(|receiver| receiver.is_empty() != has_value));
        assert!(sender.as_ref().is_none_or(|sender| sender.is_closed() == model.is_closed));
    }
}

#[test]
fn agrees_with_its_model() {
    check(step(), program);
}
