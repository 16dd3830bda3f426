//! Files of rules: audit.rules(7), and folders of them as augenrules(8) joins them.

use std::fmt;

use super::{Command, Lookup, RuleError, RuleSet};

/// The commands of one or several rules files, in the order in which they are to be carried out.
///
/// [`RulesFile::load`] reads a file or a folder.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RulesFile {
    lines: Vec<Line>,
    tolerated: Vec<RuleFileError>,
}

/// One command of a rules file, and where it stands.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Line {
    /// The name of the file.
    pub file: String,
    /// The number of the line, from 1.
    pub number: usize,
    /// The line as it stands there.
    pub text: String,
    /// What it says.
    pub command: Command,
}

/// A line that says nothing that could be carried out.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct RuleFileError {
    /// The name of the file.
    pub file: String,
    /// The number of the line, from 1.
    pub line: usize,
    /// The column of what is wrong, in characters from 1.
    pub column: usize,
    /// What is wrong.
    pub error: RuleError,
}

impl fmt::Display for RuleFileError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}:{}: {}", self.file, self.line, self.column, self.error)
    }
}

/// All mistakes of the files that were read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RuleFileErrors(Vec<RuleFileError>);

impl RuleFileErrors {
    /// Iterates over the mistakes in the order of the files and lines.
    pub fn iter(&self) -> std::slice::Iter<'_, RuleFileError> {
        self.0.iter()
    }
}

impl fmt::Display for RuleFileErrors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, mistake) in self.0.iter().enumerate() {
            if index > 0 {
                f.write_str("\n")?;
            }
            write!(f, "{mistake}")?;
        }
        Ok(())
    }
}

impl std::error::Error for RuleFileErrors {}

impl RulesFile {
    /// Reads the text of one file.
    ///
    /// # Errors
    ///
    /// All mistakes, not the first only; but for those behind a line `-c` or `-i`, which are in
    /// [`tolerated`](Self::tolerated).
    ///
    /// # Examples
    ///
    /// ```
    /// use auditlink::rule::RulesFile;
    /// use auditlink::user_db::NoLookup;
    ///
    /// let text = "# logins\n-w /etc/passwd -p wa -k id\n-b 8192\n";
    /// let file = RulesFile::parse("my.rules", text, &NoLookup)?;
    /// assert_eq!(file.rules().len(), 1);
    /// let mistakes = RulesFile::parse("my.rules", "-a always,exit -F uidd=0", &NoLookup);
    /// let said = mistakes.expect_err("no such field").to_string();
    /// assert_eq!(said, "my.rules:1:19: \"uidd\": not a field of a rule; did you mean uid?");
    /// # Ok::<(), auditlink::rule::RuleFileErrors>(())
    /// ```
    pub fn parse(name: &str, text: &str, lookup: &dyn Lookup) -> Result<Self, RuleFileErrors> {
        let mut file = Self::default();
        let mut mistakes = Vec::new();
        file.read(name, text, lookup, &mut mistakes);
        if mistakes.is_empty() { Ok(file) } else { Err(RuleFileErrors(mistakes)) }
    }

    /// Reads a file behind those that were read before.
    fn read(
        &mut self,
        name: &str,
        text: &str,
        lookup: &dyn Lookup,
        mistakes: &mut Vec<RuleFileError>,
    ) {
        for (index, text) in text.lines().enumerate() {
            let trimmed = text.trim_start();
            if trimmed.is_empty() || trimmed.starts_with('#') {
                continue;
            }
            let (file, number) = (name.to_owned(), index + 1);
            let command = Command::parse_line(text, lookup).and_then(|command| match command {
                Command::Load(_) => {
                    Err(RuleError::syntax("-R", "a rules file cannot read another"))
                }
                other => Ok(other),
            });
            match command {
                Ok(command) => {
                    self.lines.push(Line { file, number, text: text.to_owned(), command });
                }
                Err(error) => {
                    let column = column(text, &error.wrong());
                    let mistake = RuleFileError { file, line: number, column, error };
                    let goes_on = self.lines.iter().any(|line| {
                        matches!(line.command, Command::ContinueOnErrors | Command::IgnoreErrors)
                    });
                    if goes_on { self.tolerated.push(mistake) } else { mistakes.push(mistake) }
                }
            }
        }
    }

