//! `gather`, `gather_iter`, `return_exceptions`, `first_error`, `try_gather`.

use std::future::pending;
use std::time::Duration;

use bowerbird::sync::oneshot;
use bowerbird::{
    Task, cancel_scope, catch_cancel, current_task, gather, gather_iter, join, race, sleep, spawn,
    spawn_blocking, timeout, try_gather, yield_now,
};
use bowerbird_tests::{Counted, Journal, everywhere, on_workers, paused, turns, until};

const MS: Duration = Duration::from_millis(1);
/// What would hang ends after so long, by the real clock.
const BOUND: Duration = Duration::from_secs(20);

#[test]
fn outputs_stand_in_the_order_of_the_arguments_whoever_ends_first() {
    let journal = Journal::new();
    let outputs = paused(async {
        gather_iter([30, 10, 20].into_iter().map(|delay| {
            let journal = journal.clone();
            async move {
                sleep(Duration::from_millis(delay)).await;
                journal.note(delay.to_string());
                delay
            }
        }))
        .await
    });
    assert_eq!(outputs, [30, 10, 20]);
    journal.expect(&["10", "20", "30"]);
}

#[test]
fn tuples_arrays_and_vectors_are_gathered() {
    everywhere(|| async {
        assert_eq!(gather((async { 1 },)).await, (1,));
        let (a, b, c) = gather((async { 1 }, async { "two" }, async { 3.0 })).await;
        assert_eq!((a, b, c), (1, "two", 3.0));
        let twelve = gather((
            async { 1 },
            async { 2 },
            async { 3 },
            async { 4 },
            async { 5 },
            async { 6 },
            async { 7 },
            async { 8 },
            async { 9 },
            async { 10 },
            async { 11 },
            async { 12 },
        ))
        .await;
        assert_eq!((twelve.0, twelve.11), (1, 12));
        assert_eq!(gather([1, 2, 3].map(|n| async move { n * n })).await, [1, 4, 9]);
        assert_eq!(gather_iter((0..3).map(|n| async move { n })).await, [0, 1, 2]);
    });
}

#[test]
fn gather_of_nothing_gives_nothing() {
    everywhere(|| async {
        assert!(gather(Vec::<Task<()>>::new()).await.is_empty());
        assert!(gather::<[Task<()>; 0]>([]).await.is_empty());
        let none: Result<Vec<()>, ()> =
            try_gather(Vec::<std::future::Ready<Result<(), ()>>>::new()).await;
        assert_eq!(none, Ok(vec![]));
    });
}

#[test]
fn children_are_tasks_and_run_from_the_call_on() {
    everywhere(|| async {
        let me = current_task().unwrap();
        let begun = Counted::new();
        let children = gather_iter((0..10).map(|_| {
            let (me, begun) = (me.clone(), begun.clone());
            async move {
                assert_ne!(current_task().unwrap(), me);
                begun.add();
            }
        }));
        until(|| begun.get() == 10).await;
        children.await;
    });
}

#[test]
fn tasks_that_run_already_are_gathered_too() {
    everywhere(|| async {
        let failing = spawn(async { panic!("mine") });
        let (good, bad) = gather((spawn(async { 1 }), failing)).await;
        assert_eq!(good.unwrap(), 1);
        assert_eq!(bad.map(|(): ()| ()).unwrap_err().message(), Some("mine"));
    });
}

#[test]
fn many_children_all_end() {
    everywhere(|| async {
        let outputs = gather_iter((0..3_000_u64).map(|n| async move {
            for _ in 0..n % 4 {
                yield_now().await;
            }
            n
        }))
        .await;
        assert_eq!(outputs.iter().sum::<u64>(), 3_000 * 2_999 / 2);
    });
}

#[test]
fn panic_of_a_child_goes_on_in_the_awaiter_at_once_while_siblings_run_on() {
    everywhere(|| async {
        let (release, released) = oneshot::channel::<()>();
        let (told, ended) = oneshot::channel();
        let outer = spawn(async move {
            let sibling = async move {
                released.await.unwrap();
                told.send("sibling has ended").unwrap();
            };
            gather((sibling, async { panic!("first") })).await
        });
        // The sibling still waits, and the gather is over.
        assert_eq!(outer.await.unwrap_err().message(), Some("first"));
        release.send(()).unwrap();
        assert_eq!(ended.await.unwrap(), "sibling has ended");
    });
}

#[test]
fn cancelled_child_cancels_the_awaiter_while_siblings_run_on() {
    everywhere(|| async {
        let (release, released) = oneshot::channel::<()>();
        let (told, ended) = oneshot::channel();
        let outer = spawn(async move {
            let sibling = async move {
                released.await.unwrap();
                told.send("sibling has ended").unwrap();
            };
            let cancelled = async {
                current_task().unwrap().cancel_with("child");
                yield_now().await;
            };
            gather((sibling, cancelled)).await
        });
        let error = outer.await.unwrap_err();
        assert!(error.is_cancelled());
        assert_eq!(error.message(), Some("child"));
        release.send(()).unwrap();
        assert_eq!(ended.await.unwrap(), "sibling has ended");
    });
}

