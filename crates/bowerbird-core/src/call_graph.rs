//! Who waits for whom: the tasks that await a task, and what its own leaves wait for.
//!
//! A task that is watched (watch.rs) keeps what its leaves noted in its last poll; of a wait for a task they
//! note the task's number. So the edges are found from the side of whoever waits: a capture reads the
//! notes of all tasks of the runtime and turns them round.
//!
//! The wakers would give some edges for nothing, but not soundly: the cell of a join waker belongs to the
//! handle or to the completer, by turns, and a third thread must not look into it (state.rs, field access).

use std::collections::{HashMap, HashSet};
use std::fmt;
use std::panic::Location;

use bowerbird_base::ledger;
use bowerbird_base::poll_context::{self, Wait};

use crate::current;
use crate::handle::current_task;
use crate::runtime::Runtime;
use crate::task::handle::TaskHandle;

/// The kind under which a wait for a task is noted; its object is the task's number.
const TASK: &str = "task";

/// A task, what its leaves wait for, and who awaits it.
///
/// asyncio: `FutureCallGraph`. In place of Python's frames stand the futures of this crate that the
/// task is suspended in, with the place in the user's code where each was made. `Display` gives the text of
/// [`format_call_graph`].
///
/// A task that waits for a lock or a permit awaits the tasks that hold it.
///
/// What tasks wait for is kept in debug mode, or where `track_waits` asks for it; otherwise both lists are
/// empty. It is what they waited for when their last poll ended: a loser of a race that was polled in that
/// poll is still there, and a foreign combinator that polls only what was woken shows only that. Only
/// tasks of one runtime are looked at.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct CallGraph {
    /// The task.
    pub task: TaskHandle,
    /// What it waits for; nothing while it runs or is about to.
    pub waits_for: Vec<WaitsFor>,
    /// The tasks that await it, each with those that await that, and so on.
    pub awaited_by: Vec<CallGraph>,
    /// Why `awaited_by` was not filled, if it was not.
    pub omitted: Option<Omitted>,
    is_tracked: bool,
}

/// What one leaf of a task waits for.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct WaitsFor {
    /// The kind of wait: `"sleep"`, `"readable"`, `"task"`, `"gather"`, ...
    pub kind: &'static str,
    /// The object: a file descriptor, the number of a task, an address, a deadline; 0 if there is none.
    pub object: u64,
    /// The task that is awaited, if it is one and has not ended.
    pub task: Option<TaskHandle>,
    /// Where the user's code made the leaf, if it is known.
    pub location: Option<&'static Location<'static>>,
    /// Who holds the object: the lock, the permits. The longest first.
    pub held_by: Vec<HeldBy>,
}

/// One that holds what a task waits for.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct HeldBy {
    /// The task that took it, if it has not ended; who it gave the guard to is not known.
    pub task: Option<TaskHandle>,
    /// Where the user's code asked for it.
    pub location: &'static Location<'static>,
    /// Whether it was handed over to a future that has not been polled since.
    pub is_handed: bool,
}

/// Why the rest of a graph is not there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Omitted {
    /// The task awaits itself, through those between.
    Cycle,
    /// It stands elsewhere in the graph, with those that await it.
    Repeated,
    /// The chain of awaits is longer than is shown.
    TooDeep,
}

