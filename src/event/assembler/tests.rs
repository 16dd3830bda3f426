//! Tests of the assembler: what it receives, and what it must deliver.

use std::time::Duration;

use super::*;
use crate::event::{CauseKind, Completeness, HealthFaults, Missing, UnverifiedReason};
use crate::record::EventId;
use crate::wire::frame;
use crate::wire::status::Status;

/// An assembler with a clock. Its deliveries are returned as one short line each.
struct AssemblerHarness {
    assembler: Assembler,
    at: Tick,
}

impl AssemblerHarness {
    fn new() -> Self {
        Self::with(AssemblerConfig::new())
    }

    fn with(config: AssemblerConfig) -> Self {
        Self { assembler: Assembler::with_config(config), at: Tick::ZERO }
    }

    fn pass(&mut self, millis: u64) -> &mut Self {
        self.at = self.at.saturating_add(Duration::from_millis(millis));
        self
    }

    fn idle(&mut self, millis: u64) -> Vec<String> {
        self.pass(millis);
        self.assembler.handle(Signal::Idle.at(self.at));
        self.out()
    }

    fn handle(&mut self, received: Received<'_>) -> Vec<String> {
        self.assembler.handle(received);
        self.out()
    }

    fn bytes(&mut self, bytes: &[u8]) -> Vec<String> {
        self.handle(Received::Datagram { bytes, needed: bytes.len(), at: self.at })
    }

    /// Feeds records written as `TYPE SERIAL[ body]`, all of second 100.
    fn feed(&mut self, lines: &[&str]) -> Vec<String> {
        let mut out = Vec::new();
        for line in lines {
            let mut words = line.splitn(3, ' ');
            let message_type = words.next().expect("a type").parse().expect("a type");
            let serial = words.next().expect("a serial");
            let stamp =
                if serial.contains(':') { serial.to_owned() } else { format!("100.000:{serial}") };
            let body = words.next().unwrap_or_default();
            let text = format!("audit({stamp}): {body}");
            out.extend(self.bytes(&frame::message(message_type, 0, text.as_bytes())));
        }
        out
    }

    fn out(&mut self) -> Vec<String> {
        std::iter::from_fn(|| self.assembler.poll())
            .map(|delivery| match delivery {
                Delivery::Event(event) => {
                    let types: Vec<_> =
                        event.records().map(|record| record.message_type().to_string()).collect();
                    let mark = if event.is_continuation() { " again" } else { "" };
                    let by = event.closed_by().name();
                    format!("{} {by}{mark}: {}", event.id().serial(), types.join(" "))
                }
                Delivery::Loss(loss) => format!("{loss}"),
            })
            .collect()
    }
}

#[test]
fn interleaved_records_are_separated() {
    let mut harness = AssemblerHarness::new();
    let out = harness.feed(&["SYSCALL 7", "SYSCALL 8", "PATH 7 item=0", "EOE 8", "EOE 7"]);
    assert_eq!(out, ["8 end_record: SYSCALL EOE", "7 end_record: SYSCALL PATH EOE"]);
    assert_eq!(harness.assembler.poll_timeout(), None);
}

#[test]
fn the_same_serial_at_another_time_is_another_event() {
    let mut harness = AssemblerHarness::new();
    let out = harness.feed(&[
        "SYSCALL 100.000:50",
        "EOE 100.000:50",
        "SYSCALL 900.000:50",
        "EOE 900.000:50",
    ]);
    assert_eq!(out.iter().filter(|line| line.starts_with("50 end_record: SYSCALL EOE")).count(), 2);
    assert!(out.iter().any(|line| line.contains("serials restarted")), "{out:?}");
}

#[test]
fn records_before_that_of_the_call_belong_to_its_event() {
    let out = AssemblerHarness::new().feed(&["AVC 9", "SYSCALL 9", "CWD 9", "EOE 9"]);
    assert_eq!(out, ["9 end_record: AVC SYSCALL CWD EOE"]);
}

