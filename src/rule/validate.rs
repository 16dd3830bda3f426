//! Validation of a rule: the field, its list, its operator and its value.
//!
//! The kernel accepts more than it evaluates, and values out of range. What could never match, or
//! would stop the evaluation of its list, is refused here, before it is sent.
//!
//! Source: `kernel/auditfilter.c`, `audit_field_valid`, `audit_data_to_entry`, `audit_filter`.

use super::field::Occurrence;
use super::rule::KEY_SEPARATOR;
use super::value::ValueKind;
use super::{FieldId, Filter, FilterValue, List, Rule, RuleError};

/// Returns whether the lists `user` and `exclude` evaluate a field; at another one they stop.
///
/// Source: `kernel/auditfilter.c`, `audit_filter`.
pub(super) fn is_evaluated_on_exclude(field: FieldId) -> bool {
    field.spec().is_some_and(|spec| spec.lists.has(List::EXCLUDE) == Some(true))
}

/// Validates a whole rule. Unknown lists, fields and operators are left to the kernel.
pub(super) fn rule(rule: &Rule) -> Result<(), RuleError> {
    if rule.filters.len() > Rule::MAX_FIELDS {
        return Err(RuleError::TooManyFields(rule.filters.len()));
    }
    rule.filters.iter().try_for_each(|filter| self::filter(rule.list, filter))?;
    for (index, filter) in rule.filters.iter().enumerate() {
        occurrence(filter, rule.filters.iter().take(index))?;
    }
    Ok(())
}

/// Validates one condition.
pub(super) fn filter(list: List, filter: &Filter) -> Result<(), RuleError> {
    list_and_operator(list, filter)?;
    value(filter)
}

/// Validates that a field occurs no more often than the kernel allows.
fn occurrence<'r>(
    filter: &Filter,
    mut before: impl Iterator<Item = &'r Filter>,
) -> Result<(), RuleError> {
    let occurrence = |filter: &Filter| filter.field.spec().map(|spec| spec.occurrence);
    let own = occurrence(filter);
    match own.and_then(Occurrence::limit) {
        Some(reason) if before.any(|other| occurrence(other) == own) => {
            Err(RuleError::value(filter.field, &filter.to_string(), reason))
        }
        _ => Ok(()),
    }
}

fn list_and_operator(list: List, filter: &Filter) -> Result<(), RuleError> {
    let Filter { field, operator, .. } = *filter;
    let Some(spec) = field.spec() else { return Ok(()) };
    if spec.lists.has(list) == Some(false) {
        return Err(RuleError::FieldNotOnList { field, list });
    }
    if !spec.operators.contains(operator) {
        return Err(RuleError::OperatorNotAllowed { field, operator });
    }
    Ok(())
}

fn value(filter: &Filter) -> Result<(), RuleError> {
    let field = filter.field;
    match &filter.value {
        FilterValue::Number(number) => field.spec().map_or(Ok(()), |spec| {
            spec.value
                .check_number(filter.operator, *number)
                .map_err(|reason| RuleError::value(field, &number.to_string(), reason))
        }),
        FilterValue::Text(text) => self::text(field, text),
    }
}

fn text(field: FieldId, text: &[u8]) -> Result<(), RuleError> {
    let kind = field.spec().map_or(ValueKind::Label, |spec| spec.value);
    kind.check_text(text)
        .map_err(|reason| RuleError::value(field, &String::from_utf8_lossy(text), reason))
}

/// Validates one of the keys that are joined.
pub(super) fn key(key: &[u8]) -> Result<(), RuleError> {
    text(FieldId::KEY, key)?;
    if key.contains(&KEY_SEPARATOR) {
        let reason = "the byte 0x01 separates keys: add each key by itself";
        return Err(RuleError::value(FieldId::KEY, &String::from_utf8_lossy(key), reason));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rule::{Action, Operator};

    fn error(list: List, field: FieldId, operator: Operator) -> String {
        let value: FilterValue = if field.is_text() { "/tmp".into() } else { 1.into() };
        let rule = Rule::builder(list, Action::ALWAYS).filter(field, operator, value).build();
        rule.expect_err("it is refused").to_string()
    }

    #[test]
    fn errors_name_the_lists_of_a_field() {
        for (list, field, message) in [
            (
                List::EXIT,
                FieldId::MSGTYPE,
                "msgtype cannot be used on the exit list, only on: user, exclude",
            ),
            (
                List::TASK,
                FieldId::PATH,
                "path cannot be used on the task list, only on: exit, io_uring",
            ),
            (
                List::EXIT,
                FieldId::FSTYPE,
                "fstype cannot be used on the exit list, only on: filesystem",
            ),
            (
                List::EXCLUDE,
                FieldId::KEY,
                "key cannot be used on the exclude list, only on: exit, filesystem, io_uring",
            ),
        ] {
            assert_eq!(error(list, field, Operator::EQUAL), message);
        }
    }

    #[test]
    fn errors_name_the_operators_of_a_field() {
        for (field, operator, message) in [
            (FieldId::PATH, Operator::NOT_EQUAL, "path does not take the operator !=, only ="),
            (FieldId::EXE, Operator::LESS, "exe does not take the operator <, only = and !="),
            (
                FieldId::UID,
                Operator::BIT_MASK,
                "uid does not take the operator &, only =, !=, <, <=, > and >=",
            ),
        ] {
            assert_eq!(error(List::EXIT, field, operator), message);
        }
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
            (FieldId::PPID, 1 << 31),
        ] {
            let rule = Rule::on_exit().filter(field, Operator::EQUAL, value).build();
            assert!(matches!(rule, Err(RuleError::Value { .. })), "{field}={value}");
        }
        let unset = |operator| Rule::on_exit().filter(FieldId::AUID, operator, u32::MAX).build();
        assert!(unset(Operator::NOT_EQUAL).is_ok());
        assert!(unset(Operator::GREATER_OR_EQUAL).is_err());
    }

    #[test]
    fn fields_that_occur_once_are_refused_the_second_time() {
        let rule = Rule::on_exit()
            .filter(FieldId::PATH, Operator::EQUAL, "/a")
            .filter(FieldId::DIR, Operator::EQUAL, "/b")
            .build();
        assert_eq!(
            rule.expect_err("two objects").to_string(),
            "invalid value 'dir=/b' for dir: a rule has one object only, by path, dir or inode"
        );
    }
}
