use bowerbird_base::model_or_real;
use bowerbird_base::sync::Arc;

use super::Registry;
use crate::interest::Interest;
use crate::readiness::READY;
use crate::source::{Occurrence, Source};

const EVENT: Occurrence = Occurrence { read: READY, write: READY, is_one_shot: false };

model_or_real! {
    {
        use std::future::poll_fn;
        use std::task::Poll;

        use bowerbird_base::sync::thread;
        use loom::future::block_on;

        /// A source is replaced while an event of it is dispatched: its successor hears nothing.
        #[test]
        fn deregistration_during_dispatch_reaches_nobody_else() {
            loom::model(|| {
                let registry = Arc::new(Registry::default());
                let old = registry.insert(Arc::new(Source::new())).unwrap();
                let dispatcher = {
                    let registry = registry.clone();
                    thread::spawn(move || registry.dispatch([(old, EVENT)].into_iter()))
                };
                registry.remove(old);
                let source = Arc::new(Source::new());
                let new = registry.insert(source.clone()).unwrap();
                assert_eq!(new.index(), old.index(), "the place is taken again");
                let mut key = None;
                source.register_waiter(&mut key, Interest::READABLE, std::task::Waker::noop());
                assert_eq!(dispatcher.join().unwrap(), 0);
                assert!(!source.ready().satisfies(Interest::READABLE | Interest::WRITABLE));
                source.remove_waiter(&mut key);
            });
        }

        /// A source is registered, and waited for, while the driver ends.
        #[test]
        fn waiter_during_shutdown_hears_of_it() {
            loom::model(|| {
                let registry = Arc::new(Registry::default());
                let ending = {
                    let registry = registry.clone();
                    thread::spawn(move || registry.shut_down())
                };
                let source = Arc::new(Source::new());
                if registry.insert(source.clone()).is_ok() {
                    let mut key = None;
                    block_on(poll_fn(|cx| {
                        source.register_waiter(&mut key, Interest::READABLE, cx.waker());
                        if source.ready().is_shut_down() { Poll::Ready(()) } else { Poll::Pending }
                    }));
                    source.remove_waiter(&mut key);
                }
                ending.join().unwrap();
            });
        }
    }
    {
        #[test]
        fn stale_key_finds_nobody() {
            let registry = Registry::default();
            let old = registry.insert(Arc::new(Source::new())).unwrap();
            registry.remove(old);
            let source = Arc::new(Source::new());
            let new = registry.insert(source.clone()).unwrap();
            assert_eq!(new.index(), old.index());
            registry.dispatch([(old, EVENT)].into_iter());
            assert!(!source.ready().satisfies(Interest::READABLE));
            // A second removal by the old key leaves the new source alone.
            registry.remove(old);
            assert_eq!(registry.len(), 1);
            registry.dispatch([(new, EVENT)].into_iter());
            assert!(source.ready().satisfies(Interest::READABLE));
        }
    }
}
