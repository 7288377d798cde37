use std::task::{Context, Poll, Waker};

use bowerbird_base::poll_context::{self, Request};

use super::{Barrier, BarrierState, BarrierWait, BrokenBarrierError};
use crate::test_wakers::{Random, Woken, is_ready, is_ready_with};

type Output = Poll<Result<usize, BrokenBarrierError>>;

fn poll(wait: &mut BarrierWait<'_>) -> Output {
    std::pin::Pin::new(wait).poll(&mut Context::from_waker(Waker::noop()))
}

fn state(barrier: &Barrier) -> BarrierState {
    barrier.statistics().state
}

const BROKEN: Output = Poll::Ready(Err(BrokenBarrierError { _private: () }));

#[test]
fn group_goes_through_in_order_of_arrival_and_the_next_one_fills() {
    let barrier = Barrier::new(3);
    for _ in 0..3 {
        let (mut one, mut two, mut three) = (barrier.wait(), barrier.wait(), barrier.wait());
        assert!(poll(&mut two).is_pending() && poll(&mut one).is_pending());
        assert_eq!((barrier.n_waiting(), state(&barrier)), (2, BarrierState::Filling));
        assert_eq!(poll(&mut three), Poll::Ready(Ok(2)));
        assert_eq!((barrier.n_waiting(), state(&barrier)), (0, BarrierState::Draining));
        assert_eq!(poll(&mut one), Poll::Ready(Ok(1)));
        assert_eq!(barrier.statistics().tasks_inside, 1);
        assert_eq!(poll(&mut two), Poll::Ready(Ok(0)));
        assert_eq!(state(&barrier), BarrierState::Filling);
    }
    assert!(barrier.cycle.lock().is_unused());
}

#[test]
fn barrier_of_one_lets_everybody_through() {
    let barrier = Barrier::new(1);
    assert_eq!(poll(&mut barrier.wait()), Poll::Ready(Ok(0)));
    assert_eq!(barrier.blocking_wait(), Ok(0));
    assert_eq!(state(&barrier), BarrierState::Filling);
}

#[test]
#[should_panic(expected = "Barrier::new(0): a barrier needs one party at least")]
fn barrier_of_none_is_refused() {
    let _barrier = Barrier::new(0);
}

#[test]
fn who_comes_while_it_drains_is_blocked_and_then_counted() {
    let (barrier, woken) = (Barrier::new(2), Woken::default());
    let (mut slow, mut fast, mut next) = (barrier.wait(), barrier.wait(), barrier.wait());
    assert!(!is_ready_with(&mut slow, &woken.waker(1)));
    assert_eq!(poll(&mut fast), Poll::Ready(Ok(1)));
    assert!(!is_ready_with(&mut next, &woken.waker(2)));
    assert!(!is_ready_with(&mut next, &woken.waker(3)));
    let statistics = barrier.statistics();
    assert_eq!((statistics.tasks_inside, statistics.tasks_blocked), (1, 1));
    assert_eq!(woken.take(), [1]);
    assert_eq!(poll(&mut slow), Poll::Ready(Ok(0)));
    assert_eq!(woken.take(), [3]);
    assert!(poll(&mut next).is_pending());
    assert_eq!(barrier.n_waiting(), 1);
    assert_eq!(poll(&mut barrier.wait()), Poll::Ready(Ok(1)));
}

#[test]
fn index_is_given_once_after_a_cancelled_wait() {
    let barrier = Barrier::new(3);
    let (mut gone, mut two) = (barrier.wait(), barrier.wait());
    assert!(poll(&mut gone).is_pending() && poll(&mut two).is_pending());
    drop(gone);
    assert_eq!(barrier.n_waiting(), 1);
    let mut three = barrier.wait();
    assert!(poll(&mut three).is_pending());
    assert_eq!(poll(&mut barrier.wait()), Poll::Ready(Ok(2)));
    assert_eq!((poll(&mut two), poll(&mut three)), (Poll::Ready(Ok(0)), Poll::Ready(Ok(1))));
}