#[test]
fn a_lone_record_is_delivered_after_the_window_if_the_source_is_idle() {
    let mut harness = AssemblerHarness::new();
    assert!(
        harness.feed(&["BPF 9 prog-id=75 op=UNLOAD"]).is_empty(),
        "it could be part of a larger event"
    );
    let due = harness.assembler.poll_timeout().expect("a deadline");
    assert_eq!(due, Tick::from_nanos(2_000_000_000));
    assert!(harness.idle(1999).is_empty());
    assert_eq!(harness.idle(1), ["9 window: BPF"]);
}

#[test]
fn user_messages_are_delivered_at_once() {
    assert_eq!(AssemblerHarness::new().feed(&["USER_CMD 9 pid=1"]), ["9 standalone: USER_CMD"]);
}

#[test]
fn only_eoe_ends_an_event_and_later_records_are_a_continuation() {
    let mut harness = AssemblerHarness::new();
    assert!(harness.feed(&["SYSCALL 9", "PROCTITLE 9"]).is_empty());
    assert_eq!(harness.feed(&["EOE 9"]), ["9 end_record: SYSCALL PROCTITLE EOE"]);
    assert_eq!(harness.feed(&["PROCTITLE 9"]), [""; 0]);
    assert_eq!(harness.idle(2000), ["9 window again: PROCTITLE"]);
    assert_eq!(harness.assembler.stats().losses, 0, "late is not lost");
}

#[test]
fn an_event_without_eoe_is_delivered_after_the_window() {
    let mut harness = AssemblerHarness::new();
    harness.feed(&["SYSCALL 9", "CWD 9"]);
    harness.pass(1500).feed(&["PROCTITLE 9"]);
    assert!(harness.idle(1999).is_empty(), "the window starts at the last record");
    assert_eq!(harness.idle(1), ["9 window: SYSCALL CWD PROCTITLE"]);
}

#[test]
fn operations_of_io_uring_have_end_records() {
    let mut harness = AssemblerHarness::new();
    let out = harness.feed(&["URINGOP 9 uring_op=18 items=1", "CWD 9", "PATH 9 item=0", "EOE 9"]);
    assert_eq!(out, ["9 end_record: URINGOP CWD PATH EOE"]);
}

#[test]
fn a_gap_is_reported_after_the_window() {
    let mut harness = AssemblerHarness::new();
    harness.feed(&["SYSCALL 100", "EOE 100", "SYSCALL 103", "EOE 103"]);
    assert!(harness.feed(&["SYSCALL 102", "EOE 102"]).len() == 1);
    assert!(harness.idle(1999).is_empty());
    assert_eq!(harness.idle(1), ["lost 1 event after 100.000:100: serial 101 was not received"]);
    assert_eq!(harness.assembler.stats().healed_serials, 1);
}

#[test]
fn serials_out_of_order_are_not_a_loss() {
    let mut harness = AssemblerHarness::new();
    for serial in [100, 103, 102, 104, 101] {
        harness.feed(&[&format!("SYSCALL {serial}"), &format!("EOE {serial}")]);
    }
    assert!(harness.idle(5000).is_empty());
}

#[test]
fn serials_of_auditds_own_records_are_ignored() {
    let mut harness = AssemblerHarness::new();
    harness.feed(&[
        "SYSCALL 100",
        "EOE 100",
        "DAEMON_START 6543 op=start",
        "SYSCALL 101",
        "EOE 101",
    ]);
    assert!(harness.idle(5000).is_empty());
}

