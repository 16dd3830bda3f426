//! Which system calls a set of rules records, on which interface.

use std::fmt;

use crate::arch::{Abi, Arch, uring};
use crate::rule::{Action, FieldId, Filter, List, Rule, RuleSet};

/// Whether rules record a system call on one interface.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum CallCoverage {
    /// The interface has no such system call.
    Absent,
    /// No rule matches it.
    Unmatched,
    /// Rules match it under conditions.
    Conditional,
    /// A rule records it unconditionally.
    Recorded,
    /// A rule suppresses it before another one could record it.
    Suppressed,
    /// No rule can match it.
    Unmatchable,
}

impl CallCoverage {
    /// Returns the word that the table uses.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Absent => "-",
            Self::Unmatched => "no",
            Self::Conditional => "partly",
            Self::Recorded => "yes",
            Self::Suppressed => "never",
            Self::Unmatchable => "no rule can",
        }
    }
}

impl fmt::Display for CallCoverage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// One system call, and whether rules record it.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct CoverageRow {
    /// The group of the system call, such as `process` or `network`.
    pub group: &'static str,
    /// The name of the system call.
    pub call: &'static str,
    /// On the 64-bit interface.
    pub b64: CallCoverage,
    /// On the 32-bit interface.
    pub b32: CallCoverage,
    /// On the x32 interface of x86_64.
    pub x32: CallCoverage,
    /// As an operation of io_uring.
    pub io_uring: CallCoverage,
}

/// Which system calls are recorded, and which rules have no effect; returned by
/// [`RuleSet::coverage`].
///
/// It prints as a table.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Coverage {
    /// The system calls, group by group.
    pub rows: Vec<CoverageRow>,
    /// Pairs of indices: the first rule matches everything that the second one does, and comes
    /// before it.
    pub shadowed: Vec<(usize, usize)>,
}

/// The system calls that most security policies record.
const GROUPS: &[(&str, &[&str])] = &[
    (
        "process",
        &[
            "clone",
            "clone3",
            "fork",
            "vfork",
            "execve",
            "execveat",
            "exit",
            "exit_group",
            "kill",
            "ptrace",
        ],
    ),
    (
        "file",
        &[
            "open",
            "openat",
            "openat2",
            "creat",
            "unlink",
            "unlinkat",
            "rename",
            "renameat",
            "renameat2",
            "link",
            "linkat",
            "symlink",
            "symlinkat",
            "truncate",
            "chmod",
            "fchmod",
            "fchmodat",
            "chown",
            "fchownat",
            "setxattr",
            "mount",
            "umount2",
        ],
    ),
    (
        "network",
        &[
            "socket",
            "socketcall",
            "connect",
            "bind",
            "listen",
            "accept",
            "accept4",
            "sendto",
            "sendmsg",
        ],
    ),
    (
        "identity",
        &[
            "setuid",
            "setgid",
            "setreuid",
            "setregid",
            "setresuid",
            "setresgid",
            "setfsuid",
            "capset",
            "setns",
            "unshare",
        ],
    ),
    ("module", &["init_module", "finit_module", "delete_module", "bpf", "kexec_load"]),
    ("time", &["adjtimex", "clock_adjtime", "clock_settime", "settimeofday", "stime"]),
];

/// Returns whether a system call takes the path of a file.
fn takes_path(call: &str) -> bool {
    let is_file = |(group, calls): &(&str, &[&str])| *group == "file" && calls.contains(&call);
    matches!(call, "execve" | "execveat") || GROUPS.iter().any(is_file)
}

/// Returns whether only system calls that take the path of a file can match a field.
fn needs_path(field: FieldId) -> bool {
    field.spec().is_some_and(|spec| spec.needs_path)
}

