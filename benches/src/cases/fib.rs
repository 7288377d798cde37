//! The Fibonacci number of 18, a task for every call.

use std::future::Future;
use std::hint::black_box;

use super::Case;
use crate::runtimes::Runtime;

const N: u32 = 18;

/// See `benches/fib.rs`.
pub struct Fib;

impl Case for Fib {
    const NAME: &'static str = "fib";
    const OPERATIONS: u64 = calls(N);

    async fn batch<R: Runtime>() {
        black_box(R::spawn(fib::<R>(N)).await);
    }
}

const fn calls(n: u32) -> u64 {
    if n < 2 { 1 } else { 1 + calls(n - 1) + calls(n - 2) }
}

// Not an `async fn`: only a declared `Send` can be relied upon inside the recursion.
#[allow(clippy::manual_async_fn, reason = "the bound is needed")]
fn fib<R: Runtime>(n: u32) -> impl Future<Output = u64> + Send + 'static {
    async move {
        if n < 2 {
            return u64::from(n);
        }
        let left = R::spawn(fib::<R>(n - 1));
        let right = R::spawn(fib::<R>(n - 2));
        left.await + right.await
    }
}
