//! Benchmarks of rules: parsing, printing, encoding and merging.

#![allow(missing_docs, reason = "criterion generates the functions")]

use std::hint::black_box;

use auditlink::arch::Arch;
use auditlink::wire::rule::to_bytes;
use auditlink::{Rule, RuleSet};
use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};

/// Returns rules as administrators write them: one line per call and ABI, with a few filters.
fn lines() -> Vec<String> {
    let both = ["b64", "b32"];
    let calls =
        Arch::X86_64.syscall_names().filter(|name| Arch::I386.syscall_number(name).is_some());
    calls
        .take(100)
        .flat_map(|call| {
            both.map(|abi| {
                format!(
                    "-a always,exit -F arch={abi} -S {call} -F auid>=1000 -F auid!=unset -F success=0 \
                     -k access"
                )
            })
        })
        .collect()
}

fn parse(lines: &[String]) -> Vec<Rule> {
    lines.iter().map(|line| line.parse().expect("a rule")).collect()
}

fn benches(criterion: &mut Criterion) {
    let lines = lines();
    let rules = parse(&lines);
    let set: RuleSet = rules.iter().cloned().collect();
    // Check the answers first: printed rules parse to the same rules, and merging leaves one per ABI.
    assert_eq!(lines.len(), 200);
    assert!(rules.iter().zip(&lines).all(|(rule, line)| {
        rule.to_string().parse::<Rule>().as_ref() == Ok(rule)
            && rule.keys().count() == 1
            && !line.is_empty()
    }));
    assert_eq!(set.merged().rules.len(), 2);

    let mut group = criterion.benchmark_group("rule");
    group.throughput(Throughput::Elements(lines.len() as u64));
    group.bench_function(BenchmarkId::new("200_rules", "parse"), |b| b.iter(|| parse(&lines)));
    group.bench_function(BenchmarkId::new("200_rules", "print"), |b| {
        b.iter(|| rules.iter().map(|rule| rule.to_string().len()).sum::<usize>());
    });
    group.bench_function(BenchmarkId::new("200_rules", "encode"), |b| {
        b.iter(|| rules.iter().map(|rule| black_box(to_bytes(rule)).len()).sum::<usize>());
    });
    group.bench_function(BenchmarkId::new("200_rules", "merge"), |b| b.iter(|| set.merged()));
    group.finish();
}

criterion_group!(of_rules, benches);
criterion_main!(of_rules);
