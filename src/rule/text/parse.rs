//! Reading the options of `auditctl` and judging how they go together.

use std::str::FromStr;

use super::command::Command;
use super::tokenize::split;
use super::values;
use crate::arch::Arch;
use crate::rule::suggest::nearest;
use crate::rule::{
    Action, FieldId, FilterValue, List, Lookup, Operator, Rule, RuleBuilder, RuleError,
    field_compare,
};
use crate::user_db::NoLookup;

impl Command {
    /// Reads the words of a command line, without the program's name.
    ///
    /// # Errors
    ///
    /// [`RuleError`] names the word that has no place, and what was expected.
    pub fn parse<S: AsRef<str>>(words: &[S], lookup: &dyn Lookup) -> Result<Self, RuleError> {
        let words: Vec<&str> = words.iter().map(AsRef::as_ref).collect();
        command(&words, lookup)
    }

    /// Reads a line of a rules file.
    ///
    /// # Errors
    ///
    /// As [`parse`](Self::parse).
    pub fn parse_line(line: &str, lookup: &dyn Lookup) -> Result<Self, RuleError> {
        let words: Vec<String> = split(line)?.into_iter().map(|word| word.text).collect();
        Self::parse(&words, lookup)
    }
}

impl FromStr for Command {
    type Err = RuleError;

    /// Reads a line, without users and groups by name; a path that `-w` watches is a directory if
    /// it ends in `/`.
    fn from_str(line: &str) -> Result<Self, Self::Err> {
        Self::parse_line(line, &NoLookup)
    }
}

impl FromStr for Rule {
    type Err = RuleError;

    /// Reads a line that adds a rule: `-a`, `-A` or `-w`.
    fn from_str(line: &str) -> Result<Self, Self::Err> {
        match line.parse()? {
            Command::Add(rule) => Ok(rule),
            _ => Err(RuleError::syntax(line, "a rule starts with -a, -A or -w")),
        }
    }
}

/// Reads the words of a command.
fn command(words: &[&str], lookup: &dyn Lookup) -> Result<Command, RuleError> {
    let mut words = Words { words, next: 0 };
    let mut parts = Parts::default();
    while let Some(option) = words.word() {
        match control_option(option, &mut words)? {
            None => rule_option(option, &mut words, &mut parts)?,
            Some(command) => {
                let other = words.words.get(words.next).copied();
                return match other.or_else(|| (!parts.is_empty()).then_some(option)) {
                    Some(extra) => Err(RuleError::syntax(extra, "one command at a time")),
                    None => Ok(command),
                };
            }
        }
    }
    parts.finish(words.words, lookup)
}

/// The words of a command and the place in them.
struct Words<'w, 'a> {
    words: &'w [&'a str],
    next: usize,
}

impl<'a> Words<'_, 'a> {
    fn word(&mut self) -> Option<&'a str> {
        let word = self.words.get(self.next).copied();
        self.next += 1;
        word
    }

    /// Takes the word behind an option.
    fn argument(&mut self, option: &str, expected: &'static str) -> Result<&'a str, RuleError> {
        self.word().ok_or_else(|| RuleError::syntax(option, expected))
    }

    fn number(&mut self, option: &str, limit: u32) -> Result<u32, RuleError> {
        let expected =
            if limit == 2 { "give 0, 1 or 2 behind it" } else { "give a number behind it" };
        let word = self.argument(option, expected)?;
        let number = word.parse().ok().filter(|number| *number <= limit);
        number.ok_or_else(|| RuleError::syntax(word, expected))
    }
}

/// Reads an option that is a command by itself; `None` if it is another one.
fn control_option(option: &str, words: &mut Words<'_, '_>) -> Result<Option<Command>, RuleError> {
    Ok(Some(match option {
        "-e" => Command::Enabled(words.number(option, 2)?),
        "-f" => Command::Failure(words.number(option, 2)?),
        "-b" => Command::BacklogLimit(words.number(option, u32::MAX)?),
        "-r" => Command::RateLimit(words.number(option, u32::MAX)?),
        "--backlog_wait_time" => Command::BacklogWaitTime(words.number(option, u32::MAX)?),
        "--reset-lost" => Command::ResetLost,
        "--reset_backlog_wait_time_actual" => Command::ResetBacklogWaitTimeActual,
        "--loginuid-immutable" => Command::LoginuidImmutable,
        "-m" => Command::Message(words.argument(option, "give a text behind it")?.to_owned()),
        "-q" => {
            let expected = "give a mount point and a subtree behind it, such as /mnt,/mnt/tree";
            let word = words.argument(option, expected)?;
            let (mount, subtree) =
                word.split_once(',').ok_or_else(|| RuleError::syntax(word, expected))?;
            Command::MakeEquivalent { mount: mount.to_owned(), subtree: subtree.to_owned() }
        }
        "-t" => Command::Trim,
        "-c" => Command::ContinueOnErrors,
        "-i" => Command::IgnoreErrors,
        "-R" => Command::Load(words.argument(option, "give a file behind it")?.to_owned()),
        "-s" => Command::Status,
        "-v" => Command::Version,
        _ => return Ok(None),
    }))
}

