//! Printing rules as `auditctl -l` does, so that the text means the same rule again.

use std::fmt;

use super::command::Command;
use super::parse::parse_value;
use super::tokenize::is_escaped;
use crate::arch::{Arch, uring};
use crate::macros::{pad, pad_with};
use crate::rule::rule::KEY_SEPARATOR;
use crate::rule::{
    Action, FieldId, Filter, FilterValue, List, Lookup, Operator, Permissions, Rule, SyscallMask,
    field_compare, validate,
};
use crate::user_db::NoLookup;

/// How a rule is printed.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Form {
    /// As `auditctl -l` prints it: `-F perm=` after an arch or `-S` adds system calls.
    Usual,
    /// So that permissions add none: `-p`, or `-S` at the end.
    CallsAsGiven,
}

impl fmt::Display for Rule {
    /// Prints the rule in the syntax of `-a`, which means the same on every machine;
    /// [`display`](Rule::display) prints a watch as `-w`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        pad_with(f, |f| {
            for form in [Form::Usual, Form::CallsAsGiven] {
                let mut plain = String::new();
                self.print_plain(form, &mut plain)?;
                if self.is_read_from(&plain, &NoLookup) {
                    return f.write_str(&plain);
                }
            }
            self.print_exact(f)
        })
    }
}

impl Rule {
    /// Prints the rule as `auditctl -l` does: a watch as `-w`, if the lookup finds there what the rule
    /// is for, and any other rule as [`Display`](fmt::Display) does.
    ///
    /// The path of a directory ends in `/`.
    ///
    /// # Examples
    ///
    /// ```
    /// use auditlink::Rule;
    /// use auditlink::host::UserNames;
    ///
    /// let users = UserNames::new();
    /// let rule: Rule = "-w /etc -p wa -k fim".parse()?;
    /// assert_eq!(rule.display(&users).to_string(), "-w /etc/ -p wa -k fim");
    /// assert_eq!(
    ///     rule.to_string(),
    ///     "-a always,exit -S all -F dir=/etc -F perm=wa -F key=fim"
    /// );
    /// # Ok::<(), auditlink::rule::RuleError>(())
    /// ```
    pub fn display<'r>(&'r self, lookup: &'r dyn Lookup) -> impl fmt::Display + 'r {
        DisplayRule { rule: self, lookup }
    }

    /// Returns whether a line adds exactly this rule.
    fn is_read_from(&self, line: &str, lookup: &dyn Lookup) -> bool {
        match Command::parse_line(line, lookup) {
            Ok(Command::Add(rule)) => rule.is_same(self) && rule.prepend == self.prepend,
            _ => false,
        }
    }

    fn print_start(&self, f: &mut dyn fmt::Write) -> fmt::Result {
        let letter = if self.prepend { 'A' } else { 'a' };
        write!(f, "-{letter} {},{}", self.action, self.list)
    }

    /// Prints the fields in their order, and the system calls after the arch that names them.
    fn print_plain(&self, form: Form, f: &mut dyn fmt::Write) -> fmt::Result {
        self.print_start(f)?;
        let arch = self.filters.iter().rposition(|filter| filter.field == FieldId::ARCH);
        if arch.is_none() && form == Form::Usual {
            self.print_syscalls(f)?;
        }
        for (index, filter) in self.filters.iter().enumerate() {
            match filter.permissions() {
                Some(letters) if arch.is_some() && form == Form::CallsAsGiven => {
                    write!(f, " -p {letters}")?;
                }
                _ => print_filter(filter, f)?,
            }
            if arch == Some(index) {
                self.print_syscalls(f)?;
            }
        }
        if arch.is_none() && form == Form::CallsAsGiven {
            self.print_syscalls(f)?;
        }
        Ok(())
    }

    fn print_syscalls(&self, f: &mut dyn fmt::Write) -> fmt::Result {
        let on_syscalls = self.list == List::EXIT || self.list == List::IO_URING;
        if !on_syscalls || self.syscalls.is_empty() {
            return Ok(());
        }
        if self.syscalls.is_all() {
            return f.write_str(" -S all");
        }
        let arch = Self::last_arch(&self.filters).or_else(Arch::native);
        let name = |number| match self.list {
            List::IO_URING => uring::operation_name(number),
            _ => arch.and_then(|arch| arch.auditctl_name(number)),
        };
        let mut separator = " -S ";
        for number in self.syscalls.iter() {
            f.write_str(separator)?;
            match name(number) {
                Some(name) => f.write_str(name)?,
                None => write!(f, "{number}")?,
            }
            separator = ",";
        }
        Ok(())
    }

