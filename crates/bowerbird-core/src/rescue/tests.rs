use bowerbird_base::model_or_real;

model_or_real! {
    {
        use bowerbird_base::sync::{Arc, thread};
        use loom::sync::Notify;

        use super::Rescue;
        use crate::idle::Idle;

        /// `[ORD-1]`: the rescue thread falls asleep while a worker comes, or wakes up and goes into a long
        /// poll: it does not sleep then, or is woken.
        #[test]
        fn rescue_thread_sees_who_is_awake() {
            for comes in [false, true] {
                loom::model(move || {
                    let shared = Arc::new((Rescue::new(), Idle::new(2), Notify::new()));
                    if !comes {
                        shared.1.worker_came();
                        shared.1.announce_sleep(0, false);
                    }
                    let worker = {
                        let shared = shared.clone();
                        thread::spawn(move || {
                            if comes {
                                shared.1.worker_came();
                            } else {
                                shared.1.end_sleep(0);
                            }
                            shared.0.worker_woke();
                            shared.2.wait(); // a long poll that only the rescue thread ends
                        })
                    };
                    while shared.0.may_sleep(&shared.1) {
                        assert!(shared.0.wait(None));
                    }
                    shared.2.notify();
                    worker.join().unwrap();
                });
            }
        }
    }
    {
        use std::sync::Arc;
        use std::sync::atomic::{AtomicBool, Ordering};

        use crate::{Config, ParkOnly, Patience, Runtime, Threads};

        /// Everything slept, the rescue thread too, when a worker comes and is stuck in its first poll.
        #[test]
        fn worker_that_comes_wakes_the_rescue_thread() {
            let rt =
                Runtime::start(Config::with_workers(2), Arc::new(ParkOnly), Threads::AllButFirst)
                    .unwrap();
            for _ in 0..3 {
                while !rt.rescue.is_asleep.load(Ordering::SeqCst) {
                    std::thread::yield_now();
                }
                rt.run(async {
                    let ran = Arc::new(AtomicBool::new(false));
                    let flag = ran.clone();
                    drop(crate::spawn(async move { flag.store(true, Ordering::SeqCst) }));
                    while !ran.load(Ordering::SeqCst) {
                        std::thread::yield_now();
                    }
                })
                .unwrap();
            }
            rt.shut_down(Patience::Complete);
        }
    }
}
