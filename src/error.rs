//! The error of every operation that enters the kernel or reads or writes a file.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

use crate::rule::{RuleError, RuleFileErrors};

/// An operation that failed: what was done, with which file or value, and the cause.
///
/// - `Display` suffices for a log line: it names the file, option or value, then the cause.
/// - [`remedy`](Self::remedy) is separate: an instruction for the person at the terminal.
/// - `Debug` prints all of it as text, because a `main` that returns the error prints it with
///   `Debug`. The alternate form (`{:#?}`) shows the structure.
/// - [`kind`](Self::kind) and [`raw_os_error`](Self::raw_os_error) are for programs.
///
/// [`source`](std::error::Error::source) returns the operating system's error where `Display`
/// replaces it by an explanation (`CAP_AUDIT_CONTROL is missing` for `EPERM`), and `None` where
/// `Display` includes it already: no part of a printed chain is repeated.
///
/// # Examples
///
/// ```
/// use auditlink::{ErrorKind, log};
///
/// let error = log::Reader::open("/no/such/file").unwrap_err();
/// assert_eq!(error.to_string(), "/no/such/file: No such file or directory");
/// assert_eq!(error.kind(), &ErrorKind::Io);
/// assert_eq!(error.raw_os_error(), Some(2));
/// assert_eq!(error.remedy(), None);
/// ```
pub struct Error(Box<Inner>);

#[derive(Debug)]
struct Inner {
    operation: &'static str,
    subject: Option<Subject>,
    kind: ErrorKind,
    remedy: Option<&'static str>,
    cause: Option<Cause>,
}

/// What the operation was applied to.
#[derive(Debug)]
enum Subject {
    Path(PathBuf),
    Value(String),
}

#[derive(Debug)]
enum Cause {
    Io(io::Error),
    Rule(RuleError),
    RuleFile(RuleFileErrors),
    Text(String),
}

/// The kind of an [`Error`], for a program to act on.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ErrorKind {
    /// The process lacks a capability.
    NoPermission {
        /// Its name, such as `CAP_AUDIT_CONTROL`.
        capability: &'static str,
    },
    /// The kernel accepts such requests from its initial user and PID namespaces only.
    Namespace,
    /// The kernel sends records to its initial network namespace only.
    Network,
    /// The kernel was built without audit support, or booted with `audit=0`.
    NotSupported,
    /// The audit configuration is locked until the next boot (`enabled` is 2).
    Locked,
    /// Another process is registered as the audit daemon.
    AlreadyRegistered {
        /// The PID that the kernel has registered.
        pid: u32,
        /// The command of that process; `None` if it has exited or is hidden.
        command: Option<String>,
        /// The process that has bound the registered netlink port, if it is another one.
        holder: Option<u32>,
    },
    /// The kernel did not answer in time.
    Timeout,
    /// The kernel dropped answers because the socket's receive buffer was full.
    Overrun,
    /// The rule is already loaded.
    RuleExists,
    /// The rule is not loaded.
    RuleNotFound,
    /// A directory of a path that the kernel looks up does not exist.
    NoSuchPath,
    /// The kernel rejects the rule or value.
    Invalid,
    /// The rule, or the rules file, has a mistake.
    Rule,
    /// The file is not a capture, or is incomplete.
    Capture,
    /// The file is not a log of audit records.
    Log,
    /// The kernel's answer is malformed or unexpected.
    Protocol,
    /// Another error of the operating system; see [`Error::raw_os_error`].
    Io,
}

impl Error {
    /// An error without a subject or cause. `operation` is a phrase such as `add a rule`.
    pub(crate) fn new(
        operation: &'static str,
        kind: ErrorKind,
        remedy: impl Into<Option<&'static str>>,
    ) -> Self {
        let remedy = remedy.into();
        Self(Box::new(Inner { operation, subject: None, kind, remedy, cause: None }))
    }

    /// An error of the operating system that has no kind of its own.
    pub(crate) fn io(operation: &'static str, cause: io::Error) -> Self {
        Self::new(operation, ErrorKind::Io, None).with_io(cause)
    }

    /// Names another operation, of which the one that failed is a part.
    pub(crate) fn with_operation(mut self, operation: &'static str) -> Self {
        self.0.operation = operation;
        self
    }

    /// Names the file that the operation was applied to.
    pub(crate) fn with_path(mut self, path: impl AsRef<Path>) -> Self {
        self.0.subject = Some(Subject::Path(path.as_ref().to_owned()));
        self
    }

    /// Names the option, setting or rule that the operation was applied to, unless one is named.
    pub(crate) fn with_value(mut self, value: impl fmt::Display) -> Self {
        self.0.subject.get_or_insert_with(|| Subject::Value(value.to_string()));
        self
    }

    pub(crate) fn with_io(mut self, cause: io::Error) -> Self {
        self.0.cause = Some(Cause::Io(cause));
        self
    }

    pub(crate) fn with_text(mut self, cause: impl fmt::Display) -> Self {
        self.0.cause = Some(Cause::Text(cause.to_string()));
        self
    }

