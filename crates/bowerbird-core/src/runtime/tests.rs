use bowerbird_base::model_or_real;

model_or_real! {
    {
        use bowerbird_base::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
        use bowerbird_base::sync::model_deque::{Injector, Steal};
        use bowerbird_base::sync::{Arc, thread};

        /// `[ORD-2]`: a copy of `schedule_for_certain` and of the end of `shut_down`, on their own.
        #[test]
        fn task_queued_during_the_stop_is_ended() {
            loom::model(|| {
                let shared =
                    Arc::new((Injector::new(), AtomicBool::new(false), AtomicUsize::new(0)));
                let end_queued = |shared: &(Injector<u32>, AtomicBool, AtomicUsize)| {
                    while let Steal::Success(_) = shared.0.steal() {
                        shared.2.fetch_add(1, Ordering::Relaxed);
                    }
                };
                let spawner = {
                    let shared = shared.clone();
                    thread::spawn(move || {
                        shared.0.push(1);
                        if shared.1.fetch_or(false, Ordering::SeqCst) {
                            end_queued(&shared);
                        }
                    })
                };
                shared.1.swap(true, Ordering::SeqCst);
                end_queued(&shared);
                spawner.join().unwrap();
                assert_eq!(shared.2.load(Ordering::Relaxed), 1);
            });
        }
    }
    {
    }
}
