//! Parsing the options of `auditctl`, and checking how they are combined.
//!
//! Source: `src/auditctl.c` and `lib/libaudit.c` of audit-userspace 4.2.

use super::command::Command;
use super::options::{Given, Options};
use super::tokenize::split;
use crate::arch::Arch;
use crate::constants::Signal;
use crate::rule::field::FIELDS;
use crate::rule::suggest::nearest;
use crate::rule::value::{EXPECTED_PERMISSIONS, ValueKind, unsigned_number};
use crate::rule::{
    Action, FieldId, Filter, FilterValue, List, Lookup, Operator, Permissions, Rule, RuleBuilder,
    RuleError, SyscallMask, field_compare,
};
use crate::setting::Setting;

impl Command {
    /// Parses the words of a command line, without the name of the program.
    ///
    /// # Errors
    ///
    /// [`RuleError`] names the option, field or value that is wrong, and what was expected.
    pub fn parse<S: AsRef<str>>(words: &[S], lookup: &dyn Lookup) -> Result<Self, RuleError> {
        let words: Vec<&str> = words.iter().map(AsRef::as_ref).collect();
        let mut line = Line::default();
        for given in Options::new(&words) {
            line.option(given?, lookup)?;
        }
        line.finish(&words)
    }

    /// Parses a line of a rules file.
    ///
    /// # Errors
    ///
    /// As [`parse`](Self::parse).
    pub fn parse_line(line: &str, lookup: &dyn Lookup) -> Result<Self, RuleError> {
        Self::parse(&split(line), lookup)
    }
}

impl Rule {
    /// Parses a line that adds a rule: `-a`, `-A` or `-w`.
    ///
    /// [`FromStr`](std::str::FromStr) does the same with the names and files of this machine.
    ///
    /// # Errors
    ///
    /// [`RuleError`] names the option, field or value that is wrong, and what was expected;
    /// [`RuleError::NeedsLookup`] that the lookup does not know whether `-w` watches a directory.
    ///
    /// # Examples
    ///
    /// ```
    /// use auditlink::Rule;
    /// use auditlink::user_db::NoLookup;
    ///
    /// let rule = Rule::parse_line("-a always,exit -F dir=/etc -F perm=wa -k fim", &NoLookup)?;
    /// assert!(rule.keys().eq([b"fim"]));
    /// let error = Rule::parse_line("-w /etc -p wa -k fim", &NoLookup).expect_err("file or directory?");
    /// assert!(error.remedy().is_some_and(|remedy| remedy.contains("-F dir=")));
    /// # Ok::<(), auditlink::rule::RuleError>(())
    /// ```
    pub fn parse_line(line: &str, lookup: &dyn Lookup) -> Result<Self, RuleError> {
        match Command::parse_line(line, lookup)? {
            Command::Add(rule) => Ok(rule),
            _ => Err(RuleError::syntax(line, "a rule starts with -a, -A or -w")),
        }
    }
}

const ONE_COMMAND: &str = "only one command can be given";

/// What `-a`, `-A` and `-d` do with a rule.
#[derive(Clone, Copy, Debug)]
enum Placement {
    Append,
    Prepend,
    Delete,
}

/// The option that makes the command what it is.
#[derive(Debug)]
enum Main {
    Rule(Placement, List, Action),
    Watch(Placement),
    Other(Box<Command>),
}

/// The options of a line as far as they were read.
#[derive(Debug, Default)]
struct Line<'a> {
    main: Option<Main>,
    settings: Vec<(Setting, u32)>,
    filters: Vec<Filter>,
    syscalls: Vec<&'a str>,
    /// The system calls that permissions stand for.
    permission_calls: SyscallMask,
    /// The exact set of system calls, `-S mask:`.
    mask: Option<SyscallMask>,
    keys: Vec<&'a str>,
    /// Whether there is an option that selects system calls, files or programs, which a key requires.
    selects: bool,
    /// Whether a field is given by its number, which is left to the kernel to judge.
    unchecked: bool,
}

