use bowerbird_base::model_or_real;

model_or_real! {
    {}
    {
        use std::sync::Arc;
        use std::sync::atomic::{AtomicBool, Ordering};
        use std::time::Duration;

        use super::IoDriver;

        #[test]
        fn notify_before_the_wait_sticks() {
            let driver = IoDriver::new(1).unwrap();
            driver.notify(0);
            driver.drain(0).unwrap();
            assert!(driver.try_claim(0));
            assert!(driver.wait(0, None).unwrap().was_notified);
            assert!(!driver.is_claimed(0));
        }

        #[test]
        fn notify_ends_a_wait_past_a_drainer() {
            let driver = IoDriver::new(1).unwrap();
            for _ in 0..200 {
                assert!(driver.try_claim(0));
                let waiter = {
                    let driver = driver.clone();
                    std::thread::spawn(move || {
                        while !driver.wait(0, None).unwrap().was_notified {
                            // A ring of the round before, or a drainer that held the portable poller.
                            while !driver.try_claim(0) {
                                std::thread::yield_now();
                            }
                        }
                    })
                };
                let is_done = Arc::new(AtomicBool::new(false));
                let drainer = {
                    let (driver, is_done) = (driver.clone(), is_done.clone());
                    std::thread::spawn(move || {
                        while !is_done.load(Ordering::Relaxed) {
                            driver.drain(0).unwrap();
                        }
                    })
                };
                driver.notify(0);
                waiter.join().unwrap();
                is_done.store(true, Ordering::Relaxed);
                drainer.join().unwrap();
            }
        }

        #[test]
        fn one_waiter_at_a_time() {
            let driver = IoDriver::new(2).unwrap();
            assert!(driver.try_claim(0));
            assert!(!driver.try_claim(0));
            assert!(driver.try_claim(1));
            assert!(!driver.release(0));
            assert!(driver.try_claim(0));
            driver.notify(0);
            assert!(driver.release(0), "a claim given back says that it was notified");
        }

        #[test]
        fn wait_with_a_timeout_ends_by_itself() {
            let driver = IoDriver::new(1).unwrap();
            for timeout in [Duration::ZERO, Duration::from_nanos(1), Duration::from_millis(2)] {
                assert!(driver.try_claim(0));
                assert_eq!(driver.wait(0, Some(timeout)).unwrap(), super::Turn::default());
            }
        }
    }
}
