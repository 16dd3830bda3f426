//! The error of everything that enters the kernel or a file.

use std::fmt;
use std::io;

use crate::rule::RuleError;

/// Says what could not be done, why, and what would help.
///
/// The text names the operation and the remedy; the cause is in
/// [`source`](std::error::Error::source).
pub struct Error(Box<Inner>);

#[derive(Debug)]
struct Inner {
    operation: &'static str,
    kind: ErrorKind,
    remedy: &'static str,
    source: Option<Source>,
}

#[derive(Debug)]
enum Source {
    Io(io::Error),
    Rule(RuleError),
    Text(TextError),
}

/// The kind of an [`Error`], for a program to act on.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ErrorKind {
    /// A capability is missing.
    NoPermission {
        /// Its name, such as `CAP_AUDIT_CONTROL`.
        capability: &'static str,
    },
    /// The kernel takes such requests from its initial user and pid namespace only.
    Namespace,
    /// The kernel sends records to its initial network namespace only.
    Network,
    /// The kernel has no audit system, or it was switched off when it booted (`audit=0`).
    NotSupported,
    /// The configuration is locked until the next boot (`enabled` is 2).
    Locked,
    /// Another process is the audit daemon.
    AlreadyRegistered {
        /// The process that the kernel has on record.
        pid: u32,
        /// Its command, `None` if it is dead or hidden.
        command: Option<String>,
        /// The process that holds the port that the kernel sends to, if it is another one.
        holder: Option<u32>,
    },
    /// The kernel did not answer in time.
    Timeout,
    /// Answers were dropped on their way: there are more than fit into the socket's buffer.
    Overrun,
    /// The rule is loaded already.
    RuleExists,
    /// No such rule is loaded.
    RuleNotFound,
    /// A path that the kernel has to look up does not exist, as far as its last directory.
    NoSuchPath,
    /// The kernel does not take the rule or value.
    Invalid,
    /// A rule is wrong in itself.
    Rule,
    /// A capture is cut off or no capture.
    Capture,
    /// The kernel's answer makes no sense.
    Protocol,
    /// Another error of the operating system.
    Io,
}

impl Error {
    pub(crate) fn new(operation: &'static str, kind: ErrorKind, remedy: &'static str) -> Self {
        Self(Box::new(Inner { operation, kind, remedy, source: None }))
    }

    pub(crate) fn with_io(mut self, source: io::Error) -> Self {
        self.0.source = Some(Source::Io(source));
        self
    }

    pub(crate) fn with_text(mut self, source: impl fmt::Display) -> Self {
        self.0.source = Some(Source::Text(TextError(source.to_string())));
        self
    }

    /// An error of the operating system that has no kind of its own.
    pub(crate) fn io(operation: &'static str, source: io::Error) -> Self {
        Self::new(operation, ErrorKind::Io, "").with_io(source)
    }

    /// Returns the kind.
    #[must_use]
    pub const fn kind(&self) -> &ErrorKind {
        &self.0.kind
    }

    /// Returns what was being done, such as `add a rule`.
    #[must_use]
    pub const fn operation(&self) -> &'static str {
        self.0.operation
    }

    /// Returns what would help, in a sentence; empty if nobody knows.
    #[must_use]
    pub const fn remedy(&self) -> &'static str {
        self.0.remedy
    }

    /// Returns the errno that the operating system gave, if one did.
    #[must_use]
    pub fn raw_os_error(&self) -> Option<i32> {
        match &self.0.source {
            Some(Source::Io(error)) => error.raw_os_error(),
            _ => None,
        }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let inner = &*self.0;
        write!(f, "cannot {}: {}", inner.operation, inner.kind)?;
        if !inner.remedy.is_empty() {
            write!(f, "; {}", inner.remedy)?;
        }
        Ok(())
    }
}

impl fmt::Display for ErrorKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoPermission { capability } => write!(f, "{capability} is missing"),
            Self::Namespace => {
                f.write_str("the process is not in the initial user and pid namespace")
            }
            Self::Network => {
                f.write_str("no records come to another network namespace than the initial one")
            }
            Self::NotSupported => {
                f.write_str("the kernel has no audit system, or it is switched off")
            }
            Self::Locked => f.write_str("the audit configuration is locked until the next boot"),
            Self::AlreadyRegistered { pid, command, holder } => {
                match command {
                    Some(command) => write!(f, "process {pid} ({command}) is the audit daemon")?,
                    None => write!(f, "process {pid} is on record as the audit daemon, but gone")?,
                }
                match holder {
                    Some(holder) => write!(f, ", and process {holder} holds its port"),
                    None => Ok(()),
                }
            }
            Self::Timeout => f.write_str("the kernel did not answer in time"),
            Self::Overrun => f.write_str("answers were dropped on their way"),
            Self::RuleExists => f.write_str("the rule is loaded already"),
            Self::RuleNotFound => f.write_str("no such rule is loaded"),
            Self::NoSuchPath => f.write_str("a directory of its path does not exist"),
            Self::Invalid => f.write_str("the kernel refuses the value"),
            Self::Rule => f.write_str("the rule is wrong"),
            Self::Capture => f.write_str("the capture is not whole"),
            Self::Protocol => f.write_str("the kernel's answer makes no sense"),
            Self::Io => f.write_str("the operating system refuses"),
        }
    }
}

impl fmt::Debug for Error {
    /// Prints the whole story, as a program that returns the error from `main` shows it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")?;
        match std::error::Error::source(self) {
            Some(source) => write!(f, " ({source})"),
            None => Ok(()),
        }
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self.0.source.as_ref()? {
            Source::Io(error) => Some(error),
            Source::Rule(error) => Some(error),
            Source::Text(error) => Some(error),
        }
    }
}

/// A cause that is only words.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
struct TextError(String);

impl From<RuleError> for Error {
    fn from(source: RuleError) -> Self {
        let mut error = Self::new("make a rule", ErrorKind::Rule, "");
        error.0.source = Some(Source::Rule(source));
        error
    }
}
