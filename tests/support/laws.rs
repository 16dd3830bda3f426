//! Laws that hold for any bytes: the bodies of the fuzz targets, which tests replay.

#![allow(dead_code, reason = "each program needs a part of it")]

use std::collections::HashSet;

use auditlink::capture::{Reader, Tee, Writer};
use auditlink::event::{Assembler, AssemblerConfig, CauseKind, Count, Received, Signal, Stats};
use auditlink::message_type::Origin;
use auditlink::record::LogLine;
use auditlink::rule::{Command, RulesFile};
use auditlink::time::Tick;
use auditlink::user_db::NoLookup;
use auditlink::wire::frame::{self, Frame};
use auditlink::wire::rule as rule_codec;
use auditlink::{Delivery, Event, Events, Loss, MessageType, Record, Rule};

/// Datagrams, each preceded by two bytes with its length and a bit for truncation: every record is
/// delivered in one event, and everything else is counted.
pub(crate) fn datagram(bytes: &[u8]) {
    let mut assembler = Assembler::with_config(AssemblerConfig::new().max_open_events(8));
    let (mut rest, mut sent, mut records, mut at) = (bytes, 0, 0, 0);
    let (mut events, mut losses) = (Vec::new(), Vec::new());
    while let Some(([low, high], tail)) = rest.split_first_chunk() {
        let length = usize::from(u16::from_le_bytes([*low, high & 0x7F])).min(tail.len());
        let (datagram, next) = tail.split_at(length);
        rest = next;
        sent += 1;
        at += 1 << 28;
        records += u64::from(is_record(datagram));
        let (needed, at) = (length + usize::from(high >> 7), Tick::from_nanos(at));
        assembler.handle(Received::Datagram { bytes: datagram, needed, at });
        sort(std::iter::from_fn(|| assembler.poll()), &mut events, &mut losses);
    }
    assembler.handle(Signal::End.at(Tick::from_nanos(at)));
    sort(std::iter::from_fn(|| assembler.poll()), &mut events, &mut losses);
    let stats = assembler.stats();
    let handed_out: usize = events.iter().map(|event| event.records().len()).sum();
    assert_eq!(stats.datagrams, sent);
    assert_eq!((stats.records, handed_out as u64), (records, records));
    assert_eq!((stats.open_events, stats.events), (0, events.len() as u64));
    let incomplete = events.iter().filter(|event| !event.is_whole()).count();
    assert_eq!(stats.incomplete, incomplete as u64);
    totals_are_sums_of_losses(&stats, &losses);
    events.iter().for_each(read_event);
}

/// Returns whether a datagram is a record with a header.
fn is_record(datagram: &[u8]) -> bool {
    match Frame::parse(datagram) {
        Ok(Frame::Record { message_type, text }) => Record::parse(message_type, text).is_ok(),
        _ => false,
    }
}

fn sort(
    deliveries: impl IntoIterator<Item = Delivery>,
    events: &mut Vec<Event>,
    losses: &mut Vec<Loss>,
) {
    for delivery in deliveries {
        match delivery {
            Delivery::Event(event) => events.push(event),
            Delivery::Loss(loss) => losses.push(loss),
        }
    }
}

/// Each total is the sum of the losses with its cause, and with any loss completeness is unverified.
fn totals_are_sums_of_losses(stats: &Stats, losses: &[Loss]) {
    for cause in CauseKind::ALL {
        let losses = losses.iter().filter(|loss| loss.cause().kind() == *cause);
        let total = match cause {
            CauseKind::Truncated | CauseKind::SerialRestart | CauseKind::HealthFault => {
                losses.count() as u64
            }
            CauseKind::HealthRestored => 0,
            _ => {
                let counts = losses.map(|loss| match loss.count() {
                    Count::Exactly(count) => count,
                    Count::AtLeast(_) | Count::Unknown => 0,
                });
                counts.fold(0, u64::saturating_add)
            }
        };
        assert_eq!(stats.total(*cause), total, "{cause}");
    }
    let is_of_health = |loss: &&Loss| {
        matches!(loss.cause().kind(), CauseKind::HealthFault | CauseKind::HealthRestored)
    };
    let uncounted = losses
        .iter()
        .filter(|loss| !matches!(loss.count(), Count::Exactly(_)) && !is_of_health(loss));
    assert_eq!(stats.losses, losses.len() as u64);
    assert_eq!(stats.uncounted_losses, uncounted.count() as u64);
    assert!(losses.is_empty() || !stats.completeness().is_complete(), "{stats:?}");
    assert!(losses.iter().all(|loss| !loss.to_string().is_empty()));
}

