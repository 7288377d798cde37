//! A runtime: its seats, its doors, its threads.
//!
//! # Ordering arguments
//! - `[ORD-1]` The stop flag is set when every task is done, or given up; Acquire, so that a worker that
//!   sees it has seen what was queued before, and scans once more (worker.rs).
//! - `[ORD-2]` A thread that spawns from outside queues its task and then asks whether the runtime has
//!   stopped; the runtime stops and then empties its queues. Both are SeqCst read-modify-writes on the
//!   flag, so one of them comes first and the other one sees the task. Weaker: a task that nobody ends
//!   (loom `task_queued_during_the_stop_is_ended`).
//! - `[ORD-3]` The flags of debug mode stand in the same word, so that who spawns looks once. They and the
//!   duration say what to report and guard nothing; the changes are read-modify-writes, which keep the stop's
//!   release, and acquire it, as every look at the word does.

use std::fmt;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use bowerbird_base::cache_line::CacheLine;
use bowerbird_base::sync::Mutex;
use bowerbird_base::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use bowerbird_base::{debug, swallow};

use crate::block_on::FirstSeat;
use crate::blocking::{Lane, Pool};
use crate::config::Config;
use crate::current;
use crate::idle::Idle;
use crate::owner;
use crate::park::Park;
use crate::queue::{Door, Thief, until_answered};
use crate::report::{Reporter, call_hook, caught, report_panic_text};
use crate::rescue::Rescue;
use crate::seat::Seat;
use crate::shutdown::Sweep;
use crate::shutdown_request::{ShutdownHook, ShutdownRequest};
use crate::spawn;
use crate::task::handle::TaskHandle;
use crate::unhandled::UnhandledKind;
use crate::watch;
use crate::worker::{Occupant, Rights, Until};

/// What the threads of a runtime share.
pub struct Runtime {
    /// The settings.
    pub(crate) config: Config,
    pub(crate) seats: Box<[Seat]>,
    /// The thieves' ends of the deques of each seat: lifo, fifo.
    pub(crate) thieves: Box<[(Thief, Thief)]>,
    /// Where tasks stand that were spawned from outside.
    pub(crate) outside: Seat,
    /// Where the closures of the blocking pool stand.
    pub(crate) blocking_seat: Seat,
    /// The seats of threads in `block_on` that found no idle worker.
    pub(crate) guests: Mutex<Vec<Arc<Seat>>>,
    pub(crate) injector: Door,
    /// Changed by each sleep and each search.
    pub(crate) idle: CacheLine<Idle>,
    pub(crate) driver: Arc<dyn Park>,
    pub(crate) blocking: Pool,
    /// Threads that look names up.
    pub(crate) lookups: Pool,
    pub(crate) rescue: Rescue,
    pub(crate) sweep: Sweep,
    /// Read by every spawn, and by most workers between any two tasks: nothing that changes stands beside it.
    flags: CacheLine<AtomicU32>,
    /// In nanoseconds.
    slow_callback_duration: AtomicU64,
    pub(crate) shutdown_request: Arc<ShutdownRequest>,
    flavour: Threads,
    pub(crate) first_seat: Mutex<FirstSeat>,
    threads: Mutex<Vec<thread::JoinHandle<()>>>,
    /// Who hears what nobody retrieved.
    pub(crate) reporter: Arc<Reporter>,
}

/// What is true of a runtime: the bits of one word.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Flags(u32);

impl Flags {
    const STOPPED: Self = Self(1);
    /// Debug mode.
    pub(crate) const DEBUG: Self = Self(2);
    /// What leaves wait for is kept for each task.
    pub(crate) const TRACK: Self = Self(4);
    /// There are hooks that are told of tasks.
    const HOOKED: Self = Self(8);

    fn of(config: &Config) -> Self {
        let flag = |is_on, flag: Self| if is_on { flag.0 } else { 0 };
        let hooked = flag(!config.task_hooks.is_empty(), Self::HOOKED);
        Self(flag(config.is_debug, Self::DEBUG) | flag(config.tracks_waits, Self::TRACK) | hooked)
    }

    /// Whether a new task may go the common way.
    #[inline]
    pub(crate) fn is_plain(self) -> bool {
        self.0 == 0
    }

    #[inline]
    pub(crate) fn is_stopped(self) -> bool {
        self.0 & Self::STOPPED.0 != 0
    }

    pub(crate) fn is_debug(self) -> bool {
        self.0 & Self::DEBUG.0 != 0
    }

