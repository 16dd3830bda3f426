//! What `-i` shows: names instead of numbers.

use auditlink::host::UserNames;
use auditlink::rule::{FieldId, Filter, FilterValue, List};
use auditlink::wire::status::Status;
use auditlink::{MessageType, Record, Rule};

/// Returns a rule as `-l` prints it, with the names of machines, `unset`, and what the arguments of
/// its only system call mean.
pub(crate) fn rule(rule: &Rule, users: &UserNames) -> String {
    let mut text = rule.display(users).to_string();
    for filter in &rule.filters {
        if let Some(value) = value(rule, filter) {
            let old = format!(" -F {filter}");
            text = text.replace(&old, &format!(" -F {}{}{value}", filter.field, filter.operator));
        }
    }
    text
}

fn value(rule: &Rule, filter: &Filter) -> Option<String> {
    let FilterValue::Number(number) = filter.value else { return None };
    match filter.field {
        FieldId::ARCH => auditlink::arch::Arch::new(number).name().map(str::to_owned),
        FieldId::AUID | FieldId::SESSIONID if number == u32::MAX => Some("unset".to_owned()),
        FieldId::A0 | FieldId::A1 | FieldId::A2 | FieldId::A3 => argument(rule, filter.field),
        _ => None,
    }
}

/// Interprets an argument as that of a record of the rule's only system call.
fn argument(rule: &Rule, field: FieldId) -> Option<String> {
    let mut calls = rule.syscalls.iter();
    let (call, None) = (calls.next()?, calls.next()) else { return None };
    let arch = rule.arch().or_else(auditlink::arch::Arch::native)?;
    if rule.list != List::EXIT {
        return None;
    }
    let mut record =
        format!("audit(1.000:1): arch={:x} syscall={call} success=yes exit=0", arch.number());
    for (field, name) in [FieldId::A0, FieldId::A1, FieldId::A2, FieldId::A3].into_iter().zip(0..) {
        let given = rule.filters.iter().find_map(|filter| match filter.value {
            FilterValue::Number(number) if filter.field == field => Some(number),
            _ => None,
        });
        record += &format!(" a{name}={:x}", given.unwrap_or(0));
    }
    let record = Record::parse(MessageType::SYSCALL, record.as_bytes()).ok()?;
    record.interpret(field.name()?).map(|value| value.to_string())
}

/// Returns the status with the names of the modes.
pub(crate) fn status(status: &Status) -> String {
    let named = |names: [&'static str; 3], number: u32| {
        usize::try_from(number)
            .ok()
            .and_then(|index| names.get(index).copied())
            .unwrap_or("unknown")
    };
    let enabled = named(["disable", "enabled", "enabled+immutable"], status.enabled.number());
    let failure = named(["silent", "printk", "panic"], status.failure.number());
    let plain = status.to_string();
    let others = plain.lines().skip(2).map(|line| format!("{line}\n"));
    format!("enabled {enabled}\nfailure {failure}\n{}", others.collect::<String>())
}