#[test]
fn a_skipped_item_number_is_a_missing_path() {
    let mut harness = AssemblerHarness::new();
    let lines = ["SYSCALL 9 items=3", "PATH 9 item=0", "PATH 9 item=2", "EOE 9"];
    for line in lines {
        let mut words = line.splitn(3, ' ');
        let message_type = words.next().expect("a type").parse().expect("a type");
        let body = words.nth(1).unwrap_or_default();
        let text = format!("audit(100.000:9): {body}");
        let bytes = frame::message(message_type, 0, text.as_bytes());
        let needed = bytes.len();
        harness.assembler.handle(Received::Datagram { bytes: &bytes, needed, at: Tick::ZERO });
    }
    let Some(Delivery::Event(event)) = harness.assembler.poll() else { panic!("an event") };
    assert_eq!(event.missing(), [Missing::Paths(1)]);
}

#[test]
fn the_node_is_part_of_the_key() {
    let mut harness = AssemblerHarness::new();
    let record = |node: &str, message_type: MessageType| {
        let text = format!("node={node} audit(100.000:9): x=1");
        frame::message(message_type, 0, text.as_bytes())
    };
    harness.bytes(&record("a", MessageType::SYSCALL));
    harness.bytes(&record("b", MessageType::SYSCALL));
    assert_eq!(harness.bytes(&record("b", MessageType::EOE)), ["9 end_record: SYSCALL EOE"]);
    assert_eq!(harness.bytes(&record("a", MessageType::EOE)), ["9 end_record: SYSCALL EOE"]);
}

#[test]
fn an_overrun_explains_its_own_gap_only() {
    let mut harness = AssemblerHarness::new();
    harness.feed(&["SYSCALL 100", "EOE 100"]);
    let at = harness.at;
    let out = harness.handle(Signal::Overrun { dropped: Some(30) }.at(at));
    assert_eq!(
        out,
        ["lost 30 records after 100.000:100: the reader was too slow for its socket buffer"]
    );
    harness.feed(&["SYSCALL 111", "EOE 111"]);
    harness.pass(600).feed(&["SYSCALL 113", "EOE 113"]);
    let out = harness.idle(5000);
    assert_eq!(
        out,
        ["lost 1 event after 100.000:111: serial 112 was not received"],
        "30 records explain the first gap of 10 serials, but not the later gap"
    );
}

#[test]
fn an_overrun_explains_at_most_one_serial_per_record() {
    let mut harness = AssemblerHarness::new();
    harness.feed(&["SYSCALL 100", "EOE 100", "SYSCALL 111", "EOE 111"]);
    let at = harness.at;
    harness.handle(Signal::Overrun { dropped: Some(4) }.at(at));
    assert_eq!(
        harness.idle(2000),
        ["lost 6 events after 100.000:100: serials 101 to 110 were not received"],
    );
}

#[test]
fn an_overrun_of_zero_records_is_not_a_loss() {
    let mut harness = AssemblerHarness::new();
    let at = harness.at;
    assert!(harness.handle(Signal::Overrun { dropped: Some(0) }.at(at)).is_empty());
    assert_eq!(harness.handle(Signal::Overrun { dropped: None }.at(at)).len(), 1);
}

#[test]
fn the_interval_of_idle_signals_does_not_matter() {
    let outcome = |intervals: &[u64]| {
        let mut harness = AssemblerHarness::new();
        harness.feed(&["SYSCALL 100", "SYSCALL 105"]);
        harness.pass(300).feed(&["SYSCALL 106"]);
        intervals.iter().flat_map(|millis| harness.idle(*millis)).collect::<Vec<_>>()
    };
    let expected = [
        "100 window: SYSCALL",
        "105 window: SYSCALL",
        "lost 4 events after 100.000:100: serials 101 to 104 were not received",
        "106 window: SYSCALL",
    ];
    assert_eq!(outcome(&[5000]), expected);
    assert_eq!(outcome(&[1700, 300]), expected);
    assert_eq!(outcome(&[100; 30]), expected);
}

