//! The normalized form of an event: subject, action, objects, outcome.

mod object;
mod subject;

use std::fmt;

pub use self::object::Object;
pub use self::subject::Subject;
use super::{Event, EventKind};
use crate::bytestr::ByteStr;
use crate::constants::Errno;
use crate::message_type::MessageType;
use crate::record::view::{Avc, UserMessage};
use crate::record::{Record, Value};

/// How an action ended.
///
/// # Examples
///
/// ```
/// use auditlink::constants::Errno;
/// use auditlink::event::Outcome;
///
/// assert_eq!(Outcome::Failure(Some(Errno::new(13))).to_string(), "EACCES");
/// assert_eq!(Outcome::Success.name(), "success");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[expect(clippy::exhaustive_enums, reason = "it succeeded, it failed, or this is unknown")]
pub enum Outcome {
    /// The action succeeded, or was allowed.
    Success,
    /// The action failed, or was denied; with the error number if the event contains one.
    Failure(Option<Errno>),
    /// The event does not contain an outcome.
    Unknown,
}

impl Outcome {
    /// Returns the name that the JSON form uses: `success`, `failure` or `unknown`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Success => "success",
            Self::Failure(_) => "failure",
            Self::Unknown => "unknown",
        }
    }

    const fn of(result: Option<bool>) -> Self {
        match result {
            Some(true) => Self::Success,
            Some(false) => Self::Failure(None),
            None => Self::Unknown,
        }
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Failure(Some(errno)) => fmt::Display::fmt(errno, f),
            _ => f.pad(self.name()),
        }
    }
}

impl Event {
    /// Returns what was done, as the record names it: the system call, the operation that a program
    /// reports, or an access decision.
    #[must_use]
    pub fn action(&self) -> ByteStr<'_> {
        let word = |word: &'static str| ByteStr::from(word);
        let kind = self.kind();
        match kind {
            EventKind::Mac(record) => match record.as_avc() {
                Some(avc) => action_of_avc(avc),
                None => op(record)
                    .or_else(|| bare(record, "ipe_op"))
                    .unwrap_or_else(|| type_name(record)),
            },
            EventKind::Seccomp(seccomp) => {
                match seccomp.action().and_then(|action| action.name()) {
                    Some(action) => word(action),
                    None => type_name(seccomp.record()),
                }
            }
            EventKind::Login(_) => word("login"),
            EventKind::Config(change) => {
                op(change.record()).unwrap_or_else(|| type_name(change.record()))
            }
            EventKind::Session(message) if is_logout(message) => word("logout"),
            EventKind::Session(message)
            | EventKind::Auth(message)
            | EventKind::Account(message)
            | EventKind::User(message) => {
                message.op().unwrap_or_else(|| type_name(message.record()))
            }
            EventKind::Anomaly(record) | EventKind::Service(record) => type_name(record),
            _ => {
                let record = self.records().find_map(op);
                let call = self.call().and_then(|call| match call.name() {
                    Some(name) => Some(word(name)),
                    None => Some(call.syscall()?.number()?.to_string().into()),
                });
                let first = || self.records().next().map(type_name);
                match kind {
                    EventKind::Bpf(_)
                    | EventKind::Netfilter(_)
                    | EventKind::Listener(_)
                    | EventKind::Integrity(_) => record.or(call).or_else(first),
                    _ => call.or(record).or_else(first),
                }
                .unwrap_or_default()
            }
        }
    }

    /// Returns how the action ended.
    #[must_use]
    pub fn outcome(&self) -> Outcome {
        match self.kind() {
            EventKind::Exit(_) => Outcome::Success,
            EventKind::Mac(record) => {
                let decision =
                    record.as_avc().map(|avc| (avc.is_granted(), self.was_only_logged(avc)));
                match (decision, record.message_type()) {
                    (Some((Some(false), true)), _) => Outcome::Success,
                    (Some((allowed, _)), _) => Outcome::of(allowed),
                    (None, MessageType::LANDLOCK_ACCESS) => Outcome::Failure(None),
                    (None, MessageType::IPE_ACCESS) => outcome_of_ipe(record),
                    (None, MessageType::FANOTIFY) => {
                        let response = record.as_fanotify().and_then(|view| view.response());
                        Outcome::of(response.map(|response| response.name() == Some("allow")))
                    }
                    (None, _) => outcome_by_field(record),
                }
            }
            EventKind::Seccomp(seccomp) => {
                match seccomp.action().and_then(|action| action.name()) {
                    Some("log" | "allow") => Outcome::Success,
                    Some("errno") => {
                        Outcome::Failure(seccomp.data().map(|code| Errno::new(u32::from(code))))
                    }
                    Some(_) => Outcome::Failure(None),
                    None => Outcome::Unknown,
                }
            }
            EventKind::Session(message)
            | EventKind::Auth(message)
            | EventKind::Account(message)
            | EventKind::User(message) => Outcome::of(message.result()),
            EventKind::Login(login) => Outcome::of(login.result()),
            EventKind::Config(change) => Outcome::of(change.result()),
            EventKind::Listener(listener) => Outcome::of(listener.result()),
            EventKind::Integrity(integrity) => Outcome::of(integrity.result()),
            EventKind::Anomaly(record) | EventKind::Service(record) => outcome_by_field(record),
            _ => match self.call() {
                Some(call) => match Outcome::of(call.success()) {
                    Outcome::Failure(_) => Outcome::Failure(call.errno()),
                    other => other,
                },
                None => Outcome::Unknown,
            },
        }
    }
}

