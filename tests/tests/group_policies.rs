//! What asyncio's `TaskGroup` does not have: policies, a limit, results as they come, `start`.

use std::error::Error;
use std::fmt;
use std::future::pending;
use std::time::Duration;

use bowerbird::groups::{GroupState, StartError, Started};
use bowerbird::sync::oneshot;
use bowerbird::{
    ExceptionGroup, Policy, Task, TaskError, TaskGroup, catch_cancel, current_task, sleep, spawn,
    task_group, timeout, yield_now,
};
use bowerbird_tests::{Counted, Journal, catch, everywhere, paused, turns, until};

const MS: Duration = Duration::from_millis(1);

#[derive(Debug, PartialEq)]
struct Bad(u32);

impl fmt::Display for Bad {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self, f)
    }
}

impl Error for Bad {}

fn texts(group: &ExceptionGroup) -> Vec<String> {
    group.exceptions().iter().map(ToString::to_string).collect()
}

// ---------------------------------------------------------------------------------------------------
// Policy::Supervisor
// ---------------------------------------------------------------------------------------------------

#[test]
fn supervisor_lets_siblings_and_body_go_on_and_gives_all_errors_at_the_end() {
    paused(async {
        let journal = Journal::new();
        let (sibling, body) = (journal.clone(), journal.clone());
        let error = TaskGroup::new()
            .policy(Policy::Supervisor)
            .run(async |group| {
                group.spawn(async { Err::<(), _>(Bad(1)) });
                group.spawn(async move {
                    sleep(10 * MS).await;
                    sibling.note("the sibling has ended");
                });
                group.spawn(async {
                    sleep(20 * MS).await;
                    Err::<(), _>(Bad(2))
                });
                sleep(5 * MS).await;
                group.spawn(async { panic!("third") });
                body.note("the body has ended");
                Ok(())
            })
            .await
            .unwrap_err();
        journal.expect(&["the body has ended", "the sibling has ended"]);
        assert_eq!(texts(&error), ["Bad(1)", "the task panicked: third", "Bad(2)"]);
    });
}

#[test]
fn error_of_a_supervisors_body_cancels_the_children() {
    everywhere(|| async {
        let dropped = Counted::new();
        let guard = dropped.guard();
        let ended = TaskGroup::new().policy(Policy::Supervisor).run(async |group| {
            group.spawn(async move {
                let _guard = guard;
                pending::<()>().await;
            });
            Err::<(), _>(Bad(1).into())
        });
        assert_eq!(texts(&ended.await.unwrap_err()), ["Bad(1)"]);
        assert_eq!(dropped.get(), 1);
    });
}

// ---------------------------------------------------------------------------------------------------
// The limit
// ---------------------------------------------------------------------------------------------------

#[test]
fn limit_lets_so_many_run_and_the_others_wait_in_order() {
    paused(async {
        let journal = Journal::new();
        let begun = bowerbird::time::now();
        let ended = TaskGroup::new().limit(2).run(async |group| {
            for n in 0..5 {
                let journal = journal.clone();
                group.spawn(async move {
                    journal.note(format!("{n} begins at {:?}", bowerbird::time::now() - begun));
                    sleep(10 * MS).await;
                });
            }
            Ok(())
        });
        ended.await.unwrap();
        journal.expect(&[
            "0 begins at 0ns",
            "1 begins at 0ns",
            "2 begins at 10ms",
            "3 begins at 10ms",
            "4 begins at 20ms",
        ]);
    });
}

#[test]
fn limit_holds_on_every_worker() {
    everywhere(|| async {
        let (running, peak, ended) = (Counter::default(), Counter::default(), Counted::new());
        let group = TaskGroup::new().limit(3).run(async |group| {
            for n in 0..300 {
                let (running, peak, ended) = (running.clone(), peak.clone(), ended.clone());
                group.spawn(async move {
                    peak.raise_to(running.add(1));
                    turns(n % 5).await;
                    running.add(-1);
                    ended.add();
                });
            }
            Ok(())
        });
        group.await.unwrap();
        assert_eq!(ended.get(), 300);
        assert!(peak.get() <= 3, "{} ran at a time", peak.get());
    });
}

