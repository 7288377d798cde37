//! Waiting for other tasks without a clock.

/// Yields until the condition holds.
pub async fn until(mut holds: impl FnMut() -> bool) {
    while !holds() {
        bowerbird::yield_now().await;
    }
}

/// Gives everything that is ready so many turns.
pub async fn turns(count: usize) {
    for _ in 0..count {
        bowerbird::yield_now().await;
    }
}
