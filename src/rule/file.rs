//! Rules files, audit.rules(7), and directories of them, which augenrules(8) joins.

use std::fmt;

use super::{Command, Lookup, RuleError, RuleSet};
use crate::setting::Setting;

/// The commands of one or several rules files, in the order in which they are to be executed.
///
/// [`RulesFile::load`] reads a file or a directory; [`RulesFile::parse`] parses text.
///
/// # Examples
///
/// ```
/// use auditlink::control::Setting;
/// use auditlink::host::UserNames;
/// use auditlink::rule::{Command, RulesFile};
///
/// let text = "-b 8192\n-w /etc/passwd -p wa -k id\n";
/// let file = RulesFile::parse("my.rules", text, &UserNames::new())?;
/// assert_eq!(file.lines()[0].command, Command::Set(vec![(Setting::BacklogLimit, 8192)]));
/// assert_eq!(file.lines()[1].number, 2);
/// assert_eq!(file.rules().len(), 1);
/// # Ok::<(), auditlink::rule::RuleFileErrors>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RulesFile {
    lines: Vec<RuleFileLine>,
    tolerated: Vec<RuleFileError>,
}

/// One command of a rules file, with its position.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct RuleFileLine {
    /// The name of the file.
    pub file: String,
    /// The line number, from 1.
    pub number: usize,
    /// The text of the line.
    pub text: String,
    /// The command.
    pub command: Command,
}

/// An error in a line of a rules file.
///
/// It prints as `file:line:column: cause`.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct RuleFileError {
    /// The name of the file.
    pub file: String,
    /// The line number, from 1.
    pub line: usize,
    /// The column at which the wrong text starts, in characters, from 1.
    pub column: usize,
    /// The error.
    pub error: RuleError,
}

impl fmt::Display for RuleFileError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}:{}: {}", self.file, self.line, self.column, self.error)
    }
}

impl std::error::Error for RuleFileError {}

/// All errors in the files that were read, one on each line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RuleFileErrors {
    errors: Vec<RuleFileError>,
    before: RulesFile,
}

impl RuleFileErrors {
    /// Iterates over the errors in the order of the files and lines.
    pub fn iter(&self) -> std::slice::Iter<'_, RuleFileError> {
        self.errors.iter()
    }

    /// Returns the lines before the first error, which `auditctl -R` executes.
    #[must_use]
    pub const fn before(&self) -> &RulesFile {
        &self.before
    }
}

impl fmt::Display for RuleFileErrors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, error) in self.errors.iter().enumerate() {
            if index > 0 {
                f.write_str("\n")?;
            }
            write!(f, "{error}")?;
        }
        Ok(())
    }
}

impl std::error::Error for RuleFileErrors {}

impl RulesFile {
    /// Parses the text of one file; `name` is for error messages.
    ///
    /// # Errors
    ///
    /// All errors, not only the first one. Those after a line `-c` or `-i` do not count; they are in
    /// [`tolerated`](Self::tolerated).
    ///
    /// # Examples
    ///
    /// ```
    /// use auditlink::host::UserNames;
    /// use auditlink::rule::RulesFile;
    ///
    /// let text = "# users\n-w /etc/passwd -p wa -k id\n-a always,exit -F uidd=0\n";
    /// let errors =
    ///     RulesFile::parse("my.rules", text, &UserNames::new()).expect_err("line 3 is wrong");
    /// assert_eq!(errors.to_string(), "my.rules:3:19: unknown field 'uidd'; did you mean 'uid'?");
    /// assert_eq!(errors.before().lines().len(), 1);
    /// ```
    pub fn parse(name: &str, text: &str, lookup: &dyn Lookup) -> Result<Self, RuleFileErrors> {
        Self::from_lines(Self::read(name, text, lookup))
    }

    /// Reads the lines of a file, with and without an error.
    fn read(name: &str, text: &str, lookup: &dyn Lookup) -> Vec<ReadLine> {
        let numbered = text.lines().zip(1..).filter(|(text, _)| {
            let trimmed = text.trim_start();
            !trimmed.is_empty() && !trimmed.starts_with('#')
        });
        let read = numbered.map(|(text, number)| {
            let file = name.to_owned();
            match Command::parse_line(text, lookup) {
                Ok(Command::Load(_)) => {
                    Err(RuleError::syntax("-R", "a rules file cannot read another one"))
                }
                other => other,
            }
            .map(|command| RuleFileLine {
                file: file.clone(),
                number,
                text: text.to_owned(),
                command,
            })
            .map_err(|error| {
                let column = column(text, &error.wrong_text());
                RuleFileError { file, line: number, column, error }
            })
        });
        read.collect()
    }

