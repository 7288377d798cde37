//! Several futures in one task, without spawning.

use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll};

use bowerbird_base::call_site::CallSite;
use bowerbird_base::debug;
use bowerbird_base::poll_context::{self, Delivery, Request};
use pin_project_lite::pin_project;

use crate::scope::{Cancelling, anew, offer_again};

/// Polls several futures in this task until all have ended, and gives their outputs.
///
/// asyncio: no counterpart; `gather` makes tasks. The futures may borrow, need not be `Send`, and run one
/// at a time, in the order of the arguments. Takes a tuple of two to eight futures.
///
/// # Cancel safety
/// The outputs of futures that had ended are lost, and the others are dropped half-way.
///
/// # Examples
/// ```
/// bowerbird::run(async {
///     let name = String::from("borrowed");
///     let (a, b) = bowerbird::join((async { name.len() }, async { 2 })).await;
///     assert_eq!((a, b), (8, 2));
/// });
/// ```
#[track_caller]
pub fn join<J: Join>(futures: J) -> J::Future {
    futures.join(CallSite::new("join"))
}

/// Polls several fallible futures in this task until all have ended well or one has failed.
///
/// asyncio: the rule of `gather` (the first error is raised), but the others are dropped.
///
/// # Cancel safety
/// As [`join`].
///
/// # Errors
/// The first error, in the order of time.
///
/// # Examples
/// ```
/// bowerbird::run(async {
///     let all: Result<(i32, i32), &str> = bowerbird::try_join((async { Ok(1) }, async { Err("no") })).await;
///     assert_eq!(all, Err("no"));
/// });
/// ```
#[track_caller]
pub fn try_join<J: TryJoin>(futures: J) -> J::Future {
    futures.try_join(CallSite::new("try_join"))
}

/// What [`join`] takes: tuples of two to eight futures.
pub trait Join {
    /// The future of all of them.
    type Future: Future;
    /// Makes it.
    #[doc(hidden)]
    fn join(self, site: CallSite) -> Self::Future;
}

/// What [`try_join`] takes: tuples of two to eight futures whose outputs are `Result`s with one type of error.
pub trait TryJoin {
    /// The future of all of them.
    type Future: Future;
    /// Makes it.
    #[doc(hidden)]
    fn try_join(self, site: CallSite) -> Self::Future;
}

pin_project! {
    /// A future, or its output once it has ended.
    struct Branch<F: Future> {
        #[pin]
        future: Option<F>,
        output: Option<F::Output>,
        // A request unwound the branch; its future is dropped with the join.
        is_unwound: bool,
    }

    impl<F: Future> PinnedDrop for Branch<F> {
        /// In debug mode the join says that it was not awaited; a branch that it still has is cut off.
        fn drop(this: Pin<&mut Self>) {
            let mut this = this.project();
            if this.future.is_some() {
                debug::quietly(|| this.future.set(None));
            }
        }
    }
}

impl<F: Future> Branch<F> {
    fn new(future: F) -> Self {
        Self { future: Some(future), output: None, is_unwound: false }
    }

    /// Polls the branch if it runs. Rule 6 of the protocol of cancellation: every branch is offered the
    /// request; one that leaves it unwinds, and waits for the others.
    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>, unwinding: &mut Unwinding) {
        let mut this = self.project();
        let Some(future) = this.future.as_mut().as_pin_mut() else { return };
        if *this.is_unwound {
            return;
        }
        if let Some(request) = &unwinding.offered {
            poll_context::offer(request.clone());
        }
        let polled = future.poll(cx);
        let left = poll_context::take_request();
        match polled {
            Poll::Ready(output) => {
                *this.output = Some(output);
                this.future.set(None);
                // It ended without taking the request, or had kept it behind a shield.
                if let Some((request, _)) = left {
                    request.merge_into(&mut unwinding.kept.left);
                }
            }
            Poll::Pending => match left {
                Some((request, _)) => {
                    *this.is_unwound = true;
                    unwinding.unwound(request);
                }
                None => unwinding.is_waiting = true,
            },
        }
    }
}

/// What a join remembers from one poll to the next.
#[derive(Debug, Default)]
struct Kept {
    /// What unwound a branch.
    unwound: Option<Request>,
    /// What a branch left when it ended: it is offered again after the join, unless another branch has taken
    /// it back with `uncancel` (rule 4).
    left: Option<Request>,
    cancelling: Cancelling,
}

/// The requests of one poll of a join.
#[derive(Debug, Default)]
struct Unwinding {
    /// What every branch is offered in this round.
    offered: Option<Request>,
    kept: Kept,
    /// A branch unwound by itself: the rest is offered its request in another round.
    needs_round: bool,
    /// A branch runs on.
    is_waiting: bool,
}

impl Unwinding {
    /// Begins a poll: takes the request that is offered. One that unwinds is a sibling's under a foreign
    /// combinator (rule 5): it is set aside, and `end` puts it back.
    fn begin(mut kept: Kept) -> (Self, Option<Request>) {
        kept.cancelling.note();
        let (offered, aside) = match poll_context::take_request() {
            Some((request, Delivery::Offered)) => (Some(request), None),
            Some((request, _)) => (None, Some(request)),
            None => (None, None),
        };
        (Self { offered, kept, ..Self::default() }, aside)
    }

