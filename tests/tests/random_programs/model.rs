//! What a program must do: a reference, written the other way round.
//!
//! No executor, no wakers, no polls: each part is a function from its beginning and the requests that will
//! reach it to its end. Times are exact, and no two things happen at the same time.

use std::cell::Cell;
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
    /// What notes its end; the wait for children has none.
    ends: Option<Event>,
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
    /// Of a group's body alone: the group has shut down.
    CutOff,
}

/// The end of a part.
#[derive(Debug, Clone)]
struct Ended {
    at: Time,
    out: Out,
    /// It ended in a later turn than the one in which a request of the same time was offered: somebody else,
    /// a task, had to be waited for.
    is_late: bool,
    /// What it unwinds with.
    request: Option<Request>,
    /// What it leaves behind when it is dropped, in the order of the drop. None after a result.
    held: Vec<Cleanup>,
    /// Of a contest that panics: what is dropped only with the contest itself.
    held_beside: Vec<Cleanup>,
    /// What it left to the scope around while it ran.
    left: Vec<(Time, Cleanup)>,
    /// The requests that did not reach it; one that is not later than the end is about to be delivered.
    rest: Vec<Request>,
    events: Vec<(Event, Time)>,
}

impl Ended {
    fn new(at: Time, out: Out, rest: Vec<Request>) -> Self {
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

    fn has_result(&self) -> bool {
        matches!(self.out, Out::Value | Out::Error(_))
    }
}

/// What a task that ends with a request about keeps of its result: a group sees the errors of its children.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Keeps {
    Nothing,
    Errors,
}

struct TaskEnded {
    at: Time,
    /// When its future had ended; the rest are cleanups.
    future_at: Time,
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
    /// Makes no request, and passes on what comes.
    Plain,
    /// The body of a group, with when the group shuts down.
    Body(Id),
}

