use super::{ON_CONDVAR, Parker};
use bowerbird_base::model_or_real;

model_or_real! {
    {
        use bowerbird_base::sync::Arc;
        use bowerbird_base::sync::atomic::{AtomicUsize, Ordering};
        use bowerbird_base::sync::thread;
        use loom::sync::Notify;

        /// Two threads that write and unpark; `park` is repeated until both writes are seen.
        fn written_is_seen(park: impl Fn(&Parker, &Notify) + Copy + Send + Sync + 'static) {
            loom::model(move || {
                let shared = Arc::new((Parker::new(), Notify::new()));
                let written: Vec<_> = (0..2).map(|_| Arc::new(AtomicUsize::new(0))).collect();
                let wakers: Vec<_> = written
                    .iter()
                    .map(|written| {
                        let (shared, written) = (shared.clone(), written.clone());
                        thread::spawn(move || {
                            written.store(1, Ordering::Relaxed);
                            if let Some(source) = shared.0.unpark() {
                                assert_eq!(source, 5);
                                shared.1.notify();
                            }
                        })
                    })
                    .collect();
                while written.iter().any(|written| written.load(Ordering::Relaxed) == 0) {
                    park(&shared.0, &shared.1);
                }
                wakers.into_iter().for_each(|waker| waker.join().unwrap());
            });
        }

        /// `[ORD-1]` `[ORD-2]`: a wake-up before, during or after the decision to sleep ends the sleep, and
        /// what was written before it is seen (regression rows 3 and 4: tokio #525, #2134).
        #[test]
        fn unpark_before_park_is_kept() {
            written_is_seen(|parker, _| parker.park(None));
        }

        /// The same for a wait on a source.
        #[test]
        fn unpark_before_park_on_is_kept() {
            written_is_seen(|parker, source| parker.park_on(5, || source.wait()));
        }

        /// A sleep that ends by itself, as by a timeout, does not swallow a wake-up unseen.
        #[test]
        fn unpark_during_the_end_of_a_sleep_is_seen() {
            loom::model(|| {
                let shared = Arc::new((Parker::new(), AtomicUsize::new(0)));
                let waker = {
                    let shared = shared.clone();
                    thread::spawn(move || {
                        shared.1.store(1, Ordering::Relaxed);
                        assert_eq!(shared.0.unpark(), None);
                    })
                };
                if shared.0.begin(ON_CONDVAR) {
                    shared.0.end(); // the timeout passed
                }
                while shared.1.load(Ordering::Relaxed) == 0 {
                    shared.0.park(None);
                }
                waker.join().unwrap();
            });
        }
    }
    {
        use std::time::Duration;

        #[test]
        fn park_ends_by_its_timeout_and_leaves_nothing() {
            let parker = Parker::new();
            parker.park(Some(Duration::from_micros(1)));
            assert!(!parker.take_notified());
            assert!(parker.begin(ON_CONDVAR));
            parker.end();
        }

        #[test]
        fn unpark_names_the_source_that_must_be_notified() {
            let parker = Parker::new();
            let mut source = None;
            parker.park_on(3, || source = parker.unpark());
            assert_eq!(source, Some(3));
            assert!(!parker.take_notified());
        }

        #[test]
        fn panic_in_the_wait_leaves_the_parker_empty() {
            let parker = Parker::new();
            let waited = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
                parker.park_on(0, || panic!("in the wait"));
            }));
            assert!(waited.is_err());
            assert_eq!(parker.unpark(), None);
            assert!(parker.take_notified());
        }
    }
}