    fn unwound(&mut self, request: Request) {
        self.needs_round |= self.offered.is_none();
        request.merge_into(&mut self.kept.unwound);
    }

    /// Whether the branches are to be polled once more, with the request of the one that unwound.
    fn next_round(&mut self) -> bool {
        let again = std::mem::take(&mut self.needs_round) && self.is_waiting;
        if again {
            self.offered = self.kept.unwound.clone().map(anew);
            self.is_waiting = false;
        }
        again
    }

    /// All branches have ended or unwound, and one has unwound: the join passes the request on.
    fn pass_on(&self, cx: &mut Context<'_>) -> bool {
        match &self.kept.unwound {
            Some(request) if !self.is_waiting => {
                poll_context::raise(request.clone());
                poll_context::yield_now(cx);
                true
            }
            _ => false,
        }
    }

    /// The join has a result: what a branch left is offered to what comes next.
    fn offer_left(self) {
        let Kept { left, cancelling, .. } = self.kept;
        let left = left.filter(|request| !cancelling.was_taken_back(request));
        left.into_iter().for_each(offer_again);
    }
}

fn put_back(aside: Option<Request>) {
    if let Some(request) = aside {
        poll_context::raise(request);
    }
}

macro_rules! joins {
    ($($join:ident $try_join:ident: $($name:ident $output:ident)+;)*) => {$(
        pin_project! {
            /// The future of [`join`](crate::join) for a tuple.
            #[must_use = "futures do nothing unless awaited"]
            pub struct $join<$($name: Future),+> { $(#[pin] $name: Branch<$name>,)+ kept: Kept, site: CallSite }
        }

        impl<$($name: Future),+> fmt::Debug for $join<$($name),+> {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.debug_struct(stringify!($join)).finish_non_exhaustive()
            }
        }

        impl<$($name: Future),+> Future for $join<$($name),+> {
            type Output = ($($name::Output,)+);

            fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
                let mut this = self.project();
                this.site.polled();
                let (mut unwinding, aside) = Unwinding::begin(std::mem::take(this.kept));
                loop {
                    $(this.$name.as_mut().poll(cx, &mut unwinding);)+
                    if !unwinding.next_round() {
                        break;
                    }
                }
                put_back(aside);
                if unwinding.pass_on(cx) || unwinding.is_waiting {
                    *this.kept = unwinding.kept;
                    return Poll::Pending;
                }
                unwinding.offer_left();
                Poll::Ready(($(this.$name.project().output.take().expect("the join was polled after its end"),)+))
            }
        }

        impl<$($name: Future),+> Join for ($($name,)+) {
            type Future = $join<$($name),+>;

            fn join(self, site: CallSite) -> Self::Future {
                let ($($name,)+) = self;
                $join { $($name: Branch::new($name),)+ kept: Kept::default(), site }
            }
        }

        pin_project! {
            /// The future of [`try_join`](crate::try_join) for a tuple.
            #[must_use = "futures do nothing unless awaited"]
            pub struct $try_join<$($name: Future),+> { $(#[pin] $name: Branch<$name>,)+ kept: Kept, site: CallSite }
        }

        impl<$($name: Future),+> fmt::Debug for $try_join<$($name),+> {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.debug_struct(stringify!($try_join)).finish_non_exhaustive()
            }
        }

        impl<Error, $($name, $output),+> Future for $try_join<$($name),+>
        where
            $($name: Future<Output = Result<$output, Error>>),+
        {
            type Output = Result<($($output,)+), Error>;

            fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
                let mut this = self.project();
                this.site.polled();
                let (mut unwinding, aside) = Unwinding::begin(std::mem::take(this.kept));
                loop {
                    $(
                        this.$name.as_mut().poll(cx, &mut unwinding);
                        let output = this.$name.as_mut().project().output;
                        match output.take() {
                            Some(Err(error)) => {
                                put_back(aside);
                                unwinding.offer_left();
                                return Poll::Ready(Err(error));
                            }
                            other => *output = other,
                        }
                    )+
                    if !unwinding.next_round() {
                        break;
                    }
                }
                put_back(aside);
                if unwinding.pass_on(cx) || unwinding.is_waiting {
                    *this.kept = unwinding.kept;
                    return Poll::Pending;
                }
                unwinding.offer_left();
                Poll::Ready(Ok(($(match this.$name.project().output.take() {
                    Some(Ok(value)) => value,
                    _ => panic!("the join was polled after its end"),
                },)+)))
            }
        }

        impl<Error, $($name, $output),+> TryJoin for ($($name,)+)
        where
            $($name: Future<Output = Result<$output, Error>>),+
        {
            type Future = $try_join<$($name),+>;

            fn try_join(self, site: CallSite) -> Self::Future {
                let ($($name,)+) = self;
                $try_join { $($name: Branch::new($name),)+ kept: Kept::default(), site }
            }
        }
    )*};
}

joins! {
    Join2 TryJoin2: A TA B TB;
    Join3 TryJoin3: A TA B TB C TC;
    Join4 TryJoin4: A TA B TB C TC D TD;
    Join5 TryJoin5: A TA B TB C TC D TD E TE;
    Join6 TryJoin6: A TA B TB C TC D TD E TE F TF;
    Join7 TryJoin7: A TA B TB C TC D TD E TE F TF G TG;
    Join8 TryJoin8: A TA B TB C TC D TD E TE F TF G TG H TH;
}
