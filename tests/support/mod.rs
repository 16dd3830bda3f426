//! Helpers that several test programs share.

use std::path::{Path, PathBuf};

/// The path of one of the crate's examples, built beside the tests.
pub(crate) fn example(name: &str) -> PathBuf {
    let own = std::env::current_exe().expect("a path");
    let folder = own.parent().and_then(Path::parent).expect("target/PROFILE/deps/TEST");
    let path = folder.join("examples").join(name);
    assert!(path.exists(), "{} is not built: run `cargo build --examples`", path.display());
    path
}