#[test]
fn wait_dropped_on_its_way_out_does_not_hold_the_others_up() {
    let (barrier, woken) = (Barrier::new(2), Woken::default());
    let (mut inside, mut blocked) = (barrier.wait(), barrier.wait());
    assert!(poll(&mut inside).is_pending());
    assert_eq!(poll(&mut barrier.wait()), Poll::Ready(Ok(1)));
    assert!(!is_ready_with(&mut blocked, &woken.waker(7)));
    drop(inside);
    assert_eq!(woken.take(), [7]);
    drop(blocked);
    assert!(barrier.cycle.lock().is_unused());
}

#[test]
fn reset_breaks_up_who_is_inside_and_keeps_who_is_blocked() {
    let barrier = Barrier::new(3);
    barrier.reset();
    let mut waits: Vec<_> = (0..2).map(|_| barrier.wait()).collect();
    assert!(waits.iter_mut().all(|wait| poll(wait).is_pending()));
    barrier.reset();
    barrier.reset();
    assert_eq!(state(&barrier), BarrierState::Resetting);
    let mut blocked = barrier.wait();
    assert!(poll(&mut blocked).is_pending());
    assert_eq!(poll(&mut waits[0]), BROKEN);
    assert_eq!(state(&barrier), BarrierState::Resetting);
    assert_eq!(poll(&mut waits[1]), BROKEN);
    assert_eq!(state(&barrier), BarrierState::Filling);
    assert!(poll(&mut blocked).is_pending());
    assert_eq!(barrier.n_waiting(), 1);
}

#[test]
fn reset_and_abort_break_up_a_group_that_is_half_out() {
    for is_abort in [false, true] {
        let barrier = Barrier::new(3);
        let (mut one, mut two, mut blocked) = (barrier.wait(), barrier.wait(), barrier.wait());
        assert!(poll(&mut one).is_pending() && poll(&mut two).is_pending());
        assert_eq!(poll(&mut barrier.wait()), Poll::Ready(Ok(2)));
        assert_eq!(poll(&mut one), Poll::Ready(Ok(0)));
        assert!(poll(&mut blocked).is_pending());
        if is_abort {
            barrier.abort()
        } else {
            barrier.reset()
        }
        assert_eq!(poll(&mut two), BROKEN);
        match is_abort {
            true => assert_eq!(poll(&mut blocked), BROKEN),
            false => assert!(poll(&mut blocked).is_pending()),
        }
        assert_eq!(barrier.is_broken(), is_abort);
    }
}

#[test]
fn broken_barrier_refuses_all_until_it_is_reset() {
    let barrier = Barrier::new(2);
    let mut inside = barrier.wait();
    assert!(poll(&mut inside).is_pending());
    barrier.abort();
    barrier.abort();
    assert_eq!(poll(&mut barrier.wait()), BROKEN);
    // Who is inside has to go first.
    barrier.reset();
    assert_eq!(state(&barrier), BarrierState::Resetting);
    assert_eq!(poll(&mut inside), BROKEN);
    assert_eq!(state(&barrier), BarrierState::Filling);
    barrier.abort();
    barrier.reset();
    assert_eq!(state(&barrier), BarrierState::Filling);
    assert!(barrier.cycle.lock().is_unused());
}

/// As in asyncio, where a blocked task looks at the state when it runs again.
#[test]
fn blocked_wait_that_was_not_polled_between_abort_and_reset_goes_on() {
    let barrier = Barrier::new(2);
    let (mut inside, mut blocked) = (barrier.wait(), barrier.wait());
    assert!(poll(&mut inside).is_pending());
    assert_eq!(poll(&mut barrier.wait()), Poll::Ready(Ok(1)));
    assert!(poll(&mut blocked).is_pending());
    barrier.abort();
    barrier.reset();
    assert!(poll(&mut blocked).is_pending());
    assert_eq!(poll(&mut inside), BROKEN);
    assert!(poll(&mut blocked).is_pending());
    assert_eq!(poll(&mut barrier.wait()), Poll::Ready(Ok(1)));
    assert_eq!(poll(&mut blocked), Poll::Ready(Ok(0)));
}

