//! Executors, readers and writers, signals, other threads: after CPython's `test_events.py` (see
//! tests/cpython/test_events.md).
//!
//! Half of it is about what only Unix has.
#![cfg(unix)]

use std::future::pending;
use std::io::{Read, Write};
use std::os::unix::net::UnixStream;
use std::sync::{Arc, Barrier, Mutex, mpsc};
use std::thread;
use std::time::Duration;

use bowerbird::context::ContextVar;
use bowerbird::event_loop::{BlockingError, Executor, ExecutorError, Job, ThreadPoolExecutor};
use bowerbird::net::{TcpListener, TcpStream};
use bowerbird::{
    EventLoop, LoopHandle, Runtime, join, run_coroutine_threadsafe, spawn, to_thread, yield_now,
};
use bowerbird_tests::{Counted, Journal, catch, everywhere, on_workers, turns, until};

const LONG: Duration = Duration::from_secs(600);

// ----- executors --------------------------------------------------------------------------------------

#[test]
fn test_run_in_executor() {
    everywhere(|| async {
        let own = thread::current().id();
        let run = LoopHandle::current().run_in_executor(None, || ("yo", thread::current().id()));
        let (value, thread) = run.await.unwrap();
        assert_eq!(value, "yo");
        assert_ne!(thread, own);
    });
}

/// Unlike `to_thread`, as in asyncio.
#[test]
fn context_does_not_follow_into_an_executor() {
    static WHO: ContextVar<&str> = ContextVar::new("who");
    on_workers(1, async {
        let _set = WHO.set("caller");
        let event_loop = LoopHandle::current();
        let pool = ThreadPoolExecutor::new(1);
        assert_eq!(event_loop.run_in_executor(None, || WHO.get()).await, Ok(None));
        assert_eq!(event_loop.run_in_executor(Some(&pool), || WHO.get()).await, Ok(None));
        assert_eq!(to_thread(|| WHO.get()).await, Some("caller"));
    });
}

#[test]
fn test_run_in_executor_cancel() {
    on_workers(1, async {
        let pool = ThreadPoolExecutor::new(1);
        let event_loop = LoopHandle::current();
        let (release, blocked) = mpsc::channel::<()>();
        let called = Counted::new();
        let running =
            spawn(event_loop.run_in_executor(Some(&pool), move || blocked.recv().is_ok()));
        let count = called.clone();
        let queued = spawn(event_loop.run_in_executor(Some(&pool), move || count.add()));
        turns(3).await;
        queued.cancel();
        assert!(queued.await.unwrap_err().is_cancelled());
        release.send(()).unwrap();
        assert_eq!(running.await.unwrap(), Ok(true));
        let after = event_loop.run_in_executor(Some(&pool), || "the pool is free again");
        assert!(after.await.is_ok());
        assert_eq!(called.get(), 0, "a closure that nobody waits for is not called");
    });
}

#[test]
fn panic_in_an_executor_goes_on_in_the_awaiter() {
    on_workers(1, async {
        let pool = ThreadPoolExecutor::new(1);
        for executor in [None, Some(&pool as &dyn Executor)] {
            let run = LoopHandle::current().run_in_executor(executor, || panic!("off the loop"));
            let error = spawn(run).await.map(drop).unwrap_err();
            assert_eq!(error.message(), Some("off the loop"));
        }
    });
}

/// `test_run_once_in_executor_plain`: the default executor is the one that was set.
#[test]
fn test_run_in_executor_with_another_default() {
    struct Here(Arc<Mutex<u32>>);
    impl Executor for Here {
        fn submit(&self, job: Job) -> Result<(), Job> {
            *self.0.lock().unwrap() += 1;
            job();
            Ok(())
        }
        fn shutdown(&self) {
            *self.0.lock().unwrap() += 100;
        }
    }
    on_workers(1, async {
        let event_loop = LoopHandle::current();
        let count = Arc::new(Mutex::new(0));
        event_loop.set_default_executor(Here(count.clone()));
        let own = thread::current().id();
        let run = event_loop.run_in_executor(None, || thread::current().id());
        assert_eq!(run.await, Ok(own));
        assert_eq!(*count.lock().unwrap(), 1);
        event_loop.set_default_executor(ThreadPoolExecutor::new(1));
        assert_eq!(*count.lock().unwrap(), 101, "the one before was shut down");
    });
}

