//! `Group::start`: a child that says when it is ready.

use std::error::Error;
use std::fmt;
use std::panic::Location;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use bowerbird_base::call_site::CallSite;
use bowerbird_base::poll_context;
use bowerbird_base::sync::Mutex;
use bowerbird_base::waker_slot::WakerSlot;
use bowerbird_core::{SpawnOptions, TaskHandle, current_task};
use pin_project_lite::pin_project;

use super::child::{ChildOutput, failure_of_this_task, poll_caught};
use super::{BoxError, Group, GroupClosed, TaskFailure};

impl Group {
    /// Spawns a child and waits until it is ready; it goes on as a child of the group.
    ///
    /// asyncio: no counterpart; trio's `nursery.start`. The child is given a [`Started`] and calls
    /// [`ready`](Started::ready) with what the starter waits for: a port, an address. An error before that is
    /// the starter's, and one after it the group's. Dropped, or cancelled, before the child is ready, the
    /// start cancels the child.
    ///
    /// # Cancel safety
    /// The child is cancelled.
    ///
    /// # Errors
    /// [`StartError`] if the child fails, is cancelled or ends before it is ready, or the group takes no
    /// children.
    ///
    /// # Panics
    /// Outside a runtime.
    ///
    /// # Examples
    /// ```
    /// use bowerbird::task_group;
    ///
    /// let port = bowerbird::run(task_group(async |group| {
    ///     let server = group.clone();
    ///     let port = group.start(|started| async move {
    ///         started.ready(8080);
    ///         // ... serves until it is cancelled
    ///         std::future::pending::<()>().await;
    ///     });
    ///     let port: u16 = port.await?;
    ///     server.cancel();
    ///     Ok(port)
    /// }));
    /// assert_eq!(port.unwrap(), 8080);
    /// ```
    #[track_caller]
    pub fn start<V, F, Fut>(&self, child: F) -> Start<V>
    where
        V: Send + 'static,
        F: FnOnce(Started<V>) -> Fut,
        Fut: Future<Output: ChildOutput + Send + 'static> + Send + 'static,
    {
        let start = Arc::new(Cell { state: Mutex::new(State::Starting), waker: WakerSlot::new() });
        let future = child(Started { cell: Some(start.clone()) });
        let future = Starting {
            future,
            into_result: without_value::<Fut::Output>,
            cell: Ending(start.clone()),
        };
        let into_result: fn(Result<(), BoxError>) -> Result<(), BoxError> = |result| result;
        let spawned = self.spawn_child(future, into_result, &SpawnOptions::default());
        let child = match spawned {
            Ok(child) => Some(child.handle()),
            Err((future, closed)) => {
                start.tell(State::Failed(StartError::Closed(closed)));
                drop(future);
                None
            }
        };
        Start { cell: start, child, is_suspended: false, site: CallSite::new("Group::start") }
    }
}

fn without_value<O: ChildOutput>(output: O) -> Result<(), BoxError> {
    output.into_result().map(drop)
}

/// Why [`Group::start`] has nothing to give.
#[derive(Debug)]
#[non_exhaustive]
pub enum StartError {
    /// The child failed before it was ready.
    Failed(TaskFailure),
    /// The child ended, or dropped its [`Started`], without a call of [`ready`](Started::ready).
    NotReady {
        /// The name of the child's task.
        task_name: Arc<str>,
        /// Where it was started.
        spawned_at: &'static Location<'static>,
    },
    /// The child was cancelled before it was ready.
    Cancelled,
    /// The group takes no children.
    Closed(GroupClosed),
}

impl fmt::Display for StartError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Failed(failure) => write!(f, "the child failed before it was ready: {failure}"),
            Self::NotReady { task_name, spawned_at } => write!(
                f,
                "the child `{task_name}`, started at {spawned_at}, ended without calling `started.ready(value)`"
            ),
            Self::Cancelled => f.write_str("the child was cancelled before it was ready"),
            Self::Closed(closed) => closed.fmt(f),
        }
    }
}

impl Error for StartError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::Failed(failure) => Some(failure.error()),
            Self::Closed(closed) => Some(closed),
            Self::NotReady { .. } | Self::Cancelled => None,
        }
    }
}

/// With this a child that was started says that it is ready.
///
/// asyncio: no counterpart; trio's `task_status`.
#[must_use = "the starter waits until ready() is called"]
pub struct Started<V> {
    cell: Option<Arc<Cell<V>>>,
}

impl<V> Started<V> {
    /// Gives the starter what it waits for; from now on the child is the group's.
    ///
    /// asyncio: no counterpart; trio's `task_status.started`.
    pub fn ready(mut self, value: V) {
        if let Some(cell) = self.cell.take() {
            cell.tell(State::Ready(value));
        }
    }
}

