//! What a program must do: a reference, written the other way round.
//!
//! No executor, no wakers, no polls: each part is a function from its beginning and the requests that will
//! reach it to its end. Times are exact, and no two things happen at the same time.

use std::collections::BTreeMap;

use crate::program::{AfterCatch, Id, Node, Program};

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

pub(crate) type Log = BTreeMap<Event, Time>;

/// Runs a program: how its main task ends, and what is noted.
pub(crate) fn run(program: &Program) -> (End, Log) {
    let mut time = 0;
    let mut requests = Vec::new();
    for &cancel in &program.cancels {
        time += program.time_of(cancel);
        requests.push(time);
    }
    let task = Model { program }.task(&program.main, 0, &requests);
    (task.end, task.events.into_iter().collect())
}

/// A request on its way in.
#[derive(Debug, Clone, Copy)]
struct Request {
    at: Time,
    /// The scope that makes it; none for the task's own.
    origin: Option<Id>,
}

/// A cleanup that is to be run, or goes on.
#[derive(Debug, Clone, Copy)]
struct Cleanup {
    /// What notes its beginning, if it has not begun.
    begins: Option<Event>,
    ends: Event,
    takes: Takes,
}

/// How long a cleanup takes: a time, or, once begun, until a time: what it waits for goes on while it is not
/// polled.
#[derive(Debug, Clone, Copy)]
enum Takes {
    Time(Time),
    Until(Time),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Out {
    Value,
    Error(Id),
    Unwound,
    Panicked,
    Dropped,
}

/// The end of a part.
#[derive(Debug, Clone)]
struct Ended {
    at: Time,
    out: Out,
    /// What it leaves behind when it is dropped, in the order of the drop. None after a result.
    held: Vec<Cleanup>,
    /// What it left to the scope around while it ran.
    left: Vec<(Time, Cleanup)>,
    /// The requests that did not reach it; one that is not later than the end is about to be delivered.
    rest: Vec<Request>,
    events: Vec<(Event, Time)>,
}

impl Ended {
    fn new(at: Time, out: Out, rest: Vec<Request>) -> Self {
        Self { at, out, held: Vec::new(), left: Vec::new(), rest, events: Vec::new() }
    }

    fn has_result(&self) -> bool {
        matches!(self.out, Out::Value | Out::Error(_))
    }
}

struct TaskEnded {
    at: Time,
    end: End,
    events: Vec<(Event, Time)>,
}

/// The requests of one task: how many stand against it at a time.
struct Counter {
    requests: Vec<Time>,
    taken_back: Vec<Time>,
}

impl Counter {
    fn at(&self, time: Time) -> usize {
        let count = |times: &[Time]| times.iter().filter(|&&at| at <= time).count();
        count(&self.requests).saturating_sub(count(&self.taken_back))
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Timeout(Id),
    Catch(Id, AfterCatch),
    Shield,
    With,
}

struct Model<'a> {
    program: &'a Program,
}

/// The second time of a node: how long its cleanup takes.
fn cleanup_of(id: Id) -> Id {
    id + 1_000_000
}

impl Model<'_> {
    fn time_of(&self, id: Id) -> Time {
        self.program.time_of(id)
    }

    fn cleanup(&self, id: Id, begins: Event, ends: Event) -> Cleanup {
        Cleanup { begins: Some(begins), ends, takes: Takes::Time(self.time_of(cleanup_of(id))) }
    }

    /// A task whose requests come at these times.
    fn task(&self, node: &Node, begin: Time, requests: &[Time]) -> TaskEnded {
        if requests.first() == Some(&begin) {
            return TaskEnded { at: begin, end: End::Cancelled, events: Vec::new() };
        }
        let mut counter = Counter { requests: requests.to_vec(), taken_back: Vec::new() };
        let incoming: Vec<_> = requests.iter().map(|&at| Request { at, origin: None }).collect();
        let body = self.part(node, begin, &incoming, None, &mut counter);
        let mut events = body.events;
        let mut left = body.left;
        left.extend(body.held.iter().map(|&cleanup| (body.at, cleanup)));
        let (at, unfinished) = run_cleanups(left, body.at, None, &mut events);
        assert!(unfinished.is_empty());
        let is_requested = body.rest.iter().any(|request| request.at <= at);
        let end = match body.out {
            Out::Value if !is_requested => End::Value,
            Out::Error(id) if !is_requested => End::Error(id),
            Out::Value | Out::Error(_) | Out::Unwound => End::Cancelled,
            Out::Panicked => End::Panicked,
            Out::Dropped => unreachable!("nobody drops a task"),
        };
        TaskEnded { at, end, events }
    }