#[test]
fn test_shutdown_default_executor() {
    for has_own in [false, true] {
        on_workers(1, async {
            let event_loop = LoopHandle::current();
            if has_own {
                event_loop.set_default_executor(ThreadPoolExecutor::new(2));
            }
            let (release, blocked) = mpsc::channel::<()>();
            let running = spawn(event_loop.run_in_executor(None, move || blocked.recv().is_ok()));
            turns(2).await;
            let limit = Some(Duration::from_millis(5));
            event_loop.shutdown_default_executor(limit).await.unwrap_err();
            let refused = event_loop.run_in_executor(None, || ()).await;
            assert_eq!(refused, Err(ExecutorError::ShutDown));
            release.send(()).unwrap();
            event_loop.shutdown_default_executor(None).await.unwrap();
            assert_eq!(running.await.unwrap(), Ok(true));
        });
    }
}

#[test]
fn executor_that_drops_the_closure_is_an_error() {
    struct Drops;
    impl Executor for Drops {
        fn submit(&self, job: Job) -> Result<(), Job> {
            drop(job);
            Ok(())
        }
    }
    struct Refuses;
    impl Executor for Refuses {
        fn submit(&self, job: Job) -> Result<(), Job> {
            Err(job)
        }
    }
    on_workers(1, async {
        let event_loop = LoopHandle::current();
        let dropped = event_loop.run_in_executor(Some(&Drops), || ()).await;
        assert_eq!(dropped, Err(ExecutorError::Dropped));
        let refused = event_loop.run_in_executor(Some(&Refuses), || ()).await;
        assert_eq!(refused, Err(ExecutorError::ShutDown));
    });
}

#[test]
fn thread_pool_has_no_more_threads_than_it_may_and_calls_everything() {
    let pool = ThreadPoolExecutor::with_name(3, "few");
    let (sender, receiver) = mpsc::channel();
    for number in 0..100 {
        let sender = sender.clone();
        let job =
            move || sender.send((number, thread::current().name().map(String::from))).unwrap();
        assert!(pool.submit(Box::new(job)).is_ok());
    }
    drop(sender);
    pool.shutdown();
    assert!(pool.submit(Box::new(|| ())).is_err());
    let called: Vec<_> = receiver.iter().collect();
    assert_eq!(called.len(), 100);
    let names = ["few-0", "few-1", "few-2"];
    assert!(called.iter().all(|(_, name)| names.contains(&name.as_deref().unwrap())));
}

#[test]
fn thread_pool_uses_its_threads_at_the_same_time() {
    let pool = ThreadPoolExecutor::new(2);
    let barrier = Arc::new(Barrier::new(3));
    for _ in 0..2 {
        let barrier = barrier.clone();
        assert!(
            pool.submit(Box::new(move || {
                barrier.wait();
            }))
            .is_ok()
        );
    }
    barrier.wait();
}

// ----- readers and writers ----------------------------------------------------------------------------

fn pair() -> (Arc<UnixStream>, UnixStream) {
    let (here, there) = UnixStream::pair().unwrap();
    here.set_nonblocking(true).unwrap();
    (Arc::new(here), there)
}

#[test]
fn test_reader_callback() {
    for workers in [1, 2] {
        let (here, mut there) = pair();
        let mut event_loop = EventLoop::builder().worker_threads(workers).build().unwrap();
        let (handle, reader) = (event_loop.handle(), here.clone());
        let received = Arc::new(Mutex::new(Vec::<u8>::new()));
        let bytes = received.clone();
        event_loop
            .add_reader(here, move || {
                let mut buffer = [0; 1_024];
                let count = (&*reader).read(&mut buffer).unwrap();
                bytes.lock().unwrap().extend(&buffer[..count]);
                if count == 0 {
                    assert!(handle.remove_reader(&reader));
                    handle.stop();
                }
            })
            .unwrap();
        let writer = thread::spawn(move || {
            there.write_all(b"abc").unwrap();
            there.write_all(b"def").unwrap();
        });
        event_loop.run_forever().unwrap();
        writer.join().unwrap();
        assert_eq!(*received.lock().unwrap(), b"abcdef");
    }
}

