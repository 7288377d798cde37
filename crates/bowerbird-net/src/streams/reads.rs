//! The futures of [`StreamReader`].
//!
//! Each has a goal, which says what the buffer gives so far. Until it gives something, the connection is read;
//! what was read is in the reader's buffer before the goal looks at it, so that a drop loses nothing.

use std::fmt;
use std::future::Future;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bowerbird_base::cancel_safe::CancelSafe;
use bowerbird_io::Leaf;

use super::buffer::find;
use super::error::{IncompleteReadError, LimitOverrunError, ReadError};
use super::reader::StreamReader;

/// What a read wants, and how far it has looked.
trait Goal {
    type Output;

    /// What the buffer gives; `None` if more has to be read.
    fn take(&mut self, reader: &mut StreamReader) -> Option<Self::Output>;
}

fn poll_goal<G: Goal>(
    reader: &mut StreamReader,
    goal: &mut G,
    cx: &mut Context<'_>,
    leaf: &mut Leaf,
) -> Poll<G::Output> {
    reader.absorb();
    loop {
        if let Some(output) = goal.take(reader) {
            // Also where nothing had to be read.
            leaf.polled();
            return Poll::Ready(output);
        }
        ready!(reader.poll_fill(cx, leaf));
    }
}

// ----- goals -----------------------------------------------------------------------------------------

#[derive(Debug)]
struct UpTo(usize);

impl Goal for UpTo {
    type Output = io::Result<Vec<u8>>;

    fn take(&mut self, reader: &mut StreamReader) -> Option<Self::Output> {
        if let Err(error) = reader.check() {
            return Some(Err(error));
        }
        let count = reader.buffer.len().min(self.0);
        let is_done = count > 0 || self.0 == 0 || reader.is_eof();
        is_done.then(|| Ok(reader.buffer.take(count)))
    }
}

#[derive(Debug)]
struct ToEnd;

impl Goal for ToEnd {
    type Output = io::Result<Vec<u8>>;

    fn take(&mut self, reader: &mut StreamReader) -> Option<Self::Output> {
        if let Err(error) = reader.check() {
            return Some(Err(error));
        }
        reader.is_eof().then(|| Ok(reader.buffer.take(reader.buffer.len())))
    }
}

#[derive(Debug)]
struct Exactly(usize);

impl Goal for Exactly {
    type Output = Result<Vec<u8>, ReadError>;

    fn take(&mut self, reader: &mut StreamReader) -> Option<Self::Output> {
        if let Err(error) = reader.check() {
            return Some(Err(error.into()));
        }
        if reader.buffer.len() >= self.0 {
            return Some(Ok(reader.buffer.take(self.0)));
        }
        reader.is_eof().then(|| Err(incomplete(reader, Some(self.0))))
    }
}

#[derive(Debug)]
struct Until {
    /// The shortest first.
    separators: Vec<Vec<u8>>,
    /// No separator begins before this place.
    from: usize,
}

impl Goal for Until {
    type Output = Result<Vec<u8>, ReadError>;

    fn take(&mut self, reader: &mut StreamReader) -> Option<Self::Output> {
        if let Err(error) = reader.check() {
            return Some(Err(error.into()));
        }
        let found = self.find(reader);
        match found {
            Some(Ok(end)) => Some(Ok(reader.buffer.take(end))),
            Some(Err(error)) => Some(Err(error.into())),
            None => reader.is_eof().then(|| Err(incomplete(reader, None))),
        }
    }
}

impl Until {
    fn new(separators: Vec<Vec<u8>>) -> Self {
        Self { separators, from: 0 }
    }

    /// Where the first match ends, if it is within the limit.
    fn find(&mut self, reader: &StreamReader) -> Option<Result<usize, LimitOverrunError>> {
        let bytes = reader.buffer.bytes();
        let mut first: Option<(usize, usize)> = None;
        for separator in &self.separators {
            // A match counts only if it ends before the best one.
            let within = first.map_or(bytes, |(_, end)| &bytes[..end - 1]);
            if let Some(begin) = find(within, separator, self.from) {
                first = Some((begin, begin + separator.len()));
            }
        }
        let longest = self.separators.last().map_or(1, Vec::len);
        match first {
            Some((begin, end)) => Some(within_limit(reader, begin, true).map(|()| end)),
            None => {
                self.from = (bytes.len() + 1).saturating_sub(longest).max(self.from);
                within_limit(reader, self.from, false).err().map(Err)
            }
        }
    }
}

