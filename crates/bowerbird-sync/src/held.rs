//! A value that is reached only by who holds permits: the unsafe code of [`Lock`] and of [`RwLock`], all of it.
//!
//! A [`Guarded`] is a value beside [`Permits`]; a [`Hold`] is the proof that so many of them were taken, and the
//! way to the value, or to a part of it. The public guards are holds by another name.
//!
//! # Field access
//! | who | how many permits | the value |
//! |---|---|---|
//! | `Hold<_, _, Alone>` | the only one | read and written |
//! | `Hold<_, _, Writing>` | all | read and written |
//! | `Hold<_, _, Upgradable>` | a little more than half | read |
//! | `Hold<_, _, Reading>` | one | read |
//!
//! So as long as a hold that writes is alive, no other one is; and there is one that may be upgraded at most. A hold keeps a pointer and no reference: the
//! guard is an argument of the very call that unlocks, and a reference would claim the value until that returns.

use std::cell::UnsafeCell;
use std::fmt;
use std::marker::PhantomData;
use std::mem::ManuallyDrop;
use std::ptr::{self, NonNull};
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use bowerbird_base::ledger::Line;

use crate::leaf::Leaf;
use crate::lock::Lock;
use crate::permits::{MOST, Permits};
use crate::rwlock::RwLock;
use crate::wait_list::Key;

/// How many may hold at a time: what a [`Guarded`] is made for.
pub(crate) trait Sharing {
    /// The permits that there are.
    const TOTAL: usize;
}

/// One holder at a time.
#[derive(Debug)]
pub(crate) enum One {}

impl Sharing for One {
    const TOTAL: usize = 1;
}

/// One that writes, or many that read.
#[derive(Debug)]
pub(crate) enum Many {}

impl Sharing for Many {
    const TOTAL: usize = MOST;
}

/// What a hold may do.
pub(crate) trait Mode {
    type Sharing: Sharing;
    /// The permits that it has.
    const COUNT: usize;
    /// What waits for it are called in the call graph.
    const KIND: &'static str;
}

/// The mode of a hold beside which there is no other.
///
/// # Safety
/// `COUNT` is the `TOTAL` of its sharing.
pub(crate) unsafe trait Exclusive: Mode {}

/// The hold of a lock.
#[derive(Debug)]
pub(crate) enum Alone {}

impl Mode for Alone {
    type Sharing = One;
    const COUNT: usize = One::TOTAL;
    const KIND: &'static str = "lock";
}

// SAFETY: one of one.
unsafe impl Exclusive for Alone {}

/// The hold of who writes.
#[derive(Debug)]
pub(crate) enum Writing {}

impl Mode for Writing {
    type Sharing = Many;
    const COUNT: usize = Many::TOTAL;
    const KIND: &'static str = "rwlock.write";
}

// SAFETY: all of all.
unsafe impl Exclusive for Writing {}

/// The hold of one of those who read.
#[derive(Debug)]
pub(crate) enum Reading {}

impl Mode for Reading {
    type Sharing = Many;
    const COUNT: usize = 1;
    const KIND: &'static str = "rwlock.read";
}

/// The hold of who reads and may write later: so many permits that two of them do not fit, and no writer beside one,
/// but any number of readers.
#[derive(Debug)]
pub(crate) enum Upgradable {}

impl Mode for Upgradable {
    type Sharing = Many;
    const COUNT: usize = Many::TOTAL / 2 + 1;
    const KIND: &'static str = "rwlock.upgradable_read";
}

/// A value, and the permits that lead to it.
///
/// The permits come first, so that who has no more than them (an upgrade) knows the address of the lock.
#[repr(C)]
pub(crate) struct Guarded<T: ?Sized, S> {
    permits: Permits,
    sharing: PhantomData<fn() -> S>,
    value: UnsafeCell<T>,
}

