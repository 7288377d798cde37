//! `race`, `race_iter`, `staggered_race`: the first value, and what becomes of the losers.

use std::cell::Cell;
use std::future::{Future, pending, ready};
use std::pin::pin;
use std::rc::Rc;
use std::time::Duration;

use bowerbird::sync::oneshot;
use bowerbird::tasks::{Winner2, Winner3};
use bowerbird::{
    Runner, cancel_scope, catch_cancel, current_task, defer, gather, race, race_iter, sleep, spawn,
    staggered_race, time, timeout, yield_now,
};
use bowerbird_tests::{Counted, Journal, catch, everywhere, on_workers, paused, turns, until};

const MS: Duration = Duration::from_millis(1);

/// Waits for ever; when it is dropped it leaves a cleanup behind that takes so long and then writes a line.
async fn leaves(journal: Journal, line: &'static str, delay: Duration) {
    let inner = journal.clone();
    let _cleanup = defer(async move {
        sleep(delay).await;
        inner.note(line);
    });
    pending::<()>().await;
}

#[test]
fn first_value_wins() {
    everywhere(|| async {
        let winner = race((pending::<()>(), async { 2 })).await;
        assert_eq!(winner, Winner2::Second(2));
        assert_eq!(winner.index(), 1);
        match race((pending::<i32>(), pending::<char>(), async { "three" })).await {
            Winner3::First(number) => unreachable!("{number}"),
            Winner3::Second(letter) => unreachable!("{letter}"),
            Winner3::Third(text) => assert_eq!(text, "three"),
        }
        assert_eq!(race((pending(), ready(5))).await.into_inner(), 5);
        let last = race((
            pending::<u8>(),
            pending::<u8>(),
            pending::<u8>(),
            pending::<u8>(),
            pending::<u8>(),
            pending::<u8>(),
            pending::<u8>(),
            ready(8),
        ));
        assert_eq!(last.await.into_inner(), 8);
    });
}

#[test]
fn arrays_vectors_and_iterators_give_the_index() {
    paused(async {
        let nap = |ms: u32| async move {
            sleep(ms * MS).await;
            ms
        };
        assert_eq!(race([nap(30), nap(10), nap(20)]).await, (1, 10));
        assert_eq!(race(vec![nap(30), nap(10)]).await, (1, 10));
        assert_eq!(race_iter((1..=100).rev().map(nap)).await, (99, 1));
    });
}

#[test]
fn race_of_nothing_is_refused_where_it_was_called() {
    let caught = catch(|| race(Vec::<std::future::Ready<()>>::new()));
    assert!(caught.message.contains("no futures"), "{}", caught.message);
    assert_eq!(caught.file, file!());
    assert_eq!(catch(|| race_iter(std::iter::empty::<std::future::Ready<()>>())).file, file!());
}

#[test]
fn borrowed_futures_that_are_not_send_are_raced() {
    everywhere(|| async {
        let text = Rc::new(Cell::new(0));
        race((
            async {
                text.set(1);
                yield_now().await;
            },
            pending::<()>(),
        ))
        .await;
        assert_eq!(text.get(), 1);
    });
}

#[test]
fn losers_are_dropped_and_their_cleanups_run_before_the_race_returns() {
    paused(async {
        let start = time::now();
        let journal = Journal::new();
        let output = race((
            leaves(journal.clone(), "first", 20 * MS),
            leaves(journal.clone(), "second", 10 * MS),
            async {
                sleep(5 * MS).await;
                7
            },
        ))
        .await;
        assert_eq!(output, Winner3::Third(7));
        // One after the other, in the order in which they were dropped.
        journal.expect(&["first", "second"]);
        assert_eq!(time::now() - start, 35 * MS);
    });
}

#[test]
fn cleanup_of_the_winner_runs_too() {
    paused(async {
        let journal = Journal::new();
        let inner = journal.clone();
        let winner = async move {
            let note = inner.clone();
            let _cleanup = defer(async move {
                sleep(10 * MS).await;
                note.note("winner");
            });
            1
        };
        assert_eq!(race((winner, pending::<()>())).await, Winner2::First(1));
        journal.expect(&["winner"]);
    });
}

#[test]
fn future_behind_a_reference_survives() {
    paused(async {
        let mut slow = pin!(async {
            sleep(20 * MS).await;
            "slow"
        });
        assert_eq!(race((slow.as_mut(), sleep(10 * MS))).await.index(), 1);
        assert_eq!(race((&mut slow, sleep(100 * MS))).await, Winner2::First("slow"));
        let mut task = spawn(sleep(20 * MS));
        assert_eq!(race((&mut task, sleep(10 * MS))).await.index(), 1);
        assert!(!task.done() && task.cancelling() == 0);
        task.await.unwrap();
    });
}

