//! Reading files and directories of rules, such as `/etc/audit/rules.d`.

use std::fs;
use std::path::Path;

use super::UserNames;
use crate::error::{Error, ErrorKind};
use crate::rule::{RuleSet, RulesFile};

impl RulesFile {
    /// Reads a rules file, or all files `*.rules` of a directory, joined as augenrules(8) does.
    ///
    /// The files of a directory are sorted by name, with numbers in the names by value. Names of
    /// users and groups, and whether a watched path is a directory, are those of this machine.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Rule`] with all errors in all files, each with its file and line (see
    /// [`Error::rule_file_errors`]), or [`ErrorKind::Io`] for a file that cannot be read.
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
            let text = fs::read(&path).map_err(|error| Error::io(READ, error).with_path(&path))?;
            let text = String::from_utf8(text).map_err(|error| {
                Error::new(READ, ErrorKind::Rule, "write it in UTF-8")
                    .with_text(error)
                    .with_path(&path)
            })?;
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
