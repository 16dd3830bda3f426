//! Measures ratios between candidates, and prints each as a line `RATIO name value`.
//!
//! The candidates run in turns, and the best turn of each counts, so that other load on the machine
//! affects all of them alike.

#![allow(clippy::print_stdout, reason = "it prints its results")]

mod support;

use std::hint::black_box;
use std::time::{Duration, Instant};

use auditlink::capture::synthetic::Mix;

use crate::support::{
    EVENTS, all_fields, assemble, assert_answers, fields_of, lines, nothing, peer, records, scan,
    workload,
};

const TURNS: usize = 120;

fn main() {
    let stream = workload(Mix::Execs, 1, EVENTS);
    let interleaved = workload(Mix::Execs, 64, EVENTS);
    // Check the answers first.
    assert_answers("exec_1cpu", &stream);
    assert_answers("exec_64cpu", &interleaved);
    let records = records(&stream);
    let lines = lines(&records);
    assert!(peer(&lines) > all_fields(&records) / 2);

    let interleaved_records = support::records(&interleaved);
    let candidates: [(&str, usize, &dyn Fn() -> usize); 7] = [
        ("scan", TURNS, &|| scan(&records).0),
        ("fields", TURNS, &|| all_fields(&records)),
        ("linux_audit_parser", TURNS / 20, &|| peer(&lines)),
        ("assembly", TURNS, &|| assemble(&stream, nothing).0),
        ("assembly_fields", TURNS, &|| assemble(&stream, fields_of).0),
        ("assembly_64_cpus", TURNS, &|| assemble(&interleaved, nothing).0),
        ("scan_64_cpus", TURNS, &|| scan(&interleaved_records).0),
    ];
    // For a profiler: `only CANDIDATE TURNS`.
    let words: Vec<String> = std::env::args().collect();
    if let [_, word, name, turns, ..] = &words[..]
        && word == "only"
    {
        let candidate = candidates.iter().find(|(known, ..)| known == name);
        let (_, _, run) = candidate.unwrap_or_else(|| panic!("unknown candidate {name}"));
        for _ in 0..turns.parse::<usize>().expect("a number of turns") {
            black_box(run());
        }
        println!("{} records a turn", records.len());
        return;
    }
    let [scan, fields, peer, lazy, with_fields, lazy_64, scan_64] =
        best_of(candidates.map(|(_, turns, run)| (turns, run)));
    ratio("fields_vs_linux_audit_parser", fields / peer);
    ratio("fields_vs_scan", fields / scan);
    ratio("assembly_vs_scan", lazy / scan);
    ratio("assembly_fields_vs_scan", with_fields / scan);
    ratio("scaling_64_cpus_vs_1", lazy_64 / lazy);
    // The cost of the interleaved order for the scan floor itself.
    ratio("scan_64_cpus_vs_1", scan_64 / scan);

    // Enough turns that caches are as warm for the few events as for the many.
    let (few, many) = (workload(Mix::Connects, 4, 10_000), workload(Mix::Connects, 4, 1_000_000));
    assert_eq!(assemble(&few, nothing).0 * 100, assemble(&many, nothing).0);
    let [few, many] =
        best_of([(100, &|| assemble(&few, nothing).0), (5, &|| assemble(&many, nothing).0)]);
    ratio("events_1m_vs_10k_per_event", many / 100.0 / few);
}

fn ratio(name: &str, value: f64) {
    println!("RATIO {name} {value:.3}");
}

/// Runs each candidate its number of times, in turns, and returns the seconds of each best run.
fn best_of<const N: usize>(candidates: [(usize, &dyn Fn() -> usize); N]) -> [f64; N] {
    let mut best = [Duration::MAX; N];
    let most = candidates.iter().map(|(turns, _)| *turns).max().unwrap_or_default();
    for turn in 0..most {
        for (best, (turns, candidate)) in best.iter_mut().zip(&candidates) {
            // Candidates with few turns are spread over the whole run.
            if turn % most.div_ceil(*turns) == 0 {
                *best = time(candidate).min(*best);
            }
        }
    }
    best.map(|time| time.as_secs_f64())
}

#[expect(clippy::disallowed_methods, reason = "a benchmark measures time")]
fn time(candidate: &dyn Fn() -> usize) -> Duration {
    let started = Instant::now();
    black_box(candidate());
    started.elapsed()
}
