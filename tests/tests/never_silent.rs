//! What nobody retrieved is heard: by whom, and with what.

use std::panic::{Location, panic_any};
use std::sync::{Arc, Mutex};

use bowerbird::runtime::{
    Handle, Unhandled, UnhandledKind, call_exception_handler, default_exception_handler,
};
use bowerbird::{Runner, TaskHandle, spawn};
use bowerbird_tests::{WORKER_COUNTS, child_command, text_of, turns, until};

/// What a handler was told.
#[derive(Clone, Default)]
struct Heard(Arc<Mutex<Vec<Unhandled>>>);

impl Heard {
    fn handler(&self) -> impl Fn(&Unhandled) + Send + Sync + 'static {
        let heard = self.clone();
        move |unhandled| heard.0.lock().unwrap().push(unhandled.clone())
    }

    fn take(&self) -> Vec<Unhandled> {
        std::mem::take(&mut *self.0.lock().unwrap())
    }

    fn len(&self) -> usize {
        self.0.lock().unwrap().len()
    }

    #[track_caller]
    fn only(&self) -> Unhandled {
        let mut all = self.take();
        assert_eq!(all.len(), 1, "{all:?}");
        all.remove(0)
    }

    fn run<F: Future>(&self, workers: usize, future: F) -> F::Output {
        let mut runner = Runner::builder()
            .worker_threads(workers)
            .exception_handler(self.handler())
            .build()
            .expect("a runner");
        runner.run(future).expect("not cancelled")
    }
}

/// Runs a program on one worker and on several, with somebody who hears.
fn everywhere<F: Future>(program: impl Fn(Heard) -> F) {
    for workers in WORKER_COUNTS {
        let heard = Heard::default();
        heard.run(workers, program(heard.clone()));
    }
}

#[derive(Debug, PartialEq)]
struct Payload(u32);

#[test]
fn panic_of_a_detached_task_comes_with_its_task_and_its_payload() {
    everywhere(async |heard: Heard| {
        let task = spawn(async { panic_any(Payload(7)) }).map_handle("worker");
        until(|| heard.len() == 1).await;
        let unhandled = heard.only();
        assert_eq!(unhandled.kind, UnhandledKind::NeverRetrieved);
        assert_eq!(unhandled.task_id, Some(task.id()));
        assert_eq!(unhandled.task_name.as_deref(), Some("worker"));
        assert_eq!(unhandled.location, Some(task.spawn_location()));
        assert_eq!(unhandled.task.as_ref(), Some(&task));
        assert_eq!(unhandled.error, None, "the payload is no text");
        let source = unhandled.source.unwrap();
        let error = source.downcast_ref::<bowerbird::TaskError>().unwrap();
        let code = error.with_payload(|payload| payload.downcast_ref::<Payload>().unwrap().0);
        assert_eq!(code, Some(7));
    });
}

trait MapHandle {
    fn map_handle(self, name: &str) -> TaskHandle;
}

impl<T> MapHandle for bowerbird::Task<T> {
    /// Names the task and lets go of it.
    fn map_handle(self, name: &str) -> TaskHandle {
        self.set_name(name);
        self.handle()
    }
}

#[test]
fn panic_is_heard_by_the_runtime_of_the_task_wherever_the_handle_is_dropped() {
    let heard = Heard::default();
    let runtime = bowerbird::Runtime::builder().exception_handler(heard.handler()).build().unwrap();
    let task = runtime.spawn(async { panic!("late") });
    runtime.block_on(task.wait());
    assert_eq!(heard.len(), 0);
    drop(task);
    assert_eq!(heard.only().error.as_deref(), Some("late"));

    let task = runtime.spawn(async { panic!("later") });
    runtime.block_on(task.wait());
    drop(runtime);
    drop(task);
    assert_eq!(heard.only().error.as_deref(), Some("later"), "the runtime is gone");
}

#[test]
fn panic_that_was_awaited_is_not_heard() {
    everywhere(async |heard: Heard| {
        assert!(spawn(async { panic!("awaited") }).await.is_err());
        assert_eq!(heard.len(), 0);
    });
}

