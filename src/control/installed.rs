//! Rules that are removed again.

use super::Control;
use crate::error::Error;
use crate::rule::{Rule, RuleSet};

/// Rules that were added, and are removed when the guard goes; made by
/// [`Control::apply`](crate::Control::apply).
///
/// Dropping the guard removes them too, but cannot tell what went wrong.
#[derive(Debug)]
#[must_use = "the rules are removed as soon as this is dropped"]
pub struct InstalledRules {
    control: Control,
    rules: Vec<Rule>,
}

impl InstalledRules {
    pub(crate) const fn new(control: Control) -> Self {
        Self { control, rules: Vec::new() }
    }

    pub(crate) fn push(&mut self, rule: Rule) {
        self.rules.push(rule);
    }

    /// Returns the rules that the guard will remove; not those that were loaded before.
    #[must_use]
    pub fn rules(&self) -> &[Rule] {
        &self.rules
    }

    /// Removes the rules, the last first. One that somebody else removed already is no error.
    ///
    /// # Errors
    ///
    /// The first error of the kernel; the other rules are tried all the same.
    pub fn remove(mut self) -> Result<(), Error> {
        self.remove_all()
    }

    /// Leaves the rules in the kernel for good.
    pub fn keep(mut self) {
        self.rules.clear();
    }

    fn remove_all(&mut self) -> Result<(), Error> {
        let mut first_error = None;
        while let Some(rule) = self.rules.pop() {
            if let Err(error) = self.control.delete_if_loaded(&rule) {
                first_error.get_or_insert(error);
            }
        }
        first_error.map_or(Ok(()), Err)
    }
}

impl Control {
    /// Adds rules, all or none, and returns a guard that removes them again.
    ///
    /// A rule that is loaded already is left as it is, and is not the guard's to remove.
    ///
    /// # Errors
    ///
    /// As [`add_rule`](Self::add_rule); the rules added before the failing one are removed.
    pub fn apply(&mut self, rules: &RuleSet) -> Result<InstalledRules, Error> {
        let mut installed = InstalledRules::new(Self::open()?);
        for rule in rules {
            match self.add_if_new(rule) {
                Ok(true) => installed.push(rule.clone()),
                Ok(false) => {}
                Err(error) => {
                    return match installed.remove() {
                        Ok(()) => Err(error),
                        Err(second) => Err(Error::new(
                            "take rules back after a failure",
                            second.kind().clone(),
                            "list the rules to see which are loaded",
                        )
                        .with_text(format_args!("first {error}, then {second}"))),
                    };
                }
            }
        }
        Ok(installed)
    }
}

impl Drop for InstalledRules {
    fn drop(&mut self) {
        // whoever wants to know calls `remove`
        let _ = self.remove_all();
    }
}
