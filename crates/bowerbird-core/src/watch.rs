//! Debug mode: slow polls, where tasks come from, what their leaves wait for; and the hooks that are told of
//! tasks.
//!
//! A task that is watched carries the bit WATCHED, which takes its polls the slow way (poll.rs); others pay
//! nothing. The bit is set when the task is made, where the look at the runtime's flags is the one that asks
//! whether it has stopped, or by [`Runtime::set_watching`], which walks all tasks. What was spawned while
//! that walks may be missed.
//!
//! What a watched task's leaves wait for is put into its cold part by whoever polled it, before it may be
//! polled elsewhere.

use std::backtrace::Backtrace;
use std::panic::Location;
use std::ptr::NonNull;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bowerbird_base::clock::system_now;
use bowerbird_base::debug::{Warning, WarningKind};
use bowerbird_base::ledger::{self, Futurelock};
use bowerbird_base::poll_context;

use crate::config::TaskHook;
use crate::current;
use crate::handle::current_task;
use crate::report::{call_exception_handler, caught, time_telling};
use crate::runtime::{Flags, Runtime};
use crate::task::Runnable;
use crate::task::handle::TaskHandle;
use crate::task::header::Header;
use crate::task::state::{self, Bits};
use crate::unhandled::{Unhandled, UnhandledKind};

/// A task was just made while tasks are watched.
#[cold]
pub(crate) fn new_task(runtime: &Runtime, task: &Runnable, flags: Flags) {
    let header = task.header();
    if flags.is_debug() {
        let backtrace = Arc::new(Backtrace::force_capture());
        header.cold_or_new().0.lock().spawned_from = Some(backtrace);
    }
    let bits = header.state.set(state::WATCHED);
    if flags.is_hooked() && !bits.is_blocking() {
        call(runtime.config.task_hooks.spawn.as_ref(), task.0);
    }
}

/// A watched task has ended.
#[cold]
pub(crate) fn ended_task(runtime: &Runtime, task: NonNull<Header>, bits: Bits) {
    if runtime.flags().is_hooked() && !bits.is_blocking() {
        call(runtime.config.task_hooks.terminate.as_ref(), task);
    }
}

/// Calls a hook, which is the user's; what the poll that goes on has left in this thread is set aside.
fn call(hook: Option<&TaskHook>, task: NonNull<Header>) {
    if let Some(hook) = hook {
        let outer = poll_context::set_aside();
        let handle = TaskHandle::retain(task);
        caught(UnhandledKind::Hook, "a hook that is told of tasks panicked", || hook(&handle));
        drop(outer);
    }
}

/// A watched task is about to be polled: what it waited for is over.
pub(crate) fn forget_waits(header: &Header) {
    let waits = header.cold().map(|cold| std::mem::take(&mut cold.0.lock().waits));
    drop(waits);
}

/// Polls a watched task, or a cleanup of its: keeps what its leaves wait for, and reports a poll that lasts.
#[cold]
pub(crate) fn watched<R>(task: &Runnable, seen: Bits, poll: impl FnOnce() -> R) -> R {
    let runtime = current::runtime();
    let hooked = runtime.as_deref().filter(|it| it.flags().is_hooked() && !seen.is_blocking());
    let hooks = hooked.map(|runtime| runtime.config.task_hooks.clone()).unwrap_or_default();
    let is_tracking = runtime.as_deref().is_some_and(|runtime| runtime.flags().is_tracking());
    call(hooks.before_poll.as_ref(), task.0);
    let number = task.header().id().get();
    let mark = is_tracking.then(|| ledger::poll_begins(number));
    let was_tracked = poll_context::set_tracked(is_tracking);
    drop(poll_context::take_waits());
    let had_seat = current::is_occupant();
    let clock = runtime.as_deref().and_then(Stopwatch::start);
    drop(runtime);
    let polled = poll();
    poll_context::set_tracked(was_tracked);
    call(hooks.after_poll.as_ref(), task.0);
    let waits = poll_context::take_waits();
    if !waits.is_empty() {
        task.header().cold_or_new().0.lock().waits.extend(waits);
    }
    if let Some(mark) = mark {
        let comes_back = poll_context::has_yielded() || task.header().state.load().is_notified();
        for found in ledger::poll_ended(number, mark, !comes_back) {
            tell_of(found);
        }
    }
    // Blocking work may last, and so may a poll whose seat somebody else has taken meanwhile.
    let may_last = seen.is_blocking() || had_seat != current::is_occupant();
    if let Some(took) = clock.and_then(Stopwatch::stop).filter(|_| !may_last) {
        let handle = TaskHandle::retain(task.0);
        let text = slow_text(format_args!("{handle:?}"), took);
        report_beside(Unhandled::new(UnhandledKind::Slow, text).with_task(&handle));
    }
    polled
}

