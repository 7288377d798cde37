//! One variable: a static, known by its address.

use std::fmt;
use std::future::Future;
use std::sync::{Arc, OnceLock};

use super::scope::{Slot, VarScope};
use super::{CURRENT, Key, Value, change_current};

/// A variable whose value follows the task.
///
/// asyncio: `contextvars.ContextVar`. The variable is known by its address, so it is a `static`;
/// [`context_var!`](crate::context_var) writes it. A task begins with a copy of the values that its spawner
/// has, and neither sees what the other sets from then on.
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
    is_inherited: bool,
    make_default: Option<fn() -> T>,
    default: OnceLock<T>,
}

/// What a variable held before [`ContextVar::set`].
///
/// asyncio: `contextvars.Token`. [`ContextVar::reset`] takes it by value: it cannot be used twice.
#[must_use = "pass it to reset(), or drop it on purpose"]
pub struct Token<T: 'static> {
    variable: &'static ContextVar<T>,
    context: u64,
    before: Option<Value>,
}

/// Declares context variables.
///
/// asyncio: `user = ContextVar("user", default=..)`. The variable's name is that of the static. A default is
/// made once, when it is first needed. With `, not_inherited` at the end, spawned tasks do not begin with the
/// spawner's value.
///
/// # Examples
/// ```
/// use bowerbird::context::context_var;
/// context_var! {
///     /// Who asks.
///     pub static USER: String;
///     static DEPTH: u32 = 0;
///     static CONNECTION: u64, not_inherited;
/// }
///
/// bowerbird::run(async {
///     let _ = (USER.set("ann".into()), CONNECTION.set(7));
///     let task = bowerbird::spawn(async { (USER.get(), DEPTH.get(), CONNECTION.get()) });
///     assert_eq!(task.await.unwrap(), (Some("ann".into()), Some(0), None));
/// });
/// ```
#[macro_export]
macro_rules! context_var {
    ($(
        $(#[$meta:meta])*
        $vis:vis static $name:ident : $type:ty $(= $default:expr)? $(, $flag:ident)? ;
    )*) => {$(
        $(#[$meta])*
        $vis static $name: $crate::ContextVar<$type> =
            $crate::ContextVar::new(stringify!($name))$(.with_default(|| $default))?$(.$flag())?;
    )*};
}

impl<T: 'static> ContextVar<T> {
    /// Makes a variable without a value.
    pub const fn new(name: &'static str) -> Self {
        Self { name, is_inherited: true, make_default: None, default: OnceLock::new() }
    }

    /// Returns the name of the variable.
    pub fn name(&self) -> &'static str {
        self.name
    }

    pub(super) fn key(&'static self) -> Key {
        let address = std::ptr::from_ref(self).addr();
        Key { address, name: self.name, is_inherited: self.is_inherited }
    }
}

