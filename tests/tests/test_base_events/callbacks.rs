//! Callbacks.

use std::sync::{Arc, mpsc};
use std::thread;

use bowerbird::context::ContextVar;
use bowerbird::event_loop::CallbackHandle;
use bowerbird::future::promise;
use bowerbird::{EventLoop, LoopHandle, current_task, spawn, yield_now};
use bowerbird_tests::{Counted, Journal, WORKER_COUNTS, everywhere, on_workers, turns, until};

use super::note;

#[test]
fn test_call_soon() {
    everywhere(|| async {
        let (sender, receiver) = mpsc::channel();
        let event_loop = LoopHandle::current();
        for number in 0..1_000 {
            let sender = sender.clone();
            event_loop.call_soon(move || sender.send(number).unwrap());
        }
        let mut called = Vec::new();
        until(|| {
            called.extend(receiver.try_iter());
            called.len() == 1_000
        })
        .await;
        assert!(called.is_sorted(), "{called:?}");
    });
}

#[test]
fn callbacks_take_turns_with_tasks_in_one_queue() {
    let journal = Journal::new();
    on_workers(1, async {
        let event_loop = LoopHandle::current();
        event_loop.call_soon(note(&journal, "a"));
        let noted = journal.clone();
        drop(spawn(async move { noted.note("task") }));
        event_loop.call_soon(note(&journal, "b"));
        journal.note("never inline");
        yield_now().await;
    });
    journal.expect(&["never inline", "a", "task", "b"]);
}

#[test]
fn callbacks_of_one_loop_never_run_at_the_same_time() {
    on_workers(4, async {
        let (busy, called) = (Arc::new(std::sync::Mutex::new(())), Counted::new());
        let tasks: Vec<_> = (0..8)
            .map(|_| {
                let (busy, called) = (busy.clone(), called.clone());
                spawn(async move {
                    for _ in 0..200 {
                        let (busy, called) = (busy.clone(), called.clone());
                        LoopHandle::current().call_soon(move || {
                            let _alone = busy.try_lock().expect("one at a time");
                            thread::yield_now();
                            called.add();
                        });
                        yield_now().await;
                    }
                })
            })
            .collect();
        for task in tasks {
            task.await.unwrap();
        }
        until(|| called.get() == 1_600).await;
    });
}

#[test]
fn callbacks_of_one_thread_keep_their_order_among_those_of_others() {
    for workers in WORKER_COUNTS {
        let mut event_loop = EventLoop::builder().worker_threads(workers).build().unwrap();
        let (sender, receiver) = mpsc::channel();
        let threads: Vec<_> = (0..4)
            .map(|thread| {
                let (handle, sender) = (event_loop.handle(), sender.clone());
                thread::spawn(move || {
                    for number in 0..250 {
                        let sender = sender.clone();
                        let callback = move || sender.send((thread, number)).unwrap();
                        handle.call_soon_threadsafe(callback).unwrap();
                    }
                })
            })
            .collect();
        let mut called = Vec::new();
        let all_called = until(|| {
            called.extend(receiver.try_iter());
            called.len() == 1_000
        });
        event_loop.run_until_complete(all_called).unwrap();
        threads.into_iter().for_each(|thread| thread.join().unwrap());
        for thread in 0..4 {
            assert!(called.iter().filter(|call| call.0 == thread).is_sorted());
        }
    }
}

#[test]
fn test_call_soon_threadsafe() {
    let mut event_loop = EventLoop::new().unwrap();
    let (handle, stopper) = (event_loop.handle(), event_loop.handle());
    let journal = Journal::new();
    let noted = journal.clone();
    // The loop sleeps until the other thread wakes it.
    event_loop.call_soon(move || {
        drop(thread::spawn(move || {
            let inner = noted.clone();
            handle.call_soon_threadsafe(move || inner.note("called")).unwrap();
            handle.call_soon_threadsafe(move || stopper.stop()).unwrap();
        }));
    });
    event_loop.run_forever().unwrap();
    journal.expect(&["called"]);
}

#[test]
fn callback_given_before_the_run_waits_for_it() {
    let journal = Journal::new();
    let mut event_loop = EventLoop::new().unwrap();
    event_loop.call_soon(note(&journal, "called"));
    thread::yield_now();
    journal.expect(&[]);
    event_loop.run_until_complete(turns(1)).unwrap();
    journal.expect(&["called"]);
}