// SAFETY: a shared reference reaches the value through a hold alone, and of those there is one at a time
// (Permits, ORD-1); it may be made on any thread, so `T` must be `Send`.
unsafe impl<T: ?Sized + Send> Sync for Guarded<T, One> {}
// SAFETY: as above, or through many holds that read, in many threads at once, so `T` must be `Sync` too.
unsafe impl<T: ?Sized + Send + Sync> Sync for Guarded<T, Many> {}

impl<T, S: Sharing> Guarded<T, S> {
    bowerbird_base::const_fn! {
        pub(crate) fn new(value: T) -> Self {
            Self {
                permits: Permits::new(S::TOTAL),
                sharing: PhantomData,
                value: UnsafeCell::new(value),
            }
        }
    }

    pub(crate) fn into_inner(self) -> T {
        self.value.into_inner()
    }
}

impl<T: ?Sized, S> Guarded<T, S> {
    pub(crate) fn get_mut(&mut self) -> &mut T {
        self.value.get_mut()
    }

    pub(crate) fn permits(&self) -> &Permits {
        &self.permits
    }
}

/// What leads to the permits of a [`Guarded`], and keeps the value where it is.
///
/// # Safety
/// `permits` gives the same permits each time, and as long as the place is alive the value is too, and is reached
/// through holds alone.
pub(crate) unsafe trait Place {
    fn permits(&self) -> &Permits;
}

// SAFETY: a reference keeps what it points to as it is; which value belongs to the permits, `Source` says.
unsafe impl Place for &Permits {
    #[inline]
    fn permits(&self) -> &Permits {
        self
    }
}

// SAFETY: an `Arc` keeps what it points to where it is, and gives a shared reference only.
unsafe impl<T: ?Sized> Place for Arc<Lock<T>> {
    #[inline]
    fn permits(&self) -> &Permits {
        self.guarded().permits()
    }
}

// SAFETY: an `Arc` keeps what it points to where it is, and gives a shared reference only.
unsafe impl<T: ?Sized> Place for Arc<RwLock<T>> {
    #[inline]
    fn permits(&self) -> &Permits {
        self.guarded().permits()
    }
}

/// What a wait holds in order to make a [`Hold`] of it.
///
/// # Safety
/// `guarded` gives the same each time; the place leads to its permits, and keeps it where it is.
pub(crate) unsafe trait Source {
    type Value: ?Sized;
    type Sharing: Sharing;
    type Place: Place;

    fn guarded(&self) -> &Guarded<Self::Value, Self::Sharing>;

    fn into_place(self) -> Self::Place;
}

// SAFETY: a reference keeps what it points to where it is.
unsafe impl<'a, T: ?Sized, S: Sharing> Source for &'a Guarded<T, S> {
    type Value = T;
    type Sharing = S;
    type Place = &'a Permits;

    #[inline]
    fn guarded(&self) -> &Guarded<T, S> {
        self
    }

    #[inline]
    fn into_place(self) -> &'a Permits {
        &self.permits
    }
}

// SAFETY: an `Arc` keeps what it points to where it is.
unsafe impl<T: ?Sized> Source for Arc<Lock<T>> {
    type Value = T;
    type Sharing = One;
    type Place = Self;

    #[inline]
    fn guarded(&self) -> &Guarded<T, One> {
        Lock::guarded(self)
    }

    #[inline]
    fn into_place(self) -> Self {
        self
    }
}

// SAFETY: an `Arc` keeps what it points to where it is.
unsafe impl<T: ?Sized> Source for Arc<RwLock<T>> {
    type Value = T;
    type Sharing = Many;
    type Place = Self;

    #[inline]
    fn guarded(&self) -> &Guarded<T, Many> {
        RwLock::guarded(self)
    }

    #[inline]
    fn into_place(self) -> Self {
        self
    }
}

/// The permits of a hold, given back on drop.
struct Taken<P: Place, M: Mode> {
    place: P,
    line: Line,
    mode: PhantomData<fn() -> M>,
}