/// Captures who awaits a task, or with `None` the current one. Gives nothing for `None` outside of tasks.
///
/// asyncio: `asyncio.capture_call_graph`. It looks at the tasks of this thread's runtime;
/// [`Handle::capture_call_graph`](crate::Handle::capture_call_graph) at those of any.
///
/// # Examples
/// ```
/// # use std::time::Duration;
/// let mut runner = bowerbird::Runner::builder().worker_threads(1).track_waits(true).build().unwrap();
/// runner
///     .run(async {
///         let inner = bowerbird::spawn(bowerbird::sleep(Duration::from_secs(60)));
///         let handle = inner.handle();
///         let outer = bowerbird::spawn(inner);
///         bowerbird::sleep(Duration::from_millis(1)).await;
///
///         let graph = bowerbird::capture_call_graph(Some(&handle)).unwrap();
///         assert_eq!(graph.waits_for[0].kind, "sleep");
///         assert_eq!(graph.awaited_by[0].task, outer.handle());
///     })
///     .unwrap();
/// ```
pub fn capture_call_graph(task: Option<&TaskHandle>) -> Option<CallGraph> {
    let task = task.cloned().or_else(current_task)?;
    let runtime = current::runtime();
    Some(Edges::collect(runtime.as_deref()).graph_of(task))
}

/// Captures who awaits a task, or with `None` the current one, as text.
///
/// asyncio: `asyncio.format_call_graph`, with the same layout. Empty for `None` outside of tasks.
///
/// # Examples
/// ```
/// bowerbird::run(async {
///     let text = bowerbird::format_call_graph(None);
///     assert!(text.starts_with("* Task(name='Task-"));
/// });
/// ```
pub fn format_call_graph(task: Option<&TaskHandle>) -> String {
    capture_call_graph(task).map(|graph| graph.to_string()).unwrap_or_default()
}

/// Writes to standard output who awaits a task, or with `None` the current one.
///
/// asyncio: `asyncio.print_call_graph`.
pub fn print_call_graph(task: Option<&TaskHandle>) {
    println!("{}", format_call_graph(task));
}

/// Notes, for a future that waits for several tasks, each of them; nothing, unless the poll is tracked.
#[inline]
pub fn note_tasks<'a>(
    location: &'static Location<'static>,
    tasks: impl IntoIterator<Item = &'a TaskHandle>,
) {
    if poll_context::is_tracked() {
        for task in tasks {
            if !task.done() {
                poll_context::note_wait(TASK, task.id().get(), Some(location));
            }
        }
    }
}

/// Captures the tasks of this thread's runtime that wait for an object, by the kind and the number under which
/// its leaves note that.
pub fn capture_awaiters(kind: &str, object: u64) -> Vec<CallGraph> {
    let runtime = current::runtime();
    let edges = Edges::collect(runtime.as_deref());
    let waits = |(_, waits): &(&u64, &Vec<Wait>)| {
        waits.iter().any(|wait| wait.kind == kind && wait.object == object)
    };
    let mut awaiters: Vec<_> = edges.waits.iter().filter(waits).map(|(id, _)| *id).collect();
    awaiters.sort_unstable();
    let mut seen = HashSet::new();
    let tasks = awaiters.iter().filter_map(|id| edges.tasks.get(id));
    tasks.map(|task| edges.graph(task.clone(), &mut Vec::new(), &mut seen)).collect()
}

impl Runtime {
    /// Captures who awaits a task.
    pub(crate) fn call_graph_of(&self, task: TaskHandle) -> CallGraph {
        Edges::collect(Some(self)).graph_of(task)
    }
}

/// The tasks of a runtime, what they wait for, and the same turned round.
#[derive(Default)]
struct Edges {
    tasks: HashMap<u64, TaskHandle>,
    waits: HashMap<u64, Vec<Wait>>,
    awaited_by: HashMap<u64, Vec<u64>>,
}

impl Edges {
    fn collect(runtime: Option<&Runtime>) -> Self {
        let mut edges = Self::default();
        if let Some(runtime) = runtime {
            let mut tasks = Vec::new();
            runtime.for_each_task(|task| tasks.push(task));
            runtime.blocking_seat.list.for_each(|task| tasks.push(task));
            tasks.sort_by_key(TaskHandle::id);
            tasks.into_iter().for_each(|task| edges.add(task));
        }
        edges
    }

