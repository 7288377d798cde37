//! Polls a task once and obeys what its state says.
//!
//! [`poll`] is the common way: no request, no cleanup, no context. [`poll_unusual`] is the root's part of
//! the protocol of cancellation and cleanup (docs/ARCHITECTURE.md):
//!
//! ```text
//!            request, never polled: drop the future                .------------------------.
//!   FRESH ----------------------------------------------------->  | CLEANING (output stored)| -- no cleanup
//!     | first poll                                                |  polls one cleanup      |    left --> DONE
//!     v                 value, panic                              |  after the other        |
//!   RUNNING ----------------------------------------------------> '-------------------------'
//!     | request: offered, one poll;                                          ^
//!     '-- still there after Pending: drop the future, store Cancelled -------'
//!         gone: somebody inside took it; go on
//! ```
//! A request that nobody took turns a value into a cancellation, a panic is kept (rule 2). Cleanups that a
//! running future leaves behind (by dropping a part of itself) run beside it, and the task is not done
//! before they are. One that comes while the task cleans up does not interrupt it.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::ptr::NonNull;
use std::sync::Arc;
use std::task::{Context as PollCx, Poll, Waker};

use bowerbird_base::poll_context::{self, Cleanup, Request};

use crate::report::{Reporter, call_exception_handler, caught, drop_caught, drop_unhandled};
use crate::task::Runnable;
use crate::task::cold::ColdState;
use crate::task::error::TaskError;
use crate::task::handle::TaskHandle;
use crate::task::header::{Header, Payload, Polled};
use crate::task::state::{self, Bits, Complete, Ending, Pending};
use crate::unhandled::{Unhandled, UnhandledKind};
use crate::variables::{self, Context};
use crate::wake::{is_ours, release, with_borrowed_waker};
use crate::{current, owner, spawn, watch};

/// What the caller does with the task after a poll.
#[must_use]
#[derive(Debug)]
pub(crate) enum AfterPoll {
    /// Nothing: it sleeps, or it is done.
    Nothing,
    /// Queue it behind everything that is ready: it yielded.
    Yielded(Runnable),
    /// Queue it: it was woken while it was polled.
    Woken(Runnable),
}

/// Polls a task that was popped from a queue.
#[inline]
pub(crate) fn poll(task: Runnable) -> AfterPoll {
    let seen = task.header().state.enter();
    if seen.is_unusual() {
        return poll_unusual(task, seen);
    }
    let (polled, ended) = poll_future(&task);
    if ended.needs_attention {
        return attend(task, seen, polled, ended.yielded);
    }
    after(task, seen, polled, ended.yielded)
}

#[inline]
fn poll_future(task: &Runnable) -> (Polled, poll_context::Ended) {
    poll_context::begin(task.as_ptr().cast_const().cast());
    // SAFETY: the task was popped from a queue, so RUNNING is the caller's, and the future is there, for
    // FUTURE_GONE was not among the bits seen.
    let polled = unsafe { (task.header().vtable.poll)(task.0) };
    (polled, poll_context::end())
}

#[inline]
fn after(task: Runnable, seen: Bits, polled: Polled, yielded: bool) -> AfterPoll {
    match polled {
        Polled::Pending if yielded => {
            task.header().state.mark_polled(seen);
            AfterPoll::Yielded(task)
        }
        Polled::Pending => match task.header().state.pending() {
            Pending::Idle => AfterPoll::Nothing,
            Pending::Requeue => AfterPoll::Woken(task),
        },
        Polled::Value => finish(task, Ending::Value),
        Polled::Panicked => finish(task, Ending::Panicked),
    }
}

// ---------------------------------------------------------------------------------------------------
// The unusual way
// ---------------------------------------------------------------------------------------------------

