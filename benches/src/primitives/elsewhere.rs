//! Channels of libraries that know no runtime and have nothing else, and our `Queue`: on bowerbird.

use std::sync::Arc;

use bowerbird::sync::Queue;

use super::Primitives;
use crate::runtimes::bowerbird::Bowerbird;

/// flume's channels.
#[cfg(feature = "peers")]
pub struct Flume;

/// kanal's channels.
#[cfg(feature = "peers")]
pub struct Kanal;

/// Our own `Queue`, in the place of a channel.
pub struct OwnQueue;

/// What these libraries do not have; no case asks for it.
macro_rules! nothing_but_channels {
    () => {
        type Runtime = Bowerbird;
        type Lock = ();
        type Semaphore = ();
        type Event = ();

        fn lock() {}
        async fn add((): &()) {}
        async fn add_slowly((): &()) {}
        fn semaphore(_permits: usize) {}
        async fn pass((): &()) {}
        fn event() {}
        async fn wait((): &(), _arrived: impl FnOnce() + Send) {}
        fn wake_all((): &()) {}

        no_watch!();

        type BroadcastSender = ();
        type BroadcastReceiver = ();

        fn broadcast(_capacity: usize) -> ((), ()) {
            ((), ())
        }
        fn join_in((): &()) {}
        async fn tell((): &(), _value: u64) {}
        async fn hear((): &mut ()) -> u64 {
            0
        }
    };
}

#[cfg(feature = "peers")]
impl Primitives for Flume {
    const NAME: &'static str = "flume";
    nothing_but_channels!();

    type Sender = flume::Sender<u64>;
    type Receiver = flume::Receiver<u64>;

    fn channel(capacity: usize) -> (Self::Sender, Self::Receiver) {
        flume::bounded(capacity)
    }

    async fn send(sender: &Self::Sender, value: u64) {
        sender.send_async(value).await.expect("the receiver is there");
    }

    async fn receive(receiver: &mut Self::Receiver) -> Option<u64> {
        receiver.recv_async().await.ok()
    }
}

#[cfg(feature = "peers")]
impl Primitives for Kanal {
    const NAME: &'static str = "kanal";
    nothing_but_channels!();

    type Sender = kanal::AsyncSender<u64>;
    type Receiver = kanal::AsyncReceiver<u64>;

    fn channel(capacity: usize) -> (Self::Sender, Self::Receiver) {
        kanal::bounded_async(capacity)
    }

    async fn send(sender: &Self::Sender, value: u64) {
        sender.send(value).await.expect("the receiver is there");
    }

    async fn receive(receiver: &mut Self::Receiver) -> Option<u64> {
        receiver.recv().await.ok()
    }
}

/// Shuts the queue down when the last one goes, as a channel does.
#[derive(Debug)]
pub struct Putter(Arc<Queue<u64>>);

impl Drop for Putter {
    fn drop(&mut self) {
        self.0.shutdown(false);
    }
}

impl Primitives for OwnQueue {
    const NAME: &'static str = "bowerbird-queue";
    nothing_but_channels!();

    type Sender = Arc<Putter>;
    type Receiver = Arc<Queue<u64>>;

    fn channel(capacity: usize) -> (Self::Sender, Self::Receiver) {
        let queue = Arc::new(Queue::new(capacity));
        (Arc::new(Putter(queue.clone())), queue)
    }

    async fn send(sender: &Self::Sender, value: u64) {
        sender.0.put(value).await.expect("the putter is there");
    }

    async fn receive(receiver: &mut Self::Receiver) -> Option<u64> {
        receiver.get().await.ok()
    }
}
