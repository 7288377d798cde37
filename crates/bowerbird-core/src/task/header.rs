//! The object itself: one allocation that holds the header and the future, later the output.
//!
//! | field | bytes | what |
//! |---|---|---|
//! | state | 8 | the word of `state.rs` |
//! | vtable | 8 | the functions that know the future's type |
//! | owner and id | 8 | 16 bits: the seat whose list the task stands in; 48 bits: its number |
//! | links | 16 | previous and next in that list, under its lock |
//! | join waker | 16 | wakes whoever awaits the join handle |
//! | spawn site | 8 | where the user's code spawned it |
//! | cold part | 8 | name, callbacks, requests, cleanups, context: allocated when first needed |
//!
//! 72 bytes, so a task with a 64-byte future fits a 144-byte chunk of malloc. Ordinary alignment: the 128
//! bytes of tokio's cell take the allocator's slow path. The memory comes from `cells.rs`.
//!
//! # Ordering arguments
//! - `[ORD-1]` The cold part is published with Release by the exchange that puts it in, and read with
//!   Acquire, so that its contents are seen; it stays until the header goes. No model sees this weakened (the
//!   contents are behind a lock, and loom's locks need no publication): it is for ThreadSanitizer.

use std::alloc::Layout;
use std::any::Any;
use std::future::Future;
use std::mem::{ManuallyDrop, MaybeUninit};
use std::panic::{AssertUnwindSafe, Location, catch_unwind};
use std::pin::Pin;
use std::ptr::{self, NonNull};
use std::task::{Context, Poll, Waker};

use bowerbird_base::debug;
use bowerbird_base::sync::IS_MODEL;
use bowerbird_base::sync::atomic::{AtomicPtr, Ordering};
use bowerbird_base::sync::cell::UnsafeCell;

use super::cold::Cold;
use super::error::TaskError;
use super::id::TaskId;
use super::state::State;
use crate::cells::{self, Kind};
use crate::owner::OwnerNumber;
use crate::report::{drop_caught, report_panic_text};
use crate::unhandled::UnhandledKind;
use crate::wake::with_borrowed_waker;

/// What every task has, whatever its future.
#[repr(C)]
pub(crate) struct Header {
    pub(crate) state: State,
    pub(crate) vtable: &'static VTable,
    owner_and_id: u64,
    pub(crate) links: UnsafeCell<Links>,
    /// Filled while JOIN_WAKER is set; state.rs says whose it is.
    pub(crate) join_waker: UnsafeCell<MaybeUninit<Waker>>,
    pub(crate) spawned_at: &'static Location<'static>,
    cold: AtomicPtr<Cold>,
}

const _: () =
    assert!(IS_MODEL || cfg!(not(target_pointer_width = "64")) || size_of::<Header>() == 72);

/// Neighbours in the owner's list; null at the ends and outside the list.
pub(crate) struct Links {
    pub(crate) previous: *const Header,
    pub(crate) next: *const Header,
}

impl Header {
    pub(crate) fn new(
        state: State,
        vtable: &'static VTable,
        owner: OwnerNumber,
        id: u64,
        spawned_at: &'static Location<'static>,
    ) -> Self {
        Self {
            state,
            vtable,
            owner_and_id: u64::from(owner.0) << 48 | id & ((1 << 48) - 1),
            links: UnsafeCell::new(Links { previous: ptr::null(), next: ptr::null() }),
            join_waker: UnsafeCell::new(MaybeUninit::uninit()),
            spawned_at,
            cold: AtomicPtr::new(ptr::null_mut()),
        }
    }

    #[inline]
    pub(crate) fn owner(&self) -> OwnerNumber {
        OwnerNumber((self.owner_and_id >> 48) as u16)
    }

    pub(crate) fn id(&self) -> TaskId {
        TaskId(self.owner_and_id & ((1 << 48) - 1))
    }

    /// The cold part, if there is one.
    #[inline]
    pub(crate) fn cold(&self) -> Option<&Cold> {
        // [ORD-1]
        let cold = self.cold.load(Ordering::Acquire);
        // SAFETY: the pointer is null or came from `Box::into_raw` below, and is freed with the header.
        unsafe { cold.as_ref() }
    }

