//! Futures that end in any order, each polled only when it was woken.
//!
//! ```text
//!   child 0 --waker 0--.
//!   child 1 --waker 1--+--> ready: 1, 0 --> poll_next polls 1, then 0
//!   child 2 --waker 2--'       '--> wakes the awaiter
//! ```
//! Each child has a waker of its own, which puts the child's place into the list of those that are ready. So
//! a set of a thousand tasks costs one poll for each end and not a thousand. A wake that comes for a place
//! whose child has gone, or has another child now, leads to one poll too many and to nothing else.

use std::collections::VecDeque;
use std::panic::Location;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker};

use bowerbird_base::poll_context::{self, Delivery, Request};
use bowerbird_base::sync::Mutex;
use bowerbird_core::{TaskHandle, note_tasks};

/// A set of futures. What is left in it when it is dropped is dropped.
pub(crate) struct ReadySet<F: Future> {
    places: Vec<Place<F>>,
    free: Vec<usize>,
    /// What had ended when it was added.
    ended: VecDeque<(usize, F::Output)>,
    shared: Arc<Shared>,
    /// The last [`poll_wait`](Self::poll_wait) gave nothing.
    pub(crate) is_suspended: bool,
}

struct Place<F> {
    child: Option<F>,
    waker: Waker,
}

struct Shared(Mutex<Ready>);

struct Ready {
    places: VecDeque<usize>,
    awaiter: Option<Waker>,
}

impl Shared {
    fn pop(&self) -> Option<usize> {
        self.0.lock().places.pop_front()
    }

    /// Stores the awaiter unless a child is ready, which is given instead.
    fn pop_or_register(&self, awaiter: &Waker) -> Option<usize> {
        if let Some(place) = self.pop() {
            return Some(place);
        }
        let fresh = awaiter.clone();
        let (place, old) = {
            let mut ready = self.0.lock();
            match ready.places.pop_front() {
                Some(place) => (Some(place), Some(fresh)),
                None => (None, ready.awaiter.replace(fresh)),
            }
        };
        drop(old);
        place
    }
}

/// The waker of one child.
struct ChildWaker {
    place: usize,
    shared: Arc<Shared>,
}

impl Wake for ChildWaker {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        let awaiter = {
            let mut ready = self.shared.0.lock();
            ready.places.push_back(self.place);
            ready.awaiter.take()
        };
        if let Some(awaiter) = awaiter {
            awaiter.wake();
        }
    }
}

impl<F: Future + Unpin> ReadySet<F> {
    /// Makes an empty set.
    pub(crate) fn new() -> Self {
        let ready = Ready { places: VecDeque::new(), awaiter: None };
        Self {
            places: Vec::new(),
            free: Vec::new(),
            ended: VecDeque::new(),
            shared: Arc::new(Shared(Mutex::new(ready))),
            is_suspended: false,
        }
    }

    /// How many children were added and not given.
    pub(crate) fn len(&self) -> usize {
        self.places.len() - self.free.len()
    }

    /// Adds a child and polls it once, so that its end is heard from now on. The first children get the
    /// places 0, 1, 2, ...; one that is free again is used again.
    pub(crate) fn add(&mut self, child: F) {
        let _aside = Aside::put();
        let place = self.free.pop().unwrap_or_else(|| {
            let place = self.places.len();
            let waker = Arc::new(ChildWaker { place, shared: self.shared.clone() });
            self.places.push(Place { child: None, waker: waker.into() });
            place
        });
        self.places[place].child = Some(child);
        if let Some(output) = self.poll_child(place) {
            self.ended.push_back((place, output));
        }
    }

    fn poll_child(&mut self, place: usize) -> Option<F::Output> {
        let Place { child: slot, waker } = &mut self.places[place];
        let child = slot.as_mut()?;
        let mut cx = Context::from_waker(waker);
        match Pin::new(child).poll(&mut cx) {
            Poll::Ready(output) => {
                *slot = None;
                Some(output)
            }
            Poll::Pending => None,
        }
    }

    /// Gives the next child that has ended, if one has.
    pub(crate) fn try_next(&mut self) -> Option<(usize, F::Output)> {
        let _aside = Aside::put();
        while self.ended.is_empty() {
            let place = self.shared.pop()?;
            let output = self.poll_child(place);
            self.ended.extend(output.map(|output| (place, output)));
        }
        self.take_ended()
    }

    /// Gives the next child that has ended and its place, in the order in which they ended; `None` if the set
    /// is empty. The caller has looked at requests and at the budget.
    pub(crate) fn poll_next(&mut self, cx: &mut Context<'_>) -> Poll<Option<(usize, F::Output)>> {
        let _aside = Aside::put();
        loop {
            if let Some(ended) = self.take_ended() {
                return Poll::Ready(Some(ended));
            }
            if self.len() == 0 {
                return Poll::Ready(None);
            }
            let Some(place) = self.shared.pop_or_register(cx.waker()) else {
                return Poll::Pending;
            };
            let output = self.poll_child(place);
            self.ended.extend(output.map(|output| (place, output)));
        }
    }

    /// The same for whoever awaits a set of tasks: a request and the budget are looked at first, and the wait is
    /// noted.
    pub(crate) fn poll_wait(
        &mut self,
        cx: &mut Context<'_>,
        what: &'static str,
        location: &'static Location<'static>,
    ) -> Poll<Option<(usize, F::Output)>>
    where
        F: AsRef<TaskHandle>,
    {
        if self.is_suspended && poll_context::is_offered() {
            poll_context::yield_now(cx);
            return Poll::Pending;
        }
        self.is_suspended = true;
        // The task itself counts what it gives against the budget.
        let Poll::Ready(_proceed) = poll_context::poll_proceed(cx) else { return Poll::Pending };
        let polled = self.poll_next(cx);
        if polled.is_ready() {
            self.is_suspended = false;
        } else {
            let left = u64::try_from(self.len()).unwrap_or(u64::MAX);
            poll_context::note_wait(what, left, Some(location));
            note_tasks(location, self.children().map(AsRef::as_ref));
        }
        polled
    }

    fn take_ended(&mut self) -> Option<(usize, F::Output)> {
        let ended = self.ended.pop_front()?;
        self.free.push(ended.0);
        Some(ended)
    }

    /// The children that have not ended.
    pub(crate) fn children(&self) -> impl Iterator<Item = &F> {
        self.places.iter().filter_map(|place| place.child.as_ref())
    }

    /// Takes out the children that have not ended, with their places, and forgets the others.
    pub(crate) fn drain(&mut self) -> Vec<(usize, F)> {
        let take =
            |(place, it): (usize, &mut Place<F>)| it.child.take().map(|child| (place, child));
        let children = self.places.iter_mut().enumerate().filter_map(take).collect();
        // The wakers that the children still hold say nothing to the children that come.
        *self = Self::new();
        children
    }
}

/// A request that is kept from the children: it is the awaiter's and not theirs.
struct Aside(Option<(Request, Delivery)>);

impl Aside {
    fn put() -> Self {
        Self(poll_context::take_request())
    }
}

impl Drop for Aside {
    fn drop(&mut self) {
        match self.0.take() {
            Some((request, Delivery::Unwinding)) => poll_context::raise(request),
            Some((request, _)) => poll_context::offer(request),
            None => {}
        }
    }
}

#[cfg(test)]
mod tests;
