//! The way of a record: its head, its fields, its event; each beside the scan floor.
//!
//! The floor is what merely looking at the text costs: for each record, the spaces and the equals
//! signs counted by `memchr`. Ratios to it, in one run, say more than times.

#![allow(missing_docs, reason = "criterion makes the functions")]

use std::hint::black_box;

use auditlink::capture::synthetic::{Mix, Stream, Workload};
use auditlink::event::{Assembler, Received};
use auditlink::time::Tick;
use auditlink::wire::frame::Frame;
use auditlink::{Delivery, MessageType, Record};
use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};

const EVENTS: usize = 10_000;

/// The workloads, each with how many events and records it has.
fn workloads() -> Vec<(&'static str, Stream)> {
    [
        ("exec_1cpu", Mix::Execs, 1),
        ("exec_64cpu", Mix::Execs, 64),
        ("connect_1cpu", Mix::Connects, 1),
    ]
    .into_iter()
    .map(|(name, mix, cpus)| (name, Workload::new(1).mix(mix).cpus(cpus).events(EVENTS).generate()))
    .collect()
}

fn text(datagram: &[u8]) -> &[u8] {
    &datagram[16..]
}

fn record(datagram: &[u8]) -> Record<'_> {
    match Frame::parse(datagram) {
        Ok(Frame::Record { message_type, text }) => {
            Record::parse(message_type, text).expect("a head")
        }
        other => panic!("{other:?}"),
    }
}

fn scan(stream: &Stream) -> usize {
    stream
        .iter()
        .map(|datagram| {
            let text = text(datagram);
            memchr::memchr_iter(b' ', text).count() + memchr::memchr_iter(b'=', text).count()
        })
        .sum()
}

fn headers(stream: &Stream) -> u64 {
    stream.iter().map(|datagram| u64::from(record(datagram).id().serial())).sum()
}

/// The records' types and texts, as a reader has them once datagrams are cut.
fn records(stream: &Stream) -> Vec<(MessageType, &[u8])> {
    stream.iter().map(|datagram| (record(datagram).message_type(), text(datagram))).collect()
}

/// Parses each record and looks at all of its fields.
fn all_fields(records: &[(MessageType, &[u8])]) -> (usize, usize) {
    records
        .iter()
        .flat_map(|(message_type, text)| {
            Record::parse(*message_type, text).expect("a head").fields()
        })
        .fold((0, 0), |(count, bytes), field| {
            (count + 1, bytes + field.name.len() + field.value.bytes().len())
        })
}

/// Events and records that came out; `look` is done to each event.
fn assemble(stream: &Stream, look: impl Fn(&auditlink::Event)) -> (usize, usize) {
    let mut assembler = Assembler::new();
    let mut out = (0, 0);
    for bytes in stream.iter() {
        assembler.handle(Received::Datagram { bytes, needed: bytes.len(), at: Tick::ZERO });
        while let Some(delivery) = assembler.poll() {
            let Delivery::Event(event) = delivery else { panic!("{delivery:?}") };
            look(&event);
            out.0 += 1;
            out.1 += event.records().len();
        }
    }
    assert!(assembler.poll_timeout().is_none(), "nothing is left open");
    out
}

fn assembly_only(stream: &Stream) -> (usize, usize) {
    assemble(stream, |event| {
        black_box(event);
    })
}

fn assembly_and_fields(stream: &Stream) -> (usize, usize) {
    assemble(stream, |event| {
        for record in event.records() {
            record.fields().for_each(|field| {
                black_box(field);
            });
        }
    })
}

fn benches(criterion: &mut Criterion) {
    for (name, stream) in workloads() {
        // the answers first: a benchmark of wrong work measures nothing
        let records = records(&stream);
        let (fields, field_bytes) = all_fields(&records);
        assert!(fields > 5 * EVENTS && field_bytes < stream.byte_len());
        assert!(scan(&stream) > fields, "every field has its sign");
        assert_eq!(headers(&stream), (EVENTS * (EVENTS + 1) / 2 * stream.len() / EVENTS) as u64);
        assert_eq!(assembly_only(&stream), (EVENTS, stream.len()));
        assert_eq!(assembly_and_fields(&stream), (EVENTS, stream.len()));

        let mut group = criterion.benchmark_group("assembly");
        group.throughput(Throughput::Elements(stream.len() as u64));
        group.bench_function(BenchmarkId::new(name, "scan_floor"), |b| b.iter(|| scan(&stream)));
        group.bench_function(BenchmarkId::new(name, "header"), |b| b.iter(|| headers(&stream)));
        group.bench_function(BenchmarkId::new(name, "all_fields"), |b| {
            b.iter(|| all_fields(&records))
        });
        group.bench_function(BenchmarkId::new(name, "events"), |b| {
            b.iter(|| assembly_only(&stream))
        });
        group.bench_function(BenchmarkId::new(name, "events_and_fields"), |b| {
            b.iter(|| assembly_and_fields(&stream));
        });
        group.finish();
    }
}

criterion_group!(assembly, benches);
criterion_main!(assembly);
