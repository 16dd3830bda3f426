//! Printing rules as `auditctl -l` does.

use std::fmt;

use crate::arch::{Arch, uring};
use crate::macros::pad_with;
use crate::rule::rule::KEY_SEPARATOR;
use crate::rule::{
    Action, FieldId, Filter, FilterValue, List, Operator, Permissions, Rule, field_compare,
};

impl fmt::Display for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        pad_with(f, |f| self.print(f))
    }
}

impl Rule {
    fn print(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.is_watch() {
            return self.print_watch(f);
        }
        let letter = if self.prepend { 'A' } else { 'a' };
        write!(f, "-{letter} {},{}", self.action, self.list)?;
        let (arch, others): (Vec<_>, Vec<_>) =
            self.filters.iter().partition(|filter| filter.field == FieldId::ARCH);
        for filter in arch {
            write!(f, " -F {filter}")?;
        }
        self.print_syscalls(f)?;
        for filter in others {
            match &filter.value {
                FilterValue::Text(keys)
                    if filter.field == FieldId::KEY && filter.operator == Operator::EQUAL =>
                {
                    for key in keys.split(|byte| *byte == KEY_SEPARATOR) {
                        write!(f, " -F {}{}", filter.field, filter.operator)?;
                        print_text(key, f)?;
                    }
                }
                FilterValue::Number(number) if filter.field == FieldId::FIELD_COMPARE => {
                    match field_compare::fields(*number) {
                        Some((left, right)) => write!(f, " -C {left}{}{right}", filter.operator)?,
                        None => write!(f, " -F {filter}")?,
                    }
                }
                _ => write!(f, " -F {filter}")?,
            }
        }
        Ok(())
    }

    /// Returns whether the rule can be written with `-w`.
    fn is_watch(&self) -> bool {
        let has_any =
            |fields: &[FieldId]| self.filters.iter().any(|filter| fields.contains(&filter.field));
        self.list == List::EXIT
            && self.action == Action::ALWAYS
            && !self.prepend
            && self.syscalls.is_all()
            && has_any(&[FieldId::PATH, FieldId::DIR])
            && has_any(&[FieldId::PERM])
            && self.filters.iter().all(|filter| {
                filter.operator == Operator::EQUAL && WATCH_FIELDS.contains(&filter.field)
            })
    }

    fn print_watch(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut permissions = String::new();
        for filter in &self.filters {
            match (&filter.value, filter.field) {
                (FilterValue::Text(path), FieldId::PATH | FieldId::DIR) => {
                    f.write_str("-w ")?;
                    print_text(path, f)?;
                }
                (FilterValue::Number(bits), _) => {
                    permissions = Permissions::from_bits(*bits)
                        .map_or_else(|| bits.to_string(), |permissions| permissions.to_string());
                }
                _ => {}
            }
        }
        write!(f, " -p {permissions}")?;
        self.keys().try_for_each(|key| {
            f.write_str(" -k ")?;
            print_text(key, f)
        })
    }

    fn print_syscalls(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let on_syscalls = self.list == List::EXIT || self.list == List::IO_URING;
        if !on_syscalls || self.syscalls.is_empty() {
            return Ok(());
        }
        if self.syscalls.is_all() {
            return f.write_str(" -S all");
        }
        let arch = self.arch().or(Arch::native());
        let name = |number| match self.list {
            List::IO_URING => uring::operation_name(number),
            _ => arch.and_then(|arch| arch.syscall_name(number)),
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
}

/// The fields of a rule that `-w` can express.
const WATCH_FIELDS: &[FieldId] = &[FieldId::PATH, FieldId::DIR, FieldId::PERM, FieldId::KEY];

impl fmt::Display for Filter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match f.width() {
            None => write!(f, "{}{}{}", self.field, self.operator, PrintValue(self)),
            Some(_) => f.pad(&format!("{}{}{}", self.field, self.operator, PrintValue(self))),
        }
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
fn print_text(text: &[u8], f: &mut fmt::Formatter<'_>) -> fmt::Result {
    if text.is_empty() {
        return f.write_str("\"\""); // another program can load a rule with an empty key
    }
    let text = String::from_utf8_lossy(text);
    let splits = |letter: char| letter.is_whitespace() || matches!(letter, '\\' | '\'' | '"');
    if text.contains(splits) {
        for letter in text.chars() {
            if splits(letter) {
                f.write_str("\\")?;
            }
            write!(f, "{letter}")?;
        }
        return Ok(());
    }
    f.write_str(&text)
}
