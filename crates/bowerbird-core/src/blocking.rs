//! The blocking pool: threads for what must not be called on a worker.
//!
//! A closure is a task like any other (name, number, handle, cancellation while it is queued), whose one
//! poll happens on a thread of the pool. It stands in a list of its own, so that `all_tasks` does not
//! show it and a sweep does not wait for it.
//!
//! Threads are started when no idle one is left for what is queued, up to the limit, and end when they
//! have been idle for the keep-alive time.
//!
//! A runtime has two of them: the second does nothing but name lookups, which may hang for half a minute when
//! no name server answers. So they never take the threads of other work, and the end of the runtime does
//! not wait for one.

use std::collections::VecDeque;
use std::future::Future;
use std::panic::Location;
use std::pin::Pin;
use std::sync::{Arc, Weak};
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use bowerbird_base::clock::system_now;
use bowerbird_base::poll_context::{self, Job, OffloadClass, Offloader};
use bowerbird_base::sync::{Condvar, Mutex};

use crate::current;
use crate::poll::{self, AfterPoll};
use crate::report::{call_exception_handler, caught, drop_caught};
use crate::runtime::{Entered, Runtime};
use crate::spawn::{SpawnError, SpawnOptions, handle_of, set_options};
use crate::task::Runnable;
use crate::task::handle::TaskHandle;
use crate::task::header::TaskCell;
use crate::task::id;
use crate::task::join::Task;
use crate::task::state::{BLOCKING, JOIN_INTEREST, State};
use crate::unhandled::{Unhandled, UnhandledKind};

/// So many names are looked up at a time; the others wait for their turn.
const MOST_LOOKUPS: usize = 64;

/// Which pool of a runtime.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Lane {
    /// Closures, work of libraries, helpers.
    Blocking,
    /// Name lookups.
    Lookups,
}

impl Lane {
    fn of(class: OffloadClass) -> Self {
        if class == OffloadClass::Dns { Self::Lookups } else { Self::Blocking }
    }

    fn pool(self, runtime: &Runtime) -> &Pool {
        match self {
            Self::Blocking => &runtime.blocking,
            Self::Lookups => &runtime.lookups,
        }
    }
}

/// A pool of a runtime.
pub(crate) struct Pool {
    lane: Lane,
    state: Mutex<PoolState>,
    has_work: Condvar,
    thread_ended: Condvar,
}

struct PoolState {
    queue: VecDeque<Queued>,
    next_ticket: u64,
    idle_count: usize,
    thread_count: usize,
    /// Threads whose present work the end of the runtime does not wait for: name resolution.
    abandonable_count: usize,
    /// Threads that have taken over a worker's seat, or are about to: they end when the runtime stops, and
    /// the limit is not about them.
    helper_count: usize,
    next_index: usize,
    is_closed: bool,
}

/// Work with the number that whoever put it in knows it by.
struct Queued {
    ticket: u64,
    work: Work,
}

/// What a thread of the pool does next.
enum Work {
    Task(Runnable),
    /// Work of another crate: name resolution is not waited for at the end.
    Offloaded(OffloadClass, Job),
    /// A worker's seat is taken over by this thread for a while.
    Helper(Job),
}

impl Pool {
    pub(crate) fn new(lane: Lane) -> Self {
        Self {
            lane,
            state: Mutex::new(PoolState {
                queue: VecDeque::new(),
                next_ticket: 0,
                idle_count: 0,
                thread_count: 0,
                abandonable_count: 0,
                helper_count: 0,
                next_index: 0,
                is_closed: false,
            }),
            has_work: Condvar::new(),
            thread_ended: Condvar::new(),
        }
    }

