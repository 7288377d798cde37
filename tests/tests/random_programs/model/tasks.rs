//! Leaves, sequences, guards, and tasks that are awaited.
//!
//! - A leaf that waits is cut off by the first request; one whose time is over has its result (rule 1 decides
//!   for requests of the same time only, and there are none).
//! - A task that ends with a request about ends cancelled and loses its value; a panic is kept, and a group
//!   keeps an error (rule 2).
//! - Whoever awaits a task hands each request on to it. It ended cancelled: the awaiter unwinds. It has a
//!   value: the request is answered (rule 3).
//! - A task that was cancelled before its first poll is dropped unpolled (rule 11).
//! - A task that is cancelled several times in one turn meets one request when it is polled next; all of them count
//!   (rule 4).

use super::ended::{Cleanup, Ended, Out, Takes, run_cleanups};
use super::requests::{Counter, Request, Span, outermost};
use super::{End, Event, Left, Model, Time};
use crate::program::{Id, Node};

/// What a task that ends with a request about keeps of its result: a group sees the errors of its children.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Keeps {
    Nothing,
    Errors,
}

#[derive(Debug)]
pub(super) struct TaskEnded {
    pub(super) at: Time,
    /// When its future had ended; the rest are cleanups.
    pub(super) future_at: Time,
    pub(super) end: End,
    pub(super) events: Vec<(Event, Time)>,
}

impl TaskEnded {
    /// Moves what happens in a later turn of `at` to `at`.
    pub(super) fn moved_to(mut self, at: Time) -> Self {
        let times = self.events.iter_mut().map(|(_, time)| time);
        for time in times.chain([&mut self.at, &mut self.future_at]) {
            *time -= Time::from(*time == at + 1);
        }
        self
    }
}

/// The second time of a node: how long its cleanup takes.
fn cleanup_of(id: Id) -> Id {
    id + 1_000_000
}

