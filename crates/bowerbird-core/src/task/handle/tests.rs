use bowerbird_base::model_or_real;

model_or_real! {
    {
        use std::panic::Location;
        use std::ptr::NonNull;

        use bowerbird_base::sync::atomic::{AtomicUsize, Ordering};
        use bowerbird_base::sync::{Arc, thread};

        use super::TaskHandle;
        use crate::owner::OwnerNumber;
        use crate::poll::tell;
        use crate::task::header::{Header, TaskCell};
        use crate::task::state::{Complete, Ending, State};

        struct Shared(NonNull<Header>);
        // SAFETY: what a worker is handed by its queue.
        unsafe impl Send for Shared {}

        /// A task without a join handle, about to end, and a handle of it.
        fn new_task() -> (Shared, TaskHandle) {
            let state = State::new(0);
            let header =
                TaskCell::allocate(std::future::ready(()), state, OwnerNumber(0), 1, Location::caller());
            (Shared(header), TaskHandle::retain(header))
        }

        fn complete(task: Shared) {
            let task = { task }.0;
            // SAFETY: the list's reference is this function's until `tell`.
            let header = unsafe { task.as_ref() };
            // SAFETY: the task was made RUNNING and nobody else polls it.
            let _polled = unsafe { (header.vtable.poll)(task) };
            let Complete::Done(before) = header.state.complete(Ending::Value) else {
                unreachable!("nobody cancels")
            };
            tell(task, before, Ending::Value);
        }

        /// Callbacks that are added while the task ends are called once each, by one side or the other.
        #[test]
        fn callback_added_during_the_end_is_called_once() {
            loom::model(|| {
                let (task, handle) = new_task();
                let called = Arc::new(AtomicUsize::new(0));
                let adders: Vec<_> = [1, 16]
                    .into_iter()
                    .map(|weight| {
                        let (handle, called) = (handle.clone(), called.clone());
                        move || {
                            handle.add_done_callback(move |task| {
                                assert!(task.done());
                                called.fetch_add(weight, Ordering::Relaxed);
                            });
                        }
                    })
                    .collect();
                let mut adders = adders.into_iter();
                let (first, second) = (adders.next().unwrap(), adders.next().unwrap());
                let first = thread::spawn(first);
                let worker = thread::spawn(move || complete(task));
                second();
                first.join().unwrap();
                worker.join().unwrap();
                assert_eq!(called.load(Ordering::Relaxed), 17);
            });
        }

        /// Somebody waits while the task ends, and sees the end.
        #[test]
        fn waiter_that_comes_during_the_end_is_woken() {
            loom::model(|| {
                let (task, handle) = new_task();
                let worker = thread::spawn(move || complete(task));
                loom::future::block_on(handle.wait());
                assert!(handle.done());
                worker.join().unwrap();
            });
        }

        /// A callback that is taken away while the task ends is called if and only if that was refused.
        #[test]
        fn callback_removed_during_the_end_is_called_or_removed() {
            loom::model(|| {
                let (task, handle) = new_task();
                let called = Arc::new(AtomicUsize::new(0));
                let counted = called.clone();
                let id = handle.add_done_callback(move |_| _ = counted.fetch_add(1, Ordering::Relaxed));
                let worker = thread::spawn(move || complete(task));
                let was_removed = handle.remove_done_callback(id);
                worker.join().unwrap();
                assert_eq!(called.load(Ordering::Relaxed), usize::from(!was_removed));
            });
        }
    }
    {
    }
}
