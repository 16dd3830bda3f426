//! Properties that hold for any input: no panic, and no event missing without a loss.
//!
//! The model is a machine that makes events, with a kernel and a socket that drop some of the datagrams
//! and count them as the real ones do. proptest finds the cases.

#[path = "../support/laws.rs"]
mod laws;

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use auditlink::capture::synthetic::{Stream, Workload};
use auditlink::event::{
    Assembler, AssemblerConfig, Cause, CauseKind, Completeness, Count, Received, Signal, Unit,
    UnverifiedReason,
};
use auditlink::time::Tick;
use auditlink::wire::{frame, rule as rule_codec, status::Status};
use auditlink::{Delivery, Event, Events, Loss, MessageType, Record, Source};
use proptest::prelude::*;

/// What happens to a datagram in transit.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Fate {
    Arrives,
    /// The socket's buffer is full: the datagram is dropped and counted.
    DroppedBySocket,
    /// The kernel loses it, uncounted by the socket.
    Vanishes,
    /// It arrives after this number of others.
    Delayed(u8),
    /// It arrives without its end.
    Cut(u8),
    /// It arrives after a pause, in tenths of a second.
    AfterPause(u8),
}

fn fates(length: usize) -> impl Strategy<Value = Vec<Fate>> {
    let fate = prop_oneof![
        12 => Just(Fate::Arrives),
        1 => Just(Fate::DroppedBySocket),
        1 => Just(Fate::Vanishes),
        1 => (1_u8..20).prop_map(Fate::Delayed),
        1 => any::<u8>().prop_map(Fate::Cut),
        1 => any::<u8>().prop_map(Fate::AfterPause),
    ];
    // full buffers cause runs of losses
    let runs = prop::collection::vec((fate, 1_usize..12), length / 2..=length);
    runs.prop_map(move |runs| {
        let mut fates: Vec<Fate> =
            runs.into_iter().flat_map(|(fate, count)| std::iter::repeat_n(fate, count)).collect();
        fates.resize(length, Fate::Arrives);
        fates
    })
}

/// A record of the model: its serial and its bytes.
struct Made {
    serial: u32,
    bytes: Vec<u8>,
}

fn made(stream: &Stream) -> Vec<Made> {
    let parse = |bytes: &[u8]| match frame::Frame::parse(bytes).expect("well made") {
        frame::Frame::Record { message_type, text } => {
            Record::parse(message_type, text).expect("well made").id().serial()
        }
        other => panic!("{other:?}"),
    };
    stream.iter().map(|bytes| Made { serial: parse(bytes), bytes: bytes.to_vec() }).collect()
}

/// Everything that was delivered.
#[derive(Default)]
struct Outcome {
    events: Vec<Event>,
    losses: Vec<Loss>,
}

impl Outcome {
    fn drain(&mut self, assembler: &mut Assembler) {
        while let Some(delivery) = assembler.poll() {
            match delivery {
                Delivery::Event(event) => self.events.push(event),
                Delivery::Loss(loss) => self.losses.push(loss),
            }
        }
    }

    fn records_of(&self, serial: u32) -> usize {
        let of = self.events.iter().filter(|event| event.id().serial() == serial);
        of.map(|event| event.records().len()).sum()
    }

    fn missing_in_gaps(&self) -> u64 {
        let gaps =
            self.losses.iter().filter(|loss| matches!(loss.cause(), Cause::SerialGap { .. }));
        gaps.map(|loss| match (loss.count(), loss.cause()) {
            (Count::Exactly(count), _) => count,
            // near the start
            (Count::Unknown, Cause::SerialGap { first, last }) => u64::from(last - first) + 1,
            other => panic!("{other:?}"),
        })
        .sum()
    }
}

/// What the model did, against which the deliveries are checked.
#[derive(Default)]
struct Truth {
    /// Records that arrived, by event.
    arrived: BTreeMap<u32, usize>,
    /// Records that were made, by event.
    made: BTreeMap<u32, usize>,
    dropped_by_socket: u64,
    vanished: u32,
    cut: u64,
    order: Vec<u32>,
    completeness: Option<Completeness>,
}