    /// The cold part, made now if there is none.
    pub(crate) fn cold_or_new(&self) -> &Cold {
        if let Some(cold) = self.cold() {
            return cold;
        }
        let fresh = Box::into_raw(Box::new(Cold::new()));
        // [ORD-1]
        let seen =
            self.cold.compare_exchange(ptr::null_mut(), fresh, Ordering::AcqRel, Ordering::Acquire);
        if seen.is_err() {
            // SAFETY: the exchange failed, so nobody else has seen `fresh`, which came from a box.
            drop(unsafe { Box::from_raw(fresh) });
        }
        self.cold().expect("one of the two exchanges filled it")
    }
}

impl Drop for Header {
    fn drop(&mut self) {
        // [ORD-1] The last reference: nobody else looks.
        let cold = self.cold.load(Ordering::Acquire);
        if !cold.is_null() {
            // SAFETY: it came from `Box::into_raw`, and this is the one place that takes it back.
            let cold = unsafe { Box::from_raw(cold) };
            drop_caught(cold, "the destructor of a context variable panicked");
        }
    }
}

/// What a poll gave.
#[must_use]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Polled {
    Pending,
    /// The future is dropped and its output stored.
    Value,
    /// The future is dropped and the panic stored.
    Panicked,
}

pub(crate) type Payload = Box<dyn Any + Send>;

/// Looks at an output, a `Result<T, TaskError>` of the task's own `T`, for an error to be reported.
///
/// It is called with a pointer to such an output, by whoever has the right to it.
pub(crate) type ErrorText = unsafe fn(NonNull<()>) -> Option<String>;

/// The functions that know the type of the future.
pub(crate) struct VTable {
    /// Polls the future. Needs RUNNING; on a result the future is dropped and the output stored.
    pub(crate) poll: unsafe fn(NonNull<Header>) -> Polled,
    /// Drops the future. Needs RUNNING; the stage is empty afterwards. Gives the panic of a destructor.
    pub(crate) drop_future: unsafe fn(NonNull<Header>) -> Option<Payload>,
    /// Stores an error into the empty stage.
    pub(crate) store_error: unsafe fn(NonNull<Header>, TaskError),
    /// Drops the stored output. Gives the panic of a destructor.
    pub(crate) drop_output: unsafe fn(NonNull<Header>) -> Option<Payload>,
    /// Moves the stored output, a `Result<T, TaskError>`, to the pointer.
    pub(crate) take_output: unsafe fn(NonNull<Header>, *mut ()),
    /// Gives a look at the stored error, if the output is one.
    pub(crate) peek_error: unsafe fn(NonNull<Header>) -> Option<NonNull<TaskError>>,
    /// Gives a pointer to the stored output, a `Result<T, TaskError>`.
    pub(crate) peek_output: unsafe fn(NonNull<Header>) -> NonNull<()>,
    /// Frees the allocation; the stage must be empty.
    pub(crate) free: unsafe fn(NonNull<Header>),
    /// The size of the future, for reports.
    pub(crate) future_size: usize,
}

/// The allocation.
#[repr(C)]
pub(crate) struct TaskCell<F: Future> {
    header: Header,
    stage: UnsafeCell<Stage<F>>,
}

/// What the cell holds besides its header; the state says which.
union Stage<F: Future> {
    future: ManuallyDrop<F>,
    output: ManuallyDrop<Result<F::Output, TaskError>>,
}

impl<F: Future> TaskCell<F> {
    const VTABLE: VTable = VTable {
        poll: poll::<F>,
        drop_future: drop_future::<F>,
        store_error: store_error::<F>,
        drop_output: drop_output::<F>,
        take_output: take_output::<F>,
        peek_error: peek_error::<F>,
        peek_output: peek_output::<F>,
        free: free::<F>,
        future_size: size_of::<F>(),
    };

    const KIND: Kind = Kind::of(Layout::new::<Self>());

