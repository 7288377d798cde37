//! [`File`] and the methods of its own.

use std::fmt;
use std::fs::File as StdFile;
use std::io;
use std::path::Path;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use bowerbird_base::cancel_safe::CancelSafe;
use bowerbird_io::Leaf;

use super::file_io::FileIo;
use super::open_options::OpenOptions;
use super::operation::{Operation, operation};
use super::{Metadata, Permissions};
use crate::offloaded::InFlight;

/// An open file.
///
/// asyncio: none; `open()` and its methods in `to_thread`.
///
/// It is read, written and moved in by the traits of the module [`io`](crate::io). One operation goes on at a time, and
/// each is a hop to the blocking pool; on Linux a read of up to 64 KiB that the system has in memory is none.
///
/// A **write** is ready when its bytes are copied, and goes on in the background. The next write waits for it, and says
/// if it failed; so do `flush`, `close`, [`sync_all`](Self::sync_all) and [`sync_data`](Self::sync_data). If the file is
/// dropped before, the write is done all the same, and an error of it goes to the exception handler.
///
/// A **read** or `seek` whose wait is given up loses nothing: what was read belongs to the file, and the next read
/// gives it.
///
/// # Examples
/// ```
/// use bowerbird::fs::{self, File};
/// use bowerbird::io::{AsyncReadExt, AsyncSeekExt, AsyncWriteExt};
///
/// bowerbird::run(async {
///     let path = std::env::temp_dir().join(format!("bowerbird-file-{}", std::process::id()));
///     let mut file = File::options().read(true).write(true).create(true).open(&path).await?;
///     file.write_all(b"hello").await?;
///     file.flush().await?;
///     file.rewind().await?;
///     let mut text = String::new();
///     file.read_to_string(&mut text).await?;
///     assert_eq!(text, "hello");
///     fs::remove_file(&path).await
/// }).unwrap();
/// ```
pub struct File {
    file: Arc<StdFile>,
    io: FileIo,
}

impl File {
    /// Opens a file for reading.
    ///
    /// asyncio: `to_thread(open, path, "rb")`.
    ///
    /// # Cancel safety
    /// Nothing is lost: the file is closed.
    ///
    /// # Errors
    /// What the system says; or the runtime has ended.
    ///
    /// # Panics
    /// Outside a runtime.
    #[track_caller]
    pub fn open(path: impl AsRef<Path>) -> Operation<File> {
        OpenOptions::new().read(true).open_for("File::open", path.as_ref())
    }

    /// Opens a file for writing: makes it, or empties it.
    ///
    /// asyncio: `to_thread(open, path, "wb")`.
    ///
    /// # Cancel safety
    /// Not safe: the file may have been made or emptied.
    ///
    /// # Errors
    /// What the system says; or the runtime has ended.
    ///
    /// # Panics
    /// Outside a runtime.
    #[track_caller]
    pub fn create(path: impl AsRef<Path>) -> Operation<File> {
        OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(true)
            .open_for("File::create", path.as_ref())
    }

    /// Makes a file that is not there yet, for reading and writing.
    ///
    /// asyncio: `to_thread(open, path, "x+b")`.
    ///
    /// # Cancel safety
    /// Not safe: the file may have been made.
    ///
    /// # Errors
    /// It is there (`AlreadyExists`), what else the system says; or the runtime has ended.
    ///
    /// # Panics
    /// Outside a runtime.
    #[track_caller]
    pub fn create_new(path: impl AsRef<Path>) -> Operation<File> {
        OpenOptions::new()
            .read(true)
            .write(true)
            .create_new(true)
            .open_for("File::create_new", path.as_ref())
    }

    /// Begins the options with which to open a file.
    pub fn options() -> OpenOptions {
        OpenOptions::new()
    }

    /// Takes a file of std.
    pub fn from_std(file: StdFile) -> Self {
        Self { file: Arc::new(file), io: FileIo::new() }
    }

    /// Makes every read a hop, as where the system has no other: for tests, and to measure the difference.
    #[doc(hidden)]
    pub fn with_hops_only(mut self) -> Self {
        self.io.has_hops_only = true;
        self
    }

    /// Gives the file to std, after what goes on.
    ///
    /// # Cancel safety
    /// Not safe: the file is closed.
    ///
    /// # Errors
    /// A write had failed.
    pub async fn into_std(mut self) -> io::Result<StdFile> {
        self.settled("File::into_std", |_| Ok(())).await?;
        match Arc::try_unwrap(self.file) {
            Ok(file) => Ok(file),
            // A `read_at` goes on, which has it too.
            Err(file) => file.try_clone(),
        }
    }