/// The options, for a guess at what was meant.
const OPTIONS: &[&str] = &[
    "--backlog_wait_time",
    "--reset-lost",
    "--reset_backlog_wait_time_actual",
    "--loginuid-immutable",
];

/// Where a rule goes, as `-a`, `-A` and `-d` say.
#[derive(Clone, Copy)]
enum Placement {
    Append,
    Prepend,
    Delete,
}

/// What a command is about.
#[derive(Clone, Copy)]
enum Subject<'a> {
    Rule(Placement, List, Action),
    Watch(Placement, &'a str),
    DeleteAll,
    List,
}

/// What the options of a rule add up to, before it is judged.
#[derive(Default)]
struct Parts<'a> {
    subject: Option<Subject<'a>>,
    permissions: Option<u32>,
    conditions: Vec<Condition<'a>>,
    calls: Vec<&'a str>,
    keys: Vec<&'a str>,
}

/// A condition as it was written.
#[derive(Clone, Copy)]
enum Condition<'a> {
    Field { text: &'a str, behind_calls: bool },
    Comparison(&'a str),
}

fn rule_option<'a>(
    option: &'a str,
    words: &mut Words<'_, 'a>,
    parts: &mut Parts<'a>,
) -> Result<(), RuleError> {
    let mut begin = |placement| {
        let word = words.argument(option, "give list,action behind it")?;
        let (list, action) = list_and_action(word)?;
        Ok(Subject::Rule(placement, list, action))
    };
    let subject = match option {
        "-a" => begin(Placement::Append)?,
        "-A" => begin(Placement::Prepend)?,
        "-d" => begin(Placement::Delete)?,
        "-w" | "-W" => {
            let path = words.argument(option, "give an absolute path behind it")?;
            let placement = if option == "-w" { Placement::Append } else { Placement::Delete };
            Subject::Watch(placement, path)
        }
        "-D" => Subject::DeleteAll,
        "-l" => Subject::List,
        _ => return detail(option, words, parts),
    };
    match parts.subject.replace(subject) {
        None => Ok(()),
        Some(_) => Err(RuleError::syntax(option, "one command at a time")),
    }
}

/// Reads an option that says more about a rule.
fn detail<'a>(
    option: &'a str,
    words: &mut Words<'_, 'a>,
    parts: &mut Parts<'a>,
) -> Result<(), RuleError> {
    match option {
        "-p" => {
            let expected = "give some of the letters r, w, x, a behind it";
            let letters = words.argument(option, expected)?;
            let bits = values::permissions(letters);
            parts.permissions = Some(bits.ok_or_else(|| RuleError::syntax(letters, expected))?);
        }
        "-k" => parts.keys.push(words.argument(option, "give a key behind it")?),
        "-S" => {
            let calls = words.argument(option, "give system calls behind it, or all")?;
            parts.calls.extend(calls.split(',').filter(|call| !call.is_empty()));
        }
        "-F" => {
            let text = words.argument(option, "give field=value behind it")?;
            let behind_calls = !parts.calls.is_empty();
            parts.conditions.push(Condition::Field { text, behind_calls });
        }
        "-C" => {
            let expected = "give two fields behind it, such as uid!=euid";
            parts.conditions.push(Condition::Comparison(words.argument(option, expected)?));
        }
        _ => {
            let guess = nearest(option, OPTIONS.iter().copied());
            return Err(RuleError::syntax(option, "not an option of auditctl").guess(guess));
        }
    }
    Ok(())
}

/// Reads `list,action` or `action,list`.
fn list_and_action(word: &str) -> Result<(List, Action), RuleError> {
    let expected = "give a list and an action, such as always,exit";
    let (left, right) = word.split_once(',').ok_or_else(|| RuleError::syntax(word, expected))?;
    if left == "entry" || right == "entry" {
        let removed = "the entry list was removed from the kernel: use exit";
        return Err(RuleError::syntax(word, removed));
    }
    let pair = |list, action| List::from_name(list).zip(Action::from_name(action));
    match pair(left, right).or_else(|| pair(right, left)) {
        Some((_, Action::POSSIBLE)) => {
            Err(RuleError::syntax(word, "the action possible was removed: use always"))
        }
        Some(found) => Ok(found),
        None => Err(RuleError::syntax(word, expected)),
    }
}

