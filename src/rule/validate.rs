//! What a rule may say: which field with which operator and value on which list.
//!
//! The kernel accepts more than it ever evaluates, values out of range among it. What could never
//! match, or would disable its list, is refused here, before it is sent.
//!
//! Source: `kernel/auditfilter.c`, `audit_field_valid`, `audit_data_to_entry`, `audit_filter`;
//! every combination was tried on Linux 6.18.

use bitflags::bitflags;

use super::{
    FieldId, Filter, FilterValue, KEY_SEPARATOR, List, Operator, Rule, RuleError, field_compare,
};

bitflags! {
    /// Some of the lists.
    #[derive(Clone, Copy)]
    struct Lists: u8 {
        const USER = 1;
        const TASK = 2;
        const EXIT = 4;
        const EXCLUDE = 8;
        const FILESYSTEM = 16;
        const IO_URING = 32;
        const CALLS = Self::EXIT.bits() | Self::IO_URING.bits();
        const PROCESSES = Self::USER.bits() | Self::TASK.bits() | Self::CALLS.bits();
    }
}

/// Operators that a field takes.
#[derive(Clone, Copy, PartialEq)]
enum Operators {
    Equal,
    Equality,
    Order,
    All,
}

impl Operators {
    fn contain(self, operator: Operator) -> bool {
        match operator {
            Operator::EQUAL => true,
            Operator::NOT_EQUAL => self != Self::Equal,
            Operator::BIT_MASK | Operator::BIT_TEST => self == Self::All,
            _ => matches!(self, Self::Order | Self::All),
        }
    }

    const fn names(self) -> &'static str {
        match self {
            Self::Equal => "it takes the operator = only",
            Self::Equality => "it takes the operators = and != only",
            Self::Order => "it takes the operators =, !=, <, <=, > and >= only",
            Self::All => "it takes the operators of auditctl only",
        }
    }
}

/// Returns what a known field takes, and where it is evaluated.
const fn allowed(field: FieldId) -> Option<(Operators, Lists)> {
    let everywhere = Lists::PROCESSES.union(Lists::EXCLUDE);
    Some(match field {
        FieldId::PID | FieldId::UID | FieldId::GID | FieldId::AUID => {
            (Operators::Order, everywhere)
        }
        FieldId::EUID
        | FieldId::SUID
        | FieldId::FSUID
        | FieldId::EGID
        | FieldId::SGID
        | FieldId::FSGID
        | FieldId::OBJ_UID
        | FieldId::OBJ_GID
        | FieldId::SADDR_FAM => (Operators::Order, Lists::PROCESSES),
        FieldId::SUBJ_SEN | FieldId::SUBJ_CLR => (Operators::Order, everywhere),
        FieldId::SUBJ_USER | FieldId::SUBJ_ROLE | FieldId::SUBJ_TYPE | FieldId::EXE => {
            (Operators::Equality, everywhere)
        }
        FieldId::AUID_SET => (Operators::Equality, everywhere),
        FieldId::SESSIONID => (Operators::Order, Lists::USER.union(Lists::CALLS)),
        FieldId::PPID
        | FieldId::DEVMAJOR
        | FieldId::EXIT
        | FieldId::SUCCESS
        | FieldId::OBJ_LEV_LOW
        | FieldId::OBJ_LEV_HIGH => (Operators::Order, Lists::CALLS),
        FieldId::MSGTYPE => (Operators::Order, Lists::USER.union(Lists::EXCLUDE)),
        FieldId::PERS | FieldId::A0 | FieldId::A1 | FieldId::A2 | FieldId::A3 => {
            (Operators::All, Lists::PROCESSES)
        }
        FieldId::DEVMINOR => (Operators::All, Lists::CALLS),
        FieldId::ARCH | FieldId::FIELD_COMPARE => (Operators::Equality, Lists::PROCESSES),
        FieldId::OBJ_USER
        | FieldId::OBJ_ROLE
        | FieldId::OBJ_TYPE
        | FieldId::FILETYPE
        | FieldId::INODE => (Operators::Equality, Lists::CALLS),
        FieldId::PATH | FieldId::DIR => (Operators::Equal, Lists::CALLS),
        FieldId::PERM => (Operators::Equal, Lists::EXIT),
        FieldId::FSTYPE => (Operators::Equality, Lists::FILESYSTEM),
        FieldId::KEY => (Operators::Equality, Lists::CALLS.union(Lists::FILESYSTEM)),
        _ => return None,
    })
}

