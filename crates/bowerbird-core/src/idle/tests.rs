use super::Idle;
use bowerbird_base::model_or_real;

model_or_real! {
    {
        use bowerbird_base::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
        use bowerbird_base::sync::{Arc, Condvar, Mutex, thread};
        use loom::sync::Notify;

        use crate::park::Parker;

        const WORKERS: usize = 2;

        /// A queue without any ordering of its own: what the protocol promises must not come from a lock
        /// of the queues.
        #[derive(Default)]
        struct Pile(AtomicUsize);

        impl Pile {
            fn push(&self) {
                self.0.fetch_add(1, Ordering::Relaxed);
            }

            fn pop(&self) -> bool {
                let take = |count: usize| count.checked_sub(1);
                self.0.fetch_update(Ordering::Relaxed, Ordering::Relaxed, take).is_ok()
            }

            fn is_empty(&self) -> bool {
                self.0.load(Ordering::Relaxed) == 0
            }
        }

        /// What of a runtime takes part in the protocol; the worker below is `worker.rs`, step by step.
        struct Model {
            idle: Idle,
            injector: Pile,
            deques: Vec<Pile>,
            parkers: Vec<Parker>,
            source: Source,
            is_stopped: AtomicBool,
            taken: AtomicUsize,
            expected: usize,
            /// What a task waits for in its poll.
            barrier: Option<Notify>,
        }

        impl Model {
            fn new(expected: usize, has_barrier: bool) -> Arc<Self> {
                Arc::new(Self {
                    idle: Idle::new(WORKERS),
                    injector: Pile::default(),
                    deques: (0..WORKERS).map(|_| Pile::default()).collect(),
                    parkers: (0..WORKERS).map(|_| Parker::new()).collect(),
                    source: Source::default(),
                    is_stopped: AtomicBool::new(false),
                    taken: AtomicUsize::new(0),
                    expected,
                    barrier: has_barrier.then(Notify::new),
                })
            }

            fn unpark(&self, worker: Option<usize>) {
                if let Some(worker) = worker
                    && self.parkers[worker].unpark().is_some()
                {
                    self.source.notify();
                }
            }

            fn inject(&self) {
                self.injector.push();
                self.unpark(self.idle.notify());
            }

            fn has_work(&self) -> bool {
                !self.injector.is_empty() || self.deques.iter().any(|deque| !deque.is_empty())
            }

            fn poll(&self) {
                let is_last = self.taken.fetch_add(1, Ordering::SeqCst) + 1 == self.expected;
                match &self.barrier {
                    Some(barrier) if is_last => barrier.notify(),
                    Some(barrier) => barrier.wait(),
                    None => {}
                }
                if is_last {
                    self.is_stopped.swap(true, Ordering::SeqCst);
                    (0..WORKERS).for_each(|worker| self.unpark(Some(worker)));
                }
            }

            /// The worker's loop. `waits_on` says whether it sleeps on the source, if nobody else does.
            fn work(&self, index: usize, uses_source: bool) {
                let deque = &self.deques[index];
                let mut is_searching = false;
                self.idle.worker_came();
                while !self.is_stopped.load(Ordering::Acquire) {
                    if deque.pop() || self.search(index, &mut is_searching) {
                        if std::mem::take(&mut is_searching)
                            && self.idle.end_search()
                            && self.has_work()
                        {
                            self.unpark(self.idle.notify());
                        }
                        self.poll();
                        continue;
                    }
                    if uses_source {
                        (0..self.source.drain()).for_each(|_| deque.push());
                        if !deque.is_empty() {
                            continue;
                        }
                    }
                    self.idle.announce_sleep(index, std::mem::take(&mut is_searching));
                    let must_not_sleep = self.is_stopped.load(Ordering::Acquire) || self.has_work();
                    if !must_not_sleep {
                        let events = self.sleep(index, uses_source);
                        (0..events).for_each(|_| deque.push());
                    }
                    is_searching = self.idle.end_sleep(index);
                    if must_not_sleep && !is_searching {
                        self.idle.must_search();
                        is_searching = true;
                    }
                }
                self.idle.worker_left();
            }

            fn search(&self, index: usize, is_searching: &mut bool) -> bool {
                if self.injector.pop() {
                    return true;
                }
                if !*is_searching && !self.idle.try_search() {
                    return false;
                }
                *is_searching = true;
                self.deques[1 - index].pop()
            }

            fn sleep(&self, index: usize, uses_source: bool) -> usize {
                let mut events = 0;
                if uses_source && self.source.try_claim() {
                    self.parkers[index].park_on(0, || events = self.source.wait());
                    self.source.release();
                } else {
                    self.parkers[index].park(None);
                }
                events
            }
        }

        /// A poller with its wake-up event, as io has it: one waiter, and drainers that may harvest the
        /// wake-up that was meant for the waiter.
        #[derive(Default)]
        struct Source(Mutex<SourceState>, Condvar);

        #[derive(Default)]
        struct SourceState {
            event_count: usize,
            is_claimed: bool,
            is_notified: bool,
            is_ringing: bool,
        }

        impl Source {
            fn try_claim(&self) -> bool {
                !std::mem::replace(&mut self.0.lock().is_claimed, true)
            }

            fn release(&self) {
                let mut state = self.0.lock();
                (state.is_claimed, state.is_notified) = (false, false);
            }

            fn wait(&self) -> usize {
                let mut state = self.0.lock();
                // Looked at before it blocks only: what ends the wait is the ring, or an event.
                if !state.is_notified {
                    while !state.is_ringing && state.event_count == 0 {
                        self.1.wait(&mut state);
                    }
                    state.is_ringing = false;
                }
                std::mem::take(&mut state.event_count)
            }

            fn notify(&self) {
                let mut state = self.0.lock();
                (state.is_notified, state.is_ringing) = (true, true);
                self.1.notify_all();
            }

            /// Harvests without blocking; rings again if it harvested the waiter's wake-up.
            fn drain(&self) -> usize {
                let mut state = self.0.lock();
                if std::mem::take(&mut state.is_ringing) && state.is_claimed && state.is_notified {
                    state.is_ringing = true;
                    self.1.notify_all();
                }
                std::mem::take(&mut state.event_count)
            }

            fn event(&self) {
                self.0.lock().event_count += 1;
                self.1.notify_all();
            }
        }

        fn check(
            make: impl Fn() -> Arc<Model> + Send + Sync + 'static,
            uses_source: bool,
            first: impl Fn(&Model) + Copy + Send + Sync + 'static,
            outside: impl Fn(&Model) + Copy + Send + Sync + 'static,
        ) {
            let mut builder = loom::model::Builder::new();
            builder.preemption_bound.get_or_insert(2);
            builder.max_branches = 20_000;
            builder.check(move || {
                let model = make();
                let other = {
                    let model = model.clone();
                    thread::spawn(move || model.work(1, uses_source))
                };
                let worker = {
                    let model = model.clone();
                    thread::spawn(move || {
                        first(&model);
                        model.work(0, uses_source);
                    })
                };
                outside(&model);
                other.join().unwrap();
                worker.join().unwrap();
                assert_eq!(model.taken.load(Ordering::SeqCst), model.expected);
            });
        }

        /// `[ORD-1]`: a thread outside injects while two workers search, announce and sleep (regression row
        /// 2: tokio #1788). A task that is slept over shows as a deadlock.
        #[test]
        fn injected_task_is_never_slept_over() {
            check(|| Model::new(1, false), false, |_| (), Model::inject);
        }

        /// The same with two tasks.
        #[test]
        fn burst_of_injected_tasks_is_never_slept_over() {
            check(|| Model::new(2, false), false, |_| (), |model| (0..2).for_each(|_| model.inject()));
        }

        /// Two tasks that wait for each other in their polls: whoever finds the first wakes the next
        /// (regression row 9: tokio #6470).
        #[test]
        fn finder_of_a_task_wakes_the_next_worker() {
            check(|| Model::new(2, true), false, |_| (), |model| (0..2).for_each(|_| model.inject()));
        }

        /// `[ORD-2]`: a push into the own deque is announced by a hint only; its owner drains it.
        #[test]
        fn local_push_is_drained_by_its_owner() {
            let push = |model: &Model| {
                for _ in 0..2 {
                    model.deques[0].push();
                    model.unpark(model.idle.notify_hint());
                }
            };
            check(|| Model::new(2, false), false, push, |_| ());
        }

        /// One worker waits on the source, the other parks and, before, drains the source: an injected task
        /// is not slept over though the drainer may harvest the waiter's wake-up.
        #[test]
        fn injected_task_is_never_slept_over_beside_a_drainer() {
            check(|| Model::new(1, false), true, |_| (), Model::inject);
        }

        /// An event of the source is taken by whoever waits on it or drains it.
        #[test]
        fn event_of_a_source_is_never_slept_over() {
            check(|| Model::new(1, false), true, |_| (), |model| model.source.event());
        }
    }
    {
        #[test]
        fn sleeper_is_claimed_once_and_counts_as_searching() {
            let idle = Idle::new(4);
            idle.worker_came();
            idle.announce_sleep(3, false);
            assert!(idle.all_sleep());
            assert_eq!(idle.notify(), Some(3));
            assert_eq!(idle.notify(), None);
            assert!(!idle.all_sleep());
            assert!(idle.end_sleep(3), "it was claimed");
            assert!(!idle.end_search(), "nobody sleeps who could search in its place");
            idle.announce_sleep(3, false);
            assert!(!idle.end_sleep(3));
            idle.worker_left();
        }

        #[test]
        fn half_of_the_workers_search_at_most() {
            let idle = Idle::new(4);
            assert!(idle.try_search() && idle.try_search());
            assert!(!idle.try_search());
            assert_eq!(idle.notify(), None, "somebody searches");
        }

        #[test]
        fn counts_of_the_largest_runtime_do_not_mix() {
            let idle = Idle::new(crate::MAX_WORKERS);
            (0..crate::MAX_WORKERS).for_each(|_| idle.worker_came());
            (0..crate::MAX_WORKERS).for_each(|worker| idle.announce_sleep(worker, false));
            assert!(idle.all_sleep());
            assert_eq!(idle.sleeping_count(), crate::MAX_WORKERS);
            while idle.claim_any().is_some() {}
            assert_eq!(idle.sleeping_count(), 0);
        }
    }
}
