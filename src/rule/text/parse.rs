//! Parsing the options of `auditctl`, and checking how they are combined.

use std::str::FromStr;

use super::command::Command;
use super::tokenize::split;
use crate::arch::Arch;
use crate::rule::field::FIELDS;
use crate::rule::suggest::nearest;
use crate::rule::value::{EXPECTED_PERMISSIONS, ValueKind};
use crate::rule::{
    Action, FieldId, FilterValue, List, Lookup, Operator, Permissions, Rule, RuleBuilder,
    RuleError, field_compare,
};
use crate::setting::Setting;
use crate::user_db::NoLookup;

impl Command {
    /// Parses the words of a command line, without the name of the program.
    ///
    /// # Errors
    ///
    /// [`RuleError`] names the option, field or value that is wrong, and what was expected.
    pub fn parse<S: AsRef<str>>(words: &[S], lookup: &dyn Lookup) -> Result<Self, RuleError> {
        let words: Vec<&str> = words.iter().map(AsRef::as_ref).collect();
        command(&words, lookup)
    }

    /// Parses a line of a rules file.
    ///
    /// # Errors
    ///
    /// As [`parse`](Self::parse).
    pub fn parse_line(line: &str, lookup: &dyn Lookup) -> Result<Self, RuleError> {
        Self::parse(&split(line)?, lookup)
    }
}

impl FromStr for Command {
    type Err = RuleError;

    /// Parses a line, without the names of users and groups; a path that `-w` watches is a
    /// directory if it ends in `/`.
    fn from_str(line: &str) -> Result<Self, Self::Err> {
        Self::parse_line(line, &NoLookup)
    }
}

impl FromStr for Rule {
    type Err = RuleError;

    /// Parses a line that adds a rule: `-a`, `-A` or `-w`.
    fn from_str(line: &str) -> Result<Self, Self::Err> {
        match line.parse()? {
            Command::Add(rule) => Ok(rule),
            _ => Err(RuleError::syntax(line, "a rule starts with -a, -A or -w")),
        }
    }
}

fn command(words: &[&str], lookup: &dyn Lookup) -> Result<Command, RuleError> {
    let mut words = Words { words, next: 0 };
    let mut options = RuleOptions::default();
    while let Some(option) = words.next() {
        match control_option(option, &mut words)? {
            None => rule_option(option, &mut words, &mut options)?,
            Some(command) => {
                let other = words.words.get(words.next).copied();
                return match other.or_else(|| (!options.is_empty()).then_some(option)) {
                    Some(extra) => Err(RuleError::syntax(extra, ONE_COMMAND)),
                    None => Ok(command),
                };
            }
        }
    }
    options.finish(words.words, lookup)
}

const ONE_COMMAND: &str = "only one command can be given";

/// The words of a command, and the index of the next one.
struct Words<'w, 'a> {
    words: &'w [&'a str],
    next: usize,
}

impl<'a> Words<'_, 'a> {
    fn next(&mut self) -> Option<&'a str> {
        let word = self.words.get(self.next).copied();
        self.next += 1;
        word
    }

    /// Takes the argument of an option.
    fn argument(&mut self, option: &str, what: &'static str) -> Result<&'a str, RuleError> {
        self.next().ok_or_else(|| RuleError::missing(option, what))
    }

    /// Takes the argument of an option that requires a number.
    fn number(&mut self, option: &str, max: u32) -> Result<u32, RuleError> {
        let (what, expected) = match max {
            2 => ("0, 1 or 2", "expected 0, 1 or 2"),
            _ => ("a number", "expected a number"),
        };
        let word = self.argument(option, what)?;
        let number = word.parse().ok().filter(|number| *number <= max);
        number.ok_or_else(|| RuleError::argument(option, word, expected))
    }
}

/// Parses an option that is a command by itself; returns `None` for any other option.
fn control_option(option: &str, words: &mut Words<'_, '_>) -> Result<Option<Command>, RuleError> {
    if let Some(setting) = Setting::from_option(option) {
        let value = words.number(option, setting.max())?;
        return Ok(Some(Command::Set { setting, value }));
    }
    Ok(Some(match option {
        "--reset-lost" => Command::ResetLost,
        "--reset_backlog_wait_time_actual" => Command::ResetBacklogWaitTimeActual,
        "--loginuid-immutable" => Command::LoginuidImmutable,
        "-m" => Command::Message(words.argument(option, "a text")?.to_owned()),
        "-q" => {
            let word = words.argument(option, "a mount point and a subtree")?;
            let (mount, subtree) = word.split_once(',').ok_or_else(|| {
                let expected = "expected a mount point and a subtree, such as /mnt,/mnt/tree";
                RuleError::argument(option, word, expected)
            })?;
            Command::MakeEquivalent { mount: mount.to_owned(), subtree: subtree.to_owned() }
        }
        "-t" => Command::Trim,
        "-c" => Command::ContinueOnErrors,
        "-i" => Command::IgnoreErrors,
        "-R" => Command::Load(words.argument(option, "a file")?.to_owned()),
        "-s" => Command::Status,
        "-v" => Command::Version,
        _ => return Ok(None),
    }))
}