    fn add(&mut self, task: TaskHandle) {
        let id = task.id().get();
        let waits = waits_of(&task);
        for wait in &waits {
            let holders = if wait.kind == TASK { Vec::new() } else { ledger::holders(wait.object) };
            let holders = holders.iter().map(|holder| holder.task).filter(|holder| *holder != id);
            for awaited in (wait.kind == TASK).then_some(wait.object).into_iter().chain(holders) {
                let awaiters = self.awaited_by.entry(awaited).or_default();
                // The tasks come one after the other, so the same awaiter is the last.
                if awaiters.last() != Some(&id) {
                    awaiters.push(id);
                }
            }
        }
        self.waits.insert(id, waits);
        self.tasks.insert(id, task);
    }

    fn graph_of(mut self, task: TaskHandle) -> CallGraph {
        if !self.tasks.contains_key(&task.id().get()) {
            self.add(task.clone());
        }
        self.graph(task, &mut Vec::new(), &mut HashSet::new())
    }

    fn graph(&self, task: TaskHandle, path: &mut Vec<u64>, seen: &mut HashSet<u64>) -> CallGraph {
        /// A chain of awaits that is longer is cut.
        const DEEPEST: usize = 256;
        let id = task.id().get();
        let awaiters = self.awaited_by.get(&id).map_or(&[][..], Vec::as_slice);
        let omitted = if path.contains(&id) {
            Some(Omitted::Cycle)
        } else if awaiters.is_empty() {
            None
        } else if path.len() == DEEPEST {
            Some(Omitted::TooDeep)
        } else {
            (!seen.insert(id)).then_some(Omitted::Repeated)
        };
        let mut awaited_by = Vec::new();
        if omitted.is_none() {
            path.push(id);
            let tasks = awaiters.iter().filter_map(|awaiter| self.tasks.get(awaiter));
            awaited_by.extend(tasks.map(|task| self.graph(task.clone(), path, seen)));
            path.pop();
        }
        let is_tracked = task.header_ref().state.load().is_watched();
        CallGraph { waits_for: self.waits_for(id), task, awaited_by, omitted, is_tracked }
    }

    fn held_by(&self, object: u64) -> Vec<HeldBy> {
        let holders = ledger::holders(object).into_iter();
        holders
            .map(|holder| HeldBy {
                task: self.tasks.get(&holder.task).cloned(),
                location: holder.location,
                is_handed: holder.is_handed,
            })
            .collect()
    }

    fn waits_for(&self, id: u64) -> Vec<WaitsFor> {
        let waits = self.waits.get(&id).map_or(&[][..], Vec::as_slice);
        let describe = |wait: &Wait| {
            let is_task = wait.kind == TASK;
            let task = self.tasks.get(&wait.object).filter(|_| is_task).cloned();
            // Where no line of the user's awaits the task, but a future of ours does: where it was spawned.
            let spawned_at = task.as_ref().map(TaskHandle::spawn_location);
            let location = wait.location.filter(|at| !is_task || is_of_user(at)).or(spawned_at);
            let held_by = if is_task { Vec::new() } else { self.held_by(wait.object) };
            WaitsFor { kind: wait.kind, object: wait.object, task, location, held_by }
        };
        // A future that waits for many notes each task with its own place, behind what their leaves noted.
        let mut places: HashMap<u64, usize> = HashMap::new();
        let mut described: Vec<WaitsFor> = Vec::with_capacity(waits.len());
        for wait in waits {
            let place = places.get(&wait.object).filter(|_| wait.kind == TASK);
            match place {
                Some(&place) if wait.location.is_some_and(is_of_user) => {
                    described[place] = describe(wait);
                }
                Some(_) => {}
                None => {
                    if wait.kind == TASK {
                        places.insert(wait.object, described.len());
                    }
                    described.push(describe(wait));
                }
            }
        }
        described
    }
}