struct Model<'a> {
    program: &'a Program,
    /// What happens depends on the order of turns at one time.
    is_ambiguous: Cell<bool>,
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
        Cleanup {
            begins: Some(begins),
            ends: Some(ends),
            takes: Takes::Time(self.time_of(cleanup_of(id))),
        }
    }

    /// A task whose requests come at these times.
    fn task(&self, node: &Node, begin: Time, requests: &[Time], keeps: Keeps) -> TaskEnded {
        if requests.first() == Some(&begin) {
            return TaskEnded {
                at: begin,
                future_at: begin,
                end: End::Cancelled,
                events: Vec::new(),
            };
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
            Out::Error(id) if !is_requested || keeps == Keeps::Errors => End::Error(id),
            Out::Value | Out::Error(_) | Out::Unwound => End::Cancelled,
            Out::Panicked => End::Panicked,
            Out::Dropped | Out::CutOff => unreachable!("nobody drops a task, and it is no body"),
        };
        TaskEnded { at, future_at: body.at, end, events }
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
            Node::Race(a, b) => {
                let race = self.race([a, b], begin, incoming, stop, counter);
                self.around(Kind::Plain, race, begin, None, incoming, stop, counter)
            }
            Node::Group(id, children, body) => {
                let group = Group { id: *id, children, body };
                self.group(&group, begin, incoming, stop, counter)
            }
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
            (all.is_late, all.request) = (next.is_late, next.request);
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
            Out::Panicked | Out::Unwound | Out::Dropped | Out::CutOff => Left::CutOff,
        };
        let exit = self.cleanup(id, Event::ExitBegun(id, left), Event::ExitEnded(id));
        if body.has_result() {
            body.left.push((body.at, exit));
        } else {
            body.held.push(exit);
        }
        self.around(Kind::Plain, body, begin, None, incoming, stop, counter)
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
                    _ => [body.held, unfinished, body.held_beside].concat(),
                };
                return Ended { held, events, ..Ended::new(body.at, body.out, body.rest) };
            }
            Out::Value | Out::Error(_) | Out::Unwound | Out::CutOff => {}
        }
        left.extend(body.held.iter().map(|&cleanup| (body.at, cleanup)));
        let (end, unfinished) = run_cleanups(left, body.at, stop, &mut events);
        if let Some(stop) = stop.filter(|&stop| stop < end) {
            let held = unfinished;
            return Ended { held, events, ..Ended::new(stop, Out::Dropped, Vec::new()) };
        }
        let later = || incoming.iter().filter(|request| request.at > end).copied();
        // Of what came before the end the outermost is kept.
        let keep_one = |requests: &[Request]| {
            let kept = outermost(requests.iter().filter(|request| request.at <= end));
            let kept = kept.map(|request| Request { at: end, ..request });
            kept.into_iter().chain(later()).collect::<Vec<_>>()
        };
        if body.out != Out::Unwound {
            let rest = match kind {
                Kind::Shield => keep_one(incoming),
                Kind::Timeout(id) | Kind::Body(id) => {
                    let outer: Vec<_> =
                        body.rest.iter().filter(|it| it.origin != Some(id)).copied().collect();
                    keep_one(&outer)
                }
                Kind::Catch(..) | Kind::Plain => keep_one(&body.rest),
            };
            return Ended { events, is_late: body.is_late, ..Ended::new(end, body.out, rest) };
        }
        let seen =
            || incoming.iter().filter(|request| request.at <= body.at && kind != Kind::Shield);
        let counts = counter.at(body.at) > counter.at(begin);
        let outer = outermost(seen().filter(|request| request.origin.is_some() || counts));
        let meanwhile = incoming.iter().filter(|request| body.at < request.at && request.at <= end);
        let request = outer.or(body.request);
        let request = outermost(request.iter().chain(meanwhile));
        let (out, rest) = match kind {
            Kind::Shield | Kind::Plain => (Out::Unwound, later().collect()),
            Kind::Catch(id, after) => {
                events.push((Event::Caught(id), end));
                if after == AfterCatch::TakeBack && counter.at(end) > 0 {
                    counter.taken_back.push(end);
                }
                let out = if after == AfterCatch::Resume { Out::Unwound } else { Out::Value };
                (out, later().collect())
            }
            Kind::Timeout(_) | Kind::Body(_) => {
                let is_own = own.is_some_and(|own| own <= body.at);
                if is_own && outer.is_none() {
                    if let Kind::Timeout(id) = kind {
                        events.push((Event::TimedOut(id), end));
                    }
                    let during: Vec<_> =
                        incoming.iter().filter(|request| request.at > body.at).copied().collect();
                    let out = if matches!(kind, Kind::Body(_)) { Out::CutOff } else { Out::Value };
                    (out, keep_one(&during))
                } else {
                    (Out::Unwound, later().collect())
                }
            }
        };
        Ended { events, is_late: body.is_late, request, ..Ended::new(end, out, rest) }
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
            .filter(|&at| stop.is_none_or(|stop| at <= stop))
            .collect();
        let task = self.task(node, begin, &forwarded, Keeps::Nothing);
        // At the same time it is late: the task would have to be waited for.
        if let Some(stop) = stop.filter(|&stop| stop <= task.at) {
            return Ended { events: task.events, ..Ended::new(stop, Out::Dropped, Vec::new()) };
        }
        let mut events = task.events;
        let is_forwarded = forwarded.iter().any(|&at| at <= task.at);
        let rest = incoming.iter().filter(|request| request.at > task.at).copied().collect();
        if task.end == End::Cancelled && is_forwarded {
            let request = outermost(incoming.iter().filter(|request| request.at <= task.at));
            return Ended {
                events,
                is_late: true,
                request,
                ..Ended::new(task.at, Out::Unwound, rest)
            };
        }
        events.push((Event::Awaited(id, task.end), task.at));
        Ended { events, is_late: true, ..Ended::new(task.at, out_of(task.end, id), rest) }
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
        let task = self.task(node, begin, &[], Keeps::Nothing);
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
        let mut branches = self.branches(nodes, begin, incoming, stop, counter);
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
        both(branches, incoming)
    }
}

