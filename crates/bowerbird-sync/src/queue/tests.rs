use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Wake, Waker};

use bowerbird_base::poll_context::{self, Request};
use futures_core::Stream;

use super::{GetNowaitError, ItemGuard, PriorityQueue, PutNowaitError, Queue, QueueShutDown};
use crate::test_wakers::{Count, poll_with as poll};

mod model;

fn quietly<F: Future + Unpin>(future: &mut F) -> Poll<F::Output> {
    poll(future, Waker::noop())
}

#[test]
fn getters_are_woken_in_order_and_one_for_each_item() {
    let queue = Queue::new(0);
    let ((first, one), (second, two)) = (Count::pair(), Count::pair());
    let (mut a, mut b) = (queue.get(), queue.get());
    assert!(poll(&mut a, &one).is_pending() && poll(&mut b, &two).is_pending());
    queue.put_nowait(1).unwrap();
    assert_eq!((first.wakes(), second.wakes()), (1, 0));
    queue.put_nowait(2).unwrap();
    queue.put_nowait(3).unwrap();
    assert_eq!((first.wakes(), second.wakes()), (1, 1));
    assert_eq!((queue.statistics().getters, queue.qsize()), (2, 3));
    assert_eq!(poll(&mut a, &one), Poll::Ready(Ok(1)));
    assert_eq!(poll(&mut b, &two), Poll::Ready(Ok(2)));
    assert_eq!(Arc::strong_count(&first), 2, "the queue keeps no waker");
}

#[test]
fn newcomer_does_not_go_before_one_that_was_woken() {
    let queue = Queue::new(0);
    let mut first = queue.get();
    assert!(quietly(&mut first).is_pending());
    queue.put_nowait(1).unwrap();
    let mut late = queue.get();
    assert!(quietly(&mut late).is_pending());
    assert_eq!(quietly(&mut first), Poll::Ready(Ok(1)));
    queue.put_nowait(2).unwrap();
    assert_eq!(quietly(&mut late), Poll::Ready(Ok(2)));
}

#[test]
fn getter_woken_in_vain_keeps_its_place() {
    let queue = Queue::new(0);
    let ((first, one), (second, two)) = (Count::pair(), Count::pair());
    let (mut a, mut b) = (queue.get(), queue.get());
    assert!(poll(&mut a, &one).is_pending() && poll(&mut b, &two).is_pending());
    queue.put_nowait(1).unwrap();
    assert_eq!(queue.get_nowait(), Ok(1));
    assert!(poll(&mut a, &one).is_pending());
    queue.put_nowait(2).unwrap();
    assert_eq!((first.wakes(), second.wakes()), (2, 0));
    assert_eq!(poll(&mut a, &one), Poll::Ready(Ok(2)));
}

#[test]
fn dropped_getter_gives_its_turn_on() {
    let queue = Queue::new(0);
    let (second, two) = Count::pair();
    let (mut a, mut b) = (queue.get(), queue.get());
    assert!(quietly(&mut a).is_pending() && poll(&mut b, &two).is_pending());
    queue.put_nowait(1).unwrap();
    drop(a);
    assert_eq!(second.wakes(), 1);
    assert_eq!(poll(&mut b, &two), Poll::Ready(Ok(1)));
}

#[test]
fn dropped_putter_gives_its_turn_on_and_has_not_put() {
    let queue = Queue::new(1);
    queue.put_nowait(1).unwrap();
    let (third, three) = Count::pair();
    let (mut a, mut b) = (queue.put(2), queue.put(3));
    assert!(quietly(&mut a).is_pending() && poll(&mut b, &three).is_pending());
    assert_eq!(queue.get_nowait(), Ok(1));
    assert_eq!(third.wakes(), 0);
    assert_eq!(a.into_item(), Some(2));
    assert_eq!(third.wakes(), 1);
    assert_eq!(poll(&mut b, &three), Poll::Ready(Ok(())));
    assert_eq!((queue.get_nowait(), queue.statistics().unfinished), (Ok(3), 2));
    assert_eq!(b.into_item(), None);
}

