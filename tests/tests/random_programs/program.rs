//! Random programs: trees of what can be cancelled, cut off and cleaned up.

use bowerbird::Policy;
use proptest::prelude::*;

/// A node's number: its key in the log, and the seed of how long it takes.
pub(crate) type Id = u32;

/// A program or a part of one.
#[derive(Debug, Clone)]
pub(crate) enum Node {
    /// Takes its time.
    Sleep(Id),
    /// Takes its time and gives an error.
    Fail(Id),
    /// Takes its time and panics.
    Panic(Id),
    /// One after the other, up to the first error.
    Seq(Vec<Node>),
    /// Cut off after its time.
    Timeout(Id, Limit, Box<Node>),
    /// In a cancel scope that the other branch of a join cancels after its time.
    Sibling(Id, Box<Node>),
    /// Catches a request; goes on, or passes it on again.
    Catch(Id, AfterCatch, Box<Node>),
    /// A shielded scope.
    Shield(Box<Node>),
    /// A manager whose exit takes its time.
    With(Id, Box<Node>),
    /// A manager and a cleanup on an exit stack.
    Stack(Id, Box<Node>),
    /// A cleanup that takes its time, registered before the part and dropped after it.
    Defer(Id, Box<Node>),
    /// A task, awaited.
    Task(Id, Box<Node>),
    /// A task, awaited behind a shield.
    ShieldTask(Id, Box<Node>),
    /// Both as tasks, awaited together.
    Gather(Box<Node>, Box<Node>),
    /// Both in one task.
    Join(Box<Node>, Box<Node>),
    /// Both in one task, until one has a result.
    Race(Box<Node>, Box<Node>),
    /// Both in one task, until one has a value: an error disables its branch.
    Select(Id, Box<Node>, Box<Node>),
    /// Children, which are tasks, and a body.
    Group(Id, Policy, Vec<Node>, Box<Node>),
}

/// What the handler of a caught request does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum AfterCatch {
    GoOn,
    TakeBack,
    Resume,
}

/// What cuts a part off: the rules are the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Limit {
    /// `timeout`, or `wait_for` around a task.
    Clock,
    /// A token that a task cancels.
    Token,
    /// A cancel scope that a task cancels.
    Scope,
}

/// How many turns of one time the model tells apart.
pub(crate) const TURNS: u64 = 8;

/// A program and the times at which its task is cancelled.
#[derive(Debug, Clone)]
pub(crate) struct Program {
    pub(crate) seed: u64,
    pub(crate) cancels: Vec<Id>,
    pub(crate) main: Node,
}

impl Program {
    /// How long the thing with this number takes, in nanoseconds: some seconds, never the same twice. Always
    /// divisible: the model uses the other numbers for what happens in a later turn of the same time.
    pub(crate) fn time_of(&self, id: Id) -> u64 {
        // SplitMix64 (Steele, Lea, Flood 2014).
        let mut z = self.seed.wrapping_add(u64::from(id).wrapping_mul(0x9e37_79b9_7f4a_7c15));
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        TURNS + TURNS * ((z ^ (z >> 31)) % (1 << 31))
    }
}

/// Programs of up to a hundred nodes.
pub(crate) fn programs() -> impl Strategy<Value = Program> {
    let cancels = prop::collection::vec(any::<()>(), 0..4);
    (any::<u64>(), cancels, nodes(7)).prop_map(|(seed, cancels, mut main)| {
        let mut next = 0;
        number(&mut main, &mut next);
        let cancels = (1..=cancels.len() as Id).map(|n| next + n).collect();
        Program { seed, cancels, main }
    })
}

/// Nodes of at most so many levels.
fn nodes(levels: u32) -> BoxedStrategy<Node> {
    let leaf = prop_oneof![
        10 => Just(Node::Sleep(0)),
        1 => Just(Node::Fail(0)),
        1 => Just(Node::Panic(0)),
    ];
    if levels == 0 {
        return leaf.boxed();
    }
    let after = prop_oneof![
        2 => Just(AfterCatch::GoOn),
        1 => Just(AfterCatch::TakeBack),
        2 => Just(AfterCatch::Resume),
    ];
    let limit = prop_oneof![
        2 => Just(Limit::Clock),
        1 => Just(Limit::Token),
        1 => Just(Limit::Scope),
    ];
    let policy = prop_oneof![2 => Just(Policy::FailFast), 1 => Just(Policy::Supervisor)];
    let inner = nodes(levels - 1);
    let one = inner.clone().prop_map(Box::new);
    prop_oneof![
        3 => leaf,
        6 => prop::collection::vec(inner.clone(), 1..4).prop_map(Node::Seq),
        4 => (limit, one.clone()).prop_map(|(limit, node)| Node::Timeout(0, limit, node)),
        1 => one.clone().prop_map(|node| Node::Sibling(0, node)),
        3 => (after, one.clone()).prop_map(|(after, node)| Node::Catch(0, after, node)),
        2 => one.clone().prop_map(Node::Shield),
        4 => one.clone().prop_map(|node| Node::With(0, node)),
        1 => one.clone().prop_map(|node| Node::Stack(0, node)),
        2 => one.clone().prop_map(|node| Node::Defer(0, node)),
        2 => one.clone().prop_map(|node| Node::Task(0, node)),
        1 => one.clone().prop_map(|node| Node::ShieldTask(0, node)),
        2 => (one.clone(), one.clone()).prop_map(|(a, b)| Node::Gather(a, b)),
        2 => (one.clone(), one.clone()).prop_map(|(a, b)| Node::Join(a, b)),
        2 => (one.clone(), one.clone()).prop_map(|(a, b)| Node::Race(a, b)),
        1 => (one.clone(), one.clone()).prop_map(|(a, b)| Node::Select(0, a, b)),
        3 => (policy, prop::collection::vec(inner, 0..3), one)
            .prop_map(|(policy, children, body)| Node::Group(0, policy, children, body)),
    ]
    .boxed()
}

/// Gives each node a number of its own.
fn number(node: &mut Node, next: &mut Id) {
    let mut take = || {
        *next += 1;
        *next
    };
    match node {
        Node::Sleep(id) | Node::Fail(id) | Node::Panic(id) => *id = take(),
        Node::Seq(nodes) => nodes.iter_mut().for_each(|node| number(node, next)),
        Node::Shield(node) => number(node, next),
        Node::Timeout(id, _, node)
        | Node::Catch(id, _, node)
        | Node::With(id, node)
        | Node::Stack(id, node)
        | Node::Defer(id, node)
        | Node::Sibling(id, node)
        | Node::Task(id, node)
        | Node::ShieldTask(id, node) => {
            *id = take();
            number(node, next);
        }
        Node::Select(id, a, b) => {
            *id = take();
            number(a, next);
            number(b, next);
        }
        Node::Gather(a, b) | Node::Join(a, b) | Node::Race(a, b) => {
            number(a, next);
            number(b, next);
        }
        Node::Group(id, _, children, body) => {
            *id = take();
            children.iter_mut().for_each(|child| number(child, next));
            number(body, next);
        }
    }
}