    /// Returns the kind.
    #[must_use]
    pub const fn kind(&self) -> &ErrorKind {
        &self.0.kind
    }

    /// Returns the operation that failed, such as `add a rule`.
    #[must_use]
    pub const fn operation(&self) -> &'static str {
        self.0.operation
    }

    /// Returns an instruction that may help, such as `run as root, or give the program the
    /// capability`; `None` if there is none.
    #[must_use]
    pub const fn remedy(&self) -> Option<&'static str> {
        self.0.remedy
    }

    /// Returns the file that could not be read or written, if it was opened by its path.
    #[must_use]
    pub fn path(&self) -> Option<&Path> {
        match &self.0.subject {
            Some(Subject::Path(path)) => Some(path),
            _ => None,
        }
    }

    /// Returns the mistake, if a single rule has one.
    #[must_use]
    pub fn rule_error(&self) -> Option<&RuleError> {
        match &self.0.cause {
            Some(Cause::Rule(error)) => Some(error),
            _ => None,
        }
    }

    /// Returns the errors in rules files, each with its file and line, if these were read.
    #[must_use]
    pub fn rule_file_errors(&self) -> Option<&RuleFileErrors> {
        match &self.0.cause {
            Some(Cause::RuleFile(errors)) => Some(errors),
            _ => None,
        }
    }

    /// Returns the operating system's error, if it caused this one.
    #[must_use]
    pub fn io_error(&self) -> Option<&io::Error> {
        match &self.0.cause {
            Some(Cause::Io(error)) => Some(error),
            _ => None,
        }
    }

    /// Returns the errno that the operating system returned, if it returned one.
    #[must_use]
    pub fn raw_os_error(&self) -> Option<i32> {
        self.io_error().and_then(io::Error::raw_os_error)
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Inner { operation, subject, kind, cause, .. } = &*self.0;
        match (subject, cause) {
            (Some(Subject::Path(path)), _) => write!(f, "{}: ", path.display())?,
            (Some(Subject::Value(value)), _) => write!(f, "cannot {operation}: {value}: ")?,
            (None, Some(Cause::Rule(_) | Cause::RuleFile(_))) => {}
            (None, _) => write!(f, "cannot {operation}: ")?,
        }
        match (kind, cause) {
            (_, Some(Cause::Rule(error))) => error.fmt(f),
            (_, Some(Cause::RuleFile(errors))) => errors.fmt(f),
            (ErrorKind::Protocol, Some(Cause::Text(text))) => write!(f, "{kind}: {text}"),
            (_, Some(Cause::Text(text))) => f.write_str(text),
            (ErrorKind::Io, Some(Cause::Io(error))) => write_io(f, error),
            _ => kind.fmt(f),
        }
    }
}

/// Writes an error of the operating system without the errno's number, which
/// [`Error::raw_os_error`] returns.
fn write_io(f: &mut fmt::Formatter<'_>, error: &io::Error) -> fmt::Result {
    let text = error.to_string();
    let suffix = error.raw_os_error().map(|code| format!(" (os error {code})"));
    f.write_str(suffix.and_then(|suffix| text.strip_suffix(&suffix)).unwrap_or(&text))
}

impl fmt::Display for ErrorKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NoPermission { capability } => return write!(f, "{capability} is missing"),
            Self::Namespace => "the process is not in the initial user and PID namespaces",
            Self::Network => "the process is not in the initial network namespace",
            Self::NotSupported => {
                "the kernel was built without audit support, or booted with audit=0"
            }
            Self::Locked => "the audit configuration is locked until the next boot",
            Self::AlreadyRegistered { pid, command, holder } => {
                match command {
                    Some(command) => {
                        write!(f, "process {pid} ({command}) is registered as the audit daemon")?;
                    }
                    None => write!(
                        f,
                        "process {pid} is registered as the audit daemon, but is not running"
                    )?,
                }
                return match holder {
                    Some(holder) => write!(f, ", and process {holder} has bound its netlink port"),
                    None => Ok(()),
                };
            }
            Self::Timeout => "the kernel did not answer in time",
            Self::Overrun => "the kernel dropped answers because the receive buffer was full",
            Self::RuleExists => "the rule is already loaded",
            Self::RuleNotFound => "the rule is not loaded",
            Self::NoSuchPath => "a directory of its path does not exist",
            Self::Invalid => "the kernel rejects the value",
            Self::Rule => "the rule has a mistake",
            Self::Capture => "not a complete capture",
            Self::Log => "not a log of audit records",
            Self::Protocol => "the kernel's answer is invalid",
            Self::Io => "error of the operating system",
        })
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if f.alternate() {
            return self.0.fmt(f);
        }
        write!(f, "{self}")?;
        if let Some(source) = std::error::Error::source(self) {
            write!(f, " ({source})")?;
        }
        match self.remedy() {
            Some(remedy) => write!(f, "; {remedy}"),
            None => Ok(()),
        }
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match &self.0.cause {
            Some(Cause::Io(error)) if self.0.kind != ErrorKind::Io => Some(error),
            _ => None,
        }
    }
}

