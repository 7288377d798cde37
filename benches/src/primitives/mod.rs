//! What a case about locks and channels needs of a library, and the list of those that are compared.
//!
//! Each library runs where its users run it: tokio's on tokio, async-lock, async-channel, async-broadcast and
//! event-listener on smol. flume and kanal know no runtime and have only channels; they run on bowerbird.

use std::future::Future;

use crate::runtimes;
#[cfg(feature = "peers")]
use crate::runtimes::Runtime;
use crate::servers::Network;

/// What smol, flume and kanal do not have; no case asks for it.
macro_rules! no_watch {
    () => {
        type WatchSender = ();
        type WatchReceiver = ();

        fn watch() -> ((), ()) {
            ((), ())
        }
        fn set((): &(), _value: u64) {}
        async fn change((): &mut ()) -> u64 {
            0
        }
    };
}

mod bowerbird;
mod elsewhere;
#[cfg(feature = "peers")]
mod smol;
#[cfg(feature = "peers")]
mod tokio;

pub use elsewhere::OwnQueue;
#[cfg(feature = "peers")]
pub use elsewhere::{Flume, Kanal};

/// One library, with the words the cases use. Each method forwards to what a user of it would call.
pub trait Primitives: Send + 'static {
    /// What the reports call it.
    const NAME: &'static str;
    /// Where it runs.
    type Runtime: Network;

    /// A lock around a number.
    type Lock: Send + Sync + 'static;
    /// Makes it.
    fn lock() -> Self::Lock;
    /// Takes the lock, adds one, gives it back.
    fn add(lock: &Self::Lock) -> impl Future<Output = ()> + Send;
    /// The same, but yields in between, so that the others come and wait.
    fn add_slowly(lock: &Self::Lock) -> impl Future<Output = ()> + Send;

    /// A semaphore.
    type Semaphore: Send + Sync + 'static;
    /// Makes it.
    fn semaphore(permits: usize) -> Self::Semaphore;
    /// Takes a permit, yields, gives it back.
    fn pass(semaphore: &Self::Semaphore) -> impl Future<Output = ()> + Send;

    /// What wakes all who wait.
    type Event: Send + Sync + 'static;
    /// Makes it, not set.
    fn event() -> Self::Event;
    /// Waits; `arrived` is called when this wait is sure to be woken.
    fn wait(event: &Self::Event, arrived: impl FnOnce() + Send) -> impl Future<Output = ()> + Send;
    /// Wakes all.
    fn wake_all(event: &Self::Event);

    /// The sending half of a bounded channel with many senders.
    type Sender: Clone + Send + Sync + 'static;
    /// The receiving half.
    type Receiver: Send + 'static;
    /// Makes a channel.
    fn channel(capacity: usize) -> (Self::Sender, Self::Receiver);
    /// Sends.
    fn send(sender: &Self::Sender, value: u64) -> impl Future<Output = ()> + Send;
    /// Receives; `None` at the end.
    fn receive(receiver: &mut Self::Receiver) -> impl Future<Output = Option<u64>> + Send;

    /// What gives the last value to all receivers: the sending half.
    type WatchSender: Send + Sync + 'static;
    /// The receiving half.
    type WatchReceiver: Clone + Send + Sync + 'static;
    /// Makes it, with 0.
    fn watch() -> (Self::WatchSender, Self::WatchReceiver);
    /// Sets the value.
    fn set(sender: &Self::WatchSender, value: u64);
    /// Waits for a change and reads the value.
    fn change(receiver: &mut Self::WatchReceiver) -> impl Future<Output = u64> + Send;

    /// What gives every value to all receivers: the sending half.
    type BroadcastSender: Send + Sync + 'static;
    /// The receiving half.
    type BroadcastReceiver: Send + 'static;
    /// Makes it.
    fn broadcast(capacity: usize) -> (Self::BroadcastSender, Self::BroadcastReceiver);
    /// Makes another receiver.
    fn join_in(receiver: &Self::BroadcastReceiver) -> Self::BroadcastReceiver;
    /// Sends to all; the case makes sure that there is room.
    fn tell(sender: &Self::BroadcastSender, value: u64) -> impl Future<Output = ()> + Send;
    /// Receives.
    fn hear(receiver: &mut Self::BroadcastReceiver) -> impl Future<Output = u64> + Send;
}

/// The kinds of things that a case may be about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Locks, semaphores, events, and one-value channels.
    Waits,
    /// Channels.
    Channels,
    /// Channels of the last value.
    Watches,
    /// Channels of every value to everybody.
    Broadcasts,
}

/// Something to be done for a library that is chosen at run time.
pub trait Visitor {
    /// What comes of it.
    type Output;

    /// Does it for `P`.
    fn visit<P: Primitives>(&mut self) -> Self::Output;
}

/// The names of all that have this kind: ours first, then the peers.
pub fn names(kind: Kind) -> Vec<&'static str> {
    let mut names = runtimes::NAMES.to_vec();
    match kind {
        Kind::Channels => names.extend(CHANNELS_ONLY),
        Kind::Watches => names.retain(|name| !WITHOUT_WATCH.contains(name)),
        Kind::Waits | Kind::Broadcasts => {}
    }
    names
}

/// Those that have nothing but channels.
const CHANNELS_ONLY: &[&str] = &[
    OwnQueue::NAME,
    #[cfg(feature = "peers")]
    Flume::NAME,
    #[cfg(feature = "peers")]
    Kanal::NAME,
];

/// Those that have no watch channel.
const WITHOUT_WATCH: &[&str] = &[
    #[cfg(feature = "peers")]
    <runtimes::smol::Shared as Runtime>::NAME,
    #[cfg(feature = "peers")]
    <runtimes::smol::Static as Runtime>::NAME,
];

/// Calls `visitor` for the library called `name`, if there is one.
pub fn visit<V: Visitor>(name: &str, visitor: &mut V) -> Option<V::Output> {
    use runtimes::bowerbird::Bowerbird;
    match name {
        runtimes::OURS => Some(visitor.visit::<Bowerbird>()),
        <OwnQueue as Primitives>::NAME => Some(visitor.visit::<OwnQueue>()),
        #[cfg(feature = "peers")]
        name => visit_peer(name, visitor),
        #[cfg(not(feature = "peers"))]
        _ => None,
    }
}

#[cfg(feature = "peers")]
fn visit_peer<V: Visitor>(name: &str, visitor: &mut V) -> Option<V::Output> {
    use runtimes::{smol, tokio};
    match name {
        <tokio::MultiThread as Runtime>::NAME => Some(visitor.visit::<tokio::MultiThread>()),
        <tokio::CurrentThread as Runtime>::NAME => Some(visitor.visit::<tokio::CurrentThread>()),
        <smol::Shared as Runtime>::NAME => Some(visitor.visit::<smol::Shared>()),
        <smol::Static as Runtime>::NAME => Some(visitor.visit::<smol::Static>()),
        <Flume as Primitives>::NAME => Some(visitor.visit::<Flume>()),
        <Kanal as Primitives>::NAME => Some(visitor.visit::<Kanal>()),
        _ => None,
    }
}