/// Iterates over the long options, for suggestions.
fn long_options() -> impl Iterator<Item = &'static str> {
    let settings = Setting::ALL.iter().map(|setting| setting.option());
    let others = ["--reset-lost", "--reset_backlog_wait_time_actual", "--loginuid-immutable"];
    settings.filter(|option| option.starts_with("--")).chain(others)
}

/// What `-a`, `-A` and `-d` do with a rule.
#[derive(Clone, Copy)]
enum Placement {
    Append,
    Prepend,
    Delete,
}

/// The option that makes the command what it is.
#[derive(Clone, Copy)]
enum MainOption<'a> {
    Rule(Placement, List, Action),
    Watch(Placement, &'a str),
    DeleteAll,
    List,
}

/// The options of a rule as they were given, before the rule is built.
#[derive(Default)]
struct RuleOptions<'a> {
    main: Option<MainOption<'a>>,
    permissions: Option<Permissions>,
    conditions: Vec<Condition<'a>>,
    syscalls: Vec<&'a str>,
    keys: Vec<&'a str>,
}

/// A condition as it was given.
#[derive(Clone, Copy)]
enum Condition<'a> {
    /// `-F`
    Field { text: &'a str, follows_syscalls: bool },
    /// `-C`
    Comparison(&'a str),
}

/// Parses an option that starts a rule, or lists or deletes all.
fn rule_option<'a>(
    option: &'a str,
    words: &mut Words<'_, 'a>,
    options: &mut RuleOptions<'a>,
) -> Result<(), RuleError> {
    let mut rule = |placement| {
        let word = words.argument(option, "a list and an action, such as always,exit")?;
        let (list, action) = list_and_action(option, word)?;
        Ok(MainOption::Rule(placement, list, action))
    };
    let main = match option {
        "-a" => rule(Placement::Append)?,
        "-A" => rule(Placement::Prepend)?,
        "-d" => rule(Placement::Delete)?,
        "-w" | "-W" => {
            let path = words.argument(option, "an absolute path")?;
            let placement = if option == "-w" { Placement::Append } else { Placement::Delete };
            MainOption::Watch(placement, path)
        }
        "-D" => MainOption::DeleteAll,
        "-l" => MainOption::List,
        _ => return rule_part(option, words, options),
    };
    match options.main.replace(main) {
        None => Ok(()),
        Some(_) => Err(RuleError::syntax(option, ONE_COMMAND)),
    }
}

/// Parses an option that adds a part to a rule.
fn rule_part<'a>(
    option: &'a str,
    words: &mut Words<'_, 'a>,
    options: &mut RuleOptions<'a>,
) -> Result<(), RuleError> {
    match option {
        "-p" => {
            let letters = words.argument(option, "one or more of the letters r, w, x and a")?;
            let permissions = Permissions::from_letters(letters)
                .ok_or_else(|| RuleError::argument(option, letters, EXPECTED_PERMISSIONS))?;
            options.permissions = Some(permissions);
        }
        "-k" => options.keys.push(words.argument(option, "a key")?),
        "-S" => {
            let names = words.argument(option, "system calls, or all")?;
            options.syscalls.extend(names.split(',').filter(|name| !name.is_empty()));
        }
        "-F" => {
            let text = words.argument(option, "a field, an operator and a value, such as uid=0")?;
            let follows_syscalls = !options.syscalls.is_empty();
            options.conditions.push(Condition::Field { text, follows_syscalls });
        }
        "-C" => {
            let text = words.argument(option, "two fields, such as uid!=euid")?;
            options.conditions.push(Condition::Comparison(text));
        }
        _ => {
            let suggestion = nearest(option, long_options()).map(str::to_owned);
            return Err(RuleError::UnknownOption { option: option.to_owned(), suggestion });
        }
    }
    Ok(())
}

