//! Signals as streams. Each test has a process of its own, and sends the signals to that.
#![cfg(unix)]

use std::process::{Command, id};
use std::time::Duration;

use bowerbird::signal::{Signal, SignalKind, ctrl_c, signal};
use bowerbird::{EventLoop, Runner, Runtime, gather_iter, spawn, timeout, yield_now};
use bowerbird_tests::{
    Journal, catch, descriptor_count, everywhere, in_own_process, on_workers, turns, until,
};

/// Sends this process a signal, which has no handler running yet when this returns.
fn send(kind: SignalKind) {
    let command = format!("kill -{} {}", kind.as_raw(), id());
    assert!(Command::new("sh").args(["-c", &command]).status().unwrap().success());
}

fn usr1() -> Signal {
    signal(SignalKind::user_defined1()).unwrap()
}

#[test]
fn delivery_before_the_first_poll_is_not_lost() {
    in_own_process("delivery_before_the_first_poll_is_not_lost", &[], || {
        everywhere(|| async {
            let mut signals = usr1();
            let pressed = ctrl_c();
            send(SignalKind::user_defined1());
            send(SignalKind::interrupt());
            assert_eq!(signals.recv().await, Some(()));
            pressed.await.unwrap();
        });
    });
}

#[test]
fn listener_that_waits_is_woken_by_each_delivery() {
    in_own_process("listener_that_waits_is_woken_by_each_delivery", &[], || {
        everywhere(|| async {
            let mut signals = usr1();
            for _ in 0..10 {
                let sender = bowerbird::spawn_blocking(|| send(SignalKind::user_defined1()));
                assert_eq!(signals.recv().await, Some(()));
                sender.await.unwrap();
            }
        });
    });
}

#[test]
fn deliveries_that_nobody_has_looked_at_are_one() {
    in_own_process("deliveries_that_nobody_has_looked_at_are_one", &[], || {
        everywhere(|| async {
            // Made first, so rung first: what the second one has heard of, it has.
            let (mut signals, mut others) = (usr1(), usr1());
            for _ in 0..3 {
                send(SignalKind::user_defined1());
                assert_eq!(others.recv().await, Some(()));
            }
            assert_eq!(signals.recv().await, Some(()));
            assert!(timeout(Duration::ZERO, signals.recv()).await.is_err());
        });
    });
}

#[test]
fn every_listener_hears_of_a_delivery() {
    in_own_process("every_listener_hears_of_a_delivery", &[], || {
        everywhere(|| async {
            let listeners: Vec<_> = (0..100).map(|_| usr1()).collect();
            let tasks =
                listeners.into_iter().map(|mut signals| async move { signals.recv().await });
            let all = spawn(async { gather_iter(tasks).await });
            send(SignalKind::user_defined1());
            assert_eq!(all.await.unwrap(), vec![Some(()); 100]);
        });
    });
}

#[test]
fn listeners_of_several_runtimes_hear_of_a_delivery() {
    in_own_process("listeners_of_several_runtimes_hear_of_a_delivery", &[], || {
        let runtimes: Vec<_> = [1, 2, 4]
            .map(|workers| Runtime::builder().worker_threads(workers).build().unwrap())
            .into();
        let tasks: Vec<_> = runtimes
            .iter()
            .map(|runtime| {
                let mut signals = {
                    let _entered = runtime.enter();
                    usr1()
                };
                runtime.spawn(async move { signals.recv().await })
            })
            .collect();
        send(SignalKind::user_defined1());
        for (runtime, task) in runtimes.iter().zip(tasks) {
            assert_eq!(runtime.block_on(task).unwrap(), Some(()));
        }
    });
}

#[test]
fn listener_may_be_awaited_in_another_runtime_than_its_own() {
    in_own_process("listener_may_be_awaited_in_another_runtime_than_its_own", &[], || {
        let (here, there) = (Runtime::new().unwrap(), Runtime::new().unwrap());
        let mut signals = here.block_on(async { usr1() });
        send(SignalKind::user_defined1());
        assert_eq!(there.block_on(signals.recv()), Some(()));
    });
}

#[test]
fn wait_that_is_dropped_loses_nothing() {
    in_own_process("wait_that_is_dropped_loses_nothing", &[], || {
        everywhere(|| async {
            let mut signals = usr1();
            for _ in 0..10 {
                assert!(timeout(Duration::ZERO, signals.recv()).await.is_err());
            }
            let mut seen = usr1();
            send(SignalKind::user_defined1());
            assert_eq!(seen.recv().await, Some(()));
            assert_eq!(signals.recv().await, Some(()));
        });
    });
}

#[test]
fn cancelled_wait_leaves_the_delivery_to_the_next() {
    in_own_process("cancelled_wait_leaves_the_delivery_to_the_next", &[], || {
        everywhere(|| async {
            let listener = std::sync::Arc::new(std::sync::Mutex::new(Some(usr1())));
            let kept = listener.clone();
            let task = spawn(async move {
                struct PutBack(std::sync::Arc<std::sync::Mutex<Option<Signal>>>, Option<Signal>);
                impl Drop for PutBack {
                    fn drop(&mut self) {
                        *self.0.lock().unwrap() = self.1.take();
                    }
                }
                let signals = kept.lock().unwrap().take();
                let mut held = PutBack(kept, signals);
                held.1.as_mut().unwrap().recv().await
            });
            until(|| listener.lock().unwrap().is_none()).await;
            yield_now().await;
            task.cancel();
            send(SignalKind::user_defined1());
            // Whether the request or the delivery was first, nobody has taken the delivery in vain.
            let was_heard = task.await.is_ok();
            let mut signals = listener.lock().unwrap().take().unwrap();
            if !was_heard {
                assert_eq!(signals.recv().await, Some(()));
            }
        });
    });
}

