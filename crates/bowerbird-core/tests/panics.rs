//! Where a panic may come from, and what it must leave alone: the worker, the other tasks, the counts.
//!
//! Where cases combine, all combinations are run, on one and on several workers.

mod common;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::task::{Context, Poll, Wake, Waker};

use bowerbird_core::{Config, ContextVar, ParkOnly, Patience, Runtime, Threads};
use common::{Bomb, config, count, everywhere, go, go_blocking, read, until, watched, yield_now};

/// How a future behaves.
#[derive(Debug, Clone, Copy, PartialEq)]
enum End {
    Value,
    Panic,
    Never,
}

/// A future whose destructor and whose output's destructor may panic.
struct Act {
    end: End,
    polls: Arc<AtomicUsize>,
    output: Option<Bomb>,
    output_panics: bool,
    _guard: Bomb,
}

impl Future for Act {
    type Output = Bomb;
    fn poll(mut self: Pin<&mut Self>, _cx: &mut Context<'_>) -> Poll<Bomb> {
        self.polls.fetch_add(1, Ordering::SeqCst);
        match self.end {
            End::Value => {
                let mut output = self.output.take().unwrap();
                output.is_armed = self.output_panics;
                Poll::Ready(output)
            }
            End::Panic => panic!("the poll panicked"),
            End::Never => Poll::Pending,
        }
    }
}

/// What becomes of the handle.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Keep {
    Awaited,
    DroppedAtOnce,
    DroppedAtTheEnd,
}

async fn act(end: End, guard_panics: bool, output_panics: bool, keep: Keep, cancel: bool) {
    let (guards, outputs, polls) = (count(), count(), count());
    let task = go(Act {
        end,
        polls: polls.clone(),
        output: Some(Bomb::new(&outputs, false)),
        output_panics,
        _guard: Bomb::new(&guards, guard_panics),
    });
    let handle = task.handle();
    let mut task = Some(task);
    if keep == Keep::DroppedAtOnce {
        drop(task.take());
    }
    if cancel {
        if end == End::Never {
            until(|| read(&polls) > 0).await;
        }
        handle.cancel();
    }
    handle.wait().await;
    if keep == Keep::DroppedAtTheEnd {
        drop(task.take());
    }
    if let Some(task) = task.take() {
        match task.await {
            Ok(output) => {
                assert_eq!(catch_unwind(AssertUnwindSafe(|| drop(output))).is_err(), output_panics)
            }
            Err(error) => assert_eq!(error.is_panic(), handle.panicked()),
        }
    }
    let case = format!("{end:?} {guard_panics} {output_panics} {keep:?} {cancel}");
    assert!(handle.done(), "{case}");
    if guard_panics {
        assert!(handle.panicked(), "{case}");
    } else if end == End::Never {
        assert!(handle.cancelled(), "{case}");
    }
    // The completer drops what nobody awaits after it has told the waiters.
    until(|| read(&guards) == 1 && read(&outputs) == 1).await;
    assert!(read(&polls) <= 1 + usize::from(cancel), "{case}"); // a request is offered once
    assert_eq!(go(async { 5 }).await.unwrap(), 5);
}

#[test]
fn panic_in_any_place_ends_the_task_and_nothing_else() {
    everywhere(|| async {
        for end in [End::Value, End::Panic, End::Never] {
            for guard_panics in [false, true] {
                for output_panics in [false, true] {
                    for keep in [Keep::Awaited, Keep::DroppedAtOnce, Keep::DroppedAtTheEnd] {
                        for cancel in [false, true] {
                            if end == End::Never && !cancel {
                                continue; // it never ends
                            }
                            act(end, guard_panics, output_panics, keep, cancel).await;
                        }
                    }
                }
            }
        }
    });
}

#[test]
fn panic_in_the_destructor_of_a_task_cancelled_unpolled_is_its_end() {
    everywhere(|| async {
        let (guards, polls, outputs) = (count(), count(), count());
        let rt_task = {
            let guard = Bomb::new(&guards, true);
            let act = Act {
                end: End::Value,
                polls: polls.clone(),
                output: Some(Bomb::new(&outputs, false)),
                output_panics: false,
                _guard: guard,
            };
            let task = go(act);
            task.cancel();
            task
        };
        match rt_task.await {
            Err(error) => assert!(error.is_panic(), "the destructor panicked in every case"),
            Ok(_) => panic!("the guard panics in every case"),
        }
        assert!(read(&guards) == 1 && read(&outputs) == 1);
    });
}