/// Who wins when both can, in so many races.
fn winners(seed: u64, is_biased: bool) -> Vec<usize> {
    let mut runner = Runner::builder().worker_threads(1).seed(seed).build().unwrap();
    let races = async {
        let mut winners = Vec::new();
        for _ in 0..200 {
            let both = race((ready(0), ready(1)));
            winners.push(if is_biased { both.biased().await } else { both.await }.into_inner());
        }
        winners
    };
    runner.run(races).unwrap()
}

#[test]
fn fair_race_lets_each_win_and_the_seed_repeats_it() {
    let first = winners(7, false);
    let ones = first.iter().sum::<usize>();
    assert!((50..150).contains(&ones), "{ones} of 200");
    assert_eq!(first, winners(7, false));
    assert_ne!(first, winners(8, false));
}

#[test]
fn biased_race_asks_in_the_order_of_the_arguments() {
    assert_eq!(winners(7, true), [0; 200]);
    on_workers(1, async {
        let journal = Journal::new();
        let step = |name: &'static str, count: usize| {
            let journal = journal.clone();
            async move {
                for _ in 0..count {
                    journal.note(name);
                    yield_now().await;
                }
            }
        };
        race((step("a", 9), step("b", 2), step("c", 9))).biased().await;
        journal.expect(&["a", "b", "c", "a", "b", "c", "a"]);
    });
}

#[test]
fn panic_of_a_branch_goes_through() {
    everywhere(|| async {
        let dropped = Counted::new();
        let guard = dropped.guard();
        let task = spawn(async move {
            let held = async move {
                let _guard = guard;
                pending::<()>().await;
            };
            let bomb = async {
                yield_now().await;
                panic!("boom")
            };
            race((held, bomb)).await
        });
        assert_eq!(task.await.map(drop).unwrap_err().message(), Some("boom"));
        assert_eq!(dropped.get(), 1);
    });
}

#[test]
fn cleanup_of_a_loser_runs_when_a_branch_panics() {
    paused(async {
        let journal = Journal::new();
        let loser = leaves(journal.clone(), "cleaned up", 10 * MS);
        let bomb = async {
            yield_now().await;
            panic!("boom")
        };
        let task = spawn(async move { race((loser, bomb)).await });
        assert_eq!(task.await.map(drop).unwrap_err().message(), Some("boom"));
        journal.expect(&["cleaned up"]);
    });
}

#[test]
fn cancel_unwinds_all_branches_and_runs_their_cleanups() {
    paused(async {
        let journal = Journal::new();
        let (a, b) = (leaves(journal.clone(), "a", 10 * MS), leaves(journal.clone(), "b", 5 * MS));
        let after = journal.on_drop("task");
        let task = spawn(async move {
            let _after = after;
            race((a, b)).await;
        });
        turns(2).await;
        task.cancel_with("enough");
        assert_eq!(task.await.unwrap_err().message(), Some("enough"));
        journal.expect(&["a", "b", "task"]);
    });
}

#[test]
fn cancel_waits_for_a_task_that_a_branch_awaits() {
    everywhere(|| async {
        let (release, blocked) = std::sync::mpsc::channel();
        let begun = Counted::new();
        let count = begun.clone();
        let slow = bowerbird::spawn_blocking(move || {
            count.add();
            blocked.recv().unwrap();
        });
        let outer = spawn(async move {
            race((slow, pending::<()>())).await;
        });
        until(|| begun.get() == 1).await;
        turns(3).await;
        outer.cancel();
        turns(20).await;
        assert!(!outer.done(), "the closure has not ended");
        release.send(()).unwrap();
        assert!(outer.await.unwrap_err().is_cancelled());
    });
}

#[test]
fn branch_that_answers_gives_the_value_and_a_siblings_request_stays_offered() {
    for catcher_is_first in [true, false] {
        on_workers(1, async move {
            let journal = Journal::new();
            let inner = journal.clone();
            let task = spawn(async move {
                let catcher = async { catch_cancel(pending::<()>()).await.is_err() };
                let sibling = async {
                    pending::<()>().await;
                    false
                };
                let caught = if catcher_is_first {
                    race((catcher, sibling)).await.into_inner()
                } else {
                    race((sibling, catcher)).await.into_inner()
                };
                inner.note(format!("caught {caught}"));
                yield_now().await;
                inner.note("never");
            });
            turns(3).await;
            task.cancel();
            assert!(task.await.unwrap_err().is_cancelled());
            journal.expect(&["caught true"]);
        });
    }
}