#[test]
fn return_exceptions_gives_every_end_as_a_result() {
    everywhere(|| async {
        let (value, panicked, cancelled) = gather((async { 1 }, async { panic!("boom") }, async {
            current_task().unwrap().cancel_with("gone");
            pending::<()>().await;
        }))
        .return_exceptions()
        .await;
        assert_eq!(value.unwrap(), 1);
        let panicked = panicked.map(|(): ()| ()).unwrap_err();
        assert!(panicked.is_panic());
        assert_eq!(panicked.message(), Some("boom"));
        let cancelled = cancelled.unwrap_err();
        assert!(cancelled.is_cancelled());
        assert_eq!(cancelled.message(), Some("gone"));
    });
}

#[test]
fn cancelled_awaiter_cancels_all_children_and_waits_for_the_slowest() {
    everywhere(|| async {
        for with_results in [false, true] {
            let (release, blocked) = std::sync::mpsc::channel();
            let (begun, dropped) = (Counted::new(), Counted::new());
            let waiting = |begun: Counted, guard| async move {
                let _guard = guard;
                begun.add();
                pending::<()>().await;
            };
            let quick =
                [waiting(begun.clone(), dropped.guard()), waiting(begun.clone(), dropped.guard())];
            let count = begun.clone();
            let slow = async move {
                let closure = move || {
                    count.add();
                    blocked.recv().unwrap();
                };
                spawn_blocking(closure).await.unwrap();
            };
            let [first, second] = quick;
            let outer = spawn(async move {
                let children = gather((first, slow, second));
                if with_results {
                    let _never = children.return_exceptions().await;
                } else {
                    children.await;
                }
                unreachable!("a gather that was offered a request unwinds");
            });
            until(|| begun.get() == 3).await;
            turns(3).await;
            outer.cancel_with("all of you");
            until(|| dropped.get() == 2).await;
            turns(20).await;
            assert!(!outer.done(), "one child has not ended");
            release.send(()).unwrap();
            assert_eq!(outer.await.unwrap_err().message(), Some("all of you"));
        }
    });
}

#[test]
fn cancel_after_the_children_have_ended_keeps_the_outputs() {
    on_workers(1, async {
        let task = spawn(async { gather((async { 1 }, async { 2 })).await });
        until(|| task.done()).await;
        assert!(!task.cancel());
        assert_eq!(task.await.unwrap(), (1, 2));
    });
}

#[test]
fn first_error_comes_at_once_and_siblings_run_on() {
    everywhere(|| async {
        let (release, released) = oneshot::channel::<()>();
        let (told, ended) = oneshot::channel();
        let sibling = async move {
            released.await.unwrap();
            told.send("sibling has ended").unwrap();
            Ok(1)
        };
        let all: Result<(i32, i32), &str> =
            gather((sibling, async { Err("bad") })).first_error().await;
        assert_eq!(all, Err("bad"));
        release.send(()).unwrap();
        assert_eq!(ended.await.unwrap(), "sibling has ended");
    });
}

#[test]
fn first_error_without_an_error_gives_the_values() {
    everywhere(|| async {
        let all: Result<[i32; 2], &str> =
            gather([1, 2].map(|n| async move { Ok(n) })).first_error().await;
        assert_eq!(all, Ok([1, 2]));
    });
}

#[test]
fn first_error_is_the_first_in_time() {
    let all: Result<(i32, i32), &str> = paused(async {
        let late = async {
            sleep(Duration::from_millis(20)).await;
            Err("late")
        };
        let early = async {
            sleep(Duration::from_millis(10)).await;
            Err("early")
        };
        gather((late, early)).first_error().await
    });
    assert_eq!(all, Err("early"));
}

#[test]
fn try_gather_cancels_the_siblings_of_the_first_error() {
    everywhere(|| async {
        let (begun, dropped) = (Counted::new(), Counted::new());
        let (count, guard) = (begun.clone(), dropped.guard());
        let sibling = async move {
            let _guard = guard;
            count.add();
            pending::<Result<i32, &str>>().await
        };
        let count = begun.clone();
        let failing = async move {
            until(|| count.get() == 1).await;
            Err::<i32, _>("bad")
        };
        assert_eq!(try_gather((sibling, failing)).await, Err("bad"));
        until(|| dropped.get() == 1).await;
    });
}

#[test]
fn try_gather_without_an_error_gives_the_values() {
    everywhere(|| async {
        let all: Result<Vec<i32>, ()> = try_gather(vec![spawn_ok(1), spawn_ok(2)]).await;
        assert_eq!(all, Ok(vec![1, 2]));
    });
}

fn spawn_ok(n: i32) -> std::future::Ready<Result<i32, ()>> {
    std::future::ready(Ok(n))
}

#[test]
fn gather_that_is_dropped_unpolled_lets_its_tasks_run_on() {
    everywhere(|| async {
        let ended = Counted::new();
        drop(gather_iter((0..3).map(|_| {
            let ended = ended.clone();
            async move { ended.add() }
        })));
        until(|| ended.get() == 3).await;
    });
}

