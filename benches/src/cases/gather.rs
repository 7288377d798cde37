//! Gather 1,000 children.

use std::hint::black_box;

use super::Case;
use crate::runtimes::Runtime;

/// See `benches/gather_1000.rs`.
pub struct Gather1000;

impl Case for Gather1000 {
    const NAME: &'static str = "gather_1000";
    const OPERATIONS: u64 = 1_000;

    async fn batch<R: Runtime>() {
        let children = (0..Self::OPERATIONS).map(|index| async move { index }).collect();
        black_box(R::gather(children).await);
    }
}
