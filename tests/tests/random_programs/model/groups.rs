//! Task groups (rule 8).
//!
//! - Under a supervisor a child's failure is only noted; else the first child that fails shuts the group down: the body is offered the group's own request, and the other
//!   children are cancelled. So does a body that does not end with a value.
//! - Requests are offered to the body; a body that catches one leaves the children running. While the children
//!   are waited for, a request cancels them, and is passed on after.
//! - Errors win over an outer request, which is then offered again.
//! - Dropped half-way, it leaves "cancel and await my children" as a cleanup.

use super::ended::{Cleanup, Ended, Out};
use super::requests::{Request, Span, outermost};
use super::scopes::Kind;
use super::tasks::{Keeps, TaskEnded};
use super::{End, Event, Model, PANIC, Time, Why};
use crate::program::{Id, Node};

pub(super) struct Group<'a> {
    pub(super) id: Id,
    /// A child's failure shuts it down.
    pub(super) fails_fast: bool,
    pub(super) children: &'a [Node],
    pub(super) body: &'a Node,
}

/// Whether children that are cancelled at their beginning have begun: that is a matter of turns.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Begun {
    Yes,
    No,
    Unclear,
}

/// A group whose body has ended.
struct Waiting {
    body: Ended,
    children: Vec<TaskEnded>,
    shut_down: Option<Time>,
    /// When the last of them has ended.
    end: Time,
    /// The children have to be waited for.
    waits: bool,
    /// A request is to be passed on.
    is_unwound: bool,
}

impl Waiting {
    /// The requests that come while the children are waited for.
    fn during(&self) -> impl Iterator<Item = Request> {
        let meanwhile = self.body.rest.iter().filter(|it| self.waits && it.at <= self.end);
        meanwhile.map(|request| Request { at: request.at.max(self.body.at), ..*request })
    }

    /// The sum of the numbers of its errors.
    fn errors(&self) -> Option<u64> {
        let of_children = self.children.iter().filter_map(|child| match child.end {
            End::Error(id) => Some(u64::from(id)),
            End::Panicked => Some(PANIC),
            End::Value | End::Cancelled => None,
        });
        let of_body = match self.body.out {
            Out::Error(id) => Some(u64::from(id)),
            _ => None,
        };
        of_children.chain(of_body).fold(None, |sum, error| Some(sum.unwrap_or(0) + error))
    }
}

fn end_of(children: &[TaskEnded], begin: Time) -> Time {
    children.iter().map(|child| child.at).max().unwrap_or(begin)
}

