//! Context variables: values that follow a task and what it spawns.
//!
//! A [`Context`] is an immutable map behind one counted pointer, so that copying it on spawn costs one
//! reference count, and nothing where no variable was ever set. The context of the running task stands in
//! a thread-local during its poll; a task that has one takes the slow way into and out of a poll.

use std::any::Any;
use std::cell::RefCell;
use std::fmt;
use std::sync::Arc;

use bowerbird_base::{const_thread_local, poll_context};

type Value = Arc<dyn Any + Send + Sync>;

/// A set of values of context variables.
///
/// asyncio: `contextvars.Context`. Cloning it is cheap, as `copy_context()` is.
#[derive(Clone, Default)]
pub struct Context(Option<Arc<Vec<(usize, Value)>>>);

const_thread_local! {
    static CURRENT: RefCell<Context> = RefCell::new(Context(None));
}

impl Context {
    /// Makes a context without values.
    pub const fn new() -> Self {
        Self(None)
    }

    /// Returns whether no variable has a value.
    pub fn is_empty(&self) -> bool {
        self.0.is_none()
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

    fn get(&self, key: usize) -> Option<&Value> {
        self.0.as_ref()?.iter().find(|(other, _)| *other == key).map(|(_, value)| value)
    }

    fn with(&self, key: usize, value: Option<Value>) -> Self {
        let mut values: Vec<_> = self
            .0
            .iter()
            .flat_map(|values| values.iter())
            .filter(|(other, _)| *other != key)
            .cloned()
            .collect();
        values.extend(value.map(|value| (key, value)));
        Self((!values.is_empty()).then(|| Arc::new(values)))
    }
}

impl fmt::Debug for Context {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Context({} values)", self.0.as_ref().map_or(0, |values| values.len()))
    }
}

/// Returns the context of the running task, or of the thread.
///
/// asyncio: `contextvars.copy_context()`.
pub fn copy_context() -> Context {
    CURRENT.with(|current| current.borrow().clone())
}

/// The current context, if it has a value.
#[inline]
pub(crate) fn copy_if_set() -> Option<Context> {
    CURRENT.with(|current| {
        let current = current.borrow();
        (!current.is_empty()).then(|| current.clone())
    })
}

/// Puts a context in and gives the one before.
pub(crate) fn replace_current(context: Context) -> Context {
    CURRENT.with(|current| std::mem::replace(&mut *current.borrow_mut(), context))
}

/// A variable whose value follows the task.
///
/// asyncio: `contextvars.ContextVar`. The variable is known by its address, so it is a `static`.
///
/// # Examples
/// ```
/// use bowerbird::context::ContextVar;
/// static USER: ContextVar<String> = ContextVar::new("user");
///
/// assert_eq!(USER.get(), None);
/// let token = USER.set("ann".into());
/// assert_eq!(USER.get().as_deref(), Some("ann"));
/// USER.reset(token);
/// assert_eq!(USER.get(), None);
/// ```
pub struct ContextVar<T: 'static> {
    name: &'static str,
    // Not a zero-sized type: two variables must have two addresses.
    _type: std::marker::PhantomData<fn() -> T>,
}

/// What a variable held before [`ContextVar::set`].
#[derive(Debug)]
#[must_use = "pass it to reset(), or drop it on purpose"]
pub struct Token<T: 'static> {
    before: Option<Value>,
    _type: std::marker::PhantomData<fn() -> T>,
}

impl<T: Clone + Send + Sync + 'static> ContextVar<T> {
    /// Makes a variable without a value.
    pub const fn new(name: &'static str) -> Self {
        Self { name, _type: std::marker::PhantomData }
    }

    /// Returns the value in the current context.
    pub fn get(&'static self) -> Option<T> {
        // Cloned outside of the borrow: a `clone` of the user's may use variables itself.
        let value = CURRENT.with(|current| current.borrow().get(self.key()).cloned())?;
        value.downcast_ref::<T>().cloned()
    }

    /// Sets the value in the current context: of this task, and of what it spawns from now on.
    pub fn set(&'static self, value: T) -> Token<T> {
        Token { before: self.replace(Some(Arc::new(value))), _type: std::marker::PhantomData }
    }

    /// Puts back what [`set`](Self::set) replaced.
    pub fn reset(&'static self, token: Token<T>) {
        self.replace(token.before);
    }

    fn replace(&'static self, value: Option<Value>) -> Option<Value> {
        let context = copy_context();
        let before = context.get(self.key()).cloned();
        replace_current(context.with(self.key(), value));
        // The executor takes the changed context away from the thread when the poll ends.
        if !poll_context::current_task().is_null() {
            poll_context::mark();
        }
        before
    }

    fn key(&'static self) -> usize {
        std::ptr::from_ref(self).addr()
    }
}

impl<T: Clone + Send + Sync + fmt::Debug + 'static> fmt::Debug for ContextVar<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ContextVar({})", self.name)
    }
}
