use super::{Current, current_clock, enter, find, now, with_timers};
use crate::Timers;
use bowerbird_base::clock::Clock;
use std::sync::Arc;
use std::time::Duration;

#[test]
fn enter_returns_what_was_set_before() {
    let timers = Timers::new(1, Arc::new(Clock::new()));
    assert!(enter(Some(Current { timers: timers.clone(), wheel: 0 })).is_none());
    let before = enter(None).expect("was set");
    assert!(Arc::ptr_eq(&before.timers, &timers) && before.wheel == 0);
}

#[test]
fn now_is_the_runtimes_time_inside_and_the_systems_outside() {
    let clock = Arc::new(Clock::new());
    clock.pause();
    clock.advance(Duration::from_secs(3_600));
    assert!(current_clock().is_none() && now() < clock.now());
    enter(Some(Current { timers: Timers::new(1, clock.clone()), wheel: 0 }));
    assert!(Arc::ptr_eq(&current_clock().expect("inside"), &clock));
    assert_eq!(now(), clock.now());
    enter(None);
}

#[test]
fn timers_are_found_by_number_while_they_live() {
    let timers = Timers::new(2, Arc::new(Clock::new()));
    let id = timers.id();
    assert!(Arc::ptr_eq(&find(id).expect("alive"), &timers));
    assert_eq!(
        with_timers(id, |_, home| home),
        Some(2),
        "a stranger inserts into the shared wheel"
    );
    enter(Some(Current { timers: timers.clone(), wheel: 1 }));
    assert_eq!(with_timers(id, |_, home| home), Some(1));
    enter(None);
    drop(timers);
    assert!(find(id).is_none());
    assert_eq!(with_timers(id, |_, home| home), None);
}