impl RuleSet {
    /// Returns which of the system calls that most security policies record are recorded, on the
    /// architecture of this machine.
    ///
    /// # Examples
    ///
    /// ```
    /// use auditlink::Rule;
    /// use auditlink::rule::CallCoverage;
    ///
    /// let rules = Rule::on_exit().syscall("execve").for_both_abis()?;
    /// let coverage = rules.coverage();
    /// let row = |name| coverage.rows.iter().find(|row| row.call == name).expect("a row");
    /// assert_eq!(row("execve").b64, CallCoverage::Recorded);
    /// assert_eq!(row("execveat").b64, CallCoverage::Unmatched);
    /// # Ok::<(), auditlink::rule::RuleError>(())
    /// ```
    #[must_use]
    pub fn coverage(&self) -> Coverage {
        let native = Arch::native();
        let on = |abi| native.and_then(|arch| arch.abi(abi));
        let call_on = |arch: Option<Arch>, call: &str| {
            arch.and_then(|arch| Some((arch, arch.syscall_number(call)?))).map_or(
                CallCoverage::Absent,
                |(arch, number)| {
                    self.call_coverage(List::EXIT, Some(arch), number, takes_path(call))
                },
            )
        };
        let rows = GROUPS.iter().flat_map(|(group, calls)| {
            calls.iter().map(|call| CoverageRow {
                group,
                call,
                b64: call_on(on(Abi::B64), call),
                b32: call_on(on(Abi::B32), call),
                x32: match native {
                    Some(Arch::X86_64) if Arch::X86_64.syscall_number(call).is_some() => {
                        CallCoverage::Unmatchable
                    }
                    _ => CallCoverage::Absent,
                },
                io_uring: uring::operation_number(call).map_or(CallCoverage::Absent, |number| {
                    self.call_coverage(List::IO_URING, None, number, takes_path(call))
                }),
            })
        });
        Coverage { rows: rows.collect(), shadowed: self.shadowed() }
    }

    /// Evaluates the rules in the order of the kernel, for a system call of which only the number is
    /// known.
    ///
    /// A watch on a file is a rule for all system calls, but only those that take a path can match.
    fn call_coverage(
        &self,
        list: List,
        arch: Option<Arch>,
        number: u32,
        takes_path: bool,
    ) -> CallCoverage {
        let mut partly = false;
        for rule in self {
            if !takes_path && rule.filters.iter().any(|filter| needs_path(filter.field)) {
                continue;
            }
            let is_for = rule.arch().is_none_or(|one| arch.is_none_or(|other| one == other));
            if rule.list != list || !is_for || !rule.syscalls.contains(number) {
                continue;
            }
            let conditions = rule.conditions().count();
            match (rule.action, conditions) {
                (Action::ALWAYS, 0) if !partly => return CallCoverage::Recorded,
                (Action::NEVER, 0) if !partly => return CallCoverage::Suppressed,
                (Action::ALWAYS | Action::NEVER, 0) => return CallCoverage::Conditional,
                _ => partly = true,
            }
        }
        if partly { CallCoverage::Conditional } else { CallCoverage::Unmatched }
    }

    /// Returns the rules that can never be the first to match, each with the rule before it.
    fn shadowed(&self) -> Vec<(usize, usize)> {
        let mut pairs = Vec::new();
        for (index, rule) in self.iter().enumerate() {
            let before = self.iter().enumerate().take(index);
            let shadow = before.into_iter().find(|(_, other)| other.shadows(rule));
            pairs.extend(shadow.map(|(other, _)| (other, index)));
        }
        pairs
    }
}

impl Rule {
    /// Iterates over the conditions apart from the architecture.
    fn conditions(&self) -> impl Iterator<Item = &Filter> {
        let is_condition =
            |filter: &&Filter| ![FieldId::ARCH, FieldId::KEY].contains(&filter.field);
        self.filters.iter().filter(is_condition)
    }

    /// Returns whether this rule matches everything that another one does.
    fn shadows(&self, other: &Self) -> bool {
        let fields_hold =
            |filter: &Filter| filter.field == FieldId::KEY || other.filters.contains(filter);
        let words = self.syscalls.words().iter().zip(other.syscalls.words());
        !other.prepend
            && self.list == other.list
            && [List::EXIT, List::IO_URING].contains(&self.list)
            && words.into_iter().all(|(own, others)| others & !own == 0)
            && self.filters.iter().all(fields_hold)
    }
}

