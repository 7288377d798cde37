//! Random lives of connections: what their protocols hear is checked against the grammar of asyncio's callbacks.
//!
//! The peer sends, reads, ends, resets; the transport is written to, paused, closed and aborted, from outside and
//! from inside of the callbacks; protocols are exchanged. On one worker every rule holds to the letter. On several
//! an operation from outside and a callback may cross, and rules about what follows an operation hold for those
//! that callbacks do. Over TLS the same holds, but that there is no end of writing, and that the end of reading closes.

mod grammar;
mod life;
mod peer;

#[allow(dead_code, reason = "the tests of sessions use the rest")]
#[path = "../tls/support.rs"]
mod tls;

use std::hash::{BuildHasher, RandomState};

use bowerbird_tests::on_workers;
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::test_runner::{Config, RngSeed, TestRunner};

/// What is done to a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Op {
    PeerSends(usize),
    PeerReads(usize),
    PeerEnds,
    PeerResets,
    PeerGoes,
    Write(usize),
    WriteEof,
    PauseReading,
    ResumeReading,
    Close,
    Abort,
    SetProtocol,
    Limits(usize),
    Turns(usize),
}

/// The life of a connection.
#[derive(Debug, Clone)]
pub(crate) struct Script {
    /// From outside, in order.
    pub(crate) outer: Vec<Op>,
    /// One in each callback, in order.
    pub(crate) inner: Vec<Option<Op>>,
    pub(crate) keeps_open: bool,
}

/// What may be done anywhere.
fn handle_ops() -> BoxedStrategy<Op> {
    let sizes = prop_oneof![1_usize..100, Just(70_000), Just(8_000_000)];
    prop_oneof![
        8 => sizes.prop_map(Op::Write),
        1 => Just(Op::WriteEof),
        3 => Just(Op::PauseReading),
        3 => Just(Op::ResumeReading),
        1 => Just(Op::Close),
        1 => Just(Op::Abort),
        2 => Just(Op::SetProtocol),
        2 => prop_oneof![Just(0), Just(1000), Just(1 << 20)].prop_map(Op::Limits),
    ]
    .boxed()
}

fn scripts() -> impl Strategy<Value = Script> {
    let outer = prop_oneof![
        6 => handle_ops(),
        6 => prop_oneof![1_usize..100, Just(100_000)].prop_map(Op::PeerSends),
        4 => prop_oneof![Just(100), Just(1 << 20), Just(8_000_000)].prop_map(Op::PeerReads),
        1 => Just(Op::PeerEnds),
        1 => Just(Op::PeerResets),
        1 => Just(Op::PeerGoes),
        6 => (1_usize..4).prop_map(Op::Turns),
    ];
    let inner = proptest::option::weighted(0.4, handle_ops());
    (vec(outer, 1..25), vec(inner, 0..12), any::<bool>())
        .prop_map(|(outer, inner, keeps_open)| Script { outer, inner, keeps_open })
}

/// The variable that gives another seed, to run the lives of a failed soak again.
const SEED: &str = "BOWERBIRD_PROTOCOLS_SEED";

fn seed() -> u64 {
    match std::env::var(SEED) {
        Ok(seed) => seed.parse().unwrap_or_else(|_| panic!("{SEED} is {seed:?}, and no number")),
        Err(_) if cfg!(feature = "soak") => RandomState::new().hash_one(()),
        Err(_) => 1,
    }
}

fn check(workers: usize, normal: u32, is_tls: bool) {
    let seed = seed();
    let config = Config {
        cases: if cfg!(feature = "soak") { 100 * normal } else { normal },
        failure_persistence: None,
        max_shrink_iters: 500,
        rng_seed: RngSeed::Fixed(seed),
        ..Config::default()
    };
    let result = TestRunner::new(config).run(&scripts(), |script| {
        let lived = on_workers(workers, life::live(&script, workers == 1, is_tls));
        let checked = grammar::check(&script, &lived, workers == 1, is_tls);
        checked.map_err(|why| TestCaseError::fail(format!("{why}\n{:#?}", lived.events)))
    });
    if let Err(error) = result {
        panic!("{error}\nthe same lives again: {SEED}={seed}");
    }
}

#[test]
fn lives_on_one_worker_follow_the_grammar() {
    check(1, 400, false);
}

#[test]
fn lives_on_several_workers_follow_the_grammar() {
    check(2, 400, false);
}

#[test]
fn lives_over_tls_on_one_worker_follow_the_grammar() {
    check(1, 200, true);
}

#[test]
fn lives_over_tls_on_several_workers_follow_the_grammar() {
    check(2, 200, true);
}

/// The check finds what it is there for.
#[test]
fn grammar_refuses_what_asyncio_does_not_do() {
    grammar::refuses_what_is_wrong();
}
