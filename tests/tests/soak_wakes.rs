//! Wake-ups: none is lost, and an idle runtime has none.
//!
//! # Ordering arguments
//! - `[ORD-1]` SeqCst: the counts stand for any data that a waker announces.

use std::future::{pending, poll_fn};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};
use std::task::{Poll, Waker};
use std::thread;

use bowerbird::{Runtime, spawn};
use bowerbird_tests::{everywhere, scaled};

const THREAD_COUNT: u64 = 4;
/// After so many wake-ups a thread waits until the task has seen them.
const HANDSHAKE: u64 = 1_000;

/// A task, woken from four threads.
#[derive(Default)]
struct Woken {
    waker: OnceLock<Waker>,
    sent: AtomicU64,
    seen: AtomicU64,
}

impl Woken {
    fn wake_often(&self, count: u64) {
        let waker = self.waker.wait();
        for number in 1..=count {
            let mine = self.sent.fetch_add(1, Ordering::SeqCst) + 1; // [ORD-1]
            waker.wake_by_ref();
            // A wake-up that is lost here is never made up for: nobody else may wake any more.
            // [ORD-1]
            while number.is_multiple_of(HANDSHAKE) && self.seen.load(Ordering::SeqCst) < mine {
                thread::yield_now();
            }
        }
    }
}

#[test]
fn task_woken_ten_million_times_from_four_threads_misses_none() {
    everywhere(|| async {
        let count = scaled(10_000_000);
        let woken = Arc::new(Woken::default());
        let shared = woken.clone();
        let mut poll_count = 0_u64;
        let task = spawn(poll_fn(move |cx| {
            poll_count += 1;
            shared.waker.get_or_init(|| cx.waker().clone());
            let sent = shared.sent.load(Ordering::SeqCst); // [ORD-1]
            shared.seen.store(sent, Ordering::SeqCst); // [ORD-1]
            if sent == count { Poll::Ready(poll_count) } else { Poll::Pending }
        }));
        let threads: Vec<_> = (0..THREAD_COUNT)
            .map(|_| {
                let woken = woken.clone();
                thread::spawn(move || woken.wake_often(count / THREAD_COUNT))
            })
            .collect();
        let polls = task.await.unwrap();
        threads.into_iter().for_each(|thread| thread.join().unwrap());
        println!("figure: {count} wake-ups, {polls} polls");
    });
}

#[test]
fn ping_pong_between_two_tasks_and_a_thread_never_stops() {
    everywhere(|| async {
        let rounds = scaled(200_000);
        let (to_thread, from_task) =
            std::sync::mpsc::channel::<bowerbird::sync::oneshot::Sender<u64>>();
        let thread = thread::spawn(move || {
            for number in 0..rounds {
                from_task.recv().unwrap().send(number).unwrap();
            }
        });
        for number in 0..rounds {
            let (sender, receiver) = bowerbird::sync::oneshot::channel();
            to_thread.send(sender).unwrap();
            let got = spawn(receiver).await.unwrap();
            assert_eq!(got, Ok(number));
        }
        thread.join().unwrap();
    });
}

#[test]
fn runtimes_are_made_and_dropped_many_times() {
    for number in 0..scaled(5_000) {
        let runtime = Runtime::builder().worker_threads(1 + number as usize % 4).build().unwrap();
        let task = runtime.spawn(async { 1 });
        drop(runtime.spawn(pending::<()>()));
        assert_eq!(runtime.block_on(task).unwrap(), 1);
    }
}
