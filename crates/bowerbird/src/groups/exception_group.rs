//! Several errors in one value.

use std::error::Error;
use std::fmt;

use super::{BoxError, TaskFailure};

mod tree;

/// Several errors that came up together, each with the task that it came from.
///
/// asyncio: `ExceptionGroup`; one type serves for `BaseExceptionGroup` too. What a `TaskGroup` ends with. An
/// error in it may be a group again, of a group inside. There is always at least one error.
///
/// | Python | here |
/// |---|---|
/// | `eg.message`, `eg.exceptions` | [`message`](Self::message), [`exceptions`](Self::exceptions) |
/// | `eg.split(E)`, `eg.subgroup(E)` | [`split`](Self::split), [`subgroup`](Self::subgroup) |
/// | `eg.split(predicate)`, `eg.subgroup(predicate)` | [`split_with`](Self::split_with), [`subgroup_with`](Self::subgroup_with) |
/// | `except* E as part:` | [`handle`](Self::handle) |
/// | `eg.derive(errors)` | [`derive`](Self::derive) |
/// | `str(eg)` | `{eg}`: one line |
/// | the traceback | `{eg:#}`, [`tree`](Self::tree), and what `unwrap` prints: a tree with tasks and spawn sites |
///
/// # Examples
/// ```
/// use bowerbird::ExceptionGroup;
/// use std::io;
/// use std::num::ParseIntError;
///
/// let bad_number = "x".parse::<u32>().unwrap_err();
/// let group = ExceptionGroup::new(
///     "two things went wrong",
///     [bad_number.into(), io::Error::from(io::ErrorKind::NotFound).into()],
/// );
/// assert_eq!(group.to_string(), "two things went wrong (2 sub-exceptions)");
///
/// // `except* OSError`: what does not match is left.
/// let left = group.handle::<io::Error>(|files| assert_eq!(files.len(), 1)).unwrap_err();
/// assert!(left.find::<ParseIntError>().is_some());
/// ```
pub struct ExceptionGroup(Box<Contents>);

struct Contents {
    message: String,
    exceptions: Vec<TaskFailure>,
}

impl ExceptionGroup {
    /// Makes a group of errors.
    ///
    /// asyncio: `ExceptionGroup(message, exceptions)`. A [`TaskFailure`] among the errors keeps its task.
    ///
    /// # Panics
    /// If there is no error.
    #[track_caller]
    pub fn new(message: impl Into<String>, errors: impl IntoIterator<Item = BoxError>) -> Self {
        Self::of(message.into(), errors.into_iter().map(TaskFailure::new).collect())
    }

    #[track_caller]
    pub(crate) fn of(message: String, exceptions: Vec<TaskFailure>) -> Self {
        assert!(
            !exceptions.is_empty(),
            "ExceptionGroup `{message}` was made of no errors; give at least one, or return `Ok`"
        );
        Self(Box::new(Contents { message, exceptions }))
    }

    /// Returns the message of the group, without the count of its errors.
    pub fn message(&self) -> &str {
        &self.0.message
    }

    /// Returns the errors, in the order in which they came.
    pub fn exceptions(&self) -> &[TaskFailure] {
        &self.0.exceptions
    }

    /// Gives the errors.
    pub fn into_exceptions(self) -> Vec<TaskFailure> {
        self.0.exceptions
    }

    /// Returns how many errors the group has; a group among them counts as one.
    #[expect(clippy::len_without_is_empty, reason = "a group is never empty")]
    pub fn len(&self) -> usize {
        self.0.exceptions.len()
    }

    /// Visits the errors that are no groups, at every depth, in order.
    pub fn leaves(&self) -> impl Iterator<Item = &TaskFailure> {
        let mut open = vec![self.0.exceptions.iter()];
        std::iter::from_fn(move || {
            loop {
                match open.last_mut()?.next() {
                    Some(failure) => match failure.as_group() {
                        Some(group) => open.push(group.0.exceptions.iter()),
                        None => return Some(failure),
                    },
                    None => drop(open.pop()),
                }
            }
        })
    }