    /// A part that begins at `begin`; `incoming` will be offered to it, and at `stop` it is dropped.
    fn part(
        &self,
        node: &Node,
        begin: Time,
        incoming: &[Request],
        stop: Option<Time>,
        counter: &mut Counter,
    ) -> Ended {
        match node {
            Node::Sleep(id) => {
                let mut ended = self.leaf(*id, begin, incoming, stop, Out::Value);
                if ended.out == Out::Value {
                    ended.events.push((Event::Slept(*id), ended.at));
                }
                ended
            }
            Node::Fail(id) => self.leaf(*id, begin, incoming, stop, Out::Error(*id)),
            Node::Panic(id) => self.leaf(*id, begin, incoming, stop, Out::Panicked),
            Node::Seq(nodes) => self.sequence(nodes, begin, incoming, stop, counter),
            Node::Defer(id, node) => self.deferred(*id, node, begin, incoming, stop, counter),
            Node::Timeout(id, node) => {
                self.scope(Kind::Timeout(*id), node, begin, incoming, stop, counter)
            }
            Node::Catch(id, after, node) => {
                self.scope(Kind::Catch(*id, *after), node, begin, incoming, stop, counter)
            }
            Node::Shield(node) => self.scope(Kind::Shield, node, begin, incoming, stop, counter),
            Node::With(id, node) => {
                let managed = Managed { id: *id, node };
                self.with(managed, begin, incoming, stop, counter)
            }
            Node::Task(id, node) => self.awaited(*id, node, begin, incoming, stop),
            Node::ShieldTask(id, node) => self.shielded(*id, node, begin, incoming, stop),
            Node::Join(a, b) => self.join([a, b], begin, incoming, stop, counter),
        }
    }

    fn leaf(
        &self,
        id: Id,
        begin: Time,
        incoming: &[Request],
        stop: Option<Time>,
        out: Out,
    ) -> Ended {
        let end = begin + self.time_of(id);
        wait(begin, end, incoming, stop, out)
    }

    fn sequence(
        &self,
        nodes: &[Node],
        begin: Time,
        incoming: &[Request],
        stop: Option<Time>,
        counter: &mut Counter,
    ) -> Ended {
        let mut all = Ended::new(begin, Out::Value, incoming.to_vec());
        for node in nodes {
            let next = self.part(node, all.at, &all.rest, stop, counter);
            all.left.extend(next.left);
            all.events.extend(next.events);
            (all.at, all.out, all.held, all.rest) = (next.at, next.out, next.held, next.rest);
            if all.out != Out::Value {
                break;
            }
        }
        all
    }

    fn deferred(
        &self,
        id: Id,
        node: &Node,
        begin: Time,
        incoming: &[Request],
        stop: Option<Time>,
        counter: &mut Counter,
    ) -> Ended {
        let cleanup = self.cleanup(id, Event::CleanupBegun(id), Event::CleanupEnded(id));
        let mut body = self.part(node, begin, incoming, stop, counter);
        if body.has_result() {
            body.left.push((body.at, cleanup));
        } else {
            body.held.push(cleanup);
        }
        body
    }

    /// A `with` is a scope around a body that holds the entered manager.
    fn with(
        &self,
        managed: Managed<'_>,
        begin: Time,
        incoming: &[Request],
        stop: Option<Time>,
        counter: &mut Counter,
    ) -> Ended {
        let id = managed.id;
        let mut body = self.part(managed.node, begin, incoming, stop, counter);
        body.events.push((Event::Entered(id), begin));
        let left = match body.out {
            Out::Value => Left::Returned,
            Out::Error(_) => Left::Failed,
            Out::Panicked | Out::Unwound | Out::Dropped => Left::CutOff,
        };
        let exit = self.cleanup(id, Event::ExitBegun(id, left), Event::ExitEnded(id));
        if body.has_result() {
            body.left.push((body.at, exit));
        } else {
            body.held.push(exit);
        }
        self.around(Kind::With, body, begin, None, incoming, stop, counter)
    }

    fn scope(
        &self,
        kind: Kind,
        node: &Node,
        begin: Time,
        incoming: &[Request],
        stop: Option<Time>,
        counter: &mut Counter,
    ) -> Ended {
        let mut inner = if kind == Kind::Shield { Vec::new() } else { incoming.to_vec() };
        let mut own = None;
        if let Kind::Timeout(id) = kind {
            let at = begin + self.time_of(id);
            own = Some(at);
            inner.push(Request { at, origin: Some(id) });
            inner.sort_by_key(|request| request.at);
        }
        let body = self.part(node, begin, &inner, stop, counter);
        self.around(kind, body, begin, own, incoming, stop, counter)
    }