impl Model<'_> {
    /// The branches of a join or a race, with the panic of one or the end of both.
    fn branches(
        &self,
        nodes: [&Node; 2],
        begin: Time,
        incoming: &[Request],
        stop: Option<Time>,
        counter: &mut Counter,
    ) -> [Ended; 2] {
        let mut branches = nodes.map(|node| self.part(node, begin, incoming, stop, counter));
        // A branch that unwinds by itself offers its request to the other one.
        let is_offered = |at: Time| incoming.iter().any(|request| request.at.max(begin) == at);
        let unwinds = |branch: &Ended| {
            let is_by_itself = branch.is_late || !is_offered(branch.at);
            (branch.out == Out::Unwound && is_by_itself).then_some(branch.at)
        };
        let times = [unwinds(&branches[0]), unwinds(&branches[1])];
        let first = (0..2).filter_map(|n| times[n].map(|at| (at, n))).min();
        if let Some((at, n)) = first {
            let (other, origin) = (1 - n, branches[n].request.and_then(|request| request.origin));
            if is_offered(at) {
                self.is_ambiguous.set(true);
            }
            if branches[other].at > at {
                let mut incoming = incoming.to_vec();
                incoming.push(Request { at, origin });
                incoming.sort_by_key(|request| request.at);
                branches[other] = self.part(nodes[other], begin, &incoming, stop, counter);
            }
        }
        branches
    }

    /// The contest in a race, without the scope around it.
    fn race(
        &self,
        nodes: [&Node; 2],
        begin: Time,
        incoming: &[Request],
        stop: Option<Time>,
        counter: &mut Counter,
    ) -> Ended {
        let mut branches = self.branches(nodes, begin, incoming, stop, counter);
        let ends_it = |branch: &Ended| branch.has_result() || branch.out == Out::Panicked;
        let winner = (0..2).filter(|&n| ends_it(&branches[n])).min_by_key(|&n| branches[n].at);
        let Some(n) = winner else { return both(branches, incoming) };
        let (at, other) = (branches[n].at, 1 - n);
        // It answers in the turn of a request: the branch behind it is not asked any more.
        let is_request = |request: &Request| request.at.max(begin) == at;
        if incoming.iter().any(is_request) && branches.iter().any(|it| it.at == at && it.is_late) {
            self.is_ambiguous.set(true);
        }
        let is_unasked = n == 0 && branches[1].at >= at && incoming.iter().any(is_request);
        if is_unasked {
            let earlier: Vec<_> = incoming.iter().filter(|it| !is_request(it)).copied().collect();
            branches[1] = if at == begin {
                // Not even begun.
                Ended::new(at, Out::Dropped, Vec::new())
            } else {
                self.part(nodes[1], begin, &earlier, Some(at), counter)
            };
        } else if branches[other].at > at {
            branches[other] = self.part(nodes[other], begin, incoming, Some(at), counter);
        }
        let mut left = merge(&branches);
        if branches[n].out == Out::Panicked {
            let (held, held_beside) = (branches[n].held.clone(), branches[other].held.clone());
            let events = branches.into_iter().flat_map(|branch| branch.events).collect();
            let panicked = Ended::new(at, Out::Panicked, Vec::new());
            return Ended { held, held_beside, left, events, ..panicked };
        }
        left.extend(branches[other].held.iter().map(|&cleanup| (at, cleanup)));
        let unwound = branches[other].request.filter(|_| branches[other].out == Out::Unwound);
        let pending = branches[n].rest.iter().find(|request| request.at <= at).copied();
        let unasked = incoming.iter().find(|request| is_unasked && is_request(request)).copied();
        let pending = unwound.or(pending).or(unasked);
        let later = incoming.iter().filter(|request| request.at > at).copied();
        let rest =
            pending.map(|request| Request { at, ..request }).into_iter().chain(later).collect();
        let (out, is_late) = (branches[n].out, branches[n].is_late);
        let events = branches.into_iter().flat_map(|branch| branch.events).collect();
        Ended { left, events, is_late, ..Ended::new(at, out, rest) }
    }

    fn group(
        &self,
        group: &Group<'_>,
        begin: Time,
        incoming: &[Request],
        stop: Option<Time>,
        counter: &mut Counter,
    ) -> Ended {
        let undisturbed = self.children(group, begin, None);
        let fails = |child: &TaskEnded| matches!(child.end, End::Error(_) | End::Panicked);
        let failure =
            undisturbed.iter().filter(|child| fails(child)).map(|child| child.future_at).min();
        let mut body = self.body(group, begin, failure, incoming, stop, counter);
        let mut shut_down = failure.filter(|&at| at < body.at || body.out == Out::CutOff);
        if body.out != Out::Value {
            shut_down = Some(shut_down.unwrap_or(body.at));
        }
        let mut children = self.children(group, begin, shut_down.or(failure));
        let all_end =
            |children: &[TaskEnded]| children.iter().map(|child| child.at).max().unwrap_or(begin);
        let mut end = all_end(&children).max(body.at);
        // A request that comes while the children are waited for.
        let waits = end > body.at && !matches!(body.out, Out::Panicked | Out::Dropped);
        let rest = body.rest.clone();
        let waiting = |end: Time| {
            let during = rest.iter().filter(move |request| waits && request.at <= end);
            during.map(|request| Request { at: request.at.max(body.at), ..*request })
        };
        let mut is_unwound = body.out == Out::Unwound;
        if let Some(request) = waiting(end).next() {
            if shut_down.or(failure).is_none_or(|at| request.at < at) {
                shut_down = Some(request.at);
                children = self.children(group, begin, shut_down);
                end = all_end(&children).max(body.at);
            }
            if !matches!(body.out, Out::Error(_)) {
                is_unwound = true;
            }
        }
        // Dropped half-way: the children are cancelled, and waited for by whoever runs the cleanups.
        let dropped = match body.out {
            Out::Panicked | Out::Dropped => Some(body.at),
            _ => stop.filter(|&stop| stop < end || (stop == end && !children.is_empty())),
        };
        if let Some(at) = dropped {
            let shut_down = shut_down.or(failure).filter(|&earlier| earlier < at).unwrap_or(at);
            let children = self.children(group, begin, Some(shut_down));
            let until = Takes::Until(all_end(&children));
            let mut held = if matches!(body.out, Out::Panicked | Out::Dropped) {
                body.held
            } else {
                Vec::new()
            };
            held.push(Cleanup { begins: None, ends: None, takes: until });
            let mut events = body.events;
            events.extend(children.into_iter().flat_map(|child| child.events));
            let out = if body.out == Out::Panicked { Out::Panicked } else { Out::Dropped };
            return Ended { held, left: body.left, events, ..Ended::new(at, out, Vec::new()) };
        }
        let mut sum: Option<u64> = None;
        for child in &children {
            match child.end {
                End::Error(id) => *sum.get_or_insert(0) += u64::from(id),
                End::Panicked => *sum.get_or_insert(0) += PANIC,
                End::Value | End::Cancelled => {}
            }
        }
        if let Out::Error(id) = body.out {
            *sum.get_or_insert(0) += u64::from(id);
        }
        let is_late = body.is_late || children.iter().any(|child| child.at >= body.at);
        let mut events = std::mem::take(&mut body.events);
        events.extend(children.into_iter().flat_map(|child| child.events));
        let later: Vec<_> = incoming.iter().filter(|request| request.at > end).copied().collect();
        let undelivered = body.rest.iter().find(|request| !waits && request.at <= end).copied();
        let counts = counter.at(end) > counter.at(begin);
        let offered: Vec<_> = incoming
            .iter()
            .filter(|request| request.at <= body.at)
            .copied()
            .chain(waiting(end))
            .filter(|request| request.origin.is_some() || counts)
            .collect();
        let outer = outermost(offered.iter());
        let (out, pending) = match sum {
            Some(sum) => {
                events.push((Event::GroupFailed(group.id, sum), end));
                let pending: Vec<_> = undelivered.into_iter().chain(outer).collect();
                (Out::Error(group.id), outermost(pending.iter()))
            }
            None if is_unwound => (Out::Unwound, None),
            None => (Out::Value, undelivered),
        };
        let rest = pending
            .map(|request| Request { at: end, ..request })
            .into_iter()
            .chain(later)
            .collect();
        let request: Vec<_> = outer.into_iter().chain(body.request).collect();
        let request = outermost(request.iter());
        Ended { left: body.left, events, is_late, request, ..Ended::new(end, out, rest) }
    }

    fn children(&self, group: &Group<'_>, begin: Time, shut_down: Option<Time>) -> Vec<TaskEnded> {
        // Whether they have begun by then is a matter of turns.
        if shut_down == Some(begin) && !group.children.is_empty() {
            self.is_ambiguous.set(true);
        }
        let undisturbed =
            group.children.iter().map(|child| self.task(child, begin, &[], Keeps::Errors));
        let cancelled = undisturbed.zip(group.children).map(|(ended, child)| match shut_down {
            Some(at) if ended.future_at > at => self.task(child, begin, &[at], Keeps::Errors),
            _ => ended,
        });
        cancelled.collect()
    }

    fn body(
        &self,
        group: &Group<'_>,
        begin: Time,
        shut_down: Option<Time>,
        incoming: &[Request],
        stop: Option<Time>,
        counter: &mut Counter,
    ) -> Ended {
        let mut inner = incoming.to_vec();
        inner.extend(shut_down.map(|at| Request { at, origin: Some(group.id) }));
        inner.sort_by_key(|request| request.at);
        let body = self.part(group.body, begin, &inner, stop, counter);
        self.around(Kind::Body(group.id), body, begin, shut_down, incoming, stop, counter)
    }
}