#[test]
fn totals_saturate() {
    let mut harness = AssemblerHarness::new();
    let at = harness.at;
    for dropped in [u64::MAX, 2] {
        let out = harness.handle(Signal::Overrun { dropped: Some(dropped) }.at(at));
        assert_eq!(
            out,
            [format!("lost {dropped} records: the reader was too slow for its socket buffer")]
        );
        harness.handle(Signal::QueueFull { dropped }.at(at));
    }
    let stats = harness.assembler.stats();
    assert_eq!(
        (stats.total(CauseKind::SocketOverrun), stats.total(CauseKind::QueueFull)),
        (u64::MAX, u64::MAX)
    );
    assert!(!stats.completeness().is_complete());
}

#[test]
fn readings_of_the_lost_counter_are_compared() {
    let mut harness = AssemblerHarness::new();
    let at = harness.at;
    let mut read = |total| harness.handle(Signal::LostCounter { total }.at(at));
    assert!(read(500).is_empty(), "losses before the first reading are not reported");
    assert!(read(500).is_empty());
    assert_eq!(read(507), ["lost 7 records or events: the kernel counted them as lost"]);
    assert_eq!(read(3), ["lost at least 3 records or events: the kernel counted them as lost"]);
    assert_eq!(read(0).len(), 1, "a reset may hide a loss");
}

#[test]
fn messages_of_captures_are_handled_as_signals() {
    let mut harness = AssemblerHarness::new();
    let overrun = frame::message(MessageType::new(4), 0, &9_u64.to_ne_bytes());
    assert_eq!(harness.bytes(&overrun).len(), 1);
    for (lost, losses) in [(5, 0), (8, 1)] {
        let status = Status { lost, ..Status::zero() };
        let reply = frame::message(MessageType::GET, 0, &status.to_bytes());
        assert_eq!(harness.bytes(&reply).len(), losses);
    }
}

#[test]
fn a_truncated_datagram_is_reported_and_delivered() {
    let mut harness = AssemblerHarness::new();
    harness.feed(&["SYSCALL 9"]);
    let text = b"audit(100.000:9): cwd=\"/a/long/pa";
    let bytes = frame::message(MessageType::CWD, 0, text);
    let needed = bytes.len() + 40;
    let out = harness.handle(Received::Datagram { bytes: &bytes, needed, at: Tick::ZERO });
    assert_eq!(out, ["lost 40 bytes after 100.000:9: the end of a record is missing"]);
    harness.assembler.handle(Received::Datagram {
        bytes: &frame::message(MessageType::EOE, 0, b"audit(100.000:9): "),
        needed: 34,
        at: Tick::ZERO,
    });
    let Some(Delivery::Event(event)) = harness.assembler.poll() else { panic!("an event") };
    assert_eq!(event.missing(), [Missing::Tails(1)]);
}

#[test]
fn a_loss_contains_the_undecodable_bytes() {
    let mut harness = AssemblerHarness::new();
    harness.assembler.handle(Received::Datagram { bytes: b"short", needed: 5, at: Tick::ZERO });
    let Some(Delivery::Loss(loss)) = harness.assembler.poll() else { panic!("a loss") };
    assert_eq!(loss.cause(), &Cause::Undecodable { bytes: Bytes::from_static(b"short") });
    let bad = frame::message(MessageType::SYSCALL, 0, b"no stamp");
    assert_eq!(harness.bytes(&bad).len(), 1);
}

#[test]
fn registration_probes_and_refused_datagrams_are_counted() {
    let mut harness = AssemblerHarness::new();
    let probe = frame::message(MessageType::REPLACE, 0, &42_u32.to_ne_bytes());
    assert!(harness.bytes(&probe).is_empty());
    let at = harness.at;
    harness.handle(Signal::Refused { port: 1011 }.at(at));
    let stats = harness.assembler.stats();
    assert_eq!((stats.registration_probes, stats.refused, stats.records), (1, 1, 0));
}

