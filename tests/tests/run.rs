//! `run`: what it gives, what it does with what is left, and that nothing stays.

use std::cell::RefCell;
use std::future::pending;
use std::io;
use std::rc::Rc;
use std::thread;
use std::time::Duration;

use bowerbird::net::{TcpListener, TcpStream};
use bowerbird::sync::Event;
use bowerbird::{
    Runner, all_tasks, current_task, gather, interval, run, sleep, spawn, spawn_blocking,
    spawn_local, timeout, to_thread, yield_now,
};
use bowerbird_tests::{
    Counted, Journal, catch, child_command, everywhere, in_own_process, on_workers, text_of, turns,
    until,
};
#[cfg(target_os = "linux")]
use bowerbird_tests::{descriptor_count, thread_count};

#[test]
fn run_gives_the_value_of_a_main_that_need_not_be_send() {
    let text = String::from("borrowed");
    let value = Rc::new(RefCell::new(0));
    let length = run(async {
        *value.borrow_mut() += 1;
        yield_now().await;
        text.len()
    });
    assert_eq!((length, *value.borrow()), (8, 1));
}

#[test]
fn main_is_polled_by_the_thread_that_calls_run() {
    let own = thread::current().id();
    everywhere(|| async move {
        for _ in 0..20 {
            assert_eq!(thread::current().id(), own);
            spawn(async {}).await.unwrap();
        }
    });
}

#[test]
fn leftovers_are_cancelled_and_awaited_before_run_returns() {
    for workers in [1, 2, 4] {
        let (begun, dropped) = (Counted::new(), Counted::new());
        on_workers(workers, async {
            for _ in 0..50 {
                let (begun, guard) = (begun.clone(), dropped.guard());
                drop(spawn(async move {
                    let _guard = guard;
                    begun.add();
                    pending::<()>().await;
                }));
            }
            until(|| begun.get() == 50).await;
        });
        assert_eq!(dropped.get(), 50, "with {workers} workers");
    }
}

#[test]
fn leftover_that_takes_its_time_is_awaited() {
    for workers in [1, 2, 4] {
        let ended = Counted::new();
        on_workers(workers, async {
            let (begun, count, last) = (Counted::new(), Counted::new(), ended.clone());
            let begin = begun.clone();
            drop(spawn(async move {
                // Cancelled, it waits for the closure, which ends on its own.
                let closure = move || {
                    begin.add();
                    thread::sleep(Duration::from_millis(20));
                    last.add();
                };
                spawn_blocking(closure).await.unwrap();
                count.add();
            }));
            until(|| begun.get() == 1).await;
        });
        assert_eq!(ended.get(), 1, "with {workers} workers");
    }
}

#[test]
fn tasks_spawned_by_destructors_of_leftovers_are_ended_too() {
    struct SpawnsOnDrop(Journal);
    impl Drop for SpawnsOnDrop {
        fn drop(&mut self) {
            let note = self.0.on_drop("late task dropped");
            self.0.note("spawned late");
            drop(spawn(async move {
                let _note = note;
                pending::<()>().await;
            }));
        }
    }
    for workers in [1, 2, 4] {
        let journal = Journal::new();
        on_workers(workers, async {
            let late = SpawnsOnDrop(journal.clone());
            drop(spawn(async move {
                let _late = late;
                pending::<()>().await;
            }));
            turns(3).await;
        });
        journal.expect(&["spawned late", "late task dropped"]);
    }
}

#[test]
fn leftover_that_panics_while_it_is_ended_is_reported() {
    struct Bomb;
    impl Drop for Bomb {
        fn drop(&mut self) {
            panic!("while it was ended");
        }
    }
    for workers in [1, 2, 4] {
        let heard = Journal::new();
        let handler = heard.clone();
        let mut runner = Runner::builder()
            .worker_threads(workers)
            .exception_handler(move |unhandled| {
                handler.note(unhandled.error.as_deref().unwrap_or(""))
            })
            .build()
            .unwrap();
        let dropped = Counted::new();
        let guard = dropped.guard();
        runner
            .run(async move {
                let begun = Counted::new();
                let count = begun.clone();
                drop(spawn(async move {
                    let _bomb = Bomb;
                    count.add();
                    pending::<()>().await;
                }));
                let count = begun.clone();
                drop(spawn(async move {
                    let _guard = guard;
                    count.add();
                    pending::<()>().await;
                }));
                until(|| begun.get() == 2).await;
            })
            .unwrap();
        drop(runner);
        heard.expect(&["while it was ended"]);
        assert_eq!(dropped.get(), 1, "the others are ended all the same");
    }
}

