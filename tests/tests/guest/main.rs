//! `start_guest_run`: a loop in turns, between the callbacks of a host, which is a queue of closures here.
//!
//! Names after trio's test_guest_mode, where there is a counterpart.

mod host;
mod misuse;

use std::cell::Cell;
use std::future::pending;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::mpsc::channel;
use std::thread;
use std::time::Duration;

use bowerbird::sync::Event;
use bowerbird::{
    EventLoop, LoopHandle, TaskError, TaskHandle, defer, sleep, spawn, spawn_blocking, spawn_local,
    start_guest_run, time, yield_now,
};
use bowerbird_tests::{Journal, catch};
#[cfg(target_os = "linux")]
use bowerbird_tests::{in_own_process, switch_count};
use host::{Host, Outcome, event_loop, heard_loop, messages};

const MS: Duration = Duration::from_millis(1);
const HOUR: Duration = Duration::from_secs(3_600);

#[test]
fn test_guest_trivial() {
    let host = Host::new();
    let outcome = Outcome::default();
    let main = async {
        yield_now().await;
        "ok"
    };
    start_guest_run(main, host.post(), outcome.setter()).unwrap();
    assert_eq!(host.finish(&outcome).unwrap(), "ok");
    assert_eq!(host.counts().most, 1);
}

#[test]
fn all_is_on_the_hosts_thread_and_need_not_be_send() {
    for workers in [1, 2] {
        let host = Host::new();
        let event_loop = EventLoop::builder().worker_threads(workers).build().unwrap();
        let here = thread::current().id();
        let local = Rc::new(Cell::new(0));
        let seen = local.clone();
        let outcome = host.run(event_loop, async move {
            for _ in 0..10 {
                let seen = seen.clone();
                let child = spawn_local(async move {
                    sleep(MS).await;
                    assert_eq!(thread::current().id(), here);
                    seen.set(seen.get() + 1);
                });
                child.await.unwrap();
                assert_eq!(thread::current().id(), here);
            }
            seen
        });
        assert!(Rc::ptr_eq(&outcome.unwrap(), &local));
        assert_eq!((local.get(), host.counts().most), (10, 1));
    }
}

/// With more workers than the host's thread, tasks go on while the host does not.
#[test]
fn other_workers_do_not_wait_for_the_host() {
    let host = Host::new();
    let event_loop = EventLoop::builder().worker_threads(2).build().unwrap();
    let (handle, outcome) = (event_loop.handle(), Outcome::default());
    let stop = Arc::new(Event::new());
    let stopped = stop.clone();
    let main = async move { stopped.wait().await };
    let _main = event_loop.start_guest_run(main, host.post(), outcome.setter()).unwrap();
    // The only callback is not called.
    let (sender, receiver) = channel();
    let task = handle.create_task(async move {
        sleep(MS).await;
        sender.send(thread::current().id()).unwrap();
    });
    assert_ne!(receiver.recv().unwrap(), thread::current().id());
    stop.set();
    host.finish(&outcome).unwrap();
    assert!(task.done());
}

#[test]
fn an_idle_guest_posts_nothing() {
    let host = Host::new();
    host.run(event_loop(), async { sleep(50 * MS).await }).unwrap();
    let counts = host.counts();
    // The first poll, the end of the sleep, the end of the run.
    assert!(counts.posted <= 5, "{counts:?}");
}

#[cfg(target_os = "linux")]
#[test]
fn an_idle_guest_and_a_host_that_does_nothing_cost_nothing() {
    in_own_process("an_idle_guest_and_a_host_that_does_nothing_cost_nothing", &[], || {
        let host = Host::new();
        let (event_loop, outcome) = (event_loop(), Outcome::default());
        let main = event_loop.start_guest_run(pending::<()>(), host.post(), outcome.setter());
        for is_waiting_for_work in [false, true] {
            if is_waiting_for_work {
                host.step();
                thread::sleep(20 * MS); // The helper falls asleep.
            }
            let before = switch_count();
            thread::sleep(100 * MS);
            assert!(switch_count() - before < 5);
        }
        main.unwrap().cancel();
        assert!(host.finish(&outcome).is_err());
    });
}

