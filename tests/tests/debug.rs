//! Debug mode: what it reports, how it is switched, and that it is silent when off.
//!
//! Names after CPython's test_base_events and test_tasks.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use bowerbird::runtime::{Handle, Unhandled, UnhandledKind, call_exception_handler};
use bowerbird::{Runner, spawn, spawn_blocking};
use bowerbird_tests::{WORKER_COUNTS, child_command, text_of, until};

type Heard = Arc<Mutex<Vec<Unhandled>>>;

/// Runs a program on one worker and on several, in debug mode or not; each poll is a slow one, or none is.
fn everywhere<F: Future>(debug: bool, slow: Duration, program: impl Fn(Heard) -> F) {
    for workers in WORKER_COUNTS {
        let heard = Heard::default();
        let log = heard.clone();
        let mut runner = Runner::builder()
            .worker_threads(workers)
            .debug(debug)
            .slow_callback_duration(slow)
            .exception_handler(move |unhandled| log.lock().unwrap().push(unhandled.clone()))
            .build()
            .unwrap();
        runner.run(program(heard)).unwrap();
    }
}

const ALL: Duration = Duration::ZERO;
const NONE: Duration = Duration::from_secs(3_600);

/// The reports that concern a name.
fn of(heard: &Heard, name: &str) -> Vec<Unhandled> {
    let heard = heard.lock().unwrap();
    heard.iter().filter(|it| it.task_name.as_deref() == Some(name)).cloned().collect()
}

#[test]
fn set_debug() {
    everywhere(false, ALL, async |heard| {
        let handle = Handle::current();
        assert!(!handle.get_debug());
        // A task that is there when debug mode is switched on is watched too.
        let (sender, receiver) = bowerbird::sync::oneshot::channel::<()>();
        let (begun, begins) = bowerbird::sync::oneshot::channel::<()>();
        let task = spawn(async {
            begun.send(()).unwrap();
            receiver.await.unwrap();
        });
        task.set_name("early");
        begins.await.unwrap();
        assert!(of(&heard, "early").is_empty());
        handle.set_debug(true);
        assert!(handle.get_debug());
        sender.send(()).unwrap();
        task.await.unwrap();
        assert_eq!(of(&heard, "early").len(), 1);
        handle.set_debug(false);
        assert!(!handle.get_debug());
        let task = spawn(async {});
        task.set_name("late");
        task.await.unwrap();
        assert!(of(&heard, "late").is_empty());
    });
}

#[test]
fn log_slow_callbacks() {
    everywhere(true, ALL, async |heard| {
        let line = line!() + 1;
        let task = spawn(bowerbird::yield_now());
        task.set_name("slow");
        let handle = task.handle();
        task.await.unwrap();
        let reports = of(&heard, "slow");
        assert_eq!(reports.len(), 2, "two polls");
        for report in reports {
            assert_eq!(report.kind, UnhandledKind::Slow);
            assert_eq!(report.task.as_ref(), Some(&handle));
            assert_eq!(report.location.unwrap().line(), line);
            let text = report.message.clone();
            let at = handle.spawn_location();
            assert!(text.starts_with("Executing <Task slow "), "{text}");
            assert!(text.contains(&format!("spawned at {at}> took 0.")), "{text}");
            assert!(text.ends_with(" seconds"), "{text}");
            assert!(report.to_string().starts_with(&format!("{text}\nspawned from:\n")));
        }
    });
}

#[test]
fn log_slow_done_callbacks() {
    everywhere(true, ALL, async |heard| {
        let task = spawn(async {});
        let line = line!() + 1;
        task.add_done_callback(|_| {});
        let is_callback = |it: &Unhandled| it.message.starts_with("Executing <callback registered");
        until(|| heard.lock().unwrap().iter().any(is_callback)).await;
        let heard = heard.lock().unwrap();
        let report = heard.iter().find(|it| is_callback(it)).unwrap();
        assert_eq!(report.location.unwrap().line(), line);
    });
}

#[test]
fn log_slow_callbacks_of_the_loop() {
    for (debug, expected) in [(true, 1), (false, 0)] {
        let heard = Heard::default();
        let log = heard.clone();
        let mut event_loop = bowerbird::EventLoop::builder()
            .debug(debug)
            .slow_callback_duration(ALL)
            .exception_handler(move |unhandled| log.lock().unwrap().push(unhandled.clone()))
            .build()
            .unwrap();
        let handle = event_loop.handle();
        let line = line!() + 1;
        event_loop.call_soon(move || handle.stop());
        event_loop.run_forever().unwrap();
        let heard = heard.lock().unwrap();
        let slow: Vec<_> = heard
            .iter()
            .filter(|it| it.message.starts_with("Executing <callback registered at"))
            .filter(|it| it.location.unwrap().line() == line)
            .collect();
        assert_eq!(slow.len(), expected, "{heard:?}");
    }
}

#[test]
fn fast_polls_and_blocking_work_are_not_reported() {
    everywhere(true, NONE, async |heard| {
        spawn(bowerbird::yield_now()).await.unwrap();
        assert!(heard.lock().unwrap().is_empty());
        Handle::current().set_slow_callback_duration(ALL);
        assert_eq!(Handle::current().slow_callback_duration(), ALL);
        let work = spawn_blocking(|| ());
        work.set_name("work");
        work.await.unwrap();
        assert!(of(&heard, "work").is_empty(), "that is what the pool is for");
    });
}

