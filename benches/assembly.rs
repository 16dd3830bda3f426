//! Benchmarks of events: assembly, fields, typed views, JSON and replay, compared with the scan floor.

#![allow(missing_docs, reason = "criterion generates the functions")]

mod support;

use std::hint::black_box;

use auditlink::capture::{Reader, Writer};
use auditlink::{Delivery, Event, Events};
use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};

use crate::support::{assemble, assert_answers, fields_of, nothing, records, scan, workloads};

/// Reads the kind, the subject and the outcome.
fn kind_of(event: &Event) {
    black_box((event.kind(), event.subject(), event.outcome()));
}

/// Writes the event as JSON into a temporary buffer.
fn json_of(event: &Event) {
    let mut buffer = Vec::with_capacity(4096);
    serde_json::to_writer(&mut buffer, event).expect("writing to a buffer");
    black_box(buffer);
}

/// Reads a whole capture and returns the number of events.
fn replay(capture: &[u8]) -> usize {
    let reader = Reader::new(capture).expect("a capture");
    Events::new(reader).filter(|next| matches!(next, Ok(Delivery::Event(_)))).count()
}

fn benches(criterion: &mut Criterion) {
    for (name, stream) in workloads() {
        assert_answers(name, &stream);
        let records = records(&stream);
        let (events, _) = assemble(&stream, |event| {
            assert_ne!(event.kind().name(), "other");
            let json = serde_json::to_value(event).expect("a value");
            assert_eq!(json["records"].as_array().map(Vec::len), Some(event.records().len()));
        });
        let mut writer = Writer::new(Vec::new()).expect("writing to a vector");
        stream.write(&mut writer).expect("writing to a vector");
        let capture = writer.finish().expect("writing to a vector");
        assert_eq!(replay(&capture), events);

        let mut group = criterion.benchmark_group("assembly");
        group.throughput(Throughput::Elements(records.len() as u64));
        group.bench_function(BenchmarkId::new(name, "scan_floor"), |b| b.iter(|| scan(&records)));
        for (implementation, look) in [
            ("lazy", nothing as fn(&Event)),
            ("all_fields", fields_of),
            ("typed", kind_of),
            ("json", json_of),
        ] {
            group.bench_function(BenchmarkId::new(name, implementation), |b| {
                b.iter(|| assemble(&stream, look));
            });
        }
        group.bench_function(BenchmarkId::new(name, "replay_of_a_capture"), |b| {
            b.iter(|| replay(&capture));
        });
        group.finish();
    }
}

criterion_group!(of_events, benches);
criterion_main!(of_events);
