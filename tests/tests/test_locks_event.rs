//! CPython's `test_locks.py`: `Event`, with what asyncio's has not.
//!
//! `tests/cpython/test_locks.md` maps all of it.

use std::sync::Arc;

use bowerbird::sync::{AutoResetEvent, Event, LazyCell, Notify, OnceCell};
use bowerbird::{Task, gather_iter, spawn, yield_now};
use bowerbird_tests::{Counted, Journal, everywhere, on_workers, turns, until};

/// What tasks give, all of which end well.
async fn outputs<T: Send + 'static>(tasks: impl IntoIterator<Item = Task<T>>) -> Vec<T> {
    gather_iter(tasks).await.into_iter().map(Result::unwrap).collect()
}

/// A task that waits for the event and notes its name.
fn waiter(event: &Arc<Event>, journal: &Journal, name: &'static str) -> Task<()> {
    let (event, journal) = (event.clone(), journal.clone());
    spawn(async move {
        event.wait().await;
        journal.note(name);
    })
}

#[test]
fn test_repr() {
    let event = Event::new();
    assert!(format!("{event:?}").contains("is_set: false"));
    event.set();
    assert!(format!("{event:?}").contains("is_set: true"));
    assert_eq!(event.statistics().tasks_waiting, 0);
}

#[test]
fn test_wait() {
    on_workers(1, async {
        let (event, journal) = (Arc::new(Event::new()), Journal::new());
        let first = waiter(&event, &journal, "1");
        let second = waiter(&event, &journal, "2");
        yield_now().await;
        journal.expect(&[]);
        assert_eq!(event.statistics().tasks_waiting, 2);
        let third = waiter(&event, &journal, "3");
        event.set();
        outputs([first, second, third]).await;
        journal.expect(&["3", "1", "2"]);
    });
}

#[test]
fn test_wait_on_set() {
    everywhere(|| async {
        let event = Event::new();
        event.set();
        event.wait().await;
        assert!(event.is_set());
    });
}

#[test]
fn test_wait_cancel() {
    everywhere(|| async {
        let (event, journal) = (Arc::new(Event::new()), Journal::new());
        let task = waiter(&event, &journal, "never");
        until(|| event.statistics().tasks_waiting == 1).await;
        task.cancel();
        assert!(task.await.unwrap_err().is_cancelled());
        assert_eq!(event.statistics().tasks_waiting, 0);
        journal.expect(&[]);
    });
}

#[test]
fn test_clear() {
    let event = Event::new();
    assert!(!event.is_set());
    event.set();
    assert!(event.is_set());
    event.clear();
    assert!(!event.is_set());
}

#[test]
fn test_clear_with_waiters() {
    everywhere(|| async {
        let (event, journal) = (Arc::new(Event::new()), Journal::new());
        let task = waiter(&event, &journal, "1");
        until(|| event.statistics().tasks_waiting == 1).await;
        event.set();
        event.clear();
        assert!(!event.is_set());
        event.set();
        event.set();
        task.await.unwrap();
        journal.expect(&["1"]);
        assert_eq!(event.statistics().tasks_waiting, 0);
    });
}

/// Rounds of a thousand, all of whom are released, however they meet.
#[test]
fn crowd_is_released_each_time() {
    everywhere(|| async {
        let (event, released) = (Arc::new(Event::new()), Counted::new());
        for round in 1..=5 {
            let tasks: Vec<_> = (0..1_000)
                .map(|_| {
                    let (event, released) = (event.clone(), released.clone());
                    spawn(async move {
                        event.wait().await;
                        released.add();
                    })
                })
                .collect();
            until(|| event.statistics().tasks_waiting == 1_000).await;
            event.set();
            event.clear();
            outputs(tasks).await;
            assert_eq!(released.get(), round * 1_000);
        }
    });
}

