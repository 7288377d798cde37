//! `watch`.
//!
//! Senders raise a number; receivers look by every way there is, give waits up, are cloned and dropped. No receiver sees
//! the number go back, each value is whole, and whoever stays sees the last one before the end.

use bowerbird::stream::StreamExt;
use bowerbird::sync::watch::{self, Receiver, Sender};
use bowerbird::{spawn, yield_now};
use bowerbird_tests::{WORKER_COUNTS, on_workers};

use super::queue::once;
use super::{Random, count};

/// Values a round.
const ROUND: u64 = 100_000;

/// A number and what must be its double.
type Pair = (u64, u64);

async fn raise(sender: Sender<Pair>, share: u64, mut random: Random) {
    for _ in 0..share {
        sender.send_modify(|pair| {
            pair.0 += 1;
            pair.1 += 2;
        });
        match random.below(64) {
            0 => yield_now().await,
            1 => assert!(!sender.send_if_modified(|_| false)),
            _ => {}
        }
    }
}

/// Sees that numbers do not go back.
struct Last(u64);

impl Last {
    fn see(&mut self, pair: &Pair) {
        assert_eq!(pair.1, 2 * pair.0, "half a value");
        assert!(pair.0 >= self.0, "{} after {}", pair.0, self.0);
        self.0 = pair.0;
    }
}

/// Looks until the senders are gone; gives the last number.
async fn look(mut receiver: Receiver<Pair>, mut random: Random) -> u64 {
    let mut last = Last(0);
    loop {
        match random.below(64) {
            0 => receiver = receiver.clone(),
            1 => drop(once(receiver.changed()).await),
            2 => receiver.mark_changed(),
            3 => last.see(&receiver.borrow()),
            4 => {
                let more = last.0 + 10;
                let found = receiver.wait_for(|pair| pair.0 >= more).await;
                if let Ok(pair) = found {
                    assert!(pair.0 >= more);
                    last.see(&pair);
                }
            }
            5 => yield_now().await,
            6 => {
                let mut stream = receiver.clone().into_changes();
                for _ in 0..3 {
                    let Some(pair) = stream.next().await else { break };
                    last.see(&pair);
                }
            }
            _ => {
                if receiver.changed().await.is_err() {
                    last.see(&receiver.borrow());
                    return last.0;
                }
                last.see(&receiver.borrow_and_update());
            }
        }
    }
}

async fn round(random: &mut Random) {
    let (sender, receiver) = watch::channel((0, 0));
    let senders = 1 + random.below(2);
    let receivers: Vec<_> = (0..3).map(|_| spawn(look(receiver.clone(), random.split()))).collect();
    let leaving: Vec<_> = (0..2).map(|_| spawn(look(receiver.clone(), random.split()))).collect();
    drop(receiver);
    for _ in 1..senders {
        drop(spawn(raise(sender.clone(), ROUND / senders, random.split())));
    }
    let task = spawn(raise(sender, ROUND / senders, random.split()));
    for _ in 0..random.below(50) {
        yield_now().await;
    }
    for task in leaving {
        task.cancel();
        task.wait().await;
    }
    task.await.unwrap();
    for receiver in receivers {
        assert_eq!(receiver.await.unwrap(), ROUND / senders * senders, "the last value");
    }
}

#[test]
fn watch_never_goes_back_and_ends_with_the_last_value() {
    let mut random = Random::of_test("watch");
    for workers in WORKER_COUNTS {
        for _ in 0..(count() / WORKER_COUNTS.len() as u64).div_ceil(ROUND) {
            on_workers(workers, round(&mut random));
        }
    }
}