#[cold]
fn poll_unusual(task: Runnable, seen: Bits) -> AfterPoll {
    let header = task.header();
    let outside = seen.has_context().then(|| {
        // It stays there too, for whoever asks for it meanwhile.
        let context =
            header.cold().and_then(|cold| cold.0.lock().context.as_ref().map(Context::share));
        variables::replace_current(context.unwrap_or_default())
    });
    let after = poll_with_requests(task, seen);
    if let Some(outside) = outside {
        drop_context(variables::replace_current(outside));
    }
    after
}

/// The values of a context may be dropped with it, and are the user's.
fn drop_context(context: Context) {
    drop_caught(context, "the destructor of a context variable panicked");
}

fn poll_with_requests(task: Runnable, seen: Bits) -> AfterPoll {
    let header = task.header();
    if seen.is_watched() {
        watch::forget_waits(header);
    }
    let request = if seen.has_cancel() { take_request(header) } else { None };
    if seen.is_future_gone() {
        // Rule 7: a request that comes during the cleanups is merged: a value makes way for it.
        if let Some(request) = request {
            replace_value(&task, request);
        }
        return clean_up(task, seen);
    }
    if let Some(request) = request {
        if !seen.is_polled() {
            return unwind(task, seen, request);
        }
        poll_context::offer(request);
    }
    let (polled, ended) = if seen.is_watched() {
        watch::watched(&task, seen, || poll_future(&task))
    } else {
        poll_future(&task)
    };
    attend(task, seen, polled, ended.yielded)
}

/// Looks at what the poll left behind: a request that nobody took, cleanups, a context.
#[cold]
fn attend(task: Runnable, seen: Bits, polled: Polled, yielded: bool) -> AfterPoll {
    let left = poll_context::take_request().map(|(request, _)| request);
    let had_cleanups = collect_cleanups(&task) || seen.has_cleanups();
    match (polled, left) {
        (Polled::Pending, Some(request)) => return unwind(task, seen, request),
        (Polled::Value, Some(request)) => replace_value(&task, request),
        (Polled::Panicked, Some(_)) | (_, None) => {}
    }
    match polled {
        Polled::Pending if had_cleanups => beside(task, seen, yielded),
        Polled::Pending => {
            keep_context(&task, seen);
            after(task, seen, polled, yielded)
        }
        Polled::Value | Polled::Panicked => clean_up(task, seen),
    }
}

/// The task's future is dropped where it stands; its cleanups are run before the task ends cancelled.
fn unwind(task: Runnable, seen: Bits, request: Request) -> AfterPoll {
    poll_context::begin(task.as_ptr().cast_const().cast());
    // SAFETY: RUNNING is ours and the future is there; it is not used again.
    let panic = unsafe { (task.header().vtable.drop_future)(task.0) };
    poll_context::end();
    let error = match panic {
        None => TaskError::cancelled(request.message),
        Some(payload) => TaskError::panicked(payload),
    };
    // SAFETY: RUNNING is ours and the stage is empty.
    unsafe { (task.header().vtable.store_error)(task.0, error) };
    poll_context::take_request();
    collect_cleanups(&task);
    clean_up(task, seen)
}

/// Puts the context that the poll, and the cleanups after it, left in the thread back into the task. Called
/// once in a poll, before the task may be polled elsewhere.
fn keep_context(task: &Runnable, seen: Bits) {
    let is_marked = poll_context::take_mark();
    // What was set in a `Context::run` only has left nothing to keep.
    if !seen.has_context() && (!is_marked || variables::is_current_unused()) {
        return;
    }
    let outside = if seen.has_context() {
        variables::share_current()
    } else {
        variables::replace_current(Context::new())
    };
    let before = task.header().cold_or_new().0.lock().context.replace(outside);
    task.header().state.set(state::CONTEXT);
    if let Some(before) = before {
        drop_context(before);
    }
}

/// Takes the waiting request; `uncancel` may have taken it back. The sweep at the end of a runtime makes
/// its requests without a cold part.
fn take_request(header: &Header) -> Option<Request> {
    let is_swept = header.state.take_cancel().is_swept();
    let request = header.cold().and_then(|cold| {
        let mut cold = cold.0.lock();
        let cancelling = cold.cancelling;
        cold.request.take().map(|request| Request { cancelling, ..request })
    });
    request.or_else(|| is_swept.then_some(Request::of_task(None)))
}

