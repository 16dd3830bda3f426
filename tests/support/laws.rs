//! What holds for any bytes: the bodies of the fuzz targets, which tests replay.

#![allow(dead_code, reason = "each program needs a part of it")]

use auditlink::capture::{Reader, Tee, Writer};
use auditlink::event::{Assembler, Cause, Count, Received, Signal, Stats};
use auditlink::record::LogLine;
use auditlink::rule::{Command, RulesFile};
use auditlink::time::Tick;
use auditlink::user_db::NoLookup;
use auditlink::wire::frame::{self, Frame};
use auditlink::wire::rule as rule_codec;
use auditlink::{Delivery, Event, Events, Loss, MessageType, Record, Rule};

/// Datagrams, each behind its length in two bytes, and whether it was cut: every record that comes in
/// comes out, and what is no record is counted.
pub(crate) fn datagram(bytes: &[u8]) {
    let mut assembler = Assembler::new().max_open_events(8);
    let (mut rest, mut sent, mut records, mut at) = (bytes, 0, 0, 0);
    let (mut events, mut losses) = (Vec::new(), Vec::new());
    while let Some(([low, high], tail)) = rest.split_first_chunk() {
        let length = usize::from(u16::from_le_bytes([*low, high & 0x7F])).min(tail.len());
        let (datagram, behind) = tail.split_at(length);
        rest = behind;
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
    books_hold_what_was_told(&stats, &losses);
    events.iter().for_each(look_at_event);
}

/// Whether a datagram is a record with a head.
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

/// Each number of the account is the sum of what the notices told, and with any of them no completeness is
/// "complete".
fn books_hold_what_was_told(stats: &Stats, losses: &[Loss]) {
    let number = |wanted: fn(&Cause) -> bool| {
        losses.iter().filter(|loss| wanted(loss.cause())).count() as u64
    };
    let exactly = |wanted: fn(&Cause) -> bool| {
        let told =
            losses.iter().filter(|loss| wanted(loss.cause())).map(|loss| match loss.count() {
                Count::Exactly(count) => count,
                Count::AtLeast(_) | Count::Unknown => 0,
            });
        told.fold(0, u64::saturating_add)
    };
    let is_service =
        |cause: &Cause| matches!(cause, Cause::HealthFault { .. } | Cause::HealthRestored);
    let vague = losses
        .iter()
        .filter(|loss| !matches!(loss.count(), Count::Exactly(_)) && !is_service(loss.cause()));
    assert_eq!(stats.losses, losses.len() as u64);
    assert_eq!(stats.kernel_lost, exactly(|cause| matches!(cause, Cause::KernelLost)));
    assert_eq!(stats.overrun_records, exactly(|cause| matches!(cause, Cause::SocketOverrun)));
    assert_eq!(stats.queue_records, exactly(|cause| matches!(cause, Cause::QueueFull)));
    assert_eq!(stats.gap_events, exactly(|cause| matches!(cause, Cause::SerialGap { .. })));
    assert_eq!(stats.undecodable, exactly(|cause| matches!(cause, Cause::Undecodable { .. })));
    assert_eq!(stats.truncated, number(|cause| matches!(cause, Cause::Truncated)));
    assert_eq!(stats.restarts, number(|cause| matches!(cause, Cause::SerialRestart)));
    assert_eq!(
        stats.health_fault_count,
        number(|cause| matches!(cause, Cause::HealthFault { .. }))
    );
    assert_eq!(stats.uncounted_losses, vague.count() as u64);
    assert!(losses.is_empty() || !stats.completeness().is_complete(), "{stats:?}");
    assert!(losses.iter().all(|loss| !loss.to_string().is_empty()));
}

/// A type in two bytes and a text: no byte is in two fields or in none, and the record comes back from
/// a line of a log.
pub(crate) fn record(bytes: &[u8]) {
    let Some((number, text)) = bytes.split_first_chunk() else { return };
    let message_type = MessageType::new(u16::from_le_bytes(*number));
    let Ok(record) = Record::parse(message_type, text) else { return };
    fields_do_not_overlap(record);
    let line = LogLine::of(&record).to_bytes();
    assert!(!line.contains(&b'\n'));
    let again = LogLine::parse(&line).expect("our own line");
    assert_eq!(again.record().expect("a head"), record);
    look(record);
    events_of(&[(message_type, text)]).iter().for_each(look_at_event);
    // behind its call it can be a part of a whole event
    let (head, _) = text.split_at(text.len() - record.body().len());
    let call = [(MessageType::SYSCALL, head), (message_type, text), (MessageType::EOE, head)];
    events_of(&call).iter().for_each(look_at_event);
}

/// Makes events of records, whatever their types; none of one that tells of something else.
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
    // nothing but delimiters is in no field
    let enriched = record.body().contains(&0x1D);
    let outside = record.body().iter().filter(|byte| !b" ='\"".contains(byte)).count();
    assert!(enriched || covered >= outside, "{:?}", record.fields().collect::<Vec<_>>());
}