impl<T: Send + Sync + 'static> ContextVar<T> {
    /// Gives the variable a default, made once when it is first needed.
    ///
    /// asyncio: `ContextVar(name, default=..)`. The default stands in no context: `Context::get` does not
    /// give it.
    ///
    /// # Examples
    /// ```
    /// use bowerbird::context::ContextVar;
    /// static DEPTH: ContextVar<u32> = ContextVar::new("depth").with_default(|| 0);
    /// assert_eq!(DEPTH.get(), Some(0));
    /// ```
    pub const fn with_default(mut self, make_default: fn() -> T) -> Self {
        self.make_default = Some(make_default);
        self
    }

    /// Keeps spawned tasks from beginning with the spawner's value: for what belongs to one task, such as a
    /// connection or the span of a trace.
    ///
    /// asyncio: no counterpart, every variable is inherited. It holds for everything that is spawned, the
    /// children of `gather` and closures of `to_thread` too; not for done callbacks and `copy_context`.
    ///
    /// # Examples
    /// ```
    /// use bowerbird::context::ContextVar;
    /// static CONNECTION: ContextVar<u64> = ContextVar::new("connection").not_inherited();
    ///
    /// bowerbird::run(async {
    ///     let _token = CONNECTION.set(7);
    ///     assert_eq!(bowerbird::spawn(async { CONNECTION.get() }).await.unwrap(), None);
    /// });
    /// ```
    pub const fn not_inherited(mut self) -> Self {
        self.is_inherited = false;
        self
    }

    /// Returns the value in the current context, else the default.
    ///
    /// asyncio: `ContextVar.get(None)`.
    pub fn get(&'static self) -> Option<T>
    where
        T: Clone,
    {
        self.with(|value| value.cloned())
    }

    /// Returns the value in the current context, else the default.
    ///
    /// asyncio: `ContextVar.get()`, whose `LookupError` is the panic here.
    ///
    /// # Panics
    /// If the variable has neither.
    ///
    /// # Examples
    /// ```
    /// bowerbird::context::context_var! { static DEPTH: u32 = 0; }
    /// let _token = DEPTH.set(DEPTH.value() + 1);
    /// assert_eq!(DEPTH.value(), 1);
    /// ```
    #[track_caller]
    pub fn value(&'static self) -> T
    where
        T: Clone,
    {
        match self.get() {
            Some(value) => value,
            None => panic!(
                "value() of the context variable `{}`, which has no value here and no default. Set it first, give it \
                 a default, or ask with get()",
                self.name
            ),
        }
    }

    /// Calls `f` with the value in the current context, else with the default, without cloning it.
    ///
    /// asyncio: no counterpart; tokio's `LocalKey::with`.
    ///
    /// # Examples
    /// ```
    /// bowerbird::context::context_var! { static USER: String; }
    /// let _token = USER.set("ann".into());
    /// assert_eq!(USER.with(|user| user.map(String::len)), Some(3));
    /// ```
    pub fn with<R>(&'static self, f: impl FnOnce(Option<&T>) -> R) -> R {
        // Counted, so that nothing is borrowed: `f` may set variables itself.
        let value = CURRENT.with(|current| current.borrow().value(self.key().address).cloned());
        match &value {
            Some(value) => f(value.downcast_ref::<T>()),
            None => f(self.make_default.map(|make| self.default.get_or_init(make))),
        }
    }

    /// Sets the value in the current context: of this task, and of what it spawns from now on.
    ///
    /// asyncio: `ContextVar.set`.
    pub fn set(&'static self, value: T) -> Token<T> {
        let value: Value = Arc::new(value);
        let (context, before) = change_current(|current| {
            let before = current.replace(self.key(), Some(value));
            (current.number(), before)
        });
        Token { variable: self, context, before }
    }

    /// Puts back what [`set`](Self::set) replaced.
    ///
    /// asyncio: `ContextVar.reset`.
    ///
    /// # Panics
    /// If the token is another variable's, or was made in another context: in another task, or outside of a
    /// [`Context::run`](super::Context::run) that is left.
    #[track_caller]
    pub fn reset(&'static self, token: Token<T>) {
        assert!(
            std::ptr::eq(self, token.variable),
            "reset() of the context variable `{}` was given a token of `{}`; reset each with its own",
            self.name,
            token.variable.name,
        );
        let replaced = change_current(|current| {
            (current.number() == token.context)
                .then(|| current.replace(self.key(), token.before.clone()))
        });
        assert!(
            replaced.is_some(),
            "reset() of the context variable `{}` was given a token that was made in another context; reset it in the \
             task, or in the `Context::run`, that has set it",
            self.name,
        );
    }

    /// Runs a future in which the variable has that value.
    ///
    /// asyncio: no counterpart, `set` and `reset` around a block; tokio's `LocalKey::scope`. The value is
    /// there while the future is polled and dropped, and nowhere else; what is spawned in it inherits the
    /// value. Setting the variable inside changes it to the end of the scope.
    ///
    /// # Cancel safety
    /// As the future's own.
    ///
    /// # Examples
    /// ```
    /// bowerbird::context::context_var! { static USER: &str; }
    /// bowerbird::run(async {
    ///     let ann = USER.scope("ann", async { USER.get() });
    ///     let bob = USER.scope("bob", async { USER.get() });
    ///     assert_eq!(bowerbird::join((ann, bob)).await, (Some("ann"), Some("bob")));
    ///     assert_eq!(USER.get(), None);
    /// });
    /// ```
    pub fn scope<F: Future>(&'static self, value: T, future: F) -> VarScope<F> {
        VarScope::new(Slot::new(self.key(), Arc::new(value)), future)
    }

    /// Calls `f` with that value in the variable.
    ///
    /// asyncio: `with var.set(value):`.
    ///
    /// # Examples
    /// ```
    /// bowerbird::context::context_var! { static USER: &str; }
    /// assert_eq!(USER.sync_scope("ann", || USER.get()), Some("ann"));
    /// assert_eq!(USER.get(), None);
    /// ```
    pub fn sync_scope<R>(&'static self, value: T, f: impl FnOnce() -> R) -> R {
        let mut slot = Slot::new(self.key(), Arc::new(value));
        let _entered = slot.enter();
        f()
    }
}

impl<T: 'static> Token<T> {
    /// Returns the variable that was set.
    ///
    /// asyncio: `Token.var`.
    pub fn variable(&self) -> &'static ContextVar<T> {
        self.variable
    }

    /// Returns what the variable held before; `None` if it had no value.
    ///
    /// asyncio: `Token.old_value`.
    ///
    /// # Examples
    /// ```
    /// bowerbird::context::context_var! { static DEPTH: u32 = 0; }
    /// let first = DEPTH.set(1);
    /// let second = DEPTH.set(2);
    /// assert_eq!((first.old_value(), second.old_value()), (None, Some(1)));
    /// ```
    pub fn old_value(&self) -> Option<T>
    where
        T: Clone,
    {
        self.before.as_ref()?.downcast_ref::<T>().cloned()
    }
}

impl<T: 'static> fmt::Debug for ContextVar<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ContextVar({})", self.name)
    }
}

impl<T: 'static> fmt::Debug for Token<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Token({})", self.variable.name)
    }
}