#[test]
fn test_handle() {
    let journal = Journal::new();
    let mut event_loop = EventLoop::new().unwrap();
    let guard = journal.on_drop("dropped at the cancel");
    let handle = event_loop.call_soon(move || drop(guard));
    assert!(!handle.cancelled());
    assert!(format!("{handle:?}").contains("callbacks.rs:"));
    handle.cancel();
    journal.expect(&["dropped at the cancel"]);
    assert!(handle.cancelled());
    let called = event_loop.call_soon(note(&journal, "called"));
    event_loop.run_until_complete(turns(1)).unwrap();
    called.cancel();
    assert!(!called.cancelled(), "it was called before");
    journal.expect(&["dropped at the cancel", "called"]);
}

#[test]
fn callback_has_the_context_of_its_giver_and_no_current_task() {
    static WHO: ContextVar<&str> = ContextVar::new("who");
    everywhere(|| async {
        let (told, heard) = promise();
        let _giver = WHO.set("giver");
        LoopHandle::current().call_soon(move || {
            let seen = (WHO.get(), current_task().is_none());
            let _inside = WHO.set("the callback's own");
            told.set_result(seen).unwrap();
        });
        let _later = WHO.set("later");
        assert_eq!(heard.await.unwrap(), (Some("giver"), true));
        assert_eq!(WHO.get(), Some("later"));
        assert_eq!(bowerbird::all_tasks().len(), 1, "callbacks are no tasks");
    });
}

#[test]
fn callback_may_spawn_and_call_again() {
    everywhere(|| async {
        let (told, heard) = promise();
        LoopHandle::current().call_soon(move || {
            drop(spawn(async move {
                LoopHandle::current().call_soon(move || told.set_result("both").unwrap());
            }));
        });
        assert_eq!(heard.await.unwrap(), "both");
    });
}

/// A callback that is being called runs to its end, whoever cancels its handle, and `cancel` waits for nobody:
/// in asyncio a thread that cancels it, or asks, waits for its end.
#[test]
fn test_call_soon_threadsafe_handle_block_cancellation() {
    let mut event_loop = EventLoop::new().unwrap();
    let (handle, journal) = (event_loop.handle(), Journal::new());
    let noted = journal.clone();
    let other = thread::spawn(move || {
        let (begin, begun) = mpsc::channel();
        let (go_on, gone_on) = mpsc::channel();
        let callback = handle.call_soon_threadsafe(move || {
            begin.send(()).unwrap();
            gone_on.recv().unwrap();
            noted.note("hello");
        });
        let callback = callback.unwrap();
        begun.recv().unwrap();
        callback.cancel();
        let was_cancelled = callback.cancelled();
        go_on.send(()).unwrap();
        handle.stop();
        was_cancelled
    });
    event_loop.run_forever().unwrap();
    assert!(!other.join().unwrap(), "it was being called before");
    journal.expect(&["hello"]);
}

#[test]
fn test_call_soon_threadsafe_handle_cancel_same_thread() {
    let mut event_loop = EventLoop::new().unwrap();
    let (handle, journal) = (event_loop.handle(), Journal::new());
    let noted = journal.clone();
    let (give, given) = mpsc::channel::<CallbackHandle>();
    let stopper = event_loop.handle();
    let callback = handle.call_soon_threadsafe(move || {
        let own = given.recv().unwrap();
        own.cancel();
        noted.note(if own.cancelled() { "cancelled" } else { "hello" });
        stopper.stop();
    });
    give.send(callback.unwrap()).unwrap();
    event_loop.run_forever().unwrap();
    journal.expect(&["hello"]);
}

#[test]
fn test_call_soon_threadsafe_handle_cancel_other_thread() {
    let mut event_loop = EventLoop::new().unwrap();
    let (handle, journal) = (event_loop.handle(), Journal::new());
    let noted = journal.clone();
    let (go_on, gone_on) = mpsc::channel();
    // The loop is held up until the callback was added and cancelled.
    event_loop.call_soon(move || gone_on.recv().unwrap());
    let other = thread::spawn(move || {
        let callback = handle.call_soon_threadsafe(move || noted.note("hello")).unwrap();
        callback.cancel();
        assert!(callback.cancelled());
        go_on.send(()).unwrap();
        handle.stop();
    });
    event_loop.run_forever().unwrap();
    other.join().unwrap();
    journal.expect(&[]);
}

#[test]
fn test_call_soon_threadsafe_same_thread() {
    let mut event_loop = EventLoop::new().unwrap();
    let journal = Journal::new();
    event_loop.call_soon_threadsafe(note(&journal, "hello")).unwrap();
    event_loop.call_soon(note(&journal, "world"));
    event_loop.run_until_complete(turns(1)).unwrap();
    journal.expect(&["hello", "world"]);
}
