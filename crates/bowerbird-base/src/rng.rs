//! A small seeded generator for choosing victims: fast, repeatable, not for secrets.

use std::cell::Cell;
use std::hash::{BuildHasher, RandomState};

/// A xorshift64* generator (Vigna, "An experimental exploration of Marsaglia's xorshift generators,
/// scrambled", 2016).
#[derive(Debug)]
pub struct Rng(Cell<u64>);

impl Rng {
    /// Makes a generator; the same seed gives the same numbers.
    pub fn new(seed: u64) -> Self {
        // The state must not be zero; spread neighbouring seeds with splitmix64's finalizer.
        let mut z = seed.wrapping_add(0x9e37_79b9_7f4a_7c15);
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        Self(Cell::new((z ^ (z >> 31)) | 1))
    }

    /// Gives the next 32 bits.
    #[inline]
    pub fn next_u32(&self) -> u32 {
        let mut x = self.0.get();
        x ^= x >> 12;
        x ^= x << 25;
        x ^= x >> 27;
        self.0.set(x);
        (x.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 32) as u32
    }

    /// Gives a number below `bound`, which must not be zero.
    ///
    /// Lemire's multiplication ("Fast random integer generation in an interval", 2019) without the
    /// rejection step: the bias is at most `bound / 2^32`.
    #[inline]
    pub fn below(&self, bound: u32) -> u32 {
        debug_assert!(bound > 0, "below(0) has no answer");
        ((u64::from(self.next_u32()) * u64::from(bound)) >> 32) as u32
    }
}

/// Gives a seed that differs from process to process and from call to call.
pub fn random_seed() -> u64 {
    RandomState::new().hash_one(0x626f_7765_7262_6972_u64)
}

#[cfg(test)]
mod tests {
    use super::Rng;

    #[test]
    fn same_seed_same_numbers() {
        let (a, b) = (Rng::new(7), Rng::new(7));
        assert!((0..100).all(|_| a.next_u32() == b.next_u32()));
    }

    #[test]
    fn below_reaches_every_value_and_no_other() {
        let rng = Rng::new(0);
        let mut seen = [0_u32; 7];
        (0..7_000).for_each(|_| seen[rng.below(7) as usize] += 1);
        assert!(seen.iter().all(|&count| count > 700), "{seen:?}");
    }
}
