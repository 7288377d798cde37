//! The one allocation of a channel, and the two halves that own it together.
//!
//! The state word (state.rs) says who may touch which field; here is where they are touched.

use std::mem::{ManuallyDrop, MaybeUninit};
use std::ptr::NonNull;
use std::task::{RawWakerVTable, Waker};

use bowerbird_base::sync::IS_MODEL;
use bowerbird_base::sync::cell::UnsafeCell;
use bowerbird_base::wake_all::wake;

use super::state::{Claimed, HangUp, Seen, Side, State};

struct Block<T> {
    state: State,
    receiver_waker: UnsafeCell<Option<Waker>>,
    sender_waker: UnsafeCell<Option<Waker>>,
    value: UnsafeCell<MaybeUninit<T>>,
}

impl<T> Drop for Block<T> {
    fn drop(&mut self) {
        if IS_MODEL {
            // A model takes the free for a write to every field, so that it sees who came too late.
            self.receiver_waker.with_mut(|_| ());
            self.sender_waker.with_mut(|_| ());
            self.value.with_mut(|_| ());
        }
    }
}

/// What a deciding edge took out of the cells: to be used after the block has been left.
struct Taken {
    receiver: Option<Waker>,
    sender: Option<Waker>,
}

/// One side's hold of the block.
struct Half<T> {
    block: NonNull<Block<T>>,
    side: Side,
    /// Data and vtable of the waker that this side registered last. The clone stays alive in the cell as
    /// long as the bit is set, so equal pointers mean the same waker.
    registered: Option<(usize, &'static RawWakerVTable)>,
}

// SAFETY: the state word orders all accesses to the block (ORD-1 to ORD-3), and what passes from thread
// to thread is a `T` and wakers.
unsafe impl<T: Send> Send for Half<T> {}
// SAFETY: through a shared half only the state word can be read.
unsafe impl<T: Send> Sync for Half<T> {}

/// The sending half.
pub(super) struct TxHalf<T>(Half<T>);

/// The receiving half.
pub(super) struct RxHalf<T>(Half<T>);

/// Makes a block and its halves.
pub(super) fn pair<T>() -> (TxHalf<T>, RxHalf<T>) {
    let block = Box::new(Block {
        state: State::new(),
        receiver_waker: UnsafeCell::new(None),
        sender_waker: UnsafeCell::new(None),
        value: UnsafeCell::new(MaybeUninit::uninit()),
    });
    let block = NonNull::from(Box::leak(block));
    (
        TxHalf(Half { block, side: Side::Sender, registered: None }),
        RxHalf(Half { block, side: Side::Receiver, registered: None }),
    )
}

impl<T> Half<T> {
    #[inline]
    fn block(&self) -> &Block<T> {
        // SAFETY: a half exists only until its side leaves, and the block is freed when both have left.
        unsafe { self.block.as_ref() }
    }

    fn cell(&self, side: Side) -> &UnsafeCell<Option<Waker>> {
        match side {
            Side::Sender => &self.block().sender_waker,
            Side::Receiver => &self.block().receiver_waker,
        }
    }

    /// Swaps what this side's cell holds. Call it only while the field-access table gives the cell to us.
    ///
    /// # Safety
    /// The caller owns the cell of `side`.
    unsafe fn swap_waker(&self, side: Side, waker: Option<Waker>) -> Option<Waker> {
        // SAFETY: by the contract nobody else touches the cell.
        self.cell(side).with_mut(|cell| unsafe { std::mem::replace(&mut *cell, waker) })
    }

    /// Takes the wakers that an edge claimed.
    fn take_claimed(&self, claimed: Claimed) -> Taken {
        let take = |side| {
            // SAFETY: the edge cleared the bit of this cell, which gave the cell to us (field access).
            claimed.includes(side).then(|| unsafe { self.swap_waker(side, None) }).flatten()
        };
        Taken { receiver: take(Side::Receiver), sender: take(Side::Sender) }
    }

    /// Makes sure that `waker` is woken when the other side decides. `false`: it has.
    fn register(&mut self, seen: Seen, waker: &Waker) -> bool {
        let fresh = (waker.data() as usize, waker.vtable());
        if seen.is_registered(self.side) && self.registered == Some(fresh) {
            return true;
        }
        // A clone may run any code, so it is made while the cell is in a state that can be left as it is.
        let clone = waker.clone();
        let clone_id = (clone.data() as usize, clone.vtable());
        let _old = if seen.is_registered(self.side) {
            match self.unregister() {
                Some(old) => old,
                None => return false,
            }
        } else {
            None
        };
        // SAFETY: our waker bit is clear and only we set it, so the cell is ours (field access).
        let _none = unsafe { self.swap_waker(self.side, Some(clone)) };
        self.registered = Some(clone_id);
        if self.block().state.register(self.side) {
            return true;
        }
        // SAFETY: the bit was not set, so the cell stayed ours.
        let _clone = unsafe { self.swap_waker(self.side, None) };
        false
    }

    /// Takes this side's waker back. `None`: whoever decided meanwhile has it.
    fn unregister(&mut self) -> Option<Option<Waker>> {
        self.registered = None;
        if !self.block().state.unregister(self.side) {
            return None;
        }
        // SAFETY: edge 3 gave the cell back to us.
        Some(unsafe { self.swap_waker(self.side, None) })
    }

