//! Which system calls a set of rules records, on which interface.

use std::fmt;

use super::matching::{Call, Union};
use crate::arch::{Abi, Arch, uring};
use crate::rule::code_loading::{CODE_CALLS, CodeCall};
use crate::rule::{Action, FieldId, Filter, List, Operator, Rule, RuleSet};

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
    /// The group of the system call, such as `process`, `network` or `code`.
    pub group: &'static str,
    /// The name of the system call.
    pub call: &'static str,
    /// The flag among its arguments that the row is about; `None` if it is about every call.
    pub argument: Option<&'static str>,
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

/// Returns whether a system call takes the path of a file, or is about one.
fn takes_path(call: &str) -> bool {
    let is_file = |(group, calls): &(&str, &[&str])| *group == "file" && calls.contains(&call);
    let takes_address = ["bind", "connect", "sendto", "sendmsg", "socketcall"].contains(&call);
    takes_address
        || ["execve", "execveat", "uselib", "bpf"].contains(&call)
        || GROUPS.iter().any(is_file)
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
        let named =
            GROUPS.iter().flat_map(|(group, calls)| calls.iter().map(|call| (*group, *call, None)));
        let code = CODE_CALLS.iter().map(|call| ("code", call.name, Some(call)));
        let row = |(group, name, code): (&'static str, &'static str, Option<&'static CodeCall>)| {
            let call = Call { name, code, takes_path: takes_path(name) };
            let on = |abi| {
                let arch = native.and_then(|arch| arch.abi(abi));
                let number = arch.and_then(|arch| Some((arch, arch.syscall_number(call.name)?)));
                number.map_or(CallCoverage::Absent, |(arch, number)| {
                    self.call_coverage(List::EXIT, Some(arch), number, &call)
                })
            };
            CoverageRow {
                group,
                call: call.name,
                argument: call.code.and_then(|code| code.argument).map(|argument| argument.name),
                b64: on(Abi::B64),
                b32: on(Abi::B32),
                x32: match native {
                    Some(Arch::X86_64) if Arch::X86_64.syscall_number(call.name).is_some() => {
                        CallCoverage::Unmatchable
                    }
                    _ => CallCoverage::Absent,
                },
                io_uring: uring::operation_number(call.name)
                    .map_or(CallCoverage::Absent, |number| {
                        self.call_coverage(List::IO_URING, None, number, &call)
                    }),
            }
        };
        Coverage { rows: named.chain(code).map(row).collect(), shadowed: self.shadowed() }
    }

    /// Evaluates the rules in the order of the kernel, for a system call of which the number, and
    /// perhaps a flag among the arguments, is known.
    ///
    /// The first rule that matches decides. Rules that match under conditions leave it open, unless
    /// they record all calls together.
    fn call_coverage(
        &self,
        list: List,
        arch: Option<Arch>,
        number: u32,
        call: &Call,
    ) -> CallCoverage {
        let mut recorded = Union::default();
        let (mut may_be_recorded, mut may_be_suppressed) = (false, false);
        for rule in self {
            if rule.list != list || !rule.syscalls.contains(number) {
                continue;
            }
            let Some(conditions) = call.open_conditions(rule, arch) else { continue };
            let is_certain = conditions.is_empty();
            match rule.action {
                Action::ALWAYS => {
                    may_be_recorded = true;
                    recorded.add(conditions);
                    if recorded.is_complete(call) {
                        return match may_be_suppressed {
                            true => CallCoverage::Conditional,
                            false => CallCoverage::Recorded,
                        };
                    }
                }
                Action::NEVER if is_certain => {
                    return match may_be_recorded {
                        true => CallCoverage::Conditional,
                        false => CallCoverage::Suppressed,
                    };
                }
                _ => may_be_suppressed = true,
            }
        }
        match may_be_recorded || may_be_suppressed {
            true => CallCoverage::Conditional,
            false => CallCoverage::Unmatched,
        }
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
    /// Returns whether this rule matches everything that another one does.
    fn shadows(&self, other: &Self) -> bool {
        let is_implied = |own: &Filter| other.filters.iter().any(|filter| filter.implies(own));
        !other.prepend
            && self.list == other.list
            && [List::EXIT, List::IO_URING].contains(&self.list)
            && other.matched_calls().is_subset(self.syscalls)
            && self.filters.iter().all(|own| own.field == FieldId::KEY || is_implied(own))
    }
}

