use super::SpinLock;
use crate::model_or_real;

model_or_real! {
    {
        use crate::sync::{Arc, thread};

        /// `[ORD-1]`: loom watches the cell, so two sections that overlap, or are not ordered, fail.
        #[test]
        fn sections_exclude_each_other() {
            loom::model(|| {
                let lock = Arc::new(SpinLock::new(0));
                let other = {
                    let lock = lock.clone();
                    // One other: among three, loom lets two that spin take turns for ever.
                    thread::spawn(move || (0..2).for_each(|_| *lock.lock() += 1))
                };
                *lock.lock() += 1;
                if let Some(mut value) = lock.try_lock() {
                    *value += 1;
                    drop(value);
                    *lock.lock() -= 1;
                }
                other.join().unwrap();
                assert_eq!(*lock.lock(), 3);
            });
        }
    }
    {
        use std::sync::Barrier;

        #[test]
        fn four_threads_lose_no_increment() {
            let (lock, start) = (SpinLock::new(0_u64), Barrier::new(4));
            std::thread::scope(|scope| {
                (0..4).for_each(|_| {
                    scope.spawn(|| {
                        start.wait();
                        (0..50_000).for_each(|_| *lock.lock() += 1);
                    });
                });
            });
            assert_eq!(*lock.lock(), 200_000);
        }

        #[test]
        fn held_lock_is_not_taken_and_a_panic_gives_it_back() {
            let lock = SpinLock::new(());
            let guard = lock.lock();
            assert!(lock.try_lock().is_none());
            drop(guard);
            let panicked = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
                let _guard = lock.lock();
                panic!("in the section");
            }));
            assert!(panicked.is_err());
            assert!(lock.try_lock().is_some());
        }
    }
}
