//! Two parts in one task: join, race and select.
//!
//! - Every branch is offered a request. One that unwinds by itself offers its request to the other (rule 6).
//! - A join ends when both have ended, and unwinds if one has unwound. What a branch left undelivered is
//!   delivered after it.
//! - A race ends with the first result; the loser is dropped, and its cleanups run first. What unwound a branch,
//!   or did not reach one, stays offered.
//! - A `select!` takes values only: an error disables its branch, and two of them end it.
//! - A panic in one drops the other.
//!
//! When both have something to do at one time, the order of their turns decides: the model is not certain of what comes then.

use super::ended::{Activity, Ended, Out, merge};
use super::requests::{Counter, Request, Span, outermost, taken_back_in};
use super::{Event, Model, Time, Why};
use crate::program::{Id, Node};

/// What a branch does in a place.
type Branch<'a> = &'a dyn Fn(Span<'_>) -> Ended;

impl Model<'_> {
    pub(super) fn join(&self, nodes: [&Node; 2], span: Span<'_>) -> Ended {
        self.join_of([&|span| self.part(nodes[0], span), &|span| self.part(nodes[1], span)], span)
    }

    /// What the branches are is said by their functions.
    pub(super) fn join_of(&self, parts: [Branch<'_>; 2], span: Span<'_>) -> Ended {
        let (mut branches, counters) = self.branches(parts, span);
        let parts: [Branch<'_>; 2] = [&|span| parts[0](span.counted_by(&counters[0])), &|span| {
            parts[1](span.counted_by(&counters[1]))
        }];
        let panics = (0..2).filter(|&n| branches[n].out == Out::Panicked);
        let panic = panics.min_by_key(|&n| branches[n].at);
        let Some(n) = panic.filter(|&n| span.stop.is_none_or(|stop| branches[n].at <= stop)) else {
            return both(branches, span);
        };
        let (at, other) = (branches[n].at, 1 - n);
        if branches[other].at > at {
            branches[other] = parts[other](span.stopped(at));
        }
        let left = merge(&branches);
        let held = [branches[n].held.clone(), branches[other].held.clone()].concat();
        let events = branches.into_iter().flat_map(|branch| branch.events).collect();
        Ended { held, left, events, ..Ended::new(at, Out::Panicked, Vec::new()) }
    }

    /// The branches of a join or a race, with the panic of one or the end of both; and of each the task's
    /// requests as it sees them: what one takes back the other knows, in the same turn if it stands behind.
    fn branches(&self, parts: [Branch<'_>; 2], span: Span<'_>) -> ([Ended; 2], [Counter; 2]) {
        let mut counters = [span.counter.clone(), span.counter.clone()];
        // What happens at a time depends on what was taken back before it, so each time round is right for
        // one time more.
        for _ in 0..1_000 {
            let counted: [Branch<'_>; 2] =
                [&|span: Span<'_>| parts[0](span.counted_by(&counters[0])), &|span: Span<'_>| {
                    parts[1](span.counted_by(&counters[1]))
                }];
            let (branches, spread) = self.branches_that_see(counted, span);
            // What a branch takes back because of the other one's end comes after that.
            let by = |n: usize| {
                let is_caused = move |&at: &Time| spread == Some((1 - n, at));
                taken_back_in(&branches[n].events).filter(move |at| !is_caused(at))
            };
            let seen =
                [span.counter.with_beside(by(1).map(|at| at + 1)), span.counter.with_beside(by(0))];
            if seen == counters {
                return (branches, counters);
            }
            counters = seen;
        }
        panic!("each branch takes back what makes the other one not do so: {counters:?}");
    }

    /// Gives the branches; and which of them has offered its request to the other one, and in what turn.
    fn branches_that_see(
        &self,
        parts: [Branch<'_>; 2],
        span: Span<'_>,
    ) -> ([Ended; 2], Option<(usize, Time)>) {
        let mut branches = parts.map(|part| part(span));
        // A branch that unwinds by itself offers its request to the other one.
        let unwinds = |branch: &Ended| {
            let is_by_itself = branch.is_late || !span.is_offered(branch.at);
            (branch.out == Out::Unwound && is_by_itself).then_some(branch.at)
        };
        let times = [unwinds(&branches[0]), unwinds(&branches[1])];
        let Some((at, n)) = (0..2).filter_map(|n| times[n].map(|at| (at, n))).min() else {
            return (branches, None);
        };
        let other = 1 - n;
        let is_in_turns = span.is_offered(at);
        if branches[other].at > at {
            let count = span.count(at, &events_of(&branches));
            let spread = |at| offered_by(&branches[n], (at, count), parts[other], span);
            let activity = branches[other].activity_at(at);
            branches[other] = match branches[n].is_late {
                _ if is_in_turns => in_turns(at, activity, spread),
                // It comes after its cause.
                true => in_turns(at, Activity::Rests, spread),
                false => spread(at),
            };
            let is_in_turns = is_in_turns || branches[n].is_late;
            return (branches, Some((n, at + Time::from(is_in_turns))));
        } else if is_in_turns && branches[other].at == at && branches[other].is_late {
            // Which of them ends first makes no difference, most of the time.
            let is_disturbed = |a: usize, b: usize| {
                let count = span.count(at, &events_of(&branches));
                let disturbed = offered_by(&branches[a], (at, count), parts[b], span);
                branches[a].out == Out::Unwound && !disturbed.is_like(&branches[b])
            };
            let acts = branches.iter().any(|it| it.activity_at(at) == Activity::Acts);
            if acts || is_disturbed(n, other) || is_disturbed(other, n) {
                branches[n].events.push((Event::Unclear(Why::BothUnwind), at));
            }
        }
        (branches, None)
    }

    /// The contest in a race, without the scope around it.
    pub(super) fn race(&self, nodes: [&Node; 2], span: Span<'_>) -> Ended {
        self.contest(nodes, |branch| branch.has_result(), both, span)
    }

    /// The contest in a `select!` that takes values only, without the scope around it.
    pub(super) fn select(&self, id: Id, nodes: [&Node; 2], span: Span<'_>) -> Ended {
        let no_value = |branches: [Ended; 2], span: Span<'_>| none_matched(id, branches, span);
        self.contest(nodes, |branch| branch.out == Out::Value, no_value, span)
    }

    /// A branch that is as `wins` says ends the contest; if there is none `nobody` says how it ends.
    fn contest(
        &self,
        nodes: [&Node; 2],
        wins: impl Fn(&Ended) -> bool,
        nobody: impl Fn([Ended; 2], Span<'_>) -> Ended,
        span: Span<'_>,
    ) -> Ended {
        let parts: [Branch<'_>; 2] =
            [&|span| self.part(nodes[0], span), &|span| self.part(nodes[1], span)];
        let (mut branches, counters) = self.branches(parts, span);
        let parts: [Branch<'_>; 2] = [&|span| parts[0](span.counted_by(&counters[0])), &|span| {
            parts[1](span.counted_by(&counters[1]))
        }];
        let ends_it = |branch: &Ended| wins(branch) || branch.out == Out::Panicked;
        let winner = (0..2).filter(|&n| ends_it(&branches[n]));
        let winner = winner.min_by_key(|&n| (branches[n].at, branches[n].is_late));
        let Some(n) = winner else { return nobody(branches, span) };
        let at = branches[n].at;
        if span.is_offered(at) && branches.iter().all(|branch| branch.at == at && branch.is_late) {
            branches[n].events.push((Event::Unclear(Why::LateInRace), at));
        }
        let unasked = self.drop_loser(parts, &mut branches, n, span);
        if branches[n].out == Out::Panicked {
            let left = merge(&branches);
            let (held, held_beside) = (branches[n].held.clone(), branches[1 - n].held.clone());
            let events = branches.into_iter().flat_map(|branch| branch.events).collect();
            let panicked = Ended::new(at, Out::Panicked, Vec::new());
            return Ended { held, held_beside, left, events, ..panicked };
        }
        won(branches, n, unasked, span)
    }

    /// What becomes of the branch that has not won. It answers in the turn of a request: then the branch behind
    /// it is not asked any more, and the request is returned.
    fn drop_loser(
        &self,
        parts: [Branch<'_>; 2],
        branches: &mut [Ended; 2],
        winner: usize,
        span: Span<'_>,
    ) -> Option<Request> {
        let (at, loser) = (branches[winner].at, 1 - winner);
        let is_offered = |request: &&Request| request.at.max(span.begin) == at;
        let offered = span.incoming.iter().find(is_offered).copied();
        let unasked = offered
            .filter(|_| winner == 0 && branches[loser].at >= at && !branches[winner].is_late);
        if unasked.is_none() {
            // One that is late beside a late winner was its cause.
            let is_late = branches[loser].is_late && !branches[winner].is_late;
            let is_late = is_late && branches[loser].at == at;
            if branches[loser].at > at || is_late {
                let dropped = |at| parts[loser](span.stopped(at));
                let is_in_turns = span.is_offered(at) && branches[winner].is_late;
                let activity = branches[loser].activity_at(at);
                branches[loser] =
                    if is_in_turns { in_turns(at, activity, dropped) } else { dropped(at) };
            }
            return None;
        }
        branches[loser] = if at == span.begin {
            // Not even begun.
            Ended::dropped(at)
        } else {
            let earlier: Vec<_> =
                span.incoming.iter().filter(|it| !is_offered(it)).copied().collect();
            parts[loser](span.offered(&earlier).stopped(at))
        };
        unasked
    }
}

/// A branch to which the request is offered at `at` that unwound the other one, with so many requests.
fn offered_by(
    other: &Ended,
    (at, count): (Time, usize),
    branch: Branch<'_>,
    span: Span<'_>,
) -> Ended {
    let origin = other.request.and_then(|request| request.origin);
    let incoming = span.with_request(Request::new(at, origin).again(at, count));
    branch(span.offered(&incoming))
}

/// What comes in a later turn of the time at which a request is offered. A branch that rests has done what it
/// does in the first turn; with another one it must be the same before its turns and after them.
fn in_turns(at: Time, activity: Activity, branch: impl Fn(Time) -> Ended) -> Ended {
    let mut ended = branch(at + 1).moved_to(at);
    let is_clear = match activity {
        Activity::Rests => true,
        Activity::Unwinds => {
            let before = branch(at);
            before.rest == ended.rest && before.is_like(&ended)
        }
        Activity::Acts => false,
    };
    if !is_clear {
        ended.events.push((Event::Unclear(Why::InTurns), at));
    }
    ended
}

/// A race that a branch has won.
fn won(branches: [Ended; 2], winner: usize, unasked: Option<Request>, span: Span<'_>) -> Ended {
    let (at, loser) = (branches[winner].at, &branches[1 - winner]);
    let mut left = merge(&branches);
    left.extend(loser.held.iter().map(|&cleanup| (at, cleanup)));
    let kept = match loser.out {
        Out::Unwound => loser.request,
        Out::Dropped => None,
        _ => undelivered_by(loser),
    };
    let pending = kept.or(undelivered_by(&branches[winner])).or(unasked);
    let events = events_of(&branches);
    let turn = branches[winner].turn();
    let pending = pending.filter(|request| !span.was_taken_back(request, turn, &events));
    let count = span.count(turn, &events);
    let pending = pending.map(|request| request.again(at, count));
    let rest = pending.into_iter().chain(span.later(at)).collect();
    let (out, is_late) = (branches[winner].out, branches[winner].is_late);
    let events = branches.into_iter().flat_map(|branch| branch.events).collect();
    Ended { left, events, is_late, ..Ended::new(at, out, rest) }
}

/// Two branches that have both come to an end.
fn both(branches: [Ended; 2], span: Span<'_>) -> Ended {
    let at = branches[0].at.max(branches[1].at);
    let left = merge(&branches);
    let held = branches.iter().flat_map(|branch| branch.held.clone()).collect();
    let has = |out: Out| branches.iter().any(|branch| branch.out == out);
    let (out, rest) = if has(Out::Dropped) {
        (Out::Dropped, Vec::new())
    } else if has(Out::Unwound) {
        (Out::Unwound, span.later(at).collect())
    } else {
        let events = events_of(&branches);
        let kept = undelivered(&branches);
        let turn = branches.iter().map(Ended::turn).max().unwrap_or(at);
        let kept = kept.filter(|request| !span.was_taken_back(request, turn, &events));
        let count = span.count(turn, &events);
        let kept = kept.map(|request| request.again(at, count));
        let out = if branches[0].out == Out::Value { branches[1].out } else { branches[0].out };
        (out, kept.into_iter().chain(span.later(at)).collect())
    };
    let is_late = branches.iter().any(|branch| branch.at == at && branch.is_late);
    let unwound = branches.iter().filter(|branch| branch.out == Out::Unwound);
    let request = outermost(unwound.filter_map(|branch| branch.request.as_ref()));
    let events = branches.into_iter().flat_map(|branch| branch.events).collect();
    Ended { held, left, events, is_late, request, ..Ended::new(at, out, rest) }
}

/// Two branches of a `select!` that have both come to an end without a value. What an error left undelivered
/// counts as if it had unwound the branch.
fn none_matched(id: Id, branches: [Ended; 2], span: Span<'_>) -> Ended {
    let has = |out: Out| branches.iter().any(|branch| branch.out == out);
    let left = undelivered(&branches).filter(|_| !has(Out::Dropped));
    let is_disabled = !has(Out::Unwound) && !has(Out::Dropped);
    let mut ended = both(branches, span);
    let request = outermost(ended.request.iter().chain(&left));
    match left {
        Some(_) => (ended.out, ended.request) = (Out::Unwound, request),
        None if is_disabled => ended.out = Out::Error(id),
        None => {}
    }
    ended.rest = span.later(ended.at).collect();
    ended
}

fn events_of(branches: &[Ended; 2]) -> Vec<(Event, Time)> {
    branches.iter().flat_map(|branch| branch.events.iter().copied()).collect()
}

/// What the branches of a join left undelivered when they ended.
fn undelivered(branches: &[Ended; 2]) -> Option<Request> {
    let left = branches.each_ref().map(undelivered_by);
    outermost(left.iter().flatten())
}

fn undelivered_by(branch: &Ended) -> Option<Request> {
    outermost(branch.rest.iter().filter(|request| request.at <= branch.at))
}