impl<'a> Line<'a> {
    fn option(&mut self, given: Given<'a>, lookup: &dyn Lookup) -> Result<(), RuleError> {
        let Given { option, argument } = given;
        if let Some(setting) = Setting::from_option(option) {
            let value = setting_value(setting, argument)?;
            self.settings.push((setting, value));
            return Ok(());
        }
        match option {
            "-a" => self.rule(Placement::Append, given),
            "-A" => self.rule(Placement::Prepend, given),
            "-d" => self.rule(Placement::Delete, given),
            "-w" => self.watch(Placement::Append, given, lookup),
            "-W" => self.watch(Placement::Delete, given, lookup),
            "-p" => self.permissions(argument),
            "-F" => self.field(argument, lookup),
            "-C" => self.comparison(argument),
            "-S" => self.syscalls(argument),
            "-k" => self.key(argument),
            "-i" => self.interpret(),
            _ => self.set_main(Main::Other(Box::new(command(option, argument)?)), option),
        }
    }

    fn set_main(&mut self, main: Main, option: &str) -> Result<(), RuleError> {
        match self.main.replace(main) {
            None => Ok(()),
            Some(_) => Err(RuleError::syntax(option, ONE_COMMAND)),
        }
    }

    fn rule(&mut self, placement: Placement, given: Given<'_>) -> Result<(), RuleError> {
        let (list, action) = list_and_action(given.option, given.argument)?;
        self.set_main(Main::Rule(placement, list, action), given.option)
    }

    fn watch(
        &mut self,
        placement: Placement,
        Given { option, argument }: Given<'a>,
        lookup: &dyn Lookup,
    ) -> Result<(), RuleError> {
        self.set_main(Main::Watch(placement), option)?;
        if let Some(syscall) = self.syscalls.first() {
            return Err(RuleError::syntax(syscall, WATCH_SYSCALLS));
        }
        let field = RuleBuilder::watched(argument, lookup)?;
        self.filters.extend(RuleBuilder::watch_filters(field, argument));
        self.selects = true;
        Ok(())
    }

    /// `-i` interprets what `-l` and `-s` show, and is a command by itself otherwise.
    fn interpret(&mut self) -> Result<(), RuleError> {
        if let Some(Main::Other(command)) = &mut self.main
            && let Command::List { interpreted, .. } | Command::Status { interpreted } =
                command.as_mut()
        {
            *interpreted = true;
            return Ok(());
        }
        self.set_main(Main::Other(Box::new(Command::IgnoreErrors)), "-i")
    }

    /// Checks that the option follows the list of the rule.
    fn follows_list(&self, option: &str) -> Result<(), RuleError> {
        match self.main {
            Some(Main::Rule(..) | Main::Watch(_)) => Ok(()),
            _ => Err(RuleError::syntax(option, "it must follow -a, -A, -d, -w or -W")),
        }
    }

    fn permissions(&mut self, letters: &str) -> Result<(), RuleError> {
        self.follows_list("-p")?;
        let value = Some(letters)
            .filter(|letters| letters.len() <= 4)
            .and_then(Permissions::from_letters)
            .ok_or_else(|| RuleError::argument("-p", letters, EXPECTED_PERMISSIONS))?;
        if self.filters.is_empty() {
            return Err(RuleError::syntax("-p", "it must follow a watch or a field"));
        }
        self.selects = true;
        let value = FilterValue::from(value);
        let given = self.filters.iter_mut().filter(|filter| filter.field == FieldId::PERM);
        if given.map(|filter| filter.value = value.clone()).count() == 0 {
            self.filters.push(Filter { field: FieldId::PERM, operator: Operator::EQUAL, value });
        }
        Ok(())
    }

    fn syscalls(&mut self, names: &'a str) -> Result<(), RuleError> {
        if let Some(Main::Watch(_)) = self.main {
            return Err(RuleError::syntax(names, WATCH_SYSCALLS));
        }
        self.selects = true;
        if let Some(numbers) = names.strip_prefix("mask:") {
            self.mask = Some(exact_mask(numbers)?);
            return Ok(());
        }
        let before = self.syscalls.len();
        self.syscalls.extend(names.split(',').filter(|name| !name.is_empty()));
        if self.syscalls.len() == before {
            return Err(RuleError::argument("-S", names, "expected system calls, or all"));
        }
        Ok(())
    }

