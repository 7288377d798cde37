//! Channels under stress: values go through while senders, receivers and their waits are dropped at random, and
//! each value is accounted for. Nothing is lost, doubled, or out of order.
//!
//! `cargo xtask stress-channels [count]` runs it in full; the normal run takes a small part. The seed is printed,
//! and `BOWERBIRD_STRESS_SEED` takes it.
//!
//! One module a kind of channel. What a module needs: [`count`], how many values; [`Random`], from the seed;
//! [`ledger`], where each value is entered.

mod ledger;
mod broadcast;
mod many;
mod oneshot;
mod queue;
mod watch;

use std::env;
use std::time::{SystemTime, UNIX_EPOCH};

/// So many values in the normal run.
const SMALL: u64 = 100_000;

/// How many values are to go through each channel.
fn count() -> u64 {
    number("BOWERBIRD_STRESS_COUNT").unwrap_or(SMALL)
}

fn number(variable: &str) -> Option<u64> {
    let text = env::var(variable).ok()?;
    Some(text.parse().unwrap_or_else(|_| panic!("{variable}={text}: expected a whole number")))
}

/// Random numbers (xorshift64*), repeatable by their seed.
struct Random(u64);

impl Random {
    /// The source for a test, whose seed is printed.
    fn of_test(name: &str) -> Self {
        let seed = number("BOWERBIRD_STRESS_SEED").unwrap_or_else(|| {
            let now = SystemTime::now().duration_since(UNIX_EPOCH);
            now.map_or(1, |now| now.as_nanos() as u64 >> 10)
        });
        println!("{name}: BOWERBIRD_STRESS_SEED={seed}");
        let mut random = Self(seed.max(1));
        random.next();
        random
    }

    fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d)
    }

    fn below(&mut self, end: u64) -> u64 {
        (self.next() >> 11) % end
    }

    /// Is true once in `times`.
    fn one_in(&mut self, times: u64) -> bool {
        self.below(times) == 0
    }

    /// Another source, for another task.
    fn split(&mut self) -> Self {
        Self(self.next() | 1)
    }
}
