//! Benchmarks of records: headers and fields, compared with the scan floor and linux-audit-parser.

#![allow(missing_docs, reason = "criterion generates the functions")]

mod support;

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};

use crate::support::{all_fields, assert_answers, headers, lines, peer, records, scan, workloads};

fn benches(criterion: &mut Criterion) {
    for (name, stream) in workloads() {
        assert_answers(name, &stream);
        let records = records(&stream);
        let lines = lines(&records);
        // linux-audit-parser counts the arguments of a program as one field.
        assert!(peer(&lines) > all_fields(&records) / 2);

        let mut group = criterion.benchmark_group("header");
        group.throughput(Throughput::Elements(records.len() as u64));
        group.bench_function(BenchmarkId::new(name, "auditlink"), |b| b.iter(|| headers(&records)));
        group.bench_function(BenchmarkId::new(name, "scan_floor"), |b| b.iter(|| scan(&records)));
        group.finish();

        let mut group = criterion.benchmark_group("fields");
        group.throughput(Throughput::Elements(records.len() as u64));
        group.bench_function(BenchmarkId::new(name, "auditlink"), |b| {
            b.iter(|| all_fields(&records));
        });
        group.bench_function(BenchmarkId::new(name, "scan_floor"), |b| b.iter(|| scan(&records)));
        group.bench_function(BenchmarkId::new(name, "linux_audit_parser"), |b| {
            b.iter(|| peer(&lines));
        });
        group.finish();
    }
}

criterion_group!(of_records, benches);
criterion_main!(of_records);