#[test]
fn panic_of_main_goes_through_run_after_the_leftovers_have_ended() {
    for workers in [1, 2, 4] {
        let dropped = Counted::new();
        let guard = dropped.guard();
        let caught = catch(|| {
            on_workers(workers, async {
                let begun = Counted::new();
                let count = begun.clone();
                drop(spawn(async move {
                    let _guard = guard;
                    count.add();
                    pending::<()>().await;
                }));
                until(|| begun.get() == 1).await;
                panic!("main has failed");
            })
        });
        assert_eq!(caught.message, "main has failed");
        assert_eq!(dropped.get(), 1);
    }
    let payload = std::panic::catch_unwind(|| run(async { std::panic::panic_any(42_u8) }));
    assert_eq!(*payload.map(|(): ()| ()).unwrap_err().downcast::<u8>().unwrap(), 42);
}

#[test]
fn main_that_is_cancelled_panics_with_the_message() {
    let caught = catch(|| {
        run(async {
            current_task().unwrap().cancel_with("stopped from inside");
            pending::<()>().await;
        })
    });
    assert!(caught.message.contains("stopped from inside"), "{caught:?}");
    assert_eq!((caught.file.as_str(), caught.line), (file!(), line!() - 6));
}

#[test]
fn run_inside_a_task_panics_and_names_the_fix() {
    everywhere(|| async {
        for _ in 0..2 {
            let caught = spawn(async { (catch(|| run(async {})), line!()) }).await.unwrap();
            let (caught, line) = caught;
            assert!(caught.message.contains("run()"), "{caught:?}");
            assert!(caught.message.contains("await the future instead"), "{caught:?}");
            assert_eq!((caught.file.as_str(), caught.line), (file!(), line));
        }
        assert_eq!(spawn(async { 1 }).await.unwrap(), 1, "the worker lives");
    });
}

#[test]
fn runs_follow_each_other_and_go_on_side_by_side() {
    for number in 0..20 {
        assert_eq!(run(async { spawn(async move { number }).await.unwrap() }), number);
    }
    let threads: Vec<_> = (0..4)
        .map(|number| {
            thread::spawn(move || {
                run(async move {
                    sleep(Duration::from_millis(1)).await;
                    assert_eq!(all_tasks().len(), 1, "each runtime has its own tasks");
                    number
                })
            })
        })
        .collect();
    for (number, thread) in threads.into_iter().enumerate() {
        assert_eq!(thread.join().unwrap(), number);
    }
}

#[test]
fn run_in_a_closure_of_the_blocking_pool_is_a_runtime_of_its_own() {
    everywhere(|| async {
        let inner =
            to_thread(|| run(async { (spawn(async { 2 }).await.unwrap(), all_tasks().len()) }));
        assert_eq!(inner.await, (2, 1));
    });
}

#[test]
fn thread_belongs_to_no_runtime_after_run() {
    run(async {});
    assert!(current_task().is_none());
    assert!(bowerbird::runtime::Handle::try_current().is_none());
    catch(|| spawn(async {}));
}

#[test]
fn number_of_workers_comes_from_the_environment() {
    let name = "number_of_workers_comes_from_the_environment";
    in_own_process(name, &[("BOWERBIRD_WORKERS", "3")], || {
        let count =
            run(async { bowerbird::runtime::Handle::try_current().unwrap().worker_count() });
        assert_eq!(count, 3);
        // What the program says itself wins.
        assert_eq!(Runner::builder().worker_threads(2).build().unwrap().handle().worker_count(), 2);
    });
}

#[test]
fn bad_number_of_workers_is_an_error_that_names_variable_and_value() {
    const NAME: &str = "bad_number_of_workers_is_an_error_that_names_variable_and_value";
    const VALUES: [&str; 6] = ["0", "-1", "many", "", "1025", "3.5"];
    if let Ok(value) = std::env::var("BOWERBIRD_WORKERS")
        && VALUES.contains(&value.as_str())
    {
        in_own_process(NAME, &[], || {
            let error = Runner::new().unwrap_err();
            assert_eq!(error.kind(), io::ErrorKind::InvalidInput);
            run(async {});
        });
        return;
    }
    for value in VALUES {
        let output = child_command(NAME, &[("BOWERBIRD_WORKERS", value)]).output().unwrap();
        let text = text_of(&output);
        assert!(!output.status.success(), "{value:?} was taken:\n{text}");
        assert!(text.contains("run() could not start a runtime"), "{text}");
        assert!(
            text.contains("BOWERBIRD_WORKERS") && text.contains(&format!("{value:?}")),
            "{text}"
        );
        assert!(text.contains("from 1 to 1024"), "{text}");
    }
}

