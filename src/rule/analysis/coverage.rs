//! Which system calls a set of rules watches, on which interface.

use std::fmt;

use crate::arch::{Abi, Arch, uring};
use crate::rule::{Action, FieldId, Filter, List, Rule, RuleSet};

/// How a call is watched.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Watch {
    /// The interface has no such call.
    Absent,
    /// No rule names it.
    No,
    /// Rules name it, under conditions.
    Partly,
    /// A rule records it, whatever the circumstances.
    Yes,
    /// A rule suppresses it before any other could record it.
    Never,
    /// No rule can name it.
    OutOfReach,
}

impl Watch {
    /// Returns the word that the table uses.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Absent => "-",
            Self::No => "no",
            Self::Partly => "partly",
            Self::Yes => "yes",
            Self::Never => "never",
            Self::OutOfReach => "no rule can",
        }
    }
}

/// One call and how it is watched.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct CoverageRow {
    /// What the call is about, such as `process` or `network`.
    pub group: &'static str,
    /// The name of the call.
    pub call: &'static str,
    /// On the 64-bit interface.
    pub b64: Watch,
    /// On the 32-bit interface.
    pub b32: Watch,
    /// On x86_64's x32 interface.
    pub x32: Watch,
    /// As an operation of io_uring.
    pub io_uring: Watch,
}

/// Which calls are watched, and which rules never decide; made by [`RuleSet::coverage`].
///
/// It prints as a table.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Coverage {
    /// The calls, group by group.
    pub rows: Vec<CoverageRow>,
    /// Pairs of indices: the first rule matches whatever the second would, and comes before it.
    pub shadowed: Vec<(usize, usize)>,
}

/// The calls that matter to most who watch a machine.
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

/// Tells whether a call takes the path of a file.
fn takes_path(call: &str) -> bool {
    let is_file = |(group, calls): &(&str, &[&str])| *group == "file" && calls.contains(&call);
    matches!(call, "execve" | "execveat") || GROUPS.iter().any(is_file)
}

/// Tells whether a field holds only for calls that take the path of a file.
const fn is_of_path(field: FieldId) -> bool {
    matches!(
        field,
        FieldId::PATH | FieldId::DIR | FieldId::PERM | FieldId::INODE | FieldId::FILETYPE
    )
}

impl RuleSet {
    /// Tells which of the usual calls are watched, on a machine like this one.
    #[must_use]
    pub fn coverage(&self) -> Coverage {
        let native = Arch::native();
        let on = |abi| native.and_then(|arch| arch.abi(abi));
        let call_on = |arch: Option<Arch>, call: &str| {
            arch.and_then(|arch| Some((arch, arch.syscall_number(call)?)))
                .map_or(Watch::Absent, |(arch, number)| {
                    self.watch(List::EXIT, Some(arch), number, takes_path(call))
                })
        };
        let rows = GROUPS.iter().flat_map(|(group, calls)| {
            calls.iter().map(|call| CoverageRow {
                group,
                call,
                b64: call_on(on(Abi::B64), call),
                b32: call_on(on(Abi::B32), call),
                x32: match native {
                    Some(Arch::X86_64) if Arch::X86_64.syscall_number(call).is_some() => {
                        Watch::OutOfReach
                    }
                    _ => Watch::Absent,
                },
                io_uring: uring::operation_number(call).map_or(Watch::Absent, |number| {
                    self.watch(List::IO_URING, None, number, takes_path(call))
                }),
            })
        });
        Coverage { rows: rows.collect(), shadowed: self.shadowed() }
    }