#[test]
fn offered_cancellation_goes_before_the_end_of_the_wait() {
    let barrier = Barrier::new(2);
    let mut wait = barrier.wait();
    assert!(!is_ready(&mut wait));
    assert!(is_ready(&mut barrier.wait()));
    poll_context::offer(Request::of_task(None));
    assert!(!is_ready(&mut wait));
    assert!(poll_context::take_request().is_some());
    drop(wait);
    assert!(barrier.cycle.lock().is_unused());
}

/// asyncio's source, line by line, for one thread. A wait is a program counter.
mod model {
    use super::BarrierState::{self, Broken, Draining, Filling, Resetting};

    #[derive(Clone, Copy, PartialEq, Debug)]
    pub(super) enum Task {
        New,
        /// In `_block`.
        Blocked,
        /// In `_wait`.
        Inside,
        Done(Result<(), ()>),
    }

    pub(super) struct Model {
        pub(super) parties: usize,
        pub(super) state: BarrierState,
        pub(super) count: usize,
    }

    impl Model {
        pub(super) fn step(&mut self, task: Task) -> Task {
            match task {
                Task::New | Task::Blocked => match self.state {
                    Draining | Resetting => Task::Blocked,
                    Broken => Task::Done(Err(())),
                    Filling => {
                        self.count += 1;
                        if self.count < self.parties {
                            return Task::Inside;
                        }
                        self.state = Draining;
                        self.exit();
                        Task::Done(Ok(()))
                    }
                },
                Task::Inside if self.state == Filling => Task::Inside,
                Task::Inside => {
                    let result = if self.state == Draining { Ok(()) } else { Err(()) };
                    self.exit();
                    Task::Done(result)
                }
                Task::Done(_) => task,
            }
        }

        pub(super) fn exit(&mut self) {
            self.count -= 1;
            if self.count == 0 && matches!(self.state, Draining | Resetting) {
                self.state = Filling;
            }
        }

        pub(super) fn reset(&mut self) {
            self.state = if self.count > 0 { Resetting } else { Filling };
        }
    }
}

#[test]
fn agrees_with_asyncio_step_by_step() {
    use model::{Model, Task};
    for parties in 1..5 {
        let (barrier, mut random) = (Barrier::new(parties), Random::new());
        let mut model = Model { parties, state: BarrierState::Filling, count: 0 };
        let mut waits: Vec<_> = (0..7).map(|_| (barrier.wait(), Task::New)).collect();
        let mut groups = Vec::new();
        for step in 0..20_000 {
            let (wait, task) = &mut waits[random.below(7)];
            match random.below(16) {
                0 => {
                    barrier.reset();
                    model.reset();
                }
                1 if random.below(4) == 0 => {
                    barrier.abort();
                    model.state = BarrierState::Broken;
                }
                2 => {
                    *wait = barrier.wait();
                    if *task == Task::Inside {
                        model.exit();
                    }
                    *task = Task::New;
                }
                _ => {
                    *task = model.step(*task);
                    let polled = poll(wait);
                    let expected = match *task {
                        Task::Done(result) => Some(result),
                        _ => None,
                    };
                    let found = match polled {
                        Poll::Ready(result) => Some(result.map(|_| ()).map_err(|_| ())),
                        Poll::Pending => None,
                    };
                    assert_eq!(found, expected, "step {step} of {parties}");
                    if let Poll::Ready(result) = polled {
                        groups.extend(result.ok());
                        (*wait, *task) = (barrier.wait(), Task::New);
                    }
                }
            }
            let now = barrier.statistics();
            assert_eq!((now.state, now.tasks_inside), (model.state, model.count), "step {step}");
        }
        assert!(groups.iter().all(|index| *index < parties) && groups.len() > 100);
    }
}
