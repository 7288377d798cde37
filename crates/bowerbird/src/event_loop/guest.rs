//! `start_guest_run`: a loop as a guest in the loop of another framework, its host.
//!
//! asyncio's (3.16) and trio's guest mode. The host has a thread, which must not block; a helper thread does
//! the waiting. At any time one of the two may touch the loop: the one that has the **ball**, a value that is
//! moved and never shared.
//!
//! ```text
//!            start: post                                   host drops it: the run is left
//!               |                                                         ^
//!               v                                                         |
//!   .---> in the host's queue --- host calls it ---> turn on the host ----|
//!   |           ^                                      |      |      |
//!   |           '--------------- Ready: post ----------'      |      '-- Ended: to the helper
//!   |                                                         |                    |
//!   |                               Idle: to the helper <-----'                    v
//!   |                                        |                         helper shuts the runtime down
//!   |                                        v                                     |
//!   '--- post -------- helper waits in the driver for work                         v
//!                                                    post; host calls it: done callback
//! ```
//! So there is at most one callback in the host's queue, and none while nothing is to be done. The first and
//! the last step, and all polls of the main future and of local tasks, are on the host's thread; between two
//! turns that thread is outside of the runtime. The loop's part that must stay there (main need not be `Send`)
//! stands in a thread-local, [`GUEST`]; the ball carries what may move.
//!
//! While a turn or a post goes on, the guest is out of its place: a callback that is called inside of the call
//! that posts it finds nobody there, as does one that is called on another thread.

use std::any::Any;
use std::cell::RefCell;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread;

use bowerbird_base::sync::Mutex;
use bowerbird_core::{
    Handle, Patience, Runtime, TaskError, TaskHandle, Turned, Turns, Unhandled, UnhandledKind,
};

use super::EventLoop;
use crate::Task;
use crate::run::check_may_start;

/// What a guest run gives to its host, to be called once on the host's thread.
pub type HostCallback = Box<dyn FnOnce() + Send>;

/// Starts a run as a guest in the loop of another framework: a GUI, a game, another runtime. Returns at once,
/// with the main future's task.
///
/// asyncio: `asyncio.start_guest_run` (3.16), trio's guest mode. The thread that calls is the host's; the future
/// and all that it does run there, between the host's own callbacks, so it may touch what belongs to that
/// thread, and need not be `Send`. [`EventLoop::start_guest_run`] is the same for a loop with other settings.
///
/// `run_sync_soon_threadsafe` puts a closure into the host's queue, to be called once, on the host's thread, and
/// not inside of this call. It is called on that thread, or on a helper's, with one turn of the loop. There is
/// never more than one such closure about; and while nothing is to be done, there is none: then the helper's
/// thread waits for descriptors, deadlines and wake-ups.
///
/// When the future has ended, the tasks that are left are cancelled and awaited, in turns, and the blocking
/// pool is joined by the helper, as [`run`](crate::run) does it. After that `done_callback` is called on the
/// host's thread, with the output, or with the error if the future was cancelled or has panicked.
///
/// # The host
/// Let the run end before the host does: cancel the task, and leave the host's loop in `done_callback`. A
/// closure that the host does not call holds the guest up, which costs nothing. One that it drops uncalled leaves
/// the run behind: nothing is polled any more, which the exception handler is told, and cleanups are not run
/// before a new run is started on that thread, which closes this one first. If the host's thread ends with a
/// run unfinished, the loop stays in memory for ever, for its tasks cannot be ended anywhere else. A panic of
/// `run_sync_soon_threadsafe` is reported, and the run is left in the same way.
///
/// Between two turns the host's thread is outside of the runtime. To give it work there, take
/// [`LoopHandle`](crate::LoopHandle)'s `create_task` and `call_soon`, or wake what the future awaits; to wait
/// there for the guest is to wait for ever. The guest leaves signals alone:
/// [`add_signal_handler`](crate::LoopHandle::add_signal_handler) is an error, and
/// [`stop`](crate::LoopHandle::stop) a panic.
///
/// # Errors
/// If the system gives no thread or no descriptors.
///
/// # Panics
/// Inside a task; if a guest runs on this thread already; with what `run_sync_soon_threadsafe` panics with at
/// once. A closure of the guest panics if it is called on another thread, or before its post has returned.
///
/// # Examples
/// ```
/// use std::cell::Cell;
/// use std::rc::Rc;
/// use std::sync::mpsc;
/// use std::time::Duration;
///
/// // The host: a queue of closures.
/// let (sender, queue) = mpsc::channel::<Box<dyn FnOnce() + Send>>();
/// let output = Rc::new(Cell::new(None));
/// let seen = output.clone();
/// let main = async {
///     bowerbird::sleep(Duration::from_millis(5)).await;
///     "from the guest"
/// };
/// bowerbird::start_guest_run(
///     main,
///     move |turn| sender.send(turn).unwrap(),
///     move |outcome| seen.set(Some(outcome.unwrap())),
/// )
/// .unwrap();
/// while output.get().is_none() {
///     let callback = queue.recv().unwrap(); // or the next event of the window
///     callback();
/// }
/// assert_eq!(output.get(), Some("from the guest"));
/// ```
#[track_caller]
pub fn start_guest_run<F, P, D>(
    future: F,
    run_sync_soon_threadsafe: P,
    done_callback: D,
) -> io::Result<TaskHandle>
where
    F: Future + 'static,
    F::Output: 'static,
    P: Fn(HostCallback) + Send + Sync + 'static,
    D: FnOnce(Result<F::Output, TaskError>) + 'static,
{
    make_room();
    EventLoop::new()?.start_guest_run(future, run_sync_soon_threadsafe, done_callback)
}

