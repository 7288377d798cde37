use std::pin::Pin;
use std::task::{Context, Poll, Waker};

use bowerbird_base::sync::atomic::{AtomicBool, Ordering};
use bowerbird_base::sync::cell::UnsafeCell;
use bowerbird_base::sync::{Arc, thread};
use loom::future::block_on;

use super::{End, Signal, SignalWait};

struct Wait<'a>(&'a Signal, SignalWait);

fn wait(signal: &Signal) -> Wait<'_> {
    Wait(signal, signal.wait())
}

impl Future for Wait<'_> {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let Wait(signal, wait) = &mut *self;
        signal.poll(wait, cx.waker())
    }
}

impl Drop for Wait<'_> {
    fn drop(&mut self) {
        self.0.leave(&mut self.1);
    }
}

fn is_ready(wait: &mut Wait<'_>) -> bool {
    Pin::new(wait).poll(&mut Context::from_waker(Waker::noop())).is_ready()
}

/// Runs `one` beside `other`.
fn beside<T: 'static>(shared: T, one: impl FnOnce(&T) + 'static, other: impl FnOnce(&T)) -> Arc<T> {
    let shared = Arc::new(shared);
    let thread = {
        let shared = shared.clone();
        thread::spawn(move || one(&shared))
    };
    other(&shared);
    thread.join().unwrap();
    shared
}

/// `[ORD-1]`: who looks whether it is stored and takes nothing sees as much.
#[test]
fn who_looks_sees_what_came_before_it() {
    loom::model(|| {
        let look = |shared: &(Signal, UnsafeCell<i32>)| {
            if shared.0.is_stored() {
                shared.1.with(|_| ());
            }
        };
        beside((Signal::new(), UnsafeCell::new(0)), look, |shared| {
            shared.1.with_mut(|_| ());
            shared.0.notify_one(End::First);
        });
    });
}

/// `[ORD-1]`. No list, so that no lock helps. The one that looks is in the second thread: loom tries it first
/// after all that the other does, and would not come to that by itself.
#[test]
fn taker_sees_what_came_before_it() {
    loom::model(|| {
        let take = |shared: &(Signal, UnsafeCell<i32>)| {
            if shared.0.take() {
                shared.1.with(|_| ());
            }
        };
        beside((Signal::new(), UnsafeCell::new(0)), take, |shared| {
            shared.1.with_mut(|_| ());
            shared.0.notify_one(End::First);
        });
    });
}

/// `[ORD-1]`: the second of two notifiers finds the notification stored.
#[test]
fn second_notifier_is_seen_as_well() {
    loom::model(|| {
        let shared = (Signal::new(), UnsafeCell::new(0), AtomicBool::new(false));
        shared.0.notify_one(End::First);
        let notify = |shared: &(Signal, UnsafeCell<i32>, AtomicBool)| {
            shared.1.with_mut(|_| ());
            shared.0.notify_one(End::First);
            shared.2.store(true, Ordering::Relaxed);
        };
        beside(shared, notify, |shared| {
            // That it has happened orders nothing; that it is taken does.
            if shared.2.load(Ordering::Relaxed) {
                assert!(shared.0.take());
                shared.1.with(|_| ());
            }
        });
    });
}

/// `[ORD-1]`: the list has emptied between the notifier's look at the word and its lock, and who takes what it then
/// stores does not come by the lock.
#[test]
fn notifier_that_finds_the_list_empty_is_seen() {
    loom::model(|| {
        let shared = (Signal::new(), UnsafeCell::new(0));
        let mut own = shared.0.wait();
        assert!(shared.0.poll(&mut own, Waker::noop()).is_pending());
        let leave_and_take = move |shared: &(Signal, UnsafeCell<i32>)| {
            shared.0.leave(&mut own);
            if shared.0.take() {
                shared.1.with(|_| ());
            }
        };
        beside(shared, leave_and_take, |shared| {
            shared.1.with_mut(|_| ());
            shared.0.notify_one(End::First);
        });
    });
}

/// `[ORD-1]`: a wait that joins the list takes what was stored since it looked.
#[test]
fn who_takes_in_place_of_joining_sees_what_came_before_it() {
    loom::model(|| {
        let join = |shared: &(Signal, UnsafeCell<i32>)| {
            let mut own = shared.0.wait();
            if shared.0.join(&mut own, Waker::noop()) {
                shared.1.with(|_| ());
            }
            shared.0.leave(&mut own);
        };
        beside((Signal::new(), UnsafeCell::new(0)), join, |shared| {
            shared.1.with_mut(|_| ());
            shared.0.notify_one(End::First);
        });
    });
}

/// `[ORD-2]`: a wait that joins the list sees under the lock that there was a turn, and what came before it.
#[test]
fn who_sees_the_turn_in_place_of_joining_sees_what_came_before_it() {
    loom::model(|| {
        let shared = (Signal::new(), UnsafeCell::new(0));
        let mut own = shared.0.wait();
        let join = move |shared: &(Signal, UnsafeCell<i32>)| {
            if shared.0.join(&mut own, Waker::noop()) {
                shared.1.with(|_| ());
            }
            shared.0.leave(&mut own);
        };
        beside(shared, join, |shared| {
            shared.1.with_mut(|_| ());
            shared.0.notify_all();
        });
    });
}

