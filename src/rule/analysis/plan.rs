//! Plans: the steps from the loaded rules to the wanted ones.

use std::fmt;

use crate::rule::{Action, Filter, List, Rule, RuleSet};

/// Which rules a plan can delete or move.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Ownership {
    /// All: a rule that is not wanted is deleted.
    All,
    /// The rules with a key that starts with this prefix; other rules are kept.
    KeyPrefix(Vec<u8>),
}

impl Ownership {
    /// Returns whether a plan can delete or move a rule.
    #[must_use]
    pub fn owns(&self, rule: &Rule) -> bool {
        match self {
            Self::All => true,
            Self::KeyPrefix(prefix) => rule.keys().any(|key| key.starts_with(prefix)),
        }
    }
}

/// One step of a [`Plan`].
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Step {
    /// The rule is loaded, in the right order.
    Keep(Rule),
    /// The rule is loaded, owned, and not wanted.
    Delete(Rule),
    /// The rule is not loaded.
    Add(Rule),
    /// The rule is loaded, but in the wrong order: it is deleted, and added at the end.
    Move(Rule),
}

/// The steps that load the wanted rules in the wanted order; returned by [`RuleSet::plan`].
///
/// It prints as a diff: a space before a rule that is kept, `-` before one that is deleted, `+`
/// before one that is added, `>` before one that is moved to the end.
/// [`Control::apply_plan`](crate::Control::apply_plan) executes it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Plan {
    steps: Vec<Step>,
}

impl Plan {
    /// Returns the steps in their order.
    #[must_use]
    pub fn steps(&self) -> &[Step] {
        &self.steps
    }

    /// Returns whether no step changes anything.
    #[must_use]
    pub fn is_done(&self) -> bool {
        self.steps.iter().all(|step| matches!(step, Step::Keep(_)))
    }
}

impl fmt::Display for Plan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.steps.iter().try_for_each(|step| match step {
            Step::Keep(rule) => writeln!(f, "  {rule}"),
            Step::Delete(rule) => writeln!(f, "- {rule}"),
            Step::Add(rule) => writeln!(f, "+ {rule}"),
            Step::Move(rule) => writeln!(f, "> {rule}"),
        })
    }
}

impl RuleSet {
    /// Compares the wanted rules with those that are loaded.
    ///
    /// The kernel adds a rule at the end of its list, or at the beginning. Therefore wanted rules that
    /// are loaded in the wanted order are kept, and from the first one that is not, rules are moved
    /// or added at the end. A rule to be added at the beginning (`-A`) is kept wherever it is loaded.
    ///
    /// A rule that differs from a loaded one only in system calls that its permissions do not match,
    /// as [narrowed](Self::narrowed) rules do, is loaded.
    ///
    /// # Examples
    ///
    /// ```
    /// use auditlink::Rule;
    /// use auditlink::rule::Ownership;
    /// use auditlink::RuleSet;
    ///
    /// let rule = |line: &str| line.parse::<Rule>();
    /// let loaded = [
    ///     rule("-a always,exit -S all -F uid=1 -F key=mine")?,
    ///     rule("-w /etc/b -p w -k theirs")?,
    /// ];
    /// let wanted: RuleSet =
    ///     [rule("-a always,exit -S all -F uid=2 -F key=mine")?].into_iter().collect();
    /// let plan = wanted.plan(&loaded, &Ownership::KeyPrefix(b"mine".to_vec()));
    /// assert_eq!(
    ///     plan.to_string(),
    ///     "- -a always,exit -S all -F uid=1 -F key=mine\n\
    ///      + -a always,exit -S all -F uid=2 -F key=mine\n"
    /// );
    /// # Ok::<(), auditlink::rule::RuleError>(())
    /// ```
    #[must_use]
    pub fn plan(&self, current: &[Rule], ownership: &Ownership) -> Plan {
        self.plan_with(current, ownership, |loaded, wanted| {
            loaded.is_same(wanted)
                || loaded.records_as(wanted) && !current.iter().any(|other| other.is_same(wanted))
        })
    }

    /// Compares the wanted rules with those that are loaded, and keeps none that are not the same.
    pub(crate) fn exact_plan(&self, current: &[Rule], ownership: &Ownership) -> Plan {
        self.plan_with(current, ownership, Rule::is_same)
    }

