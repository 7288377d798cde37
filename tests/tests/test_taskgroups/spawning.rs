//! Spawning into a group, and when it takes no more.

use std::future::pending;
use std::pin::pin;
use std::sync::Arc;

use bowerbird::context::{ContextVar, copy_context};
use bowerbird::groups::{GroupClosed, GroupState};
use bowerbird::runtime::Handle;
use bowerbird::sync::Event;
use bowerbird::{
    BoxError, ExceptionGroup, Group, Task, TaskGroup, all_tasks, catch_cancel, current_task, sleep,
    spawn, task_group, task_group_send, yield_now,
};
use bowerbird_tests::{Counted, catch, everywhere, paused};

use super::{MS, MyExc, ZeroDivision, texts};

#[test]
fn test_taskgroup_23() {
    paused(async {
        task_group(async |g| {
            for count in 0..10 {
                sleep(100 * MS).await;
                g.spawn(sleep(300 * MS));
                if count == 5 {
                    assert!(g.len() < 5);
                }
            }
            sleep(1350 * MS).await;
            assert!(g.is_empty());
            Ok(())
        })
        .await
        .unwrap();
    });
}

#[test]
fn test_taskgroup_24() {
    paused(async {
        let begun = bowerbird::time::now();
        task_group(async |g| {
            let inner = g.clone();
            g.spawn(async move {
                sleep(100 * MS).await;
                inner.spawn(sleep(100 * MS));
                inner.spawn(sleep(200 * MS));
            });
            Ok(())
        })
        .await
        .unwrap();
        assert_eq!(bowerbird::time::now() - begun, 300 * MS);
    });
}

#[test]
fn test_taskgroup_25() {
    fn hydra(g: Group, heads: Counted) -> std::pin::Pin<Box<dyn Future<Output = ()> + Send>> {
        Box::pin(async move {
            heads.add();
            sleep(10 * MS).await;
            g.spawn(hydra(g.clone(), heads.clone()));
            g.spawn(hydra(g.clone(), heads.clone()));
        })
    }
    everywhere(|| async {
        let heads = Counted::new();
        let count = heads.clone();
        let error = task_group(async |g| {
            g.spawn(hydra(g.clone(), count.clone()));
            g.spawn(async move {
                while count.get() < 10 {
                    sleep(15 * MS).await;
                }
                Err::<(), _>(ZeroDivision)
            });
            Ok(())
        })
        .await
        .unwrap_err();
        assert_eq!(texts(&error), ["ZeroDivision"]);
        assert!(heads.get() >= 10);
        assert_eq!(all_tasks().len(), 1);
    });
}

#[test]
fn test_taskgroup_task_name() {
    everywhere(|| async {
        task_group(async |g| {
            let task = g.spawn_with(Task::builder().name("yolo"), async { yield_now().await });
            assert_eq!(&*task.name(), "yolo");
            Ok(())
        })
        .await
        .unwrap();
    });
}

#[test]
fn test_name() {
    everywhere(|| async {
        let name = task_group(async |g| {
            let named = Task::builder().name("example name");
            let task =
                g.spawn_with(named, async { Ok::<_, MyExc>(current_task().unwrap().name()) });
            Ok(task.await?)
        });
        assert_eq!(&*name.await.unwrap(), "example name");
    });
}

static VARIABLE: ContextVar<u32> = ContextVar::new("cvar");

#[test]
fn test_taskgroup_task_context() {
    everywhere(|| async {
        task_group(async |g| {
            let context = copy_context();
            let given = g.spawn_with(Task::builder().context(context.clone()), async {
                assert_eq!(VARIABLE.get(), None);
                drop(VARIABLE.set(1));
            });
            given.await?;
            assert_eq!(VARIABLE.get(), None);
            drop(VARIABLE.set(2));
            g.spawn(async { assert_eq!(VARIABLE.get(), Some(2)) });
            Ok(())
        })
        .await
        .unwrap();
    });
}

#[test]
fn test_taskgroup_no_create_task_after_failure() {
    everywhere(|| async {
        let seen = Counted::new();
        let count = seen.clone();
        let error = task_group(async |g| {
            let inner = g.clone();
            let begun = Arc::new(Event::new());
            let set = begun.clone();
            g.spawn(async move {
                set.set();
                assert!(catch_cancel(pending::<()>()).await.is_err());
                let refused = inner.try_spawn(async { Err::<(), _>(MyExc) }).unwrap_err();
                assert_eq!(refused.state(), GroupState::ShuttingDown);
                assert!(refused.to_string().contains("is shutting down"), "{refused}");
                count.add();
            });
            begun.wait().await;
            g.spawn(async { Err::<(), _>(ZeroDivision) });
            Ok(())
        })
        .await
        .unwrap_err();
        assert_eq!(texts(&error), ["ZeroDivision"]);
        assert_eq!(seen.get(), 1);
    });
}

