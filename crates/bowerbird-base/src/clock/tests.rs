use super::{Clock, far_future};
use std::time::{Duration, Instant};

#[test]
fn paused_clock_stands_still_until_it_is_advanced() {
    let clock = Clock::new();
    clock.pause();
    let start = clock.now();
    assert_eq!(clock.now(), start);
    assert!(clock.advance(Duration::from_secs(5)));
    assert_eq!(clock.now() - start, Duration::from_secs(5));
    assert!(clock.is_paused());
}

#[test]
fn resumed_clock_runs_on_from_what_it_showed() {
    let clock = Clock::new();
    clock.pause();
    clock.advance(Duration::from_secs(3_600));
    let shown = clock.now();
    clock.resume();
    assert!(!clock.is_paused());
    assert!(clock.now() >= shown);
    assert!(!clock.advance(Duration::from_secs(1)), "a running clock is not advanced");
}

#[test]
fn far_future_accepts_every_duration() {
    let now = Instant::now();
    assert!(far_future(now, Duration::MAX) > now + Duration::from_secs(3_600));
    assert_eq!(far_future(now, Duration::from_secs(1)), now + Duration::from_secs(1));
}