impl<P: Place, M: Mode> Drop for Taken<P, M> {
    #[inline]
    fn drop(&mut self) {
        self.place.permits().give(M::COUNT);
    }
}

impl<P: Place, M: Mode> Taken<P, M> {
    /// Leads to the same permits, and gives none back.
    fn into_parts(self) -> (P, Line) {
        let this = ManuallyDrop::new(self);
        // SAFETY: `this` is not dropped and not used again, so the line is moved, not copied.
        let line = unsafe { ptr::read(&this.line) };
        // SAFETY: as above, the place.
        (unsafe { ptr::read(&this.place) }, line)
    }

    /// The same as taken by `N`, with as many permits as before.
    fn become_mode<N: Mode<Sharing = M::Sharing>>(self) -> Taken<P, N> {
        let (place, line) = self.into_parts();
        Taken { place, line, mode: PhantomData }
    }
}

/// The right to reach a value, or a part of it, as `M` says.
pub(crate) struct Hold<P: Place, U: ?Sized, M: Mode> {
    /// Into the value of the `Guarded`, or out of it by a user's `map`.
    value: NonNull<U>,
    taken: Taken<P, M>,
    /// Who writes must not have its `U` shortened.
    invariant: PhantomData<*mut U>,
}

// SAFETY: it gives `&mut U` to the thread that has it, hence `U: Send`; its place goes along.
unsafe impl<P: Place + Send, U: ?Sized + Send> Send for Hold<P, U, Alone> {}
// SAFETY: as above; and it may become one that reads, beside others in the lock's thread, hence `U: Sync`.
unsafe impl<P: Place + Send, U: ?Sized + Send + Sync> Send for Hold<P, U, Writing> {}
// SAFETY: it gives `&U` to the thread that has it, while others have theirs, hence `U: Sync`.
unsafe impl<P: Place + Send, U: ?Sized + Sync> Send for Hold<P, U, Reading> {}
// SAFETY: as both above: it may become one that writes.
unsafe impl<P: Place + Send, U: ?Sized + Send + Sync> Send for Hold<P, U, Upgradable> {}
// SAFETY: through a shared hold there is `&U` and the place, and nothing else.
unsafe impl<P: Place + Sync, U: ?Sized + Sync, M: Mode> Sync for Hold<P, U, M> {}

impl<P: Place, U: ?Sized, M: Mode> Hold<P, U, M> {
    /// Takes the value's permits, if they are free and nobody waits.
    #[inline]
    #[track_caller]
    pub(crate) fn try_take<S>(source: S) -> Option<Self>
    where
        S: Source<Value = U, Sharing = M::Sharing, Place = P>,
    {
        source.guarded().permits.try_take(M::COUNT).ok()?;
        Some(Self::of_taken(source, &Leaf::new()))
    }

    /// The hold of who has just taken `M::COUNT` permits of `source`, asked for by `leaf`.
    #[inline]
    fn of_taken<S>(source: S, leaf: &Leaf) -> Self
    where
        S: Source<Value = U, Sharing = M::Sharing, Place = P>,
    {
        let value = source.guarded().value.get();
        // SAFETY: the pointer of a cell is not null.
        let value = unsafe { NonNull::new_unchecked(value) };
        let line = leaf.hold(M::KIND, source.guarded());
        let taken = Taken { place: source.into_place(), line, mode: PhantomData };
        Self { value, taken, invariant: PhantomData }
    }

    #[inline]
    pub(crate) fn get(&self) -> &U {
        // SAFETY: the permits are ours as long as `self` is, so nobody writes (field access); the place keeps
        // the value alive.
        unsafe { self.value.as_ref() }
    }

    pub(crate) fn place(&self) -> &P {
        &self.taken.place
    }

