//! 200 tasks yield 1,000 times each.

use super::Case;
use crate::runtimes::Runtime;

const TASKS: u64 = 200;
const YIELDS: u64 = 1_000;

/// See `benches/yield_many.rs`.
pub struct YieldMany;

impl Case for YieldMany {
    const NAME: &'static str = "yield_many";
    const OPERATIONS: u64 = TASKS * YIELDS;

    async fn batch<R: Runtime>() {
        let mut tasks = Vec::with_capacity(TASKS as usize);
        for _ in 0..TASKS {
            tasks.push(R::spawn(async {
                for _ in 0..YIELDS {
                    R::yield_now().await;
                }
            }));
        }
        for task in tasks {
            task.await;
        }
    }
}