    /// Walks over the rules as the kernel does, for a call of which nothing else is known.
    ///
    /// A watch on a file names all calls, but only those that take a path can be of it.
    fn watch(&self, list: List, arch: Option<Arch>, number: u32, takes_path: bool) -> Watch {
        let mut partly = false;
        for rule in self {
            if !takes_path && rule.filters.iter().any(|filter| is_of_path(filter.field)) {
                continue;
            }
            let is_for = rule.arch().is_none_or(|one| arch.is_none_or(|other| one == other));
            if rule.list != list || !is_for || !rule.syscalls.contains(number) {
                continue;
            }
            let conditions = rule.conditions().count();
            match (rule.action, conditions) {
                (Action::ALWAYS, 0) if !partly => return Watch::Yes,
                (Action::NEVER, 0) if !partly => return Watch::Never,
                (Action::ALWAYS | Action::NEVER, 0) => return Watch::Partly,
                _ => partly = true,
            }
        }
        if partly { Watch::Partly } else { Watch::No }
    }

    /// Finds rules that can never be the first to match.
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
    /// Iterates over what must hold besides the machine.
    fn conditions(&self) -> impl Iterator<Item = &Filter> {
        let is_condition =
            |filter: &&Filter| ![FieldId::ARCH, FieldId::KEY].contains(&filter.field);
        self.filters.iter().filter(is_condition)
    }

    /// Tells whether this rule matches everything that another does.
    fn shadows(&self, other: &Self) -> bool {
        let fields_hold =
            |filter: &Filter| filter.field == FieldId::KEY || other.filters.contains(filter);
        let words = self.syscalls.words().iter().zip(other.syscalls.words());
        !other.prepend
            && self.list == other.list
            && [List::EXIT, List::IO_URING].contains(&self.list)
            && words.into_iter().all(|(mine, theirs)| theirs & !mine == 0)
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
        let [b64, b32, x32, io_uring] = [row.b64, row.b32, row.x32, row.io_uring].map(Watch::name);
        line(f, [row.group, row.call, b64, b32, x32, io_uring])
    })
}

impl fmt::Display for Coverage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        print_rows(&self.rows, f)?;
        self.shadowed.iter().try_for_each(|(first, second)| {
            writeln!(f, "rule {} never decides: rule {} comes before it", second + 1, first + 1)
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

    fn row(coverage: &Coverage, call: &str) -> [Watch; 4] {
        let row = coverage.rows.iter().find(|row| row.call == call).expect("a row");
        [row.b64, row.b32, row.x32, row.io_uring]
    }

    #[test]
    fn each_interface_by_itself() {
        let coverage = coverage(&[
            "-a never,exit -F arch=b64 -S connect -F uid=0",
            "-a always,exit -F arch=b64 -S execve,connect -k x",
            "-a never,exit -F arch=b32 -S openat",
            "-a always,exit -F arch=b32 -S openat,execve -F auid>=1000 -k x",
            "-a always,io_uring -S openat -k x",
        ]);
        assert_eq!(
            row(&coverage, "execve"),
            [Watch::Yes, Watch::Partly, Watch::OutOfReach, Watch::Absent]
        );
        assert_eq!(
            row(&coverage, "connect"),
            [Watch::Partly, Watch::No, Watch::OutOfReach, Watch::No]
        );
        assert_eq!(
            row(&coverage, "openat"),
            [Watch::No, Watch::Never, Watch::OutOfReach, Watch::Yes]
        );
        assert_eq!(row(&coverage, "stime")[0], Watch::Absent);
    }

    #[test]
    fn a_watch_is_of_calls_that_take_a_path() {
        let coverage = coverage(&["-w /etc/passwd -p wa -k id"]);
        assert_eq!(row(&coverage, "openat")[0], Watch::Partly);
        assert_eq!(row(&coverage, "kill")[0], Watch::No);
        assert_eq!(row(&coverage, "connect")[0], Watch::No);
    }

    #[test]
    fn shadows() {
        let shadowed = coverage(&[
            "-a always,exit -F arch=b64 -S open,close -k a",
            "-a always,exit -F arch=b64 -S open -F uid=0 -k b",
            "-a always,exit -F arch=b32 -S open -k c",
            "-a always,exit -F arch=b64 -S open,read -k d",
        ]);
        assert_eq!(shadowed.shadowed, [(0, 1)]);
        assert!(shadowed.to_string().contains("rule 2 never decides: rule 1 comes before it"));
    }
}