/// A value that nobody will see makes way for a cancellation; a panic or an error stays.
fn replace_value(task: &Runnable, request: Request) {
    if stored_error(task.0).is_some() {
        return;
    }
    // SAFETY: RUNNING is ours and the output is there; it is not used again.
    let panic = unsafe { (task.header().vtable.drop_output)(task.0) };
    let error = match panic {
        None => TaskError::cancelled(request.message),
        Some(payload) => TaskError::panicked(payload),
    };
    // SAFETY: RUNNING is ours and the stage is empty.
    unsafe { (task.header().vtable.store_error)(task.0, error) };
}

/// The error that is stored, if the output is there and is one. The caller has the right to the output.
pub(crate) fn stored_error<'a>(task: NonNull<Header>) -> Option<&'a TaskError> {
    // SAFETY: the caller's right to the output; the reference is used before that right ends.
    let peek_error = unsafe { task.as_ref() }.vtable.peek_error;
    // SAFETY: as above.
    let error = unsafe { peek_error(task) };
    // SAFETY: as above.
    error.map(|error| unsafe { error.as_ref() })
}

// ---------------------------------------------------------------------------------------------------
// Cleanups
// ---------------------------------------------------------------------------------------------------

/// Moves what the poll left in the thread's list to the task's queue.
fn collect_cleanups(task: &Runnable) -> bool {
    let cleanups = poll_context::take_cleanups(0);
    if cleanups.is_empty() {
        return false;
    }
    task.header().cold_or_new().0.lock().cleanups.extend(cleanups);
    task.header().state.set(state::CLEANUPS);
    true
}

/// The future goes on and cleanups run beside it: one step of both.
fn beside(task: Runnable, seen: Bits, yielded: bool) -> AfterPoll {
    let cleanups_yielded = poll_cleanups(&task, seen);
    keep_context(&task, seen);
    after(task, seen, Polled::Pending, yielded || cleanups_yielded)
}

/// The future is gone and its output stored: runs the cleanups, then ends the task.
fn clean_up(task: Runnable, seen: Bits) -> AfterPoll {
    let header = task.header();
    let yielded = poll_cleanups(&task, seen);
    keep_context(&task, seen);
    if header.cold().is_some_and(|cold| !cold.0.lock().cleanups.is_empty()) {
        header.state.set(state::FUTURE_GONE);
        return after(task, seen, Polled::Pending, yielded);
    }
    let ending = match stored_error(task.0) {
        None => Ending::Value,
        Some(error) if error.is_panic() => Ending::Panicked,
        Some(_) => Ending::Cancelled,
    };
    finish(task, ending)
}

/// Polls the queued cleanups, one after the other, until one is pending. Returns whether it yielded.
fn poll_cleanups(task: &Runnable, seen: Bits) -> bool {
    let header = task.header();
    loop {
        let Some(mut cleanup) = header.cold().and_then(|cold| cold.0.lock().cleanups.pop_front())
        else {
            header.state.clear(state::CLEANUPS);
            return false;
        };
        let mut poll = || poll_cleanup(task, &mut cleanup);
        let (polled, ended) =
            if seen.is_watched() { watch::watched(task, seen, &mut poll) } else { poll() };
        // A cleanup is shielded: a request that it raised by itself has nowhere to go.
        poll_context::take_request();
        match polled {
            Ok(Poll::Pending) => {
                put_back(header, cleanup);
                collect_cleanups(task);
                return ended.yielded;
            }
            Ok(Poll::Ready(())) => drop_cleanup(task, cleanup),
            Err(payload) => {
                let message = "a cleanup panicked";
                report_panic(UnhandledKind::Cleanup, task.0, message, Some(&cleanup), payload);
                drop_cleanup(task, cleanup);
            }
        }
        collect_cleanups(task);
    }
}

