//! The file of a listening socket: removed with the listener, if it is still the listener's.

use std::fs;
use std::io;
use std::os::unix::fs::{FileTypeExt, MetadataExt};
use std::path::{Path, PathBuf};

/// The file that a bind has made, known by its device and inode.
///
/// Between the look at the file and its removal somebody may put another in its place: no system has a call
/// for both.
#[derive(Debug)]
pub(super) struct OwnFile {
    path: PathBuf,
    /// `None`: it stays.
    id: Option<(u64, u64)>,
}

impl OwnFile {
    /// Remembers the socket at a path. The path is made absolute: the process may go elsewhere.
    pub(super) fn remember(path: &Path) -> io::Result<Self> {
        let path = std::path::absolute(path)?;
        let id = socket_at(&path)?;
        Ok(Self { path, id: Some(id) })
    }

    /// Remembers the socket at a path, or forgets it, so that it stays.
    pub(super) fn set(
        file: &mut Option<Self>,
        path: Option<&Path>,
        remove: bool,
    ) -> io::Result<()> {
        match (remove, path) {
            (false, _) => {
                if let Some(mut file) = file.take() {
                    file.id = None;
                }
            }
            (true, Some(path)) if file.is_none() => *file = Some(Self::remember(path)?),
            (true, _) => {}
        }
        Ok(())
    }
}

/// The identity of the socket at a path, links not followed.
fn socket_at(path: &Path) -> io::Result<(u64, u64)> {
    let metadata = fs::symlink_metadata(path)?;
    if !metadata.file_type().is_socket() {
        return Err(io::Error::new(
            io::ErrorKind::InvalidInput,
            format!("{} is no socket", path.display()),
        ));
    }
    Ok((metadata.dev(), metadata.ino()))
}

impl Drop for OwnFile {
    fn drop(&mut self) {
        if self.id.is_some() && socket_at(&self.path).ok() == self.id {
            // If it cannot be removed, there is nobody to tell.
            let _ = fs::remove_file(&self.path);
        }
    }
}
