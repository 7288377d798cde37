//! A `Waker` of a task: one pointer to its header, one reference.

use std::mem::ManuallyDrop;
use std::ptr::NonNull;
use std::task::{RawWaker, RawWakerVTable, Waker};

use crate::current;
use crate::owner;
use crate::task::Runnable;
use crate::task::header::Header;
use crate::task::state::Wake;

static VTABLE: RawWakerVTable = RawWakerVTable::new(clone, wake, wake_by_ref, drop_waker);

/// Calls `f` with a waker that borrows the reference of the owned list: no count is changed.
///
/// The task is being polled, so it is not done, and the list's reference stands.
#[inline]
pub(crate) fn with_borrowed_waker<R>(header: NonNull<Header>, f: impl FnOnce(&Waker) -> R) -> R {
    // SAFETY: the functions of `VTABLE` take pointers to headers; `ManuallyDrop` keeps the waker from
    // giving back a reference that it does not own; a clone takes its own.
    let waker = ManuallyDrop::new(unsafe { Waker::new(header.as_ptr().cast(), &VTABLE) });
    f(&waker)
}

/// Whether waking this waker runs no code but ours, and so cannot panic.
#[inline]
pub(crate) fn is_ours(waker: &Waker) -> bool {
    std::ptr::eq(waker.vtable(), &raw const VTABLE)
}

/// The header behind a data pointer of `VTABLE`'s.
fn header_of(data: *const ()) -> NonNull<Header> {
    NonNull::new(data.cast::<Header>().cast_mut()).expect("a waker of ours points to a header")
}

unsafe fn clone(data: *const ()) -> RawWaker {
    // SAFETY: the waker that is cloned owns or borrows a reference.
    unsafe { header_of(data).as_ref() }.state.retain();
    RawWaker::new(data, &VTABLE)
}

unsafe fn wake(data: *const ()) {
    wake_task(header_of(data), true);
}

unsafe fn wake_by_ref(data: *const ()) {
    wake_task(header_of(data), false);
}

unsafe fn drop_waker(data: *const ()) {
    release(header_of(data));
}

/// Gives a reference back, and frees the task with the last.
#[inline]
pub(crate) fn release(header: NonNull<Header>) {
    // SAFETY: the caller owns the reference that it gives back here.
    if unsafe { header.as_ref() }.state.release() {
        free(header);
    }
}

/// Frees a task whose last reference is gone.
pub(crate) fn free(header: NonNull<Header>) {
    // SAFETY: the last reference is gone, so nobody else reads the header.
    let free = unsafe { header.as_ref() }.vtable.free;
    // SAFETY: as above; the task is done (the list's reference goes last before that) and its output was
    // taken or dropped, so the stage is empty.
    unsafe { free(header) };
}

/// Edge 5: wakes the task; `takes_reference` says whether the waker's reference goes.
///
/// A thread outside the runtime enters the owner's counter before the transition and leaves it after the
/// notification: once the transition has made the task runnable, the runtime can run it to its end and
/// shut down, and only this counter keeps it from freeing its queues under us.
#[inline]
pub(crate) fn wake_task(header: NonNull<Header>, takes_reference: bool) {
    // SAFETY: the caller's waker owns or borrows a reference, which is alive until the transition.
    let task = unsafe { header.as_ref() };
    let is_last = schedule_after(header, || {
        let wake = if takes_reference { task.state.wake() } else { task.state.wake_by_ref() };
        (wake == Wake::Free, wake)
    });
    if is_last {
        free(header);
    }
}

/// Makes a transition that may make the task runnable, and then queues it.
#[inline]
pub(crate) fn schedule_after<R>(
    header: NonNull<Header>,
    transition: impl FnOnce() -> (R, Wake),
) -> R {
    // SAFETY: the caller has a reference until the transition.
    let owner = unsafe { header.as_ref() }.owner();
    current::with_occupant(|occupant| match occupant {
        Some(occupant) if occupant.serves(owner) => {
            let (answer, wake) = transition();
            if wake == Wake::Schedule {
                occupant.schedule_woken(Runnable(header), owner);
            }
            answer
        }
        _ => {
            let guest = owner::enter(owner);
            let (answer, wake) = transition();
            if wake == Wake::Schedule {
                guest.schedule(Runnable(header));
            }
            answer
        }
    })
}
