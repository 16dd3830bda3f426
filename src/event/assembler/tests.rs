//! Tests of the engine: what it is told, and what it must hand out.

use super::*;
use crate::event::{Cause, Completeness, HealthFaults, Missing, UnverifiedReason};
use crate::wire::frame;
use crate::wire::status::Status;

/// Feeds an assembler and collects what comes out, one short line each.
struct AssemblerHarness {
    assembler: Assembler,
    at: Tick,
}

impl AssemblerHarness {
    fn new() -> Self {
        Self::over(Assembler::new())
    }

    fn over(assembler: Assembler) -> Self {
        Self { assembler, at: Tick::ZERO }
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

    fn tell(&mut self, received: Received<'_>) -> Vec<String> {
        self.assembler.handle(received);
        self.out()
    }

    fn bytes(&mut self, bytes: &[u8]) -> Vec<String> {
        self.tell(Received::Datagram { bytes, needed: bytes.len(), at: self.at })
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
fn interleaved_events() {
    let mut bench = AssemblerHarness::new();
    let out = bench.feed(&["SYSCALL 7", "SYSCALL 8", "PATH 7 item=0", "EOE 8", "EOE 7"]);
    assert_eq!(out, ["8 end_record: SYSCALL EOE", "7 end_record: SYSCALL PATH EOE"]);
    assert_eq!(bench.assembler.poll_timeout(), None);
}

#[test]
fn the_same_serial_at_another_time() {
    let mut bench = AssemblerHarness::new();
    let out = bench.feed(&[
        "SYSCALL 100.000:50",
        "EOE 100.000:50",
        "SYSCALL 900.000:50",
        "EOE 900.000:50",
    ]);
    assert_eq!(out.iter().filter(|line| line.starts_with("50 end_record: SYSCALL EOE")).count(), 2);
    assert!(out.iter().any(|line| line.contains("serials started anew")), "{out:?}");
}

#[test]
fn records_before_the_call() {
    let out = AssemblerHarness::new().feed(&["AVC 9", "SYSCALL 9", "CWD 9", "EOE 9"]);
    assert_eq!(out, ["9 end_record: AVC SYSCALL CWD EOE"]);
}

#[test]
fn a_lone_record_goes_out_when_the_line_is_silent() {
    let mut bench = AssemblerHarness::new();
    assert!(bench.feed(&["BPF 9 prog-id=75 op=UNLOAD"]).is_empty(), "trap 17: it might join");
    let due = bench.assembler.poll_timeout().expect("a deadline");
    assert_eq!(due, Tick::from_nanos(2_000_000_000));
    assert!(bench.idle(1999).is_empty());
    assert_eq!(bench.idle(1), ["9 window: BPF"]);
}

#[test]
fn user_messages_go_out_at_once() {
    assert_eq!(AssemblerHarness::new().feed(&["USER_CMD 9 pid=1"]), ["9 standalone: USER_CMD"]);
}

#[test]
fn the_process_title_is_not_the_end() {
    let mut bench = AssemblerHarness::new();
    assert!(bench.feed(&["SYSCALL 9", "PROCTITLE 9"]).is_empty());
    assert_eq!(bench.feed(&["EOE 9"]), ["9 end_record: SYSCALL PROCTITLE EOE"]);
    assert_eq!(bench.feed(&["PROCTITLE 9"]), [""; 0]);
    assert_eq!(bench.idle(2000), ["9 window again: PROCTITLE"]);
    assert_eq!(bench.assembler.stats().losses, 0, "late is not lost");
}

#[test]
fn events_without_an_end_record() {
    let mut bench = AssemblerHarness::new();
    bench.feed(&["SYSCALL 9", "CWD 9"]);
    bench.pass(1500).feed(&["PROCTITLE 9"]);
    assert!(bench.idle(1999).is_empty(), "the window counts from the last record");
    assert_eq!(bench.idle(1), ["9 window: SYSCALL CWD PROCTITLE"]);
}

#[test]
fn io_uring_events_are_whole() {
    let mut bench = AssemblerHarness::new();
    let out = bench.feed(&["URINGOP 9 uring_op=18 items=1", "CWD 9", "PATH 9 item=0", "EOE 9"]);
    assert_eq!(out, ["9 end_record: URINGOP CWD PATH EOE"]);
}

#[test]
fn a_gap_is_pending_until_its_window_has_passed() {
    let mut bench = AssemblerHarness::new();
    bench.feed(&["SYSCALL 100", "EOE 100", "SYSCALL 103", "EOE 103"]);
    assert!(bench.feed(&["SYSCALL 102", "EOE 102"]).len() == 1);
    assert!(bench.idle(1999).is_empty());
    assert_eq!(bench.idle(1), ["lost 1 events after 100.000:100: serial 101 never came"]);
    assert_eq!(bench.assembler.stats().healed_serials, 1);
}

#[test]
fn serials_out_of_order_are_no_loss() {
    let mut bench = AssemblerHarness::new();
    for serial in [100, 103, 102, 104, 101] {
        bench.feed(&[&format!("SYSCALL {serial}"), &format!("EOE {serial}")]);
    }
    assert!(bench.idle(5000).is_empty());
}

#[test]
fn serials_that_auditd_invents_are_not_counted() {
    let mut bench = AssemblerHarness::new();
    bench.feed(&["SYSCALL 100", "EOE 100", "DAEMON_START 6543 op=start", "SYSCALL 101", "EOE 101"]);
    assert!(bench.idle(5000).is_empty());
}

#[test]
fn a_path_that_is_missing() {
    let mut bench = AssemblerHarness::new();
    let lines = ["SYSCALL 9 items=3", "PATH 9 item=0", "PATH 9 item=2", "EOE 9"];
    for line in lines {
        let mut words = line.splitn(3, ' ');
        let message_type = words.next().expect("a type").parse().expect("a type");
        let body = words.nth(1).unwrap_or_default();
        let text = format!("audit(100.000:9): {body}");
        let bytes = frame::message(message_type, 0, text.as_bytes());
        let needed = bytes.len();
        bench.assembler.handle(Received::Datagram { bytes: &bytes, needed, at: Tick::ZERO });
    }
    let Some(Delivery::Event(event)) = bench.assembler.poll() else { panic!("an event") };
    assert_eq!(event.missing(), [Missing::Paths(1)]);
}

#[test]
fn the_node_is_part_of_the_key() {
    let mut bench = AssemblerHarness::new();
    let record = |node: &str, message_type: MessageType| {
        let text = format!("node={node} audit(100.000:9): x=1");
        frame::message(message_type, 0, text.as_bytes())
    };
    bench.bytes(&record("a", MessageType::SYSCALL));
    bench.bytes(&record("b", MessageType::SYSCALL));
    assert_eq!(bench.bytes(&record("b", MessageType::EOE)), ["9 end_record: SYSCALL EOE"]);
    assert_eq!(bench.bytes(&record("a", MessageType::EOE)), ["9 end_record: SYSCALL EOE"]);
}

#[test]
fn an_overrun_explains_its_own_gap_and_no_other() {
    let mut bench = AssemblerHarness::new();
    bench.feed(&["SYSCALL 100", "EOE 100"]);
    let at = bench.at;
    let out = bench.tell(Signal::Overrun { dropped: Some(30) }.at(at));
    assert_eq!(
        out,
        ["lost 30 records after 100.000:100: the reader was too slow for its socket buffer"]
    );
    bench.feed(&["SYSCALL 111", "EOE 111"]);
    bench.pass(600).feed(&["SYSCALL 113", "EOE 113"]);
    let out = bench.idle(5000);
    assert_eq!(
        out,
        ["lost 1 events after 100.000:111: serial 112 never came"],
        "ten serials, thirty records: explained; a later gap is another loss"
    );
}

#[test]
fn an_overrun_explains_no_more_serials_than_records() {
    let mut bench = AssemblerHarness::new();
    bench.feed(&["SYSCALL 100", "EOE 100", "SYSCALL 111", "EOE 111"]);
    let at = bench.at;
    bench.tell(Signal::Overrun { dropped: Some(4) }.at(at));
    assert_eq!(
        bench.idle(2000),
        ["lost 6 events after 100.000:100: serials 101 to 110 never came"],
    );
}

#[test]
fn an_overrun_of_nothing_is_no_loss() {
    let mut bench = AssemblerHarness::new();
    let at = bench.at;
    assert!(bench.tell(Signal::Overrun { dropped: Some(0) }.at(at)).is_empty());
    assert_eq!(bench.tell(Signal::Overrun { dropped: None }.at(at)).len(), 1);
}

#[test]
fn it_makes_no_difference_how_often_somebody_looks() {
    let outcome = |looks: &[u64]| {
        let mut bench = AssemblerHarness::new();
        bench.feed(&["SYSCALL 100", "SYSCALL 105"]);
        bench.pass(300).feed(&["SYSCALL 106"]);
        looks.iter().flat_map(|millis| bench.idle(*millis)).collect::<Vec<_>>()
    };
    let expected = [
        "100 window: SYSCALL",
        "105 window: SYSCALL",
        "lost 4 events after 100.000:100: serials 101 to 104 never came",
        "106 window: SYSCALL",
    ];
    assert_eq!(outcome(&[5000]), expected);
    assert_eq!(outcome(&[1700, 300]), expected);
    assert_eq!(outcome(&[100; 30]), expected);
}

#[test]
fn absurd_counts_add_up_to_the_greatest_number() {
    let mut bench = AssemblerHarness::new();
    let at = bench.at;
    for dropped in [u64::MAX, 2] {
        let out = bench.tell(Signal::Overrun { dropped: Some(dropped) }.at(at));
        assert_eq!(
            out,
            [format!("lost {dropped} records: the reader was too slow for its socket buffer")]
        );
        bench.tell(Signal::QueueFull { dropped }.at(at));
    }
    let stats = bench.assembler.stats();
    assert_eq!((stats.overrun_records, stats.queue_records), (u64::MAX, u64::MAX));
    assert!(!stats.completeness().is_complete());
}

#[test]
fn the_kernels_counter_is_compared_with_its_last_reading() {
    let mut bench = AssemblerHarness::new();
    let at = bench.at;
    let mut read = |total| bench.tell(Signal::LostCounter { total }.at(at));
    assert!(read(500).is_empty(), "what was lost before is not ours");
    assert!(read(500).is_empty());
    assert_eq!(read(507), ["lost 7 records or events: the kernel counted them as lost"]);
    assert_eq!(read(3), ["lost at least 3 records or events: the kernel counted them as lost"]);
    assert_eq!(read(0).len(), 1, "a reset may hide a loss");
}

#[test]
fn captures_hold_overruns_and_counters_as_messages() {
    let mut bench = AssemblerHarness::new();
    let overrun = frame::message(MessageType::new(4), 0, &9_u64.to_ne_bytes());
    assert_eq!(bench.bytes(&overrun).len(), 1);
    for (lost, losses) in [(5, 0), (8, 1)] {
        let status = Status { lost, ..Status::zero() };
        let reply = frame::message(MessageType::GET, 0, &status.to_bytes());
        assert_eq!(bench.bytes(&reply).len(), losses);
    }
}

#[test]
fn a_cut_datagram_is_told_and_kept() {
    let mut bench = AssemblerHarness::new();
    bench.feed(&["SYSCALL 9"]);
    let text = b"audit(100.000:9): cwd=\"/a/long/pa";
    let bytes = frame::message(MessageType::CWD, 0, text);
    let needed = bytes.len() + 40;
    let out = bench.tell(Received::Datagram { bytes: &bytes, needed, at: Tick::ZERO });
    assert_eq!(out, ["lost 40 bytes after 100.000:9: a record was longer than the receive buffer"]);
    bench.assembler.handle(Received::Datagram {
        bytes: &frame::message(MessageType::EOE, 0, b"audit(100.000:9): "),
        needed: 34,
        at: Tick::ZERO,
    });
    let Some(Delivery::Event(event)) = bench.assembler.poll() else { panic!("an event") };
    assert_eq!(event.missing(), [Missing::Tails(1)]);
}

#[test]
fn undecodable_bytes_are_kept_in_the_notice() {
    let mut bench = AssemblerHarness::new();
    bench.assembler.handle(Received::Datagram { bytes: b"short", needed: 5, at: Tick::ZERO });
    let Some(Delivery::Loss(loss)) = bench.assembler.poll() else { panic!("a loss") };
    assert_eq!(loss.cause(), &Cause::Undecodable { bytes: Bytes::from_static(b"short") });
    let bad = frame::message(MessageType::SYSCALL, 0, b"no stamp");
    assert_eq!(bench.bytes(&bad).len(), 1);
}

#[test]
fn a_probe_for_the_slot_is_counted() {
    let mut bench = AssemblerHarness::new();
    let probe = frame::message(MessageType::REPLACE, 0, &42_u32.to_ne_bytes());
    assert!(bench.bytes(&probe).is_empty());
    let at = bench.at;
    bench.tell(Signal::Refused { port: 1011 }.at(at));
    let stats = bench.assembler.stats();
    assert_eq!((stats.registration_probes, stats.refused, stats.records), (1, 1, 0));
}

#[test]
fn too_many_events_or_bytes_push_the_quietest_out() {
    let mut bench = AssemblerHarness::over(Assembler::new().max_open_events(2));
    bench.feed(&["SYSCALL 1", "SYSCALL 2"]);
    assert!(bench.feed(&["CWD 1"]).is_empty());
    assert_eq!(bench.feed(&["SYSCALL 3"]), ["2 evicted: SYSCALL"]);
    assert_eq!(bench.feed(&["EOE 2"]), ["2 end_record again: EOE"]);
    let mut bench = AssemblerHarness::over(Assembler::new().max_open_bytes(100));
    let long = format!("SYSCALL 1 x={}", "y".repeat(200));
    assert_eq!(bench.feed(&[&long]), ["1 evicted: SYSCALL"], "one event can be too big alone");
}

#[test]
fn a_reader_that_paused_does_not_tear_events_apart() {
    let mut bench = AssemblerHarness::new();
    bench.feed(&["SYSCALL 9"]);
    bench.pass(60_000);
    assert!(bench.feed(&["SYSCALL 10"]).is_empty(), "the rest of 9 may lie in the socket still");
    assert_eq!(bench.feed(&["EOE 9"]), ["9 end_record: SYSCALL EOE"]);
    bench.pass(60_000).feed(&["SYSCALL 11"]);
    assert_eq!(bench.idle(0), ["10 window: SYSCALL"], "the line was found empty");
}

#[test]
fn steady_traffic_does_not_keep_events_open() {
    let mut bench = AssemblerHarness::new();
    bench.feed(&["BPF 9"]);
    let mut out = Vec::new();
    for serial in 10..40 {
        out.extend(bench.pass(100).feed(&[&format!("USER {serial}")]));
    }
    assert!(out.contains(&"9 window: BPF".to_owned()), "{out:?}");
}

#[test]
fn the_end_of_the_input_hands_out_everything() {
    let mut bench = AssemblerHarness::new();
    bench.feed(&["SYSCALL 9", "BPF 12"]);
    let at = bench.at;
    let out = bench.tell(Signal::End.at(at));
    assert_eq!(out[..2], ["9 end: SYSCALL", "12 end: BPF"]);
    assert_eq!(out[2], "lost 2 events after 100.000:9: serials 10 to 11 never came");
    assert_eq!(out.len(), 3);
}

#[test]
fn what_is_missing_by_an_events_own_words() {
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
    assert_eq!(missing(&["BPF"]), [], "it may have come alone");
    assert_eq!(
        missing(&["SYSCALL", "EXECVE argc=3 a0=\"x\" a2=\"z\"", "EOE"]),
        [Missing::Arguments(1)]
    );
    assert_eq!(missing(&["SYSCALL", "EXECVE a1=\"x\"", "EOE"]), [Missing::ArgumentCount]);
    assert_eq!(missing(&["SYSCALL items=2", "PATH item=0", "EOE"]), [], "items= is a hint");
}

fn status(lost: u32) -> Received<'static> {
    Signal::LostCounter { total: lost }.at(Tick::ZERO)
}

#[test]
fn a_verdict_needs_the_counter_before_and_after() {
    let mut bench = AssemblerHarness::new();
    let reasons =
        |bench: &AssemblerHarness| bench.assembler.stats().completeness().reasons().to_vec();
    bench.tell(status(7));
    assert_eq!(reasons(&bench), [UnverifiedReason::Silent]);
    bench.feed(&["SYSCALL 9"]);
    let unsettled = UnverifiedReason::Unsettled { events: 1, serials: 0 };
    assert_eq!(reasons(&bench), [UnverifiedReason::CounterStale, unsettled]);
    bench.feed(&["EOE 9"]);
    bench.tell(status(7));
    assert_eq!(bench.assembler.stats().completeness(), Completeness::Complete);
    bench.tell(status(9));
    assert_eq!(reasons(&bench), [UnverifiedReason::KernelLost(2)]);

    let mut old = AssemblerHarness::new();
    old.tell(status(7));
    old.pass(10).feed(&["SYSCALL 9", "EOE 9"]);
    old.tell(status(7)); // begun at 0, when the records were not there yet
    assert_eq!(reasons(&old), [UnverifiedReason::CounterStale]);

    let mut late = AssemblerHarness::new();
    late.feed(&["SYSCALL 9", "EOE 9"]);
    late.tell(status(7));
    assert_eq!(
        reasons(&late),
        [UnverifiedReason::CounterUnknown],
        "what was lost before is not known"
    );
}

#[test]
fn what_waits_to_be_handed_out_is_judged_already() {
    let mut bench = AssemblerHarness::new();
    bench.tell(status(0));
    let bytes = frame::message(MessageType::EOE, 0, b"audit(100.000:9): ");
    let (needed, at) = (bytes.len(), Tick::ZERO);
    bench.assembler.handle(Received::Datagram { bytes: &bytes, needed, at });
    bench.assembler.handle(status(0));
    assert_eq!(bench.assembler.stats().completeness().reasons(), [UnverifiedReason::Incomplete(1)]);
}

#[test]
fn a_counter_that_somebody_resets_is_followed() {
    let mut bench = AssemblerHarness::new();
    bench.tell(status(5));
    // 3 more were lost, then it was reset, then 8 more were lost: it stands at 8 again
    let reset = "CONFIG_CHANGE 9 op=set lost=0 old=8 auid=0 ses=1 res=1";
    assert_eq!(
        bench.feed(&[reset]),
        ["lost 3 records or events: the kernel counted them as lost"],
        "the place is before the record of the reset"
    );
    let said = bench.tell(status(8));
    assert_eq!(said, ["lost 8 records or events after 100.000:9: the kernel counted them as lost"]);
    assert_eq!(bench.assembler.stats().kernel_lost, 11);
    // if the record of the reset is not there, or comes late
    let said = bench.tell(status(2));
    assert!(said[0].starts_with("lost at least 2 records or events"), "{said:?}");
    let stats = bench.assembler.stats();
    assert_eq!((stats.uncounted_losses, stats.lost_at_least), (1, 2));
}

#[test]
fn the_service_is_lost_once_and_restored_once() {
    let mut bench = AssemblerHarness::new();
    let at = Tick::ZERO;
    let mut look = |faults| bench.tell(Signal::Health { faults }.at(at));
    assert!(look(HealthFaults::empty()).is_empty());
    assert_eq!(look(HealthFaults::REGISTRATION).len(), 1);
    assert!(look(HealthFaults::REGISTRATION).is_empty(), "once");
    let said = look(HealthFaults::REGISTRATION | HealthFaults::HEARTBEAT);
    assert_eq!(said, ["service lost: a heartbeat did not come back in time"], "what is new");
    assert!(look(HealthFaults::HEARTBEAT).is_empty(), "not well yet");
    let said = look(HealthFaults::empty());
    assert_eq!(said, ["service restored: what happened meanwhile may be missing"]);
    let stats = bench.assembler.stats();
    assert_eq!((stats.health_fault_count, stats.health_faults.bits()), (2, 0));
    assert!(!stats.completeness().is_complete(), "it is never forgotten");
}

#[test]
fn auditing_that_is_turned_off_is_noticed_in_the_stream() {
    let mut bench = AssemblerHarness::new();
    let off = "CONFIG_CHANGE 9 op=set audit_enabled=0 old=1 auid=0 ses=1 res=1";
    let said = bench.feed(&[off]);
    assert_eq!(said, ["service lost: auditing is off"]);
    let refused = "CONFIG_CHANGE 10 op=set audit_enabled=1 old=0 auid=0 ses=1 res=0";
    assert!(bench.feed(&[refused]).is_empty());
    let on = "CONFIG_CHANGE 11 op=set audit_enabled=1 old=0 auid=0 ses=1 res=1";
    assert_eq!(bench.feed(&[on]).len(), 1);
}

#[test]
fn congestion_is_a_doubt_until_it_is_over() {
    let mut bench = AssemblerHarness::new();
    bench.tell(status(0));
    bench.feed(&["USER 9"]);
    bench.tell(status(0));
    assert!(bench.tell(Signal::BackpressureStarted.at(Tick::ZERO)).is_empty(), "no loss");
    assert_eq!(bench.assembler.stats().completeness().reasons(), [UnverifiedReason::Backpressure]);
    bench.tell(Signal::BackpressureEnded.at(Tick::ZERO));
    assert!(bench.assembler.stats().completeness().is_complete());
}

#[test]
fn a_full_queue_explains_the_serials_that_it_swallowed() {
    let mut bench = AssemblerHarness::new();
    bench.feed(&["SYSCALL 9", "EOE 9"]);
    let said = bench.tell(Signal::QueueFull { dropped: 3 }.at(Tick::ZERO));
    assert_eq!(said, ["lost 3 records after 100.000:9: the consumer was too slow for its queue"]);
    bench.feed(&["SYSCALL 11", "EOE 11"]);
    assert!(bench.idle(10_000).is_empty(), "serial 10 is among the three records");
    assert_eq!(bench.assembler.stats().queue_records, 3);
}

#[test]
fn a_successor_is_told_what_came_between() {
    let id = EventId::new(crate::time::Timestamp::new(100, 0).expect("a time"), 40);
    let mut bench = AssemblerHarness::over(Assembler::new().resume_after(id));
    bench.feed(&["PROCTITLE 44", "EOE 44"]);
    assert_eq!(bench.idle(2000), ["lost 3 events after 100.000:40: serials 41 to 43 never came"]);
}

#[test]
fn records_of_a_call_without_the_call() {
    let mut bench = AssemblerHarness::new();
    for (line, is_whole) in [
        ("CWD 7 cwd=\"/\"", false),
        ("PROCTITLE 8 proctitle=\"x\"", false),
        ("BPF 9 op=LOAD", true),
    ] {
        bench.feed(&[line]);
        let at = bench.pass(2000).at;
        bench.assembler.handle(Signal::Idle.at(at));
        let Some(Delivery::Event(event)) = bench.assembler.poll() else { panic!("an event") };
        assert_eq!(event.is_whole(), is_whole, "{line}");
        assert_eq!(event.missing().is_empty(), is_whole, "{line}");
    }
}
