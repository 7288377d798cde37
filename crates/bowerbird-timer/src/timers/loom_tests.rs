//! Interleavings of sleeps, turns and waiters.

use crate::{Current, Timers, enter, sleep};
use bowerbird_base::clock::Clock;
use bowerbird_base::sync::Mutex;
use bowerbird_base::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use bowerbird_base::sync::thread;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Wake, Waker};
use std::time::Duration;

const SECOND: Duration = Duration::from_secs(1);

fn paused() -> (Arc<Timers>, Arc<Clock>) {
    let clock = Arc::new(Clock::new());
    clock.pause();
    (Timers::new(1, clock.clone()), clock)
}

/// A waker that counts wake-ups; its `Arc` counts what of it is left.
#[derive(Default)]
struct Count(AtomicUsize);

impl Wake for Count {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }
}

/// A sleep that is dropped while its wheel is fired: the waker is woken or dropped, once, no entry is
/// left, and the entry's place, used again at once, keeps its new owner.
#[test]
fn cancel_races_with_fire() {
    loom::model(|| {
        let (timers, clock) = paused();
        enter(Some(Current { timers: timers.clone(), wheel: 0 }));
        let (count, other) = (Arc::new(Count::default()), Arc::new(Count::default()));
        let waker = Waker::from(count.clone());
        let mut first = sleep(SECOND);
        assert!(Pin::new(&mut first).poll(&mut Context::from_waker(&waker)).is_pending());
        drop(waker);
        let mut second = sleep(2 * SECOND);
        clock.advance(SECOND);
        let canceller = thread::spawn(move || drop(first));
        let fired = timers.fire(0, clock.now());
        let waker = Waker::from(other.clone());
        assert!(Pin::new(&mut second).poll(&mut Context::from_waker(&waker)).is_pending());
        drop(waker);
        canceller.join().unwrap();
        assert_eq!(Arc::strong_count(&count), 1, "the waker is gone");
        assert_eq!(count.0.load(Ordering::Relaxed), fired);
        assert_eq!((timers.pending_count(), other.0.load(Ordering::Relaxed)), (1, 0));
        drop(second);
        assert_eq!((timers.pending_count(), Arc::strong_count(&other)), (0, 1));
        enter(None);
    });
}

/// Two threads fire one wheel: each sleep is woken once.
#[test]
fn two_threads_fire_one_wheel() {
    loom::model(|| {
        let (timers, clock) = paused();
        enter(Some(Current { timers: timers.clone(), wheel: 0 }));
        let count = Arc::new(Count::default());
        let waker = Waker::from(count.clone());
        let mut sleeps = [sleep(SECOND), sleep(2 * SECOND)];
        for sleep in &mut sleeps {
            assert!(Pin::new(sleep).poll(&mut Context::from_waker(&waker)).is_pending());
        }
        clock.advance(2 * SECOND);
        let thief = {
            let (timers, now) = (timers.clone(), clock.now());
            thread::spawn(move || timers.fire(0, now))
        };
        let fired = timers.fire(0, clock.now()) + thief.join().unwrap();
        assert_eq!((fired, count.0.load(Ordering::Relaxed)), (2, 2));
        enter(None);
    });
}

/// A reset to an earlier deadline in a thread outside the runtime, while the owner of the wheel fires
/// the old one: the task is woken, by the old deadline or by the new one.
#[test]
fn reset_races_with_fire() {
    loom::model(|| {
        let (timers, clock) = paused();
        enter(Some(Current { timers: timers.clone(), wheel: 0 }));
        let count = Arc::new(Count::default());
        let waker = Waker::from(count.clone());
        let mut moved = sleep(2 * SECOND);
        assert!(Pin::new(&mut moved).poll(&mut Context::from_waker(&waker)).is_pending());
        clock.advance(2 * SECOND);
        let now = clock.now();
        let mover = thread::spawn(move || {
            moved.reset(now - SECOND);
            moved
        });
        timers.fire(0, now);
        let moved = mover.join().unwrap();
        timers.fire(0, now);
        timers.fire(timers.shared_index(), now);
        assert_eq!(count.0.load(Ordering::Relaxed), 1);
        drop(moved);
        assert_eq!(timers.pending_count(), 0);
        enter(None);
    });
}

/// The parker of the umbrella, reduced: a waiter says that it waits, asks for the deadline, parks;
/// an insertion wakes it only if it says that it waits.
#[derive(Default)]
struct Waiter {
    is_waiting: AtomicBool,
    thread: Mutex<Option<thread::Thread>>,
    was_woken: AtomicBool,
}

impl Waiter {
    fn wake(&self) {
        // Relaxed: what makes it safe is the lock of the wheel, in `next_deadline`.
        if self.is_waiting.load(Ordering::Relaxed) {
            self.was_woken.store(true, Ordering::Relaxed);
            self.thread.lock().as_ref().expect("set before").unpark();
        }
    }
}

/// `[ORD-1]`: the waiter sees the new deadline before it parks, or it is woken.
#[test]
fn earlier_insertion_reaches_a_waiter_that_parks() {
    loom::model(|| {
        let (timers, _clock) = paused();
        let waiter = Arc::new(Waiter::default());
        *waiter.thread.lock() = Some(thread::current());
        let woken = waiter.clone();
        timers.set_on_earlier(Box::new(move || woken.wake()));
        let inserter = {
            let timers = timers.clone();
            thread::spawn(move || {
                let wheel = timers.shared_index();
                enter(Some(Current { timers, wheel }));
                // The first is dropped: the bound that it leaves must not hide the second.
                let (mut first, mut second) = (sleep(SECOND), sleep(2 * SECOND));
                let mut cx = Context::from_waker(Waker::noop());
                assert!(Pin::new(&mut first).poll(&mut cx).is_pending());
                drop(first);
                assert!(Pin::new(&mut second).poll(&mut cx).is_pending());
                enter(None);
                second
            })
        };
        waiter.is_waiting.store(true, Ordering::Relaxed);
        let expected = timers.origin() + 2 * SECOND;
        loop {
            match timers.next_deadline(timers.shared_index()) {
                // Parks without a timeout: a lost insertion is a deadlock.
                None => thread::park(),
                Some(deadline) if deadline == expected => break,
                // The one that is dropped: the wait ends by its timeout.
                Some(_) => thread::yield_now(),
            }
        }
        drop(inserter.join().unwrap());
    });
}