    /// Whether tasks are watched.
    #[inline]
    pub(crate) fn is_watching(self) -> bool {
        self.0 & (Self::DEBUG.0 | Self::TRACK.0 | Self::HOOKED.0) != 0
    }

    /// Whether what leaves wait for is kept.
    pub(crate) fn is_tracking(self) -> bool {
        self.0 & (Self::DEBUG.0 | Self::TRACK.0) != 0
    }

    pub(crate) fn is_hooked(self) -> bool {
        self.0 & Self::HOOKED.0 != 0
    }
}

fn nanos(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}

/// Which seats get a thread of their own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Threads {
    /// Every seat: a runtime held by a synchronous program.
    All,
    /// Every seat but the first, which the thread that calls `run` takes.
    AllButFirst,
}

impl Runtime {
    /// Makes a runtime and starts its threads.
    ///
    /// # Errors
    /// If the system gives no more threads.
    pub fn start(
        config: Config,
        driver: Arc<dyn Park>,
        threads: Threads,
    ) -> std::io::Result<Arc<Self>> {
        swallow::set_listener(|what, payload| {
            report_panic_text(UnhandledKind::Waker, what, payload)
        });
        debug::set_listener(watch::hear_warning);
        let count = config.worker_threads.max(1);
        let seats: Box<[Seat]> =
            (0..count as u64).map(|index| Seat::new(config.seed.wrapping_add(index))).collect();
        let thieves = seats.iter().map(Self::thieves_ends).collect();
        let runtime = Arc::new(Self {
            seats,
            thieves,
            outside: Seat::new(0),
            blocking_seat: Seat::new(0),
            guests: Mutex::new(Vec::new()),
            injector: Door::new(),
            idle: CacheLine(Idle::new(count)),
            driver,
            blocking: Pool::new(Lane::Blocking),
            lookups: Pool::new(Lane::Lookups),
            rescue: Rescue::new(),
            sweep: Sweep::new(),
            flags: CacheLine(AtomicU32::new(Flags::of(&config).0)),
            slow_callback_duration: AtomicU64::new(nanos(config.slow_callback_duration)),
            shutdown_request: Arc::new(ShutdownRequest::new()),
            flavour: threads,
            first_seat: Mutex::new(FirstSeat::Free(None)),
            threads: Mutex::new(Vec::new()),
            reporter: Arc::new(Reporter::new(
                config.exception_handler.clone(),
                config.panic_policy,
            )),
            config,
        });
        if runtime.flags().is_debug() {
            debug::runtime_entered();
        }
        let pointer = Arc::as_ptr(&runtime);
        runtime
            .seats
            .iter()
            .chain([&runtime.outside, &runtime.blocking_seat])
            .for_each(|seat| seat.enlist(pointer, true));
        runtime.start_threads(threads).inspect_err(|_| runtime.stop())?;
        Ok(runtime)
    }

    fn thieves_ends(seat: &Seat) -> (Thief, Thief) {
        // SAFETY: nobody has occupied the seat yet.
        let core = unsafe { seat.core() };
        (core.lifo.stealer(), core.fifo.stealer())
    }

    fn start_threads(self: &Arc<Self>, threads: Threads) -> std::io::Result<()> {
        let first = if threads == Threads::All { 0 } else { 1 };
        for seat in &self.seats[first..] {
            // From now on: a caller of `block_on` may ask before the thread has begun.
            seat.occupancy.enter();
        }
        for index in first..self.seats.len() {
            let runtime = self.clone();
            self.start_thread(index, move || runtime.work(index, Until::Stopped))?;
        }
        if self.seats.len() > 1 && self.config.has_rescue {
            let runtime = self.clone();
            let handle = thread::Builder::new()
                .name("bowerbird-rescue".into())
                .spawn(move || runtime.watch())?;
            self.threads.lock().push(handle);
        }
        Ok(())
    }

    fn start_thread(
        &self,
        index: usize,
        main: impl FnOnce() + Send + 'static,
    ) -> std::io::Result<()> {
        let handle = self.thread_builder(index).spawn(main)?;
        self.threads.lock().push(handle);
        Ok(())
    }

    pub(crate) fn thread_builder(&self, index: usize) -> thread::Builder {
        // The function is the user's, and a name with a zero in it makes `name` panic.
        let named = caught(UnhandledKind::Hook, "the function that names threads panicked", || {
            thread::Builder::new().name((self.config.thread_name)(index))
        });
        let builder = named.unwrap_or_else(|| thread::Builder::new().name("bowerbird".into()));
        match self.config.thread_stack_size {
            Some(size) => builder.stack_size(size),
            None => builder,
        }
    }