#[test]
fn last_waker_of_a_getter_is_the_one_that_counts() {
    let queue = Queue::new(0);
    let ((first, one), (last, two)) = (Count::pair(), Count::pair());
    let mut get = queue.get();
    for waker in [&one, &two, &two] {
        assert!(poll(&mut get, waker).is_pending());
    }
    assert_eq!(Arc::strong_count(&first), 2);
    queue.put_nowait(1).unwrap();
    assert_eq!((first.wakes(), last.wakes()), (0, 1));
}

#[test]
fn offered_cancellation_goes_before_the_item() {
    let queue = Queue::new(0);
    let mut get = queue.get();
    assert!(quietly(&mut get).is_pending());
    queue.put_nowait(1).unwrap();
    poll_context::offer(Request::of_task(None));
    assert!(quietly(&mut get).is_pending());
    assert!(poll_context::take_request().is_some());
    drop(get);
    assert_eq!(queue.get_nowait(), Ok(1));
}

#[test]
fn offered_cancellation_does_not_hide_an_item_from_the_first_poll() {
    let queue = Queue::new(0);
    queue.put_nowait(1).unwrap();
    poll_context::offer(Request::of_task(None));
    assert_eq!(quietly(&mut queue.get()), Poll::Ready(Ok(1)));
    assert!(poll_context::take_request().is_some());
}

#[test]
fn waits_say_what_they_wait_for() {
    poll_context::set_tracked(true);
    let queue = Queue::new(1);
    let object = std::ptr::from_ref(&queue).addr() as u64;
    let mut get = queue.get();
    let line = line!() - 1;
    assert!(quietly(&mut get).is_pending());
    let wait = poll_context::take_wait().unwrap();
    assert_eq!((wait.kind, wait.object), ("queue.get", object));
    assert_eq!(wait.location.map(|location| location.line()), Some(line));
    queue.put_nowait(1).unwrap();
    assert!(quietly(&mut queue.put(2)).is_pending());
    assert_eq!(poll_context::take_wait().unwrap().kind, "queue.put");
    assert!(quietly(&mut queue.join()).is_pending());
    assert_eq!(poll_context::take_wait().unwrap().kind, "queue.join");
    poll_context::set_tracked(false);
}

#[test]
fn shutdown_ends_gets_puts_and_streams() {
    let queue = Queue::new(1);
    queue.put_nowait(1).unwrap();
    let (count, waker) = Count::pair();
    let mut put = queue.put(2);
    let mut stream = queue.stream();
    let mut next = |waker: &Waker| Pin::new(&mut stream).poll_next(&mut Context::from_waker(waker));
    assert!(poll(&mut put, &waker).is_pending());
    assert_eq!(next(&waker), Poll::Ready(Some(1)));
    assert_eq!(count.wakes(), 1);
    assert!(next(&waker).is_pending());
    queue.shutdown(false);
    queue.shutdown(false);
    assert_eq!(count.wakes(), 2);
    assert_eq!(next(&waker), Poll::Ready(None));
    assert_eq!(next(&waker), Poll::Ready(None));
    assert_eq!(poll(&mut put, &waker), Poll::Ready(Err(QueueShutDown(2))));
    assert_eq!(queue.put_nowait(3), Err(PutNowaitError::QueueShutDown(3)));
    assert_eq!(queue.get_nowait(), Err(GetNowaitError::QueueShutDown));
}

/// The destructor of an item may use the queue: nothing is locked then.
#[test]
fn items_dropped_by_a_shutdown_may_use_the_queue() {
    struct Uses(Arc<Queue<Uses>>, Arc<AtomicUsize>);
    impl Drop for Uses {
        fn drop(&mut self) {
            self.1.fetch_add(usize::from(self.0.empty()), Ordering::Relaxed);
        }
    }
    let (queue, drops) = (Arc::new(Queue::new(0)), Arc::default());
    for _ in 0..3 {
        assert!(queue.put_nowait(Uses(Arc::clone(&queue), Arc::clone(&drops))).is_ok());
    }
    queue.shutdown(true);
    assert_eq!((drops.load(Ordering::Relaxed), queue.statistics().unfinished), (3, 0));
}

