//! [`OpenOptions`].

use std::fs;
use std::path::Path;

use super::file::File;
use super::operation::{Operation, operation};

/// How to open a file; those of [`std::fs::OpenOptions`].
///
/// asyncio: the mode of `open()`.
///
/// # Examples
/// ```
/// use bowerbird::fs::{self, OpenOptions};
/// use bowerbird::io::AsyncWriteExt;
///
/// bowerbird::run(async {
///     let path = std::env::temp_dir().join(format!("bowerbird-options-{}", std::process::id()));
///     for line in ["one\n", "two\n"] {
///         let mut file = OpenOptions::new().append(true).create(true).open(&path).await?;
///         file.write_all(line.as_bytes()).await?;
///         file.close().await?;
///     }
///     assert_eq!(fs::read_to_string(&path).await?, "one\ntwo\n");
///     fs::remove_file(&path).await
/// }).unwrap();
/// ```
#[derive(Debug, Clone)]
pub struct OpenOptions(fs::OpenOptions);

macro_rules! switches {
    ($($(#[$doc:meta])* $name:ident;)*) => {$(
        $(#[$doc])*
        pub fn $name(&mut self, on: bool) -> &mut Self {
            self.0.$name(on);
            self
        }
    )*};
}

impl OpenOptions {
    /// Begins with nothing: at least one of `read`, `write` and `append` is needed.
    #[allow(clippy::new_without_default, reason = "as std's: nothing is no useful default")]
    pub fn new() -> Self {
        Self(fs::OpenOptions::new())
    }

    switches! {
        /// The file may be read.
        read;
        /// The file may be written.
        write;
        /// Every write goes to the end of the file.
        append;
        /// What is in the file is dropped.
        truncate;
        /// The file is made if it is not there.
        create;
        /// The file is made, and must not be there.
        create_new;
    }

    /// The permissions of a file that is made.
    #[cfg(unix)]
    pub fn mode(&mut self, mode: u32) -> &mut Self {
        std::os::unix::fs::OpenOptionsExt::mode(&mut self.0, mode);
        self
    }

    /// Flags for the system, besides those of the other options.
    #[cfg(unix)]
    pub fn custom_flags(&mut self, flags: i32) -> &mut Self {
        std::os::unix::fs::OpenOptionsExt::custom_flags(&mut self.0, flags);
        self
    }

    /// Opens a file.
    ///
    /// asyncio: `to_thread(open, path, mode)`.
    ///
    /// # Cancel safety
    /// Not safe: the file may have been made or emptied.
    ///
    /// # Errors
    /// What the system says; options that do not go together (`InvalidInput`); or the runtime has ended.
    ///
    /// # Panics
    /// Outside a runtime.
    #[track_caller]
    pub fn open(&self, path: impl AsRef<Path>) -> Operation<File> {
        self.open_for("OpenOptions::open", path.as_ref())
    }

    #[track_caller]
    pub(super) fn open_for(&self, call: &'static str, path: &Path) -> Operation<File> {
        let (options, path) = (self.0.clone(), path.to_owned());
        operation(call, move || options.open(path).map(File::from_std))
    }
}

impl From<fs::OpenOptions> for OpenOptions {
    fn from(options: fs::OpenOptions) -> Self {
        Self(options)
    }
}