#[test]
fn the_least_recently_active_event_is_evicted() {
    let mut harness = AssemblerHarness::with(AssemblerConfig::new().max_open_events(2));
    harness.feed(&["SYSCALL 1", "SYSCALL 2"]);
    assert!(harness.feed(&["CWD 1"]).is_empty());
    assert_eq!(harness.feed(&["SYSCALL 3"]), ["2 evicted: SYSCALL"]);
    assert_eq!(harness.feed(&["EOE 2"]), ["2 end_record again: EOE"]);
    let mut harness = AssemblerHarness::with(AssemblerConfig::new().max_open_bytes(100));
    let long = format!("SYSCALL 1 x={}", "y".repeat(200));
    assert_eq!(
        harness.feed(&[&long]),
        ["1 evicted: SYSCALL"],
        "a single event can exceed the limit"
    );
}

#[test]
fn events_do_not_expire_before_a_paused_reader_caught_up() {
    let mut harness = AssemblerHarness::new();
    harness.feed(&["SYSCALL 9"]);
    harness.pass(60_000);
    assert!(harness.feed(&["SYSCALL 10"]).is_empty(), "the rest of 9 may still be in the socket");
    assert_eq!(harness.feed(&["EOE 9"]), ["9 end_record: SYSCALL EOE"]);
    harness.pass(60_000).feed(&["SYSCALL 11"]);
    assert_eq!(harness.idle(0), ["10 window: SYSCALL"], "the socket is drained");
}

#[test]
fn events_expire_during_steady_traffic() {
    let mut harness = AssemblerHarness::new();
    harness.feed(&["BPF 9"]);
    let mut out = Vec::new();
    for serial in 10..40 {
        out.extend(harness.pass(100).feed(&[&format!("USER {serial}")]));
    }
    assert!(out.contains(&"9 window: BPF".to_owned()), "{out:?}");
}

#[test]
fn the_end_of_the_input_delivers_everything() {
    let mut harness = AssemblerHarness::new();
    harness.feed(&["SYSCALL 9", "BPF 12"]);
    let at = harness.at;
    let out = harness.handle(Signal::End.at(at));
    assert_eq!(out[..2], ["9 end: SYSCALL", "12 end: BPF"]);
    assert_eq!(out[2], "lost 2 events after 100.000:9: serials 10 to 11 were not received");
    assert_eq!(out.len(), 3);
}

#[test]
fn an_events_records_show_what_is_missing() {
    let missing = |lines: &[&str]| {
        let mut assembler = Assembler::new();
        for line in lines {
            let (name, body) = line.split_once(' ').unwrap_or((line, ""));
            let text = format!("audit(100.000:9): {body}");
            let bytes = frame::message(name.parse().expect("a type"), 0, text.as_bytes());
            let needed = bytes.len();
            assembler.handle(Received::Datagram { bytes: &bytes, needed, at: Tick::ZERO });
        }
        assembler.handle(Signal::End.at(Tick::ZERO));
        match assembler.poll() {
            Some(Delivery::Event(event)) => event.missing(),
            other => panic!("{other:?}"),
        }
    };
    assert_eq!(missing(&["SYSCALL", "EOE"]), []);
    assert_eq!(missing(&["SYSCALL"]), [Missing::EndRecord]);
    assert_eq!(missing(&["CWD", "EOE"]), [Missing::Opener]);
    assert_eq!(missing(&["BPF"]), [], "it may be the whole event");
    assert_eq!(
        missing(&["SYSCALL", "EXECVE argc=3 a0=\"x\" a2=\"z\"", "EOE"]),
        [Missing::Arguments(1)]
    );
    assert_eq!(missing(&["SYSCALL", "EXECVE a1=\"x\"", "EOE"]), [Missing::ArgumentCount]);
    assert_eq!(missing(&["SYSCALL items=2", "PATH item=0", "EOE"]), [], "items= is not used");
    for (arch, call, success, is_exec) in [
        ("c000003e", 59, "yes", true),
        ("c000003e", 322, "yes", true),
        ("40000003", 11, "yes", true),
        ("c000003e", 11, "yes", false),
        ("c000003e", 59, "no", false),
    ] {
        let call = format!("SYSCALL arch={arch} syscall={call} success={success} exit=0");
        let expected = if is_exec { vec![Missing::ArgumentCount] } else { vec![] };
        assert_eq!(missing(&[&call, "EOE"]), expected, "{call}");
        assert_eq!(missing(&[&call, "EXECVE argc=0", "EOE"]), [], "an empty list");
    }
}

