//! The untyped handle of a task.

use std::backtrace::Backtrace;
use std::fmt;
use std::future::Future;
use std::hash::{Hash, Hasher};
use std::panic::Location;
use std::pin::Pin;
use std::ptr::NonNull;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use bowerbird_base::cancel_safe::CancelSafe;
use bowerbird_base::poll_context::{self, Request};

use super::cold::Callback;
use super::header::Header;
use super::id::TaskId;
use super::state::{self, Wake};
use crate::poll::tell_cold;
use crate::variables;
use crate::wake::{release, schedule_after};

/// A handle of a task that says nothing about its output: its name, its state, its cancellation.
///
/// asyncio: what `all_tasks()` and a done callback give. Cloning it counts a reference; dropping it does
/// nothing to the task. Two handles are equal if they are of the same task.
pub struct TaskHandle(NonNull<Header>);

// SAFETY: a header is shared between threads by its own rules (state.rs, field access); the handle reads
// what never changes, the state word, and the cold part under its lock.
unsafe impl Send for TaskHandle {}
// SAFETY: as above.
unsafe impl Sync for TaskHandle {}

/// The number of a done callback, for `remove_done_callback`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct CallbackId(u64);

impl CallbackId {
    /// Makes the number of a callback that something other than a task keeps.
    #[doc(hidden)]
    pub fn from_number(number: u64) -> Self {
        Self(number)
    }

    /// The number that it was made of.
    #[doc(hidden)]
    pub fn number(self) -> u64 {
        self.0
    }
}

impl TaskHandle {
    /// Makes a handle from a header that the caller has a reference to; counts another one.
    pub(crate) fn retain(header: NonNull<Header>) -> Self {
        // SAFETY: the caller's reference.
        unsafe { header.as_ref() }.state.retain();
        Self(header)
    }

    /// Makes a handle that takes over a reference of the caller's.
    pub(crate) fn from_counted(header: NonNull<Header>) -> Self {
        Self(header)
    }

    #[inline]
    pub(crate) fn header(&self) -> NonNull<Header> {
        self.0
    }

    #[inline]
    pub(crate) fn header_ref(&self) -> &Header {
        // SAFETY: the handle owns a reference.
        unsafe { self.0.as_ref() }
    }

    /// Returns the number of the task.
    pub fn id(&self) -> TaskId {
        self.header_ref().id()
    }

    /// Returns the name of the task: `Task-N` with its number, unless it was given one.
    ///
    /// asyncio: `Task.get_name`.
    pub fn name(&self) -> Arc<str> {
        name_of(self.header_ref())
    }

    /// Gives the task a name.
    ///
    /// asyncio: `Task.set_name`.
    pub fn set_name(&self, name: impl Into<Arc<str>>) {
        let name = name.into();
        let before = self.header_ref().cold_or_new().0.lock().name.replace(name);
        drop(before);
    }

    /// Returns where the task was spawned.
    pub fn spawn_location(&self) -> &'static Location<'static> {
        self.header_ref().spawned_at
    }

    /// Returns from where the task was spawned, if debug mode was on then.
    ///
    /// asyncio: the `source_traceback` of a task.
    pub fn spawn_backtrace(&self) -> Option<Arc<Backtrace>> {
        self.header_ref().cold().and_then(|cold| cold.0.lock().spawned_from.clone())
    }

    /// Returns the size of the task's future in bytes.
    pub fn future_size(&self) -> usize {
        self.header_ref().vtable.future_size
    }

    /// Returns a copy of the context variables that the task runs with: of the task that calls, those of now;
    /// of another one, those of its last suspension.
    ///
    /// asyncio: `Task.get_context`, which gives the context itself.
    ///
    /// # Examples
    /// ```
    /// bowerbird::context::context_var! { static USER: &str; }
    /// bowerbird::run(async {
    ///     let _token = USER.set("ann");
    ///     let task = bowerbird::spawn(async {});
    ///     assert_eq!(task.context().get(&USER), Some("ann"));
    /// });
    /// ```
    pub fn context(&self) -> variables::Context {
        if poll_context::current_task() == self.0.as_ptr().cast_const().cast() {
            return variables::copy_context();
        }
        let kept = self.header_ref().cold().and_then(|cold| cold.0.lock().context.clone());
        kept.unwrap_or_default()
    }

    /// Returns whether the task has ended: with a value, by a panic, or cancelled.
    pub fn done(&self) -> bool {
        self.header_ref().state.load().is_done()
    }

