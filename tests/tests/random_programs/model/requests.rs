//! Requests on their way in, and the place and time at which a part meets them.
//!
//! - Every part between the task's root and the innermost suspension is offered a request at the same time; who
//!   begins with one about is offered it at its beginning.
//! - Of several requests in one place the one from furthest out stays.
//! - The task's own requests are counted, and `uncancel` takes one back (rule 4). All branches measure a request
//!   by the count when it was offered, whoever has taken it back in the same turn.

use super::ended::Ended;
use super::{Event, Time, first_turn};
use crate::program::Id;

/// A request on its way in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Request {
    pub(super) at: Time,
    /// The scope that makes it; none for the task's own.
    pub(super) origin: Option<Id>,
    /// How many requests the task had when this one was offered again, by who kept it, did not take it, or unwound
    /// with it. None at the first offer.
    pub(super) count: Option<usize>,
}

impl Request {
    pub(super) fn new(at: Time, origin: Option<Id>) -> Self {
        Self { at, origin, count: None }
    }

    /// Offered again at another time, with so many requests.
    pub(super) fn again(self, at: Time, count: usize) -> Self {
        Self { at, count: Some(count), ..self }
    }
}

/// Of several requests in one place the one from furthest out. Nodes are numbered from the outside in.
pub(super) fn outermost<'a>(requests: impl Iterator<Item = &'a Request>) -> Option<Request> {
    requests.min_by_key(|request| request.origin.unwrap_or(0)).copied()
}

/// The requests of one task: how many stand against it at a time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Counter {
    requests: Vec<Time>,
    /// By what came before in the same branch.
    taken_back: Vec<Time>,
    /// By other branches.
    taken_back_beside: Vec<Time>,
}

impl Counter {
    pub(super) fn new(requests: &[Time]) -> Self {
        Self { requests: requests.to_vec(), taken_back: Vec::new(), taken_back_beside: Vec::new() }
    }

    /// The same, with what was taken back in these events.
    pub(super) fn after(&self, events: &[(Event, Time)]) -> Self {
        self.with(taken_back_in(events))
    }

    fn with(&self, taken_back: impl Iterator<Item = Time>) -> Self {
        let mut counter = self.clone();
        counter.taken_back.extend(taken_back);
        counter
    }

    pub(super) fn with_beside(&self, taken_back: impl Iterator<Item = Time>) -> Self {
        let mut counter = self.clone();
        counter.taken_back_beside.extend(taken_back);
        counter
    }

    /// Without what the others take back at this very time.
    fn before_others(&self, time: Time) -> Self {
        let mut counter = self.clone();
        counter.taken_back_beside.retain(|&at| at < time);
        counter
    }

    /// At one time they come before they are taken back, and below none there is nothing to take back.
    pub(super) fn at(&self, time: Time) -> usize {
        let requests = self.requests.iter().filter(|&&at| at <= time);
        // What came before in this branch did so whatever its turn.
        let own = self.taken_back.iter().filter(|&&at| first_turn(at) <= time);
        let beside = self.taken_back_beside.iter().filter(|&&at| at <= time);
        let taken_back = own.chain(beside).map(|&at| (at, true));
        let mut changes: Vec<_> = requests.map(|&at| (at, false)).chain(taken_back).collect();
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
    /// The turn in which it begins.
    turn: Time,
}

impl<'a> Span<'a> {
    pub(super) fn of_task(begin: Time, incoming: &'a [Request], counter: &'a Counter) -> Self {
        Self { begin, incoming, stop: None, counter, turn: begin }
    }

    /// What comes after a part that has ended.
    pub(super) fn after<'b>(self, ended: &'b Ended, counter: &'b Counter) -> Span<'b>
    where
        'a: 'b,
    {
        let turn = ended.turn();
        Span { begin: ended.at, incoming: &ended.rest, counter, turn, ..self }
    }

    /// The same place, where others take requests back too.
    pub(super) fn counted_by<'b>(self, counter: &'b Counter) -> Span<'b>
    where
        'a: 'b,
    {
        Span { counter, ..self }
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

    /// How many requests there were at the beginning.
    fn before(self) -> usize {
        self.counter.at(self.turn)
    }

    /// How many requests there were when one was offered, before anything that was taken back because of that:
    /// here, or by another branch.
    fn count_when_offered(self, request: &Request, events: &[(Event, Time)]) -> usize {
        if let Some(count) = request.count {
            return count;
        }
        let at = request.at.max(self.turn);
        let earlier = taken_back_in(events).filter(|&taken_back| taken_back < at);
        let counter = self.counter.with(earlier.filter(|_| request.at > self.begin));
        counter.before_others(at).at(at)
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
            let others = self.count_when_offered(first, events).saturating_sub(1);
            self.count(at, events) > others.min(self.before())
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
        let offered = self.incoming.iter().filter(|it| it.at.max(self.begin) <= end);
        let Some(last) = offered.max_by_key(|it| it.at) else { return false };
        let is_first = |it: &&Request| it.at <= self.begin && it.origin.is_none();
        let before = match self.incoming.iter().find(is_first) {
            Some(first) => self.count_when_offered(first, events).saturating_sub(1),
            None => self.before(),
        };
        let now = self.count(end, events);
        request.origin.is_none() && now < self.count_when_offered(last, events) && now <= before
    }

    /// How many requests there are in a turn, after these events.
    pub(super) fn count(self, turn: Time, events: &[(Event, Time)]) -> usize {
        self.counter.after(events).at(turn)
    }

    /// What comes after `end`, and before it the outermost of those that came until then: it is offered again, with
    /// so many requests.
    pub(super) fn keep_one(self, requests: &[Request], end: Time, count: usize) -> Vec<Request> {
        let kept = outermost(requests.iter().filter(|request| request.at <= end));
        kept.map(|request| request.again(end, count)).into_iter().chain(self.later(end)).collect()
    }
}
