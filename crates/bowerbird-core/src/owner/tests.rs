use bowerbird_base::model_or_real;

model_or_real! {
    {
        use bowerbird_base::sync::Arc;
        use bowerbird_base::sync::cell::UnsafeCell;
        use bowerbird_base::sync::thread;
        use loom::sync::Notify;

        use crate::task::state::{Complete, Ending, Pending, State, Wake};

        /// The place once more, on atomics that a model watches.
        mod modelled {
            define_place! { {} bowerbird_base::sync::atomic }
        }

        /// A runtime that loom watches: guests use it, its end writes.
        struct Runtime {
            memory: UnsafeCell<()>,
            queue: Notify,
        }

        struct Model {
            place: modelled::Place<Runtime, ()>,
            state: State,
            runtime: Runtime,
        }
        // SAFETY: loom watches the cell.
        unsafe impl Sync for Model {}
        // SAFETY: as above.
        unsafe impl Send for Model {}

        fn model() -> Arc<Model> {
            let model = Arc::new(Model {
                place: modelled::Place::new(),
                state: State::new(0),
                runtime: Runtime { memory: UnsafeCell::new(()), queue: Notify::new() },
            });
            model.place.set(&raw const model.runtime, std::ptr::null(), true);
            model
        }

        /// What `schedule_after` does for a thread outside.
        fn wake_from_outside(model: &Model) {
            model.place.enter();
            if model.state.wake_by_ref() == Wake::Schedule {
                // SAFETY: the pointer is null or leads into the model, which outlives the threads; that it
                // is not used after its end is what loom watches.
                if let Some(runtime) = unsafe { model.place.runtime().as_ref() } {
                    runtime.queue.notify();
                    runtime.memory.with(|_| ()); // after the task was handed over
                }
            }
            model.place.leave();
        }

        /// `[ORD-1]` of place.rs: the runtime ends when its task has ended; the guest that woke the task is
        /// out by then, and one that woke nothing never looked (regression row 11: async-executor #163).
        #[test]
        fn runtime_outlives_its_guests() {
            loom::model(|| {
                let model = model();
                let guests: Vec<_> = (0..2)
                    .map(|_| {
                        let model = model.clone();
                        thread::spawn(move || wake_from_outside(&model))
                    })
                    .collect();
                if model.state.pending() == Pending::Idle {
                    model.runtime.queue.wait();
                }
                let _bits = model.state.enter();
                assert!(matches!(model.state.complete(Ending::Value), Complete::Done(_)));
                model.place.retire();
                model.runtime.memory.with_mut(|_| ());
                guests.into_iter().for_each(|guest| guest.join().unwrap());
            });
        }

        /// A runtime that goes with a sleeping task: a guest is waited for, or finds nothing.
        #[test]
        fn runtime_without_an_end_outlives_its_guests() {
            loom::model(|| {
                let model = model();
                assert_eq!(model.state.pending(), Pending::Idle);
                let guest = {
                    let model = model.clone();
                    thread::spawn(move || wake_from_outside(&model))
                };
                model.place.retire();
                model.runtime.memory.with_mut(|_| ());
                guest.join().unwrap();
            });
        }
    }
    {
        use super::{OwnerNumber, enter, give_back, retire, runtime_of, seat_of, set, take_number};

        #[test]
        fn retired_number_leads_nowhere_and_is_kept_while_tasks_carry_it() {
            let number = take_number();
            set(number, std::ptr::dangling(), std::ptr::dangling(), true);
            drop(enter(number));
            retire(number);
            assert!(runtime_of(number).is_null() && seat_of(number).is_null());
            give_back(number, 1);
            let others: Vec<OwnerNumber> = (0..100).map(|_| take_number()).collect();
            assert!(!others.contains(&number));
            others.into_iter().for_each(|other| give_back(other, 0));
        }
    }
}
