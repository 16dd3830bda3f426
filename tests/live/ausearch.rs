//! ausearch, the installed one and the newest, as the oracle of what fields mean.

use std::collections::BTreeMap;
use std::path::Path;

use auditlink::constants::Errno;
use auditlink::host::UserNames;
use auditlink::record::{Absent, Field, Interpretation, SocketAddress};
use auditlink::{Event, MessageType, Record};

use crate::kernel_lock::{run, stdout};
use crate::newest::newest;

/// Compares what we say of each field with what ausearch says.
pub(crate) fn compare(events: &[Event], log: &str) {
    compare_with(Path::new("ausearch"), events, log);
    compare_with(&newest().join("ausearch"), events, log);
}

fn compare_with(tool: &Path, events: &[Event], log: &str) {
    let interpreted = stdout(&run(tool, &["-i", "-if", log]));
    let mut theirs: BTreeMap<(u32, &str), Vec<&str>> = BTreeMap::new();
    for line in interpreted.lines() {
        let Some((name, rest)) = line.strip_prefix("type=").and_then(|rest| rest.split_once(' '))
        else {
            continue;
        };
        let (head, body) = rest.split_once(") : ").unwrap_or((rest, ""));
        let serial = head.rsplit(':').next().and_then(|serial| serial.parse().ok());
        theirs.entry((serial.expect("a serial"), name)).or_default().push(body);
    }
    let mut comparison = Comparison::default();
    for event in events {
        let mut ours: BTreeMap<&str, Vec<Record<'_>>> = BTreeMap::new();
        for record in event.records() {
            let name = record.message_type().name().expect("known types");
            ours.entry(name).or_default().push(record);
        }
        for (name, records) in ours {
            if name == "EOE" {
                continue; // ausearch does not show it
            }
            let lines = theirs.get(&(event.id().serial(), name)).map_or(&[][..], |lines| lines);
            assert_eq!(lines.len(), records.len(), "{name} of {event:?}");
            // ausearch shows the records of an event backwards
            for (record, line) in records.iter().zip(lines.iter().rev()) {
                comparison.record(*record, line);
            }
        }
    }
    println!(
        "live: {}: {} fields agree; differences by number: {:?}",
        tool.display(),
        comparison.agreed,
        comparison.listed
    );
    assert!(comparison.agreed > 50_000, "only {} fields", comparison.agreed);
    for ((record, field), (count, example)) in &comparison.others {
        println!("live: {record} {field} differs {count} times: {example}");
    }
    assert!(comparison.others.is_empty(), "differences that docs/records.md does not list");
}

#[derive(Default)]
struct Comparison {
    names: UserNames,
    agreed: usize,
    /// By number in the manual, how often.
    listed: BTreeMap<u32, usize>,
    /// By record and field, how often, and an example.
    others: BTreeMap<(String, String), (usize, String)>,
}

impl Comparison {
    fn record(&mut self, record: Record<'_>, line: &str) {
        let meanings: Vec<_> = record.interpretations().collect();
        let rest = self.fields(record, &meanings, line);
        assert!(rest.trim().is_empty(), "{record:?} has not: {rest}");
    }

    /// Compares fields with a line, and returns what is left of it.
    fn fields<'t>(
        &mut self,
        record: Record<'_>,
        meanings: &[(Field<'_>, Interpretation<'_>)],
        line: &'t str,
    ) -> &'t str {
        let mut rest = line;
        for (index, (field, meaning)) in meanings.iter().enumerate() {
            rest = rest.trim_start();
            let name = String::from_utf8_lossy(field.name);
            if !name.is_empty() {
                let start = format!("{name}=");
                rest = rest.strip_prefix(start.as_str()).unwrap_or_else(|| {
                    panic!("{name} is not at the start of {rest:?} in {record:?}")
                });
            }
            if let Interpretation::Message(_) = meaning {
                let inside: Vec<_> =
                    record.as_user_message().expect("a program's").interpretations().collect();
                rest = rest.strip_prefix('\'').expect("a quote");
                rest = self.fields(record, &inside, rest);
                rest = rest.trim_start().strip_prefix('\'').expect("a quote");
                continue;
            }
            let next = meanings
                .get(index + 1)
                .map(|(field, _)| format!(" {}=", String::from_utf8_lossy(field.name)));
            let ours = meaning.with_names(&self.names).to_string();
            let is_ours = rest.strip_prefix(ours.as_str()).is_some_and(|tail| {
                next.as_ref().map_or_else(
                    || tail.trim().is_empty() || tail.starts_with([' ', '\'']),
                    |next| tail.trim_start_matches(' ').starts_with(next.trim_start()),
                )
            });
            let end = match &next {
                _ if is_ours => ours.len(),
                Some(next) => rest.find(next.as_str()).unwrap_or(rest.len()),
                None => rest.rfind('\'').unwrap_or(rest.len()),
            };
            let (value, tail) = rest.split_at(end);
            self.value(record, field, meaning, &ours, value.trim_end());
            rest = tail;
        }
        rest
    }

    fn value(
        &mut self,
        record: Record<'_>,
        field: &Field<'_>,
        meaning: &Interpretation<'_>,
        ours: &str,
        theirs: &str,
    ) {
        let name = String::from_utf8_lossy(field.name);
        if ours.trim_end() == theirs || same(meaning, ours, theirs) {
            self.agreed += 1;
        } else if let Some(number) = listed(record, &name, meaning, field.value.bytes(), theirs) {
            *self.listed.entry(number).or_default() += 1;
        } else {
            let call = record.as_syscall().and_then(|call| call.name()).unwrap_or_default();
            let key = (format!("{} {call}", record.message_type()), name.into_owned());
            let raw = String::from_utf8_lossy(field.value.bytes());
            let example = format!("raw {raw:?}, ours {ours:?}, theirs {theirs:?}");
            self.others.entry(key).or_insert((0, example)).0 += 1;
        }
    }
}

