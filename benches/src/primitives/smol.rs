//! async-lock, event-listener and async-channel.

use async_lock::{Mutex, Semaphore};
use event_listener::Event;

use super::Primitives;
use crate::runtimes::Runtime;
use crate::runtimes::smol::Smol;

impl<const IS_STATIC: bool> Primitives for Smol<IS_STATIC> {
    const NAME: &'static str = <Self as Runtime>::NAME;
    type Runtime = Self;

    type Lock = Mutex<u64>;

    fn lock() -> Mutex<u64> {
        Mutex::new(0)
    }

    async fn add(lock: &Mutex<u64>) {
        *lock.lock().await += 1;
    }

    async fn add_slowly(lock: &Mutex<u64>) {
        let mut guard = lock.lock().await;
        Self::yield_now().await;
        *guard += 1;
    }

    type Semaphore = Semaphore;

    fn semaphore(permits: usize) -> Semaphore {
        Semaphore::new(permits)
    }

    async fn pass(semaphore: &Semaphore) {
        let _permit = semaphore.acquire().await;
        Self::yield_now().await;
    }

    type Event = Event;

    fn event() -> Event {
        Event::new()
    }

    async fn wait(event: &Event, arrived: impl FnOnce() + Send) {
        let listener = event.listen();
        arrived();
        listener.await;
    }

    fn wake_all(event: &Event) {
        event.notify(usize::MAX);
    }

    type Sender = async_channel::Sender<u64>;
    type Receiver = async_channel::Receiver<u64>;

    fn channel(capacity: usize) -> (Self::Sender, Self::Receiver) {
        async_channel::bounded(capacity)
    }

    async fn send(sender: &Self::Sender, value: u64) {
        sender.send(value).await.expect("the receiver is there");
    }

    async fn receive(receiver: &mut Self::Receiver) -> Option<u64> {
        receiver.recv().await.ok()
    }

    no_watch!();

    type BroadcastSender = async_broadcast::Sender<u64>;
    type BroadcastReceiver = async_broadcast::Receiver<u64>;

    fn broadcast(capacity: usize) -> (Self::BroadcastSender, Self::BroadcastReceiver) {
        async_broadcast::broadcast(capacity)
    }

    fn join_in(receiver: &Self::BroadcastReceiver) -> Self::BroadcastReceiver {
        receiver.clone()
    }

    async fn tell(sender: &Self::BroadcastSender, value: u64) {
        sender.broadcast_direct(value).await.expect("the receivers are there");
    }

    async fn hear(receiver: &mut Self::BroadcastReceiver) -> u64 {
        receiver.recv_direct().await.expect("the sender is there")
    }
}