/// Level-triggered: a callback that reads a part is called again.
#[test]
fn reader_is_called_in_each_turn_until_everything_is_read() {
    let (here, mut there) = pair();
    there.write_all(b"12345").unwrap();
    let journal = Journal::new();
    let mut event_loop = EventLoop::new().unwrap();
    let (handle, reader, noted) = (event_loop.handle(), here.clone(), journal.clone());
    event_loop
        .add_reader(here, move || {
            let mut byte = [0; 1];
            (&*reader).read_exact(&mut byte).unwrap();
            noted.note(String::from_utf8_lossy(&byte));
            let between = noted.clone();
            handle.call_soon(move || between.note("-"));
            if byte[0] == b'5' {
                handle.stop();
            }
        })
        .unwrap();
    event_loop.run_forever().unwrap();
    let digits: Vec<_> = journal.lines().into_iter().filter(|line| line != "-").collect();
    assert_eq!(digits, ["1", "2", "3", "4", "5"]);
    assert_eq!(journal.lines()[1], "-", "others have their turn in between");
}

#[test]
fn reader_is_not_called_for_what_was_read_before() {
    let (here, mut there) = pair();
    let mut event_loop = EventLoop::new().unwrap();
    let called = Counted::new();
    let (count, reader) = (called.clone(), here.clone());
    event_loop
        .add_reader(here, move || {
            let mut buffer = [0; 16];
            let _read = (&*reader).read(&mut buffer).unwrap();
            count.add();
        })
        .unwrap();
    there.write_all(b"one").unwrap();
    event_loop.run_until_complete(until(|| called.get() == 1)).unwrap();
    event_loop.run_until_complete(turns(200)).unwrap();
    assert_eq!(called.get(), 1);
    there.write_all(b"two").unwrap();
    event_loop.run_until_complete(until(|| called.get() == 2)).unwrap();
}

#[test]
fn test_reader_callback_cancel() {
    let (here, mut there) = pair();
    let mut event_loop = EventLoop::new().unwrap();
    assert!(!event_loop.remove_reader(&here));
    let journal = Journal::new();
    let guard = journal.on_drop("dropped");
    event_loop.add_reader(here.clone(), move || unreachable!("{:p}", &guard)).unwrap();
    assert!(event_loop.remove_reader(&here));
    assert!(!event_loop.remove_reader(&here));
    journal.expect(&["dropped"]);
    there.write_all(b"x").unwrap();
    event_loop.run_until_complete(turns(100)).unwrap();
}

#[test]
fn another_reader_replaces_the_first_and_a_writer_stands_beside_it() {
    let (here, mut there) = pair();
    let mut event_loop = EventLoop::new().unwrap();
    let (read, written) = (Counted::new(), Counted::new());
    event_loop.add_reader(here.clone(), || unreachable!("replaced")).unwrap();
    let (count, reader) = (read.clone(), here.clone());
    event_loop
        .add_reader(here.clone(), move || {
            let _read = (&*reader).read(&mut [0; 16]).unwrap();
            count.add();
        })
        .unwrap();
    let (count, handle, writer) = (written.clone(), event_loop.handle(), here.clone());
    event_loop
        .add_writer(here.clone(), move || {
            count.add();
            handle.remove_writer(&writer);
        })
        .unwrap();
    there.write_all(b"x").unwrap();
    let both = until(|| read.get() == 1 && written.get() == 1);
    event_loop.run_until_complete(both).unwrap();
    assert!(event_loop.remove_reader(&here) && !event_loop.remove_writer(&here));
    // Deregistered: it may be registered again.
    event_loop.add_writer(here, || ()).unwrap();
}

#[test]
fn test_writer_callback() {
    let (here, mut there) = pair();
    let mut event_loop = EventLoop::new().unwrap();
    let (handle, writer) = (event_loop.handle(), here.clone());
    let mut left = vec![7_u8; 1 << 20];
    event_loop
        .add_writer(here, move || match (&*writer).write(&left) {
            Ok(count) => {
                left.drain(..count);
                if left.is_empty() {
                    assert!(handle.remove_writer(&writer));
                    writer.shutdown(std::net::Shutdown::Write).unwrap();
                    handle.stop();
                }
            }
            Err(error) => assert_eq!(error.kind(), std::io::ErrorKind::WouldBlock),
        })
        .unwrap();
    let reader = thread::spawn(move || {
        let mut received = Vec::new();
        there.read_to_end(&mut received).unwrap();
        received.len()
    });
    event_loop.run_forever().unwrap();
    assert_eq!(reader.join().unwrap(), 1 << 20);
}