#[derive(Clone, Default)]
struct Counter(std::sync::Arc<std::sync::Mutex<i32>>);

impl Counter {
    fn add(&self, count: i32) -> i32 {
        let mut value = self.0.lock().unwrap();
        *value += count;
        *value
    }

    fn raise_to(&self, count: i32) {
        let mut value = self.0.lock().unwrap();
        *value = count.max(*value);
    }

    fn get(&self) -> i32 {
        *self.0.lock().unwrap()
    }
}

#[test]
fn cancelled_children_that_wait_for_their_turn_pass_it_on() {
    everywhere(|| async {
        let ended = Counted::new();
        let group = TaskGroup::new().limit(1).run(async |group| {
            let (release, released) = oneshot::channel::<()>();
            let holder = group.spawn(async move { released.await.map_err(|_| Bad(1)) });
            let waiting: Vec<_> = (0..10)
                .map(|_| {
                    let count = ended.clone();
                    group.spawn(async move { count.add() })
                })
                .collect();
            turns(5).await;
            assert_eq!(ended.get(), 0);
            for task in waiting.iter().step_by(2) {
                task.cancel();
            }
            turns(5).await;
            assert!(!holder.done());
            release.send(()).unwrap();
            Ok(waiting)
        });
        let tasks = group.await.unwrap();
        assert_eq!(ended.get(), 5);
        assert_eq!(tasks.iter().filter(|task| task.cancelled()).count(), 5);
    });
}

#[test]
fn failure_in_a_group_with_a_limit_cancels_those_that_wait() {
    everywhere(|| async {
        let ran = Counted::new();
        let error = TaskGroup::new()
            .limit(1)
            .run(async |group| {
                group.spawn(async {
                    yield_now().await;
                    Err::<(), _>(Bad(1))
                });
                for _ in 0..10 {
                    let count = ran.clone();
                    group.spawn(async move { count.add() });
                }
                Ok(())
            })
            .await
            .unwrap_err();
        assert_eq!(texts(&error), ["Bad(1)"]);
        assert_eq!(ran.get(), 0);
    });
}

#[test]
fn limit_of_zero_is_refused_at_the_callers_line() {
    let line = line!() + 1;
    let caught = catch(|| TaskGroup::new().limit(0));
    assert!(caught.message.contains("TaskGroup::limit(0)"), "{caught:?}");
    assert_eq!((&*caught.file, caught.line), (file!(), line));
}

// ---------------------------------------------------------------------------------------------------
// Results as they come
// ---------------------------------------------------------------------------------------------------

#[test]
fn results_come_in_the_order_of_their_ends() {
    paused(async {
        let order = task_group(async |group| {
            let mut results = group.results();
            for delay in [30, 10, 20] {
                results.spawn(async move {
                    sleep(delay * MS).await;
                    Ok::<_, Bad>(delay)
                });
            }
            let mut order = Vec::new();
            while let Some(result) = results.next().await {
                order.push(result?);
                if order.len() == 1 {
                    results.spawn_value(async { 99 });
                }
            }
            assert_eq!(results.running(), 0);
            Ok(order)
        });
        assert_eq!(order.await.unwrap(), [10, 99, 20, 30]);
    });
}

#[test]
fn all_gives_values_errors_panics_and_cancellations_and_the_group_does_not_fail() {
    paused(async {
        let shown = task_group(async |group| {
            let mut results = group.results();
            results.spawn(async { Ok::<_, Bad>(1) });
            results.spawn(async { Err(Bad(2)) });
            results.spawn(async { panic!("third") as Result<u32, Bad> });
            let cancelled = results.spawn_value(pending());
            yield_now().await;
            cancelled.cancel();
            let all = results.all().await;
            let names: Vec<_> =
                all.iter().filter_map(|it| it.as_ref().err()?.task_name()).collect();
            assert_eq!(names.len(), 3, "{all:?}");
            assert_eq!(group.state(), GroupState::Open);
            Ok(all.into_iter().map(|it| it.map_err(|it| it.to_string())).collect::<Vec<_>>())
        });
        assert_eq!(
            shown.await.unwrap(),
            [
                Ok(1),
                Err("Bad(2)".into()),
                Err("the task panicked: third".into()),
                Err("the task was cancelled".into())
            ]
        );
    });
}

