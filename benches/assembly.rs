//! Events: put together, looked at, typed, written, replayed; beside the scan floor.

#![allow(missing_docs, reason = "criterion makes the functions")]

mod support;

use std::hint::black_box;

use auditlink::capture::{Reader, Writer};
use auditlink::{Delivery, Event, Events};
use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};

use crate::support::{assemble, assert_answers, fields_of, nothing, records, scan, workloads};

/// Asks what kind of event it is, and what a daemon would want to know first.
fn kind_of(event: &Event) {
    black_box((event.kind(), event.subject(), event.outcome()));
}

/// Writes the JSON form, into a buffer that is thrown away.
fn json_of(event: &Event) {
    let mut buffer = Vec::with_capacity(4096);
    serde_json::to_writer(&mut buffer, event).expect("a buffer takes everything");
    black_box(buffer);
}

/// Reads a capture from its first byte to its last event.
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
        let mut writer = Writer::new(Vec::new()).expect("a vector takes everything");
        stream.write(&mut writer).expect("a vector takes everything");
        let capture = writer.finish().expect("a vector takes everything");
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
