//! Reports: the last place where an error can be heard.

use std::any::Any;
use std::cell::Cell;
use std::panic::{AssertUnwindSafe, Location, catch_unwind};
use std::sync::Arc;
use std::time::Duration;

use bowerbird_base::clock::system_now;
use bowerbird_base::const_thread_local;
use bowerbird_base::sync::Mutex;

use crate::config::{Hook, PanicPolicy};
use crate::current;
use crate::handle::current_task;
use crate::task::handle::TaskHandle;
use crate::unhandled::{Unhandled, UnhandledKind};
use crate::watch::time_callback;

/// Hears what nobody retrieved.
pub type ExceptionHandler = Arc<dyn Fn(&Unhandled) + Send + Sync>;

/// Writes a line to standard error: the handler that a runtime has unless it is given another.
///
/// asyncio: `loop.default_exception_handler`.
///
/// # Examples
/// ```
/// use bowerbird::runtime::{Handle, default_exception_handler};
///
/// bowerbird::run(async {
///     // Back to what a runtime has unless it is told otherwise.
///     Handle::current().set_exception_handler(default_exception_handler);
/// });
/// ```
pub fn default_exception_handler(unhandled: &Unhandled) {
    eprintln!("bowerbird: {unhandled}");
}

/// Who hears for one runtime. A task that failed keeps it, so that it is heard there wherever, and however
/// late, its handle is dropped.
pub(crate) struct Reporter {
    handler: Mutex<ExceptionHandler>,
    policy: PanicPolicy,
    /// The main future of `run`, for the panic policy.
    main: Mutex<Option<TaskHandle>>,
}

impl Reporter {
    pub(crate) fn new(handler: ExceptionHandler, policy: PanicPolicy) -> Self {
        Self { handler: Mutex::new(handler), policy, main: Mutex::new(None) }
    }

    pub(crate) fn handler(&self) -> ExceptionHandler {
        self.handler.lock().clone()
    }

    pub(crate) fn set_handler(&self, handler: ExceptionHandler) {
        let before = std::mem::replace(&mut *self.handler.lock(), handler);
        drop_caught(before, "the destructor of an exception handler panicked");
    }

    /// Says which main future the panic policy cancels.
    pub(crate) fn set_main(&self, main: Option<TaskHandle>) {
        let before = std::mem::replace(&mut *self.main.lock(), main);
        drop(before);
    }

    /// The panic policy: a panic that nobody awaited may cancel the main future.
    pub(crate) fn obey_policy(&self, unhandled: &Unhandled) {
        if self.policy == PanicPolicy::CancelMain {
            let main = self.main.lock().clone();
            if let Some(main) = main {
                main.cancel_with(unhandled.to_string());
            }
        }
    }

    /// Tells the handler; one that panics is not silent either.
    pub(crate) fn report(&self, unhandled: &Unhandled) {
        tell(&*self.handler(), unhandled);
    }
}

const_thread_local! {
    /// How long this thread has been in exception handlers.
    static TIME_TELLING: Cell<Duration> = Cell::new(Duration::ZERO);
}

/// How long this thread has been in exception handlers, whose first look at a backtrace is slow: that is not
/// the time of who reported.
pub(crate) fn time_telling() -> Duration {
    TIME_TELLING.try_with(Cell::get).unwrap_or_default()
}

/// Calls a handler. If it panics, that and what it was told go to standard error.
fn tell(handler: &dyn Fn(&Unhandled), unhandled: &Unhandled) {
    let (before, began) = (time_telling(), system_now());
    tell_untimed(handler, unhandled);
    // A handler that reported in turn is in the whole already.
    let took = system_now().saturating_duration_since(began);
    let _thread_ends = TIME_TELLING.try_with(|time| time.set(before + took));
}

fn tell_untimed(handler: &dyn Fn(&Unhandled), unhandled: &Unhandled) {
    let Err(payload) = catch_unwind(AssertUnwindSafe(|| handler(unhandled))) else { return };
    let kind = UnhandledKind::ExceptionHandler;
    let failure = Unhandled::new(kind, "the exception handler panicked").with_panic(payload);
    let told = catch_unwind(AssertUnwindSafe(|| {
        default_exception_handler(&failure);
        default_exception_handler(unhandled);
    }));
    // Standard error is closed: there is nobody left to tell.
    told.err().into_iter().for_each(drop_payload);
    drop_unhandled(failure);
}

/// A report may hold the last reference to a payload, whose destructor may panic.
pub(crate) fn drop_unhandled(unhandled: Unhandled) {
    let dropped = catch_unwind(AssertUnwindSafe(move || drop(unhandled)));
    dropped.err().into_iter().for_each(drop_payload);
}