#[test]
fn panic_in_a_done_callback_leaves_the_other_callbacks_and_waiters() {
    everywhere(|| async {
        let called = count();
        let task = go(yield_now());
        for number in 0..4 {
            let called = called.clone();
            let bomb = Bomb::new(&count(), number == 2);
            task.add_done_callback(move |_| {
                called.fetch_add(1, Ordering::SeqCst);
                let _bomb = bomb;
                assert!(number != 1, "the second callback panics");
            });
        }
        let waiter = task.handle();
        let waiter = go(async move { waiter.wait().await });
        task.await.unwrap();
        waiter.await.unwrap();
        until(|| read(&called) == 4).await;
    });
}

/// Panics when it is woken, and counts.
struct Panicking(AtomicUsize);
impl Wake for Panicking {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Ordering::SeqCst);
        panic!("a waker panicked");
    }
}

/// Row 17: a waker that panics leaves nothing locked and nobody asleep (tokio #3689, #4069, #4055).
#[test]
fn panic_in_a_waker_leaves_the_other_waiters_awake() {
    everywhere(|| async {
        let bad = Arc::new(Panicking(AtomicUsize::new(0)));
        let go_on = Arc::new(AtomicBool::new(false));
        let mut task = {
            let go_on = go_on.clone();
            go(async move { until(|| go_on.load(Ordering::SeqCst)).await })
        };
        let waker = Waker::from(bad.clone());
        let mut bad_wait = Box::pin(task.handle().wait());
        assert!(bad_wait.as_mut().poll(&mut Context::from_waker(&waker)).is_pending());
        assert!(Pin::new(&mut task).poll(&mut Context::from_waker(&waker)).is_pending());
        let handle = task.handle();
        let good = go(async move { handle.wait().await });
        yield_now().await;
        go_on.store(true, Ordering::SeqCst);
        good.await.unwrap();
        until(|| read(&bad.0) == 2).await;
        task.await.unwrap();
        drop(bad_wait);
    });
}

/// A waker whose clone panics while it is told to.
mod panicking_clone {
    #![allow(unsafe_code, reason = "a waker is made by hand")]
    use std::cell::Cell;
    use std::task::{RawWaker, RawWakerVTable, Waker};

    thread_local!(pub(crate) static PANICS: Cell<bool> = const { Cell::new(false) });

    const VTABLE: RawWakerVTable = RawWakerVTable::new(
        |data| {
            assert!(!PANICS.get(), "cloning a waker panicked");
            RawWaker::new(data, &VTABLE)
        },
        |_| {},
        |_| {},
        |_| {},
    );

    pub(crate) fn waker(number: usize) -> Waker {
        // SAFETY: the functions do nothing with the data.
        unsafe { Waker::new(std::ptr::without_provenance(number), &VTABLE) }
    }
}

/// Row 17, in clone: the join handle and the waiter go on as if nothing had been asked.
#[test]
fn panic_in_the_clone_of_a_waker_leaves_the_handle_usable() {
    everywhere(|| async {
        let go_on = Arc::new(AtomicBool::new(false));
        let gate = go_on.clone();
        let mut task = go(async move {
            until(|| gate.load(Ordering::SeqCst)).await;
            3
        });
        let mut wait = Box::pin(task.handle().wait());
        for number in 0..4 {
            panicking_clone::PANICS.set(number % 2 == 1);
            let waker = panicking_clone::waker(number);
            let mut cx = Context::from_waker(&waker);
            let first =
                catch_unwind(AssertUnwindSafe(|| Pin::new(&mut task).poll(&mut cx).is_ready()));
            let second = catch_unwind(AssertUnwindSafe(|| wait.as_mut().poll(&mut cx).is_ready()));
            panicking_clone::PANICS.set(false);
            assert!(!matches!((first, second), (Ok(true), _)), "the task is not done yet");
        }
        go_on.store(true, Ordering::SeqCst);
        wait.await;
        assert_eq!(task.await.unwrap(), 3);
    });
}

/// The destructor of the future panics, and then that of the output that it had just given.
#[test]
fn two_panics_one_behind_the_other_do_not_end_the_process() {
    everywhere(|| async {
        let (guards, outputs) = (count(), count());
        let task = go(Act {
            end: End::Value,
            polls: count(),
            output: Some(Bomb::new(&outputs, false)),
            output_panics: true,
            _guard: Bomb::new(&guards, true),
        });
        assert!(task.await.err().unwrap().is_panic());
        assert!(read(&guards) == 1 && read(&outputs) == 1);
    });
}

