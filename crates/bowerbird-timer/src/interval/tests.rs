use super::{Interval, MissedTickBehavior, interval, interval_at};
use crate::test_support::{Count, Rig};
use std::task::Poll;
use std::time::{Duration, Instant};

const MS: Duration = Duration::from_millis(1);

/// Waits for a tick on a clock that goes on only for it; gives milliseconds since `start` when it was
/// taken and when it was due.
fn tick(rig: &Rig, interval: &mut Interval, start: Instant) -> (u128, u128) {
    let count = Count::new();
    loop {
        if let Poll::Ready(due) = count.poll(&mut interval.tick()) {
            return ((rig.clock.now() - start).as_millis(), (due - start).as_millis());
        }
        let next = rig.next(0).expect("registered");
        rig.advance(next - rig.clock.now());
    }
}

/// The table in the docs of `MissedTickBehavior`, which is Tokio's example of 120 ms of work.
fn ticks_taken(behavior: MissedTickBehavior) -> Vec<(u128, u128)> {
    let rig = Rig::new();
    let start = rig.clock.now();
    let mut interval = interval(50 * MS);
    interval.set_missed_tick_behavior(behavior);
    let mut ticks = vec![tick(&rig, &mut interval, start)];
    rig.clock.advance(120 * MS);
    ticks.extend((0..5).map(|_| tick(&rig, &mut interval, start)));
    ticks
}

#[test]
fn burst_catches_up() {
    let ticks = ticks_taken(MissedTickBehavior::Burst);
    assert_eq!(ticks, [(0, 0), (120, 50), (120, 100), (150, 150), (200, 200), (250, 250)]);
}

#[test]
fn delay_waits_a_full_period_after_the_late_tick() {
    let ticks = ticks_taken(MissedTickBehavior::Delay);
    assert_eq!(ticks, [(0, 0), (120, 50), (170, 170), (220, 220), (270, 270), (320, 320)]);
}

#[test]
fn skip_stays_on_multiples_of_the_period() {
    let ticks = ticks_taken(MissedTickBehavior::Skip);
    assert_eq!(ticks, [(0, 0), (120, 50), (150, 150), (200, 200), (250, 250), (300, 300)]);
}

#[test]
fn a_little_late_is_not_missed() {
    for behavior in [MissedTickBehavior::Burst, MissedTickBehavior::Delay, MissedTickBehavior::Skip]
    {
        let rig = Rig::new();
        let start = rig.clock.now();
        let mut interval = interval_at(start + 50 * MS, 50 * MS);
        interval.set_missed_tick_behavior(behavior);
        rig.clock.advance(54 * MS);
        assert_eq!(tick(&rig, &mut interval, start), (54, 50));
        assert_eq!(tick(&rig, &mut interval, start), (100, 100), "no drift");
    }
}

#[test]
fn skip_leaves_out_what_was_missed_with_a_short_period() {
    let rig = Rig::new();
    let start = rig.clock.now();
    let mut interval = interval(MS);
    interval.set_missed_tick_behavior(MissedTickBehavior::Skip);
    assert_eq!(tick(&rig, &mut interval, start), (0, 0));
    rig.clock.advance(4 * MS);
    assert_eq!(tick(&rig, &mut interval, start), (4, 1));
    assert_eq!(tick(&rig, &mut interval, start), (5, 5));
}

#[test]
fn resets_move_the_next_tick() {
    let rig = Rig::new();
    let start = rig.clock.now();
    let mut interval = interval(100 * MS);
    assert_eq!(tick(&rig, &mut interval, start), (0, 0));
    rig.clock.advance(30 * MS);
    interval.reset();
    assert_eq!(tick(&rig, &mut interval, start), (130, 130));
    interval.reset_immediately();
    assert_eq!(tick(&rig, &mut interval, start), (130, 130));
    interval.reset_after(5 * MS);
    assert_eq!(tick(&rig, &mut interval, start), (135, 135));
    interval.reset_at(start + 140 * MS);
    assert_eq!(tick(&rig, &mut interval, start), (140, 140));
    assert_eq!(tick(&rig, &mut interval, start), (240, 240));
    assert_eq!(interval.period(), 100 * MS);
}

#[test]
fn dropped_tick_loses_nothing() {
    let (rig, count) = (Rig::new(), Count::new());
    let start = rig.clock.now();
    let mut interval = interval_at(start + 10 * MS, 10 * MS);
    assert!(count.poll(&mut interval.tick()).is_pending());
    rig.advance(10 * MS);
    assert_eq!(count.get(), 1, "woken although the tick was dropped");
    assert_eq!(tick(&rig, &mut interval, start), (10, 10));
    drop(interval);
    assert_eq!(rig.timers.pending_count(), 0);
}

/// Row 26 for intervals.
#[test]
fn huge_period_ticks_once() {
    for behavior in [MissedTickBehavior::Burst, MissedTickBehavior::Delay, MissedTickBehavior::Skip]
    {
        let (rig, count) = (Rig::new(), Count::new());
        let start = rig.clock.now();
        let mut interval = interval(Duration::MAX);
        interval.set_missed_tick_behavior(behavior);
        rig.clock.advance(100 * MS);
        assert_eq!(tick(&rig, &mut interval, start), (100, 0));
        rig.advance(Duration::from_secs(365 * 24 * 60 * 60));
        assert!(count.poll(&mut interval.tick()).is_pending());
    }
}

#[test]
fn misuse_panics_with_value_and_fix() {
    let message = |f: fn()| -> String {
        let panic = std::panic::catch_unwind(f).expect_err("panics");
        panic.downcast_ref::<String>().expect("a message").clone()
    };
    let zero = message(|| drop(interval(Duration::ZERO)));
    assert!(zero.starts_with("interval() was called with a period of 0ns"), "{zero}");
    assert!(zero.contains("Duration::from_millis(1)"), "{zero}");
    let outside = message(|| drop(interval_at(crate::now(), MS)));
    assert!(
        outside.starts_with("interval_at() was called outside a bowerbird runtime"),
        "{outside}"
    );
}
