use std::collections::VecDeque;
use std::task::Waker;

use super::{End, Signal, SignalWait};
use crate::test_wakers::{Random, Woken};

fn poll(signal: &Signal, wait: &mut SignalWait) -> bool {
    signal.poll(wait, Waker::noop()).is_ready()
}

#[test]
fn word_knows_whether_somebody_waits() {
    let signal = Signal::new();
    let (mut one, mut two) = (signal.wait(), signal.wait());
    assert!(!poll(&signal, &mut one) && !poll(&signal, &mut two));
    assert_eq!(signal.waiting(), 2);
    signal.notify_one(End::First);
    assert!(!signal.is_stored());
    signal.notify_one(End::First);
    signal.notify_one(End::First);
    assert!(signal.is_stored());
    assert!(poll(&signal, &mut one) && poll(&signal, &mut two));
    assert!(signal.take() && signal.is_unused());
}

#[test]
fn notification_of_a_wait_that_leaves_goes_on_in_its_direction() {
    for end in [End::First, End::Last] {
        let (signal, woken) = (Signal::new(), Woken::default());
        let mut waits: Vec<_> = (0..4).map(|_| signal.wait()).collect();
        for (number, wait) in waits.iter_mut().enumerate() {
            assert!(signal.poll(wait, &woken.waker(number)).is_pending());
        }
        signal.notify_one(end);
        let (first, next) = if end == End::First { (0, 1) } else { (3, 2) };
        assert_eq!(woken.take(), [first]);
        signal.leave(&mut waits[first]);
        assert_eq!(woken.take(), [next]);
        for wait in &mut waits {
            signal.leave(wait);
        }
        // The last had nobody to give it to.
        assert!(signal.take() && !signal.take() && signal.is_unused());
    }
}

#[test]
fn wait_told_by_notify_all_owns_nothing() {
    let signal = Signal::new();
    let mut waits: Vec<_> = (0..3).map(|_| signal.wait()).collect();
    assert!(waits.iter_mut().all(|wait| !poll(&signal, wait)));
    signal.notify_one(End::First);
    signal.notify_all();
    signal.leave(&mut waits[1]);
    assert!(!signal.is_stored());
    // The first was called by notify-one, before.
    signal.leave(&mut waits[0]);
    assert!(signal.is_stored());
    assert!(poll(&signal, &mut waits[2]));
    assert!(signal.is_unused());
}

#[test]
fn wait_that_notify_all_ended_leaves_what_is_stored() {
    let signal = Signal::new();
    let mut wait = signal.wait();
    signal.notify_all();
    signal.notify_one(End::First);
    assert!(poll(&signal, &mut wait));
    assert!(signal.is_stored());
    // It stays over.
    assert!(poll(&signal, &mut wait) && signal.is_stored());
}

/// What [`Signal`] promises, written down for one thread.
#[derive(Default)]
struct Model {
    is_stored: bool,
    /// The numbers of the waits in the list.
    waiting: VecDeque<usize>,
    calls: usize,
}

#[derive(Clone, Copy, PartialEq, Debug)]
enum Modelled {
    New { calls: usize },
    Waiting,
    One(End),
    All,
    Done,
}

impl Model {
    fn notify_one(&mut self, waits: &mut [(SignalWait, Modelled)], end: End) {
        let called = match end {
            End::First => self.waiting.pop_front(),
            End::Last => self.waiting.pop_back(),
        };
        match called {
            Some(number) => waits[number].1 = Modelled::One(end),
            None => self.is_stored = true,
        }
    }

    fn notify_all(&mut self, waits: &mut [(SignalWait, Modelled)]) {
        self.calls += 1;
        self.waiting.drain(..).for_each(|number| waits[number].1 = Modelled::All);
    }

    fn poll(&mut self, number: usize, state: Modelled) -> Modelled {
        match state {
            Modelled::New { calls } if calls != self.calls => Modelled::Done,
            Modelled::New { .. } if std::mem::take(&mut self.is_stored) => Modelled::Done,
            Modelled::New { .. } => {
                self.waiting.push_back(number);
                Modelled::Waiting
            }
            Modelled::Waiting => Modelled::Waiting,
            Modelled::One(_) | Modelled::All | Modelled::Done => Modelled::Done,
        }
    }

    fn leave(&mut self, number: usize, waits: &mut [(SignalWait, Modelled)]) {
        self.waiting.retain(|waiting| *waiting != number);
        if let Modelled::One(end) = waits[number].1 {
            self.notify_one(waits, end);
        }
        waits[number].1 = Modelled::New { calls: self.calls };
    }
}

#[test]
fn agrees_with_a_sequential_model() {
    let (signal, mut model, mut random) = (Signal::new(), Model::default(), Random::new());
    let mut waits: Vec<_> = (0..8).map(|_| (signal.wait(), Modelled::New { calls: 0 })).collect();
    for step in 0..50_000 {
        let number = random.below(waits.len());
        match random.below(10) {
            0 | 1 => {
                signal.notify_one(End::First);
                model.notify_one(&mut waits, End::First);
            }
            2 => {
                signal.notify_one(End::Last);
                model.notify_one(&mut waits, End::Last);
            }
            3 => {
                signal.notify_all();
                model.notify_all(&mut waits);
            }
            4 => assert_eq!(signal.take(), std::mem::take(&mut model.is_stored), "step {step}"),
            5 | 6 => {
                signal.leave(&mut waits[number].0);
                waits[number].0 = signal.wait();
                model.leave(number, &mut waits);
            }
            _ => {
                let state = model.poll(number, waits[number].1);
                let is_ready = poll(&signal, &mut waits[number].0);
                assert_eq!(is_ready, state == Modelled::Done, "step {step}: {state:?}");
                waits[number].1 = state;
            }
        }
        assert_eq!(signal.is_stored(), model.is_stored, "step {step}");
        assert_eq!(signal.waiting(), model.waiting.len(), "step {step}");
    }
    waits.iter_mut().for_each(|(wait, _)| signal.leave(wait));
    assert!(signal.is_unused());
}
