//! The handler in a process of its own: this test program again, told to run one test.

use std::env;
use std::io::Read;
use std::os::fd::AsRawFd;
use std::os::unix::net::UnixStream;
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use super::*;

const VARIABLE: &str = "BOWERBIRD_TEST_IN_OWN_PROCESS";

#[track_caller]
fn in_own_process(test: &str, body: impl FnOnce()) {
    if env::var_os(VARIABLE).is_some_and(|value| value == test) {
        return body();
    }
    let name = format!("takeover::tests::{test}");
    let mut command = Command::new(env::current_exe().unwrap());
    let output =
        command.args([&name, "--exact", "--nocapture"]).env(VARIABLE, test).output().unwrap();
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success() && text.contains("1 passed"), "{output:?}");
}

/// The handler runs in this thread before this returns.
fn raise(number: c_int) {
    // SAFETY: the call has no condition.
    assert_eq!(unsafe { libc::raise(number) }, 0);
}

/// Puts a handler over ours that does nothing, so that no signal ends the process between takeovers.
fn cover_ours() {
    drop(lay_beneath(SignalKind::interrupt()).unwrap());
    // SAFETY: the action does nothing.
    unsafe { signal_hook_registry::register(libc::SIGINT, || ()) }.unwrap();
}

fn take(bell: &Bell, limit: u32) -> Takeover {
    Takeover::begin(bell, limit, Some(Reaction::Ring), None).unwrap().unwrap()
}

#[test]
fn takeover_counts_rings_and_restores() {
    in_own_process("takeover_counts_rings_and_restores", || {
        let bell = Bell::new().unwrap();
        for _ in 0..3 {
            let takeover = take(&bell, 2);
            assert_eq!((Takeover::count(), Takeover::first()), (0, None));
            assert!(Takeover::begin(&bell, 2, Some(Reaction::Ring), None).unwrap().is_none());
            raise(libc::SIGINT);
            raise(libc::SIGINT);
            bell.take().unwrap();
            assert_eq!(Takeover::count(), 2);
            assert_eq!(Takeover::first(), Some(SignalKind::interrupt()));
            assert_eq!(current_handler(libc::SIGINT).unwrap(), handler_address());
            assert_eq!(current_handler(libc::SIGTERM).unwrap(), libc::SIG_DFL);
            drop(takeover);
            assert_eq!(current_handler(libc::SIGINT).unwrap(), libc::SIG_DFL);
        }
    });
}

#[test]
fn handler_of_somebody_else_is_left_alone() {
    in_own_process("handler_of_somebody_else_is_left_alone", || {
        let bell = Bell::new().unwrap();
        set_handler(libc::SIGINT, libc::SIG_IGN).unwrap();
        assert!(Takeover::begin(&bell, 1, Some(Reaction::Ring), None).unwrap().is_none());
        assert_eq!(current_handler(libc::SIGINT).unwrap(), libc::SIG_IGN);
        // One that comes during a takeover stays.
        set_handler(libc::SIGINT, libc::SIG_DFL).unwrap();
        let takeover = take(&bell, 1);
        set_handler(libc::SIGINT, libc::SIG_IGN).unwrap();
        drop(takeover);
        assert_eq!(current_handler(libc::SIGINT).unwrap(), libc::SIG_IGN);
    });
}

#[test]
fn listener_keeps_the_signal_from_the_takeover() {
    in_own_process("listener_keeps_the_signal_from_the_takeover", || {
        cover_ours();
        let bell = Bell::new().unwrap();
        let takeover = take(&bell, 1);
        let listening = lay_beneath(SignalKind::interrupt()).unwrap();
        (0..3).for_each(|_| raise(libc::SIGINT));
        assert_eq!(Takeover::count(), 0);
        drop(listening);
        raise(libc::SIGINT);
        assert_eq!(Takeover::count(), 1);
        bell.take().unwrap();
        drop(takeover);
        (0..3).for_each(|_| raise(libc::SIGINT));
    });
}

#[test]
fn takeovers_in_a_storm_of_signals_write_to_no_other_descriptor() {
    in_own_process("takeovers_in_a_storm_of_signals_write_to_no_other_descriptor", || {
        cover_ours();
        let is_over = Arc::new(AtomicBool::new(false));
        let threads: Vec<_> = (0..3)
            .map(|_| {
                let is_over = is_over.clone();
                thread::spawn(move || {
                    while !is_over.load(Ordering::SeqCst) {
                        raise(libc::SIGINT);
                    }
                })
            })
            .collect();
        let mut reused_count = 0;
        for _ in 0..5_000 {
            let bell = Bell::new().unwrap();
            let number = bell.ringer().raw();
            let takeover = take(&bell, u32::MAX);
            while bell.take().is_err() {
                thread::yield_now();
            }
            drop(takeover);
            drop(bell);
            let (mut here, mut there) = UnixStream::pair().unwrap();
            reused_count += usize::from([here.as_raw_fd(), there.as_raw_fd()].contains(&number));
            thread::yield_now();
            for end in [&mut here, &mut there] {
                end.set_nonblocking(true).unwrap();
                let read = end.read(&mut [0; 8]);
                assert!(read.is_err(), "a handler has written to it: {read:?}");
            }
        }
        assert!(reused_count > 1_000, "{reused_count}");
        is_over.store(true, Ordering::SeqCst);
        threads.into_iter().for_each(|thread| thread.join().unwrap());
    });
}
