//! Checks of the rules.

use std::fs;

use super::{Check, Finding};
use crate::arch::Arch;
use crate::message_type::MessageType;
use crate::rule::{
    Action, CallCoverage, CoverageRow, FieldId, FilterValue, Lint, List, Operator, Rule, RuleSet,
};

/// Finds rules that suppress records.
pub(super) fn check_rules(rules: &RuleSet, findings: &mut Vec<Finding>) {
    let mut found = 0;
    for rule in rules {
        if rule.list == List::TASK && rule.action == Action::NEVER {
            found += 1;
            findings.push(Finding::missed(
                Check::NeverTask,
                format!("processes that match at their creation are never audited: {rule}"),
                "delete the rule, and restart the processes that were created meanwhile",
            ));
        }
    }
    if found == 0 {
        findings.push(Finding::fine(Check::NeverTask, "no rule excludes processes from auditing"));
    }
    let lints = rules.lint();
    let is_exclusion =
        |index: usize| rules.iter().nth(index).is_some_and(|rule| rule.list == List::EXCLUDE);
    let end = lints.iter().find_map(|lint| match lint {
        Lint::DisablesList { rule, .. } if is_exclusion(*rule) => Some(*rule),
        _ => None,
    });
    for rule in rules.iter().take(end.unwrap_or(usize::MAX)) {
        if rule.list == List::EXCLUDE {
            check_exclusion(rule, findings);
        }
    }
    for lint in &lints {
        if let Lint::DisablesList { rule, field } = lint {
            let text = match rules.iter().nth(*rule) {
                Some(rule) => format!("{field} disables its list from this rule on: {rule}"),
                None => format!("{field} disables a list"),
            };
            let remedy = "use the fields that the kernel evaluates there, and no key";
            findings.push(Finding::note(Check::DisabledList, text, remedy));
        }
    }
}

/// Checks a rule of the exclude list: events may lack records, or markers may not come back.
fn check_exclusion(rule: &Rule, findings: &mut Vec<Finding>) {
    let types: Vec<u32> = rule
        .filters
        .iter()
        .filter(|filter| filter.field == FieldId::MSGTYPE && filter.operator == Operator::EQUAL)
        .filter_map(|filter| match filter.value {
            FilterValue::Number(number) => Some(number),
            FilterValue::Text(_) => None,
        })
        .collect();
    let is_of = |wanted: MessageType| types.contains(&u32::from(wanted.number()));
    let text = format!("records are excluded by: {rule}");
    findings.push(if types.is_empty() {
        Finding::missed(Check::Excluded, text, "delete the rule, or exclude a record type")
    } else if is_of(MessageType::TRUSTED_APP) {
        let text = format!("{text}; markers do not come back, so completeness cannot be verified");
        Finding::missed(Check::Excluded, text, "do not exclude TRUSTED_APP")
    } else if is_of(MessageType::EOE) || is_of(MessageType::SYSCALL) {
        let text = format!("{text}; every event of a system call is incomplete");
        Finding::missed(Check::Excluded, text, "do not exclude SYSCALL and EOE")
    } else {
        Finding::note(Check::Excluded, text, "delete the rule if these records are needed")
    });
}

/// Returns how the wanted system calls, or groups of them, are recorded.
pub(super) fn wanted(
    rules: &RuleSet,
    wants: &[String],
    findings: &mut Vec<Finding>,
) -> Vec<CoverageRow> {
    let mut rows = rules.coverage().rows;
    let is_of = |row: &CoverageRow, name: &String| name == row.group || name == row.call;
    for name in wants {
        if !rows.iter().any(|row| is_of(row, name)) {
            let text = format!("{name}: unknown system call or group");
            findings.push(Finding::missed(
                Check::Coverage,
                text,
                "use the names of auditctl, or a group such as process or network",
            ));
        }
    }
    rows.retain(|row| wants.iter().any(|name| is_of(row, name)));
    // a call can be in several groups
    let mut known = Vec::new();
    rows.retain(|row| {
        let is_new = !known.contains(&(row.call, row.argument));
        known.push((row.call, row.argument));
        is_new
    });
    rows
}

