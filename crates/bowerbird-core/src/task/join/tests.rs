use bowerbird_base::model_or_real;

model_or_real! {
    {
        use std::future::Future;
        use std::panic::Location;
        use std::pin::Pin;
        use std::ptr::NonNull;
        use std::sync::atomic::{AtomicUsize, Ordering};
        use std::task::{Context, Poll, Wake, Waker};

        use bowerbird_base::sync::{Arc, thread};

        use super::{Task, poll_done};
        use crate::owner::OwnerNumber;
        use crate::poll::tell;
        use crate::task::header::{Header, Polled, TaskCell};
        use crate::task::state::{Complete, Ending, JOIN_INTEREST, State};

        /// An output that loom watches: lost, it leaks; taken twice, it is dropped twice.
        type Output = Arc<u32>;

        fn new_task() -> (NonNull<Header>, Task<Output>) {
            let future = std::future::ready(Arc::new(7));
            let state = State::new(JOIN_INTEREST);
            let header = TaskCell::allocate(future, state, OwnerNumber(0), 1, Location::caller());
            // SAFETY: the output is a `Result<Output, TaskError>`, and the state has the interest.
            (header, unsafe { Task::new(header) })
        }

        struct Shared(NonNull<Header>);
        // SAFETY: what a worker is handed by its queue.
        unsafe impl Send for Shared {}

        /// What a worker does from the poll on, without the lists.
        fn complete(task: Shared) {
            let task = { task }.0;
            // SAFETY: the list's reference is this function's until `tell`.
            let header = unsafe { task.as_ref() };
            let _bits = header.state.enter();
            // SAFETY: the task was made RUNNING and nobody else polls it.
            assert!(unsafe { (header.vtable.poll)(task) } == Polled::Value);
            let Complete::Done(before) = header.state.complete(Ending::Value) else {
                unreachable!("nobody cancels")
            };
            tell(task, before, Ending::Value);
        }

        #[derive(Default)]
        struct Count(AtomicUsize);
        impl Wake for Count {
            fn wake(self: std::sync::Arc<Self>) {
                self.0.fetch_add(1, Ordering::SeqCst);
            }
        }

        fn counting() -> (std::sync::Arc<Count>, Waker) {
            let count = std::sync::Arc::<Count>::default();
            (count.clone(), Waker::from(count))
        }

        /// `[ORD-2]` of state.rs: who sees DONE sees the output, and it is given away once.
        #[test]
        fn join_sees_the_output() {
            loom::model(|| {
                let (header, task) = new_task();
                let header = Shared(header);
                let worker = thread::spawn(move || complete(header));
                assert_eq!(*loom::future::block_on(task).unwrap(), 7);
                worker.join().unwrap();
            });
        }

        /// `[ORD-2]` of state.rs: the handle polls with changing wakers while the task ends. The cell is
        /// touched by one side at a time, the last waker is woken, and none is lost or dropped twice
        /// (regression row 12: tokio #2087).
        #[test]
        fn join_waker_is_never_raced() {
            loom::model(|| {
                let (header, task) = new_task();
                let worker = {
                    let header = Shared(header);
                    thread::spawn(move || complete(header))
                };
                let ((first, a), (last, b)) = (counting(), counting());
                let header = task.handle();
                let is_done = [&a, &b, &b].map(|waker| poll_done(header.header_ref(), waker))[2];
                worker.join().unwrap();
                assert!(is_done || last.0.load(Ordering::SeqCst) == 1, "the last waker is woken");
                assert!(first.0.load(Ordering::SeqCst) + last.0.load(Ordering::SeqCst) <= 1);
                drop((task, header));
                // One is `count`, one the test's own waker.
                assert_eq!(std::sync::Arc::strong_count(&first), 2, "no clone is left or dropped twice");
                assert_eq!(std::sync::Arc::strong_count(&last), 2, "no clone is left or dropped twice");
            });
        }

        /// The handle goes, with a waker or without, while the task ends: the output is dropped by one side.
        #[test]
        fn handle_dropped_during_the_end_leaves_nothing() {
            for is_polled in [false, true] {
                loom::model(move || {
                    let (header, mut task) = new_task();
                    let (count, waker) = counting();
                    if is_polled {
                        let polled = Pin::new(&mut task).poll(&mut Context::from_waker(&waker));
                        assert!(matches!(polled, Poll::Pending));
                    }
                    let worker = {
                        let header = Shared(header);
                        thread::spawn(move || complete(header))
                    };
                    drop(task);
                    worker.join().unwrap();
                    assert_eq!(std::sync::Arc::strong_count(&count), 2);
                });
            }
        }

        /// The handle and the last untyped handle go on two threads while the task ends.
        #[test]
        fn last_handle_frees_the_task() {
            loom::model(|| {
                let (header, task) = new_task();
                let other = {
                    let handle = task.handle();
                    thread::spawn(move || {
                        let _is_done = handle.done();
                        drop(handle);
                    })
                };
                let worker = {
                    let header = Shared(header);
                    thread::spawn(move || complete(header))
                };
                drop(task);
                other.join().unwrap();
                worker.join().unwrap();
            });
        }
    }
    {
    }
}