#[test]
fn auto_reset_event_lets_each_through_once() {
    everywhere(|| async {
        let (event, through) = (Arc::new(AutoResetEvent::new()), Counted::new());
        let tasks: Vec<_> = (0..100)
            .map(|_| {
                let (event, through) = (event.clone(), through.clone());
                spawn(async move {
                    event.wait().await;
                    through.add();
                })
            })
            .collect();
        until(|| event.statistics().tasks_waiting == 100).await;
        for count in 1..=50 {
            event.set();
            until(|| through.get() == count).await;
        }
        // Those that are cancelled take none with them.
        tasks.iter().step_by(2).for_each(|task| {
            task.cancel();
        });
        let waiting = |task: &&Task<()>| !task.done();
        until(|| {
            event.set();
            tasks.iter().filter(waiting).count() == 0
        })
        .await;
        assert_eq!(event.statistics().tasks_waiting, 0);
    });
}

/// The notification of a task that was cancelled in the same turn goes to the next.
#[test]
fn cancelled_task_hands_its_notification_on() {
    on_workers(1, async {
        let (notify, journal) = (Arc::new(Notify::new()), Journal::new());
        let wait = |name: &'static str| {
            let (notify, journal) = (notify.clone(), journal.clone());
            spawn(async move {
                notify.notified().await;
                journal.note(name);
            })
        };
        let (first, second) = (wait("first"), wait("second"));
        turns(2).await;
        notify.notify_one();
        first.cancel();
        second.await.unwrap();
        assert!(first.await.unwrap_err().is_cancelled());
        journal.expect(&["second"]);
        assert!(!notify.statistics().is_stored);
    });
}

/// Producers and consumers that put their wait into the list before they look.
#[test]
fn no_notification_is_missed() {
    everywhere(|| async {
        let (letters, came) = (Arc::new(std::sync::Mutex::new(0)), Arc::new(Notify::new()));
        let readers: Vec<_> = (0..4)
            .map(|_| {
                let (letters, came) = (letters.clone(), came.clone());
                spawn(async move {
                    for _ in 0..500 {
                        loop {
                            let mut notified = came.notified();
                            notified.enable();
                            let taken = {
                                let mut letters = letters.lock().unwrap();
                                let there = *letters > 0;
                                *letters -= i32::from(there);
                                there
                            };
                            if taken {
                                break;
                            }
                            notified.await;
                        }
                    }
                })
            })
            .collect();
        let writers: Vec<_> = (0..4)
            .map(|_| {
                let (letters, came) = (letters.clone(), came.clone());
                spawn(async move {
                    for _ in 0..500 {
                        *letters.lock().unwrap() += 1;
                        came.notify_one();
                        yield_now().await;
                    }
                })
            })
            .collect();
        outputs(writers).await;
        outputs(readers).await;
        assert_eq!(*letters.lock().unwrap(), 0);
    });
}

#[test]
fn cancelled_initialiser_lets_the_next_task_run() {
    everywhere(|| async {
        let (cell, begun) = (Arc::new(OnceCell::new()), Counted::new());
        let first = {
            let (cell, begun) = (cell.clone(), begun.clone());
            spawn(async move {
                let init = async || {
                    begun.add();
                    std::future::pending().await
                };
                *cell.get_or_init(init).await
            })
        };
        until(|| begun.get() == 1).await;
        let others: Vec<_> = (0..10)
            .map(|number| {
                let cell = cell.clone();
                spawn(async move { *cell.get_or_init(async || number).await })
            })
            .collect();
        until(|| cell.statistics().tasks_waiting == 10).await;
        first.cancel();
        assert!(first.await.unwrap_err().is_cancelled());
        let values = outputs(others).await;
        assert!(values.iter().all(|value| *value == values[0]));
    });
}

#[test]
fn lazy_cell_is_forced_once_by_all() {
    static CALLS: std::sync::atomic::AtomicUsize = std::sync::atomic::AtomicUsize::new(0);
    static LAZY: LazyCell<String> = LazyCell::new(|| {
        Box::pin(async {
            CALLS.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
            yield_now().await;
            "made".to_owned()
        })
    });
    everywhere(|| async {
        let values = gather_iter((0..20).map(|_| async { LAZY.force().await.clone() })).await;
        assert!(values.iter().all(|value| value == "made"));
    });
    assert_eq!(CALLS.load(std::sync::atomic::Ordering::Relaxed), 1);
}
