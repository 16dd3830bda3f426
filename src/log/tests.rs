//! Logs of several forms, whole and damaged.

use super::*;
use crate::event::{Cause, CauseKind, ClosedBy, Count, Delivery, Missing, UnverifiedReason};
use crate::{Event, Events, Loss};

fn read(text: &str) -> (Vec<Event>, Vec<Loss>) {
    let mut events = Vec::new();
    let mut losses = Vec::new();
    for delivery in Events::new(Reader::new(text.as_bytes())) {
        match delivery.expect("reading memory does not fail") {
            Delivery::Event(event) => events.push(event),
            Delivery::Loss(loss) => losses.push(loss),
        }
    }
    (events, losses)
}

fn call(stamp: &str) -> String {
    format!("type=SYSCALL msg=audit({stamp}): arch=c000003e syscall=80 success=yes exit=0\n")
}

#[test]
fn events_without_end_records_are_complete() {
    let cwd = "type=CWD msg=audit(1.000:2): cwd=\"/\"\n";
    let text = [&call("1.000:2"), cwd, &call("1.004:3"), &call("9.000:4")].concat();
    let (events, losses) = read(&text);
    assert_eq!(losses, []);
    let closed: Vec<_> = events.iter().map(Event::closed_by).collect();
    assert_eq!(closed, [ClosedBy::Window, ClosedBy::Window, ClosedBy::End]);
    assert!(events.iter().all(|event| event.missing().is_empty()));
    assert_eq!(events[0].records().len(), 2);
}

#[test]
fn an_end_record_is_missing_if_another_event_had_one() {
    let end = "type=EOE msg=audit(1.000:2): \n";
    let text = [&call("1.000:2"), end, &call("1.004:3")].concat();
    let (events, _) = read(&text);
    assert_eq!(events[0].closed_by(), ClosedBy::EndRecord);
    assert_eq!(events[1].missing(), [Missing::EndRecord]);
}

#[test]
fn a_system_call_that_took_an_hour_is_one_event() {
    let early = "type=AVC msg=audit(1000.000:7): avc:  denied  { read } for  pid=1\n";
    let path = "type=PATH msg=audit(1000.000:7): item=0 name=\"/a\"\n";
    let text = [&call("4600.000:6"), early, &call("1000.000:7"), &call("4600.100:8"), path];
    let (events, losses) = read(&text.concat());
    assert_eq!(losses, []);
    let long = events.iter().find(|event| event.id().serial() == 7).expect("the event");
    assert_eq!(long.records().len(), 3, "the stamp is that of the entry");
}

#[test]
fn the_same_serial_after_a_reboot_is_another_event() {
    let text = [call("100.000:50"), call("900.000:50")].concat();
    let (events, _) = read(&text);
    assert_eq!(events.len(), 2);
}

#[test]
fn the_same_stamp_of_two_nodes_is_two_events() {
    let text = ["node=a ", &call("1.000:2"), "node=b ", &call("1.000:2")].concat();
    let (events, losses) = read(&text);
    assert_eq!((events.len(), losses.len()), (2, 0));
    let nodes: Vec<_> = events.iter().map(Event::node).collect();
    assert_eq!(nodes, [Some(&b"a"[..]), Some(&b"b"[..])]);
}

#[test]
fn lines_that_are_not_records_are_losses_with_their_bytes() {
    let text = ["nonsense\n\r\n----\n", &call("1.000:2"), "type=ADD_RULE msg=audit(1.000:3): x"];
    let (events, losses) = read(&text.concat());
    assert_eq!(events.len(), 1);
    let bytes: Vec<_> = losses.iter().map(Loss::cause).collect();
    let undecodable = |bytes: &'static str| Cause::Undecodable { bytes: bytes.into() };
    assert_eq!(
        bytes,
        [&undecodable("nonsense"), &undecodable("type=ADD_RULE msg=audit(1.000:3): x")]
    );
}