#[test]
fn spawn_in_a_group_that_shuts_down_drops_the_future_unpolled_and_gives_a_cancelled_task() {
    everywhere(|| async {
        let dropped = Counted::new();
        let guard = dropped.guard();
        let late = task_group(async |g| {
            g.cancel();
            let late = g.spawn(async move {
                let _guard = guard;
                unreachable!("it is not polled");
            });
            assert_eq!(dropped.get(), 1);
            Ok(late)
        });
        let error = late.await.unwrap().await.unwrap_err();
        assert!(error.message().unwrap().contains("is shutting down"), "{error}");
    });
}

#[test]
fn test_taskgroup_finished() {
    everywhere(|| async {
        let dropped = Counted::new();
        let guard = dropped.guard();
        let group = task_group(async |g| Ok(g)).await.unwrap();
        let refused: GroupClosed = group.try_spawn(async move { drop(guard) }).unwrap_err();
        assert_eq!(refused.state(), GroupState::Finished);
        assert!(refused.to_string().contains("is finished"), "{refused}");
        assert_eq!(dropped.get(), 1, "the future is dropped");
        let line = line!() + 1;
        let caught = catch(|| drop(group.spawn(async {})));
        assert!(caught.message.contains("spawn() was called on a group"), "{caught:?}");
        assert!(caught.message.contains("is finished"), "{caught:?}");
        assert_eq!((&*caught.file, caught.line), (file!(), line));
    });
}

#[test]
fn test_taskgroup_not_entered() {
    everywhere(|| async {
        let group = TaskGroup::new().name("early");
        let handle = group.handle();
        let refused = handle.try_spawn(async {}).unwrap_err();
        assert_eq!(refused.state(), GroupState::NotEntered);
        let caught = catch(|| drop(handle.spawn(async {})));
        assert!(
            caught.message.contains("the TaskGroup `early` has not been entered"),
            "{caught:?}"
        );
        group.run(async |_| Ok(())).await.unwrap();
        assert_eq!(handle.state(), GroupState::Finished);
    });
}

#[test]
fn test_taskgroup_without_parent_task() {
    everywhere(|| async {
        let caught = catch(|| {
            let mut group = pin!(task_group(async |_| Ok(())));
            let outside = std::thread::spawn(|| ());
            outside.join().unwrap();
            // A thread of its own polls no task.
            std::thread::scope(|scope| {
                let polling = scope.spawn(|| {
                    let cx = &mut std::task::Context::from_waker(std::task::Waker::noop());
                    let caught = catch(|| group.as_mut().poll(cx));
                    caught.message
                });
                panic!("{}", polling.join().unwrap());
            });
        });
        assert!(caught.message.contains("was polled outside a task"), "{caught:?}");
    });
}

#[test]
fn test_cancels_task_if_created_during_creation() {
    // A child that is polled at once fails before its handle is in the list of the group.
    everywhere(|| async {
        let ran = Counted::new();
        let count = ran.clone();
        let error = task_group(async |g| {
            let inner = g.clone();
            g.spawn_with(Task::builder().eager(true), async move {
                let third = async { Err::<(), _>(MyExc) };
                inner.spawn_with(Task::builder().eager(true), third);
                assert!(catch_cancel(pending::<()>()).await.is_err());
                count.add();
            });
            Ok(())
        })
        .await
        .unwrap_err();
        assert_eq!(texts(&error), ["MyExc"]);
        assert_eq!(ran.get(), 1);
    });
}

#[test]
fn children_are_spawned_from_other_threads() {
    everywhere(|| async {
        let ended = Counted::new();
        task_group(async |g| {
            let threads: Vec<_> = (0..4)
                .map(|_| {
                    let (g, count, handle) = (g.clone(), ended.clone(), Handle::current());
                    std::thread::spawn(move || {
                        let _entered = handle.enter();
                        for _ in 0..100 {
                            let count = count.clone();
                            g.spawn(async move { count.add() });
                        }
                    })
                })
                .collect();
            threads.into_iter().for_each(|thread| thread.join().unwrap());
            Ok(())
        })
        .await
        .unwrap();
        assert_eq!(ended.get(), 400);
    });
}

#[test]
fn group_in_generic_code_is_send() {
    async fn generic<F, Fut>(body: F) -> Result<u32, ExceptionGroup>
    where
        F: FnOnce(Group) -> Fut + Send + 'static,
        Fut: Future<Output = Result<u32, BoxError>> + Send + 'static,
    {
        spawn(async move { task_group_send(body).await }).await.unwrap()
    }
    everywhere(|| async {
        let value = generic(|g| async move { Ok(g.spawn_value(async { 3 }).await?) });
        assert_eq!(value.await.unwrap(), 3);
    });
}

#[test]
fn body_may_borrow_from_its_surroundings() {
    everywhere(|| async {
        let text = String::from("borrowed");
        let mut seen = Vec::new();
        task_group(async |g| {
            seen.push(text.len());
            g.spawn(async {});
            Ok(())
        })
        .await
        .unwrap();
        assert_eq!(seen, [8]);
    });
}
