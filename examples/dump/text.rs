//! The text format: one line with time, subject, action, objects and outcome.

use std::fmt::Write as _;

use auditlink::Record;
use auditlink::event::{EventKind, Outcome, Subject};
use auditlink::host::UserNames;
use auditlink::user_db::UserDb as _;
use auditlink::{Event, Loss};

/// Whether lines are colored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Style {
    Plain,
    Colour,
}

const DIM: &str = "2";
const BOLD: &str = "1";
const RED: &str = "31";
const GREEN: &str = "32";
const WARNING: &str = "1;33";

impl Style {
    fn paint(self, code: &str, text: &str) -> String {
        match self {
            Self::Plain => text.to_owned(),
            Self::Colour => format!("\x1b[{code}m{text}\x1b[0m"),
        }
    }
}

/// Returns the line of a loss.
pub(crate) fn loss_line(loss: &Loss, style: Style) -> String {
    style.paint(WARNING, &format!("LOSS {loss}"))
}

/// Returns the line of an event.
pub(crate) fn event_line(event: &Event, names: Option<&UserNames>, style: Style) -> String {
    let kind = event.kind();
    let id = event.id();
    let mut words = vec![
        style.paint(DIM, &format!("{} {}", id.time().rfc3339(), id.serial())),
        style.paint(BOLD, kind.name()),
    ];
    words.extend(event.node().map(|node| format!("on {}", text(node))));
    words.push(subject(&event.subject(), names));
    words.extend(event.user_message().and_then(|_| origin(&event.subject())));
    words.extend(action(event, &kind));
    let mut objects = event.objects();
    if let EventKind::Exec(_) = kind {
        objects.truncate(1); // the program, without its interpreter and loader
    }
    words.extend(objects.iter().map(|object| shown(&object.to_string())));
    words.extend(details(event, &kind));
    match event.outcome() {
        Outcome::Success => words.push(style.paint(GREEN, "success")),
        Outcome::Failure(errno) => {
            let reason = errno.map_or_else(|| "failure".to_owned(), |errno| errno.to_string());
            words.push(style.paint(RED, &reason));
        }
        Outcome::Unknown => {}
    }
    let keys: Vec<_> = event.keys().iter().map(|key| text(key)).collect();
    if !keys.is_empty() {
        words.push(style.paint(DIM, &format!("keys={}", keys.join(","))));
    }
    let missing: Vec<_> = event.missing().iter().map(ToString::to_string).collect();
    if !missing.is_empty() {
        words.push(style.paint(WARNING, &format!("MISSING {}", missing.join(","))));
    }
    if event.is_continuation() {
        words.push("(late records of an event shown before)".to_owned());
    }
    words.retain(|word| !word.is_empty());
    words.join(" ")
}

/// Returns `comm[pid] uid=user auid=user`, without the parts that are unknown.
fn subject(subject: &Subject<'_>, names: Option<&UserNames>) -> String {
    let name = |id: u32, appended: Option<&[u8]>| match appended {
        Some(name) => shown(&text(name)),
        None => names.and_then(|names| names.user_name(id)).unwrap_or_else(|| id.to_string()),
    };
    let mut line = String::new();
    let program = subject.comm.as_deref().or_else(|| {
        subject.exe.as_deref().map(|exe| exe.rsplit(|byte| *byte == b'/').next().unwrap_or(exe))
    });
    // Writing to a String cannot fail.
    let _ = match (program, subject.pid) {
        (Some(program), Some(pid)) => write!(line, "{}[{pid}]", text(program)),
        (None, Some(pid)) => write!(line, "[{pid}]"),
        (Some(program), None) => write!(line, "{}", text(program)),
        (None, None) => Ok(()),
    };
    if let Some(uid) = subject.uid {
        let _ = write!(line, " uid={}", name(uid, subject.uid_name.as_deref()));
    }
    if let Some(auid) = subject.auid {
        let _ = write!(line, " auid={}", name(auid, subject.auid_name.as_deref()));
    }
    line.trim_start().to_owned()
}

/// Returns where a program says that its user is: `addr=host terminal=name`, as far as known.
fn origin(subject: &Subject<'_>) -> Option<String> {
    let known = [("addr", &subject.address), ("terminal", &subject.terminal)];
    let words = known.iter().filter_map(|(name, value)| {
        value.as_deref().map(|value| format!("{name}={}", shown(&text(value))))
    });
    let words: Vec<_> = words.collect();
    if words.is_empty() { None } else { Some(words.join(" ")) }
}

/// Returns the action, unless the kind of the event already names it.
fn action(event: &Event, kind: &EventKind<'_>) -> Option<String> {
    let action = text(&event.action());
    match kind {
        EventKind::Exec(_) | EventKind::Fork(_) | EventKind::Exit(_) => None,
        EventKind::Syscall(call) => {
            let arch = call.syscall().and_then(|syscall| syscall.arch());
            Some(arch.map_or_else(|| action.clone(), |arch| format!("{arch}:{action}")))
        }
        EventKind::Other(_) => Some(all_records(event)),
        _ if action == kind.name() => None,
        _ => Some(action),
    }
}

/// Returns the detail that only events of this kind have.
fn details(event: &Event, kind: &EventKind<'_>) -> Option<String> {
    match kind {
        EventKind::Exec(exec) => {
            let args: Vec<_> = exec.args()?.iter().map(|arg| format!("{arg:?}")).collect();
            Some(format!("args=[{}]", args.join(" ")))
        }
        EventKind::Fork(fork) => {
            let what = if fork.is_thread() == Some(true) { "thread" } else { "child" };
            Some(format!("{what}={}", fork.child()))
        }
        EventKind::Exit(exit) => exit.status().map(|status| format!("status={status}")),
        EventKind::Kill(kill) => kill.signal().map(|signal| signal.to_string()),
        EventKind::Ptrace(ptrace) => ptrace.request().map(|request| request.to_string()),
        EventKind::User(message) if event.objects().is_empty() => {
            message.message().map(|said| said.escape_ascii().to_string())
        }
        EventKind::FileOpen(call) | EventKind::FileCreate(call) => {
            let mut shown = call.record().interpretations().map(|(_, meaning)| meaning.to_string());
            shown.find(|flags| flags.starts_with("O_"))
        }
        EventKind::Syscall(call) => {
            call.exit().filter(|exit| *exit > 0).map(|exit| format!("= {exit}"))
        }
        _ => None,
    }
}

fn all_records(event: &Event) -> String {
    let line =
        |record: Record<'_>| format!("{}: {}", record.message_type(), record.body().escape_ascii());
    event.records().map(line).collect::<Vec<_>>().join(" | ")
}

/// Returns text without control characters, which a terminal could interpret.
fn text(bytes: &[u8]) -> String {
    let lossy = String::from_utf8_lossy(bytes);
    lossy
        .chars()
        .flat_map(|c| if c.is_control() { c.escape_default().collect() } else { vec![c] })
        .collect()
}

/// Quotes a word that contains spaces.
fn shown(word: &str) -> String {
    if word.is_empty() || word.contains([' ', '"']) { format!("{word:?}") } else { word.to_owned() }
}
