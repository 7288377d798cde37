use std::panic::{AssertUnwindSafe, Location, catch_unwind};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll, Wake, Waker};

use bowerbird_base::ledger::Spot;

use super::{Closed, MOST, Permits, Refused};
use crate::wait_list::Key;

#[track_caller]
fn spot() -> Spot {
    Spot { kind: "permit", object: 0, location: Location::caller() }
}

/// A wait as a primitive would have it.
struct Take<'a> {
    permits: &'a Permits,
    count: usize,
    key: Option<Key>,
}

impl Future for Take<'_> {
    type Output = Result<(), Closed>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = &mut *self;
        this.permits.poll_take(&mut this.key, this.count, spot(), cx)
    }
}

impl Drop for Take<'_> {
    fn drop(&mut self) {
        if let Some(key) = self.key.take() {
            self.permits.leave(key);
        }
    }
}

fn take(permits: &Permits, count: usize) -> Take<'_> {
    Take { permits, count, key: None }
}

fn poll(take: &mut Take<'_>) -> Poll<Result<(), Closed>> {
    Pin::new(take).poll(&mut Context::from_waker(Waker::noop()))
}

#[derive(Default)]
struct Counted(AtomicUsize);

impl Wake for Counted {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }
}

#[test]
fn permits_are_taken_and_given() {
    let permits = Permits::new(3);
    assert_eq!(permits.try_take(2), Ok(()));
    assert_eq!(permits.try_take(2), Err(Refused::NotFree));
    permits.give(2);
    assert_eq!(permits.free(), 3);
    assert!(!permits.try_give(1, 3));
    assert!(permits.try_give(1, 4));
    assert_eq!(permits.take_up_to(9), 4);
    assert!(!permits.try_give(MOST, MOST - 1));
}

#[test]
fn who_waits_is_not_passed_by() {
    let permits = Permits::new(1);
    let (mut many, mut one) = (take(&permits, 2), take(&permits, 1));
    assert!(poll(&mut many).is_pending());
    assert_eq!(permits.try_take(1), Err(Refused::NotFree));
    assert!(poll(&mut one).is_pending());
    assert_eq!((permits.waiting(), permits.free()), (2, 1));
    permits.give(1);
    assert_eq!((permits.waiting(), permits.free()), (1, 0));
    assert_eq!(poll(&mut many), Poll::Ready(Ok(())));
    assert!(poll(&mut one).is_pending());
    permits.give(2);
    assert_eq!(poll(&mut one), Poll::Ready(Ok(())));
    assert_eq!((permits.waiting(), permits.free()), (0, 1));
    assert!(permits.waits.lock().is_unused());
}

#[test]
fn wait_that_is_dropped_gives_on_what_it_was_handed() {
    let permits = Permits::new(0);
    let (mut first, mut second) = (take(&permits, 1), take(&permits, 1));
    assert!(poll(&mut first).is_pending() && poll(&mut second).is_pending());
    permits.give(1);
    drop(first);
    assert_eq!(poll(&mut second), Poll::Ready(Ok(())));
}

#[test]
fn wait_for_many_that_is_dropped_lets_those_behind_it_go_on() {
    let permits = Permits::new(2);
    let (mut many, mut one, mut other) = (take(&permits, 3), take(&permits, 1), take(&permits, 1));
    assert!(poll(&mut many).is_pending());
    assert!(poll(&mut one).is_pending() && poll(&mut other).is_pending());
    drop(many);
    assert_eq!(poll(&mut one), Poll::Ready(Ok(())));
    assert_eq!(poll(&mut other), Poll::Ready(Ok(())));
    assert!(!permits.is_waited_for());
}

#[test]
fn first_place_comes_before_all() {
    let permits = Permits::new(0);
    let mut early = take(&permits, 1);
    assert!(poll(&mut early).is_pending());
    let mut key = None;
    let mut cx = Context::from_waker(Waker::noop());
    assert!(permits.poll_take_first(&mut key, 1, spot(), &mut cx).is_pending());
    permits.give(1);
    assert!(poll(&mut early).is_pending());
    assert_eq!(permits.poll_take_first(&mut key, 1, spot(), &mut cx), Poll::Ready(Ok(())));
    permits.give(1);
    assert_eq!(poll(&mut early), Poll::Ready(Ok(())));
}

#[test]
fn close_refuses_all() {
    let permits = Permits::new(0);
    let mut wait = take(&permits, 1);
    assert!(poll(&mut wait).is_pending());
    permits.close();
    permits.close();
    assert_eq!(poll(&mut wait), Poll::Ready(Err(Closed)));
    assert_eq!(permits.try_take(1), Err(Refused::Closed));
    permits.give(1);
    assert_eq!((permits.free(), poll(&mut take(&permits, 1))), (1, Poll::Ready(Err(Closed))));
    assert!(permits.is_closed());
}

#[test]
fn last_waker_is_woken() {
    let permits = Permits::new(0);
    let (old, new) = (Arc::new(Counted::default()), Arc::new(Counted::default()));
    let mut wait = take(&permits, 1);
    for waker in [&old, &new, &new] {
        let waker = Waker::from(Arc::clone(waker));
        assert!(Pin::new(&mut wait).poll(&mut Context::from_waker(&waker)).is_pending());
    }
    permits.give(1);
    assert_eq!((old.0.load(Ordering::Relaxed), new.0.load(Ordering::Relaxed)), (0, 1));
    assert_eq!((Arc::strong_count(&old), Arc::strong_count(&new)), (1, 1));
}

#[test]
fn permits_that_have_no_room_when_their_wait_leaves_are_gone() {
    let permits = Permits::new(0);
    let mut wait = take(&permits, 2);
    assert!(poll(&mut wait).is_pending());
    permits.give(2);
    assert!(permits.try_give(MOST - 1, MOST));
    drop(wait);
    assert_eq!(permits.free(), MOST);
    assert!(!permits.is_waited_for() && !permits.is_closed());
}

/// Panics when it is dropped.
struct PanicsInDrop;

impl Wake for PanicsInDrop {
    fn wake(self: Arc<Self>) {}
}

impl Drop for PanicsInDrop {
    fn drop(&mut self) {
        panic!("the waker is dropped");
    }
}

#[test]
fn waker_that_panics_in_its_drop_keeps_nobody_asleep() {
    let permits = Permits::new(1);
    let woken = Arc::new(Counted::default());
    let (mut many, mut few) = (take(&permits, 2), take(&permits, 1));
    let waker = Waker::from(Arc::new(PanicsInDrop));
    assert!(Pin::new(&mut many).poll(&mut Context::from_waker(&waker)).is_pending());
    // What is left is the one in the list.
    drop(waker);
    let waker = Waker::from(woken.clone());
    assert!(Pin::new(&mut few).poll(&mut Context::from_waker(&waker)).is_pending());
    assert!(catch_unwind(AssertUnwindSafe(|| drop(many))).is_err());
    assert_eq!(woken.0.load(Ordering::Relaxed), 1);
}