fn play(stream: &Stream, fates: &[Fate], window: Duration) -> (Truth, Outcome) {
    let records = made(stream);
    let mut truth = Truth::default();
    let mut outcome = Outcome::default();
    let mut assembler = Assembler::with_config(AssemblerConfig::new().window(window));
    let mut at = Tick::from_nanos(1_000_000_000);
    assembler.handle(Signal::LostCounter { total: 0 }.at(at));
    let mut drops = 0_u64;
    let mut delayed: Vec<(usize, &Made)> = Vec::new();
    let mut line: Vec<(&Made, Fate)> = Vec::new();
    for (index, record) in records.iter().enumerate() {
        *truth.made.entry(record.serial).or_default() += 1;
        match fates[index] {
            Fate::Delayed(by) => delayed.push((index + usize::from(by), record)),
            fate => line.push((record, fate)),
        }
        delayed.retain(|(due, late)| {
            if *due <= index {
                line.push((late, Fate::Arrives));
            }
            *due > index
        });
    }
    line.extend(delayed.into_iter().map(|(_, late)| (late, Fate::Arrives)));

    for (record, fate) in line {
        at = at.saturating_add(Duration::from_micros(10));
        let mut kept = record.bytes.len();
        match fate {
            Fate::DroppedBySocket => {
                drops += 1;
                continue;
            }
            Fate::Vanishes => {
                truth.vanished += 1;
                continue;
            }
            Fate::Cut(by) => kept -= usize::from(by).min(kept),
            Fate::AfterPause(tenths) => {
                let end = at.saturating_add(Duration::from_millis(100 * u64::from(tenths)));
                // an idle source returns at each deadline of the assembler
                while let Some(due) = assembler.poll_timeout().filter(|due| *due <= end) {
                    at = due.max(at);
                    assembler.handle(Signal::Idle.at(at));
                    outcome.drain(&mut assembler);
                }
                at = end;
            }
            Fate::Arrives | Fate::Delayed(_) => {}
        }
        if drops > 0 {
            truth.dropped_by_socket += drops;
            assembler.handle(Signal::Overrun { dropped: Some(drops) }.at(at));
            drops = 0;
        }
        if kept < record.bytes.len() {
            truth.cut += 1;
        }
        if kept == record.bytes.len() || kept >= 16 + 40 {
            *truth.arrived.entry(record.serial).or_default() += 1;
            truth.order.push(record.serial);
        }
        let bytes = &record.bytes[..kept];
        assembler.handle(Received::Datagram { bytes, needed: record.bytes.len(), at });
        outcome.drain(&mut assembler);
    }
    if drops > 0 {
        truth.dropped_by_socket += drops;
        assembler.handle(Signal::Overrun { dropped: Some(drops) }.at(at));
    }
    assembler.handle(Signal::LostCounter { total: truth.vanished }.at(at));
    assembler.handle(Signal::End.at(at));
    truth.completeness = Some(assembler.stats().completeness());
    outcome.drain(&mut assembler);
    assert!(assembler.poll_timeout().is_none(), "nothing is open after the end");
    (truth, outcome)
}

