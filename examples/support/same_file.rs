//! Which of the files that a program reads and writes are the same.

use std::fs::{self, File, Metadata};
use std::io;
use std::os::fd::AsFd;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;

/// A regular file, under whatever name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct FileId {
    device: u64,
    inode: u64,
}

impl FileId {
    /// Returns the file at a path; `None` if there is none, or not a regular one.
    pub(crate) fn of_path(path: &Path) -> Option<Self> {
        Self::of(&fs::metadata(path).ok()?)
    }

    /// Returns the file of a log or capture; `-` is standard input.
    pub(crate) fn of_input(path: &Path) -> Option<Self> {
        if path.as_os_str() == "-" { Self::of_open(io::stdin()) } else { Self::of_path(path) }
    }

    /// Returns the open file, such as that of a standard stream; `None` if it is not a regular one.
    pub(crate) fn of_open(file: impl AsFd) -> Option<Self> {
        let file = file.as_fd().try_clone_to_owned().map(File::from);
        Self::of(&file.and_then(|file| file.metadata()).ok()?)
    }

    /// Returns the file of standard output.
    pub(crate) fn of_output() -> Option<Self> {
        Self::of_open(io::stdout())
    }

    fn of(metadata: &Metadata) -> Option<Self> {
        let (device, inode) = (metadata.dev(), metadata.ino());
        metadata.is_file().then_some(Self { device, inode })
    }
}
