//! Requests on their way in, and the place and time at which a part meets them.
//!
//! - Every part between the task's root and the innermost suspension is offered a request at the same time; who
//!   begins with one about is offered it at its beginning.
//! - Of several requests in one place the one from furthest out stays.
//! - The task's own requests are counted, and `uncancel` takes one back (rule 4).

use super::{Event, Time};
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
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Counter {
    requests: Vec<Time>,
    taken_back: Vec<Time>,
}

impl Counter {
    pub(super) fn new(requests: &[Time]) -> Self {
        Self { requests: requests.to_vec(), taken_back: Vec::new() }
    }

    /// The same, with what was taken back in these events.
    pub(super) fn after(&self, events: &[(Event, Time)]) -> Self {
        self.with(taken_back_in(events))
    }

    pub(super) fn with(&self, taken_back: impl Iterator<Item = Time>) -> Self {
        let mut counter = self.clone();
        counter.taken_back.extend(taken_back);
        counter
    }

    /// At one time they come before they are taken back, and below none there is nothing to take back.
    pub(super) fn at(&self, time: Time) -> usize {
        let requests = self.requests.iter().map(|&at| (at, false));
        let changes = requests.chain(self.taken_back.iter().map(|&at| (at, true)));
        let mut changes: Vec<_> = changes.filter(|&(at, _)| at <= time).collect();
        changes.sort_unstable();
        changes.into_iter().fold(0, |count: usize, (_, is_taken_back)| match is_taken_back {
            true => count.saturating_sub(1),
            false => count + 1,
        })
    }
}

pub(super) fn taken_back_in(events: &[(Event, Time)]) -> impl Iterator<Item = Time> {
    let taken_back = events.iter().filter(|(event, _)| *event == Event::TakenBack);
    taken_back.map(|&(_, at)| at)
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
    pub(super) fn after<'b>(self, end: Time, rest: &'b [Request], counter: &'b Counter) -> Span<'b>
    where
        'a: 'b,
    {
        Span { begin: end, incoming: rest, ..self }.counted_by(counter)
    }

    /// The same place, where others take requests back too.
    pub(super) fn counted_by<'b>(self, counter: &'b Counter) -> Span<'b>
    where
        'a: 'b,
    {
        Span { counter, before: counter.at(self.begin), ..self }
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

    /// How many requests there were when one was offered, before anything that was taken back here.
    fn count_when_offered(self, at: Time, events: &[(Event, Time)]) -> usize {
        if at <= self.begin {
            return self.before;
        }
        self.counter.with(taken_back_in(events).filter(|&taken_back| taken_back < at)).at(at)
    }

    /// The outermost of what was offered that counts at `at` (rule 4): those of scopes do, and the task's own as
    /// long as the task has more of them than it had at the beginning, and than it had without the first of them
    /// when that was offered. The events are those of what stands here.
    pub(super) fn counting(
        self,
        offered: &[Request],
        at: Time,
        events: &[(Event, Time)],
    ) -> Option<Request> {
        let first = offered.iter().find(|request| request.origin.is_none());
        let counts = first.is_some_and(|first| {
            let others = self.count_when_offered(first.at, events).saturating_sub(1);
            self.counter.after(events).at(at) > others.min(self.before)
        });
        outermost(offered.iter().filter(|request| request.origin.is_some() || counts))
    }

    /// Whether a request that a branch left was taken back by the other one: the task has fewer than when one was
    /// offered last, and no more than before.
    pub(super) fn was_taken_back(
        self,
        request: &Request,
        end: Time,
        events: &[(Event, Time)],
    ) -> bool {
        let offered = self.incoming.iter().map(|it| it.at.max(self.begin));
        let Some(last) = offered.filter(|&at| at <= end).max() else { return false };
        let is_first = |it: &Request| it.at <= self.begin && it.origin.is_none();
        let before = self.before.saturating_sub(usize::from(self.incoming.iter().any(is_first)));
        let now = self.counter.after(events).at(end);
        request.origin.is_none() && now < self.count_when_offered(last, events) && now <= before
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
