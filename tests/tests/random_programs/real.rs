//! The same programs on the runtime.

use std::fmt;
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use bowerbird::groups::TaskFailure;
use bowerbird::{
    AsyncContextManager, AsyncExitStack, CancelScope, CancellationToken, ExceptionGroup, Outcome,
    Task, TaskError, TaskGroup, TaskHandle, cancel_scope, catch_cancel, current_task, defer,
    gather, join, lossy, race, select, shield, sleep, sleep_until, spawn, time, timeout, try_with,
    wait_for, yield_now,
};

use crate::model::{End, Event, Left, Log, PANIC, Time};
use crate::program::{AfterCatch, Id, Limit, Node, Program, TURNS};

type Result<T = ()> = std::result::Result<T, Id>;
type Part = Pin<Box<dyn Future<Output = Result> + Send>>;

/// What the parts of a running program share.
#[derive(Clone)]
pub(crate) struct Run {
    program: Arc<Program>,
    start: Instant,
    /// In order, with the time since the start.
    events: Arc<Mutex<Vec<(Event, Time)>>>,
    /// Tasks that may outlive their awaiter.
    tasks: Arc<Mutex<Vec<TaskHandle>>>,
    /// Waits are turns and not times: on several workers there is no clock to jump.
    in_turns: bool,
}

/// What a run showed.
pub(crate) struct Seen {
    pub(crate) end: End,
    pub(crate) events: Vec<(Event, Time)>,
}

impl Seen {
    pub(crate) fn log(&self) -> Log {
        let log: Log = self.events.iter().copied().collect();
        assert_eq!(log.len(), self.events.len(), "something happened twice: {:?}", self.events);
        log
    }
}

/// Runs a program to its end, and everything that it has spawned.
pub(crate) async fn run(program: &Arc<Program>, in_turns: bool) -> Seen {
    let run = Run {
        program: program.clone(),
        start: time::now(),
        events: Arc::default(),
        tasks: Arc::default(),
        in_turns,
    };
    let main = spawn(run.part(&program.main));
    let canceller = spawn(run.clone().cancel(main.handle()));
    let end = end_of(&main.await);
    canceller.cancel();
    drop(canceller.await);
    loop {
        // In a statement of its own: the lock is free while a task is waited for.
        let left = run.tasks.lock().unwrap().pop();
        let Some(task) = left else { break };
        task.wait().await;
    }
    let events = std::mem::take(&mut *run.events.lock().unwrap());
    Seen { end, events }
}

fn end_of(output: &std::result::Result<Result, TaskError>) -> End {
    match output {
        Ok(Ok(())) => End::Value,
        Ok(Err(id)) => End::Error(*id),
        Err(error) if error.is_panic() => End::Panicked,
        Err(_) => End::Cancelled,
    }
}

impl Run {
    fn note(&self, event: Event) {
        let time = (time::now() - self.start).as_nanos() as Time;
        self.events.lock().unwrap().push((event, time));
    }

    async fn cancel(self, task: TaskHandle) {
        let mut deadline = self.start;
        for &cancel in &self.program.cancels {
            let takes = self.program.time_of(cancel);
            deadline += Duration::from_nanos(takes);
            if self.in_turns {
                turns(takes / TURNS).await;
            } else {
                sleep_until(deadline).await;
            }
            task.cancel();
        }
    }

    async fn take_time(&self, id: Id) {
        let takes = self.program.time_of(id);
        if self.in_turns {
            turns(takes / TURNS).await;
        } else {
            sleep(Duration::from_nanos(takes)).await;
        }
    }

    /// The limit of a timeout; among turns a short one, or none at all.
    fn limit(&self, id: Id) -> Duration {
        let takes = self.program.time_of(id);
        let short =
            Duration::from_micros(takes / TURNS % 64).saturating_sub(Duration::from_micros(32));
        if self.in_turns { short } else { Duration::from_nanos(takes) }
    }

    fn spawn(&self, node: &Node) -> Task<Result> {
        let task = spawn(self.part(node));
        self.tasks.lock().unwrap().push(task.handle());
        task
    }

