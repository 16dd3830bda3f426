//! Whether a rule matches a system call of which little is known.

use crate::arch::Arch;
use crate::rule::code_loading::CodeCall;
use crate::rule::permission_calls::PermissionMatch;
use crate::rule::{FieldId, Filter, FilterValue, List, Operator, Permissions, Rule};

/// A system call of which the name, and perhaps a flag among the arguments, is known.
pub(super) struct Call {
    pub(super) name: &'static str,
    /// The argument that is known.
    pub(super) code: Option<&'static CodeCall>,
    /// Whether it takes the path of a file, or is about one.
    pub(super) takes_path: bool,
}

/// Whether a condition holds for a call.
enum Outcome {
    Never,
    /// It depends on what is not known.
    Open,
    Always,
}

impl Call {
    /// Returns the conditions of a rule that are open for this call; `None` if the rule cannot match.
    ///
    /// A watch on a file is a rule for all system calls, but only those that take a path can match.
    pub(super) fn open_conditions<'r>(
        &self,
        rule: &'r Rule,
        arch: Option<Arch>,
    ) -> Option<Vec<&'r Filter>> {
        let mut open = Vec::new();
        for filter in &rule.filters {
            match self.outcome(filter, rule.list, arch) {
                Outcome::Never => return None,
                Outcome::Open => open.push(filter),
                Outcome::Always => {}
            }
        }
        Some(open)
    }

    fn outcome(&self, filter: &Filter, list: List, arch: Option<Arch>) -> Outcome {
        let outcome = match filter.field {
            FieldId::KEY => return Outcome::Always,
            FieldId::ARCH => match (arch, &filter.value) {
                (Some(arch), FilterValue::Number(number)) if *number == arch.number() => {
                    Outcome::Always
                }
                (Some(_), _) => Outcome::Never,
                (None, _) => Outcome::Open,
            },
            // the kernel classifies the system call that submits or executes the operation
            FieldId::PERM if list == List::IO_URING => Outcome::Never,
            FieldId::PERM => match filter.permissions().map(|them| them.matches(self.name)) {
                Some(PermissionMatch::None) => Outcome::Never,
                Some(PermissionMatch::All) => Outcome::Always,
                Some(PermissionMatch::ByArgument) | None => Outcome::Open,
            },
            field if field.spec().is_some_and(|spec| spec.needs_path) && !self.takes_path => {
                return Outcome::Never;
            }
            _ => return self.argument_outcome(filter, arch),
        };
        match (filter.operator, outcome) {
            (Operator::EQUAL, outcome) => outcome,
            (Operator::NOT_EQUAL, Outcome::Never) => Outcome::Always,
            (Operator::NOT_EQUAL, Outcome::Always) => Outcome::Never,
            _ => Outcome::Open,
        }
    }

    /// Evaluates a condition on an argument of which one bit is set, and the others are not known.
    fn argument_outcome(&self, filter: &Filter, arch: Option<Arch>) -> Outcome {
        let argument = self.code.zip(arch).and_then(|(code, arch)| code.argument_on(arch));
        match (argument, &filter.value, filter.operator) {
            (Some(argument), FilterValue::Number(bits), Operator::BIT_MASK)
                if argument.field == filter.field && bits & argument.bit != 0 =>
            {
                Outcome::Always
            }
            (Some(argument), FilterValue::Number(bits), Operator::BIT_TEST)
                if argument.field == filter.field && bits & !argument.bit == 0 =>
            {
                Outcome::Always
            }
            _ => Outcome::Open,
        }
    }
}

/// The calls that rules record together.
#[derive(Default)]
pub(super) struct Union<'r> {
    is_complete: bool,
    /// The conditions of rules that have one.
    conditions: Vec<&'r Filter>,
}

impl<'r> Union<'r> {
    /// Adds a rule with these open conditions.
    pub(super) fn add(&mut self, open: Vec<&'r Filter>) {
        match open[..] {
            [] => self.is_complete = true,
            [condition] => self.conditions.push(condition),
            _ => {}
        }
    }

    /// Returns whether each call is matched by one of the rules.
    pub(super) fn is_complete(&self, call: &Call) -> bool {
        let pairs = || {
            let each = self.conditions.iter().enumerate();
            each.flat_map(|(index, one)| {
                self.conditions.iter().skip(index + 1).map(move |other| (one, other))
            })
        };
        let permissions = self.conditions.iter().filter_map(|filter| filter.required_permissions());
        let matches_all =
            permissions.reduce(|one, other| one | other).is_some_and(|permissions: Permissions| {
                permissions.matches(call.name) == PermissionMatch::All
            });
        self.is_complete || matches_all || pairs().any(|(one, other)| call.one_holds(one, other))
    }
}

impl Call {
    /// Returns whether one of two conditions holds for each call.
    fn one_holds(&self, one: &Filter, other: &Filter) -> bool {
        let returns = !["exit", "exit_group"].contains(&self.name);
        let is_known = match one.field {
            // the kernel evaluates neither if the call has not returned
            FieldId::EXIT | FieldId::SUCCESS => returns,
            field => TASK_FIELDS.contains(&field),
        };
        let opposite = match one.operator {
            Operator::EQUAL => Operator::NOT_EQUAL,
            Operator::NOT_EQUAL => Operator::EQUAL,
            Operator::LESS => Operator::GREATER_OR_EQUAL,
            Operator::GREATER_OR_EQUAL => Operator::LESS,
            Operator::GREATER => Operator::LESS_OR_EQUAL,
            Operator::LESS_OR_EQUAL => Operator::GREATER,
            _ => return false,
        };
        let is_opposite = one.value == other.value && other.operator == opposite;
        let is_other_answer = one.field == FieldId::SUCCESS
            && one.value != other.value
            && [one.operator, other.operator] == [Operator::EQUAL; 2];
        is_known && one.field == other.field && (is_opposite || is_other_answer)
    }
}

/// The fields that every task and call has; a field of a file is false without one.
const TASK_FIELDS: &[FieldId] = &[
    FieldId::PID,
    FieldId::PPID,
    FieldId::UID,
    FieldId::EUID,
    FieldId::SUID,
    FieldId::FSUID,
    FieldId::GID,
    FieldId::EGID,
    FieldId::SGID,
    FieldId::FSGID,
    FieldId::AUID,
    FieldId::SESSIONID,
    FieldId::PERS,
    FieldId::A0,
    FieldId::A1,
    FieldId::A2,
    FieldId::A3,
];
