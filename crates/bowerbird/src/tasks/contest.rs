//! Several futures in one task, of which one is to answer: what stands under `race`, `select!` and
//! `staggered_race`.
//!
//! A poll goes round the branches, from a random one on or from the first, until one gives a value that
//! counts. The contest itself keeps the losers; the [scope](crate::scope) around it drops them, and runs the
//! cleanups that they leave behind before the value is given.
//!
//! # Requests (rule 6 of the protocol of cancellation)
//! ```text
//!   offered: every branch is offered it, in their order
//!     a branch answers with a value ---> the value; if all branches took the request it is gone,
//!                                        else it stays offered, for the next suspension
//!     some took it, some unwound ------> those that took it go on; the request is kept for the end
//!     all unwound ---------------------> the contest passes it on
//!   a branch unwinds by itself --------> its request is offered to the others, in one more round
//! ```
//! A branch that was not asked because another had answered before counts as one that did not take the
//! request: a cancellation is never lost by the order of the branches. What whoever caught it has taken back
//! with `uncancel` is not offered again (rule 4).

use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll};

use bowerbird_base::poll_context::{self, Delivery, Request};
use bowerbird_core::random_below;
use pin_project_lite::pin_project;

use crate::scope::{Cancelling, anew, offer_again};

/// The futures of a contest.
pub trait Branches {
    /// What the one that wins gives.
    type Output;
    /// How many there are.
    #[doc(hidden)]
    fn count(&self) -> usize;
    /// Polls one of them, which has not given a value.
    #[doc(hidden)]
    fn poll_branch(self: Pin<&mut Self>, index: usize, cx: &mut Context<'_>) -> Poll<Self::Output>;
}

pin_project! {
    /// A branch and those behind it.
    #[derive(Debug)]
    pub struct Branch<F, R> {
        #[pin]
        future: F,
        #[pin]
        rest: R,
    }
}

impl<F, R> Branch<F, R> {
    /// Puts a branch before others.
    pub fn new(future: F, rest: R) -> Self {
        Self { future, rest }
    }
}

/// No branch.
#[derive(Debug)]
pub struct NoBranch;

/// The value of a branch, or of one behind it.
#[derive(Debug)]
pub enum Won<A, B> {
    /// Of this one.
    Here(A),
    /// Of one behind it.
    There(B),
}

impl<F: Future, R: Branches> Branches for Branch<F, R> {
    type Output = Won<F::Output, R::Output>;

    fn count(&self) -> usize {
        1 + self.rest.count()
    }

    #[inline]
    fn poll_branch(self: Pin<&mut Self>, index: usize, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        match index {
            0 => this.future.poll(cx).map(Won::Here),
            _ => this.rest.poll_branch(index - 1, cx).map(Won::There),
        }
    }
}

impl Branches for NoBranch {
    type Output = Infallible;

    fn count(&self) -> usize {
        0
    }

    fn poll_branch(self: Pin<&mut Self>, _: usize, _: &mut Context<'_>) -> Poll<Infallible> {
        Poll::Pending
    }
}

/// Each in a box of its own: a pinned `Vec` has no safe way to its elements.
impl<F: Future> Branches for Vec<Pin<Box<F>>> {
    type Output = (usize, F::Output);

    fn count(&self) -> usize {
        self.len()
    }

    fn poll_branch(self: Pin<&mut Self>, index: usize, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let branches = self.get_mut();
        branches[index].as_mut().poll(cx).map(|output| (index, output))
    }
}

/// The branches that are not polled any more: disabled ones, and those that a request unwound.
#[derive(Debug, Default)]
pub(crate) struct Skipped {
    first: u64,
    /// Beyond the first 64.
    others: Vec<u64>,
}

impl Skipped {
    /// Those of the first 64 whose bit is set.
    pub(crate) fn from_mask(mask: u64) -> Self {
        Self { first: mask, others: Vec::new() }
    }

    fn contains(&self, index: usize) -> bool {
        let word = match index / 64 {
            0 => self.first,
            word => self.others.get(word - 1).copied().unwrap_or(0),
        };
        word >> (index % 64) & 1 != 0
    }

