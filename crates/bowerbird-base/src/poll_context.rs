//! What is true of the poll that is going on in this thread.
//!
//! The executor [`begin`]s and [`end`]s a poll; the leaf futures (a sleep, a socket, a lock, a join) and
//! the scopes (a timeout, a task group) between them read and write what stands here. It is a
//! thread-local because `std::task::Context` carries nothing but a waker.
//!
//! - **Budget**: a leaf that is ready calls [`poll_proceed`]; after 128 results in one poll it is made to
//!   yield, so that a task whose sockets are always ready does not starve the others (Tokio's rule).
//! - **Yield**: [`yield_now`] is a flag of the poll, not a wake: the executor queues the task again
//!   without a transition of its state.
//! - **Wait reason**: [`note_wait`] says what the leaf waits for, where the executor keeps it ([`set_tracked`]).
//! - **Cancel cell** and **cleanups**: the protocol of cancellation, see [`Delivery`] and [`Cleanup`].
//! - **Offload**: where blocking work goes, [`offload`].
//!
//! One word, the *attention* word, is zero as long as no request is about and no cleanup is uncollected;
//! it is all that a poll pays for cancellation and cleanup when they are not used.

use std::cell::{Cell, RefCell};
use std::fmt;
use std::future::Future;
use std::panic::Location;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use crate::const_thread_local;

/// How many ready results a poll may take before its leaves make it yield.
pub const BUDGET: u32 = 128;

/// The bit of the attention word that says that a request is about, offered or unwinding.
const REQUEST: usize = 1;
/// The bit of the attention word that says that the executor has something to put away after the poll.
const MARK: usize = 2;
/// One uncollected cleanup in the attention word.
const CLEANUP: usize = 4;

struct PollContext {
    attention: Cell<usize>,
    budget: Cell<u32>,
    yielded: Cell<bool>,
    /// How many scopes stand around what is polled.
    scope_depth: Cell<u32>,
    /// The data pointer of the task's own waker; null outside a poll of the executor.
    task: Cell<*const ()>,
    /// Whether `note_wait` keeps its notes.
    is_tracked: Cell<bool>,
}

const_thread_local! {
    static POLL: PollContext = PollContext {
        attention: Cell::new(0),
        budget: Cell::new(BUDGET),
        yielded: Cell::new(false),
        scope_depth: Cell::new(0),
        task: Cell::new(std::ptr::null()),
        is_tracked: Cell::new(false),
    };
    static WAITS: RefCell<Vec<Wait>> = RefCell::new(Vec::new());
    static DETAIL: RefCell<Detail> =
        RefCell::new(Detail { request: None, unwinding: false, cleanups: Vec::new() });
    static OFFLOADER: RefCell<Option<Offloader>> = RefCell::new(None);
}

/// What stands behind the attention word.
struct Detail {
    request: Option<Request>,
    unwinding: bool,
    cleanups: Vec<Cleanup>,
}

// ---------------------------------------------------------------------------------------------------
// The executor's side
// ---------------------------------------------------------------------------------------------------

/// Begins the poll of a task whose own waker has `task` as its data pointer.
#[inline]
pub fn begin(task: *const ()) {
    POLL.with(|poll| {
        poll.task.set(task);
        poll.budget.set(BUDGET);
        poll.yielded.set(false);
    });
}

/// What a poll left behind.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ended {
    /// The task asked to be queued again.
    pub yielded: bool,
    /// A request is still about, or cleanups are uncollected.
    pub needs_attention: bool,
}

/// Ends a poll and says what it left behind. What needs attention stays until it is taken.
#[inline]
pub fn end() -> Ended {
    POLL.with(|poll| {
        poll.task.set(std::ptr::null());
        Ended { yielded: poll.yielded.get(), needs_attention: poll.attention.get() != 0 }
    })
}

/// Whether the poll that goes on in this thread, or the last one, asked to be queued again.
pub fn has_yielded() -> bool {
    POLL.with(|poll| poll.yielded.get())
}

