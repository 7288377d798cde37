//! A million sleeps at once.
//!
//! The normal run takes a hundredth of each number. Figures are printed; see them with `--nocapture`.

use std::time::{Duration, Instant};

use bowerbird::{sleep, spawn, timeout};
use bowerbird_tests::{
    Counted, everywhere, in_own_process, on_workers, resident_bytes, scaled, until,
};

#[test]
fn million_sleeps_are_pending_while_short_ones_end() {
    for workers in [1, 2, 4] {
        let count = scaled(1_000_000);
        let begun = Counted::new();
        let main_ended = on_workers(workers, async {
            let started = Instant::now();
            for number in 0..count {
                let begun = begun.clone();
                drop(spawn(async move {
                    begun.add();
                    sleep(Duration::from_secs(3_600 + number % 86_400)).await;
                }));
            }
            until(|| begun.get() as u64 == count).await;
            println!(
                "figure: {count} sleeps pending after {:?}, {workers} workers",
                started.elapsed()
            );
            for _ in 0..20 {
                sleep(Duration::from_millis(1)).await;
            }
            Instant::now()
        });
        println!("figure: run returned {:?} after main", main_ended.elapsed());
    }
}

#[test]
fn million_sleeps_all_end() {
    everywhere(|| async {
        let count = scaled(1_000_000);
        let ended = Counted::new();
        for number in 0..count {
            let ended = ended.clone();
            drop(spawn(async move {
                sleep(Duration::from_micros(number.wrapping_mul(7_919) % 300_000)).await;
                ended.add();
            }));
        }
        // Waits without yielding, so that the workers park.
        while (ended.get() as u64) < count {
            sleep(Duration::from_millis(5)).await;
        }
    });
}

#[test]
fn timeouts_that_do_not_happen_leave_nothing_behind() {
    in_own_process("timeouts_that_do_not_happen_leave_nothing_behind", &[], || {
        on_workers(2, async {
            let churn = |count: u64| async move {
                for _ in 0..count {
                    let waited = timeout(Duration::from_secs(60), bowerbird::yield_now()).await;
                    assert_eq!(waited, Ok(()));
                }
            };
            churn(10_000).await;
            let before = resident_bytes();
            churn(scaled(10_000_000)).await;
            let grown = resident_bytes().saturating_sub(before);
            println!("figure: {grown} bytes after {} timeouts", scaled(10_000_000));
            assert!(grown < 1 << 20, "{grown} bytes");
        });
    });
}
