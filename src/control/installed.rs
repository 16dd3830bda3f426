//! A guard that removes rules, and the rules that guards of this process have installed.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use nix::time::ClockId;

use super::Control;
use crate::error::Error;
use crate::host::clock::now;
use crate::rule::{Rule, RuleSet};
use crate::time::Timestamp;

/// A guard for rules that were added; made by [`Control::apply`](crate::Control::apply).
///
/// Dropping the guard removes the rules. [`remove`](Self::remove) does so too, and returns the error.
///
/// Until then this process needs the rules: each [`Receiver`](crate::Receiver) in it reports a record that
/// they were removed as [`Cause::HealthFault`](crate::event::Cause::HealthFault), and a
/// [watchdog](crate::Receiver::watch) can load them again. Removing the guard is not a fault, and no watchdog
/// loads its rules after that.
#[derive(Debug)]
#[must_use = "the rules are removed as soon as this is dropped"]
pub struct InstalledRules {
    control: Control,
    rules: Vec<Rule>,
    /// Rules of others, which were loaded already: they are needed, too.
    others: Vec<Rule>,
}

impl InstalledRules {
    /// Returns the rules that the guard removes.
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

    /// Keeps the rules loaded. This process does not need them any more.
    pub fn keep(mut self) {
        self.others.append(&mut self.rules);
        self.release_others();
    }

    fn release_others(&mut self) {
        let mut needed = needed_rules();
        for rule in self.others.drain(..) {
            release(&mut needed, &rule);
        }
    }

    fn remove_all(&mut self) -> Result<(), Error> {
        let _change = change_of_rules();
        self.release_others();
        // all are released before the first record of a removal: rules share keys. Another guard may need one
        let mut needed = needed_rules();
        self.rules.retain(|rule| release(&mut needed, rule));
        drop(needed);
        let mut first_error = None;
        while let Some(rule) = self.rules.pop() {
            if let Err(error) = self.control.delete_if_loaded(&rule) {
                first_error.get_or_insert(error);
            }
        }
        first_error.map_or(Ok(()), Err)
    }
}

/// A rule that this process needs.
#[derive(Clone, Debug)]
pub(crate) struct NeededRule {
    pub(crate) rule: Rule,
    /// Since when, by the wall clock; `None` while this process itself removes it and adds it again.
    pub(crate) since: Option<Duration>,
}

impl NeededRule {
    fn new(rule: &Rule) -> Self {
        Self { rule: rule.clone(), since: Some(wall()) }
    }

    /// Returns whether it was needed when a record was made that it was removed.
    ///
    /// This process may have removed a predecessor's rule shortly before. If the record is far older, the
    /// clock was set.
    pub(crate) fn was_needed_at(&self, stamp: Timestamp) -> bool {
        let Some(since) = self.since else { return false };
        let age = since.saturating_sub(stamp.since_epoch());
        age.is_zero() || age > LONGEST_DELAY
    }
}

/// How much older than the guard's rule the record of an earlier removal can be.
const LONGEST_DELAY: Duration = Duration::from_secs(60);

/// The rules of all guards of this process, in the order in which they were added.
static NEEDED: Mutex<Vec<NeededRule>> = Mutex::new(Vec::new());

/// Held while a guard adds or removes rules, and while a watchdog compares and repairs them.
static CHANGE: Mutex<()> = Mutex::new(());

/// Returns the rules that this process needs. The lock is never held during a request.
pub(crate) fn needed_rules() -> MutexGuard<'static, Vec<NeededRule>> {
    NEEDED.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Waits until no guard or watchdog of this process changes rules, and prevents it meanwhile.
pub(crate) fn change_of_rules() -> MutexGuard<'static, ()> {
    CHANGE.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Runs a repair that may remove needed rules and add them again. Requires that
/// [`change_of_rules`] is held.
pub(crate) fn while_rules_are_repaired<T>(repair: impl FnOnce() -> T) -> T {
    needed_rules().iter_mut().for_each(|needed| needed.since = None);
    let result = repair();
    let since = Some(wall());
    needed_rules().iter_mut().for_each(|needed| needed.since = since);
    result
}

fn wall() -> Duration {
    now(ClockId::CLOCK_REALTIME)
}

/// Removes a rule of one guard. Returns whether no other guard has it.
fn release(needed: &mut Vec<NeededRule>, rule: &Rule) -> bool {
    if let Some(index) = needed.iter().rposition(|other| other.rule.is_same(rule)) {
        needed.remove(index);
    }
    !needed.iter().any(|other| other.rule.is_same(rule))
}

impl Control {
    /// Adds rules, all or none, and returns a guard that removes them.
    ///
    /// A rule that is already loaded is kept. If it has a key, the guard removes it, too: the key says whose
    /// it is, and a predecessor that was killed may have left it. Rules that it left with the same key but
    /// other contents are removed by [`delete_rules_by_key`](Self::delete_rules_by_key).
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
        let control = Self::open()?;
        let mut installed = InstalledRules { control, rules: Vec::new(), others: Vec::new() };
        let change = change_of_rules();
        for rule in rules {
            // the record of the addition must find it needed
            needed_rules().push(NeededRule::new(rule));
            let error = match self.add_if_new(rule) {
                Ok(is_new) if is_new || rule.keys().next().is_some() => {
                    installed.rules.push(rule.clone());
                    continue;
                }
                Ok(_) => {
                    installed.others.push(rule.clone());
                    continue;
                }
                Err(error) => error,
            };
            release(&mut needed_rules(), rule);
            drop(change);
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
        Ok(installed)
    }
}

impl Drop for InstalledRules {
    fn drop(&mut self) {
        // a caller who needs the error calls `remove`
        let _ = self.remove_all();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rule_of_two_guards_is_released_by_the_last_one() {
        let rule = |text: &str| text.parse::<Rule>().expect("a rule");
        let one = rule("-a always,exit -S getpid -F pid=1 -k one");
        let two = rule("-a always,exit -S getpid -F pid=2 -k two");
        let mut needed: Vec<_> = [&one, &two, &one].map(NeededRule::new).into();
        assert!(!release(&mut needed, &one));
        assert!(release(&mut needed, &one));
        assert_eq!(needed.len(), 1);
        assert!(release(&mut needed, &one), "it was released before");
    }

    #[test]
    fn a_removal_before_the_rule_was_needed_is_not_against_it() {
        let rule = "-a always,exit -S getpid -F pid=1 -k one".parse().expect("a rule");
        let mut needed = NeededRule { rule, since: Some(Duration::from_millis(900_100)) };
        let at = |seconds, millis| Timestamp::new(seconds, millis).expect("a time");
        assert!(needed.was_needed_at(at(900, 100)) && needed.was_needed_at(at(901, 0)));
        assert!(!needed.was_needed_at(at(900, 96)));
        assert!(needed.was_needed_at(at(100, 0)), "the clock was set");
        needed.since = None;
        assert!(!needed.was_needed_at(at(901, 0)));
    }
}