#[test]
fn a_burst_is_one_callback() {
    let host = Host::new();
    let event_loop = event_loop();
    let (handle, outcome) = (event_loop.handle(), Outcome::default());
    let main = event_loop.start_guest_run(pending::<()>(), host.post(), outcome.setter()).unwrap();
    let journal = Journal::new();
    let threads = [0, 1].map(|_| {
        let (handle, journal) = (handle.clone(), journal.clone());
        thread::spawn(move || {
            for _ in 0..500 {
                let journal = journal.clone();
                handle.call_soon_threadsafe(move || journal.note("called")).unwrap();
            }
        })
    });
    threads.into_iter().for_each(|thread| thread.join().unwrap());
    assert_eq!(host.counts().posted, 1, "nobody has called the first one");
    handle.call_soon_threadsafe(move || assert!(main.cancel())).unwrap();
    assert!(host.finish(&outcome).unwrap_err().is_cancelled());
    assert_eq!(journal.lines().len(), 1_000);
    let counts = host.counts();
    assert_eq!(counts.most, 1);
    assert!(counts.posted < 30, "{counts:?}");
}

/// Between two turns the host's thread is one outside, which may wake what the guest waits for.
#[test]
fn the_host_wakes_the_guest() {
    let host = Host::new();
    let (event_loop, outcome) = (event_loop(), Outcome::default());
    let (promise, future) = bowerbird::future::promise();
    event_loop.start_guest_run(future, host.post(), outcome.setter()).unwrap();
    host.step();
    assert!(LoopHandle::try_current().is_none());
    promise.set_result("from the host").unwrap();
    assert_eq!(host.finish(&outcome).unwrap().unwrap(), "from the host");
}

#[test]
fn a_guest_that_is_always_ready_lets_the_host_have_its_turns() {
    let host = Host::new();
    let (event_loop, outcome) = (event_loop(), Outcome::default());
    let main = async {
        loop {
            yield_now().await;
        }
    };
    let main: TaskHandle = event_loop.start_guest_run(main, host.post(), outcome.setter()).unwrap();
    for _ in 0..100 {
        host.step();
    }
    main.cancel();
    assert!(host.finish(&outcome).unwrap_err().is_cancelled());
    assert_eq!(host.counts().most, 1);
}

#[test]
fn callbacks_timers_and_descriptors() {
    use std::io::{Read, Write};
    let host = Host::new();
    let outcome = host.run(event_loop(), async {
        let journal = Journal::new();
        let [soon, later] = [journal.clone(), journal.clone()];
        let handle = LoopHandle::current();
        handle.call_later(2 * MS, move || later.note("later"));
        handle.call_soon(move || soon.note("soon"));
        let listener = bowerbird::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let client = thread::spawn(move || {
            let mut stream = std::net::TcpStream::connect(address).unwrap();
            stream.write_all(b"ping").unwrap();
            let mut answer = String::new();
            stream.read_to_string(&mut answer).unwrap();
            answer
        });
        let (mut stream, _) = listener.accept().await.unwrap();
        let mut bytes = [0; 4];
        stream.read_exact(&mut bytes).await.unwrap();
        sleep(4 * MS).await;
        stream.write_all(&bytes).await.unwrap();
        drop(stream);
        (client.join().unwrap(), journal.lines())
    });
    assert_eq!(outcome.unwrap(), ("ping".to_owned(), vec!["soon".to_owned(), "later".to_owned()]));
}

#[test]
fn paused_time_goes_on_by_itself() {
    let host = Host::new();
    let event_loop = EventLoop::builder().start_paused(true).build().unwrap();
    let outcome = host.run(event_loop, async {
        let start = time::now();
        let task = spawn(async { sleep(2 * HOUR).await });
        sleep(HOUR).await;
        task.await.unwrap();
        time::now() - start
    });
    assert_eq!(outcome.unwrap(), 2 * HOUR);
    assert!(host.counts().posted <= 8, "{:?}", host.counts());
}