    /// Queues work, and starts a thread for it if none is free. Gives the work back if the pool is closed
    /// or no thread can be had.
    fn put(&self, runtime: &Arc<Runtime>, work: Work) -> Result<(), (Work, String)> {
        let mut state = self.state.lock();
        if state.is_closed {
            return Err((work, "the runtime has ended".into()));
        }
        // A helper must come at once: its seat stands still until then.
        let is_urgent = matches!(work, Work::Helper(_));
        let ticket = state.next_ticket;
        state.next_ticket += 1;
        if is_urgent {
            state.helper_count += 1;
            state.queue.push_front(Queued { ticket, work });
        } else {
            state.queue.push_back(Queued { ticket, work });
        }
        if state.idle_count >= state.queue.len() {
            drop(state);
            self.has_work.notify_one();
            return Ok(());
        }
        let limit = match self.lane {
            Lane::Blocking => runtime.config.max_blocking_threads.max(1),
            Lane::Lookups => MOST_LOOKUPS,
        };
        if !is_urgent && state.ordinary_count() >= limit {
            return Ok(());
        }
        state.thread_count += 1;
        drop(state);
        // One count for both pools, for it is in the names of threads.
        let index = runtime.config.worker_threads + runtime.blocking.take_index();
        match self.start_thread(runtime, index) {
            Ok(()) => Ok(()),
            Err(error) => self.thread_not_started(runtime, ticket, &error),
        }
    }

    fn start_thread(&self, runtime: &Arc<Runtime>, index: usize) -> std::io::Result<()> {
        let (member, lane) = (runtime.clone(), self.lane);
        runtime.thread_builder(index).spawn(move || {
            member.as_member(None, || lane.pool(&member).work(&member));
            lane.pool(&member).end_thread();
        })?;
        Ok(())
    }

    fn take_index(&self) -> usize {
        let mut state = self.state.lock();
        state.next_index += 1;
        state.next_index - 1
    }

    /// The system gives no thread: a helper is given back, for its seat stands still. Other work waits for
    /// the threads there are; without any, this is given back, and what else is queued is ended.
    fn thread_not_started(
        &self,
        runtime: &Arc<Runtime>,
        ticket: u64,
        error: &std::io::Error,
    ) -> Result<(), (Work, String)> {
        let (own, stranded) = {
            let mut state = self.state.lock();
            state.thread_count -= 1;
            let own = state.remove(ticket);
            match own {
                // A thread that was free after all has taken it.
                None => return Ok(()),
                Some(Work::Helper(job)) => {
                    state.helper_count -= 1;
                    (Work::Helper(job), VecDeque::new())
                }
                Some(work) if state.ordinary_count() > 0 => {
                    state.queue.push_back(Queued { ticket, work });
                    return Ok(());
                }
                Some(work) => {
                    let helpers = state.take_helpers();
                    (work, std::mem::replace(&mut state.queue, helpers))
                }
            }
        };
        let reason = format!("the system starts no more threads: {error}");
        for Queued { work, .. } in stranded {
            end_unrun(runtime, work, &reason);
        }
        Err((own, reason))
    }

    /// The loop of a thread of the pool.
    fn work(&self, runtime: &Arc<Runtime>) {
        let mut state = self.state.lock();
        loop {
            if let Some(Queued { work, .. }) = state.queue.pop_front() {
                let is_abandonable =
                    usize::from(matches!(work, Work::Offloaded(OffloadClass::Dns, _)));
                let is_helper = usize::from(matches!(work, Work::Helper(_)));
                state.abandonable_count += is_abandonable;
                drop(state);
                run(runtime, work);
                state = self.state.lock();
                state.abandonable_count -= is_abandonable;
                state.helper_count -= is_helper;
                continue;
            }
            if state.is_closed {
                return;
            }
            state.idle_count += 1;
            let is_over =
                self.has_work.wait_for(&mut state, runtime.config.thread_keep_alive).timed_out();
            state.idle_count -= 1;
            if is_over && state.queue.is_empty() {
                return;
            }
        }
    }

    fn end_thread(&self) {
        self.state.lock().thread_count -= 1;
        self.thread_ended.notify_all();
    }

