use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Waker};

use bowerbird_base::sync::thread;
use loom::future::block_on;

use super::CapacityLimiter;

fn is_ready<F: Future + Unpin>(future: &mut F) -> bool {
    Pin::new(future).poll(&mut Context::from_waker(Waker::noop())).is_ready()
}

#[test]
fn dropped_wait_races_with_a_token_given_back() {
    loom::model(|| {
        let limiter = Arc::new(CapacityLimiter::new(1));
        let token = limiter.clone().try_acquire().map(std::mem::forget);
        assert!(token.is_some());
        let mut given_up = limiter.acquire();
        assert!(!is_ready(&mut given_up));
        let giver = {
            let limiter = limiter.clone();
            thread::spawn(move || limiter.give_back(0))
        };
        drop(given_up);
        drop(block_on(limiter.acquire()));
        giver.join().unwrap();
        assert_eq!((limiter.borrowed_tokens(), limiter.statistics().tasks_waiting), (0, 0));
    });
}

#[test]
fn resize_races_with_a_wait_and_a_token_given_back() {
    loom::model(|| {
        let limiter = Arc::new(CapacityLimiter::new(1));
        let token = block_on(limiter.acquire_owned());
        let giver = thread::spawn(move || drop(token));
        let resizer = {
            let limiter = limiter.clone();
            thread::spawn(move || {
                limiter.set_total_tokens(0);
                limiter.set_total_tokens(1);
            })
        };
        drop(block_on(limiter.acquire()));
        giver.join().unwrap();
        resizer.join().unwrap();
        assert_eq!(limiter.available_tokens(), 1);
    });
}
