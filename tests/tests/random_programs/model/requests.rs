//! Requests on their way in, and the place and time at which a part meets them.
//!
//! - Every part between the task's root and the innermost suspension is offered a request at the same time; who
//!   begins with one about is offered it at its beginning.
//! - Of several requests in one place the one from furthest out stays.
//! - The task's own requests are counted, and `uncancel` takes one back (rule 4).

use std::cell::RefCell;

use super::Time;
use crate::program::Id;

/// A request on its way in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Request {
    pub(super) at: Time,
    /// The scope that makes it; none for the task's own.
    pub(super) origin: Option<Id>,
}

/// Of several requests in one place the one from furthest out. Nodes are numbered from the outside in.
pub(super) fn outermost<'a>(requests: impl Iterator<Item = &'a Request>) -> Option<Request> {
    requests.min_by_key(|request| request.origin.unwrap_or(0)).copied()
}

/// The requests of one task: how many stand against it at a time.
pub(super) struct Counter {
    requests: Vec<Time>,
    taken_back: RefCell<Vec<Time>>,
}

impl Counter {
    pub(super) fn new(requests: &[Time]) -> Self {
        Self { requests: requests.to_vec(), taken_back: RefCell::default() }
    }

    pub(super) fn at(&self, time: Time) -> usize {
        let count = |times: &[Time]| times.iter().filter(|&&at| at <= time).count();
        count(&self.requests).saturating_sub(count(&self.taken_back.borrow()))
    }

    /// The same at the moment at which a request is offered, before it can be taken back.
    fn offered(&self, time: Time) -> usize {
        let taken_back = self.taken_back.borrow().iter().filter(|&&at| at < time).count();
        let requests = self.requests.iter().filter(|&&at| at <= time).count();
        requests.saturating_sub(taken_back)
    }

    /// Whoever caught a request takes it back.
    pub(super) fn take_back(&self, time: Time) {
        if self.at(time) > 0 {
            self.taken_back.borrow_mut().push(time);
        }
    }
}

/// Where a part stands: when it begins, what will be offered to it, and when it is dropped.
#[derive(Clone, Copy)]
pub(super) struct Span<'a> {
    pub(super) begin: Time,
    /// In the order of time.
    pub(super) incoming: &'a [Request],
    pub(super) stop: Option<Time>,
    pub(super) counter: &'a Counter,
    /// The count of requests at the beginning, before anything that is taken back at the same time.
    before: usize,
}

impl<'a> Span<'a> {
    pub(super) fn of_task(begin: Time, incoming: &'a [Request], counter: &'a Counter) -> Self {
        Self { begin, incoming, stop: None, counter, before: counter.at(begin) }
    }

    /// What comes after a part that has ended.
    pub(super) fn after<'b>(self, end: Time, rest: &'b [Request]) -> Span<'b>
    where
        'a: 'b,
    {
        Span { begin: end, incoming: rest, before: self.counter.at(end), ..self }
    }

    /// The same place, with other requests.
    pub(super) fn offered<'b>(self, incoming: &'b [Request]) -> Span<'b>
    where
        'a: 'b,
    {
        Span { incoming, ..self }
    }

    pub(super) fn stopped(self, at: Time) -> Self {
        Self { stop: Some(at), ..self }
    }

    /// The requests, and one more.
    pub(super) fn with_request(self, request: Request) -> Vec<Request> {
        let mut incoming = self.incoming.to_vec();
        incoming.push(request);
        incoming.sort_by_key(|request| request.at);
        incoming
    }

    /// What comes after `end`.
    pub(super) fn later(self, end: Time) -> impl Iterator<Item = Request> + 'a {
        self.incoming.iter().filter(move |request| request.at > end).copied()
    }

    /// Whether a request is offered at this very time.
    pub(super) fn is_offered(self, at: Time) -> bool {
        self.incoming.iter().any(|request| request.at.max(self.begin) == at)
    }

    /// Whether a request counts at `at` (rule 4): those of scopes do, and the task's own as long as the task
    /// has more of them than it had at the beginning, and than it had without this one when it was offered.
    pub(super) fn counts(self, request: &Request, at: Time) -> bool {
        let offered = match request.at {
            at if at > self.begin => self.counter.offered(at),
            _ => self.before,
        };
        let threshold = offered.saturating_sub(1).min(self.before);
        request.origin.is_some() || self.counter.at(at) > threshold
    }

    /// What comes after `end`, and before it the outermost of those that came until then: it is offered again.
    pub(super) fn keep_one(self, requests: &[Request], end: Time) -> Vec<Request> {
        let kept = outermost(requests.iter().filter(|request| request.at <= end));
        kept.map(|request| Request { at: end, ..request })
            .into_iter()
            .chain(self.later(end))
            .collect()
    }
}
