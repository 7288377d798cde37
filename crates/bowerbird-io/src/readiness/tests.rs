use bowerbird_base::model_or_real;

use super::{CLOSED, PRIORITY, READY, Readiness, UNKNOWN};

model_or_real! {
    {
        use bowerbird_base::sync::Arc;
        use bowerbird_base::sync::atomic::{AtomicUsize, Ordering};
        use bowerbird_base::sync::thread;

        /// `[ORD-1]` `[ORD-2]`: data that arrives while a read says `WouldBlock` leaves the source ready.
        ///
        /// `kernel` is the socket's buffer: Relaxed, so that only the word orders it.
        #[test]
        fn event_during_clear_is_kept() {
            loom::model(|| {
                let shared = Arc::new((Readiness::new(), AtomicUsize::new(0)));
                let driver = {
                    let shared = shared.clone();
                    thread::spawn(move || {
                        for count in 1..=2 {
                            shared.1.store(count, Ordering::Relaxed);
                            let _ = shared.0.set(READY);
                        }
                    })
                };
                let mut read = 0;
                for _ in 0..2 {
                    let seen = shared.0.load();
                    if seen.has(READY | UNKNOWN) {
                        match shared.1.load(Ordering::Relaxed) {
                            now if now > read => read = now,
                            _ => {
                                shared.0.clear(seen, READY | UNKNOWN);
                            }
                        }
                    }
                }
                driver.join().unwrap();
                assert!(read == 2 || shared.0.load().has(READY), "readiness lost after {read}");
            });
        }
    }
    {
        #[test]
        fn clear_with_an_old_tick_does_nothing() {
            let word = Readiness::new();
            let _ = word.set(READY);
            let seen = word.load();
            let _ = word.set(READY);
            assert!(!word.clear(seen, READY));
            assert!(word.load().has(READY));
            assert!(word.clear(word.load(), READY | UNKNOWN));
            assert!(!word.load().has(READY | UNKNOWN));
        }

        #[test]
        fn clear_leaves_what_it_was_not_asked_for() {
            let word = Readiness::new();
            let _ = word.set(READY | PRIORITY | CLOSED);
            assert!(word.clear(word.load(), READY));
            assert!(word.load().has(PRIORITY) && word.load().has(CLOSED) && word.load().has(UNKNOWN));
        }

        #[test]
        fn set_takes_the_announcement() {
            let word = Readiness::new();
            word.announce();
            assert!(word.set(READY).has_waiters());
            assert!(!word.set(READY).has_waiters());
        }

        /// Row 32: the tick does not come round in 256 or in 32,768 events, nor in a million.
        #[test]
        fn tick_does_not_come_round() {
            let word = Readiness::new();
            let seen = word.load();
            for _ in 0..1_000_000 {
                let _ = word.set(READY);
                assert!(!word.clear(seen, READY));
            }
        }
    }
}
