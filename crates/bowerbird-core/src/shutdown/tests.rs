use bowerbird_base::model_or_real;

model_or_real! {
    {
        use std::panic::Location;
        use std::sync::atomic::{AtomicUsize, Ordering};

        use bowerbird_base::sync::{Arc, thread};

        use super::Sweep;
        use crate::owner::OwnerNumber;
        use crate::task::handle::TaskHandle;
        use crate::task::header::TaskCell;
        use crate::task::state::{Complete, Ending, State};

        /// `[ORD-1]`: a task ends while the sweep asks it to, twice: it is waited for, and counted once.
        #[test]
        fn swept_task_is_counted_once() {
            task_is_counted_once(true);
        }

        /// The same for one that is waited for and not asked to end.
        #[test]
        fn task_that_is_only_waited_for_is_counted_once() {
            task_is_counted_once(false);
        }

        fn task_is_counted_once(cancels: bool) {
            loom::model(move || {
                let future = std::future::ready(());
                let header =
                    TaskCell::allocate(future, State::new(0), OwnerNumber(0), 1, Location::caller());
                // One for the list's reference, which nobody gives back here, and one for the sweep.
                let worker_handle = TaskHandle::from_counted(header);
                let handle = worker_handle.clone();
                let shared = Arc::new((Sweep::new(), AtomicUsize::new(0)));
                let worker = {
                    let shared = shared.clone();
                    thread::spawn(move || {
                        let state = &worker_handle.header_ref().state;
                        let mut ending = Ending::Value;
                        let before = loop {
                            match state.complete(ending) {
                                Complete::Done(before) => break before,
                                Complete::CancelFirst => {
                                    state.take_cancel();
                                    ending = Ending::Cancelled;
                                }
                            }
                        };
                        shared.1.fetch_add(1, Ordering::SeqCst);
                        if before.is_swept() {
                            shared.0.task_ended();
                        }
                    })
                };
                let was_asked = shared.0.ask(&handle, cancels);
                assert!(!shared.0.ask(&handle, cancels), "it is new to the sweep once");
                loom::future::block_on(shared.0.wait());
                assert!(!was_asked || shared.1.load(Ordering::SeqCst) == 1, "it is waited for");
                worker.join().unwrap();
                assert!(handle.done());
            });
        }
    }
    {
    }
}