// ----- the end ----------------------------------------------------------------------------------------

#[test]
fn what_is_left_is_cancelled_and_awaited_before_done() {
    let host = Host::new();
    let (event_loop, journal) = (event_loop(), Journal::new());
    let handle = event_loop.handle();
    let [main_seen, done_seen] = [journal.clone(), journal.clone()];
    let main = async move {
        let seen = main_seen.clone();
        drop(spawn(async move {
            let _cleanup = defer(async move {
                sleep(5 * MS).await;
                seen.note("cleanup");
            });
            pending::<()>().await
        }));
        yield_now().await;
        main_seen.note("main");
    };
    let is_over = Rc::new(Cell::new(false));
    let (over, at_done) = (is_over.clone(), handle.clone());
    let done = move |outcome: Result<(), TaskError>| {
        outcome.unwrap();
        assert!(at_done.is_closed() && !at_done.is_running());
        done_seen.note("done");
        over.set(true);
    };
    assert!(!handle.is_running());
    event_loop.start_guest_run(main, host.post(), done).unwrap();
    assert!(handle.is_running());
    while !is_over.get() {
        host.step();
    }
    assert_eq!(journal.lines(), ["main", "cleanup", "done"]);
}

/// The helper joins the blocking pool, and the host goes on.
#[test]
fn blocking_work_is_awaited_without_the_host() {
    let host = Host::new();
    let (event_loop, outcome) = (event_loop(), Outcome::default());
    let (release, released) = channel();
    let (begun, begins) = bowerbird::sync::oneshot::channel();
    let main = async move {
        drop(spawn_blocking(move || {
            begun.send(()).unwrap();
            released.recv().unwrap();
        }));
        begins.await.unwrap();
    };
    let main = event_loop.start_guest_run(main, host.post(), outcome.setter()).unwrap();
    while !main.done() {
        host.step();
    }
    // What the sweep needs: the next callback would be the last one.
    while let Ok(callback) = host.queue.recv_timeout(50 * MS) {
        callback();
    }
    assert!(outcome.0.take().is_none(), "the closure goes on");
    release.send(()).unwrap();
    host.finish(&outcome).unwrap();
}

#[test]
fn test_guest_cancel_from_the_host() {
    let host = Host::new();
    let (event_loop, outcome, journal) = (event_loop(), Outcome::default(), Journal::new());
    let seen = journal.clone();
    let main = async move {
        let _cleanup = defer(async move {
            sleep(MS).await;
            seen.note("cleanup");
        });
        pending::<()>().await
    };
    let main = event_loop.start_guest_run(main, host.post(), outcome.setter()).unwrap();
    host.step();
    main.cancel_with("the window was closed");
    let error = host.finish(&outcome).unwrap_err();
    assert_eq!(error.message(), Some("the window was closed"));
    assert_eq!(journal.lines(), ["cleanup"]);
}

#[test]
fn panic_of_main_is_its_outcome() {
    let host = Host::new();
    let (event_loop, heard) = heard_loop();
    let error = host.run(event_loop, async { panic!("no more") }).unwrap_err();
    assert_eq!(*error.into_panic().downcast::<&str>().unwrap(), "no more");
    assert!(messages(&heard).is_empty());
}

/// The panic of a done callback is the host's; the next guest may begin, and may do so in a done callback.
#[test]
fn guests_one_after_the_other() {
    let host = Host::new();
    start_guest_run(async {}, host.post(), |_| panic!("done")).unwrap();
    let caught = catch(|| {
        loop {
            host.step();
        }
    });
    assert_eq!(caught.message, "done");
    let (outcome, post) = (Outcome::default(), host.post());
    let next = outcome.setter();
    let begin_next = move |_| drop(start_guest_run(async { 2 }, post, next).unwrap());
    start_guest_run(async { 1 }, host.post(), begin_next).unwrap();
    assert_eq!(host.finish(&outcome).unwrap(), 2);
}
