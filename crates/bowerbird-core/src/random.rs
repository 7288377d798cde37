//! Random choices of combinators: from the worker's generator, so that a seed repeats them.

use std::cell::OnceCell;

use bowerbird_base::const_thread_local;
use bowerbird_base::rng::{Rng, random_seed};

use crate::current;

const_thread_local! {
    /// For threads that are no workers.
    static OUTSIDE: OnceCell<Rng> = OnceCell::new();
}

/// Gives a number below `bound`, which must not be zero.
///
/// In a task it comes from the generator of the worker, which `Config::seed` seeds: with one worker, the same
/// seed gives the same choices.
pub fn random_below(bound: u32) -> u32 {
    current::with_occupant(|occupant| match occupant {
        Some(occupant) => occupant.core().rng.below(bound),
        None => OUTSIDE.with(|rng| rng.get_or_init(|| Rng::new(random_seed())).below(bound)),
    })
}