fn status(lost: u32) -> Received<'static> {
    Signal::LostCounter { total: lost }.at(Tick::ZERO)
}

#[test]
fn completeness_needs_a_reading_before_and_after_the_records() {
    let mut harness = AssemblerHarness::new();
    let reasons =
        |harness: &AssemblerHarness| harness.assembler.stats().completeness().reasons().to_vec();
    harness.handle(status(7));
    assert_eq!(reasons(&harness), [UnverifiedReason::NoRecords]);
    harness.feed(&["SYSCALL 9"]);
    let unsettled = UnverifiedReason::Unsettled { events: 1, serials: 0 };
    assert_eq!(reasons(&harness), [UnverifiedReason::CounterStale, unsettled]);
    harness.feed(&["EOE 9"]);
    harness.handle(status(7));
    assert_eq!(harness.assembler.stats().completeness(), Completeness::Complete);
    harness.handle(status(9));
    assert_eq!(
        reasons(&harness),
        [UnverifiedReason::Lost { cause: CauseKind::KernelLost, total: 2 }]
    );

    let mut old = AssemblerHarness::new();
    old.handle(status(7));
    old.pass(10).feed(&["SYSCALL 9", "EOE 9"]);
    old.handle(status(7)); // requested at 0, before the records
    assert_eq!(reasons(&old), [UnverifiedReason::CounterStale]);

    let mut late = AssemblerHarness::new();
    late.feed(&["SYSCALL 9", "EOE 9"]);
    late.handle(status(7));
    assert_eq!(reasons(&late), [UnverifiedReason::CounterUnknown], "earlier losses are not known");
}

#[test]
fn queued_events_count_as_incomplete_before_they_are_polled() {
    let mut harness = AssemblerHarness::new();
    harness.handle(status(0));
    let bytes = frame::message(MessageType::EOE, 0, b"audit(100.000:9): ");
    let (needed, at) = (bytes.len(), Tick::ZERO);
    harness.assembler.handle(Received::Datagram { bytes: &bytes, needed, at });
    harness.assembler.handle(status(0));
    assert_eq!(
        harness.assembler.stats().completeness().reasons(),
        [UnverifiedReason::Incomplete(1)]
    );
}

#[test]
fn a_reset_of_the_lost_counter_is_followed() {
    let mut harness = AssemblerHarness::new();
    harness.handle(status(5));
    // 3 more are lost, the counter is reset, and 8 more are lost: it is 8 again
    let reset = "CONFIG_CHANGE 9 op=set lost=0 old=8 auid=0 ses=1 res=1";
    assert_eq!(
        harness.feed(&[reset]),
        ["lost 3 records or events: the kernel counted them as lost"],
        "reported before the record of the reset"
    );
    let out = harness.handle(status(8));
    assert_eq!(out, ["lost 8 records or events after 100.000:9: the kernel counted them as lost"]);
    assert_eq!(harness.assembler.stats().total(CauseKind::KernelLost), 11);
    // the record of a reset is missing, or late
    let out = harness.handle(status(2));
    assert!(out[0].starts_with("lost at least 2 records or events"), "{out:?}");
    let stats = harness.assembler.stats();
    assert_eq!((stats.uncounted_losses, stats.lost_at_least), (1, 2));
}

