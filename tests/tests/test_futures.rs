//! `Future` and `Promise`, after CPython's `test_futures.py` (see tests/cpython/test_futures.md).

use std::error::Error;
use std::fmt;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use bowerbird::context::ContextVar;
use bowerbird::future::{self, FutureError, promise};
use bowerbird::{EventLoop, LoopHandle, Runner, spawn, timeout};
use bowerbird_tests::{Counted, Journal, catch, everywhere, on_workers, paused, turns, until};

#[derive(Debug, Clone, PartialEq, Eq)]
struct Boom(u32);

impl fmt::Display for Boom {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "boom {}", self.0)
    }
}

impl Error for Boom {}

/// Runs a closure on a runner, and gives what its exception handler heard.
fn heard_of(program: impl FnOnce()) -> Vec<String> {
    let journal = Journal::new();
    let log = journal.clone();
    let builder = Runner::builder()
        .worker_threads(1)
        .exception_handler(move |unhandled| log.note(unhandled.to_string()));
    builder.build().unwrap().run(async { program() }).unwrap();
    journal.lines()
}

// ----- the outcome -----------------------------------------------------------------------------------

#[test]
fn test_initial_state() {
    let (promise, future) = promise::<()>();
    assert!(!future.cancelled() && !future.done());
    assert!(!promise.cancelled() && !promise.done());
    future.cancel();
    assert!(future.cancelled() && promise.cancelled());
}

#[test]
fn test_cancel() {
    let (promise, future) = promise();
    assert!(future.cancel());
    assert!(future.cancelled() && future.done());
    assert!(future.result().unwrap_err().is_cancelled());
    assert!(future.exception().unwrap_err().is_cancelled());
    assert!(promise.set_result(1).unwrap_err().to_string().contains("was cancelled already"));
    promise.set_exception(Boom(1)).unwrap_err();
    assert!(!future.cancel() && !promise.cancel());
}

#[test]
fn test_future_cancel_message_getter() {
    on_workers(1, async {
        let (_promise, future) = promise::<()>();
        assert!(future.cancel_with("my message"));
        assert!(!future.cancel_with("too late"));
        let error = future.await.unwrap_err();
        assert_eq!(error.cancel_message(), Some("my message"));
        assert_eq!(error.to_string(), "the future was cancelled: my message");
    });
}

#[test]
fn test_result() {
    let (promise, future) = promise();
    let error = future.result().unwrap_err();
    assert!(matches!(error, FutureError::NotDone(_)), "{error:?}");
    assert!(error.to_string().contains("result() was called on a future that is not done"));

    promise.set_result(42).unwrap();
    assert!(!future.cancelled() && future.done());
    assert_eq!(future.result().unwrap(), 42);
    assert_eq!(future.result().unwrap(), 42);
    assert!(future.exception().unwrap().is_none());
    let error = promise.set_result(43).unwrap_err().to_string();
    assert!(error.contains("set_result()") && error.contains("has its result already"), "{error}");
    assert!(error.contains("test_futures.rs:"), "{error}");
    promise.set_exception(Boom(1)).unwrap_err();
    assert!(!future.cancel());
    assert_eq!(future.result().unwrap(), 42);
}

#[test]
fn test_exception() {
    let (promise, future) = promise::<()>();
    assert!(matches!(future.exception().unwrap_err(), FutureError::NotDone(_)));

    promise.set_exception(Boom(7)).unwrap();
    assert!(!future.cancelled() && future.done());
    let error = future.result().unwrap_err();
    assert_eq!(error.downcast_ref::<Boom>(), Some(&Boom(7)));
    assert_eq!(error.to_string(), "boom 7");
    assert_eq!(future.exception().unwrap().unwrap().downcast_ref(), Some(&Boom(7)));
    promise.set_result(()).unwrap_err();
    let error = promise.set_exception(Boom(8)).unwrap_err().to_string();
    assert!(error.contains("has its exception already"), "{error}");
    assert!(!future.cancel());
}

#[test]
fn test_exception_class() {
    let (promise, future) = promise::<()>();
    promise.set_exception("a text is an error too").unwrap();
    assert_eq!(future.result().unwrap_err().to_string(), "a text is an error too");
}

