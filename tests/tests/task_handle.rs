//! What a task's handle and builder can do besides being awaited: `try_result`, `cancel_on_drop`,
//! `spawn_eager`, `spawn_on`, `spawn_blocking`.

use std::future::pending;
use std::sync::{Arc, Mutex};
use std::thread;

use bowerbird::context::context_var;
use bowerbird::runtime::Handle;
use bowerbird::{
    Runner, Runtime, Task, current_task, spawn, spawn_eager, spawn_local, timeout, yield_now,
};
use bowerbird_tests::{Counted, Journal, catch, everywhere, on_workers, turns};

context_var! { static WHO: &str; }

#[test]
fn result_can_be_looked_at_before_it_is_taken() {
    everywhere(|| async {
        let counted = Counted::new();
        let mut task = spawn({
            let guard = counted.guard();
            async move { (vec![String::from("value")], guard) }
        });
        task.wait().await;
        for _ in 0..3 {
            assert_eq!(task.try_result().unwrap().unwrap().0, ["value"]);
        }
        assert_eq!(counted.get(), 0);
        let (value, guard) = (&mut task).await.unwrap();
        assert_eq!((value[0].as_str(), task.try_result().is_none()), ("value", true));
        drop((guard, task));
        assert_eq!(counted.get(), 1);
    });
}

#[test]
fn result_of_a_task_that_was_only_looked_at_is_dropped_once() {
    everywhere(|| async {
        let counted = Counted::new();
        let guard = counted.guard();
        let mut task = spawn(async move { guard });
        assert!(task.try_result().is_none());
        task.wait().await;
        assert!(task.try_result().unwrap().is_ok());
        drop(task);
        assert_eq!(counted.get(), 1);
    });
}

#[test]
fn result_that_need_not_be_send_can_be_looked_at() {
    everywhere(|| async {
        let mut task = spawn_local(async { std::rc::Rc::new(7) });
        task.wait().await;
        assert_eq!(**task.try_result().unwrap().unwrap(), 7);
    });
}

#[test]
fn errors_can_be_looked_at_and_are_then_not_reported_as_never_retrieved() {
    let journal = Journal::new();
    let heard = journal.clone();
    let builder = Runner::builder().worker_threads(1);
    let builder = builder.exception_handler(move |unhandled| heard.note(unhandled.message.clone()));
    let mut runner = builder.build().unwrap();
    runner
        .run(async {
            let fails = || spawn(async { assert_eq!(1, 2, "seen") });
            let mut task = fails();
            task.wait().await;
            assert!(task.try_result().unwrap().unwrap_err().is_panic());
            drop(task);
            let mut cancelled = spawn(pending::<()>());
            cancelled.cancel();
            cancelled.wait().await;
            assert!(cancelled.try_result().unwrap().unwrap_err().is_cancelled());
            journal.expect(&[]);
            let task = fails();
            task.wait().await;
            drop(task);
            assert_eq!(journal.lines().len(), 1);
        })
        .unwrap();
}

#[test]
fn task_is_cancelled_when_its_guard_is_dropped() {
    everywhere(|| async {
        let dropped = Counted::new();
        let guard = dropped.guard();
        let task = spawn(async move {
            let _guard = guard;
            pending::<()>().await;
        });
        let task = task.cancel_on_drop();
        let handle = task.handle();
        turns(2).await;
        assert!(!task.done());
        drop(task);
        handle.wait().await;
        assert!(handle.cancelled());
        assert_eq!(dropped.get(), 1);
    });
}

#[test]
fn guard_is_awaited_as_its_task_and_can_be_taken_away() {
    everywhere(|| async {
        assert_eq!(spawn(async { 1 }).cancel_on_drop().await.unwrap(), 1);
        let detached = spawn(async {
            turns(3).await;
            2
        });
        let detached = detached.cancel_on_drop().detach();
        let mut kept = spawn(turns(5)).cancel_on_drop();
        let short = timeout(std::time::Duration::ZERO, &mut kept).await;
        assert!(short.is_err() || kept.done());
        assert_eq!(detached.await.unwrap(), 2);
        assert!(kept.try_result().is_none() || kept.done());
    });
}

#[test]
fn eager_task_runs_to_its_first_suspension_as_a_task_of_its_own() {
    on_workers(1, async {
        let journal = Journal::new();
        let me = current_task().unwrap();
        let _token = WHO.set("spawner");
        let inner = journal.clone();
        let task = spawn_eager(async move {
            assert_ne!(current_task().unwrap(), me);
            inner.note(format!("begins as {}", WHO.get().unwrap()));
            drop(WHO.set("eager"));
            yield_now().await;
            inner.note(format!("goes on as {}", WHO.get().unwrap()));
        });
        journal.note(format!("spawned by {}", WHO.get().unwrap()));
        task.await.unwrap();
        journal.expect(&["begins as spawner", "spawned by spawner", "goes on as eager"]);
    });
    let caught = catch(|| drop(spawn_eager(async {})));
    assert!(caught.message.starts_with("spawn_eager() was called outside"), "{caught:?}");
    assert_eq!((caught.file.as_str(), caught.line), (file!(), line!() - 2));
}

#[test]
fn builder_spawns_on_another_runtime_from_any_thread() {
    let (first, second) = (Runtime::new().unwrap(), Runtime::new().unwrap());
    let handle = second.handle();
    let names = first.block_on(async {
        let task = Task::builder().name("over there").spawn_on(&handle, async {
            (current_task().unwrap().name(), Handle::current().all_tasks().len())
        });
        assert_eq!(task.spawn_location().line(), line!() - 3);
        task.await.unwrap()
    });
    assert_eq!((&*names.0, names.1), ("over there", 1));
    let outside = thread::spawn(move || {
        Task::builder().eager(true).spawn_on(&handle, async { current_task().is_some() })
    });
    assert!(second.block_on(outside.join().unwrap()).unwrap());
}

#[test]
fn builder_gives_blocking_work_its_name_and_context() {
    everywhere(|| async {
        let mut context = bowerbird::context::Context::new();
        context.run(|| drop(WHO.set("given")));
        let task = Task::builder().name("blocks").context(context).spawn_blocking(|| WHO.get());
        assert_eq!((&*task.name(), task.await.unwrap()), ("blocks", Some("given")));
    });
    let caught = catch(|| drop(Task::builder().spawn_blocking(|| ())));
    assert!(caught.message.starts_with("spawn_blocking() was called outside"), "{caught:?}");
}

#[test]
fn runtime_runs_blocking_work_for_threads_outside() {
    let runtime = Runtime::new().unwrap();
    let seen = Arc::new(Mutex::new(None));
    let inner = seen.clone();
    let task = runtime.spawn_blocking(move || {
        *inner.lock().unwrap() = Some(thread::current().id());
    });
    runtime.block_on(task).unwrap();
    assert_ne!(seen.lock().unwrap().unwrap(), thread::current().id());
}