/// Finds wanted system calls that no rule records.
pub(super) fn check_coverage(wanted: &[CoverageRow], findings: &mut Vec<Finding>) {
    if wanted.is_empty() {
        return;
    }
    let mut is_covered = true;
    for abi in ["b64", "b32"] {
        for watch in [CallCoverage::Unmatched, CallCoverage::Suppressed, CallCoverage::Conditional]
        {
            let has = |row: &&CoverageRow| watch == if abi == "b64" { row.b64 } else { row.b32 };
            let calls: Vec<&str> = wanted.iter().filter(has).map(|row| row.call).collect();
            if !calls.is_empty() {
                is_covered = false;
                findings.push(lacking(abi, watch, &calls.join(", ")));
            }
        }
    }
    if is_covered {
        let text = format!("all {} wanted calls, on b64 and b32", wanted.len());
        findings.push(Finding::fine(Check::Coverage, text));
    }
    let x32 = wanted.iter().filter(|row| row.x32 == CallCoverage::Unmatchable).count();
    let escapes = |row: &&CoverageRow| {
        matches!(row.io_uring, CallCoverage::Unmatched | CallCoverage::Suppressed)
    };
    let uring: Vec<&str> = wanted.iter().filter(escapes).map(|row| row.call).collect();
    if x32 > 0 && Arch::native() == Some(Arch::X86_64) {
        findings.push(check_x32());
    }
    findings.push(check_io_uring(&uring));
}

/// Returns the finding for system calls that no rule records, or not always.
fn lacking(abi: &str, watch: CallCoverage, calls: &str) -> Finding {
    match watch {
        CallCoverage::Suppressed => Finding::missed(
            Check::Coverage,
            format!("{abi}: a rule suppresses {calls}"),
            "delete the never rule",
        ),
        CallCoverage::Conditional => Finding::note(
            Check::Coverage,
            format!("{abi}: recorded under conditions only: {calls}"),
            "check whether the conditions are intended",
        ),
        _ => Finding::missed(
            Check::Coverage,
            format!("{abi}: no rule records {calls}"),
            "add a rule for them, one with -F arch=b64 and one with -F arch=b32",
        ),
    }
}

/// Checks whether this kernel accepts x32 system calls, which cannot be matched by any rule.
fn check_x32() -> Finding {
    const REMEDY: &str = "boot with syscall.x32=n if the kernel has that parameter, or filter them with \
                          seccomp";
    let switch = fs::read_to_string("/sys/module/syscall/parameters/x32").ok();
    let release = fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
    let config = fs::read_to_string(format!("/boot/config-{}", release.trim())).ok();
    let is_built = config.map(|config| config.contains("\nCONFIG_X86_X32_ABI=y"));
    match (switch.as_deref().map(str::trim), is_built) {
        (Some("N" | "n" | "0"), _) => {
            Finding::fine(Check::X32, "the kernel accepts no x32 system calls")
        }
        (Some(_), _) | (None, Some(true)) => Finding::missed(
            Check::X32,
            "the kernel accepts x32 system calls, which cannot be matched by any rule",
            REMEDY,
        ),
        (None, Some(false)) => Finding::fine(Check::X32, "the kernel has no x32 interface"),
        (None, None) => {
            let text =
                "the kernel may accept x32 system calls, which cannot be matched by any rule";
            Finding::note(Check::X32, text, REMEDY)
        }
    }
}

/// Checks whether wanted system calls can be made as io_uring operations, which rules for system calls do
/// not match.
fn check_io_uring(uncovered: &[&str]) -> Finding {
    if uncovered.is_empty() {
        return Finding::fine(Check::IoUring, "all wanted operations are recorded");
    }
    let text = format!("not recorded as io_uring operations: {}", uncovered.join(", "));
    let disabled = fs::read_to_string("/proc/sys/kernel/io_uring_disabled").ok();
    match disabled.as_deref().map(str::trim) {
        Some("2") => Finding::fine(Check::IoUring, "io_uring is disabled"),
        _ => Finding::missed(
            Check::IoUring,
            text,
            "add rules on the io_uring list, or set kernel.io_uring_disabled to 2",
        ),
    }
}

#[cfg(all(test, target_arch = "x86_64"))]
mod tests {
    use std::iter;

    use super::*;
    use crate::preflight::Level;