/// A waker may use the queue that wakes it, and its panic loses nothing.
#[test]
fn wakers_that_use_the_queue_or_panic_do_no_harm() {
    struct Takes(Arc<Queue<u8>>, Mutex<Option<u8>>);
    impl Wake for Takes {
        fn wake(self: Arc<Self>) {
            *self.1.lock().unwrap() = self.0.get_nowait().ok();
            panic!("waker");
        }
    }
    let queue = Arc::new(Queue::new(1));
    let takes = Arc::new(Takes(queue.clone(), Mutex::default()));
    let waker = Waker::from(takes.clone());
    let mut get = queue.get();
    assert!(poll(&mut get, &waker).is_pending());
    queue.put_nowait(1).unwrap();
    assert_eq!(*takes.1.lock().unwrap(), Some(1));
    assert!(quietly(&mut get).is_pending());
    drop(get);
    queue.put_nowait(2).unwrap();
    let mut put = queue.put(3);
    assert!(poll(&mut put, &waker).is_pending());
    assert_eq!(quietly(&mut queue.get()), Poll::Ready(Ok(2)), "the putter's waker panics");
    assert_eq!(quietly(&mut put), Poll::Ready(Ok(())));
}

#[test]
fn join_ends_when_all_are_done_once() {
    let queue = Queue::new(0);
    queue.put_nowait(1).unwrap();
    let (count, waker) = Count::pair();
    let mut join = queue.join();
    assert!(poll(&mut join, &waker).is_pending());
    let guard = match quietly(&mut queue.get_guard()) {
        Poll::Ready(Ok(guard)) => guard,
        other => panic!("{other:?}"),
    };
    assert_eq!((*guard, count.wakes()), (1, 0));
    drop(guard);
    assert_eq!(count.wakes(), 1);
    queue.put_nowait(2).unwrap();
    assert!(poll(&mut join, &waker).is_ready(), "what came later is not waited for");
    let mut given_up = queue.join();
    assert!(poll(&mut given_up, &waker).is_pending());
    drop(given_up);
    assert_eq!((queue.statistics().joiners, Arc::strong_count(&count)), (0, 2));
}

#[test]
fn task_done_too_often_panics_and_names_the_fix() {
    let queue = Queue::new(0);
    queue.put_nowait(1).unwrap();
    let Poll::Ready(Ok(guard)) = quietly(&mut queue.get_guard()) else { panic!("an item") };
    queue.task_done();
    for call in [Box::new(|| queue.task_done()) as Box<dyn FnOnce()>, Box::new(move || drop(guard))]
    {
        let panic = catch_unwind(AssertUnwindSafe(call)).unwrap_err();
        let message = panic.downcast_ref::<&str>().map_or_else(
            || panic.downcast_ref::<String>().cloned().unwrap_or_default(),
            |text| (*text).to_owned(),
        );
        assert!(message.contains("task_done()") && message.contains("guard"), "{message}");
    }
    queue.put_nowait(2).unwrap();
    let Poll::Ready(Ok(guard)) = quietly(&mut queue.get_guard()) else { panic!("an item") };
    assert_eq!(ItemGuard::into_inner(guard), 2);
    assert_eq!(queue.statistics().unfinished, 1);
}

#[test]
fn put_polled_after_its_end_panics_and_names_the_fix() {
    let queue = Queue::new(0);
    let mut put = queue.put(1);
    assert!(quietly(&mut put).is_ready());
    let panic = catch_unwind(AssertUnwindSafe(|| quietly(&mut put))).unwrap_err();
    let message = panic.downcast_ref::<String>().unwrap();
    assert!(message.contains("polled again") && message.contains(file!()), "{message}");
}

/// Compares by its priority, and panics when it is told to.
#[derive(Debug)]
struct Shaky(u32, Arc<AtomicUsize>);

impl Ord for Shaky {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        assert_ne!(self.1.fetch_sub(1, Ordering::Relaxed), 1, "a comparison");
        self.0.cmp(&other.0)
    }
}