    /// Waits until all that was written, and what the system knows of the file, is on the disk.
    ///
    /// asyncio: `file.flush()` and `os.fsync(file.fileno())`.
    ///
    /// # Cancel safety
    /// Nothing is lost: another call begins anew.
    ///
    /// # Errors
    /// A write had failed, or what the system says.
    #[track_caller]
    pub fn sync_all(&mut self) -> FileOperation<'_, ()> {
        self.settled("File::sync_all", StdFile::sync_all)
    }

    /// Waits until all that was written is on the disk.
    ///
    /// asyncio: `file.flush()` and `os.fdatasync(file.fileno())`.
    ///
    /// # Cancel safety
    /// Nothing is lost: another call begins anew.
    ///
    /// # Errors
    /// A write had failed, or what the system says.
    #[track_caller]
    pub fn sync_data(&mut self) -> FileOperation<'_, ()> {
        self.settled("File::sync_data", StdFile::sync_data)
    }

    /// Makes the file so long: cuts it, or fills it with zeros.
    ///
    /// asyncio: `file.truncate(length)`.
    ///
    /// # Cancel safety
    /// Nothing is lost: another call does it again.
    ///
    /// # Errors
    /// A write had failed, or what the system says.
    #[track_caller]
    pub fn set_len(&mut self, length: u64) -> FileOperation<'_, ()> {
        self.settled("File::set_len", move |file| file.set_len(length))
    }

    /// Sets the times of the last access and of the last change.
    ///
    /// asyncio: `os.utime(file.fileno(), ..)`.
    ///
    /// # Cancel safety
    /// Nothing is lost: another call does it again.
    ///
    /// # Errors
    /// A write had failed, or what the system says.
    ///
    /// # Examples
    /// ```
    /// # let path = std::env::temp_dir().join(format!("bowerbird-doc-times-{}", std::process::id()));
    /// use std::fs::FileTimes;
    /// use std::time::{Duration, SystemTime};
    ///
    /// bowerbird::run(async {
    ///     let when = SystemTime::UNIX_EPOCH + Duration::from_secs(1_000_000);
    ///     let mut file = bowerbird::fs::File::create(&path).await?;
    ///     file.set_times(FileTimes::new().set_modified(when)).await?;
    ///     assert_eq!(file.metadata().await?.modified()?, when);
    ///     std::io::Result::Ok(())
    /// }).unwrap();
    /// # std::fs::remove_file(path).unwrap();
    /// ```
    #[track_caller]
    pub fn set_times(&mut self, times: std::fs::FileTimes) -> FileOperation<'_, ()> {
        self.settled("File::set_times", move |file| file.set_times(times))
    }

    /// Gives what the system knows of the file, after what goes on.
    ///
    /// asyncio: `os.fstat(file.fileno())`.
    ///
    /// # Cancel safety
    /// Nothing is lost.
    ///
    /// # Errors
    /// A write had failed, or what the system says.
    #[track_caller]
    pub fn metadata(&mut self) -> FileOperation<'_, Metadata> {
        self.settled("File::metadata", StdFile::metadata)
    }

    /// Sets the permissions of the file.
    ///
    /// asyncio: `os.fchmod(file.fileno(), mode)`.
    ///
    /// # Cancel safety
    /// Nothing is lost: another call does it again.
    ///
    /// # Errors
    /// A write had failed, or what the system says.
    #[track_caller]
    pub fn set_permissions(&mut self, permissions: Permissions) -> FileOperation<'_, ()> {
        self.settled("File::set_permissions", move |file| file.set_permissions(permissions))
    }

    /// Makes one more handle of the open file, with the same position.
    ///
    /// asyncio: `os.dup(file.fileno())`.
    ///
    /// # Cancel safety
    /// Nothing is lost: the new handle is closed.
    ///
    /// # Errors
    /// A write had failed, or what the system says.
    #[track_caller]
    pub fn try_clone(&mut self) -> FileOperation<'_, File> {
        self.settled("File::try_clone", |file| file.try_clone().map(File::from_std))
    }

    /// Reads up to `length` bytes from a place, without the position of the file: any number may go on at a time.
    ///
    /// asyncio: `os.pread(fd, length, offset)`.
    ///
    /// On Windows the system moves the position behind what was read: there, seek before a read or a write that uses it.
    ///
    /// # Cancel safety
    /// Nothing is lost: another call reads it again.
    ///
    /// # Errors
    /// What the system says; or the runtime has ended.
    ///
    /// # Panics
    /// Outside a runtime.
    ///
    /// # Examples
    /// ```
    /// use bowerbird::fs::{self, File};
    ///
    /// bowerbird::run(async {
    ///     let path = std::env::temp_dir().join(format!("bowerbird-at-{}", std::process::id()));
    ///     let file = File::create_new(&path).await?;
    ///     file.write_all_at(0, "hello, world").await?;
    ///     let (head, tail) = bowerbird::try_join((file.read_at(0, 5), file.read_at(7, 99))).await?;
    ///     assert_eq!((&head[..], &tail[..]), (&b"hello"[..], &b"world"[..]));
    ///     fs::remove_file(&path).await
    /// }).unwrap();
    /// ```
    #[track_caller]
    pub fn read_at(&self, offset: u64, length: usize) -> Operation<Vec<u8>> {
        let file = self.file.clone();
        operation("File::read_at", move || {
            let mut bytes = vec![0; length];
            let count = at::read(&file, &mut bytes, offset)?;
            bytes.truncate(count);
            Ok(bytes)
        })
    }

    /// Writes all bytes to a place, without the position of the file: any number may go on at a time.
    ///
    /// asyncio: `os.pwrite(fd, data, offset)`, until all is written.
    ///
    /// On Windows the system moves the position behind what was written, as for [`read_at`](Self::read_at).
    ///
    /// # Cancel safety
    /// Not safe: once polled, all is written, but whether that went well is lost.
    ///
    /// # Errors
    /// What the system says; or the runtime has ended.
    ///
    /// # Panics
    /// Outside a runtime.
    #[track_caller]
    pub fn write_all_at(&self, offset: u64, bytes: impl Into<Vec<u8>>) -> Operation<()> {
        let (file, bytes) = (self.file.clone(), bytes.into());
        operation("File::write_all_at", move || {
            let mut written = 0;
            while written < bytes.len() {
                match at::write(&file, &bytes[written..], offset + written as u64) {
                    Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
                    Ok(count) => written += count,
                    Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                    Err(error) => return Err(error),
                }
            }
            Ok(())
        })
    }

    pub(super) fn parts(&mut self) -> (&Arc<StdFile>, &mut FileIo) {
        (&self.file, &mut self.io)
    }

    #[track_caller]
    fn settled<T>(
        &mut self,
        call: &'static str,
        f: impl FnOnce(&StdFile) -> io::Result<T> + Send + 'static,
    ) -> FileOperation<'_, T> {
        let stage = Stage::Fresh(Box::new(f));
        FileOperation { file: self, stage, leaf: Leaf::new(call) }
    }
}

