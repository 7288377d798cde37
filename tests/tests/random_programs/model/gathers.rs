//! `gather` of two (rule 8, and the docs of `gather`).
//!
//! - The children are tasks, and their errors are values.
//! - A panic goes on in the awaiter at once; the sibling runs on.
//! - Each request is handed on to both children. Once there was one the gather waits for both and unwinds,
//!   whatever they answered, and whatever a child did after it.
//! - Dropped half-way, it cancels the children and leaves the wait for them as a cleanup. That is a request of its
//!   own, whatever was handed on before: also in the same turn.

use super::ended::{Cleanup, Ended, Out};
use super::requests::{Span, outermost};
use super::tasks::{Keeps, TaskEnded};
use super::{End, Event, Model, Time, Why};
use crate::program::Node;

impl Model<'_> {
    pub(super) fn gather(&self, nodes: [&Node; 2], span: Span<'_>) -> Ended {
        let mut requests: Vec<_> =
            span.incoming.iter().map(|request| request.at.max(span.begin)).collect();
        let panic = self.first_panic(nodes, span.begin);
        let panic = panic.filter(|&at| requests.first().is_none_or(|&request| request > at));
        let children = match panic {
            Some(_) => self.gathered(nodes, span.begin, &[]),
            None => self.gathered(nodes, span.begin, &requests),
        };
        let at = panic.unwrap_or(end_of(&children));
        // At the same time it is late: the tasks would have to be waited for.
        if let Some(stop) = span.stop.filter(|&stop| stop <= at) {
            requests.retain(|&request| request <= stop);
            requests.push(stop);
            return self.leave_gather(nodes, span.begin, &requests);
        }
        let is_unwound = panic.is_none() && requests.first().is_some_and(|&request| request <= at);
        let out = match panic {
            Some(_) => Out::Panicked,
            None if is_unwound => Out::Unwound,
            None => first_error(&children),
        };
        let request = outermost(span.incoming.iter().filter(|request| request.at <= at));
        let request = request.filter(|_| is_unwound);
        let rest = span.later(at).collect();
        let mut events: Vec<_> = children.into_iter().flat_map(|child| child.events).collect();
        events.extend(requests.into_iter().chain([at]).map(|at| (Event::Turns, at)));
        Ended { request, events, is_late: true, ..Ended::new(at, out, rest) }
    }

    fn gathered(&self, nodes: [&Node; 2], begin: Time, requests: &[Time]) -> [TaskEnded; 2] {
        nodes.map(|node| self.task(node, begin, requests, Keeps::Nothing))
    }

    /// When the first child panics if nobody disturbs it.
    fn first_panic(&self, nodes: [&Node; 2], begin: Time) -> Option<Time> {
        let children = self.gathered(nodes, begin, &[]);
        children.iter().filter(|it| it.end == End::Panicked).map(|it| it.at).min()
    }

    /// Dropped with the last of the requests.
    fn leave_gather(&self, nodes: [&Node; 2], begin: Time, requests: &[Time]) -> Ended {
        let at = *requests.last().expect("the one that the drop makes");
        let children = self.gathered(nodes, begin, requests);
        let held = vec![Cleanup::wait_until(end_of(&children))];
        let mut events: Vec<_> = children.into_iter().flat_map(|child| child.events).collect();
        events.extend(requests.iter().map(|&at| (Event::Turns, at)));
        if at == begin {
            // Whether the children have begun by then is a matter of turns.
            events.push((Event::Unclear(Why::GatherAtBegin), at));
        }
        Ended { held, events, ..Ended::dropped(at) }
    }
}

fn end_of(children: &[TaskEnded; 2]) -> Time {
    children[0].at.max(children[1].at)
}

fn first_error(children: &[TaskEnded; 2]) -> Out {
    let errors = children.iter().filter_map(|child| match child.end {
        End::Error(id) => Some(Out::Error(id)),
        End::Value | End::Cancelled | End::Panicked => None,
    });
    errors.into_iter().next().unwrap_or(Out::Value)
}