impl PartialOrd for Shaky {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Shaky {
    fn eq(&self, other: &Self) -> bool {
        self.0 == other.0
    }
}

impl Eq for Shaky {}

/// Whichever comparison panics: no item is lost, and a getter that waits is woken for what was put.
#[test]
fn panic_of_a_comparison_loses_no_item_and_no_turn() {
    for nth in 1..60 {
        let queue = PriorityQueue::new(0);
        let left = Arc::new(AtomicUsize::new(nth));
        for number in [5, 3, 8, 1, 9, 2, 7] {
            let put = AssertUnwindSafe(|| queue.put_nowait(Shaky(number, left.clone())));
            let _may_panic = catch_unwind(put);
        }
        assert_eq!((queue.qsize(), queue.statistics().unfinished), (7, 7));
        let (mut got, mut panics) = (Vec::new(), 0);
        while !queue.empty() {
            match catch_unwind(AssertUnwindSafe(|| quietly(&mut queue.get()))) {
                Ok(Poll::Ready(Ok(item))) => got.push(item.0),
                Ok(other) => panic!("{other:?}"),
                Err(_) => panics += 1,
            }
        }
        assert!(panics <= 1);
        got.sort_unstable();
        assert_eq!(got, [1, 2, 3, 5, 7, 8, 9]);
    }
    let queue = PriorityQueue::new(0);
    let (count, waker) = Count::pair();
    let (mut a, mut b) = (queue.get(), queue.get());
    assert!(poll(&mut a, &waker).is_pending() && poll(&mut b, &waker).is_pending());
    let left = Arc::new(AtomicUsize::new(1));
    queue.put_nowait(Shaky(2, left.clone())).unwrap();
    let second = AssertUnwindSafe(|| queue.put_nowait(Shaky(1, left.clone())));
    assert!(catch_unwind(second).is_err());
    assert_eq!((count.wakes(), queue.qsize()), (2, 2));
}

#[test]
fn debug_shows_what_repr_shows_and_never_blocks() {
    let queue = PriorityQueue::new(2);
    queue.put_nowait(1).unwrap();
    let text = format!("{queue:?}");
    assert_eq!(
        text,
        "PriorityQueue { maxsize: 2, qsize: 1, unfinished: 1, getters: 0, putters: 0, is_shut_down: false, .. }"
    );
    let _held = queue.lock();
    assert_eq!(format!("{queue:?}"), "PriorityQueue { maxsize: 2, .. }");
}

#[test]
fn queues_cross_threads_when_the_items_may() {
    fn is_send_and_sync<T: Send + Sync>(_: &T) {}
    let queue = Queue::<std::cell::Cell<u8>>::new(0);
    is_send_and_sync(&queue);
    is_send_and_sync(&queue.get());
    is_send_and_sync(&queue.join());
    is_send_and_sync(&PriorityQueue::<u8>::new(0));
}

#[test]
fn blocking_forms_wait_for_other_threads_and_refuse_a_task() {
    let queue = Queue::new(1);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            for item in 0..1000 {
                queue.blocking_put(item).unwrap();
            }
            queue.blocking_join();
            queue.shutdown(false);
        });
        let mut expected = 0;
        while let Ok(item) = queue.blocking_get() {
            assert_eq!(item, expected);
            expected += 1;
            queue.task_done();
        }
        assert_eq!(expected, 1000);
    });
    let (_count, waker) = Count::pair();
    poll_context::begin(waker.data());
    let panic = catch_unwind(AssertUnwindSafe(|| queue.blocking_get())).unwrap_err();
    poll_context::end();
    assert!(panic.downcast_ref::<String>().unwrap().contains("await get() instead"));
}

#[test]
fn memory_of_a_burst_is_given_back() {
    fn check<I: super::order::Items<usize>>(mut items: I, capacity: impl Fn(&I) -> usize) {
        for round in 1..4 {
            (0..round * 4_000).for_each(|item| items.push(item).unwrap());
            while items.pop().is_some() {}
            assert!(capacity(&items) <= super::order::KEPT, "{}", capacity(&items));
        }
        (0..8).for_each(|item| items.push(item).unwrap());
        while items.pop().is_some() {}
        assert!(capacity(&items) >= 8, "a few are kept for");
    }
    check(Vec::new(), Vec::capacity);
    check(super::heap::Heap::new(), super::heap::Heap::capacity);
}