/// Prints rows as a table.
pub(crate) fn print_rows(rows: &[CoverageRow], f: &mut fmt::Formatter<'_>) -> fmt::Result {
    let line = |f: &mut fmt::Formatter<'_>, cells: [&str; 6]| {
        let [group, call, b64, b32, x32, io_uring] = cells;
        writeln!(f, "{group:9} {call:14} {b64:7} {b32:7} {x32:12} {io_uring}")
    };
    line(f, ["group", "call", "b64", "b32", "x32", "io_uring"])?;
    rows.iter().try_for_each(|row| {
        let [b64, b32, x32, io_uring] =
            [row.b64, row.b32, row.x32, row.io_uring].map(CallCoverage::name);
        line(f, [row.group, row.call, b64, b32, x32, io_uring])
    })
}

impl fmt::Display for Coverage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        print_rows(&self.rows, f)?;
        self.shadowed.iter().try_for_each(|(first, second)| {
            writeln!(f, "rule {} has no effect: rule {} matches before it", second + 1, first + 1)
        })
    }
}

#[cfg(all(test, target_arch = "x86_64"))]
mod tests {
    use super::*;

    fn coverage(lines: &[&str]) -> Coverage {
        let rules = lines.iter().map(|line| line.parse::<Rule>().expect(line));
        rules.collect::<RuleSet>().coverage()
    }

    fn row(coverage: &Coverage, call: &str) -> [CallCoverage; 4] {
        let row = coverage.rows.iter().find(|row| row.call == call).expect("a row");
        [row.b64, row.b32, row.x32, row.io_uring]
    }

    #[test]
    fn each_interface_is_covered_by_its_own_rules() {
        let coverage = coverage(&[
            "-a never,exit -F arch=b64 -S connect -F uid=0",
            "-a always,exit -F arch=b64 -S execve,connect -k x",
            "-a never,exit -F arch=b32 -S openat",
            "-a always,exit -F arch=b32 -S openat,execve -F auid>=1000 -k x",
            "-a always,io_uring -S openat -k x",
        ]);
        assert_eq!(
            row(&coverage, "execve"),
            [
                CallCoverage::Recorded,
                CallCoverage::Conditional,
                CallCoverage::Unmatchable,
                CallCoverage::Absent
            ]
        );
        assert_eq!(
            row(&coverage, "connect"),
            [
                CallCoverage::Conditional,
                CallCoverage::Unmatched,
                CallCoverage::Unmatchable,
                CallCoverage::Unmatched
            ]
        );
        assert_eq!(
            row(&coverage, "openat"),
            [
                CallCoverage::Unmatched,
                CallCoverage::Suppressed,
                CallCoverage::Unmatchable,
                CallCoverage::Recorded
            ]
        );
        assert_eq!(row(&coverage, "stime")[0], CallCoverage::Absent);
    }

    #[test]
    fn a_watch_covers_system_calls_that_take_a_path() {
        let coverage = coverage(&["-w /etc/passwd -p wa -k id"]);
        assert_eq!(row(&coverage, "openat")[0], CallCoverage::Conditional);
        assert_eq!(row(&coverage, "kill")[0], CallCoverage::Unmatched);
        assert_eq!(row(&coverage, "connect")[0], CallCoverage::Unmatched);
    }

    #[test]
    fn rules_without_effect_are_found() {
        let shadowed = coverage(&[
            "-a always,exit -F arch=b64 -S open,close -k a",
            "-a always,exit -F arch=b64 -S open -F uid=0 -k b",
            "-a always,exit -F arch=b32 -S open -k c",
            "-a always,exit -F arch=b64 -S open,read -k d",
        ]);
        assert_eq!(shadowed.shadowed, [(0, 1)]);
        assert!(shadowed.to_string().contains("rule 2 has no effect: rule 1 matches before it"));
    }
}
