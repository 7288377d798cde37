//! What a program must do: a reference, written the other way round.
//!
//! No executor, no wakers, no polls: each part is a function from its beginning and the requests that will
//! reach it to its end. Times are exact, and no two things happen at the same time, but for what one is the
//! cause of the other: the numbers behind one that is divisible by `TURNS` are later turns of the same time. Each file says which rules it stands for, by their numbers in the protocol of
//! cancellation.

mod contests;
mod ended;
mod gathers;
mod groups;
mod requests;
mod scopes;
mod tasks;

use std::collections::BTreeMap;

use bowerbird::Policy;

use crate::program::{Id, Node, Program, TURNS};
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
    /// Of the model alone: from here on the order of turns at one time decides.
    Unclear(Why),
    /// Of the model alone: a request of the task was taken back.
    TakenBack,
    /// Of the model alone: what happens at this time takes more than one turn, for tasks are told or waited for.
    Turns,
}

/// What two things happen at one time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Why {
    /// A branch ends in a turn after a request, and the other one does different things in these turns.
    InTurns,
    /// Both branches of a join do so, and what the first one does disturbs the other.
    BothUnwind,
    /// Both branches of a race do so.
    LateInRace,
    /// Children are cancelled at their beginning: they may have begun.
    GroupAtBegin,
    GatherAtBegin,
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

/// What a program must do.
pub(crate) struct Expected {
    /// How its main task ends.
    pub(crate) end: End,
    pub(crate) log: Log,
    /// From then on it depends on which of two things that happen at one time comes first.
    pub(crate) unclear: Option<(Time, Why)>,
}

/// Runs a program.
pub(crate) fn run(program: &Program) -> Expected {
    let mut time = 0;
    let mut requests = Vec::new();
    for &cancel in &program.cancels {
        time += program.time_of(cancel);
        requests.push(time);
    }
    let model = Model { program };
    let task = model.task(&program.main, 0, &requests, Keeps::Nothing);
    let unclear = task.events.iter().filter_map(|&(event, at)| match event {
        Event::Unclear(why) => Some((at, why)),
        _ => None,
    });
    let unclear = unclear.min();
    let is_seen = |(event, _): &(Event, Time)| {
        !matches!(event, Event::Unclear(_) | Event::Turns | Event::TakenBack)
    };
    let log = task.events.into_iter().filter(is_seen).collect();
    Expected { end: task.end, log, unclear }
}

/// Of the times that stand for one, the first turn and later ones, the first.
fn first_turn(time: Time) -> Time {
    time - time % TURNS
}

struct Model<'a> {
    program: &'a Program,
}

impl Model<'_> {
    fn time_of(&self, id: Id) -> Time {
        self.program.time_of(id)
    }

    /// When what begins at `begin` has taken its time. It makes no difference to it in which turn it began.
    fn due(&self, begin: Time, id: Id) -> Time {
        first_turn(begin) + self.time_of(id)
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
            Node::Select(id, a, b) => {
                self.around(Kind::Plain, None, self.select(*id, [a, b], span), span)
            }
            Node::Group(id, policy, children, body) => {
                let fails_fast = *policy == Policy::FailFast;
                self.group(&Group { id: *id, fails_fast, children, body }, span)
            }
        }
    }
}