/// Calls code that is not ours; what it panics with is reported and goes no further.
pub(crate) fn caught<R>(kind: UnhandledKind, message: &str, f: impl FnOnce() -> R) -> Option<R> {
    match catch_unwind(AssertUnwindSafe(f)) {
        Ok(output) => Some(output),
        Err(payload) => {
            report_panic_text(kind, message, payload);
            None
        }
    }
}

/// The same, for a callback that was registered at `location`; in debug mode its time is taken.
#[doc(hidden)]
pub fn caught_at<R>(
    message: &str,
    location: &'static Location<'static>,
    f: impl FnOnce() -> R,
) -> Option<R> {
    match catch_unwind(AssertUnwindSafe(|| time_callback(location, f))) {
        Ok(output) => Some(output),
        Err(payload) => {
            let unhandled = Unhandled::new(UnhandledKind::Callback, message)
                .with_location(location)
                .with_panic(payload);
            call_exception_handler(&unhandled);
            drop_unhandled(unhandled);
            None
        }
    }
}

/// Drops a value of the user's; a panic of its destructor is reported and goes no further.
pub(crate) fn drop_caught<T>(value: T, message: &str) {
    caught(UnhandledKind::Destructor, message, move || drop(value));
}

/// Drops the payload of a panic, whose destructor may panic again, with a payload of its own.
pub(crate) fn drop_payload(payload: Box<dyn Any + Send>) {
    /// Who panics longer than this in destructors of payloads has the last one forgotten.
    const MOST_PANICS: usize = 8;
    let mut payload = payload;
    for _ in 0..MOST_PANICS {
        match catch_unwind(AssertUnwindSafe(move || drop(payload))) {
            Ok(()) => return,
            Err(next) => payload = next,
        }
    }
    std::mem::forget(payload);
    let message = "the destructors of the payloads of panics panicked again and again; the last was left behind";
    report_text(UnhandledKind::Destructor, message);
}

/// Calls a hook, if there is one.
pub(crate) fn call_hook(hook: Option<&Hook>) {
    if let Some(hook) = hook {
        caught(UnhandledKind::Hook, "a hook of the runtime's threads panicked", || hook());
    }
}

/// Reports a panic that concerns no task.
#[cold]
pub(crate) fn report_panic_text(kind: UnhandledKind, message: &str, payload: Box<dyn Any + Send>) {
    let unhandled = Unhandled::new(kind, message).with_panic(payload);
    call_exception_handler(&unhandled);
    drop_unhandled(unhandled);
}

/// Reports what concerns no task and no error.
#[cold]
pub(crate) fn report_text(kind: UnhandledKind, message: &str) {
    call_exception_handler(&Unhandled::new(kind, message));
}

/// The process cannot go on if a panic comes out of the runtime's own code: a future that borrows from the
/// stack would stay behind, or a worker's tasks would wait for ever.
pub(crate) struct AbortOnUnwind;

impl Drop for AbortOnUnwind {
    fn drop(&mut self) {
        eprintln!(
            "bowerbird: a panic came out of the runtime itself; this is a bug, the process ends"
        );
        std::process::abort();
    }
}

/// Tells the exception handler of this thread's runtime; outside a runtime the default one.
///
/// asyncio: `loop.call_exception_handler`. [`Handle::call_exception_handler`](crate::Handle) tells that of
/// any runtime. A handler that panics is reported on standard error, with what it was told.
///
/// # Examples
/// ```
/// use bowerbird::runtime::{Unhandled, UnhandledKind, call_exception_handler};
/// use std::sync::{Arc, Mutex};
///
/// let heard = Arc::new(Mutex::new(Vec::new()));
/// let log = heard.clone();
/// let builder = bowerbird::Runner::builder()
///     .exception_handler(move |unhandled| log.lock().unwrap().push(unhandled.to_string()));
/// builder
///     .build()
///     .unwrap()
///     .run(async {
///         call_exception_handler(&Unhandled::new(UnhandledKind::Other, "the log is full"));
///     })
///     .unwrap();
/// assert_eq!(*heard.lock().unwrap(), ["the log is full"]);
/// ```
pub fn call_exception_handler(unhandled: &Unhandled) {
    match current::runtime() {
        Some(runtime) => runtime.reporter.report(unhandled),
        None => tell(&default_exception_handler, unhandled),
    }
}

/// Reports what went wrong in a cleanup that was registered at `location`: with the running task, if there
/// is one, and with its panic, if it was one.
pub fn report_cleanup(
    message: &str,
    payload: Option<Box<dyn Any + Send>>,
    location: &'static Location<'static>,
) {
    let mut unhandled = Unhandled::new(UnhandledKind::Cleanup, message);
    if let Some(task) = current_task() {
        unhandled = unhandled.with_task(&task);
    }
    if let Some(payload) = payload {
        unhandled = unhandled.with_panic(payload);
    }
    call_exception_handler(&unhandled.with_location(location));
}