/// Reads and writes at a place.
mod at {
    #[cfg(unix)]
    use std::os::unix::fs::FileExt;
    #[cfg(windows)]
    use std::os::windows::fs::FileExt;
    use std::{fs::File, io};

    #[cfg(unix)]
    pub(super) fn read(file: &File, bytes: &mut [u8], offset: u64) -> io::Result<usize> {
        file.read_at(bytes, offset)
    }

    #[cfg(unix)]
    pub(super) fn write(file: &File, bytes: &[u8], offset: u64) -> io::Result<usize> {
        file.write_at(bytes, offset)
    }

    #[cfg(windows)]
    pub(super) fn read(file: &File, bytes: &mut [u8], offset: u64) -> io::Result<usize> {
        file.seek_read(bytes, offset)
    }

    #[cfg(windows)]
    pub(super) fn write(file: &File, bytes: &[u8], offset: u64) -> io::Result<usize> {
        file.seek_write(bytes, offset)
    }
}

impl From<StdFile> for File {
    fn from(file: StdFile) -> Self {
        Self::from_std(file)
    }
}

impl fmt::Debug for File {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.file.fmt(f)
    }
}

type OnFile<T> = Box<dyn FnOnce(&StdFile) -> io::Result<T> + Send>;

enum Stage<T> {
    /// What goes on in the file comes first.
    Fresh(OnFile<T>),
    Running(InFlight<io::Result<T>>),
    Done,
}

/// The future of the methods of [`File`] that wait for what goes on in it.
#[must_use = "futures do nothing unless you `.await` or poll them"]
pub struct FileOperation<'a, T> {
    file: &'a mut File,
    stage: Stage<T>,
    leaf: Leaf,
}

// The value is moved, never pinned.
impl<T> Unpin for FileOperation<'_, T> {}

impl<T: Send + 'static> Future for FileOperation<'_, T> {
    type Output = io::Result<T>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let Self { file, stage, leaf } = self.get_mut();
        if let Stage::Fresh(_) = stage {
            ready!(file.io.poll_settled(&file.file, leaf, cx))?;
            let Stage::Fresh(f) = std::mem::replace(stage, Stage::Done) else {
                unreachable!("seen above")
            };
            let file = file.file.clone();
            *stage = Stage::Running(InFlight::start(move || f(&file), drop)?);
        }
        match stage {
            Stage::Running(in_flight) => {
                let result = ready!(in_flight.poll(leaf, cx));
                *stage = Stage::Done;
                Poll::Ready(result.and_then(|result| result))
            }
            Stage::Fresh(_) | Stage::Done => panic!("a future was polled after it was ready"),
        }
    }
}

// Each can be done again.
impl<T> CancelSafe for FileOperation<'_, T> {}

impl<T> fmt::Debug for FileOperation<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FileOperation").finish_non_exhaustive()
    }
}
