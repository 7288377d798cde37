//! Hooks that are told of tasks: each task's spawn, polls and end, once each, in this order.

use std::collections::BTreeMap;
use std::future::pending;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use bowerbird::runtime::Builder;
use bowerbird::runtime::call_exception_handler;
use bowerbird::tasks::TaskId;
use bowerbird::{
    Runner, TaskHandle, defer, gather, spawn, spawn_blocking, spawn_eager, spawn_local, yield_now,
};
use bowerbird_tests::WORKER_COUNTS;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Told {
    Spawn,
    Before,
    After,
    End,
}

type Log = Arc<Mutex<BTreeMap<TaskId, Vec<Told>>>>;

fn note(log: &Log, told: Told) -> impl Fn(&TaskHandle) + Send + Sync + 'static {
    let log = log.clone();
    move |task| {
        assert_eq!(task.done(), told == Told::End);
        log.lock().unwrap().entry(task.id()).or_default().push(told);
    }
}

fn hooked(workers: usize, log: &Log) -> Builder<Runner> {
    Runner::builder()
        .worker_threads(workers)
        .on_task_spawn(note(log, Told::Spawn))
        .on_before_task_poll(note(log, Told::Before))
        .on_after_task_poll(note(log, Told::After))
        .on_task_terminate(note(log, Told::End))
}

fn count(log: &Log, told: Told) -> usize {
    log.lock().unwrap().values().flatten().filter(|it| **it == told).count()
}

#[test]
fn each_task_is_told_of_from_its_spawn_to_its_end() {
    for workers in WORKER_COUNTS {
        let log = Log::default();
        hooked(workers, &log)
            .build()
            .unwrap()
            .run(async {
                let children = (0..50).map(|n| async move {
                    for _ in 0..n % 4 {
                        yield_now().await;
                    }
                });
                gather(children.collect::<Vec<_>>()).await;
                spawn_local(yield_now()).await.unwrap();
                spawn_eager(async {}).await.unwrap();
                spawn(async { panic!("seen by the awaiter") }).await.unwrap_err();
            })
            .unwrap();
        let log = log.lock().unwrap();
        assert_eq!(log.len(), 54, "main, fifty children, three more");
        for (id, told) in log.iter() {
            assert_eq!((told[0], told[told.len() - 1]), (Told::Spawn, Told::End), "{id}: {told:?}");
            let polls = &told[1..told.len() - 1];
            assert!(
                polls.chunks(2).all(|poll| *poll == [Told::Before, Told::After]),
                "{id}: {told:?}"
            );
            assert!(!polls.is_empty());
        }
    }
}

#[test]
fn task_that_a_hook_cancels_is_never_polled() {
    let log = Log::default();
    let main_came = AtomicBool::new(false);
    let builder = hooked(1, &log).on_task_spawn(move |task| {
        if main_came.swap(true, Ordering::Relaxed) {
            task.cancel();
        }
    });
    builder
        .build()
        .unwrap()
        .run(async {
            assert!(spawn(pending::<()>()).await.unwrap_err().is_cancelled());
        })
        .unwrap();
    assert_eq!(count(&log, Told::End), 2);
    let log = log.lock().unwrap();
    assert!(log.values().any(|told| *told == [Told::End]), "{log:?}");
}

#[test]
fn end_comes_after_the_cleanups() {
    for workers in WORKER_COUNTS {
        let log = Log::default();
        let seen = log.clone();
        hooked(workers, &log)
            .build()
            .unwrap()
            .run(async move {
                let task = spawn(async move {
                    let _cleanup = defer(async move {
                        yield_now().await;
                        assert_eq!(count(&seen, Told::End), 0);
                    });
                });
                task.await.unwrap();
            })
            .unwrap();
        assert_eq!(count(&log, Told::End), 2);
    }
}

#[test]
fn blocking_calls_and_what_the_runtime_spawns_for_itself_are_not_told_of() {
    let log = Log::default();
    hooked(2, &log)
        .build()
        .unwrap()
        .run(async {
            spawn_blocking(|| ()).await.unwrap();
            let (told, heard) = bowerbird::sync::oneshot::channel();
            let task = spawn(async {});
            task.add_done_callback(move |_| told.send(()).expect("somebody listens"));
            task.await.unwrap();
            heard.await.unwrap();
        })
        .unwrap();
    assert_eq!(log.lock().unwrap().len(), 2, "main and one task");
}

#[test]
fn hook_that_panics_is_reported_and_the_task_goes_on() {
    let reports = Arc::new(Mutex::new(Vec::new()));
    let heard = reports.clone();
    let output = Runner::builder()
        .worker_threads(1)
        .on_after_task_poll(|_| panic!("a bad hook"))
        .exception_handler(move |unhandled| heard.lock().unwrap().push(unhandled.to_string()))
        .build()
        .unwrap()
        .run(async { spawn(async { 1 }).await.unwrap() });
    assert_eq!(output.unwrap(), 1);
    let reports = reports.lock().unwrap();
    assert!(
        !reports.is_empty() && reports.iter().all(|it| it.contains("a bad hook")),
        "{reports:?}"
    );
}

#[test]
fn hook_may_use_the_runtime() {
    let reports = Arc::new(Mutex::new(0));
    let heard = reports.clone();
    Runner::builder()
        .worker_threads(2)
        .exception_handler(move |_| *heard.lock().unwrap() += 1)
        .on_task_terminate(|task| {
            let unhandled = bowerbird::runtime::Unhandled::new(
                bowerbird::runtime::UnhandledKind::Other,
                "ended",
            );
            call_exception_handler(&unhandled.with_task(task));
        })
        .build()
        .unwrap()
        .run(async { gather((async {}, async {})).await })
        .unwrap();
    assert_eq!(*reports.lock().unwrap(), 3);
}
