//! A guard that removes rules.

use super::Control;
use crate::error::Error;
use crate::rule::{Rule, RuleSet};

/// A guard for rules that were added; made by [`Control::apply`](crate::Control::apply).
///
/// Dropping the guard removes the rules. [`remove`](Self::remove) does so too, and returns the error.
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

    /// Returns the rules that the guard removes; rules that were loaded before are not among them.
    #[must_use]
    pub fn rules(&self) -> &[Rule] {
        &self.rules
    }

    /// Removes the rules, the last first. A rule that is not loaded any more is skipped.
    ///
    /// # Errors
    ///
    /// The first error; the other rules are removed nevertheless.
    pub fn remove(mut self) -> Result<(), Error> {
        self.remove_all()
    }

    /// Keeps the rules loaded.
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
    /// Adds rules, all or none, and returns a guard that removes them.
    ///
    /// A rule that is already loaded is kept, and is not removed by the guard.
    ///
    /// # Errors
    ///
    /// Those of [`add_rule`](Self::add_rule); the rules added before the failing one are removed.
    ///
    /// # Examples
    ///
    /// ```no_run
    /// use auditlink::Control;
    /// use auditlink::rule::process_lifecycle;
    ///
    /// let rules = process_lifecycle().key("procs").for_both_abis()?;
    /// let installed = Control::open()?.apply(&rules)?;
    /// assert!(installed.rules().len() <= rules.len());
    /// installed.remove()?;
    /// # Ok::<(), auditlink::Error>(())
    /// ```
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
                            "remove rules after a failure",
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
        // a caller who needs the error calls `remove`
        let _ = self.remove_all();
    }
}
