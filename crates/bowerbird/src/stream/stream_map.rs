//! `StreamMap`: many streams as one, each known by a key.

use std::borrow::Borrow;
use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll};

use futures_core::Stream;

/// Many streams as one, whose values come with the key of theirs.
///
/// asyncio: no counterpart. A stream that ends leaves the map; the map ends when it is empty, and goes on when
/// a stream is put in. None can starve another: they are asked in turn, from the one after the last that gave
/// a value. Each wake-up asks all of them, so it is for some hundreds; beyond, spawn a task for each and let
/// them share a channel.
///
/// # Examples
/// ```
/// use bowerbird::stream::{self, StreamExt, StreamMap};
/// bowerbird::run(async {
///     let mut rooms = StreamMap::new();
///     rooms.insert("hall", stream::iter(vec![1, 2]));
///     rooms.insert("attic", stream::iter(vec![10]));
///     let heard: Vec<_> = rooms.collect().await;
///     assert_eq!(heard, [("hall", 1), ("attic", 10), ("hall", 2)]);
/// });
/// ```
pub struct StreamMap<K, S> {
    streams: Vec<(K, S)>,
    /// Who is asked first.
    next: usize,
}

impl<K, S> StreamMap<K, S> {
    /// Makes a map without streams.
    pub const fn new() -> Self {
        Self { streams: Vec::new(), next: 0 }
    }

    /// Returns how many streams are there.
    pub fn len(&self) -> usize {
        self.streams.len()
    }

    /// Returns whether no stream is there.
    pub fn is_empty(&self) -> bool {
        self.streams.is_empty()
    }

    /// Goes through the keys, in no order that is promised.
    pub fn keys(&self) -> impl Iterator<Item = &K> {
        self.streams.iter().map(|(key, _)| key)
    }

    /// Goes through the keys and streams, in no order that is promised.
    pub fn iter_mut(&mut self) -> impl Iterator<Item = (&K, &mut S)> {
        self.streams.iter_mut().map(|(key, stream)| (&*key, stream))
    }

    /// Takes all streams out, and drops them.
    pub fn clear(&mut self) {
        self.streams.clear();
    }
}

impl<K: Eq, S> StreamMap<K, S> {
    /// Puts a stream in; returns the one that had the key before. The task must poll again: it is not woken.
    pub fn insert(&mut self, key: K, stream: S) -> Option<S> {
        let before = self.remove(&key);
        self.streams.push((key, stream));
        before
    }

    /// Takes a stream out.
    pub fn remove<Q: Eq + ?Sized>(&mut self, key: &Q) -> Option<S>
    where
        K: Borrow<Q>,
    {
        let at = self.streams.iter().position(|(other, _)| other.borrow() == key)?;
        Some(self.streams.swap_remove(at).1)
    }

    /// Returns whether a stream has the key.
    pub fn contains_key<Q: Eq + ?Sized>(&self, key: &Q) -> bool
    where
        K: Borrow<Q>,
    {
        self.keys().any(|other| other.borrow() == key)
    }
}

impl<K, S> Default for StreamMap<K, S> {
    fn default() -> Self {
        Self::new()
    }
}

impl<K, S: Unpin> Unpin for StreamMap<K, S> {}

impl<K: Clone, S: Stream + Unpin> Stream for StreamMap<K, S> {
    type Item = (K, S::Item);

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let this = self.get_mut();
        let mut at = this.next;
        let mut unasked = this.streams.len();
        while unasked > 0 {
            unasked -= 1;
            if at >= this.streams.len() {
                at = 0;
            }
            let (key, stream) = &mut this.streams[at];
            match Pin::new(stream).poll_next(cx) {
                Poll::Ready(Some(value)) => {
                    this.next = at + 1;
                    return Poll::Ready(Some((key.clone(), value)));
                }
                // In order, so that nobody is asked twice and nobody left out.
                Poll::Ready(None) => drop(this.streams.remove(at)),
                Poll::Pending => at += 1,
            }
        }
        if this.streams.is_empty() { Poll::Ready(None) } else { Poll::Pending }
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        let hints = self.streams.iter().map(|(_, stream)| stream.size_hint());
        hints.fold((0, Some(0)), |sum, (lower, upper)| {
            (sum.0.saturating_add(lower), sum.1.and_then(|sum| sum.checked_add(upper?)))
        })
    }
}

impl<K: Eq, S> Extend<(K, S)> for StreamMap<K, S> {
    fn extend<I: IntoIterator<Item = (K, S)>>(&mut self, streams: I) {
        for (key, stream) in streams {
            self.insert(key, stream);
        }
    }
}

impl<K: Eq, S> FromIterator<(K, S)> for StreamMap<K, S> {
    fn from_iter<I: IntoIterator<Item = (K, S)>>(streams: I) -> Self {
        let mut map = Self::new();
        map.extend(streams);
        map
    }
}

impl<K: fmt::Debug, S> fmt::Debug for StreamMap<K, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("StreamMap")?;
        f.debug_set().entries(self.keys()).finish()
    }
}