#[test]
fn reader_that_panics_is_reported_and_called_again() {
    let (here, mut there) = pair();
    let journal = Journal::new();
    let log = journal.clone();
    let builder = EventLoop::builder()
        .exception_handler(move |unhandled| log.note(unhandled.error.clone().unwrap()));
    let mut event_loop = builder.build().unwrap();
    let reader = here.clone();
    event_loop
        .add_reader(here, move || {
            let mut byte = [0; 1];
            (&*reader).read_exact(&mut byte).unwrap();
            panic!("{}", byte[0] as char);
        })
        .unwrap();
    there.write_all(b"ab").unwrap();
    let twice = until(|| journal.lines().len() == 2);
    event_loop.run_until_complete(twice).unwrap();
    journal.expect(&["a", "b"]);
}

#[test]
fn readers_of_files_and_of_closed_loops_are_errors() {
    let mut event_loop = EventLoop::new().unwrap();
    let file = std::fs::File::open("/proc/self/exe").unwrap();
    event_loop.add_reader(file, || ()).unwrap_err();
    event_loop.close();
    let error = event_loop.add_reader(pair().0, || ()).unwrap_err();
    assert_eq!(error.to_string(), "the event loop is closed");
}

#[test]
fn test_remove_fds_after_closing() {
    let (here, there) = pair();
    there.set_nonblocking(true).unwrap();
    let mut event_loop = EventLoop::new().unwrap();
    event_loop.add_reader(here.clone(), || ()).unwrap();
    event_loop.add_writer(Arc::new(there), || ()).unwrap();
    event_loop.close();
    assert!(!event_loop.remove_reader(&here) && !event_loop.remove_writer(&here));
}

#[test]
fn test_add_fds_after_closing() {
    let (here, _there) = pair();
    let mut event_loop = EventLoop::new().unwrap();
    event_loop.close();
    event_loop.add_reader(here.clone(), || ()).unwrap_err();
    event_loop.add_writer(here, || ()).unwrap_err();
}

/// A cancelled read ends at once, and the socket is as free as before.
#[test]
fn test_prompt_cancellation() {
    everywhere(|| async {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (client, accepted) = join((TcpStream::connect(address), listener.accept())).await;
        let (client, (_there, _)) = (client.unwrap(), accepted.unwrap());
        let journal = Journal::new();
        let guard = journal.on_drop("the read was dropped");
        let reading = spawn(async move {
            let _guard = guard;
            client.readable().await
        });
        turns(5).await;
        assert!(!reading.done());
        LoopHandle::current().call_soon({
            let reading = reading.handle();
            move || assert!(reading.cancel())
        });
        assert!(reading.await.unwrap_err().is_cancelled());
        journal.expect(&["the read was dropped"]);
    });
}

#[test]
fn readers_left_at_the_end_are_dropped() {
    for workers in [1, 2, 4] {
        let journal = Journal::new();
        let guard = journal.on_drop("dropped");
        let (here, _there) = pair();
        let weak = Arc::downgrade(&here);
        on_workers(workers, async {
            let event_loop = LoopHandle::current();
            let keeps_its_loop = event_loop.clone();
            let callback = move || unreachable!("{:p} {keeps_its_loop:?}", &guard);
            event_loop.add_reader(here, callback).unwrap();
            turns(5).await;
        });
        journal.expect(&["dropped"]);
        assert_eq!(weak.strong_count(), 0, "the socket is closed");
    }
}

// ----- signals ----------------------------------------------------------------------------------------