impl From<RuleError> for Error {
    fn from(cause: RuleError) -> Self {
        let mut error = Self::new("make a rule", ErrorKind::Rule, cause.remedy());
        error.0.cause = Some(Cause::Rule(cause));
        error
    }
}

impl From<RuleFileErrors> for Error {
    fn from(cause: RuleFileErrors) -> Self {
        let mut error = Self::new("read the rules", ErrorKind::Rule, "correct these lines");
        error.0.cause = Some(Cause::RuleFile(cause));
        error
    }
}

#[cfg(test)]
mod tests {
    use std::error::Error as _;

    use super::*;

    const EPERM: i32 = 1;
    const ENOENT: i32 = 2;

    fn os(code: i32) -> io::Error {
        io::Error::from_raw_os_error(code)
    }

    #[test]
    fn an_error_without_subject_names_the_operation_and_the_kind() {
        let error = Error::new("add a rule", ErrorKind::RuleExists, None);
        assert_eq!(error.to_string(), "cannot add a rule: the rule is already loaded");
        assert_eq!(error.remedy(), None);
        assert_eq!(format!("{error:?}"), error.to_string());
    }

    #[test]
    fn an_error_of_the_operating_system_prints_its_text_without_a_number() {
        let error = Error::io("open the audit socket", os(EPERM));
        assert_eq!(error.to_string(), "cannot open the audit socket: Operation not permitted");
        assert_eq!(error.raw_os_error(), Some(EPERM));
        assert!(error.source().is_none(), "Display includes it");
        let other = Error::io("start the pump", io::Error::other("the thread ended"));
        assert_eq!(other.to_string(), "cannot start the pump: the thread ended");
        assert_eq!(other.raw_os_error(), None);
    }

    #[test]
    fn an_error_of_a_file_names_the_file_first() {
        let error = Error::io("open the log", os(ENOENT)).with_path("/no/such/file");
        assert_eq!(error.to_string(), "/no/such/file: No such file or directory");
        assert_eq!(error.path(), Some(Path::new("/no/such/file")));
        assert_eq!(error.operation(), "open the log");
        let error = Error::new("read the capture", ErrorKind::Capture, "give a whole pcap file")
            .with_text("the file ends within message 3")
            .with_path("a.pcap");
        assert_eq!(error.to_string(), "a.pcap: the file ends within message 3");
    }

    #[test]
    fn an_error_of_a_value_names_the_value() {
        let error = Error::new("set the backlog limit", ErrorKind::Invalid, None).with_value(-1);
        assert_eq!(
            error.to_string(),
            "cannot set the backlog limit: -1: the kernel rejects the value"
        );
        let twice = error.with_value(7).to_string();
        assert!(twice.contains(": -1: "), "the innermost value is kept: {twice}");
    }

    #[test]
    fn an_explained_errno_is_the_source() {
        let kind = ErrorKind::NoPermission { capability: "CAP_AUDIT_CONTROL" };
        let error = Error::new("add a rule", kind, "run as root").with_io(os(EPERM));
        assert_eq!(error.to_string(), "cannot add a rule: CAP_AUDIT_CONTROL is missing");
        assert_eq!(error.remedy(), Some("run as root"));
        let source = error.source().map(ToString::to_string);
        assert_eq!(source.as_deref(), Some("Operation not permitted (os error 1)"));
        assert_eq!(
            format!("{error:?}"),
            "cannot add a rule: CAP_AUDIT_CONTROL is missing \
             (Operation not permitted (os error 1)); run as root"
        );
        assert!(format!("{error:#?}").contains("remedy: Some("));
    }

    #[test]
    fn a_text_is_the_cause() {
        let error = Error::new("read the audit status", ErrorKind::Protocol, None)
            .with_text("the answer has no data");
        assert_eq!(
            error.to_string(),
            "cannot read the audit status: the kernel's answer is invalid: the answer has no data"
        );
        let error = Error::new("open the capture", ErrorKind::Capture, None)
            .with_text("the file ends within its header");
        assert_eq!(error.to_string(), "cannot open the capture: the file ends within its header");
    }

    #[test]
    fn a_mistake_in_a_rule_stands_alone() {
        let error = Error::from(RuleError::ArchGiven);
        assert_eq!(error.to_string(), RuleError::ArchGiven.to_string());
        assert_eq!(error.rule_error(), Some(&RuleError::ArchGiven));
        assert_eq!((error.kind(), error.operation()), (&ErrorKind::Rule, "make a rule"));
    }

    #[test]
    fn the_registered_daemon_is_named() {
        let kind = |command: Option<&str>, holder| {
            let command = command.map(str::to_owned);
            ErrorKind::AlreadyRegistered { pid: 7, command, holder }.to_string()
        };
        assert_eq!(
            kind(Some("auditd"), None),
            "process 7 (auditd) is registered as the audit daemon"
        );
        assert_eq!(
            kind(None, Some(9)),
            "process 7 is registered as the audit daemon, but is not running, \
             and process 9 has bound its netlink port"
        );
    }
}
