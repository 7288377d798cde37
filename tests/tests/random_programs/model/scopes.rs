//! Scopes: timeouts, catchers, shields, managers, and the body of a group.
//!
//! - A scope runs the cleanups that were left in it, and those of its inner part when that unwinds, before it
//!   ends. What comes meanwhile is kept: offered again after a result, else merged (rule 7).
//! - A request that unwinds is the scope's own if it made one and no outer one was offered that still counts
//!   (rule 4).
//! - An exit stack is none: closed after a result it is a scope around its exits, the last one first; before
//!   that they go with the part.
//! - Cut off by a panic or dropped, it leaves what it has not run to the scope around it.

use super::ended::{Ended, Out, Takes, run_cleanups};
use super::requests::{Request, Span, outermost};
use super::tasks::wait;
use super::{Event, Left, Model, Time};
use crate::program::{AfterCatch, Id, Node};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// With its own request.
    Timeout(Id),
    Catch(Id, AfterCatch),
    Shield,
    /// Makes no request, and passes on what comes.
    Plain,
    /// The body of a group, with when the group shuts down.
    Body(Id),
}

impl Kind {
    /// The origin of its own request.
    fn origin(self) -> Option<Id> {
        match self {
            Self::Timeout(id) | Self::Body(id) => Some(id),
            Self::Catch(..) | Self::Shield | Self::Plain => None,
        }
    }
}

impl Model<'_> {
    /// A `with` is a scope around a body that holds the entered manager.
    pub(super) fn with(&self, id: Id, node: &Node, span: Span<'_>) -> Ended {
        let mut body = self.part(node, span);
        body.events.push((Event::Entered(id), span.begin));
        let left = match body.out {
            Out::Value => Left::Returned,
            Out::Error(_) => Left::Failed,
            Out::Panicked | Out::Unwound | Out::Dropped | Out::CutOff => Left::CutOff,
        };
        self.around(Kind::Plain, None, body.guarded_by(self.exit(id, left)), span)
    }

    /// A manager and then a cleanup on an exit stack that is closed after the part.
    pub(super) fn stack(&self, id: Id, node: &Node, span: Span<'_>) -> Ended {
        let mut body = self.part(node, span);
        body.events.push((Event::Entered(id), span.begin));
        let exits = |left: Left| [self.deferred_cleanup(id), self.exit(id, left)];
        if !body.has_result() {
            body.held.extend(exits(Left::CutOff));
            return body;
        }
        let mut closing = Ended::new(body.at, Out::Value, body.rest.clone());
        closing.left = exits(Left::Returned).map(|exit| (body.at, exit)).to_vec();
        let counter = span.counter.after(&body.events);
        let place = span.after(&body, &counter);
        let mut closed = self.around(Kind::Plain, None, closing, place);
        if closed.out == Out::Value {
            closed.out = body.out;
        }
        closed.events.extend(body.events);
        closed.left.extend(body.left);
        closed
    }

    /// A scope that the other branch of a join cancels, if nothing unwinds that one before.
    pub(super) fn cancelled_by_sibling(&self, id: Id, node: &Node, span: Span<'_>) -> Ended {
        let at = self.due(span.begin, id);
        let scope = |span: Span<'_>| {
            let request = span.incoming.first().map(|request| request.at.max(span.begin));
            let own = Some(at).filter(|&at| request.is_none_or(|request| request > at));
            self.scope(Kind::Timeout(id), own, node, span)
        };
        self.join_of([&scope, &|span| wait(at, span, Out::Value)], span)
    }

    pub(super) fn timeout(&self, id: Id, node: &Node, span: Span<'_>) -> Ended {
        let at = self.due(span.begin, id);
        self.scope(Kind::Timeout(id), Some(at), node, span)
    }

    /// A scope that makes its own request at `own`.
    pub(super) fn scope(
        &self,
        kind: Kind,
        own: Option<Time>,
        node: &Node,
        span: Span<'_>,
    ) -> Ended {
        let inner = match own.zip(kind.origin()) {
            _ if kind == Kind::Shield => Vec::new(),
            Some((at, origin)) => span.with_request(Request::new(at, Some(origin))),
            None => span.incoming.to_vec(),
        };
        self.around(kind, own, self.part(node, span.offered(&inner)), span)
    }

    /// What a scope does after its body.
    pub(super) fn around(
        &self,
        kind: Kind,
        own: Option<Time>,
        body: Ended,
        span: Span<'_>,
    ) -> Ended {
        if matches!(body.out, Out::Dropped | Out::Panicked) {
            return cut_off(body);
        }
        let mut events = body.events;
        let mut left = body.left;
        left.extend(body.held.iter().map(|&cleanup| (body.at, cleanup)));
        // The wait for cancelled children takes no time, but turns.
        let waits = left.iter().any(|(_, it)| matches!(it.takes, Takes::Until(_)));
        let (end, unfinished) = run_cleanups(left, body.at, span.stop, &mut events);
        let is_late = waits || (body.is_late && end == body.at);
        if is_late {
            events.push((Event::Turns, end));
        }
        if let Some(stop) = span.stop.filter(|_| !unfinished.is_empty()) {
            return Ended { held: unfinished, events, ..Ended::dropped(stop) };
        }
        let body = Ended { left: Vec::new(), held: Vec::new(), events, ..body };
        if body.out == Out::Unwound {
            return unwound(kind, own, body, (end, is_late), span);
        }
        let not_own = |it: &&Request| it.origin.is_none() || it.origin != kind.origin();
        let rest: Vec<_> = match kind {
            Kind::Shield => span.incoming.to_vec(),
            _ => body.rest.iter().filter(not_own).copied().collect(),
        };
        let count = span.count(end + Time::from(is_late), &body.events);
        Ended { at: end, is_late, rest: span.keep_one(&rest, end, count), ..body }
    }
}