/// Whether a line is in neither these crates nor the standard library.
fn is_of_user(at: &Location<'_>) -> bool {
    let file = at.file();
    let ours = file!().strip_suffix("-core/src/call_graph.rs");
    let is_ours = ours.is_some_and(|ours| file.starts_with(ours));
    !is_ours && !file.contains("/library/core/src/") && !file.contains("/library/alloc/src/")
}

fn waits_of(task: &TaskHandle) -> Vec<Wait> {
    if task.done() {
        return Vec::new();
    }
    task.header_ref().cold().map(|cold| cold.0.lock().waits.clone()).unwrap_or_default()
}

// ---------------------------------------------------------------------------------------------------
// The text
// ---------------------------------------------------------------------------------------------------

impl fmt::Display for CallGraph {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.write(f, 0)
    }
}

impl CallGraph {
    fn write(&self, f: &mut fmt::Formatter<'_>, level: usize) -> fmt::Result {
        let indent = level * 4;
        if level > 0 {
            writeln!(f)?;
        }
        write!(
            f,
            "{:indent$}* Task(name='{}', id={:#x})",
            "",
            self.task.name(),
            self.task.id().get()
        )?;
        match self.omitted {
            Some(Omitted::Cycle) => return f.write_str(" (await-graph contains cycles)"),
            Some(Omitted::Repeated) => return f.write_str(" (see above)"),
            _ => {}
        }
        self.write_stack(f, indent)?;
        if self.omitted == Some(Omitted::TooDeep) {
            return write!(f, "\n{:indent$}  + Awaited by: (not shown: the chain is too long)", "");
        }
        if !self.awaited_by.is_empty() {
            write!(f, "\n{:indent$}  + Awaited by:", "")?;
            for awaiter in &self.awaited_by {
                awaiter.write(f, level + 1)?;
            }
        }
        Ok(())
    }

    fn write_stack(&self, f: &mut fmt::Formatter<'_>, indent: usize) -> fmt::Result {
        /// So many waits are written in full.
        const MOST: usize = 20;
        write!(f, "\n{:indent$}  + Call stack:", "")?;
        for wait in self.waits_for.iter().take(MOST) {
            write!(f, "\n{:indent$}  |   {wait}", "")?;
        }
        if self.waits_for.len() > MOST {
            write!(f, "\n{:indent$}  |   ... and {} more", "", self.waits_for.len() - MOST)?;
        }
        if self.task.done() {
            write!(f, "\n{:indent$}  |   (it has ended)", "")?;
        } else if self.waits_for.is_empty() {
            let why = if self.is_tracked {
                "(it runs, is about to, or waits for something of another crate)"
            } else {
                "(what it waits for is not kept: see `track_waits`)"
            };
            write!(f, "\n{:indent$}  |   {why}", "")?;
        }
        let at = self.task.spawn_location();
        write!(f, "\n{:indent$}  |   File '{}', line {}, in spawn()", "", at.file(), at.line())
    }
}

impl fmt::Display for WaitsFor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(at) = self.location {
            write!(f, "File '{}', line {}, in ", at.file(), at.line())?;
        }
        match &self.task {
            Some(task) => write!(f, "await of {}", task.name()),
            None if self.kind == TASK => write!(f, "await of the task {}", self.object),
            None => write!(f, "{}()", self.kind),
        }?;
        /// So many holders are written.
        const MOST: usize = 3;
        for (index, holder) in self.held_by.iter().take(MOST).enumerate() {
            let before = if index == 0 { ", held by" } else { "," };
            let name = holder.task.as_ref().map(|task| task.name().to_string());
            let name = name.unwrap_or_else(|| "a task that has ended".to_owned());
            write!(
                f,
                "{before} {name} (File '{}', line {}",
                holder.location.file(),
                holder.location.line()
            )?;
            f.write_str(if holder.is_handed {
                ", handed over and not polled since)"
            } else {
                ")"
            })?;
        }
        match self.held_by.len().saturating_sub(MOST) {
            0 => Ok(()),
            more => write!(f, " and {more} more"),
        }
    }
}
