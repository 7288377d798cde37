use std::pin::Pin;
use std::task::{Context, Waker};

use bowerbird_base::poll_context::{self, Request};
use bowerbird_base::sync::{Arc, thread};
use loom::future::block_on;

use super::Condition;
use crate::Lock;

/// A change that is made and notified under the lock is seen, whenever it comes.
#[test]
fn notification_races_with_a_wait() {
    loom::model(|| {
        let shared = Arc::new((Lock::new(false), Condition::new()));
        let changer = {
            let shared = shared.clone();
            thread::spawn(move || {
                let mut guard = block_on(shared.0.lock());
                *guard = true;
                shared.1.notify(&guard, 1);
            })
        };
        let mut guard = block_on(shared.0.lock());
        block_on(shared.1.wait_for(&mut guard, |is_done| *is_done));
        assert!(*guard);
        drop(guard);
        changer.join().unwrap();
        assert!(shared.1.waits.lock().list.is_unused() && !shared.0.is_locked());
    });
}

fn poll<F: Future + Unpin>(future: &mut F) -> bool {
    Pin::new(future).poll(&mut Context::from_waker(Waker::noop())).is_ready()
}

/// Two wait, one is notified, and the first gives up: dropped or cancelled, it takes no notification with it.
fn one_of_two_gives_up(give_up: fn(&mut dyn FnMut() -> bool)) {
    loom::model(move || {
        let shared = Arc::new((Lock::new(()), Condition::new()));
        let mut one = block_on(shared.0.lock());
        let mut first = shared.1.wait(&mut one);
        assert!(!poll(&mut first));
        let mut two = block_on(shared.0.lock());
        let mut second = shared.1.wait(&mut two);
        assert!(!poll(&mut second));
        let notifier = {
            let shared = shared.clone();
            thread::spawn(move || shared.1.notify(&block_on(shared.0.lock()), 1))
        };
        give_up(&mut || poll(&mut first));
        drop(first);
        drop(one);
        block_on(&mut second);
        drop(second);
        drop(two);
        notifier.join().unwrap();
        assert!(shared.1.waits.lock().list.is_unused() && !shared.0.is_locked());
    });
}

#[test]
fn dropped_wait_races_with_its_notification() {
    one_of_two_gives_up(|_| ());
}

#[test]
fn cancelled_wait_races_with_its_notification() {
    one_of_two_gives_up(|poll| {
        poll_context::offer(Request::of_task(None));
        assert!(!poll());
        poll_context::take_request();
    });
}