#[test]
fn bad_number_of_workers_in_the_program_is_an_error() {
    for count in [0, 1_025, usize::MAX] {
        let error = Runner::builder().worker_threads(count).build().unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::InvalidInput);
        assert!(error.to_string().contains(&count.to_string()), "{error}");
    }
}

/// Sockets, timers, blocking work, panics and cancelled tasks, some of them left behind.
#[cfg(target_os = "linux")]
async fn everything_at_once() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let server = spawn(async move {
        loop {
            let (mut stream, _peer) = listener.accept().await.unwrap();
            drop(spawn(async move {
                let mut buffer = [0; 16];
                while let Ok(count) = stream.read(&mut buffer).await {
                    if count == 0 || stream.write_all(&buffer[..count]).await.is_err() {
                        break;
                    }
                }
            }));
        }
    });
    let clients = (0..20).map(|number: u8| async move {
        let mut stream = TcpStream::connect(address).await.unwrap();
        stream.write_all(&[number; 8]).await.unwrap();
        let mut buffer = [0; 8];
        stream.read_exact(&mut buffer).await.unwrap();
        assert_eq!(buffer, [number; 8]);
        // Every other connection is left open, in a task that never ends.
        if number.is_multiple_of(2) {
            drop(spawn(async move {
                let mut buffer = [0; 8];
                let _never = stream.read(&mut buffer).await;
            }));
        }
    });
    bowerbird::gather_iter(clients).await;
    let names = TcpStream::connect(("localhost", address.port())).await;
    drop(names);
    let slow = gather((async { sleep(Duration::from_secs(3_600)).await }, async {
        let mut ticks = interval(Duration::from_millis(1));
        loop {
            ticks.tick().await;
        }
    }));
    let limited: Result<((), ()), _> = timeout(Duration::from_millis(3), slow).await;
    assert!(limited.is_err());
    assert_eq!(to_thread(|| 1).await, 1);
    drop(spawn_blocking(|| thread::sleep(Duration::from_millis(10))));
    let event = std::sync::Arc::new(Event::new());
    for _ in 0..50 {
        let event = event.clone();
        drop(spawn(async move { event.wait().await }));
        drop(spawn(sleep(Duration::from_secs(3_600))));
        drop(spawn_local(pending::<()>()));
    }
    let cancelled = spawn(pending::<()>());
    turns(5).await;
    cancelled.cancel();
    assert!(cancelled.await.is_err());
    assert!(!server.done());
}

#[cfg(target_os = "linux")]
#[test]
fn run_leaves_no_thread_and_no_descriptor_behind() {
    let name = "run_leaves_no_thread_and_no_descriptor_behind";
    in_own_process(name, &[], || {
        // The first run may open what the process keeps, such as the resolver's files.
        on_workers(2, everything_at_once());
        for workers in [1, 2, 4] {
            let before = (settled_threads(), descriptor_count());
            for _ in 0..5 {
                on_workers(workers, everything_at_once());
                assert_eq!(
                    before,
                    (settled_threads(), descriptor_count()),
                    "with {workers} workers"
                );
            }
            let panicked = catch(|| {
                on_workers(workers, async {
                    everything_at_once().await;
                    panic!("at the end");
                })
            });
            assert_eq!(panicked.message, "at the end");
            assert_eq!(before, (settled_threads(), descriptor_count()), "with {workers} workers");
        }
    });
}

#[cfg(target_os = "linux")]
/// How many threads there are, once those that were joined are gone from `/proc`: the kernel takes a
/// moment for that.
fn settled_threads() -> usize {
    let mut counts = (0..200).map(|_| {
        thread::sleep(Duration::from_micros(100));
        thread_count()
    });
    counts.by_ref().min().unwrap_or_default()
}

#[test]
fn output_of_a_program_is_complete_when_run_returns() {
    // A process that ends right after `run` has lost nothing of what its tasks did.
    let name = "output_of_a_program_is_complete_when_run_returns";
    in_own_process(name, &[], || {
        let journal = Journal::new();
        run(async {
            for number in 0..100 {
                let note = journal.on_drop(&number.to_string());
                drop(spawn(async move {
                    let _note = note;
                    pending::<()>().await;
                }));
            }
        });
        assert_eq!(journal.lines().len(), 100);
    });
}
