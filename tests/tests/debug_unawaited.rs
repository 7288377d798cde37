//! Debug mode: futures that are dropped before their first poll, and those of which that is nobody's mistake.
//!
//! asyncio: "coroutine ... was never awaited".

use std::future::{Future, pending, ready};
use std::pin::{Pin, pin};
use std::sync::{Arc, Mutex};
use std::task::{Context, Waker};
use std::time::Duration;

use bowerbird::net::{TcpListener, TcpStream};
use bowerbird::runtime::{Unhandled, UnhandledKind};
use bowerbird::sync::{Event, Lock, Semaphore, oneshot};
use bowerbird::{
    CancelScope, CancellationToken, ReturnWhen, Runner, join, race, select, sleep, spawn, timeout,
    yield_now,
};
use bowerbird_tests::{WORKER_COUNTS, child_command, text_of};

type Heard = Arc<Mutex<Vec<Unhandled>>>;

const HOUR: Duration = Duration::from_secs(3_600);

fn with_debug<F: Future>(is_on: bool, workers: usize, program: impl FnOnce(Heard) -> F) {
    let heard = Heard::default();
    let log = heard.clone();
    let mut runner = Runner::builder()
        .worker_threads(workers)
        .debug(is_on)
        .slow_callback_duration(HOUR)
        .exception_handler(move |unhandled| log.lock().unwrap().push(unhandled.clone()))
        .build()
        .unwrap();
    runner.run(program(heard)).unwrap();
}

fn everywhere<F: Future>(program: impl Fn(Heard) -> F) {
    for workers in WORKER_COUNTS {
        with_debug(true, workers, &program);
    }
}

fn take(heard: &Heard) -> Vec<Unhandled> {
    std::mem::take(&mut *heard.lock().unwrap())
}

#[track_caller]
fn nothing(heard: &Heard) {
    let heard = take(heard);
    assert!(heard.is_empty(), "{heard:?}");
}

/// Drops a future unpolled: one report, with its call and its line. Polls another one and drops it: none.
macro_rules! never_awaited {
    ($heard:expr, $call:literal, $make:expr) => {{
        let first_line = line!();
        drop($make);
        let reports = take(&$heard);
        assert_eq!(reports.len(), 1, "{}: {reports:?}", $call);
        assert_eq!(reports[0].kind, UnhandledKind::NeverUsed);
        assert_eq!(reports[0].message, concat!($call, "() was never awaited"));
        let location = reports[0].location.unwrap();
        assert_eq!(location.file(), file!(), "{}", $call);
        assert!((first_line..first_line + 8).contains(&location.line()), "{}: {location}", $call);
        {
            let mut polled = pin!($make);
            let _ = polled.as_mut().poll(&mut Context::from_waker(Waker::noop()));
        }
        nothing(&$heard);
    }};
}

#[test]
fn time_and_limits() {
    everywhere(async |heard| {
        let now = bowerbird::time::now();
        never_awaited!(heard, "sleep", sleep(HOUR));
        never_awaited!(heard, "sleep", sleep(Duration::ZERO));
        never_awaited!(heard, "sleep_until", bowerbird::sleep_until(now));
        never_awaited!(heard, "sleep_until", bowerbird::sleep_until(now + HOUR));
        never_awaited!(heard, "timeout", timeout(HOUR, pending::<()>()));
        never_awaited!(heard, "timeout", timeout(HOUR, ready(())));
        never_awaited!(heard, "timeout_at", bowerbird::timeout_at(now, pending::<()>()));
        never_awaited!(heard, "wait_for", bowerbird::wait_for(pending::<()>(), HOUR));
        // One that was ready, and is given another deadline, was polled.
        let mut ended = bowerbird::sleep_until(now);
        (&mut ended).await;
        ended.reset(now + HOUR);
        drop(ended);
        // An interval ticks, or is dropped.
        drop(bowerbird::interval(HOUR));
        nothing(&heard);
    });
}

