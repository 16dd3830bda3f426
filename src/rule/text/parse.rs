//! Reading rules and commands in the language of `auditctl`.

use std::str::FromStr;

use super::values;
use crate::arch::Arch;
use crate::rule::{Action, FieldId, FilterValue, List, Operator, Rule, RuleBuilder, RuleError};

/// One command of `auditctl`, or one line of a rules file.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Command {
    /// `-a`, `-A`, `-w`: adds a rule.
    Add(Rule),
    /// `-d`, `-W`: deletes a rule.
    Delete(Rule),
    /// `-D`: deletes all rules, or those with a key (`-k`).
    DeleteAll {
        /// The key, if one was given.
        key: Option<Vec<u8>>,
    },
    /// `-l`: lists all rules, or those with a key (`-k`).
    List {
        /// The key, if one was given.
        key: Option<Vec<u8>>,
    },
    /// `-s`: shows the status.
    Status,
    /// `-e`: turns auditing off (0) or on (1), or locks it (2).
    Enabled(u32),
    /// `-f`: sets the failure mode.
    Failure(u32),
    /// `-b`: sets the backlog limit.
    BacklogLimit(u32),
    /// `-r`: sets the rate limit.
    RateLimit(u32),
    /// `--backlog_wait_time`: sets the backlog wait time.
    BacklogWaitTime(u32),
}

/// Where a rule goes, as `-a`, `-A` and `-d` say.
#[derive(Clone, Copy)]
enum Placement {
    Append,
    Prepend,
    Delete,
}

impl Command {
    /// Reads the words of a command line, without the program's name.
    ///
    /// `is_directory` answers whether a path that `-w` watches is a directory; such a watch covers
    /// all that is below.
    ///
    /// # Errors
    ///
    /// [`RuleError`] names the word that has no place, and what was expected.
    pub fn parse<S: AsRef<str>>(
        words: &[S],
        is_directory: impl Fn(&str) -> bool,
    ) -> Result<Self, RuleError> {
        Words { words: words.iter().map(AsRef::as_ref).collect(), next: 0 }.command(&is_directory)
    }
}

impl FromStr for Command {
    type Err = RuleError;

    /// Reads a line; a path that `-w` watches is a directory if it ends in `/`.
    fn from_str(line: &str) -> Result<Self, Self::Err> {
        Self::parse(&split(line)?, |path| path.ends_with('/'))
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

/// Splits a line at white space; a backslash or quotes keep a space in its word.
fn split(line: &str) -> Result<Vec<String>, RuleError> {
    let mut words = Vec::new();
    let mut word = None::<String>;
    let mut quote = None;
    let mut letters = line.chars();
    while let Some(letter) = letters.next() {
        match (quote, letter) {
            (Some(open), _) if letter == open => quote = None,
            (Some(_), _) => word.get_or_insert_default().push(letter),
            (None, '\\') => word.get_or_insert_default().push(letters.next().unwrap_or('\\')),
            (None, '"' | '\'') => {
                quote = Some(letter);
                word.get_or_insert_default();
            }
            (None, _) if letter.is_whitespace() => words.extend(word.take()),
            (None, _) => word.get_or_insert_default().push(letter),
        }
    }
    if quote.is_some() {
        return Err(RuleError::syntax(line, "a quote is not closed"));
    }
    words.extend(word);
    Ok(words)
}

/// The words of a command and the place in them.
struct Words<'a> {
    words: Vec<&'a str>,
    next: usize,
}

/// What the options of a rule add up to, before it is judged.
#[derive(Default)]
struct Parts<'a> {
    rule: Option<(Placement, RuleBuilder)>,
    watch: Option<(Placement, &'a str)>,
    permissions: Option<u32>,
    many: Option<Many>,
    calls: Vec<&'a str>,
    keys: Vec<&'a str>,
}

/// What is done to all rules, or to those with a key.
#[derive(Clone, Copy)]
enum Many {
    Delete,
    List,
}

impl<'a> Words<'a> {
    fn word(&mut self) -> Option<&'a str> {
        let word = self.words.get(self.next).copied();
        self.next += 1;
        word
    }