#[test]
fn source_of_the_exception_stays_reachable() {
    let (promise, future) = promise::<()>();
    promise.set_exception(io::Error::other(Boom(3))).unwrap();
    let error: Box<dyn Error + Send + Sync> = future.result().unwrap_err().into();
    assert_eq!(error.to_string(), "boom 3");
}

#[test]
fn try_set_gives_back_what_came_too_late() {
    let (promise, future) = promise();
    promise.try_set_result("first").unwrap();
    assert_eq!(promise.try_set_result("second"), Err("second"));
    assert_eq!(promise.try_set_exception(Boom(2)).unwrap_err().to_string(), "boom 2");
    assert_eq!(future.result().unwrap(), "first");
}

#[test]
fn test_set_result_unless_cancelled() {
    let (promise, future) = promise();
    future.cancel();
    assert_eq!(promise.try_set_result(2), Err(2));
    assert!(future.cancelled());
}

/// `test_yield_from_twice`: the outcome stays.
#[test]
fn test_yield_from_twice() {
    everywhere(|| async {
        let (promise, mut future) = promise();
        let waiter = spawn(async move {
            let first = (&mut future).await.unwrap();
            (first, (&mut future).await.unwrap(), future.await.unwrap())
        });
        turns(2).await;
        promise.set_result(42).unwrap();
        assert_eq!(waiter.await.unwrap(), (42, 42, 42));
    });
}

#[test]
fn test_future_repr() {
    let (promise, future) = promise::<u32>();
    let text = format!("{future:?}");
    assert!(text.starts_with("<Future pending created at ") && text.contains("test_futures.rs:"));
    assert!(format!("{promise:?}").starts_with("<Promise pending"));
    promise.set_result(4).unwrap();
    assert!(format!("{future:?}").starts_with("<Future finished"));
    let (promise, future) = future::promise::<u32>();
    promise.set_exception(Boom(1)).unwrap();
    assert!(format!("{future:?}").contains("exception=boom 1"));
    future.exception().unwrap();
    let (_promise, future) = future::promise::<u32>();
    future.cancel();
    assert!(format!("{future:?}").starts_with("<Future cancelled"));
}

#[test]
fn value_is_dropped_once_with_the_last_of_both_sides() {
    let journal = Journal::new();
    let (promise, future) = promise();
    let other = future.clone();
    promise.set_result(Arc::new(journal.on_drop("dropped"))).map_err(drop).unwrap();
    drop(promise);
    drop(other);
    journal.expect(&[]);
    drop(future);
    journal.expect(&["dropped"]);
}

#[test]
fn test_future_del_collect() {
    for _ in 0..100 {
        let (promise, future) = promise();
        let weak = Arc::new(());
        promise.set_result(weak.clone()).unwrap();
        drop((promise, future));
        assert_eq!(Arc::strong_count(&weak), 1);
    }
}

// ----- the promise ------------------------------------------------------------------------------------

#[test]
fn promise_dropped_unset_cancels_its_future() {
    everywhere(|| async {
        let (promise, future) = promise::<()>();
        let waiter = spawn(future.clone());
        turns(2).await;
        drop(promise);
        let error = waiter.await.unwrap().unwrap_err();
        assert_eq!(error.cancel_message(), Some("its promise was dropped before it was set"));
        assert!(future.cancelled());
    });
}

#[test]
fn promise_may_be_shared_and_the_first_one_wins() {
    everywhere(|| async {
        let (promise, future) = promise();
        let promise = Arc::new(promise);
        let setters: Vec<_> = (0..8)
            .map(|number| {
                let promise = promise.clone();
                spawn(async move { promise.try_set_result(number).is_ok() })
            })
            .collect();
        let won = bowerbird::gather(setters).await;
        let winners: Vec<_> =
            won.iter().enumerate().filter(|(_, won)| matches!(won, Ok(true))).collect();
        assert_eq!(winners.len(), 1);
        assert_eq!(future.await.unwrap(), winners[0].0);
    });
}

