use std::future::{pending, ready};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::pin;
use std::task::{Context, Poll, Waker};

use bowerbird_base::poll_context::{self, Request};

use super::{OnceCell, SetError};
use crate::LazyCell;
use crate::oneshot;
use crate::test_wakers::{Woken, is_ready, is_ready_with};

fn output<F: Future>(future: F) -> F::Output {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(output) => output,
        Poll::Pending => panic!("it is not ready"),
    }
}

#[test]
fn first_makes_it_and_the_others_wait_for_it() {
    let (cell, woken) = (OnceCell::new(), Woken::default());
    let (sender, receiver) = oneshot::channel();
    let mut first = pin!(cell.get_or_init(async || receiver.await.unwrap()));
    let mut second = pin!(cell.get_or_init(async || unreachable!("the first makes it")));
    let mut third = cell.wait();
    assert!(!is_ready_with(&mut first, &woken.waker(1)));
    assert!(!is_ready_with(&mut second, &woken.waker(2)));
    assert!(!is_ready_with(&mut third, &woken.waker(3)));
    let statistics = cell.statistics();
    assert!(statistics.is_initializing && !statistics.is_set);
    assert_eq!((statistics.tasks_waiting, cell.get()), (2, None));
    assert_eq!(cell.set(9), Err(SetError::Initializing(9)));
    sender.send(7).unwrap();
    assert_eq!(output(first), &7);
    assert_eq!(woken.take(), [1, 2, 3]);
    assert_eq!((output(second), output(third)), (&7, &7));
    assert_eq!(cell.set(9), Err(SetError::AlreadySet(9)));
    assert_eq!(output(cell.get_or_init(async || 8)), &7);
    assert_eq!(cell.statistics().tasks_waiting, 0);
}

#[test]
fn initialiser_that_is_dropped_lets_the_next_run() {
    let (cell, woken) = (OnceCell::new(), Woken::default());
    let mut first = Box::pin(cell.get_or_init(pending));
    let mut second = Box::pin(cell.get_or_init(async || 2));
    let mut third = pin!(cell.get_or_init(async || 3));
    assert!(!is_ready(&mut first));
    assert!(!is_ready_with(&mut second, &woken.waker(2)));
    assert!(!is_ready_with(&mut third, &woken.waker(3)));
    drop(first);
    assert_eq!(woken.take(), [2]);
    // Dropped before it is polled, it gives the right on.
    drop(second);
    assert_eq!(woken.take(), [3]);
    assert_eq!(output(third), &3);
}

#[test]
fn initialiser_that_fails_or_panics_lets_the_next_run() {
    let cell = OnceCell::new();
    assert_eq!(output(cell.get_or_try_init(async || Err::<u8, _>("no"))), Err("no"));
    let panics = || *output(cell.get_or_init(async || panic!("no")));
    assert!(catch_unwind(AssertUnwindSafe(panics)).is_err());
    let panics = || *cell.blocking_get_or_init(|| panic!("no"));
    assert!(catch_unwind(AssertUnwindSafe(panics)).is_err());
    assert!(!cell.is_set() && !cell.statistics().is_initializing);
    assert_eq!(output(cell.get_or_try_init(async || Ok::<_, ()>(1))), Ok(&1));
}

#[test]
fn offered_cancellation_goes_before_the_right_to_make_it() {
    let cell = OnceCell::new();
    let mut first = Box::pin(cell.get_or_init(pending));
    let mut second = Box::pin(cell.get_or_init(async || 2));
    assert!(!is_ready(&mut first) && !is_ready(&mut second));
    drop(first);
    poll_context::offer(Request::of_task(None));
    assert!(!is_ready(&mut second));
    drop(second);
    assert!(poll_context::take_request().is_some());
    assert_eq!(cell.set(3), Ok(()));
}

#[test]
fn threads_make_one_value() {
    let cell = OnceCell::new();
    let made = std::sync::Mutex::new(0);
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                cell.blocking_get_or_init(|| *made.lock().unwrap() += 1);
            });
        }
        cell.blocking_wait();
    });
    assert_eq!(*made.lock().unwrap(), 1);
}

#[test]
fn cell_is_its_value() {
    let mut cell = OnceCell::from(1);
    assert_eq!(cell.clone(), cell);
    assert_ne!(OnceCell::default(), cell);
    assert_eq!(OnceCell::<u8>::new().clone().get(), None);
    *cell.get_mut().unwrap() = 2;
    assert_eq!((cell.take(), cell.take()), (Some(2), None));
    assert_eq!(cell.set(4), Ok(()));
    assert_eq!(format!("{cell:?}"), "OnceCell { value: Some(4), .. }");
    assert!(SetError::AlreadySet(1).to_string().contains("already"));
    assert!(format!("{:?}", cell.wait()).contains("tests.rs"));
    assert_eq!(cell.into_inner(), Some(4));
}

#[test]
fn lazy_cell_is_made_once_and_again_after_a_dropped_attempt() {
    let calls = std::cell::Cell::new(0);
    let lazy = LazyCell::new(|| {
        calls.set(calls.get() + 1);
        let is_first = calls.get() == 1;
        async move {
            if is_first {
                pending::<()>().await;
            }
            5
        }
    });
    let mut first = Box::pin(lazy.force());
    assert!(!is_ready(&mut first));
    drop(first);
    assert_eq!((lazy.get(), output(lazy.force()), output(lazy.force())), (None, &5, &5));
    assert_eq!(calls.get(), 2);
    assert_eq!(format!("{lazy:?}"), "LazyCell { value: Some(5), .. }");
    assert_eq!(lazy.into_inner(), Some(5));
}

#[test]
fn futures_of_cells_are_send_where_their_parts_are() {
    fn assert_send<T: Send>(_: &T) {}
    static LAZY: LazyCell<u8> = LazyCell::new(|| Box::pin(ready(1)));
    let cell = OnceCell::new();
    assert_send(&cell.get_or_init(async || 1));
    assert_send(&cell.get_or_try_init(|| ready(Ok::<u8, ()>(1))));
    assert_send(&cell.wait());
    assert_send(&LAZY.force());
    assert_eq!(*LAZY.blocking_force(), 1);
}
