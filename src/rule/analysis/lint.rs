//! Lints: rules that do something else than they appear to.

use std::fmt;

use crate::arch::{Abi, Arch};
use crate::rule::{FieldId, Filter, List, Rule, RuleSet, validate};

/// A rule that does something else than it appears to; returned by [`RuleSet::lint`].
///
/// Rules are given by their index in the set; messages count from 1.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Lint {
    /// A rule names system calls without an arch, so it matches their numbers on every interface.
    NoArch {
        /// The rule.
        rule: usize,
        /// A system call whose number is another system call on the 32-bit interface, and that
        /// other one.
        other_meaning: Option<(&'static str, &'static str)>,
    },
    /// A rule is for one interface, and the other one, which has the system call too, has no such
    /// rule.
    OneInterface {
        /// The rule.
        rule: usize,
        /// The interface without a rule.
        missing: Abi,
    },
    /// A rule on the list `user` or `exclude` has a field that the kernel does not evaluate there, so
    /// it does not evaluate the rules after it either.
    ///
    /// Source: `kernel/auditfilter.c`, `audit_filter`.
    DisablesList {
        /// The rule.
        rule: usize,
        /// The field.
        field: FieldId,
    },
    /// A rule has permissions and the system calls by which auditctl replaces them, and the kernel
    /// matches more.
    OmitsCalls {
        /// The rule.
        rule: usize,
        /// The system calls that it omits.
        calls: Vec<&'static str>,
    },
    /// System calls of the x32 interface of x86_64: their numbers are above
    /// [`SyscallMask::MAX`](crate::rule::SyscallMask::MAX).
    X32,
}

impl fmt::Display for Lint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoArch { rule, other_meaning } => {
                let rule = rule + 1;
                write!(f, "rule {rule}: without arch it matches numbers on every interface")?;
                match other_meaning {
                    Some((b64, b32)) => write!(f, ", {b64} on b64 and {b32} on b32"),
                    None => Ok(()),
                }
            }
            Self::OneInterface { rule, missing } => {
                let missing = if *missing == Abi::B64 { "b64" } else { "b32" };
                write!(f, "rule {}: no {missing} counterpart", rule + 1)
            }
            Self::DisablesList { rule, field } => {
                let rule = rule + 1;
                write!(f, "rule {rule}: {field} is not evaluated on this list, and ends it")
            }
            Self::OmitsCalls { rule, calls } => {
                write!(f, "rule {}: perm matches also {}", rule + 1, calls.join(", "))
            }
            Self::X32 => f.write_str("x32 system calls cannot be matched by any rule"),
        }
    }
}

impl RuleSet {
    /// Returns the rules that do something else than they appear to, on the architecture of this
    /// machine.
    ///
    /// # Examples
    ///
    /// ```
    /// use auditlink::rule::{Action, FieldId, Lint, List, Operator};
    /// use auditlink::{Rule, RuleSet};
    ///
    /// let rule = Rule::builder(List::USER, Action::NEVER)
    ///     .filter(FieldId::A0, Operator::EQUAL, 1)
    ///     .build()?;
    /// let lints = RuleSet::from(rule).lint();
    /// assert_eq!(lints, [Lint::DisablesList { rule: 0, field: FieldId::A0 }]);
    /// assert_eq!(lints[0].to_string(), "rule 1: a0 is not evaluated on this list, and ends it");
    /// # Ok::<(), auditlink::rule::RuleError>(())
    /// ```
    #[must_use]
    pub fn lint(&self) -> Vec<Lint> {
        let Some(native) = Arch::native() else { return Vec::new() };
        let mut lints = Vec::new();
        for (index, rule) in self.iter().enumerate() {
            if rule.list == List::EXIT {
                lints.extend(self.lint_arch(index, rule, native));
                lints.extend(lint_permissions(index, rule));
            }
            if [List::USER, List::EXCLUDE].contains(&rule.list) {
                let field = rule
                    .filters
                    .iter()
                    .map(|filter| filter.field)
                    .find(|field| !validate::is_evaluated_on_exclude(*field));
                lints.extend(field.map(|field| Lint::DisablesList { rule: index, field }));
            }
        }
        let watches_calls = self.iter().any(|rule| rule.list == List::EXIT);
        if native == Arch::X86_64 && watches_calls {
            lints.push(Lint::X32);
        }
        lints
    }