#[test]
fn promise_makes_more_futures_and_is_set_from_any_thread() {
    on_workers(1, async {
        let (promise, first) = promise();
        let second = promise.future();
        std::thread::spawn(move || promise.set_result("from outside").unwrap());
        assert_eq!(first.await.unwrap(), "from outside");
        assert_eq!(second.result().unwrap(), "from outside");
    });
}

// ----- awaiters ---------------------------------------------------------------------------------------

#[test]
fn every_awaiter_gets_a_clone() {
    everywhere(|| async {
        let (promise, future) = promise();
        let waiters: Vec<_> = (0..20).map(|_| spawn(future.clone())).collect();
        turns(2).await;
        promise.set_result(String::from("shared")).unwrap();
        for waiter in waiters {
            assert_eq!(waiter.await.unwrap().unwrap(), "shared");
        }
    });
}

#[test]
fn cancelled_awaiter_cancels_the_future() {
    everywhere(|| async {
        let (promise, mut future) = promise::<()>();
        let bystander = spawn(future.clone());
        let polled = Counted::new();
        let count = polled.clone();
        let waiter = spawn(std::future::poll_fn(move |cx| {
            let polled = std::pin::Pin::new(&mut future).poll(cx);
            count.add();
            polled
        }));
        until(|| polled.get() == 1).await;
        waiter.cancel_with("enough");
        assert_eq!(waiter.await.unwrap_err().message(), Some("enough"));
        assert!(promise.cancelled());
        let error = bystander.await.unwrap().unwrap_err();
        assert_eq!(error.cancel_message(), Some("enough"));
    });
}

/// On one worker the order is certain: the future is cancelled in the turn of the request.
#[test]
fn cancelled_awaiter_passes_its_message_to_the_future() {
    on_workers(1, async {
        let (promise, future) = promise::<()>();
        let waiter = spawn(future.clone());
        let bystander = spawn(future.clone());
        turns(2).await;
        waiter.cancel_with("enough");
        turns(1).await;
        assert!(promise.cancelled());
        assert_eq!(waiter.await.unwrap_err().message(), Some("enough"));
        let error = bystander.await.unwrap().unwrap_err();
        assert_eq!(error.cancel_message(), Some("enough"));
    });
}

#[test]
fn timeout_cancels_the_future_and_wait_does_not() {
    paused(async {
        let (promise, future) = promise::<u32>();
        let limit = Duration::from_secs(1);
        timeout(limit, future.wait()).await.unwrap_err();
        assert!(!promise.done());
        timeout(limit, future).await.unwrap_err();
        assert!(promise.cancelled());
    });
}

/// A request that comes after the result was set finds nothing to cancel, and unwinds all the same.
#[test]
fn request_beats_a_result_that_was_just_set() {
    on_workers(1, async {
        let (promise, future) = promise();
        let waiter = spawn(future.clone());
        turns(2).await;
        promise.set_result(1).unwrap();
        waiter.cancel();
        assert!(waiter.await.unwrap_err().is_cancelled());
        assert_eq!(future.result().unwrap(), 1);
    });
}

#[test]
fn dropped_await_leaves_the_future_alone() {
    on_workers(1, async {
        let (promise, mut future) = promise();
        {
            let mut waiting = std::pin::pin!(&mut future);
            std::future::poll_fn(|cx| {
                assert!(waiting.as_mut().poll(cx).is_pending());
                std::task::Poll::Ready(())
            })
            .await;
        }
        promise.set_result(5).unwrap();
        assert_eq!(future.await.unwrap(), 5);
    });
}

#[test]
fn future_set_without_a_runtime_is_awaited_later() {
    let (promise, future) = promise();
    promise.set_result(1).unwrap();
    assert_eq!(bowerbird::run(future).unwrap(), 1);
}

// ----- never silent -----------------------------------------------------------------------------------

#[test]
fn test_tb_logger_abandoned() {
    assert!(heard_of(|| drop(promise::<()>())).is_empty());
}

#[test]
fn test_tb_logger_not_called_after_cancel() {
    let heard = heard_of(|| {
        let (promise, future) = promise::<()>();
        promise.set_exception(Boom(1)).unwrap();
        future.cancel();
    });
    assert!(heard.is_empty(), "{heard:?}");
}

