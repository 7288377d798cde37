use super::{sleep, sleep_until};
use crate::test_support::{Count, Rig};
use crate::{Current, enter};
use bowerbird_base::poll_context::{self, Request};
use std::task::Poll;
use std::time::{Duration, Instant};

const MS: Duration = Duration::from_millis(1);
const SECOND: Duration = Duration::from_secs(1);
const DAY: Duration = Duration::from_secs(24 * 60 * 60);

#[test]
fn sleep_is_pending_then_woken_then_ready() {
    let (rig, count) = (Rig::new(), Count::new());
    let mut sleep = sleep(10 * MS);
    assert!(count.poll(&mut sleep).is_pending());
    assert_eq!((rig.timers.pending_count(), rig.next(0)), (1, Some(sleep.deadline())));
    assert_eq!(rig.advance(9 * MS), 0);
    assert!(!sleep.is_elapsed() && count.poll(&mut sleep).is_pending());
    assert_eq!((rig.advance(MS), count.get()), (1, 1));
    assert!(sleep.is_elapsed() && count.poll(&mut sleep).is_ready());
    assert!(count.poll(&mut sleep).is_ready(), "stays ready");
    assert_eq!((rig.timers.pending_count(), rig.next(0)), (0, None));
}

#[test]
fn dropped_sleep_leaves_no_entry_and_no_waker() {
    let (rig, count) = (Rig::new(), Count::new());
    let mut sleeps: Vec<_> = (1..=3).map(|secs| sleep(secs * SECOND)).collect();
    sleeps.iter_mut().for_each(|sleep| assert!(count.poll(sleep).is_pending()));
    drop(sleeps.remove(1));
    assert_eq!(rig.timers.pending_count(), 2);
    drop(sleeps);
    assert_eq!(rig.timers.pending_count(), 0);
    assert_eq!(std::sync::Arc::strong_count(&count), 1);
    assert_eq!(rig.advance(10 * SECOND), 0);
}

#[test]
fn sleep_of_zero_gives_way_once() {
    let (rig, count) = (Rig::new(), Count::new());
    let mut sleep = sleep(Duration::ZERO);
    assert!(count.poll(&mut sleep).is_pending());
    assert_eq!((count.get(), rig.timers.pending_count()), (1, 0));
    assert!(count.poll(&mut sleep).is_ready());
}

#[test]
fn deadline_that_has_passed_is_ready_at_the_first_poll() {
    let (rig, count) = (Rig::new(), Count::new());
    let now = rig.clock.now();
    for past in [now, now.checked_sub(DAY).unwrap_or(now)] {
        let mut sleep = sleep_until(past);
        assert_eq!(sleep.deadline(), past);
        assert!(count.poll(&mut sleep).is_ready());
    }
    // Passed between the call and the first poll.
    let mut late = sleep(MS);
    rig.clock.advance(2 * MS);
    assert!(count.poll(&mut late).is_ready());
}

#[test]
fn sleep_is_ready_without_a_turn_once_the_clock_says_so() {
    let (rig, count) = (Rig::new(), Count::new());
    let mut sleep = sleep(MS);
    assert!(count.poll(&mut sleep).is_pending());
    rig.clock.advance(MS);
    assert!(count.poll(&mut sleep).is_ready());
    assert_eq!(rig.timers.pending_count(), 0);
    assert_eq!((rig.fire(0), count.get()), (0, 0));
}

#[test]
fn last_waker_is_the_one_that_is_woken() {
    let (rig, first, last) = (Rig::new(), Count::new(), Count::new());
    let mut sleep = sleep(MS);
    assert!(first.poll(&mut sleep).is_pending());
    assert!(last.poll(&mut sleep).is_pending());
    assert_eq!(std::sync::Arc::strong_count(&first), 1, "replaced");
    rig.advance(MS);
    assert_eq!((first.get(), last.get()), (0, 1));
}

/// Row 26: the durations and instants that made others panic.
#[test]
fn huge_durations_neither_panic_nor_fire() {
    let (rig, count) = (Rig::new(), Count::new());
    let now = rig.clock.now();
    let durations = [
        Duration::MAX,
        Duration::from_secs(u64::MAX / 10),
        Duration::from_millis(1 << 36),
        365 * DAY,
    ];
    let mut sleeps: Vec<_> = durations.into_iter().map(sleep).collect();
    let mut ahead = now;
    for bit in (0..63).rev() {
        ahead = ahead.checked_add(Duration::from_secs(1 << bit)).unwrap_or(ahead);
    }
    sleeps.push(sleep_until(ahead));
    sleeps.iter_mut().for_each(|sleep| assert!(count.poll(sleep).is_pending()));
    sleeps[0].reset(now + SECOND);
    sleeps[0].reset(ahead);
    (0..700).for_each(|_| assert_eq!(rig.advance(DAY / 2), 0));
    assert!(sleeps.iter_mut().all(|sleep| count.poll(sleep).is_pending()));
    assert_eq!(rig.advance(16 * DAY), 1, "the one of a year");
    assert!(rig.next(0).is_some());
}

