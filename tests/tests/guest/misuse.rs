//! What a guest refuses, and what becomes of it where the host does wrong.

use std::future::pending;
use std::sync::mpsc::channel;
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use bowerbird::event_loop::HostCallback;
use bowerbird::runtime::{Unhandled, UnhandledKind};
use bowerbird::{LoopHandle, current_task, defer, sleep, spawn, start_guest_run, yield_now};
use bowerbird_tests::{Journal, catch, in_own_process, thread_count};

use crate::host::{Host, Outcome, event_loop, heard_loop, messages};

const MS: Duration = Duration::from_millis(1);

// ----- refused ----------------------------------------------------------------------------------------

#[test]
fn nested_runs_and_second_guests_are_refused() {
    let host = Host::new();
    let outcome = Outcome::default();
    let main = async {
        let nested = catch(|| bowerbird::run(async {})).message;
        let guest = catch(|| drop(start_guest_run(async {}, |_| {}, |_| {}))).message;
        (nested, guest)
    };
    start_guest_run(main, host.post(), outcome.setter()).unwrap();
    let second = catch(|| drop(start_guest_run(async {}, |_| {}, |_| {})));
    assert!(second.message.contains("on a thread that has a guest already"), "{second:?}");
    let (nested, guest) = host.finish(&outcome).unwrap();
    assert!(nested.starts_with("run() was called inside a task"), "{nested}");
    assert!(guest.starts_with("start_guest_run() was called inside a task"), "{guest}");
    // Between two turns the thread is outside, so that an ordinary run is none of the guest's business.
    assert_eq!(bowerbird::run(async { 1 }), 1);
}

#[test]
fn stop_and_signal_handlers_are_refused() {
    let host = Host::new();
    let outcome = host.run(event_loop(), async {
        let handle = LoopHandle::current();
        let stop = catch(|| handle.stop()).message;
        #[cfg(unix)]
        {
            let kind = bowerbird::signal::SignalKind::hangup();
            let error = handle.add_signal_handler(kind, || {}).unwrap_err();
            assert_eq!(error.kind(), std::io::ErrorKind::Unsupported);
        }
        stop
    });
    assert!(outcome.unwrap().contains("stop() was called on the loop of a guest run"));
    let mut closed = event_loop();
    closed.close();
    assert!(closed.start_guest_run(async {}, |_| {}, |_| {}).is_err());
}

// ----- hosts that do wrong ----------------------------------------------------------------------------

/// A guest that waits in a cleanup, and its host.
fn guest_with_cleanup(journal: &Journal) -> (Host, Arc<Mutex<Vec<Unhandled>>>) {
    let host = Host::new();
    let (event_loop, heard) = heard_loop();
    let seen = journal.clone();
    let main = async move {
        current_task().unwrap().set_name("guest");
        let _cleanup = defer(async move {
            sleep(MS).await;
            seen.note("cleanup");
        });
        loop {
            yield_now().await;
        }
    };
    event_loop.start_guest_run(main, host.post(), |_| unreachable!("it is left")).unwrap();
    host.step();
    (host, heard)
}

#[test]
fn a_callback_that_is_dropped_leaves_the_run_until_the_next_one() {
    let journal = Journal::new();
    let (host, heard) = guest_with_cleanup(&journal);
    drop(host.queue.recv().unwrap());
    {
        let heard = heard.lock().unwrap();
        assert_eq!(heard.len(), 1, "{heard:?}");
        assert_eq!(heard[0].kind, UnhandledKind::DestroyedPending);
        assert_eq!(heard[0].task_name.as_deref(), Some("guest"));
        assert!(heard[0].message.contains("dropped a callback uncalled"), "{heard:?}");
    }
    assert!(journal.lines().is_empty());
    let outcome = Outcome::default();
    start_guest_run(async {}, host.post(), outcome.setter()).unwrap();
    assert_eq!(journal.lines(), ["cleanup"], "the one before is closed first");
    host.finish(&outcome).unwrap();
}

