//! Context variables: values that follow a task and what it spawns.
//!
//! A [`Context`] is a map behind one counted pointer, so that copying it on spawn costs one reference count,
//! and nothing where no variable was ever set. The context of the running task stands in a thread-local
//! during its poll; a task that has one takes the slow way into and out of a poll.
//!
//! The map is a list, searched from its front: quick up to some dozens of variables. Setting a variable
//! changes the list in place as long as no copy shares it; the first change after a copy clones the list.
//!
//! A context also carries a deadline: the earliest of the scopes that the task was spawned in. It is
//! information and ends nothing by itself.
//!
//! # Ordering arguments
//! - `[ORD-1]` The numbers of contexts: Relaxed, for only their uniqueness matters.

mod scope;
mod variable;

pub use scope::VarScope;
pub use variable::{ContextVar, Token};

use std::any::Any;
use std::cell::RefCell;
use std::fmt;
use std::sync::Arc;
use std::time::Instant;

use bowerbird_base::sync::static_atomic::{AtomicU64, Ordering};
use bowerbird_base::{const_thread_local, poll_context};

type Value = Arc<dyn Any + Send + Sync>;

/// Numbers the contexts that a token was made in; 0 is one without a token.
static NEXT_NUMBER: AtomicU64 = AtomicU64::new(1);

/// A set of values of context variables.
///
/// asyncio: `contextvars.Context`. Cloning it is cheap, as `copy_context()` is. One that is entered is
/// borrowed, so that entering it twice is an error of the compiler and not of the run:
/// ```compile_fail,E0499
/// let mut context = bowerbird::context::copy_context();
/// context.run(|| context.run(|| ()));
/// ```
/// A task that is given a context (`TaskBuilder::context`) runs with a copy of it; in asyncio with itself.
///
/// # Examples
/// ```
/// use bowerbird::context::{ContextVar, copy_context};
/// static USER: ContextVar<&str> = ContextVar::new("user");
///
/// let mut context = copy_context();
/// context.run(|| drop(USER.set("ann")));
/// assert_eq!((context.get(&USER), USER.get()), (Some("ann"), None));
/// assert_eq!(context.iter().map(|(name, _)| name).collect::<Vec<_>>(), ["user"]);
/// ```
#[derive(Default)]
pub struct Context {
    values: Option<Arc<Values>>,
    /// By which a token knows the context that it was made in; a copy is another context.
    number: u64,
    deadline: Option<Instant>,
}

#[derive(Clone, Default)]
struct Values {
    entries: Vec<Entry>,
    /// Some variable may be one that tasks do not inherit.
    has_private: bool,
}

#[derive(Clone)]
struct Entry {
    key: Key,
    value: Value,
}

/// What a variable is known by.
#[derive(Debug, Clone, Copy)]
struct Key {
    address: usize,
    name: &'static str,
    is_inherited: bool,
}

const_thread_local! {
    static CURRENT: RefCell<Context> = RefCell::new(Context::new());
}

impl Context {
    /// Makes a context without values.
    pub const fn new() -> Self {
        Self { values: None, number: 0, deadline: None }
    }

    /// Returns whether no variable has a value.
    pub fn is_empty(&self) -> bool {
        self.values.is_none()
    }

    /// Returns how many variables have a value.
    ///
    /// asyncio: `len(context)`.
    pub fn len(&self) -> usize {
        self.entries().len()
    }

    /// Returns whether a variable has a value here; its default is none.
    ///
    /// asyncio: `var in context`.
    pub fn contains<T>(&self, variable: &'static ContextVar<T>) -> bool {
        self.value(variable.key().address).is_some()
    }

