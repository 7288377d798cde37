//! Which child is polled when.

use std::future::{Future, Ready, ready};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::Mutex;
use std::task::{Context, Poll, Wake, Waker};

use super::ReadySet;

/// Counts its polls and keeps the last waker; ends when it is told to.
#[derive(Debug, Clone, Default)]
struct Probe(Arc<Mutex<Inside>>);

#[derive(Debug, Default)]
struct Inside {
    polls: usize,
    is_over: bool,
    waker: Option<Waker>,
}

impl Probe {
    fn end(&self) {
        self.0.lock().unwrap().is_over = true;
        self.wake();
    }

    fn wake(&self) {
        let waker = self.0.lock().unwrap().waker.clone();
        waker.expect("it was polled").wake();
    }

    fn polls(&self) -> usize {
        self.0.lock().unwrap().polls
    }
}

impl Future for Probe {
    type Output = &'static str;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<&'static str> {
        let mut inside = self.0.lock().unwrap();
        inside.polls += 1;
        inside.waker = Some(cx.waker().clone());
        if inside.is_over { Poll::Ready("over") } else { Poll::Pending }
    }
}

#[derive(Debug, Default)]
struct CountWakes(Mutex<usize>);

impl Wake for CountWakes {
    fn wake(self: Arc<Self>) {
        *self.0.lock().unwrap() += 1;
    }
}

fn set_of(count: usize) -> (Vec<Probe>, ReadySet<Probe>) {
    let probes: Vec<_> = (0..count).map(|_| Probe::default()).collect();
    let mut set = ReadySet::new();
    probes.iter().cloned().for_each(|probe| set.add(probe));
    (probes, set)
}

#[test]
fn only_the_child_that_was_woken_is_polled() {
    let (probes, mut set) = set_of(1_000);
    let wakes = Arc::new(CountWakes::default());
    let waker = Waker::from(wakes.clone());
    let mut cx = Context::from_waker(&waker);
    assert!(set.poll_next(&mut cx).is_pending());
    probes[700].end();
    assert_eq!(*wakes.0.lock().unwrap(), 1);
    assert_eq!(set.poll_next(&mut cx), Poll::Ready(Some((700, "over"))));
    assert!(set.poll_next(&mut cx).is_pending());
    assert_eq!(probes.iter().map(Probe::polls).sum::<usize>(), 1_001);
    assert_eq!(set.len(), 999);
}

#[test]
fn ends_come_in_the_order_of_the_wakes_with_one_wake_of_the_awaiter() {
    let (probes, mut set) = set_of(3);
    let wakes = Arc::new(CountWakes::default());
    let waker = Waker::from(wakes.clone());
    let mut cx = Context::from_waker(&waker);
    assert!(set.poll_next(&mut cx).is_pending());
    [2_usize, 0, 1].into_iter().for_each(|place| probes[place].end());
    assert_eq!(*wakes.0.lock().unwrap(), 1);
    for place in [2, 0, 1] {
        assert_eq!(set.poll_next(&mut cx), Poll::Ready(Some((place, "over"))));
    }
    assert_eq!(set.poll_next(&mut cx), Poll::Ready(None));
}

#[test]
fn late_wake_for_a_place_that_is_used_again_is_only_a_poll_too_many() {
    let (probes, mut set) = set_of(1);
    probes[0].end();
    assert_eq!(set.try_next(), Some((0, "over")));
    let second = Probe::default();
    set.add(second.clone());
    probes[0].wake();
    assert_eq!(set.try_next(), None);
    assert_eq!(second.polls(), 2);
    second.end();
    assert_eq!(set.try_next(), Some((0, "over")));
    // And for a place that is empty.
    second.wake();
    assert_eq!((set.try_next(), set.len()), (None, 0));
}

#[test]
fn drained_children_do_not_wake_what_comes_after_them() {
    let (probes, mut set) = set_of(2);
    let drained = set.drain();
    assert_eq!(drained.iter().map(|(place, _)| *place).collect::<Vec<_>>(), [0, 1]);
    let next = Probe::default();
    set.add(next.clone());
    probes[0].end();
    assert_eq!(set.try_next(), None);
    assert_eq!((next.polls(), set.len()), (1, 1));
}

#[test]
fn what_had_ended_when_it_was_added_comes_first() {
    let mut set: ReadySet<Ready<i32>> = ReadySet::new();
    (0..3).for_each(|n| set.add(ready(n)));
    assert_eq!(set.len(), 3);
    assert_eq!([set.try_next(), set.try_next()], [Some((0, 0)), Some((1, 1))]);
    assert_eq!((set.len(), set.children().count()), (1, 0));
}