#[test]
fn combinators_and_scopes() {
    everywhere(async |heard| {
        never_awaited!(heard, "join", join((pending::<()>(), ready(1))));
        never_awaited!(
            heard,
            "try_join",
            bowerbird::try_join((ready(Err::<(), ()>(())), pending::<Result<(), ()>>()))
        );
        never_awaited!(heard, "race", race((pending::<()>(), ready(1))));
        never_awaited!(heard, "race_iter", bowerbird::race_iter([ready(1)]));
        never_awaited!(
            heard,
            "staggered_race",
            bowerbird::staggered_race([ready(Ok::<(), ()>(()))], HOUR)
        );
        never_awaited!(heard, "gather", bowerbird::gather((ready(1),)));
        never_awaited!(heard, "gather_iter", bowerbird::gather_iter([ready(1)]));
        never_awaited!(
            heard,
            "try_gather",
            bowerbird::try_gather((ready(Ok::<_, std::io::Error>(1)),))
        );
        never_awaited!(heard, "cancel_scope", bowerbird::cancel_scope(async |_| ()));
        never_awaited!(heard, "move_on_after", bowerbird::move_on_after(HOUR, async |_| ()));
        never_awaited!(heard, "fail_after", bowerbird::fail_after(HOUR, async |_| ()));
        never_awaited!(heard, "CancelScope::run", CancelScope::new().run(pending::<()>()));
        never_awaited!(heard, "catch_cancel", bowerbird::catch_cancel(pending::<()>()));
        never_awaited!(heard, "task_group", bowerbird::task_group(async |_| Ok(())));
        never_awaited!(heard, "local_task_group", bowerbird::local_task_group(async |_| Ok(())));
        never_awaited!(heard, "to_thread", bowerbird::to_thread(|| ()));
        never_awaited!(heard, "AsyncExitStack::close", bowerbird::AsyncExitStack::new().close());
        let tasks = [spawn(ready(1))];
        never_awaited!(heard, "wait", bowerbird::wait(&tasks, ReturnWhen::AllCompleted));
    });
}

struct Nothing;

impl bowerbird::AsyncContextManager for Nothing {
    type Value = Result<(), ()>;
    async fn enter(&mut self) -> Result<(), ()> {
        Ok(())
    }
    async fn exit(self, _: bowerbird::Outcome) {}
}

#[test]
fn context_managers_and_requests() {
    everywhere(async |heard| {
        never_awaited!(heard, "with", bowerbird::with(Nothing, async |_| ()));
        never_awaited!(heard, "with_send", bowerbird::with_send(Nothing, |_| ready(())));
        never_awaited!(heard, "try_with", bowerbird::try_with(Nothing, async |()| Ok::<_, ()>(())));
        let token = CancellationToken::new();
        never_awaited!(heard, "CancellationToken::cancelled", token.cancelled());
        never_awaited!(
            heard,
            "CancellationToken::run_until_cancelled",
            token.run_until_cancelled(pending::<()>())
        );
        never_awaited!(heard, "shutdown_requested", bowerbird::shutdown_requested());
        let task = spawn(async move {
            let cancelled = bowerbird::catch_cancel(pending::<()>()).await.unwrap_err();
            drop(cancelled.resume::<()>());
            let report = take(&heard).remove(0);
            assert_eq!(report.message, "Cancelled::resume() was never awaited");
            assert_eq!(report.task, bowerbird::current_task(), "who dropped it");
        });
        yield_now().await;
        task.handle().cancel();
        let _ = task.await;
    });
}

#[test]
fn channels_and_signals() {
    everywhere(async |heard| {
        let event = Event::new();
        never_awaited!(heard, "Event::wait", event.wait());
        let (mut sender, receiver) = oneshot::channel::<()>();
        never_awaited!(heard, "oneshot::Sender::closed", sender.closed());
        let lock = Arc::new(Lock::new(1));
        never_awaited!(heard, "Lock::lock", lock.lock());
        never_awaited!(heard, "Lock::lock_owned", lock.lock_owned());
        let semaphore = Arc::new(Semaphore::new(1));
        never_awaited!(heard, "Semaphore::acquire", semaphore.acquire());
        never_awaited!(heard, "Semaphore::acquire_many", semaphore.acquire_many(1));
        never_awaited!(heard, "Semaphore::acquire_owned", semaphore.acquire_owned());
        // The end of a channel is an object, and no call.
        drop((sender, receiver));
        never_awaited!(heard, "ctrl_c", bowerbird::signal::ctrl_c());
        let kind = bowerbird::signal::SignalKind::interrupt();
        let mut signal = bowerbird::signal::signal(kind).unwrap();
        never_awaited!(heard, "Signal::recv", signal.recv());
        nothing(&heard);
    });
}