#[test]
fn test_tb_logger_result_unretrieved() {
    assert!(heard_of(|| promise().0.set_result(42).unwrap()).is_empty());
}

#[test]
fn test_tb_logger_exception_unretrieved() {
    let heard = heard_of(|| promise::<()>().0.set_exception(Boom(9)).unwrap());
    assert_eq!(heard.len(), 1, "{heard:?}");
    assert!(heard[0].starts_with("a future's exception was never retrieved"), "{heard:?}");
    assert!(heard[0].contains("test_futures.rs:") && heard[0].ends_with("boom 9"), "{heard:?}");
}

#[test]
fn test_tb_logger_exception_retrieved() {
    let heard = heard_of(|| {
        let (promise, future) = promise::<()>();
        promise.set_exception(Boom(1)).unwrap();
        future.exception().unwrap();
    });
    assert!(heard.is_empty(), "{heard:?}");
}

#[test]
fn test_tb_logger_exception_result_retrieved() {
    let heard = heard_of(|| {
        let (promise, future) = promise::<()>();
        promise.set_exception(Boom(1)).unwrap();
        future.result().unwrap_err();
    });
    assert!(heard.is_empty(), "{heard:?}");
}

#[test]
fn test_future_exception_never_retrieved() {
    let heard = heard_of(|| {
        let (promise, future) = promise::<()>();
        // A look at the state is no look at the exception.
        promise.set_exception(Boom(1)).unwrap();
        assert!(future.done() && !future.cancelled());
        drop(future.clone());
        drop(future);
        drop(promise);
    });
    assert_eq!(heard.len(), 1, "{heard:?}");
}

// ----- done callbacks ---------------------------------------------------------------------------------

/// Adds three callbacks, removes those of these numbers (twice), sets the result, and gives what was called.
fn called_after_removing(removed: &[usize]) -> Vec<String> {
    let journal = Journal::new();
    on_workers(1, async {
        let (promise, future) = promise();
        let ids = [0, 1, 2].map(|number| {
            let journal = journal.clone();
            future.add_done_callback(move |future| {
                assert_eq!(future.result().unwrap(), "foo");
                journal.note(number.to_string());
            })
        });
        for &number in removed {
            assert!(future.remove_done_callback(ids[number]));
            assert!(!future.remove_done_callback(ids[number]));
        }
        journal.expect(&[]);
        promise.set_result("foo").unwrap();
        journal.expect(&[]);
        turns(1).await;
    });
    journal.lines()
}

#[test]
fn test_callbacks_remove_first_callback() {
    assert_eq!(called_after_removing(&[0]), ["1", "2"]);
}

#[test]
fn test_callbacks_remove_first_and_second_callback() {
    assert_eq!(called_after_removing(&[0, 1]), ["2"]);
}

#[test]
fn test_callbacks_remove_third_callback() {
    assert_eq!(called_after_removing(&[2]), ["0", "1"]);
}

#[test]
fn test_callbacks_invoked_on_set_result() {
    assert_eq!(called_after_removing(&[]), ["0", "1", "2"]);
}

#[test]
fn test_callbacks_invoked_on_set_exception() {
    everywhere(|| async {
        let (promise, future) = promise::<()>();
        let (told, heard) = future::promise();
        future.add_done_callback(move |future| {
            told.set_result(future.exception().unwrap().unwrap().to_string()).unwrap();
        });
        promise.set_exception(Boom(1)).unwrap();
        assert_eq!(heard.await.unwrap(), "boom 1");
    });
}

#[test]
fn callbacks_are_called_on_cancel() {
    everywhere(|| async {
        let (_promise, future) = promise::<()>();
        let called = Counted::new();
        let count = called.clone();
        future.add_done_callback(move |future| {
            assert!(future.cancelled());
            count.add();
        });
        future.cancel();
        until(|| called.get() == 1).await;
    });
}

#[test]
fn callback_of_a_future_that_is_done_is_called_soon_and_never_inline() {
    on_workers(1, async {
        let journal = Journal::new();
        let (promise, future) = promise();
        promise.set_result(()).unwrap();
        let inner = journal.clone();
        let id = future.add_done_callback(move |_| inner.note("callback"));
        assert!(!future.remove_done_callback(id), "it is on its way");
        journal.note("added");
        turns(1).await;
        journal.expect(&["added", "callback"]);
    });
}

