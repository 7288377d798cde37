//! What needs a runtime and has none says which call it was, what to do, and where the call stands.

use std::net::{Ipv4Addr, SocketAddr};
use std::time::{Duration, Instant};

use bowerbird::net::{TcpListener, TcpStream};
use bowerbird::{Task, io, time};
use bowerbird_tests::{Caught, catch};

/// Calls it, and checks message and place. The call stands on the line of the macro.
macro_rules! expect_misuse {
    ($($call:literal: $expression:expr;)*) => {$(
        let caught = catch(|| $expression);
        check($call, &caught, line_of(stringify!($expression)));
    )*};
}

/// The line of this file on which the expression stands, spaces aside.
fn line_of(expression: &str) -> u32 {
    let squeezed = |text: &str| text.replace(char::is_whitespace, "");
    let wanted = format!(":{};", squeezed(expression));
    let at = include_str!("outside_runtime.rs")
        .lines()
        .position(|line| squeezed(line).ends_with(&wanted));
    at.unwrap_or_else(|| panic!("`{expression}` must stand on one line")) as u32 + 1
}

fn check(call: &str, caught: &Caught, line: u32) {
    assert_eq!((caught.file.as_str(), caught.line), (file!(), line), "{caught:?}");
    assert!(caught.message.contains(call), "the message names {call}: {}", caught.message);
    let has_fix = caught.message.contains("bowerbird::run(") && caught.message.contains("enter()");
    assert!(has_fix, "the message of {call} names the fix: {}", caught.message);
}

#[test]
fn tasks_outside_a_runtime_point_at_the_call() {
    expect_misuse! {
        "spawn()": bowerbird::spawn(async {});
        "create_task()": bowerbird::create_task(async {});
        "spawn_local()": bowerbird::spawn_local(async {});
        "spawn()": Task::builder().name("x").spawn(async {});
        "spawn()": Task::builder().eager(true).spawn(async {});
        "spawn_local()": Task::builder().spawn_local(async {});
        "to_thread()": bowerbird::to_thread(|| ());
        "spawn_blocking()": bowerbird::spawn_blocking(|| ());
    }
}

#[test]
fn gathers_outside_a_runtime_point_at_the_call() {
    expect_misuse! {
        "gather()": bowerbird::gather((async {}, async {}));
        "gather()": bowerbird::gather(Vec::<std::future::Ready<()>>::new());
        "gather_iter()": bowerbird::gather_iter([async {}]);
        "try_gather()": bowerbird::try_gather((async { Ok::<_, ()>(()) },));
    }
}

#[test]
fn timers_outside_a_runtime_point_at_the_call() {
    let second = Duration::from_secs(1);
    let soon = Instant::now();
    expect_misuse! {
        "sleep()": bowerbird::sleep(second);
        "sleep()": bowerbird::sleep(Duration::ZERO);
        "sleep_until()": bowerbird::sleep_until(soon);
        "interval()": bowerbird::interval(second);
        "interval_at()": bowerbird::interval_at(soon, second);
        "timeout()": bowerbird::timeout(second, async {});
        "timeout_at()": bowerbird::timeout_at(soon, async {});
        "pause()": time::pause();
        "resume()": time::resume();
        "advance()": time::advance(second);
    }
}

#[test]
fn sockets_outside_a_runtime_point_at_the_call() {
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
    let listener = || std::net::TcpListener::bind(address).unwrap();
    expect_misuse! {
        "TcpListener::bind": TcpListener::bind(address);
        "TcpListener::from_std": TcpListener::from_std(listener());
        "TcpStream::connect": TcpStream::connect(address);
        "TcpStream::connect_addr": TcpStream::connect_addr(address);
        "AsyncFd::new": io::AsyncFd::new(listener());
        "AsyncFd::with_interest": io::AsyncFd::with_interest(listener(), io::Interest::READABLE);
    }
}

#[test]
fn timeout_is_made_where_it_is_called_and_not_where_it_is_awaited() {
    let caught = catch(|| {
        let unused = bowerbird::timeout(Duration::from_secs(1), async {});
        drop(unused);
    });
    assert_eq!((caught.file.as_str(), caught.line), (file!(), line!() - 3));
}

#[test]
fn questions_outside_a_runtime_have_an_answer() {
    assert!(bowerbird::current_task().is_none());
    assert!(bowerbird::all_tasks().is_empty());
    assert!(bowerbird::runtime::Handle::try_current().is_none());
    assert_eq!(bowerbird::block_in_place(|| 1), 1);
}