    /// Takes no more work. File operations that are queued are done, so that no write is lost; what else is queued is
    /// dropped unrun and reported.
    pub(crate) fn close(&self, runtime: &Arc<Runtime>) {
        let queue = {
            let mut state = self.state.lock();
            state.is_closed = true;
            let lasting = state.take_lasting();
            std::mem::replace(&mut state.queue, lasting)
        };
        self.has_work.notify_all();
        let _entered = Entered::new(runtime, None);
        for Queued { work, .. } in queue {
            if let Work::Task(task) = &work {
                let handle = TaskHandle::retain(task.0);
                tell(
                    &handle,
                    "blocking work was still queued when the runtime ended, and was not run",
                );
            }
            end_unrun(runtime, work, "the runtime has ended");
        }
    }

    /// Waits for the threads to end; what has not ended at the limit is reported by name.
    pub(crate) fn wait_until_idle(&self, runtime: &Arc<Runtime>, limit: Option<Instant>) -> bool {
        let mut state = self.state.lock();
        while state.thread_count > state.abandonable_count + state.helper_count {
            let left =
                limit.map_or(Duration::MAX, |limit| limit.saturating_duration_since(system_now()));
            if left.is_zero() {
                drop(state);
                let _entered = Entered::new(runtime, None);
                runtime.blocking_seat.list.for_each(|task| {
                    tell(&task, "blocking work was still running when the runtime ended, and was left behind");
                });
                return false;
            }
            // A wait of more than a day is cut: the condition variable cannot count so far.
            self.thread_ended.wait_for(&mut state, left.min(Duration::from_secs(86_400)));
        }
        true
    }

    /// Waits for the threads that had taken over seats; the runtime has stopped.
    pub(crate) fn wait_for_helpers(&self) {
        let mut state = self.state.lock();
        while state.thread_count > state.abandonable_count {
            self.thread_ended.wait(&mut state);
        }
    }

    /// How many threads there are, and how many of them are idle, and how much is queued.
    pub(crate) fn figures(&self) -> (usize, usize, usize) {
        let state = self.state.lock();
        (state.thread_count, state.idle_count, state.queue.len())
    }
}

impl PoolState {
    /// Threads that do, or wait for, ordinary work.
    fn ordinary_count(&self) -> usize {
        self.thread_count.saturating_sub(self.helper_count)
    }

    fn remove(&mut self, ticket: u64) -> Option<Work> {
        let at = self.queue.iter().position(|queued| queued.ticket == ticket)?;
        self.queue.remove(at).map(|queued| queued.work)
    }

    /// Takes the helpers out: the seats that they serve must go on until their owners have them back.
    fn take_helpers(&mut self) -> VecDeque<Queued> {
        self.take_where(|work| matches!(work, Work::Helper(_)))
    }

    /// Takes out what is done although the pool closes.
    fn take_lasting(&mut self) -> VecDeque<Queued> {
        self.take_where(|work| {
            matches!(work, Work::Helper(_) | Work::Offloaded(OffloadClass::Fs, _))
        })
    }

    fn take_where(&mut self, is_taken: impl Fn(&Work) -> bool) -> VecDeque<Queued> {
        let (taken, others) =
            std::mem::take(&mut self.queue).into_iter().partition(|queued| is_taken(&queued.work));
        self.queue = others;
        taken
    }
}

fn run(runtime: &Arc<Runtime>, work: Work) {
    match work {
        Work::Task(task) => poll_once(runtime, task),
        Work::Offloaded(_, job) | Work::Helper(job) => {
            caught(UnhandledKind::Blocking, "offloaded work panicked", job);
        }
    }
}

/// Polls a closure. If it left cleanups that suspend, the workers poll them to their end.
fn poll_once(runtime: &Arc<Runtime>, task: Runnable) {
    let outer = poll_context::set_aside();
    let after = poll::poll(task);
    drop(outer);
    if let AfterPoll::Yielded(task) | AfterPoll::Woken(task) = after {
        runtime.schedule_for_certain(task, runtime.blocking_seat.number);
    }
}

