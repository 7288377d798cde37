//! What a case about locks and channels needs of a library, and the list of those that are compared.
//!
//! Each library runs where its users run it: tokio's on tokio, async-lock, async-channel and event-listener
//! on smol. flume and kanal know no runtime and have only channels; they run on bowerbird.

use std::future::Future;

use crate::runtimes::{self, Runtime};

mod bowerbird;
mod elsewhere;
mod smol;
mod tokio;

pub use elsewhere::{Flume, Kanal};

/// One library, with the words the cases use. Each method forwards to what a user of it would call.
pub trait Primitives: Send + 'static {
    /// What the reports call it.
    const NAME: &'static str;
    /// Where it runs.
    type Runtime: Runtime;

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
}

/// The kinds of things that a case may be about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Locks, semaphores, events, and one-value channels.
    Waits,
    /// Channels.
    Channels,
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
    if kind == Kind::Channels {
        names.extend([Flume::NAME, Kanal::NAME]);
    }
    names
}

/// Calls `visitor` for the library called `name`, if there is one.
pub fn visit<V: Visitor>(name: &str, visitor: &mut V) -> Option<V::Output> {
    use runtimes::{bowerbird::Bowerbird, smol, tokio};
    match name {
        runtimes::OURS => Some(visitor.visit::<Bowerbird>()),
        <tokio::MultiThread as Runtime>::NAME => Some(visitor.visit::<tokio::MultiThread>()),
        <tokio::CurrentThread as Runtime>::NAME => Some(visitor.visit::<tokio::CurrentThread>()),
        <smol::Shared as Runtime>::NAME => Some(visitor.visit::<smol::Shared>()),
        <smol::Static as Runtime>::NAME => Some(visitor.visit::<smol::Static>()),
        <Flume as Primitives>::NAME => Some(visitor.visit::<Flume>()),
        <Kanal as Primitives>::NAME => Some(visitor.visit::<Kanal>()),
        _ => None,
    }
}
