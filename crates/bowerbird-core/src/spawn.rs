//! A task is born: allocated, entered into its seat's list, handed to the schedule.

use std::future::Future;
use std::panic::{AssertUnwindSafe, Location, catch_unwind};
use std::ptr::NonNull;
use std::sync::Arc;
use std::task::Waker;

use bowerbird_base::poll_context;

use crate::block_on::NewMain;
use crate::current;
use crate::owner::OwnerNumber;
use crate::poll::{self, AfterPoll};
use crate::report::{Reporter, call_exception_handler, drop_unhandled};
use crate::runtime::{Flags, Runtime};
use crate::seat::Seat;
use crate::task::Runnable;
use crate::task::cold::Callback;
use crate::task::handle::TaskHandle;
use crate::task::header::{Header, TaskCell};
use crate::task::id;
use crate::task::join::Task;
use crate::task::state::{self, HIDDEN, JOIN_INTEREST, JOIN_WAKER, LOCAL, MAIN, State};
use crate::unhandled::{Unhandled, UnhandledKind};
use crate::variables::{self, Context};
use crate::watch;
use crate::worker::{Occupant, Rights};

/// What a task is spawned with.
#[derive(Debug, Clone, Default)]
#[non_exhaustive]
pub struct SpawnOptions {
    /// The task's own name.
    pub name: Option<Arc<str>>,
    /// The context variables that it runs with; `None` copies those of the spawner.
    pub context: Option<Context>,
    /// Whether it is polled once before `spawn` returns.
    pub is_eager: bool,
}

/// Why a task could not be spawned.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum SpawnError {
    /// This thread belongs to no runtime.
    NoRuntime,
    /// A `!Send` task needs a thread that polls tasks.
    NoSeat,
}

/// Spawns a task on this thread's runtime.
///
/// # Errors
/// If this thread belongs to none.
#[inline]
#[track_caller]
pub fn spawn<F>(future: F) -> Result<Task<F::Output>, SpawnError>
where
    F: Future + Send + 'static,
    F::Output: Send + 'static,
{
    let location = Location::caller();
    current::with_occupant(|occupant| match occupant {
        Some(occupant) => {
            Ok(handle_of(future, |future| spawn_on_seat(occupant, future, JOIN_INTEREST, location)))
        }
        None => match current::runtime() {
            Some(runtime) => {
                Ok(runtime.spawn_from_outside(future, &SpawnOptions::default(), location))
            }
            None => Err(SpawnError::NoRuntime),
        },
    })
}

/// Spawns a task with options on this thread's runtime.
///
/// # Errors
/// If this thread belongs to none.
pub fn spawn_with<F>(
    future: F,
    options: &SpawnOptions,
    location: &'static Location<'static>,
) -> Result<Task<F::Output>, SpawnError>
where
    F: Future + Send + 'static,
    F::Output: Send + 'static,
{
    current::with_occupant(|occupant| match occupant {
        Some(occupant) => Ok(handle_of(future, |future| {
            let (seat, id) = home_of_spawned(occupant);
            let state = State::new(JOIN_INTEREST);
            let header = TaskCell::allocate(future, state, seat.number, id, location);
            set_options(header, options);
            seat.list.link(header);
            begin(occupant, Runnable(header), options);
            header
        })),
        None => {
            let runtime = current::runtime().ok_or(SpawnError::NoRuntime)?;
            Ok(runtime.spawn_from_outside(future, options, location))
        }
    })
}

/// Spawns a task whose end wakes `waker`, without another step: what `gather` spawns its children with.
///
/// The waker is woken by value when the task ends. If it ends without a value, the waker is woken by
/// reference before: so one that counts can tell a failure from an end.
///
/// # Errors
/// If this thread belongs to no runtime.
pub fn spawn_joined<F>(
    future: F,
    waker: Waker,
    location: &'static Location<'static>,
) -> Result<Task<F::Output>, SpawnError>
where
    F: Future + Send + 'static,
    F::Output: Send + 'static,
{
    let flags = JOIN_INTEREST | JOIN_WAKER;
    current::with_occupant(|occupant| match (occupant, current::runtime_if(occupant.is_none())) {
        (Some(occupant), _) => Ok(handle_of(future, |future| {
            let (seat, id) = home_of_spawned(occupant);
            let header = TaskCell::allocate(future, State::new(flags), seat.number, id, location);
            fill_join_waker(header, waker);
            inherit_context(header);
            seat.list.link(header);
            begin(occupant, Runnable(header), &SpawnOptions::default());
            header
        })),
        (None, Some(runtime)) => Ok(handle_of(future, |future| {
            let seat = &runtime.outside;
            let header =
                TaskCell::allocate(future, State::new(flags), seat.number, id::take(1), location);
            fill_join_waker(header, waker);
            inherit_context(header);
            seat.list.link(header);
            runtime.begin_from_outside(header);
            header
        })),
        (None, None) => Err(SpawnError::NoRuntime),
    })
}

