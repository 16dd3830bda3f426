//! How deliveries are shown.

use std::borrow::Cow;
use std::fmt::Write as _;
use std::io::{self, Write};
use std::str::FromStr;

use auditlink::event::{Count, EventKind};
use auditlink::record::{Fields, Record, SocketAddress, Syscall, Value};
use auditlink::{Delivery, Event, Loss};
use serde_json::{Map, Value as Json, json};

/// The form of the output.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Format {
    /// For people: a line for each.
    Text,
    /// For programs: an object a line.
    Json,
    /// As auditd writes it: a record a line.
    Log,
    /// Nothing; only the counts.
    None,
}

impl FromStr for Format {
    type Err = String;

    fn from_str(word: &str) -> Result<Self, Self::Err> {
        match word {
            "text" => Ok(Self::Text),
            "json" => Ok(Self::Json),
            "log" => Ok(Self::Log),
            "none" => Ok(Self::None),
            _ => Err(format!("{word} is no format: give text, json, log or none")),
        }
    }
}

impl Format {
    /// Writes a delivery.
    pub(crate) fn write(self, output: &mut impl Write, delivery: &Delivery) -> io::Result<()> {
        match (self, delivery) {
            (Self::None, _) => Ok(()),
            (Self::Text, Delivery::Event(event)) => writeln!(output, "{}", text(event)),
            (Self::Text, Delivery::Loss(loss)) => writeln!(output, "LOSS {loss}"),
            (Self::Json, Delivery::Event(event)) => writeln!(output, "{}", json_event(event)),
            (Self::Json, Delivery::Loss(loss)) => writeln!(output, "{}", json_loss(loss)),
            (Self::Log, Delivery::Event(event)) => {
                event.records().try_for_each(|record| log(output, &record))
            }
            (Self::Log, Delivery::Loss(loss)) => writeln!(output, "# {loss}"),
        }
    }
}

/// Writes a record as a line of auditd's log. Control bytes would end or forge lines.
fn log(output: &mut impl Write, record: &Record<'_>) -> io::Result<()> {
    write!(output, "type={} msg=", record.message_type())?;
    for byte in record.text() {
        match byte {
            0x1D => output.write_all(&[*byte])?, // separates auditd's own fields
            0..=0x1F | 0x7F => write!(output, "\\{byte:03o}")?,
            _ => output.write_all(&[*byte])?,
        }
    }
    writeln!(output)
}

/// Makes a line: time, serial, kind, and what there is to say.
fn text(event: &Event) -> String {
    let kind = event.kind();
    let mut line =
        format!("{} {} {}", event.id().time().rfc3339(), event.id().serial(), kind.name());
    // writing to a String does not fail
    let _ = match &kind {
        EventKind::Exec(exec) => {
            let args: Vec<_> = exec.args().iter().map(|arg| format!("{arg:?}")).collect();
            caller(&mut line, exec.syscall());
            write!(line, " args=[{}]", args.join(" "))
        }
        EventKind::Fork(fork) => {
            caller(&mut line, fork.syscall());
            let what = if fork.is_thread() == Some(true) { "thread" } else { "child" };
            write!(line, " {what}={}", fork.child())
        }
        EventKind::Exit(exit) => {
            caller(&mut line, exit.syscall());
            match exit.status() {
                Some(status) => write!(line, " status={status}"),
                None => Ok(()),
            }
        }
        EventKind::Syscall(syscall) => {
            caller(&mut line, *syscall);
            call(&mut line, *syscall, event)
        }
        EventKind::User(message) => {
            let said = message.message().unwrap_or_default();
            let name = message.record().message_type();
            let pid = message.pid().map_or_else(String::new, |pid| format!(" pid={pid}"));
            write!(line, " {name}{pid} {}", said.escape_ascii())
        }
        EventKind::Config(change) => write!(line, " {}", change.record().body().escape_ascii()),
        _ => write!(line, " {}", all_records(event)),
    };
    let keys: Vec<_> =
        event.keys().iter().map(|key| String::from_utf8_lossy(key).into_owned()).collect();
    if !keys.is_empty() {
        let _ = write!(line, " keys={}", keys.join(","));
    }
    let missing: Vec<_> = event.missing().iter().map(ToString::to_string).collect();
    if !missing.is_empty() {
        let _ = write!(line, " MISSING {}", missing.join(","));
    }
    if event.is_continuation() {
        line.push_str(" (late records of an event shown before)");
    }
    line
}

/// Adds who made the call.
fn caller(line: &mut String, syscall: Syscall<'_>) {
    let id = |id: Option<u32>| id.map_or_else(|| "unset".to_owned(), |id| id.to_string());
    let pid = syscall.pid().unwrap_or_default();
    let exe = syscall
        .exe()
        .map_or_else(|| "-".to_owned(), |exe| String::from_utf8_lossy(&exe).into_owned());
    let _ = write!(
        line,
        " pid={pid} ppid={} uid={} auid={} exe={exe:?}",
        syscall.ppid().unwrap_or_default(),
        id(syscall.uid()),
        id(syscall.auid()),
    );
}