#[test]
fn sockets() {
    everywhere(async |heard| {
        never_awaited!(heard, "TcpListener::bind", TcpListener::bind("127.0.0.1:0"));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        never_awaited!(heard, "TcpListener::accept", listener.accept());
        drop(TcpStream::connect(address));
        let report = take(&heard).remove(0);
        assert_eq!(report.message, "TcpStream::connect() was never awaited");
        let (client, server) = join((TcpStream::connect(address), listener.accept())).await;
        let ((mut client, _), mut server) = (server.unwrap(), client.unwrap());
        let (mut one, mut buffer, mut all) = ([0; 1], [0; 8], Vec::new());
        never_awaited!(heard, "TcpStream::read", client.read(&mut buffer));
        never_awaited!(heard, "TcpStream::read_exact", client.read_exact(&mut buffer));
        never_awaited!(heard, "TcpStream::read_to_end", client.read_to_end(&mut all));
        never_awaited!(heard, "TcpStream::readable", client.readable());
        never_awaited!(heard, "TcpStream::writable", client.writable());
        never_awaited!(heard, "TcpStream::peek", client.peek(&mut buffer));
        never_awaited!(heard, "TcpStream::write", client.write(b"hello"));
        never_awaited!(heard, "TcpStream::write_all", client.write_all(b""));
        // A peek that finds something has no need of the wait that it holds.
        assert_eq!(server.peek(&mut one).await.unwrap(), 1);
        server.read_exact(&mut [0; 5]).await.unwrap();
        never_awaited!(heard, "TcpStream::shutdown", client.shutdown());
        drop((client, server));
        nothing(&heard);
    });
}

/// A future of ours with another output.
async fn fallible<E>(nap: bowerbird::time::Sleep) -> Result<(), E> {
    nap.await;
    Ok(())
}

#[test]
fn losers_of_a_contest_are_not_reported() {
    everywhere(async |heard| {
        race((ready(1), sleep(HOUR))).biased().await;
        race([timeout(HOUR, ready(1)), timeout(HOUR, ready(1))]).biased().await.1.unwrap();
        let never = false;
        select! {
            biased;
            () = sleep(HOUR), if never => {}
            () = yield_now() => {}
            () = sleep(HOUR) => {}
        }
        let attempts = [ready(Ok::<_, ()>(1)), ready(Ok(2))];
        let attempts = attempts.map(|it| join((it, sleep(Duration::ZERO))));
        let attempts = attempts.map(|it| Box::pin(async move { it.await.0 }));
        bowerbird::staggered_race(attempts, HOUR).await.unwrap();
        let failed: Result<((), ()), ()> =
            bowerbird::try_join((ready(Err(())), fallible(sleep(HOUR)))).await;
        failed.unwrap_err();
        let naps = [0, 1].map(|_| timeout(HOUR, sleep(HOUR)));
        let [first, second] = naps;
        let failed =
            bowerbird::try_join((ready(Err(())), async { first.await.map_err(drop) })).await;
        failed.map(|((), ())| ()).unwrap_err();
        race((ready(1), second)).biased().await;
        nothing(&heard);
    });
}