fn fill_join_waker(header: NonNull<Header>, waker: Waker) {
    // SAFETY: the task was just made: it has its references.
    let header = unsafe { header.as_ref() };
    // SAFETY: nobody else has the task yet, and JOIN_WAKER says from the start that the cell is filled.
    header.join_waker.with_mut(|cell| unsafe { cell.cast::<Waker>().write(waker) });
}

/// Spawns a task that stays on this thread.
///
/// # Errors
/// If this thread does not poll tasks.
pub fn spawn_local<F>(
    future: F,
    options: &SpawnOptions,
    location: &'static Location<'static>,
) -> Result<Task<F::Output>, SpawnError>
where
    F: Future + 'static,
    F::Output: 'static,
{
    current::with_occupant(|occupant| match occupant {
        Some(occupant) => Ok(handle_of(future, |future| {
            let header = allocate_local(occupant, future, JOIN_INTEREST | LOCAL, location);
            set_options(header, options);
            occupant.seat.list.link(header);
            begin(occupant, Runnable(header), options);
            header
        })),
        None => Err(current::with_runtime(|runtime| match runtime {
            Some(_) => SpawnError::NoSeat,
            None => SpawnError::NoRuntime,
        })),
    })
}

/// Spawns a task of the runtime's own that stays on this thread: nobody sees it, and no sweep cancels it.
pub(crate) fn spawn_hidden_local<F>(
    occupant: &Occupant<'_>,
    future: F,
    location: &'static Location<'static>,
) -> Task<F::Output>
where
    F: Future + 'static,
    F::Output: 'static,
{
    handle_of(future, |future| {
        let header = allocate_local(occupant, future, JOIN_INTEREST | LOCAL | HIDDEN, location);
        occupant.seat.list.link(header);
        occupant.queue_local(Runnable(header));
        header
    })
}

/// Makes the main future of `block_on` into a task of this thread's seat.
pub(crate) fn spawn_main<F: Future>(
    occupant: &Occupant<'_>,
    main: NewMain<F>,
    context: Option<Context>,
) -> Task<F::Output> {
    let (flags, location) = (main.flags | JOIN_INTEREST | LOCAL | MAIN, main.location);
    handle_of(main.future, |future| {
        let header = allocate_local(occupant, future, flags, location);
        match context {
            Some(context) if context.is_unused() => {}
            Some(context) => set_context(header, context),
            None => inherit_context(header),
        }
        occupant.seat.list.link(header);
        occupant.runtime.watch_new(header);
        occupant.queue_local(Runnable(header));
        header
    })
}

/// Runs done callbacks, in their order, as a task that nobody sees and no sweep cancels.
pub(crate) fn spawn_callbacks(task: TaskHandle, callbacks: Vec<Callback>) {
    let run = move || {
        for Callback { location, call, .. } in callbacks {
            let called = catch_unwind(AssertUnwindSafe(|| {
                watch::time_callback(location, || call(&task));
            }));
            if let Err(payload) = called {
                let unhandled = Unhandled::new(UnhandledKind::Callback, "a done callback panicked")
                    .with_task(&task)
                    .with_location(location)
                    .with_panic(payload);
                call_exception_handler(&unhandled);
                drop_unhandled(unhandled);
            }
        }
    };
    let location = Location::caller();
    current::with_occupant(|occupant| match (occupant, current::runtime()) {
        (Some(occupant), _) if !occupant.runtime.is_stopped() => {
            spawn_on_seat(occupant, async move { run() }, HIDDEN, location);
        }
        (None, Some(runtime)) if !runtime.is_stopped() => {
            let seat = &runtime.outside;
            let header = TaskCell::allocate(
                async move { run() },
                State::new(HIDDEN),
                seat.number,
                id::take(1),
                location,
            );
            seat.list.link(header);
            runtime.begin_from_outside(header);
        }
        // The runtime is gone, or on its way: there is no better place than here.
        _ => run(),
    });
}

/// Makes the typed handle of a task that `make` makes of the future.
#[inline]
pub(crate) fn handle_of<F: Future>(
    future: F,
    make: impl FnOnce(F) -> NonNull<Header>,
) -> Task<F::Output> {
    let header = make(future);
    // SAFETY: every `make` here allocates a `TaskCell<F>` with JOIN_INTEREST: the output has this type, and
    // one reference is the handle's.
    unsafe { Task::new(header) }
}

