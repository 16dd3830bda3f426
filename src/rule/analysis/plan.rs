//! From the rules that are loaded to those that are wanted.

use std::fmt;

use crate::rule::{List, Rule, RuleSet};

/// Whose rules a plan may touch.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Ownership {
    /// All rules are ours: what is not wanted is deleted.
    All,
    /// Ours are the rules with a key that starts so; foreign ones are left alone.
    KeyPrefix(Vec<u8>),
}

impl Ownership {
    /// Tells whether a rule is ours.
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
    /// The rule is loaded, and stands where it should.
    Keep(Rule),
    /// The rule is loaded, ours, and not wanted.
    Delete(Rule),
    /// The rule is not loaded.
    Add(Rule),
    /// The rule is loaded, but behind one that is to come before it: it is deleted and added.
    Move(Rule),
}

/// What is to be done so that the wanted rules are loaded in the wanted order.
///
/// It prints as a diff: a space before what is kept, `-` before what is deleted, `+` before what
/// is added, `>` before what is moved to the end.
/// [`Control::apply_plan`](crate::Control::apply_plan) does it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Plan {
    steps: Vec<Step>,
}

impl Plan {
    /// Returns the steps in the order in which they are to be done.
    #[must_use]
    pub fn steps(&self) -> &[Step] {
        &self.steps
    }

    /// Tells whether everything is as it should be.
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
    /// The kernel adds rules at the end of their list, or in front. So of the wanted rules those are
    /// kept that stand in their order already, and all after the first that does not are moved or
    /// added. A rule that is to be in front (`-A`) is kept wherever it is loaded.
    ///
    /// # Examples
    ///
    /// ```
    /// use auditlink::rule::{Ownership, Rule};
    /// use auditlink::RuleSet;
    ///
    /// let rule = |line: &str| line.parse::<Rule>();
    /// let loaded = [rule("-w /etc/a -p w -k mine")?, rule("-w /etc/b -p w -k theirs")?];
    /// let wanted: RuleSet = [rule("-w /etc/c -p w -k mine")?].into_iter().collect();
    /// let plan = wanted.plan(&loaded, &Ownership::KeyPrefix(b"mine".to_vec()));
    /// assert_eq!(plan.to_string(), "- -w /etc/a -p w -k mine\n+ -w /etc/c -p w -k mine\n");
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

        let mut places: Vec<(List, Option<usize>)> = Vec::new();
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
            // where the next rule of this list may stand to be in order; `None` if none may
            let place = match places.iter_mut().find(|(list, _)| *list == rule.list) {
                Some((_, place)) => place,
                None => {
                    places.push((rule.list, Some(0)));
                    let Some((_, place)) = places.last_mut() else { continue };
                    place
                }
            };
            let kept = place.and_then(loaded_at);
            *place = kept.map(|index| index + 1);
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

    /// Carries a plan out on a list as the kernel would.
    fn carry_out(plan: &Plan, mut list: Vec<Rule>) -> Vec<Rule> {
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
    fn any_order_becomes_the_wanted_one() {
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
            assert_eq!(carry_out(&plan, rules(current)), rules(wanted), "{current} -> {wanted}");
            assert_eq!(plan.is_done(), current == wanted);
        }
    }

    #[test]
    fn foreign_rules_are_left_alone() {
        let set: RuleSet = rules("a2 a1").into_iter().collect();
        let plan = set.plan(&rules("b1 a1 b2 a3"), &Ownership::KeyPrefix(b"a".to_vec()));
        assert_eq!(carry_out(&plan, rules("b1 a1 b2 a3")), rules("b1 b2 a2 a1"));
    }

    #[test]
    fn twins_are_added_once() {
        let set: RuleSet = rules("a a").into_iter().collect();
        assert_eq!(set.plan(&[], &Ownership::All).steps().len(), 1);
    }
}
