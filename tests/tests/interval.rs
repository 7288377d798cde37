//! `interval`, `interval_at`: ticks at a fixed period, on a paused clock.

use std::time::Duration;

use bowerbird::time::{MissedTickBehavior, now};
use bowerbird::{interval, interval_at, sleep, spawn, timeout};
use bowerbird_tests::{catch, everywhere, on_workers, paused};

const MS: Duration = Duration::from_millis(1);

#[test]
fn first_tick_comes_at_once_and_the_others_a_period_apart() {
    paused(async {
        let start = now();
        let mut ticks = interval(10 * MS);
        for number in 0..5 {
            assert_eq!(ticks.tick().await, start + number * 10 * MS);
            assert_eq!(now(), start + number * 10 * MS);
        }
        assert_eq!(ticks.period(), 10 * MS);
    });
}

#[test]
fn first_tick_of_interval_at_comes_at_that_instant() {
    paused(async {
        let start = now();
        let mut ticks = interval_at(start + 7 * MS, 10 * MS);
        assert_eq!(ticks.tick().await, start + 7 * MS);
        assert_eq!(ticks.tick().await, start + 17 * MS);
    });
}

#[test]
fn work_between_ticks_does_not_make_them_drift() {
    paused(async {
        let start = now();
        let mut ticks = interval(10 * MS);
        for number in 0..10 {
            assert_eq!(ticks.tick().await, start + number * 10 * MS);
            sleep(4 * MS).await;
        }
    });
}

/// The table in the documentation of `MissedTickBehavior`.
#[test]
fn missed_ticks_follow_the_table() {
    let table = [
        (MissedTickBehavior::Burst, [0, 120, 120, 150, 200, 250].as_slice()),
        (MissedTickBehavior::Delay, &[0, 120, 170, 220, 270]),
        (MissedTickBehavior::Skip, &[0, 120, 150, 200, 250]),
    ];
    for (behavior, expected) in table {
        paused(async {
            let start = now();
            let mut ticks = interval(50 * MS);
            ticks.set_missed_tick_behavior(behavior);
            assert_eq!(ticks.missed_tick_behavior(), behavior);
            let mut taken = Vec::new();
            for number in 0..expected.len() {
                ticks.tick().await;
                taken.push((now() - start).as_millis());
                if number == 0 {
                    sleep(120 * MS).await;
                }
            }
            assert_eq!(taken, expected, "{behavior:?}");
        });
    }
}

#[test]
fn tick_that_was_given_up_is_not_lost() {
    paused(async {
        let start = now();
        let mut ticks = interval(10 * MS);
        ticks.tick().await;
        for _ in 0..3 {
            assert!(timeout(3 * MS, ticks.tick()).await.is_err());
        }
        assert_eq!(ticks.tick().await, start + 10 * MS);
    });
}

#[test]
fn interval_that_is_reset_ticks_a_period_later() {
    paused(async {
        let start = now();
        let mut ticks = interval(10 * MS);
        ticks.tick().await;
        sleep(5 * MS).await;
        ticks.reset();
        assert_eq!(ticks.tick().await, start + 15 * MS);
        ticks.reset_immediately();
        assert_eq!(ticks.tick().await, start + 15 * MS);
        ticks.reset_after(2 * MS);
        assert_eq!(ticks.tick().await, start + 17 * MS);
        ticks.reset_at(start + 40 * MS);
        assert_eq!(ticks.tick().await, start + 40 * MS);
        assert_eq!(ticks.tick().await, start + 50 * MS);
    });
}

#[test]
fn period_of_zero_panics_at_the_call() {
    on_workers(1, async {
        let caught = catch(|| interval(Duration::ZERO));
        assert_eq!((caught.file.as_str(), caught.line), (file!(), line!() - 1));
        assert!(caught.message.contains("interval()"), "{caught:?}");
        let caught = catch(|| interval_at(now(), Duration::ZERO));
        assert_eq!((caught.file.as_str(), caught.line), (file!(), line!() - 1));
        assert!(caught.message.contains("interval_at()"), "{caught:?}");
    });
}

#[test]
fn ticking_task_ticks_on_real_time_and_can_be_cancelled() {
    everywhere(|| async {
        let task = spawn(async {
            let mut ticks = interval(Duration::from_micros(200));
            for _ in 0..10 {
                ticks.tick().await;
            }
        });
        task.await.unwrap();
        let endless = spawn(async {
            let mut ticks = interval(Duration::from_micros(200));
            loop {
                ticks.tick().await;
            }
        });
        sleep(MS).await;
        endless.cancel();
        assert!(endless.await.map(|never: ()| never).unwrap_err().is_cancelled());
    });
}
