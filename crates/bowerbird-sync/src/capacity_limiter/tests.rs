use std::sync::Arc;

use bowerbird_base::cancel_safe::CancelSafe;
use bowerbird_base::poll_context::{self, Request};

use super::{AcquireToken, AcquireTokenOwned, CapacityLimiter, CapacityToken, OwnedCapacityToken};
use crate::test_wakers::{Woken, is_ready_with, poll, ready};

#[test]
fn everything_is_send_and_waits_are_cancel_safe() {
    fn check<T: Send + Sync>() {}
    fn is_cancel_safe<T: CancelSafe>() {}
    check::<CapacityLimiter>();
    check::<CapacityToken<'static>>();
    check::<OwnedCapacityToken>();
    is_cancel_safe::<AcquireToken<'static>>();
    is_cancel_safe::<AcquireTokenOwned>();
}

#[test]
fn tokens_are_borrowed_and_given_back() {
    static LIMITER: CapacityLimiter = CapacityLimiter::new(2);
    let tokens = (LIMITER.try_acquire(), ready(&mut LIMITER.acquire()));
    assert!(LIMITER.try_acquire().is_none() && LIMITER.available_tokens() == 0);
    drop(tokens.1);
    assert_eq!((LIMITER.borrowed_tokens(), LIMITER.available_tokens()), (1, 1));
    drop(tokens.0);
    assert_eq!((LIMITER.total_tokens(), LIMITER.borrowed_tokens()), (2, 0));
}

#[test]
fn borrowers_are_known_by_name_and_place_in_the_order_in_which_they_borrowed() {
    let limiter = Arc::new(CapacityLimiter::new(2));
    let (line, first) = (line!(), limiter.try_acquire());
    let second = limiter.try_acquire_on_behalf_of("second");
    let mut third = limiter.acquire_owned_on_behalf_of(String::from("third"));
    assert!(poll(&mut third).is_pending());
    let statistics = limiter.statistics();
    assert_eq!(statistics.borrowers[0].location.line(), line);
    assert_eq!(statistics.borrowers[0].name, None);
    assert_eq!((statistics.borrowed_tokens, statistics.tasks_waiting), (2, 1));
    drop(first);
    // Handed over: it is a borrower before it is polled.
    let borrowers = limiter.statistics().borrowers;
    let names: Vec<_> = borrowers.iter().map(|it| it.name.as_deref().unwrap()).collect();
    assert_eq!(names, ["second", "third"]);
    drop(ready(&mut third));
    drop(second);
    assert!(limiter.statistics().borrowers.is_empty());
}

#[test]
fn more_tokens_serve_those_who_wait_and_fewer_are_owed() {
    let (limiter, woken) = (CapacityLimiter::new(0), Woken::default());
    let mut waits: Vec<_> = (0..4).map(|_| limiter.acquire()).collect();
    for (number, wait) in waits.iter_mut().enumerate() {
        assert!(!is_ready_with(wait, &woken.waker(number)));
    }
    limiter.set_total_tokens(3);
    assert_eq!(woken.take(), [0, 1, 2]);
    let mut tokens: Vec<_> = waits[..3].iter_mut().map(ready).collect();
    limiter.set_total_tokens(1);
    assert_eq!((limiter.borrowed_tokens(), limiter.available_tokens()), (3, 0));
    drop(tokens.pop());
    drop(tokens.pop());
    assert!(woken.take().is_empty() && limiter.try_acquire().is_none());
    drop(tokens.pop());
    assert_eq!(woken.take(), [3]);
    limiter.set_total_tokens(usize::MAX);
    assert!(limiter.try_acquire().is_some());
}

#[test]
fn dropped_wait_hands_its_token_on() {
    let limiter = CapacityLimiter::new(1);
    let token = limiter.try_acquire();
    let (mut first, mut second, mut third) =
        (limiter.acquire(), limiter.acquire(), limiter.acquire());
    assert!(poll(&mut first).is_pending() && poll(&mut second).is_pending());
    assert!(poll(&mut third).is_pending());
    drop(token);
    drop(second);
    drop(first);
    drop(ready(&mut third));
    assert_eq!(limiter.borrowed_tokens(), 0);
    assert!(limiter.state.lock().waits.is_unused());
}

#[test]
fn offered_cancellation_goes_before_the_token() {
    let limiter = CapacityLimiter::new(0);
    let mut wait = limiter.acquire();
    assert!(poll(&mut wait).is_pending());
    limiter.set_total_tokens(1);
    poll_context::offer(Request::of_task(None));
    assert!(poll(&mut wait).is_pending());
    assert!(poll_context::take_request().is_some());
    drop(wait);
    assert_eq!(limiter.available_tokens(), 1);
}

#[test]
fn budget_that_is_used_up_loses_no_name() {
    let limiter = CapacityLimiter::new(1);
    let mut wait = limiter.acquire_on_behalf_of("patient");
    poll_context::begin(std::ptr::without_provenance(8));
    poll_context::consume_budget(poll_context::BUDGET);
    assert!(poll(&mut wait).is_pending());
    poll_context::end();
    let _token = ready(&mut wait);
    assert_eq!(limiter.statistics().borrowers[0].name.as_deref(), Some("patient"));
}

#[test]
fn blocking_acquire_waits_for_its_turn() {
    let limiter = Arc::new(CapacityLimiter::new(1));
    let token = limiter.blocking_acquire();
    let thread = {
        let limiter = limiter.clone();
        std::thread::spawn(move || drop(limiter.blocking_acquire()))
    };
    drop(token);
    thread.join().unwrap();
    assert_eq!(limiter.available_tokens(), 1);
}

#[test]
fn debug_shows_how_things_stand() {
    let limiter = CapacityLimiter::new(3);
    let text = "CapacityLimiter { total_tokens: 3, borrowed_tokens: 0, tasks_waiting: 0, .. }";
    assert_eq!(format!("{limiter:?}"), text);
}
