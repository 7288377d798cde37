//! `race`: several futures in one task, and the first value.

use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll};

use bowerbird_base::call_site::CallSite;
use pin_project_lite::pin_project;

use super::contest::{Branch, Branches, Contest, NoBranch, Skipped, Won};
use crate::scope::{Sited, scoped};

/// Polls several futures in this task until one has ended, drops the others, and gives its output.
///
/// asyncio: no counterpart; `wait(.., FIRST_COMPLETED)` and a `cancel` for the rest. The futures may borrow and
/// need not be `Send`. Takes a tuple of two to eight futures, which gives an enum ([`Winner2`],
/// [`Winner3`], ...), or an array or a `Vec` of one type, which gives `(index, output)`; [`race_iter`] takes an
/// iterator.
///
/// The losers are dropped, and the cleanups that they leave behind are run to their end before the race
/// returns. A task that loses is dropped too, and so runs on; pass `&mut task` to keep it, or cancel it. If
/// several could answer in one turn a random one does, from the runtime's seed
/// ([`Builder::seed`](crate::runtime::Builder::seed)); [`biased`](Race::biased) asks in the order of the arguments. A
/// panic of a branch goes through, after the destructors of the others.
///
/// Whoever awaits it and is cancelled: every branch is asked. If all unwind, the race does; if one answers
/// with a value, that is the result, and the request stays for the next suspension unless every branch took it.
///
/// # Cancel safety
/// The losers are dropped half-way, and so is all of it when it is dropped. What a loser had received is lost;
/// [`select!`](crate::select) asks for a word on that.
///
/// # Panics
/// With an empty array or `Vec`, which no future could ever win.
///
/// # Examples
/// ```
/// use bowerbird::tasks::Winner2;
/// use bowerbird::{race, sleep};
/// use std::time::Duration;
///
/// bowerbird::run(async {
///     let slow = async {
///         sleep(Duration::from_secs(60)).await;
///         "slow"
///     };
///     match race((slow, async { 2 })).await {
///         Winner2::First(text) => unreachable!("{text}"),
///         Winner2::Second(number) => assert_eq!(number, 2),
///     }
///     let (index, output) = race([std::future::ready('a'), std::future::ready('b')]).biased().await;
///     assert_eq!((index, output), (0, 'a'));
/// });
/// ```
#[track_caller]
pub fn race<R: Raceable>(futures: R) -> Race<R> {
    race_for("race", futures)
}

#[inline]
#[track_caller]
fn race_for<R: Raceable>(call: &'static str, futures: R) -> Race<R> {
    let branches = futures.into_branches();
    if branches.count() == 0 {
        panic!("{call}() was given no futures, so none could ever win; ask is_empty() before");
    }
    let contest = Contest::new(branches, Skipped::default(), false);
    Race { inner: scoped(CallSite::new(call), Running { contest }) }
}

/// Races the futures of an iterator: gives the index and the output of the first; see [`race`].
///
/// Each wake-up polls all of them. For many, spawn them and take the first of
/// [`as_completed`](crate::as_completed) or of a [`TaskSet`](crate::TaskSet).
///
/// # Panics
/// If the iterator is empty.
///
/// # Examples
/// ```
/// bowerbird::run(async {
///     let naps = [50, 1].map(|ms| bowerbird::sleep(std::time::Duration::from_millis(ms)));
///     let (index, ()) = bowerbird::race_iter(naps).await;
///     assert_eq!(index, 1);
/// });
/// ```
#[track_caller]
pub fn race_iter<I>(futures: I) -> Race<Vec<I::Item>>
where
    I: IntoIterator<Item: Future>,
{
    race_for("race_iter", futures.into_iter().collect::<Vec<_>>())
}

/// What [`race`] takes: tuples of two to eight futures, arrays and `Vec`s of them.
///
/// It cannot be implemented for other types.
pub trait Raceable {
    /// What the race gives.
    type Output;
    /// The futures.
    #[doc(hidden)]
    type Branches: Branches;
    #[doc(hidden)]
    fn into_branches(self) -> Self::Branches;
    #[doc(hidden)]
    fn output(won: <Self::Branches as Branches>::Output) -> Self::Output;
}

pin_project! {
    /// The future of [`race`] and [`race_iter`].
    #[must_use = "futures do nothing unless awaited"]
    pub struct Race<R: Raceable> {
        #[pin]
        inner: Sited<Running<R::Branches>>,
    }
}