/// The data pointer of the waker of the task being polled in this thread; null outside a poll.
#[inline]
pub fn current_task() -> *const () {
    POLL.with(|poll| poll.task.get())
}

/// A poll set aside while another one goes on inside it.
///
/// Dropping it brings the outer poll back.
#[derive(Debug)]
pub struct SetAside {
    attention: usize,
    budget: u32,
    yielded: bool,
    scope_depth: u32,
    task: *const (),
    is_tracked: bool,
    waits: Vec<Wait>,
    request: Option<Request>,
    unwinding: bool,
    cleanups: Vec<Cleanup>,
}

/// Sets the poll that is going on aside, so that another task can be polled inside it.
pub fn set_aside() -> SetAside {
    let (request, unwinding, cleanups) = DETAIL.with(|detail| {
        let detail = &mut *detail.borrow_mut();
        (
            detail.request.take(),
            std::mem::take(&mut detail.unwinding),
            std::mem::take(&mut detail.cleanups),
        )
    });
    POLL.with(|poll| SetAside {
        attention: poll.attention.replace(0),
        budget: poll.budget.replace(BUDGET),
        yielded: poll.yielded.replace(false),
        scope_depth: poll.scope_depth.replace(0),

        task: poll.task.replace(std::ptr::null()),
        waits: if poll.is_tracked.get() { take_waits() } else { Vec::new() },
        is_tracked: poll.is_tracked.replace(false),
        request,
        unwinding,
        cleanups,
    })
}

impl Drop for SetAside {
    fn drop(&mut self) {
        let left = DETAIL.with(|detail| {
            let detail = &mut *detail.borrow_mut();
            detail.request = self.request.take();
            detail.unwinding = self.unwinding;
            std::mem::replace(&mut detail.cleanups, std::mem::take(&mut self.cleanups))
        });
        debug_assert!(left.is_empty(), "the inner poll left cleanups uncollected");
        POLL.with(|poll| {
            poll.attention.set(self.attention);
            poll.budget.set(self.budget);
            poll.yielded.set(self.yielded);
            poll.scope_depth.set(self.scope_depth);

            poll.task.set(self.task);
            poll.is_tracked.set(self.is_tracked);
        });
        if self.is_tracked {
            WAITS.with(|waits| *waits.borrow_mut() = std::mem::take(&mut self.waits));
        }
    }
}

// ---------------------------------------------------------------------------------------------------
// Budget and yield
// ---------------------------------------------------------------------------------------------------

/// Asks whether a leaf that may be ready may go on; `Pending` has arranged for another poll.
///
/// Call it before looking at readiness, and [`Proceed::made_progress`] when something was ready. Outside
/// a task of this runtime there is no limit.
#[inline]
pub fn poll_proceed(cx: &mut Context<'_>) -> Poll<Proceed> {
    let has_budget = POLL.with(|poll| poll.budget.get() > 0 || poll.task.get().is_null());
    if has_budget {
        Poll::Ready(Proceed(()))
    } else {
        yield_now(cx);
        Poll::Pending
    }
}

/// The right to make progress once, from [`poll_proceed`].
#[derive(Debug)]
#[must_use = "call made_progress() when the leaf was ready"]
pub struct Proceed(());

impl Proceed {
    /// Counts one ready result against the budget of this poll.
    #[inline]
    pub fn made_progress(self) {
        POLL.with(|poll| poll.budget.set(poll.budget.get().saturating_sub(1)));
    }
}

/// Takes `count` from the budget of this poll, for work that no leaf accounts for.
#[inline]
pub fn consume_budget(count: u32) {
    POLL.with(|poll| poll.budget.set(poll.budget.get().saturating_sub(count)));
}

/// Returns whether this poll has budget left. Outside a task of this runtime there is no limit.
#[inline]
pub fn has_budget() -> bool {
    POLL.with(|poll| poll.budget.get() > 0 || poll.task.get().is_null())
}

