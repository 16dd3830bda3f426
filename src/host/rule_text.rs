//! Rules and commands as text, with the names and files of this machine.

use std::str::FromStr;

use super::UserNames;
use crate::rule::{Command, Rule, RuleError};

impl FromStr for Command {
    type Err = RuleError;

    /// Parses a line with the users, groups and files of this machine, as `auditctl` does.
    fn from_str(line: &str) -> Result<Self, Self::Err> {
        Self::parse_line(line, &UserNames::new())
    }
}

impl FromStr for Rule {
    type Err = RuleError;

    /// Parses a line that adds a rule, with the users, groups and files of this machine, as
    /// `auditctl` does.
    ///
    /// `-w` watches a file or a directory, which it is now. Use [`Rule::parse_line`] with another
    /// [`Lookup`](crate::rule::Lookup) for the text of another machine.
    fn from_str(line: &str) -> Result<Self, Self::Err> {
        Self::parse_line(line, &UserNames::new())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rule::FieldId;

    #[test]
    fn a_watch_is_of_the_directory_or_the_file_that_is_there() {
        for (line, field) in [
            ("-w /etc -p wa -k fim", FieldId::DIR),
            ("-w /etc/ -p wa -k fim", FieldId::DIR),
            ("-w /proc/version -p wa -k fim", FieldId::PATH),
            ("-w /no-such-path -p wa -k fim", FieldId::PATH),
        ] {
            let rule: Rule = line.parse().expect(line);
            assert_eq!(rule.filters[0].field, field, "{line}");
        }
    }

    #[test]
    fn names_of_users_are_looked_up() {
        assert_eq!(
            "-a always,exit -S execve -F auid=root".parse::<Rule>(),
            "-a always,exit -S execve -F auid=0".parse()
        );
    }
}
