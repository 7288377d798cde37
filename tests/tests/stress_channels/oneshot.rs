//! `oneshot`.
//!
//! Senders go through a queue to tasks that send, or wait for the end first, or drop them. The receivers are awaited,
//! polled and dropped, closed, or dropped at once. What was sent is what was received, plus what was dropped with its
//! receiver; each receiver that was awaited to its end has its own value or the error.

use std::sync::Arc;

use bowerbird::sync::Queue;
use bowerbird::sync::oneshot::{self, Sender};
use bowerbird::{spawn, yield_now};
use bowerbird_tests::{WORKER_COUNTS, on_workers};

use super::ledger::{Ledger, Tally, Value};
use super::queue::once;
use super::{Random, count};

/// Channels a round.
const ROUND: u32 = 50_000;
/// Channels that are open at a time.
const OPEN: usize = 32;

type Senders = Arc<Queue<(u32, Sender<Value>)>>;

async fn send(senders: Senders, ledger: &'static Ledger, mut random: Random) -> (Tally, u64) {
    let (mut sent, mut given_up) = (Tally::default(), 0);
    while let Ok((number, mut sender)) = senders.get().await {
        match random.below(16) {
            0 => {
                given_up += 1;
                continue;
            }
            1 => drop(once(sender.closed()).await),
            2 => yield_now().await,
            _ => {}
        }
        let (value, mut tally) = (Value::new(0, number, ledger), Tally::default());
        tally.add(&value);
        match sender.send(value) {
            Ok(()) => sent.join(tally),
            Err(value) => value.take(&mut Tally::default()),
        }
    }
    (sent, given_up)
}

async fn receive(
    senders: Senders,
    numbers: std::ops::Range<u32>,
    mut random: Random,
) -> (Tally, u64) {
    let (mut received, mut failed) = (Tally::default(), 0);
    let mut open = Vec::with_capacity(OPEN);
    for number in numbers {
        let (sender, receiver) = oneshot::channel();
        senders.put((number, sender)).await.unwrap();
        open.push((number, receiver));
        if open.len() < OPEN {
            continue;
        }
        let at = random.below(OPEN as u64) as usize;
        let (number, mut receiver) = open.swap_remove(at);
        let value = match random.below(16) {
            0 => continue,
            1 => {
                receiver.close();
                receiver.try_recv().ok()
            }
            2 => match once(&mut receiver).await {
                Some(result) => result.ok(),
                None => continue,
            },
            _ => {
                let result = receiver.await;
                failed += u64::from(result.is_err());
                result.ok()
            }
        };
        if let Some(value) = value {
            assert_eq!(value.number, number, "the value of another channel");
            value.take(&mut received);
        }
    }
    (received, failed)
}

async fn round(random: &mut Random) {
    let (senders, ledger) = (Senders::new(Queue::new(OPEN)), Ledger::new());
    let sending: Vec<_> =
        (0..2).map(|_| spawn(send(senders.clone(), ledger, random.split()))).collect();
    let half = ROUND / 2;
    let receiving = [0..half, half..ROUND]
        .map(|numbers| spawn(receive(senders.clone(), numbers, random.split())));
    let (mut received, mut failed) = (Tally::default(), 0);
    for task in receiving {
        let (tally, failures) = task.await.unwrap();
        received.join(tally);
        failed += failures;
    }
    senders.shutdown(false);
    let (mut sent, mut given_up) = (Tally::default(), 0);
    for task in sending {
        let (tally, dropped) = task.await.unwrap();
        sent.join(tally);
        given_up += dropped;
    }
    received.join(ledger.dropped());
    assert_eq!(received, sent);
    assert!(failed <= given_up, "{failed} receivers had an error, {given_up} senders were dropped");
}

#[test]
fn oneshot_loses_nothing() {
    let mut random = Random::of_test("oneshot");
    for workers in WORKER_COUNTS {
        let rounds = (count() / WORKER_COUNTS.len() as u64).div_ceil(u64::from(ROUND));
        for _ in 0..rounds {
            on_workers(workers, round(&mut random));
        }
    }
}