#[test]
fn test_schedule_callbacks_list_mutation_1() {
    on_workers(1, async {
        let (promise, future) = promise();
        let called = Counted::new();
        let (first, second) = (called.clone(), called.clone());
        let mutator = future.clone();
        future.add_done_callback(move |_| {
            let count = first.clone();
            let id = mutator.add_done_callback(move |_| count.add());
            assert!(!mutator.remove_done_callback(id));
        });
        future.add_done_callback(move |_| second.add());
        promise.set_result(1).unwrap();
        turns(3).await;
        assert_eq!(called.get(), 2);
    });
}

/// asyncio schedules awaiters and callbacks through one list.
#[test]
fn awaiters_and_callbacks_take_turns_in_the_order_in_which_they_came() {
    let journal = Journal::new();
    on_workers(1, async {
        let (promise, future) = promise();
        let mut waiters = Vec::new();
        for number in 0..3 {
            let (awaiter, callback) = (journal.clone(), journal.clone());
            let awaited = future.clone();
            waiters.push(spawn(async move {
                awaited.await.unwrap();
                awaiter.note(format!("awaiter {number}"));
            }));
            turns(1).await;
            future.add_done_callback(move |_| callback.note(format!("callback {number}")));
        }
        promise.set_result(()).unwrap();
        turns(1).await;
    });
    let expected =
        ["awaiter 0", "callback 0", "awaiter 1", "callback 1", "awaiter 2", "callback 2"];
    journal.expect(&expected);
}

#[test]
fn callback_that_panics_is_reported_and_the_next_is_called() {
    let journal = Journal::new();
    let log = journal.clone();
    let builder = Runner::builder()
        .worker_threads(1)
        .exception_handler(move |unhandled| log.note(unhandled.error.clone().unwrap()));
    let called = journal.clone();
    builder
        .build()
        .unwrap()
        .run(async {
            let (promise, future) = promise();
            future.add_done_callback(|_| panic!("first"));
            future.add_done_callback(move |_| called.note("second"));
            promise.set_result(()).unwrap();
            turns(2).await;
        })
        .unwrap();
    journal.expect(&["first", "second"]);
}

#[test]
fn callback_has_the_context_of_whoever_added_it() {
    static WHO: ContextVar<&str> = ContextVar::new("who");
    everywhere(|| async {
        let (promise, future) = promise();
        let (told, heard) = future::promise();
        let _added = WHO.set("adder");
        future.add_done_callback(move |_| told.set_result(WHO.get()).unwrap());
        let _set = WHO.set("setter");
        promise.set_result(()).unwrap();
        assert_eq!(heard.await.unwrap(), Some("adder"));
    });
}

#[test]
fn callback_is_called_by_the_loop_in_which_it_was_added() {
    let mut event_loop = EventLoop::new().unwrap();
    let (promise, future) = promise();
    let (told, heard) = future::promise();
    event_loop
        .run_until_complete(async {
            future.add_done_callback(move |_| told.set_result(LoopHandle::current()).unwrap());
        })
        .unwrap();
    // Set in another runtime.
    bowerbird::run(async { promise.set_result(()).unwrap() });
    assert_eq!(event_loop.run_until_complete(heard).unwrap().unwrap(), event_loop.handle());
}

#[test]
fn callback_added_outside_a_runtime_is_refused() {
    let (_promise, future) = promise::<()>();
    let caught = catch(|| future.add_done_callback(|_| {}));
    assert!(caught.message.contains("add_done_callback() was called outside"), "{caught:?}");
    assert!(caught.file.contains("test_futures.rs"), "{caught:?}");
}

/// `test_constructor_use_running_loop`: no loop is needed here to make one.
#[test]
fn test_constructor_without_loop() {
    let (promise, future) = future::create_future();
    promise.set_result(1).unwrap();
    assert_eq!(future.result().unwrap(), 1);
    let (promise, future) = EventLoop::new().unwrap().create_future();
    promise.set_result(2).unwrap();
    assert_eq!(future.result().unwrap(), 2);
}
