//! `stream::{StreamExt, StreamMap, iter, once, empty, interval}`.

use std::future::poll_fn;
use std::pin::{Pin, pin};
use std::task::{Context, Poll, Waker};
use std::time::{Duration, Instant};

use bowerbird::stream::{self, IntervalStream, Stream, StreamExt, StreamMap};
use bowerbird::time::{DelayQueue, MissedTickBehavior, now};
use bowerbird::{CancelSafe, interval, join, sleep, spawn, yield_now};
use bowerbird_tests::{Counted, catch, everywhere, on_workers, paused};

const MS: Duration = Duration::from_millis(1);

/// Values at so many milliseconds from now.
fn at(times: &[u32]) -> impl Stream<Item = u32> + Unpin + Send + use<> {
    let mut queue = DelayQueue::new();
    for &time in times {
        queue.insert(time, time * MS);
    }
    queue.map(|expired| expired.into_inner())
}

fn millis(since: Instant) -> u128 {
    (now() - since).as_millis()
}

/// A stream that must not be polled after its end.
struct Fragile<S>(Option<S>);

impl<S: Stream + Unpin> Stream for Fragile<S> {
    type Item = S::Item;
    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<S::Item>> {
        let stream = self.0.as_mut().expect("it was polled after its end");
        let polled = Pin::new(stream).poll_next(cx);
        if let Poll::Ready(None) = polled {
            self.0 = None;
        }
        polled
    }
}

fn fragile<S>(stream: S) -> Fragile<S> {
    Fragile(Some(stream))
}

#[test]
fn small_adaptors_do_as_those_of_iterators() {
    everywhere(|| async {
        let numbers = stream::iter(0..10).filter(|it| it % 3 == 0).map(|it| it * 10).take(3);
        assert_eq!(numbers.size_hint(), (0, Some(3)));
        assert_eq!(numbers.collect::<Vec<_>>().await, [0, 30, 60]);
        assert_eq!(stream::once("x").collect::<String>().await, "x");
        assert_eq!(stream::empty::<u32>().collect::<Vec<_>>().await, []);
        assert_eq!(stream::iter(0..3).map(|it| it + 1).size_hint(), (3, Some(3)));
    });
}

#[test]
fn take_does_not_ask_for_more_than_it_gives() {
    on_workers(1, async {
        let asked = Counted::new();
        let numbers = stream::iter(0..).map(|it| {
            asked.add();
            it
        });
        let mut taken = fragile(numbers).take(2);
        assert_eq!((taken.next().await, taken.next().await), (Some(0), Some(1)));
        assert_eq!((taken.next().await, taken.next().await, asked.get()), (None, None, 2));
        let mut ended = fragile(stream::once(1)).take(5);
        assert_eq!(
            (ended.next().await, ended.next().await, ended.next().await),
            (Some(1), None, None)
        );
        assert_eq!(fragile(stream::once(1)).take(0).next().await, None);
    });
}

#[test]
fn next_that_is_dropped_loses_nothing() {
    fn is_cancel_safe(_: &impl CancelSafe) {}
    paused(async {
        let mut values = at(&[10, 20]);
        {
            let mut next = pin!(values.next());
            is_cancel_safe(&*next);
            assert!(next.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending());
        }
        assert_eq!((values.next().await, values.next().await), (Some(10), Some(20)));
    });
}

