//! Workloads and candidates that several benchmarks share.

#![allow(dead_code, reason = "each benchmark uses a part")]

use std::hint::black_box;

use auditlink::capture::synthetic::{Mix, Stream, Workload};
use auditlink::event::{Assembler, Received};
use auditlink::time::Tick;
use auditlink::wire::frame::Frame;
use auditlink::{Delivery, Event, MessageType, Record};

pub(crate) const EVENTS: usize = 10_000;

pub(crate) fn workload(mix: Mix, cpus: usize, events: usize) -> Stream {
    Workload::new(1).mix(mix).cpus(cpus).events(events).generate()
}

/// Returns the workloads of most benchmarks.
pub(crate) fn workloads() -> Vec<(&'static str, Stream)> {
    [
        ("exec_1cpu", Mix::Execs, 1),
        ("exec_64cpu", Mix::Execs, 64),
        ("connect_1cpu", Mix::Connects, 1),
        ("all_4cpu", Mix::All, 4),
    ]
    .into_iter()
    .map(|(name, mix, cpus)| (name, workload(mix, cpus, EVENTS)))
    .collect()
}

/// The type and the text of a record, as parsed from a datagram.
pub(crate) type Cut<'a> = (MessageType, &'a [u8]);

pub(crate) fn records(stream: &Stream) -> Vec<Cut<'_>> {
    stream
        .iter()
        .map(|datagram| match Frame::parse(datagram) {
            Ok(Frame::Record { message_type, text }) => (message_type, text),
            other => panic!("{other:?}"),
        })
        .collect()
}

/// The scan floor: counts the spaces and the equals signs of each record.
pub(crate) fn scan(records: &[Cut<'_>]) -> (usize, usize) {
    records.iter().fold((0, 0), |(spaces, equals), (_, text)| {
        (
            spaces + memchr::memchr_iter(b' ', text).count(),
            equals + memchr::memchr_iter(b'=', text).count(),
        )
    })
}

/// Parses the headers and returns the sum of the serials.
pub(crate) fn headers(records: &[Cut<'_>]) -> u64 {
    let serial = |(message_type, text): &Cut<'_>| {
        u64::from(Record::parse(*message_type, text).expect("a header").id().serial())
    };
    records.iter().map(serial).sum()
}

/// Parses each record and reads all fields; returns the number of fields.
pub(crate) fn all_fields(records: &[Cut<'_>]) -> usize {
    let mut count = 0;
    for (message_type, text) in records {
        for field in Record::parse(*message_type, text).expect("a header").fields() {
            black_box(field);
            count += 1;
        }
    }
    count
}

/// Returns the records as lines of a log, which linux-audit-parser reads.
pub(crate) fn lines(records: &[Cut<'_>]) -> Vec<Vec<u8>> {
    let line = |(message_type, text): &Cut<'_>| {
        let mut line = format!("type={message_type} msg=").into_bytes();
        line.extend_from_slice(text);
        line.push(b'\n');
        line
    };
    records.iter().map(line).collect()
}

/// Parses each line with linux-audit-parser and returns the number of fields.
pub(crate) fn peer(lines: &[Vec<u8>]) -> usize {
    let count = |line: &Vec<u8>| {
        black_box(linux_audit_parser::parse(line, true).expect("a record")).body.len()
    };
    lines.iter().map(count).sum()
}

/// Assembles all records, calls a function for each event, and returns the numbers of events and
/// records.
pub(crate) fn assemble(stream: &Stream, look: impl Fn(&Event)) -> (usize, usize) {
    let mut assembler = Assembler::new();
    let mut out = (0, 0);
    let mut at = 1_700_000_000_000_000_000;
    for bytes in stream.iter() {
        at += 10_000;
        let at = Tick::from_nanos(at);
        assembler.handle(Received::Datagram { bytes, needed: bytes.len(), at });
        while let Some(delivery) = assembler.poll() {
            let Delivery::Event(event) = delivery else { panic!("{delivery:?}") };
            look(&event);
            out.0 += 1;
            out.1 += event.records().len();
        }
    }
    assert!(assembler.poll_timeout().is_none(), "an event is still open");
    out
}

pub(crate) fn nothing(event: &Event) {
    black_box(event);
}

pub(crate) fn fields_of(event: &Event) {
    for record in event.records() {
        for field in record.fields() {
            black_box(field);
        }
    }
}

/// Asserts that all candidates give the right answers, before they are timed.
pub(crate) fn assert_answers(name: &str, stream: &Stream) {
    let records = records(stream);
    let (spaces, equals) = scan(&records);
    let fields = all_fields(&records);
    assert!(spaces > records.len() && fields > 0, "{name}");
    // Each field has an equals sign; a message in quotes is one field whatever it contains.
    let inside: usize = records
        .iter()
        .filter(|(_, text)| text.ends_with(b"'"))
        .map(|(_, text)| {
            let inside = text.splitn(2, |byte| *byte == b'\'').nth(1).unwrap_or_default();
            memchr::memchr_iter(b'=', inside).count()
        })
        .sum();
    // An AVC record begins with a field that has no equals sign.
    let words = records.iter().filter(|(kind, _)| *kind == MessageType::AVC).count();
    assert_eq!(fields, equals - inside + words, "{name}");
    let per_event = |(kind, _): &&Cut<'_>| {
        matches!(*kind, MessageType::SYSCALL | MessageType::URINGOP)
            || matches!(kind.number(), 1100..=1199)
    };
    let events = records.iter().filter(per_event).count();
    assert_eq!(assemble(stream, nothing), (events, records.len()), "{name}");
    assert!(headers(&records) > (events * (events + 1) / 2) as u64, "{name}");
}