#[test]
fn gather_that_is_dropped_half_way_ends_before_the_task_that_dropped_it() {
    everywhere(|| async {
        let (release, blocked) = std::sync::mpsc::channel();
        let begun = Counted::new();
        let count = begun.clone();
        let slow = async move {
            let closure = move || {
                count.add();
                blocked.recv().unwrap();
            };
            spawn_blocking(closure).await.unwrap();
        };
        let count = begun.clone();
        let outer = spawn(async move {
            let mut children = Box::pin(gather((slow, pending::<()>())));
            let polled = std::future::poll_fn(|cx| {
                std::task::Poll::Ready(children.as_mut().poll(cx).is_pending())
            });
            assert!(polled.await);
            until(|| count.get() == 1).await;
            drop(children);
            "over"
        });
        until(|| begun.get() == 1).await;
        turns(20).await;
        assert!(!outer.done(), "a child has not ended");
        release.send(()).unwrap();
        timeout(BOUND, outer.wait()).await.expect("a child was not cancelled");
        assert_eq!(outer.await.unwrap(), "over");
    });
}

#[test]
fn gather_that_is_dropped_half_way_cancels_its_children() {
    everywhere(|| async {
        let (begun, dropped, ended) = (Counted::new(), Counted::new(), Counted::new());
        let child = || {
            let (begun, dropped, ended) = (begun.clone(), dropped.clone(), ended.clone());
            async move {
                begun.add();
                until(|| dropped.get() == 1).await;
                turns(100).await;
                ended.add();
            }
        };
        let children = gather((child(), child()));
        let (count, over) = (begun.clone(), dropped.clone());
        let outer = spawn(async move {
            let mut children = Box::pin(children);
            let polled = std::future::poll_fn(|cx| {
                std::task::Poll::Ready(children.as_mut().poll(cx).is_pending())
            });
            assert!(polled.await);
            until(|| count.get() == 2).await;
            drop(children);
            over.add();
        });
        outer.await.unwrap();
        turns(200).await;
        assert_eq!(ended.get(), 0, "a child ran on");
    });
}

#[test]
fn gather_that_is_dropped_in_the_turn_of_a_request_cancels_its_children_once_more() {
    paused(async {
        let requests = Counted::new();
        let count = requests.clone();
        let child = async move {
            let caught = catch_cancel(pending::<()>()).await;
            assert!(caught.is_err());
            let task = current_task().unwrap();
            (0..task.cancelling()).for_each(|_| count.add());
            // Both were made before its turn: it has met them as one.
            yield_now().await;
            count.add();
        };
        let outer = spawn(async move {
            let gathers = async {
                gather((child,)).await;
            };
            // Takes the request after the gather has handed it on, and wins.
            let takes = async { drop(catch_cancel(pending::<()>()).await) };
            race((gathers, takes)).await;
        });
        yield_now().await;
        outer.cancel();
        outer.await.unwrap();
        assert_eq!(requests.get(), 3);
    });
}

#[test]
fn gathers_nest() {
    everywhere(|| async {
        let nested = gather_iter((0..10).map(|row| async move {
            gather_iter((0..10).map(|column| async move { row * 10 + column })).await
        }))
        .await;
        assert!(nested.into_iter().flatten().eq(0..100));
    });
}

#[test]
fn request_that_is_about_when_a_gather_begins_cancels_its_children_at_once() {
    paused(async {
        let dropped = Counted::new();
        let guard = dropped.guard();
        let task = spawn(async move {
            let shielded = |time| {
                cancel_scope(async move |scope| {
                    scope.set_shield(true);
                    sleep(time).await;
                })
            };
            let gathers = async {
                shielded(MS).await;
                let child = async move {
                    let _guard = guard;
                    pending::<()>().await
                };
                gather((child, pending::<()>())).await
            };
            // The children do not wait for what goes on beside them.
            join((gathers, shielded(10 * MS))).await
        });
        yield_now().await;
        task.cancel();
        sleep(2 * MS).await;
        assert_eq!((dropped.get(), task.done()), (1, false));
        assert!(task.await.unwrap_err().is_cancelled());
    });
}

/// asyncio's `cancel` recurses there until its stack is full.
#[test]
fn tasks_that_gather_each_other_end_when_one_is_cancelled() {
    everywhere(|| async {
        let (send, receive) = oneshot::channel::<Task<()>>();
        let begun = Counted::new();
        let (count, other_count) = (begun.clone(), begun.clone());
        let first = spawn(async move {
            let second = receive.await.unwrap();
            count.add();
            let _ends = gather((second, pending::<()>())).await;
        });
        let canceller = (*first).clone();
        let second = spawn(async move {
            other_count.add();
            let _ends = gather((first, pending::<()>())).await;
        });
        let other = (*second).clone();
        send.send(second).unwrap();
        until(|| begun.get() == 2).await;
        turns(5).await;
        canceller.cancel();
        timeout(BOUND, canceller.wait()).await.unwrap();
        timeout(BOUND, other.wait()).await.unwrap();
        assert!(canceller.cancelling() <= 2 && other.cancelling() <= 2, "they hand it round");
        assert!(canceller.cancelled() && other.cancelled());
    });
}
