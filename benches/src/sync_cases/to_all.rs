//! Channels to everybody: of the last value, and of every value.
//!
//! # Ordering arguments
//! - `[ORD-1]` Relaxed: a count that stands for no other data; the values went through the channel.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use super::{SyncCase, together};
use crate::primitives::{Kind, Primitives};
use crate::runtimes::Runtime;

const VALUES: usize = 2_000;
const RECEIVERS: usize = 1_000;
const ROUNDS: usize = 10;
/// How many values are on their way at a time, where every one is received.
const BATCH: usize = 100;
const CAPACITY: usize = 128;

/// See `benches/watch.rs`.
pub struct Watch1;

impl SyncCase for Watch1 {
    const NAME: &'static str = "watch_1";
    const KIND: Kind = Kind::Watches;
    const OPERATIONS: u64 = VALUES as u64;

    async fn batch<P: Primitives>() {
        watch::<P>(1, VALUES).await;
    }
}

/// See `benches/watch.rs`.
pub struct Watch1000;

impl SyncCase for Watch1000 {
    const NAME: &'static str = "watch_1000";
    const KIND: Kind = Kind::Watches;
    const OPERATIONS: u64 = (RECEIVERS * ROUNDS) as u64;

    async fn batch<P: Primitives>() {
        watch::<P>(RECEIVERS, ROUNDS).await;
    }
}

/// See `benches/broadcast.rs`.
pub struct Broadcast1;

impl SyncCase for Broadcast1 {
    const NAME: &'static str = "broadcast_1";
    const KIND: Kind = Kind::Broadcasts;
    const OPERATIONS: u64 = VALUES as u64;

    async fn batch<P: Primitives>() {
        broadcast::<P>(1, VALUES, BATCH).await;
    }
}

/// See `benches/broadcast.rs`.
pub struct Broadcast1000;

impl SyncCase for Broadcast1000 {
    const NAME: &'static str = "broadcast_1000";
    const KIND: Kind = Kind::Broadcasts;
    const OPERATIONS: u64 = (RECEIVERS * ROUNDS) as u64;

    async fn batch<P: Primitives>() {
        broadcast::<P>(RECEIVERS, ROUNDS, 1).await;
    }
}

/// Counts what was received, so that who sends can wait for it.
#[derive(Clone, Default)]
struct Received(Arc<AtomicUsize>);

impl Received {
    fn one(&self) {
        self.0.fetch_add(1, Ordering::Relaxed); // [ORD-1]
    }

    async fn wait_for<P: Primitives>(&self, count: usize) {
        // [ORD-1]
        while self.0.load(Ordering::Relaxed) < count {
            P::Runtime::yield_now().await;
        }
    }
}

/// Sets the value so often, each time when all receivers have seen the one before.
async fn watch<P: Primitives>(receivers: usize, values: usize) {
    let (sender, receiver) = P::watch();
    let received = Received::default();
    let all = P::Runtime::spawn({
        let received = received.clone();
        async move {
            together::<P, _>(receivers, |_| {
                let (mut receiver, received) = (receiver.clone(), received.clone());
                async move {
                    for value in 1..=values as u64 {
                        assert_eq!(P::change(&mut receiver).await, value);
                        received.one();
                    }
                }
            })
            .await;
        }
    });
    for value in 1..=values {
        P::set(&sender, value as u64);
        received.wait_for::<P>(value * receivers).await;
    }
    all.await;
}

/// Sends so many values, a batch each time when all receivers have got the one before.
async fn broadcast<P: Primitives>(receivers: usize, values: usize, batch: usize) {
    let (sender, receiver) = P::broadcast(CAPACITY);
    let received = Received::default();
    // Each is moved to its task: one that stayed here would keep every value from being forgotten.
    let all = Mutex::new((1..receivers).map(|_| P::join_in(&receiver)).collect::<Vec<_>>());
    all.lock().expect("nobody panics").push(receiver);
    let all = P::Runtime::spawn({
        let received = received.clone();
        async move {
            together::<P, _>(receivers, |_| {
                let receiver = all.lock().expect("nobody panics").pop();
                let mut receiver = receiver.expect("as many receivers as tasks");
                let received = received.clone();
                async move {
                    for value in 0..values as u64 {
                        assert_eq!(P::hear(&mut receiver).await, value);
                        received.one();
                    }
                }
            })
            .await;
        }
    });
    for value in 0..values {
        if value % batch == 0 {
            received.wait_for::<P>(value * receivers).await;
        }
        P::tell(&sender, value as u64).await;
    }
    all.await;
}
