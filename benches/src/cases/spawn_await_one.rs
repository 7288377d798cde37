//! Spawn and await, one after the other.

use super::Case;
use crate::runtimes::Runtime;

/// See `benches/spawn_await_one.rs`.
pub struct SpawnAwaitOne;

impl Case for SpawnAwaitOne {
    const NAME: &'static str = "spawn_await_one";
    const OPERATIONS: u64 = 1_000;

    async fn batch<R: Runtime>() {
        for _ in 0..Self::OPERATIONS {
            R::spawn(async {}).await;
        }
    }
}
