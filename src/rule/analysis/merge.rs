//! Merging rules, so that the kernel evaluates fewer at each system call.

use crate::rule::{List, Rule, RuleSet};

/// A set of rules in which some were merged; returned by [`RuleSet::merged`].
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Merged {
    /// The rules.
    pub rules: RuleSet,
    /// For each of the rules, the indices of the original rules that it replaces.
    pub origins: Vec<Vec<usize>>,
}

impl Merged {
    /// Iterates over the rules that replace several, with the indices of those.
    pub fn joined(&self) -> impl Iterator<Item = (&Rule, &[usize])> {
        let pairs = self.rules.iter().zip(&self.origins);
        pairs.filter(|(_, origins)| origins.len() > 1).map(|(rule, origins)| (rule, &origins[..]))
    }
}

impl RuleSet {
    /// Merges rules that differ only in their system calls.
    ///
    /// The same events are recorded, with the same keys. The kernel applies the first rule that
    /// matches, so a rule is merged into an earlier one only if no rule between them, with another
    /// action or other keys, can match a system call of the later one.
    ///
    /// # Examples
    ///
    /// ```
    /// use auditlink::{Rule, RuleSet};
    ///
    /// let lines = ["-S unlink -k del", "-S open -k id", "-S rename -k del"];
    /// let rules = lines.map(|line| format!("-a always,exit -F arch=b64 {line}").parse::<Rule>());
    /// let rules: RuleSet = rules.into_iter().collect::<Result<_, _>>()?;
    /// let merged = rules.merged();
    /// assert_eq!(merged.rules.len(), 2);
    /// assert_eq!(merged.origins, [vec![0, 2], vec![1]]);
    /// # Ok::<(), auditlink::rule::RuleError>(())
    /// ```
    #[must_use]
    pub fn merged(&self) -> Merged {
        let mut rules: Vec<Rule> = Vec::new();
        let mut origins: Vec<Vec<usize>> = Vec::new();
        for (index, rule) in self.iter().enumerate() {
            match merge_target(&rules, rule) {
                Some(target) => {
                    if let (Some(into), Some(from)) =
                        (rules.get_mut(target), origins.get_mut(target))
                    {
                        into.syscalls = into.syscalls.union(rule.syscalls);
                        from.push(index);
                    }
                }
                None => {
                    rules.push(rule.clone());
                    origins.push(vec![index]);
                }
            }
        }
        Merged { rules: rules.into_iter().collect(), origins }
    }
}

/// Returns the index of the rule into which another one can be merged.
fn merge_target(rules: &[Rule], rule: &Rule) -> Option<usize> {
    if rule.prepend || ![List::EXIT, List::IO_URING].contains(&rule.list) {
        return None;
    }
    for (index, other) in rules.iter().enumerate().rev() {
        if other.prepend || other.list != rule.list {
            continue; // the kernel evaluates it before both, or on another list
        }
        let differs_in_calls_only =
            other.action == rule.action && other.filters == rule.filters && other.tail == rule.tail;
        if differs_in_calls_only {
            return Some(index);
        }
        if can_conflict(other, rule) {
            return None;
        }
    }
    None
}

/// Returns whether two rules can match the same event with different results.
fn can_conflict(one: &Rule, other: &Rule) -> bool {
    let same_result = one.action == other.action && one.keys().eq(other.keys());
    !same_result && one.overlaps(other)
}

impl Rule {
    /// Returns whether two rules have a system call and an architecture in common.
    pub(super) fn overlaps(&self, other: &Self) -> bool {
        let different_arch = self.arch().zip(other.arch()).is_some_and(|(one, other)| one != other);
        let common = self.matched_calls().intersection(other.matched_calls());
        !different_arch && !common.is_empty()
    }
}

#[cfg(all(test, target_arch = "x86_64"))]
mod tests {
    use super::*;

    fn merged(lines: &[&str]) -> Vec<String> {
        let rules = lines.iter().map(|line| line.parse::<Rule>().expect(line));
        rules.collect::<RuleSet>().merged().rules.iter().map(Rule::to_string).collect()
    }

    #[test]
    fn a_never_rule_between_prevents_merging() {
        let lines = [
            "-a always,exit -F arch=b64 -S open -F key=k",
            "-a never,exit -F arch=b64 -S close -F uid=0",
            "-a always,exit -F arch=b64 -S close -F key=k",
        ];
        assert_eq!(merged(&lines), lines, "the second one suppresses close for uid 0");
        let elsewhere = [lines[0], "-a never,exit -F arch=b32 -S close -F uid=0", lines[2]];
        assert_eq!(merged(&elsewhere).len(), 2, "another architecture does not overlap");
    }

    #[test]
    fn another_key_between_prevents_merging() {
        let lines = [
            "-a always,exit -F arch=b64 -S open -F key=k",
            "-a always,exit -F arch=b64 -S close -F uid=0 -F key=other",
            "-a always,exit -F arch=b64 -S close -F key=k",
        ];
        assert_eq!(merged(&lines).len(), 3);
        let same = [lines[0], "-a always,exit -F arch=b64 -S close -F uid=0 -F key=k", lines[2]];
        assert_eq!(merged(&same).len(), 2, "the same action and key");
    }

    #[test]
    fn a_watch_between_prevents_merging_only_of_calls_that_it_can_match() {
        let lines = [
            "-a always,exit -F arch=b64 -S chmod -F key=k",
            "-a always,exit -S all -F path=/etc/passwd -F perm=wa -F key=id",
            "-a always,exit -F arch=b64 -S fchmod -F key=k",
        ];
        assert_eq!(merged(&lines), lines, "fchmod changes attributes");
        let execution = [lines[0], "-w /etc/passwd -p x -k id", lines[2]];
        assert_eq!(merged(&execution).len(), 2, "no system call that executes is merged");
    }

    #[test]
    fn only_rules_on_system_calls_are_merged() {
        let lines = ["-a never,task -F pid=1", "-a never,task -F pid=1"];
        assert_eq!(merged(&lines).len(), 2);
        let watch = |path: &str| format!("-a always,exit -S all -F path={path} -F perm=w -F key=k");
        let watches = ["-w /etc/a -p w -k k", "-w /etc/b -p w -k k"];
        assert_eq!(merged(&watches), [watch("/etc/a"), watch("/etc/b")]);
    }
}
