//! `ThreadPoolExecutor`: its end. What it calls, and how, is in test_events.

use std::sync::Arc;
#[cfg(target_os = "linux")]
use std::sync::Mutex;
use std::sync::mpsc::channel;
#[cfg(target_os = "linux")]
use std::time::Duration;

use bowerbird::event_loop::{Executor, ThreadPoolExecutor};
use bowerbird::to_thread;
use bowerbird_tests::{Counted, catch};
#[cfg(target_os = "linux")]
use bowerbird_tests::{in_own_process, thread_count};

#[cfg(target_os = "linux")]
#[test]
fn join_waits_for_the_jobs_and_for_the_threads() {
    in_own_process("join_waits_for_the_jobs_and_for_the_threads", &[], || {
        let thread_count_before = thread_count();
        let pool = ThreadPoolExecutor::new(2);
        let called = Counted::new();
        let (release, released) = channel::<()>();
        let released = Mutex::new(released);
        let count = called.clone();
        let blocked = move || {
            released.lock().unwrap().recv().unwrap();
            count.add();
        };
        pool.submit(Box::new(blocked)).ok().unwrap();
        for _ in 0..100 {
            let count = called.clone();
            pool.submit(Box::new(move || count.add())).ok().unwrap();
        }
        assert!(pool.join(Some(Duration::from_millis(5))).is_err(), "one job is not done");
        assert!(pool.submit(Box::new(|| ())).is_err());
        release.send(()).unwrap();
        pool.join(None).unwrap();
        assert_eq!(called.get(), 101);
        assert_eq!(thread_count(), thread_count_before);
        pool.join(None).unwrap();
    });
}

#[test]
fn a_pool_that_was_never_used_is_joined_at_once() {
    ThreadPoolExecutor::new(4).join(None).unwrap();
}

#[test]
fn a_job_that_panics_does_not_hold_the_join_up() {
    let pool = ThreadPoolExecutor::new(1);
    pool.submit(Box::new(|| panic!("a job"))).ok().unwrap();
    let called = Counted::new();
    let count = called.clone();
    pool.submit(Box::new(move || count.add())).ok().unwrap();
    pool.join(None).unwrap();
    assert_eq!(called.get(), 1);
}

#[test]
fn a_drop_does_not_wait_and_loses_nothing() {
    let pool = ThreadPoolExecutor::new(1);
    let (release, released) = channel::<()>();
    let (called, calls) = channel();
    let first = called.clone();
    let blocked = move || {
        released.recv().unwrap();
        first.send("first").unwrap();
    };
    pool.submit(Box::new(blocked)).ok().unwrap();
    pool.submit(Box::new(move || called.send("second").unwrap())).ok().unwrap();
    drop(pool);
    release.send(()).unwrap();
    assert_eq!(calls.iter().collect::<Vec<_>>(), ["first", "second"]);
}

#[test]
fn join_is_refused_where_it_would_wait_for_itself() {
    let pool = Arc::new(ThreadPoolExecutor::new(1));
    let caught = bowerbird::run(async { catch(|| pool.join(None)) });
    assert!(caught.message.contains("was called inside a task"), "{caught:?}");
    assert!(caught.file.ends_with("thread_pool.rs"), "{caught:?}");
    let (sender, receiver) = channel();
    let inner = pool.clone();
    let job = move || sender.send(catch(|| inner.join(None))).unwrap();
    pool.submit(Box::new(job)).ok().unwrap();
    let caught = receiver.recv().unwrap();
    assert!(caught.message.contains("in a job of the same pool"), "{caught:?}");
    // Where it may block, also on behalf of a task.
    bowerbird::run(async { to_thread(move || pool.join(None)).await }).unwrap();
}
