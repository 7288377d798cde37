//! Linux: the epoll descriptor itself.
//!
//! The crate `polling` is not used: its wait makes five system calls, its registration lacks `EPOLLRDHUP`, and it
//! holds two descriptors more. A wait is one system call:
//!
//! | timeout | call |
//! |---|---|
//! | zero | `epoll_wait` with 0 |
//! | none | `epoll_wait` with -1 |
//! | other | `epoll_pwait2`, exact to the nanosecond; where a probe at start says that it is missing, `ppoll` on the epoll descriptor, then a zero wait |
//!
//! The wake-up is an eventfd of our own, registered edge-triggered and never read: each write is an event.
//!
//! Every event shows the whole state of its descriptor, as far as the interest goes.

use std::cell::Cell;
use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};
use std::time::Duration;

use rustix::buffer::spare_capacity;
use rustix::event::epoll::{self, EventData, EventFlags};
use rustix::event::{EventfdFlags, PollFd, PollFlags, Timespec, eventfd};
use rustix::io::Errno;

use super::BATCH;
use crate::interest::Interest;
use crate::readiness;
use crate::registry::Key;
use crate::source::Occurrence;

thread_local! {
    static SPARE: Cell<Vec<epoll::Event>> = const { Cell::new(Vec::new()) };
}

/// The events of one wait, in a buffer that the thread keeps.
pub(crate) struct Batch(Vec<epoll::Event>);

impl Batch {
    pub(crate) fn new() -> Self {
        let mut buffer = SPARE.try_with(Cell::take).unwrap_or_default();
        buffer.clear();
        buffer.reserve(BATCH);
        Self(buffer)
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(crate) fn occurrences(&self) -> impl Iterator<Item = (Key, Occurrence)> + '_ {
        self.0.iter().map(|event| (Key(event.data.u64() as usize), occurrence(event.flags)))
    }
}

impl Drop for Batch {
    fn drop(&mut self) {
        let _ = SPARE.try_with(|spare| spare.set(std::mem::take(&mut self.0)));
    }
}

/// Translates an event.
///
/// A hang-up or an error concerns both directions whether anybody asked for it or not; since it is an
/// edge, it comes once. `EPOLLERR` alone closes nothing: an unreachable UDP peer gives it too.
fn occurrence(flags: EventFlags) -> Occurrence {
    let both = EventFlags::HUP | EventFlags::ERR;
    let mut event = Occurrence::default();
    if flags.intersects(EventFlags::IN | EventFlags::RDHUP | both) {
        event.read |= readiness::READY;
    }
    if flags.intersects(EventFlags::PRI | both) {
        event.read |= readiness::URGENT;
    }
    if flags.intersects(both) {
        event.read |= readiness::FAULT;
    }
    if flags.contains(EventFlags::PRI) {
        event.read |= readiness::PRIORITY;
    }
    if flags.intersects(EventFlags::RDHUP | EventFlags::HUP) {
        event.read |= readiness::CLOSED;
    }
    if flags.intersects(EventFlags::OUT | both) {
        event.write |= readiness::READY;
    }
    if flags.contains(EventFlags::HUP) {
        event.write |= readiness::CLOSED;
    }
    if flags.contains(EventFlags::ERR) {
        event.read |= readiness::ERROR;
        event.write |= readiness::ERROR;
    }
    event
}

/// One epoll descriptor and its wake-up.
#[derive(Debug)]
pub(crate) struct OsPoller {
    epoll: OwnedFd,
    wake: OwnedFd,
    has_pwait2: bool,
}

impl OsPoller {
    /// Whether an event shows that the peer has closed: the rule for short reads needs it.
    pub(crate) const SHOWS_CLOSED: bool = true;

    pub(crate) fn new() -> io::Result<Self> {
        let epoll = epoll::create(epoll::CreateFlags::CLOEXEC)?;
        let wake = eventfd(0, EventfdFlags::CLOEXEC | EventfdFlags::NONBLOCK)?;
        let data = EventData::new_u64(WAKE);
        epoll::add(&epoll, &wake, data, EventFlags::IN | EventFlags::ET)?;
        let has_pwait2 = pwait2(epoll.as_fd(), &mut Vec::with_capacity(1), Duration::ZERO).is_ok();
        Ok(Self { epoll, wake, has_pwait2 })
    }

    /// Registers a source once, edge-triggered.
    pub(crate) fn add(
        &self,
        source: BorrowedFd<'_>,
        key: Key,
        interest: Interest,
    ) -> io::Result<()> {
        let mut flags = EventFlags::ET;
        if interest.is_readable() {
            flags |= EventFlags::IN | EventFlags::RDHUP | EventFlags::PRI;
        }
        if interest.is_writable() {
            flags |= EventFlags::OUT;
        }
        if interest.is_priority() {
            flags |= EventFlags::PRI;
        }
        Ok(epoll::add(&self.epoll, source, EventData::new_u64(key.0 as u64), flags)?)
    }