/// Row 27: after days the upper levels of a wheel have gone round.
#[test]
fn one_millisecond_sleeps_fire_after_thirteen_days() {
    let (rig, count) = (Rig::new(), Count::new());
    for round in 0..100 {
        rig.advance(13 * DAY + Duration::from_nanos(round * 123_456_789));
        let mut sleep = sleep(MS);
        assert!(count.poll(&mut sleep).is_pending());
        assert_eq!(rig.next(0), Some(sleep.deadline()));
        assert_eq!(rig.advance(MS - Duration::from_nanos(1)), 0);
        assert_eq!(rig.advance(Duration::from_nanos(1)), 1);
        assert!(count.poll(&mut sleep).is_ready());
    }
}

/// Row 28: a duration beyond what a level covers, here three times each level's range.
#[test]
fn sleep_longer_than_a_level_does_not_fire_early() {
    for level in 0..=7 {
        let (rig, count) = (Rig::new(), Count::new());
        let duration = 3 * Duration::from_nanos(1 << (16 + 6 * level));
        let mut sleep = sleep(duration);
        assert!(count.poll(&mut sleep).is_pending());
        (0..299).for_each(|_| assert_eq!(rig.advance(duration / 300), 0));
        let left = sleep.deadline() - rig.clock.now();
        assert_eq!(rig.advance(left - Duration::from_nanos(1)), 0);
        assert_eq!(rig.advance(Duration::from_nanos(1)), 1);
    }
}

/// Row 29: a task that waits is woken at the new deadline, without a poll in between.
#[test]
fn reset_to_earlier_or_to_the_past_wakes() {
    let (rig, count) = (Rig::new(), Count::new());
    let mut sleep = sleep(100 * SECOND);
    assert!(count.poll(&mut sleep).is_pending());
    sleep.reset(rig.clock.now() + SECOND);
    assert_eq!(rig.next(0), Some(sleep.deadline()));
    assert_eq!((rig.advance(SECOND), count.get()), (1, 1));
    assert!(count.poll(&mut sleep).is_ready());

    sleep.reset(rig.clock.now() + 100 * SECOND);
    assert!(count.poll(&mut sleep).is_pending());
    sleep.reset(rig.clock.now() - SECOND);
    assert!(rig.timers.is_due(0, rig.clock.now()));
    assert_eq!((rig.fire(0), count.get()), (1, 2));
    assert!(count.poll(&mut sleep).is_ready());
}

#[test]
fn reset_to_later_does_not_fire_at_the_old_deadline() {
    let (rig, count) = (Rig::new(), Count::new());
    let mut sleep = Box::pin(sleep(SECOND));
    assert!(count.poll(&mut sleep).is_pending());
    sleep.as_mut().reset(rig.clock.now() + 3 * SECOND);
    assert_eq!(rig.advance(2 * SECOND), 0);
    assert!(count.poll(&mut sleep).is_pending());
    assert_eq!(rig.advance(SECOND), 1);
    assert!(count.poll(&mut sleep).is_ready());
    assert_eq!(rig.timers.pending_count(), 0);
}

#[test]
fn reset_of_a_fired_sleep_waits_again() {
    let (rig, count) = (Rig::new(), Count::new());
    let mut sleep = sleep(SECOND);
    assert!(count.poll(&mut sleep).is_pending());
    assert_eq!(rig.advance(SECOND), 1);
    sleep.reset(rig.clock.now() + SECOND);
    assert!(count.poll(&mut sleep).is_pending(), "the old wake does not count");
    assert_eq!(rig.advance(SECOND), 1);
    assert!(count.poll(&mut sleep).is_ready());
}

/// Row 30: time that is advanced ends exactly where it was told to, and so do the sleeps.
#[test]
fn advance_is_exact_to_the_nanosecond() {
    let (rig, count) = (Rig::new(), Count::new());
    let start = rig.clock.now();
    let mut total = Duration::ZERO;
    for nanos in [1, 1_023, 1_024, 1_025, 65_536, 999_999, 1_000_000, 1_000_001, 86_400_000_000_000]
    {
        let step = Duration::from_nanos(nanos);
        let (mut short, mut exact, mut over) = (sleep(step / 2), sleep(step), sleep(step + step));
        for sleep in [&mut short, &mut exact, &mut over] {
            let _ = count.poll(sleep);
        }
        rig.advance(step);
        total += step;
        assert_eq!(rig.clock.now(), start + total);
        assert!(short.is_elapsed() && exact.is_elapsed() && !over.is_elapsed());
        assert!(count.poll(&mut exact).is_ready() && count.poll(&mut over).is_pending());
    }
}

#[test]
fn offered_cancellation_goes_before_readiness_but_not_at_the_first_poll() {
    let (rig, count) = (Rig::new(), Count::new());
    let mut waiting = sleep(SECOND);
    assert!(count.poll(&mut waiting).is_pending());
    rig.advance(SECOND);
    assert_eq!(count.get(), 1);
    poll_context::offer(Request::of_task(None));
    assert!(count.poll(&mut waiting).is_pending(), "due, but it was suspended");
    assert_eq!(count.get(), 2, "asked for another poll");
    assert!(count.poll(&mut sleep_until(rig.clock.now())).is_ready(), "first poll");
    assert!(poll_context::take_request().is_some());
    assert!(count.poll(&mut waiting).is_ready());
}