    fn findings(lines: &[&str], wants: &[&str]) -> Vec<(Check, Level)> {
        let rules: RuleSet = lines.iter().map(|line| line.parse::<Rule>().expect(line)).collect();
        let wants: Vec<String> = wants.iter().map(ToString::to_string).collect();
        let mut findings = Vec::new();
        check_rules(&rules, &mut findings);
        let rows = wanted(&rules, &wants, &mut findings);
        check_coverage(&rows, &mut findings);
        // x32 depends on the machine, not on the rules
        findings.retain(|finding| finding.check != Check::X32);
        findings.iter().for_each(|finding| {
            assert_eq!(finding.remedy.is_none(), finding.level == Level::Fine, "{finding:?}");
        });
        findings.iter().map(|finding| (finding.check, finding.level)).collect()
    }

    #[test]
    fn each_way_to_miss_something() {
        let never = (Check::NeverTask, Level::Fine);
        assert_eq!(findings(&[], &[]), [never]);
        assert_eq!(findings(&["-a never,task"], &[]), [(Check::NeverTask, Level::Missed)]);
        let exclude = |lines: &[&str]| findings(lines, &[])[1..].to_vec();
        let noted = (Check::Excluded, Level::Note);
        let missed = (Check::Excluded, Level::Missed);
        let ended = (Check::DisabledList, Level::Note);
        assert_eq!(exclude(&["-a always,exclude -F msgtype=CWD"]), [noted]);
        assert_eq!(exclude(&["-a always,exclude -F msgtype=EOE"]), [missed]);
        assert_eq!(exclude(&["-a always,exclude -F msgtype=TRUSTED_APP"]), [missed]);
        assert_eq!(exclude(&["-a always,exclude -F uid=0"]), [missed]);
        // the first ends the list: neither drops anything
        let mut rules: RuleSet =
            ["-a always,exclude -F msgtype=CWD", "-a always,exclude -F msgtype=EOE"]
                .iter()
                .map(|line| line.parse::<Rule>().expect(line))
                .collect();
        let mut first: Vec<Rule> = rules.iter().cloned().collect();
        first[0].filters.push(crate::rule::Filter {
            field: FieldId::KEY,
            operator: Operator::EQUAL,
            value: "k".into(),
        });
        rules = first.into_iter().collect();
        let mut found = Vec::new();
        check_rules(&rules, &mut found);
        let kinds: Vec<_> = found.iter().map(|finding| (finding.check, finding.level)).collect();
        assert_eq!(kinds, [never, ended]);
        // a list that ends earlier does not hide where this one ends
        let mut user: Rule = "-a always,user -F uid=0".parse().expect("a rule");
        user.filters.extend(rules.iter().next().and_then(|rule| rule.filters.last()).cloned());
        let rules: RuleSet = iter::once(user).chain(rules).collect();
        let mut found = Vec::new();
        check_rules(&rules, &mut found);
        let kinds: Vec<_> = found.iter().map(|finding| (finding.check, finding.level)).collect();
        assert_eq!(kinds, [never, ended, ended]);
    }

    #[test]
    fn wanted_calls() {
        let pair = |word: &str, call: &str| {
            ["b64", "b32"].map(|abi| format!("-a {word},exit -F arch={abi} -S {call}"))
        };
        let all = pair("always", "execve");
        let covered = findings(&[&all[0], &all[1]], &["execve"]);
        assert!(covered.contains(&(Check::Coverage, Level::Fine)), "{covered:?}");
        let half = findings(&[&all[0]], &["execve"]);
        assert!(half.contains(&(Check::Coverage, Level::Missed)), "{half:?}");
        let never = pair("never", "execve");
        let never = findings(&[&never[0], &all[0], &all[1]], &["execve"]);
        assert!(never.contains(&(Check::Coverage, Level::Missed)), "{never:?}");
        let unknown = findings(&[], &["no_such_call"]);
        assert!(unknown.contains(&(Check::Coverage, Level::Missed)), "{unknown:?}");
        let twice =
            wanted(&RuleSet::default(), &["process".into(), "code".into()], &mut Vec::new());
        assert_eq!(twice.iter().filter(|row| row.call == "ptrace").count(), 1, "in both groups");
        let condition = findings(&["-a always,exit -F arch=b64 -S kill -F uid=0"], &["kill"]);
        assert!(condition.contains(&(Check::Coverage, Level::Note)), "{condition:?}");
    }
}
