//! `select!`: what Tokio's users expect of it, and the cleanups of the losers.

use std::future::{Future, pending, ready};
use std::pin::pin;
use std::time::Duration;

use bowerbird::sync::oneshot;
use bowerbird::{
    Runner, cancel_safe, catch_cancel, defer, lossy, select, sleep, spawn, time, yield_now,
};
use bowerbird_tests::{Counted, Journal, catch, everywhere, on_workers, paused, turns};

const MS: Duration = Duration::from_millis(1);

#[test]
fn handler_of_the_first_that_ends_runs() {
    everywhere(|| async {
        let text = select! {
            () = pending() => "never".to_owned(),
            number = ready(5) => format!("number {number}"),
        };
        assert_eq!(text, "number 5");
        // One branch; no comma at the end; a block as the handler.
        select! { x = ready(1) => { assert_eq!(x, 1) } }
    });
}

#[test]
fn blocks_need_no_comma_and_expressions_may_have_their_own() {
    everywhere(|| async {
        let pairs = select! {
            _ = pending::<()>() => { Vec::new() }
            _ = pending::<()>(), if true => Vec::<(i32, i32)>::new(),
            n = ready(3) => <Vec<(i32, i32)> as From<[(i32, i32); 1]>>::from([(n, n)]),
            else => unreachable!("{}, {}", 1, 2),
        };
        assert_eq!(pairs, [(3, 3)]);
        let smaller = select! { n = ready(3) => n < 4, _ = pending::<()>() => 1 > 2 };
        assert!(smaller);
    });
}

#[test]
fn disabled_branch_is_made_and_not_polled() {
    everywhere(|| async {
        let made = Counted::new();
        let make = || {
            made.add();
            ready("disabled")
        };
        let is_open = false;
        let text = select! {
            biased;
            text = make(), if is_open => text,
            text = ready("other"), if !is_open && made.get() == 0 => text,
        };
        assert_eq!((text, made.get()), ("other", 1));
    });
}

#[test]
fn pattern_that_does_not_match_disables_its_branch() {
    everywhere(|| async {
        let result = select! {
            biased;
            Some(n) = ready(None::<i32>) => n,
            Ok(n) = async_error() => n,
            n = yield_then(7) => n,
        };
        assert_eq!(result, 7);
    });
}

#[cancel_safe]
async fn async_error() -> Result<i32, String> {
    Err("no".to_owned())
}

#[cancel_safe]
async fn yield_then<T>(value: T) -> T {
    yield_now().await;
    value
}

#[test]
fn any_pattern_may_stand_there() {
    const LIMIT: u8 = 9;
    enum Shape {
        Dot,
        Line { from: String, to: String },
    }
    everywhere(|| async {
        let line = || Shape::Line { from: "a".into(), to: "b".into() };
        let mut seen = Vec::new();
        for turn in 0..8 {
            select! {
                biased;
                Shape::Line { from, mut to } = ready(line()), if turn == 0 => {
                    to.push_str(&from);
                    seen.push(to);
                }
                Shape::Line { ref from, .. } = ready(line()), if turn == 1 => seen.push(from.clone()),
                Some(&text) = ready(Some(&"text")), if turn == 2 => seen.push(text.to_owned()),
                (1 | 2, 3..=LIMIT) | (5, LIMIT) = ready((2, 9)), if turn == 3 => seen.push("or".into()),
                whole @ Some(Ok::<_, ()>(_)) = ready(Some(Ok(1))), if turn == 4 => {
                    seen.push(format!("{whole:?}"));
                }
                [first, .., last] = ready([1, 2, 3]), if turn == 5 => seen.push(format!("{first}{last}")),
                Shape::Dot = ready(if turn < 9 { line() } else { Shape::Dot }), if turn == 6 => seen.push("dot".into()),
                Shape::Line { from: ref mut text, .. } = ready(line()), if turn == 7 => {
                    text.push('!');
                    seen.push(text.clone());
                }
                else => seen.push("none".into()),
            }
        }
        assert_eq!(seen, ["ba", "a", "text", "or", "Some(Ok(1))", "13", "none", "a!"]);
    });
}

#[test]
fn else_runs_when_all_branches_are_disabled() {
    everywhere(|| async {
        let result = select! {
            Some(n) = ready(None::<i32>) => n,
            n = ready(1), if false => n,
            else => -1,
        };
        assert_eq!(result, -1);
    });
}