/// Adds what was called, on what, and how it ended.
fn call(line: &mut String, syscall: Syscall<'_>, event: &Event) -> std::fmt::Result {
    match (syscall.arch(), syscall.name(), syscall.number()) {
        (Some(arch), Some(name), _) => write!(line, " {arch}:{name}")?,
        (arch, _, number) => write!(line, " {arch:?}:{number:?}")?,
    }
    for record in event.records() {
        if let Some(name) = record.as_path().and_then(|path| path.name()) {
            write!(line, " path={:?}", String::from_utf8_lossy(&name))?;
        }
        match record.as_sockaddr().and_then(|address| address.address()) {
            None => {}
            Some(SocketAddress::Inet(address)) => write!(line, " address={address}")?,
            Some(SocketAddress::Inet6(address)) => write!(line, " address={address}")?,
            Some(SocketAddress::UnixPath(path)) => {
                write!(line, " address={:?}", String::from_utf8_lossy(&path))?;
            }
            Some(other) => write!(line, " address={other:?}")?,
        }
    }
    match syscall.exit() {
        Some(exit) => write!(line, " = {exit}"),
        None => Ok(()),
    }
}

fn all_records(event: &Event) -> String {
    let records: Vec<_> = event
        .records()
        .map(|record| format!("{}: {}", record.message_type(), record.body().escape_ascii()))
        .collect();
    records.join(" | ")
}

fn json_event(event: &Event) -> Json {
    let keys: Vec<_> = event.keys().iter().map(|key| bytes(key)).collect();
    let missing: Vec<_> = event.missing().iter().map(ToString::to_string).collect();
    let records: Vec<_> = event
        .records()
        .map(|record| {
            json!({
                "type": record.message_type().to_string(),
                "type_code": record.message_type().number(),
                "fields": fields(record.fields(), record.message_type().name()),
            })
        })
        .collect();
    let mut object = json!({
        "type": "event",
        "id": event.id().to_string(),
        "time": event.id().time().rfc3339().to_string(),
        "serial": event.id().serial(),
        "kind": event.kind().name(),
        "closed_by": event.closed_by().name(),
        "missing": missing,
        "keys": keys,
        "records": records,
    });
    if let (true, Some(object)) = (event.is_continuation(), object.as_object_mut()) {
        object.insert("continuation".to_owned(), true.into());
    }
    object
}

/// Makes an object of fields; one that stands twice becomes a list.
fn fields(fields: Fields<'_>, record: Option<&str>) -> Json {
    let mut object = Map::new();
    for field in fields {
        let name = String::from_utf8_lossy(field.name).into_owned();
        let value = match field.value {
            Value::Nested(_) => fields_of_message(field.value),
            value if is_somebodys_text(&name, record) => match value.untrusted().bytes() {
                Some(text) => bytes(&text),
                None => Json::Null,
            },
            value => bytes(value.bytes()),
        };
        match object.get_mut(&name) {
            None => {
                object.insert(name, value);
            }
            Some(Json::Array(values)) => values.push(value),
            Some(first) => *first = Json::Array(vec![first.take(), value]),
        }
    }
    Json::Object(object)
}

fn fields_of_message(value: Value<'_>) -> Json {
    let fields = Fields::of_message(value.bytes());
    self::fields(fields, None)
}

/// Names the fields that the kernel writes in quotes or in hex.
fn is_somebodys_text(name: &str, record: Option<&str>) -> bool {
    let is_argument = record == Some("EXECVE") && name.starts_with('a') && !name.ends_with("_len");
    is_argument && name != "argc"
        || matches!(name, "comm" | "exe" | "name" | "cwd" | "proctitle" | "key" | "ocomm")
}

/// Bytes as a string, or as `{"hex": "…"}` if they are not UTF-8.
fn bytes(bytes: &[u8]) -> Json {
    match String::from_utf8_lossy(bytes) {
        Cow::Borrowed(text) => text.into(),
        Cow::Owned(_) => {
            let hex: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
            json!({ "hex": hex })
        }
    }
}

fn json_loss(loss: &Loss) -> Json {
    let count = match loss.count() {
        Count::Exactly(count) => json!({ "exactly": count }),
        Count::AtLeast(count) => json!({ "at_least": count }),
        Count::Unknown => json!("unknown"),
    };
    json!({
        "type": "loss",
        "cause": loss.cause().name(),
        "count": count,
        "unit": loss.unit().name(),
        "after": loss.after().map(|id| id.to_string()),
        "message": loss.to_string(),
    })
}