    fn key(&mut self, key: &'a str) -> Result<(), RuleError> {
        if !self.selects && !matches!(self.main, Some(Main::Other(_))) {
            return Err(RuleError::syntax(key, KEY_ALONE));
        }
        if self.main.is_none() {
            self.follows_list("-k")?;
        }
        self.keys.push(key);
        Ok(())
    }

    fn field(&mut self, text: &'a str, lookup: &dyn Lookup) -> Result<(), RuleError> {
        self.follows_list("-F")?;
        let expected = "expected a field, an operator and a value, such as uid=0";
        let (name, operator, value) =
            Operator::split(text).ok_or_else(|| RuleError::argument("-F", text, expected))?;
        if let Some(number) = name.strip_prefix('f').and_then(unsigned_number) {
            self.unchecked = true;
            let value = exact_value(value).ok_or_else(|| {
                RuleError::argument("-F", text, "expected a number, or x and hex")
            })?;
            self.filters.push(Filter { field: FieldId::new(number), operator, value });
            return Ok(());
        }
        let field = find_field(name)?;
        if value.is_empty() {
            return Err(RuleError::argument("-F", text, "expected a value after the operator"));
        }
        if name == "key" && operator == Operator::EQUAL {
            self.keys.push(value);
            return Ok(());
        }
        match field {
            FieldId::ARCH
                if !self.syscalls.is_empty() || matches!(self.main, Some(Main::Watch(_))) =>
            {
                let reason =
                    "arch must precede -S, because it determines the names of system calls";
                return Err(RuleError::syntax(text, reason));
            }
            FieldId::PERM if value.len() > 4 => {
                return Err(RuleError::value(field, value, EXPECTED_PERMISSIONS));
            }
            FieldId::KEY if !self.selects => return Err(RuleError::syntax(text, KEY_ALONE)),
            FieldId::PATH | FieldId::DIR | FieldId::PERM | FieldId::EXE | FieldId::FSTYPE => {
                self.selects = true;
            }
            _ => {}
        }
        let value = parse_value(field, value, lookup)?;
        let filter = Filter { field, operator, value };
        self.add_permission_calls(&filter);
        self.filters.push(filter);
        Ok(())
    }

    /// Adds the system calls that `-F perm=` stands for after an arch, or after `-S`.
    ///
    /// auditctl does so after `arch!=`, too, and adds the calls of the arch that is excluded.
    fn add_permission_calls(&mut self, filter: &Filter) {
        let is_exit = matches!(self.main, Some(Main::Rule(_, List::EXIT, _)));
        let arch = self.filters.iter().rfind(|filter| filter.field == FieldId::ARCH);
        let arch = match arch.map(|filter| (filter.operator, &filter.value)) {
            Some((Operator::EQUAL, FilterValue::Number(number))) => Some(Arch::new(*number)),
            Some(_) => None,
            None => Arch::native().filter(|_| !self.syscalls.is_empty()),
        };
        if let (true, Some(arch), Some(permissions)) = (is_exit, arch, filter.permissions())
            && filter.operator == Operator::EQUAL
        {
            let calls = permissions.auditctl_calls(arch);
            self.permission_calls = self.permission_calls.union(calls);
        }
    }

    fn comparison(&mut self, text: &str) -> Result<(), RuleError> {
        self.follows_list("-C")?;
        let expected = "expected two fields with = or !=, such as uid!=euid";
        let invalid = |reason| RuleError::argument("-C", text, reason);
        let (left, operator, right) = Operator::split(text).ok_or_else(|| invalid(expected))?;
        let number = field_compare::number(find_field(left)?, find_field(right)?)
            .ok_or_else(|| invalid("the kernel compares only two user IDs or two group IDs"))?;
        if ![Operator::EQUAL, Operator::NOT_EQUAL].contains(&operator) {
            return Err(invalid(expected));
        }
        let value = FilterValue::Number(number);
        self.filters.push(Filter { field: FieldId::FIELD_COMPARE, operator, value });
        Ok(())
    }

