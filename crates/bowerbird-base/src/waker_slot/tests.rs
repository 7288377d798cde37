use super::WakerSlot;
use crate::model_or_real;

model_or_real! {
    {
        use crate::sync::Arc;
        use crate::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
        use crate::sync::thread;
        use loom::future::block_on;

        /// `[ORD-2]`: a condition set before a wake is seen by the poll that follows it.
        #[test]
        fn wake_is_never_lost() {
            loom::model(|| {
                let shared = Arc::new((WakerSlot::new(), AtomicUsize::new(0)));
                let writers: Vec<_> = (0..2)
                    .map(|_| {
                        let shared = shared.clone();
                        thread::spawn(move || {
                            shared.1.fetch_add(1, Ordering::Relaxed);
                            shared.0.wake();
                        })
                    })
                    .collect();
                block_on(std::future::poll_fn(|cx| {
                    shared.0.register(cx.waker());
                    if shared.1.load(Ordering::Relaxed) == 2 {
                        std::task::Poll::Ready(())
                    } else {
                        std::task::Poll::Pending
                    }
                }));
                writers.into_iter().for_each(|writer| writer.join().unwrap());
            });
        }

        /// `[ORD-1]`: the waker is never touched by two threads at once.
        #[test]
        fn register_races_with_take() {
            loom::model(|| {
                let slot = Arc::new(WakerSlot::new());
                let taken = Arc::new(AtomicBool::new(false));
                let other = {
                    let (slot, taken) = (slot.clone(), taken.clone());
                    thread::spawn(move || taken.store(slot.take().is_some(), Ordering::Relaxed))
                };
                slot.register(std::task::Waker::noop());
                slot.register(std::task::Waker::noop());
                other.join().unwrap();
                drop(slot.take());
            });
        }
    }
    {
        use std::sync::Arc;
        use std::sync::atomic::{AtomicUsize, Ordering};
        use std::task::{Wake, Waker};

        #[derive(Default)]
        struct Count(AtomicUsize);

        impl Wake for Count {
            fn wake(self: Arc<Self>) {
                self.0.fetch_add(1, Ordering::Relaxed);
            }
        }

        #[test]
        fn wake_uses_the_last_waker_once() {
            let (first, last) = (Arc::new(Count::default()), Arc::new(Count::default()));
            let slot = WakerSlot::new();
            slot.wake();
            slot.register(&Waker::from(first.clone()));
            slot.register(&Waker::from(last.clone()));
            slot.wake();
            slot.wake();
            assert_eq!(first.0.load(Ordering::Relaxed), 0);
            assert_eq!(last.0.load(Ordering::Relaxed), 1);
        }

        #[test]
        fn take_leaves_the_slot_empty() {
            let slot = WakerSlot::new();
            slot.register(Waker::noop());
            assert!(slot.take().is_some());
            assert!(slot.take().is_none());
        }
    }
}