    fn insert(&mut self, index: usize) {
        let word = match index / 64 {
            0 => &mut self.first,
            word => {
                self.others.resize(self.others.len().max(word), 0);
                &mut self.others[word - 1]
            }
        };
        *word |= 1 << (index % 64);
    }
}

pin_project! {
    /// The branches and what is known of them.
    #[derive(Debug)]
    pub(crate) struct Contest<B> {
        #[pin]
        pub(crate) branches: B,
        skipped: Skipped,
        // The request that unwound a branch while others went on.
        kept: Option<Request>,
        cancelling: Cancelling,
        pub(crate) is_biased: bool,
    }
}

/// One poll of a contest.
struct Round {
    /// What every branch is offered.
    offered: Option<Request>,
    /// A branch goes on.
    is_waiting: bool,
    /// A branch unwound by itself: the others are to be offered its request.
    has_spread: bool,
}

enum Asked<T> {
    /// The branch has a value that counts. The request stays offered, if there is one.
    Answered(T, Option<Request>),
    GoesOn,
}

impl<B: Branches> Contest<B> {
    pub(crate) fn new(branches: B, skipped: Skipped, is_biased: bool) -> Self {
        Self { branches, skipped, kept: None, cancelling: Cancelling::default(), is_biased }
    }

    /// Whether a request has unwound a branch, and waits for the others.
    pub(crate) fn is_unwinding(&self) -> bool {
        self.kept.is_some()
    }

    /// Polls the branches until `judge` accepts the value of one. `None`: no branch is left, since all were
    /// disabled or gave values that were not accepted. The caller stands in a scope, which sets a sibling's
    /// request aside.
    pub(crate) fn poll<T>(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        mut judge: impl FnMut(B::Output) -> Option<T>,
    ) -> Poll<Option<T>> {
        self.as_mut().project().cancelling.note();
        let offered = take_offered();
        let mut round = Round { offered, is_waiting: false, has_spread: false };
        loop {
            let count = self.branches.count();
            let start = if self.is_biased || round.offered.is_some() { 0 } else { first_of(count) };
            for turn in 0..count {
                let index = if turn < count - start { start + turn } else { turn + start - count };
                if self.skipped.contains(index) {
                    continue;
                }
                match self.as_mut().ask(index, &mut round, cx, &mut judge) {
                    Asked::Answered(value, request) => {
                        request.into_iter().for_each(offer_again);
                        return Poll::Ready(Some(value));
                    }
                    Asked::GoesOn => {}
                }
            }
            if !(round.has_spread && round.is_waiting) {
                break;
            }
            let offered = self.kept.clone().map(anew);
            round = Round { offered, is_waiting: false, has_spread: false };
        }
        self.end(round.is_waiting, cx)
    }

    /// Polls one branch with the request that is offered, if there is one.
    fn ask<T>(
        mut self: Pin<&mut Self>,
        index: usize,
        round: &mut Round,
        cx: &mut Context<'_>,
        judge: &mut impl FnMut(B::Output) -> Option<T>,
    ) -> Asked<T> {
        round.offered.iter().cloned().for_each(poll_context::offer);
        let polled = self.as_mut().project().branches.poll_branch(index, cx);
        let left = poll_context::take_request().map(|(request, _)| request);
        let this = self.as_mut().project();
        match polled {
            Poll::Ready(output) => {
                this.skipped.insert(index);
                match judge(output) {
                    Some(value) => {
                        let kept = this.kept.take().or(left);
                        let request = kept.or_else(|| self.not_asked(index, round));
                        let request =
                            request.filter(|request| !self.cancelling.was_taken_back(request));
                        return Asked::Answered(value, request);
                    }
                    None => {
                        if let Some(request) = left {
                            request.merge_into(this.kept);
                        }
                    }
                }
            }
            Poll::Pending => match left {
                Some(request) => {
                    this.skipped.insert(index);
                    request.merge_into(this.kept);
                    round.has_spread |= round.offered.is_none();
                }
                None => round.is_waiting = true,
            },
        }
        Asked::GoesOn
    }

    /// The request, if a branch behind the one at `index` was not asked whether it takes it.
    fn not_asked(&self, index: usize, round: &mut Round) -> Option<Request> {
        let mut behind = index + 1..self.branches.count();
        if behind.any(|index| !self.skipped.contains(index)) { round.offered.take() } else { None }
    }

    /// No branch has answered.
    fn end<T>(self: Pin<&mut Self>, is_waiting: bool, cx: &mut Context<'_>) -> Poll<Option<T>> {
        if is_waiting {
            return Poll::Pending;
        }
        match self.project().kept.take() {
            Some(request) => {
                poll_context::raise(request);
                poll_context::yield_now(cx);
                Poll::Pending
            }
            None => Poll::Ready(None),
        }
    }
}

fn take_offered() -> Option<Request> {
    if poll_context::delivery() == Delivery::Offered {
        return poll_context::take_request().map(|(request, _)| request);
    }
    None
}

/// Where a fair round begins.
fn first_of(count: usize) -> usize {
    match u32::try_from(count) {
        Ok(count @ 2..) => random_below(count) as usize,
        _ => 0,
    }
}