impl EventLoop {
    /// Runs this loop as a guest in the loop of another framework; see
    /// [`start_guest_run`].
    ///
    /// asyncio: `asyncio.start_guest_run` (3.16). Tasks that earlier runs have left go on. With more than one
    /// worker, tasks that were not spawned by `spawn_local` run on any of them, as ever.
    ///
    /// # Errors
    /// If the loop is closed; if the system gives no thread.
    ///
    /// # Panics
    /// As [`start_guest_run`].
    ///
    /// # Examples
    /// ```
    /// use bowerbird::EventLoop;
    /// use std::sync::mpsc;
    ///
    /// let event_loop = EventLoop::builder().debug(true).build().unwrap();
    /// let handle = event_loop.handle();
    /// let (sender, queue) = mpsc::channel::<Box<dyn FnOnce() + Send>>();
    /// let post = move |turn| drop(sender.send(turn));
    /// let main = event_loop.start_guest_run(std::future::pending::<()>(), post, |outcome| {
    ///     assert!(outcome.unwrap_err().is_cancelled());
    /// });
    /// handle.call_soon(move || drop(main.unwrap().cancel()));
    /// // Until the guest has gone, and its sender with it.
    /// queue.iter().for_each(|callback| callback());
    /// assert!(handle.is_closed());
    /// ```
    #[track_caller]
    pub fn start_guest_run<F, P, D>(
        self,
        future: F,
        run_sync_soon_threadsafe: P,
        done_callback: D,
    ) -> io::Result<TaskHandle>
    where
        F: Future + 'static,
        F::Output: 'static,
        P: Fn(HostCallback) + Send + Sync + 'static,
        D: FnOnce(Result<F::Output, TaskError>) + 'static,
    {
        make_room();
        let Some(core) = self.runner.as_ref().map(|runner| runner.core().clone()) else {
            return Err(io::Error::other(super::LoopClosed(())));
        };
        let helper = start_helper()?;
        self.handle.0.set_guest();
        let run: Box<dyn Any> = Box::new(self.handle.0.begin_run());
        let (turns, main) = core.begin_turns(future);
        let handle = main.handle();
        let shared = Arc::new(Shared {
            core,
            main: handle.clone(),
            post: Box::new(run_sync_soon_threadsafe),
            is_left: Mutex::new(false),
        });
        let guest = Guest {
            turns,
            main,
            done: done_callback,
            run,
            shared: shared.clone(),
            event_loop: self,
        };
        let ball = Ball { shared, helper, step: Step::Turn, is_used: false };
        ball.post().unwrap_or_else(|payload| resume_unwind(payload));
        GUEST.with(|place| place.replace(Place(Some(Box::new(guest)))));
        Ok(handle)
    }
}

// ----- the host's thread ------------------------------------------------------------------------------

thread_local! {
    /// The guest of this thread, but for the time in which it runs.
    static GUEST: RefCell<Place> = const { RefCell::new(Place(None)) };
}

struct Place(Option<Box<dyn AnyGuest>>);

impl Drop for Place {
    /// The thread ends. Nothing may be polled any more: other thread-locals may be gone.
    fn drop(&mut self) {
        if let Some(guest) = self.0.take() {
            let message =
                "a guest run was left behind: its host's thread has ended; let the run end before";
            guest.shared().leave(message);
            std::mem::forget(guest);
        }
    }
}

fn take_guest() -> Option<Box<dyn AnyGuest>> {
    GUEST.try_with(|place| place.try_borrow_mut().ok().and_then(|mut place| place.0.take())).ok()?
}

fn put_guest(guest: Box<dyn AnyGuest>) {
    GUEST.with(|place| place.borrow_mut().0 = Some(guest));
}

/// Refuses a second guest; one that its host has left is closed.
#[track_caller]
fn make_room() {
    check_may_start("start_guest_run()");
    let Some(guest) = take_guest() else { return };
    if *guest.shared().is_left.lock() {
        drop(guest);
        return;
    }
    put_guest(guest);
    panic!(
        "start_guest_run() was called on a thread that has a guest already; spawn on the loop of that one \
         instead, or wait for its done callback"
    );
}

/// The part of a run that stays on the host's thread. Dropping it closes the loop: what is left is cancelled
/// and awaited.
struct Guest<T, D> {
    // Before the loop: its end sweeps.
    turns: Turns,
    main: Task<T>,
    done: D,
    /// The loop is running as long as this is there.
    run: Box<dyn Any>,
    shared: Arc<Shared>,
    event_loop: EventLoop,
}