#[test]
fn cancellation_is_not_heard() {
    everywhere(async |heard: Heard| {
        let task = spawn(std::future::pending::<()>()).handle();
        turns(3).await;
        task.cancel_with("enough");
        task.wait().await;
        assert_eq!(heard.len(), 0);
    });
}

#[test]
fn done_callback_that_panics_comes_with_its_task_and_where_it_was_added() {
    everywhere(async |heard: Heard| {
        let task = spawn(async {});
        let line = line!() + 1;
        task.add_done_callback(|_| panic!("called back"));
        task.wait().await;
        until(|| heard.len() == 1).await;
        let unhandled = heard.only();
        assert_eq!(unhandled.kind, UnhandledKind::Callback);
        assert_eq!(unhandled.task, Some(task.handle()));
        let location = unhandled.location.unwrap();
        assert_eq!((location.file(), location.line()), (file!(), line));
        // Debug mode, if the environment asks for it, adds from where the task was spawned.
        let text = unhandled.to_string().lines().next().unwrap().to_owned();
        assert!(text.starts_with("a done callback panicked: Task-"), "{text}");
        assert!(text.contains(", spawned at ") && text.contains(", registered at "), "{text}");
        assert!(text.ends_with(": called back"), "{text}");
    });
}

#[test]
fn error_that_was_asked_about_is_heard() {
    everywhere(async |heard: Heard| {
        // Detached while it runs, and dropped when it has ended.
        let (sender, receiver) = bowerbird::sync::oneshot::channel::<()>();
        let detached = spawn(async move {
            let _ended = receiver.await;
            Err::<(), _>("no disk")
        });
        let task = detached.handle();
        drop(detached.report_errors());
        sender.send(()).unwrap();
        until(|| heard.len() == 1).await;
        let unhandled = heard.only();
        assert_eq!(unhandled.kind, UnhandledKind::NeverRetrieved);
        assert_eq!((unhandled.error.as_deref(), unhandled.task), (Some("no disk"), Some(task)));

        let ended = spawn(async { Err::<(), _>("no room") }).report_errors();
        ended.wait().await;
        assert_eq!(heard.len(), 0);
        drop(ended);
        assert_eq!(heard.only().error.as_deref(), Some("no room"));
    });
}

#[test]
fn error_that_was_retrieved_or_not_asked_about_is_not_heard() {
    everywhere(async |heard: Heard| {
        assert!(spawn(async { Err::<(), _>("seen") }).report_errors().await.unwrap().is_err());
        assert!(spawn(async { Ok::<_, String>(1) }).report_errors().await.unwrap().is_ok());
        let fine = spawn(async { Ok::<_, String>(1) }).report_errors();
        fine.wait().await;
        drop(fine);
        let cancelled = spawn(std::future::pending::<Result<(), String>>()).report_errors();
        cancelled.cancel();
        cancelled.wait().await;
        drop(cancelled);
        let unasked = spawn(async { Err::<(), _>("nobody can see this in a generic spawn") });
        unasked.wait().await;
        drop(unasked);
        assert_eq!(heard.len(), 0);
    });
}

#[test]
fn error_whose_display_panics_is_heard_as_that() {
    struct Bad;
    impl std::fmt::Display for Bad {
        fn fmt(&self, _: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            panic!("no words")
        }
    }
    everywhere(async |heard: Heard| {
        let task = spawn(async { Err::<(), _>(Bad) }).report_errors();
        task.wait().await;
        drop(task);
        assert_eq!(heard.only().error.as_deref(), Some("no words"));
    });
}

#[test]
fn second_panic_of_a_task_is_heard() {
    struct Bomb;
    impl Drop for Bomb {
        fn drop(&mut self) {
            panic!("second");
        }
    }
    everywhere(async |heard: Heard| {
        let bomb = std::mem::ManuallyDrop::new(Bomb);
        let future = Explodes { bomb };
        let error = spawn(future).await.unwrap_err();
        assert_eq!(error.message(), Some("first"));
        let unhandled = heard.only();
        assert_eq!(unhandled.error.as_deref(), Some("second"));
        assert_eq!(unhandled.kind, UnhandledKind::Destructor);
    });

    /// Its poll panics outside of what the destructor is about, so both panics come one after the other.
    struct Explodes {
        bomb: std::mem::ManuallyDrop<Bomb>,
    }
    impl Future for Explodes {
        type Output = ();
        fn poll(
            self: std::pin::Pin<&mut Self>,
            _: &mut std::task::Context<'_>,
        ) -> std::task::Poll<()> {
            panic!("first")
        }
    }
    impl Drop for Explodes {
        fn drop(&mut self) {
            drop(std::mem::replace(&mut *self.bomb, Bomb));
        }
    }
}

