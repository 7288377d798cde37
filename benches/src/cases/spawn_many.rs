//! A task spawns 10,000 and waits for all of them.

use super::Case;
use super::countdown::Countdown;
use crate::runtimes::Runtime;

static RUNNING: Countdown = Countdown::new();

/// See `benches/spawn_many_local.rs`.
pub struct SpawnManyLocal;

impl Case for SpawnManyLocal {
    const NAME: &'static str = "spawn_many_local";
    const OPERATIONS: u64 = 10_000;

    async fn batch<R: Runtime>() {
        RUNNING.start(Self::OPERATIONS);
        for _ in 0..Self::OPERATIONS {
            R::spawn_detached(async { RUNNING.count_down() });
        }
        RUNNING.wait().await;
    }
}