/// The common way, made short. The header is alive as long as the task runs or its handle lives.
#[inline]
fn spawn_on_seat<F: Future>(
    occupant: &Occupant<'_>,
    future: F,
    flags: u64,
    location: &'static Location<'static>,
) -> NonNull<Header> {
    let (seat, id) = home_of_spawned(occupant);
    let header = TaskCell::allocate(future, State::new(flags), seat.number, id, location);
    inherit_context(header);
    seat.list.link(header);
    let runtime_flags = occupant.runtime.flags();
    if runtime_flags.is_plain() {
        occupant.schedule_spawned(Runnable(header));
    } else {
        begin_unusual(occupant, Runnable(header), runtime_flags);
    }
    header
}

/// The runtime has stopped, or its tasks are watched.
#[cold]
fn begin_unusual(occupant: &Occupant<'_>, task: Runnable, flags: Flags) {
    if flags.is_watching() && !task.header().state.load().is_hidden() {
        watch::new_task(occupant.runtime, &task, flags);
    }
    if flags.is_stopped() {
        end_unpolled(task, &occupant.runtime.reporter);
    } else {
        occupant.schedule_spawned(task);
    }
}

fn allocate_local<F: Future>(
    occupant: &Occupant<'_>,
    future: F,
    flags: u64,
    location: &'static Location<'static>,
) -> NonNull<Header> {
    let core = occupant.core();
    core.local_count.set(core.local_count.get() + 1);
    TaskCell::allocate(future, State::new(flags), occupant.seat.number, core.next_id(), location)
}

/// In whose list a spawned task stands. A guest's seat does not outlive its `block_on`, so what a guest
/// spawns stands with what comes from outside.
#[inline]
fn home_of_spawned<'a>(occupant: &Occupant<'a>) -> (&'a Seat, u64) {
    let id = occupant.core().next_id();
    match occupant.rights {
        Rights::Guest => (&occupant.runtime.outside, id),
        Rights::OnlyWorker | Rights::Worker(_) => (occupant.seat, id),
    }
}

pub(crate) fn set_options(header: NonNull<Header>, options: &SpawnOptions) {
    if let Some(name) = &options.name {
        TaskHandle::retain(header).set_name(name.clone());
    }
    match &options.context {
        Some(context) => set_context(header, context.clone()),
        None => inherit_context(header),
    }
}

#[inline]
fn inherit_context(header: NonNull<Header>) {
    if let Some(context) = variables::inherited() {
        set_context(header, context);
    }
}

#[cold]
fn set_context(header: NonNull<Header>, context: Context) {
    // SAFETY: the task was just made: it has its references.
    let header = unsafe { header.as_ref() };
    header.cold_or_new().0.lock().context = Some(context);
    header.state.set(state::CONTEXT);
}

/// Hands a new task, linked, to the schedule; or polls it, if it is eager.
#[inline]
fn begin(occupant: &Occupant<'_>, task: Runnable, options: &SpawnOptions) {
    let flags = occupant.runtime.flags();
    if flags.is_watching() {
        watch::new_task(occupant.runtime, &task, flags);
    }
    if flags.is_stopped() {
        end_unpolled(task, &occupant.runtime.reporter);
    } else if options.is_eager {
        poll_eagerly(occupant, task);
    } else if task.header().state.load().is_local() {
        occupant.queue_local(task);
    } else {
        occupant.schedule_spawned(task);
    }
}

/// Polls a new task inside the poll of its spawner.
fn poll_eagerly(occupant: &Occupant<'_>, task: Runnable) {
    let outer = poll_context::set_aside();
    // A task without a context of its own must neither see the spawner's nor leave its own behind.
    let outside = variables::replace_current(Context::new());
    let after = poll::poll(task);
    variables::replace_current(outside);
    drop(outer);
    match after {
        AfterPoll::Nothing => {}
        // The task gave this thread's seat away, see `block_in_place`.
        after if !occupant.has_seat() => occupant.requeue_without_seat(after),
        AfterPoll::Yielded(task) => occupant.schedule_yielded(task),
        AfterPoll::Woken(task) => occupant.schedule_requeued(task),
    }
}

