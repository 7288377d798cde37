//! Bounded channels.

use super::{SyncCase, together};
use crate::primitives::{Kind, Primitives};
use crate::runtimes::Runtime;

const VALUES: u64 = 8_000;
const CAPACITY: usize = 128;
/// How many tasks stand in the ring, and how often a token is handed on.
const RING: usize = 100;
const HOPS: u64 = 100 * RING as u64;

/// See `benches/mpsc.rs`.
pub struct Mpsc1;

impl SyncCase for Mpsc1 {
    const NAME: &'static str = "mpsc_1";
    const KIND: Kind = Kind::Channels;
    const OPERATIONS: u64 = VALUES;

    async fn batch<P: Primitives>() {
        transfer::<P>(1).await;
    }
}

/// See `benches/mpsc.rs`.
pub struct Mpsc8;

impl SyncCase for Mpsc8 {
    const NAME: &'static str = "mpsc_8";
    const KIND: Kind = Kind::Channels;
    const OPERATIONS: u64 = VALUES;

    async fn batch<P: Primitives>() {
        transfer::<P>(8).await;
    }
}

/// See `benches/token_pass.rs`.
pub struct TokenPass;

impl SyncCase for TokenPass {
    const NAME: &'static str = "token_pass";
    const KIND: Kind = Kind::Channels;
    const OPERATIONS: u64 = HOPS;

    async fn batch<P: Primitives>() {
        let (first, mut left) = P::channel(1);
        let mut ring = Vec::with_capacity(RING);
        for _ in 1..RING {
            let (sender, receiver) = P::channel(1);
            ring.push(P::Runtime::spawn(hand_on::<P>(left, sender)));
            left = receiver;
        }
        ring.push(P::Runtime::spawn(hand_on::<P>(left, first.clone())));
        P::send(&first, HOPS).await;
        drop(first);
        for task in ring {
            task.await;
        }
    }
}

/// Hands the token to the next one. Who gets the last token ends, then the next ends, and so all do.
async fn hand_on<P: Primitives>(mut left: P::Receiver, right: P::Sender) {
    while let Some(token) = P::receive(&mut left).await {
        if token == 1 {
            return;
        }
        P::send(&right, token - 1).await;
    }
}

/// Sends all values from so many tasks to one, which checks their sum.
async fn transfer<P: Primitives>(producers: u64) {
    let each = VALUES / producers;
    let (sender, mut receiver) = P::channel(CAPACITY);
    let sum = P::Runtime::spawn(async move {
        let mut sum = 0;
        while let Some(value) = P::receive(&mut receiver).await {
            sum += value;
        }
        sum
    });
    let senders: Vec<_> = (0..producers).map(|_| sender.clone()).collect();
    drop(sender);
    together::<P, _>(producers as usize, |index| {
        let sender = senders[index].clone();
        async move {
            for value in 0..each {
                P::send(&sender, value).await;
            }
        }
    })
    .await;
    drop(senders);
    assert_eq!(sum.await, producers * (each * (each - 1) / 2));
}
