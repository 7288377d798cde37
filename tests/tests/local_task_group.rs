//! `local_task_group`: a group inside one task.

use std::cell::{Cell, RefCell};
use std::error::Error;
use std::fmt;
use std::future::{pending, poll_fn};
use std::rc::Rc;
use std::task::Poll;
use std::time::Duration;

use bowerbird::groups::{GroupCancelled, GroupState, LocalChild};
use bowerbird::sync::oneshot;
use bowerbird::{
    ExceptionGroup, cancel_scope, catch_cancel, current_task, defer, local_task_group, sleep,
    spawn, spawn_local, timeout, yield_now,
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

#[test]
fn children_borrow_and_need_not_be_send() {
    everywhere(|| async {
        let names = vec![String::from("a"), String::from("bc"), String::from("def")];
        let lengths = RefCell::new(Vec::new());
        let shared = Rc::new(Cell::new(0));
        local_task_group(async |group| {
            for name in &names {
                let shared = shared.clone();
                let lengths = &lengths;
                group.spawn(async move {
                    yield_now().await;
                    shared.set(shared.get() + 1);
                    lengths.borrow_mut().push(name.len());
                });
            }
            Ok(())
        })
        .await
        .unwrap();
        assert_eq!(lengths.into_inner(), [1, 2, 3]);
        assert_eq!(shared.get(), 3);
        assert_eq!(Rc::strong_count(&shared), 1);
    });
}

#[test]
fn body_awaits_children_and_gets_their_values() {
    everywhere(|| async {
        let sum = local_task_group(async |group| {
            let one = group.spawn_value(async { 1 });
            let two = group.spawn(async { Ok::<_, Bad>(2) });
            Ok(two.await? + one.await?)
        });
        assert_eq!(sum.await.unwrap(), 3);
    });
}

#[test]
fn children_run_in_the_task_of_the_group() {
    everywhere(|| async {
        let me = current_task().unwrap();
        local_task_group(async |group| {
            let me = &me;
            group.spawn(async move { assert_eq!(current_task().as_ref(), Some(me)) });
            Ok(())
        })
        .await
        .unwrap();
    });
}

#[test]
fn children_spawned_by_children_are_waited_for() {
    everywhere(|| async {
        let ended = Cell::new(0);
        local_task_group(async |group| {
            let inner = group.clone();
            let ended = &ended;
            group.spawn(async move {
                yield_now().await;
                for _ in 0..5 {
                    inner.spawn(async move {
                        turns(3).await;
                        ended.set(ended.get() + 1);
                    });
                }
            });
            Ok(())
        })
        .await
        .unwrap();
        assert_eq!(ended.get(), 5);
    });
}

#[test]
fn only_children_that_were_woken_are_polled() {
    everywhere(|| async {
        let polls = Cell::new(0);
        let (send, receive) = oneshot::channel::<()>();
        local_task_group(async |group| {
            let polls = &polls;
            for _ in 0..10 {
                let mut waited = Box::pin(sleep(5 * MS));
                group.spawn(poll_fn(move |cx| {
                    polls.set(polls.get() + 1);
                    waited.as_mut().poll(cx)
                }));
            }
            group.spawn(async move {
                turns(100).await;
                send.send(()).unwrap();
            });
            group.spawn(async move { receive.await.map_err(|_| Bad(0)) });
            Ok(())
        })
        .await
        .unwrap();
        assert_eq!(polls.get(), 20, "one poll at the start, one at the end");
    });
}

#[test]
fn failure_cancels_siblings_and_body_in_the_same_poll() {
    everywhere(|| async {
        let dropped = Counted::new();
        let (sibling, body) = (dropped.guard(), dropped.guard());
        let error = local_task_group(async |group| {
            group.spawn(async move {
                let _guard = sibling;
                pending::<()>().await;
            });
            group.spawn(async {
                yield_now().await;
                Err::<(), _>(Bad(1))
            });
            let _guard = body;
            pending::<()>().await;
            Ok(())
        })
        .await
        .unwrap_err();
        assert_eq!(texts(&error), ["Bad(1)"]);
        assert_eq!(dropped.get(), 2);
        assert_eq!(current_task().unwrap().cancelling(), 0);
        yield_now().await;
    });
}

#[test]
fn errors_stand_in_the_order_of_time_and_the_bodys_is_the_last() {
    paused(async {
        let error = local_task_group(async |group| {
            for n in [30, 10, 20] {
                group.spawn(async move {
                    match catch_cancel(sleep(n * MS)).await {
                        Ok(()) => Err::<(), _>(Bad(n)),
                        Err(_) => Err(Bad(1000 + n)),
                    }
                });
            }
            catch_cancel(pending::<()>()).await.map_err(|_| Bad(0))?;
            Ok(())
        })
        .await
        .unwrap_err();
        assert_eq!(texts(&error), ["Bad(10)", "Bad(1030)", "Bad(1020)", "Bad(0)"]);
    });
}

#[test]
fn panic_of_a_child_is_an_error_with_its_spawn_site() {
    everywhere(|| async {
        let line = line!() + 2;
        let error = local_task_group(async |group| {
            group.spawn(async { panic!("inside") });
            Ok(())
        })
        .await
        .unwrap_err();
        assert_eq!(texts(&error), ["the task panicked: inside"]);
        assert_eq!(error.exceptions()[0].spawned_at().unwrap().line(), line);
    });
}

#[test]
fn error_of_the_body_cancels_the_children() {
    everywhere(|| async {
        let dropped = Counted::new();
        let guard = dropped.guard();
        let error = local_task_group(async |group| {
            group.spawn(async move {
                let _guard = guard;
                pending::<()>().await;
            });
            yield_now().await;
            Err::<(), _>(Bad(1).into())
        })
        .await
        .unwrap_err();
        assert_eq!(texts(&error), ["Bad(1)"]);
        assert_eq!(dropped.get(), 1);
    });
}

#[test]
fn cancelled_child_is_no_error_and_one_never_polled_is_dropped_unpolled() {
    everywhere(|| async {
        let (first, second) = local_task_group(async |group| {
            let first = group.spawn(async { unreachable!("it is not polled") });
            assert!(first.cancel());
            let second = group.spawn(pending::<()>());
            turns(2).await;
            second.cancel();
            turns(2).await;
            assert!(second.done() && !second.cancel());
            assert!(group.is_empty());
            Ok((first, second))
        })
        .await
        .unwrap();
        let first: Result<std::convert::Infallible, _> = first.await;
        assert!(first.unwrap_err().is_cancelled());
        assert!(second.try_join().unwrap().unwrap_err().is_cancelled());
    });
}

#[test]
fn error_of_a_child_that_the_body_awaits_is_in_the_group_once() {
    everywhere(|| async {
        let error = local_task_group(async |group| {
            let child = group.spawn(async { Err::<u32, _>(Bad(1)) });
            Ok(child.await?)
        })
        .await
        .unwrap_err();
        assert_eq!(texts(&error), ["Bad(1)"]);
    });
}

#[test]
fn outer_cancel_ends_body_and_children_and_goes_on() {
    for waits_in_body in [false, true] {
        everywhere(|| async move {
            let (begun, dropped) = (Counted::new(), Counted::new());
            let (count, guard) = (begun.clone(), dropped.guard());
            let task = spawn_local(async move {
                local_task_group(async |group| {
                    group.spawn(async move {
                        let _guard = guard;
                        count.add();
                        pending::<()>().await;
                    });
                    if waits_in_body {
                        pending::<()>().await;
                    }
                    Ok(())
                })
                .await
            });
            until(|| begun.get() == 1).await;
            task.cancel_with("outer");
            assert_eq!(task.await.unwrap_err().message(), Some("outer"));
            assert_eq!(dropped.get(), 1);
        });
    }
}

#[test]
fn outer_timeout_goes_through() {
    paused(async {
        let dropped = Counted::new();
        let guard = dropped.guard();
        let group = local_task_group(async move |group| {
            group.spawn(async move {
                let _guard = guard;
                sleep(1000 * MS).await;
            });
            Ok(())
        });
        assert!(timeout(10 * MS, group).await.is_err());
        assert_eq!(dropped.get(), 1);
    });
}

#[test]
fn errors_win_over_an_outer_request_which_is_offered_again() {
    everywhere(|| async {
        let journal = Journal::new();
        let inner = journal.clone();
        let begun = Counted::new();
        let count = begun.clone();
        let task = spawn_local(async move {
            let ended = local_task_group(async |group| {
                group.spawn(async {
                    count.add();
                    catch_cancel(pending::<()>()).await.map_err(|_| Bad(1))
                });
                Ok(())
            })
            .await;
            inner.note(texts(&ended.unwrap_err()).join(" "));
            yield_now().await;
            inner.note("the request is lost");
        });
        until(|| begun.get() == 1).await;
        task.cancel();
        assert!(task.await.unwrap_err().is_cancelled());
        journal.expect(&["Bad(1)"]);
    });
}

#[test]
fn body_that_catches_the_outer_request_leaves_the_children_running() {
    everywhere(|| async {
        let (release, released) = oneshot::channel::<()>();
        let task = spawn_local(async move {
            let ended = Cell::new(0);
            local_task_group(async |group| {
                let ended = &ended;
                group.spawn(async move {
                    released.await.unwrap();
                    ended.set(1);
                });
                assert!(catch_cancel(pending::<()>()).await.is_err());
                current_task().unwrap().uncancel();
                Ok(())
            })
            .await
            .unwrap();
            ended.get()
        });
        turns(3).await;
        task.cancel();
        turns(3).await;
        assert!(!task.done());
        release.send(()).unwrap();
        assert_eq!(task.await.unwrap(), 1);
    });
}

#[test]
fn awaiter_of_a_child_hands_its_request_to_the_child() {
    everywhere(|| async {
        let task = spawn_local(async {
            local_task_group(async |group| {
                let answers = group.spawn_value(async {
                    assert!(catch_cancel(pending::<()>()).await.is_err());
                    "answered"
                });
                let answer = answers.await?;
                current_task().unwrap().uncancel();
                Ok(answer)
            })
            .await
        });
        turns(3).await;
        task.cancel();
        assert_eq!(task.await.unwrap().unwrap(), "answered");
    });
}

#[test]
fn cancel_ends_the_group_without_an_error() {
    everywhere(|| async {
        let ended = local_task_group(async |group| {
            let canceller = group.clone();
            group.spawn(async move { canceller.cancel() });
            pending::<()>().await;
            Ok(())
        });
        assert_eq!(ended.until_cancelled().await.unwrap(), None);
        let error = local_task_group(async |group| {
            group.cancel();
            pending::<()>().await;
            Ok(())
        });
        assert!(error.await.unwrap_err().find::<GroupCancelled>().is_some());
    });
}

#[test]
fn spawn_in_a_group_that_shuts_down_or_is_finished_is_refused() {
    everywhere(|| async {
        let group = local_task_group(async |group| {
            group.cancel();
            let late = group.spawn(async { unreachable!("it is not polled") });
            assert!(late.done());
            assert_eq!(group.try_spawn(async {}).unwrap_err().state(), GroupState::ShuttingDown);
            Ok(group)
        })
        .await
        .unwrap();
        let line = line!() + 1;
        let caught = catch(|| drop(group.spawn(async {})));
        assert!(caught.message.contains("is finished"), "{caught:?}");
        assert_eq!((&*caught.file, caught.line), (file!(), line));
    });
}

#[test]
fn group_dropped_half_way_drops_its_children_and_leaves_no_cycle() {
    everywhere(|| async {
        let kept = Rc::new(());
        let held = kept.clone();
        let mut group = Box::pin(local_task_group(async |group| {
            let inner = group.clone();
            group.spawn(async move {
                let _held = (held, inner);
                pending::<()>().await;
            });
            pending::<()>().await;
            Ok(())
        }));
        poll_fn(|cx| {
            assert!(group.as_mut().poll(cx).is_pending());
            Poll::Ready(())
        })
        .await;
        assert_eq!(Rc::strong_count(&kept), 2);
        drop(group);
        assert_eq!(Rc::strong_count(&kept), 1);
    });
}

#[test]
fn children_woken_from_other_threads_are_polled() {
    everywhere(|| async {
        let sum = Cell::new(0);
        local_task_group(async |group| {
            for n in 0..50 {
                let sum = &sum;
                group.spawn(async move {
                    let value = spawn(async move {
                        turns(n % 5).await;
                        n
                    });
                    let value = value.await.unwrap();
                    sum.set(sum.get() + value);
                });
            }
            Ok(())
        })
        .await
        .unwrap();
        assert_eq!(sum.get(), 49 * 50 / 2);
    });
}

#[test]
fn nested_groups_fail_separately() {
    everywhere(|| async {
        let error = local_task_group(async |outer| {
            outer.spawn(pending::<()>());
            local_task_group(async |inner| {
                inner.spawn(async { Err::<(), _>(Bad(1)) });
                Ok(())
            })
            .await?;
            Ok(())
        })
        .await
        .unwrap_err();
        assert_eq!(texts(&error), ["unhandled errors in a TaskGroup (1 sub-exception)"]);
        assert_eq!(texts(error.exceptions()[0].as_group().unwrap()), ["Bad(1)"]);
    });
}

#[test]
fn request_that_meets_a_child_that_has_ended_is_not_lost() {
    everywhere(|| async {
        let task = spawn_local(async {
            local_task_group(async |group| {
                let child = group.spawn(async {
                    yield_now().await;
                    // It is offered in the poll in which the body sees that the child has ended.
                    current_task().unwrap().cancel();
                });
                child.await?;
                turns(3).await;
                Ok(())
            })
            .await
        });
        assert!(task.await.unwrap_err().is_cancelled());
    });
}

#[test]
fn child_awaited_with_a_request_about_is_cancelled_and_waited_for() {
    everywhere(|| async {
        let journal = Journal::new();
        let seen = journal.clone();
        let task = spawn_local(async move {
            local_task_group(async |group| {
                let inner = seen.clone();
                let child = group.spawn(async move {
                    let _cleanup = defer(async move {
                        turns(2).await;
                        inner.note("the child has cleaned up");
                    });
                    pending::<()>().await
                });
                yield_now().await;
                current_task().unwrap().cancel();
                let shielded = cancel_scope(async |scope| {
                    scope.set_shield(true);
                    yield_now().await;
                });
                shielded.await.unwrap();
                // The request is about when the child is awaited for the first time.
                let caught = catch_cancel(child).await.is_err();
                seen.note(format!("caught: {caught}"));
                group.cancel();
                Ok(())
            })
            .await
        });
        task.await.unwrap().unwrap();
        journal.expect(&["the child has cleaned up", "caught: true"]);
    });
}

#[test]
fn children_that_await_each_other_end_with_their_group() {
    paused(async {
        let ended = local_task_group(async |group| {
            let places = Rc::new((RefCell::new(None), RefCell::new(None)));
            let (a, b) = (places.clone(), places.clone());
            let first = group.spawn(async move {
                yield_now().await;
                let other: LocalChild<'_, ()> = a.1.take().unwrap();
                drop(other.await);
            });
            let second = group.spawn(async move {
                yield_now().await;
                let other: LocalChild<'_, ()> = b.0.take().unwrap();
                drop(other.await);
            });
            places.0.replace(Some(first));
            places.1.replace(Some(second));
            turns(3).await;
            group.cancel();
            Ok(())
        });
        timeout(1000 * MS, ended).await.expect("the group ends").unwrap();
    });
}
