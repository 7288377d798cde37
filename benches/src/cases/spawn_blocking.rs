//! An empty closure on the blocking pool, awaited, one after the other.

use super::Case;
use crate::runtimes::Runtime;

/// See `benches/spawn_blocking.rs`.
pub struct SpawnBlocking;

impl Case for SpawnBlocking {
    const NAME: &'static str = "spawn_blocking";
    const OPERATIONS: u64 = 100;

    async fn batch<R: Runtime>() {
        for _ in 0..Self::OPERATIONS {
            R::spawn_blocking(|| ()).await;
        }
    }
}
