//! How a part ends, and the cleanups that it leaves.
//!
//! - Cleanups run one after the other, each not before it was left, and nothing ends around them before.
//! - What is dropped half-way leaves what it holds to the next scope outwards, the innermost first.
//! - A cleanup that has begun goes on while nobody polls it: what it waits for has its own time.
//! - The wait for children that were cancelled takes turns, if no time: what is dropped in the turn in which it
//!   cancelled them is dropped before they have ended.

use std::collections::BTreeSet;

use super::requests::Request;
use super::{Event, Time, first_turn};
use crate::program::Id;

/// A cleanup that is to be run, or goes on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Cleanup {
    /// What notes its beginning, if it has not begun.
    pub(super) begins: Option<Event>,
    /// What notes its end; the wait for children has none.
    pub(super) ends: Option<Event>,
    pub(super) takes: Takes,
}

impl Cleanup {
    /// The wait for children that were cancelled.
    pub(super) fn wait_until(time: Time) -> Self {
        Self { begins: None, ends: None, takes: Takes::Until(time) }
    }

    fn is_wait(&self) -> bool {
        self.ends.is_none()
    }
}

/// How long a cleanup takes: a time, or, once begun, until a time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Takes {
    Time(Time),
    Until(Time),
}

/// What a part does in the later turns of a time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Activity {
    Rests,
    /// It waits for tasks, unwinds, and begins cleanups.
    Unwinds,
    /// More than that, and it may be anywhere in it.
    Acts,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Out {
    Value,
    Error(Id),
    Unwound,
    Panicked,
    Dropped,
    /// Of a group's body alone: the group has shut down.
    CutOff,
}

/// The end of a part.
#[derive(Debug, Clone)]
pub(super) struct Ended {
    pub(super) at: Time,
    pub(super) out: Out,
    /// It ended in a later turn than the one in which a request of the same time was offered: somebody else,
    /// a task, had to be waited for.
    pub(super) is_late: bool,
    /// What it unwinds with.
    pub(super) request: Option<Request>,
    /// What it leaves behind when it is dropped, in the order of the drop. None after a result.
    pub(super) held: Vec<Cleanup>,
    /// Of a contest that panics: what is dropped only with the contest itself.
    pub(super) held_beside: Vec<Cleanup>,
    /// What it left to the scope around while it ran.
    pub(super) left: Vec<(Time, Cleanup)>,
    /// The requests that did not reach it; one that is not later than the end is about to be delivered.
    pub(super) rest: Vec<Request>,
    pub(super) events: Vec<(Event, Time)>,
}

impl Ended {
    pub(super) fn new(at: Time, out: Out, rest: Vec<Request>) -> Self {
        Self {
            at,
            out,
            is_late: false,
            request: None,
            held: Vec::new(),
            held_beside: Vec::new(),
            left: Vec::new(),
            rest,
            events: Vec::new(),
        }
    }

    pub(super) fn dropped(at: Time) -> Self {
        Self::new(at, Out::Dropped, Vec::new())
    }

    pub(super) fn has_result(&self) -> bool {
        matches!(self.out, Out::Value | Out::Error(_))
    }

    /// When it ends, the turn included.
    pub(super) fn turn(&self) -> Time {
        self.at + Time::from(self.is_late)
    }

    /// Moves what happens in a later turn of `at` to `at`.
    pub(super) fn moved_to(mut self, at: Time) -> Self {
        let moved = |time: &mut Time| *time -= Time::from(*time == at + 1);
        self.is_late |= self.at == at + 1;
        moved(&mut self.at);
        self.request.iter_mut().for_each(|request| moved(&mut request.at));
        self.rest.iter_mut().for_each(|request| moved(&mut request.at));
        let is_seen = |(event, _): &&mut (Event, Time)| *event != Event::TakenBack;
        self.events.iter_mut().filter(is_seen).for_each(|(_, time)| moved(time));
        self.left.iter_mut().for_each(|(time, _)| moved(time));
        let left = self.left.iter_mut().map(|(_, cleanup)| cleanup);
        for cleanup in left.chain(&mut self.held).chain(&mut self.held_beside) {
            if let Takes::Until(time) = &mut cleanup.takes {
                moved(time);
            }
        }
        self
    }

    /// Whether two ends are the same for all who look from outside, but for requests that did not reach them.
    pub(super) fn is_like(&self, other: &Self) -> bool {
        let events = |it: &Self| it.events.iter().copied().collect::<BTreeSet<_>>();
        let request = |it: &Self| it.request.map(|request| (request.at, request.origin));
        (self.at, self.out, request(self)) == (other.at, other.out, request(other))
            && (&self.held, &self.held_beside) == (&other.held, &other.held_beside)
            && self.left == other.left
            && events(self) == events(other)
    }

    /// What it does in the turns of this time after the first.
    pub(super) fn activity_at(&self, at: Time) -> Activity {
        let events = || self.events.iter().filter(|&&(_, time)| time == at).map(|(event, _)| event);
        let unwinds = |event: &Event| {
            matches!(event, Event::Turns | Event::ExitBegun(..) | Event::CleanupBegun(_))
        };
        match events().any(|event| *event == Event::Turns) {
            false => Activity::Rests,
            true if events().all(unwinds) => Activity::Unwinds,
            true => Activity::Acts,
        }
    }

    /// A guard that stands in the part's frame: after a result it goes at once, before that with the part.
    pub(super) fn guarded_by(mut self, cleanup: Cleanup) -> Self {
        if self.has_result() {
            self.left.push((self.at, cleanup));
        } else {
            self.held.push(cleanup);
        }
        self
    }
}

/// What two branches left, in the order of time.
pub(super) fn merge(branches: &[Ended; 2]) -> Vec<(Time, Cleanup)> {
    let mut left: Vec<_> = branches.iter().flat_map(|branch| branch.left.clone()).collect();
    left.sort_by_key(|(at, _)| *at);
    left
}

/// Runs what was left, one after the other, each not before it was left. Returns the end of all, not before
/// `body_end`, and what `stop` interrupts.
pub(super) fn run_cleanups(
    left: Vec<(Time, Cleanup)>,
    body_end: Time,
    stop: Option<Time>,
    events: &mut Vec<(Event, Time)>,
) -> (Time, Vec<Cleanup>) {
    let is_before_stop = |at: Time| stop.is_none_or(|stop| at <= stop);
    let mut now = 0;
    let mut unfinished = Vec::new();
    for (at, cleanup) in left {
        let begin = now.max(at);
        now = match cleanup.takes {
            Takes::Time(time) => first_turn(begin) + time,
            Takes::Until(time) => begin.max(time),
        };
        let has_begun = unfinished.is_empty() && is_before_stop(begin);
        if has_begun {
            events.extend(cleanup.begins.map(|event| (event, begin)));
        }
        let is_interrupted = cleanup.is_wait() && stop == Some(now);
        if is_before_stop(now) && !is_interrupted {
            events.extend(cleanup.ends.map(|event| (event, now)));
        } else if has_begun {
            unfinished.push(Cleanup { begins: None, takes: Takes::Until(now), ..cleanup });
        } else {
            unfinished.push(cleanup);
        }
    }
    (now.max(body_end), unfinished)
}