#[test]
fn each_fault_is_reported_once_and_so_is_their_end() {
    let mut harness = AssemblerHarness::new();
    let at = Tick::ZERO;
    let mut check = |faults| harness.handle(Signal::Health { faults }.at(at));
    assert!(check(HealthFaults::empty()).is_empty());
    assert_eq!(check(HealthFaults::REGISTRATION).len(), 1);
    assert!(check(HealthFaults::REGISTRATION).is_empty(), "once");
    let out = check(HealthFaults::REGISTRATION | HealthFaults::HEARTBEAT);
    assert_eq!(
        out,
        ["audit system degraded: a heartbeat did not return in time"],
        "only the new fault is reported"
    );
    assert!(check(HealthFaults::HEARTBEAT).is_empty(), "one fault remains");
    let out = check(HealthFaults::empty());
    assert_eq!(out, ["audit system restored: events from the time between may be missing"]);
    let stats = harness.assembler.stats();
    assert_eq!((stats.total(CauseKind::HealthFault), stats.health_faults.bits()), (2, 0));
    assert!(!stats.completeness().is_complete(), "the fault still counts");
}

#[test]
fn auditing_that_is_turned_off_is_a_fault() {
    let mut harness = AssemblerHarness::new();
    let off = "CONFIG_CHANGE 9 op=set audit_enabled=0 old=1 auid=0 ses=1 res=1";
    let out = harness.feed(&[off]);
    assert_eq!(out, ["audit system degraded: auditing is off"]);
    let refused = "CONFIG_CHANGE 10 op=set audit_enabled=1 old=0 auid=0 ses=1 res=0";
    assert!(harness.feed(&[refused]).is_empty());
    let on = "CONFIG_CHANGE 11 op=set audit_enabled=1 old=0 auid=0 ses=1 res=1";
    assert_eq!(harness.feed(&[on]).len(), 1);
}

#[test]
fn completeness_is_unverified_during_backpressure() {
    let mut harness = AssemblerHarness::new();
    harness.handle(status(0));
    harness.feed(&["USER 9"]);
    harness.handle(status(0));
    assert!(harness.handle(Signal::BackpressureStarted.at(Tick::ZERO)).is_empty(), "not a loss");
    assert_eq!(
        harness.assembler.stats().completeness().reasons(),
        [UnverifiedReason::Backpressure]
    );
    harness.handle(Signal::BackpressureEnded.at(Tick::ZERO));
    assert!(harness.assembler.stats().completeness().is_complete());
}

#[test]
fn a_full_queue_explains_its_missing_serials() {
    let mut harness = AssemblerHarness::new();
    harness.feed(&["SYSCALL 9", "EOE 9"]);
    let out = harness.handle(Signal::QueueFull { dropped: 3 }.at(Tick::ZERO));
    assert_eq!(out, ["lost 3 records after 100.000:9: the consumer was too slow for its queue"]);
    harness.feed(&["SYSCALL 11", "EOE 11"]);
    assert!(harness.idle(10_000).is_empty(), "the three records explain serial 10");
    assert_eq!(harness.assembler.stats().total(CauseKind::QueueFull), 3);
}

#[test]
fn a_resumed_reader_reports_the_gap_before_its_first_record() {
    let id = EventId::new(crate::time::Timestamp::new(100, 0).expect("a time"), 40);
    let mut harness = AssemblerHarness::with(AssemblerConfig::new().resume_after(id));
    harness.feed(&["PROCTITLE 44", "EOE 44"]);
    assert_eq!(
        harness.idle(2000),
        ["lost 3 events after 100.000:40: serials 41 to 43 were not received"]
    );
}

#[test]
fn records_that_only_follow_a_call_lack_it() {
    let mut harness = AssemblerHarness::new();
    for (line, is_whole) in [
        ("CWD 7 cwd=\"/\"", false),
        ("PROCTITLE 8 proctitle=\"x\"", false),
        ("BPF 9 op=LOAD", true),
    ] {
        harness.feed(&[line]);
        let at = harness.pass(2000).at;
        harness.assembler.handle(Signal::Idle.at(at));
        let Some(Delivery::Event(event)) = harness.assembler.poll() else { panic!("an event") };
        assert_eq!(event.is_whole(), is_whole, "{line}");
        assert_eq!(event.missing().is_empty(), is_whole, "{line}");
    }
}
