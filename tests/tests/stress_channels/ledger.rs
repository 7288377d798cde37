//! The accounts of a stress run.
//!
//! # Ordering arguments
//! - `[ORD-1]` Relaxed: counters that are read when all tasks have been awaited.

use std::sync::atomic::{AtomicU64, Ordering};

/// A set of values in two numbers: how many, and the sum of their hashes. A value that is missing and another
/// one that came twice do not cancel out.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Tally {
    pub(crate) count: u64,
    hashes: u64,
}

impl Tally {
    pub(crate) fn add(&mut self, value: &Value) {
        self.count += 1;
        self.hashes = self.hashes.wrapping_add(value.hash());
    }

    pub(crate) fn join(&mut self, other: Self) {
        self.count += other.count;
        self.hashes = self.hashes.wrapping_add(other.hashes);
    }
}

/// Where values that are dropped on their way are entered.
#[derive(Default)]
pub(crate) struct Ledger {
    count: AtomicU64,
    hashes: AtomicU64,
}

impl Ledger {
    /// A ledger for one round. Values point to it, and the last may be dropped at any time: it is leaked.
    pub(crate) fn new() -> &'static Self {
        Box::leak(Box::default())
    }

    /// What was dropped without being taken.
    pub(crate) fn dropped(&self) -> Tally {
        // [ORD-1]
        let (count, hashes) =
            (self.count.load(Ordering::Relaxed), self.hashes.load(Ordering::Relaxed));
        Tally { count, hashes }
    }
}

/// A value on its way: the `number`th of a producer.
pub(crate) struct Value {
    pub(crate) producer: u32,
    pub(crate) number: u32,
    ledger: &'static Ledger,
}

impl Value {
    pub(crate) fn new(producer: u32, number: u32, ledger: &'static Ledger) -> Self {
        Self { producer, number, ledger }
    }

    fn hash(&self) -> u64 {
        // One step of splitmix64.
        let mut hash = u64::from(self.producer) << 32 | u64::from(self.number);
        hash = (hash ^ hash >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        hash = (hash ^ hash >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        hash ^ hash >> 31
    }

    /// Takes it off its way: it is in `tally` now, and is not entered when it is dropped.
    pub(crate) fn take(self, tally: &mut Tally) {
        tally.add(&self);
        std::mem::forget(self);
    }
}

impl Drop for Value {
    fn drop(&mut self) {
        self.ledger.count.fetch_add(1, Ordering::Relaxed); // [ORD-1]
        self.ledger.hashes.fetch_add(self.hash(), Ordering::Relaxed); // [ORD-1]
    }
}

#[test]
fn value_is_in_one_account() {
    let (ledger, mut taken, mut made) = (Ledger::new(), Tally::default(), Tally::default());
    for number in 0..10 {
        let value = Value::new(1, number, ledger);
        made.add(&value);
        if number % 2 == 0 {
            value.take(&mut taken);
        }
    }
    assert_eq!((taken.count, ledger.dropped().count), (5, 5));
    taken.join(ledger.dropped());
    assert_eq!(taken, made);
    Value::new(1, 0, ledger).take(&mut taken);
    assert_ne!(taken, made);
}