    /// Compares the rules; `is_loaded` returns whether a loaded rule is the wanted one.
    fn plan_with(
        &self,
        current: &[Rule],
        ownership: &Ownership,
        is_loaded: impl Fn(&Rule, &Rule) -> bool,
    ) -> Plan {
        let mut wanted: Vec<&Rule> = Vec::new();
        for rule in self {
            if !wanted.iter().any(|other| other.is_same(rule)) {
                wanted.push(rule);
            }
        }
        let is_wanted = |rule: &Rule| wanted.iter().any(|other| is_loaded(rule, other));
        let unwanted = |rule: &&Rule| ownership.owns(rule) && !is_wanted(rule);
        let mut steps: Vec<Step> =
            current.iter().filter(unwanted).cloned().map(Step::Delete).collect();

        // for each list, the index from which its next rule is in order; `None` if none can be
        let mut next_indices: Vec<(List, Option<usize>)> = Vec::new();
        for rule in wanted {
            let loaded_at = |from: usize| {
                let rest = current.iter().enumerate().skip(from);
                rest.into_iter().find(|(_, other)| is_loaded(other, rule))
            };
            let anywhere = loaded_at(0);
            if rule.prepend {
                steps.push(match anywhere {
                    Some((_, loaded)) => Step::Keep(as_given(loaded, rule)),
                    None => Step::Add(rule.clone()),
                });
                continue;
            }
            let next = match next_indices.iter_mut().find(|(list, _)| *list == rule.list) {
                Some((_, next)) => next,
                None => {
                    next_indices.push((rule.list, Some(0)));
                    let Some((_, next)) = next_indices.last_mut() else { continue };
                    next
                }
            };
            let kept = next.and_then(loaded_at);
            *next = kept.map(|(index, _)| index + 1);
            match (kept, anywhere) {
                (Some((_, loaded)), _) => steps.push(Step::Keep(as_given(loaded, rule))),
                (None, Some((_, loaded))) if loaded.is_same(rule) => {
                    steps.push(Step::Move(rule.clone()));
                }
                (None, Some((_, loaded))) => {
                    steps.extend([Step::Delete(loaded.clone()), Step::Add(rule.clone())]);
                }
                (None, None) => steps.push(Step::Add(rule.clone())),
            }
        }
        Plan { steps }
    }
}

/// Returns the wanted rule, or the loaded one if it is another that stands for it.
fn as_given(loaded: &Rule, wanted: &Rule) -> Rule {
    if loaded.is_same(wanted) { wanted.clone() } else { loaded.clone() }
}