/// Something was handed to a future that nobody polls.
#[cold]
fn tell_of(found: Futurelock) {
    let Futurelock { task, kind, location, waiting, .. } = found;
    let runtime = current::runtime();
    if !runtime.as_deref().is_some_and(|runtime| runtime.flags().is_debug()) {
        return;
    }
    let mut owner = None;
    if let Some(runtime) = &runtime {
        runtime.for_each_task(|each| {
            if each.id().get() == task {
                owner = Some(each);
            }
        });
    }
    let name =
        owner.as_ref().map_or_else(|| format!("task {task}"), |owner| owner.name().to_string());
    let text = format!(
        "{name} may wait for itself: a {kind} was handed to a future that it has not polled since, while \
         {waiting} more wait for that {kind}. Drop the future before the next await, or spawn it"
    );
    let mut unhandled = Unhandled::new(UnhandledKind::Futurelock, text);
    if let Some(owner) = &owner {
        unhandled = unhandled.with_task(owner);
    }
    report_beside(unhandled.with_location(location));
}

/// The time of one call, in debug mode, but for what exception handlers take of it.
struct Stopwatch {
    began: Instant,
    telling_before: Duration,
    limit: Duration,
}

impl Stopwatch {
    fn start(runtime: &Runtime) -> Option<Self> {
        let is_debug = runtime.flags().is_debug();
        is_debug.then(|| Self {
            began: system_now(),
            telling_before: time_telling(),
            limit: runtime.slow_callback_duration(),
        })
    }

    /// The time, if it was too long.
    fn stop(self) -> Option<Duration> {
        let telling = time_telling().saturating_sub(self.telling_before);
        let took = system_now().saturating_duration_since(self.began).saturating_sub(telling);
        (took >= self.limit).then_some(took)
    }
}

fn slow_text(what: std::fmt::Arguments<'_>, took: Duration) -> String {
    format!("Executing {what} took {:.3} seconds", took.as_secs_f64())
}

/// The handler is called in the middle of a poll's end: what that left in this thread is set aside.
fn report_beside(unhandled: Unhandled) {
    let outer = poll_context::set_aside();
    call_exception_handler(&unhandled);
    drop(outer);
}

/// Calls a callback that was registered at `location`; in debug mode one that lasts is reported.
///
/// asyncio: "Executing <Handle ..> took 0.123 seconds".
pub fn time_callback<R>(location: &'static Location<'static>, callback: impl FnOnce() -> R) -> R {
    let clock = current::with_occupant(|occupant| match occupant {
        Some(occupant) => Stopwatch::start(occupant.runtime),
        None => current::runtime().as_deref().and_then(Stopwatch::start),
    });
    let output = callback();
    if let Some(took) = clock.and_then(Stopwatch::stop) {
        let text = slow_text(format_args!("<callback registered at {location}>"), took);
        report_beside(Unhandled::new(UnhandledKind::Slow, text).with_location(location));
    }
    output
}

/// Hears what the crates below have seen in debug mode: tells the handler of this thread's runtime, with the
/// task that is polled, or standard error on a thread without a runtime.
#[cold]
pub(crate) fn hear_warning(warning: Warning) {
    let runtime = current::runtime();
    if runtime.as_deref().is_some_and(|it| !it.flags().is_debug()) {
        return;
    }
    let kind = match warning.kind {
        WarningKind::NeverUsed => UnhandledKind::NeverUsed,
        WarningKind::Futurelock => UnhandledKind::Futurelock,
        _ => UnhandledKind::Other,
    };
    let mut unhandled = Unhandled::new(kind, warning.text);
    if let Some(task) = runtime.is_some().then(current_task).flatten() {
        unhandled = unhandled.with_task(&task);
    }
    unhandled.location = warning.location.or(unhandled.location);
    // The handler may run in the middle of a poll, in a destructor. A thread without a runtime may be at its
    // end, and have no poll context any more.
    let outer = runtime.is_some().then(poll_context::set_aside);
    call_exception_handler(&unhandled);
    drop(outer);
}

impl Runtime {
    /// Switches debug mode or the tracking of waits on or off, for the tasks that there are too.
    pub(crate) fn set_watching(&self, flag: Flags, is_on: bool) {
        let flags = self.set_flag(flag, is_on);
        let set = |task: TaskHandle| {
            let state = &task.header_ref().state;
            // What an earlier watch has kept is not true any more.
            if !state.load().is_watched() || !flags.is_watching() {
                forget_waits(task.header_ref());
            }
            if task.is_hidden() {
                // The runtime's own: what it calls is watched by itself.
            } else if flags.is_watching() {
                state.set(state::WATCHED);
            } else {
                state.clear(state::WATCHED);
            }
        };
        self.for_each_task(set);
        self.blocking_seat.list.for_each(set);
    }
}
