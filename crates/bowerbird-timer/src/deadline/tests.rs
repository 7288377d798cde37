use super::park_timeout;
use std::time::{Duration, Instant};

fn timeout_for(wait: Duration) -> Duration {
    let now = Instant::now();
    park_timeout(now, now + wait)
}

#[test]
fn short_waits_are_exact() {
    for nanos in [0, 1, 50_000, 1_234_567, 19_999_999, 20_000_000] {
        let wait = Duration::from_nanos(nanos);
        assert_eq!(timeout_for(wait), wait);
    }
}

#[test]
fn long_waits_are_rounded_up_to_the_millisecond() {
    assert_eq!(timeout_for(Duration::from_nanos(20_000_001)), Duration::from_millis(21));
    assert_eq!(timeout_for(Duration::from_millis(21)), Duration::from_millis(21));
    assert_eq!(timeout_for(Duration::new(5, 999_999_999)), Duration::from_secs(6));
}

#[test]
fn deadline_that_has_passed_does_not_wait() {
    let now = Instant::now();
    assert_eq!(park_timeout(now + Duration::from_secs(1), now), Duration::ZERO);
}