/// A scope whose body panicked, or which is dropped.
fn cut_off(body: Ended) -> Ended {
    let mut events = body.events;
    let (_, unfinished) = run_cleanups(body.left, body.at, Some(body.at), &mut events);
    let held = match body.out {
        Out::Dropped => [unfinished, body.held].concat(),
        _ => [body.held, unfinished, body.held_beside].concat(),
    };
    Ended { held, events, ..Ended::new(body.at, body.out, body.rest) }
}

/// A scope to which a request unwound; its cleanups have ended at `end`, in a later turn of it or not.
fn unwound(
    kind: Kind,
    own: Option<Time>,
    mut body: Ended,
    (end, is_late): (Time, bool),
    span: Span<'_>,
) -> Ended {
    let seen = span.incoming.iter().filter(|it| it.at <= body.at && kind != Kind::Shield);
    let seen: Vec<_> = seen.copied().collect();
    let outer = span.counting(&seen, body.turn(), &body.events);
    let is_own = outer.is_none() && own.is_some_and(|own| own <= body.at);
    let during = span.incoming.iter().filter(|it| body.at < it.at && it.at <= end);
    let request = outer.or(body.request);
    let request = outermost(request.iter().chain(during));
    let rest = span.later(end).collect();
    let (out, rest) = match kind {
        Kind::Catch(id, after) => {
            body.events.push((Event::Caught(id), end));
            if after == AfterCatch::TakeBack {
                body.events.push((Event::TakenBack, end + Time::from(is_late)));
            }
            let out = if after == AfterCatch::Resume { Out::Unwound } else { Out::Value };
            (out, rest)
        }
        Kind::Timeout(_) | Kind::Body(_) if is_own => {
            let during: Vec<_> = span.later(body.at).collect();
            let out = match kind {
                Kind::Timeout(id) => {
                    body.events.push((Event::TimedOut(id), end));
                    Out::Value
                }
                _ => Out::CutOff,
            };
            let count = span.count(end + Time::from(is_late), &body.events);
            (out, span.keep_one(&during, end, count))
        }
        Kind::Timeout(_) | Kind::Body(_) | Kind::Shield | Kind::Plain => (Out::Unwound, rest),
    };
    let request = request.filter(|_| out == Out::Unwound);
    Ended { at: end, out, is_late, rest, request, ..body }
}