impl Filter {
    /// Returns whether another condition holds whenever this one does.
    fn implies(&self, other: &Self) -> bool {
        let is_subset = || {
            let (own, others) = (self.permissions()?, other.permissions()?);
            Some(self.operator == Operator::EQUAL && others.contains(own))
        };
        self == other || self.operator == other.operator && is_subset().unwrap_or_default()
    }
}

/// Prints rows as a table.
pub(crate) fn print_rows(rows: &[CoverageRow], f: &mut fmt::Formatter<'_>) -> fmt::Result {
    let line = |f: &mut fmt::Formatter<'_>, cells: [&str; 6]| {
        let [group, call, b64, b32, x32, io_uring] = cells;
        writeln!(f, "{group:9} {call:29} {b64:7} {b32:7} {x32:12} {io_uring}")
    };
    line(f, ["group", "call", "b64", "b32", "x32", "io_uring"])?;
    rows.iter().try_for_each(|row| {
        let [b64, b32, x32, io_uring] =
            [row.b64, row.b32, row.x32, row.io_uring].map(CallCoverage::name);
        let call = [row.call, row.argument.unwrap_or_default()].join(" ");
        line(f, [row.group, call.trim_end(), b64, b32, x32, io_uring])
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
    use crate::rule::{RuleBuilder, SyscallMask, code_loading};

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
    fn only_calls_that_the_permissions_match_are_covered() {
        let found = coverage(&["-w /etc/shadow -p x -k x"]);
        assert_eq!(row(&found, "execve")[..2], [CallCoverage::Conditional; 2]);
        for call in ["open", "openat", "unlink", "chmod", "setxattr", "mount", "bind"] {
            assert_eq!(row(&found, call)[0], CallCoverage::Unmatched, "{call}");
        }
        let found = coverage(&["-a always,exit -F arch=b64 -p wa -k x"]);
        let b64 = |call| row(&found, call)[0];
        assert_eq!([b64("unlink"), b64("chmod"), b64("bind")], [CallCoverage::Recorded; 3]);
        assert_eq!(b64("openat"), CallCoverage::Conditional, "if it is opened for writing");
        assert_eq!([b64("execve"), b64("mount")], [CallCoverage::Unmatched; 2]);
        let mut rule: Rule = "-a always,exit -F arch=b64 -p x".parse().expect("a rule");
        rule.filters[1].operator = Operator::NOT_EQUAL;
        let found = RuleSet::from(rule).coverage();
        let b64 = |call| row(&found, call)[0];
        assert_eq!([b64("execve"), b64("kill")], [CallCoverage::Unmatched, CallCoverage::Recorded]);
        // the kernel has no class for operations of io_uring
        let mut rule: Rule = "-a always,exit -F perm=rw".parse().expect("a rule");
        rule.list = List::IO_URING;
        rule.syscalls = SyscallMask::ALL;
        let found = RuleSet::from(rule).coverage();
        assert_eq!(row(&found, "openat")[3], CallCoverage::Unmatched);
    }

    #[test]
    fn rules_are_covered_by_their_union() {
        let b64 = |lines: &[&str], call: &str| {
            let rule = |line: &&str| format!("-a {line} -F arch=b64 -S all");
            let lines: Vec<String> = lines.iter().map(rule).collect();
            let lines: Vec<&str> = lines.iter().map(String::as_str).collect();
            row(&coverage(&lines), call)[0]
        };
        let lines =
            ["-w /etc/localtime -p wa -k time-change", "-a always,exit -F arch=b64 -S unlink -k d"];
        assert_eq!(row(&coverage(&lines), "unlink")[0], CallCoverage::Recorded);
        for (one, other) in [
            ("-F success=1", "-F success=0"),
            ("-F auid>=1000", "-F auid<1000"),
            ("-F uid=0", "-F uid!=0"),
            ("-F perm=r", "-F perm=w"),
        ] {
            let [one, other, never] = [("always", one), ("always", other), ("never", one)]
                .map(|(action, filter)| format!("{action},exit {filter}"));
            assert_eq!(b64(&[&one], "openat"), CallCoverage::Conditional, "{one}");
            assert_eq!(b64(&[&one, &other], "openat"), CallCoverage::Recorded, "{one} {other}");
            assert_eq!(b64(&[&never, &one, &other], "openat"), CallCoverage::Conditional);
        }
        let never = "never,exit -F uid=0";
        assert_eq!(b64(&["always,exit", never], "kill"), CallCoverage::Recorded);
        assert_eq!(b64(&[never, "always,exit"], "kill"), CallCoverage::Conditional);
        assert_eq!(b64(&[never, "never,exit"], "kill"), CallCoverage::Suppressed);
        assert_eq!(b64(&["always,exit -F uid=0", "never,exit"], "kill"), CallCoverage::Conditional);
        // a call that does not return neither succeeds nor fails
        let both = ["always,exit -F success=1", "always,exit -F success=0"];
        assert_eq!(b64(&both, "exit_group"), CallCoverage::Conditional);
        // a condition that is false without a file
        let both = ["always,exit -F obj_uid=0", "always,exit -F obj_uid!=0"];
        assert_eq!(b64(&both, "openat"), CallCoverage::Conditional);
    }

    #[test]
    fn an_arch_that_a_rule_excludes_is_not_covered() {
        let found = coverage(&["-a always,exit -F arch!=b64 -S all -k x"]);
        let [b64, b32, ..] = row(&found, "execve");
        assert_eq!([b64, b32], [CallCoverage::Unmatched, CallCoverage::Recorded]);
    }

    #[test]
    fn the_rules_on_loading_code_cover_its_group() {
        let rules = code_loading().expect("x86_64").into_iter().map(RuleBuilder::build);
        let rules: RuleSet = rules.collect::<Result<_, _>>().expect("valid rules");
        let covered = rules.coverage();
        for row in covered.rows.iter().filter(|row| row.group == "code") {
            for coverage in [row.b64, row.b32] {
                let is_recorded =
                    [CallCoverage::Recorded, CallCoverage::Absent].contains(&coverage);
                assert!(is_recorded, "{row:?}");
            }
        }
        let mmap = |lines: &[&str]| {
            let rows = coverage(lines).rows;
            let row = rows.iter().find(|row| row.call == "mmap").expect("a row");
            assert_eq!(row.argument, Some("PROT_EXEC"));
            [row.b64, row.b32]
        };
        let (yes, partly, no) =
            (CallCoverage::Recorded, CallCoverage::Conditional, CallCoverage::Unmatched);
        assert_eq!(mmap(&["-a always,exit -S all -F a2&4"]), [yes, partly], "in memory on i386");
        assert_eq!(mmap(&["-a always,exit -S all -F a2&=4"]), [yes, partly]);
        assert_eq!(mmap(&["-a always,exit -S all -F a2&=6"]), [partly, partly]);
        assert_eq!(mmap(&["-a always,exit -F arch=b64 -S mmap -F a2=4"]), [partly, no]);
        assert!(covered.to_string().contains("\ncode      pkey_mprotect PROT_EXEC"));
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
        let permissions = coverage(&[
            "-a always,exit -F arch=b64 -S execve,execveat -F path=/a -p rx -k a",
            "-a always,exit -F arch=b64 -F path=/a -p x -k b",
            "-a always,exit -F arch=b64 -F path=/a -p wx -k c",
        ]);
        assert_eq!(permissions.shadowed, [(0, 1)], "perm=x matches no other call");
    }
}