fn poll_cleanup(
    task: &Runnable,
    cleanup: &mut Cleanup,
) -> (std::thread::Result<Poll<()>>, poll_context::Ended) {
    poll_context::begin(task.as_ptr().cast_const().cast());
    let polled = catch_unwind(AssertUnwindSafe(|| {
        with_borrowed_waker(task.0, |waker| {
            cleanup.future.as_mut().poll(&mut PollCx::from_waker(waker))
        })
    }));
    (polled, poll_context::end())
}

fn put_back(header: &Header, cleanup: Cleanup) {
    let mut cold = header.cold_or_new().0.lock();
    cold.cleanups.push_front(cleanup);
    drop(cold);
    header.state.set(state::CLEANUPS);
}

fn drop_cleanup(task: &Runnable, cleanup: Cleanup) {
    poll_context::begin(task.as_ptr().cast_const().cast());
    if let Err(payload) = catch_unwind(AssertUnwindSafe(|| drop(cleanup.future))) {
        let message = "the destructor of a cleanup panicked";
        report_panic(UnhandledKind::Destructor, task.0, message, None, payload);
    }
    poll_context::end();
}

// ---------------------------------------------------------------------------------------------------
// The end
// ---------------------------------------------------------------------------------------------------

/// Edge 4 and what follows it: the output is stored, the future dropped, no cleanup is left.
fn finish(task: Runnable, mut ending: Ending) -> AfterPoll {
    let header = task.header();
    if ending == Ending::Panicked {
        note_panic(&task);
    }
    let before = loop {
        match header.state.complete(ending) {
            Complete::Done(before) => break before,
            // A request that nobody took arrived before the end; `uncancel` may have taken it back.
            Complete::CancelFirst => {
                if let Some(request) = take_request(header) {
                    replace_value(&task, request);
                    let is_panic = stored_error(task.0).is_some_and(TaskError::is_panic);
                    ending = if is_panic { Ending::Panicked } else { Ending::Cancelled };
                    if is_panic {
                        note_panic(&task);
                    }
                }
            }
        }
    };
    unlink(task.0, before);
    tell(task.0, before, ending);
    AfterPoll::Nothing
}

/// Takes a task that is done out of its owner's list; the list's reference goes over to the caller.
#[inline]
fn unlink(task: NonNull<Header>, before: Bits) {
    // SAFETY: the list's reference keeps the header alive until the caller releases it.
    let header = unsafe { task.as_ref() };
    // SAFETY: the thread that completes a task works for its runtime, whose seats live as long as it
    // does; and a task that belongs to a guest's own seat is completed by that guest.
    let seat = unsafe { &*owner::seat_of(header.owner()) };
    seat.list.unlink(task);
    if before.is_local() || before.is_swept() || before.is_watched() {
        unlinked_unusual(task, before);
    }
}

#[cold]
fn unlinked_unusual(task: NonNull<Header>, before: Bits) {
    // SAFETY: the list's reference keeps the header alive until the caller releases it.
    let header = unsafe { task.as_ref() };
    if before.is_local() {
        current::with_occupant(|occupant| {
            let occupant =
                occupant.expect("a local task is polled by the thread that occupies its seat");
            occupant.local_task_ended(before.is_main());
        });
    }
    // SAFETY: as in `unlink`: the completing thread works for the task's runtime.
    let runtime = unsafe { &*owner::runtime_of(header.owner()) };
    if before.is_watched() && !before.is_hidden() {
        watch::ended_task(runtime, task, before);
    }
    if before.is_swept() {
        runtime.sweep.task_ended();
    }
}