    /// Allocates a task whose word is `state`.
    #[inline]
    pub(crate) fn allocate(
        future: F,
        state: State,
        owner: OwnerNumber,
        id: u64,
        spawned_at: &'static Location<'static>,
    ) -> NonNull<Header> {
        let cell = cells::allocate(Self::KIND).cast::<Self>();
        let task = Self {
            header: Header::new(state, &Self::VTABLE, owner, id, spawned_at),
            stage: UnsafeCell::new(Stage { future: ManuallyDrop::new(future) }),
        };
        // SAFETY: the memory is as large and as aligned as the kind, which was made of this type, and nobody's.
        unsafe { cell.write(task) };
        // `repr(C)` puts the header first, so a pointer to the cell is one to its header.
        cell.cast()
    }

    /// A pointer to the stage.
    ///
    /// # Safety
    /// `header` is that of a live `TaskCell<F>`, and the caller has the right to its stage (state.rs, field
    /// access) as long as it uses the pointer.
    #[inline]
    unsafe fn stage(header: NonNull<Header>) -> *mut Stage<F> {
        // SAFETY: by the contract the header is the first field of a live `TaskCell<F>`.
        let cell = unsafe { header.cast::<Self>().as_ref() };
        cell.stage.with_mut(|stage| stage)
    }
}

/// See [`VTable::poll`].
unsafe fn poll<F: Future>(header: NonNull<Header>) -> Polled {
    let mut is_gone = false;
    let polled = catch_unwind(AssertUnwindSafe(|| {
        with_borrowed_waker(header, |waker| {
            // SAFETY: the vtable's contract: the caller holds RUNNING and the future is there.
            unsafe { poll_and_store::<F>(header, &mut Context::from_waker(waker), &mut is_gone) }
        })
    }));
    match polled {
        Ok(polled) => polled,
        Err(payload) => {
            if !is_gone {
                // SAFETY: the panic came out of the poll, so the future is still in the stage.
                // A second panic, of a destructor, says less than the first.
                let second = unsafe { drop_future::<F>(header) };
                second.into_iter().for_each(report_second);
            }
            // SAFETY: the stage is empty: the future was dropped here or before.
            unsafe { store_error::<F>(header, TaskError::panicked(payload)) };
            Polled::Panicked
        }
    }
}

#[cold]
fn report_second(payload: Payload) {
    let message = "the destructor of a task's future panicked, after its poll had";
    report_panic_text(UnhandledKind::Destructor, message, payload);
}

/// Polls, and on a result drops the future and stores the output.
///
/// # Safety
/// As [`VTable::poll`].
#[inline]
unsafe fn poll_and_store<F: Future>(
    header: NonNull<Header>,
    cx: &mut Context<'_>,
    is_gone: &mut bool,
) -> Polled {
    let polled = {
        // SAFETY: the caller's contract.
        let stage = unsafe { TaskCell::<F>::stage(header) };
        // SAFETY: `Stage` is a union, so its start is the start of the future; it is ours to borrow.
        let future = unsafe { &mut *stage.cast::<F>() };
        // SAFETY: the cell is on the heap and never moves; the future is dropped in place.
        unsafe { Pin::new_unchecked(future) }.poll(cx)
    };
    match polled {
        Poll::Pending => Polled::Pending,
        Poll::Ready(output) => {
            *is_gone = true;
            let output = Guarded::new(output);
            // SAFETY: the caller's contract.
            let stage = unsafe { TaskCell::<F>::stage(header) };
            // SAFETY: the future is there and will not be used again; if its destructor panics, the rest
            // of it is gone all the same, `is_gone` says so, and the unwinding drops `output`.
            unsafe { ptr::drop_in_place(stage.cast::<F>()) };
            // SAFETY: the stage is empty now.
            unsafe { store::<F>(header, Ok(output.into_inner())) };
            Polled::Value
        }
    }
}

/// An output that is about to be stored. If the future's destructor panics before, the output is dropped by
/// the unwinding, where a second panic must not come out.
struct Guarded<T>(Option<T>);

impl<T> Guarded<T> {
    #[inline]
    fn new(output: T) -> Self {
        Self(Some(output))
    }

    #[inline]
    fn into_inner(mut self) -> T {
        self.0.take().expect("it was not taken before")
    }
}

