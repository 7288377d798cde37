//! `merge`: the values of two streams as they come.

use std::pin::Pin;
use std::task::{Context, Poll};

use futures_core::Stream;
use pin_project_lite::pin_project;

pin_project! {
    /// The stream of [`StreamExt::merge`](super::StreamExt::merge).
    #[derive(Debug)]
    #[must_use = "streams do nothing unless polled"]
    pub struct Merge<A, B> {
        // None when it has ended.
        #[pin]
        first: Option<A>,
        #[pin]
        second: Option<B>,
        // Who gave a value last is asked last.
        is_second_next: bool,
    }
}

impl<A, B> Merge<A, B> {
    pub(super) fn new(first: A, second: B) -> Self {
        Self { first: Some(first), second: Some(second), is_second_next: false }
    }
}

/// Polls one side; drops it when it has ended. `None`: it has no value now.
fn poll_side<S: Stream>(mut side: Pin<&mut Option<S>>, cx: &mut Context<'_>) -> Option<S::Item> {
    match side.as_mut().as_pin_mut()?.poll_next(cx) {
        Poll::Ready(Some(value)) => Some(value),
        Poll::Ready(None) => {
            side.set(None);
            None
        }
        Poll::Pending => None,
    }
}

impl<A: Stream, B: Stream<Item = A::Item>> Stream for Merge<A, B> {
    type Item = A::Item;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<A::Item>> {
        let mut this = self.project();
        for is_second in [*this.is_second_next, !*this.is_second_next] {
            let value = if is_second {
                poll_side(this.second.as_mut(), cx)
            } else {
                poll_side(this.first.as_mut(), cx)
            };
            if value.is_some() {
                *this.is_second_next = !is_second;
                return Poll::Ready(value);
            }
        }
        if this.first.is_none() && this.second.is_none() {
            Poll::Ready(None)
        } else {
            Poll::Pending
        }
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        let first = self.first.as_ref().map_or((0, Some(0)), Stream::size_hint);
        let second = self.second.as_ref().map_or((0, Some(0)), Stream::size_hint);
        let upper = first.1.and_then(|first| first.checked_add(second.1?));
        (first.0.saturating_add(second.0), upper)
    }
}
