use super::Idle;
use bowerbird_base::model_or_real;

model_or_real! {
    {
        use std::collections::VecDeque;

        use bowerbird_base::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
        use bowerbird_base::sync::model_deque::{Injector, Steal, Stealer, Worker};
        use bowerbird_base::sync::{Arc, Condvar, Mutex, thread};

        use crate::park::Parker;

        const WORKERS: usize = 2;

        /// What of a runtime takes part in the protocol; the worker below is `worker.rs`, step by step.
        struct Model {
            idle: Idle,
            injector: Injector<u32>,
            thieves: Vec<Stealer<u32>>,
            parkers: Vec<Parker>,
            source: Source,
            is_stopped: AtomicBool,
            taken: AtomicUsize,
            expected: usize,
        }

        impl Model {
            fn new(expected: usize) -> (Arc<Self>, Vec<Worker<u32>>) {
                let deques: Vec<_> = (0..WORKERS).map(|_| Worker::new_lifo()).collect();
                let model = Self {
                    idle: Idle::new(WORKERS),
                    injector: Injector::new(),
                    thieves: deques.iter().map(Worker::stealer).collect(),
                    parkers: (0..WORKERS).map(|_| Parker::new()).collect(),
                    source: Source::default(),
                    is_stopped: AtomicBool::new(false),
                    taken: AtomicUsize::new(0),
                    expected,
                };
                (Arc::new(model), deques)
            }

            fn unpark(&self, worker: Option<usize>) {
                if let Some(worker) = worker
                    && self.parkers[worker].unpark().is_some()
                {
                    self.source.notify();
                }
            }

            fn inject(&self, task: u32) {
                self.injector.push(task);
                self.unpark(self.idle.notify());
            }

            fn has_work(&self) -> bool {
                !self.injector.is_empty() || self.thieves.iter().any(|thief| !thief.is_empty())
            }

            fn count_one(&self) {
                if self.taken.fetch_add(1, Ordering::SeqCst) + 1 == self.expected {
                    self.is_stopped.swap(true, Ordering::SeqCst);
                    (0..WORKERS).for_each(|worker| self.unpark(Some(worker)));
                }
            }

            /// The worker's loop. `waits_on` says whether it sleeps on the source, if nobody else does.
            fn work(&self, index: usize, deque: &Worker<u32>, uses_source: bool) {
                let mut is_searching = false;
                self.idle.worker_came();
                while !self.is_stopped.load(Ordering::Acquire) {
                    let task = deque.pop().or_else(|| self.search(index, &mut is_searching));
                    if task.is_some() {
                        if std::mem::take(&mut is_searching)
                            && self.idle.end_search()
                            && self.has_work()
                        {
                            self.unpark(self.idle.notify());
                        }
                        self.count_one();
                        continue;
                    }
                    if uses_source {
                        self.source.drain().for_each(|task| deque.push(task));
                        if !deque.is_empty() {
                            continue;
                        }
                    }
                    self.idle.announce_sleep(index, std::mem::take(&mut is_searching));
                    let must_not_sleep = self.is_stopped.load(Ordering::Acquire) || self.has_work();
                    if !must_not_sleep {
                        let events = self.sleep(index, uses_source);
                        events.into_iter().for_each(|task| deque.push(task));
                    }
                    is_searching = self.idle.end_sleep(index);
                    if must_not_sleep && !is_searching {
                        self.idle.must_search();
                        is_searching = true;
                    }
                }
                self.idle.worker_left();
            }

            fn search(&self, index: usize, is_searching: &mut bool) -> Option<u32> {
                if let Steal::Success(task) = self.injector.steal() {
                    return Some(task);
                }
                if !*is_searching && !self.idle.try_search() {
                    return None;
                }
                *is_searching = true;
                match self.thieves[1 - index].steal() {
                    Steal::Success(task) => Some(task),
                    _ => None,
                }
            }

            fn sleep(&self, index: usize, uses_source: bool) -> VecDeque<u32> {
                let mut events = VecDeque::new();
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
            events: VecDeque<u32>,
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

            fn wait(&self) -> VecDeque<u32> {
                let mut state = self.0.lock();
                while !state.is_notified && !state.is_ringing && state.events.is_empty() {
                    self.1.wait(&mut state);
                }
                state.is_ringing = false;
                std::mem::take(&mut state.events)
            }

            fn notify(&self) {
                let mut state = self.0.lock();
                (state.is_notified, state.is_ringing) = (true, true);
                self.1.notify_all();
            }

            /// Harvests without blocking; rings again if it harvested the waiter's wake-up.
            fn drain(&self) -> impl Iterator<Item = u32> + use<> {
                let mut state = self.0.lock();
                if std::mem::take(&mut state.is_ringing) && state.is_claimed && state.is_notified {
                    state.is_ringing = true;
                    self.1.notify_all();
                }
                std::mem::take(&mut state.events).into_iter()
            }

            fn event(&self, task: u32) {
                self.0.lock().events.push_back(task);
                self.1.notify_all();
            }
        }

        fn check(
            expected: usize,
            uses_source: bool,
            first: impl Fn(&Model, &Worker<u32>) + Copy + Send + Sync + 'static,
            outside: impl Fn(&Model) + Copy + Send + Sync + 'static,
        ) {
            let mut builder = loom::model::Builder::new();
            builder.preemption_bound.get_or_insert(2);
            builder.max_branches = 20_000;
            builder.check(move || {
                let (model, mut deques) = Model::new(expected);
                let (second, own) = (deques.pop().unwrap(), deques.pop().unwrap());
                let other = {
                    let model = model.clone();
                    thread::spawn(move || model.work(1, &second, uses_source))
                };
                let worker = {
                    let model = model.clone();
                    thread::spawn(move || {
                        first(&model, &own);
                        model.work(0, &own, uses_source);
                    })
                };
                outside(&model);
                other.join().unwrap();
                worker.join().unwrap();
                assert_eq!(model.taken.load(Ordering::SeqCst), expected);
            });
        }

        /// `[ORD-1]`: a thread outside injects while two workers search, announce and sleep (regression rows
        /// 2 and 9: tokio #1788, #6470). A task that is slept over shows as a deadlock.
        #[test]
        fn injected_task_is_never_slept_over() {
            check(1, false, |_, _| (), |model| model.inject(1));
        }

        /// The same with two tasks: the one who finds the first wakes the next.
        #[test]
        fn burst_of_injected_tasks_is_never_slept_over() {
            check(2, false, |_, _| (), |model| (1..3).for_each(|task| model.inject(task)));
        }

        /// `[ORD-2]`: a push into the own deque is announced by a hint only; its owner drains it.
        #[test]
        fn local_push_is_drained_by_its_owner() {
            check(
                2,
                false,
                |model, deque| {
                    for task in 0..2 {
                        deque.push(task);
                        model.unpark(model.idle.notify_hint());
                    }
                },
                |_| (),
            );
        }

        /// One worker waits on the source, the other parks and, before, drains the source: an injected task
        /// is not slept over though the drainer may harvest the waiter's wake-up.
        #[test]
        fn injected_task_is_never_slept_over_beside_a_drainer() {
            check(1, true, |_, _| (), |model| model.inject(1));
        }

        /// An event of the source is taken by whoever waits on it or drains it.
        #[test]
        fn event_of_a_source_is_never_slept_over() {
            check(1, true, |_, _| (), |model| model.source.event(1));
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