#[test]
fn ready_sleeps_use_the_budget_up() {
    let (rig, count) = (Rig::new(), Count::new());
    poll_context::begin(std::ptr::dangling());
    let ready =
        (0..1_000).take_while(|_| count.poll(&mut sleep_until(rig.clock.now())).is_ready()).count();
    poll_context::end();
    assert_eq!(ready, poll_context::BUDGET as usize);
}

#[test]
fn wait_note_names_the_deadline_and_the_call() {
    poll_context::set_tracked(true);
    let (rig, count) = (Rig::new(), Count::new());
    let mut sleep = sleep(SECOND);
    let line = line!() - 1;
    for _ in 0..2 {
        assert!(count.poll(&mut sleep).is_pending());
        let note = poll_context::take_wait().expect("noted");
        assert_eq!(note.kind, "sleep");
        assert_eq!(note.location.map(|at| (at.file(), at.line())), Some((file!(), line)));
        assert_eq!(rig.timers.origin() + Duration::from_nanos(note.object), sleep.deadline());
    }
}

#[test]
fn call_outside_a_runtime_panics_with_call_fix_and_line() {
    let panic = std::panic::catch_unwind(|| drop(sleep(SECOND))).expect_err("panics");
    let message = panic.downcast_ref::<String>().expect("a message");
    assert!(message.starts_with("sleep() was called outside a bowerbird runtime."), "{message}");
    assert!(message.contains("handle.enter()") && message.contains("bowerbird::run"), "{message}");
    let panic = std::panic::catch_unwind(|| drop(sleep_until(Instant::now()))).expect_err("panics");
    let message = panic.downcast_ref::<String>().expect("a message");
    assert!(message.starts_with("sleep_until() was called outside"), "{message}");
}

#[test]
fn sleep_polled_outside_its_runtime_waits_in_the_shared_wheel() {
    let (rig, count) = (Rig::new(), Count::new());
    let other = Rig::new();
    rig.enter(1);
    let mut wandering = sleep(SECOND);
    for outside in [None, Some(Current { timers: other.timers.clone(), wheel: 0 })] {
        enter(outside);
        wandering.reset(rig.clock.now() + SECOND);
        assert!(count.poll(&mut wandering).is_pending());
        assert_eq!(rig.next(rig.timers.shared_index()), Some(wandering.deadline()));
        rig.clock.advance(SECOND);
        assert_eq!((rig.fire(2), other.timers.pending_count()), (1, 0));
        assert!(count.poll(&mut wandering).is_ready());
    }
    let mut dropped = wandering;
    dropped.reset(rig.clock.now() + SECOND);
    assert!(count.poll(&mut dropped).is_pending());
    enter(None);
    drop(dropped);
    assert_eq!(rig.timers.pending_count(), 0);
}

#[test]
fn reset_to_earlier_on_another_worker_moves_the_entry_there() {
    let (rig, count) = (Rig::new(), Count::new());
    let mut sleep = sleep(10 * SECOND);
    assert!(count.poll(&mut sleep).is_pending());
    rig.enter(1);
    sleep.reset(rig.clock.now() + 20 * SECOND);
    assert_eq!(rig.next(0), Some(sleep.deadline()), "later: its waiter wakes early enough");
    sleep.reset(rig.clock.now() + SECOND);
    assert_eq!((rig.next(0), rig.next(1)), (None, Some(sleep.deadline())));
    rig.clock.advance(SECOND);
    assert_eq!((rig.fire(0), rig.fire(1), count.get()), (0, 1, 1));
    assert!(count.poll(&mut sleep).is_ready());
}

#[test]
fn sleep_outlives_its_runtime_and_never_fires() {
    let (rig, count) = (Rig::new(), Count::new());
    let (mut registered, mut fresh) = (sleep(SECOND), sleep(SECOND));
    assert!(count.poll(&mut registered).is_pending());
    drop(rig);
    assert_eq!(std::sync::Arc::strong_count(&count), 1, "the waker went with the runtime");
    for sleep in [&mut registered, &mut fresh] {
        assert!(count.poll(sleep).is_pending());
        sleep.reset(Instant::now() + SECOND);
        assert!(count.poll(sleep).is_pending());
    }
    assert_eq!(count.get(), 0);
}

#[test]
fn sleep_is_small_and_may_go_anywhere() {
    fn goes_anywhere<T: Send + Sync + Unpin + bowerbird_base::cancel_safe::CancelSafe>(_: &T) {}
    let _rig = Rig::new();
    goes_anywhere(&sleep(SECOND));
    assert!(size_of::<super::Sleep>() <= 48);
    assert_eq!(Poll::Ready(()), Count::new().poll(&mut sleep_until(crate::now())));
}
