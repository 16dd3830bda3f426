//! Preflight checks: what would be missed on this machine, reported before it is.

mod machine;
mod rules;

use std::fmt;

use crate::control::Control;
use crate::host::procfs;
use crate::netlink::error_map::BOOT_WITH_SUPPORT;
use crate::rule::{CoverageRow, RuleSet, print_rows};
use crate::wire::status::Status;

/// Checks what would prevent this process from receiving the records it needs. It changes nothing.
///
/// # Examples
///
/// ```no_run
/// use auditlink::preflight::Preflight;
///
/// let report = Preflight::new().wants("process").run();
/// print!("{report}");
/// if report.would_miss() {
///     std::process::exit(1);
/// }
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[must_use = "nothing is checked before Preflight::run"]
pub struct Preflight {
    wants: Vec<String>,
    rules: Option<RuleSet>,
    auditing_since: Option<u64>,
}

/// How much a finding matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[expect(clippy::exhaustive_enums, reason = "there are only these three")]
pub enum Level {
    /// Nothing needs to be done.
    Fine,
    /// It may matter.
    Note,
    /// Records are missed because of it, or may be.
    Missed,
}

/// What was checked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Check {
    /// Whether the kernel supports auditing.
    Support,
    /// The capabilities of this process.
    Capabilities,
    /// Whether this process is in the initial user and pid namespace.
    Namespace,
    /// Whether this process is in the initial network namespace.
    Network,
    /// Whether auditing is on.
    Enabled,
    /// Whether rules and settings can be changed.
    Locked,
    /// The registered audit daemon.
    Daemon,
    /// How the kernel was booted.
    Boot,
    /// Processes that were started before auditing was enabled.
    OlderProcesses,
    /// The rate limit.
    RateLimit,
    /// The length of the kernel's queue, and how full it is.
    Backlog,
    /// What happens when the queue is full.
    WaitTime,
    /// What happens when the kernel cannot record.
    Failure,
    /// The counter of lost records.
    Lost,
    /// The receive buffer that the kernel grants this process.
    ReceiveBuffer,
    /// Rules because of which processes are not audited at all.
    NeverTask,
    /// Rules that exclude types of records.
    Excluded,
    /// Rules that end the list they are on.
    DisabledList,
    /// Wanted system calls that no rule records.
    Coverage,
    /// The x32 interface.
    X32,
    /// Operations of io_uring.
    IoUring,
}

impl Level {
    /// Returns the word that the table and the JSON form use.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Fine => "fine",
            Self::Note => "note",
            Self::Missed => "missed",
        }
    }
}

impl Check {
    /// Returns the word that the table and the JSON form use, such as `never_task`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Support => "support",
            Self::Capabilities => "capabilities",
            Self::Namespace => "namespace",
            Self::Network => "network",
            Self::Enabled => "enabled",
            Self::Locked => "locked",
            Self::Daemon => "daemon",
            Self::Boot => "boot",
            Self::OlderProcesses => "older_processes",
            Self::RateLimit => "rate_limit",
            Self::Backlog => "backlog",
            Self::WaitTime => "wait_time",
            Self::Failure => "failure",
            Self::Lost => "lost",
            Self::ReceiveBuffer => "receive_buffer",
            Self::NeverTask => "never_task",
            Self::Excluded => "excluded",
            Self::DisabledList => "disabled_list",
            Self::Coverage => "coverage",
            Self::X32 => "x32",
            Self::IoUring => "io_uring",
        }
    }
}

impl fmt::Display for Level {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

impl fmt::Display for Check {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// The result of a check; it prints as a line of the table.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Finding {
    /// What was checked.
    pub check: Check,
    /// How much it matters.
    pub level: Level,
    /// What was found.
    pub text: String,
    /// An instruction that may help; `None` if nothing needs to be done.
    pub remedy: Option<&'static str>,
}

impl Finding {
    fn fine(check: Check, text: impl Into<String>) -> Self {
        Self { check, level: Level::Fine, text: text.into(), remedy: None }
    }

    fn note(
        check: Check,
        text: impl Into<String>,
        remedy: impl Into<Option<&'static str>>,
    ) -> Self {
        Self { check, level: Level::Note, text: text.into(), remedy: remedy.into() }
    }

    fn missed(check: Check, text: impl Into<String>, remedy: &'static str) -> Self {
        Self { check, level: Level::Missed, text: text.into(), remedy: Some(remedy) }
    }
}

/// The findings; made by [`Preflight::run`]. It prints as a table, followed by a table of the wanted
/// system calls.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Report {
    /// The findings, in the order of [`Check`].
    pub findings: Vec<Finding>,
    /// The processes that were, or may have been, started before auditing was enabled.
    pub older_processes: Vec<procfs::Process>,
    /// How the wanted system calls are recorded, for each ABI.
    pub coverage: Vec<CoverageRow>,
    /// The kernel's status, if this process may read it.
    pub status: Option<Status>,
}

impl Report {
    /// Returns whether records are missed, or may be.
    #[must_use]
    pub fn would_miss(&self) -> bool {
        self.findings.iter().any(|finding| finding.level == Level::Missed)
    }