/// Runs `f` without a limit on its ready results.
pub fn unconstrained<R>(f: impl FnOnce() -> R) -> R {
    struct Restore(u32);
    impl Drop for Restore {
        fn drop(&mut self) {
            POLL.with(|poll| poll.budget.set(self.0));
        }
    }
    let _restore = Restore(POLL.with(|poll| poll.budget.replace(u32::MAX)));
    f()
}

/// Asks for another poll after everything that is ready now: a flag of the poll where `cx` carries the
/// task's own waker, a wake where a combinator put its own in between. The caller returns `Pending`.
#[inline]
pub fn yield_now(cx: &mut Context<'_>) {
    POLL.with(|poll| {
        if cx.waker().data() == poll.task.get() && !poll.task.get().is_null() {
            poll.yielded.set(true);
        } else {
            cx.waker().wake_by_ref();
        }
    });
}

// ---------------------------------------------------------------------------------------------------
// What the leaf waits for
// ---------------------------------------------------------------------------------------------------

/// What a leaf future waits for, noted at each `Pending` of a poll that is tracked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Wait {
    /// The kind of wait: `"sleep"`, `"readable"`, `"lock"`, ...
    pub kind: &'static str,
    /// The object: a file descriptor, a task's id, an address; 0 if there is none.
    pub object: u64,
    /// Where the user's code made the leaf, if it is known.
    pub location: Option<&'static Location<'static>>,
}

/// Notes what the leaf that is about to return `Pending` waits for. One load, unless the poll is tracked.
#[inline]
pub fn note_wait(kind: &'static str, object: u64, location: Option<&'static Location<'static>>) {
    if is_tracked() {
        keep_wait(Wait { kind, object, location });
    }
}

/// So many notes are kept of one poll.
const MOST_WAITS: usize = 4_096;

#[cold]
fn keep_wait(wait: Wait) {
    /// A leaf that is polled twice in one poll notes twice, soon after one another.
    const LAST: usize = 16;
    WAITS.with(|waits| {
        let waits = &mut *waits.borrow_mut();
        if waits.len() < MOST_WAITS && !waits.iter().rev().take(LAST).any(|other| *other == wait) {
            waits.push(wait);
        }
    });
}

/// Returns whether this thread keeps what leaves wait for. One that waits for many objects at once asks
/// before it notes each.
#[inline]
pub fn is_tracked() -> bool {
    POLL.with(|poll| poll.is_tracked.get())
}

/// Says whether this thread keeps what leaves wait for, and returns what it did before. The executor sets it
/// for the time of a poll.
pub fn set_tracked(is_tracked: bool) -> bool {
    POLL.with(|poll| poll.is_tracked.replace(is_tracked))
}

/// Takes the notes of this thread, in their order.
pub fn take_waits() -> Vec<Wait> {
    WAITS.with(RefCell::take)
}

/// Takes the notes of this thread and gives the last.
pub fn take_wait() -> Option<Wait> {
    take_waits().pop()
}

// ---------------------------------------------------------------------------------------------------
// The cancel cell
// ---------------------------------------------------------------------------------------------------

/// A request to cancel.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Request {
    /// The message given to `cancel_with`, if any.
    pub message: Option<Arc<str>>,
    /// The scope that made the request, from [`Request::scope_origin`]; [`Request::TASK_ROOT`] for
    /// `task.cancel()`. Of two requests in one place the one with the smaller origin comes from further out.
    pub origin: u64,
    /// How many requests the task had when this one was offered, or offered again. Whoever meets it later in
    /// the same poll knows by that whether another branch has taken it back meanwhile.
    pub cancelling: u32,
}

impl Request {
    /// The origin of requests made by `task.cancel()`.
    pub const TASK_ROOT: u64 = 0;

    /// One made by `task.cancel()`, or raised as if it were.
    pub fn of_task(message: Option<Arc<str>>) -> Self {
        Self { message, origin: Self::TASK_ROOT, cancelling: 0 }
    }

