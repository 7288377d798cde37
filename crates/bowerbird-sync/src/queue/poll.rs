//! One poll of a get, a put and a join.
//!
//! A waker is cloned beside the lock: a look that finds nothing is repeated with the clone in hand.

use std::panic::resume_unwind;
use std::task::{Context, Poll};

use super::line::Turn;
use super::order::{Items, Lock, Order};
use super::state::Step;
use super::{Locked, Queue, QueueShutDown};
use crate::wait_list::{Called, Key, Stand};

impl<T, O: Order<T>> Queue<T, O> {
    /// Puts the item, if that is all there is to do; most puts are this. `Err`: there is more, in this lock.
    #[inline(always)]
    pub(super) fn put_at_once(&self, item: &mut Option<T>) -> Result<(), Locked<'_, T, O>> {
        let mut state = self.state.lock();
        let Some(pushed) = state.put_at_once(item) else { return Err(Step(state)) };
        drop(state);
        if let Err(panic) = pushed {
            resume_unwind(panic);
        }
        Ok(())
    }

    /// Takes the next item, if that is all there is to do.
    #[inline(always)]
    pub(super) fn get_at_once(&self) -> Result<T, Locked<'_, T, O>> {
        let mut state = self.state.lock();
        state.get_at_once().ok_or_else(|| Step(state))
    }

    /// One poll of a get. `first`: the lock is taken, for the first look.
    pub(super) fn poll_get<'a>(
        &'a self,
        key: &mut Option<Key>,
        cx: &mut Context<'_>,
        mut first: Option<Locked<'a, T, O>>,
    ) -> Poll<Result<T, QueueShutDown>> {
        let mut fresh = None;
        loop {
            let (mut called, mut _old) = (Called::default(), None);
            let mut state = first.take().unwrap_or_else(|| self.lock());
            let turn = state.getters.turn(key.as_ref());
            if state.may_get(turn) {
                // The comparisons of a heap come before anything is changed, so a panic loses nothing.
                let item = state.items.pop();
                _old = state.getters.leave(key);
                state.serve(&mut called);
                drop(state);
                called.wake();
                match item {
                    Some(item) => return Poll::Ready(Ok(item)),
                    None => unreachable!("a queue that is not empty has an item"),
                }
            }
            if turn != Turn::Waiting && state.is_shut_down {
                _old = state.getters.leave(key);
                drop(state);
                return Poll::Ready(Err(QueueShutDown(())));
            }
            match state.getters.wait(key, cx.waker(), &mut fresh) {
                Stand::Stands(old) => _old = old,
                Stand::NeedsWaker => {
                    drop(state);
                    fresh = Some(cx.waker().clone());
                    continue;
                }
            }
            drop(state);
            return Poll::Pending;
        }
    }

    /// One poll of a put. `first`: the lock is taken, for the first look.
    pub(super) fn poll_put<'a>(
        &'a self,
        key: &mut Option<Key>,
        item: &mut Option<T>,
        cx: &mut Context<'_>,
        mut first: Option<Locked<'a, T, O>>,
    ) -> Poll<Result<(), QueueShutDown<T>>> {
        let mut fresh = None;
        loop {
            let (mut called, mut _old) = (Called::default(), None);
            let mut state = first.take().unwrap_or_else(|| self.lock());
            let turn = state.putters.turn(key.as_ref());
            if turn != Turn::Waiting && state.is_shut_down {
                _old = state.putters.leave(key);
                drop(state);
                return Poll::Ready(item.take().map_or(Ok(()), |item| Err(QueueShutDown(item))));
            }
            if state.may_put(turn) {
                _old = state.putters.leave(key);
                let pushed = item.take().map(|item| state.push(item, &mut called));
                drop(state);
                called.wake();
                if let Some(Err(panic)) = pushed {
                    resume_unwind(panic);
                }
                return Poll::Ready(Ok(()));
            }
            match state.putters.wait(key, cx.waker(), &mut fresh) {
                Stand::Stands(old) => _old = old,
                Stand::NeedsWaker => {
                    drop(state);
                    fresh = Some(cx.waker().clone());
                    continue;
                }
            }
            drop(state);
            return Poll::Pending;
        }
    }

    pub(super) fn poll_join(&self, key: &mut Option<Key>, cx: &mut Context<'_>) -> Poll<()> {
        let mut fresh = None;
        loop {
            let mut _old = None;
            let mut state = self.lock();
            let is_over = match &*key {
                None => state.unfinished == 0,
                Some(own) => state.joiners.is_called(own),
            };
            if is_over {
                _old = state.leave_join(key);
                drop(state);
                return Poll::Ready(());
            }
            match state.joiners.stand(key, (), cx.waker(), &mut fresh) {
                Stand::Stands(old) => _old = old,
                Stand::NeedsWaker => {
                    drop(state);
                    fresh = Some(cx.waker().clone());
                    continue;
                }
            }
            drop(state);
            return Poll::Pending;
        }
    }

    /// Gives up a get: what it was called for goes to the next.
    pub(super) fn leave_get(&self, key: &mut Option<Key>) {
        let mut called = Called::default();
        let mut state = self.lock();
        let _old = state.getters.leave(key);
        state.serve(&mut called);
        drop(state);
        called.wake();
    }

    /// Gives up a put: the place that it was called for goes to the next.
    pub(super) fn leave_put(&self, key: &mut Option<Key>) {
        let mut called = Called::default();
        let mut state = self.lock();
        let _old = state.putters.leave(key);
        state.serve(&mut called);
        drop(state);
        called.wake();
    }

    pub(super) fn leave_join(&self, key: &mut Option<Key>) {
        let mut state = self.lock();
        let _old = state.leave_join(key);
        drop(state);
    }
}
