//! What would be missed on this machine, told before it is.

mod machine;
mod rules;

use std::fmt;

use crate::control::Control;
use crate::host::procfs;
use crate::netlink::error_map::BOOT_WITH_SUPPORT;
use crate::rule::{CoverageRow, RuleSet, print_rows};
use crate::wire::status::Status;

/// Looks, without changing anything, what would keep this process from seeing what it wants.
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
#[must_use = "nothing is looked at before it runs"]
pub struct Preflight {
    wants: Vec<String>,
    rules: Option<RuleSet>,
    auditing_since: Option<u64>,
}

/// How much a finding matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[expect(clippy::exhaustive_enums, reason = "it is well, worth knowing, or bad")]
pub enum Level {
    /// It is as it should be.
    Fine,
    /// It is worth knowing.
    Note,
    /// Because of it, something is or may be missed.
    Missed,
}

/// What was looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Check {
    /// Whether the kernel has an audit system that is switched on.
    Support,
    /// Whether this process has the capabilities.
    Capabilities,
    /// Whether this process is in the initial user and pid namespace.
    Namespace,
    /// Whether this process is in the initial network namespace.
    Network,
    /// Whether auditing is on.
    Enabled,
    /// Whether rules and settings can be changed.
    Locked,
    /// Who is the audit daemon.
    Daemon,
    /// How the kernel was booted.
    Boot,
    /// Which processes are older than auditing.
    OlderProcesses,
    /// The rate limit.
    RateLimit,
    /// The length of the kernel's queue, and how full it is.
    Backlog,
    /// What happens when the queue is full.
    WaitTime,
    /// What happens when the kernel cannot record.
    Failure,
    /// What was lost since the kernel was booted.
    Lost,
    /// How large a receive buffer this process gets.
    ReceiveBuffer,
    /// Rules that keep processes from being audited at all.
    NeverTask,
    /// Rules that drop types of records.
    Excluded,
    /// Rules that end the list they are on.
    DisabledList,
    /// Wanted calls that no rule records.
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

/// One thing that was found.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Finding {
    /// What was looked at.
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

/// All that was found; made by [`Preflight::run`]. It prints as a table, and below it another of the
/// wanted calls.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Report {
    /// The findings, in the order of [`Check`].
    pub findings: Vec<Finding>,
    /// The processes that are, or may be, older than auditing.
    pub older_processes: Vec<procfs::Process>,
    /// How the wanted calls are recorded, on each interface.
    pub coverage: Vec<CoverageRow>,
    /// The status of the kernel, if this process may read it.
    pub status: Option<Status>,
}

impl Report {
    /// Tells whether something is or may be missed.
    #[must_use]
    pub fn would_miss(&self) -> bool {
        self.findings.iter().any(|finding| finding.level == Level::Missed)
    }

    /// Iterates over what was found at one check.
    pub fn of(&self, check: Check) -> impl Iterator<Item = &Finding> {
        self.findings.iter().filter(move |finding| finding.check == check)
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for finding in &self.findings {
            let (level, check) = (finding.level.name(), finding.check.name());
            writeln!(f, "{level:7} {check:15} {}", finding.text)?;
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
    /// Looks at everything but the coverage of calls.
    pub const fn new() -> Self {
        Self { wants: Vec::new(), rules: None, auditing_since: None }
    }

    /// Wants a call, or a group of calls, to be recorded: the names are those of the
    /// [coverage](crate::rule::Coverage), such as `process`, `network` or `execve`.
    pub fn wants(mut self, name: impl Into<String>) -> Self {
        self.wants.push(name.into());
        self
    }

    /// Judges these rules instead of those that are loaded.
    pub fn rules(mut self, rules: RuleSet) -> Self {
        self.rules = Some(rules);
        self
    }

    /// Says when auditing was first turned on, in clock ticks since the kernel was booted: the
    /// unit of the start times in `/proc/PID/stat`. Processes that are older are not audited,
    /// unless the kernel was booted with `audit=1`.
    ///
    /// Without it, the start of the audit daemon is taken for it, or every process counted as
    /// possibly older.
    pub const fn auditing_since(mut self, ticks: u64) -> Self {
        self.auditing_since = Some(ticks);
        self
    }

    /// Looks.
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
        report.findings.push(Finding::fine(Check::Support, "the kernel has an audit system"));
        machine::look_at_self(&mut report.findings);
        let (status, loaded) = (control.status(), control.rules());
        if let Ok(status) = &status {
            machine::look_at_status(status, &mut report.findings);
            machine::look_at_daemon(status, &mut report.findings);
        }
        let status = status.ok();
        self.look_at_ages(status.as_ref(), &mut report);
        let loaded = loaded.ok().map(|rules| rules.into_iter().collect::<RuleSet>());
        if let Some(rules) = self.rules.as_ref().or(loaded.as_ref()) {
            rules::look_at_rules(rules, &mut report.findings);
            report.coverage = rules::wanted(rules, &self.wants, &mut report.findings);
            rules::look_at_coverage(&report.coverage, &mut report.findings);
        }
        report.status = status;
        report.findings.sort_by_key(|finding| finding.check as u8);
        report
    }

    /// Which processes are older than auditing?
    fn look_at_ages(&self, status: Option<&Status>, report: &mut Report) {
        if procfs::booted_with_audit() {
            report.findings.push(Finding::fine(Check::Boot, "booted with audit=1"));
            let text = "none: auditing was on before any process";
            report.findings.push(Finding::fine(Check::OlderProcesses, text));
            return;
        }
        let text = "not booted with audit=1: processes older than auditing are never recorded, what \
                    comes while there is no daemon is gone, and records that a stalled daemon forces \
                    out are not counted";
        report.findings.push(Finding::note(Check::Boot, text, BOOT));
        let daemon = status.map(|status| status.pid).filter(|pid| *pid != 0);
        let daemon_since = daemon.and_then(procfs::Process::read).map(|daemon| daemon.start_ticks);
        let since = self.auditing_since.or(daemon_since);
        let mut processes = procfs::processes();
        processes.retain(|process| process.pid != std::process::id());
        processes.retain(|process| since.is_none_or(|since| process.start_ticks < since));
        let finding = if processes.is_empty() {
            Finding::fine(Check::OlderProcesses, "none is older than auditing")
        } else {
            let what = match (self.auditing_since, daemon_since) {
                (Some(_), _) => "are older than auditing",
                (None, Some(_)) => {
                    "are older than the audit daemon, and may be older than auditing"
                }
                (None, None) => "may be older than auditing: nobody can tell when it was turned on",
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

/// How many processes the text names; the report has them all.
const MAX_NAMES: usize = 12;

const BOOT: &str = "boot with audit=1 audit_backlog_limit=8192";
const OLDER: &str = "boot with audit=1, or restart these processes";