/// Tells whether the lists `user` and `exclude` evaluate a field; at any other they stop.
///
/// Source: `kernel/auditfilter.c`, `audit_filter`.
pub(super) fn is_evaluated_on_exclude(field: FieldId) -> bool {
    allowed(field).is_some_and(|(_, lists)| lists.contains(Lists::EXCLUDE))
}

const fn bit(list: List) -> Option<Lists> {
    Some(match list {
        List::USER => Lists::USER,
        List::TASK => Lists::TASK,
        List::EXIT => Lists::EXIT,
        List::EXCLUDE => Lists::EXCLUDE,
        List::FILESYSTEM => Lists::FILESYSTEM,
        List::IO_URING => Lists::IO_URING,
        _ => return None,
    })
}

/// Judges a whole rule. What is not known here is left to the kernel.
pub(super) fn rule(rule: &Rule) -> Result<(), RuleError> {
    if rule.filters.len() > Rule::MAX_FIELDS {
        return Err(RuleError::TooManyFields(rule.filters.len()));
    }
    for filter in &rule.filters {
        place(rule.list, filter)?;
        match &filter.value {
            FilterValue::Number(value) => number(filter, *value)?,
            FilterValue::Text(text) => self::text(filter.field, text)?,
        }
    }
    for (fields, expected) in ONCE {
        if let Some(second) =
            rule.filters.iter().filter(|filter| fields.contains(&filter.field)).nth(1)
        {
            let value = second.to_string();
            return Err(RuleError::value(second.field, &value, expected));
        }
    }
    Ok(())
}

/// Fields of which a rule has one only.
const ONCE: &[(&[FieldId], &str)] = &[
    (
        &[FieldId::PATH, FieldId::DIR, FieldId::INODE],
        "a rule names one object, by path, dir or inode",
    ),
    (&[FieldId::EXE], "a rule names one program"),
    (&[FieldId::KEY], "the kernel takes one field of keys: join them"),
];

/// Judges the field, its list and its operator.
fn place(list: List, filter: &Filter) -> Result<(), RuleError> {
    let Some((operators, lists)) = allowed(filter.field) else { return Ok(()) };
    if let Some(list) = bit(list).filter(|list| !lists.contains(*list)) {
        let expected = if filter.field == FieldId::KEY {
            "a key is for rules on system calls, io_uring or file systems"
        } else if list.contains(Lists::FILESYSTEM) {
            "the filesystem list takes fstype only"
        } else if list.contains(Lists::EXCLUDE) {
            "the exclude list takes msgtype, pid, uid, gid, auid, exe and subj_* only"
        } else if filter.field == FieldId::MSGTYPE {
            "it is for the lists exclude and user only"
        } else if filter.field == FieldId::FSTYPE {
            "it is for the list filesystem only"
        } else {
            "it is for the list exit only"
        };
        return Err(RuleError::Place { field: filter.field, expected });
    }
    if filter.operator.sign().is_some() && !operators.contain(filter.operator) {
        return Err(RuleError::Place { field: filter.field, expected: operators.names() });
    }
    Ok(())
}

/// Judges a number, which the kernel since 5.6 does not.
fn number(filter: &Filter, value: u32) -> Result<(), RuleError> {
    let Filter { field, operator, .. } = filter;
    let expected = match *field {
        FieldId::PERM if value == 0 || value > 15 => "give some of the letters r, w, x, a",
        FieldId::FILETYPE if value & !0o170_000 != 0 => "give the type of a file",
        FieldId::FIELD_COMPARE if field_compare::fields(value).is_none() => {
            "there are 25 comparisons"
        }
        FieldId::AUID_SET | FieldId::SUCCESS if value > 1 => "give 0 or 1",
        FieldId::PID | FieldId::PPID if value > MAX_PID => "there is no such process",
        FieldId::SADDR_FAM if value >= AF_MAX => "there is no such address family",
        FieldId::AUID
            if value == u32::MAX && !matches!(*operator, Operator::EQUAL | Operator::NOT_EQUAL) =>
        {
            "whether it is set can be asked with = and != only"
        }
        _ if field.is_id_of_account() && *field != FieldId::AUID && value == u32::MAX => {
            "only auid and sessionid can be unset"
        }
        _ => return Ok(()),
    };
    Err(RuleError::value(*field, &value.to_string(), expected))
}

/// The highest number that a process could have, by its type.
const MAX_PID: u32 = i32::MAX as u32;

/// The first number that is no address family, in Linux 6.18.
const AF_MAX: u32 = 46;

