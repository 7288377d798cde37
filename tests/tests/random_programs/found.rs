//! Programs on which the model and the runtime once disagreed, as small as they get, and who was right.

use std::sync::Arc;

use super::model::{self, End, Event, Left, Log, Time};
use super::program::{AfterCatch, Id, Node, Program};
use super::{compare, real, runner};

/// What cancels the task: before anything else in its program has come to its end.
const CANCEL: Id = 100;

/// Runs a part whose task is cancelled first of all. The model and the runtime must agree on it, and it must not
/// depend on the order of turns. Gives what happened, how it ended, and when the task was cancelled.
fn cancelled(main: Node) -> (Log, End, Time) {
    let program = |seed| Program { seed, cancels: vec![CANCEL], main: main.clone() };
    let is_first =
        |program: &Program| (1..CANCEL).all(|id| program.time_of(CANCEL) < program.time_of(id));
    let program = (0..).map(program).find(is_first).expect("a seed");
    let program = Arc::new(program);
    let expected = model::run(&program);
    assert_eq!(expected.unclear, None);
    let seen = runner(1).run(real::run(&program, false)).expect("main is not cancelled");
    compare(&expected, &seen).unwrap_or_else(|error| panic!("{error}"));
    (seen.log(), seen.end, program.time_of(CANCEL))
}

fn sleep(id: Id) -> Box<Node> {
    Box::new(Node::Sleep(id))
}

/// Takes the request and ends at once.
fn takes(id: Id) -> Box<Node> {
    Box::new(Node::Catch(id, AfterCatch::GoOn, sleep(id + 50)))
}

fn race(a: Box<Node>, b: Box<Node>) -> Box<Node> {
    Box::new(Node::Race(a, b))
}

/// The gather hands the request on, and then it is dropped: two requests, one of which the child takes back. The
/// other one stands. The model had but one.
#[test]
fn gather_that_is_dropped_in_the_turn_of_a_request_cancels_its_children_once_more() {
    let takes_back = Box::new(Node::Catch(1, AfterCatch::TakeBack, sleep(2)));
    let goes_on = Node::Defer(3, sleep(4));
    let child = Node::Seq(vec![*race(sleep(5), takes_back), goes_on]);
    let gather = Node::Gather(sleep(6), Box::new(child));
    let (log, end, at) = cancelled(*race(Box::new(gather), takes(7)));
    assert_eq!(log.get(&Event::Caught(1)), Some(&at));
    assert_eq!(log.get(&Event::CleanupBegun(3)), Some(&at), "it is cut off at once");
    assert_eq!(end, End::Value);
}

/// Dropping the gather means waiting for its children, which takes a turn: the branch that does so has no value
/// yet when the other one has. The model gave it one.
#[test]
fn branch_that_waits_for_children_is_behind_one_that_takes_the_request() {
    let waits = race(takes(1), Box::new(Node::Gather(sleep(2), sleep(3))));
    let (log, _, at) = cancelled(*race(Box::new(Node::With(4, waits)), takes(5)));
    let caught = [1, 5].map(|id| log.get(&Event::Caught(id)));
    assert_eq!(caught, [Some(&at); 2]);
    assert_eq!(log.get(&Event::ExitBegun(4, Left::CutOff)), Some(&at));
}

/// The same branch keeps the request for after its value, as its gather was not asked. It goes with the branch,
/// for the one that wins has taken it. The model offered it again.
#[test]
fn request_that_a_loser_keeps_goes_with_it() {
    let keeps = race(takes(1), Box::new(Node::Gather(sleep(2), sleep(3))));
    let contest = *race(keeps, takes(4));
    let (log, end, _) = cancelled(Node::Seq(vec![contest, Node::Sleep(5)]));
    assert!(log.contains_key(&Event::Slept(5)));
    assert_eq!(end, End::Value);
}

/// The second branch has the value of a task, and unwinds in that turn with what is still offered. That is in a
/// later turn than the request: the first branch, which has taken it, is offered this one too. The model took
/// the end of the sequence for that of its last part, and held it to be the turn of the request.
#[test]
fn branch_that_goes_on_in_a_later_turn_unwinds_by_itself() {
    let goes_on = Node::Seq(vec![*takes(1), Node::With(3, sleep(4))]);
    let contest = *race(Box::new(Node::Task(5, takes(6))), sleep(7));
    let unwinds = Node::Seq(vec![contest, Node::Sleep(8)]);
    let (log, end, at) = cancelled(Node::Join(Box::new(goes_on), Box::new(unwinds)));
    assert_eq!(log.get(&Event::Entered(3)), Some(&at));
    assert_eq!(log.get(&Event::ExitBegun(3, Left::CutOff)), Some(&at));
    assert_eq!(end, End::Cancelled);
}