/// No event is missing without a loss.
fn check_conservation(truth: &Truth, outcome: &Outcome) -> Result<(), TestCaseError> {
    // every record that arrived is in exactly one event
    for (serial, arrived) in &truth.arrived {
        let delivered = outcome.records_of(*serial);
        prop_assert!(delivered >= *arrived, "event {} has {} of {}", serial, delivered, arrived);
        prop_assert!(delivered <= truth.made[serial], "event {} has too many", serial);
    }
    // every datagram that the socket dropped is reported, with the exact count
    let reported: u64 = outcome
        .losses
        .iter()
        .filter(|loss| *loss.cause() == Cause::SocketOverrun)
        .map(|loss| match (loss.count(), loss.unit()) {
            (Count::Exactly(count), Unit::Records) => count,
            other => panic!("{other:?}"),
        })
        .sum();
    prop_assert_eq!(reported, truth.dropped_by_socket);
    // every truncated record is reported
    let cut = outcome.losses.iter().filter(|loss| *loss.cause() == Cause::Truncated).count() as u64;
    prop_assert_eq!(cut, truth.cut);
    // every event without any received record, between the first and the last received, is in a gap, or
    // an overrun or an undecodable datagram accounts for it
    let (Some(first), Some(last)) = (truth.order.first(), truth.order.iter().max()) else {
        return Ok(());
    };
    let delivered: BTreeSet<u32> = outcome.events.iter().map(|event| event.id().serial()).collect();
    let absent = truth
        .made
        .keys()
        .filter(|serial| *serial > first && *serial < last && !delivered.contains(serial));
    let undecodable = outcome
        .losses
        .iter()
        .filter(|loss| matches!(loss.cause(), Cause::Undecodable { .. }))
        .count();
    let accounted = outcome.missing_in_gaps() + truth.dropped_by_socket + undecodable as u64;
    prop_assert!(absent.clone().count() as u64 <= accounted, "{:?}", outcome.losses);
    // gaps do not exceed the number of events
    prop_assert!(outcome.missing_in_gaps() <= truth.made.len() as u64);
    Ok(())
}

/// Without overruns, the events without any received record are exactly the gaps.
fn check_gaps_are_exact(truth: &Truth, outcome: &Outcome) -> Result<(), TestCaseError> {
    // older events can arrive after the first one
    let (Some(first), Some(last)) = (truth.order.iter().min(), truth.order.iter().max()) else {
        return Ok(());
    };
    let absent = (first + 1..*last).filter(|serial| !truth.arrived.contains_key(serial)).count();
    prop_assert_eq!(outcome.missing_in_gaps(), absent as u64, "{:?}", outcome.losses);
    Ok(())
}

fn workload() -> impl Strategy<Value = Stream> {
    (any::<u64>(), 1_usize..9, 2_usize..40)
        .prop_map(|(seed, cpus, events)| Workload::new(seed).cpus(cpus).events(events).generate())
}

