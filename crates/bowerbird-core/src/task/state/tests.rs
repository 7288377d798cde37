use super::{Complete, Ending, JOIN_INTEREST, LeaveJoin, Pending, State, Wake};
use bowerbird_base::model_or_real;

model_or_real! {
    {
        use bowerbird_base::sync::Arc;
        use bowerbird_base::sync::atomic::{AtomicUsize, Ordering};
        use bowerbird_base::sync::cell::UnsafeCell;
        use bowerbird_base::sync::thread;
        use loom::sync::Notify;

        /// A task whose memory is watched: everybody looks at it before giving a reference back, and who
        /// frees it writes.
        struct Watched {
            state: State,
            memory: UnsafeCell<u32>,
            frees: AtomicUsize,
        }

        impl Watched {
            fn new(flags: u64) -> Arc<Self> {
                Arc::new(Self {
                    state: State::new(flags),
                    memory: UnsafeCell::new(0),
                    frees: AtomicUsize::new(0),
                })
            }

            fn use_memory(&self) {
                self.memory.with(|_| ());
            }

            fn free(&self) {
                self.memory.with_mut(|_| ());
                self.frees.fetch_add(1, Ordering::Relaxed);
            }
        }

        // SAFETY: the memory is watched by loom, which is the point.
        #[allow(unsafe_code, reason = "a cell that loom watches")]
        unsafe impl Sync for Watched {}
        // SAFETY: as above.
        #[allow(unsafe_code, reason = "a cell that loom watches")]
        unsafe impl Send for Watched {}

        /// Polls until `is_ready`, sleeping in between until a waker schedules the task.
        fn poll_until(state: &State, queue: &Notify, is_ready: impl Fn() -> bool) {
            loop {
                let _bits = state.enter();
                if is_ready() {
                    assert!(matches!(state.complete(Ending::Value), Complete::Done(_)));
                    return;
                }
                if state.pending() == Pending::Idle {
                    queue.wait();
                }
            }
        }

        /// `[ORD-1]`: a poll that sees what each waker wrote follows every wake (row 5 of the regressions:
        /// two remote wakes while the executor polls).
        #[test]
        fn wake_is_never_lost() {
            loom::model(|| {
                let shared = Arc::new((State::new(0), Notify::new()));
                let written: Vec<_> = (0..2).map(|_| Arc::new(AtomicUsize::new(0))).collect();
                let wakers: Vec<_> = written
                    .iter()
                    .map(|written| {
                        let (shared, written) = (shared.clone(), written.clone());
                        thread::spawn(move || {
                            written.store(1, Ordering::Relaxed);
                            if shared.0.wake_by_ref() == Wake::Schedule {
                                shared.1.notify();
                            }
                        })
                    })
                    .collect();
                poll_until(&shared.0, &shared.1, || {
                    written.iter().all(|written| written.load(Ordering::Relaxed) == 1)
                });
                wakers.into_iter().for_each(|waker| waker.join().unwrap());
            });
        }

        /// `[ORD-1]`: a wake that comes while `enter` clears an earlier one is seen by that poll.
        #[test]
        fn wake_while_the_poll_begins_is_seen() {
            loom::model(|| {
                let shared = Arc::new((State::new(0), Notify::new(), AtomicUsize::new(0)));
                assert_eq!(shared.0.wake_by_ref(), Wake::Nothing);
                let waker = {
                    let shared = shared.clone();
                    thread::spawn(move || {
                        shared.2.store(1, Ordering::Relaxed);
                        if shared.0.wake_by_ref() == Wake::Schedule {
                            shared.1.notify();
                        }
                    })
                };
                poll_until(&shared.0, &shared.1, || shared.2.load(Ordering::Relaxed) == 1);
                waker.join().unwrap();
            });
        }

        /// `[ORD-1]`: what one poll wrote into the future, the next one sees, on whatever thread it is.
        #[test]
        fn future_is_handed_from_poll_to_poll() {
            loom::model(|| {
                let task = Watched::new(0);
                let other = {
                    let task = task.clone();
                    thread::spawn(move || {
                        if task.state.wake_by_ref() == Wake::Schedule {
                            let _bits = task.state.enter();
                            task.memory.with_mut(|_| ());
                        }
                    })
                };
                let _bits = task.state.enter();
                task.memory.with_mut(|_| ());
                if task.state.pending() == Pending::Requeue {
                    task.memory.with_mut(|_| ());
                }
                other.join().unwrap();
            });
        }

        /// `[ORD-3]`: the last of list, join handle and waker frees the task, after all uses, once.
        #[test]
        fn last_reference_frees_once() {
            loom::model(|| {
                let task = Watched::new(JOIN_INTEREST);
                task.state.retain();
                let waker = {
                    let task = task.clone();
                    thread::spawn(move || {
                        task.use_memory();
                        if task.state.wake() == Wake::Free {
                            task.free();
                        }
                    })
                };
                let handle = {
                    let task = task.clone();
                    thread::spawn(move || {
                        task.use_memory();
                        match task.state.leave_join() {
                            LeaveJoin::Left => {}
                            LeaveJoin::LeftWaker => unreachable!("no waker was set"),
                            LeaveJoin::Done => {
                                if task.state.release() {
                                    task.free();
                                }
                            }
                        }
                    })
                };
                assert!(matches!(task.state.complete(Ending::Value), Complete::Done(_)));
                task.use_memory();
                if task.state.release() {
                    task.free();
                }
                waker.join().unwrap();
                handle.join().unwrap();
                assert_eq!(task.frees.load(Ordering::Relaxed), 1);
            });
        }

        /// A waker that is woken by value while the task sleeps and ends: scheduled once or not at all, and
        /// freed once.
        #[test]
        fn wake_by_value_races_with_the_end() {
            loom::model(|| {
                let task = Watched::new(0);
                (0..2).for_each(|_| task.state.retain());
                let queue = Arc::new(Notify::new());
                let wakers: Vec<_> = (0..2)
                    .map(|_| {
                        let (task, queue) = (task.clone(), queue.clone());
                        thread::spawn(move || {
                            task.use_memory();
                            match task.state.wake() {
                                Wake::Schedule => queue.notify(),
                                Wake::Free => task.free(),
                                Wake::Nothing => {}
                            }
                        })
                    })
                    .collect();
                let _bits = task.state.enter();
                if task.state.pending() == Pending::Idle {
                    queue.wait();
                }
                let _bits = task.state.enter();
                assert!(matches!(task.state.complete(Ending::Value), Complete::Done(_)));
                task.use_memory();
                if task.state.release() {
                    task.free();
                }
                wakers.into_iter().for_each(|waker| waker.join().unwrap());
                assert_eq!(task.frees.load(Ordering::Relaxed), 1);
            });
        }

        /// Edge 6 against edge 4: accepted means cancelled, refused means that the value stays.
        #[test]
        fn accepted_cancel_ends_cancelled() {
            loom::model(|| {
                let state = Arc::new(State::new(0));
                let asker = {
                    let state = state.clone();
                    thread::spawn(move || state.cancel().is_some())
                };
                let _bits = state.enter();
                let mut ending = Ending::Value;
                while let Complete::CancelFirst = state.complete(ending) {
                    assert!(state.take_cancel().has_cancel());
                    ending = Ending::Cancelled;
                }
                let was_accepted = asker.join().unwrap();
                assert_eq!(was_accepted, ending == Ending::Cancelled);
                assert_eq!(state.load().is_cancelled(), was_accepted);
                assert!(!state.load().has_cancel());
            });
        }

        /// Edge 6 against edge 3: a request to a task that falls asleep schedules it, and the poll that
        /// follows sees what the asker wrote.
        #[test]
        fn cancel_wakes_a_task_that_falls_asleep() {
            loom::model(|| {
                let shared = Arc::new((State::new(0), Notify::new(), AtomicUsize::new(0)));
                let asker = {
                    let shared = shared.clone();
                    thread::spawn(move || {
                        shared.2.store(1, Ordering::Relaxed);
                        if shared.0.cancel() == Some(Wake::Schedule) {
                            shared.1.notify();
                        }
                    })
                };
                loop {
                    let bits = shared.0.enter();
                    if bits.has_cancel() && shared.0.take_cancel().has_cancel() {
                        assert_eq!(shared.2.load(Ordering::Relaxed), 1);
                        break;
                    }
                    if shared.0.pending() == Pending::Idle {
                        shared.1.wait();
                    }
                }
                asker.join().unwrap();
            });
        }
    }
    {
        #[test]
        fn wake_of_a_sleeping_task_schedules_it_once() {
            let state = State::new(0);
            assert_eq!(state.pending(), Pending::Idle);
            assert_eq!(state.wake_by_ref(), Wake::Schedule);
            assert_eq!(state.wake_by_ref(), Wake::Nothing);
            assert!(!state.enter().is_notified());
            assert_eq!(state.pending(), Pending::Idle);
        }

        #[test]
        fn wake_during_a_poll_requeues_once() {
            let state = State::new(0);
            let _bits = state.enter();
            assert_eq!(state.wake_by_ref(), Wake::Nothing);
            assert_eq!(state.wake_by_ref(), Wake::Nothing);
            assert_eq!(state.pending(), Pending::Requeue);
            assert_eq!(state.pending(), Pending::Idle);
        }

        #[test]
        fn cancel_after_the_end_is_refused() {
            let state = State::new(0);
            assert!(matches!(state.complete(Ending::Value), Complete::Done(_)));
            assert_eq!(state.cancel(), None);
            assert_eq!(state.load().is_cancelled(), state.load().has_cancel());
        }

        #[test]
        fn request_stops_a_value_but_not_a_panic() {
            for ending in [Ending::Value, Ending::Cancelled, Ending::Panicked] {
                let state = State::new(super::CANCEL);
                let is_done = matches!(state.complete(ending), Complete::Done(_));
                assert_eq!(is_done, ending != Ending::Value);
            }
        }

        #[test]
        fn references_are_counted_to_the_last() {
            let state = State::new(JOIN_INTEREST);
            state.retain();
            assert_eq!(state.leave_join(), LeaveJoin::Left);
            assert_eq!(state.wake(), Wake::Nothing);
            assert!(matches!(state.complete(Ending::Value), Complete::Done(_)));
            assert!(state.release());
        }
    }
}