impl Parts<'_> {
    fn is_empty(&self) -> bool {
        self.subject.is_none() && !self.has_details() && self.keys.is_empty()
    }

    /// Tells whether anything but a subject and keys was given.
    fn has_details(&self) -> bool {
        self.permissions.is_some() || !self.conditions.is_empty() || !self.calls.is_empty()
    }

    fn finish(self, words: &[&str], lookup: &dyn Lookup) -> Result<Command, RuleError> {
        match self.subject {
            None => {
                let expected = "give one of -a, -A, -d, -w, -W, -D, -l first";
                Err(RuleError::syntax(&words.join(" "), expected))
            }
            Some(Subject::DeleteAll | Subject::List) if self.has_details() => {
                Err(RuleError::syntax(&words.join(" "), "only -k goes with -D and -l"))
            }
            Some(Subject::DeleteAll) => Ok(Command::DeleteAll { key: self.key()? }),
            Some(Subject::List) => Ok(Command::List { key: self.key()? }),
            Some(Subject::Rule(placement, list, action)) => {
                let mut builder = self.conditions(Rule::on(list, action), lookup)?;
                for call in &self.calls {
                    builder = match call.parse() {
                        _ if *call == "all" => builder.all_syscalls(),
                        Ok(number) => builder.syscall_number(number),
                        Err(_) => builder.syscall(*call),
                    };
                }
                if let Some(bits) = self.permissions {
                    builder = builder.filter(FieldId::PERM, Operator::EQUAL, bits);
                }
                self.place(placement, builder)
            }
            Some(Subject::Watch(placement, path)) => {
                if let Some(call) = self.calls.first() {
                    return Err(RuleError::syntax(call, "a watch takes no system calls"));
                }
                let field = if lookup.is_directory(path) { FieldId::DIR } else { FieldId::PATH };
                let trimmed = path.trim_end_matches('/');
                let path = if trimmed.is_empty() { path } else { trimmed };
                let builder = Rule::on_exit().filter(field, Operator::EQUAL, path).filter(
                    FieldId::PERM,
                    Operator::EQUAL,
                    self.permissions.unwrap_or(15),
                );
                self.place(placement, self.conditions(builder, lookup)?)
            }
        }
    }

    /// The one key that `-D` and `-l` take.
    fn key(&self) -> Result<Option<Vec<u8>>, RuleError> {
        match self.keys[..] {
            [] => Ok(None),
            [key] => Ok(Some(key.as_bytes().to_vec())),
            [_, second, ..] => Err(RuleError::syntax(second, "one key at a time")),
        }
    }

    fn conditions(
        &self,
        mut builder: RuleBuilder,
        lookup: &dyn Lookup,
    ) -> Result<RuleBuilder, RuleError> {
        for condition in &self.conditions {
            builder = match *condition {
                Condition::Field { text, behind_calls } => {
                    add_field(builder, text, behind_calls, lookup)?
                }
                Condition::Comparison(text) => add_comparison(builder, text)?,
            };
        }
        Ok(builder)
    }

    fn place(&self, placement: Placement, mut builder: RuleBuilder) -> Result<Command, RuleError> {
        for key in &self.keys {
            builder = builder.key(*key);
        }
        match placement {
            Placement::Append => builder.build().map(Command::Add),
            Placement::Prepend => builder.prepend().build().map(Command::Add),
            Placement::Delete => builder.build().map(Command::Delete),
        }
    }
}

/// Splits `name<sign>value`, and finds the field.
fn split_field<'t>(
    text: &'t str,
    expected: &'static str,
) -> Result<(FieldId, Operator, &'t str), RuleError> {
    let (name, operator, value) =
        Operator::split(text).ok_or_else(|| RuleError::syntax(text, expected))?;
    Ok((find_field(name)?, operator, value))
}

fn find_field(name: &str) -> Result<FieldId, RuleError> {
    FieldId::from_name(name).ok_or_else(|| {
        let guess = nearest(name, FieldId::names());
        RuleError::syntax(name, "not a field of a rule").guess(guess)
    })
}

fn add_field(
    builder: RuleBuilder,
    text: &str,
    behind_calls: bool,
    lookup: &dyn Lookup,
) -> Result<RuleBuilder, RuleError> {
    let expected = "give field, operator and value, such as uid=0";
    let (field, operator, value) = split_field(text, expected)?;
    if value.is_empty() {
        return Err(RuleError::syntax(text, "give a value behind the operator"));
    }
    match (field, values::parse(field, value, lookup)?) {
        (FieldId::ARCH, _) if behind_calls => {
            Err(RuleError::syntax(text, "arch comes before -S: it decides what names mean"))
        }
        (FieldId::ARCH, FilterValue::Number(arch)) if operator == Operator::EQUAL => {
            Ok(builder.arch(Arch::new(arch)))
        }
        (FieldId::KEY, FilterValue::Text(key)) if operator == Operator::EQUAL => {
            Ok(builder.key(key))
        }
        (_, value) => Ok(builder.filter(field, operator, value)),
    }
}

