//! What a program must do: a reference, written the other way round.
//!
//! No executor, no wakers, no polls: each part is a function from its beginning and the requests that will
//! reach it to its end. Times are exact, and no two things happen at the same time, but for what one is the
//! cause of the other. Each file says which rules it stands for, by their numbers in the protocol of
//! cancellation.

mod contests;
mod ended;
mod gathers;
mod groups;
mod requests;
mod scopes;
mod tasks;

use std::cell::Cell;
use std::collections::BTreeMap;

use crate::program::{Id, Node, Program};
use ended::{Ended, Out};
use groups::Group;
use requests::Span;
use scopes::Kind;
use tasks::Keeps;

pub(crate) type Time = u64;

/// What is noted in a run, with its time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Event {
    Slept(Id),
    TimedOut(Id),
    Caught(Id),
    Entered(Id),
    ExitBegun(Id, Left),
    ExitEnded(Id),
    CleanupBegun(Id),
    CleanupEnded(Id),
    Awaited(Id, End),
    /// With the sum of the numbers of its errors.
    GroupFailed(Id, u64),
}

/// How the body of a `with` ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Left {
    Returned,
    Failed,
    /// By a request, or by a panic: its own or that of a branch beside it.
    CutOff,
}

/// How a task ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum End {
    Value,
    Error(Id),
    Cancelled,
    Panicked,
}

/// What a panic counts in the sum of a group's errors.
pub(crate) const PANIC: u64 = 1 << 40;

pub(crate) type Log = BTreeMap<Event, Time>;

/// Runs a program: how its main task ends, and what is noted. `None` if that depends on which of two things
/// that happen at one time comes first.
pub(crate) fn run(program: &Program) -> Option<(End, Log)> {
    let mut time = 0;
    let mut requests = Vec::new();
    for &cancel in &program.cancels {
        time += program.time_of(cancel);
        requests.push(time);
    }
    let model = Model { program, is_ambiguous: Cell::new(false) };
    let task = model.task(&program.main, 0, &requests, Keeps::Nothing);
    let is_certain = !model.is_ambiguous.get();
    is_certain.then(|| (task.end, task.events.into_iter().collect()))
}

struct Model<'a> {
    program: &'a Program,
    /// What happens depends on the order of turns at one time.
    is_ambiguous: Cell<bool>,
}

impl Model<'_> {
    fn time_of(&self, id: Id) -> Time {
        self.program.time_of(id)
    }

    /// A part that begins at `span.begin`; `span.incoming` will be offered to it, and at `span.stop` it is
    /// dropped.
    fn part(&self, node: &Node, span: Span<'_>) -> Ended {
        match node {
            Node::Sleep(id) => self.sleep(*id, span),
            Node::Fail(id) => self.leaf(*id, span, Out::Error(*id)),
            Node::Panic(id) => self.leaf(*id, span, Out::Panicked),
            Node::Seq(nodes) => self.sequence(nodes, span),
            Node::Defer(id, node) => self.part(node, span).guarded_by(self.deferred_cleanup(*id)),
            Node::Timeout(id, _, node) => self.timeout(*id, node, span),
            Node::Sibling(id, node) => self.cancelled_by_sibling(*id, node, span),
            Node::Catch(id, after, node) => self.scope(Kind::Catch(*id, *after), None, node, span),
            Node::Shield(node) => self.scope(Kind::Shield, None, node, span),
            Node::With(id, node) => self.with(*id, node, span),
            Node::Stack(id, node) => self.stack(*id, node, span),
            Node::Task(id, node) => self.awaited(*id, node, span),
            Node::ShieldTask(id, node) => self.shielded(*id, node, span),
            Node::Gather(a, b) => self.gather([a, b], span),
            Node::Join(a, b) => self.join([a, b], span),
            Node::Race(a, b) => self.around(Kind::Plain, None, self.race([a, b], span), span),
            Node::Group(id, children, body) => self.group(&Group { id: *id, children, body }, span),
        }
    }
}