#[test]
fn without_else_it_panics_at_the_users_line() {
    let line = line!() + 4;
    let caught = catch(|| {
        let mut cx = std::task::Context::from_waker(std::task::Waker::noop());
        let future = pin!(async {
            select! { n = ready(1), if false => n }
        });
        let _never = future.poll(&mut cx);
    });
    assert!(caught.message.contains("`else`"), "{}", caught.message);
    assert_eq!((caught.file.as_str(), caught.line), (file!(), line));
}

#[test]
fn handlers_may_leave_the_function_and_the_loop() {
    async fn first(limit: i32) -> Result<i32, String> {
        let mut count = 0;
        let found = loop {
            select! {
                () = yield_now(), if count < limit => {
                    count += 1;
                    if count == 100 {
                        return Ok(-1);
                    }
                    continue;
                }
                n = ready(count), if count >= limit => break n,
            }
        };
        select! {
            text = ready("12") => {
                let number: i32 = text.parse().map_err(|_| "no number")?;
                let more = yield_then(number).await;
                Ok(found + more)
            }
        }
    }
    everywhere(|| async {
        assert_eq!(first(3).await, Ok(15));
        assert_eq!(first(1_000).await, Ok(-1));
    });
}

#[test]
fn futures_are_gone_when_the_handler_runs() {
    everywhere(|| async {
        let mut numbers = vec![1];
        select! {
            () = push(&mut numbers) => numbers.push(3),
            () = pending() => {}
        }
        assert_eq!(numbers, [1, 2, 3]);
    });
}

#[cancel_safe]
async fn push(numbers: &mut Vec<i32>) {
    yield_now().await;
    numbers.push(2);
}

#[test]
fn references_survive_from_turn_to_turn() {
    paused(async {
        let mut task = spawn(async {
            sleep(33 * MS).await;
            "task"
        });
        let mut work = pin!(async {
            sleep(25 * MS).await;
            "work"
        });
        let mut is_working = true;
        let mut log = Vec::new();
        loop {
            select! {
                result = &mut task => {
                    log.push(result.unwrap());
                    break;
                }
                word = &mut work, if is_working => {
                    is_working = false;
                    log.push(word);
                }
                () = sleep(10 * MS) => log.push("tick"),
            }
        }
        assert_eq!(log, ["tick", "tick", "work", "task"]);
    });
}

#[test]
fn lossy_takes_what_may_lose_something() {
    everywhere(|| async {
        let plain = async { 4 };
        let n = select! { n = lossy(plain) => n, n = lossy(pending()) => n };
        assert_eq!(n, 4);
    });
}

#[test]
fn cleanups_of_the_losers_run_before_the_handler() {
    paused(async {
        let start = time::now();
        let journal = Journal::new();
        let note = journal.clone();
        let loser = async {
            let _cleanup = defer(async move {
                sleep(10 * MS).await;
                note.note("cleaned up");
            });
            pending::<()>().await;
        };
        select! {
            () = lossy(loser) => {}
            () = sleep(5 * MS) => journal.note("handler"),
        }
        journal.expect(&["cleaned up", "handler"]);
        assert_eq!(time::now() - start, 15 * MS);
    });
}

/// Which of two that are ready wins, in so many selections.
fn winners(seed: u64) -> Vec<u8> {
    let mut runner = Runner::builder().worker_threads(1).seed(seed).build().unwrap();
    let selections = async {
        let mut winners = Vec::new();
        for _ in 0..200 {
            winners.push(select! { n = ready(0) => n, n = ready(1) => n });
        }
        winners
    };
    runner.run(selections).unwrap()
}

#[test]
fn fair_selection_lets_each_win_and_the_seed_repeats_it() {
    let first = winners(7);
    let ones = first.iter().filter(|&&n| n == 1).count();
    assert!((50..150).contains(&ones), "{ones} of 200");
    assert_eq!(first, winners(7));
    assert_ne!(first, winners(8));
}

#[test]
fn biased_selection_asks_in_order() {
    everywhere(|| async {
        for _ in 0..50 {
            select! {
                biased;
                () = pending() => unreachable!(),
                n = ready(1) => assert_eq!(n, 1),
                _ = ready(2) => unreachable!(),
            }
        }
        // A pattern of that name.
        let n = select! { biased = ready(3) => biased };
        assert_eq!(n, 3);
    });
}