impl Rule {
    /// Returns whether a loaded rule differs from a wanted one only in its system calls, and records
    /// all that the wanted one does.
    fn records_as(&self, wanted: &Self) -> bool {
        let differs_in_calls_only = self.list == wanted.list
            && self.action == wanted.action
            && self.filters == wanted.filters
            && self.tail == wanted.tail;
        let mut permissions = self.filters.iter().filter_map(Filter::required_permissions);
        let (Some(permissions), None) = (permissions.next(), permissions.next()) else {
            return false;
        };
        if !differs_in_calls_only {
            return false;
        }
        let is_narrowed =
            || self.arch().is_some_and(|arch| wanted.syscalls == permissions.auditctl_calls(arch));
        let (own, others) = (self.matched_calls(), wanted.matched_calls());
        // auditctl names fewer calls than the kernel matches on 32-bit interfaces
        own == others || self.action == Action::ALWAYS && self.syscalls.is_all() && is_narrowed()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rule::SyscallMask;

    fn rules(names: &str) -> Vec<Rule> {
        let rule = |name: &str| format!("-w /etc/{name} -p w -k {name}").parse().expect("a rule");
        names.split(' ').filter(|name| !name.is_empty()).map(rule).collect()
    }

    /// Executes a plan on a list as the kernel would.
    fn execute(plan: &Plan, mut list: Vec<Rule>) -> Vec<Rule> {
        for step in plan.steps() {
            match step {
                Step::Keep(rule) => assert!(list.contains(rule)),
                Step::Delete(rule) => list.retain(|other| !other.is_same(rule)),
                Step::Add(rule) => list.push(rule.clone()),
                Step::Move(rule) => {
                    list.retain(|other| !other.is_same(rule));
                    list.push(rule.clone());
                }
            }
        }
        list
    }

    #[test]
    fn every_order_becomes_the_wanted_one() {
        for (current, wanted) in [
            ("", "a b c"),
            ("a b c", ""),
            ("a b c", "a b c"),
            ("b a c", "a b c"),
            ("a c", "a b c"),
            ("x a y b z", "b a"),
            ("c b a", "a b c"),
        ] {
            let set: RuleSet = rules(wanted).into_iter().collect();
            let plan = set.plan(&rules(current), &Ownership::All);
            assert_eq!(execute(&plan, rules(current)), rules(wanted), "{current} -> {wanted}");
            assert_eq!(plan.is_done(), current == wanted);
        }
    }

    #[test]
    fn rules_that_are_not_owned_are_kept() {
        let set: RuleSet = rules("a2 a1").into_iter().collect();
        let plan = set.plan(&rules("b1 a1 b2 a3"), &Ownership::KeyPrefix(b"a".to_vec()));
        assert_eq!(execute(&plan, rules("b1 a1 b2 a3")), rules("b1 b2 a2 a1"));
    }

    #[test]
    #[cfg(target_arch = "x86_64")]
    fn a_narrowed_rule_and_the_one_for_all_calls_are_equal_where_perm_decides() {
        let rule = |arch: &str, calls: &str, perm: &str| -> Rule {
            let line = format!("-a always,exit -F arch={arch} {calls} -F path=/srv/a -p {perm}");
            line.parse().expect("a rule")
        };
        let narrowed = |arch: &str, perm: &str| {
            let mut rule = rule(arch, "", perm);
            let permissions = rule.filters.iter().find_map(Filter::permissions).expect("perm");
            rule.syscalls = permissions.auditctl_calls(rule.arch().expect("an arch"));
            rule
        };
        let plan = |current: &[&Rule], wanted: &Rule| {
            let current: Vec<Rule> = current.iter().copied().cloned().collect();
            let set = RuleSet::from(wanted.clone());
            let plan = set.plan(&current, &Ownership::All);
            assert_eq!(
                set.exact_plan(&current, &Ownership::All).is_done(),
                current == [wanted.clone()]
            );
            let after = execute(&plan, current);
            assert!(set.plan(&after, &Ownership::All).is_done());
            plan.is_done()
        };
        for perm in ["r", "w", "x", "a", "wa", "rwxa"] {
            let (all, few) = (rule("b64", "", perm), narrowed("b64", perm));
            assert!(plan(&[&all], &few) && plan(&[&few], &all), "{perm}");
            // the kernel matches more calls on b32 than auditctl names
            let (all, few) = (rule("b32", "", perm), narrowed("b32", perm));
            assert!(plan(&[&all], &few), "{perm}");
            assert_eq!(plan(&[&few], &all), !perm.contains(['w', 'a']), "{perm}");
        }
        let all = rule("b64", "", "wa");
        let mut never = [all.clone(), narrowed("b32", "a")];
        never.iter_mut().for_each(|rule| rule.action = Action::NEVER);
        assert!(!plan(&[&never[0]], &narrowed("b64", "wa")), "another action");
        let mut more = never[1].clone();
        more.syscalls = SyscallMask::ALL;
        assert!(!plan(&[&more], &never[1]), "it would suppress more");
        assert!(!plan(&[&all], &rule("b64", "-S unlink", "wa")), "fewer calls are wanted");
        // a call that no permission matches makes no difference
        assert!(plan(&[&rule("b64", "-S unlink,read", "wa")], &rule("b64", "-S unlink", "wa")));
        // the rule itself is preferred, and the other one is not needed
        let few = narrowed("b64", "wa");
        let both = RuleSet::from(few.clone()).plan(&[all.clone(), few.clone()], &Ownership::All);
        assert_eq!(both.steps(), [Step::Delete(all), Step::Keep(few)]);
    }

    #[test]
    fn a_rule_that_stands_for_another_is_replaced_to_be_moved() {
        let watch: Rule = "-w /etc/a -p x".parse().expect("a rule");
        let mut few = watch.clone();
        few.syscalls = few.matched_calls();
        let other: Rule = "-w /etc/b -p x".parse().expect("a rule");
        let wanted: RuleSet = [other.clone(), few.clone()].into_iter().collect();
        let plan = wanted.plan(&[watch.clone(), other.clone()], &Ownership::All);
        let steps = [Step::Keep(other), Step::Delete(watch), Step::Add(few)];
        assert_eq!(plan.steps(), steps);
    }

    #[test]
    fn equal_rules_are_added_once() {
        let set: RuleSet = rules("a a").into_iter().collect();
        assert_eq!(set.plan(&[], &Ownership::All).steps().len(), 1);
    }
}