#[test]
fn request_that_was_taken_back_is_not_offered_again() {
    for catcher_is_first in [true, false] {
        on_workers(1, async move {
            let task = spawn(async move {
                let catcher = async {
                    assert!(catch_cancel(pending::<()>()).await.is_err());
                    current_task().unwrap().uncancel();
                };
                let caught = if catcher_is_first {
                    race((catcher, pending::<()>())).await.index()
                } else {
                    race((pending::<()>(), catcher)).await.index()
                };
                yield_now().await;
                caught
            });
            turns(3).await;
            task.cancel();
            assert_eq!(task.await.unwrap(), usize::from(!catcher_is_first));
        });
    }
}

#[test]
fn one_of_two_requests_taken_back_leaves_the_other_offered() {
    on_workers(1, async {
        let task = spawn(async {
            let catcher = async {
                assert!(catch_cancel(pending::<()>()).await.is_err());
                current_task().unwrap().uncancel();
            };
            race((catcher, pending::<()>())).await;
            yield_now().await;
        });
        turns(3).await;
        task.cancel();
        task.cancel();
        assert!(task.await.unwrap_err().is_cancelled());
    });
}

#[test]
fn request_that_every_branch_takes_is_answered() {
    everywhere(|| async {
        let task = spawn(async {
            let catcher = || async { catch_cancel(pending::<()>()).await.is_err() };
            // The second takes it, and goes on.
            let slow = async {
                let caught = catcher().await;
                turns(2).await;
                caught
            };
            let caught = race((slow, async {
                let caught = catcher().await;
                yield_now().await;
                caught
            }))
            .await;
            assert_eq!(caught, Winner2::Second(true));
            current_task().unwrap().uncancel();
            yield_now().await;
            "lived on"
        });
        turns(3).await;
        task.cancel();
        assert_eq!(task.await.unwrap(), "lived on");
    });
}

#[test]
fn branch_that_unwinds_by_itself_offers_its_request_to_the_others() {
    everywhere(|| async {
        let (begun, dropped) = (Counted::new(), Counted::new());
        let (count, guard) = (begun.clone(), dropped.guard());
        let task = spawn(async move {
            let sibling = async move {
                let _guard = guard;
                count.add();
                pending::<()>().await;
            };
            let cancelled_child = async {
                turns(3).await;
                gather((async {
                    current_task().unwrap().cancel_with("child");
                    yield_now().await;
                },))
                .await;
            };
            race((sibling, cancelled_child)).await;
        });
        assert_eq!(task.await.unwrap_err().message(), Some("child"));
        assert_eq!((begun.get(), dropped.get()), (1, 1));
    });
}

#[test]
fn timeout_around_a_race_expires() {
    paused(async {
        let journal = Journal::new();
        let limited =
            timeout(10 * MS, race((leaves(journal.clone(), "left", MS), pending::<()>())));
        assert!(limited.await.is_err());
        journal.expect(&["left"]);
        let inside = race((timeout(10 * MS, pending::<()>()), sleep(20 * MS))).await;
        assert!(matches!(inside, Winner2::First(Err(_))));
    });
}

#[test]
fn offered_cancel_beats_a_branch_that_becomes_ready_in_the_same_turn() {
    on_workers(1, async {
        let (sender, receiver) = oneshot::channel();
        let task = spawn(async move {
            race((receiver, pending::<()>())).await;
        });
        turns(2).await;
        task.cancel();
        // The value stays with the sender: nobody is there.
        turns(2).await;
        assert_eq!(sender.send(1), Err(1));
        assert!(task.await.unwrap_err().is_cancelled());
    });
}

mod staggered {
    use super::*;

    async fn attempt(journal: Journal, name: u32, delay: u32, works: bool) -> Result<u32, u32> {
        journal.note(format!("{name} starts"));
        let _note = journal.on_drop(&format!("{name} ends"));
        sleep(delay * MS).await;
        if works { Ok(name) } else { Err(name) }
    }

    #[test]
    fn next_starts_after_the_delay_and_the_first_success_wins() {
        paused(async {
            let start = time::now();
            let journal = Journal::new();
            let attempts =
                (0..4).map(|name| attempt(journal.clone(), name, 25 - 10 * name.min(2), true));
            let won = staggered_race(attempts, 10 * MS).await;
            // 0 ends at 25, 1 at 10 + 15 and 2 at 20 + 5: the first that was started is asked first.
            assert_eq!(won, Ok((0, 0)));
            assert_eq!(time::now() - start, 25 * MS);
            let lines = journal.lines();
            assert_eq!(lines[..3], ["0 starts", "1 starts", "2 starts"]);
            assert_eq!(lines.len(), 6, "{lines:?}");
        });
    }