impl Model<'_> {
    pub(super) fn group(&self, group: &Group<'_>, span: Span<'_>) -> Ended {
        let undisturbed = self.children(group, span.begin, None, Begun::Yes);
        let fails = |child: &&TaskEnded| matches!(child.end, End::Error(_) | End::Panicked);
        let failure = undisturbed.iter().filter(fails).map(|child| child.future_at).min();
        let failure = failure.filter(|_| group.fails_fast);
        let body = self.body(group, failure, span);
        let waiting = self.wait_for_children(group, body, failure, span);
        let is_cut_off = matches!(waiting.body.out, Out::Panicked | Out::Dropped);
        // At the same time it is late if a child has to be waited for.
        let is_late = waiting.children.iter().any(|child| child.at >= waiting.body.at);
        let stops = |&stop: &Time| stop < waiting.end || (stop == waiting.end && is_late);
        match span.stop.filter(stops) {
            _ if is_cut_off => self.leave(group, waiting.body.at, waiting, span),
            Some(stop) => self.leave(group, stop, waiting, span),
            None => finish(group, waiting, span),
        }
    }

    fn wait_for_children(
        &self,
        group: &Group<'_>,
        body: Ended,
        failure: Option<Time>,
        span: Span<'_>,
    ) -> Waiting {
        let mut shut_down = failure.filter(|&at| at < body.at || body.out == Out::CutOff);
        if body.out != Out::Value {
            shut_down = Some(shut_down.unwrap_or(body.at));
        }
        let shut_down = shut_down.or(failure);
        // They were spawned before the body's part began, and are polled as soon as it is pending.
        let begun = if body.is_late { Begun::Yes } else { Begun::No };
        let children = self.children(group, span.begin, shut_down, begun);
        let end = end_of(&children, span.begin).max(body.at);
        // A child that is cancelled takes no time to end, but turns; one whose failure cuts the body off is done.
        let is_left = |child: &TaskEnded| {
            let has_failed = matches!(child.end, End::Error(_) | End::Panicked);
            child.at > body.at || (child.at == body.at && !has_failed)
        };
        let is_cut_off = matches!(body.out, Out::Panicked | Out::Dropped);
        let waits = !is_cut_off && children.iter().any(is_left);
        let is_unwound = body.out == Out::Unwound;
        let mut waiting = Waiting { body, children, shut_down, end, waits, is_unwound };
        let Some(request) = waiting.during().next() else { return waiting };
        if shut_down.is_none_or(|at| request.at < at) {
            waiting.shut_down = Some(request.at);
            waiting.children = self.children(group, span.begin, waiting.shut_down, begun);
            waiting.end = end_of(&waiting.children, span.begin).max(waiting.body.at);
        }
        waiting.is_unwound |= !matches!(waiting.body.out, Out::Error(_));
        waiting
    }

    /// Dropped half-way: the children are cancelled, and waited for by whoever runs the cleanups.
    fn leave(&self, group: &Group<'_>, at: Time, waiting: Waiting, span: Span<'_>) -> Ended {
        let body = waiting.body;
        let shut_down = waiting.shut_down.filter(|&earlier| earlier < at).unwrap_or(at);
        let children = self.children(group, span.begin, Some(shut_down), Begun::Unclear);
        let is_cut_off = matches!(body.out, Out::Panicked | Out::Dropped);
        let mut held = if is_cut_off { body.held } else { Vec::new() };
        // Nobody waits for children that have ended.
        if children.iter().any(|child| child.at >= at) {
            held.push(Cleanup::wait_until(end_of(&children, span.begin)));
        }
        let mut events = body.events;
        if !children.is_empty() {
            events.push((Event::Turns, shut_down));
        }
        events.extend(children.into_iter().flat_map(|child| child.events));
        let out = if body.out == Out::Panicked { Out::Panicked } else { Out::Dropped };
        Ended { held, left: body.left, events, ..Ended::new(at, out, Vec::new()) }
    }

    /// Those that are cancelled at their beginning have `begun` by then or not.
    fn children(
        &self,
        group: &Group<'_>,
        begin: Time,
        shut_down: Option<Time>,
        begun: Begun,
    ) -> Vec<TaskEnded> {
        let undisturbed =
            group.children.iter().map(|child| self.task(child, begin, &[], Keeps::Errors));
        let cancelled = undisturbed.zip(group.children).map(|(ended, child)| match shut_down {
            Some(at) if at == begin && begun == Begun::Yes => {
                self.task(child, begin, &[at + 1], Keeps::Errors).moved_to(at)
            }
            Some(at) if ended.future_at > at => self.task(child, begin, &[at], Keeps::Errors),
            _ => ended,
        });
        let mut children: Vec<_> = cancelled.collect();
        if shut_down == Some(begin) && begun == Begun::Unclear {
            let unclear = (Event::Unclear(Why::GroupAtBegin), begin);
            children.iter_mut().for_each(|child| child.events.push(unclear));
        }
        children
    }

    fn body(&self, group: &Group<'_>, shut_down: Option<Time>, span: Span<'_>) -> Ended {
        self.scope(Kind::Body(group.id), shut_down, group.body, span)
    }
}

/// No child is left.
fn finish(group: &Group<'_>, mut waiting: Waiting, span: Span<'_>) -> Ended {
    let end = waiting.end;
    let body = &mut waiting.body;
    let is_late = body.is_late || waiting.children.iter().any(|child| child.at >= body.at);
    let mut events = std::mem::take(&mut body.events);
    let body = &waiting.body;
    let undelivered = body.rest.iter().find(|it| !waiting.waits && it.at <= end).copied();
    let to_body = span.incoming.iter().filter(|request| request.at <= body.at).copied();
    let offered: Vec<_> = to_body.chain(waiting.during()).collect();
    let outer = span.counting(&offered, end + Time::from(is_late), &events);
    let (out, pending) = match waiting.errors() {
        Some(sum) => {
            events.push((Event::GroupFailed(group.id, sum), end));
            (Out::Error(group.id), outermost(undelivered.iter().chain(&outer)))
        }
        None if waiting.is_unwound => (Out::Unwound, None),
        None => (Out::Value, undelivered),
    };
    let count = span.count(end + Time::from(is_late), &events);
    let pending = pending.map(|request| request.again(end, count));
    let rest = pending.into_iter().chain(span.later(end)).collect();
    let unwound = match body.out {
        Out::Unwound => body.request,
        _ => waiting.during().next(),
    };
    let request = outermost(outer.iter().chain(&unwound));
    let request = request.filter(|_| out == Out::Unwound);
    if !waiting.children.is_empty() {
        events.extend(waiting.shut_down.iter().chain([&end]).map(|&at| (Event::Turns, at)));
    }
    events.extend(waiting.children.into_iter().flat_map(|child| child.events));
    Ended { left: waiting.body.left, events, is_late, request, ..Ended::new(end, out, rest) }
}