/// `[ORD-1]`: the turn alone says it.
#[test]
fn who_was_told_of_a_turn_sees_what_came_before_it() {
    loom::model(|| {
        let shared = (Signal::new(), UnsafeCell::new(0));
        let own = shared.0.wait();
        let look = move |shared: &(Signal, UnsafeCell<i32>)| {
            if shared.0.has_come(&own) {
                shared.1.with(|_| ());
            }
        };
        beside(shared, look, |shared| {
            shared.1.with_mut(|_| ());
            shared.0.notify_all();
        });
    });
}

/// `[ORD-3]`: the word that says the turn was written again since, by who emptied the list.
#[test]
fn word_that_is_stored_carries_the_turn_on() {
    loom::model(|| {
        let shared = (Signal::new(), UnsafeCell::new(0));
        let own = shared.0.wait();
        let look = move |shared: &(Signal, UnsafeCell<i32>)| {
            if shared.0.has_come(&own) {
                shared.1.with(|_| ());
            }
        };
        beside(shared, look, |shared| {
            shared.1.with_mut(|_| ());
            shared.0.notify_all();
            let mut other = wait(&shared.0);
            assert!(!is_ready(&mut other));
            shared.0.notify_one(End::First);
            assert!(is_ready(&mut other));
        });
    });
}

/// `[ORD-4]`: it sees without the lock that its list was taken out.
#[test]
fn who_waits_in_the_list_sees_what_came_before_the_turn() {
    loom::model(|| {
        let shared = (Signal::new(), UnsafeCell::new(0));
        let mut own = shared.0.wait();
        assert!(shared.0.poll(&mut own, Waker::noop()).is_pending());
        let look = move |shared: &(Signal, UnsafeCell<i32>)| {
            let turn = shared.0.wait().turn;
            let is_over = shared.0.is_released(&own);
            if is_over {
                shared.1.with(|_| ());
            }
            // The turn that was seen before may be an older one, not a newer.
            assert!(is_over || turn == own.turn);
            shared.0.leave(&mut own);
        };
        let after = beside(shared, look, |shared| {
            shared.1.with_mut(|_| ());
            shared.0.notify_all();
        });
        assert!(after.0.is_unused());
    });
}

/// One was called by notify-one and has not looked: notify-all leaves its entry to it, and calls the other in its
/// place.
#[test]
fn notify_all_races_with_one_that_was_called() {
    loom::model(|| {
        let signal = Arc::new(Signal::new());
        let (mut called, mut other) = (wait(&signal), wait(&signal));
        assert!(!is_ready(&mut called) && !is_ready(&mut other));
        signal.notify_one(End::First);
        let notifier = {
            let signal = signal.clone();
            thread::spawn(move || signal.notify_all())
        };
        drop(called);
        block_on(&mut other);
        notifier.join().unwrap();
        drop(other);
        assert!(signal.is_unused());
    });
}

/// A notification that comes while a wait joins the list reaches it.
#[test]
fn notification_races_with_a_wait() {
    loom::model(|| {
        let shared = (Signal::new(), UnsafeCell::new(0));
        let notify = |shared: &(Signal, UnsafeCell<i32>)| {
            shared.1.with_mut(|_| ());
            shared.0.notify_one(End::First);
        };
        let after = beside(shared, notify, |shared| {
            block_on(wait(&shared.0));
            shared.1.with(|_| ());
        });
        assert!(after.0.is_unused() && !after.0.is_stored());
    });
}

/// A wait that was made before is told, in the list or not.
#[test]
fn notify_all_races_with_a_wait() {
    loom::model(|| {
        let signal = Arc::new(Signal::new());
        let own = wait(&signal);
        let notifier = {
            let signal = signal.clone();
            thread::spawn(move || signal.notify_all())
        };
        block_on(own);
        notifier.join().unwrap();
        assert!(signal.is_unused() && !signal.is_stored());
    });
}

/// The wait that is dropped while it is called hands its notification to the other.
#[test]
fn dropped_wait_hands_its_notification_on() {
    loom::model(|| {
        let signal = Arc::new(Signal::new());
        let (mut given_up, mut other) = (wait(&signal), wait(&signal));
        assert!(!is_ready(&mut given_up) && !is_ready(&mut other));
        let notifier = {
            let signal = signal.clone();
            thread::spawn(move || signal.notify_one(End::First))
        };
        drop(given_up);
        block_on(&mut other);
        notifier.join().unwrap();
        assert!(signal.is_unused() && !signal.is_stored());
    });
}

/// One notification, one dropped wait and nobody else: it is stored, or was taken before.
#[test]
fn dropped_wait_stores_its_notification() {
    loom::model(|| {
        let notify = |signal: &Signal| signal.notify_one(End::First);
        let after = beside(Signal::new(), notify, |signal| {
            let mut own = wait(signal);
            let was_taken = is_ready(&mut own);
            drop(own);
            if was_taken {
                assert!(!signal.is_stored());
                signal.notify_one(End::First);
            }
        });
        assert!(after.is_stored() && after.is_unused());
    });
}

/// All at once: who was in the list before is told, and the one in between is told once.
#[test]
fn both_ways_at_once_tell_everybody() {
    loom::model(|| {
        let signal = Arc::new(Signal::new());
        let (mut first, mut second) = (wait(&signal), wait(&signal));
        assert!(!is_ready(&mut first) && !is_ready(&mut second));
        let notifier = {
            let signal = signal.clone();
            thread::spawn(move || signal.notify_one(End::First))
        };
        signal.notify_all();
        block_on(&mut first);
        block_on(&mut second);
        notifier.join().unwrap();
        drop((first, second));
        assert!(signal.is_unused());
    });
}
