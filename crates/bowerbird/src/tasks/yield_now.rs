//! One turn for the others.

use std::pin::Pin;
use std::task::{Context, Poll};

use bowerbird_base::poll_context;

use crate::CancelSafe;

/// Lets everything that is ready run once before this task goes on.
///
/// asyncio: `sleep(0)`.
///
/// # Cancel safety
/// Nothing is lost.
///
/// # Examples
/// ```
/// bowerbird::run(async {
///     let mut turns = 0;
///     while turns < 3 {
///         bowerbird::yield_now().await; // others run here
///         turns += 1;
///     }
///     assert_eq!(turns, 3);
/// });
/// ```
pub fn yield_now() -> YieldNow {
    YieldNow { has_yielded: false }
}

/// The future of [`yield_now`].
#[derive(Debug)]
#[must_use = "futures do nothing unless awaited"]
pub struct YieldNow {
    has_yielded: bool,
}

impl CancelSafe for YieldNow {}

impl Future for YieldNow {
    type Output = ();

    #[inline]
    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        if self.has_yielded && !(poll_context::needs_attention() && poll_context::is_offered()) {
            return Poll::Ready(());
        }
        self.has_yielded = true;
        poll_context::note_wait("yield", 0, None);
        poll_context::yield_now(cx);
        Poll::Pending
    }
}