    fn part(&self, node: &Node) -> Part {
        let run = self.clone();
        match node.clone() {
            Node::Sleep(id) => Box::pin(async move {
                run.take_time(id).await;
                run.note(Event::Slept(id));
                Ok(())
            }),
            Node::Fail(id) => Box::pin(async move {
                run.take_time(id).await;
                Err(id)
            }),
            Node::Panic(id) => Box::pin(async move {
                run.take_time(id).await;
                // Without the noise of the panic hook.
                std::panic::resume_unwind(Box::new(id))
            }),
            Node::Seq(nodes) => Box::pin(async move {
                for node in &nodes {
                    run.part(node).await?;
                }
                Ok(())
            }),
            Node::Timeout(id, Limit::Clock, node) => Box::pin(async move {
                let limit = run.limit(id);
                let cut = match &*node {
                    Node::Task(task, node) => {
                        let waited = wait_for(run.spawn(node), limit).await;
                        waited.map(|output| run.awaited(*task, output))
                    }
                    node => timeout(limit, run.part(node)).await,
                };
                run.unless_cut(id, cut.ok())
            }),
            Node::Timeout(id, Limit::Token, node) => Box::pin(async move {
                let token = CancellationToken::new();
                let canceller = token.clone();
                run.spawn_later(id, move || canceller.cancel());
                let cut = token.run_until_cancelled(run.part(&node)).await;
                run.unless_cut(id, cut)
            }),
            Node::Timeout(id, Limit::Scope, node) => Box::pin(async move {
                let scope = CancelScope::new();
                let canceller = scope.clone();
                run.spawn_later(id, move || canceller.cancel());
                let cut = scope.run(run.part(&node)).await;
                run.unless_cut(id, cut)
            }),
            Node::Sibling(id, node) => Box::pin(async move {
                let scope = CancelScope::new();
                let canceller = scope.clone();
                let part = async {
                    let cut = scope.run(run.part(&node)).await;
                    run.unless_cut(id, cut)
                };
                let cancels = async {
                    run.take_time(id).await;
                    canceller.cancel();
                };
                join((part, cancels)).await.0
            }),
            Node::Catch(id, after, node) => Box::pin(async move {
                let caught = match catch_cancel(run.part(&node)).await {
                    Ok(result) => return result,
                    Err(caught) => caught,
                };
                run.note(Event::Caught(id));
                match after {
                    AfterCatch::GoOn => {}
                    AfterCatch::TakeBack => {
                        current_task().expect("a task").uncancel();
                    }
                    AfterCatch::Resume => caught.resume::<()>().await,
                }
                Ok(())
            }),
            Node::Shield(node) => Box::pin(async move {
                let shielded = cancel_scope(async |scope| {
                    scope.set_shield(true);
                    run.part(&node).await
                });
                shielded.await.expect("nobody cancels this scope")
            }),
            Node::With(id, node) => Box::pin(async move {
                let manager = Manager { id, run: run.clone() };
                try_with(manager, async |_| run.part(&node).await).await
            }),
            Node::Stack(id, node) => Box::pin(async move {
                let mut stack = AsyncExitStack::new();
                stack.try_enter(Manager { id, run: run.clone() }).await?;
                stack.push(run.clone().clean_up(id));
                let result = run.part(&node).await;
                stack.close().await;
                result
            }),
            Node::Defer(id, node) => Box::pin(async move {
                let guard = defer(run.clone().clean_up(id));
                let result = run.part(&node).await;
                drop(guard);
                result
            }),
            Node::Task(id, node) => Box::pin(async move {
                let output = run.spawn(&node).await;
                run.awaited(id, output)
            }),
            Node::ShieldTask(id, node) => Box::pin(async move {
                let output = shield(run.spawn(&node)).await;
                run.awaited(id, output)
            }),
            Node::Gather(a, b) => Box::pin(async move {
                let (a, b) = gather((run.clone().child(&a), run.clone().child(&b))).await;
                a.and(b)
            }),
            Node::Join(a, b) => Box::pin(async move {
                let (a, b) = join((run.part(&a), run.part(&b))).await;
                a.and(b)
            }),
            Node::Race(a, b) => {
                Box::pin(async move { race((run.part(&a), run.part(&b))).await.into_inner() })
            }
            Node::Select(id, a, b) => Box::pin(async move {
                select! {
                    biased;
                    Ok(()) = lossy(run.part(&a)) => Ok(()),
                    Ok(()) = lossy(run.part(&b)) => Ok(()),
                    else => Err(id),
                }
            }),
            Node::Group(id, policy, children, body) => Box::pin(async move {
                let group = TaskGroup::new().policy(policy).run(async |group| {
                    for child in &children {
                        let child = run.part(child);
                        drop(group.spawn(async { child.await.map_err(Failure) }));
                    }
                    Ok(run.part(&body).await.map_err(Failure)?)
                });
                match group.await {
                    Ok(()) => Ok(()),
                    Err(error) => {
                        run.note(Event::GroupFailed(id, sum_of(&error)));
                        Err(id)
                    }
                }
            }),
        }
    }

    /// A part that is a task of its own.
    fn child(self, node: &Node) -> impl Future<Output = Result> + Send + use<> {
        let part = self.part(node);
        async move {
            self.tasks.lock().unwrap().push(current_task().expect("a task"));
            part.await
        }
    }

    fn spawn_later(&self, id: Id, cancel: impl FnOnce() + Send + 'static) {
        let run = self.clone();
        let task = spawn(async move {
            run.take_time(id).await;
            cancel();
        });
        self.tasks.lock().unwrap().push(task.handle());
    }

    async fn clean_up(self, id: Id) {
        self.note(Event::CleanupBegun(id));
        self.take_time(id + 1_000_000).await;
        self.note(Event::CleanupEnded(id));
    }

    /// The result of a part, if it was not cut off.
    fn unless_cut(&self, id: Id, result: Option<Result>) -> Result {
        result.unwrap_or_else(|| {
            self.note(Event::TimedOut(id));
            Ok(())
        })
    }

    fn awaited(&self, id: Id, output: std::result::Result<Result, TaskError>) -> Result {
        self.note(Event::Awaited(id, end_of(&output)));
        output.unwrap_or(Err(id))
    }
}

async fn turns(takes: Time) {
    for _ in 0..takes % 8 {
        yield_now().await;
    }
}

/// The error of a part, in a group.
#[derive(Debug)]
struct Failure(Id);

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} failed", self.0)
    }
}

impl std::error::Error for Failure {}

/// A number for what is in a group of errors.
fn sum_of(group: &ExceptionGroup) -> u64 {
    let errors = group.exceptions().iter().map(TaskFailure::error);
    errors.map(|error| error.downcast_ref().map_or(PANIC, |Failure(id)| u64::from(*id))).sum()
}

struct Manager {
    id: Id,
    run: Run,
}

impl AsyncContextManager for Manager {
    type Value = Result<()>;

    async fn enter(&mut self) -> Result {
        self.run.note(Event::Entered(self.id));
        Ok(())
    }

    async fn exit(self, outcome: Outcome) {
        let left = match outcome {
            Outcome::Returned => Left::Returned,
            Outcome::Failed => Left::Failed,
            _ => Left::CutOff,
        };
        self.run.note(Event::ExitBegun(self.id, left));
        self.run.take_time(self.id + 1_000_000).await;
        self.run.note(Event::ExitEnded(self.id));
    }
}