/// Lines of a rules file: what is understood prints, and what is printed means the same.
pub(crate) fn rule(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    for line in text.lines() {
        if let Ok(Command::Add(rule)) = line.parse::<Command>() {
            let printed = rule.to_string();
            let again: Rule =
                printed.parse().unwrap_or_else(|error| panic!("{line:?}, {printed:?}: {error}"));
            // a watch is printed in its short form, whatever the order of its filters, here as in the
            // reference tool
            if printed.starts_with("-w") {
                assert_eq!(again.to_string(), printed, "{line:?}");
            } else {
                assert!(again == rule, "{line:?}, {printed:?}");
            }
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

/// A capture: it is read to an end or an error, and what is written while it is read is read alike.
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
    events.iter().for_each(look_at_event);
    if is_whole {
        books_hold_what_was_told(&stats, &losses);
        let mut events = Events::new(Reader::new(&copy[..]).expect("our own capture"));
        let second: Vec<_> = events.by_ref().map_while(Result::ok).collect();
        assert_eq!((events.stats(), second), (stats, first));
    }
}

/// Asks an event for everything, and checks what two ways tell.
pub(crate) fn look_at_event(event: &Event) {
    let _ = (event.kind(), event.subject(), event.action().len(), event.outcome(), event.node());
    let _ = (event.objects(), event.keys(), format!("{event:?}"));
    let _ = event.execve().map(|list| list.arguments().count());
    assert_eq!(event.is_whole(), event.missing().is_empty(), "{event:?}");
    let json = serde_json::to_string(&event).expect("all strings are valid");
    serde_json::from_str::<serde_json::Value>(&json).expect("well formed");
    for record in event.records() {
        for field in record.fields() {
            let _ = (field.value.untrusted(), field.value.hexadecimal(), field.value.octal());
        }
    }
    event.records().for_each(look);
}

/// Asks views for everything: whatever the bytes, none may panic.
macro_rules! ask {
    ($record:ident, $($view:ident: $($getter:ident)*;)*) => {
        $(if let Some(view) = $record.$view() {
            $(let _ = view.$getter();)*
        })*
    };
}

/// Asks a record for all that it could be.
fn look(record: Record<'_>) {
    for (field, meaning) in record.interpretations() {
        let _ = (format!("{field:?}"), meaning.to_string());
    }
    let _ = record.enriched().count();
    ask! { record,
        as_syscall: arch number success exit items pid ppid auid uid gid session comm exe name keys;
        as_path: item name inode mode device owner group nametype;
        as_cwd: path;
        as_proctitle: bytes arguments is_truncated;
        as_sockaddr: address;
        as_config_change: op auid session list old result setting keys;
        as_user_message: pid uid auid session message fields op exe result;
        as_avc: fields text verdict is_permissive subject target class pid comm path profile capability;
        as_seccomp: pid signal arch number instruction code name action data;
        as_capset: pid inheritable permitted effective ambient;
        as_file_capabilities: file_permitted file_effective old_permitted permitted;
        as_integrity: pid op cause name inode result;
        as_mac_change: auid lsm enforcing source destination result;
        as_landlock: domain path inode port status pid exe;
        as_fanotify: response rule subject_trust object_trust;
        as_login: pid uid old_auid auid old_session session result;
        as_anom_abend: pid signal exe;
        as_obj_pid: pid auid uid session comm;
        as_tty: pid major minor data;
        as_uring_op: operation name success exit keys;
        as_event_listener: pid op result;
        as_mmap: descriptor flags;
        as_fd_pair: first second;
        as_ipc: owner group mode queue_bytes;
        as_mq: descriptor open_flags mode signal;
        as_kern_module: name;
        as_time_adj: seconds op old_value new_value;
        as_bpf: program op;
        as_netfilter_cfg: family entries op pid comm table generation;
        as_open_how: flags mode resolve;
        as_socket_call: arguments;
        as_device_mapper: module op device sector result;
    }
    if let Some(avc) = record.as_avc() {
        let _ = avc.permissions().count();
    }
    if let Some(landlock) = record.as_landlock() {
        let _ = landlock.blockers().count();
    }
}