    fn finish(self, words: &[&str]) -> Result<Command, RuleError> {
        let has_parts =
            !self.filters.is_empty() || !self.syscalls.is_empty() || self.mask.is_some();
        let other = |reason| Err(RuleError::syntax(&words.join(" "), reason));
        if !self.settings.is_empty() && (self.main.is_some() || has_parts) {
            return other(ONE_COMMAND);
        }
        let (placement, builder) = match self.main {
            None if !self.settings.is_empty() => return Ok(Command::Set(self.settings)),
            None => return other("a command has one of -a, -A, -d, -w, -W, -D, -l"),
            Some(Main::Other(ref command)) if has_parts => {
                return other(match **command {
                    Command::DeleteAll { .. } | Command::List { .. } => {
                        "-D and -l take no option but -k"
                    }
                    _ => ONE_COMMAND,
                });
            }
            Some(Main::Other(command)) => return with_key(*command, &self.keys),
            Some(Main::Rule(placement, list, action)) => (placement, Rule::builder(list, action)),
            Some(Main::Watch(placement)) => (placement, Rule::on_exit()),
        };
        if let Some(key) = self.keys.first().filter(|_| !self.selects && !self.unchecked) {
            return Err(RuleError::syntax(key, KEY_ALONE));
        }
        let mut builder = builder.filters(self.filters);
        for syscall in self.syscalls {
            builder = match unsigned_number(syscall) {
                _ if syscall == "all" => builder.all_syscalls(),
                Some(number) => builder.syscall_number(number),
                None => builder.syscall(syscall.to_ascii_lowercase()),
            };
        }
        builder = self.permission_calls.iter().fold(builder, RuleBuilder::syscall_number);
        if let Some(mask) = self.mask {
            builder = builder.exact_mask(mask);
        }
        if self.unchecked {
            builder = builder.unchecked();
        }
        for key in self.keys {
            builder = builder.key(key);
        }
        match placement {
            Placement::Append => builder.build().map(Command::Add),
            Placement::Prepend => builder.prepend().build().map(Command::Add),
            Placement::Delete => builder.build().map(Command::Delete),
        }
    }
}

const WATCH_SYSCALLS: &str = "a watch takes no system calls";

const KEY_ALONE: &str =
    "a key requires -S, a watch, or one of the fields path, dir, perm, exe and fstype before it";

/// Adds the one key that `-D` and `-l` take.
fn with_key(mut command: Command, keys: &[&str]) -> Result<Command, RuleError> {
    let Some((first, others)) = keys.split_first() else { return Ok(command) };
    if let Some(second) = others.first() {
        return Err(RuleError::syntax(second, "only one key can be given"));
    }
    match &mut command {
        Command::DeleteAll { key } | Command::List { key, .. } => {
            *key = Some(first.as_bytes().to_vec());
            Ok(command)
        }
        _ => Err(RuleError::syntax("-k", ONE_COMMAND)),
    }
}

/// Parses an option that is a command by itself.
fn command(option: &str, argument: &str) -> Result<Command, RuleError> {
    Ok(match option {
        "-D" => Command::DeleteAll { key: None },
        "-l" => Command::List { key: None, interpreted: false },
        "-s" => Command::Status { interpreted: false },
        "-c" => Command::ContinueOnErrors,
        "-t" => Command::Trim,
        "-v" => Command::Version,
        "-h" | "--help" => Command::Help,
        "--reset-lost" => Command::ResetLost,
        "--reset_backlog_wait_time_actual" => Command::ResetBacklogWaitTimeActual,
        "--loginuid-immutable" => Command::LoginuidImmutable,
        "-m" => Command::Message(argument.to_owned()),
        "-R" => Command::Load(argument.to_owned()),
        "-q" => {
            let parts = argument.split_once(',');
            let parts = parts.filter(|(_, tree)| !tree.is_empty() && !tree.contains(','));
            let (mount, subtree) = parts.ok_or_else(|| {
                let expected = "expected a mount point and a subtree, such as /mnt,/mnt/tree";
                RuleError::argument(option, argument, expected)
            })?;
            Command::MakeEquivalent { mount: mount.to_owned(), subtree: subtree.to_owned() }
        }
        "--signal" => {
            let number = match argument.to_ascii_lowercase().as_str() {
                "term" | "stop" => 15,
                "hup" | "reload" => 1,
                "usr1" | "rotate" => 10,
                "usr2" | "resume" => 12,
                "cont" | "state" => 18,
                _ => {
                    let expected = "expected term (stop), hup (reload), usr1 (rotate), usr2 (resume) or cont (state)";
                    return Err(RuleError::argument(option, argument, expected));
                }
            };
            Command::Signal(Signal::new(number))
        }
        _ => return Err(RuleError::syntax(option, ONE_COMMAND)),
    })
}

