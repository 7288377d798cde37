//! Operations on whole files and directories: one hop each.

use std::fs as blocking;
use std::path::{Path, PathBuf};

use super::operation::{Operation, operation};
use super::{Metadata, Permissions};

/// Makes a function of one of std's of the same name: paths are copied, the rest is moved.
macro_rules! whole_operations {
    ($(
        $(#[$doc:meta])*
        $name:ident($($path:ident),+ $(; $value:ident: $type:ty)?) -> $output:ty = $function:expr;
    )*) => {$(
        $(#[$doc])*
        ///
        /// # Cancel safety
        /// Not safe: once polled, the operation goes on to its end, but its result is lost.
        ///
        /// # Errors
        /// What the system says; or the runtime has ended.
        ///
        /// # Panics
        /// Outside a runtime.
        #[track_caller]
        pub fn $name($($path: impl AsRef<Path>),+ $(, $value: $type)?) -> Operation<$output> {
            $(let $path = $path.as_ref().to_owned();)+
            operation(concat!("fs::", stringify!($name)), move || $function($(&$path),+ $(, $value)?))
        }
    )*};
}

whole_operations! {
    /// Reads a whole file.
    ///
    /// asyncio: `to_thread(path.read_bytes)`.
    ///
    /// # Examples
    /// ```
    /// bowerbird::run(async {
    ///     let error = bowerbird::fs::read("/there/is/no/such/file").await.unwrap_err();
    ///     assert_eq!(error.kind(), std::io::ErrorKind::NotFound);
    /// });
    /// ```
    read(path) -> Vec<u8> = blocking::read;

    /// Reads a whole file as text.
    ///
    /// asyncio: `to_thread(path.read_text)`. What is no UTF-8 is `InvalidData`.
    read_to_string(path) -> String = blocking::read_to_string;

    /// Copies a file with its permissions, and gives the number of bytes.
    ///
    /// asyncio: `to_thread(shutil.copy, source, target)`.
    copy(from, to) -> u64 = blocking::copy;

    /// Gives what the system knows of a file; of what a symbolic link leads to.
    ///
    /// asyncio: `to_thread(path.stat)`.
    metadata(path) -> Metadata = blocking::metadata;

    /// Gives what the system knows of a file; of a symbolic link itself.
    ///
    /// asyncio: `to_thread(path.lstat)`.
    symlink_metadata(path) -> Metadata = blocking::symlink_metadata;

    /// Sets the permissions of a file.
    ///
    /// asyncio: `to_thread(path.chmod, mode)`.
    set_permissions(path; permissions: Permissions) -> () = blocking::set_permissions;

    /// Gives the absolute path, with all symbolic links followed.
    ///
    /// asyncio: `to_thread(path.resolve, strict=True)`.
    canonicalize(path) -> PathBuf = blocking::canonicalize;

    /// Makes a directory.
    ///
    /// asyncio: `to_thread(path.mkdir)`.
    create_dir(path) -> () = blocking::create_dir;

    /// Makes a directory and those above it, where they are not there.
    ///
    /// asyncio: `to_thread(os.makedirs, path, exist_ok=True)`.
    create_dir_all(path) -> () = blocking::create_dir_all;

    /// Removes a file.
    ///
    /// asyncio: `to_thread(path.unlink)`.
    remove_file(path) -> () = blocking::remove_file;

    /// Removes an empty directory.
    ///
    /// asyncio: `to_thread(path.rmdir)`.
    remove_dir(path) -> () = blocking::remove_dir;

    /// Removes a directory with all that is in it. Symbolic links are removed, not followed.
    ///
    /// asyncio: `to_thread(shutil.rmtree, path)`.
    remove_dir_all(path) -> () = blocking::remove_dir_all;

    /// Gives a file another name, in the place of one that has it.
    ///
    /// asyncio: `to_thread(path.replace, target)`.
    rename(from, to) -> () = blocking::rename;

    /// Gives a file one more name.
    ///
    /// asyncio: `to_thread(link.hardlink_to, original)`.
    hard_link(original, link) -> () = blocking::hard_link;

    /// Gives the path that a symbolic link has in it.
    ///
    /// asyncio: `to_thread(path.readlink)`.
    read_link(path) -> PathBuf = blocking::read_link;

    /// Tells whether there is something at a path; a broken symbolic link is nothing.
    ///
    /// asyncio: `to_thread(path.exists)`.
    try_exists(path) -> bool = Path::try_exists;
}

#[cfg(unix)]
whole_operations! {
    /// Makes a symbolic link.
    ///
    /// asyncio: `to_thread(link.symlink_to, original)`.
    symlink(original, link) -> () = std::os::unix::fs::symlink;
}

#[cfg(windows)]
whole_operations! {
    /// Makes a symbolic link to a file.
    ///
    /// asyncio: `to_thread(link.symlink_to, original)`.
    symlink_file(original, link) -> () = std::os::windows::fs::symlink_file;

    /// Makes a symbolic link to a directory.
    ///
    /// asyncio: `to_thread(link.symlink_to, original, target_is_directory=True)`.
    symlink_dir(original, link) -> () = std::os::windows::fs::symlink_dir;
}

/// Writes a whole file: makes it, or replaces what is in it.
///
/// asyncio: `to_thread(path.write_bytes, data)`. A `Vec` or a `String` is moved, what is borrowed is copied.
///
/// # Cancel safety
/// Not safe: once polled, the file is written to its end, but whether that went well is lost.
///
/// # Errors
/// What the system says; or the runtime has ended.
///
/// # Panics
/// Outside a runtime.
#[track_caller]
pub fn write(path: impl AsRef<Path>, contents: impl Into<Vec<u8>>) -> Operation<()> {
    let (path, contents) = (path.as_ref().to_owned(), contents.into());
    operation("fs::write", move || blocking::write(path, contents))
}