    /// Takes the word behind an option.
    fn argument(&mut self, option: &str, expected: &'static str) -> Result<&'a str, RuleError> {
        self.word().ok_or_else(|| RuleError::syntax(option, expected))
    }

    fn number(&mut self, option: &str) -> Result<u32, RuleError> {
        let word = self.argument(option, "give a number behind it")?;
        word.parse().map_err(|_| RuleError::syntax(word, "give a number from 0 to 4294967295"))
    }

    fn command(mut self, is_directory: &dyn Fn(&str) -> bool) -> Result<Command, RuleError> {
        let mut parts = Parts::default();
        let mut control = None;
        while let Some(option) = self.word() {
            control = Some(match option {
                "-e" => Command::Enabled(self.number(option)?),
                "-f" => Command::Failure(self.number(option)?),
                "-b" => Command::BacklogLimit(self.number(option)?),
                "-r" => Command::RateLimit(self.number(option)?),
                "--backlog_wait_time" => Command::BacklogWaitTime(self.number(option)?),
                "-s" => Command::Status,
                _ => {
                    self.rule_option(option, &mut parts)?;
                    continue;
                }
            });
            if let Some(extra) = self.words.get(self.next) {
                return Err(RuleError::syntax(extra, "one command at a time"));
            }
        }
        match control {
            Some(command) if parts.is_empty() => Ok(command),
            Some(_) => Err(RuleError::syntax(&self.words.join(" "), "one command at a time")),
            None => parts.finish(&self.words.join(" "), is_directory),
        }
    }

    fn rule_option(&mut self, option: &'a str, parts: &mut Parts<'a>) -> Result<(), RuleError> {
        match option {
            "-a" => self.start(option, Placement::Append, parts),
            "-A" => self.start(option, Placement::Prepend, parts),
            "-d" => self.start(option, Placement::Delete, parts),
            "-w" | "-W" => {
                let path = self.argument(option, "give an absolute path behind it")?;
                let placement = if option == "-w" { Placement::Append } else { Placement::Delete };
                parts.watch = Some((placement, path));
                Ok(())
            }
            "-D" => parts.choose(Many::Delete),
            "-l" => parts.choose(Many::List),
            "-p" => {
                let letters = self.argument(option, "give some of the letters r, w, x, a")?;
                parts.permissions = Some(values::permissions(letters).ok_or_else(|| {
                    RuleError::syntax(letters, "give some of the letters r, w, x, a")
                })?);
                Ok(())
            }
            "-k" => {
                parts.keys.push(self.argument(option, "give a key behind it")?);
                Ok(())
            }
            "-S" => {
                let calls = self.argument(option, "give system calls behind it, or all")?;
                parts.calls.extend(calls.split(',').filter(|call| !call.is_empty()));
                Ok(())
            }
            "-F" => {
                let text = self.argument(option, "give field=value behind it")?;
                let (placement, builder) = parts
                    .rule
                    .take()
                    .ok_or_else(|| RuleError::syntax(text, "-a, -A or -d comes before -F"))?;
                parts.rule = Some((placement, add_filter(builder, text, &parts.calls)?));
                Ok(())
            }
            _ => Err(RuleError::syntax(option, "not an option that is known here")),
        }
    }

    fn start(
        &mut self,
        option: &str,
        placement: Placement,
        parts: &mut Parts<'a>,
    ) -> Result<(), RuleError> {
        let word = self.argument(option, "give list,action behind it")?;
        if parts.rule.is_some() {
            return Err(RuleError::syntax(word, "one rule at a time"));
        }
        let (list, action) = list_and_action(word)?;
        parts.rule = Some((placement, Rule::on(list, action)));
        Ok(())
    }
}

/// Reads `list,action` or `action,list`.
fn list_and_action(word: &str) -> Result<(List, Action), RuleError> {
    let expected = "give a list and an action, such as always,exit";
    let (left, right) = word.split_once(',').ok_or_else(|| RuleError::syntax(word, expected))?;
    if left == "entry" || right == "entry" {
        return Err(RuleError::syntax(
            word,
            "the entry list was removed from the kernel: use exit",
        ));
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

fn add_filter(builder: RuleBuilder, text: &str, calls: &[&str]) -> Result<RuleBuilder, RuleError> {
    let (name, operator, value) = Operator::split(text)
        .ok_or_else(|| RuleError::syntax(text, "give field, operator and value, such as uid=0"))?;
    let field = FieldId::from_name(name)
        .ok_or_else(|| RuleError::syntax(name, "not a field that is known here"))?;
    match (field, values::parse(field, value)?) {
        (FieldId::ARCH, FilterValue::Number(arch)) if operator == Operator::EQUAL => {
            if calls.is_empty() {
                Ok(builder.arch(Arch::new(arch)))
            } else {
                Err(RuleError::syntax(text, "arch comes before -S: it decides what names mean"))
            }
        }
        (FieldId::KEY, FilterValue::Text(key)) if operator == Operator::EQUAL => {
            Ok(builder.key(key))
        }
        (_, value) => Ok(builder.filter(field, operator, value)),
    }
}

impl Parts<'_> {
    fn choose(&mut self, many: Many) -> Result<(), RuleError> {
        match self.many.replace(many) {
            None => Ok(()),
            Some(_) => Err(RuleError::syntax("-l, -D", "one command at a time")),
        }
    }

    fn is_empty(&self) -> bool {
        self.rule.is_none() && self.watch.is_none() && self.many.is_none() && self.keys.is_empty()
    }

    fn finish(self, line: &str, is_directory: &dyn Fn(&str) -> bool) -> Result<Command, RuleError> {
        match (self.rule, self.watch, self.many) {
            (None, None, Some(many)) if self.calls.is_empty() => {
                let key = match self.keys[..] {
                    [] => None,
                    [key] => Some(key.as_bytes().to_vec()),
                    [_, second, ..] => return Err(RuleError::syntax(second, "one key at a time")),
                };
                Ok(match many {
                    Many::Delete => Command::DeleteAll { key },
                    Many::List => Command::List { key },
                })
            }
            (Some((placement, mut builder)), None, None) => {
                for call in self.calls {
                    builder = match (call, call.parse()) {
                        ("all", _) => builder.all_syscalls(),
                        (_, Ok(number)) => builder.syscall_number(number),
                        (name, Err(_)) => builder.syscall(name),
                    };
                }
                if let Some(bits) = self.permissions {
                    builder = builder.filter(FieldId::PERM, Operator::EQUAL, bits);
                }
                place(placement, builder, &self.keys)
            }
            (None, Some((placement, path)), None) if self.calls.is_empty() => {
                let field = if is_directory(path) { FieldId::DIR } else { FieldId::PATH };
                let trimmed = path.trim_end_matches('/');
                let path = if trimmed.is_empty() { path } else { trimmed };
                let builder = Rule::on_exit().filter(field, Operator::EQUAL, path).filter(
                    FieldId::PERM,
                    Operator::EQUAL,
                    self.permissions.unwrap_or(15),
                );
                place(placement, builder, &self.keys)
            }
            _ => Err(RuleError::syntax(line, "give one of -a, -A, -d, -w, -W, -D, -l")),
        }
    }
}

fn place(
    placement: Placement,
    mut builder: RuleBuilder,
    keys: &[&str],
) -> Result<Command, RuleError> {
    for key in keys {
        builder = builder.key(*key);
    }
    match placement {
        Placement::Append => builder.build().map(Command::Add),
        Placement::Prepend => builder.prepend().build().map(Command::Add),
        Placement::Delete => builder.build().map(Command::Delete),
    }
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