    /// Gives some of the permits back, so that others may come in, and keeps what `N` has: in one step, so that
    /// nobody writes in between.
    pub(crate) fn downgrade<N: Mode<Sharing = M::Sharing>>(self) -> Hold<P, U, N> {
        const { assert!(N::COUNT < M::COUNT) };
        let taken = self.taken.become_mode();
        taken.place.permits().give(M::COUNT - N::COUNT);
        Hold { value: self.value, taken, invariant: PhantomData }
    }

    /// Gives the permits back, and the place.
    pub(crate) fn into_place(self) -> P {
        let (place, line) = self.taken.into_parts();
        place.permits().give(M::COUNT);
        drop(line);
        place
    }
}

impl<P: Place, U: ?Sized, M: Exclusive> Hold<P, U, M> {
    #[inline]
    pub(crate) fn get_mut(&mut self) -> &mut U {
        // SAFETY: all permits are ours as long as `self` is, so this is the one way to the value (field access).
        unsafe { self.value.as_mut() }
    }

    /// A hold of a part.
    pub(crate) fn map<V: ?Sized>(mut self, f: impl FnOnce(&mut U) -> &mut V) -> Hold<P, V, M> {
        let value = NonNull::from(f(self.get_mut()));
        Hold { value, taken: self.taken, invariant: PhantomData }
    }

    /// A hold of a part, if there is one.
    pub(crate) fn try_map<V: ?Sized>(
        mut self,
        f: impl FnOnce(&mut U) -> Option<&mut V>,
    ) -> Result<Hold<P, V, M>, Self> {
        match f(self.get_mut()).map(NonNull::from) {
            Some(value) => Ok(Hold { value, taken: self.taken, invariant: PhantomData }),
            None => Err(self),
        }
    }
}

impl<P: Place, U: ?Sized> Hold<P, U, Reading> {
    /// A hold of a part.
    pub(crate) fn map_shared<V: ?Sized>(self, f: impl FnOnce(&U) -> &V) -> Hold<P, V, Reading> {
        let value = NonNull::from(f(self.get()));
        Hold { value, taken: self.taken, invariant: PhantomData }
    }

    /// A hold of a part, if there is one.
    pub(crate) fn try_map_shared<V: ?Sized>(
        self,
        f: impl FnOnce(&U) -> Option<&V>,
    ) -> Result<Hold<P, V, Reading>, Self> {
        match f(self.get()).map(NonNull::from) {
            Some(value) => Ok(Hold { value, taken: self.taken, invariant: PhantomData }),
            None => Err(self),
        }
    }
}

/// What an upgradable hold must take more in order to write.
const REST: usize = Writing::COUNT - Upgradable::COUNT;

impl<P: Place, U: ?Sized> Hold<P, U, Upgradable> {
    /// Takes the rest, if no other one reads.
    pub(crate) fn try_upgrade(self) -> Result<Hold<P, U, Writing>, Self> {
        match self.taken.place.permits().try_take_first(REST) {
            Ok(()) => Ok(self.with_the_rest()),
            Err(_refused) => Err(self),
        }
    }

    /// The hold of who has just taken the [`REST`].
    fn with_the_rest(self) -> Hold<P, U, Writing> {
        let taken = self.taken.become_mode();
        Hold { value: self.value, taken, invariant: PhantomData }
    }
}

/// A wait of an upgradable hold for all others to go.
pub(crate) struct Upgrade<P: Place, U: ?Sized> {
    /// `None` after `Ready`.
    hold: Option<Hold<P, U, Upgradable>>,
    key: Option<Key>,
    leaf: Leaf,
}

impl<P: Place, U: ?Sized> Upgrade<P, U> {
    pub(crate) fn new(hold: Hold<P, U, Upgradable>, leaf: Leaf) -> Self {
        Self { hold: Some(hold), key: None, leaf }
    }