#[test]
fn error_that_the_body_passes_on_fails_the_group_with_its_task() {
    everywhere(|| async {
        let dropped = Counted::new();
        let guard = dropped.guard();
        let error = task_group(async |group| {
            let mut results = group.results();
            results.spawn(async { Err::<(), _>(Bad(1)) }).set_name("first");
            results.spawn(async move {
                let _guard = guard;
                pending::<Result<(), Bad>>().await
            });
            while let Some(result) = results.next().await {
                result?;
            }
            Ok(())
        })
        .await
        .unwrap_err();
        assert_eq!(texts(&error), ["Bad(1)"]);
        assert!(error.exceptions()[0].task_name().is_some());
        assert_eq!(dropped.get(), 1);
    });
}

#[test]
fn errors_that_nobody_has_taken_are_the_groups() {
    everywhere(|| async {
        for is_read_before in [false, true] {
            let error = task_group(async |group| {
                let mut results = group.results::<()>();
                results.spawn(async { Err::<(), _>(Bad(1)) });
                if is_read_before {
                    until(|| results.running() == 0).await;
                }
                drop(results);
                Ok(())
            });
            assert_eq!(texts(&error.await.unwrap_err()), ["Bad(1)"]);
        }
    });
}

#[test]
fn first_ok_gives_the_first_value_and_cancels_the_others() {
    paused(async {
        let dropped = Counted::new();
        let guard = dropped.guard();
        let first = task_group(async |group| {
            let mut results = group.results();
            results.spawn(async { Err(Bad(1)) });
            results.spawn(async {
                sleep(20 * MS).await;
                Ok::<_, Bad>("the fast one")
            });
            results.spawn(async move {
                let _guard = guard;
                sleep(1000 * MS).await;
                Ok::<_, Bad>("the slow one")
            });
            Ok(results.first_ok().await?)
        });
        let begun = bowerbird::time::now();
        assert_eq!(first.await.unwrap(), "the fast one");
        assert_eq!(bowerbird::time::now() - begun, 20 * MS);
        assert_eq!(dropped.get(), 1);
    });
}

#[test]
fn first_ok_where_none_succeeds_gives_all_errors() {
    everywhere(|| async {
        let error = task_group(async |group| {
            let mut results = group.results::<()>();
            results.spawn(async { Err::<(), _>(Bad(1)) });
            results.spawn(async { Err::<(), _>(Bad(2)) });
            Ok(results.first_ok().await?)
        })
        .await
        .unwrap_err();
        let inner = error.exceptions()[0].as_group().unwrap();
        assert_eq!(inner.to_string(), "no child has succeeded (2 sub-exceptions)");
        let error = task_group(async |group| Ok(group.results::<()>().first_ok().await?));
        assert!(
            error.await.unwrap_err().leaves().any(|it| it.to_string() == "no child was spawned")
        );
    });
}

#[test]
fn wait_for_a_result_that_is_cut_off_loses_nothing() {
    paused(async {
        let value = task_group(async |group| {
            let mut results = group.results();
            results.spawn_value(async {
                sleep(15 * MS).await;
                7
            });
            assert!(timeout(10 * MS, results.next()).await.is_err());
            Ok(results.next().await.unwrap()?)
        });
        assert_eq!(value.await.unwrap(), 7);
    });
}

#[test]
fn child_of_a_set_in_a_group_that_shuts_down_is_reported_as_cancelled() {
    everywhere(|| async {
        let result = task_group(async |group| {
            group.cancel();
            let mut results = group.results::<()>();
            results.spawn_value(async { unreachable!("it is not polled") });
            let error = results.next().await.unwrap().unwrap_err();
            Ok(error)
        });
        let error = result.await.unwrap();
        assert!(error.error().downcast_ref::<TaskError>().unwrap().is_cancelled());
    });
}

// ---------------------------------------------------------------------------------------------------
// start
// ---------------------------------------------------------------------------------------------------

