//! Readers that start with the first record of a machine, or join while its CPUs send events: what is
//! missing from the first event on is never taken for complete.
//!
//! `AUDITLINK_STARTS` sets the number of starts.

#[path = "../../src/capture/synthetic/random.rs"]
#[expect(dead_code, reason = "not all of it is needed here")]
mod random;

use std::collections::BTreeSet;

use auditlink::event::{Assembler, Cause, Count, Received, Signal};
use auditlink::time::Tick;
use auditlink::wire::frame;
use auditlink::{Delivery, MessageType};

use self::random::Random;

struct Queued {
    serial: u32,
    bytes: Vec<u8>,
}

/// A CPU in the middle of an event.
#[derive(Default)]
struct Cpu {
    /// The records that are still to be sent, the next one last.
    records: Vec<(MessageType, u32, u64)>,
    /// The steps until it continues: another task runs.
    stalled: usize,
}

/// The queue of a machine: what its CPUs sent, in order; the last record is sent when all are done.
struct Machine {
    queue: Vec<Queued>,
    /// The serials of which everything vanished before the queue.
    vanished: BTreeSet<u32>,
}

fn record(message_type: MessageType, serial: u32, step: u64) -> Queued {
    let millis = step / 50; // 20 microseconds per step
    let text = format!("audit({}.{:03}:{serial}): ", 1000 + millis / 1000, millis % 1000);
    Queued { serial, bytes: frame::message(message_type, 0, text.as_bytes()) }
}

fn run(random: &mut Random, cpus: usize, events: usize, vanish_one_in: usize) -> Machine {
    let mut machine = Machine { queue: Vec::new(), vanished: BTreeSet::new() };
    let mut cpus: Vec<Cpu> = (0..cpus).map(|_| Cpu::default()).collect();
    let mut serial = if random.below(8) == 0 { u32::MAX - 5 } else { random.below(5000) as u32 };
    let (mut made, mut step) = (0, 0);
    while made < events || cpus.iter().any(|cpu| !cpu.records.is_empty()) {
        step += 1;
        let index = random.below(cpus.len());
        let cpu = &mut cpus[index];
        if cpu.stalled > 0 {
            cpu.stalled -= 1;
        } else if let Some((message_type, serial, begun)) = cpu.records.pop() {
            machine.queue.push(record(message_type, serial, begun));
            cpu.stalled = if random.below(12) == 0 { random.below(40) } else { 0 };
        } else if made < events {
            // the serial is drawn now, and sent from the next step on
            made += 1;
            serial = serial.wrapping_add(1);
            let types = [MessageType::EOE, MessageType::PROCTITLE, MessageType::CWD];
            let mut records: Vec<_> = types[..1 + random.below(3)].to_vec();
            records.push(MessageType::SYSCALL);
            if random.below(10) == 0 {
                records.push(MessageType::AVC);
            }
            if random.below(vanish_one_in) == 0 {
                machine.vanished.insert(serial);
            } else {
                cpu.records = records.into_iter().map(|it| (it, serial, step)).collect();
                cpu.stalled = if random.below(12) == 0 { random.below(40) } else { 0 };
            }
        }
    }
    machine.queue.push(record(MessageType::USER, serial.wrapping_add(1), step));
    machine
}

#[derive(Debug, Default)]
struct Tally {
    starts: u32,
    complete: u32,
    with_missing: u32,
    /// Events that a gap counts although they were sent before the reader joined.
    counted_wrongly: u64,
    joins: u32,
}

fn start(number: u64, tally: &mut Tally) {
    // each start is found again by its number
    let random = &mut Random::new(number);
    let cpus = if number.is_multiple_of(2) { 2 } else { 4 };
    let vanish_one_in = if random.below(3) == 0 { usize::MAX } else { 30 };
    let events = 5 + random.below(60);
    let machine = run(random, cpus, events, vanish_one_in);
    let joined_at = match random.below(2) {
        0 => 0,
        _ => random.below(machine.queue.len() * 2 / 3),
    };
    let (before, received) = machine.queue.split_at(joined_at);
    let mut assembler = Assembler::new();
    assembler.handle(Signal::LostCounter { total: 0 }.at(Tick::ZERO));
    for record in received {
        let bytes = &record.bytes;
        assembler.handle(Received::Datagram { bytes, needed: bytes.len(), at: Tick::ZERO });
    }
    assembler.handle(Signal::LostCounter { total: 0 }.at(Tick::ZERO));
    assembler.handle(Signal::End.at(Tick::ZERO));
    let is_complete = assembler.stats().completeness().is_complete();

    let seen: BTreeSet<u32> = received.iter().map(|record| record.serial).collect();
    let last = machine.queue.last().expect("the last record").serial;
    // serials wrap: they are compared by their distance to the last one
    let first = seen.iter().copied().max_by_key(|serial| last.wrapping_sub(*serial));
    let first = first.expect("a serial");
    let all = (0..=last.wrapping_sub(first)).map(|ahead| first.wrapping_add(ahead));
    let missing = all.filter(|serial| !seen.contains(serial)).count();
    assert!(!is_complete || missing == 0, "start {number}: {missing} serials are missing");
    if joined_at == 0 && machine.vanished.is_empty() {
        assert!(is_complete, "start {number}: {}", assembler.stats().completeness());
    }
    let sent_before: BTreeSet<u32> = before.iter().map(|record| record.serial).collect();
    while let Some(delivery) = assembler.poll() {
        if let Delivery::Loss(loss) = delivery
            && let (Cause::SerialGap { first, last }, Count::Exactly(_)) =
                (loss.cause(), loss.count())
        {
            let range = (0..=last.wrapping_sub(*first)).map(|ahead| first.wrapping_add(ahead));
            tally.counted_wrongly +=
                range.filter(|serial| sent_before.contains(serial)).count() as u64;
        }
    }
    tally.starts += 1;
    tally.joins += u32::from(joined_at > 0);
    tally.complete += u32::from(is_complete);
    tally.with_missing += u32::from(missing > 0);
}

#[test]
fn a_start_that_misses_an_event_is_never_complete() {
    let starts = std::env::var("AUDITLINK_STARTS").ok();
    let starts = starts.map_or(4_000, |starts| starts.parse().expect("a number of starts"));
    let mut tally = Tally::default();
    (0..starts).for_each(|number| start(number, &mut tally));
    println!("{tally:?}");
    assert!(tally.with_missing > tally.starts / 10 && tally.complete > tally.starts / 10);
    let rate = tally.counted_wrongly as f64 / f64::from(tally.joins);
    // nothing distinguishes an event that was sent before from one that is lost, if no other one shows
    // that the reader joined between the records of an event
    assert!(rate < 0.03, "{tally:?}");
}
