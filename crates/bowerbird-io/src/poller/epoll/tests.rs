use bowerbird_base::model_or_real;

model_or_real! {
    {}
    {
        use std::os::fd::{AsFd, AsRawFd};
        use std::os::unix::net::UnixStream;
        use std::time::{Duration, Instant};

        use super::{Batch, EventFlags, OsPoller, occurrence};
        use crate::interest::Interest;
        use crate::readiness;
        use crate::registry::Registry;
        use crate::source::Source;

        /// Row 39: no descriptor of the driver reaches a child.
        #[test]
        fn descriptors_are_closed_in_children() {
            let poller = OsPoller::new().unwrap();
            for descriptor in [poller.epoll.as_fd(), poller.wake.as_fd()] {
                let flags = rustix::io::fcntl_getfd(descriptor).unwrap();
                assert!(flags.contains(rustix::io::FdFlags::CLOEXEC), "{}", descriptor.as_raw_fd());
            }
        }

        /// Row 39, seen from a child: it inherits its three standard streams and nothing of ours.
        #[test]
        fn child_has_no_epoll_descriptor() {
            let _poller = OsPoller::new().unwrap();
            let output = std::process::Command::new("ls").args(["-l", "/proc/self/fd"]).output().unwrap();
            let listing = String::from_utf8_lossy(&output.stdout).into_owned();
            assert!(output.status.success() && listing.contains("fd"), "{listing}");
            assert!(!listing.contains("eventpoll") && !listing.contains("eventfd"), "{listing}");
        }

        #[test]
        fn without_pwait2_timed_waits_end_by_event_and_by_timeout() {
            let poller = OsPoller { has_pwait2: false, ..OsPoller::new().unwrap() };
            let (a, b) = UnixStream::pair().unwrap();
            let registry = Registry::default();
            let key = registry.insert(bowerbird_base::sync::Arc::new(Source::new())).unwrap();
            poller.add(a.as_fd(), key, Interest::READABLE).unwrap();
            let start = Instant::now();
            let mut batch = Batch::new();
            poller.wait(&mut batch, Some(Duration::from_millis(3))).unwrap();
            assert!(batch.is_empty() && start.elapsed() >= Duration::from_millis(3));
            b.set_nonblocking(true).unwrap();
            std::io::Write::write_all(&mut &b, b"x").unwrap();
            poller.wait(&mut batch, Some(Duration::from_secs(3600))).unwrap();
            let events: Vec<_> = batch.occurrences().collect();
            assert_eq!(events.len(), 1);
            assert_eq!((events[0].0, events[0].1.read), (key, readiness::READY));
            poller.ring();
            assert!(poller.wait(&mut Batch::new(), Some(Duration::from_secs(3600))).unwrap());
        }

        /// A signal ends a wait as if nothing had happened.
        #[test]
        fn signal_ends_a_wait_without_an_error() {
            // A handler that does nothing, without SA_RESTART (epoll waits never restart anyway).
            extern "C" fn nothing(_: libc::c_int) {}
            let handler = nothing as extern "C" fn(libc::c_int) as libc::sighandler_t;
            // SAFETY: the handler is async-signal-safe, it does nothing.
            unsafe { libc::signal(libc::SIGUSR2, handler) };
            let poller = OsPoller::new().unwrap();
            // SAFETY: no argument; the answer names this thread while it runs.
            let this = unsafe { libc::pthread_self() };
            let is_done = std::sync::atomic::AtomicBool::new(false);
            std::thread::scope(|scope| {
                scope.spawn(|| {
                    while !is_done.load(std::sync::atomic::Ordering::Relaxed) {
                        // SAFETY: the thread lives until the scope has ended.
                        unsafe { libc::pthread_kill(this, libc::SIGUSR2) };
                        std::thread::yield_now();
                    }
                });
                for timeout in [None, Some(Duration::from_secs(3600))] {
                    let mut batch = Batch::new();
                    let outcome = poller.wait(&mut batch, timeout);
                    if outcome.is_err() || timeout.is_some() {
                        is_done.store(true, std::sync::atomic::Ordering::Relaxed);
                    }
                    assert!(!outcome.unwrap() && batch.is_empty());
                }
            });
        }

        #[test]
        fn event_flags_say_what_they_mean() {
            let data = occurrence(EventFlags::IN | EventFlags::OUT);
            assert_eq!((data.read, data.write), (readiness::READY, readiness::READY));
            let end = occurrence(EventFlags::IN | EventFlags::RDHUP);
            assert_eq!((end.read, end.write), (readiness::READY | readiness::CLOSED, 0));
            let urgent = occurrence(EventFlags::PRI);
            assert_eq!((urgent.read, urgent.write), (readiness::URGENT | readiness::PRIORITY, 0));
            // An unreachable UDP peer: an error, but nothing is closed.
            let error = occurrence(EventFlags::ERR | EventFlags::OUT);
            assert_eq!((error.read | error.write) & readiness::CLOSED, 0);
            assert_ne!(error.read & readiness::READY, 0);
            assert_ne!(error.read & readiness::FAULT, 0);
            let hang_up = occurrence(EventFlags::HUP);
            assert_ne!(hang_up.write & readiness::CLOSED & hang_up.read, 0);
            assert_ne!(hang_up.read & readiness::FAULT, 0);
        }
    }
}