    /// Separates the lines from the errors, of which those after a `-c` or `-i` are tolerated.
    fn from_lines(read: Vec<ReadLine>) -> Result<Self, RuleFileErrors> {
        let (mut file, mut errors, mut before) = (Self::default(), Vec::new(), None);
        for line in read {
            match line {
                Ok(line) => file.lines.push(line),
                Err(error) => {
                    let continues = file.lines.iter().any(|line| {
                        matches!(line.command, Command::ContinueOnErrors | Command::IgnoreErrors)
                    });
                    if continues {
                        file.tolerated.push(error);
                    } else {
                        before.get_or_insert_with(|| file.clone());
                        errors.push(error);
                    }
                }
            }
        }
        match before {
            None => Ok(file),
            Some(before) => Err(RuleFileErrors { errors, before }),
        }
    }

    /// Joins files, given in their order, as augenrules(8) does.
    ///
    /// The last `-D` comes first, then the last `-b`, the last `-f`, all other lines in their order,
    /// and the last `-e`.
    ///
    /// # Errors
    ///
    /// All errors in all files, as for [`parse`](Self::parse).
    ///
    /// # Examples
    ///
    /// ```
    /// use auditlink::host::UserNames;
    /// use auditlink::rule::RulesFile;
    ///
    /// let files = [("10", "-b 64\n-e 2\n"), ("20", "-w /etc/passwd\n-b 8192\n")];
    /// let joined = RulesFile::join(files, &UserNames::new())?;
    /// let lines: Vec<&str> = joined.lines().iter().map(|line| line.text.as_str()).collect();
    /// assert_eq!(lines, ["-b 8192", "-w /etc/passwd", "-e 2"]);
    /// # Ok::<(), auditlink::rule::RuleFileErrors>(())
    /// ```
    pub fn join<'a>(
        files: impl IntoIterator<Item = (&'a str, &'a str)>,
        lookup: &dyn Lookup,
    ) -> Result<Self, RuleFileErrors> {
        let (mut delete, mut backlog, mut failure, mut enabled) = (None, None, None, None);
        let mut rest = Vec::new();
        for line in files.into_iter().flat_map(|(name, text)| Self::read(name, text, lookup)) {
            // augenrules looks at how a line begins
            let first = line.as_ref().ok().and_then(|line| match &line.command {
                Command::DeleteAll { key: None } => Some(&mut delete),
                Command::Set(settings) => match settings.first()?.0 {
                    Setting::BacklogLimit => Some(&mut backlog),
                    Setting::Failure => Some(&mut failure),
                    Setting::Enabled => Some(&mut enabled),
                    _ => None,
                },
                _ => None,
            });
            match first {
                Some(place) => *place = Some(line),
                None => rest.push(line),
            }
        }
        let first = [delete, backlog, failure].into_iter().flatten();
        Self::from_lines(first.chain(rest).chain(enabled).collect())
    }

    /// Returns the commands with their positions.
    #[must_use]
    pub fn lines(&self) -> &[RuleFileLine] {
        &self.lines
    }

    /// Returns the errors in lines after a `-c` or `-i`, which are skipped.
    #[must_use]
    pub fn tolerated(&self) -> &[RuleFileError] {
        &self.tolerated
    }

    /// Returns the rules that the file adds, without those that it deletes again, in the order in
    /// which the kernel will have them.
    #[must_use]
    pub fn rules(&self) -> RuleSet {
        let mut rules = Vec::new();
        for line in &self.lines {
            match &line.command {
                Command::Add(rule) if rule.prepend => rules.insert(0, rule.clone()),
                Command::Add(rule) => rules.push(rule.clone()),
                Command::Delete(rule) => rules.retain(|other| !other.is_same(rule)),
                Command::DeleteAll { key: None } => rules.clear(),
                Command::DeleteAll { key: Some(key) } => {
                    rules.retain(|rule| !rule.keys().any(|other| other == key));
                }
                _ => {}
            }
        }
        rules.into_iter().collect()
    }
}