#[test]
fn tasks_left_by_a_shutdown_with_a_limit_are_heard() {
    for workers in WORKER_COUNTS {
        let heard = Heard::default();
        let runtime = bowerbird::Runtime::builder()
            .worker_threads(workers)
            .exception_handler(heard.handler())
            .build()
            .unwrap();
        let (open, closed) = std::sync::mpsc::channel::<()>();
        let (begun, begins) = bowerbird::sync::oneshot::channel();
        let task = runtime.spawn(async move {
            begun.send(()).unwrap();
            closed.recv().unwrap_err(); // a poll that lasts
        });
        begins.blocking_recv().unwrap();
        runtime.shutdown_timeout(std::time::Duration::from_millis(10));
        let unhandled = heard.only();
        assert_eq!(unhandled.kind, UnhandledKind::DestroyedPending);
        assert_eq!(unhandled.task, Some(task.handle()));
        drop(open);
    }
}

#[test]
fn waker_that_panics_when_its_deadline_comes_is_heard() {
    struct Panics;
    impl std::task::Wake for Panics {
        fn wake(self: Arc<Self>) {
            panic!("not awake");
        }
    }
    everywhere(async |heard: Heard| {
        let waker = std::task::Waker::from(Arc::new(Panics));
        let mut sleep = Box::pin(bowerbird::sleep(std::time::Duration::from_micros(100)));
        let mut cx = std::task::Context::from_waker(&waker);
        if sleep.as_mut().poll(&mut cx).is_pending() {
            until(|| heard.len() == 1).await;
            let unhandled = heard.only();
            assert_eq!(unhandled.kind, UnhandledKind::Waker);
            assert_eq!(unhandled.error.as_deref(), Some("not awake"));
        }
    });
}

// -----------------------------------------------------------------------------------------------
// CPython's test_base_events: test_set_exc_handler_custom, ..._broken, test_default_exc_handler_...
// -----------------------------------------------------------------------------------------------

#[test]
fn set_exc_handler_custom() {
    everywhere(async |first: Heard| {
        let second = Heard::default();
        let handle = Handle::current();
        handle.set_exception_handler(second.handler());
        call_exception_handler(&Unhandled::new(UnhandledKind::Other, "spam").with_error("eggs"));
        assert_eq!(second.only().to_string(), "spam: eggs");
        assert_eq!(first.len(), 0);
        let before = handle.exception_handler();
        handle.set_exception_handler(default_exception_handler);
        before(&Unhandled::new(UnhandledKind::Other, "direct"));
        assert_eq!(second.only().message, "direct");
    });
}

#[test]
fn handler_of_another_runtime_is_told_by_its_handle() {
    let heard = Heard::default();
    let runtime = bowerbird::Runtime::builder().exception_handler(heard.handler()).build().unwrap();
    let location = Location::caller();
    let unhandled = Unhandled::new(UnhandledKind::Other, "told").with_location(location);
    runtime.handle().call_exception_handler(&unhandled);
    assert_eq!(heard.only().location, Some(location));
}

#[test]
fn set_exc_handler_broken() {
    let output = child_command("set_exc_handler_broken_child", &[]).output().unwrap();
    let text = text_of(&output);
    assert!(output.status.success() && text.contains("1 passed"), "{text}");
    assert!(text.contains("the exception handler panicked: the handler's own"), "{text}");
    assert!(text.contains("bowerbird: what it was told"), "{text}");
}

#[test]
fn set_exc_handler_broken_child() {
    let heard = Heard::default();
    heard.run(1, async {
        Handle::current().set_exception_handler(|_| panic!("the handler's own"));
        call_exception_handler(&Unhandled::new(UnhandledKind::Other, "what it was told"));
    });
}