impl Event {
    /// Returns whether a denial of SELinux was only logged, since the policy is permissive.
    ///
    /// Kernels before the field `permissive` show it by the call, which succeeded.
    fn was_only_logged(&self, avc: Avc<'_>) -> bool {
        let is_of_selinux = avc.record().field("apparmor").is_none();
        let call_succeeded = || self.call().and_then(|call| call.success()) == Some(true);
        avc.is_permissive().unwrap_or_else(|| is_of_selinux && call_succeeded())
    }
}

/// Returns whether a session ended; sshd and login call this `op=login` too.
fn is_logout(message: UserMessage<'_>) -> bool {
    let is_end =
        matches!(message.record().message_type(), MessageType::USER_LOGOUT | MessageType::USER_END);
    is_end && message.op() == Some("login".into())
}

/// Reads the result from the field of a record, or of the program's message in it.
fn outcome_by_field(record: Record<'_>) -> Outcome {
    let result = match record.as_user_message() {
        Some(message) => message.result(),
        None => record.field("res").and_then(Value::boolean),
    };
    Outcome::of(result)
}

/// A denial of IPE counts only while IPE enforces its policy.
///
/// Source: `security/ipe/audit.c`, `ipe_audit_match`.
fn outcome_of_ipe(record: Record<'_>) -> Outcome {
    let rule = record.field("rule").map(Value::bytes).unwrap_or_default();
    let is_granted = memchr::memmem::find(rule, b"action=ALLOW").is_some();
    let is_permissive = record.field("enforcing").and_then(Value::boolean) == Some(false);
    Outcome::of(Some(is_granted || is_permissive))
}

fn action_of_avc(avc: Avc<'_>) -> ByteStr<'_> {
    let decision: &[u8] = match avc.is_granted() {
        Some(true) => b"granted",
        Some(false) => b"denied",
        None => return avc.text().unwrap_or_else(|| "avc".into()),
    };
    let mut action = decision.to_vec();
    for permission in avc.permissions() {
        action.push(b' ');
        action.extend_from_slice(&permission);
    }
    action.into()
}

fn op(record: Record<'_>) -> Option<ByteStr<'_>> {
    bare(record, "op")
}

fn bare<'a>(record: Record<'a>, field: &str) -> Option<ByteStr<'a>> {
    record.field(field).map(|value| value.bytes().into())
}

fn type_name(record: Record<'_>) -> ByteStr<'_> {
    match record.message_type().name() {
        Some(name) => name.into(),
        None => record.message_type().to_string().into(),
    }
}

#[cfg(test)]
mod tests;