    /// The origin of a scope with this number that is polled now, and is about to make a request: scopes
    /// further in have a larger one.
    pub fn scope_origin(number: u64) -> u64 {
        let depth = POLL.with(|poll| poll.scope_depth.get()).saturating_add(1);
        u64::from(depth.min(u32::from(u16::MAX))) << 48 | number & ((1 << 48) - 1)
    }

    /// Puts a request where one may be already: the one from further out stays. It ends what the other one
    /// would have ended, and more. Two from one place are one, which was offered last when the later one was.
    pub fn merge_into(self, place: &mut Option<Request>) {
        match place {
            Some(there) if there.origin == self.origin => there.cancelling = self.cancelling,
            Some(there) if there.origin < self.origin => {}
            _ => *place = Some(self),
        }
    }
}

/// Calls `f`, the poll of what stands inside a scope.
#[inline]
pub fn in_scope<R>(f: impl FnOnce() -> R) -> R {
    struct Out(u32);
    impl Drop for Out {
        fn drop(&mut self) {
            POLL.with(|poll| poll.scope_depth.set(self.0));
        }
    }
    let depth = POLL.with(|poll| poll.scope_depth.get());
    POLL.with(|poll| poll.scope_depth.set(depth + 1));
    let _out = Out(depth);
    f()
}

/// What the cancel cell of this poll holds.
///
/// A request is *offered* on the way in: whoever catches requests takes it. What nobody took *unwinds* on
/// the way out: each scope that sees it after a `Pending` drops its inner future and passes it on, up to
/// the task's root. After a `Pending` from the inner future: the request is still there, it unwinds to
/// you; it is gone, somebody inside took it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Delivery {
    /// No request is about.
    None,
    /// A request is being offered to the futures that are polled.
    Offered,
    /// A request that an inner future passed on unwinds outwards.
    Unwinding,
}

/// Returns whether a request is about or a cleanup uncollected: one load.
#[inline]
pub fn needs_attention() -> bool {
    POLL.with(|poll| poll.attention.get() != 0)
}

/// Asks the executor to look at this poll when it ends; it clears the mark with [`take_mark`].
pub fn mark() {
    POLL.with(|poll| poll.attention.set(poll.attention.get() | MARK));
}

/// Takes the mark of [`mark`] away and returns whether it was there.
pub fn take_mark() -> bool {
    POLL.with(|poll| {
        let attention = poll.attention.get();
        poll.attention.set(attention & !MARK);
        attention & MARK != 0
    })
}

/// Returns whether a request is being offered to this poll. A leaf of ours that was suspended before then
/// returns `Pending` without looking at its readiness, and asks to be polled again ([`yield_now`]): an
/// offered request beats readiness, or a cancelled waiter would take what was just handed over.
#[inline]
pub fn is_offered() -> bool {
    POLL.with(|poll| poll.attention.get() & REQUEST != 0) && delivery() == Delivery::Offered
}

/// Says what the cancel cell holds.
#[inline]
pub fn delivery() -> Delivery {
    if POLL.with(|poll| poll.attention.get() & REQUEST == 0) {
        return Delivery::None;
    }
    DETAIL.with(|detail| {
        let detail = detail.borrow();
        match (&detail.request, detail.unwinding) {
            (None, _) => Delivery::None,
            (Some(_), false) => Delivery::Offered,
            (Some(_), true) => Delivery::Unwinding,
        }
    })
}

/// Offers a request to the futures that are polled next. Of two requests the one from further out is kept.
pub fn offer(request: Request) {
    put_request(request, false);
}

/// Raises a request outwards: the caller returns `Pending`, and whoever polled it unwinds.
pub fn raise(request: Request) {
    put_request(request, true);
}

/// Looks at the request that is being offered to this poll, and leaves it there.
pub fn offered() -> Option<Request> {
    if !is_offered() {
        return None;
    }
    DETAIL.with(|detail| detail.borrow().request.clone())
}

