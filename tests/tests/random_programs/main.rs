//! Random programs of nested scopes, cleanups and tasks, cancelled at random times.
//!
//! On one worker with a paused clock each does exactly what the reference model says, to the nanosecond. In less
//! than one program of fifty the order of turns at one time decides: what comes before that is compared. On
//! several workers, where waits are turns and the order is nobody's, no cleanup is skipped or run twice, and
//! the innermost comes first.

mod found;
mod model;
mod program;
mod real;

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::hash::{BuildHasher, RandomState};
use std::sync::Arc;
use std::time::Duration;

use bowerbird::Runner;
use proptest::prelude::*;
use proptest::test_runner::{Config, RngSeed, TestCaseError, TestRunner};

use model::{Event, Expected, Log, Time};
use program::{Id, Node, Program, programs};
use real::Seen;

fn runner(workers: usize) -> Runner {
    Runner::builder()
        .worker_threads(workers)
        .start_paused(workers == 1)
        // What cleanups take is as long as anything else here.
        .cleanup_grace(Duration::MAX)
        .exception_handler(|_| ())
        .build()
        .expect("a runner")
}

/// The variable that gives the seed of the programs: for other ones than the normal run's, and to run those of
/// a failed soak again.
const SEED: &str = "BOWERBIRD_PROGRAMS_SEED";

/// The normal run's programs are always the same, the soak's are others each time.
fn seed() -> u64 {
    match std::env::var(SEED) {
        Ok(seed) => seed.parse().unwrap_or_else(|_| panic!("{SEED} is {seed:?}, and no number")),
        Err(_) if cfg!(feature = "soak") => RandomState::new().hash_one(()),
        Err(_) => 1,
    }
}

/// The variable that gives another number of programs.
const COUNT: &str = "BOWERBIRD_PROGRAMS";

/// The soak's number, or the normal run's.
fn count(soak: u32, normal: u32) -> u32 {
    let usual = if cfg!(feature = "soak") { soak } else { normal };
    std::env::var(COUNT).map_or(usual, |count| {
        count.parse().unwrap_or_else(|_| panic!("{COUNT} is {count:?}, and no number"))
    })
}

fn check(cases: u32, test: impl Fn(Program) -> Result<(), TestCaseError>) {
    let seed = seed();
    let config = Config {
        cases,
        failure_persistence: None,
        max_shrink_iters: 20_000,
        rng_seed: RngSeed::Fixed(seed),
        ..Config::default()
    };
    if let Err(error) = TestRunner::new(config).run(&programs(), test) {
        panic!("{error}\nthe same programs again: {SEED}={seed}");
    }
}

#[test]
fn programs_do_what_the_model_says() {
    let runner = RefCell::new(runner(1));
    let (certain, all) = (Cell::new(0), Cell::new(0));
    let whys: RefCell<BTreeMap<model::Why, u32>> = RefCell::default();
    check(count(1_000_000, 3_000), |program| {
        let program = Arc::new(program);
        all.set(all.get() + 1);
        let expected = model::run(&program);
        certain.set(certain.get() + u32::from(expected.unclear.is_none()));
        if let Some((_, why)) = expected.unclear {
            *whys.borrow_mut().entry(why).or_default() += 1;
        }
        let seen =
            runner.borrow_mut().run(real::run(&program, false)).expect("main is not cancelled");
        compare(&expected, &seen)
    });
    let (certain, all) = (certain.get(), all.get());
    println!(
        "figure: the model is certain of {certain} of {all} programs; of the others: {:?}",
        whys.borrow()
    );
    assert!(
        50 * (all - certain) <= all,
        "the model is certain of {certain} of {all} programs only"
    );
}

/// Up to where the order of turns decides: the events and their times; and the end, if it never does.
fn compare(expected: &Expected, seen: &Seen) -> Result<(), TestCaseError> {
    let seen_log = seen.log();
    let is_certain = |time: Time| expected.unclear.is_none_or(|(unclear, _)| time < unclear);
    let only_in = |a: &Log, b: &Log| -> Vec<_> {
        let differs = |&(event, time): &(&Event, &Time)| b.get(event) != Some(time);
        let differing = a.iter().filter(differs).filter(|(_, time)| is_certain(**time));
        differing.map(|(event, time)| (*event, *time)).collect()
    };
    let missing = only_in(&expected.log, &seen_log);
    let extra = only_in(&seen_log, &expected.log);
    let is_same_end = expected.unclear.is_some() || seen.end == expected.end;
    prop_assert!(
        missing.is_empty() && extra.is_empty() && is_same_end,
        "expected {:?}, seen {:?}\nexpected only: {missing:?}\nseen only: {extra:?}\nseen: {:?}",
        expected.end,
        seen.end,
        seen.events
    );
    Ok(())
}