    #[test]
    fn next_starts_at_once_when_one_has_failed() {
        paused(async {
            let start = time::now();
            let journal = Journal::new();
            let attempts = (0..3).map(|name| attempt(journal.clone(), name, 5, name == 2));
            assert_eq!(staggered_race(attempts, Duration::MAX).await, Ok((2, 2)));
            assert_eq!(time::now() - start, 15 * MS);
        });
    }

    #[test]
    fn failure_beside_one_that_goes_on_starts_the_next_too() {
        paused(async {
            let start = time::now();
            let journal = Journal::new();
            let attempts = [(500, true), (1, false), (1, true)].into_iter().zip(0..);
            let attempts =
                attempts.map(|((delay, works), name)| attempt(journal.clone(), name, delay, works));
            assert_eq!(staggered_race(attempts, 100 * MS).await, Ok((2, 2)));
            assert_eq!(time::now() - start, 102 * MS);
        });
    }

    #[test]
    fn many_attempts_may_fail() {
        everywhere(|| async {
            let attempts = (0..200).map(|n| ready(Err::<(), _>(n)));
            let errors = staggered_race(attempts, Duration::MAX).await.unwrap_err();
            assert!(errors.into_iter().eq(0..200));
        });
    }

    #[test]
    fn nothing_new_starts_while_one_that_took_the_request_goes_on() {
        paused(async {
            let journal = Journal::new();
            let inner = journal.clone();
            let task = spawn(async move {
                let attempts = (0..3).map(|name| {
                    let journal = inner.clone();
                    async move {
                        journal.note(format!("{name} starts"));
                        let ended = catch_cancel(sleep(500 * MS)).await;
                        if name == 0 {
                            // It takes the request, and its time.
                            sleep(50 * MS).await;
                            journal.note("0 ends");
                            return Err::<(), _>(());
                        }
                        match ended {
                            Ok(()) => Err(()),
                            Err(cancelled) => cancelled.resume().await,
                        }
                    }
                });
                staggered_race(attempts, 10 * MS).await
            });
            sleep(15 * MS).await;
            task.cancel();
            assert!(task.await.unwrap_err().is_cancelled());
            journal.expect(&["0 starts", "1 starts", "0 ends"]);
        });
    }

    #[test]
    fn all_errors_are_given_in_the_order_of_the_starts() {
        paused(async {
            let journal = Journal::new();
            let attempts = [30, 5, 1].into_iter().zip(0..);
            let attempts =
                attempts.map(|(delay, name)| attempt(journal.clone(), name, delay, false));
            assert_eq!(staggered_race(attempts, 10 * MS).await, Err(vec![0, 1, 2]));
        });
    }

    #[test]
    fn no_attempts_give_no_errors() {
        everywhere(|| async {
            let none = std::iter::empty::<std::future::Ready<Result<(), ()>>>();
            assert_eq!(staggered_race(none, MS).await, Err(vec![]));
        });
    }

    #[test]
    fn cleanups_of_the_losers_run_before_it_returns() {
        paused(async {
            let journal = Journal::new();
            let attempts = (0..2).map(|name| {
                let journal = journal.clone();
                async move {
                    if name == 0 {
                        leaves(journal, "loser", 10 * MS).await;
                    }
                    Ok::<_, ()>(name)
                }
            });
            assert_eq!(staggered_race(attempts, 5 * MS).await, Ok((1, 1)));
            journal.expect(&["loser"]);
        });
    }

    #[test]
    fn cancel_unwinds_and_starts_nothing_new() {
        paused(async {
            let journal = Journal::new();
            let inner = journal.clone();
            let task = spawn(async move {
                let attempts = (0..3).map(move |name| attempt(inner.clone(), name, 100, true));
                staggered_race(attempts, 10 * MS).await
            });
            sleep(15 * MS).await;
            task.cancel();
            assert!(task.await.unwrap_err().is_cancelled());
            journal.expect(&["0 starts", "1 starts", "0 ends", "1 ends"]);
        });
    }
}

/// A race is as mobile as its futures.
const _: () = {
    fn is_sendable(_: impl Future + Send) {}
    let _check = || {
        is_sendable(race((ready(1), ready(2))));
        is_sendable(race_iter([ready(1)]));
        is_sendable(staggered_race([ready(Ok::<(), ()>(()))], Duration::MAX));
    };
};

#[test]
fn request_that_a_branch_raises_by_itself_stays_offered() {
    paused(async {
        let task = spawn(async {
            let child = async {
                sleep(MS).await;
                current_task().unwrap().cancel();
                pending::<()>().await
            };
            let raises = async { gather((child,)).await.0 };
            let answers = cancel_scope(async |scope| {
                scope.set_shield(true);
                sleep(5 * MS).await;
            });
            let _won = race((raises, answers)).await;
            sleep(MS).await;
        });
        assert!(task.await.unwrap_err().is_cancelled());
    });
}