    /// Joins files, given in their order, as augenrules(8) does: the last `-D` comes first, then the
    /// last `-b` and the last `-f`, then everything else as it stands, and the last `-e` at the end.
    ///
    /// # Errors
    ///
    /// All mistakes of all files.
    pub fn join<'a>(
        files: impl IntoIterator<Item = (&'a str, &'a str)>,
        lookup: &dyn Lookup,
    ) -> Result<Self, RuleFileErrors> {
        let mut all = Self::default();
        let mut mistakes = Vec::new();
        for (name, text) in files {
            all.read(name, text, lookup, &mut mistakes);
        }
        if !mistakes.is_empty() {
            return Err(RuleFileErrors(mistakes));
        }
        let (mut delete, mut backlog, mut failure, mut enabled) = (None, None, None, None);
        let mut rest = Vec::new();
        for line in all.lines {
            match line.command {
                Command::DeleteAll { key: None } => delete = Some(line),
                Command::BacklogLimit(_) => backlog = Some(line),
                Command::Failure(_) => failure = Some(line),
                Command::Enabled(_) => enabled = Some(line),
                _ => rest.push(line),
            }
        }
        let first = [delete, backlog, failure].into_iter().flatten();
        all.lines = first.chain(rest).chain(enabled).collect();
        Ok(all)
    }

    /// Returns the commands with their places.
    #[must_use]
    pub fn lines(&self) -> &[Line] {
        &self.lines
    }

    /// Returns the mistakes in lines behind a `-c` or `-i`, which ask to go on after errors.
    #[must_use]
    pub fn tolerated(&self) -> &[RuleFileError] {
        &self.tolerated
    }

    /// Returns the rules that the file adds, less those that it deletes again, in the order in
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

/// Finds the column of a piece of a line; 1 if it is the whole line, or cannot be found.
fn column(line: &str, wrong: &str) -> usize {
    let at = if wrong.is_empty() { None } else { line.find(wrong) };
    let before = at.and_then(|at| line.get(..at)).unwrap_or_default();
    before.chars().count() + 1
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rule::Rule;
    use crate::user_db::NoLookup;

    #[test]
    fn folders_are_joined_as_augenrules_joins_them() {
        let files = [
            ("10", "-b 64\n-D\n-e 1\n-w /etc/a -p w\n"),
            ("20", "# more\n\n  -f 0\n-b 8192\n-e 2\n-D -k x\n-w /etc/b -p w\n"),
        ];
        let joined = RulesFile::join(files, &NoLookup).expect("no mistakes");
        let texts: Vec<&str> = joined.lines().iter().map(|line| line.text.trim()).collect();
        let expected =
            ["-D", "-b 8192", "-f 0", "-w /etc/a -p w", "-D -k x", "-w /etc/b -p w", "-e 2"];
        assert_eq!(texts, expected);
        assert_eq!(joined.rules().len(), 2);
        assert_eq!((joined.lines()[1].file.as_str(), joined.lines()[1].number), ("20", 4));
    }

    #[test]
    fn all_mistakes_are_told_with_their_places() {
        let text = "-w /etc/a\n-a always,exit -S opne\n-a always,exit -F perm=z\n-b many\n";
        let files = [("a.rules", text), ("b.rules", "--nonsense")];
        let mistakes = RulesFile::join(files, &NoLookup).expect_err("four mistakes");
        let places: Vec<_> = mistakes.iter().map(|m| (m.file.as_str(), m.line, m.column)).collect();
        let expected =
            [("a.rules", 2, 19), ("a.rules", 3, 19), ("a.rules", 4, 4), ("b.rules", 1, 1)];
        assert_eq!(places, expected);
        let said = mistakes.to_string();
        assert!(said.contains("did you mean open?"), "{said}");
    }

    #[test]
    fn a_file_cannot_read_itself() {
        let mistakes = RulesFile::parse("a", "-R a", &NoLookup).expect_err("it would never end");
        assert_eq!(mistakes.to_string(), "a:1:1: \"-R\": a rules file cannot read another");
    }

    #[test]
    fn mistakes_are_tolerated_where_the_file_says_so() {
        let files = [("a", "-w /etc/a -p w\n-i\n"), ("b", "-w relative\n-w /etc/b -p w\n")];
        let file = RulesFile::join(files, &NoLookup).expect("no mistake before -i");
        assert_eq!(file.rules().len(), 2);
        assert_eq!(file.tolerated().len(), 1);
        assert!(file.tolerated()[0].to_string().starts_with("b:1:"));
        let files = [("a", "-w relative\n-c\n")];
        assert!(RulesFile::join(files, &NoLookup).is_err(), "it stands before -c");
    }

    #[test]
    fn prepended_rules_come_first() {
        let text = "-w /etc/a -p w\n-A always,exit -F pid=1\n-w /etc/c -p w\n-W /etc/c -p w\n";
        let rules = RulesFile::parse("x", text, &NoLookup).expect("no mistakes").rules();
        let lines: Vec<String> = rules.iter().map(Rule::to_string).collect();
        assert_eq!(lines, ["-A always,exit -S all -F pid=1", "-w /etc/a -p w"]);
    }
}
