use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Waker};

use bowerbird_base::sync::thread;
use loom::future::block_on;

use super::{BoundedSemaphore, Semaphore};

fn is_ready<F: Future + Unpin>(future: &mut F) -> bool {
    Pin::new(future).poll(&mut Context::from_waker(Waker::noop())).is_ready()
}

/// One is cancelled while permits come that would have served it.
#[test]
fn cancel_races_with_add_permits() {
    loom::model(|| {
        let semaphore = Arc::new(Semaphore::new(0));
        let mut given_up = semaphore.acquire_many(2);
        assert!(!is_ready(&mut given_up));
        let giver = {
            let semaphore = semaphore.clone();
            thread::spawn(move || semaphore.add_permits(2))
        };
        drop(given_up);
        let permit = block_on(semaphore.acquire()).unwrap();
        giver.join().unwrap();
        drop(permit);
        assert_eq!((semaphore.available_permits(), semaphore.is_locked()), (2, false));
    });
}

#[test]
fn close_races_with_a_wait_and_a_permit_given_back() {
    loom::model(|| {
        let semaphore = Arc::new(Semaphore::new(1));
        let permit = semaphore.try_acquire_owned().unwrap();
        let closer = {
            let semaphore = semaphore.clone();
            thread::spawn(move || semaphore.close())
        };
        let giver = thread::spawn(move || drop(permit));
        drop(block_on(semaphore.acquire()));
        closer.join().unwrap();
        giver.join().unwrap();
        assert_eq!((semaphore.available_permits(), semaphore.statistics().tasks_waiting), (1, 0));
    });
}

/// Two release what was forgotten once.
#[test]
fn forgotten_permit_is_released_once() {
    loom::model(|| {
        let semaphore = Arc::new(BoundedSemaphore::new(1));
        semaphore.try_acquire().unwrap().forget();
        let other = {
            let semaphore = semaphore.clone();
            thread::spawn(move || semaphore.release().is_ok())
        };
        let here = semaphore.release().is_ok();
        assert!(here != other.join().unwrap());
        assert_eq!(semaphore.available_permits(), 1);
    });
}

/// The free permits are forgotten while somebody waits for one more than there are.
#[test]
fn forget_races_with_a_wait() {
    loom::model(|| {
        let semaphore = Arc::new(Semaphore::new(1));
        let forgetter = {
            let semaphore = semaphore.clone();
            thread::spawn(move || {
                let count = semaphore.forget_permits(1);
                semaphore.add_permits(1 + count);
            })
        };
        block_on(semaphore.acquire_many(2)).unwrap().forget();
        forgetter.join().unwrap();
        assert_eq!((semaphore.available_permits(), semaphore.is_locked()), (0, true));
    });
}

/// Permits are forgotten while others come for who waits: none is forgotten and handed over.
#[test]
fn forget_races_with_a_hand_over() {
    loom::model(|| {
        let semaphore = Arc::new(Semaphore::new(1));
        let mut wait = semaphore.acquire_many(2);
        assert!(!is_ready(&mut wait));
        let giver = {
            let semaphore = semaphore.clone();
            thread::spawn(move || semaphore.add_permits(1))
        };
        let forgotten = semaphore.forget_permits(1);
        giver.join().unwrap();
        assert_eq!(is_ready(&mut wait), forgotten == 0);
        drop(wait);
        assert_eq!(semaphore.available_permits(), 2 - forgotten);
    });
}
