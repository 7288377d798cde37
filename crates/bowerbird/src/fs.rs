//! Files and directories.
//!
//! asyncio: none; there one writes `await to_thread(path.read_bytes)`. The names are those of [`std::fs`].
//!
//! Files have no readiness: an operation on one blocks its thread. So each is done by a thread of the blocking pool,
//! and each costs a hop there and back, about as much as several small reads. What is here saves hops:
//!
//! - [`read`], [`write()`], [`copy`] and their like do all they have to in one hop.
//! - [`batch`] does what its closure does in one hop: open, read, rename.
//! - [`read_dir`] and [`walk`] bring many entries a hop.
//! - a [`File`] reads and writes by the traits of the module [`io`](crate::io), a hop each time: put a `BufReader` or
//!   a `BufWriter` around it. On Linux a read of what the system has in memory needs no hop.
//!
//! An operation begins when its future is first polled, and then goes on to its end, also if the future is dropped. The
//! end of the runtime waits for what goes on and does what is queued, up to its limit for blocking work: a write that
//! was begun is not lost.
//!
//! # Examples
//! ```
//! use bowerbird::fs;
//!
//! bowerbird::run(async {
//!     let dir = std::env::temp_dir().join(format!("bowerbird-fs-{}", std::process::id()));
//!     fs::create_dir_all(&dir).await?;
//!     fs::write(dir.join("greeting"), "hello").await?;
//!     fs::copy(dir.join("greeting"), dir.join("copy")).await?;
//!     assert_eq!(fs::read_to_string(dir.join("copy")).await?, "hello");
//!
//!     let mut names = Vec::new();
//!     let mut entries = fs::read_dir(&dir).await?;
//!     while let Some(entry) = entries.next_entry().await? {
//!         names.push(entry.file_name().into_string().unwrap());
//!     }
//!     names.sort();
//!     assert_eq!(names, ["copy", "greeting"]);
//!     fs::remove_dir_all(&dir).await
//! }).unwrap();
//! ```

mod dir;
mod file;
mod file_io;
mod now;
mod open_options;
mod operation;
mod whole;
pub(crate) mod writes;

pub use dir::{DirBuilder, DirEntry, NextEntry, ReadDir, Walk, read_dir, walk};
pub use file::{File, FileOperation};
pub use open_options::OpenOptions;
pub use operation::{Operation, batch};
pub use std::fs::{FileType, Metadata, Permissions};
#[cfg(unix)]
pub use whole::symlink;
pub use whole::{
    canonicalize, copy, create_dir, create_dir_all, hard_link, metadata, read, read_link,
    read_to_string, remove_dir, remove_dir_all, remove_file, rename, set_permissions,
    symlink_metadata, try_exists, write,
};
#[cfg(windows)]
pub use whole::{symlink_dir, symlink_file};