/// Tells everybody who waits for the end, and gives back the reference that the list had.
#[inline]
pub(crate) fn tell(task: NonNull<Header>, before: Bits, ending: Ending) {
    // SAFETY: the reference that is given back at the end is ours.
    let header = unsafe { task.as_ref() };
    // Callbacks first, as in asyncio: with one worker they are called before whoever awaits the task goes on.
    if before.has_cold_join() {
        tell_cold(&TaskHandle::retain(task));
    }
    if before.has_join_waker() {
        // SAFETY: DONE and JOIN_WAKER are set: the cell is filled and the completer's (state.rs, field
        // access). The bits stay, for the handle may be comparing them; nobody drops them again.
        let waker = header.join_waker.with(|cell| unsafe { cell.cast::<Waker>().read() });
        if ending != Ending::Value && !is_ours(&waker) {
            // See `spawn_joined`: a waker that counts learns that this is no value.
            wake_by_ref_caught(&waker);
        }
        wake_caught(waker);
    }
    if !before.has_join_interest() {
        if before.has_cold_join() {
            // SAFETY: the task is done and no handle has an interest: the output is the completer's.
            unsafe { report_unretrieved(task) };
        }
        drop_unseen_output(task, ending);
    }
    release(task);
}

/// Wakes; a waker that is not ours may panic, which must not reach the worker.
#[inline]
pub(crate) fn wake_caught(waker: Waker) {
    if is_ours(&waker) {
        waker.wake();
    } else {
        caught(UnhandledKind::Waker, "a waker panicked", || waker.wake());
    }
}

#[cold]
fn wake_by_ref_caught(waker: &Waker) {
    caught(UnhandledKind::Waker, "a waker panicked", || waker.wake_by_ref());
}

/// Nobody has, or will have, the output: reports a panic, and drops it.
#[inline]
fn drop_unseen_output(task: NonNull<Header>, ending: Ending) {
    // SAFETY: the reference is the caller's.
    let header = unsafe { task.as_ref() };
    if ending == Ending::Panicked {
        report_never_retrieved(task);
    }
    // SAFETY: the task is done and no handle has an interest: the output is the completer's.
    if let Some(payload) = unsafe { (header.vtable.drop_output)(task) } {
        let message = "the destructor of a task's output panicked";
        report_panic(UnhandledKind::Destructor, task, message, None, payload);
    }
}

/// Reports a panic that nobody awaited, and obeys the panic policy.
#[cold]
pub(crate) fn report_never_retrieved(task: NonNull<Header>) {
    // SAFETY: the caller has a reference.
    let header = unsafe { task.as_ref() };
    let mut unhandled =
        describe(UnhandledKind::NeverRetrieved, task, "a task's panic was never retrieved");
    if let Some(error) = take_error(task) {
        unhandled.error = error.message().map(str::to_owned);
        unhandled.source = Some(Arc::new(error));
    }
    let (reporter, is_reported) = header.cold().map_or((None, false), |cold| {
        let cold = cold.0.lock();
        (cold.reporter.clone(), cold.is_reported)
    });
    let report = || match reporter {
        _ if is_reported => {}
        Some(reporter) => {
            reporter.report(&unhandled);
            reporter.obey_policy(&unhandled);
        }
        None => call_exception_handler(&unhandled),
    };
    in_context_of(task, report);
    drop_unhandled(unhandled);
}

/// The handler sees the variables of the task, as in asyncio. The caller has a reference to the task.
fn in_context_of(task: NonNull<Header>, report: impl FnOnce()) {
    let mut context = TaskHandle::retain(task).own_context();
    context.run(report);
    drop_context(context);
}