    /// Iterates over the findings of one check.
    pub fn of(&self, check: Check) -> impl Iterator<Item = &Finding> {
        self.findings.iter().filter(move |finding| finding.check == check)
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:7} {:15} {}", self.level, self.check, self.text)
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for finding in &self.findings {
            writeln!(f, "{finding}")?;
            if let Some(remedy) = finding.remedy {
                writeln!(f, "{:7} {:15} -> {remedy}", "", "")?;
            }
        }
        if !self.coverage.is_empty() {
            writeln!(f)?;
            print_rows(&self.coverage, f)?;
        }
        Ok(())
    }
}

impl Preflight {
    /// Checks everything except the coverage of system calls.
    pub const fn new() -> Self {
        Self { wants: Vec::new(), rules: None, auditing_since: None }
    }

    /// Checks also whether a system call, or a group of them, is recorded. The names are those of the
    /// [coverage](crate::rule::Coverage), such as `process`, `network` or `execve`.
    pub fn wants(mut self, name: impl Into<String>) -> Self {
        self.wants.push(name.into());
        self
    }

    /// Checks these rules instead of those that are loaded.
    pub fn rules(mut self, rules: RuleSet) -> Self {
        self.rules = Some(rules);
        self
    }

    /// Sets when auditing was first enabled, in clock ticks since boot, the unit of the start times in
    /// `/proc/PID/stat`. Processes that were started before are not audited, unless the kernel was booted
    /// with `audit=1`.
    ///
    /// By default it is the start time of the audit daemon. Without a daemon, any process may have been
    /// started before.
    pub const fn auditing_since(mut self, ticks: u64) -> Self {
        self.auditing_since = Some(ticks);
        self
    }

    /// Runs the checks.
    #[must_use]
    pub fn run(&self) -> Report {
        let mut report = Report {
            findings: Vec::new(),
            older_processes: Vec::new(),
            coverage: Vec::new(),
            status: None,
        };
        let mut control = match Control::open() {
            Ok(control) => control,
            Err(error) => {
                let finding =
                    Finding::missed(Check::Support, error.kind().to_string(), BOOT_WITH_SUPPORT);
                report.findings.push(finding);
                return report;
            }
        };
        report.findings.push(Finding::fine(Check::Support, "the kernel supports auditing"));
        machine::check_self(&mut report.findings);
        let (status, loaded) = (control.status(), control.rules());
        if let Ok(status) = &status {
            machine::check_status(status, &mut report.findings);
            machine::check_daemon(status, &mut report.findings);
        }
        let status = status.ok();
        self.check_older_processes(status.as_ref(), &mut report);
        let loaded = loaded.ok().map(|rules| rules.into_iter().collect::<RuleSet>());
        if let Some(rules) = self.rules.as_ref().or(loaded.as_ref()) {
            rules::check_rules(rules, &mut report.findings);
            report.coverage = rules::wanted(rules, &self.wants, &mut report.findings);
            rules::check_coverage(&report.coverage, &mut report.findings);
        }
        report.status = status;
        report.findings.sort_by_key(|finding| finding.check as u8);
        report
    }

    /// Finds the processes that were started before auditing was enabled.
    fn check_older_processes(&self, status: Option<&Status>, report: &mut Report) {
        if procfs::booted_with_audit() {
            report.findings.push(Finding::fine(Check::Boot, "booted with audit=1"));
            let text = "none: auditing was enabled before the first process";
            report.findings.push(Finding::fine(Check::OlderProcesses, text));
            return;
        }
        let text = "not booted with audit=1: processes that were started before auditing was enabled are \
                    not recorded, records are discarded while no daemon is registered, and records that \
                    overflow the queue of a stalled daemon are not counted";
        report.findings.push(Finding::note(Check::Boot, text, BOOT));
        let daemon = status.map(|status| status.pid).filter(|pid| *pid != 0);
        let daemon_since = daemon.and_then(procfs::Process::read).map(|daemon| daemon.start_ticks);
        let since = self.auditing_since.or(daemon_since);
        let mut processes = procfs::processes();
        processes.retain(|process| process.pid != std::process::id());
        processes.retain(|process| since.is_none_or(|since| process.start_ticks < since));
        let finding = if processes.is_empty() {
            Finding::fine(Check::OlderProcesses, "none was started before auditing was enabled")
        } else {
            let what = match (self.auditing_since, daemon_since) {
                (Some(_), _) => "started before auditing was enabled",
                (None, Some(_)) => {
                    "started before the audit daemon, and perhaps before auditing was enabled"
                }
                (None, None) => {
                    "may have started before auditing was enabled; it is unknown when that was"
                }
            };
            let names: Vec<String> =
                processes.iter().take(MAX_NAMES).map(ToString::to_string).collect();
            let more = if processes.len() > MAX_NAMES { ", …" } else { "" };
            let (count, names) = (processes.len(), names.join(", "));
            let text = format!("{count} processes {what}: {names}{more}");
            Finding::missed(Check::OlderProcesses, text, OLDER)
        };
        report.findings.push(finding);
        report.older_processes = processes;
    }
}

/// How many processes the text names. [`Report::older_processes`] has all of them.
const MAX_NAMES: usize = 12;

const BOOT: &str = "boot with audit=1 audit_backlog_limit=8192";
const OLDER: &str = "boot with audit=1, or restart these processes";
