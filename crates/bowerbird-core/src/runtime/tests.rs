use bowerbird_base::model_or_real;

model_or_real! {
    {
        use bowerbird_base::sync::atomic::{AtomicU32, AtomicUsize, Ordering};
        use bowerbird_base::sync::{Arc, thread};

        /// `[ORD-2]`: a copy of `schedule_for_certain` and of the end of `shut_down`, on their own.
        #[test]
        fn task_queued_during_the_stop_is_ended() {
            loom::model(|| {
                // The injector without an ordering of its own: a count.
                let shared =
                    Arc::new((AtomicUsize::new(0), AtomicU32::new(0), AtomicUsize::new(0)));
                let end_queued = |shared: &(AtomicUsize, AtomicU32, AtomicUsize)| {
                    let take = |count: usize| count.checked_sub(1);
                    let stolen = shared.0.fetch_update(Ordering::Relaxed, Ordering::Relaxed, take);
                    shared.2.fetch_add(usize::from(stolen.is_ok()), Ordering::Relaxed);
                };
                let spawner = {
                    let shared = shared.clone();
                    thread::spawn(move || {
                        shared.0.fetch_add(1, Ordering::Relaxed);
                        if shared.1.fetch_or(0, Ordering::SeqCst) & 1 != 0 {
                            end_queued(&shared);
                        }
                    })
                };
                shared.1.fetch_or(1, Ordering::SeqCst);
                end_queued(&shared);
                spawner.join().unwrap();
                assert_eq!(shared.2.load(Ordering::Relaxed), 1);
            });
        }
    }
    {
    }
}
