//! Floors that one thread finds.
//!
//! # Ordering arguments
//! - `[ORD-1]` AcqRel: what the last reference of a counted task costs; nobody else is there.

use std::collections::VecDeque;
use std::future::Future;
use std::hint::black_box;
use std::pin::Pin;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::mpsc::sync_channel;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Waker};
use std::time::{Duration, Instant};

use super::repeat;
use crate::machine::resident_bytes;

/// An allocation, a queue, an indirect call, a decrement of a shared count.
pub(super) fn boxed_calls(budget: Duration, say: &mut dyn FnMut(&str, f64)) {
    const COUNT: u64 = 10_000;
    static LEFT: AtomicU64 = AtomicU64::new(0);
    let mut queue: VecDeque<Box<dyn FnOnce()>> = VecDeque::new();
    repeat(budget, COUNT, say, || {
        for index in 0..COUNT {
            queue.push_back(Box::new(move || {
                black_box(index);
                // [ORD-1]
                LEFT.fetch_sub(1, Ordering::AcqRel);
            }));
        }
        while let Some(call) = queue.pop_front() {
            call();
        }
    });
}

/// Polls boxed futures in turn.
pub(super) fn polls(budget: Duration, say: &mut dyn FnMut(&str, f64)) {
    const TASKS: u64 = 200;
    const YIELDS: u64 = 1_000;

    struct Yields(u64);

    impl Future for Yields {
        type Output = ();

        fn poll(mut self: Pin<&mut Self>, _cx: &mut Context<'_>) -> Poll<()> {
            self.0 -= 1;
            if self.0 == 0 { Poll::Ready(()) } else { Poll::Pending }
        }
    }

    let mut cx = Context::from_waker(Waker::noop());
    repeat(budget, TASKS * YIELDS, say, || {
        let mut queue: VecDeque<Pin<Box<dyn Future<Output = ()>>>> =
            (0..TASKS).map(|_| Box::pin(Yields(YIELDS)) as _).collect();
        while let Some(mut task) = queue.pop_front() {
            if task.as_mut().poll(&mut cx).is_pending() {
                queue.push_back(task);
            }
        }
    });
}

/// A clock read, and the way into a slot of a wheel and out of it.
pub(super) fn timers(budget: Duration, say: &mut dyn FnMut(&str, f64)) {
    const COUNT: u64 = 1_024;
    let start = Instant::now();
    let mut wheel: Vec<Vec<Instant>> = vec![Vec::new(); 64];
    repeat(budget, COUNT, say, || {
        for _ in 0..COUNT {
            let deadline = Instant::now() + Duration::from_secs(10);
            let slot = &mut wheel[((deadline - start).as_nanos() >> 20) as usize % 64];
            slot.push(deadline);
            black_box(slot.pop());
        }
    });
}

/// Takes a free lock of the standard library.
pub(super) fn locks(budget: Duration, say: &mut dyn FnMut(&str, f64)) {
    const ROUNDS: u64 = 1_000;
    let lock = Mutex::new(0);
    repeat(budget, ROUNDS, say, || {
        for _ in 0..ROUNDS {
            *black_box(&lock).lock().expect("nobody panics") += 1;
        }
    });
}

/// One counted allocation, which both sides lock once and give up.
pub(super) fn oneshots(budget: Duration, say: &mut dyn FnMut(&str, f64)) {
    const ROUNDS: u64 = 1_000;
    repeat(budget, ROUNDS, say, || {
        for value in 0..ROUNDS {
            let sender = Arc::new(Mutex::new(None));
            let receiver = black_box(sender.clone());
            *sender.lock().expect("nobody panics") = Some(value);
            drop(sender);
            assert_eq!(receiver.lock().expect("nobody panics").take(), Some(value));
        }
    });
}

/// The standard library's bounded channel, never full and never empty when asked.
pub(super) fn channel(budget: Duration, say: &mut dyn FnMut(&str, f64)) {
    const VALUES: u64 = 8_000;
    const CAPACITY: u64 = 128;
    let (sender, receiver) = sync_channel(CAPACITY as usize);
    repeat(budget, VALUES, say, || {
        for first in (0..VALUES).step_by(CAPACITY as usize) {
            let several = first..(first + CAPACITY).min(VALUES);
            several.clone().for_each(|value| sender.send(value).expect("the receiver is there"));
            several.for_each(|value| assert_eq!(receiver.recv(), Ok(value)));
        }
    });
}

/// One allocation for each task: a word of state, what to do with it, who awaits it, and a future of 64 bytes.
pub(super) fn memory(_budget: Duration, say: &mut dyn FnMut(&str, f64)) {
    struct Cell {
        state: AtomicUsize,
        _vtable: &'static str,
        _awaiter: Option<Waker>,
        _future: [u8; 64],
    }

    let make = || {
        Box::new(Cell { state: AtomicUsize::new(1), _vtable: "", _awaiter: None, _future: [7; 64] })
    };
    const COUNT: usize = 1_000_000;
    let mut cells: Vec<Option<Box<Cell>>> = Vec::new();
    // The places are there before: a runtime's list of tasks goes through the tasks.
    cells.resize_with(COUNT, || None);
    let before = resident_bytes();
    cells.iter_mut().for_each(|place| *place = Some(make()));
    say("memory", (resident_bytes() - before) as f64 / COUNT as f64);
    // [ORD-1]
    assert!(cells.iter().flatten().all(|cell| cell.state.load(Ordering::Acquire) == 1));
}