#[test]
fn cleanups_run_once_and_innermost_first_on_several_workers() {
    for workers in [1, 2, 4] {
        let runner = RefCell::new(runner(workers));
        check(count(200_000, 600), |program| {
            let program = Arc::new(program);
            let seen =
                runner.borrow_mut().run(real::run(&program, true)).expect("main is not cancelled");
            check_cleanups(&program.main, &seen)
        });
    }
}

fn check_cleanups(main: &Node, seen: &Seen) -> Result<(), TestCaseError> {
    let places = places(seen)?;
    for event in places.keys() {
        let pair = match *event {
            Place::Entered(id) => [Place::ExitBegun(id), Place::ExitEnded(id)],
            Place::CleanupBegun(id) => [Place::CleanupBegun(id), Place::CleanupEnded(id)],
            _ => continue,
        };
        let at = pair.map(|place| places.get(&place));
        prop_assert!(at[0].is_some() && at[0] <= at[1], "{event:?} has no end: {:?}", seen.events);
    }
    check_order(main, &places, seen)
}

/// An event without what depends on the schedule.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Place {
    Entered(Id),
    ExitBegun(Id),
    ExitEnded(Id),
    CleanupBegun(Id),
    CleanupEnded(Id),
}

fn places(seen: &Seen) -> Result<BTreeMap<Place, usize>, TestCaseError> {
    let mut places = BTreeMap::new();
    for (at, (event, _)) in seen.events.iter().enumerate() {
        let place = match *event {
            Event::Entered(id) => Place::Entered(id),
            Event::ExitBegun(id, _) => Place::ExitBegun(id),
            Event::ExitEnded(id) => Place::ExitEnded(id),
            Event::CleanupBegun(id) => Place::CleanupBegun(id),
            Event::CleanupEnded(id) => Place::CleanupEnded(id),
            _ => continue,
        };
        let before = places.insert(place, at);
        prop_assert!(before.is_none(), "{place:?} came twice: {:?}", seen.events);
    }
    Ok(places)
}

/// A manager is left after everything that stands in it in the same task has been left.
fn check_order(
    node: &Node,
    places: &BTreeMap<Place, usize>,
    seen: &Seen,
) -> Result<(), TestCaseError> {
    match node {
        Node::Sleep(_) | Node::Fail(_) | Node::Panic(_) => Ok(()),
        Node::Seq(nodes) => nodes.iter().try_for_each(|node| check_order(node, places, seen)),
        Node::Group(_, _, children, body) => {
            children.iter().try_for_each(|child| check_order(child, places, seen))?;
            check_order(body, places, seen)
        }
        Node::Join(a, b) | Node::Race(a, b) | Node::Select(_, a, b) | Node::Gather(a, b) => {
            check_order(a, places, seen)?;
            check_order(b, places, seen)
        }
        Node::Timeout(_, _, node)
        | Node::Sibling(_, node)
        | Node::Catch(_, _, node)
        | Node::Defer(_, node)
        | Node::Shield(node) => check_order(node, places, seen),
        Node::Task(_, node) | Node::ShieldTask(_, node) => check_order(node, places, seen),
        Node::With(id, node) | Node::Stack(id, node) => {
            let mut inner = Vec::new();
            managers(node, &mut inner);
            for other in inner {
                let ended = places.get(&Place::ExitEnded(other));
                let begun = places.get(&Place::ExitBegun(*id));
                prop_assert!(ended <= begun, "{other} was left after {id}: {:?}", seen.events);
            }
            check_order(node, places, seen)
        }
    }
}

/// The managers that are entered inside a part by the same task.
fn managers(node: &Node, found: &mut Vec<Id>) {
    match node {
        Node::Sleep(_)
        | Node::Fail(_)
        | Node::Panic(_)
        | Node::Task(..)
        | Node::ShieldTask(..)
        | Node::Gather(..) => {}
        Node::Seq(nodes) => nodes.iter().for_each(|node| managers(node, found)),
        Node::Join(a, b) | Node::Race(a, b) | Node::Select(_, a, b) => {
            [a, b].into_iter().for_each(|node| managers(node, found))
        }
        Node::Group(_, _, _, body) => managers(body, found),
        Node::Timeout(_, _, node)
        | Node::Sibling(_, node)
        | Node::Catch(_, _, node)
        | Node::Defer(_, node)
        | Node::Shield(node) => managers(node, found),
        Node::With(id, node) | Node::Stack(id, node) => {
            found.push(*id);
            managers(node, found);
        }
    }
}