    /// Returns the value of a variable here; its default does not count.
    ///
    /// asyncio: `context.get(var)`.
    pub fn get<T: Clone + 'static>(&self, variable: &'static ContextVar<T>) -> Option<T> {
        self.value(variable.key().address)?.downcast_ref::<T>().cloned()
    }

    /// Goes through the variables that have a value: their names and values, in the order of their setting.
    ///
    /// asyncio: `context.items()`.
    pub fn iter(&self) -> impl Iterator<Item = (&'static str, &(dyn Any + Send + Sync))> {
        self.entries().iter().map(|entry| (entry.key.name, &*entry.value))
    }

    /// Calls `f` with this context as the current one; what `f` sets stays in the context.
    ///
    /// asyncio: `Context.run`.
    pub fn run<R>(&mut self, f: impl FnOnce() -> R) -> R {
        struct Back<'a>(&'a mut Context, Context);
        impl Drop for Back<'_> {
            fn drop(&mut self) {
                *self.0 = replace_current(std::mem::take(&mut self.1));
            }
        }
        let before = replace_current(std::mem::take(self));
        let _back = Back(self, before);
        f()
    }

    /// Neither a value nor a deadline.
    fn is_blank(&self) -> bool {
        self.values.is_none() && self.deadline.is_none()
    }

    /// The same context, known by the same number.
    pub(crate) fn share(&self) -> Self {
        Self { values: self.values.clone(), number: self.number, deadline: self.deadline }
    }

    /// Whether nothing of it would have to be kept.
    pub(crate) fn is_unused(&self) -> bool {
        self.is_blank() && self.number == 0
    }

    fn has_values_of(&self, other: &Self) -> bool {
        match (&self.values, &other.values) {
            (None, None) => true,
            (Some(these), Some(those)) => Arc::ptr_eq(these, those),
            _ => false,
        }
    }

    /// The number of this context, given to it now if it has none.
    fn number(&mut self) -> u64 {
        if self.number == 0 {
            // [ORD-1]
            self.number = NEXT_NUMBER.fetch_add(1, Ordering::Relaxed);
        }
        self.number
    }

    fn entries(&self) -> &[Entry] {
        self.values.as_ref().map_or(&[], |values| &values.entries)
    }

    fn position(&self, address: usize) -> Option<usize> {
        self.entries().iter().position(|entry| entry.key.address == address)
    }

    fn value(&self, address: usize) -> Option<&Value> {
        self.position(address).map(|at| &self.entries()[at].value)
    }

    /// Gives a variable a value, or takes it away; returns what it had. In place unless a copy shares it.
    fn replace(&mut self, key: Key, value: Option<Value>) -> Option<Value> {
        let at = self.position(key.address);
        if at.is_none() && value.is_none() {
            return None;
        }
        let values = Arc::make_mut(self.values.get_or_insert_default());
        match (at, value) {
            (Some(at), Some(value)) => {
                Some(std::mem::replace(&mut values.entries[at].value, value))
            }
            (Some(at), None) => {
                let removed = values.entries.remove(at);
                if values.entries.is_empty() {
                    self.values = None;
                }
                Some(removed.value)
            }
            (None, value) => {
                values.has_private |= !key.is_inherited;
                values.entries.extend(value.map(|value| Entry { key, value }));
                None
            }
        }
    }

    /// What a task that is spawned here begins with.
    fn inherited(&self) -> Self {
        match &self.values {
            Some(values) if values.has_private => {
                let inherited = values.entries.iter().filter(|entry| entry.key.is_inherited);
                let entries: Vec<_> = inherited.cloned().collect();
                let values = Values { entries, has_private: false };
                let values = (!values.entries.is_empty()).then(|| Arc::new(values));
                Self { values, number: 0, deadline: self.deadline }
            }
            _ => self.clone(),
        }
    }
}

/// The copy is a context of its own.
impl Clone for Context {
    fn clone(&self) -> Self {
        Self { values: self.values.clone(), number: 0, deadline: self.deadline }
    }
}

impl fmt::Debug for Context {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Context")?;
        f.debug_set().entries(self.iter().map(|(name, _)| name)).finish()
    }
}

/// Returns a copy of the context of the running task, or of the thread.
///
/// asyncio: `contextvars.copy_context()`.
pub fn copy_context() -> Context {
    CURRENT.with(|current| current.borrow().clone())
}

/// What a task that is spawned now begins with, if that is not nothing.
#[inline]
pub(crate) fn inherited() -> Option<Context> {
    // Short enough to be put into every spawn.
    if CURRENT.with(|current| current.borrow().is_blank()) { None } else { inherited_values() }
}

#[cold]
fn inherited_values() -> Option<Context> {
    let inherited = CURRENT.with(|current| current.borrow().inherited());
    Some(inherited).filter(|context| !context.is_blank())
}

/// Returns the deadline in the context of the running task, or of the thread.
pub fn current_deadline() -> Option<Instant> {
    CURRENT.with(|current| current.borrow().deadline)
}

/// Sets the deadline in the current context for a while: who sets it sets it back before the poll ends.
#[inline]
pub fn replace_deadline(deadline: Option<Instant>) -> Option<Instant> {
    CURRENT.with(|current| std::mem::replace(&mut current.borrow_mut().deadline, deadline))
}

/// The current context, to be put back later as the same one.
pub(crate) fn share_current() -> Context {
    CURRENT.with(|current| current.borrow().share())
}

/// Whether the current context has nothing that would have to be kept: no value, and no token of it about.
pub(crate) fn is_current_unused() -> bool {
    CURRENT.with(|current| current.borrow().is_unused())
}

/// Puts a context in and gives the one before.
pub(crate) fn replace_current(context: Context) -> Context {
    CURRENT.with(|current| std::mem::replace(&mut *current.borrow_mut(), context))
}

/// Changes the current context. `f` runs no code of others, and what it gives is dropped by the caller.
fn change_current<R>(f: impl FnOnce(&mut Context) -> R) -> R {
    // Taken out, so that nothing of it is dropped while it is borrowed.
    let mut context = replace_current(Context::new());
    let result = f(&mut context);
    drop(replace_current(context));
    // The executor takes the changed context away from the thread when the poll ends.
    if !poll_context::current_task().is_null() {
        poll_context::mark();
    }
    result
}
