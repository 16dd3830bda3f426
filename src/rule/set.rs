//! Rules in their order.

use super::Rule;

/// Rules in the order in which they are to be on their lists.
///
/// The kernel applies the first rule of a list that matches.
///
/// # Examples
///
/// ```
/// use auditlink::{Rule, RuleSet};
///
/// let mut rules = RuleSet::from("-a never,exit -F exe=/usr/bin/backup".parse::<Rule>()?);
/// rules.push("-w /etc/passwd -p wa -k id".parse()?);
/// assert_eq!(rules.len(), 2);
/// assert!(rules.iter().any(|rule| rule.keys().any(|key| key == b"id")));
/// # Ok::<(), auditlink::rule::RuleError>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RuleSet {
    rules: Vec<Rule>,
}

impl RuleSet {
    /// Adds a rule at the end.
    pub fn push(&mut self, rule: Rule) {
        self.rules.push(rule);
    }

    /// Returns the number of rules.
    #[must_use]
    pub fn len(&self) -> usize {
        self.rules.len()
    }

    /// Returns whether the set is empty.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.rules.is_empty()
    }

    /// Iterates over the rules.
    pub fn iter(&self) -> std::slice::Iter<'_, Rule> {
        self.rules.iter()
    }
}

impl FromIterator<Rule> for RuleSet {
    fn from_iter<I: IntoIterator<Item = Rule>>(rules: I) -> Self {
        Self { rules: rules.into_iter().collect() }
    }
}

impl Extend<Rule> for RuleSet {
    fn extend<I: IntoIterator<Item = Rule>>(&mut self, rules: I) {
        self.rules.extend(rules);
    }
}

impl From<Rule> for RuleSet {
    fn from(rule: Rule) -> Self {
        Self { rules: vec![rule] }
    }
}

impl IntoIterator for RuleSet {
    type Item = Rule;
    type IntoIter = std::vec::IntoIter<Rule>;

    fn into_iter(self) -> Self::IntoIter {
        self.rules.into_iter()
    }
}

impl<'a> IntoIterator for &'a RuleSet {
    type Item = &'a Rule;
    type IntoIter = std::slice::Iter<'a, Rule>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}
