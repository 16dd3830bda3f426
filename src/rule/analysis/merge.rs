//! Joining rules, so that the kernel has fewer to try at each system call.

use crate::rule::{List, Rule, RuleSet, SyscallMask};

/// A set of rules in which some were joined; made by [`RuleSet::merged`].
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Merged {
    /// The rules.
    pub rules: RuleSet,
    /// For each of the rules, the indices of those that it was made of; most are made of one.
    pub origins: Vec<Vec<usize>>,
}

impl Merged {
    /// Iterates over the rules that were joined from several, with the indices of those.
    pub fn joined(&self) -> impl Iterator<Item = (&Rule, &[usize])> {
        let pairs = self.rules.iter().zip(&self.origins);
        pairs.filter(|(_, origins)| origins.len() > 1).map(|(rule, origins)| (rule, &origins[..]))
    }
}

impl RuleSet {
    /// Joins rules that differ in nothing but their system calls.
    ///
    /// What is recorded stays the same, and with which key. The kernel takes the first rule that
    /// matches, so a rule moves up to join another only if no rule that it passes would have decided
    /// otherwise: one with another action or other keys, for a system call that both name.
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
            match partner(&rules, rule) {
                Some(place) => {
                    if let (Some(into), Some(from)) = (rules.get_mut(place), origins.get_mut(place))
                    {
                        into.syscalls = union(into.syscalls, rule.syscalls);
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

/// Finds a rule that another can join, walking back until something stands in the way.
fn partner(rules: &[Rule], rule: &Rule) -> Option<usize> {
    if rule.prepend || ![List::EXIT, List::IO_URING].contains(&rule.list) {
        return None;
    }
    for (index, other) in rules.iter().enumerate().rev() {
        if other.prepend || other.list != rule.list {
            continue; // it is tried before both, or not at all
        }
        let is_twin =
            other.action == rule.action && other.filters == rule.filters && other.tail == rule.tail;
        if is_twin {
            return Some(index);
        }
        if may_decide_otherwise(other, rule) {
            return None;
        }
    }
    None
}

/// Tells whether two rules can match the same event and say different things of it.
fn may_decide_otherwise(one: &Rule, other: &Rule) -> bool {
    let says_the_same = one.action == other.action && one.keys().eq(other.keys());
    !says_the_same && one.meets(other)
}

impl Rule {
    /// Tells whether two rules name a common system call on a common machine.
    pub(super) fn meets(&self, other: &Self) -> bool {
        let apart = self.arch().zip(other.arch()).is_some_and(|(one, other)| one != other);
        let words = self.syscalls.words().iter().zip(other.syscalls.words());
        !apart && words.into_iter().any(|(one, other)| one & other != 0)
    }
}

fn union(one: SyscallMask, other: SyscallMask) -> SyscallMask {
    let mut words = *one.words();
    for (word, more) in words.iter_mut().zip(other.words()) {
        *word |= more;
    }
    SyscallMask::from_words(words)
}

#[cfg(all(test, target_arch = "x86_64"))]
mod tests {
    use super::*;

    fn merged(lines: &[&str]) -> Vec<String> {
        let rules = lines.iter().map(|line| line.parse::<Rule>().expect(line));
        rules.collect::<RuleSet>().merged().rules.iter().map(Rule::to_string).collect()
    }

    #[test]
    fn a_never_between_is_a_wall() {
        let lines = [
            "-a always,exit -F arch=b64 -S open -F key=k",
            "-a never,exit -F arch=b64 -S close -F uid=0",
            "-a always,exit -F arch=b64 -S close -F key=k",
        ];
        assert_eq!(merged(&lines), lines, "the second decides close for uid 0");
        let elsewhere = [lines[0], "-a never,exit -F arch=b32 -S close -F uid=0", lines[2]];
        assert_eq!(merged(&elsewhere).len(), 2, "another machine's calls are no matter");
    }

    #[test]
    fn another_key_between_is_a_wall_too() {
        let lines = [
            "-a always,exit -F arch=b64 -S open -F key=k",
            "-a always,exit -F arch=b64 -S close -F uid=0 -F key=other",
            "-a always,exit -F arch=b64 -S close -F key=k",
        ];
        assert_eq!(merged(&lines).len(), 3);
        let same = [lines[0], "-a always,exit -F arch=b64 -S close -F uid=0 -F key=k", lines[2]];
        assert_eq!(merged(&same).len(), 2, "the same key says the same");
    }

    #[test]
    fn only_rules_on_calls_are_joined() {
        let lines = ["-a never,task -F pid=1", "-a never,task -F pid=1"];
        assert_eq!(merged(&lines).len(), 2);
        let watch = ["-w /etc/a -p w -k k", "-w /etc/b -p w -k k"];
        assert_eq!(merged(&watch), watch);
    }
}