    /// Occupies a seat with this thread until the condition holds.
    pub(crate) fn work(self: &Arc<Self>, index: usize, until: Until) {
        self.as_member(Some(index), || {
            Occupant::new(self, &self.seats[index], self.rights_of(index)).occupy_until(until);
        });
    }

    /// A thread has taken an empty seat.
    pub(crate) fn worker_came(&self) {
        self.idle.worker_came();
        self.rescue.worker_woke();
    }

    /// The rights of whoever occupies the seat.
    pub(crate) fn rights_of(&self, index: usize) -> Rights {
        if self.seats.len() == 1 { Rights::OnlyWorker } else { Rights::Worker(index) }
    }

    /// Calls `f` as a thread of this runtime: its hooks, its thread-locals.
    pub(crate) fn as_member(self: &Arc<Self>, index: Option<usize>, f: impl FnOnce()) {
        struct Stop<'a>(&'a Runtime);
        impl Drop for Stop<'_> {
            fn drop(&mut self) {
                call_hook(self.0.config.on_thread_stop.as_ref());
            }
        }
        let _entered = Entered::new(self, index);
        call_hook(self.config.on_thread_start.as_ref());
        let _stop = Stop(self);
        f();
    }

    /// The thieves' ends of this seat's deques.
    pub(crate) fn thieves_of(&self, seat: &Seat) -> &(Thief, Thief) {
        let at = self.seats.iter().position(|other| other.number == seat.number);
        &self.thieves[at.expect("only the seats of workers have thieves")]
    }

    /// Whether a task is queued where any worker may take it.
    pub(crate) fn has_work_anywhere(&self) -> bool {
        !self.injector.is_empty()
            || self.thieves.iter().any(|(lifo, fifo)| !lifo.is_empty() || !fifo.is_empty())
    }

    /// Sets what is called when somebody asks the runtime to end, in the thread that asks; `None` takes it
    /// away. Returns whether it has been asked already, which calls nothing.
    pub fn set_shutdown_hook(&self, hook: Option<ShutdownHook>) -> bool {
        self.shutdown_request.set_hook(hook)
    }

    /// Makes a worker look again at what it may sleep on: for a driver whose state has changed.
    pub fn wake_worker(&self, index: usize) {
        self.unpark(index);
    }

    /// Wakes the worker at `index`.
    pub(crate) fn unpark(&self, index: usize) {
        self.unpark_seat(&self.seats[index]);
    }

    /// Wakes the occupant of a seat.
    pub(crate) fn unpark_seat(&self, seat: &Seat) {
        if let Some(source) = seat.parker.unpark() {
            self.driver.notify(source);
        }
    }

    /// Whether the workers have been told to end.
    #[inline]
    pub(crate) fn is_stopped(&self) -> bool {
        self.flags().is_stopped()
    }

    /// What is true of the runtime now.
    #[inline]
    pub(crate) fn flags(&self) -> Flags {
        Flags(self.flags.load(Ordering::Acquire)) // [ORD-1]
    }

    /// Sets or clears a flag of debug mode, and gives all flags as they are then.
    pub(crate) fn set_flag(&self, flag: Flags, is_on: bool) -> Flags {
        // [ORD-3]
        let (before, after) = if is_on {
            let before = self.flags.fetch_or(flag.0, Ordering::AcqRel);
            (Flags(before), Flags(before | flag.0))
        } else {
            let before = self.flags.fetch_and(!flag.0, Ordering::AcqRel);
            (Flags(before), Flags(before & !flag.0))
        };
        match (before.is_debug(), after.is_debug()) {
            (false, true) => debug::runtime_entered(),
            (true, false) => debug::runtime_left(),
            _ => {}
        }
        after
    }

    /// From when on debug mode reports a poll or a callback.
    pub(crate) fn slow_callback_duration(&self) -> Duration {
        Duration::from_nanos(self.slow_callback_duration.load(Ordering::Relaxed)) // [ORD-3]
    }

    pub(crate) fn set_slow_callback_duration(&self, duration: Duration) {
        self.slow_callback_duration.store(nanos(duration), Ordering::Relaxed); // [ORD-3]
    }

    /// The same, after a task was queued from outside.
    pub(crate) fn is_stopped_for_certain(&self) -> bool {
        Flags(self.flags.fetch_or(0, Ordering::SeqCst)).is_stopped() // [ORD-2]
    }

    /// Waits until no thread outside is in the middle of waking a task of this runtime.
    pub(crate) fn wait_for_foreign_wakes(&self) {
        self.seats
            .iter()
            .chain([&self.outside, &self.blocking_seat])
            .for_each(|seat| owner::wait_for_guests(seat.number));
    }

    /// Ends everything that is queued, unpolled; the runtime has stopped.
    pub(crate) fn end_queued(&self) {
        let mut tasks = Vec::new();
        self.seats[0].inbox.take(&mut tasks);
        while let Some(task) = until_answered(|| self.injector.steal()) {
            tasks.push(task);
        }
        for (lifo, fifo) in &self.thieves {
            while let Some(task) =
                until_answered(|| lifo.steal()).or_else(|| until_answered(|| fifo.steal()))
            {
                tasks.push(task);
            }
        }
        tasks
            .into_iter()
            .filter(|task| !task.header().state.load().is_local())
            .for_each(|task| spawn::end_unpolled(task, &self.reporter));
    }

    /// Tells the workers to end.
    pub(crate) fn stop(&self) {
        self.flags.fetch_or(Flags::STOPPED.0, Ordering::SeqCst); // [ORD-1] [ORD-2]
        (0..self.seats.len()).for_each(|index| self.unpark(index));
        self.rescue.stop();
    }

    /// Which seats have a thread of their own.
    pub(crate) fn flavour(&self) -> Threads {
        self.flavour
    }

    /// The threads that were started and are not joined yet.
    pub(crate) fn take_threads(&self) -> Vec<thread::JoinHandle<()>> {
        std::mem::take(&mut *self.threads.lock())
    }

    /// Calls `f` for each task that is not done: those of the workers, of threads outside, of guests. The
    /// runtime's own hidden tasks are among them.
    pub(crate) fn for_each_task(&self, mut f: impl FnMut(TaskHandle)) {
        let mut visit = |task: TaskHandle| {
            if !task.done() {
                f(task);
            }
        };
        self.seats.iter().chain([&self.outside]).for_each(|seat| seat.list.for_each(&mut visit));
        let guests = self.guests.lock().clone();
        guests.iter().for_each(|seat| seat.list.for_each(&mut visit));
    }

    /// How many tasks stand in the lists, hidden ones included.
    pub(crate) fn live_count(&self) -> usize {
        let guests: usize = self.guests.lock().iter().map(|seat| seat.list.len()).sum();
        self.seats.iter().chain([&self.outside]).map(|seat| seat.list.len()).sum::<usize>() + guests
    }
}

