//! The newest tools of auditd, those of Debian's unstable, as oracles beside the installed ones.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use crate::kernel_lock::{stderr, stdout};

/// Returns the folder of the newest tools: auditctl, ausearch, ausyscall. They are downloaded once.
pub(crate) fn newest() -> &'static Path {
    static FOLDER: OnceLock<PathBuf> = OnceLock::new();
    FOLDER.get_or_init(|| {
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("newest-auditd");
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/live/newest-auditd");
        let output = Command::new(&script).arg(&folder).output().expect("bash is installed");
        assert!(
            output.status.success(),
            "{}: the tools of Debian's unstable could not be downloaded: {}{}",
            script.display(),
            stdout(&output),
            stderr(&output),
        );
        folder
    })
}
