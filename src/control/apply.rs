//! Applying a plan, and rolling it back.

use super::Control;
use crate::error::{Error, ErrorKind};
use crate::rule::{Ownership, Plan, Rule, RuleSet, Step};
use crate::wire::status::Enabled;

/// What to do when a step of a plan fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ApplyMode {
    /// Stop, and keep the steps that were done.
    Strict,
    /// Continue with the next step.
    BestEffort,
    /// Stop, and restore the rules that were loaded before.
    AllOrNothing,
}

/// The result of applying a plan; made by [`Control::apply_plan`](crate::Control::apply_plan).
#[derive(Debug)]
#[must_use = "steps of the plan may have failed"]
#[non_exhaustive]
pub struct ApplyReport {
    /// The steps that were done, including those that required no change.
    pub done: Vec<Step>,
    /// The steps that failed, with their errors.
    pub failed: Vec<(Step, Error)>,
    /// Whether the configuration is locked, so that no step was tried.
    pub is_locked: bool,
    /// Whether the rules that were loaded before were restored.
    pub is_rolled_back: bool,
}

impl ApplyReport {
    /// Returns whether the loaded rules are those of the plan.
    #[must_use]
    pub fn is_complete(&self) -> bool {
        self.failed.is_empty() && !self.is_locked && !self.is_rolled_back
    }
}

impl Control {
    /// Applies a plan made by [`RuleSet::plan`], with one or two requests for each step.
    ///
    /// Adding a rule that is already loaded, and deleting one that is not, succeeds. If the
    /// configuration is locked, no step is tried.
    ///
    /// # Errors
    ///
    /// An error that prevents the plan from being tried, or from being rolled back. A step that fails
    /// is in the report.
    ///
    /// # Examples
    ///
    /// ```no_run
    /// use auditlink::control::ApplyMode;
    /// use auditlink::rule::{Ownership, process_lifecycle};
    /// use auditlink::Control;
    ///
    /// let mut control = Control::open()?;
    /// let wanted = process_lifecycle().key("procs").for_both_abis()?;
    /// let plan = wanted.plan(&control.rules()?, &Ownership::All);
    /// let report = control.apply_plan(&plan, ApplyMode::AllOrNothing)?;
    /// assert!(report.is_complete(), "{:?}", report.failed);
    /// # Ok::<(), auditlink::Error>(())
    /// ```
    pub fn apply_plan(&mut self, plan: &Plan, mode: ApplyMode) -> Result<ApplyReport, Error> {
        let mut report = ApplyReport {
            done: Vec::new(),
            failed: Vec::new(),
            is_locked: self.status()?.enabled == Enabled::LOCKED,
            is_rolled_back: false,
        };
        if report.is_locked {
            return Ok(report);
        }
        let before = self.rules()?;
        for step in plan.steps() {
            match self.step(step) {
                Ok(()) => report.done.push(step.clone()),
                Err(error) => {
                    report.failed.push((step.clone(), error));
                    match mode {
                        ApplyMode::BestEffort => {}
                        ApplyMode::Strict => break,
                        ApplyMode::AllOrNothing => {
                            self.restore(before)?;
                            report.is_rolled_back = true;
                            break;
                        }
                    }
                }
            }
        }
        Ok(report)
    }

    /// Does one step of a plan.
    pub(crate) fn step(&mut self, step: &Step) -> Result<(), Error> {
        match step {
            Step::Keep(_) => Ok(()),
            Step::Delete(rule) => self.delete_if_loaded(rule),
            Step::Add(rule) => self.add_if_new(rule).map(drop),
            Step::Move(rule) => {
                self.delete_if_loaded(rule)?;
                self.add_rule(rule)
            }
        }
    }

    /// Restores the rules of an earlier listing, in its order.
    fn restore(&mut self, before: Vec<Rule>) -> Result<(), Error> {
        const OPERATION: &str = "restore the rules";
        const REMEDY: &str = "list the rules to see which are loaded";
        let wanted: RuleSet = before.iter().cloned().collect();
        let plan = wanted.exact_plan(&self.rules()?, &Ownership::All);
        for step in plan.steps() {
            self.step(step).map_err(|error| {
                Error::new(OPERATION, error.kind().clone(), REMEDY).with_text(error)
            })?;
        }
        let after = self.rules()?;
        if after.len() == before.len() && after.iter().zip(&before).all(|(a, b)| a.is_same(b)) {
            return Ok(());
        }
        Err(Error::new(OPERATION, ErrorKind::Protocol, REMEDY)
            .with_text("another process changed the rules at the same time"))
    }
}
