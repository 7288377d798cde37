use bowerbird_base::model_or_real;

model_or_real! {
    {}
    {
        use std::future::Future;
        use std::io::{self, Read, Write};
        use std::net::{TcpListener, TcpStream, UdpSocket};
        use std::os::fd::{AsFd, AsRawFd, OwnedFd};
        use std::os::unix::net::UnixStream;
        use std::panic::{AssertUnwindSafe, catch_unwind};
        use std::pin::{Pin, pin};
        use std::sync::Arc;
        use std::sync::atomic::{AtomicUsize, Ordering};
        use std::task::{Context, Poll, Wake, Waker};
        use std::time::Duration;

        use super::AsyncFd;
        use crate::{Interest, IoDriver};

        /// A driver that this thread belongs to while the value lives.
        struct Entered(Arc<IoDriver>);

        fn enter() -> Entered {
            let driver = IoDriver::new(1).unwrap();
            crate::enter(Some(driver.clone()));
            Entered(driver)
        }

        impl Drop for Entered {
            fn drop(&mut self) {
                crate::enter(None);
            }
        }

        impl Entered {
            fn wait(&self, timeout: Option<Duration>) -> usize {
                assert!(self.0.try_claim(0));
                self.0.wait(0, timeout).unwrap().woken_count
            }

            /// Polls, and waits on the driver in between.
            fn block_on<F: Future>(&self, future: F) -> F::Output {
                let mut future = pin!(future);
                let count = Arc::new(Count::default());
                let waker = Waker::from(count.clone());
                let mut cx = Context::from_waker(&waker);
                loop {
                    let before = count.get();
                    if let Poll::Ready(output) = future.as_mut().poll(&mut cx) {
                        return output;
                    }
                    while count.get() == before {
                        self.wait(None);
                    }
                }
            }

            /// Whether events disarm their registration, as with poll(2).
            fn is_one_shot(&self) -> bool {
                self.0.poller(0).os.is_one_shot()
            }

            /// Takes all events that are there now.
            fn settle(&self) {
                while self.wait(Some(Duration::from_millis(20))) > 0 {}
            }
        }

        #[derive(Default)]
        struct Count(AtomicUsize);

        impl Count {
            fn get(&self) -> usize {
                self.0.load(Ordering::SeqCst)
            }
        }

        impl Wake for Count {
            fn wake(self: Arc<Self>) {
                self.0.fetch_add(1, Ordering::SeqCst);
            }
        }

        fn poll<F: Future + Unpin>(future: &mut F, count: &Arc<Count>) -> Poll<F::Output> {
            Pin::new(future).poll(&mut Context::from_waker(&Waker::from(count.clone())))
        }

        fn pair() -> (AsyncFd<UnixStream>, UnixStream) {
            let (a, b) = UnixStream::pair().unwrap();
            a.set_nonblocking(true).unwrap();
            (AsyncFd::new(a).unwrap(), b)
        }

        fn tcp_pair() -> (AsyncFd<TcpStream>, TcpStream) {
            let listener = TcpListener::bind("127.0.0.1:0").unwrap();
            let client = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
            let (server, _) = listener.accept().unwrap();
            server.set_nonblocking(true).unwrap();
            (AsyncFd::new(server).unwrap(), client)
        }

        fn read<S>(mut source: S, buffer: &mut [u8]) -> io::Result<usize>
        where
            S: Read,
        {
            source.read(buffer)
        }

        #[test]
        fn read_waits_for_data() {
            let driver = enter();
            let (ours, mut theirs) = pair();
            let writer = std::thread::spawn(move || {
                theirs.write_all(b"hello").unwrap();
                theirs
            });
            let mut buffer = [0; 16];
            let count = driver.block_on(ours.read_with(|mut s| s.read(&mut buffer))).unwrap();
            assert_eq!(&buffer[..count], b"hello");
            drop(writer.join().unwrap());
            assert_eq!(driver.block_on(ours.read_with(|s| read(s, &mut [0; 1]))).unwrap(), 0);
        }

        #[test]
        fn new_source_is_writable_but_not_readable() {
            let driver = enter();
            let (ours, _theirs) = pair();
            let count = Arc::new(Count::default());
            let mut readable = ours.readable();
            assert!(poll(&mut readable, &count).is_pending());
            driver.block_on(ours.writable()).unwrap();
            driver.settle();
            assert!(poll(&mut readable, &count).is_pending());
        }

        #[test]
        fn one_event_wakes_every_waiter() {
            let driver = enter();
            let (ours, mut theirs) = pair();
            driver.settle();
            let count = Arc::new(Count::default());
            let mut waiters: Vec<_> = (0..100).map(|_| ours.readable()).collect();
            assert!(waiters.iter_mut().all(|waiter| poll(waiter, &count).is_pending()));
            let slot = Arc::new(Count::default());
            let mut cx_waker = Waker::from(slot.clone());
            assert!(ours.poll_readable(&mut Context::from_waker(&cx_waker)).is_pending());
            cx_waker = Waker::from(slot.clone());
            assert!(ours.poll_readable(&mut Context::from_waker(&cx_waker)).is_pending());
            theirs.write_all(b"x").unwrap();
            assert_eq!(driver.wait(None), 101);
            assert_eq!((count.get(), slot.get()), (100, 1));
            assert!(waiters.iter_mut().all(|waiter| poll(waiter, &count).is_ready()));
        }

        #[test]
        fn dropped_waiter_frees_its_entry() {
            let driver = enter();
            let (ours, mut theirs) = pair();
            driver.settle();
            let count = Arc::new(Count::default());
            let mut kept = ours.readable();
            assert!(poll(&mut kept, &count).is_pending());
            for _ in 0..1000 {
                assert!(poll(&mut ours.readable(), &count).is_pending());
            }
            assert_eq!(ours.waiter_count(), 1);
            theirs.write_all(b"x").unwrap();
            driver.wait(None);
            assert_eq!(count.get(), 1);
            assert!(poll(&mut kept, &count).is_ready());
            assert_eq!(ours.waiter_count(), 0, "a future that is done has no entry");
        }

        /// A waker that panics when it is woken.
        fn panicking_waker() -> Waker {
            struct Panics;
            impl Wake for Panics {
                fn wake(self: Arc<Self>) {
                    panic!("this waker panics on purpose");
                }
            }
            Waker::from(Arc::new(Panics))
        }

        #[test]
        fn waker_that_panics_does_not_lose_the_others() {
            let driver = enter();
            let (ours, mut theirs) = pair();
            driver.settle();
            let count = Arc::new(Count::default());
            let mut before = ours.readable();
            let mut bad = ours.readable();
            let mut after = ours.readable();
            assert!(poll(&mut before, &count).is_pending());
            assert!(Pin::new(&mut bad).poll(&mut Context::from_waker(&panicking_waker())).is_pending());
            assert!(poll(&mut after, &count).is_pending());
            theirs.write_all(b"x").unwrap();
            assert_eq!(driver.wait(None), 3);
            assert_eq!(count.get(), 2);
            driver.block_on(ours.readable()).unwrap();
        }

        /// Row 32: readiness that came while an operation was failing is kept.
        #[test]
        fn newer_readiness_survives_an_old_clear() {
            let driver = enter();
            if driver.is_one_shot() {
                return; // No event comes while nobody waits.
            }
            let (ours, mut theirs) = pair();
            driver.settle();
            for events in [1, 256, 32_768] {
                let result = ours.try_io(Interest::READABLE, |_| {
                    for _ in 0..events {
                        theirs.write_all(b"x").unwrap();
                        driver.wait(None);
                        let mut source = ours.get_ref();
                        source.read_exact(&mut [0]).unwrap();
                    }
                    Err::<(), _>(io::ErrorKind::WouldBlock.into())
                });
                // The first round begins with a source that nobody has looked at.
                assert_eq!(result.unwrap_err().kind(), io::ErrorKind::WouldBlock);
                assert!(ours.readiness().is_readable(), "lost after {events} events");
            }
        }

        /// Row 33: an event of the other direction does not keep this one ready.
        #[test]
        fn write_event_does_not_keep_reading_ready() {
            let driver = enter();
            if driver.is_one_shot() {
                return; // No event comes while nobody waits.
            }
            let (ours, theirs) = pair();
            driver.settle();
            // Fill the socket, so that emptying it makes write events.
            while ours.try_io(Interest::WRITABLE, |mut s| s.write(&[0; 65_536])).is_ok() {}
            let mut calls = 0;
            let count = Arc::new(Count::default());
            let mut future = ours.read_with(|s| {
                calls += 1;
                if calls == 1 {
                    // A write event in the middle of a read that fails.
                    let mut buffer = vec![0; 1 << 20];
                    while read(&theirs, &mut buffer).unwrap() == buffer.len() {}
                    driver.wait(None);
                }
                read(s, &mut [0])
            });
            assert!(poll(&mut future, &count).is_pending());
            drop(future);
            assert_eq!(calls, 1, "the failed read was tried again without a read event");
        }

        /// Row 35: data alone does not look like an end of stream.
        #[test]
        fn closed_is_not_reported_falsely() {
            let driver = enter();
            let (ours, mut theirs) = tcp_pair();
            theirs.write_all(b"data").unwrap();
            driver.block_on(ours.readable()).unwrap();
            let ready = ours.readiness();
            assert!(ready.is_readable() && !ready.is_read_closed() && !ready.is_write_closed());
            assert!(!ready.is_error() && !ready.is_priority());
        }

        /// Row 37: an event of a source that is gone does not reach its successor on the same descriptor.
        #[test]
        fn stale_event_reaches_nobody() {
            let driver = enter();
            let (old, mut theirs) = pair();
            driver.settle();
            let number = old.number();
            assert!(poll(&mut old.readable(), &Arc::new(Count::default())).is_pending());
            theirs.write_all(b"x").unwrap();
            // The event is harvested, and dispatched after the source has been replaced.
            let poller = driver.0.poller(0);
            let mut batch = crate::poller::Batch::new();
            poller.os.wait(&mut batch, None).unwrap();
            assert!(!batch.is_empty());
            // Close and open in one step, so that no other thread gets the number in between.
            let mut descriptor = OwnedFd::from(old.into_inner());
            let (fresh, _peer) = UnixStream::pair().unwrap();
            fresh.set_nonblocking(true).unwrap();
            rustix::io::dup2(&fresh, &mut descriptor).unwrap();
            let reused = AsyncFd::new(UnixStream::from(descriptor)).unwrap();
            assert_eq!(reused.number(), number);
            let count = Arc::new(Count::default());
            let mut readable = reused.readable();
            assert!(poll(&mut readable, &count).is_pending());
            assert_eq!(poller.registry.dispatch(batch.occurrences()), 0);
            assert_eq!(count.get(), 0);
            assert!(!reused.readiness().is_readable());
        }

        /// Row 38: a duplicate that lives on brings no events.
        #[test]
        fn duplicate_of_a_closed_descriptor_is_not_polled() {
            let driver = enter();
            let (ours, mut theirs) = pair();
            driver.settle();
            let duplicate = ours.as_fd().try_clone_to_owned().unwrap();
            drop(ours);
            theirs.write_all(b"x").unwrap();
            drop(theirs);
            let mut batch = crate::poller::Batch::new();
            driver.0.poller(0).os.wait(&mut batch, Some(Duration::from_millis(20))).unwrap();
            assert!(batch.is_empty());
            drop(duplicate);
        }

        /// Row 41: a hang-up and an error that nobody reads come once.
        #[test]
        fn reset_that_nobody_reads_does_not_spin() {
            let driver = enter();
            if driver.is_one_shot() {
                return; // poll(2) reports a hang-up for ever, see `poller::portable`.
            }
            let (ours, theirs) = tcp_pair();
            driver.settle();
            (&theirs).write_all(b"unread").unwrap();
            ours.get_ref().write_all(b"unread").unwrap();
            driver.settle();
            // Closing with unread data resets the connection.
            drop(theirs);
            let count = Arc::new(Count::default());
            let mut writable = ours.ready(Interest::PRIORITY);
            assert!(poll(&mut writable, &count).is_pending());
            driver.wait(None);
            assert_eq!(count.get(), 1, "a hang-up wakes every direction");
            let mut turns = 0;
            let mut batch = crate::poller::Batch::new();
            while {
                driver.0.poller(0).os.wait(&mut batch, Some(Duration::from_millis(50))).unwrap();
                !batch.is_empty()
            } {
                turns += 1;
                assert!(turns < 10, "the hang-up is reported for ever");
                batch = crate::poller::Batch::new();
            }
            assert!(ours.readiness().is_readable() && ours.readiness().is_writable());
        }

        /// Row 43: a connection that is refused is an error of the socket when it turns writable.
        #[test]
        fn refused_connection_turns_writable_with_its_error() {
            let driver = enter();
            let listener = TcpListener::bind("127.0.0.1:0").unwrap();
            let address = listener.local_addr().unwrap();
            drop(listener);
            use rustix::net::{AddressFamily, SocketType};
            let socket = rustix::net::socket(AddressFamily::INET, SocketType::STREAM, None).unwrap();
            let socket = TcpStream::from(socket);
            socket.set_nonblocking(true).unwrap();
            let begun = rustix::net::connect(&socket, &address);
            let socket = AsyncFd::new(socket).unwrap();
            if let Err(rustix::io::Errno::INPROGRESS) = begun {
                driver.block_on(socket.writable()).unwrap();
                let error = socket.get_ref().take_error().unwrap().unwrap();
                assert_eq!(error.kind(), io::ErrorKind::ConnectionRefused);
            } else {
                assert_eq!(begun.unwrap_err(), rustix::io::Errno::CONNREFUSED);
            }
        }

        #[test]
        fn urgent_data_wakes_a_priority_waiter() {
            let driver = enter();
            if driver.is_one_shot() {
                return; // The poll(2) back end cannot ask for it alone.
            }
            let (ours, theirs) = tcp_pair();
            rustix::net::send(&theirs, b"!", rustix::net::SendFlags::OOB).unwrap();
            let ready = driver.block_on(ours.ready(Interest::PRIORITY)).unwrap();
            assert!(ready.is_priority());
            let mut byte = [0];
            let (count, _) = ours
                .try_io(Interest::PRIORITY, |s| {
                    Ok(rustix::net::recv(s, &mut byte, rustix::net::RecvFlags::OOB)?)
                })
                .unwrap();
            assert_eq!((count, byte), (1, *b"!"));
        }

        /// A short read of a stream clears, unless the end of the stream may be behind it.
        #[test]
        fn short_read_clears_only_what_cannot_have_more_behind_it() {
            let driver = enter();
            let (ours, mut theirs) = tcp_pair();
            driver.settle();
            theirs.write_all(b"data").unwrap();
            driver.block_on(ours.readable()).unwrap();
            let before = ours.before_read();
            assert_eq!(read(ours.get_ref(), &mut [0; 16]).unwrap(), 4);
            ours.clear_after_short_read(before);
            let shows_closed = crate::poller::OsPoller::SHOWS_CLOSED;
            assert_eq!(ours.readiness().is_readable(), !shows_closed);

            theirs.write_all(b"last").unwrap();
            drop(theirs);
            driver.block_on(ours.readable()).unwrap();
            driver.settle();
            let before = ours.before_read();
            assert_eq!(read(ours.get_ref(), &mut [0; 16]).unwrap(), 4);
            ours.clear_after_short_read(before);
            assert_eq!(driver.block_on(ours.read_with(|s| read(s, &mut [0; 16]))).unwrap(), 0);
        }

        #[test]
        fn second_datagram_of_one_event_is_read() {
            let driver = enter();
            let ours = UdpSocket::bind("127.0.0.1:0").unwrap();
            ours.set_nonblocking(true).unwrap();
            let ours = AsyncFd::new(ours).unwrap();
            let theirs = UdpSocket::bind("127.0.0.1:0").unwrap();
            driver.settle();
            for text in [b"one", b"two"] {
                theirs.send_to(text, ours.get_ref().local_addr().unwrap()).unwrap();
            }
            let mut buffer = [0; 16];
            for text in [b"one", b"two"] {
                let count = driver.block_on(ours.read_with(|s| s.recv(&mut buffer))).unwrap();
                assert_eq!(&buffer[..count], text);
            }
        }

        /// Issues #2924, #2997, #6067 of Tokio: who waits when the driver ends hears of it.
        #[test]
        fn shutdown_wakes_every_waiter_with_an_error() {
            let driver = enter();
            let (ours, _theirs) = pair();
            driver.settle();
            let count = Arc::new(Count::default());
            let mut readable = ours.readable();
            let mut reading = ours.read_with(|s| read(s, &mut [0]));
            assert!(poll(&mut readable, &count).is_pending());
            assert!(poll(&mut reading, &count).is_pending());
            driver.0.shut_down();
            assert_eq!(count.get(), 2);
            let Poll::Ready(Err(error)) = poll(&mut readable, &count) else { panic!("still waiting") };
            assert!(error.to_string().contains("shut down"), "{error}");
            assert!(matches!(poll(&mut reading, &count), Poll::Ready(Err(_))));
            // What need not wait still works.
            assert_eq!(driver.block_on(ours.write_with(|mut s| s.write(b"x"))).unwrap(), 1);
            drop((readable, reading));
            let (a, _b) = UnixStream::pair().unwrap();
            assert!(AsyncFd::new(a).unwrap_err().to_string().contains("shut down"));
            drop(ours);
            assert_eq!(driver.0.source_count(), 0);
        }

        #[test]
        fn registering_while_the_driver_ends_never_hangs() {
            for _ in 0..50 {
                let driver = enter();
                let other = driver.0.clone();
                let ending = std::thread::spawn(move || other.shut_down());
                for _ in 0..20 {
                    let (a, _b) = UnixStream::pair().unwrap();
                    a.set_nonblocking(true).unwrap();
                    let Ok(source) = AsyncFd::new(a) else { break };
                    let count = Arc::new(Count::default());
                    let mut readable = source.readable();
                    if poll(&mut readable, &count).is_pending() {
                        while count.get() == 0 && !ending.is_finished() {
                            driver.wait(Some(Duration::ZERO));
                        }
                    }
                }
                ending.join().unwrap();
                assert_eq!(driver.0.source_count(), 0);
            }
        }

        /// A thread that parks until it is woken.
        struct Parked(std::thread::Thread);

        impl Wake for Parked {
            fn wake(self: Arc<Self>) {
                self.0.unpark();
            }
        }

        fn park_on<F: Future>(future: F) -> F::Output {
            let mut future = pin!(future);
            let waker = Waker::from(Arc::new(Parked(std::thread::current())));
            loop {
                match future.as_mut().poll(&mut Context::from_waker(&waker)) {
                    Poll::Ready(output) => return output,
                    Poll::Pending => std::thread::park(),
                }
            }
        }

        /// Two threads harvest and dispatch one poller in any order; no event is lost between them.
        #[test]
        fn waiter_and_drainer_together_lose_nothing() {
            let driver = enter();
            let is_over = AtomicUsize::new(0);
            let pairs: Vec<_> = (0..4).map(|_| pair()).collect();
            std::thread::scope(|scope| {
                let drive = || {
                    while is_over.load(Ordering::SeqCst) == 0 {
                        if driver.0.try_claim(0) {
                            driver.0.wait(0, None).unwrap();
                        } else {
                            driver.0.drain(0).unwrap();
                        }
                    }
                };
                let drivers = [scope.spawn(drive), scope.spawn(drive)];
                let players: Vec<_> = pairs
                    .into_iter()
                    .map(|(ours, theirs)| {
                        let peer = scope.spawn(move || {
                            let mut byte = [0];
                            while (&theirs).read(&mut byte).unwrap() == 1 {
                                (&theirs).write_all(&byte).unwrap();
                            }
                        });
                        let player = scope.spawn(move || {
                            for round in 0..2_000_u32 {
                                let byte = [round as u8];
                                park_on(ours.write_with(|mut s| s.write(&byte))).unwrap();
                                let mut answer = [0];
                                // Both ways to wait, in turn.
                                if round % 2 == 0 {
                                    park_on(ours.read_with(|s| read(s, &mut answer))).unwrap();
                                } else {
                                    let poll = |cx: &mut Context<'_>| {
                                        ours.poll_read_with(cx, |s| read(s, &mut answer))
                                    };
                                    park_on(std::future::poll_fn(poll)).unwrap();
                                }
                                assert_eq!(answer, byte);
                            }
                        });
                        (peer, player)
                    })
                    .collect();
                for (peer, player) in players {
                    player.join().unwrap();
                    peer.join().unwrap();
                }
                is_over.store(1, Ordering::SeqCst);
                while !drivers.iter().all(|driver| driver.is_finished()) {
                    driver.0.notify(0);
                    std::thread::yield_now();
                }
            });
        }

        #[test]
        fn into_inner_deregisters() {
            let driver = enter();
            let (ours, mut theirs) = pair();
            assert_eq!(driver.0.source_count(), 1);
            let inner = ours.into_inner();
            assert_eq!(driver.0.source_count(), 0);
            theirs.write_all(b"x").unwrap();
            assert_eq!(driver.wait(Some(Duration::from_millis(5))), 0);
            AsyncFd::new(inner).unwrap();
        }

        #[test]
        fn interest_that_was_not_registered_is_an_error() {
            let driver = enter();
            let (a, _b) = UnixStream::pair().unwrap();
            a.set_nonblocking(true).unwrap();
            let ours = AsyncFd::with_interest(a, Interest::READABLE).unwrap();
            let error = driver.block_on(ours.writable()).unwrap_err();
            assert_eq!(error.kind(), io::ErrorKind::InvalidInput);
        }

        #[test]
        fn regular_file_is_refused() {
            let driver = enter();
            if driver.is_one_shot() {
                return; // poll(2) takes files: always ready.
            }
            let file = std::fs::File::open("/proc/self/exe").unwrap();
            assert!(AsyncFd::new(file).is_err());
            assert_eq!(driver.0.source_count(), 0);
        }

        #[test]
        fn descriptor_comes_back_with_the_error() {
            let driver = enter();
            if driver.is_one_shot() {
                return; // poll(2) takes files: always ready.
            }
            let file = std::fs::File::open("/proc/self/exe").unwrap();
            let error = AsyncFd::try_new(file).unwrap_err();
            assert!(error.to_string().contains("cannot be registered"), "{error}");
            let (file, error) = error.into_parts();
            assert_eq!(error.kind(), io::ErrorKind::PermissionDenied);
            assert!(file.metadata().unwrap().is_file());
            let interest = Interest::READABLE;
            assert!(AsyncFd::try_with_interest(file, interest).is_err());
        }

        /// Nobody has looked yet, which says nothing of urgent data.
        #[test]
        fn urgent_operation_that_would_block_waits() {
            let driver = enter();
            let (ours, theirs) = tcp_pair();
            let mut count = 0;
            let mut receive = ours.async_io(Interest::PRIORITY, |socket| {
                count += 1;
                let mut room = [0];
                let flags = rustix::net::RecvFlags::OOB;
                match rustix::net::recv(socket, &mut room[..], flags) {
                    // Linux says so of urgent data that is not there.
                    Err(rustix::io::Errno::INVAL) => Err(io::ErrorKind::WouldBlock.into()),
                    Ok(_) => Ok(room[0]),
                    Err(error) => Err(error.into()),
                }
            });
            assert!(poll(&mut receive, &Arc::new(Count::default())).is_pending());
            rustix::net::send(&theirs, b"!", rustix::net::SendFlags::OOB).unwrap();
            assert_eq!(driver.block_on(receive).unwrap(), b'!');
            assert_eq!(count, 1);
        }

        fn pipe() -> (OwnedFd, OwnedFd) {
            // With the flag in one call it is not there on macOS.
            let ends = rustix::pipe::pipe().unwrap();
            rustix::io::ioctl_fionbio(&ends.0, true).unwrap();
            rustix::io::ioctl_fionbio(&ends.1, true).unwrap();
            ends
        }

        #[test]
        fn end_of_the_reader_is_an_error_at_the_writer() {
            let driver = enter();
            let (reader, writer) = pipe();
            let writer = AsyncFd::with_interest(writer, Interest::WRITABLE).unwrap();
            let mut error = writer.ready(Interest::ERROR);
            let count = Arc::new(Count::default());
            assert!(poll(&mut error, &count).is_pending());
            driver.block_on(writer.writable()).unwrap();
            assert!(poll(&mut error, &count).is_pending());
            drop(reader);
            assert!(driver.block_on(error).unwrap().is_error());
            // It needs no other interest, and the poll form is told too.
            let (reader, writer) = pipe();
            let writer = AsyncFd::with_interest(writer, Interest::ERROR).unwrap();
            let waker = Waker::from(count.clone());
            assert!(writer.poll_error(&mut Context::from_waker(&waker)).is_pending());
            let before = count.get();
            drop(reader);
            while count.get() == before {
                driver.wait(None);
            }
            assert!(writer.poll_error(&mut Context::from_waker(&waker)).is_ready());
        }

        /// What a reader has cleared is not lost for who waits for errors.
        #[test]
        fn reader_that_would_block_keeps_the_error_for_others() {
            let driver = enter();
            let (ours, theirs) = pair();
            driver.settle();
            drop(theirs);
            driver.wait(None);
            let blocks = |_: &UnixStream| io::Result::<()>::Err(io::ErrorKind::WouldBlock.into());
            ours.try_io(Interest::READABLE, blocks).unwrap_err();
            let count = Arc::new(Count::default());
            assert!(poll(&mut ours.ready(Interest::ERROR), &count).is_ready());
            ours.try_io(Interest::ERROR, blocks).unwrap_err();
            assert!(poll(&mut ours.ready(Interest::ERROR), &count).is_pending());
        }

        #[test]
        fn guard_clears_what_it_has_seen_and_nothing_newer() {
            let driver = enter();
            let (ours, mut theirs) = pair();
            driver.settle();
            theirs.write_all(b"x").unwrap();
            let mut guard = driver.block_on(ours.readable()).unwrap();
            assert!(guard.is_readable() && guard.get_ref().readiness().is_readable());
            theirs.write_all(b"y").unwrap();
            driver.settle();
            guard.clear_ready();
            assert!(ours.readiness().is_readable(), "there was an event since");

            let mut guard = driver.block_on(ours.readable()).unwrap();
            let mut room = [0; 8];
            assert_eq!(guard.try_io(|fd| read(fd.get_ref(), &mut room)).unwrap(), 2);
            assert!(ours.readiness().is_readable(), "it did not say that it would block");
            let error = guard.try_io(|fd| read(fd.get_ref(), &mut room)).unwrap_err();
            assert_eq!(error.kind(), io::ErrorKind::WouldBlock);
            assert!(!ours.readiness().is_readable() && ours.readiness().is_writable());
            assert!(poll(&mut ours.readable(), &Arc::new(Count::default())).is_pending());

            let mut guard = driver.block_on(ours.ready(Interest::WRITABLE)).unwrap();
            guard.clear_ready_matching(Interest::READABLE);
            assert!(ours.readiness().is_writable());
            assert_eq!(guard.get_inner().as_fd().as_raw_fd(), ours.as_raw_fd());
            guard.clear_ready();
            assert!(!ours.readiness().is_writable());
        }

        #[test]
        fn operations_may_change_the_owner() {
            let driver = enter();
            let (mut ours, mut theirs) = pair();
            let mut room = [0; 8];
            let mut waiting = ours.read_with_mut(|stream| stream.read(&mut room));
            let count = Arc::new(Count::default());
            assert!(poll(&mut waiting, &count).is_pending());
            theirs.write_all(b"hello").unwrap();
            assert_eq!(driver.block_on(waiting).unwrap(), 5);
            let error = ours.try_io_mut(Interest::READABLE, |stream| stream.read(&mut room));
            assert_eq!(error.unwrap_err().kind(), io::ErrorKind::WouldBlock);
            assert_eq!(driver.block_on(ours.write_with_mut(|stream| stream.write(b"x"))).unwrap(), 1);

            // Both directions: an event of either wakes it.
            let both = Interest::READABLE | Interest::WRITABLE;
            let mut either = ours.async_io_mut(both, |stream| stream.read(&mut room));
            assert!(poll(&mut either, &count).is_pending());
            theirs.write_all(b"y").unwrap();
            assert_eq!(driver.block_on(either).unwrap(), 1);
        }

        #[test]
        fn outside_a_runtime_the_panic_names_the_call() {
            let (a, _b) = UnixStream::pair().unwrap();
            let panic = catch_unwind(AssertUnwindSafe(|| AsyncFd::new(a))).unwrap_err();
            let message = panic.downcast_ref::<String>().unwrap();
            assert!(message.contains("`AsyncFd::new`") && message.contains("bowerbird::run"), "{message}");
        }

        /// Cancellation rule 1: an offered request beats readiness, but not at the first poll.
        #[test]
        fn offered_request_beats_readiness() {
            use bowerbird_base::poll_context::{self, Request};
            let driver = enter();
            let (ours, mut theirs) = pair();
            driver.settle();
            let count = Arc::new(Count::default());
            poll_context::set_tracked(true);
            let mut waiting = ours.readable();
            assert!(poll(&mut waiting, &count).is_pending());
            assert_eq!(poll_context::take_wait().unwrap().kind, "readable");
            theirs.write_all(b"x").unwrap();
            driver.wait(None);
            poll_context::offer(Request::of_task(None));
            assert!(poll(&mut waiting, &count).is_pending());
            assert!(poll(&mut ours.readable(), &count).is_ready());
            poll_context::take_request().unwrap();
            assert!(poll(&mut waiting, &count).is_ready());
        }
    }
}
