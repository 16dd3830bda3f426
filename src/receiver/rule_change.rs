//! Changes of the rules that a process needs: records of them, and rules that suppress others.

use crate::control::installed::NeededRule;
use crate::message_type::MessageType;
use crate::record::Record;
use crate::rule::{Action, List, Rule};
use crate::wire::frame::Frame;

/// Returns whether a `CONFIG_CHANGE` record states that one of the needed rules was removed, or that a rule
/// was added that may suppress records of them.
///
/// The record has the list and the key of a rule, not its action: a rule without a key that was added to
/// the same list may be one with the action `never`.
///
/// Source: `kernel/auditfilter.c`, `audit_log_rule_change`; `kernel/audit_tree.c`,
/// `audit_tree_log_remove_rule`; `kernel/audit_fsnotify.c`, `audit_mark_log_rule_change`.
pub(super) fn is_against(datagram: &[u8], needed: &[NeededRule]) -> bool {
    if needed.is_empty() {
        return false;
    }
    let Ok(Frame::Record { message_type: MessageType::CONFIG_CHANGE, text }) =
        Frame::parse(datagram)
    else {
        return false;
    };
    let Ok(record) = Record::parse(MessageType::CONFIG_CHANGE, text) else { return false };
    let Some(change) = record.as_config_change() else { return false };
    let (Some(op), Some(list)) = (change.op(), change.list().map(List::new)) else { return false };
    if change.result() == Some(false) {
        return false;
    }
    let keys: Vec<_> = change.keys().collect();
    let has_keys_of = |rule: &Rule| {
        let mut of_rule = rule.keys().peekable();
        match of_rule.peek() {
            None => keys.is_empty(),
            Some(_) => of_rule.any(|key| keys.iter().any(|other| **other == *key)),
        }
    };
    let stamp = record.id().time();
    let on_list = || needed.iter().filter(|needed| needed.rule.list == list);
    let mut with_keys = on_list().filter(|needed| has_keys_of(&needed.rule)).peekable();
    match &*op {
        // with a space before Linux 3.19
        b"remove_rule" | b"remove rule" | b"autoremove_rule" => {
            with_keys.any(|needed| needed.was_needed_at(stamp))
        }
        b"add_rule" | b"add rule" => {
            let may_suppress =
                suppresses_everywhere(list) || keys.is_empty() && on_list().next().is_some();
            may_suppress && with_keys.peek().is_none()
        }
        _ => false,
    }
}

/// Returns the loaded rules, apart from the expected ones, that suppress records which the expected ones
/// would make.
///
/// Source: `kernel/auditsc.c`, `audit_filter_task`, `__audit_filter_op`; `kernel/auditfilter.c`,
/// `audit_filter`: the first rule that matches decides.
pub(super) fn suppressors<'a>(loaded: &'a [Rule], expected: &[Rule]) -> Vec<&'a Rule> {
    let is_expected = |rule: &Rule| expected.iter().any(|other| other.is_same(rule));
    let suppresses = |(index, rule): &(usize, &Rule)| match rule.list {
        List::EXCLUDE => true,
        _ if rule.action != Action::NEVER => false,
        list if suppresses_everywhere(list) => true,
        list => {
            let mut after = loaded.iter().skip(index + 1);
            after.any(|other| other.list == list && is_expected(other))
        }
    };
    let others = loaded.iter().enumerate().filter(|(_, rule)| !is_expected(rule));
    others.filter(suppresses).map(|(_, rule)| rule).collect()
}

/// Returns whether rules of this list suppress records that rules of other lists make.
const fn suppresses_everywhere(list: List) -> bool {
    matches!(list, List::TASK | List::EXCLUDE | List::FILESYSTEM)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::wire::frame;

    fn rules(lines: &[&str]) -> Vec<Rule> {
        lines.iter().map(|line| line.parse().expect("a rule")).collect()
    }

    #[test]
    fn records_that_a_needed_rule_is_gone_or_suppressed_are_recognised() {
        let needed = rules(&["-a always,exit -F arch=b64 -S execve -k mine"]);
        let is_against = |body: &str, needed: &[Rule]| {
            let text = format!("audit(1.000:2): auid=0 ses=1 {body}");
            let needed: Vec<_> = needed
                .iter()
                .map(|rule| NeededRule { rule: rule.clone(), since: Some(Duration::from_secs(1)) })
                .collect();
            is_against(&frame::message(MessageType::CONFIG_CHANGE, 0, text.as_bytes()), &needed)
        };
        for body in [
            "op=remove_rule key=\"mine\" list=4 res=1",
            "op=autoremove_rule path=\"/bin/x\" key=\"mine\" list=4 res=1",
            "op=remove_rule dir=\"/x\" key=6D696E65016F74686572 list=4 res=1", // mine, other
            "op=add_rule key=(null) list=1 res=1",
            "op=add_rule key=\"x\" list=5 res=1",
            "op=add_rule key=(null) list=4 res=1",
        ] {
            assert!(is_against(body, &needed), "{body}");
            assert!(!is_against(body, &[]), "{body}");
        }
        for body in [
            "op=remove_rule key=\"other\" list=4 res=1",
            "op=remove_rule key=(null) list=4 res=1",
            "op=remove_rule key=\"mine\" list=4 res=0",
            "op=remove_rule key=\"mine\" list=0 res=1",
            "op=updated_rules path=\"/x\" key=\"mine\" list=4 res=1",
            "op=add_rule key=\"mine\" list=4 res=1",
            "op=add_rule key=\"other\" list=4 res=1",
            "op=set audit_enabled=0 old=1 res=1",
            "",
        ] {
            assert!(!is_against(body, &needed), "{body}");
        }
        // a rule without a key is recognised by its list
        let needed = rules(&["-a always,exit -F arch=b64 -S execve", "-a never,task -F uid=7"]);
        assert!(is_against("op=remove_rule key=(null) list=4 res=1", &needed));
        assert!(!is_against("op=remove_rule key=\"x\" list=4 res=1", &needed));
        assert!(!is_against("op=add_rule key=(null) list=4 res=1", &needed));
        assert!(!is_against("op=add_rule key=(null) list=1 res=1", &needed));
    }

    #[test]
    fn a_rule_suppresses_others_on_some_lists_and_in_front_of_them() {
        let expected = rules(&["-a always,exit -F arch=b64 -S execve -k mine"]);
        let suppressors_in = |lines: &[&str]| {
            let loaded = rules(lines);
            suppressors(&loaded, &expected).iter().map(ToString::to_string).collect::<Vec<_>>()
        };
        let mine = "-a always,exit -F arch=b64 -S execve -k mine";
        for other in [
            "-a never,exit -F uid=7",
            "-a never,task -F uid=7",
            "-a always,exclude -F msgtype=EXECVE",
            "-a never,exclude -F msgtype=EXECVE",
        ] {
            assert_eq!(suppressors_in(&[other, mine]).len(), 1, "{other}");
        }
        for loaded in [
            [mine, "-a never,exit -F uid=7"],
            ["-a always,exit -F arch=b64 -S execve -k other", mine],
            ["-a never,user -F uid=7", mine],
        ] {
            assert_eq!(suppressors_in(&loaded), [""; 0], "{loaded:?}");
        }
        assert_eq!(suppressors_in(&["-a always,exclude -F msgtype=CWD", mine]).len(), 1);
    }
}
