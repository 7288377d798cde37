//! A waker that panics in `clone`: only a hand-made one can.
#![allow(unsafe_code, reason = "a waker whose clone panics needs a table of its own")]

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, RawWakerVTable, Waker};
use std::time::Duration;

use bowerbird_base::clock::Clock;
use bowerbird_timer::{Current, Timers, enter, sleep};

static PANICS_IN_CLONE: RawWakerVTable =
    RawWakerVTable::new(|_| panic!("in clone"), |_| (), |_| (), |_| ());

/// Row 17, clone: nothing is registered by it, and what was registered before stays.
#[test]
fn waker_that_panics_in_clone_leaves_the_sleep_as_it_was() {
    let clock = Arc::new(Clock::new());
    clock.pause();
    let timers = Timers::new(1, clock.clone());
    enter(Some(Current { timers: timers.clone(), wheel: 0 }));
    // SAFETY: no function of the table touches its data.
    let bad = unsafe { Waker::new(std::ptr::null(), &PANICS_IN_CLONE) };
    let mut sleep = sleep(Duration::from_secs(1));
    for pending in [0, 1] {
        let result = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            Pin::new(&mut sleep).poll(&mut Context::from_waker(&bad))
        }));
        assert!(result.is_err());
        assert_eq!(timers.pending_count(), pending);
        assert!(Pin::new(&mut sleep).poll(&mut Context::from_waker(Waker::noop())).is_pending());
    }
    clock.advance(Duration::from_secs(1));
    assert_eq!(timers.fire(0, clock.now()), 1);
    enter(None);
}