fn setting_value(setting: Setting, text: &str) -> Result<u32, RuleError> {
    let (number, expected) = match setting.max() {
        2 => (text.parse().ok().filter(|_| text.len() == 1), "expected 0, 1 or 2"),
        _ => (unsigned_number(text), "expected a number"),
    };
    let number = number.filter(|number| *number <= setting.max());
    number.ok_or_else(|| RuleError::argument(setting.option(), text, expected))
}

/// Parses `list,action` or `action,list`.
fn list_and_action(option: &str, word: &str) -> Result<(List, Action), RuleError> {
    let invalid = |reason| RuleError::argument(option, word, reason);
    let expected = "expected a list and an action, such as always,exit";
    let (left, right) = word.split_once(',').ok_or_else(|| invalid(expected))?;
    if left == "entry" || right == "entry" {
        return Err(invalid("the kernel no longer has the entry list: use exit"));
    }
    let pair = |list: &str, action: &str| {
        List::from_name(&list.to_ascii_lowercase()).zip(Action::from_name(action))
    };
    match pair(left, right).or_else(|| pair(right, left)).or_else(|| newer(left, right)) {
        Some((_, Action::POSSIBLE)) => {
            Err(invalid("the kernel no longer takes the action possible: use always"))
        }
        Some(found) => Ok(found),
        None => Err(invalid(expected)),
    }
}

/// Parses an action and a list of which one is of a newer kernel, as [`Rule`] prints it.
fn newer(action: &str, list: &str) -> Option<(List, Action)> {
    let number = |text: &str| unsigned_number(text).filter(|_| !text.starts_with('0'));
    let unnamed_action =
        || number(action).map(Action::new).filter(|action| action.name().is_none());
    let unnamed_list = || number(list).map(List::new).filter(|list| list.name().is_none());
    let action = Action::from_name(action).or_else(unnamed_action)?;
    Some((List::from_name(list).or_else(unnamed_list)?, action))
}

fn find_field(name: &str) -> Result<FieldId, RuleError> {
    FieldId::from_name(&name.to_ascii_lowercase()).ok_or_else(|| {
        let names = FIELDS.iter().filter_map(|field| field.name());
        let suggestion = nearest(name, names).map(str::to_owned);
        RuleError::UnknownField { name: name.to_owned(), suggestion }
    })
}

/// Parses the value of a field as `auditctl` takes it.
pub(super) fn parse_value(
    field: FieldId,
    text: &str,
    lookup: &dyn Lookup,
) -> Result<FilterValue, RuleError> {
    let kind = field.spec().map_or(ValueKind::Number, |spec| spec.value);
    kind.parse(text, lookup).map_err(|reason| RuleError::value(field, text, reason))
}

/// Parses the value of a field that is given by its number: a number, or text in hexadecimal.
fn exact_value(text: &str) -> Option<FilterValue> {
    let Some(digits) = text.strip_prefix('x') else {
        return text.parse().ok().map(FilterValue::Number);
    };
    let digits: Option<Vec<u8>> = digits
        .chars()
        .map(|digit| digit.to_digit(16).and_then(|digit| u8::try_from(digit).ok()))
        .collect();
    let digits = digits.filter(|digits| digits.len() % 2 == 0)?;
    let byte = |pair: &[u8]| pair.iter().fold(0, |byte, digit| byte << 4 | digit);
    Some(FilterValue::Text(digits.chunks(2).map(byte).collect()))
}

/// Parses the numbers of an exact set of system calls.
fn exact_mask(numbers: &str) -> Result<SyscallMask, RuleError> {
    let mut mask = match numbers {
        "all" => return Ok(SyscallMask::ALL),
        "none" => return Ok(SyscallMask::NONE),
        _ => SyscallMask::NONE,
    };
    for number in numbers.split(',') {
        let number = number.parse().map_err(|_| {
            RuleError::argument("-S", numbers, "expected all, none, or numbers of system calls")
        })?;
        if !mask.insert(number) {
            return Err(RuleError::SyscallOutOfRange(number));
        }
    }
    Ok(mask)
}
