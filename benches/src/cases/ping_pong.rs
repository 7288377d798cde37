//! 1,000 pairs of tasks; each pair is spawned, and sends a value there and one back.

use super::Case;
use super::countdown::Countdown;
use crate::runtimes::Runtime;

static RUNNING: Countdown = Countdown::new();

/// See `benches/ping_pong.rs`.
pub struct PingPong;

impl Case for PingPong {
    const NAME: &'static str = "ping_pong";
    const OPERATIONS: u64 = 1_000;

    async fn batch<R: Runtime>() {
        RUNNING.start(Self::OPERATIONS);
        for _ in 0..Self::OPERATIONS {
            R::spawn_detached(async {
                let (ping, pinged) = R::oneshot();
                let (pong, ponged) = R::oneshot();
                R::spawn_detached(async {
                    R::receive(pinged).await;
                    R::send(pong, ());
                });
                R::send(ping, ());
                R::receive(ponged).await;
                RUNNING.count_down();
            });
        }
        RUNNING.wait().await;
    }
}
