//! `tokio::sync`.

use tokio::sync::{Mutex, Notify, Semaphore, broadcast, mpsc, watch};

use super::Primitives;
use crate::runtimes::Runtime;
use crate::runtimes::tokio::Tokio;

impl<const CURRENT_THREAD: bool> Primitives for Tokio<CURRENT_THREAD> {
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
        let _permit = semaphore.acquire().await.expect("nobody closes it");
        Self::yield_now().await;
    }

    type Event = Notify;

    fn event() -> Notify {
        Notify::new()
    }

    async fn wait(event: &Notify, arrived: impl FnOnce() + Send) {
        let mut wait = std::pin::pin!(event.notified());
        wait.as_mut().enable();
        arrived();
        wait.await;
    }

    fn wake_all(event: &Notify) {
        event.notify_waiters();
    }

    type Sender = mpsc::Sender<u64>;
    type Receiver = mpsc::Receiver<u64>;

    fn channel(capacity: usize) -> (Self::Sender, Self::Receiver) {
        mpsc::channel(capacity)
    }

    async fn send(sender: &Self::Sender, value: u64) {
        sender.send(value).await.expect("the receiver is there");
    }

    async fn receive(receiver: &mut Self::Receiver) -> Option<u64> {
        receiver.recv().await
    }

    type WatchSender = watch::Sender<u64>;
    type WatchReceiver = watch::Receiver<u64>;

    fn watch() -> (Self::WatchSender, Self::WatchReceiver) {
        watch::channel(0)
    }

    fn set(sender: &Self::WatchSender, value: u64) {
        sender.send(value).expect("the receivers are there");
    }

    async fn change(receiver: &mut Self::WatchReceiver) -> u64 {
        receiver.changed().await.expect("the sender is there");
        *receiver.borrow()
    }

    type BroadcastSender = broadcast::Sender<u64>;
    type BroadcastReceiver = broadcast::Receiver<u64>;

    fn broadcast(capacity: usize) -> (Self::BroadcastSender, Self::BroadcastReceiver) {
        broadcast::channel(capacity)
    }

    fn join_in(receiver: &Self::BroadcastReceiver) -> Self::BroadcastReceiver {
        receiver.resubscribe()
    }

    async fn tell(sender: &Self::BroadcastSender, value: u64) {
        sender.send(value).expect("the receivers are there");
    }

    async fn hear(receiver: &mut Self::BroadcastReceiver) -> u64 {
        receiver.recv().await.expect("the sender is there")
    }
}