/// Reports what stands in an output that nobody retrieved: that the task was not run at all; an `Err`, if
/// `Task::report_errors` asked for that.
///
/// # Safety
/// The output is there, and the caller has the right to it.
#[cold]
pub(crate) unsafe fn report_unretrieved(task: NonNull<Header>) {
    // SAFETY: who has the right to the output has a reference.
    let header = unsafe { task.as_ref() };
    let Some(cold) = header.cold() else { return };
    let (text, complaint, reporter) = {
        let mut cold = cold.0.lock();
        (cold.error_text.take(), cold.complaint.take(), cold.reporter.clone())
    };
    let tell = |unhandled: &Unhandled| {
        in_context_of(task, || match &reporter {
            Some(reporter) => reporter.report(unhandled),
            None => call_exception_handler(unhandled),
        });
    };
    if let Some(complaint) = complaint {
        tell(&describe(UnhandledKind::DestroyedPending, task, complaint));
    }
    let Some(text) = text else { return };
    // SAFETY: the caller's contract.
    let output = unsafe { (header.vtable.peek_output)(task) };
    let message = "the `Display` of a task's error panicked";
    // SAFETY: the caller's contract; the function was made by the handle of this task, for its type of output.
    let text = caught(UnhandledKind::Other, message, || unsafe { text(output) });
    let Some(text) = text.flatten() else { return };
    let kind = UnhandledKind::NeverRetrieved;
    let unhandled = describe(kind, task, "a task's error was never retrieved").with_error(text);
    tell(&unhandled);
}

/// Moves the stored error out, if the output is one; a cancellation without a message stays. The caller has
/// the right to the output.
fn take_error(task: NonNull<Header>) -> Option<TaskError> {
    // SAFETY: the caller's right to the output.
    let peek_error = unsafe { task.as_ref() }.vtable.peek_error;
    // SAFETY: as above.
    let mut error = unsafe { peek_error(task) }?;
    // SAFETY: as above; nobody else looks at the output, and the reference ends here.
    Some(std::mem::replace(unsafe { error.as_mut() }, TaskError::cancelled(None)))
}

/// The task will end by a panic: it keeps who is to hear of it, for its handle may be dropped elsewhere.
#[cold]
fn note_panic(task: &Runnable) {
    let header = task.header();
    let reporter: Option<Arc<Reporter>> =
        current::runtime().map(|runtime| runtime.reporter.clone());
    let is_reported = header.state.load().is_swept();
    if is_reported {
        report_during_sweep(task);
    }
    let mut cold = header.cold_or_new().0.lock();
    cold.reporter = reporter;
    cold.is_reported |= is_reported;
}

/// A task that the end of the runtime has cancelled fails at that: reported whoever has its handle, for
/// nobody is left to look at it.
fn report_during_sweep(task: &Runnable) {
    let message = "unhandled exception during run() shutdown";
    let mut unhandled = describe(UnhandledKind::Shutdown, task.0, message);
    // The payload itself is the handle's; the clone has its text.
    if let Some(error) = stored_error(task.0).cloned() {
        unhandled.error = error.message().map(str::to_owned);
        unhandled.source = Some(Arc::new(error));
    }
    in_context_of(task.0, || call_exception_handler(&unhandled));
    drop_unhandled(unhandled);
}

/// Runs the callbacks and wakes the waiters of the cold part, once.
#[cold]
pub(crate) fn tell_cold(task: &TaskHandle) {
    let Some(cold) = task.header_ref().cold() else { return };
    let (callbacks, waiters) = {
        let state: &mut ColdState = &mut cold.0.lock();
        state.is_told = true;
        (std::mem::take(&mut state.callbacks), std::mem::take(&mut state.waiters))
    };
    if !callbacks.is_empty() {
        spawn::spawn_callbacks(task.clone(), callbacks);
    }
    waiters.into_iter().flatten().for_each(wake_caught);
}

/// The caller has a reference to the task.
fn describe(kind: UnhandledKind, task: NonNull<Header>, message: &str) -> Unhandled {
    Unhandled::new(kind, message).with_task(&TaskHandle::retain(task))
}

/// The caller has a reference to the task.
#[cold]
fn report_panic(
    kind: UnhandledKind,
    task: NonNull<Header>,
    message: &str,
    cleanup: Option<&Cleanup>,
    payload: Payload,
) {
    let mut unhandled = describe(kind, task, message).with_panic(payload);
    if let Some(cleanup) = cleanup {
        unhandled.location = Some(cleanup.location);
    }
    call_exception_handler(&unhandled);
    drop_unhandled(unhandled);
}