#[test]
fn entries_of_the_journal_are_read_as_records_of_their_host() {
    let entry = |fields: &str| format!("__CURSOR=s=1\n_HOSTNAME=web1\n{fields}_PID=1\n\n");
    let of_audit = "_AUDIT_TYPE=1300\n_AUDIT_ID=2\n_SOURCE_REALTIME_TIMESTAMP=1000000\n\
        MESSAGE=SYSCALL arch=c000003e syscall=80 success=yes exit=0\n";
    let text = [
        entry(of_audit),
        entry("MESSAGE=Started session 1 of user ann.\n"),
        entry("MESSAGE=audit: type=1307 audit(1.000:2): cwd=\"/\"\n"),
        entry("MESSAGE=audit: audit_lost=1 audit_rate_limit=0 audit_backlog_limit=64\n"),
        "__CURSOR=s=2\nMESSAGE=audit: type=1305 audit(1.000:3): op=set audit_enabled=1\n"
            .to_owned(),
    ];
    let (events, losses) = read(&text.concat());
    let found: Vec<_> = events.iter().map(|event| (event.node(), event.records().len())).collect();
    assert_eq!(found, [(Some(&b"web1"[..]), 2), (None, 1)]);
    assert_eq!(losses.len(), 1, "{losses:?}");
}

#[test]
fn binary_fields_of_the_journal_are_read() {
    let binary = |name: &str, value: &str| {
        let length = (value.len() as u64).to_le_bytes();
        [name.as_bytes(), b"\n", &length, value.as_bytes(), b"\n"].concat()
    };
    let begin = b"__CURSOR=s=1\n_HOSTNAME=web1\n";
    let cwd = "audisp-syslog[7]: type=CWD msg=audit(1.000:2): cwd=\"/\"\u{1d}NAME=\"a\"";
    // a length whose bytes are the ends of lines, and a field that is longer than any line
    let other = binary("OTHER", &"\n".repeat(0x0A0A));
    let long = binary("COREDUMP", &"x".repeat(3 << 20));
    let parts = [&begin[..], &other, &binary("MESSAGE", cwd), &long, b"\n"];
    let read = |text: &[u8]| {
        let events = Events::new(Reader::new(text)).map(|next| next.expect("memory"));
        events.partition::<Vec<_>, _>(|delivery| matches!(delivery, Delivery::Event(_)))
    };
    let (events, losses) = read(&parts.concat());
    let [Delivery::Event(event)] = &events[..] else { panic!("{events:?}") };
    assert_eq!(event.node(), Some(&b"web1"[..]));
    assert_eq!(losses, []);
    // one that is cut, lacks its end, or is too long is a loss
    let end = &parts.concat()[..];
    for text in [
        [end, &begin[..], &binary("MESSAGE", cwd)[..30]].concat(),
        [end, &begin[..], b"MESSAGE\n\x01\0\0\0\0\0\0\0ty"].concat(),
        [end, &begin[..], &binary("MESSAGE", &"x".repeat(3 << 20))].concat(),
    ] {
        let (events, losses) = read(&text);
        assert_eq!((events.len(), losses.len()), (1, 1), "{losses:?}");
    }
}

#[test]
fn an_endless_line_is_read_in_pieces() {
    let text = [call("1.000:2"), "x".repeat(3 << 20)].concat();
    let (_, losses) = read(&text);
    assert_eq!(losses.len(), 3);
}

#[test]
fn a_record_without_the_end_of_its_line_is_incomplete() {
    let whole = [call("1.000:2"), call("5.000:3")].concat();
    let torn = "type=CWD msg=audit(1.000:1): cwd=\"/ho";
    for (text, torn) in [
        (whole.clone(), None),
        (whole.trim_end().to_owned(), Some(3)),
        ([whole.trim_end(), " \0\0\n"].concat(), Some(3)),
        ([torn, &call("1.000:1"), &whole].concat(), Some(1)),
    ] {
        let mut events = Events::new(Reader::new(text.as_bytes()));
        let deliveries: Vec<_> = events.by_ref().collect::<Result<_, _>>().expect("memory");
        let is_complete = events.completeness().is_complete();
        assert_eq!(is_complete, torn.is_none(), "{text:?}");
        for delivery in deliveries {
            match delivery {
                Delivery::Event(event) => {
                    let is_torn = torn == Some(event.id().serial());
                    assert_eq!(event.missing().contains(&Missing::Tails(1)), is_torn, "{event:?}");
                }
                Delivery::Loss(loss) => {
                    assert_eq!((loss.cause(), loss.count()), (&Cause::Truncated, Count::Unknown));
                }
            }
        }
    }
}