impl<R: Raceable> Race<R> {
    /// Asks the futures in the order of the arguments at each turn.
    ///
    /// What stands first and is ready always wins: put what must not be missed first, and what is always ready
    /// last.
    pub fn biased(mut self) -> Self {
        self.inner.inner_mut().contest.is_biased = true;
        self
    }
}

impl<R: Raceable> Future for Race<R> {
    type Output = R::Output;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<R::Output> {
        self.project().inner.poll(cx).map(R::output)
    }
}

impl<R: Raceable> fmt::Debug for Race<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Race").finish_non_exhaustive()
    }
}

pin_project! {
    /// A race without its scope.
    struct Running<B> {
        #[pin]
        contest: Contest<B>,
    }
}

impl<B: Branches> Future for Running<B> {
    type Output = B::Output;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<B::Output> {
        self.project().contest.poll(cx, Some).map(|won| match won {
            Some(output) => output,
            None => unreachable!("a race has branches, and every value counts"),
        })
    }
}

impl<F: Future> Raceable for Vec<F> {
    type Output = (usize, F::Output);
    type Branches = Vec<Pin<Box<F>>>;

    fn into_branches(self) -> Self::Branches {
        self.into_iter().map(Box::pin).collect()
    }

    fn output(won: (usize, F::Output)) -> Self::Output {
        won
    }
}

impl<F: Future, const N: usize> Raceable for [F; N] {
    type Output = (usize, F::Output);
    type Branches = Vec<Pin<Box<F>>>;

    fn into_branches(self) -> Self::Branches {
        self.into_iter().map(Box::pin).collect()
    }

    fn output(won: (usize, F::Output)) -> Self::Output {
        won
    }
}

/// The type of a list of branches.
macro_rules! branches {
    () => { NoBranch };
    ($first:ty $(, $rest:ty)*) => { Branch<$first, branches!($($rest),*)> };
}

/// The list of branches.
macro_rules! branch_list {
    () => { NoBranch };
    ($first:expr $(, $rest:expr)*) => { Branch::new($first, branch_list!($($rest),*)) };
}

/// Makes the arms of a match, from a list of branches to an enum.
macro_rules! winner {
    ($won:expr, $winner:ident:) => { match $won {} };
    ($won:expr, $winner:ident: $variant:ident $($rest:ident)*) => {
        match $won {
            Won::Here(output) => $winner::$variant(output),
            Won::There(others) => winner!(others, $winner: $($rest)*),
        }
    };
}

/// The output of an enum whose variants have one type.
macro_rules! same {
    ($_variant:ident) => {
        T
    };
}

macro_rules! races {
    ($($winner:ident: $($name:ident $variant:ident $index:tt)+;)*) => {$(
        /// Which future of a [`race`](crate::race) has won, and what it gave.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum $winner<$($name),+> {
            $(
                #[doc = concat!("The future at place ", stringify!($index), ".")]
                $variant($name),
            )+
        }

        impl<$($name),+> $winner<$($name),+> {
            /// Returns the place of the winner, from 0.
            pub fn index(&self) -> usize {
                match self {
                    $(Self::$variant(_) => $index,)+
                }
            }
        }

        impl<T> $winner<$(same!($variant)),+> {
            /// Gives the output, whoever won.
            pub fn into_inner(self) -> T {
                match self {
                    $(Self::$variant(output) => output,)+
                }
            }
        }

        impl<$($name: Future),+> Raceable for ($($name,)+) {
            type Output = $winner<$($name::Output),+>;
            type Branches = branches!($($name),+);

            fn into_branches(self) -> Self::Branches {
                branch_list!($(self.$index),+)
            }

            fn output(won: <Self::Branches as Branches>::Output) -> Self::Output {
                winner!(won, $winner: $($variant)+)
            }
        }
    )*};
}

races! {
    Winner2: A First 0 B Second 1;
    Winner3: A First 0 B Second 1 C Third 2;
    Winner4: A First 0 B Second 1 C Third 2 D Fourth 3;
    Winner5: A First 0 B Second 1 C Third 2 D Fourth 3 E Fifth 4;
    Winner6: A First 0 B Second 1 C Third 2 D Fourth 3 E Fifth 4 F Sixth 5;
    Winner7: A First 0 B Second 1 C Third 2 D Fourth 3 E Fifth 4 F Sixth 5 G Seventh 6;
    Winner8: A First 0 B Second 1 C Third 2 D Fourth 3 E Fifth 4 F Sixth 5 G Seventh 6 H Eighth 7;
}