/// Parses `list,action` or `action,list`.
fn list_and_action(option: &str, word: &str) -> Result<(List, Action), RuleError> {
    let invalid = |reason| RuleError::argument(option, word, reason);
    let expected = "expected a list and an action, such as always,exit";
    let (left, right) = word.split_once(',').ok_or_else(|| invalid(expected))?;
    if left == "entry" || right == "entry" {
        return Err(invalid("the kernel no longer has the entry list: use exit"));
    }
    let pair = |list, action| List::from_name(list).zip(Action::from_name(action));
    match pair(left, right).or_else(|| pair(right, left)) {
        Some((_, Action::POSSIBLE)) => {
            Err(invalid("the kernel no longer takes the action possible: use always"))
        }
        Some(found) => Ok(found),
        None => Err(invalid(expected)),
    }
}

impl RuleOptions<'_> {
    fn is_empty(&self) -> bool {
        self.main.is_none() && !self.has_parts() && self.keys.is_empty()
    }

    /// Returns whether any part of a rule but keys was given.
    fn has_parts(&self) -> bool {
        self.permissions.is_some() || !self.conditions.is_empty() || !self.syscalls.is_empty()
    }

    fn finish(self, words: &[&str], lookup: &dyn Lookup) -> Result<Command, RuleError> {
        match self.main {
            None => {
                let reason = "a command has one of -a, -A, -d, -w, -W, -D, -l";
                Err(RuleError::syntax(&words.join(" "), reason))
            }
            Some(MainOption::DeleteAll | MainOption::List) if self.has_parts() => {
                Err(RuleError::syntax(&words.join(" "), "-D and -l take no option but -k"))
            }
            Some(MainOption::DeleteAll) => Ok(Command::DeleteAll { key: self.key()? }),
            Some(MainOption::List) => Ok(Command::List { key: self.key()? }),
            Some(MainOption::Rule(placement, list, action)) => {
                let mut builder = self.add_conditions(Rule::builder(list, action), lookup)?;
                for syscall in &self.syscalls {
                    builder = match syscall.parse() {
                        _ if *syscall == "all" => builder.all_syscalls(),
                        Ok(number) => builder.syscall_number(number),
                        Err(_) => builder.syscall(*syscall),
                    };
                }
                if let Some(permissions) = self.permissions {
                    builder = builder.perm(permissions);
                }
                self.build(placement, builder)
            }
            Some(MainOption::Watch(placement, path)) => {
                if let Some(syscall) = self.syscalls.first() {
                    return Err(RuleError::syntax(syscall, "a watch takes no system calls"));
                }
                let field = if lookup.is_directory(path) { FieldId::DIR } else { FieldId::PATH };
                let builder = Rule::on_exit()
                    .watch_as(field, path)
                    .perm(self.permissions.unwrap_or(Permissions::ALL));
                self.build(placement, self.add_conditions(builder, lookup)?)
            }
        }
    }

    /// Returns the one key that `-D` and `-l` take.
    fn key(&self) -> Result<Option<Vec<u8>>, RuleError> {
        match self.keys[..] {
            [] => Ok(None),
            [key] => Ok(Some(key.as_bytes().to_vec())),
            [_, second, ..] => Err(RuleError::syntax(second, "only one key can be given")),
        }
    }

    fn add_conditions(
        &self,
        mut builder: RuleBuilder,
        lookup: &dyn Lookup,
    ) -> Result<RuleBuilder, RuleError> {
        for condition in &self.conditions {
            builder = match *condition {
                Condition::Field { text, follows_syscalls } => {
                    add_field(builder, text, follows_syscalls, lookup)?
                }
                Condition::Comparison(text) => add_comparison(builder, text)?,
            };
        }
        Ok(builder)
    }

    fn build(&self, placement: Placement, mut builder: RuleBuilder) -> Result<Command, RuleError> {
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

/// Splits `name<sign>value`, and looks up the field.
fn split_field<'t>(
    option: &str,
    text: &'t str,
    expected: &'static str,
) -> Result<(FieldId, Operator, &'t str), RuleError> {
    let (name, operator, value) =
        Operator::split(text).ok_or_else(|| RuleError::argument(option, text, expected))?;
    Ok((find_field(name)?, operator, value))
}

fn find_field(name: &str) -> Result<FieldId, RuleError> {
    FieldId::from_name(name).ok_or_else(|| {
        let names = FIELDS.iter().filter_map(|field| field.name());
        let suggestion = nearest(name, names).map(str::to_owned);
        RuleError::UnknownField { name: name.to_owned(), suggestion }
    })
}