/// Judges text by itself.
fn text(field: FieldId, text: &[u8]) -> Result<(), RuleError> {
    let is_path = matches!(field, FieldId::PATH | FieldId::DIR | FieldId::EXE);
    let is_key = field == FieldId::KEY;
    let limit = if is_key { Rule::MAX_KEY_LENGTH } else { MAX_PATH_LENGTH };
    let expected = if text.is_empty() {
        "give at least one byte"
    } else if text.contains(&0) {
        "a NUL byte would cut it short"
    } else if text.len() > limit && is_key {
        "keys are at most 256 bytes together"
    } else if text.len() > limit {
        "text is at most 4096 bytes"
    } else if is_path && !text.starts_with(b"/") {
        "give an absolute path"
    } else if is_path && field != FieldId::DIR && text.ends_with(b"/") {
        "a file's path does not end in /"
    } else {
        return Ok(());
    };
    Err(RuleError::value(field, &String::from_utf8_lossy(text), expected))
}

/// Judges one of the keys that are joined.
pub(super) fn key(key: &[u8]) -> Result<(), RuleError> {
    text(FieldId::KEY, key)?;
    if key.contains(&KEY_SEPARATOR) {
        let expected = "the byte 0x01 divides one key from another: give them one by one";
        return Err(RuleError::value(FieldId::KEY, &String::from_utf8_lossy(key), expected));
    }
    Ok(())
}

/// The kernel's `PATH_MAX`.
const MAX_PATH_LENGTH: usize = 4096;

#[cfg(test)]
mod tests {
    use super::*;

    fn refusal(list: List, field: FieldId, operator: Operator) -> Option<String> {
        let value: FilterValue = if field.is_text() { "/tmp".into() } else { 1.into() };
        let action = crate::rule::Action::ALWAYS;
        let built = Rule::on(list, action).filter(field, operator, value).build();
        built.err().map(|error| error.to_string())
    }

    #[test]
    fn fields_have_their_lists() {
        for (list, field, word) in [
            (List::EXIT, FieldId::MSGTYPE, "exclude and user"),
            (List::TASK, FieldId::PATH, "exit only"),
            (List::EXCLUDE, FieldId::EUID, "exclude list"),
            (List::EXCLUDE, FieldId::KEY, "a key is for"),
            (List::FILESYSTEM, FieldId::PID, "fstype only"),
            (List::EXIT, FieldId::FSTYPE, "filesystem only"),
            (List::USER, FieldId::EXIT, "exit only"),
        ] {
            let said = refusal(list, field, Operator::EQUAL).expect("it is refused");
            assert!(said.contains(word), "{said}");
            assert!(said.contains(field.name().expect("a name")), "{said}");
        }
        assert_eq!(refusal(List::EXCLUDE, FieldId::PID, Operator::EQUAL), None);
        assert_eq!(refusal(List::new(9), FieldId::PATH, Operator::EQUAL), None, "unknown list");
        assert_eq!(refusal(List::EXIT, FieldId::new(99), Operator::LESS), None, "unknown field");
    }

    #[test]
    fn fields_have_their_operators() {
        for (field, good, bad) in [
            (FieldId::PATH, Operator::EQUAL, Operator::NOT_EQUAL),
            (FieldId::EXE, Operator::NOT_EQUAL, Operator::LESS),
            (FieldId::UID, Operator::LESS, Operator::BIT_MASK),
        ] {
            assert_eq!(refusal(List::EXIT, field, good), None);
            assert!(refusal(List::EXIT, field, bad).expect("refused").contains("operator"));
        }
        assert_eq!(refusal(List::EXIT, FieldId::A0, Operator::BIT_TEST), None);
    }

    #[test]
    fn values_out_of_range_are_refused() {
        for (field, value) in [
            (FieldId::PERM, 16),
            (FieldId::FILETYPE, 5),
            (FieldId::FIELD_COMPARE, 26),
            (FieldId::SUCCESS, 2),
            (FieldId::SADDR_FAM, 46),
            (FieldId::UID, u32::MAX),
        ] {
            let rule = Rule::on_exit().filter(field, Operator::EQUAL, value).build();
            assert!(matches!(rule, Err(RuleError::Value { .. })), "{field}={value}");
        }
        let unset = |operator| Rule::on_exit().filter(FieldId::AUID, operator, u32::MAX).build();
        assert!(unset(Operator::NOT_EQUAL).is_ok());
        assert!(unset(Operator::GREATER_OR_EQUAL).is_err());
    }

    #[test]
    fn some_fields_stand_once() {
        let two = Rule::on_exit()
            .filter(FieldId::PATH, Operator::EQUAL, "/a")
            .filter(FieldId::DIR, Operator::EQUAL, "/b")
            .build();
        assert!(two.expect_err("two objects").to_string().contains("one object"));
    }
}