    /// What a scope does after its body.
    #[allow(clippy::too_many_arguments, reason = "it is the scope's whole state")]
    fn around(
        &self,
        kind: Kind,
        body: Ended,
        begin: Time,
        own: Option<Time>,
        incoming: &[Request],
        stop: Option<Time>,
        counter: &mut Counter,
    ) -> Ended {
        let mut events = body.events;
        let mut left = body.left;
        match body.out {
            Out::Dropped | Out::Panicked => {
                let (_, unfinished) = run_cleanups(left, body.at, Some(body.at), &mut events);
                let held = match body.out {
                    Out::Dropped => [unfinished, body.held].concat(),
                    _ => [body.held, unfinished].concat(),
                };
                return Ended { held, events, ..Ended::new(body.at, body.out, body.rest) };
            }
            Out::Value | Out::Error(_) | Out::Unwound => {}
        }
        left.extend(body.held.iter().map(|&cleanup| (body.at, cleanup)));
        let (end, unfinished) = run_cleanups(left, body.at, stop, &mut events);
        if let Some(stop) = stop.filter(|&stop| stop < end) {
            let held = unfinished;
            return Ended { held, events, ..Ended::new(stop, Out::Dropped, Vec::new()) };
        }
        let later = || incoming.iter().filter(|request| request.at > end).copied();
        // Of what came before the end one is kept.
        let keep_one = |requests: &[Request]| {
            let kept = requests.iter().find(|request| request.at <= end);
            let kept = kept.map(|request| Request { at: end, ..*request });
            kept.into_iter().chain(later()).collect::<Vec<_>>()
        };
        if body.out != Out::Unwound {
            let rest = match kind {
                Kind::Shield => keep_one(incoming),
                Kind::Timeout(id) => {
                    let outer: Vec<_> =
                        body.rest.iter().filter(|it| it.origin != Some(id)).copied().collect();
                    keep_one(&outer)
                }
                Kind::Catch(..) | Kind::With => keep_one(&body.rest),
            };
            return Ended { events, ..Ended::new(end, body.out, rest) };
        }
        let (out, rest) = match kind {
            Kind::Shield | Kind::With => (Out::Unwound, later().collect()),
            Kind::Catch(id, after) => {
                events.push((Event::Caught(id), end));
                if after == AfterCatch::TakeBack && counter.at(end) > 0 {
                    counter.taken_back.push(end);
                }
                let out = if after == AfterCatch::Resume { Out::Unwound } else { Out::Value };
                (out, later().collect())
            }
            Kind::Timeout(id) => {
                let seen = |request: &&Request| request.at <= body.at;
                let has_outer = incoming.iter().filter(seen).any(|request| {
                    request.origin.is_some() || counter.at(body.at) > counter.at(begin)
                });
                let is_own = own.is_some_and(|own| own <= body.at);
                if is_own && !has_outer {
                    events.push((Event::TimedOut(id), end));
                    let during: Vec<_> =
                        incoming.iter().filter(|request| request.at > body.at).copied().collect();
                    (Out::Value, keep_one(&during))
                } else {
                    (Out::Unwound, later().collect())
                }
            }
        };
        Ended { events, ..Ended::new(end, out, rest) }
    }

    /// A task that is awaited: requests are its own.
    fn awaited(
        &self,
        id: Id,
        node: &Node,
        begin: Time,
        incoming: &[Request],
        stop: Option<Time>,
    ) -> Ended {
        let forwarded: Vec<_> = incoming
            .iter()
            .map(|request| request.at.max(begin))
            .filter(|&at| stop.is_none_or(|stop| at < stop))
            .collect();
        let task = self.task(node, begin, &forwarded);
        if let Some(stop) = stop.filter(|&stop| stop < task.at) {
            return Ended { events: task.events, ..Ended::new(stop, Out::Dropped, Vec::new()) };
        }
        let mut events = task.events;
        let is_forwarded = forwarded.iter().any(|&at| at <= task.at);
        let rest = incoming.iter().filter(|request| request.at > task.at).copied().collect();
        if task.end == End::Cancelled && is_forwarded {
            return Ended { events, ..Ended::new(task.at, Out::Unwound, rest) };
        }
        events.push((Event::Awaited(id, task.end), task.at));
        Ended { events, ..Ended::new(task.at, out_of(task.end, id), rest) }
    }

    /// A task behind a shield: requests never reach it.
    fn shielded(
        &self,
        id: Id,
        node: &Node,
        begin: Time,
        incoming: &[Request],
        stop: Option<Time>,
    ) -> Ended {
        let task = self.task(node, begin, &[]);
        let mut ended = wait(begin, task.at, incoming, stop, out_of(task.end, id));
        ended.events.extend(task.events);
        if ended.has_result() {
            ended.events.push((Event::Awaited(id, task.end), ended.at));
        }
        ended
    }

