//! The children of a group inside one task: who was woken is polled.
//!
//! Each child has a place with a waker of its own, which notes the place in the ready list and wakes the
//! group's task. A child is out of its place while it is polled, so that it may spawn and cancel; no user code
//! runs while the places are borrowed. Each stands in a scope of its own, by which it is cancelled; an outer
//! request is the body's, and children see it only as the group's decision.

use std::cell::{Cell, RefCell};
use std::fmt;
use std::panic::{AssertUnwindSafe, Location, catch_unwind};
use std::pin::Pin;
use std::rc::Rc;
use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker};

use bowerbird_base::poll_context::{self, Delivery};
use bowerbird_base::sync::Mutex;
use bowerbird_base::waker_slot::WakerSlot;
use bowerbird_core::{TaskError, current_task};

use super::crew::{Crew, report};
use super::members::is_consequence;
use super::{BoxError, GroupState, TaskFailure};

/// A child, whatever its type.
pub(super) trait LocalFuture {
    /// Polls the child; with `is_cancelled` its scope makes its request. An `Err` is its failure.
    fn poll_child(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        is_cancelled: bool,
    ) -> Poll<Result<(), BoxError>>;

    fn spawned_at(&self) -> &'static Location<'static>;
}

/// What the group, its handles and its children's handles share.
pub(super) struct Shared<'a> {
    location: &'static Location<'static>,
    ready: Arc<Ready>,
    /// The place and turn of the child that is polled.
    polled: Cell<Option<(usize, u64)>>,
    places: RefCell<Places<'a>>,
}

struct Places<'a> {
    state: GroupState,
    places: Vec<Place<'a>>,
    free: Vec<usize>,
    failures: Vec<TaskFailure>,
}

struct Place<'a> {
    /// `None` while it is polled, and when the place is free.
    child: Option<Pin<Box<dyn LocalFuture + 'a>>>,
    is_cancelled: bool,
    /// Counts the children that the place has had: a handle knows its own.
    turn: u64,
    /// Which child has handed it a request, and waits for its end.
    handed_by: Option<(usize, u64)>,
    waker: Waker,
}

impl<'a> Shared<'a> {
    pub(super) fn new(location: &'static Location<'static>) -> Rc<Self> {
        let places = Places {
            state: GroupState::Open,
            places: Vec::new(),
            free: Vec::new(),
            failures: Vec::new(),
        };
        let ready = Ready { list: Mutex::new(ReadyList::default()), awaiter: WakerSlot::new() };
        Rc::new(Self {
            location,
            ready: Arc::new(ready),
            polled: Cell::new(None),
            places: RefCell::new(places),
        })
    }

    pub(super) fn state(&self) -> GroupState {
        self.places.borrow().state
    }

    pub(super) fn live(&self) -> usize {
        let places = self.places.borrow();
        places.places.len() - places.free.len()
    }

    /// Takes a child in, ready to be polled. Gives its place and turn.
    pub(super) fn insert(&self, child: Pin<Box<dyn LocalFuture + 'a>>) -> (usize, u64) {
        let (index, turn) = {
            let places = &mut *self.places.borrow_mut();
            let index = places.free.pop().unwrap_or_else(|| {
                let index = places.places.len();
                let waker = Waker::from(Arc::new(ChildWaker { index, ready: self.ready.clone() }));
                places.places.push(Place {
                    child: None,
                    is_cancelled: false,
                    turn: 0,
                    handed_by: None,
                    waker,
                });
                index
            });
            let place = &mut places.places[index];
            place.child = Some(child);
            place.is_cancelled = false;
            place.handed_by = None;
            (index, place.turn)
        };
        self.ready.push(index);
        (index, turn)
    }

    /// Cancels the child at a place, if it is still that one.
    pub(super) fn cancel(&self, index: usize, turn: u64) {
        {
            let mut places = self.places.borrow_mut();
            match places.places.get_mut(index) {
                Some(place) if place.turn == turn => place.is_cancelled = true,
                _ => return,
            }
        }
        self.ready.push(index);
    }

    /// The same, for the child that is polled now, or the body: it has been offered a request, awaits that child,
    /// and will wait for its end. `false`: that one waits for this one in the same way, over others or at once;
    /// nothing is done, for they would wait for ever.
    pub(super) fn cancel_for_awaiter(&self, index: usize, turn: u64) -> bool {
        let awaiter = self.polled.get();
        {
            let places = &mut self.places.borrow_mut().places;
            let mut next = awaiter;
            while let Some((at, turn_there)) = next {
                if (at, turn_there) == (index, turn) {
                    return false;
                }
                let there = places.get(at).filter(|place| place.turn == turn_there);
                next = there.and_then(|place| place.handed_by);
            }
            if let Some(place) = places.get_mut(index) {
                place.handed_by = awaiter;
            }
        }
        self.cancel(index, turn);
        true
    }

    /// Cancels all children, and lets no more in.
    pub(super) fn shut_down(&self) {
        let count = {
            let mut places = self.places.borrow_mut();
            if places.state != GroupState::Open {
                return;
            }
            places.state = GroupState::ShuttingDown;
            places.places.iter_mut().for_each(|place| place.is_cancelled = true);
            places.places.len()
        };
        (0..count).for_each(|index| self.ready.push(index));
    }

