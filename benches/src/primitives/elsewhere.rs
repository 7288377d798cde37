//! Channels of libraries that know no runtime and have nothing else: on bowerbird.

use super::Primitives;
use crate::runtimes::bowerbird::Bowerbird;

/// flume's channels.
pub struct Flume;

/// kanal's channels.
pub struct Kanal;

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
    };
}

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