fn tell(task: &TaskHandle, message: &str) {
    call_exception_handler(&Unhandled::new(UnhandledKind::Blocking, message).with_task(task));
}

/// Ends work that was never begun: the handle of a closure gets a cancellation with this message, a job of
/// another crate is dropped.
fn end_unrun(runtime: &Arc<Runtime>, work: Work, message: &str) {
    match work {
        Work::Task(task) => {
            TaskHandle::retain(task.0).cancel_with(message);
            poll_once(runtime, task);
        }
        Work::Offloaded(class, job) => {
            if class != OffloadClass::Dns {
                let text = format!("work of a library (class {class:?}) was not run: {message}");
                call_exception_handler(&Unhandled::new(UnhandledKind::Blocking, text));
            }
            drop_caught(job, "the destructor of offloaded work panicked");
        }
        Work::Helper(job) => {
            drop_caught(job, "the destructor of offloaded work panicked");
        }
    }
}

/// A closure as a future that is ready at its first poll.
struct Call<F>(Option<F>);

impl<F> Unpin for Call<F> {}

impl<F: FnOnce() -> T, T> Future for Call<F> {
    type Output = T;

    fn poll(mut self: Pin<&mut Self>, _cx: &mut Context<'_>) -> Poll<T> {
        let call = self.0.take().expect("a closure is called once");
        Poll::Ready(call())
    }
}

/// Runs a closure on the blocking pool of this thread's runtime.
///
/// # Errors
/// If this thread belongs to no runtime.
pub fn spawn_blocking<F, T>(
    f: F,
    options: &SpawnOptions,
    location: &'static Location<'static>,
) -> Result<Task<T>, SpawnError>
where
    F: FnOnce() -> T + Send + 'static,
    T: Send + 'static,
{
    let runtime = current::runtime().ok_or(SpawnError::NoRuntime)?;
    Ok(runtime.spawn_blocking(f, options, location))
}

impl Runtime {
    /// Runs a closure on the blocking pool.
    pub fn spawn_blocking<F, T>(
        self: &Arc<Self>,
        f: F,
        options: &SpawnOptions,
        location: &'static Location<'static>,
    ) -> Task<T>
    where
        F: FnOnce() -> T + Send + 'static,
        T: Send + 'static,
    {
        handle_of(Call(Some(f)), |call| {
            let seat = &self.blocking_seat;
            let state = State::new(JOIN_INTEREST | BLOCKING);
            let header = TaskCell::allocate(call, state, seat.number, id::take(1), location);
            set_options(header, options);
            seat.list.link(header);
            self.watch_new(header);
            if let Err((work, reason)) = self.blocking.put(self, Work::Task(Runnable(header))) {
                end_unrun(self, work, &reason);
            }
            header
        })
    }
}

/// Starts a thread that takes over a seat; `false` if none can be had.
pub(crate) fn run_helper(runtime: &Arc<Runtime>, job: impl FnOnce() + Send + 'static) -> bool {
    runtime.blocking.put(runtime, Work::Helper(Box::new(job))).is_ok()
}

/// Where the blocking work of other crates goes.
pub(crate) fn offloader(runtime: &Arc<Runtime>) -> Offloader {
    let runtime: Weak<Runtime> = Arc::downgrade(runtime);
    Arc::new(move |class, job| {
        let Some(runtime) = runtime.upgrade() else { return Err(job) };
        let pool = Lane::of(class).pool(&runtime);
        pool.put(&runtime, Work::Offloaded(class, job)).map_err(|(work, _)| match work {
            Work::Offloaded(_, job) | Work::Helper(job) => job,
            Work::Task(_) => unreachable!("the pool gives back what it was given"),
        })
    })
}
