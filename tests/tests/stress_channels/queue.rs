//! The three queues.
//!
//! A round is one queue with a few producers and consumers, which put and get by every way there is and give waits up
//! in the middle; it ends with a shutdown, of either kind, while they are at it. Then:
//! - what was put is what was got, plus what an immediate shutdown dropped;
//! - what was not put came back, or was dropped with the put that was given up;
//! - of a first-in-first-out queue, each consumer has seen the items of each producer in their order;
//! - after a shutdown that is not immediate, all items are got and `join` ends.

use std::cmp::Ordering;
use std::future::poll_fn;
use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;

use bowerbird::sync::queue::{GetNowaitError, ItemGuard};
use bowerbird::sync::{LifoQueue, PriorityQueue, Queue};
use bowerbird::{spawn, yield_now};
use bowerbird_tests::{WORKER_COUNTS, on_workers};

use super::ledger::{Ledger, Tally, Value};
use super::{Random, count};

/// Items a round, about.
const ROUND: u64 = 50_000;
const PRODUCERS: u32 = 3;
const MAXSIZES: [usize; 6] = [0, 1, 2, 3, 16, 128];

/// Polls a future once.
pub(super) async fn once<F: Future>(future: F) -> Option<F::Output> {
    let mut future = pin!(future);
    poll_fn(|cx| match future.as_mut().poll(cx) {
        Poll::Ready(output) => Poll::Ready(Some(output)),
        Poll::Pending => Poll::Ready(None),
    })
    .await
}

/// In the order of its number.
struct Item(Value);

impl Ord for Item {
    fn cmp(&self, other: &Self) -> Ordering {
        (self.0.number, self.0.producer).cmp(&(other.0.number, other.0.producer))
    }
}

impl PartialOrd for Item {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Item {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Item {}

#[derive(Default)]
struct Made {
    put: Tally,
    returned: Tally,
    given_up: Tally,
}

macro_rules! stress {
    ($module:ident, $queue:ident, $is_fifo:expr) => {
        mod $module {
            use super::*;

            async fn produce(
                queue: Arc<$queue<Item>>,
                producer: u32,
                ledger: &'static Ledger,
                mut random: Random,
            ) -> Made {
                let mut made = Made::default();
                for number in 0.. {
                    let (value, mut tally) =
                        (Value::new(producer, number, ledger), Tally::default());
                    tally.add(&value);
                    let item = Item(value);
                    let refused = match random.below(16) {
                        0..10 => queue.put(item).await.err().map(|refused| refused.into_inner()),
                        10..13 => queue.put_nowait(item).err().map(|refused| refused.into_inner()),
                        _ => {
                            let mut put = queue.put(item);
                            let mut result = None;
                            for _ in 0..2 {
                                result = once(&mut put).await;
                                if result.is_some() {
                                    break;
                                }
                                yield_now().await;
                            }
                            match result {
                                Some(result) => result.err().map(|refused| refused.into_inner()),
                                None if random.one_in(2) => put.into_item(),
                                None => {
                                    drop(put);
                                    made.given_up.join(tally);
                                    continue;
                                }
                            }
                        }
                    };
                    match refused {
                        None => made.put.join(tally),
                        Some(Item(value)) => {
                            value.take(&mut made.returned);
                            if queue.is_shut_down() {
                                break;
                            }
                            yield_now().await;
                        }
                    }
                }
                made
            }

            async fn consume(queue: Arc<$queue<Item>>, mut random: Random) -> Tally {
                let (mut got, mut last) = (Tally::default(), [None; PRODUCERS as usize]);
                loop {
                    let item = match random.below(16) {
                        0..9 => match queue.get().await {
                            Ok(item) => item,
                            Err(_) => return got,
                        },
                        9..11 => match queue.get_guard().await {
                            Ok(guard) => ItemGuard::into_inner(guard),
                            Err(_) => return got,
                        },
                        11..13 => match queue.get_nowait() {
                            Ok(item) => item,
                            Err(GetNowaitError::QueueEmpty) => {
                                yield_now().await;
                                continue;
                            }
                            Err(_) => return got,
                        },
                        _ => match once(queue.get()).await {
                            Some(Ok(item)) => item,
                            Some(Err(_)) => return got,
                            None => {
                                yield_now().await;
                                continue;
                            }
                        },
                    };
                    if $is_fifo {
                        let last = &mut last[item.0.producer as usize];
                        assert!(last.is_none_or(|last| last < item.0.number), "out of order");
                        *last = Some(item.0.number);
                    }
                    item.0.take(&mut got);
                    queue.task_done();
                }
            }

            /// One round; how many items went through.
            async fn round(random: &mut Random) -> u64 {
                let maxsize = MAXSIZES[random.below(MAXSIZES.len() as u64) as usize];
                let (queue, ledger) = (Arc::new($queue::new(maxsize)), Ledger::new());
                let producers: Vec<_> = (0..PRODUCERS)
                    .map(|id| spawn(produce(queue.clone(), id, ledger, random.split())))
                    .collect();
                let consumers: Vec<_> =
                    (0..3).map(|_| spawn(consume(queue.clone(), random.split()))).collect();
                let most = random.below(ROUND) + ROUND / 2;
                let is_immediate = random.one_in(2);
                let mut got = Tally::default();
                while got.count < most {
                    match queue.get_nowait() {
                        Ok(item) => {
                            item.0.take(&mut got);
                            queue.task_done();
                        }
                        Err(_) => yield_now().await,
                    }
                    // Here, too, some consumers may be faster; their part counts for the round as well.
                    if random.one_in(8) {
                        yield_now().await;
                    }
                    if random.one_in(most) {
                        break;
                    }
                }
                queue.shutdown(is_immediate);
                let mut made = Made::default();
                for producer in producers {
                    let one = producer.await.unwrap();
                    made.put.join(one.put);
                    made.returned.join(one.returned);
                    made.given_up.join(one.given_up);
                }
                for consumer in consumers {
                    got.join(consumer.await.unwrap());
                }
                queue.join().await;
                let now = queue.statistics();
                assert_eq!((now.qsize, now.getters, now.putters, now.joiners), (0, 0, 0, 0));
                let (mut taken, through) = (ledger.dropped(), got.count);
                if !is_immediate {
                    assert_eq!(taken, made.given_up, "nothing but given-up puts is dropped");
                }
                taken.join(got);
                made.put.join(made.given_up);
                assert_eq!(taken, made.put);
                through
            }

            #[test]
            fn $module() {
                let mut random = Random::of_test(stringify!($module));
                for workers in WORKER_COUNTS {
                    let (mut left, share) = (0, count() / WORKER_COUNTS.len() as u64);
                    while left < share {
                        left += on_workers(workers, round(&mut random));
                    }
                }
            }
        }
    };
}

stress!(queue_loses_nothing, Queue, true);
stress!(lifo_queue_loses_nothing, LifoQueue, false);
stress!(priority_queue_loses_nothing, PriorityQueue, false);