#[test]
fn test_add_signal_handler() {
    use bowerbird::signal::SignalKind;
    let kind = SignalKind::user_defined1();
    let raise = || {
        let command = format!("kill -USR1 {}", std::process::id());
        assert!(
            std::process::Command::new("sh").args(["-c", &command]).status().unwrap().success()
        );
    };
    let mut event_loop = EventLoop::new().unwrap();
    assert!(!event_loop.remove_signal_handler(kind));
    event_loop.add_signal_handler(kind, || unreachable!("replaced")).unwrap();
    let called = Counted::new();
    let count = called.clone();
    event_loop.add_signal_handler(kind, move || count.add()).unwrap();
    for round in 1..=3 {
        raise();
        event_loop.run_until_complete(until(|| called.get() == round)).unwrap();
    }
    assert!(event_loop.remove_signal_handler(kind));
    assert!(!event_loop.remove_signal_handler(kind));
    raise();
    event_loop.run_until_complete(turns(50)).unwrap();
    assert_eq!(called.get(), 3);
}

// ----- run_coroutine_threadsafe -----------------------------------------------------------------------

#[test]
fn test_run_coroutine_threadsafe() {
    let mut event_loop = EventLoop::new().unwrap();
    let (handle, stopper) = (event_loop.handle(), event_loop.handle());
    let thread = thread::spawn(move || {
        let add = async {
            turns(3).await;
            1 + 2
        };
        let mut answer = run_coroutine_threadsafe(add, &handle);
        let sum = answer.result(Some(LONG)).unwrap();
        assert!(answer.done() && !answer.cancelled());
        stopper.stop();
        sum
    });
    event_loop.run_forever().unwrap();
    assert_eq!(thread.join().unwrap(), 3);
}

#[test]
fn test_run_coroutine_threadsafe_with_exception() {
    let runtime = Runtime::new().unwrap();
    let mut failing = run_coroutine_threadsafe(async { panic!("Fail!") }, &runtime.handle());
    let error = failing.result(Some(LONG)).map(|(): ()| ()).unwrap_err();
    assert!(matches!(error, BlockingError::Task(error) if error.message() == Some("Fail!")));
}

#[test]
fn test_run_coroutine_threadsafe_with_timeout() {
    let runtime = Runtime::new().unwrap();
    let journal = Journal::new();
    let guard = journal.on_drop("cancelled");
    let never = async move {
        let _guard = guard;
        pending::<()>().await;
    };
    let mut never = run_coroutine_threadsafe(never, &runtime.handle());
    let result = never.result(Some(Duration::from_millis(5)));
    assert!(matches!(result, Err(BlockingError::TimedOut)));
    assert!(!never.done(), "the time says nothing to the task");
    assert!(never.cancel());
    let result = never.result(Some(LONG));
    assert!(matches!(result, Err(BlockingError::Task(error)) if error.is_cancelled()));
    assert!(never.cancelled());
    journal.expect(&["cancelled"]);
}

#[test]
fn done_callback_of_a_blocking_task_is_called() {
    let runtime = Runtime::new().unwrap();
    let (sender, receiver) = mpsc::channel();
    let task = run_coroutine_threadsafe(async {}, &runtime.handle());
    task.add_done_callback(move |task| sender.send(task.done()).unwrap());
    assert_eq!(receiver.recv(), Ok(true));
    assert!(runtime.block_on(task.into_task()).is_ok());
}

#[test]
fn waiting_for_a_blocking_task_on_a_worker_is_refused() {
    everywhere(|| async {
        let mut task = run_coroutine_threadsafe(async {}, LoopHandle::current());
        let caught = catch(|| task.result(None).unwrap());
        assert!(caught.message.contains("result() was called inside a task"), "{caught:?}");
        assert!(caught.file.ends_with("test_events.rs"));
        // Off the worker it is fine.
        to_thread(move || task.result(None).unwrap()).await;
    });
}

#[test]
fn blocking_task_on_a_closed_loop_is_refused() {
    let mut event_loop = EventLoop::new().unwrap();
    event_loop.close();
    let caught = catch(|| run_coroutine_threadsafe(async {}, event_loop.handle()));
    assert!(caught.message.contains("run_coroutine_threadsafe() was called on a closed"));
}

/// `Handle` works from any thread while the loop sleeps.
#[test]
fn tasks_are_created_from_other_threads() {
    let mut event_loop = EventLoop::new().unwrap();
    let handle = event_loop.handle();
    let thread = thread::spawn(move || {
        let stopper = handle.clone();
        drop(handle.create_task(async move {
            yield_now().await;
            stopper.stop();
        }));
    });
    event_loop.run_forever().unwrap();
    thread.join().unwrap();
}