    pub(crate) fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Hold<P, U, Writing>> {
        let Self { hold, key, leaf } = self;
        let Some(permits) = hold.as_ref().map(|hold| hold.taken.place.permits()) else {
            polled_after_ready("rwlock.upgrade")
        };
        // The permits are where the lock is, see `Guarded`.
        let spot = leaf.spot("rwlock.upgrade", permits);
        let look = |cx: &mut Context<'_>| permits.poll_take_first(key, REST, spot, cx);
        let _taken = ready!(leaf.poll(cx, "rwlock.upgrade", permits, look));
        match hold.take() {
            Some(hold) => Poll::Ready(hold.with_the_rest()),
            None => polled_after_ready("rwlock.upgrade"),
        }
    }
}

impl<P: Place, U: ?Sized> Drop for Upgrade<P, U> {
    fn drop(&mut self) {
        if let (Some(key), Some(hold)) = (self.key.take(), &self.hold) {
            hold.taken.place.permits().leave(key);
        }
    }
}

impl<P: Place, U: ?Sized> Unpin for Upgrade<P, U> {}

impl<P: Place, U: ?Sized> fmt::Debug for Upgrade<P, U> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Upgrade")
            .field("is_waiting", &self.key.is_some())
            .field("location", &self.leaf.location())
            .finish_non_exhaustive()
    }
}

/// A wait for a [`Hold`].
pub(crate) struct Wait<S: Source, M: Mode<Sharing = S::Sharing>> {
    /// `None` after `Ready`.
    source: Option<S>,
    key: Option<Key>,
    leaf: Leaf,
    mode: PhantomData<fn() -> M>,
}

impl<S: Source, M: Mode<Sharing = S::Sharing>> Wait<S, M> {
    #[inline]
    pub(crate) fn new(source: S, leaf: Leaf) -> Self {
        Self { source: Some(source), key: None, leaf, mode: PhantomData }
    }

    /// What is free is taken in a few instructions, inlined as a whole so that the guard is made where it is
    /// used; all else is done out of line.
    #[inline(always)]
    pub(crate) fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Hold<S::Place, S::Value, M>> {
        let may_take = self.leaf.may_go_at_once();
        if let Some(source) = self.source.as_ref().filter(|_| may_take) {
            if source.guarded().permits.try_take(M::COUNT).is_ok() {
                self.leaf.went_at_once();
                if let Some(source) = self.source.take() {
                    return Poll::Ready(Hold::of_taken(source, &self.leaf));
                }
            }
        }
        self.poll_slowly(cx)
    }

    #[cold]
    fn leave(&mut self) {
        if let (Some(key), Some(source)) = (self.key.take(), &self.source) {
            source.guarded().permits.leave(key);
        }
    }

    #[cold]
    #[inline(never)]
    fn poll_slowly(&mut self, cx: &mut Context<'_>) -> Poll<Hold<S::Place, S::Value, M>> {
        let Self { source, key, leaf, .. } = self;
        let Some(guarded) = source.as_ref().map(S::guarded) else { polled_after_ready(M::KIND) };
        let spot = leaf.spot(M::KIND, guarded);
        let _taken = ready!(leaf.poll(cx, M::KIND, guarded, |cx| {
            guarded.permits.poll_take(key, M::COUNT, spot, cx)
        }));
        match source.take() {
            Some(source) => Poll::Ready(Hold::of_taken(source, leaf)),
            None => polled_after_ready(M::KIND),
        }
    }
}

impl<S: Source, M: Mode<Sharing = S::Sharing>> Drop for Wait<S, M> {
    #[inline]
    fn drop(&mut self) {
        if self.key.is_some() {
            self.leave();
        }
    }
}

impl<S: Source, M: Mode<Sharing = S::Sharing>> Unpin for Wait<S, M> {}

impl<S: Source, M: Mode<Sharing = S::Sharing>> fmt::Debug for Wait<S, M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Wait")
            .field("is_waiting", &self.key.is_some())
            .field("location", &self.leaf.location())
            .finish_non_exhaustive()
    }
}

#[cold]
#[track_caller]
fn polled_after_ready(kind: &str) -> ! {
    panic!("a wait for a {kind} was polled after it was ready")
}