/// The runtime has stopped: a task that comes now is dropped unpolled and ends cancelled; one that ran before
/// unwinds. The runtime's own (done callbacks) are let through.
#[cold]
pub(crate) fn end_unpolled(task: Runnable, reporter: &Arc<Reporter>) {
    let bits = task.header().state.load();
    if !bits.is_hidden() {
        if !bits.is_polled() && !bits.has_cancel() {
            complain(task.header(), reporter);
        }
        TaskHandle::retain(task.0).cancel_with("the runtime has ended");
    }
    poll_to_suspension(task);
}

/// Whoever looks at the handle learns that the task was not run; if nobody does, the exception handler.
fn complain(header: &Header, reporter: &Arc<Reporter>) {
    {
        let mut cold = header.cold_or_new().0.lock();
        cold.complaint = Some("a task was spawned when its runtime had ended, and was not run");
        cold.reporter = Some(reporter.clone());
    }
    header.state.set(state::COLD_JOIN);
}

/// Polls a task here until it sleeps or has ended: there is no queue to put it into.
fn poll_to_suspension(task: Runnable) {
    /// One that only ever yields is left behind.
    const MOST_POLLS: usize = 1_000;
    let outer = poll_context::set_aside();
    let outside = variables::replace_current(Context::new());
    let mut next = Some(task);
    for _ in 0..MOST_POLLS {
        let Some(task) = next.take() else { break };
        next = match poll::poll(task) {
            AfterPoll::Nothing => None,
            AfterPoll::Yielded(task) | AfterPoll::Woken(task) => Some(task),
        };
    }
    variables::replace_current(outside);
    drop(outer);
}

impl Runtime {
    /// Spawns a task from a thread that need not belong to this runtime.
    #[track_caller]
    pub fn spawn<F>(self: &Arc<Self>, future: F, options: &SpawnOptions) -> Task<F::Output>
    where
        F: Future + Send + 'static,
        F::Output: Send + 'static,
    {
        let location = Location::caller();
        let is_inside = current::with_occupant(|occupant| {
            occupant.is_some_and(|occupant| Arc::ptr_eq(occupant.runtime, self))
        });
        if is_inside {
            spawn_with(future, options, location).expect("this thread occupies a seat")
        } else {
            self.spawn_from_outside(future, options, location)
        }
    }

    /// Spawns a task that nobody sees and no sweep cancels, from any thread: a step of the runtime's own
    /// that must come to its end by itself. Returns `false`, and spawns nothing, if the runtime has stopped.
    #[doc(hidden)]
    pub fn spawn_hidden<F>(
        self: &Arc<Self>,
        future: F,
        location: &'static Location<'static>,
    ) -> bool
    where
        F: Future<Output = ()> + Send + 'static,
    {
        if self.is_stopped() {
            return false;
        }
        current::with_occupant(|occupant| match occupant {
            Some(occupant) if Arc::ptr_eq(occupant.runtime, self) => {
                spawn_on_seat(occupant, future, HIDDEN, location);
            }
            _ => {
                let seat = &self.outside;
                let state = State::new(HIDDEN);
                let header = TaskCell::allocate(future, state, seat.number, id::take(1), location);
                seat.list.link(header);
                self.begin_from_outside(header);
            }
        });
        true
    }

    fn spawn_from_outside<F>(
        &self,
        future: F,
        options: &SpawnOptions,
        location: &'static Location<'static>,
    ) -> Task<F::Output>
    where
        F: Future + Send + 'static,
        F::Output: Send + 'static,
    {
        handle_of(future, |future| {
            let seat = &self.outside;
            let header = TaskCell::allocate(
                future,
                State::new(JOIN_INTEREST),
                seat.number,
                id::take(1),
                location,
            );
            set_options(header, options);
            seat.list.link(header);
            self.begin_from_outside(header);
            header
        })
    }

    /// Queues a task that was spawned from outside. If the runtime stops at the same time, either its last
    /// look at the queues comes after, or this thread sees the stop and looks itself.
    fn begin_from_outside(&self, header: NonNull<Header>) {
        self.watch_new(header);
        self.schedule_for_certain(Runnable(header), self.outside.number);
    }

    /// Watches a task that was just made, if tasks are watched.
    pub(crate) fn watch_new(&self, header: NonNull<Header>) {
        let task = Runnable(header);
        let flags = self.flags();
        if flags.is_watching() && !task.header().state.load().is_hidden() {
            watch::new_task(self, &task, flags);
        }
    }

    /// Queues a task that may come after the workers have gone.
    pub(crate) fn schedule_for_certain(&self, task: Runnable, owner: OwnerNumber) {
        self.schedule_from_outside(task, owner);
        if self.is_stopped_for_certain() {
            self.end_queued();
        }
    }
}