/// A line, as its length: 0 is the end.
#[derive(Debug)]
struct Line {
    /// No `\n` is before this place.
    from: usize,
}

impl Line {
    fn find(&mut self, reader: &mut StreamReader) -> Option<Result<usize, ReadError>> {
        if let Err(error) = reader.check() {
            return Some(Err(error.into()));
        }
        let result = match find(reader.buffer.bytes(), b"\n", self.from) {
            Some(at) => within_limit(reader, at, true).map(|()| at + 1),
            None => {
                self.from = reader.buffer.len();
                within_limit(reader, self.from, false).map(|()| self.from)
            }
        };
        match result {
            Ok(length) if length == self.from && !reader.is_eof() => None,
            Ok(length) => Some(Ok(length)),
            Err(error) => {
                // What is too long is taken away, with its end, if that is here.
                let gone = error.consumed + usize::from(error.is_found);
                reader.buffer.borrow(gone);
                self.from = 0;
                Some(Err(error.into()))
            }
        }
    }
}

impl Goal for Line {
    type Output = Result<Vec<u8>, ReadError>;

    fn take(&mut self, reader: &mut StreamReader) -> Option<Self::Output> {
        let length = self.find(reader)?;
        Some(length.map(|length| reader.buffer.take(length)))
    }
}

/// The same for a stream of lines, which ends.
struct NextLine(Line);

impl Goal for NextLine {
    type Output = Option<Result<Vec<u8>, ReadError>>;

    fn take(&mut self, reader: &mut StreamReader) -> Option<Self::Output> {
        match self.0.take(reader)? {
            Ok(line) if line.is_empty() => Some(None),
            line => Some(Some(line)),
        }
    }
}

/// The same, without taking it out.
struct LineLength(Line);

impl Goal for LineLength {
    type Output = Result<usize, ReadError>;

    fn take(&mut self, reader: &mut StreamReader) -> Option<Self::Output> {
        self.0.find(reader)
    }
}

fn within_limit(
    reader: &StreamReader,
    consumed: usize,
    is_found: bool,
) -> Result<(), LimitOverrunError> {
    if consumed > reader.limit { Err(LimitOverrunError { consumed, is_found }) } else { Ok(()) }
}

/// The stream ended too early: all that there is goes with the error.
fn incomplete(reader: &mut StreamReader, expected: Option<usize>) -> ReadError {
    let partial = reader.buffer.take(reader.buffer.len());
    IncompleteReadError { partial, expected }.into()
}

// ----- separators ------------------------------------------------------------------------------------

/// What [`StreamReader::readuntil`] takes: one separator, or an array, slice or vector of several.
pub trait IntoSeparators {
    #[doc(hidden)]
    fn into_separators(self) -> Vec<Vec<u8>>;
}

/// One separator.
macro_rules! one_separator {
    ($(($($parameter:tt)*) $type:ty),*) => {
        $(impl<$($parameter)*> IntoSeparators for $type {
            fn into_separators(self) -> Vec<Vec<u8>> {
                vec![AsRef::<[u8]>::as_ref(&self).to_vec()]
            }
        })*
    };
}

one_separator!((const N: usize) &[u8; N], () &[u8], () &str, () &Vec<u8>, () Vec<u8>, () &String);

/// Several separators.
macro_rules! several_separators {
    ($(($($parameter:tt)*) $type:ty),*) => {
        $(impl<$($parameter)*> IntoSeparators for $type {
            fn into_separators(self) -> Vec<Vec<u8>> {
                let copy = |one: &_| AsRef::<[u8]>::as_ref(one).to_vec();
                let mut all: Vec<_> = self.iter().map(copy).collect();
                all.sort_by_key(Vec::len);
                all
            }
        })*
    };
}

several_separators!(
    (S: AsRef<[u8]>, const N: usize) [S; N],
    () &[&[u8]],
    () &[&str],
    () &[Vec<u8>],
    () Vec<Vec<u8>>
);

// ----- futures ---------------------------------------------------------------------------------------

