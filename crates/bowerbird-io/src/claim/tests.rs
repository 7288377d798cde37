use bowerbird_base::model_or_real;

use super::Claim;

model_or_real! {
    {
        use bowerbird_base::sync::atomic::{AtomicUsize, Ordering};
        use bowerbird_base::sync::{Arc, Condvar, Mutex, thread};

        /// A poller whose eventfd is an edge that the first harvest takes.
        struct Poller {
            claim: Claim,
            edge: Mutex<bool>,
            rung: Condvar,
            work: AtomicUsize,
        }

        fn poller() -> Arc<Poller> {
            Arc::new(Poller {
                claim: Claim::new(),
                edge: Mutex::new(false),
                rung: Condvar::new(),
                work: AtomicUsize::new(0),
            })
        }

        impl Poller {
            fn ring(&self) {
                *self.edge.lock() = true;
                self.rung.notify_all();
            }

            fn notify(&self) {
                if self.claim.notify() {
                    self.ring();
                }
            }

            /// `IoDriver::wait` by who has the claim.
            fn wait(&self) -> bool {
                let is_notified = self.claim.is_notified();
                let mut edge = self.edge.lock();
                while !*edge && !is_notified {
                    self.rung.wait(&mut edge);
                }
                *edge = false;
                drop(edge);
                self.claim.release()
            }

            fn drain(&self) {
                if std::mem::take(&mut *self.edge.lock()) && self.claim.must_ring_again() {
                    self.ring();
                }
            }
        }

        /// Edge 5: a drainer that takes the ring gives it back.
        #[test]
        fn notify_reaches_the_waiter_past_a_drainer() {
            loom::model(|| {
                let poller = poller();
                let runs: [fn(&Poller); 2] = [Poller::notify, Poller::drain];
                let threads = runs.map(|run| {
                    let poller = poller.clone();
                    thread::spawn(move || run(&poller))
                });
                // A late ring may end a wait for nothing; the notification itself must come.
                loop {
                    assert!(poller.claim.try_claim());
                    if poller.wait() {
                        break;
                    }
                }
                threads.into_iter().for_each(|thread| thread.join().unwrap());
            });
        }

        /// `[ORD-1]`: two notifiers, one ring; what both wrote is seen after the notification.
        #[test]
        fn what_was_written_before_notify_is_seen() {
            loom::model(|| {
                let poller = poller();
                let threads: Vec<_> = (0..2)
                    .map(|_| {
                        let poller = poller.clone();
                        thread::spawn(move || {
                            poller.work.fetch_add(1, Ordering::Relaxed);
                            poller.notify();
                        })
                    })
                    .collect();
                while poller.work.load(Ordering::Relaxed) < 2 {
                    assert!(poller.claim.try_claim());
                    poller.wait();
                }
                threads.into_iter().for_each(|thread| thread.join().unwrap());
            });
        }

        /// As above, without a ring whose lock orders more than the word does.
        #[test]
        fn sticky_notification_carries_what_was_written() {
            loom::model(|| {
                let poller = poller();
                let notifier = {
                    let poller = poller.clone();
                    thread::spawn(move || {
                        poller.work.store(1, Ordering::Relaxed);
                        let _ = poller.claim.notify();
                    })
                };
                assert!(poller.claim.try_claim());
                if poller.claim.release() {
                    assert_eq!(poller.work.load(Ordering::Relaxed), 1);
                }
                notifier.join().unwrap();
            });
        }

        #[test]
        fn two_claimants_never_both_succeed() {
            loom::model(|| {
                let poller = poller();
                let other = {
                    let poller = poller.clone();
                    thread::spawn(move || poller.claim.try_claim())
                };
                let ours = poller.claim.try_claim();
                assert!(ours != other.join().unwrap());
            });
        }
    }
    {
        #[test]
        fn second_notify_does_not_ring_twice() {
            let claim = Claim::new();
            assert!(claim.try_claim());
            assert!(claim.notify());
            assert!(!claim.notify());
            assert!(claim.must_ring_again());
            assert!(claim.release());
            assert!(!claim.must_ring_again());
        }

        #[test]
        fn notify_without_a_waiter_needs_no_ring_and_sticks() {
            let claim = Claim::new();
            assert!(!claim.notify());
            assert!(claim.try_claim());
            assert!(claim.is_notified());
            assert!(claim.release());
            assert!(!claim.is_notified());
        }
    }
}
