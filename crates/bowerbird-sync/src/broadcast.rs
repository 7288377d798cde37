//! A channel whose every value reaches every receiver.
//!
//! The last values stand in a ring of fixed capacity. A receiver that is slower than the ring is long does not hold
//! the sender up: it loses the oldest values, and is told how many ([`RecvError::Lagged`]). A value is dropped as
//! soon as all have seen it; the last to see it gets it itself, the others get clones, which are made outside of all
//! locks.
//!
//! Any number of senders and receivers. Those who hold a [`Sender`] or a [`Receiver`] keep their side alive, a
//! [`WeakSender`] does not.
//!
//! asyncio: no counterpart; there each consumer gets a `Queue` of its own. tokio: `tokio::sync::broadcast`, with the
//! same names; its ring is rounded up to a power of two, this one has the capacity that was asked for.
//!
//! # Examples
//! ```
//! use bowerbird::sync::broadcast::{self, RecvError};
//! bowerbird::run(async {
//!     let (sender, mut fast) = broadcast::channel(2);
//!     let mut slow = sender.subscribe();
//!     for number in 0..3 {
//!         assert_eq!(sender.send(number), Ok(2));
//!         assert_eq!(fast.recv().await, Ok(number));
//!     }
//!     drop(sender);
//!     assert_eq!(slow.recv().await, Err(RecvError::Lagged(1)));
//!     assert_eq!(slow.recv().await, Ok(1));
//!     assert_eq!(slow.recv().await, Ok(2));
//!     assert_eq!(slow.recv().await, Err(RecvError::Closed));
//! });
//! ```

use bowerbird_base::sync::Arc;

mod errors;
mod receiver;
mod sender;
mod shared;

pub use errors::{Lagged, RecvError, SendError, TryRecvError};
pub use receiver::{BroadcastStream, Receiver, Recv};
pub use sender::{Closed, Sender, WeakSender};

use shared::Shared;

/// Makes a channel that keeps the last `capacity` values.
///
/// asyncio: no counterpart. tokio: `broadcast::channel`.
///
/// # Panics
/// If `capacity` is 0.
///
/// # Examples
/// ```
/// let (sender, mut receiver) = bowerbird::sync::broadcast::channel(16);
/// sender.send("hello").unwrap();
/// assert_eq!(receiver.try_recv(), Ok("hello"));
/// ```
#[track_caller]
pub fn channel<T>(capacity: usize) -> (Sender<T>, Receiver<T>) {
    let sender = Sender::new(capacity);
    let receiver = sender.subscribe();
    (sender, receiver)
}

/// What a broadcast channel holds and who waits, see [`Sender::statistics`].
///
/// asyncio: no counterpart. trio: `MemoryChannelStatistics`.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct BroadcastStatistics {
    /// How many values are kept because somebody has not seen them.
    pub len: usize,
    /// How many are kept at most.
    pub capacity: usize,
    /// How many senders there are.
    pub senders: usize,
    /// How many weak senders there are.
    pub weak_senders: usize,
    /// How many receivers there are.
    pub receivers: usize,
    /// How many of them wait for a value and have not been woken.
    pub waiting: usize,
}

fn is_same<T>(one: &Arc<Shared<T>>, other: &Arc<Shared<T>>) -> bool {
    Arc::ptr_eq(one, other)
}

bowerbird_base::model_or_real! {
    {
        #[cfg(test)]
        mod loom_tests;
    }
    {
        #[cfg(test)]
        mod tests;
    }
}
