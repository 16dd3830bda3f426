//! Rules that do something else than they seem to.

use std::fmt;

use crate::arch::{Abi, Arch};
use crate::rule::{FieldId, List, Rule, RuleSet, validate};

/// Something odd about a rule, by its index in the set.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Lint {
    /// Calls are named without an arch: the rule is for their numbers, on every interface.
    NoArch {
        /// The rule.
        rule: usize,
        /// A call whose number means another call on the other interface, as far as one does.
        other_meaning: Option<(&'static str, &'static str)>,
    },
    /// The rule is for one interface, and no rule like it is for the other, which has such calls.
    OneInterface {
        /// The rule.
        rule: usize,
        /// The interface that is not watched.
        missing: Abi,
    },
    /// A rule on the list `user` or `exclude` asks for a field that the kernel does not evaluate
    /// there: the rules behind it are not tried any more.
    DisablesList {
        /// The rule.
        rule: usize,
        /// The field.
        field: FieldId,
    },
    /// Calls of the x32 interface escape every rule: their numbers are out of reach.
    X32,
}

impl fmt::Display for Lint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoArch { rule, other_meaning } => {
                write!(f, "rule {}: without arch it is for the numbers of its calls", rule + 1)?;
                match other_meaning {
                    Some((here, there)) => {
                        write!(f, "; that of {here} is {there} on the other interface")
                    }
                    None => Ok(()),
                }
            }
            Self::OneInterface { rule, missing } => {
                let missing = if *missing == Abi::B64 { "b64" } else { "b32" };
                write!(f, "rule {}: there is no rule like it for {missing}", rule + 1)
            }
            Self::DisablesList { rule, field } => {
                write!(f, "rule {}: {field} is not known there, and ends the list", rule + 1)
            }
            Self::X32 => f.write_str("calls of the x32 interface are out of any rule's reach"),
        }
    }
}

impl RuleSet {
    /// Looks for rules that do something else than they seem to, on a machine like this one.
    #[must_use]
    pub fn lint(&self) -> Vec<Lint> {
        let Some(native) = Arch::native() else { return Vec::new() };
        let mut lints = Vec::new();
        for (index, rule) in self.iter().enumerate() {
            if rule.list == List::EXIT {
                lints.extend(self.lint_arch(index, rule, native));
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
        let alike = |one: &Rule| {
            let others = |rule: &Rule| {
                let fields = rule.filters.iter().filter(|filter| filter.field != FieldId::ARCH);
                fields.cloned().collect::<Vec<_>>()
            };
            one.list == rule.list
                && one.action == rule.action
                && one.arch().is_none_or(|arch| arch == other)
                && others(one) == others(rule)
        };
        let has_twin = self.iter().any(alike);
        (has_such_calls && !has_twin).then_some(Lint::OneInterface { rule: index, missing })
    }
}

#[cfg(all(test, target_arch = "x86_64"))]
mod tests {
    use super::*;

    fn lint(lines: &[&str]) -> Vec<String> {
        let rules = lines.iter().map(|line| line.parse::<Rule>().expect(line));
        rules.collect::<RuleSet>().lint().iter().map(Lint::to_string).collect()
    }

    const X32: &str = "calls of the x32 interface are out of any rule's reach";

    #[test]
    fn a_rule_without_arch() {
        let said = lint(&["-a always,exit -S execve -k x"]);
        assert_eq!(
            said,
            [
                "rule 1: without arch it is for the numbers of its calls; that of execve is \
                 oldolduname on the other interface",
                X32
            ]
        );
    }

    #[test]
    fn a_rule_for_one_interface() {
        let b64 = "-a always,exit -F arch=b64 -S execve -k x";
        assert_eq!(lint(&[b64]), ["rule 1: there is no rule like it for b32", X32]);
        assert_eq!(lint(&[b64, "-a always,exit -F arch=b32 -S execve -k x"]), [X32]);
        let only_there = "-a always,exit -F arch=b32 -S socketcall -k x";
        assert_eq!(lint(&[only_there]), [X32], "x86_64 has no such call");
    }

    #[test]
    fn a_rule_that_disables_its_list() {
        let said = lint(&["-a never,user -F a0=1"]);
        assert_eq!(said, ["rule 1: a0 is not known there, and ends the list"]);
        assert_eq!(lint(&["-a never,user -F uid=1"]), [""; 0]);
    }
}