#[test]
fn what_is_cancelled_is_not_reported() {
    everywhere(async |heard| {
        // Before its first poll: asyncio throws the cancellation into the coroutine, which counts as a start.
        let task = spawn(sleep(HOUR));
        task.cancel();
        task.await.unwrap_err();
        // Half-way, with something in hand that was to be awaited later.
        let task = spawn(async {
            let later = sleep(HOUR);
            pending::<()>().await;
            later.await;
        });
        yield_now().await;
        task.cancel();
        task.await.unwrap_err();
        let late = async {
            let later = sleep(HOUR);
            pending::<()>().await;
            later.await;
        };
        timeout(Duration::from_millis(1), late).await.unwrap_err();
        let token = CancellationToken::new();
        token.cancel();
        assert!(token.run_until_cancelled(sleep(HOUR)).await.is_none());
        let group = bowerbird::task_group(async |group| {
            group.spawn(sleep(HOUR));
            group.spawn(async { Err::<(), _>("no") });
            Ok(())
        });
        group.await.unwrap_err();
        let group = bowerbird::local_task_group(async |group| {
            group.spawn(sleep(HOUR));
            group.cancel();
            Ok(())
        });
        group.until_cancelled().await.unwrap();
        nothing(&heard);
    });
}

#[test]
fn what_a_panic_unwinds_is_not_reported() {
    everywhere(async |heard| {
        let task = spawn(async {
            let _later = sleep(HOUR);
            panic!("boom");
        });
        assert!(task.await.unwrap_err().is_panic());
        nothing(&heard);
    });
}

#[test]
fn outermost_one_is_reported() {
    everywhere(async |heard| {
        let event = Event::new();
        drop(timeout(HOUR, race((event.wait(), join((sleep(HOUR), sleep(HOUR)))))));
        let reports = take(&heard);
        assert_eq!(reports.len(), 1, "{reports:?}");
        assert_eq!(reports[0].message, "timeout() was never awaited");
    });
}

#[test]
fn block_of_code_that_is_never_awaited_reports_what_it_has_taken() {
    everywhere(async |heard| {
        let nap = sleep(HOUR);
        let location = format!("{nap:?}");
        drop(async move {
            yield_now().await;
            nap.await
        });
        let reports = take(&heard);
        assert_eq!(reports.len(), 1, "{reports:?}");
        let line = reports[0].location.unwrap().line();
        assert!(location.contains(&format!("line: {line}")), "{location}");
        let text = reports[0].to_string();
        assert!(
            text.contains(", made at ") && text.contains("sleep() was never awaited"),
            "{text}"
        );
    });
}

#[test]
fn nothing_is_reported_without_debug_mode_here() {
    // Another runtime is in debug mode at the same time.
    let mut other = Runner::builder().worker_threads(1).debug(true).build().unwrap();
    other.run(async {}).unwrap();
    for workers in WORKER_COUNTS {
        with_debug(false, workers, async |heard| {
            drop((sleep(HOUR), race((sleep(HOUR), ready(1))), bowerbird::gather((ready(1),))));
            nothing(&heard);
        });
    }
}

#[test]
fn switched_at_run_time() {
    everywhere(async |heard| {
        let handle = bowerbird::runtime::Handle::current();
        let made_before = Box::pin(race((ready(1), ready(2))));
        handle.set_debug(false);
        drop(made_before);
        nothing(&heard);
        handle.set_debug(true);
        never_awaited!(heard, "race", race((ready(1), ready(2))));
    });
}

#[test]
fn without_a_runtime_standard_error_is_told() {
    let output = child_command("without_a_runtime_child", &[("RUN_CHILD", "1")]).output().unwrap();
    let text = text_of(&output);
    assert!(output.status.success(), "{text}");
    assert!(text.contains("bowerbird: sleep() was never awaited, made at "), "{text}");
    assert!(text.contains("bowerbird: join() was never awaited, made at "), "{text}");
}

/// The other half of the test above.
#[test]
fn without_a_runtime_child() {
    if std::env::var_os("RUN_CHILD").is_none() {
        return;
    }
    with_debug(true, 1, async |heard| {
        let nap: Pin<Box<dyn Future<Output = ()> + Send>> = Box::pin(sleep(HOUR));
        std::thread::spawn(move || {
            drop(nap);
            drop(join((ready(1), ready(2))));
        })
        .join()
        .unwrap();
        nothing(&heard);
    });
}