    /// Returns whether the task has ended cancelled.
    ///
    /// asyncio: `Task.cancelled`.
    pub fn cancelled(&self) -> bool {
        self.header_ref().state.load().is_cancelled()
    }

    /// Returns whether the task has ended by a panic.
    pub fn panicked(&self) -> bool {
        self.header_ref().state.load().is_panicked()
    }

    /// The context that the task has run in, itself and not a copy; the task has ended.
    pub(crate) fn own_context(&self) -> variables::Context {
        let kept = self
            .header_ref()
            .cold()
            .map(|cold| cold.0.lock().context.as_ref().map(variables::Context::share));
        kept.flatten().unwrap_or_default()
    }

    /// Asks the task to end; returns `false` if it has ended already.
    ///
    /// asyncio: `Task.cancel`. The request is delivered when the task is polled next: what it awaits is
    /// dropped from the innermost scope outwards, cleanups are run, and the task ends cancelled. A task
    /// that was never polled is dropped unpolled. A task that it is waiting for is cancelled first and
    /// awaited.
    pub fn cancel(&self) -> bool {
        self.request_cancel(None)
    }

    /// The same, with a message that `TaskError::message` gives to whoever awaits the task.
    ///
    /// asyncio: `Task.cancel(msg)`.
    pub fn cancel_with(&self, message: impl Into<Arc<str>>) -> bool {
        self.request_cancel(Some(message.into()))
    }

    fn request_cancel(&self, message: Option<Arc<str>>) -> bool {
        let header = self.header_ref();
        if self.done() {
            return false;
        }
        {
            let mut cold = header.cold_or_new().0.lock();
            cold.cancelling += 1;
            cold.request.get_or_insert(Request::of_task(message));
        }
        schedule_after(self.0, || match header.state.cancel() {
            None => (false, Wake::Nothing),
            Some(wake) => (true, wake),
        })
    }

    /// Returns how many requests to cancel were made and not taken back.
    ///
    /// asyncio: `Task.cancelling`.
    pub fn cancelling(&self) -> u32 {
        self.header_ref().cold().map_or(0, |cold| cold.0.lock().cancelling)
    }

    /// Takes one request back, and returns how many are left; at 0 a request that was not delivered yet
    /// is gone.
    ///
    /// asyncio: `Task.uncancel`.
    pub fn uncancel(&self) -> u32 {
        let Some(cold) = self.header_ref().cold() else { return 0 };
        let mut cold = cold.0.lock();
        cold.cancelling = cold.cancelling.saturating_sub(1);
        let withdrawn = if cold.cancelling == 0 { cold.request.take() } else { None };
        let left = cold.cancelling;
        drop(cold);
        drop(withdrawn);
        left
    }

    /// Calls `callback` when the task has ended; if it has already, soon.
    ///
    /// asyncio: `Task.add_done_callback`. Callbacks are called in the order in which they were added, by
    /// the runtime and never inside this call, with the context variables of whoever added them. One that
    /// panics is reported, and the next is called. With one worker they are called before whoever awaits the
    /// task goes on; with several, in no certain order with that.
    #[track_caller]
    pub fn add_done_callback(
        &self,
        callback: impl FnOnce(&TaskHandle) + Send + 'static,
    ) -> CallbackId {
        let location = Location::caller();
        let mut context = variables::copy_context();
        let callback = move |task: &TaskHandle| context.run(|| callback(task));
        let header = self.header_ref();
        let id = {
            let mut cold = header.cold_or_new().0.lock();
            let id = cold.next_callback;
            cold.next_callback += 1;
            cold.callbacks.push(Callback { id, call: Box::new(callback), location });
            id
        };
        self.announce_cold_join();
        CallbackId(id)
    }

    /// Takes a callback away; returns whether it was still waiting to be called.
    ///
    /// asyncio: `Task.remove_done_callback`, which takes the function and returns a count.
    pub fn remove_done_callback(&self, id: CallbackId) -> bool {
        let Some(cold) = self.header_ref().cold() else { return false };
        let mut cold = cold.0.lock();
        let at = cold.callbacks.iter().position(|other| other.id == id.0);
        let removed = at.map(|at| cold.callbacks.remove(at));
        drop(cold);
        removed.is_some()
    }

    /// The task must look at its cold part when it ends. If it has ended, it is done here: of the two
    /// read-modify-writes, completion's and this one, the later sees the other.
    fn announce_cold_join(&self) {
        if self.header_ref().state.set(state::COLD_JOIN).is_done() {
            tell_cold(self);
        }
    }