    /// Leaves the block, and frees it if the other side has left.
    #[inline]
    fn leave(&self) {
        if self.block().state.leave(self.side) {
            // SAFETY: the other side is gone (edge 7), and ours is about to be.
            unsafe { self.free() };
        }
    }

    /// Empties the cells of an edge, leaves, and only then wakes the other side. The waker of our own side
    /// is dropped last, also if the wake panics.
    #[inline]
    fn leave_and_wake(&self, claimed: Claimed) {
        let Taken { sender, receiver } = self.take_claimed(claimed);
        self.leave();
        let (other, _own) = match self.side {
            Side::Sender => (receiver, sender),
            Side::Receiver => (sender, receiver),
        };
        if let Some(waker) = other {
            wake(waker);
        }
    }

    /// Reads the value out of its cell.
    ///
    /// # Safety
    /// The cell holds a value and is the caller's (field access), who does not read it again.
    #[inline]
    unsafe fn read_value(&self) -> T {
        self.block().value.with(|cell| {
            // SAFETY: by the contract nobody else touches the cell.
            let slot = unsafe { &*cell };
            // SAFETY: by the contract it is initialised, and read once.
            unsafe { slot.assume_init_read() }
        })
    }

    /// # Safety
    /// The other side is gone, the value has been taken if there was one, and `self` is not used after.
    #[inline]
    unsafe fn free(&self) {
        // SAFETY: the pointer came from a `Box` and by the contract nobody else has it.
        drop(unsafe { Box::from_raw(self.block.as_ptr()) });
    }
}

impl<T> TxHalf<T> {
    /// What the call graph knows the channel by.
    pub(super) fn address(&self) -> u64 {
        self.0.block.as_ptr().addr() as u64
    }

    #[inline]
    pub(super) fn look(&self) -> Seen {
        self.0.block().state.look()
    }

    /// Sends and leaves.
    #[inline]
    pub(super) fn send(self, value: T) -> Result<(), T> {
        let block = self.0.block();
        // SAFETY: until edge 1 the value cell is the sender's.
        block.value.with_mut(|cell| unsafe { (*cell).write(value) });
        let Ok(claimed) = block.state.send() else {
            // SAFETY: refused: the cell is still ours, and holds what was just written.
            return Err(unsafe { self.0.read_value() });
        };
        let this = ManuallyDrop::new(self);
        if !claimed.is_none() {
            this.0.leave_and_wake(claimed);
        }
        Ok(())
    }

    pub(super) fn register(&mut self, seen: Seen, waker: &Waker) -> bool {
        self.0.register(seen, waker)
    }

    /// Takes the waker of a wait that was given up.
    pub(super) fn unregister(&mut self) {
        if self.look().is_registered(Side::Sender) {
            drop(self.0.unregister());
        }
    }
}

impl<T> Drop for TxHalf<T> {
    fn drop(&mut self) {
        match self.0.block().state.hang_up() {
            HangUp::Left => {}
            // SAFETY: the receiver is gone, and a value was never left in the block (edge 1 did not happen).
            HangUp::Free => unsafe { self.0.free() },
            HangUp::Take(claimed) => self.0.leave_and_wake(claimed),
        }
    }
}

impl<T> RxHalf<T> {
    /// What the call graph knows the channel by.
    pub(super) fn address(&self) -> u64 {
        self.0.block.as_ptr().addr() as u64
    }

    #[inline]
    pub(super) fn look(&self) -> Seen {
        self.0.block().state.look()
    }

    /// Takes the value, if `seen` shows one, and leaves.
    #[inline]
    pub(super) fn finish(self, seen: Seen) -> Option<T> {
        let this = ManuallyDrop::new(self);
        // SAFETY: VALUE was seen (edge 1); this half leaves right here, so it is read once.
        let value = seen.has_value().then(|| unsafe { this.0.read_value() });
        if seen.is_sender_gone() {
            // SAFETY: the sender is gone and the value is out; `this` is not used after.
            unsafe { this.0.free() };
        } else {
            this.0.leave_and_wake(this.0.block().state.close());
        }
        value
    }

    pub(super) fn register(&mut self, seen: Seen, waker: &Waker) -> bool {
        self.0.register(seen, waker)
    }

    /// Closes, keeping what was sent before.
    pub(super) fn close(&mut self) {
        self.0.registered = None;
        let Taken { sender, receiver: _own } = self.0.take_claimed(self.0.block().state.close());
        if let Some(waker) = sender {
            wake(waker);
        }
    }
}

impl<T> Drop for RxHalf<T> {
    fn drop(&mut self) {
        let block = self.0.block();
        if block.state.abandon() {
            return;
        }
        // After the close nothing more arrives: what is there now is all there will be.
        let claimed = block.state.close();
        // SAFETY: VALUE was seen (edge 1), and a half that is dropped has not taken the value.
        let _value = block.state.look().has_value().then(|| unsafe { self.0.read_value() });
        self.0.leave_and_wake(claimed);
    }
}
