//! Counts of heap allocations: at most two per event that is returned, none to read its records.

#![allow(clippy::print_stdout, reason = "it prints its result")]

use std::hint::black_box;

use allocation_counter::measure;
use auditlink::capture::synthetic::{Mix, Stream, Workload};
use auditlink::event::{Assembler, Received};
use auditlink::time::Tick;
use auditlink::wire::frame::Frame;
use auditlink::{Delivery, Events, Record};

const EVENTS: usize = 5_000;

/// The workloads with their names.
fn workloads() -> Vec<(&'static str, Stream)> {
    let made = |mix, cpus| Workload::new(3).mix(mix).cpus(cpus).events(EVENTS).generate();
    vec![
        ("exec", made(Mix::Execs, 1)),
        ("exec on 64 CPUs", made(Mix::Execs, 64)),
        ("connect", made(Mix::Connects, 1)),
        ("messages", made(Mix::Messages, 1)),
        ("everything", made(Mix::All, 8)),
    ]
}

/// Parses a datagram: its frame, the header of the record, all fields.
fn parse(datagram: &[u8]) -> usize {
    let Ok(Frame::Record { message_type, text }) = Frame::parse(datagram) else {
        panic!("no record")
    };
    let record = Record::parse(message_type, text).expect("a head");
    record.fields().map(|field| black_box(field).name.len()).sum()
}

#[test]
fn parsing_a_datagram_does_not_allocate() {
    for (name, stream) in workloads() {
        let mut length = 0;
        let counted = measure(|| length = stream.iter().map(parse).sum());
        assert!(length > 0);
        assert_eq!(counted.count_total, 0, "{name}");
    }
}

#[test]
fn reading_the_records_of_an_event_does_not_allocate() {
    for (name, stream) in workloads() {
        let events: Vec<_> = Events::new(stream.source()).ignore_losses().flatten().collect();
        assert_eq!(events.len(), EVENTS);
        let mut seen = (0, 0);
        let counted = measure(|| {
            for record in events.iter().flat_map(|event| event.records()) {
                seen.0 += 1;
                seen.1 += record.fields().map(|field| black_box(field).name.len()).sum::<usize>();
                black_box((record.as_syscall().map(|call| call.pid()), record.as_path()));
            }
        });
        assert!(seen.0 == stream.len() && seen.1 > 0);
        assert_eq!(counted.count_total, 0, "{name}");
    }
}

#[test]
fn an_event_takes_at_most_two_allocations() {
    for (name, stream) in workloads() {
        let mut events = 0;
        let counted = measure(|| {
            for delivery in Events::new(stream.source()) {
                let Ok(Delivery::Event(event)) = delivery else { panic!("{delivery:?}") };
                black_box(&event);
                events += 1;
            }
        });
        assert_eq!(events, EVENTS);
        let per_event = counted.count_total as f64 / EVENTS as f64;
        println!("{name}: {per_event:.3} allocations per event");
        assert!(counted.count_total >= EVENTS as u64, "{name}: an event owns its bytes");
        assert!(per_event <= 2.0, "{name}: {per_event}");
    }
}

#[test]
fn a_warm_assembler_takes_one_allocation_per_event() {
    for (name, stream) in workloads() {
        let datagrams: Vec<&[u8]> = stream.iter().collect();
        let mut assembler = Assembler::new();
        let mut events = 0;
        let mut feed = |datagrams: &[&[u8]]| {
            for bytes in datagrams {
                let at = Tick::from_nanos(1);
                assembler.handle(Received::Datagram { bytes, needed: bytes.len(), at });
                while let Some(delivery) = assembler.poll() {
                    assert!(matches!(delivery, Delivery::Event(_)));
                    events += 1;
                }
            }
        };
        // the first half grows tables and buffers
        let (first, second) = datagrams.split_at(datagrams.len() / 2);
        feed(first);
        let counted = measure(|| feed(second)).count_total;
        assert_eq!(events, EVENTS);
        let expected = EVENTS as u64 / 2;
        println!("{name}: {counted} allocations for about {expected} events");
        // a few buffers grow once more for the longest event
        assert!(counted < expected + expected / 20 + 128, "{name}: {counted}");
    }
}