impl<T> Drop for Guarded<T> {
    #[inline]
    fn drop(&mut self) {
        if let Some(output) = self.0.take() {
            drop_caught(output, "the destructor of a task's output panicked");
        }
    }
}

/// Stores the output into the empty stage.
///
/// # Safety
/// The caller has the right to the stage, and it is empty.
unsafe fn store<F: Future>(header: NonNull<Header>, output: Result<F::Output, TaskError>) {
    // SAFETY: the caller's contract.
    let stage = unsafe { TaskCell::<F>::stage(header) };
    // SAFETY: the same; writing does not read what was there.
    unsafe { stage.write(Stage { output: ManuallyDrop::new(output) }) };
}

/// See [`VTable::drop_future`].
unsafe fn drop_future<F: Future>(header: NonNull<Header>) -> Option<Payload> {
    // SAFETY: the vtable's contract.
    let stage = unsafe { TaskCell::<F>::stage(header) };
    // What a future that is cut off holds had no chance to be awaited.
    let _quiet = debug::quiet();
    catch_unwind(AssertUnwindSafe(|| {
        // SAFETY: the vtable's contract: the future is there, and is not used again.
        unsafe { ptr::drop_in_place(stage.cast::<F>()) };
    }))
    .err()
}

/// See [`VTable::store_error`].
unsafe fn store_error<F: Future>(header: NonNull<Header>, error: TaskError) {
    // SAFETY: the vtable's contract.
    unsafe { store::<F>(header, Err(error)) };
}

/// See [`VTable::drop_output`].
unsafe fn drop_output<F: Future>(header: NonNull<Header>) -> Option<Payload> {
    if !std::mem::needs_drop::<Result<F::Output, TaskError>>() {
        return None;
    }
    // SAFETY: the vtable's contract.
    let stage = unsafe { TaskCell::<F>::stage(header) };
    catch_unwind(AssertUnwindSafe(|| {
        // SAFETY: the vtable's contract: the output is there, and is not used again.
        unsafe { ptr::drop_in_place(stage.cast::<Result<F::Output, TaskError>>()) };
    }))
    .err()
}

/// See [`VTable::take_output`].
unsafe fn take_output<F: Future>(header: NonNull<Header>, to: *mut ()) {
    // SAFETY: the vtable's contract.
    let stage = unsafe { TaskCell::<F>::stage(header) };
    // SAFETY: the vtable's contract: the output is there, and is not used again.
    let output = unsafe { stage.cast::<Result<F::Output, TaskError>>().read() };
    // SAFETY: the caller passes room for a `Result<F::Output, TaskError>`.
    unsafe { to.cast::<Result<F::Output, TaskError>>().write(output) };
}

/// See [`VTable::peek_error`].
unsafe fn peek_error<F: Future>(header: NonNull<Header>) -> Option<NonNull<TaskError>> {
    // SAFETY: the vtable's contract.
    let stage = unsafe { TaskCell::<F>::stage(header) };
    // SAFETY: the vtable's contract: the output is there; the pointer is not kept beyond it.
    let output = unsafe { &mut *stage.cast::<Result<F::Output, TaskError>>() };
    output.as_mut().err().map(NonNull::from)
}

/// See [`VTable::peek_output`].
unsafe fn peek_output<F: Future>(header: NonNull<Header>) -> NonNull<()> {
    // SAFETY: the vtable's contract: the output is there, and the caller has the right to it.
    let stage = unsafe { TaskCell::<F>::stage(header) };
    NonNull::new(stage.cast()).expect("it stands inside an allocation")
}

/// See [`VTable::free`].
unsafe fn free<F: Future>(header: NonNull<Header>) {
    let cell = header.cast::<TaskCell<F>>();
    // SAFETY: the header is that of a cell of this type, and the last reference is gone. `Stage` is a union of
    // `ManuallyDrop`s, so nothing of it is dropped here.
    unsafe { cell.drop_in_place() };
    // SAFETY: the memory came from `allocate`, with this kind.
    unsafe { cells::free(cell.cast(), TaskCell::<F>::KIND) };
}