#[test]
fn records_that_were_joined_on_a_line_are_separated() {
    let call = call("1.000:2");
    let cwd = "type=CWD msg=audit(1.000:2):  cwd=\"/\"";
    let path = "type=PATH msg=audit(1.000:2): item=0 name=\"/a\"";
    for before in ["", "node=web1 ", "Dec 26 19:37:30 web1 audispd: "] {
        let line = format!("{before}{} {cwd} {path}\n", call.trim_end());
        let (events, losses) = read(&line);
        assert_eq!((events.len(), losses.len()), (1, 0), "{line}");
        assert_eq!((events[0].records().len(), events[0].missing()), (3, vec![]), "{line}");
        assert_eq!(events[0].node().is_some(), !before.is_empty());
    }
    let forged = format!("type=USER msg=audit(1.000:2): pid=7 msg='op=x {} '\n", call.trim_end());
    let (events, _) = read(&forged);
    assert_eq!(events[0].records().len(), 1, "a program said this");
    assert_eq!(events[0].missing(), [Missing::Tails(1)]);
}

#[test]
fn a_record_that_syslog_cut_is_incomplete() {
    for (line, is_cut) in [
        ("type=CWD msg=audit(1.000:2): cwd=\"/ho\n", true),
        ("type=CWD msg=audit(1.000:2): cwd=\"/home\"\n", false),
        ("type=USER msg=audit(1.000:2): pid=7 msg='op=x hos>\n", true),
        ("type=USER msg=audit(1.000:2): pid=7 msg='op=x res=yes'\x1DUID=\"a\"\n", false),
    ] {
        let (events, _) = read(&[&call("1.000:2"), line].concat());
        let tails = events.iter().flat_map(Event::missing);
        assert_eq!(tails.filter(|it| *it == Missing::Tails(1)).count() == 1, is_cut, "{line}");
    }
}

#[test]
fn a_log_is_complete_if_it_shows_nothing_to_be_missing() {
    let completeness = |text: &str| {
        let mut events = Events::new(Reader::new(text.as_bytes()));
        events.by_ref().for_each(|delivery| drop(delivery.expect("memory")));
        events.completeness().reasons().to_vec()
    };
    let cwd = "type=CWD msg=audit(1.000:2): cwd=\"/\"\n";
    let whole = [&call("1.000:2"), cwd, &call("1.004:3")].concat();
    assert_eq!(completeness(&whole), []);
    assert_eq!(completeness(""), [UnverifiedReason::NoRecords], "it may have been rotated");
    let lost = |cause| vec![UnverifiedReason::Lost { cause, total: 1 }];
    let gap = [&whole, &call("9.000:5")[..]].concat();
    assert_eq!(completeness(&gap), lost(CauseKind::SerialGap));
    let line = [&whole, "nonsense\n"].concat();
    assert_eq!(completeness(&line), lost(CauseKind::Undecodable));
    let torn = [&whole, cwd.trim_end()].concat();
    assert!(completeness(&torn).contains(&UnverifiedReason::Incomplete(1)));
    let reset = "type=CONFIG_CHANGE msg=audit(2.000:4): op=set lost=0 old=9 auid=0 ses=1 res=1\n";
    let reset = [&whole, reset].concat();
    assert_eq!(completeness(&reset), [UnverifiedReason::Uncounted(1)], "the kernel lost some");
}

#[test]
fn a_file_that_is_no_log_is_an_error() {
    let error = |bytes: &[u8]| {
        let mut losses = 0;
        let end = Events::new(Reader::new(bytes)).find_map(|delivery| match delivery {
            Ok(Delivery::Event(event)) => panic!("{event:?}"),
            Ok(Delivery::Loss(_)) => {
                losses += 1;
                None
            }
            Err(error) => Some(error),
        });
        let error = end.expect("an error");
        assert_eq!(error.kind(), &ErrorKind::Log);
        assert!(error.remedy().is_some());
        (error.to_string(), losses)
    };
    let none = "cannot read the log: no line is an audit record".to_owned();
    assert_eq!(error(b"Dec 26 19:37:29 web sshd[7]: a message\n"), (none.clone(), 0));
    assert_eq!(error(b"some text\nand more\n"), (none.clone(), 0));
    let program = [&b"\x7FELF\n\0"[..], &[0; 40], b"\n"].concat().repeat(30_000);
    assert_eq!(error(&program), (none.clone(), 0));
    let gzip = "cannot read the log: the file is compressed by gzip".to_owned();
    assert_eq!(error(b"\x1F\x8B\x08\0\0\n\xFF"), (gzip, 0));
    let interpreted = b"type=CWD msg=audit(11/14/23 22:13:20.123:30) : cwd=/\n";
    assert_eq!(error(interpreted), (none, 0));
}

#[test]
fn records_after_much_other_text_are_read() {
    let text = ["a line of another program\n".repeat(100_000), call("1.000:2")].concat();
    let (events, losses) = read(&text);
    assert_eq!((events.len(), losses.len()), (1, 100_000));
}