/// A type in two bytes and a text: each byte is in exactly one field, and the record survives a line of a
/// log.
pub(crate) fn record(bytes: &[u8]) {
    let Some((number, text)) = bytes.split_first_chunk() else { return };
    let message_type = MessageType::new(u16::from_le_bytes(*number));
    let Ok(record) = Record::parse(message_type, text) else { return };
    fields_do_not_overlap(record);
    let line = LogLine::of(&record).to_bytes();
    assert!(!line.contains(&b'\n'));
    let again = LogLine::parse(&line).expect("our own line");
    assert_eq!(again.record().expect("a header"), record);
    read_views(record);
    events_of(&[(message_type, text)]).iter().for_each(read_event);
    // after its call the record can be part of a whole event
    let (head, _) = text.split_at(text.len() - record.body().len());
    let call = [(MessageType::SYSCALL, head), (message_type, text), (MessageType::EOE, head)];
    events_of(&call).iter().for_each(read_event);
}

/// Assembles records of any types to events. Messages that are not records yield none.
pub(crate) fn events_of(records: &[(MessageType, &[u8])]) -> Vec<Event> {
    let mut assembler = Assembler::new();
    let at = Tick::ZERO;
    for (message_type, text) in records {
        let bytes = &frame::message(*message_type, 0, text);
        assembler.handle(Received::Datagram { bytes, needed: bytes.len(), at });
    }
    assembler.handle(Signal::End.at(at));
    let mut events = Vec::new();
    sort(std::iter::from_fn(|| assembler.poll()), &mut events, &mut Vec::new());
    events
}

fn fields_do_not_overlap(record: Record<'_>) {
    let text = record.text();
    let start = text.as_ptr() as usize;
    let mut last = start;
    let mut covered = 0;
    for field in record.fields() {
        for part in [field.name, field.value.bytes()] {
            covered += part.len();
            if part.is_empty() {
                continue;
            }
            let at = part.as_ptr() as usize;
            assert!(at >= last && at + part.len() <= start + text.len(), "{field:?}");
            last = at + part.len();
        }
    }
    // only delimiters are outside of fields
    let enriched = record.body().contains(&0x1D);
    let signs: &[u8] =
        if record.message_type().origin() == Origin::Daemon { b" ='\"," } else { b" ='\"" };
    let outside = record.body().iter().filter(|byte| !signs.contains(byte)).count();
    assert!(enriched || covered >= outside, "{:?}", record.fields().collect::<Vec<_>>());
}

/// Lines of a rules file: a valid rule prints, and the printed line parses to the same rule.
pub(crate) fn rule(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    for line in text.lines() {
        if let Ok(Command::Add(rule)) = Command::parse_line(line, &NoLookup) {
            let printed = rule.to_string();
            let again: Rule =
                printed.parse().unwrap_or_else(|error| panic!("{line:?}, {printed:?}: {error}"));
            assert!(again == rule, "{line:?}, {printed:?}");
            let encoded = rule_codec::to_bytes(&rule);
            let decoded = rule_codec::parse(&encoded).expect("our own bytes");
            assert!(rule_codec::to_bytes(&decoded) == encoded, "{line:?}, {printed:?}");
        }
    }
    match RulesFile::parse("fuzz.rules", &text, &NoLookup) {
        Ok(file) => drop(file.rules().merged()),
        Err(mistakes) => assert!(!mistakes.to_string().is_empty()),
    }
}

/// A capture: reading ends or fails, and a copy that is written meanwhile yields the same deliveries.
pub(crate) fn capture(bytes: &[u8]) {
    let Ok(reader) = Reader::new(bytes) else { return };
    let mut tee = Tee::new(reader, Writer::new(Vec::new()).expect("a vector takes everything"));
    let mut events = Events::new(&mut tee);
    let first: Vec<_> = events.by_ref().take(10_000).map_while(Result::ok).collect();
    let stats = events.stats();
    let is_whole = events.is_ended();
    let copy = tee.into_parts().1.finish().expect("a vector takes everything");
    let (mut events, mut losses) = (Vec::new(), Vec::new());
    sort(first.iter().cloned(), &mut events, &mut losses);
    events.iter().for_each(read_event);
    if is_whole {
        totals_are_sums_of_losses(&stats, &losses);
        let mut events = Events::new(Reader::new(&copy[..]).expect("our own capture"));
        let second: Vec<_> = events.by_ref().map_while(Result::ok).collect();
        assert_eq!((events.stats(), second), (stats, first));
    }
}

