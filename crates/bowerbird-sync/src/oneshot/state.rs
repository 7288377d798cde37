//! The state word of a oneshot channel: every read and write of it.
//!
//! # Picture
//! ```text
//!          .------------------ 2 register, 3 unregister (either side) ------------.
//!          v                                                                      |
//!   --> OPEN ----- 1 send -----> SENT ------ 7 leave (receiver, value taken) --> freed by the last to leave
//!        | |
//!        | '------ 4 hang up --> HUNG UP --- 7 leave (receiver) --------------->  "
//!        |
//!        '-------- 5 close ----> CLOSED ---- 4 hang up (sender), 7 leave ------>  "
//!        '-------- 6 abandon --> CLOSED, receiver gone -- 4 hang up ----------->  "
//! ```
//! Two handles share one block. The first of edges 1, 4 and 5 decides what the channel comes to; both
//! sides then leave, and the second to leave frees the block. A side that finds no waker decides and
//! leaves in one step; otherwise it decides, takes the wakers out of the block, and leaves (edge 7).
//!
//! # Bits
//! - `VALUE`: the value is in the block. Set by 1, never cleared. Not with `CLOSED`.
//! - `TX_DONE`: the sender has sent or hung up. Set by 1 and 4, never cleared.
//! - `TX_GONE`: the sender does not touch the block any more. Set by 1, 4 and 7. Only with `TX_DONE`.
//! - `CLOSED`: no value will be taken. Set by 5 and 6, never cleared. Not with `VALUE`.
//! - `RX_GONE`: the receiver does not touch the block any more. Set by 6 and 7.
//! - `RX_WAKER`, `TX_WAKER`: the cell of that side holds a waker. Set by 2, cleared by 3 and by whoever
//!   decides (1, 4, 5, 6). Not with `TX_DONE`, not with `CLOSED`.
//!
//! Who owns the block: each side until its `GONE` bit; who sees the other's `GONE` owns it alone.
//!
//! # Table
//! | # | method | from | to | caller | verdict | ordering |
//! |---|---|---|---|---|---|---|
//! | 1 | `send` | open | + `VALUE`, `TX_DONE`, (`TX_GONE`), - wakers | sender | refused, or wakers to take | ORD-1, ORD-2 |
//! | 2 | `register` | open | + own waker bit | either | `false`: decided meanwhile | ORD-2 |
//! | 3 | `unregister` | open, own waker bit | - own waker bit | either | `false`: decided meanwhile | ORD-2 |
//! | 4 | `hang_up` | not `TX_DONE` | + `TX_DONE`, (`TX_GONE`), - wakers | sender | free, or wakers to take | ORD-2, ORD-3 |
//! | 5 | `close` | any | + `CLOSED`, - wakers if open | receiver | wakers to take | ORD-2 |
//! | 6 | `abandon` | open, no waker | + `CLOSED`, `RX_GONE` | receiver | `false`: use 5 and 7 | ORD-4 |
//! | 7 | `leave` | own `GONE` clear | + own `GONE` | either | `true`: free the block | ORD-3 |
//!
//! # Field access
//! | field | who may touch it |
//! |---|---|
//! | value | the sender until edge 1; then the receiver |
//! | receiver's waker | the receiver while `RX_WAKER` is clear and nothing is decided; whoever clears the bit by edge 1, 3, 4 or 5 |
//! | sender's waker | the same with the sender and `TX_WAKER` |
//! | the block itself | either until its own `GONE` bit; whoever sees both frees it |
//!
//! # Ordering arguments
//! - `[ORD-1]` Edge 1 releases and the receiver's look at the word acquires: the value written before is
//!   seen by whoever sees `VALUE`. Weaker: a race on the value (loom test `send_races_with_poll`).
//! - `[ORD-2]` A waker is handed over by its bit. Edge 2 releases what was written to the cell, and the
//!   edge that clears the bit acquires it. The other way round, a cell is written again only by its own
//!   side after edge 3. Weaker: a race on the cell (loom tests `send_races_with_poll`,
//!   `close_races_with_poll_closed`, `repoll_with_another_waker_races_with_send`).
//! - `[ORD-3]` Each side releases with its `GONE` bit, and acquires the word before it frees: all
//!   accesses of the other side come before the free. Weaker: a race with the free (loom tests
//!   `send_races_with_receiver_drop`, `both_sides_drop`).
//! - `[ORD-4]` A receiver that finds 0 has touched nothing in the block but the word: with a waker it would
//!   not be 0. Release is for what it did elsewhere: who sees the end sees that too (loom test
//!   `sender_sees_what_came_before_the_drop_of_the_receiver`). It keeps ORD-3 true of edge 6 as well.
//!
//! One word carries all of it, so the order of its modifications decides and nothing needs `SeqCst`.