    fn join(
        &self,
        nodes: [&Node; 2],
        begin: Time,
        incoming: &[Request],
        stop: Option<Time>,
        counter: &mut Counter,
    ) -> Ended {
        let mut branches = nodes.map(|node| self.part(node, begin, incoming, stop, counter));
        // A branch that unwinds by itself offers its request to the other one.
        let is_offered = |at: Time| incoming.iter().any(|request| request.at.max(begin) == at);
        let unwinds = |branch: &Ended| {
            (branch.out == Out::Unwound && !is_offered(branch.at)).then_some(branch.at)
        };
        let times = [unwinds(&branches[0]), unwinds(&branches[1])];
        let first = (0..2).filter_map(|n| times[n].map(|at| (at, n))).min();
        if let Some((at, n)) = first {
            let other = 1 - n;
            if branches[other].at > at {
                let mut incoming = incoming.to_vec();
                incoming.push(Request { at, origin: None });
                incoming.sort_by_key(|request| request.at);
                branches[other] = self.part(nodes[other], begin, &incoming, stop, counter);
            }
        }
        // A panic in one drops the other.
        let panic =
            (0..2).filter(|&n| branches[n].out == Out::Panicked).min_by_key(|&n| branches[n].at);
        let panic = panic.filter(|&n| stop.is_none_or(|stop| branches[n].at <= stop));
        if let Some(n) = panic {
            let (at, other) = (branches[n].at, 1 - n);
            if branches[other].at > at {
                branches[other] = self.part(nodes[other], begin, incoming, Some(at), counter);
            }
            let left = merge(&branches);
            let held = [branches[n].held.clone(), branches[other].held.clone()].concat();
            let events = branches.into_iter().flat_map(|branch| branch.events).collect();
            return Ended { held, left, events, ..Ended::new(at, Out::Panicked, Vec::new()) };
        }
        let at = branches[0].at.max(branches[1].at);
        let left = merge(&branches);
        let held = branches.iter().flat_map(|branch| branch.held.clone()).collect();
        let later: Vec<_> = incoming.iter().filter(|request| request.at > at).copied().collect();
        let has = |out: Out| branches.iter().any(|branch| branch.out == out);
        let (out, rest) = if has(Out::Dropped) {
            (Out::Dropped, Vec::new())
        } else if has(Out::Unwound) {
            (Out::Unwound, later)
        } else {
            // What a branch left undelivered is delivered after the join.
            let mut kept = branches
                .iter()
                .flat_map(|branch| branch.rest.iter().filter(|request| request.at <= branch.at));
            let kept = kept.next().map(|request| Request { at, ..*request });
            let out = if branches[0].out == Out::Value { branches[1].out } else { branches[0].out };
            (out, kept.into_iter().chain(later).collect())
        };
        let events = branches.into_iter().flat_map(|branch| branch.events).collect();
        Ended { held, left, events, ..Ended::new(at, out, rest) }
    }
}

struct Managed<'a> {
    id: Id,
    node: &'a Node,
}

fn out_of(end: End, id: Id) -> Out {
    match end {
        End::Value => Out::Value,
        End::Error(id) => Out::Error(id),
        End::Cancelled | End::Panicked => Out::Error(id),
    }
}

/// Something that waits until `end`, or for the first request, or is dropped.
fn wait(begin: Time, end: Time, incoming: &[Request], stop: Option<Time>, out: Out) -> Ended {
    let request = incoming.first().map(|request| request.at.max(begin)).filter(|&at| at < end);
    let first = request.unwrap_or(end);
    match stop {
        Some(stop) if stop < first => Ended::new(stop, Out::Dropped, Vec::new()),
        _ if request.is_some() => Ended::new(first, Out::Unwound, incoming[1..].to_vec()),
        _ => Ended::new(end, out, incoming.to_vec()),
    }
}

fn merge(branches: &[Ended; 2]) -> Vec<(Time, Cleanup)> {
    let mut left: Vec<_> = branches.iter().flat_map(|branch| branch.left.clone()).collect();
    left.sort_by_key(|(at, _)| *at);
    left
}

/// Runs what was left, one after the other, each not before it was left. Returns the end of all, not before
/// `body_end`, and what `stop` interrupts.
fn run_cleanups(
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
            Takes::Time(time) => begin + time,
            Takes::Until(time) => begin.max(time),
        };
        let has_begun = unfinished.is_empty() && is_before_stop(begin);
        if has_begun {
            events.extend(cleanup.begins.map(|event| (event, begin)));
        }
        if is_before_stop(now) {
            events.push((cleanup.ends, now));
        } else if has_begun {
            unfinished.push(Cleanup { begins: None, takes: Takes::Until(now), ..cleanup });
        } else {
            unfinished.push(cleanup);
        }
    }
    (now.max(body_end), unfinished)
}