impl Model<'_> {
    fn cleanup(&self, id: Id, begins: Event, ends: Event) -> Cleanup {
        let takes = Takes::Time(self.time_of(cleanup_of(id)));
        Cleanup { begins: Some(begins), ends: Some(ends), takes }
    }

    /// The exit of a manager.
    pub(super) fn exit(&self, id: Id, left: Left) -> Cleanup {
        self.cleanup(id, Event::ExitBegun(id, left), Event::ExitEnded(id))
    }

    pub(super) fn deferred_cleanup(&self, id: Id) -> Cleanup {
        self.cleanup(id, Event::CleanupBegun(id), Event::CleanupEnded(id))
    }

    pub(super) fn sleep(&self, id: Id, span: Span<'_>) -> Ended {
        let mut ended = self.leaf(id, span, Out::Value);
        if ended.out == Out::Value {
            ended.events.push((Event::Slept(id), ended.at));
        }
        ended
    }

    pub(super) fn leaf(&self, id: Id, span: Span<'_>, out: Out) -> Ended {
        wait(self.due(span.begin, id), span, out)
    }

    pub(super) fn sequence(&self, nodes: &[Node], span: Span<'_>) -> Ended {
        let mut all = Ended::new(span.begin, Out::Value, span.incoming.to_vec());
        for node in nodes {
            let counter = span.counter.after(&all.events);
            let next = self.part(node, span.after(&all, &counter));
            all.left.extend(next.left);
            all.events.extend(next.events);
            // What begins in a later turn and takes no time ends in a later turn.
            all.is_late = next.is_late || (all.is_late && next.at == all.at);
            (all.at, all.out, all.held, all.rest) = (next.at, next.out, next.held, next.rest);
            all.request = next.request;
            if all.out != Out::Value {
                break;
            }
        }
        all
    }

    /// A task whose requests come at these times, in their order.
    pub(super) fn task(
        &self,
        node: &Node,
        begin: Time,
        requests: &[Time],
        keeps: Keeps,
    ) -> TaskEnded {
        if requests.first() == Some(&begin) {
            let (end, events) = (End::Cancelled, Vec::new());
            return TaskEnded { at: begin, future_at: begin, end, events };
        }
        let counter = Counter::new(requests);
        let mut incoming: Vec<_> = requests.iter().map(|&at| Request::new(at, None)).collect();
        incoming.dedup_by_key(|request| request.at);
        let body = self.part(node, Span::of_task(begin, &incoming, &counter));
        let mut events = body.events;
        let mut left = body.left;
        left.extend(body.held.iter().map(|&cleanup| (body.at, cleanup)));
        let (at, unfinished) = run_cleanups(left, body.at, None, &mut events);
        assert!(unfinished.is_empty());
        // Its own affair.
        events.retain(|(event, _)| *event != Event::TakenBack);
        let is_requested = body.rest.iter().any(|request| request.at <= at);
        let end = match body.out {
            Out::Value if !is_requested => End::Value,
            Out::Error(id) if !is_requested || keeps == Keeps::Errors => End::Error(id),
            Out::Value | Out::Error(_) | Out::Unwound => End::Cancelled,
            Out::Panicked => End::Panicked,
            Out::Dropped | Out::CutOff => unreachable!("nobody drops a task, and it is no body"),
        };
        TaskEnded { at, future_at: body.at, end, events }
    }

    /// A task that is awaited: requests are its own.
    pub(super) fn awaited(&self, id: Id, node: &Node, span: Span<'_>) -> Ended {
        let forwarded: Vec<_> = span
            .incoming
            .iter()
            .map(|request| request.at.max(span.begin))
            .filter(|&at| span.stop.is_none_or(|stop| at <= stop))
            .collect();
        let task = self.task(node, span.begin, &forwarded, Keeps::Nothing);
        // At the same time it is late: the task would have to be waited for.
        if let Some(stop) = span.stop.filter(|&stop| stop <= task.at) {
            let mut events = task.events;
            events.extend(forwarded.iter().map(|&at| (Event::Turns, at)));
            return Ended { events, ..Ended::dropped(stop) };
        }
        let mut events = task.events;
        let turns = forwarded.iter().chain([&task.at]);
        events.extend(turns.map(|&at| (Event::Turns, at)));
        let is_forwarded = forwarded.iter().any(|&at| at <= task.at);
        let rest = span.later(task.at).collect();
        if task.end == End::Cancelled && is_forwarded {
            let request = outermost(span.incoming.iter().filter(|request| request.at <= task.at));
            let unwound = Ended::new(task.at, Out::Unwound, rest);
            return Ended { events, is_late: true, request, ..unwound };
        }
        events.push((Event::Awaited(id, task.end), task.at));
        Ended { events, is_late: true, ..Ended::new(task.at, out_of(task.end, id), rest) }
    }

    /// A task behind a shield: requests never reach it.
    pub(super) fn shielded(&self, id: Id, node: &Node, span: Span<'_>) -> Ended {
        let task = self.task(node, span.begin, &[], Keeps::Nothing);
        let mut ended = wait(task.at, span, out_of(task.end, id));
        ended.events.extend(task.events);
        if ended.has_result() {
            ended.events.push((Event::Awaited(id, task.end), ended.at));
        }
        ended
    }
}

/// What the awaiter makes of it.
fn out_of(end: End, id: Id) -> Out {
    match end {
        End::Value => Out::Value,
        End::Error(id) => Out::Error(id),
        End::Cancelled | End::Panicked => Out::Error(id),
    }
}

/// Something that waits until `end`, or for the first request, or is dropped.
pub(super) fn wait(end: Time, span: Span<'_>, out: Out) -> Ended {
    let incoming = span.incoming;
    let request = incoming.first().map(|request| request.at.max(span.begin)).filter(|&at| at < end);
    let first = request.unwrap_or(end);
    match span.stop {
        Some(stop) if stop < first => Ended::dropped(stop),
        _ if request.is_some() => {
            let request = incoming.first().copied();
            Ended { request, ..Ended::new(first, Out::Unwound, incoming[1..].to_vec()) }
        }
        _ => Ended::new(end, out, incoming.to_vec()),
    }
}