    /// Prints a rule that another program has loaded, and that auditctl's syntax cannot express: the
    /// system calls as a mask, and such fields by number.
    fn print_exact(&self, f: &mut dyn fmt::Write) -> fmt::Result {
        self.print_start(f)?;
        let is_default = match self.list {
            List::TASK => self.syscalls.is_empty(),
            List::EXIT | List::IO_URING => false,
            _ => self.syscalls.is_all(),
        };
        if self.syscalls == SyscallMask::NONE && !is_default {
            f.write_str(" -S mask:none")?;
        } else if !is_default {
            write!(f, " -S mask:{}", self.syscalls)?;
        }
        for filter in &self.filters {
            if filter.field != FieldId::KEY && is_expressible(filter, self.list) {
                print_filter(filter, f)?;
                continue;
            }
            write!(f, " -F f{}{}", filter.field.number(), filter.operator)?;
            match &filter.value {
                FilterValue::Number(number) => write!(f, "{number}")?,
                FilterValue::Text(text) => {
                    f.write_char('x')?;
                    text.iter().try_for_each(|byte| write!(f, "{byte:02X}"))?;
                }
            }
        }
        Ok(())
    }

    /// Prints the rule as `-w`, without checking that it can be expressed so.
    fn print_watch(&self, f: &mut dyn fmt::Write) -> fmt::Result {
        let [Filter { field, value: FilterValue::Text(path), .. }, permissions, keys @ ..] =
            self.filters.as_slice()
        else {
            return Ok(());
        };
        f.write_str("-w ")?;
        print_text(path, f)?;
        if *field == FieldId::DIR && path != b"/" {
            f.write_char('/')?;
        }
        if let FilterValue::Number(bits) = permissions.value
            && let Some(letters) = Permissions::from_bits(bits)
        {
            write!(f, " -p {letters}")?;
        }
        for Filter { value, .. } in keys {
            if let FilterValue::Text(keys) = value {
                for key in keys.split(|byte| *byte == KEY_SEPARATOR) {
                    f.write_str(" -k ")?;
                    print_text(key, f)?;
                }
            }
        }
        Ok(())
    }
}

struct DisplayRule<'r> {
    rule: &'r Rule,
    lookup: &'r dyn Lookup,
}

impl fmt::Display for DisplayRule<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { rule, lookup } = *self;
        if rule.list == List::EXIT && rule.action == Action::ALWAYS {
            let mut watch = String::new();
            rule.print_watch(&mut watch)?;
            if rule.is_read_from(&watch, lookup) {
                return f.pad(&watch);
            }
        }
        fmt::Display::fmt(rule, f)
    }
}

/// Returns whether a condition is read back from the text that is printed of it.
fn is_expressible(filter: &Filter, list: List) -> bool {
    let is_read = match &filter.value {
        FilterValue::Number(number) if filter.field == FieldId::FIELD_COMPARE => {
            field_compare::fields(*number).is_some()
        }
        FilterValue::Number(_) => {
            let value = PrintValue(filter).to_string();
            parse_value(filter.field, &value, &NoLookup).as_ref() == Ok(&filter.value)
        }
        FilterValue::Text(text) => is_plain(text),
    };
    is_read && filter.field.name().is_some() && validate::filter(list, filter).is_ok()
}

/// Returns whether text can stand in a line: UTF-8, and no letter that a line cannot contain.
fn is_plain(text: &[u8]) -> bool {
    std::str::from_utf8(text).is_ok_and(|text| !text.is_empty() && !text.contains(char::is_control))
}

fn print_filter(filter: &Filter, f: &mut dyn fmt::Write) -> fmt::Result {
    match &filter.value {
        FilterValue::Text(keys)
            if filter.field == FieldId::KEY && filter.operator == Operator::EQUAL =>
        {
            for key in keys.split(|byte| *byte == KEY_SEPARATOR) {
                write!(f, " -F {}{}", filter.field, filter.operator)?;
                print_text(key, f)?;
            }
            Ok(())
        }
        FilterValue::Number(number) if filter.field == FieldId::FIELD_COMPARE => {
            match field_compare::fields(*number) {
                Some((left, right)) => write!(f, " -C {left}{}{right}", filter.operator),
                None => write!(f, " -F {filter}"),
            }
        }
        _ => write!(f, " -F {filter}"),
    }
}

impl fmt::Display for Filter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        pad(f, format_args!("{}{}{}", self.field, self.operator, PrintValue(self)))
    }
}

/// Prints the value of a condition.
struct PrintValue<'f>(&'f Filter);

impl fmt::Display for PrintValue<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0.value {
            FilterValue::Number(number) => match self.0.field.spec() {
                Some(spec) => spec.value.print(*number, f),
                None => write!(f, "{number}"),
            },
            FilterValue::Text(text) => print_text(text, f),
        }
    }
}

/// Prints text, and escapes what would split it into words, so that it can be parsed back.
fn print_text(text: &[u8], f: &mut dyn fmt::Write) -> fmt::Result {
    for letter in String::from_utf8_lossy(text).chars() {
        if is_escaped(letter) {
            f.write_char('\\')?;
        }
        f.write_char(letter)?;
    }
    Ok(())
}
