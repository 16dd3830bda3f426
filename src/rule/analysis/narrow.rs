//! Narrowing rules to the system calls that their permissions match, so that the kernel evaluates
//! them at fewer calls.

use crate::arch::{Abi, Arch};
use crate::rule::{FieldId, Filter, List, Operator, Rule, RuleSet};

impl RuleSet {
    /// Narrows rules with permissions to the system calls that these match, on this machine.
    ///
    /// The same events are recorded, with the same keys, and all other system calls are faster. A
    /// watch, which has no arch, becomes one rule for each interface. A rule is unchanged if it has
    /// no `perm=`, or if it names system calls without an arch.
    ///
    /// The calls are those that [the kernel matches](crate::rule::Permissions::kernel_calls): more than
    /// auditctl names, and never fewer, up to Linux 7.2.
    ///
    /// # Examples
    ///
    /// ```
    /// use auditlink::arch::Arch;
    /// use auditlink::{Rule, RuleSet};
    ///
    /// let watch: Rule = "-w /etc/shadow -p x -k id".parse()?;
    /// let narrowed = RuleSet::from(watch).narrowed();
    /// if Arch::native() == Some(Arch::X86_64) {
    ///     let lines: Vec<_> = narrowed.iter().map(ToString::to_string).collect();
    ///     assert_eq!(lines, [
    ///         "-a always,exit -F arch=b64 -S execve,execveat -F path=/etc/shadow -F perm=x -F key=id",
    ///         "-a always,exit -F arch=b32 -S execve,execveat -F path=/etc/shadow -F perm=x -F key=id",
    ///     ]);
    /// }
    /// # Ok::<(), auditlink::rule::RuleError>(())
    /// ```
    #[must_use]
    pub fn narrowed(&self) -> Self {
        self.iter().flat_map(narrowed).collect()
    }
}

/// Returns the rules that replace a rule.
fn narrowed(rule: &Rule) -> Vec<Rule> {
    let is_narrow = |filter: &Filter| filter.required_permissions().is_some();
    if rule.list != List::EXIT || !rule.filters.iter().any(is_narrow) {
        return vec![rule.clone()];
    }
    let narrow = |mut rule: Rule, arch: Arch| {
        let calls = rule.matched_calls_of(arch);
        if !calls.is_empty() {
            rule.syscalls = calls;
        }
        rule
    };
    if let Some(arch) = rule.arch() {
        return vec![narrow(rule.clone(), arch)];
    }
    let has_arch = rule.filters.iter().any(|filter| filter.field == FieldId::ARCH);
    let has_room = rule.filters.len() < Rule::MAX_FIELDS;
    match Arch::native() {
        Some(native) if rule.syscalls.is_all() && !has_arch && has_room => {
            let arches = [Abi::B64, Abi::B32].into_iter().filter_map(|abi| native.abi(abi));
            let with_arch = |arch: Arch| {
                let value = arch.number().into();
                let filter = Filter { field: FieldId::ARCH, operator: Operator::EQUAL, value };
                let mut rule = rule.clone();
                rule.filters.insert(0, filter);
                narrow(rule, arch)
            };
            arches.map(with_arch).collect()
        }
        _ => vec![rule.clone()],
    }
}

#[cfg(all(test, target_arch = "x86_64"))]
mod tests {
    use super::*;
    use crate::rule::{Ownership, Permissions, SyscallMask};

    fn narrow(line: &str) -> Vec<Rule> {
        RuleSet::from(line.parse::<Rule>().expect(line)).narrowed().into_iter().collect()
    }

    #[test]
    fn a_watch_becomes_a_rule_for_each_interface() {
        let rules = narrow("-w /etc/a -p wa -k k");
        let wa = Permissions::WRITE | Permissions::ATTRIBUTE;
        assert_eq!(rules.len(), 2);
        for (rule, arch) in rules.iter().zip([Arch::X86_64, Arch::I386]) {
            assert_eq!((rule.arch(), rule.syscalls), (Some(arch), wa.kernel_calls(arch)));
            assert_eq!(rule.filters[1].to_string(), "path=/etc/a");
            assert_eq!(RuleSet::from(rule.clone()).narrowed(), RuleSet::from(rule.clone()));
        }
    }

    #[test]
    fn a_narrowed_rule_is_loaded_if_the_wide_one_is() {
        for arch in ["b64", "b32"] {
            for perm in ["r", "w", "x", "a", "rwxa"] {
                let line = format!("-a never,exit -F arch={arch} -F dir=/etc -p {perm} -F auid=0");
                let mut wide: Rule = line.parse().expect("a rule");
                wide.syscalls = SyscallMask::ALL;
                let set = RuleSet::from(wide.clone());
                assert!(set.narrowed().plan(&[wide], &Ownership::All).is_done(), "{line}");
            }
        }
    }

    #[test]
    fn other_rules_are_unchanged() {
        for line in [
            "-a always,exit -F arch=b64 -S open -F path=/etc/a",
            "-a always,exit -F perm=w -S unlink",
            "-a always,exit -F arch!=b64 -p w",
            "-a always,exit -F arch=b64 -S read -p w",
            "-a never,task -F pid=1",
        ] {
            assert_eq!(narrow(line), [line.parse::<Rule>().expect(line)], "{line}");
        }
    }
}
