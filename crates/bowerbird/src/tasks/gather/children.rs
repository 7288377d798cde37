//! The children of a gather: what is spawned from tuples, arrays and `Vec`s, and how their outputs are had.

use std::panic::Location;
use std::task::Waker;

use bowerbird_core::{Task, TaskError, TaskHandle};

/// Spawns the children of one gather.
#[derive(Debug)]
pub struct Spawner {
    pub(super) countdown: Waker,
    pub(super) location: &'static Location<'static>,
}

impl Spawner {
    fn spawn<F>(&self, future: F) -> Child<F::Output>
    where
        F: Future + Send + 'static,
        F::Output: Send + 'static,
    {
        match bowerbird_core::spawn_joined(future, self.countdown.clone(), self.location) {
            Ok(task) => Child::Task(task),
            Err(error) => unreachable!("the runtime was there a moment ago: {error:?}"),
        }
    }
}

/// A child, or its result once that was looked at.
#[derive(Debug)]
pub enum Child<T> {
    /// It may still run.
    Task(Task<T>),
    /// It has ended.
    Ended(Result<T, TaskError>),
    /// Its error was taken.
    Taken,
}

impl<T> Child<T> {
    fn handle(&self) -> Option<&TaskHandle> {
        match self {
            Self::Task(task) => Some(task),
            Self::Ended(_) | Self::Taken => None,
        }
    }

    /// Looks at the result if the child has ended.
    fn peek(&mut self) -> Option<&mut Result<T, TaskError>> {
        if matches!(self, Self::Task(task) if task.done()) {
            *self = match std::mem::replace(self, Self::Taken) {
                Self::Task(task) => task.try_join().map_or_else(Self::Task, Self::Ended),
                other => other,
            };
        }
        match self {
            Self::Ended(result) => Some(result),
            Self::Task(_) | Self::Taken => None,
        }
    }

    fn take_failure(&mut self) -> Option<TaskError> {
        let handle = self.handle()?;
        if !(handle.cancelled() || handle.panicked()) {
            return None;
        }
        self.peek()?;
        match std::mem::replace(self, Self::Taken) {
            Self::Ended(Err(error)) => Some(error),
            other => {
                *self = other;
                None
            }
        }
    }

    fn result(mut self) -> Result<T, TaskError> {
        self.peek();
        match self {
            Self::Ended(result) => result,
            Self::Task(_) | Self::Taken => {
                unreachable!("every child has ended, and no error was taken")
            }
        }
    }
}

impl<T, E> Child<Result<T, E>> {
    fn take_error(&mut self) -> Option<E> {
        match self.peek()? {
            Ok(Err(_)) => {}
            _ => return None,
        }
        match std::mem::replace(self, Self::Taken) {
            Self::Ended(Ok(Err(error))) => Some(error),
            _ => unreachable!("it was looked at just now"),
        }
    }

    fn value(self) -> Result<T, TaskError> {
        self.result().map(|result| {
            result.unwrap_or_else(|_| unreachable!("an error is returned before the values"))
        })
    }
}

/// What [`gather`](crate::gather) takes: tuples of up to twelve futures, arrays and `Vec`s of them.
///
/// It cannot be implemented for other types: make a `Vec`, or see [`gather_iter`](crate::gather_iter).
pub trait Gatherable {
    /// The children, one task for each future.
    type Set: GatherSet;
    /// Spawns them.
    #[doc(hidden)]
    fn spawn_all(self, spawner: &Spawner) -> Self::Set;
}

/// The children of a [`Gather`](super::Gather): a tuple, an array or a `Vec` of tasks.
pub trait GatherSet: Sized {
    /// Their outputs, in the form in which the futures were given.
    type Outputs;
    /// A `Result<_, TaskError>` for each of them.
    type Results;
    /// Visits those whose results were not looked at.
    #[doc(hidden)]
    fn for_each(&mut self, f: &mut dyn FnMut(&TaskHandle));
    /// Takes the error of one that has ended without a value.
    #[doc(hidden)]
    fn take_failure(&mut self) -> Option<TaskError>;
    /// Gives the outputs, or an error; all have ended.
    #[doc(hidden)]
    fn outputs(self) -> Result<Self::Outputs, TaskError>;
    /// Gives everything; all have ended.
    #[doc(hidden)]
    fn results(self) -> Self::Results;
}

/// Children whose outputs are `Result`s with one type of error.
pub trait FallibleSet: GatherSet {
    /// The values in the `Ok`s.
    type Values;
    /// The error that they share.
    type Error;
    /// Takes the error of one that has ended with an `Err`.
    #[doc(hidden)]
    fn take_error(&mut self) -> Option<Self::Error>;
    /// Gives the values; all have ended, and none with an `Err`.
    #[doc(hidden)]
    fn values(self) -> Result<Self::Values, TaskError>;
}

impl<F> Gatherable for Vec<F>
where
    F: Future + Send + 'static,
    F::Output: Send + 'static,
{
    type Set = Vec<Child<F::Output>>;

    fn spawn_all(self, spawner: &Spawner) -> Self::Set {
        self.into_iter().map(|future| spawner.spawn(future)).collect()
    }
}