struct Group<'a> {
    id: Id,
    children: &'a [Node],
    body: &'a Node,
}

/// Of several requests in one place the one from furthest out stays. Nodes are numbered from the outside in.
fn outermost<'a>(requests: impl Iterator<Item = &'a Request>) -> Option<Request> {
    requests.min_by_key(|request| request.origin.unwrap_or(0)).copied()
}

/// Two branches that have both come to an end.
fn both(branches: [Ended; 2], incoming: &[Request]) -> Ended {
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
        let kept = branches
            .iter()
            .flat_map(|branch| branch.rest.iter().filter(|request| request.at <= branch.at));
        let kept = outermost(kept).map(|request| Request { at, ..request });
        let out = if branches[0].out == Out::Value { branches[1].out } else { branches[0].out };
        (out, kept.into_iter().chain(later).collect())
    };
    let is_late = branches.iter().any(|branch| branch.at == at && branch.is_late);
    let unwound = branches.iter().filter(|branch| branch.out == Out::Unwound);
    let request = outermost(unwound.filter_map(|branch| branch.request.as_ref()));

    let events = branches.into_iter().flat_map(|branch| branch.events).collect();
    Ended { held, left, events, is_late, request, ..Ended::new(at, out, rest) }
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
        _ if request.is_some() => {
            let request = incoming.first().copied();
            Ended { request, ..Ended::new(first, Out::Unwound, incoming[1..].to_vec()) }
        }
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
            events.extend(cleanup.ends.map(|event| (event, now)));
        } else if has_begun {
            unfinished.push(Cleanup { begins: None, takes: Takes::Until(now), ..cleanup });
        } else {
            unfinished.push(cleanup);
        }
    }
    (now.max(body_end), unfinished)
}
