//! Each task spawns the next; the last one tells the first.

use std::future::Future;

use super::Case;
use crate::runtimes::Runtime;

/// See `benches/chained_spawn.rs`.
pub struct ChainedSpawn;

impl Case for ChainedSpawn {
    const NAME: &'static str = "chained_spawn";
    const OPERATIONS: u64 = 1_000;

    async fn batch<R: Runtime>() {
        let (sender, receiver) = R::oneshot();
        R::spawn_detached(link::<R>(Self::OPERATIONS - 1, sender));
        R::receive(receiver).await;
    }
}

// Not an `async fn`: only a declared `Send` can be relied upon inside the recursion.
#[allow(clippy::manual_async_fn, reason = "the bound is needed")]
fn link<R: Runtime>(left: u64, end: R::Sender<()>) -> impl Future<Output = ()> + Send + 'static {
    async move {
        if left == 0 {
            R::send(end, ());
        } else {
            R::spawn_detached(link::<R>(left - 1, end));
        }
    }
}
