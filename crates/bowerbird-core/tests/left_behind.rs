//! What the end of a runtime awaits, and what it says of what it leaves behind.

mod common;

use std::future::{Future, pending};
use std::panic::Location;
use std::pin::Pin;
use std::sync::mpsc::{Receiver, channel};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bowerbird_base::poll_context::{Cleanup, push_cleanup};
use bowerbird_core::{
    Config, Handle, ParkOnly, Patience, Runtime, SpawnOptions, Threads, Unhandled, UnhandledKind,
};
use common::{count, read, spin_until, watched, yield_now};

type Heard = Arc<Mutex<Vec<Unhandled>>>;

fn runtime(workers: usize) -> (Arc<Runtime>, Heard) {
    let heard = Heard::default();
    let log = heard.clone();
    let mut config = Config::with_workers(workers);
    config.exception_handler =
        Arc::new(move |unhandled| log.lock().unwrap().push(unhandled.clone()));
    (Runtime::start(config, Arc::new(ParkOnly), Threads::All).unwrap(), heard)
}

fn take(heard: &Heard) -> Vec<Unhandled> {
    std::mem::take(&mut *heard.lock().unwrap())
}

fn leave(future: impl Future<Output = ()> + Send + 'static) {
    let future: Pin<Box<dyn Future<Output = ()> + Send>> = Box::pin(future);
    push_cleanup(Cleanup { future, location: Location::caller() }).expect("a task is being polled");
}

/// A receiver that blocks the closure or the task that holds it, until its sender is dropped.
fn gate() -> (std::sync::mpsc::Sender<()>, Receiver<()>) {
    channel()
}

#[test]
fn cleanup_of_blocking_work_is_awaited_by_the_end() {
    watched(|| {
        for workers in [1, 2, 4] {
            let (rt, heard) = runtime(workers);
            let (done, begun) = (count(), count());
            let (seen, began) = (done.clone(), begun.clone());
            let task = Handle::new(&rt).spawn_blocking(move || {
                leave(async move {
                    for _ in 0..200_000 {
                        yield_now().await;
                    }
                    seen.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
                });
                began.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
                7
            });
            spin_until(|| read(&begun) == 1);
            rt.shut_down(Patience::Complete);
            assert_eq!(read(&done), 1);
            assert_eq!(task.try_join().expect("it has ended").unwrap(), 7, "the value stays");
            assert!(take(&heard).is_empty());
        }
    });
}

#[test]
fn cleanup_of_blocking_work_that_does_not_end_is_reported_and_left() {
    watched(|| {
        let (rt, heard) = runtime(2);
        let handle = Handle::new(&rt);
        let task = handle.spawn_blocking(|| leave(pending()));
        task.set_name("hangs");
        spin_until(|| handle.blocking_figures().1 == 1);
        rt.shut_down(Patience::Timeout(Duration::from_millis(20)));
        let reports = take(&heard);
        let told = reports.iter().find(|it| it.task_name.as_deref() == Some("hangs"));
        let told = told.unwrap_or_else(|| panic!("{reports:?}"));
        assert_eq!(told.kind, UnhandledKind::DestroyedPending);
        assert!(!task.done());
    });
}

#[test]
fn task_destroyed_but_pending_is_reported_with_name_and_spawn_site() {
    watched(|| {
        for workers in [1, 2, 4] {
            let (rt, heard) = runtime(workers);
            let (open, closed) = gate();
            let begun = count();
            let seen = begun.clone();
            let line = line!() + 1;
            let task = Handle::new(&rt).spawn(async move {
                seen.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
                // A poll that lasts: nobody can cancel it.
                closed.recv().unwrap_err();
                pending::<()>().await;
            });
            task.set_name("stuck");
            spin_until(|| read(&begun) == 1);
            rt.shut_down(Patience::Timeout(Duration::from_millis(20)));
            let reports = take(&heard);
            let told: Vec<_> =
                reports.iter().filter(|it| it.kind == UnhandledKind::DestroyedPending).collect();
            assert_eq!(told.len(), 1, "{reports:?}");
            assert_eq!(told[0].task_name.as_deref(), Some("stuck"));
            assert_eq!(told[0].location.map(Location::line), Some(line));
            assert!(told[0].message.contains("destroyed but it is pending"));
            drop(open);
        }
    });
}

#[test]
fn task_spawned_after_the_end_is_reported() {
    watched(|| {
        let (rt, heard) = runtime(1);
        let handle = Handle::new(&rt);
        rt.shut_down(Patience::Complete);
        let task = rt.spawn(async { 1 }, &SpawnOptions::default());
        assert!(task.cancelled());
        assert!(take(&heard).is_empty(), "whoever holds the handle is told by it");
        let result = task.try_join().expect("it has ended");
        assert_eq!(result.unwrap_err().message(), Some("the runtime has ended"));
        drop(handle.spawn(async { 1 }));
        let reports = take(&heard);
        assert_eq!(reports.len(), 1, "{reports:?}");
        assert_eq!(reports[0].kind, UnhandledKind::DestroyedPending);
    });
}

#[test]
fn blocking_work_that_was_not_run_is_reported() {
    watched(|| {
        let heard = Heard::default();
        let log = heard.clone();
        let mut config = Config::with_workers(1);
        config.max_blocking_threads = 1;
        config.exception_handler =
            Arc::new(move |unhandled| log.lock().unwrap().push(unhandled.clone()));
        let rt = Runtime::start(config, Arc::new(ParkOnly), Threads::All).unwrap();
        let handle = Handle::new(&rt);
        let (open, closed) = gate();
        let running = handle.spawn_blocking(move || closed.recv().unwrap_err());
        running.set_name("running");
        spin_until(|| handle.blocking_figures() == (1, 0, 0));
        let queued = handle.spawn_blocking(|| ());
        queued.set_name("queued");
        rt.shut_down(Patience::Timeout(Duration::from_millis(20)));
        let reports = take(&heard);
        let of =
            |name: &str| reports.iter().filter(|it| it.task_name.as_deref() == Some(name)).count();
        assert_eq!((of("queued"), of("running"), reports.len()), (1, 1, 2), "{reports:?}");
        assert!(reports.iter().all(|it| it.kind == UnhandledKind::Blocking));
        drop(open);
    });
}