    /// Registrations stay armed here.
    #[inline]
    pub(crate) const fn is_one_shot(&self) -> bool {
        false
    }

    /// Arms a source for a waiter: nothing to do.
    pub(crate) fn arm(
        &self,
        _source: BorrowedFd<'_>,
        _key: Key,
        _interest: Interest,
    ) -> io::Result<()> {
        Ok(())
    }

    /// Ends a registration, before the descriptor is closed: a duplicate would keep it alive in epoll.
    pub(crate) fn delete(&self, source: BorrowedFd<'_>) -> io::Result<()> {
        Ok(epoll::delete(&self.epoll, source)?)
    }

    /// Harvests events; says whether a ring was among them, which is not in the batch any more.
    pub(crate) fn wait(&self, batch: &mut Batch, timeout: Option<Duration>) -> io::Result<bool> {
        let harvested = match timeout {
            Some(Duration::ZERO) => self.wait_whole(batch, Some(&ZERO)),
            None => self.wait_whole(batch, None),
            Some(timeout) if self.has_pwait2 => pwait2(self.epoll.as_fd(), &mut batch.0, timeout),
            Some(timeout) => self.wait_by_ppoll(batch, timeout),
        };
        match harvested {
            Ok(()) => Ok(take_ring(&mut batch.0)),
            Err(Errno::INTR) => Ok(false),
            Err(error) => Err(error.into()),
        }
    }

    fn wait_whole(&self, batch: &mut Batch, timeout: Option<&Timespec>) -> Result<(), Errno> {
        epoll::wait(&self.epoll, spare_capacity(&mut batch.0), timeout).map(drop)
    }

    fn wait_by_ppoll(&self, batch: &mut Batch, timeout: Duration) -> Result<(), Errno> {
        let timeout = Timespec::try_from(timeout).ok();
        rustix::event::poll(&mut [PollFd::new(&self.epoll, PollFlags::IN)], timeout.as_ref())?;
        self.wait_whole(batch, Some(&ZERO))
    }

    /// Rings: ends the wait that is going on, or the next one.
    pub(crate) fn ring(&self) {
        // It fails only when the counter is full, after 2^64 rings.
        let _ = rustix::io::write(&self.wake, &1_u64.to_ne_bytes());
    }
}

/// The key of our own wake-up: no source has it.
const WAKE: u64 = usize::MAX as u64;

const ZERO: Timespec = Timespec { tv_sec: 0, tv_nsec: 0 };

/// Removes the rings from a batch and says whether there were any.
fn take_ring(events: &mut Vec<epoll::Event>) -> bool {
    let is_ring = |event: &epoll::Event| event.data.u64() == WAKE;
    match events.iter().position(is_ring) {
        Some(index) => {
            events.swap_remove(index);
            true
        }
        None => false,
    }
}

/// The kernel's timespec, which has 64 bits everywhere.
#[repr(C)]
struct KernelTimespec {
    tv_sec: i64,
    tv_nsec: i64,
}

/// Waits by `epoll_pwait2` and fills the spare capacity of `events`, which must not be none.
fn pwait2(
    epoll: BorrowedFd<'_>,
    events: &mut Vec<epoll::Event>,
    timeout: Duration,
) -> Result<(), Errno> {
    let timeout = KernelTimespec {
        tv_sec: i64::try_from(timeout.as_secs()).unwrap_or(i64::MAX),
        tv_nsec: i64::from(timeout.subsec_nanos()),
    };
    let room = events.spare_capacity_mut();
    let capacity = libc::c_int::try_from(room.len()).unwrap_or(libc::c_int::MAX);
    // SAFETY: the kernel writes at most `capacity` events to `room`, which is valid for as many; rustix
    // promises (and tests) that its `Event` is laid out as the kernel's `epoll_event`. `timeout` is a
    // `__kernel_timespec` that lives through the call; no signal mask is given, so its size is not read.
    // The descriptor is borrowed for the call.
    let count = unsafe {
        libc::syscall(
            libc::SYS_epoll_pwait2,
            epoll.as_raw_fd(),
            room.as_mut_ptr(),
            capacity,
            &raw const timeout,
            std::ptr::null::<libc::c_void>(),
            0_usize,
        )
    };
    let Ok(count) = usize::try_from(count) else {
        return Err(Errno::from_io_error(&io::Error::last_os_error()).unwrap_or(Errno::IO));
    };
    let filled = events.len() + count;
    // SAFETY: the call above succeeded, so it has written `count` events behind the ones that were there.
    unsafe { events.set_len(filled) };
    Ok(())
}

#[cfg(test)]
mod tests;