/// A line of a file, or the error in it.
type ReadLine = Result<RuleFileLine, RuleFileError>;

/// Returns the column of a text in a line; 1 if it is the whole line, or is not found.
fn column(line: &str, wrong: &str) -> usize {
    let at = if wrong.is_empty() { None } else { line.find(wrong) };
    let before = at.and_then(|at| line.get(..at)).unwrap_or_default();
    before.chars().count() + 1
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::host::UserNames;
    use crate::rule::Rule;

    #[test]
    fn directories_are_joined_as_augenrules_joins_them() {
        let files = [
            ("10", "-b 64\n-D\n-e 1\n-w /etc/a -p w\n"),
            ("20", "# more\n\n  -f 0\n-b 8192\n-e 2\n-D -k x\n-w /etc/b -p w\n"),
        ];
        let joined = RulesFile::join(files, &UserNames::new()).expect("no errors");
        let texts: Vec<&str> = joined.lines().iter().map(|line| line.text.trim()).collect();
        let expected =
            ["-D", "-b 8192", "-f 0", "-w /etc/a -p w", "-D -k x", "-w /etc/b -p w", "-e 2"];
        assert_eq!(texts, expected);
        assert_eq!(joined.rules().len(), 2);
        assert_eq!((joined.lines()[1].file.as_str(), joined.lines()[1].number), ("20", 4));
    }

    #[test]
    fn all_errors_are_reported_with_their_positions() {
        let text = "-w /etc/a\n-a always,exit -S opne\n-a always,exit -F perm=z\n-b many\n";
        let files = [("a.rules", text), ("b.rules", "--nonsense")];
        let errors = RulesFile::join(files, &UserNames::new()).expect_err("four errors");
        let positions: Vec<_> =
            errors.iter().map(|m| (m.file.as_str(), m.line, m.column)).collect();
        let expected =
            [("a.rules", 2, 19), ("a.rules", 3, 19), ("a.rules", 4, 4), ("b.rules", 1, 1)];
        assert_eq!(positions, expected);
        let text = errors.to_string();
        assert!(text.contains("did you mean 'open'?"), "{text}");
    }

    #[test]
    fn the_lines_before_an_error_are_those_that_auditctl_executes() {
        let text = "-D\n-w /etc/a -p w\n-w relative\n-w /etc/b -p w\n";
        let errors = RulesFile::parse("x", text, &UserNames::new()).expect_err("line 3");
        assert_eq!(errors.before().lines().len(), 2);
        let files = [("10", "-w relative\n"), ("20", "-b 5\n-D\n-e 2\n")];
        let errors = RulesFile::join(files, &UserNames::new()).expect_err("a relative path");
        let lines: Vec<&str> =
            errors.before().lines().iter().map(|line| line.text.as_str()).collect();
        assert_eq!(lines, ["-D", "-b 5"], "augenrules moves them before it");
    }

    #[test]
    fn a_file_cannot_read_another_one() {
        let errors =
            RulesFile::parse("a", "-R a", &UserNames::new()).expect_err("it would never end");
        assert_eq!(errors.to_string(), "a:1:1: '-R': a rules file cannot read another one");
    }

    #[test]
    fn errors_after_a_line_that_tolerates_them_are_set_aside() {
        let files = [("a", "-w /etc/a -p w\n-i\n"), ("b", "-w relative\n-w /etc/b -p w\n")];
        let file = RulesFile::join(files, &UserNames::new()).expect("no error before -i");
        assert_eq!(file.rules().len(), 2);
        assert_eq!(file.tolerated().len(), 1);
        assert!(file.tolerated()[0].to_string().starts_with("b:1:"));
        let files = [("a", "-w relative\n-c\n")];
        assert!(RulesFile::join(files, &UserNames::new()).is_err(), "the line is before -c");
    }

    #[test]
    fn prepended_rules_come_first() {
        let text = "-w /etc/a -p w\n-A always,exit -F pid=1\n-w /etc/c -p w\n-W /etc/c -p w\n";
        let rules = RulesFile::parse("x", text, &UserNames::new()).expect("no errors").rules();
        let lines: Vec<String> = rules.iter().map(Rule::to_string).collect();
        let watch = "-a always,exit -S all -F path=/etc/a -F perm=w";
        assert_eq!(lines, ["-A always,exit -S all -F pid=1", watch]);
    }
}
