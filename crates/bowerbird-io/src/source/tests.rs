use bowerbird_base::model_or_real;

use super::{Occurrence, Source};
use crate::interest::Interest;
use crate::readiness::READY;
use crate::wake_list::WakeList;

const READ: Occurrence = Occurrence { read: READY, write: 0, is_one_shot: false };

fn deliver(source: &Source, event: Occurrence) -> usize {
    let mut woken = WakeList::new();
    source.deliver(event, &mut woken);
    woken.wake()
}

model_or_real! {
    {
        use std::future::poll_fn;
        use std::task::Poll;

        use bowerbird_base::sync::atomic::{AtomicUsize, Ordering};
        use bowerbird_base::sync::{Arc, Condvar, Mutex, thread};
        use loom::future::block_on;

        /// A source and the buffer of its socket in the kernel.
        struct Socket(Source, AtomicUsize);

        fn socket() -> Arc<Socket> {
            Arc::new(Socket(Source::new(), AtomicUsize::new(0)))
        }

        /// The operating system and the driver: data, then its event.
        fn arrive(socket: &Socket) {
            socket.1.store(1, Ordering::Relaxed);
            deliver(&socket.0, READ);
        }

        /// Reads as `AsyncFd` does: tries, clears, stores the waker, looks again.
        fn read(socket: &Socket, key: &mut Option<usize>, in_list: bool) {
            let interest = Interest::READABLE;
            block_on(poll_fn(|cx| {
                let mut is_stored = false;
                loop {
                    let seen = socket.0.ready();
                    if seen.is_worth_a_try(interest) {
                        if socket.1.load(Ordering::Relaxed) == 1 {
                            return Poll::Ready(());
                        }
                        socket.0.clear(seen, interest);
                    } else if is_stored {
                        return Poll::Pending;
                    } else {
                        if in_list {
                            socket.0.register_waiter(key, interest, cx.waker());
                        } else {
                            socket.0.register_slot(interest, cx.waker());
                        }
                        is_stored = true;
                    }
                }
            }));
            socket.0.remove_waiter(key);
        }

        /// `[ORD-3]` of `readiness`: a future that begins to wait while the event is dispatched.
        #[test]
        fn waiter_during_event_is_woken() {
            loom::model(|| {
                let socket = socket();
                let driver = {
                    let socket = socket.clone();
                    thread::spawn(move || arrive(&socket))
                };
                read(&socket, &mut None, true);
                driver.join().unwrap();
            });
        }

        #[test]
        fn poll_form_during_event_is_woken() {
            loom::model(|| {
                let socket = socket();
                let driver = {
                    let socket = socket.clone();
                    thread::spawn(move || arrive(&socket))
                };
                read(&socket, &mut None, false);
                driver.join().unwrap();
            });
        }

        /// One event, two futures: both come through, one reader clearing under the other's eyes.
        #[test]
        fn two_waiters_of_one_event_are_both_woken() {
            loom::model(|| {
                let socket = socket();
                let others: [fn(&Socket); 2] = [arrive, |socket| read(socket, &mut None, true)];
                let threads = others.map(|run| {
                    let socket = socket.clone();
                    thread::spawn(move || run(&socket))
                });
                read(&socket, &mut None, true);
                threads.into_iter().for_each(|thread| thread.join().unwrap());
            });
        }

        /// A one-shot system: an event shows what is armed and ready, and disarms everything.
        struct OneShot {
            source: Source,
            kernel: Mutex<Kernel>,
            changed: Condvar,
        }

        #[derive(Default)]
        struct Kernel {
            armed: u8,
            ready: u8,
            is_over: bool,
        }

        impl OneShot {
            fn change(&self, change: impl FnOnce(&mut Kernel)) {
                change(&mut self.kernel.lock());
                self.changed.notify_all();
            }

            /// Dispatches until it is told to end.
            fn drive(&self) {
                loop {
                    let mut kernel = self.kernel.lock();
                    while kernel.armed & kernel.ready == 0 && !kernel.is_over {
                        self.changed.wait(&mut kernel);
                    }
                    let shown = Interest(std::mem::take(&mut kernel.armed) & kernel.ready);
                    drop(kernel);
                    if shown.0 == 0 {
                        return;
                    }
                    let (read, write) = (shown.read_gate(), shown.write_gate());
                    deliver(&self.source, Occurrence { read, write, is_one_shot: true });
                }
            }

            fn wait(&self, interest: Interest) {
                let mut key = None;
                block_on(poll_fn(|cx| {
                    if self.source.ready().satisfies(interest) {
                        return Poll::Ready(());
                    }
                    self.source.register_waiter(&mut key, interest, cx.waker());
                    let arm = |all: Interest| {
                        self.change(|kernel| kernel.armed = all.0);
                        Ok(())
                    };
                    self.source.arm(interest, arm).unwrap();
                    if self.source.ready().satisfies(interest) { Poll::Ready(()) } else { Poll::Pending }
                }));
                self.source.remove_waiter(&mut key);
            }
        }

        /// Two wait; what the second waits for is ready only after the first has come through, so the first
        /// one's event may have disarmed the second.
        fn one_shot(first: Interest, second: Interest) {
            loom::model(move || {
                let kernel = Kernel { ready: first.0, ..Kernel::default() };
                let shared = Arc::new(OneShot {
                    source: Source::new(),
                    kernel: Mutex::new(kernel),
                    changed: Condvar::new(),
                });
                let driver = {
                    let shared = shared.clone();
                    thread::spawn(move || shared.drive())
                };
                let other = {
                    let shared = shared.clone();
                    thread::spawn(move || {
                        shared.wait(first);
                        shared.change(|kernel| kernel.ready |= second.0);
                    })
                };
                shared.wait(second);
                other.join().unwrap();
                shared.change(|kernel| kernel.is_over = true);
                driver.join().unwrap();
            });
        }

        #[test]
        fn one_shot_reader_disarmed_by_a_write_event_is_woken() {
            one_shot(Interest::WRITABLE, Interest::READABLE);
        }

        #[test]
        fn one_shot_writer_disarmed_by_a_read_event_is_woken() {
            one_shot(Interest::READABLE, Interest::WRITABLE);
        }
    }
    {
        use std::task::Waker;

        #[test]
        fn event_wakes_only_its_direction() {
            let source = Source::new();
            let (mut reader, mut writer) = (None, None);
            source.register_waiter(&mut reader, Interest::READABLE, Waker::noop());
            source.register_waiter(&mut writer, Interest::WRITABLE, Waker::noop());
            assert_eq!(deliver(&source, READ), 1);
            assert_eq!(deliver(&source, READ), 0);
            assert_eq!(source.waiter_count(), 2);
            source.remove_waiter(&mut reader);
            source.remove_waiter(&mut writer);
            assert_eq!(source.waiter_count(), 0);
        }

        #[test]
        fn one_shot_event_wakes_everybody_to_arm_again() {
            let source = Source::new();
            let (mut reader, mut writer) = (None, None);
            source.register_waiter(&mut reader, Interest::READABLE, Waker::noop());
            source.register_waiter(&mut writer, Interest::WRITABLE, Waker::noop());
            assert_eq!(deliver(&source, Occurrence { is_one_shot: true, ..READ }), 2);
        }
    }
}
