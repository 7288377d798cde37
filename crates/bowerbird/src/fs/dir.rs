//! The entries of directories, many a hop; and how directories are made.

use std::collections::VecDeque;
use std::ffi::OsString;
use std::fmt;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bowerbird_base::cancel_safe::CancelSafe;
use bowerbird_io::Leaf;
use futures_core::Stream;

use super::operation::{Operation, operation};
use super::{FileType, Metadata};
use crate::offloaded::InFlight;

/// How many entries one hop brings.
const BATCH: usize = 256;

/// Gives the entries of a directory. The first ones come with the same hop.
///
/// asyncio: `to_thread(os.scandir, path)`.
///
/// # Cancel safety
/// Nothing is lost: the directory is closed.
///
/// # Errors
/// What the system says; or the runtime has ended.
///
/// # Panics
/// Outside a runtime.
#[track_caller]
pub fn read_dir(path: impl AsRef<Path>) -> Operation<ReadDir> {
    let path = path.as_ref().to_owned();
    operation("fs::read_dir", move || {
        let mut entries = Entries::Listed(fs::read_dir(path)?);
        let ready = entries.take_batch();
        Ok(ReadDir(Batches::new(entries, ready)))
    })
}

/// Gives the entries of a directory and of all directories in it, each directory before what is in it. Symbolic links
/// are given, not followed.
///
/// asyncio: `to_thread(list, os.walk(top))`, in pieces.
///
/// A directory that cannot be read is an error, and the rest follows.
///
/// # Examples
/// ```
/// use bowerbird::fs;
///
/// bowerbird::run(async {
///     let top = std::env::temp_dir().join(format!("bowerbird-walk-{}", std::process::id()));
///     fs::create_dir_all(top.join("a/b")).await?;
///     fs::write(top.join("a/b/file"), "").await?;
///     let (mut walk, mut count) = (fs::walk(&top), 0);
///     while let Some(entry) = walk.next_entry().await? {
///         count += 1;
///         assert_eq!(entry.file_type()?.is_file(), entry.file_name() == "file");
///     }
///     assert_eq!(count, 3);
///     fs::remove_dir_all(&top).await
/// }).unwrap();
/// ```
pub fn walk(top: impl AsRef<Path>) -> Walk {
    let entries = Entries::Walked { stack: Vec::new(), next: Some(top.as_ref().to_owned()) };
    Walk(Batches::new(entries, VecDeque::new()))
}

/// The entries of a directory, from [`read_dir`]; also a `Stream`.
#[must_use = "a stream does nothing unless it is polled"]
pub struct ReadDir(Batches);

/// The entries of a directory and of those in it, from [`walk`]; also a `Stream`.
#[must_use = "a stream does nothing unless it is polled"]
pub struct Walk(Batches);

/// One entry of a directory.
#[derive(Debug)]
pub struct DirEntry {
    entry: fs::DirEntry,
    file_type: io::Result<FileType>,
}

impl DirEntry {
    fn new(entry: fs::DirEntry) -> Self {
        let file_type = entry.file_type();
        Self { entry, file_type }
    }

    /// The path: that of the directory, as it was given, and the name.
    pub fn path(&self) -> PathBuf {
        self.entry.path()
    }

    /// The name.
    pub fn file_name(&self) -> OsString {
        self.entry.file_name()
    }

    /// Whether it is a file, a directory, a symbolic link. It came with the entry: no wait.
    ///
    /// # Errors
    /// What the system said.
    pub fn file_type(&self) -> io::Result<FileType> {
        match &self.file_type {
            Ok(file_type) => Ok(*file_type),
            Err(error) => Err(match error.raw_os_error() {
                Some(number) => io::Error::from_raw_os_error(number),
                None => error.kind().into(),
            }),
        }
    }

    /// The number of its inode, if the system tells. Unix. It came with the entry: no wait.
    #[cfg(unix)]
    pub fn ino(&self) -> u64 {
        std::os::unix::fs::DirEntryExt::ino(&self.entry)
    }

    /// What the system knows of it; of a symbolic link itself.
    ///
    /// # Cancel safety
    /// Nothing is lost: another call asks again.
    ///
    /// # Errors
    /// What the system says; or the runtime has ended.
    ///
    /// # Panics
    /// Outside a runtime.
    #[track_caller]
    pub fn metadata(&self) -> Operation<Metadata> {
        let path = self.path();
        operation("DirEntry::metadata", move || fs::symlink_metadata(path))
    }
}

/// Where entries come from.
enum Entries {
    Listed(fs::ReadDir),
    Walked {
        stack: Vec<fs::ReadDir>,
        /// A directory that is to be read before the rest.
        next: Option<PathBuf>,
    },
}

impl Iterator for Entries {
    type Item = io::Result<DirEntry>;

    fn next(&mut self) -> Option<Self::Item> {
        let (stack, next) = match self {
            Self::Listed(listed) => return Some(listed.next()?.map(DirEntry::new)),
            Self::Walked { stack, next } => (stack, next),
        };
        if let Some(path) = next.take() {
            match fs::read_dir(path) {
                Ok(listed) => stack.push(listed),
                Err(error) => return Some(Err(error)),
            }
        }
        loop {
            match stack.last_mut()?.next() {
                None => drop(stack.pop()),
                Some(Err(error)) => return Some(Err(error)),
                Some(Ok(entry)) => {
                    let entry = DirEntry::new(entry);
                    if entry.file_type().is_ok_and(|it| it.is_dir()) {
                        *next = Some(entry.path());
                    }
                    return Some(Ok(entry));
                }
            }
        }
    }
}

