//! Ratios to the scan floor, each a line `RATIO name value`.
//!
//! The candidates take turns, and the best turn of each counts: what else the machine does at the
//! same time then meets all of them alike. The floor is what merely looking at the text costs: for
//! each record, the spaces and the equals signs counted by `memchr`.

#![allow(clippy::print_stdout, reason = "it prints its result")]

use std::hint::black_box;
use std::time::{Duration, Instant};

use auditlink::capture::synthetic::{Mix, Workload};
use auditlink::wire::frame::Frame;
use auditlink::{MessageType, Record};

const EVENTS: usize = 10_000;
const TURNS: usize = 400;

fn main() {
    let stream = Workload::new(1).mix(Mix::Execs).cpus(1).events(EVENTS).generate();
    let records: Vec<(MessageType, &[u8])> = stream
        .iter()
        .map(|datagram| match Frame::parse(datagram) {
            Ok(Frame::Record { message_type, text }) => (message_type, text),
            other => panic!("{other:?}"),
        })
        .collect();
    let scan = || -> usize {
        let counts = records.iter().map(|(_, text)| {
            memchr::memchr_iter(b' ', text).count() + memchr::memchr_iter(b'=', text).count()
        });
        counts.sum()
    };
    let fields = || -> usize {
        let mut count = 0;
        for (message_type, text) in &records {
            let record = Record::parse(*message_type, text).expect("a head");
            for field in record.fields() {
                black_box(field);
                count += 1;
            }
        }
        count
    };
    // the answers first: every field has its sign, and none is forgotten
    let expected: usize =
        (records.iter()).map(|(_, text)| memchr::memchr_iter(b'=', text).count()).sum();
    assert_eq!(fields(), expected);
    assert!(scan() > expected);

    let candidates: [&dyn Fn() -> usize; 2] = [&scan, &fields];
    let mut best = [Duration::MAX; 2];
    for _ in 0..TURNS {
        for (best, candidate) in best.iter_mut().zip(candidates) {
            *best = time(candidate).min(*best);
        }
    }
    let [scan, fields] = best.map(|time| time.as_secs_f64());
    println!("RATIO fields_vs_scan {:.2}", fields / scan);
}

#[expect(clippy::disallowed_methods, reason = "a benchmark measures time")]
fn time(candidate: &dyn Fn() -> usize) -> Duration {
    let started = Instant::now();
    black_box(candidate());
    started.elapsed()
}
