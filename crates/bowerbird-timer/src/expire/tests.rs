use crate::test_support::{Count, Rig};
use crate::{Sleep, sleep};
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Wake, Waker};
use std::time::Duration;

const MS: Duration = Duration::from_millis(1);

struct PanicsInWake;

impl Wake for PanicsInWake {
    fn wake(self: Arc<Self>) {
        panic!("in wake");
    }
}

struct PanicsInDrop;

impl Wake for PanicsInDrop {
    fn wake(self: Arc<Self>) {}
}

impl Drop for PanicsInDrop {
    fn drop(&mut self) {
        panic!("in drop");
    }
}

fn poll_with(waker: Waker, sleep: &mut Sleep) {
    assert!(Pin::new(sleep).poll(&mut Context::from_waker(&waker)).is_pending());
}

fn panics(f: impl FnOnce()) -> bool {
    std::panic::catch_unwind(std::panic::AssertUnwindSafe(f)).is_err()
}

/// Row 17, wake and drop: the others are woken, and the wheel works on.
#[test]
fn waker_that_panics_does_not_keep_the_others() {
    let (rig, count) = (Rig::new(), Count::new());
    let mut sleeps: Vec<Sleep> = (1..=6).map(|millis| sleep(millis * MS)).collect();
    for (index, sleep) in sleeps.iter_mut().enumerate() {
        match index {
            0 | 2 => poll_with(Waker::from(Arc::new(PanicsInWake)), sleep),
            3 => poll_with(Waker::from(Arc::new(PanicsInDrop)), sleep),
            _ => assert!(count.poll(sleep).is_pending()),
        }
    }
    assert_eq!(rig.advance(6 * MS), 6);
    assert_eq!((count.get(), rig.timers.pending_count()), (3, 0));
    let mut again = sleep(MS);
    assert!(count.poll(&mut again).is_pending());
    assert_eq!(rig.advance(MS), 1);
}

#[test]
fn waker_that_panics_when_it_is_replaced_or_dropped_leaves_the_wheel_whole() {
    let (rig, count) = (Rig::new(), Count::new());
    let mut replaced = sleep(MS);
    poll_with(Waker::from(Arc::new(PanicsInDrop)), &mut replaced);
    assert!(panics(|| assert!(count.poll(&mut replaced).is_pending())));
    assert_eq!((rig.advance(MS), count.get()), (1, 1), "the new waker was in place");
    let mut dropped = sleep(MS);
    poll_with(Waker::from(Arc::new(PanicsInDrop)), &mut dropped);
    assert!(panics(move || drop(dropped)));
    assert_eq!(rig.timers.pending_count(), 0);
}

/// Row 18: a waker's code uses the timers again.
#[test]
fn waker_may_use_the_timers_in_wake_and_in_drop() {
    struct Uses(std::sync::Mutex<Option<Sleep>>, Arc<crate::Timers>);
    impl Wake for Uses {
        fn wake(self: Arc<Self>) {
            assert!(self.1.pending_count() <= 1);
            drop(self.0.lock().map(|mut slot| slot.take()));
            self.1.fire(0, self.1.clock().now());
        }
    }
    let (rig, count) = (Rig::new(), Count::new());
    let mut inner = sleep(10 * MS);
    assert!(count.poll(&mut inner).is_pending());
    let mut outer = sleep(MS);
    let uses = Uses(std::sync::Mutex::new(Some(inner)), rig.timers.clone());
    poll_with(Waker::from(Arc::new(uses)), &mut outer);
    assert_eq!((rig.advance(MS), rig.timers.pending_count()), (1, 0));
}

#[test]
fn shut_down_drops_all_wakers_although_one_panics() {
    let (rig, count) = (Rig::new(), Count::new());
    let mut sleeps = [sleep(MS), sleep(MS), sleep(MS)];
    poll_with(Waker::from(Arc::new(PanicsInDrop)), &mut sleeps[0]);
    poll_with(Waker::from(Arc::new(PanicsInDrop)), &mut sleeps[1]);
    assert!(count.poll(&mut sleeps[2]).is_pending());
    rig.timers.shut_down();
    assert_eq!(Arc::strong_count(&count), 1);
}