type Batch = VecDeque<io::Result<DirEntry>>;

impl Entries {
    fn take_batch(&mut self) -> Batch {
        self.take(BATCH).collect()
    }
}

/// Entries that come in batches.
struct Batches {
    ready: Batch,
    /// `None` at the end, and while a batch is fetched.
    rest: Option<Entries>,
    fetching: Option<InFlight<(Entries, Batch)>>,
    is_suspended: bool,
}

impl Batches {
    fn new(entries: Entries, ready: Batch) -> Self {
        let is_end = !ready.is_empty() && ready.len() < BATCH;
        let rest = if is_end { None } else { Some(entries) };
        Self { ready, rest, fetching: None, is_suspended: false }
    }

    /// The next entry. A batch that is fetched belongs to the directory, not to who waits.
    fn poll_entry(
        &mut self,
        leaf: &mut Leaf,
        cx: &mut Context<'_>,
    ) -> Poll<Option<io::Result<DirEntry>>> {
        loop {
            if let Some(entry) = self.ready.pop_front() {
                leaf.polled();
                return Poll::Ready(Some(entry));
            }
            if let Some(fetching) = &self.fetching {
                let result = ready!(fetching.poll(leaf, cx));
                self.fetching = None;
                let (rest, batch) = result?;
                if batch.len() == BATCH {
                    self.rest = Some(rest);
                }
                self.ready = batch;
                continue;
            }
            leaf.polled();
            let Some(mut rest) = self.rest.take() else { return Poll::Ready(None) };
            let fetch = move || {
                let batch = rest.take_batch();
                (rest, batch)
            };
            self.fetching = Some(InFlight::start(fetch, drop)?);
        }
    }

    fn poll_next(&mut self, cx: &mut Context<'_>) -> Poll<Option<io::Result<DirEntry>>> {
        let mut leaf = Leaf::without_location(self.is_suspended);
        let result = self.poll_entry(&mut leaf, cx);
        self.is_suspended = result.is_pending();
        result
    }
}

/// The future of [`ReadDir::next_entry`] and [`Walk::next_entry`].
#[must_use = "futures do nothing unless you `.await` or poll them"]
pub struct NextEntry<'a> {
    batches: &'a mut Batches,
    leaf: Leaf,
}

impl Future for NextEntry<'_> {
    type Output = io::Result<Option<DirEntry>>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let Self { batches, leaf } = self.get_mut();
        batches.poll_entry(leaf, cx).map(Option::transpose)
    }
}

impl CancelSafe for NextEntry<'_> {}

macro_rules! gives_entries {
    ($($name:ident $call:literal;)*) => {$(
        impl $name {
            /// Waits for the next entry; `None` at the end.
            ///
            /// asyncio: `next(entries, None)`.
            ///
            /// # Cancel safety
            /// Nothing is lost.
            ///
            /// # Errors
            /// What the system says; or the runtime has ended.
            #[track_caller]
            pub fn next_entry(&mut self) -> NextEntry<'_> {
                NextEntry { batches: &mut self.0, leaf: Leaf::new($call) }
            }
        }

        impl Stream for $name {
            type Item = io::Result<DirEntry>;

            fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
                self.0.poll_next(cx)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.debug_struct(stringify!($name)).finish_non_exhaustive()
            }
        }
    )*};
}

gives_entries! {
    ReadDir "ReadDir::next_entry";
    Walk "Walk::next_entry";
}

impl fmt::Debug for NextEntry<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("NextEntry").finish_non_exhaustive()
    }
}

/// How to make a directory; [`std::fs::DirBuilder`].
///
/// asyncio: the arguments of `path.mkdir()`.
///
/// # Examples
/// ```
/// use bowerbird::fs::{self, DirBuilder};
///
/// bowerbird::run(async {
///     let top = std::env::temp_dir().join(format!("bowerbird-dir-{}", std::process::id()));
///     DirBuilder::new().recursive(true).create(top.join("a/b")).await?;
///     assert!(fs::metadata(top.join("a/b")).await?.is_dir());
///     fs::remove_dir_all(&top).await
/// }).unwrap();
/// ```
#[derive(Debug, Default, Clone)]
pub struct DirBuilder {
    recursive: bool,
    #[cfg(unix)]
    mode: Option<u32>,
}

impl DirBuilder {
    /// Begins with what [`create_dir`](super::create_dir) does.
    pub fn new() -> Self {
        Self::default()
    }

    /// Makes the directories above it too, and takes one that is there.
    pub fn recursive(&mut self, on: bool) -> &mut Self {
        self.recursive = on;
        self
    }

    /// The permissions of what is made.
    #[cfg(unix)]
    pub fn mode(&mut self, mode: u32) -> &mut Self {
        self.mode = Some(mode);
        self
    }

    /// Makes a directory.
    ///
    /// asyncio: `to_thread(path.mkdir, ..)`.
    ///
    /// # Cancel safety
    /// Not safe: once polled, it is made, but whether that went well is lost.
    ///
    /// # Errors
    /// What the system says; or the runtime has ended.
    ///
    /// # Panics
    /// Outside a runtime.
    #[track_caller]
    pub fn create(&self, path: impl AsRef<Path>) -> Operation<()> {
        let mut builder = fs::DirBuilder::new();
        builder.recursive(self.recursive);
        #[cfg(unix)]
        if let Some(mode) = self.mode {
            std::os::unix::fs::DirBuilderExt::mode(&mut builder, mode);
        }
        let path = path.as_ref().to_owned();
        operation("DirBuilder::create", move || builder.create(path))
    }
}