/// Calls all methods of an event, and compares those that must agree.
pub(crate) fn read_event(event: &Event) {
    let _ = (event.kind(), event.subject(), event.action().len(), event.outcome(), event.node());
    let _ = (event.objects(), event.keys(), format!("{event:?}"));
    let _ = event.execve().map(|list| list.arguments().count());
    assert_eq!(event.is_whole(), event.missing().is_empty(), "{event:?}");
    let json = serde_json::to_string(&event).expect("all strings are valid");
    serde_json::from_str::<serde_json::Value>(&json).expect("well formed");
    no_object_has_a_name_twice(&json);
    for record in event.records() {
        for field in record.fields() {
            let _ = (field.value.untrusted(), field.value.hexadecimal(), field.value.octal());
        }
    }
    event.records().for_each(read_views);
}

/// Reads JSON text, which is well formed. `serde_json` takes the last of two members of one name.
pub(crate) fn no_object_has_a_name_twice(json: &str) {
    // the names of each object that is open; `None` for a list
    let mut open: Vec<Option<HashSet<&str>>> = Vec::new();
    let mut at = 0;
    let mut is_name = false;
    while let Some(byte) = json.as_bytes().get(at) {
        match byte {
            b'{' => open.push(Some(HashSet::new())),
            b'[' => open.push(None),
            b'}' | b']' => drop(open.pop()),
            b'"' => {
                let start = at + 1;
                at = start;
                while json.as_bytes()[at] != b'"' {
                    at += if json.as_bytes()[at] == b'\\' { 2 } else { 1 };
                }
                if let Some(Some(names)) = open.last_mut().filter(|_| is_name) {
                    assert!(names.insert(&json[start..at]), "{} in {json}", &json[start..at]);
                }
            }
            _ => {}
        }
        is_name = matches!(byte, b'{' | b',');
        at += 1;
    }
}

/// Calls all methods of views: none may panic for any bytes.
macro_rules! call_all {
    ($record:ident, $($view:ident: $($getter:ident)*;)*) => {
        $(if let Some(view) = $record.$view() {
            $(let _ = view.$getter();)*
        })*
    };
}

/// Calls the methods of all views of a record.
fn read_views(record: Record<'_>) {
    for (field, meaning) in record.interpretations() {
        let _ = (format!("{field:?}"), meaning.to_string());
    }
    let _ = record.enriched().count();
    call_all! { record,
        as_anom_abend: auid comm exe pid result session signal uid;
        as_anom_promiscuous: auid device gid is_promiscuous session uid was_promiscuous;
        as_avc: capability class comm fields is_granted is_permissive path permissions pid profile
            subject target text;
        as_bpf: op program;
        as_capset: ambient effective inheritable permitted pid;
        as_config_change: auid list new_value old op result session keys setting;
        as_cwd: path;
        as_device_mapper: device error_message module op result sector;
        as_event_listener: auid comm exe group op pid result uid;
        as_fanotify: info_type object_trust response rule subject_trust;
        as_fd_pair: first second;
        as_file_capabilities: ambient effective file_effective file_inheritable file_permitted
            inheritable old_ambient old_effective old_inheritable old_permitted permitted root;
        as_integrity: auid cause comm device inode name op pid result uid;
        as_ipc: group mode owner queue_bytes;
        as_kern_module: name;
        as_landlock: address comm denials device domain exe inode local_address local_port mode
            other_pid path pid port status uid blockers;
        as_login: auid old_auid old_session session pid result uid;
        as_mac_change: auid boolean destination destination_prefix enforcing interface lsm
            old_value op result session source source_prefix value was_enforcing;
        as_mac_contexts: labels;
        as_mmap: descriptor flags;
        as_mq: current_messages descriptor max_messages message_length message_size mode
            open_flags priority signal;
        as_netfilter_cfg: comm entries family op pid generation table;
        as_netfilter_pkt: destination destination_port mark protocol source source_port;
        as_obj_pid: auid comm pid session uid;
        as_open_how: flags mode resolve;
        as_path: device group inheritable inode is_effective item label mode name nametype
            node_device owner permitted;
        as_proctitle: arguments bytes is_truncated;
        as_seccomp: action data name arch auid code comm exe instruction is_compat number pid
            session signal uid;
        as_sockaddr: address;
        as_socket_call: arguments;
        as_syscall: arch auid comm egid euid exe exit fsgid fsuid gid items label number
            personality pid ppid session sgid success suid tty uid errno keys name;
        as_time_adj: nanoseconds new_value old_value op seconds;
        as_tty: auid comm data major minor pid session uid;
        as_uring_op: egid euid exit gid operation pid ppid success uid errno keys name;
        as_user_message: auid data pid session uid exe fields interpretations message op result;
    }
    if let Some(avc) = record.as_avc() {
        let _ = avc.permissions().count();
    }
    if let Some(landlock) = record.as_landlock() {
        let _ = landlock.blockers().count();
    }
}