fn workload_and_fates() -> impl Strategy<Value = (Stream, Vec<Fate>)> {
    workload().prop_flat_map(|stream| {
        let length = stream.len();
        (Just(stream), fates(length))
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 512, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_event_is_missing_without_a_loss((stream, fates) in workload_and_fates()) {
        let (truth, outcome) = play(&stream, &fates, Duration::from_secs(2));
        check_conservation(&truth, &outcome)?;
        // completeness is not verified if anything is missing
        if truth.arrived != truth.made || truth.cut > 0 {
            prop_assert_ne!(truth.completeness, Some(Completeness::Complete));
        }
        outcome.events.iter().for_each(laws::read_event);
    }

    #[test]
    fn vanished_events_are_exactly_the_gaps(
        stream in workload(),
        vanish in prop::collection::btree_set(1_u32..40, 0..20),
    ) {
        let fates: Vec<Fate> = made(&stream)
            .iter()
            .map(|record| if vanish.contains(&record.serial) { Fate::Vanishes } else { Fate::Arrives })
            .collect();
        let (truth, outcome) = play(&stream, &fates, Duration::from_secs(2));
        check_conservation(&truth, &outcome)?;
        check_gaps_are_exact(&truth, &outcome)?;
    }

    #[test]
    fn reordered_records_are_not_a_loss(stream in workload(), seed in any::<u64>()) {
        // each record is up to 15 positions late: serials are out of order, events are split
        let mut random = seed;
        let fates: Vec<Fate> = (0..stream.len()).map(|_| {
            random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            match (random >> 59) as u8 { late @ 1..=15 => Fate::Delayed(late), _ => Fate::Arrives }
        }).collect();
        let (truth, outcome) = play(&stream, &fates, Duration::from_secs(2));
        check_conservation(&truth, &outcome)?;
        prop_assert_eq!(outcome.losses, []);
        // an end record that overtakes its event splits it
        let completeness = truth.completeness.expect("a completeness");
        prop_assert!(completeness.reasons().iter().all(|reason| matches!(reason, UnverifiedReason::Incomplete(_))));
    }

    #[test]
    fn records_in_order_are_complete(stream in workload()) {
        let fates = vec![Fate::Arrives; stream.len()];
        let (truth, _) = play(&stream, &fates, Duration::from_secs(2));
        prop_assert_eq!(truth.completeness, Some(Completeness::Complete));
    }

    #[test]
    fn gaps_are_counted_across_the_wrap_of_serials(
        before in 0_u32..60,
        missing in prop::collection::btree_set(1_usize..59, 0..20),
        order in Just(()).prop_flat_map(|()| prop::collection::vec(0_usize..4, 60)),
    ) {
        // sixty events around the wrap: some are missing, others up to three positions late
        let mut line: Vec<(usize, usize)> =
            (0..60).filter(|index| !missing.contains(index)).map(|index| (index + order[index], index)).collect();
        line.sort();
        // the first and the last are in order, because gaps outside them are not reported
        line.retain(|(_, index)| *index != 0 && *index != 59);
        line.insert(0, (0, 0));
        line.push((99, 59));
        let mut assembler = Assembler::new();
        let mut outcome = Outcome::default();
        for (_, index) in line {
            let serial = (u32::MAX - before).wrapping_add(index as u32);
            let text = format!("audit(1.000:{serial}): op=x");
            let bytes = frame::message(MessageType::USER, 0, text.as_bytes());
            assembler.handle(Received::Datagram { bytes: &bytes, needed: bytes.len(), at: Tick::ZERO });
        }
        assembler.handle(Signal::End.at(Tick::ZERO));
        outcome.drain(&mut assembler);
        prop_assert_eq!(outcome.missing_in_gaps(), missing.len() as u64, "{:?}", outcome.losses);
        prop_assert_eq!(assembler.stats().total(CauseKind::SerialRestart), 0);
        prop_assert_eq!(assembler.stats().pending_serials, 0);
    }

    #[test]
    fn counts_of_gaps_are_bounded_for_any_serials(serials in prop::collection::vec(any::<u32>(), 1..60), seconds in prop::collection::vec(0_u64..50, 60)) {
        let mut assembler = Assembler::new();
        let mut outcome = Outcome::default();
        for (serial, second) in serials.iter().zip(&seconds) {
            let text = format!("audit({second}.000:{serial}): op=x");
            let bytes = frame::message(MessageType::USER, 0, text.as_bytes());
            assembler.handle(Received::Datagram { bytes: &bytes, needed: bytes.len(), at: Tick::ZERO });
            outcome.drain(&mut assembler);
        }
        assembler.handle(Signal::End.at(Tick::ZERO));
        outcome.drain(&mut assembler);
        let mut total = 0;
        for loss in &outcome.losses {
            if let (Cause::SerialGap { .. }, Count::Exactly(count)) = (loss.cause(), loss.count()) {
                prop_assert!(count <= 1 << 24, "{}", loss);
                total += count;
            }
        }
        prop_assert_eq!(assembler.stats().total(CauseKind::SerialGap), total);
    }

    #[test]
    fn idle_signals_between_records_change_nothing(stream in workload(), every in 1_usize..9) {
        let plain: Vec<Delivery> =
            Events::new(stream.source()).collect::<Result<_, _>>().expect("no error");
        let split = IdleBetween { source: stream.source(), every, count: 0, at: Tick::ZERO };
        let split: Vec<Delivery> = Events::new(split).collect::<Result<_, _>>().expect("no error");
        prop_assert_eq!(split, plain);
    }

    #[test]
    fn any_datagrams_are_handled(datagrams in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..200), 0..40)) {
        let mut assembler = Assembler::new();
        let mut outcome = Outcome::default();
        for bytes in &datagrams {
            assembler.handle(Received::Datagram { bytes, needed: bytes.len(), at: Tick::ZERO });
            outcome.drain(&mut assembler);
        }
        assembler.handle(Signal::End.at(Tick::ZERO));
        outcome.drain(&mut assembler);
        let stats = assembler.stats();
        prop_assert_eq!(stats.datagrams, datagrams.len() as u64);
        outcome.events.iter().for_each(laws::read_event);
    }

    #[test]
    fn any_record_text_is_handled(number in 1000_u16..3000, body in prop::collection::vec(any::<u8>(), 0..300)) {
        let text = [b"audit(1.000:2): ", &body[..]].concat();
        let bytes = frame::message(MessageType::new(number), 0, &text);
        let mut assembler = Assembler::new();
        assembler.handle(Received::Datagram { bytes: &bytes, needed: bytes.len(), at: Tick::ZERO });
        assembler.handle(Signal::End.at(Tick::ZERO));
        let mut outcome = Outcome::default();
        outcome.drain(&mut assembler);
        outcome.events.iter().for_each(laws::read_event);
    }

    #[test]
    fn fields_do_not_exceed_the_body(body in "([a-z0-9_\\[\\]-]{0,6}(=[\"']?[ -~]{0,9}[\"']? ?)?){0,12}") {
        for number in [1300, 1302, 1305, 1306, 1307, 1309, 1327, 1123, 1336] {
            let text = format!("audit(1.000:2): {body}");
            let record = Record::parse(MessageType::new(number), text.as_bytes()).expect("a header");
            let found: usize = record.fields().map(|field| field.name.len() + field.value.bytes().len()).sum();
            prop_assert!(found <= body.len());
        }
    }

    #[test]
    fn any_rule_bytes_are_refused_or_round_trip(
        mut bytes in prop::collection::vec(any::<u8>(), 1040..1200),
        count in 0_u32..8,
    ) {
        // a plausible number of fields of plausible lengths, so that some rules are valid
        bytes[8..12].copy_from_slice(&count.to_ne_bytes());
        for index in 0..64 {
            let at = 524 + 4 * index;
            let value = u32::from(bytes[at]) % 24;
            bytes[at..at + 4].copy_from_slice(&value.to_ne_bytes());
            if index >= count as usize {
                for array in [268, 524, 780] {
                    bytes[array + 4 * index..array + 4 * index + 4].fill(0);
                }
            }
        }
        let length = (bytes.len() - 1040) as u32;
        bytes[1036..1040].copy_from_slice(&length.to_ne_bytes());
        if let Ok(rule) = rule_codec::parse(&bytes) {
            let _ = rule.to_string();
            prop_assert_eq!(rule_codec::to_bytes(&rule), bytes);
        }
    }

    #[test]
    fn any_rule_text_is_handled(line in "(-[aAdDwWFSkplsberf]|always|exit|never|,|=|!=|&|uid|arch|b64|[ -~]{0,4}| ){0,14}") {
        laws::rule(line.as_bytes());
    }

    #[test]
    fn any_status_is_parsed_if_long_enough(bytes in prop::collection::vec(any::<u8>(), 0..80)) {
        match Status::parse(&bytes) {
            Ok(status) => prop_assert!(bytes.len() >= 32 && status.to_bytes().len() >= 32),
            Err(_) => prop_assert!(bytes.len() < 32),
        }
    }

    #[test]
    fn any_capture_file_is_handled(bytes in prop::collection::vec(any::<u8>(), 0..400), cut in any::<prop::sample::Index>()) {
        let mut capture = include_bytes!("../../examples/dump/demo.pcap").to_vec();
        let at = cut.index(capture.len());
        let end = (at + bytes.len()).min(capture.len());
        capture[at..end].copy_from_slice(&bytes[..end - at]);
        laws::capture(&capture);
    }
}

/// A source that returns idle signals between the records.
#[derive(Debug)]
struct IdleBetween<S> {
    source: S,
    every: usize,
    count: usize,
    at: Tick,
}

impl<S: Source> Source for IdleBetween<S> {
    fn recv(&mut self, until: Option<Tick>) -> Result<Received<'_>, auditlink::Error> {
        self.count += 1;
        if self.count.is_multiple_of(self.every + 1) {
            return Ok(Signal::Idle.at(self.at));
        }
        let received = self.source.recv(until)?;
        self.at = received.at();
        Ok(received)
    }
}