/// The sweep of the one goes on where that of the other was left.
#[test]
fn a_callback_that_is_dropped_during_the_end_leaves_the_end_to_the_next_one() {
    let host = Host::new();
    let (event_loop, heard) = heard_loop();
    let journal = Journal::new();
    let seen = journal.clone();
    let main = async move {
        drop(spawn(async move {
            let _cleanup = defer(async move {
                seen.note("begun");
                sleep(20 * MS).await;
                seen.note("ended");
            });
            pending::<()>().await
        }));
        yield_now().await;
    };
    event_loop.start_guest_run(main, host.post(), |_| unreachable!("it is left")).unwrap();
    while journal.lines().is_empty() {
        host.step();
    }
    drop(host.queue.recv().unwrap());
    assert_eq!(messages(&heard).len(), 1);
    let outcome = Outcome::default();
    start_guest_run(async {}, host.post(), outcome.setter()).unwrap();
    assert_eq!(journal.lines(), ["begun", "ended"]);
    host.finish(&outcome).unwrap();
    assert_eq!(messages(&heard).len(), 1, "{:?}", messages(&heard));
}

#[test]
fn a_callback_on_another_thread_is_refused() {
    let journal = Journal::new();
    let (host, heard) = guest_with_cleanup(&journal);
    let callback = host.queue.recv().unwrap();
    let caught = thread::spawn(|| catch(callback)).join().unwrap();
    assert!(caught.message.contains("on another thread than its host's"), "{caught:?}");
    assert_eq!(heard.lock().unwrap().len(), 1);
}

#[test]
fn a_callback_that_is_called_at_once_is_refused() {
    let caught = catch(|| drop(start_guest_run(async {}, |callback| callback(), |_| {})));
    assert!(caught.message.contains("inside of run_sync_soon_threadsafe"), "{caught:?}");
}

#[test]
fn panic_of_the_posting_callback() {
    for (case, fails_at) in [("at the start", 1), ("on the host", 2), ("on the helper", 2)] {
        let host = Host::new();
        let (event_loop, heard) = heard_loop();
        let (post, count) = (host.post(), Mutex::new(0));
        let post = move |callback| {
            let number = {
                let mut count = count.lock().unwrap();
                *count += 1;
                *count
            };
            if number == fails_at {
                panic!("the host is gone");
            }
            post(callback);
        };
        let main = async move {
            if case == "on the host" {
                yield_now().await;
            }
            sleep(MS).await;
        };
        let outcome = Outcome::default();
        if case == "at the start" {
            let caught = catch(|| event_loop.start_guest_run(main, post, outcome.setter()));
            assert_eq!(caught.message, "the host is gone");
            continue;
        }
        event_loop.start_guest_run(main, post, outcome.setter()).unwrap();
        host.step();
        // The helper reports in its own time.
        while heard.lock().unwrap().len() < 2 {
            thread::yield_now();
        }
        let messages = messages(&heard);
        assert!(messages[0].contains("was left behind"), "{messages:?}");
        assert_eq!(messages[1], "the run_sync_soon_threadsafe of a guest run panicked");
        assert!(outcome.0.take().is_none());
    }
}

/// Nobody can end the tasks: it is told, and the helper ends.
#[test]
fn a_host_whose_thread_ends_leaves_the_run() {
    in_own_process("misuse::a_host_whose_thread_ends_leaves_the_run", &[], || {
        let thread_count_before = thread_count();
        let host = || {
            let (sender, queue) = channel();
            let (event_loop, heard) = heard_loop();
            let post = move |callback: HostCallback| drop(sender.send(callback));
            event_loop.start_guest_run(pending::<()>(), post, |_| {}).unwrap();
            let first: HostCallback = queue.recv().unwrap();
            first();
            heard
        };
        let messages = messages(&thread::spawn(host).join().unwrap());
        assert_eq!(messages.len(), 1, "{messages:?}");
        assert!(messages[0].contains("its host's thread has ended"), "{messages:?}");
        while thread_count() > thread_count_before {
            thread::yield_now();
        }
    });
}
