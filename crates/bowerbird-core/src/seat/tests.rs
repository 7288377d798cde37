use bowerbird_base::model_or_real;

model_or_real! {
    {
        use std::panic::Location;

        use bowerbird_base::sync::atomic::{AtomicBool, AtomicPtr, AtomicUsize, Ordering};
        use bowerbird_base::sync::cell::UnsafeCell;
        use bowerbird_base::sync::{Arc, Mutex, thread};

        use super::{Inbox, NextSlot, Occupancy};
        use crate::owner::OwnerNumber;
        use crate::park::Parker;
        use crate::task::Runnable;
        use crate::task::header::TaskCell;
        use crate::task::state::State;
        use crate::wake::free;

        /// A queued task in whose links a number was just written: who takes it must see that.
        fn new_task(number: usize) -> Runnable {
            let header = TaskCell::allocate(
                std::future::ready(()),
                State::new(0),
                OwnerNumber(0),
                number as u64,
                Location::caller(),
            );
            let task = Runnable(header);
            task.header().links.with_mut(|_| ());
            task
        }

        /// Polls and frees it, so to say.
        fn run(task: Runnable) -> usize {
            let number = task.header().id().get() as usize;
            task.header().links.with_mut(|_| ());
            free(task.0);
            number
        }

        /// `[ORD-4]`: the owner puts and takes while the rescue thread takes: each task goes to one of them,
        /// as it was written.
        #[test]
        fn slot_is_taken_once() {
            loom::model(|| {
                let slot = Arc::new(NextSlot(AtomicPtr::new(std::ptr::null_mut())));
                let rescue = {
                    let slot = slot.clone();
                    thread::spawn(move || {
                        (0..2).filter_map(|_| slot.take()).map(run).sum::<usize>()
                    })
                };
                let mut taken = 0;
                assert!(slot.replace(new_task(1)).is_none());
                taken += slot.replace(new_task(4)).map_or(0, run);
                taken += slot.take().map_or(0, run);
                taken += slot.replace(new_task(16)).map_or(0, run);
                taken += rescue.join().unwrap();
                taken += slot.take().map_or(0, run);
                assert_eq!(taken, 21);
            });
        }

        /// `[ORD-4]`: the plain store into an empty slot hands the task over as well.
        #[test]
        fn slot_hands_over_what_was_written() {
            loom::model(|| {
                let slot = Arc::new(NextSlot(AtomicPtr::new(std::ptr::null_mut())));
                let rescue = {
                    let slot = slot.clone();
                    thread::spawn(move || slot.take().map_or(0, run))
                };
                slot.fill(&new_task(1));
                let taken = rescue.join().unwrap() + slot.take().map_or(0, run);
                assert_eq!(taken, 1);
            });
        }

        /// `[ORD-1]`: what is put into the inbox before an unpark is found by the occupant that wakes up.
        #[test]
        fn inbox_item_is_never_hidden() {
            loom::model(|| {
                let inbox = Inbox {
                    has_items: AtomicBool::new(false),
                    items: Mutex::new(Vec::new()),
                };
                let shared = Arc::new((inbox, Parker::new()));
                let threads: Vec<_> = [1, 4]
                    .into_iter()
                    .map(|number| {
                        let shared = shared.clone();
                        thread::spawn(move || {
                            shared.0.put(new_task(number));
                            assert_eq!(shared.1.unpark(), None);
                        })
                    })
                    .collect();
                let mut sum = 0;
                while sum != 5 {
                    if shared.0.has_items() {
                        let mut tasks = Vec::new();
                        shared.0.take(&mut tasks);
                        sum += tasks.into_iter().map(run).sum::<usize>();
                    } else {
                        shared.1.park(None);
                    }
                }
                threads.into_iter().for_each(|thread| thread.join().unwrap());
            });
        }

        /// The core of a seat, watched: one thread at a time, each after the other.
        struct Place {
            occupancy: Occupancy,
            core: UnsafeCell<()>,
            lent_count: AtomicUsize,
        }
        // SAFETY: loom watches the cell.
        #[allow(unsafe_code, reason = "a cell that loom watches")]
        unsafe impl Sync for Place {}
        // SAFETY: as above.
        #[allow(unsafe_code, reason = "a cell that loom watches")]
        unsafe impl Send for Place {}

        fn guest(place: &Place) {
            let Some(question) = place.occupancy.ask() else { return };
            if place.occupancy.wait_for_answer(question) {
                place.core.with_mut(|_| ());
                place.lent_count.fetch_add(1, Ordering::Relaxed);
                place.occupancy.give_back();
            }
        }

        fn place() -> Arc<Place> {
            let place = Place {
                occupancy: Occupancy::new(),
                core: UnsafeCell::new(()),
                lent_count: AtomicUsize::new(0),
            };
            assert!(place.occupancy.enter());
            Arc::new(place)
        }

        /// Two guests ask a home thread that lends, refuses and leaves: the core has one user at a time, and
        /// nobody waits for an answer for ever.
        #[test]
        fn seat_has_one_occupant() {
            for refuses_first in [false, true] {
                let mut builder = loom::model::Builder::new();
                builder.preemption_bound = Some(3); // an answer taken by two needs as many
                builder.check(move || {
                    let place = place();
                    let guests: Vec<_> = (0..2)
                        .map(|_| {
                            let place = place.clone();
                            thread::spawn(move || guest(&place))
                        })
                        .collect();
                    for round in 0..2 {
                        place.core.with_mut(|_| ());
                        if place.occupancy.is_asked() {
                            place.occupancy.answer(!(refuses_first && round == 0));
                        }
                    }
                    place.core.with_mut(|_| ());
                    place.occupancy.close();
                    guests.into_iter().for_each(|guest| guest.join().unwrap());
                    assert!(place.occupancy.enter(), "it is vacant");
                    assert!(place.occupancy.ask().is_some());
                });
            }
        }

        /// Two threads take an empty seat: one gets it.
        #[test]
        fn vacant_seat_is_entered_by_one() {
            loom::model(|| {
                let place = place();
                place.occupancy.close();
                let other = {
                    let place = place.clone();
                    thread::spawn(move || {
                        if place.occupancy.enter() {
                            place.core.with_mut(|_| ());
                            place.occupancy.close();
                        }
                    })
                };
                if place.occupancy.enter() {
                    place.core.with_mut(|_| ());
                    place.occupancy.close();
                }
                other.join().unwrap();
            });
        }
    }
    {
        use super::Occupancy;

        #[test]
        fn question_to_nobody_is_not_asked() {
            let occupancy = Occupancy::new();
            assert!(occupancy.ask().is_none());
            assert!(occupancy.enter() && !occupancy.enter());
            let question = occupancy.ask().unwrap();
            assert!(occupancy.is_asked() && occupancy.ask().is_none());
            occupancy.close();
            assert!(!occupancy.wait_for_answer(question), "leaving is a refusal");
        }

        #[test]
        fn later_question_leaves_the_earlier_refused() {
            let occupancy = Occupancy::new();
            assert!(occupancy.enter());
            let first = occupancy.ask().unwrap();
            occupancy.answer(false);
            let second = occupancy.ask().unwrap();
            std::thread::scope(|scope| {
                scope.spawn(|| occupancy.answer(true));
                assert!(occupancy.wait_for_answer(second));
                assert!(!occupancy.wait_for_answer(first), "the answer was not for this one");
                occupancy.give_back();
            });
        }
    }
}