fn add_field(
    builder: RuleBuilder,
    text: &str,
    follows_syscalls: bool,
    lookup: &dyn Lookup,
) -> Result<RuleBuilder, RuleError> {
    let expected = "expected a field, an operator and a value, such as uid=0";
    let (field, operator, value) = split_field("-F", text, expected)?;
    if value.is_empty() {
        return Err(RuleError::argument("-F", text, "expected a value after the operator"));
    }
    match (field, parse_value(field, value, lookup)?) {
        (FieldId::ARCH, _) if follows_syscalls => {
            let reason = "arch must precede -S, because it determines the names of system calls";
            Err(RuleError::syntax(text, reason))
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

fn parse_value(field: FieldId, text: &str, lookup: &dyn Lookup) -> Result<FilterValue, RuleError> {
    let kind = field.spec().map_or(ValueKind::Number, |spec| spec.value);
    kind.parse(text, lookup).map_err(|reason| RuleError::value(field, text, reason))
}

fn add_comparison(builder: RuleBuilder, text: &str) -> Result<RuleBuilder, RuleError> {
    let expected = "expected two fields with = or !=, such as uid!=euid";
    let invalid = |reason| RuleError::argument("-C", text, reason);
    let (left, operator, right) = split_field("-C", text, expected)?;
    let number = field_compare::number(left, find_field(right)?)
        .ok_or_else(|| invalid("the kernel compares only two user IDs or two group IDs"))?;
    if ![Operator::EQUAL, Operator::NOT_EQUAL].contains(&operator) {
        return Err(invalid(expected));
    }
    Ok(builder.filter(FieldId::FIELD_COMPARE, operator, number))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Rules that auditctl 3.0.9 prints exactly as they were given to it, on x86_64.
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
    fn list_and_action_can_be_in_either_order() {
        let one: Rule = "-a always,exit -S execve".parse().expect("good");
        let two: Rule = "-a exit,always -S execve".parse().expect("good");
        assert_eq!(one, two);
    }

    #[test]
    fn spaces_in_values_are_escaped_or_quoted() {
        for line in [r"-w /a\ b -p r", r#"-w "/a b" -p r"#, "-w '/a b' -p r"] {
            let rule: Rule = line.parse().expect(line);
            assert_eq!(rule.to_string(), r"-w /a\ b -p r");
            assert_eq!(rule.to_string().parse(), Ok(rule));
        }
        assert!("-w '/a".parse::<Rule>().is_err());
    }

    #[test]
    fn each_command_is_parsed() {
        for (line, command) in [
            ("-e 1", Command::Set { setting: Setting::Enabled, value: 1 }),
            ("-f 0", Command::Set { setting: Setting::Failure, value: 0 }),
            ("-b 8192", Command::Set { setting: Setting::BacklogLimit, value: 8192 }),
            ("-r 0", Command::Set { setting: Setting::RateLimit, value: 0 }),
            (
                "--backlog_wait_time 60",
                Command::Set { setting: Setting::BacklogWaitTime, value: 60 },
            ),
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
    fn errors_name_the_word_that_is_wrong() {
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

    #[test]
    fn errors_are_worded_as_documented() {
        for (line, message) in [
            ("-b", "-b requires a number"),
            ("-b -5", "invalid value '-5' for -b: expected a number"),
            ("-e 3", "invalid value '3' for -e: expected 0, 1 or 2"),
            ("-w", "-w requires an absolute path"),
            (
                "-w /a -p z",
                "invalid value 'z' for -p: expected one or more of the letters r, w, x and a",
            ),
            ("--foo", "unknown option '--foo'"),
            ("--reset-lots", "unknown option '--reset-lots'; did you mean '--reset-lost'?"),
            (
                "-a always",
                "invalid value 'always' for -a: expected a list and an action, such as always,exit",
            ),
            (
                "-a always,entry",
                "invalid value 'always,entry' for -a: the kernel no longer has the entry list: use exit",
            ),
            ("-a always,exit -F uidd=0", "unknown field 'uidd'; did you mean 'uid'?"),
            (
                "-a always,exit -F uid",
                "invalid value 'uid' for -F: expected a field, an operator and a value, such as uid=0",
            ),
            (
                "-a always,exit -F gid=none",
                "invalid value 'none' for gid: expected a group ID or a group name",
            ),
            (
                "-a always,exit -C uid!=gid",
                "invalid value 'uid!=gid' for -C: the kernel compares only two user IDs or two group IDs",
            ),
            ("-a always,task -S open", "-S cannot be used on the task list"),
            ("-l -s", "'-s': only one command can be given"),
            ("-l -D", "'-D': only one command can be given"),
            (
                "-a always,exit -F arch=x86_64 -S opne",
                "x86_64 has no system call 'opne'; did you mean 'open'?",
            ),
            (
                "-a always,io_uring -S opnat",
                "io_uring has no operation 'opnat'; did you mean 'openat'?",
            ),
        ] {
            assert_eq!(line.parse::<Command>().expect_err(line).to_string(), message, "{line}");
        }
    }
}