impl Drop for Runtime {
    /// A thread outside may be in the middle of waking a task: it uses more than the seat that it counted
    /// itself at, so all of them are waited for before any field goes.
    fn drop(&mut self) {
        if self.flags().is_debug() {
            debug::runtime_left();
        }
        self.seats
            .iter()
            .chain([&self.outside, &self.blocking_seat])
            .for_each(|seat| owner::retire(seat.number));
    }
}

impl fmt::Debug for Runtime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Runtime")
            .field("worker_count", &self.seats.len())
            .field("task_count", &self.live_count())
            .finish_non_exhaustive()
    }
}

/// This thread belongs to a runtime as long as this lives.
pub(crate) struct Entered {
    before: Option<Arc<Runtime>>,
    /// Set back before `before` is: fields are dropped after `drop` ran, in this order.
    _driver: Box<dyn std::any::Any>,
}

impl Entered {
    pub(crate) fn new(runtime: &Arc<Runtime>, worker: Option<usize>) -> Self {
        let driver = runtime.driver.clone().enter(worker);
        let offloader = crate::blocking::offloader(runtime);
        let before_offloader = bowerbird_base::poll_context::set_offloader(Some(offloader));
        struct Both(
            #[allow(dead_code, reason = "dropped with it")] Box<dyn std::any::Any>,
            Option<bowerbird_base::poll_context::Offloader>,
        );
        impl Drop for Both {
            fn drop(&mut self) {
                bowerbird_base::poll_context::set_offloader(self.1.take());
            }
        }
        Self {
            before: current::replace_runtime(Some(runtime.clone())),
            _driver: Box::new(Both(driver, before_offloader)),
        }
    }
}

impl Drop for Entered {
    fn drop(&mut self) {
        drop(current::replace_runtime(self.before.take()));
    }
}

#[cfg(test)]
mod tests;