#[test]
fn end_of_the_runtime_ends_the_stream() {
    in_own_process("end_of_the_runtime_ends_the_stream", &[], || {
        for workers in [1, 2] {
            let mut signals = on_workers(workers, async { usr1() });
            assert_eq!(on_workers(1, async { signals.recv().await }), None);
        }
    });
}

#[test]
fn listeners_leave_no_descriptor_behind() {
    in_own_process("listeners_leave_no_descriptor_behind", &[], || {
        // What a process does once: the registry's tables, and the like.
        on_workers(2, async { drop(usr1()) });
        let before = descriptor_count();
        for _ in 0..3 {
            on_workers(2, async {
                let _held: Vec<_> = (0..10).map(|_| usr1()).collect();
                drop(spawn(async { usr1().recv().await }));
                send(SignalKind::user_defined1());
            });
            assert_eq!(descriptor_count(), before);
        }
        let mut runner = Runner::builder().worker_threads(2).build().unwrap();
        let with_runner = descriptor_count();
        runner.run(async { usr1() }).unwrap();
        assert_eq!(descriptor_count(), with_runner, "the listener was dropped outside");
    });
}

#[test]
fn listeners_come_and_go_in_a_storm() {
    in_own_process("listeners_come_and_go_in_a_storm", &[], || {
        for workers in [1, 2, 4] {
            on_workers(workers, async {
                let command = format!(
                    "i=0; while [ $i -lt 3000 ]; do kill -USR1 {0}; i=$((i+1)); done",
                    id()
                );
                let _before_the_storm = usr1();
                let storm = bowerbird::spawn_blocking(move || {
                    Command::new("sh").args(["-c", &command]).status().unwrap()
                });
                while !storm.done() {
                    let mut signals = [usr1(), usr1()];
                    // Until the storm is over there is always one more.
                    let _one_or_the_end =
                        timeout(Duration::from_millis(5), signals[0].recv()).await;
                    yield_now().await;
                }
                assert!(storm.await.unwrap().success());
                let mut signals = usr1();
                send(SignalKind::user_defined1());
                assert_eq!(signals.recv().await, Some(()));
            });
        }
    });
}

#[test]
fn what_cannot_be_listened_for_is_refused_by_name() {
    on_workers(1, async {
        for (number, name) in [
            (9, "SIGKILL"),
            (11, "SIGSEGV"),
            (0, "signal 0"),
            (-1, "signal -1"),
            (4_000, "signal 4000"),
        ] {
            let error = signal(SignalKind::from_raw(number)).unwrap_err();
            assert!(error.to_string().starts_with(name), "{error}");
            assert_eq!(error.kind(), std::io::ErrorKind::InvalidInput);
        }
    });
}

#[test]
fn listening_outside_a_runtime_panics_at_the_call() {
    let caught = catch(|| signal(SignalKind::hangup()));
    assert_eq!((caught.file.as_str(), caught.line), (file!(), line!() - 1));
    assert!(caught.message.contains("signal"), "{caught:?}");
    let caught = catch(|| drop(ctrl_c()));
    assert_eq!((caught.file.as_str(), caught.line), (file!(), line!() - 1));
}

#[test]
fn callbacks_are_refused_what_streams_are() {
    let event_loop = EventLoop::new().unwrap();
    for number in [9, 19, 11, 0, -1, 1_000] {
        let kind = SignalKind::from_raw(number);
        let error = event_loop.add_signal_handler(kind, || ()).unwrap_err();
        assert_eq!(error.kind(), std::io::ErrorKind::InvalidInput, "{error}");
        assert!(error.to_string().starts_with(&format!("{kind:?}")), "{error}");
        assert!(!event_loop.remove_signal_handler(kind));
    }
}

#[test]
fn callback_of_a_signal_stands_in_line() {
    in_own_process("callback_of_a_signal_stands_in_line", &[], || {
        let mut event_loop = EventLoop::new().unwrap();
        let handle = event_loop.handle();
        let journal = Journal::new();
        let called = journal.clone();
        let stopper = handle.clone();
        handle
            .add_signal_handler(SignalKind::user_defined1(), move || {
                called.note("signal");
                stopper.stop();
            })
            .unwrap();
        // Sent in a callback: those that stand in line are called before.
        let (sender, second) = (journal.clone(), journal.clone());
        handle.call_soon(move || {
            send(SignalKind::user_defined1());
            sender.note("sent");
        });
        handle.call_soon(move || second.note("second"));
        event_loop.run_forever().unwrap();
        journal.expect(&["sent", "second", "signal"]);
    });
}

#[test]
fn callbacks_of_signals_go_with_the_loop() {
    in_own_process("callbacks_of_signals_go_with_the_loop", &[], || {
        let held = std::sync::Arc::new(());
        let mut event_loop = EventLoop::new().unwrap();
        for kind in [SignalKind::user_defined1(), SignalKind::hangup()] {
            let held = held.clone();
            event_loop.add_signal_handler(kind, move || drop(held.clone())).unwrap();
        }
        event_loop.run_until_complete(turns(3)).unwrap();
        drop(event_loop);
        assert_eq!(std::sync::Arc::strong_count(&held), 1);
        // Nobody hears of it, and it ends nothing: its handler stays.
        send(SignalKind::user_defined1());
    });
}
