//! What a case needs of a runtime, and the list of those that are compared.

use std::future::Future;
use std::time::Duration;

use crate::servers::Network;

#[cfg(feature = "peers")]
pub mod async_std;
pub mod bowerbird;
#[cfg(feature = "peers")]
pub mod smol;
#[cfg(feature = "peers")]
pub mod tokio;

/// One runtime, with the words the cases use. Each method forwards to what a user of it would call.
pub trait Runtime: Send + Sized + 'static {
    /// What the reports call it.
    const NAME: &'static str;
    /// After how many timers in a row a task should give way for the runtime to be at its best.
    const TIMERS_A_TURN: u64 = u64::MAX;
    /// A spawned task; awaiting it gives the output (a panic is passed on).
    type Task<T: Send + 'static>: Future<Output = T> + Send + Unpin + 'static;
    /// The sending half of the runtime's own one-value channel.
    type Sender<T: Send + 'static>: Send + 'static;
    /// The receiving half.
    type Receiver<T: Send + 'static>: Send + 'static;
    /// What spawns on it from anywhere.
    type Handle: Clone + Send + 'static;

    /// Starts a runtime, runs `root` **as a task on a worker of it** and shuts the runtime down.
    fn run<F>(workers: usize, root: F) -> F::Output
    where
        F: Future<Output: Send + 'static> + Send + 'static;

    /// Spawns from inside the runtime.
    fn spawn<F>(future: F) -> Self::Task<F::Output>
    where
        F: Future<Output: Send + 'static> + Send + 'static;

    /// Spawns what nobody will await.
    fn spawn_detached<F>(future: F)
    where
        F: Future<Output: Send + 'static> + Send + 'static;

    /// The handle of the runtime that this is called in.
    fn handle() -> Self::Handle;

    /// Spawns from a thread that is none of the runtime's.
    fn spawn_from_outside<F>(handle: &Self::Handle, future: F) -> Self::Task<F::Output>
    where
        F: Future<Output: Send + 'static> + Send + 'static;

    /// The same, of what nobody will await.
    fn spawn_from_outside_detached<F>(handle: &Self::Handle, future: F)
    where
        F: Future<Output: Send + 'static> + Send + 'static,
    {
        drop(Self::spawn_from_outside(handle, future));
    }

    /// Runs a closure on the threads that the runtime keeps for what blocks.
    fn spawn_blocking<F, T>(work: F) -> impl Future<Output = T> + Send
    where
        F: FnOnce() -> T + Send + 'static,
        T: Send + 'static;

    /// Awaits so many ticks of one interval.
    fn ticks(period: Duration, count: u64) -> impl Future<Output = ()> + Send;

    /// Spawns all and gives their outputs in order, as a user of this runtime would write it.
    fn gather<F>(futures: Vec<F>) -> impl Future<Output = Vec<F::Output>> + Send
    where
        F: Future<Output: Send + 'static> + Send + 'static;

    /// Lets the other tasks run once.
    fn yield_now() -> impl Future<Output = ()> + Send;

    /// Waits.
    fn sleep(duration: Duration) -> impl Future<Output: Send> + Send;

    /// Makes a one-value channel.
    fn oneshot<T: Send + 'static>() -> (Self::Sender<T>, Self::Receiver<T>);

    /// Sends the one value.
    fn send<T: Send + 'static>(sender: Self::Sender<T>, value: T);

    /// Waits for it.
    fn receive<T: Send + 'static>(receiver: Self::Receiver<T>) -> impl Future<Output = T> + Send;
}

/// Something to be done for a runtime that is chosen at run time.
pub trait Visitor {
    /// What comes of it.
    type Output;

    /// Does it for `R`.
    fn visit<R: Network>(&mut self) -> Self::Output;
}

/// The names of the runtimes that may start with any number of workers: ours first, then the peers.
pub const NAMES: &[&str] = &[
    OURS,
    #[cfg(feature = "peers")]
    tokio::MultiThread::NAME,
    #[cfg(feature = "peers")]
    tokio::CurrentThread::NAME,
    #[cfg(feature = "peers")]
    smol::Shared::NAME,
    #[cfg(feature = "peers")]
    smol::Static::NAME,
];

/// The names of all runtimes; those behind [`NAMES`] need a process made for them.
#[cfg(feature = "peers")]
pub fn all_names() -> Vec<&'static str> {
    NAMES.iter().copied().chain([async_std::AsyncStd::NAME]).collect()
}

/// The name of the one that is compared with the others.
pub const OURS: &str = "bowerbird";

/// Calls `visitor` for the runtime called `name`, if there is one.
pub fn visit<V: Visitor>(name: &str, visitor: &mut V) -> Option<V::Output> {
    match name {
        OURS => Some(visitor.visit::<bowerbird::Bowerbird>()),
        #[cfg(feature = "peers")]
        name => visit_peer(name, visitor),
        #[cfg(not(feature = "peers"))]
        _ => None,
    }
}

#[cfg(feature = "peers")]
fn visit_peer<V: Visitor>(name: &str, visitor: &mut V) -> Option<V::Output> {
    match name {
        tokio::MultiThread::NAME => Some(visitor.visit::<tokio::MultiThread>()),
        tokio::CurrentThread::NAME => Some(visitor.visit::<tokio::CurrentThread>()),
        smol::Shared::NAME => Some(visitor.visit::<smol::Shared>()),
        smol::Static::NAME => Some(visitor.visit::<smol::Static>()),
        async_std::AsyncStd::NAME => Some(visitor.visit::<async_std::AsyncStd>()),
        _ => None,
    }
}