    fn fail(&self, failure: TaskFailure) {
        let is_consequence = is_consequence(&failure);
        {
            let mut places = self.places.borrow_mut();
            if is_consequence && places.state == GroupState::ShuttingDown {
                return;
            }
            places.failures.push(failure);
        }
        self.shut_down();
    }

    /// Polls the children that are ready now; those that become ready meanwhile come next time.
    fn poll_ready(&self) {
        let ready = self.ready.take();
        if ready.is_empty() {
            return;
        }
        let aside = poll_context::take_request();
        for index in ready {
            self.poll_place(index);
        }
        match aside {
            Some((request, Delivery::Unwinding)) => poll_context::raise(request),
            Some((request, _)) => poll_context::offer(request),
            None => {}
        }
    }

    fn poll_place(&self, index: usize) {
        let (mut child, is_cancelled, turn, waker) = {
            let mut places = self.places.borrow_mut();
            let place = &mut places.places[index];
            let Some(child) = place.child.take() else { return };
            (child, place.is_cancelled, place.turn, place.waker.clone())
        };
        let cx = &mut Context::from_waker(&waker);
        self.polled.set(Some((index, turn)));
        let polled = child.as_mut().poll_child(cx, is_cancelled);
        self.polled.set(None);
        match polled {
            Poll::Pending => self.places.borrow_mut().places[index].child = Some(child),
            Poll::Ready(result) => {
                let spawned_at = child.spawned_at();
                let dropped = catch_unwind(AssertUnwindSafe(|| drop(child)));
                let panic = dropped.err().map(|payload| TaskError::panicked(payload).into());
                for error in result.err().into_iter().chain(panic) {
                    let name = current_task().map_or_else(|| "no task".into(), |task| task.name());
                    self.fail(TaskFailure::of_local(error, name, spawned_at));
                }
                let mut places = self.places.borrow_mut();
                places.places[index].turn += 1;
                places.free.push(index);
            }
        }
    }
}

/// The children of a group inside one task.
pub struct LocalCrew<'a>(Rc<Shared<'a>>);

impl<'a> LocalCrew<'a> {
    pub(super) fn new(shared: Rc<Shared<'a>>) -> Self {
        Self(shared)
    }
}

impl fmt::Debug for LocalCrew<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LocalCrew").finish_non_exhaustive()
    }
}

impl Crew for LocalCrew<'_> {
    fn register(&mut self, waker: &Waker) {
        self.0.ready.awaiter.register(waker);
    }

    fn is_shutting_down(&self) -> bool {
        self.0.state() == GroupState::ShuttingDown
    }

    fn abort(&mut self) {
        self.0.shut_down();
    }

    fn poll_in_place(&mut self, _cx: &mut Context<'_>) -> bool {
        let was_open = !self.is_shutting_down();
        self.0.poll_ready();
        was_open && self.is_shutting_down()
    }

    fn poll_ended(&mut self, _cx: &mut Context<'_>) -> Poll<()> {
        self.0.poll_ready();
        if self.0.live() > 0 {
            return Poll::Pending;
        }
        self.0.places.borrow_mut().state = GroupState::Finished;
        Poll::Ready(())
    }

    fn take_failures(&mut self) -> Vec<TaskFailure> {
        std::mem::take(&mut self.0.places.borrow_mut().failures)
    }

    fn message(&self) -> String {
        "unhandled errors in a TaskGroup".into()
    }

    fn location(&self) -> &'static Location<'static> {
        self.0.location
    }

    fn call(&self) -> &'static str {
        "local_task_group"
    }

    /// The children borrow, so they cannot be left to anybody: they are dropped here, and what they leave
    /// behind goes to the scope around the group.
    fn leave(&mut self, error: Option<TaskFailure>) {
        let children: Vec<_> = {
            let mut places = self.0.places.borrow_mut();
            places.state = GroupState::Finished;
            places.places.iter_mut().filter_map(|place| place.child.take()).collect()
        };
        drop(children);
        let mut failures = self.take_failures();
        failures.extend(error);
        report(failures, self.0.location);
    }
}

// ---------------------------------------------------------------------------------------------------
// Who was woken
// ---------------------------------------------------------------------------------------------------

/// The places whose children are to be polled.
struct Ready {
    list: Mutex<ReadyList>,
    awaiter: WakerSlot,
}

#[derive(Default)]
struct ReadyList {
    queue: Vec<usize>,
    is_queued: Vec<bool>,
}

impl Ready {
    fn push(&self, index: usize) {
        {
            let mut list = self.list.lock();
            if list.is_queued.len() <= index {
                list.is_queued.resize(index + 1, false);
            }
            if std::mem::replace(&mut list.is_queued[index], true) {
                return;
            }
            list.queue.push(index);
        }
        self.awaiter.wake();
    }

    fn take(&self) -> Vec<usize> {
        let mut list = self.list.lock();
        let queue = std::mem::take(&mut list.queue);
        for index in &queue {
            list.is_queued[*index] = false;
        }
        queue
    }
}

/// The waker of one place.
struct ChildWaker {
    index: usize,
    ready: Arc<Ready>,
}

impl Wake for ChildWaker {
    fn wake(self: Arc<Self>) {
        self.ready.push(self.index);
    }

    fn wake_by_ref(self: &Arc<Self>) {
        self.ready.push(self.index);
    }
}