trait AnyGuest {
    fn shared(&self) -> &Arc<Shared>;
    fn turn(&mut self) -> Turned;
    /// Gives the outcome to the done callback.
    fn finish(self: Box<Self>);
}

impl<T, D: FnOnce(Result<T, TaskError>)> AnyGuest for Guest<T, D> {
    fn shared(&self) -> &Arc<Shared> {
        &self.shared
    }

    fn turn(&mut self) -> Turned {
        self.turns.turn()
    }

    fn finish(self: Box<Self>) {
        let Self { turns, main, done, run, shared, event_loop } = *self;
        drop((turns, run));
        drop(event_loop);
        drop(shared);
        match main.try_join() {
            Ok(outcome) => done(outcome),
            Err(main) => unreachable!("the run has ended before its main future: {main:?}"),
        }
    }
}

// ----- what goes to and fro ---------------------------------------------------------------------------

/// What both threads know of a run.
struct Shared {
    core: Arc<Runtime>,
    main: TaskHandle,
    post: Box<dyn Fn(HostCallback) + Send + Sync>,
    /// Nobody will make a turn any more.
    is_left: Mutex<bool>,
}

impl Shared {
    /// Gives the run up, and says so once.
    fn leave(&self, message: &str) {
        if std::mem::replace(&mut *self.is_left.lock(), true) {
            return;
        }
        // The helper may be waiting.
        self.core.wake_worker(0);
        let unhandled = Unhandled::new(UnhandledKind::DestroyedPending, message);
        Handle::new(&self.core).call_exception_handler(&unhandled.with_task(&self.main));
    }
}

/// What the one who has the ball does next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Step {
    /// The host makes a turn; the helper waits for work before that.
    Turn,
    /// The helper shuts the runtime down; the host calls the done callback after that.
    Finish,
}

/// The right to touch the loop.
struct Ball {
    shared: Arc<Shared>,
    /// Where the helper takes balls; it ends when there is none left.
    helper: Sender<Ball>,
    step: Step,
    /// It was called, or handed on.
    is_used: bool,
}

impl Ball {
    /// Goes on with another one.
    fn next(mut self, step: Step) -> Self {
        self.is_used = true;
        let (shared, helper) = (self.shared.clone(), self.helper.clone());
        Self { shared, helper, step, is_used: false }
    }

    /// Puts itself into the host's queue.
    fn post(self) -> thread::Result<()> {
        let shared = self.shared.clone();
        catch_unwind(AssertUnwindSafe(|| (shared.post)(Box::new(move || self.call()))))
    }

    /// The same, where nobody hears a panic.
    fn post_caught(self) {
        let shared = self.shared.clone();
        if let Err(payload) = self.post() {
            let message = "the run_sync_soon_threadsafe of a guest run panicked";
            let unhandled = Unhandled::new(UnhandledKind::Callback, message).with_panic(payload);
            Handle::new(&shared.core).call_exception_handler(&unhandled);
        }
    }

    fn pass_to_helper(self, step: Step) {
        let ball = self.next(step);
        let helper = ball.helper.clone();
        if let Err(unsent) = helper.send(ball) {
            unreachable!("the helper waits for the ball {:?}", unsent.0.step);
        }
    }

    /// What the host calls.
    fn call(self) {
        check_may_start("a callback of a guest run");
        let mut guest = match take_guest() {
            Some(guest) if Arc::ptr_eq(guest.shared(), &self.shared) => guest,
            other => {
                other.into_iter().for_each(put_guest);
                panic!(
                    "a callback of a guest run was called on another thread than its host's, or inside of \
                     run_sync_soon_threadsafe; put it into the host's queue"
                )
            }
        };
        if self.step == Step::Finish {
            drop(self.used());
            return guest.finish();
        }
        match guest.turn() {
            Turned::Ready => self.next(Step::Turn).post_caught(),
            Turned::Idle => self.pass_to_helper(Step::Turn),
            Turned::Ended => self.pass_to_helper(Step::Finish),
        }
        // Only now: until here a callback that is called at once finds nobody.
        put_guest(guest);
    }

    fn used(mut self) -> Self {
        self.is_used = true;
        self
    }
}

impl Drop for Ball {
    fn drop(&mut self) {
        if !self.is_used {
            self.shared.leave(
                "a guest run was left behind: its host dropped a callback uncalled; let the run end before the \
                 host's loop does",
            );
        }
    }
}

/// Starts the thread that waits in the host's stead.
fn start_helper() -> io::Result<Sender<Ball>> {
    let (sender, balls) = channel();
    let builder = thread::Builder::new().name("bowerbird-guest".into());
    builder.spawn(move || help(balls))?;
    Ok(sender)
}

/// The helper: does what blocks, then lets the host go on.
fn help(balls: Receiver<Ball>) {
    for ball in balls {
        let shared = ball.shared.clone();
        match ball.step {
            Step::Turn => shared.core.wait_for_work(|| *shared.is_left.lock()),
            Step::Finish => shared.core.shut_down(Patience::Complete),
        }
        if *shared.is_left.lock() {
            drop(ball.used());
        } else {
            ball.post_caught();
        }
    }
}