#[test]
fn the_time_of_the_exception_handler_is_nobody_elses() {
    const LIMIT: Duration = Duration::from_millis(300);
    let heard = Heard::default();
    let log = heard.clone();
    let runner = Runner::builder().worker_threads(1).debug(true).slow_callback_duration(LIMIT);
    let mut runner = runner
        .exception_handler(move |unhandled| {
            // As slow as the first look at a backtrace may be. A handler that reports counts once.
            std::thread::sleep(LIMIT);
            if unhandled.message == "outer" {
                call_exception_handler(&Unhandled::new(UnhandledKind::Other, "inner"));
            }
            log.lock().unwrap().push(unhandled.clone());
        })
        .build()
        .unwrap();
    let report = |text| call_exception_handler(&Unhandled::new(UnhandledKind::Other, text));
    let slow_after = runner.run(async move {
        let task = spawn(async move { report("outer") });
        task.add_done_callback(move |_| report("of a callback"));
        task.await.unwrap();
        // A poll that is slow by itself is still heard of, whatever it reports.
        spawn(async move {
            report("before");
            std::thread::sleep(LIMIT);
        })
    });
    runner.run(slow_after.unwrap()).unwrap().unwrap();
    drop(runner);
    let heard = heard.lock().unwrap();
    let slow = heard.iter().filter(|it| it.kind == UnhandledKind::Slow).count();
    let told: Vec<_> = heard.iter().map(|it| &it.message).collect();
    assert_eq!((slow, heard.len()), (1, 5), "{told:?}");
}

#[test]
fn nothing_is_reported_without_debug_mode() {
    everywhere(false, ALL, async |heard| {
        let task = spawn(bowerbird::yield_now());
        assert!(task.spawn_backtrace().is_none());
        task.await.unwrap();
        drop(bowerbird::gather((async {},)));
        assert!(heard.lock().unwrap().is_empty());
    });
}

#[inline(never)]
fn spawner_in_a_function() -> bowerbird::Task<()> {
    spawn(async {})
}

#[test]
fn task_source_traceback() {
    everywhere(true, NONE, async |heard| {
        let task = spawner_in_a_function();
        let backtrace = task.spawn_backtrace().unwrap().to_string();
        assert!(backtrace.contains("spawner_in_a_function"), "{backtrace}");
        let shown = format!("{task:#?}");
        assert!(
            shown.contains("spawned from:") && shown.contains("spawner_in_a_function"),
            "{shown}"
        );
        task.await.unwrap();
        // It is in reports too.
        drop(spawn(async { panic!("unseen") }));
        until(|| !heard.lock().unwrap().is_empty()).await;
        assert!(heard.lock().unwrap()[0].backtrace.is_some());
    });
}

#[test]
fn every_kind_of_task_knows_from_where_it_was_spawned() {
    everywhere(true, NONE, async |_| {
        assert!(bowerbird::current_task().unwrap().spawn_backtrace().is_some(), "main");
        let local = bowerbird::spawn_local(async {});
        assert!(local.spawn_backtrace().is_some());
        assert!(spawn_blocking(|| ()).spawn_backtrace().is_some());
        let eager = bowerbird::Task::builder().eager(true).spawn(async {});
        assert!(eager.spawn_backtrace().is_some());
        let handle = Handle::current();
        let outside = std::thread::spawn(move || handle.spawn(async {})).join().unwrap();
        assert!(outside.spawn_backtrace().is_some());
        bowerbird::gather((async {
            assert!(bowerbird::current_task().unwrap().spawn_backtrace().is_some());
        },))
        .await;
        local.await.unwrap();
    });
}

#[test]
fn gather_that_is_never_awaited_is_reported() {
    everywhere(true, NONE, async |heard| {
        let line = line!() + 1;
        drop(bowerbird::gather((async {}, async {})));
        let heard = heard.lock().unwrap();
        assert_eq!(heard.len(), 1, "{heard:?}");
        assert_eq!(heard[0].kind, UnhandledKind::NeverUsed);
        assert_eq!(heard[0].message, "gather() was never awaited");
        assert_eq!(heard[0].location.unwrap().line(), line);
    });
}

#[test]
fn env_var_debug() {
    for (value, expected) in [("1", true), ("0", false), ("", false)] {
        let output =
            child_command("env_var_debug_child", &[("BOWERBIRD_DEBUG", value)]).output().unwrap();
        let text = text_of(&output);
        assert!(text.contains(&format!("debug mode: {expected}")), "{value:?}: {text}");
    }
    let output =
        child_command("env_var_debug_child", &[("BOWERBIRD_DEBUG", "perhaps")]).output().unwrap();
    let text = text_of(&output);
    assert!(!output.status.success(), "{text}");
    assert!(
        text.contains("BOWERBIRD_DEBUG is \"perhaps\"") && text.contains("set it to 1"),
        "{text}"
    );
}

/// The other half of `env_var_debug`; by itself it says what the environment says.
#[test]
fn env_var_debug_child() {
    let mut runner =
        Runner::builder().worker_threads(1).build().unwrap_or_else(|error| panic!("{error}"));
    let is_debug = runner.run(async { Handle::current().get_debug() }).unwrap();
    println!("debug mode: {is_debug}");
    let mut runner = Runner::builder().worker_threads(1).debug(!is_debug).build().unwrap();
    let other = runner.run(async { Handle::current().get_debug() }).unwrap();
    assert_eq!(other, !is_debug, "the builder goes before the environment");
}
