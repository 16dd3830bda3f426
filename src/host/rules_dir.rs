//! Reading files and directories of rules, such as `/etc/audit/rules.d`.

use std::fs;
use std::path::{Path, PathBuf};

use super::UserNames;
use crate::error::{Error, ErrorKind};
use crate::rule::{RuleSet, RulesFile};

impl RulesFile {
    /// Reads a rules file, or all files `*.rules` of a folder in the order of their names, numbers
    /// in them by their value, joined as augenrules(8) does.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Rule`] with all mistakes of all files, or an error of the operating system.
    pub fn load(path: impl AsRef<Path>) -> Result<Self, Error> {
        let path = path.as_ref();
        let mut paths = vec![path.to_owned()];
        if path.is_dir() {
            let entries = fs::read_dir(path).map_err(|error| Error::io(READ, error))?;
            let is_rules = |path: &PathBuf| path.extension().is_some_and(|end| end == "rules");
            paths = entries.flatten().map(|entry| entry.path()).filter(is_rules).collect();
            paths.sort_by_cached_key(|path| version_key(&path.to_string_lossy()));
        }
        let mut files = Vec::new();
        for path in paths {
            let text = fs::read(&path).map_err(|error| Error::io(READ, error))?;
            let text = String::from_utf8(text).map_err(|error| {
                Error::new(READ, ErrorKind::Rule, "write it in UTF-8")
                    .with_text(format_args!("{}: {error}", path.display()))
            })?;
            files.push((path.to_string_lossy().into_owned(), text));
        }
        let files = files.iter().map(|(name, text)| (name.as_str(), text.as_str()));
        Self::join(files, &UserNames::new()).map_err(|mistakes| {
            Error::new(READ, ErrorKind::Rule, "correct these lines").with_text(mistakes)
        })
    }
}

impl RuleSet {
    /// Reads the rules of a file or a folder; see [`RulesFile::load`].
    ///
    /// Lines with mistakes behind a `-c` or `-i` are left out; [`RulesFile::tolerated`] has them.
    ///
    /// # Errors
    ///
    /// As [`RulesFile::load`].
    pub fn load(path: impl AsRef<Path>) -> Result<Self, Error> {
        Ok(RulesFile::load(path)?.rules())
    }
}

const READ: &str = "read the rules";

/// Splits a name into text and numbers, so that 9 comes before 10.
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
    fn numbers_in_names_count_by_value() {
        let mut names = ["a/10-x.rules", "a/9-y.rules", "a/30.rules", "a/b.rules", "a/9-a.rules"];
        names.sort_by_cached_key(|name| version_key(name));
        assert_eq!(
            names,
            ["a/9-a.rules", "a/9-y.rules", "a/10-x.rules", "a/30.rules", "a/b.rules"]
        );
    }
}