#[derive(Clone)]
struct Value(#[allow(dead_code, reason = "dropped")] Arc<Bomb>);

/// The last copy of a context variable's value is dropped by whoever drops the task.
#[test]
fn panic_in_the_destructor_of_a_context_variable_leaves_the_worker() {
    static VARIABLE: ContextVar<Value> = ContextVar::new("variable");
    everywhere(|| async {
        let drops = count();
        let inner = drops.clone();
        let task = go(async move {
            drop(VARIABLE.set(Value(Arc::new(Bomb::new(&inner, true)))));
            yield_now().await;
        });
        drop(task);
        until(|| read(&drops) == 1).await;
        let inner = drops.clone();
        let task = go(async move {
            drop(VARIABLE.set(Value(Arc::new(Bomb::new(&inner, true)))));
        });
        let _ended = task.await;
        until(|| read(&drops) == 2).await;
        assert_eq!(go(async { 1 }).await.unwrap(), 1);
    });
}

#[test]
fn panic_in_blocking_work_leaves_the_pool() {
    everywhere(|| async {
        for _ in 0..20 {
            assert!(go_blocking(|| panic!("blocked")).await.unwrap_err().is_panic());
        }
        assert_eq!(go_blocking(|| 7).await.unwrap(), 7);
    });
}

fn with_hooks(panicking: fn(&mut Config, Arc<dyn Fn() + Send + Sync>)) {
    watched(|| {
        for workers in [1, 2] {
            let mut settings = config(workers);
            panicking(&mut settings, Arc::new(|| panic!("a hook panicked")));
            let rt = Runtime::start(settings, Arc::new(ParkOnly), Threads::All).unwrap();
            for _ in 0..20 {
                let text = String::from("borrowed");
                let seen = rt.block_on(async {
                    let other = go(yield_now());
                    go_blocking(|| ()).await.unwrap();
                    other.await.unwrap();
                    text.len()
                });
                assert_eq!(seen.unwrap(), 8);
            }
            rt.shut_down(Patience::Complete);
        }
    });
}

#[test]
fn panic_in_a_hook_leaves_the_thread_at_work() {
    with_hooks(|config, hook| config.on_thread_start = Some(hook));
    with_hooks(|config, hook| config.on_thread_stop = Some(hook));
    with_hooks(|config, hook| config.on_thread_park = Some(hook));
    with_hooks(|config, hook| config.on_thread_unpark = Some(hook));
}

#[test]
fn panics_by_the_thousand_leave_nothing_behind() {
    everywhere(|| async {
        let drops = count();
        let tasks: Vec<_> = (0..2_000)
            .map(|number| {
                let bomb = Bomb::new(&drops, number % 3 == 0);
                go(async move {
                    let _bomb = bomb;
                    if number % 2 == 0 {
                        yield_now().await;
                    }
                    if number % 3 == 1 {
                        panic!("task {number}");
                    }
                })
            })
            .collect();
        for (number, task) in tasks.into_iter().enumerate() {
            assert_eq!(task.await.is_err(), number % 3 != 2);
        }
        assert_eq!(read(&drops), 2_000);
    });
}

/// The payload of a panic nobody awaits panics when it is dropped, and so does the payload of that.
#[test]
fn panic_in_the_destructor_of_a_payload_stays_where_it_is() {
    struct Payload(#[allow(dead_code, reason = "dropped")] Bomb);
    everywhere(|| async {
        let drops = count();
        for keep in [false, true] {
            let payload = Payload(Bomb::new(&drops, true));
            let task = go(async move { std::panic::panic_any(payload) });
            let handle = task.handle();
            let task = keep.then_some(task);
            handle.wait().await;
            drop(task);
        }
        until(|| read(&drops) == 2).await;
        let waited = go_blocking({
            let payload = Payload(Bomb::new(&drops, true));
            move || std::panic::panic_any(payload)
        });
        drop(waited);
        until(|| read(&drops) == 3).await;
        let callback = go(async {});
        let payload = Payload(Bomb::new(&drops, true));
        callback.add_done_callback(move |_| std::panic::panic_any(payload));
        callback.await.unwrap();
        until(|| read(&drops) == 4).await;
        assert_eq!(go(async { 1 }).await.unwrap(), 1);
    });
}