    fn lint_arch(&self, index: usize, rule: &Rule, native: Arch) -> Option<Lint> {
        if rule.syscalls.is_all() {
            return None;
        }
        let Some(arch) = rule.arch() else {
            let other = native.abi(Abi::B32).filter(|other| *other != native)?;
            let other_meaning = rule.syscalls.iter().find_map(|number| {
                let names = (native.syscall_name(number)?, other.syscall_name(number)?);
                (names.0 != names.1).then_some(names)
            });
            return Some(Lint::NoArch { rule: index, other_meaning });
        };
        let missing = match arch.word_size() {
            Abi::B64 => Abi::B32,
            Abi::B32 => Abi::B64,
        };
        let other = native.abi(missing).filter(|other| *other != arch)?;
        let mut names = rule.syscalls.iter().filter_map(|number| arch.syscall_name(number));
        let has_such_calls = names.any(|name| other.syscall_number(name).is_some());
        let is_counterpart = |one: &Rule| {
            let others = |rule: &Rule| {
                let fields = rule.filters.iter().filter(|filter| filter.field != FieldId::ARCH);
                fields.cloned().collect::<Vec<_>>()
            };
            one.list == rule.list
                && one.action == rule.action
                && one.arch().is_none_or(|arch| arch == other)
                && others(one) == others(rule)
        };
        let has_counterpart = self.iter().any(is_counterpart);
        (has_such_calls && !has_counterpart).then_some(Lint::OneInterface { rule: index, missing })
    }
}

/// Compares the system calls of a rule with those that its permissions match.
fn lint_permissions(index: usize, rule: &Rule) -> Option<Lint> {
    let arch = rule.arch()?;
    let permissions = rule.filters.iter().find_map(Filter::required_permissions)?;
    if !permissions.auditctl_calls(arch).is_subset(rule.syscalls) {
        return None; // other calls were named
    }
    let kernel_calls = permissions.kernel_calls(arch);
    let omitted = kernel_calls.iter().filter(|call| !rule.syscalls.contains(*call));
    let calls: Vec<_> = omitted.filter_map(|call| arch.syscall_name(call)).collect();
    (!calls.is_empty()).then_some(Lint::OmitsCalls { rule: index, calls })
}

#[cfg(all(test, target_arch = "x86_64"))]
mod tests {
    use super::*;

    fn lint(lines: &[&str]) -> Vec<String> {
        let rules = lines.iter().map(|line| line.parse::<Rule>().expect(line));
        rules.collect::<RuleSet>().lint().iter().map(Lint::to_string).collect()
    }

    const X32: &str = "x32 system calls cannot be matched by any rule";

    #[test]
    fn a_rule_without_arch_matches_numbers_on_every_interface() {
        let found = lint(&["-a always,exit -S execve -k x"]);
        assert_eq!(
            found,
            [
                "rule 1: without arch it matches numbers on every interface, execve on b64 and \
                 oldolduname on b32",
                X32
            ]
        );
    }

    #[test]
    fn a_rule_for_one_interface_lacks_its_counterpart() {
        let b64 = "-a always,exit -F arch=b64 -S execve -k x";
        assert_eq!(lint(&[b64]), ["rule 1: no b32 counterpart", X32]);
        assert_eq!(lint(&[b64, "-a always,exit -F arch=b32 -S execve -k x"]), [X32]);
        let only_on_b32 = "-a always,exit -F arch=b32 -S socketcall -k x";
        assert_eq!(lint(&[only_on_b32]), [X32], "x86_64 has no such system call");
    }

    #[test]
    fn a_rule_with_the_calls_of_auditctl_omits_some() {
        let mut wide: Rule = "-a always,exit -F arch=b32 -F path=/a -p a".parse().expect("a rule");
        let permissions = wide.filters.iter().find_map(Filter::permissions).expect("perm");
        assert_eq!(lint_permissions(0, &wide), None);
        wide.syscalls = permissions.auditctl_calls(Arch::I386);
        let lint = lint_permissions(0, &wide).expect("chown32 is missing");
        assert_eq!(lint.to_string(), "rule 1: perm matches also lchown32, fchown32, chown32");
        let named: Rule =
            "-a always,exit -F arch=b32 -S chmod -F path=/a -p a".parse().expect("a rule");
        assert_eq!(lint_permissions(0, &named), None);
    }

    #[test]
    fn a_field_that_is_not_evaluated_ends_its_list() {
        let found = lint(&["-a never,user -F a0=1"]);
        assert_eq!(found, ["rule 1: a0 is not evaluated on this list, and ends it"]);
        assert_eq!(lint(&["-a never,user -F uid=1"]), [""; 0]);
    }
}
