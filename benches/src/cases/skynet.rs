//! A tree of tasks with a million leaves.

use std::future::Future;

use super::Case;
use crate::runtimes::Runtime;

const LEAVES: u64 = 1_000_000;
const CHILDREN: u64 = 10;

/// Every task spawns ten, down to a million leaves, each of which gives its number; the sums go up again. A slower
/// number than `fib`'s, which is the same in small, means that a large number of tasks at a time costs extra: memory
/// that is not reused, or a list that grows.
pub struct Skynet;

impl Case for Skynet {
    const NAME: &'static str = "skynet";
    // Six levels of inner tasks above the leaves.
    const OPERATIONS: u64 = (LEAVES * CHILDREN - 1) / (CHILDREN - 1);

    async fn batch<R: Runtime>() {
        let sum = R::spawn(node::<R>(0, LEAVES)).await;
        assert_eq!(sum, LEAVES * (LEAVES - 1) / 2);
    }
}

// Not an `async fn`: only a declared `Send` can be relied upon inside the recursion.
#[allow(clippy::manual_async_fn, reason = "the bound is needed")]
fn node<R: Runtime>(first: u64, leaves: u64) -> impl Future<Output = u64> + Send + 'static {
    async move {
        if leaves == 1 {
            return first;
        }
        let part = leaves / CHILDREN;
        let mut children = Vec::with_capacity(CHILDREN as usize);
        for index in 0..CHILDREN {
            children.push(R::spawn(node::<R>(first + index * part, part)));
        }
        let mut sum = 0;
        for child in children {
            sum += child.await;
        }
        sum
    }
}