use bowerbird_base::sync::atomic::{AtomicUsize, Ordering};

const VALUE: usize = 1;
const TX_DONE: usize = 1 << 1;
const TX_GONE: usize = 1 << 2;
const CLOSED: usize = 1 << 3;
const RX_GONE: usize = 1 << 4;
const RX_WAKER: usize = 1 << 5;
const TX_WAKER: usize = 1 << 6;
const WAKERS: usize = RX_WAKER | TX_WAKER;
const DECIDED: usize = TX_DONE | CLOSED;

/// The word.
#[derive(Debug)]
pub(super) struct State(AtomicUsize);

/// One of the two handles.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Side {
    Sender,
    Receiver,
}

impl Side {
    const fn waker_bit(self) -> usize {
        match self {
            Self::Sender => TX_WAKER,
            Self::Receiver => RX_WAKER,
        }
    }

    const fn gone_bit(self) -> usize {
        match self {
            Self::Sender => TX_GONE,
            Self::Receiver => RX_GONE,
        }
    }
}

/// What a look at the word showed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Seen(usize);

impl Seen {
    /// The value is there, and the receiver's.
    pub(super) fn has_value(self) -> bool {
        self.0 & VALUE != 0
    }

    /// The sender has sent or hung up.
    pub(super) fn is_sender_done(self) -> bool {
        self.0 & TX_DONE != 0
    }

    /// The receiver takes nothing any more.
    pub(super) fn is_closed(self) -> bool {
        self.0 & CLOSED != 0
    }

    /// The block is the receiver's alone.
    pub(super) fn is_sender_gone(self) -> bool {
        self.0 & TX_GONE != 0
    }

    /// The waker of this side is in its cell.
    pub(super) fn is_registered(self, side: Side) -> bool {
        self.0 & side.waker_bit() != 0
    }
}

/// The wakers that the caller of a deciding edge now owns; their cells are its to empty.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[must_use]
pub(super) struct Claimed(usize);

impl Claimed {
    pub(super) fn includes(self, side: Side) -> bool {
        self.0 & side.waker_bit() != 0
    }

    /// Nothing to take; the edge that says so has also left the block.
    pub(super) fn is_none(self) -> bool {
        self.0 == 0
    }
}

/// The receiver closed first; the value stays the sender's.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Refused;

/// What a sender that hangs up has to do.
#[derive(Debug, PartialEq, Eq)]
#[must_use]
pub(super) enum HangUp {
    /// The receiver is gone: free the block.
    Free,
    /// The sender has left.
    Left,
    /// Take these wakers, then leave.
    Take(Claimed),
}

impl State {
    pub(super) fn new() -> Self {
        Self(AtomicUsize::new(0))
    }

    /// Looks.
    #[inline]
    pub(super) fn look(&self) -> Seen {
        // [ORD-1] [ORD-3]
        Seen(self.0.load(Ordering::Acquire))
    }

    /// Tries one step, `seen` to `next`; `Err` has what stands there instead.
    #[inline]
    fn step(&self, seen: usize, next: usize) -> Result<usize, usize> {
        // [ORD-1] [ORD-2] [ORD-3] Every edge passes here. Only the word that was found is acted upon.
        self.0.compare_exchange_weak(seen, next, Ordering::AcqRel, Ordering::Acquire)
    }