/// Takes the request out of the cell, with the direction that it had.
pub fn take_request() -> Option<(Request, Delivery)> {
    if POLL.with(|poll| poll.attention.get() & REQUEST == 0) {
        return None;
    }
    DETAIL.with(|detail| {
        let detail = &mut *detail.borrow_mut();
        let direction = if std::mem::take(&mut detail.unwinding) {
            Delivery::Unwinding
        } else {
            Delivery::Offered
        };
        let request = detail.request.take()?;
        POLL.with(|poll| poll.attention.set(poll.attention.get() & !REQUEST));
        Some((request, direction))
    })
}

#[cold]
fn put_request(request: Request, unwinding: bool) {
    DETAIL.with(|detail| {
        let detail = &mut *detail.borrow_mut();
        request.merge_into(&mut detail.request);
        detail.unwinding = unwinding;
    });
    POLL.with(|poll| poll.attention.set(poll.attention.get() | REQUEST));
}

// ---------------------------------------------------------------------------------------------------
// Cleanups
// ---------------------------------------------------------------------------------------------------

/// A future that a dropped future left behind, to be run to its end.
///
/// Dropping a future runs its destructors, innermost first; what needs an `await` to come to an end is
/// pushed here by them. The nearest scope that polled or dropped the future takes what was added, in that
/// order, and does not end before them; the task's root takes the rest.
pub struct Cleanup {
    /// What to run.
    pub future: Pin<Box<dyn Future<Output = ()> + Send>>,
    /// Where the user's code asked for it, for reports.
    pub location: &'static Location<'static>,
}

impl fmt::Debug for Cleanup {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Cleanup").field("location", &self.location).finish_non_exhaustive()
    }
}

/// Leaves a cleanup for the nearest scope. Outside a poll there is no scope: the cleanup is given back.
///
/// # Errors
/// The cleanup, if no task is being polled in this thread.
pub fn push_cleanup(cleanup: Cleanup) -> Result<(), Cleanup> {
    if current_task().is_null() {
        return Err(cleanup);
    }
    DETAIL.with(|detail| detail.borrow_mut().cleanups.push(cleanup));
    POLL.with(|poll| poll.attention.set(poll.attention.get() + CLEANUP));
    Ok(())
}

/// The number of uncollected cleanups: a scope notes it before it polls or drops its inner future.
#[inline]
pub fn cleanup_mark() -> usize {
    POLL.with(|poll| poll.attention.get() / CLEANUP)
}

/// Takes the cleanups that came after `mark`, oldest first.
pub fn take_cleanups(mark: usize) -> Vec<Cleanup> {
    if cleanup_mark() <= mark {
        return Vec::new();
    }
    DETAIL.with(|detail| {
        let taken = detail.borrow_mut().cleanups.split_off(mark);
        POLL.with(|poll| poll.attention.set(poll.attention.get() - CLEANUP * taken.len()));
        taken
    })
}

// ---------------------------------------------------------------------------------------------------
// Offload
// ---------------------------------------------------------------------------------------------------

/// What kind of blocking work is offloaded; the pool may limit each.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum OffloadClass {
    /// Name resolution: may hang for long, must not keep the process from ending.
    Dns,
    /// File system work.
    Fs,
    /// Anything else.
    Other,
}

/// Blocking work.
pub type Job = Box<dyn FnOnce() + Send>;
/// Takes blocking work; gives it back if it can take no more.
pub type Offloader = Arc<dyn Fn(OffloadClass, Job) -> Result<(), Job> + Send + Sync>;

/// Sets where this thread's blocking work goes, and returns what was set before.
pub fn set_offloader(offloader: Option<Offloader>) -> Option<Offloader> {
    OFFLOADER.with(|slot| std::mem::replace(&mut *slot.borrow_mut(), offloader))
}

/// Sends blocking work to the pool of the runtime that this thread belongs to.
///
/// # Errors
/// The job, if the thread belongs to no runtime, or if its pool takes no more.
pub fn offload(class: OffloadClass, job: Job) -> Result<(), Job> {
    let offloader = OFFLOADER.with(|slot| slot.borrow().clone());
    match offloader {
        Some(offloader) => offloader(class, job),
        None => Err(job),
    }
}

#[cfg(test)]
mod tests;