/// A future with a goal.
macro_rules! read_futures {
    ($($(#[$docs:meta])* $name:ident($call:literal, $argument:ty => $goal:ident, $make:expr) -> $output:ty;)*) => {
        $(
            $(#[$docs])*
            #[must_use = "futures do nothing unless you `.await` or poll them"]
            pub struct $name<'a> {
                reader: &'a mut StreamReader,
                goal: $goal,
                leaf: Leaf,
            }

            impl<'a> $name<'a> {
                #[track_caller]
                pub(super) fn new(reader: &'a mut StreamReader, argument: $argument) -> Self {
                    let make: fn($argument) -> $goal = $make;
                    Self { reader, goal: make(argument), leaf: Leaf::new($call) }
                }
            }

            impl Future for $name<'_> {
                type Output = $output;

                fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
                    let Self { reader, goal, leaf } = self.get_mut();
                    poll_goal(reader, goal, cx, leaf)
                }
            }

            // What was read is in the reader.
            impl CancelSafe for $name<'_> {}

            impl fmt::Debug for $name<'_> {
                fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                    f.debug_struct(stringify!($name)).field("reader", &self.reader).finish()
                }
            }
        )*
    };
}

read_futures! {
    /// The future of [`StreamReader::read`].
    Read("StreamReader::read", usize => UpTo, UpTo) -> io::Result<Vec<u8>>;
    /// The future of [`StreamReader::read_to_end`].
    ReadToEnd("StreamReader::read_to_end", () => ToEnd, |()| ToEnd) -> io::Result<Vec<u8>>;
    /// The future of [`StreamReader::readexactly`].
    ReadExactly("StreamReader::readexactly", usize => Exactly, Exactly) -> Result<Vec<u8>, ReadError>;
    /// The future of [`StreamReader::readuntil`].
    ReadUntil("StreamReader::readuntil", Vec<Vec<u8>> => Until, Until::new) -> Result<Vec<u8>, ReadError>;
    /// The future of [`StreamReader::readline`].
    ReadLine("StreamReader::readline", () => Line, |()| Line { from: 0 }) -> Result<Vec<u8>, ReadError>;
    /// The future of [`StreamReader::next`].
    Next("StreamReader::next", () => NextLine, |()| NextLine(Line { from: 0 })) -> Option<Result<Vec<u8>, ReadError>>;
}

/// The future of [`StreamReader::readline_ref`].
#[must_use = "futures do nothing unless you `.await` or poll them"]
pub struct ReadLineRef<'a> {
    /// Taken when it is ready.
    reader: Option<&'a mut StreamReader>,
    goal: LineLength,
    leaf: Leaf,
}

impl<'a> ReadLineRef<'a> {
    #[track_caller]
    pub(super) fn new(reader: &'a mut StreamReader) -> Self {
        let leaf = Leaf::new("StreamReader::readline_ref");
        Self { reader: Some(reader), goal: LineLength(Line { from: 0 }), leaf }
    }
}

impl<'a> Future for ReadLineRef<'a> {
    type Output = Result<&'a [u8], ReadError>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let Self { reader, goal, leaf } = self.get_mut();
        let Some(read_from) = reader else { panic!("polled after it was ready") };
        let length = ready!(poll_goal(read_from, goal, cx, leaf));
        Poll::Ready(match (length, reader.take()) {
            (Ok(length), Some(reader)) => Ok(reader.buffer.borrow(length)),
            (Err(error), _) => Err(error),
            (Ok(_), None) => unreachable!("it was there above"),
        })
    }
}

impl CancelSafe for ReadLineRef<'_> {}

impl fmt::Debug for ReadLineRef<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ReadLineRef").field("reader", &self.reader).finish()
    }
}

impl StreamReader {
    /// The lines, as a stream.
    pub(super) fn poll_next_line(
        &mut self,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Vec<u8>, ReadError>>> {
        self.poll_form(cx, |reader, cx, leaf| {
            poll_goal(reader, &mut NextLine(Line { from: 0 }), cx, leaf)
        })
    }

    /// Keeps, for the `poll_*` forms, whether they are suspended: they have no future to keep it.
    pub(super) fn poll_form<R>(
        &mut self,
        cx: &mut Context<'_>,
        poll: impl FnOnce(&mut Self, &mut Context<'_>, &mut Leaf) -> Poll<R>,
    ) -> Poll<R> {
        let mut leaf = Leaf::without_location(self.is_suspended);
        let polled = poll(self, cx, &mut leaf);
        self.is_suspended = polled.is_pending();
        polled
    }
}