#[test]
fn names_of_the_macro_do_not_meet_the_users() {
    everywhere(|| async {
        let (disabled, output, matches, branches, selected) = (1, 2, 3, 4, 5);
        let sum = select! {
            n = ready(disabled + output), if matches == 3 => n + branches + selected,
        };
        assert_eq!(sum, 12);
        #[allow(non_snake_case, dead_code)]
        {
            struct Some;
            struct None;
            fn unreachable() {}
            let n = select! { n = ready(1) => n, else => 2 };
            assert_eq!(n, 1);
        }
        macro_rules! wrapped {
            ($pattern:pat, $future:expr, $guard:expr, $handler:expr) => {
                select! { $pattern = $future, if $guard => $handler, else => 0 }
            };
        }
        assert_eq!(wrapped!(Some(_), ready(Some(6)), 1 < 2, 6), 6);
        extern crate bowerbird as renamed;
        assert_eq!(renamed::select! { n = ready(1) => n }, 1);
    });
}

#[test]
fn selections_nest() {
    everywhere(|| async {
        let n = select! {
            n = lossy(async { select! { n = yield_then(1) => n, () = pending() => 0 } }) => n,
            () = pending() => select! { n = ready(2) => n },
        };
        assert_eq!(n, 1);
    });
}

#[test]
#[rustfmt::skip]
fn sixty_four_branches_are_selected_from() {
    everywhere(|| async {
        let n = select! {
            n = pending() => n, n = pending() => n, n = pending() => n,
            n = pending() => n, n = pending() => n, n = pending() => n,
            n = pending() => n, n = pending() => n, n = pending() => n,
            n = pending() => n, n = pending() => n, n = pending() => n,
            n = pending() => n, n = pending() => n, n = pending() => n,
            n = pending() => n, n = pending() => n, n = pending() => n,
            n = pending() => n, n = pending() => n, n = pending() => n,
            n = pending() => n, n = pending() => n, n = pending() => n,
            n = pending() => n, n = pending() => n, n = pending() => n,
            n = pending() => n, n = pending() => n, n = pending() => n,
            n = pending() => n, n = pending() => n, n = pending() => n,
            n = pending() => n, n = pending() => n, n = pending() => n,
            n = pending() => n, n = pending() => n, n = pending() => n,
            n = pending() => n, n = pending() => n, n = pending() => n,
            n = pending() => n, n = pending() => n, n = pending() => n,
            n = pending() => n, n = pending() => n, n = pending() => n,
            n = pending() => n, n = pending() => n, n = pending() => n,
            n = pending() => n, n = pending() => n, n = pending() => n,
            n = pending() => n, n = pending() => n, n = pending() => n,
            n = pending() => n, n = pending() => n, n = pending() => n,
            n = pending() => n, n = pending() => n, n = pending() => n,
            n = yield_then(64) => n,
        };
        assert_eq!(n, 64);
    });
}

#[test]
fn cancel_unwinds_all_branches() {
    everywhere(|| async {
        let task = spawn(async {
            select! { () = pending() => {}, () = sleep(Duration::from_secs(60)) => {} }
        });
        turns(3).await;
        task.cancel_with("enough");
        assert_eq!(task.await.unwrap_err().message(), Some("enough"));
    });
}

#[test]
fn branch_that_answers_leaves_the_request_of_a_sibling() {
    on_workers(1, async {
        let journal = Journal::new();
        let note = journal.clone();
        let task = spawn(async move {
            select! {
                caught = lossy(catch_cancel(pending::<()>())) => note.note(format!("{}", caught.is_err())),
                () = pending() => {}
            }
            yield_now().await;
            note.note("never");
        });
        turns(3).await;
        task.cancel();
        assert!(task.await.unwrap_err().is_cancelled());
        journal.expect(&["true"]);
    });
}

#[test]
fn value_that_loses_stays_in_its_channel() {
    on_workers(1, async {
        for _ in 0..20 {
            let (sender, mut receiver) = oneshot::channel();
            sender.send(1).unwrap();
            let got = select! {
                n = &mut receiver => n,
                () = ready(()) => receiver.await,
            };
            assert_eq!(got, Ok(1));
        }
    });
}

/// A selection is as mobile as its futures.
const _: () = {
    fn is_sendable(_: impl Future + Send) {}
    let _check = || {
        is_sendable(async {
            select! { () = yield_now() => {}, n = ready(1) => assert_eq!(n, 1) }
        });
    };
};