#[test]
fn streams_that_are_always_ready_let_others_run() {
    on_workers(1, async {
        let ran = Counted::new();
        let inner = ran.clone();
        let other = spawn(async move {
            loop {
                yield_now().await;
                inner.add();
            }
        });
        yield_now().await;
        stream::iter(0..10_000).filter(|_| false).collect::<Vec<u32>>().await;
        assert!(ran.get() > 50, "{}", ran.get());
        // A foreign stream, which knows of no budget.
        struct Always(u32);
        impl Stream for Always {
            type Item = u32;
            fn poll_next(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<u32>> {
                self.0 += 1;
                Poll::Ready((self.0 < 10_000).then_some(self.0))
            }
        }
        let before = ran.get();
        assert_eq!(Always(0).collect::<Vec<_>>().await.len(), 9_999);
        assert_eq!(Always(0).filter(|_| false).next().await, None);
        assert!(ran.get() - before > 100, "{}", ran.get() - before);
        other.cancel();
    });
}

#[test]
fn merge_gives_values_as_they_come_and_ends_with_the_last() {
    paused(async {
        let merged = fragile(at(&[1, 4, 5])).merge(fragile(at(&[2, 3, 9])));
        assert_eq!(merged.collect::<Vec<_>>().await, [1, 2, 3, 4, 5, 9]);
        let one_sided = stream::empty().merge(stream::iter([1, 2]));
        assert_eq!(one_sided.size_hint(), (2, Some(2)));
        assert_eq!(one_sided.collect::<Vec<_>>().await, [1, 2]);
    });
}

#[test]
fn merge_is_fair_to_both() {
    on_workers(1, async {
        let merged = stream::iter(std::iter::repeat("left")).merge(stream::iter(["right"; 50]));
        let first: Vec<_> = merged.take(100).collect().await;
        assert_eq!(first.iter().filter(|side| **side == "right").count(), 50);
    });
}

#[test]
fn timeout_gives_one_error_for_each_late_value() {
    paused(async {
        let start = now();
        let mut limited = at(&[3, 50, 52]).timeout(10 * MS);
        let mut seen = Vec::new();
        while let Some(result) = limited.next().await {
            seen.push((result.ok(), millis(start)));
        }
        assert_eq!(seen, [(Some(3), 3), (None, 13), (Some(50), 50), (Some(52), 52)]);
    });
}

#[test]
fn timeout_of_a_stream_runs_only_while_somebody_waits() {
    paused(async {
        let mut limited = at(&[1, 105]).timeout(10 * MS);
        sleep(50 * MS).await;
        assert_eq!(limited.next().await, Some(Ok(1)));
        sleep(50 * MS).await;
        // 5 ms from here on, though 54 ms after the first.
        assert_eq!(limited.next().await, Some(Ok(105)));
        assert_eq!(limited.next().await, None);
    });
}

#[test]
fn timeout_that_is_seen_in_parts_is_the_same_one() {
    paused(async {
        let start = now();
        let mut limited = at(&[100]).timeout(10 * MS);
        for _ in 0..3 {
            assert!(bowerbird::timeout(3 * MS, limited.next()).await.is_err());
        }
        assert!(limited.next().await.unwrap().is_err());
        assert_eq!(millis(start), 10);
    });
}

#[test]
fn throttle_keeps_values_apart() {
    paused(async {
        let start = now();
        let mut slow = at(&[0, 1, 2, 50]).throttle(10 * MS);
        let mut seen = Vec::new();
        while let Some(value) = slow.next().await {
            seen.push((value, millis(start)));
        }
        assert_eq!(seen, [(0, 0), (1, 10), (2, 20), (50, 50)]);
        let fast = stream::iter(0..100).throttle(Duration::ZERO).collect::<Vec<_>>().await;
        assert_eq!((fast.len(), millis(start)), (100, 60));
    });
}

#[test]
fn chunks_are_given_when_full_when_old_and_at_the_end() {
    paused(async {
        let start = now();
        let mut chunks = fragile(at(&[1, 2, 3, 4, 30, 35, 90])).chunks_timeout(3, 10 * MS);
        let mut seen = Vec::new();
        while let Some(chunk) = chunks.next().await {
            seen.push((chunk, millis(start)));
        }
        let expected = [(vec![1, 2, 3], 3), (vec![4], 14), (vec![30, 35], 40), (vec![90], 90)];
        assert_eq!(seen, expected);
        assert_eq!(chunks.next().await, None);
    });
}

#[test]
fn chunk_in_the_making_is_not_lost() {
    paused(async {
        let mut chunks = at(&[1, 2, 50]).chunks_timeout(3, 100 * MS);
        assert!(bowerbird::timeout(10 * MS, chunks.next()).await.is_err());
        assert_eq!(chunks.size_hint(), (1, None));
        assert_eq!(chunks.into_remainder(), [1, 2]);
    });
    let caught = catch(|| stream::iter([1]).chunks_timeout(0, MS));
    assert!(caught.message.starts_with("chunks_timeout() was called with a size of 0"));
    assert_eq!((caught.file.as_str(), caught.line), (file!(), line!() - 2));
}

#[test]
fn interval_is_a_stream_with_its_settings() {
    paused(async {
        let mut heartbeat = interval(10 * MS);
        heartbeat.set_missed_tick_behavior(MissedTickBehavior::Skip);
        let start = now();
        let mut ticks = IntervalStream::from(heartbeat);
        assert_eq!(ticks.next().await, Some(start));
        sleep(25 * MS).await;
        assert_eq!(ticks.next().await, Some(start + 10 * MS));
        assert_eq!(ticks.next().await, Some(start + 30 * MS));
        assert_eq!(ticks.into_inner().period(), 10 * MS);
        let ticks = stream::interval(MS).take(3).collect::<Vec<_>>().await;
        assert_eq!(ticks[2] - ticks[0], 2 * MS);
    });
    let caught = catch(|| on_workers(1, async { drop(stream::interval(Duration::ZERO)) }));
    assert_eq!((caught.file.as_str(), caught.line), (file!(), line!() - 1));
}

// ---------------------------------------------------------------------------------------------------
// StreamMap
// ---------------------------------------------------------------------------------------------------

#[test]
fn map_gives_values_with_their_keys_as_they_come() {
    paused(async {
        let streams =
            [("a", fragile(at(&[1, 5]))), ("b", fragile(at(&[2]))), ("c", fragile(at(&[3])))];
        let mut map: StreamMap<_, _> = streams.into_iter().collect();
        assert_eq!(map.next().await, Some(("a", 1)));
        assert_eq!((map.len(), map.contains_key("b"), map.contains_key("x")), (3, true, false));
        assert_eq!(map.next().await, Some(("b", 2)));
        assert!(map.remove("c").is_some() && map.remove("c").is_none());
        assert_eq!(map.next().await, Some(("a", 5)));
        assert_eq!((map.next().await, map.is_empty()), (None, true));
        assert!(map.insert("d", fragile(at(&[1]))).is_none());
        assert!(map.insert("d", fragile(at(&[2]))).is_some());
        assert_eq!(map.next().await, Some(("d", 2)));
    });
}

#[test]
fn map_asks_everybody_in_turn() {
    on_workers(1, async {
        let mut map: StreamMap<_, _> =
            (0..5).map(|key| (key, stream::iter(std::iter::repeat(key)))).collect();
        map.insert(9, stream::iter(std::iter::repeat(9)));
        let mut count = std::collections::BTreeMap::new();
        for _ in 0..600 {
            *count.entry(map.next().await.unwrap().0).or_insert(0) += 1;
        }
        assert!(count.values().all(|count| *count == 100), "{count:?}");
        map.clear();
        assert_eq!(map.next().await, None);
    });
}

#[test]
fn streams_that_end_together_leave_nobody_out() {
    on_workers(1, async {
        // Each poll of the map finds some that end and some that have a value.
        let lengths = [0, 3, 0, 0, 1, 2, 0];
        let map: StreamMap<_, _> = lengths
            .into_iter()
            .enumerate()
            .map(|(key, length)| (key, stream::iter(0..length)))
            .collect();
        assert_eq!(map.size_hint(), (6, Some(6)));
        let mut seen = map.collect::<Vec<_>>().await;
        seen.sort_unstable();
        assert_eq!(seen, [(1, 0), (1, 1), (1, 2), (4, 0), (5, 0), (5, 1)]);
    });
}

#[test]
fn cancellation_ends_a_wait_for_any_of_them() {
    everywhere(|| async {
        let never = || stream::interval(Duration::from_secs(60));
        let wait = async move {
            let mut first = never();
            first.next().await;
            let merged = first.merge(stream::empty()).throttle(MS).timeout(Duration::MAX);
            let mut chunks = pin!(merged.chunks_timeout(5, Duration::MAX));
            chunks.next().await;
        };
        let task = spawn(wait);
        bowerbird_tests::turns(3).await;
        task.cancel();
        assert!(task.await.unwrap_err().is_cancelled());
    });
}

#[test]
fn stream_may_move_between_tasks_while_it_waits() {
    everywhere(|| async {
        let mut values = at(&[1, 2]).timeout(Duration::from_secs(60));
        let polled = poll_fn(|cx| Poll::Ready(Pin::new(&mut values).poll_next(cx).is_pending()));
        polled.await;
        let task = spawn(async move { values.collect::<Vec<_>>().await });
        let (values, ()) = join((task, sleep(MS))).await;
        assert!(values.unwrap().into_iter().all(|value| value.is_ok()));
    });
}
