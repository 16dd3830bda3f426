//! Reading files and directories of rules, such as `/etc/audit/rules.d`.

use std::fs::{self, File};
use std::io::Read as _;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;

use nix::unistd::geteuid;

use super::UserNames;
use crate::error::{Error, ErrorKind};
use crate::rule::{RuleSet, RulesFile};

impl RulesFile {
    /// Reads a rules file, or all files `*.rules` of a directory, joined as augenrules(8) does.
    ///
    /// The files of a directory are sorted by name, with numbers in the names by value. Names of
    /// users and groups, and whether a watched path is a directory, are those of this machine.
    ///
    /// As auditctl does, it refuses what is not a regular file, and a file that others can write;
    /// a file must belong to root or to the user of this process.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Rule`] with all errors in all files, each with its file and line (see
    /// [`Error::rule_file_errors`]) or for a file that is refused, or [`ErrorKind::Io`] for one that
    /// cannot be read.
    ///
    /// # Examples
    ///
    /// ```no_run
    /// use auditlink::rule::RulesFile;
    ///
    /// let file = RulesFile::load("/etc/audit/rules.d")?;
    /// assert!(file.lines().iter().all(|line| line.file.starts_with("/etc/audit/rules.d")));
    /// # Ok::<(), auditlink::Error>(())
    /// ```
    pub fn load(path: impl AsRef<Path>) -> Result<Self, Error> {
        let path = path.as_ref();
        let mut paths = vec![path.to_owned()];
        if path.is_dir() {
            let failed = |error| Error::io(READ, error).with_path(path);
            paths.clear();
            for entry in fs::read_dir(path).map_err(failed)? {
                paths.push(entry.map_err(failed)?.path());
            }
            paths.retain(|path| path.extension().is_some_and(|extension| extension == "rules"));
            paths.sort_by_cached_key(|path| version_key(&path.to_string_lossy()));
        }
        let mut files = Vec::new();
        for path in paths {
            let text = read(&path)?;
            files.push((path.to_string_lossy().into_owned(), text));
        }
        let files = files.iter().map(|(name, text)| (name.as_str(), text.as_str()));
        Ok(Self::join(files, &UserNames::new())?)
    }
}

impl RuleSet {
    /// Reads the rules of a file or a directory; see [`RulesFile::load`].
    ///
    /// Lines with errors after a `-c` or `-i` are left out; [`RulesFile::tolerated`] returns them.
    ///
    /// # Errors
    ///
    /// As [`RulesFile::load`].
    pub fn load(path: impl AsRef<Path>) -> Result<Self, Error> {
        Ok(RulesFile::load(path)?.rules())
    }
}

const READ: &str = "read the rules";

/// Reads a file that only root and this user can have written.
fn read(path: &Path) -> Result<String, Error> {
    let failed = |error| Error::io(READ, error).with_path(path);
    let mut file = File::open(path).map_err(failed)?;
    let metadata = file.metadata().map_err(failed)?;
    let refused = |remedy, cause| {
        Err(Error::new(READ, ErrorKind::Rule, remedy).with_text(cause).with_path(path))
    };
    if !metadata.is_file() {
        return refused("copy it into a regular file", Refused::NotRegular);
    }
    if metadata.mode() & S_IWOTH != 0 {
        return refused("take away the permission: chmod o-w", Refused::WorldWritable);
    }
    if ![0, geteuid().as_raw()].contains(&metadata.uid()) {
        return refused("change the owner: chown root", Refused::Owner(metadata.uid()));
    }
    let mut text = Vec::new();
    file.read_to_end(&mut text).map_err(failed)?;
    String::from_utf8(text).map_err(|error| {
        Error::new(READ, ErrorKind::Rule, "write it in UTF-8").with_text(error).with_path(path)
    })
}

/// The permission of all others to write.
const S_IWOTH: u32 = 0o002;

/// Why a rules file is not read.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
enum Refused {
    #[error("a rules file must be a regular file")]
    NotRegular,
    #[error("the file is world-writable, so anyone could change the rules")]
    WorldWritable,
    #[error("the file belongs to user {0}, who could change the rules")]
    Owner(u32),
}

/// Splits a name into text and numbers, so that 9 is sorted before 10.
fn version_key(name: &str) -> Vec<(String, u64)> {
    let mut parts = vec![(String::new(), 0_u64)];
    let mut in_number = false;
    for letter in name.chars() {
        let digit = letter.to_digit(10).map(u64::from);
        if in_number && digit.is_none() {
            parts.push((String::new(), 0));
        }
        if let Some((text, number)) = parts.last_mut() {
            match digit {
                Some(digit) => *number = number.saturating_mul(10).saturating_add(digit),
                None => text.push(letter),
            }
        }
        in_number = digit.is_some();
    }
    parts
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_in_names_are_sorted_by_value() {
        let mut names = ["a/10-x.rules", "a/9-y.rules", "a/30.rules", "a/b.rules", "a/9-a.rules"];
        names.sort_by_cached_key(|name| version_key(name));
        assert_eq!(
            names,
            ["a/9-a.rules", "a/9-y.rules", "a/10-x.rules", "a/30.rules", "a/b.rules"]
        );
    }
}
