//! Locks, semaphores, events, one-value channels.
//!
//! # Ordering arguments
//! - `[ORD-1]` Relaxed: a count that stands for no other data; the event does what is measured.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use super::{SyncCase, together};
use crate::primitives::{Kind, Primitives};
use crate::runtimes::Runtime;

const ROUNDS: usize = 1_000;
const TASKS: usize = 8;

/// See `benches/lock.rs`.
pub struct LockUncontended;

impl SyncCase for LockUncontended {
    const NAME: &'static str = "lock_uncontended";
    const KIND: Kind = Kind::Waits;
    const OPERATIONS: u64 = ROUNDS as u64;

    async fn batch<P: Primitives>() {
        let lock = P::lock();
        for _ in 0..ROUNDS {
            P::add(&lock).await;
        }
    }
}

/// See `benches/lock.rs`.
pub struct LockContended;

impl SyncCase for LockContended {
    const NAME: &'static str = "lock_contended";
    const KIND: Kind = Kind::Waits;
    const OPERATIONS: u64 = (TASKS * ROUNDS) as u64;

    async fn batch<P: Primitives>() {
        let lock = Arc::new(P::lock());
        together::<P, _>(TASKS, |_| {
            let lock = lock.clone();
            async move {
                for _ in 0..ROUNDS {
                    P::add(&lock).await;
                }
            }
        })
        .await;
    }
}

/// See `benches/lock.rs`.
pub struct LockHandOver;

impl SyncCase for LockHandOver {
    const NAME: &'static str = "lock_hand_over";
    const KIND: Kind = Kind::Waits;
    const OPERATIONS: u64 = (TASKS * ROUNDS) as u64;

    async fn batch<P: Primitives>() {
        let lock = Arc::new(P::lock());
        together::<P, _>(TASKS, |_| {
            let lock = lock.clone();
            async move {
                for _ in 0..ROUNDS {
                    P::add_slowly(&lock).await;
                }
            }
        })
        .await;
    }
}

/// See `benches/semaphore.rs`.
pub struct SemaphoreWaits;

impl SyncCase for SemaphoreWaits {
    const NAME: &'static str = "semaphore";
    const KIND: Kind = Kind::Waits;
    const OPERATIONS: u64 = (TASKS * ROUNDS) as u64;

    async fn batch<P: Primitives>() {
        let semaphore = Arc::new(P::semaphore(TASKS / 2));
        together::<P, _>(TASKS, |_| {
            let semaphore = semaphore.clone();
            async move {
                for _ in 0..ROUNDS {
                    P::pass(&semaphore).await;
                }
            }
        })
        .await;
    }
}

/// See `benches/event.rs`.
pub struct EventBroadcast;

impl SyncCase for EventBroadcast {
    const NAME: &'static str = "event_broadcast";
    const KIND: Kind = Kind::Waits;
    const OPERATIONS: u64 = (EVENT_ROUNDS * WAITERS) as u64;

    async fn batch<P: Primitives>() {
        let event = Arc::new(P::event());
        let arrived = Arc::new(AtomicUsize::new(0));
        let waiters = P::Runtime::spawn({
            let (event, arrived) = (event.clone(), arrived.clone());
            async move {
                together::<P, _>(WAITERS, |_| {
                    let (event, arrived) = (event.clone(), arrived.clone());
                    async move {
                        for _ in 0..EVENT_ROUNDS {
                            let arrive = || {
                                arrived.fetch_add(1, Ordering::Relaxed); // [ORD-1]
                            };
                            P::wait(&event, arrive).await;
                        }
                    }
                })
                .await;
            }
        });
        for round in 1..=EVENT_ROUNDS {
            // [ORD-1]
            while arrived.load(Ordering::Relaxed) < round * WAITERS {
                P::Runtime::yield_now().await;
            }
            P::wake_all(&event);
        }
        waiters.await;
    }
}

const WAITERS: usize = 1_000;
const EVENT_ROUNDS: usize = 10;

/// See `benches/oneshot.rs`.
pub struct Oneshot;

impl SyncCase for Oneshot {
    const NAME: &'static str = "oneshot";
    const KIND: Kind = Kind::Waits;
    const OPERATIONS: u64 = ROUNDS as u64;

    async fn batch<P: Primitives>() {
        for value in 0..ROUNDS {
            let (sender, receiver) = P::Runtime::oneshot();
            P::Runtime::send(sender, value);
            assert_eq!(P::Runtime::receive(receiver).await, value);
        }
    }
}