    /// Returns the first error of a type, at any depth.
    pub fn find<E: Error + 'static>(&self) -> Option<&E> {
        self.leaves().find_map(|failure| failure.error().downcast_ref())
    }

    /// Makes a group with the same message of other errors.
    ///
    /// asyncio: `ExceptionGroup.derive`.
    ///
    /// # Panics
    /// If there is no error.
    #[track_caller]
    pub fn derive(&self, errors: impl IntoIterator<Item = BoxError>) -> Self {
        Self::new(self.message(), errors)
    }

    /// Takes the group apart: the errors of a type, and the rest; each part keeps its place in the tree.
    ///
    /// asyncio: `ExceptionGroup.split(E)`.
    pub fn split<E: Error + 'static>(self) -> (Option<Self>, Option<Self>) {
        self.split_with(|error| error.is::<E>())
    }

    /// Takes the group apart: the errors for which `matches` holds, and the rest.
    ///
    /// asyncio: `ExceptionGroup.split(predicate)`. The predicate is asked for the group itself first, and for
    /// each group inside; one that matches is kept whole.
    pub fn split_with(
        self,
        mut matches: impl FnMut(&(dyn Error + 'static)) -> bool,
    ) -> (Option<Self>, Option<Self>) {
        self.split_dyn(&mut matches)
    }

    fn split_dyn(
        self,
        matches: &mut dyn FnMut(&(dyn Error + 'static)) -> bool,
    ) -> (Option<Self>, Option<Self>) {
        if matches(&self) {
            return (Some(self), None);
        }
        let Contents { message, exceptions } = *self.0;
        let (mut matching, mut rest) = (Vec::new(), Vec::new());
        for failure in exceptions {
            match failure.try_into_group() {
                Ok((group, again)) => {
                    let (yes, no) = group.split_dyn(matches);
                    matching.extend(yes.map(&again));
                    rest.extend(no.map(&again));
                }
                Err(failure) if matches(failure.error()) => matching.push(failure),
                Err(failure) => rest.push(failure),
            }
        }
        let part = |exceptions: Vec<_>, message| {
            (!exceptions.is_empty()).then(|| Self(Box::new(Contents { message, exceptions })))
        };
        (part(matching, message.clone()), part(rest, message))
    }

    /// Keeps the errors of a type.
    ///
    /// asyncio: `ExceptionGroup.subgroup(E)`.
    pub fn subgroup<E: Error + 'static>(self) -> Option<Self> {
        self.split::<E>().0
    }

    /// Keeps the errors for which `matches` holds; see [`split_with`](Self::split_with).
    ///
    /// asyncio: `ExceptionGroup.subgroup(predicate)`.
    pub fn subgroup_with(
        self,
        matches: impl FnMut(&(dyn Error + 'static)) -> bool,
    ) -> Option<Self> {
        self.split_with(matches).0
    }

    /// Calls `handler` with the errors of a type, if there are any, and gives back the others.
    ///
    /// asyncio: `except* E`. Several of them stand in a row with `or_else`.
    ///
    /// # Errors
    /// What is of another type.
    ///
    /// # Examples
    /// ```
    /// use bowerbird::ExceptionGroup;
    /// use std::{fmt, io};
    ///
    /// let group = ExceptionGroup::new(
    ///     "both",
    ///     [fmt::Error.into(), io::Error::from(io::ErrorKind::NotFound).into()],
    /// );
    /// let mut seen = vec![];
    /// let left = group
    ///     .handle::<io::Error>(|_| seen.push("except* OSError"))
    ///     .or_else(|rest| rest.handle::<fmt::Error>(|_| seen.push("except* FormatError")));
    /// assert!(left.is_ok());
    /// assert_eq!(seen, ["except* OSError", "except* FormatError"]);
    /// ```
    pub fn handle<E: Error + 'static>(self, handler: impl FnOnce(Self)) -> Result<(), Self> {
        let (matching, rest) = self.split::<E>();
        if let Some(matching) = matching {
            handler(matching);
        }
        rest.map_or(Ok(()), Err)
    }
}

/// One line, as in Python: the message and the number of errors.
impl fmt::Display for ExceptionGroup {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if f.alternate() {
            return self.tree().fmt(f);
        }
        let plural = if self.len() == 1 { "" } else { "s" };
        write!(f, "{} ({} sub-exception{plural})", self.message(), self.len())
    }
}

/// The tree, as it is what a failed `unwrap` or `main` shows; `{:#?}` gives the fields.
impl fmt::Debug for ExceptionGroup {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if f.alternate() {
            return f
                .debug_struct("ExceptionGroup")
                .field("message", &self.0.message)
                .field("exceptions", &self.0.exceptions)
                .finish();
        }
        write!(f, "{self}\n{}", self.tree())
    }
}

/// The source of a group is its first error.
impl Error for ExceptionGroup {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.0.exceptions.first().map(|failure| failure.error() as &(dyn Error + 'static))
    }
}

/// A group is a word in a `Result`, and crosses threads.
const _: () = {
    const fn is_sendable<T: Send + Sync + Error + 'static>() {}
    is_sendable::<ExceptionGroup>();
    assert!(size_of::<ExceptionGroup>() == size_of::<usize>());
};