/// Returns whether both texts mean the same.
fn same(meaning: &Interpretation<'_>, ours: &str, theirs: &str) -> bool {
    match meaning {
        // a program's own word, which ausearch leaves
        Interpretation::Boolean(value) => theirs == if *value { "success" } else { "failed" },
        Interpretation::Address(address) => theirs == in_words(address),
        Interpretation::Directory(Some(descriptor)) => theirs == format!("{descriptor:#x}"),
        Interpretation::Number(number) => theirs == format!("{number:#x}"),
        Interpretation::Keys(keys) => {
            let keys: Vec<_> = keys.iter().map(|key| String::from_utf8_lossy(key)).collect();
            theirs == keys.join(" ") || theirs == keys.join(" key=")
        }
        _ => {
            let theirs = [unnamed(theirs, 10), unnamed(theirs, 16)];
            unnamed(ours, 10).is_some_and(|ours| theirs.contains(&Some(ours)))
        }
    }
}

/// An address as ausearch prints it.
fn in_words(address: &SocketAddress) -> String {
    match address {
        SocketAddress::Inet(address) => {
            format!("{{ saddr_fam=inet laddr={} lport={} }}", address.ip(), address.port())
        }
        SocketAddress::Inet6(address) => {
            format!("{{ saddr_fam=inet6 laddr={} lport={} }}", address.ip(), address.port())
        }
        SocketAddress::UnixPath(path) => {
            format!("{{ saddr_fam=local path={} }}", String::from_utf8_lossy(path))
        }
        SocketAddress::UnixAbstract(name) => {
            format!("{{ saddr_fam=local path={} }}", String::from_utf8_lossy(name))
        }
        SocketAddress::X25(digits) => {
            format!("{{ saddr_fam=x25 laddr={} }}", String::from_utf8_lossy(digits))
        }
        SocketAddress::Netlink { port, .. } => {
            format!("{{ saddr_fam=netlink nlnk-fam=16 nlnk-pid={port} }}")
        }
        _ => String::new(),
    }
}

/// The number in `0x1f`, `31` or `unknown-thing(0x1f)`.
fn unnamed(text: &str, radix: u32) -> Option<u64> {
    let inside = match text.strip_prefix("unknown").and_then(|rest| rest.split_once('(')) {
        Some((_, number)) => number.strip_suffix(')')?,
        None => text,
    };
    match inside.strip_prefix("0x") {
        Some(digits) => u64::from_str_radix(digits, 16).ok(),
        None => u64::from_str_radix(inside, radix).ok().or_else(|| {
            // a number that it took for a signed one
            Some(u64::from(u32::from_ne_bytes(inside.parse::<i32>().ok()?.to_ne_bytes())))
        }),
    }
}

