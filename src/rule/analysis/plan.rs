//! Plans: the steps from the loaded rules to the wanted ones.

use std::fmt;

use crate::rule::{List, Rule, RuleSet};

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
        let mut wanted: Vec<&Rule> = Vec::new();
        for rule in self {
            if !wanted.iter().any(|other| other.is_same(rule)) {
                wanted.push(rule);
            }
        }
        let is_wanted = |rule: &Rule| wanted.iter().any(|other| other.is_same(rule));
        let unwanted = |rule: &&Rule| ownership.owns(rule) && !is_wanted(rule);
        let mut steps: Vec<Step> =
            current.iter().filter(unwanted).cloned().map(Step::Delete).collect();

        // for each list, the index from which its next rule is in order; `None` if none can be
        let mut next_indices: Vec<(List, Option<usize>)> = Vec::new();
        for rule in wanted {
            let loaded_at = |from: usize| {
                let rest = current.iter().enumerate().skip(from);
                rest.into_iter().find(|(_, other)| other.is_same(rule)).map(|(index, _)| index)
            };
            let anywhere = loaded_at(0);
            if rule.prepend {
                steps.push(match anywhere {
                    Some(_) => Step::Keep(rule.clone()),
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
            *next = kept.map(|index| index + 1);
            steps.push(match (kept, anywhere) {
                (Some(_), _) => Step::Keep(rule.clone()),
                (None, Some(_)) => Step::Move(rule.clone()),
                (None, None) => Step::Add(rule.clone()),
            });
        }
        Plan { steps }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
    fn equal_rules_are_added_once() {
        let set: RuleSet = rules("a a").into_iter().collect();
        assert_eq!(set.plan(&[], &Ownership::All).steps().len(), 1);
    }
}