#[test]
fn start_gives_the_value_and_the_child_goes_on_in_the_group() {
    everywhere(|| async {
        let journal = Journal::new();
        let noted = journal.clone();
        let port = task_group(async |group| {
            let port = group.start(|started| async move {
                yield_now().await;
                started.ready(8080);
                turns(5).await;
                noted.note("the child has ended");
            });
            Ok::<u16, _>(port.await?)
        });
        assert_eq!(port.await.unwrap(), 8080);
        journal.expect(&["the child has ended"]);
    });
}

#[test]
fn error_before_ready_is_the_starters_and_after_it_the_groups() {
    everywhere(|| async {
        let error = task_group(async |group| {
            let before = group.start(|started: Started<()>| async move {
                yield_now().await;
                drop(started);
                Err::<(), _>(Bad(1))
            });
            match before.await.unwrap_err() {
                StartError::Failed(failure) => {
                    assert_eq!(failure.error().downcast_ref(), Some(&Bad(1)));
                    assert!(failure.task_name().is_some());
                }
                other => panic!("{other:?}"),
            }
            let panicked = group.start(|_started: Started<()>| async { panic!("early") });
            let text = panicked.await.unwrap_err().to_string();
            assert_eq!(text, "the child failed before it was ready: the task panicked: early");
            assert_eq!(group.state(), GroupState::Open);
            let after = group.start(|started| async move {
                started.ready(());
                yield_now().await;
                Err::<(), _>(Bad(2))
            });
            after.await?;
            pending::<()>().await;
            Ok(())
        })
        .await
        .unwrap_err();
        assert_eq!(texts(&error), ["Bad(2)"]);
    });
}

#[test]
fn child_that_ends_or_drops_its_started_without_ready_is_a_clear_error() {
    everywhere(|| async {
        task_group(async |group| {
            let line = line!() + 1;
            let ended = group.start(|started: Started<()>| async move { drop(started) });
            let error = ended.await.unwrap_err().to_string();
            assert!(error.contains("ended without calling `started.ready(value)`"), "{error}");
            assert!(error.contains(&format!("{}:{line}", file!())), "{error}");

            let dropped = Counted::new();
            let guard = dropped.guard();
            let goes_on = group.start(|started: Started<()>| async move {
                let _guard = guard;
                drop(started);
                pending::<()>().await;
            });
            assert!(matches!(goes_on.await, Err(StartError::NotReady { .. })));
            until(|| dropped.get() == 1).await;
            Ok(())
        })
        .await
        .unwrap();
    });
}

#[test]
fn start_in_a_group_that_takes_no_children_is_an_error() {
    everywhere(|| async {
        let group = task_group(async |group| Ok(group)).await.unwrap();
        let error = group.start(|started| async move { started.ready(()) }).await.unwrap_err();
        assert!(matches!(error, StartError::Closed(_)), "{error:?}");
        assert!(error.to_string().contains("is finished"), "{error}");
    });
}

#[test]
fn start_that_is_cancelled_cancels_the_child() {
    everywhere(|| async {
        let (begun, dropped) = (Counted::new(), Counted::new());
        let (count, guard) = (begun.clone(), dropped.guard());
        let task: Task<_> = spawn(task_group(async move |group| {
            let start = group.start(|started: Started<()>| async move {
                let _guard = (guard, started);
                count.add();
                pending::<()>().await;
            });
            assert!(catch_cancel(start).await.is_err());
            current_task().unwrap().uncancel();
            Ok("went on")
        }));
        until(|| begun.get() == 1).await;
        task.cancel();
        assert_eq!(task.await.unwrap().unwrap(), "went on");
        assert_eq!(dropped.get(), 1);
    });
}

#[test]
fn child_cancelled_before_it_is_ready_tells_the_starter() {
    everywhere(|| async {
        let error = task_group(async |group| {
            let start = group.start(|started: Started<()>| async move {
                current_task().unwrap().cancel();
                yield_now().await;
                started.ready(());
            });
            Ok(start.await.unwrap_err())
        });
        assert!(matches!(error.await.unwrap(), StartError::Cancelled));
    });
}