fn add_comparison(builder: RuleBuilder, text: &str) -> Result<RuleBuilder, RuleError> {
    let expected = "give two fields with = or !=, such as uid!=euid";
    let (left, operator, right) = split_field(text, expected)?;
    let number = field_compare::number(left, find_field(right)?).ok_or_else(|| {
        RuleError::syntax(text, "the kernel compares ids of users, or ids of groups, only")
    })?;
    if ![Operator::EQUAL, Operator::NOT_EQUAL].contains(&operator) {
        return Err(RuleError::syntax(text, expected));
    }
    Ok(builder.filter(FieldId::FIELD_COMPARE, operator, number))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What auditctl 3.0.9 prints for rules that it was given in this very form, on x86_64.
    #[cfg(target_arch = "x86_64")]
    const AS_AUDITCTL_PRINTS: &[&str] = &[
        "-w /tmp/probe -p wa -k k1 -k k2",
        "-a always,exit -F arch=b64 -S clone,fork -F auid>=1000 -F auid!=-1 -F exe=/tmp/probe -F key=procs -F key=two",
        "-a always,exit -S all -F pid=77 -F exit=-EACCES",
        "-a never,task -F pid=3",
        "-a always,exclude -F msgtype=EOE",
        "-a never,user -F uid=3",
        "-a always,exit -F arch=b32 -S getppid -F a0&0x10 -F a1=0xFFFFFFFF -F success=0 -F filetype=16384 -F saddr_fam=2",
    ];

    #[test]
    #[cfg(target_arch = "x86_64")]
    fn rules_print_as_auditctl_prints_them() {
        for line in AS_AUDITCTL_PRINTS {
            let rule: Rule = line.parse().expect(line);
            assert_eq!(rule.to_string(), *line);
        }
    }

    #[test]
    fn both_orders_of_list_and_action() {
        let one: Rule = "-a always,exit -S execve".parse().expect("good");
        let two: Rule = "-a exit,always -S execve".parse().expect("good");
        assert_eq!(one, two);
    }

    #[test]
    fn spaces_in_values() {
        for line in [r"-w /a\ b -p r", r#"-w "/a b" -p r"#, "-w '/a b' -p r"] {
            let rule: Rule = line.parse().expect(line);
            assert_eq!(rule.to_string(), r"-w /a\ b -p r");
            assert_eq!(rule.to_string().parse(), Ok(rule));
        }
        assert!("-w '/a".parse::<Rule>().is_err());
    }

    #[test]
    fn commands() {
        for (line, command) in [
            ("-e 1", Command::Enabled(1)),
            ("-f 0", Command::Failure(0)),
            ("-b 8192", Command::BacklogLimit(8192)),
            ("-r 0", Command::RateLimit(0)),
            ("--backlog_wait_time 60", Command::BacklogWaitTime(60)),
            ("-l", Command::List { key: None }),
            ("-l -k mine", Command::List { key: Some(b"mine".to_vec()) }),
            ("-s", Command::Status),
            ("-D", Command::DeleteAll { key: None }),
            ("-D -k mine", Command::DeleteAll { key: Some(b"mine".to_vec()) }),
        ] {
            assert_eq!(line.parse(), Ok(command), "{line}");
        }
        let add = "-A always,exit -S execve -k x".parse();
        assert!(matches!(add, Ok(Command::Add(Rule { prepend: true, .. }))));
        let delete = "-d always,exit -S execve -k x".parse();
        assert!(matches!(delete, Ok(Command::Delete(Rule { prepend: false, .. }))));
        assert!(matches!("-W /etc/x".parse(), Ok(Command::Delete(_))));
    }

    #[test]
    fn refusals_name_the_word() {
        for (line, word) in [
            ("-a always,entry -S execve", "entry"),
            ("-a always", "always"),
            ("-a always,exit -F nope=1", "nope"),
            ("-a always,exit -F uid", "uid"),
            ("-F uid=1", "uid=1"),
            ("-a always,exit -S execve -F arch=b64", "arch=b64"),
            ("-a always,exit -S no_such_call", "no_such_call"),
            ("-e", "-e"),
            ("-b many", "many"),
            ("-l -s", "-s"),
            ("-l -D", "-D"),
            ("-D -k a -k b", "b"),
            ("-a always,exit -l", "-l"),
            ("--nonsense", "--nonsense"),
            ("-w etc/passwd", "etc/passwd"),
            ("-k alone", "alone"),
            ("", "-D"),
        ] {
            let error = line.parse::<Command>().expect_err(line).to_string();
            assert!(error.contains(word), "{line:?}: {error}");
        }
    }
}