impl<F, const N: usize> Gatherable for [F; N]
where
    F: Future + Send + 'static,
    F::Output: Send + 'static,
{
    type Set = [Child<F::Output>; N];

    fn spawn_all(self, spawner: &Spawner) -> Self::Set {
        self.map(|future| spawner.spawn(future))
    }
}

impl<T> GatherSet for Vec<Child<T>> {
    type Outputs = Vec<T>;
    type Results = Vec<Result<T, TaskError>>;

    fn for_each(&mut self, f: &mut dyn FnMut(&TaskHandle)) {
        self.iter().filter_map(Child::handle).for_each(f);
    }

    fn take_failure(&mut self) -> Option<TaskError> {
        self.iter_mut().find_map(Child::take_failure)
    }

    fn outputs(self) -> Result<Vec<T>, TaskError> {
        self.into_iter().map(Child::result).collect()
    }

    fn results(self) -> Self::Results {
        self.into_iter().map(Child::result).collect()
    }
}

impl<T, E> FallibleSet for Vec<Child<Result<T, E>>> {
    type Values = Vec<T>;
    type Error = E;

    fn take_error(&mut self) -> Option<E> {
        self.iter_mut().find_map(Child::take_error)
    }

    fn values(self) -> Result<Vec<T>, TaskError> {
        self.into_iter().map(Child::value).collect()
    }
}

/// Turns an array of results into a result of an array; `N` is known, so the length fits.
fn all<T, const N: usize>(results: [Result<T, TaskError>; N]) -> Result<[T; N], TaskError> {
    let values: Vec<T> = results.into_iter().collect::<Result<_, _>>()?;
    Ok(values.try_into().unwrap_or_else(|_| unreachable!("there are N results")))
}

impl<T, const N: usize> GatherSet for [Child<T>; N] {
    type Outputs = [T; N];
    type Results = [Result<T, TaskError>; N];

    fn for_each(&mut self, f: &mut dyn FnMut(&TaskHandle)) {
        self.iter().filter_map(Child::handle).for_each(f);
    }

    fn take_failure(&mut self) -> Option<TaskError> {
        self.iter_mut().find_map(Child::take_failure)
    }

    fn outputs(self) -> Result<[T; N], TaskError> {
        all(self.map(Child::result))
    }

    fn results(self) -> Self::Results {
        self.map(Child::result)
    }
}

impl<T, E, const N: usize> FallibleSet for [Child<Result<T, E>>; N] {
    type Values = [T; N];
    type Error = E;

    fn take_error(&mut self) -> Option<E> {
        self.iter_mut().find_map(Child::take_error)
    }

    fn values(self) -> Result<[T; N], TaskError> {
        all(self.map(Child::value))
    }
}

macro_rules! tuples {
    ($($($name:ident $index:tt)+;)*) => {$(
        impl<$($name),+> Gatherable for ($($name,)+)
        where
            $($name: Future + Send + 'static, $name::Output: Send + 'static,)+
        {
            type Set = ($(Child<$name::Output>,)+);

            fn spawn_all(self, spawner: &Spawner) -> Self::Set {
                ($(spawner.spawn(self.$index),)+)
            }
        }

        impl<$($name),+> GatherSet for ($(Child<$name>,)+) {
            type Outputs = ($($name,)+);
            type Results = ($(Result<$name, TaskError>,)+);

            fn for_each(&mut self, f: &mut dyn FnMut(&TaskHandle)) {
                $(self.$index.handle().into_iter().for_each(&mut *f);)+
            }

            fn take_failure(&mut self) -> Option<TaskError> {
                $(if let Some(error) = self.$index.take_failure() {
                    return Some(error);
                })+
                None
            }

            fn outputs(self) -> Result<Self::Outputs, TaskError> {
                Ok(($(self.$index.result()?,)+))
            }

            fn results(self) -> Self::Results {
                ($(self.$index.result(),)+)
            }
        }

        impl<Error, $($name),+> FallibleSet for ($(Child<Result<$name, Error>>,)+) {
            type Values = ($($name,)+);
            type Error = Error;

            fn take_error(&mut self) -> Option<Error> {
                $(if let Some(error) = self.$index.take_error() {
                    return Some(error);
                })+
                None
            }

            fn values(self) -> Result<Self::Values, TaskError> {
                Ok(($(self.$index.value()?,)+))
            }
        }
    )*};
}

tuples! {
    A 0;
    A 0 B 1;
    A 0 B 1 C 2;
    A 0 B 1 C 2 D 3;
    A 0 B 1 C 2 D 3 E 4;
    A 0 B 1 C 2 D 3 E 4 F 5;
    A 0 B 1 C 2 D 3 E 4 F 5 G 6;
    A 0 B 1 C 2 D 3 E 4 F 5 G 6 H 7;
    A 0 B 1 C 2 D 3 E 4 F 5 G 6 H 7 I 8;
    A 0 B 1 C 2 D 3 E 4 F 5 G 6 H 7 I 8 J 9;
    A 0 B 1 C 2 D 3 E 4 F 5 G 6 H 7 I 8 J 9 K 10;
    A 0 B 1 C 2 D 3 E 4 F 5 G 6 H 7 I 8 J 9 K 10 L 11;
}
