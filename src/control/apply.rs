//! Carrying out a plan, and taking it back.

use super::Control;
use crate::error::{Error, ErrorKind};
use crate::rule::{Ownership, Plan, Rule, RuleSet, Step};
use crate::wire::status::Enabled;

/// What to do when a step of a plan fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ApplyMode {
    /// Stop, and leave what was done.
    Strict,
    /// Go on with the others.
    BestEffort,
    /// Stop, and put back the rules that were loaded before.
    AllOrNothing,
}

/// What became of a plan; made by [`Control::apply_plan`](crate::Control::apply_plan).
#[derive(Debug)]
#[must_use = "it tells whether the plan was carried out"]
#[non_exhaustive]
pub struct ApplyReport {
    /// The steps that were done, those that there was nothing to do for included.
    pub done: Vec<Step>,
    /// The steps that failed, and why.
    pub failed: Vec<(Step, Error)>,
    /// The configuration is locked, so nothing was tried.
    pub is_locked: bool,
    /// The rules that were loaded before were put back.
    pub is_rolled_back: bool,
}

impl ApplyReport {
    /// Tells whether the rules are now as the plan wanted them.
    #[must_use]
    pub fn is_complete(&self) -> bool {
        self.failed.is_empty() && !self.is_locked && !self.is_rolled_back
    }
}

impl Control {
    /// Carries out a plan made by [`RuleSet::plan`], a request or two for each step.
    ///
    /// A rule to be added that is loaded already, and one to be deleted that is gone, are no
    /// failures. With a locked configuration nothing is tried.
    ///
    /// # Errors
    ///
    /// An error that keeps the plan from being tried, or from being taken back; a step that fails
    /// is in the report.
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
                            self.put_back(before)?;
                            report.is_rolled_back = true;
                            break;
                        }
                    }
                }
            }
        }
        Ok(report)
    }

    /// Does one step.
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

    /// Makes the rules those of an earlier listing, in its order.
    fn put_back(&mut self, before: Vec<Rule>) -> Result<(), Error> {
        const OPERATION: &str = "put the rules back";
        const REMEDY: &str = "list the rules to see which are loaded";
        let wanted: RuleSet = before.iter().cloned().collect();
        let plan = wanted.plan(&self.rules()?, &Ownership::All);
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