    /// Waits until the task has ended, whatever its end.
    ///
    /// asyncio: `asyncio.wait({task})`. Cancelling the waiter does not cancel the task.
    ///
    /// # Cancel safety
    /// Nothing is lost.
    pub fn wait(&self) -> WaitDone {
        WaitDone { task: self.clone(), place: None }
    }

    pub(crate) fn is_hidden(&self) -> bool {
        self.header_ref().state.load().is_hidden()
    }

    pub(crate) fn is_local(&self) -> bool {
        self.header_ref().state.load().is_local()
    }
}

/// Returns how many requests to cancel the running task has; 0 outside of tasks. Cheap where there were none.
pub fn current_cancelling() -> u32 {
    of_current(|header| header.cold().map_or(0, |cold| cold.0.lock().cancelling))
}

/// Returns whether the end of the runtime has asked the running task to end: its requests are not counted.
pub fn is_current_swept() -> bool {
    of_current(|header| header.state.load().is_swept())
}

fn of_current<R: Default>(ask: impl FnOnce(&Header) -> R) -> R {
    let address = poll_context::current_task().cast::<Header>().cast_mut();
    let Some(header) = NonNull::new(address) else { return R::default() };
    // SAFETY: the task that is polled in this thread lives as long as the poll.
    ask(unsafe { header.as_ref() })
}

/// The name of a task, its own or the default one.
pub(crate) fn name_of(header: &Header) -> Arc<str> {
    let own = header.cold().and_then(|cold| cold.0.lock().name.clone());
    own.unwrap_or_else(|| format!("Task-{}", header.id()).into())
}

impl AsRef<Self> for TaskHandle {
    fn as_ref(&self) -> &Self {
        self
    }
}

impl Clone for TaskHandle {
    fn clone(&self) -> Self {
        Self::retain(self.0)
    }
}

impl Drop for TaskHandle {
    #[inline]
    fn drop(&mut self) {
        release(self.0);
    }
}

impl PartialEq for TaskHandle {
    fn eq(&self, other: &Self) -> bool {
        self.0 == other.0
    }
}

impl Eq for TaskHandle {}

impl Hash for TaskHandle {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.0.hash(state);
    }
}

impl fmt::Debug for TaskHandle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let bits = self.header_ref().state.load();
        let state = match (bits.is_done(), bits.is_cancelled(), bits.is_panicked()) {
            (false, ..) => "pending",
            (_, true, _) => "cancelled",
            (_, _, true) => "panicked",
            _ => "done",
        };
        write!(f, "<Task {} {state} spawned at {}>", self.name(), self.spawn_location())?;
        match self.spawn_backtrace() {
            Some(backtrace) if f.alternate() => write!(f, "\nspawned from:\n{backtrace}"),
            _ => Ok(()),
        }
    }
}

/// The future of [`TaskHandle::wait`].
#[derive(Debug)]
#[must_use = "futures do nothing unless awaited"]
pub struct WaitDone {
    task: TaskHandle,
    /// Where our waker stands in the list of waiters.
    place: Option<usize>,
}

impl CancelSafe for WaitDone {}

impl Future for WaitDone {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        if self.place.is_some() && poll_context::is_offered() {
            poll_context::yield_now(cx);
            return Poll::Pending;
        }
        if self.task.done() {
            return Poll::Ready(());
        }
        let fresh = cx.waker().clone();
        let this = &mut *self;
        let replaced = {
            let mut cold = this.task.header_ref().cold_or_new().0.lock();
            if cold.is_told {
                None
            } else {
                let free = cold.waiters.iter().position(Option::is_none);
                let place = this.place.or(free).unwrap_or(cold.waiters.len());
                if place == cold.waiters.len() {
                    cold.waiters.push(None);
                }
                this.place = Some(place);
                cold.waiters[place].replace(fresh)
            }
        };
        drop(replaced);
        self.task.announce_cold_join();
        if self.task.done() {
            return Poll::Ready(());
        }
        poll_context::note_wait("task", self.task.id().get(), None);
        Poll::Pending
    }
}

impl Drop for WaitDone {
    fn drop(&mut self) {
        let Some(place) = self.place else { return };
        let waker: Option<Waker> = {
            let Some(cold) = self.task.header_ref().cold() else { return };
            let mut cold = cold.0.lock();
            cold.waiters.get_mut(place).and_then(Option::take)
        };
        drop(waker);
    }
}

#[cfg(test)]
mod tests;