impl<V> Drop for Started<V> {
    /// The child will never be ready; its future finds out at the end of the poll, for it may be failing.
    fn drop(&mut self) {
        if let Some(cell) = &self.cell {
            let mut state = cell.state.lock();
            if matches!(*state, State::Starting) {
                *state = State::Dropped;
            }
        }
    }
}

impl<V> fmt::Debug for Started<V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Started").finish_non_exhaustive()
    }
}

/// What the starter and the child share.
struct Cell<V> {
    state: Mutex<State<V>>,
    waker: WakerSlot,
}

enum State<V> {
    Starting,
    /// The `Started` was dropped.
    Dropped,
    Ready(V),
    Failed(StartError),
    /// The starter has its answer, or is gone.
    Taken,
}

impl<V> Cell<V> {
    /// Answers the starter, unless it was answered; gives the answer back then.
    fn tell(&self, answer: State<V>) -> Option<State<V>> {
        let unused = {
            let mut state = self.state.lock();
            match *state {
                State::Starting | State::Dropped => {
                    *state = answer;
                    None
                }
                State::Ready(_) | State::Failed(_) | State::Taken => Some(answer),
            }
        };
        self.waker.wake();
        unused
    }

    fn is_dropped(&self) -> bool {
        matches!(*self.state.lock(), State::Dropped)
    }
}

/// The child's end of the cell: dropped before an answer, the child was cancelled.
struct Ending<V>(Arc<Cell<V>>);

impl<V> Ending<V> {
    fn not_ready(&self) {
        if let Some(task) = current_task() {
            let (task_name, spawned_at) = (task.name(), task.spawn_location());
            self.0.tell(State::Failed(StartError::NotReady { task_name, spawned_at }));
        }
    }
}

impl<V> Drop for Ending<V> {
    fn drop(&mut self) {
        self.0.tell(State::Failed(StartError::Cancelled));
    }
}

pin_project! {
    /// A child that is started.
    struct Starting<F: Future, V> {
        #[pin]
        future: F,
        into_result: fn(F::Output) -> Result<(), BoxError>,
        cell: Ending<V>,
    }
}

impl<F: Future, V> Future for Starting<F, V> {
    type Output = Result<(), BoxError>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        match poll_caught(this.future, *this.into_result, cx) {
            Poll::Pending => {
                if this.cell.0.is_dropped() {
                    this.cell.not_ready();
                    if let Some(task) = current_task() {
                        task.cancel_with("it can never be ready: it dropped its `Started`");
                    }
                }
                Poll::Pending
            }
            Poll::Ready(Ok(())) => {
                this.cell.not_ready();
                Poll::Ready(Ok(()))
            }
            Poll::Ready(Err(error)) => {
                let failed = State::Failed(StartError::Failed(failure_of_this_task(error)));
                match this.cell.0.tell(failed) {
                    Some(State::Failed(StartError::Failed(failure))) => {
                        Poll::Ready(Err(failure.into()))
                    }
                    _ => Poll::Ready(Ok(())),
                }
            }
        }
    }
}

/// The future of [`Group::start`].
#[must_use = "the child is cancelled when this is dropped; await it"]
pub struct Start<V> {
    cell: Arc<Cell<V>>,
    child: Option<TaskHandle>,
    is_suspended: bool,
    site: CallSite,
}

impl<V> Future for Start<V> {
    type Output = Result<V, StartError>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        self.site.polled();
        if self.is_suspended && poll_context::is_offered() {
            poll_context::yield_now(cx);
            return Poll::Pending;
        }
        let Poll::Ready(proceed) = poll_context::poll_proceed(cx) else { return Poll::Pending };
        self.cell.waker.register(cx.waker());
        let answer = {
            let mut state = self.cell.state.lock();
            match &*state {
                State::Starting | State::Dropped => None,
                State::Ready(_) | State::Failed(_) | State::Taken => {
                    Some(std::mem::replace(&mut *state, State::Taken))
                }
            }
        };
        let Some(answer) = answer else {
            self.is_suspended = true;
            poll_context::note_wait("start of a child", 0, Some(self.site.location()));
            return Poll::Pending;
        };
        proceed.made_progress();
        self.child = None;
        match answer {
            State::Ready(value) => Poll::Ready(Ok(value)),
            State::Failed(error) => Poll::Ready(Err(error)),
            _ => panic!("the start of a child was polled after its end"),
        }
    }
}

impl<V> Drop for Start<V> {
    fn drop(&mut self) {
        let Some(child) = self.child.take() else { return };
        let answer = std::mem::replace(&mut *self.cell.state.lock(), State::Taken);
        drop(answer);
        child.cancel();
    }
}

impl<V> fmt::Debug for Start<V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Start").field("child", &self.child).finish_non_exhaustive()
    }
}