/// The differences that `docs/records.md` lists, each by its number there.
fn listed(
    record: Record<'_>,
    name: &str,
    meaning: &Interpretation<'_>,
    raw: &[u8],
    theirs: &str,
) -> Option<u32> {
    let message_type = record.message_type();
    let raw = String::from_utf8_lossy(raw);
    // numbers stand in the records in both ways
    let is_plain = |text: &str| {
        let raw = [unnamed(&raw, 10), unnamed(&raw, 16)];
        [unnamed(text, 10), unnamed(text, 16)].iter().any(|n| n.is_some() && raw.contains(n))
    };
    let is_zero = |text| matches!(text, "F_OK" | "PROT_NONE" | "MAP_FILE" | "0x0");
    let call = record.as_syscall().and_then(|call| call.name()).unwrap_or_default();
    Some(match (message_type, name) {
        (_, "mode") if message_type != MessageType::PATH && theirs.starts_with("000,") => 4,
        (MessageType::OPENAT2, "oflag" | "resolve") => 6,
        (_, "cap_fp" | "cap_fi") if *meaning == Interpretation::Absent(Absent::Unknown) => 7,
        (MessageType::EVENT_LISTENER, "nl-mcgrp") if theirs == "audit-netlink-multicast" => 8,
        (MessageType::SECCOMP, "code") if matches!(theirs, "kill" | "kill-thread") => 10,
        (_, "syscall") if matches!(theirs, "pread" | "pwrite") => 11,
        (MessageType::SYSCALL, "a0")
            if matches!(theirs, "UNKNOWN" | "EXIT_SUCCESS" | "EXIT_FAILURE") =>
        {
            12
        }
        _ if theirs == "IGPWR" => 13,
        (MessageType::SYSCALL, "a2") if call == "mknodat" => 14,
        (MessageType::SYSCALL, "a2") if call == "socket" => 16,
        (_, "proto" | "exit") if theirs.contains("undefined") || theirs.contains("Unknown") => 18,
        (MessageType::SYSCALL, "a2") if call == "fcntl" => 19,
        (MessageType::SYSCALL, _) if theirs == "MAP_SHARED|MAP_PRIVATE" => 20,
        (MessageType::SYSCALL | MessageType::MQ_OPEN, _)
            if theirs.starts_with("O_WRONLY|O_RDWR") =>
        {
            20
        }
        (MessageType::MMAP, "flags") if theirs.starts_with("MAP_SHARED|MAP_PRIVATE") => 20,
        (MessageType::SYSCALL, "a0" | "a1" | "a2")
            if matches!(call, "clone" | "unshare" | "setns") =>
        {
            21
        }
        (MessageType::SYSCALL, "a2") if call == "readlinkat" => 22,
        (MessageType::SYSCALL, _) if matches!(call, "sched_setscheduler" | "lseek") => 23,
        (MessageType::SYSCALL, "a2") if call == "setsockopt" && theirs.starts_with("IPT_") => 24,
        (MessageType::SYSCALL, "a2") if call == "fsmount" && theirs.starts_with("MS_") => 26,
        (MessageType::SYSCALL, "a3") if call == "faccessat" => 27,
        (MessageType::SYSCALL, "exit") if theirs.starts_with("(null)(") => 18,
        (MessageType::SYSCALL, "a3") if theirs == "MS_SNAP_STABLE" => 11,
        (MessageType::SYSCALL, "a1") if theirs == "TIOCINQ" => 11,
        _ => match meaning {
            Interpretation::Session(None) if theirs == raw => 5,
            Interpretation::Signal(signal) if signal.number() >= 32 => 17,
            Interpretation::Exit(code) => {
                let name = Errno::new(u32::try_from(-code).ok()?).name()?;
                let same = theirs.strip_prefix(name).is_some_and(|rest| rest.starts_with('('));
                return same.then_some(3);
            }
            // its names of two bits that are one flag, and of what no bit means
            Interpretation::Flags(flags)
                if theirs.split('|').all(|name| match name {
                    "O_DSYNC" => flags.contains("O_SYNC") || flags.contains("O_DSYNC"),
                    "__O_SYNC" => flags.contains("O_SYNC") || flags.unnamed() != 0,
                    "O_DIRECTORY" => flags.contains("O_TMPFILE") || flags.contains(name),
                    "__O_TMPFILE" => flags.contains("O_TMPFILE") || flags.unnamed() != 0,
                    "MS_SNAP_STABLE" => flags.contains("MS_NOREMOTELOCK"),
                    "MAP_FILE" => true,
                    name => flags.contains(name) || is_zero(name),
                }) =>
            {
                2
            }
            Interpretation::Address(SocketAddress::UnixAbstract(_)) => 25,
            Interpretation::Address(_)
                if ["unsupported", "too short", "unknown-family", "ax25 call", "atmpvc"]
                    .iter()
                    .any(|w| theirs.contains(w)) =>
            {
                25
            }
            Interpretation::SharedMemory { flags, .. } if flags.unnamed() != 0 => 2,
            Interpretation::Capabilities(_) if theirs == "none" => 2,
            Interpretation::Text(bytes) if std::str::from_utf8(bytes).is_err() => 9,
            Interpretation::Word(bytes) if theirs.as_bytes() == [b"\"", *bytes, b"\""].concat() => {
                15
            }
            Interpretation::User(_)
            | Interpretation::Group(_)
            | Interpretation::Flags(_)
            | Interpretation::Name(_)
            | Interpretation::Clone { .. }
            | Interpretation::SharedMemory { .. }
            | Interpretation::Permissions(_)
            | Interpretation::Directory(None)
            | Interpretation::Signal(_)
            | Interpretation::Syscall { .. }
            | Interpretation::Address(SocketAddress::Unspecified)
                if is_plain(theirs) =>
            {
                1
            }
            _ => return None,
        },
    })
}