    /// Edge 1: the value in the block becomes the receiver's. With no waker to take the sender has left.
    #[inline]
    pub(super) fn send(&self) -> Result<Claimed, Refused> {
        // A load first: guessing costs a failed exchange, 9 of 38 ns, for each receiver that waits.
        let mut seen = self.look().0;
        loop {
            debug_assert!(seen & TX_DONE == 0, "sent twice");
            if seen & CLOSED != 0 {
                return Err(Refused);
            }
            let claimed = seen & WAKERS;
            let leaves = if claimed == 0 { TX_GONE } else { 0 };
            match self.step(seen, seen & !WAKERS | VALUE | TX_DONE | leaves) {
                Ok(_) => return Ok(Claimed(claimed)),
                Err(found) => seen = found,
            }
        }
    }

    /// Edge 2: the waker in this side's cell may be taken by the other. `false`: decided before that; the
    /// cell is still the caller's.
    pub(super) fn register(&self, side: Side) -> bool {
        self.set_waker_bit(side, true)
    }

    /// Edge 3: the cell is the caller's again. `false`: decided meanwhile, and whoever did has the waker.
    pub(super) fn unregister(&self, side: Side) -> bool {
        self.set_waker_bit(side, false)
    }

    fn set_waker_bit(&self, side: Side, to: bool) -> bool {
        let bit = side.waker_bit();
        let mut seen = self.look().0;
        while seen & DECIDED == 0 {
            debug_assert_eq!(seen & bit == 0, to, "the cell has one owner at a time");
            match self.step(seen, seen ^ bit) {
                Ok(_) => return true,
                Err(found) => seen = found,
            }
        }
        false
    }

    /// Edge 4: the sender sends nothing (more).
    pub(super) fn hang_up(&self) -> HangUp {
        let mut seen = self.look().0;
        loop {
            debug_assert!(seen & TX_DONE == 0, "hung up after the end");
            if seen & RX_GONE != 0 {
                return HangUp::Free;
            }
            let claimed = seen & WAKERS;
            let leaves = if claimed == 0 { TX_GONE } else { 0 };
            match self.step(seen, seen & !WAKERS | TX_DONE | leaves) {
                Ok(_) if claimed == 0 => return HangUp::Left,
                Ok(_) => return HangUp::Take(Claimed(claimed)),
                Err(found) => seen = found,
            }
        }
    }

    /// Edge 5: no value is taken that is not there by now.
    pub(super) fn close(&self) -> Claimed {
        let mut seen = self.look().0;
        while seen & DECIDED == 0 {
            match self.step(seen, seen & !WAKERS | CLOSED) {
                Ok(_) => return Claimed(seen & WAKERS),
                Err(found) => seen = found,
            }
        }
        Claimed(0)
    }

    /// Edge 6: closes and leaves in one step, if nothing has happened and no waker is about.
    #[inline]
    pub(super) fn abandon(&self) -> bool {
        // [ORD-4]
        self.0.compare_exchange(0, CLOSED | RX_GONE, Ordering::Release, Ordering::Relaxed).is_ok()
    }

    /// Edge 7: this side is done with the block. `true`: so is the other, free it.
    #[inline]
    #[must_use]
    pub(super) fn leave(&self, side: Side) -> bool {
        let other = match side {
            Side::Sender => Side::Receiver,
            Side::Receiver => Side::Sender,
        };
        // A side that is gone changes nothing any more, so seeing it once is enough.
        if self.look().0 & other.gone_bit() != 0 {
            return true;
        }
        // [ORD-3]
        let before = self.0.fetch_or(side.gone_bit(), Ordering::AcqRel);
        debug_assert!(before & side.gone_bit() == 0, "left twice");
        before & other.gone_bit() != 0
    }
}
