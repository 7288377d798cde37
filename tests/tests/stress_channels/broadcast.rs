//! `broadcast`.
//!
//! Senders number their values; receivers take them by every way there is, give waits up, are slow, are dropped and made
//! anew. Of one sender, the value that a receiver gets is the one after its last, or after exactly as many as it was told
//! that it missed. Of several, each one's numbers come in order. Whoever stays from the first value to the end has got or
//! missed all.

use bowerbird::sync::broadcast::{self, Receiver, RecvError, Sender, TryRecvError};
use bowerbird::{spawn, yield_now};
use bowerbird_tests::{WORKER_COUNTS, on_workers};

use super::queue::once;
use super::{Random, count};

/// Values a round.
const ROUND: u64 = 100_000;
const CAPACITIES: [usize; 6] = [1, 2, 3, 16, 100, 1024];

/// Which sender's value, and its number from 1.
type Numbered = (usize, u64);

async fn send(sender: Sender<Numbered>, id: usize, share: u64, mut random: Random) {
    let pause = 1 + random.below(64);
    for number in 1..=share {
        // There always is a receiver: those who stay.
        assert!(sender.send((id, number)).unwrap() >= 1);
        if random.one_in(pause) {
            yield_now().await;
        }
    }
}

/// The accounts of one receiver.
#[derive(Default)]
struct Account {
    last: [u64; 2],
    got: u64,
    missed: u64,
    missed_since: u64,
    /// It was there when the first value was sent.
    since_the_first: bool,
}

impl Account {
    fn value(&mut self, (id, number): Numbered, is_alone: bool) {
        let last = &mut self.last[id];
        assert!(number > *last, "{number} after {last}");
        if is_alone && (self.got > 0 || self.since_the_first) {
            assert_eq!(number, *last + 1 + self.missed_since, "lost without a word");
        }
        (*last, self.missed_since) = (number, 0);
        self.got += 1;
    }

    fn lagged(&mut self, count: u64) {
        assert!(count > 0);
        self.missed += count;
        self.missed_since += count;
    }
}

async fn receive(
    mut receiver: Receiver<Numbered>,
    is_alone: bool,
    stays: bool,
    mut random: Random,
) -> u64 {
    let mut account = Account { since_the_first: stays, ..Account::default() };
    let slowness = 1 + random.below(200);
    loop {
        let result = match random.below(16) {
            0 => match once(receiver.recv()).await {
                Some(result) => result,
                None => continue,
            },
            1 => match receiver.try_recv() {
                Ok(value) => Ok(value),
                Err(TryRecvError::Lagged(count)) => Err(RecvError::Lagged(count)),
                Err(_) => {
                    yield_now().await;
                    continue;
                }
            },
            _ => receiver.recv().await,
        };
        match result {
            Ok(value) => account.value(value, is_alone),
            Err(RecvError::Lagged(count)) => account.lagged(count),
            Err(RecvError::Closed) => return account.got + account.missed,
        }
        if !stays && random.one_in(100) {
            (receiver, account) = (receiver.resubscribe(), Account::default());
        }
        if random.one_in(slowness) {
            yield_now().await;
        }
    }
}

async fn round(random: &mut Random) {
    let capacity = CAPACITIES[random.below(CAPACITIES.len() as u64) as usize];
    let (sender, receiver) = broadcast::channel(capacity);
    let senders = 1 + random.below(2);
    let make = |stays| receive(receiver.resubscribe(), senders == 1, stays, random.split());
    let mut make = make;
    let staying: Vec<_> = (0..2).map(|_| spawn(make(true))).collect();
    let changing: Vec<_> = (0..2).map(|_| spawn(make(false))).collect();
    drop(receiver);
    let share = ROUND / senders;
    let sending: Vec<_> = (0..senders)
        .map(|id| spawn(send(sender.clone(), id as usize, share, random.split())))
        .collect();
    drop(sender);
    for _ in 0..random.below(100) {
        yield_now().await;
    }
    let [given_up, other] = <[_; 2]>::try_from(changing).unwrap_or_else(|_| unreachable!("two"));
    given_up.cancel();
    given_up.wait().await;
    for task in sending {
        task.await.unwrap();
    }
    other.await.unwrap();
    for task in staying {
        assert_eq!(task.await.unwrap(), share * senders, "got and missed");
    }
}

#[test]
fn broadcast_accounts_for_all_values() {
    let mut random = Random::of_test("broadcast");
    for workers in WORKER_COUNTS {
        for _ in 0..(count() / WORKER_COUNTS.len() as u64).div_ceil(ROUND) {
            on_workers(workers, round(&mut random));
        }
    }
}
