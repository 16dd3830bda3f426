//! Properties of records with any text: no panic, no lost byte, linear time, and round trips through
//! log lines.

#[path = "../support/laws.rs"]
mod laws;

use std::time::Duration;

use auditlink::record::LogLine;
use auditlink::{Events, MessageType, Record, log};
use nix::time::ClockId;
use proptest::prelude::*;
use serde_json::json;

/// Bodies made of pieces of real records, and of pieces that are hard to parse.
fn body() -> impl Strategy<Value = Vec<u8>> {
    let piece = prop_oneof![
        8 => "(pid|uid|auid|ses|arch|syscall|exit|a0|a1|a1\\[0\\]|a1_len|argc|msg|name|cwd|comm|exe|key|saddr|mode|dev|subj|op|res|old-auid|old|new|code|sig|proctitle|data|table|domain|blockers|fp|oflag|feature|acct|id|hostname)=".prop_map(String::into_bytes),
        6 => "(0|1|-1|4294967295|c000003e|257|59|-13|2F62696E|\"x\"|\"\"|\"a b\"|\\(null\\)|\\(none\\)|\\?|fe:00|0100644|u:r:t:s0-s1:c0,c5|avc: |denied|\\{|\\}|for|0200005 0A000001|login|\\(x=1\\)|\\(enforce\\)|4294967295op=x)".prop_map(String::into_bytes),
        4 => Just(b" ".to_vec()),
        1 => "[\"'={}()\\\\ \u{1d}\n,]{1,3}".prop_map(String::into_bytes),
        1 => Just(b"msg='".to_vec()),
        1 => Just(b"\x1DSADDR={ ".to_vec()),
        1 => prop::collection::vec(any::<u8>(), 0..6),
    ];
    prop::collection::vec(piece, 0..40).prop_map(|pieces| pieces.concat())
}

/// The arguments of a program, almost as the kernel writes them.
fn arguments() -> impl Strategy<Value = Vec<u8>> {
    let value = prop_oneof![
        4 => "\"[a-z/!-]{0,9}\"|[0-9A-F]{2,8}|",
        1 => "[\"'{ a=]{1,4}|\"x|x\"|\"x\"=\"|'x|\\{ x",
    ];
    (prop::collection::vec(value, 0..12), 0_usize..20).prop_map(|(values, other)| {
        let mut text = format!("argc={}", if other == 0 { 3 } else { values.len() });
        for (index, value) in values.iter().enumerate() {
            let index = if other == index + 1 { 7 } else { index };
            text.push_str(&format!(" a{index}={value}"));
        }
        text.into_bytes()
    })
}

fn message_type() -> impl Strategy<Value = MessageType> {
    prop_oneof![
        4 => prop::sample::select((1005_u16..2510).collect::<Vec<_>>()),
        4 => prop::sample::select(vec![1300_u16, 1302, 1306, 1309, 1327, 1400, 1107, 1112, 1326, 1006, 1336]),
        1 => any::<u16>(),
    ]
    .prop_map(MessageType::new)
}

fn text(body: &[u8]) -> Vec<u8> {
    [b"audit(1700000000.123:42): ", body].concat()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn records_with_any_text_do_not_panic(message_type in message_type(), body in body()) {
        laws::record(&[&message_type.number().to_le_bytes()[..], &text(&body)].concat());
    }

    #[test]
    fn no_json_object_has_a_name_twice(
        message_type in message_type(),
        body in body(),
        added in prop::collection::vec("(UID|AUID|GID|[\u{80}-\u{ff}])=(\"root\"|6120|x)", 0..6),
    ) {
        let body = [&body[..], b"\x1D", added.join(" ").as_bytes()].concat();
        let repeated = [&b"a\xFF=1 a\xFE=2 uid=-1 uid=-1 "[..], &body].concat();
        for body in [body, repeated] {
            let text = text(&body);
            let record = Record::parse(message_type, &text).expect("a header");
            laws::no_object_has_a_name_twice(&serde_json::to_string(&record).expect("JSON"));
            for event in laws::events_of(&[(message_type, &text), (MessageType::SYSCALL, &text)]) {
                laws::no_object_has_a_name_twice(&serde_json::to_string(&event).expect("JSON"));
            }
        }
    }

    #[test]
    fn a_record_inside_a_line_of_another_log_is_found(
        body in "[a-z]{1,8}=[a-z0-9\"]{0,8}( [a-z]{1,8}=[a-z0-9]{0,8}){0,5}",
        before in prop::sample::select(vec![
            "Dec 26 19:37:29 host1 kernel: audit: ",
            "<13>1 2025-12-26T19:37:31.000Z host1 audisp-syslog 812 - - ",
            "2025-12-26T19:37:29+00:00 host1 audispd[7]: ",
        ]),
        node in prop::option::of("[a-z]{1,8}"),
    ) {
        let node_is = node.as_deref().unwrap_or("host1").to_owned();
        let node = node.map(|node| format!("node={node} ")).unwrap_or_default();
        let line = format!("{before}{node}type=AVC msg=audit(1700000000.123:42): {body}");
        let line = LogLine::parse(line.as_bytes()).expect("a line");
        let record = line.record().expect("a header");
        prop_assert_eq!(record.body(), body.as_bytes());
        prop_assert_eq!(record.node(), Some(node_is.as_bytes()));
    }

    #[test]
    fn lines_with_anything_before_a_record_do_not_panic(before in body(), after in body()) {
        let line = [&before[..], b"type=AVC msg=audit(1.000:2): ", &after].concat();
        if let Ok(line) = LogLine::parse(&line) {
            let again = line.to_bytes();
            let again = LogLine::parse(&again).expect("our own line");
            prop_assert_eq!(again.text(), line.text());
        }
    }

    #[test]
    fn arguments_are_reported_as_complete_only_if_they_are(body in arguments()) {
        let message_type = MessageType::EXECVE.number().to_le_bytes();
        laws::record(&[&message_type[..], &text(&body)].concat());
    }

    #[test]
    fn a_record_is_read_back_from_a_log_line(
        message_type in message_type(),
        body in body(),
        node in prop::option::of("[a-z.]{1,8}"),
    ) {
        let mut text = text(&body);
        if let Some(node) = node {
            text = [b"node=", node.as_bytes(), b" ", &text].concat();
        }
        let record = Record::parse(message_type, &text).expect("a header");
        let line = LogLine::of(&record).to_bytes();
        prop_assert!(!line.contains(&b'\n'));
        let again = LogLine::parse(&line).expect("a line");
        prop_assert_eq!(again.record().expect("a header"), record);
    }

    #[test]
    fn logs_with_any_text_do_not_panic(lines in prop::collection::vec(body(), 0..12)) {
        let text = lines.join(&b"\ntype=SYSCALL msg=audit(1.000:2): "[..]);
        for delivery in Events::new(log::Reader::new(&text[..])) {
            // a text without any record is not a log
            prop_assert!(delivery.is_ok() || lines.len() < 2, "{delivery:?}");
        }
    }
}

/// Repeats texts that could make a parser scan the rest of the record each time.
#[test]
fn time_grows_linearly_with_the_length() {
    for pattern in [
        "a=",
        "a=\"",
        "a='",
        "msg='",
        "msg='x'\u{1d}",
        "\u{1d}a={ ",
        "a={ } ",
        "(a=b ",
        "a= (b) ",
        "a1[0]=",
        "ses=1op=",
        "word ",
        " ",
        "=",
        "'",
        "\"",
        "\u{1d}",
        "a=b) ",
        "hostname=?, ",
        "acct=x : ",
        ": ",
        "a=b, ",
        "a=:",
        "subj_x=1 ",
        "old auid=1 ",
        "key=4101",
    ] {
        let time = |length: usize| {
            let body = pattern.repeat(length / pattern.len());
            let text = text(body.as_bytes());
            let message = text.clone();
            (0..3).map(|_| time_of(&text, &message)).min().expect("three measurements")
        };
        let (short, long) = (time(4 << 10), time(64 << 10));
        // the text is 16 times as long: quadratic time would be 256 times as long
        let limit = short.max(Duration::from_micros(100)) * 80;
        assert!(long < limit, "{pattern:?}: {short:?} for 4 KiB, {long:?} for 64 KiB");
    }
}

/// Returns the processor time that reading a record takes; other load does not count.
fn time_of(text: &[u8], message: &[u8]) -> Duration {
    let started = processor_time();
    for message_type in [
        MessageType::SYSCALL,
        MessageType::USER_LOGIN,
        MessageType::EXECVE,
        MessageType::DAEMON_START,
        MessageType::IPE_ACCESS,
    ] {
        let record = Record::parse(message_type, text).expect("a header");
        let _ =
            record.fields().count() + record.enriched().count() + record.interpretations().count();
        let _ = record.as_user_message().map(|message| message.interpretations().count());
        let _ = LogLine::of(&record).to_bytes().len();
    }
    let record = Record::parse(MessageType::USER_LOGIN, text).expect("a header");
    let _ = serde_json::to_string(&record).map(|json| json.len());
    for event in laws::events_of(&[(MessageType::EXECVE, message)]) {
        let _ =
            (event.kind(), event.missing(), event.execve().map(|list| list.arguments().count()));
    }
    processor_time() - started
}

fn processor_time() -> Duration {
    ClockId::CLOCK_THREAD_CPUTIME_ID.now().expect("every kernel has this clock").into()
}

/// An `execve` of a program whose path is, or is not, UTF-8.
fn event_of_program(exe: &str) -> auditlink::Event {
    let body = format!(
        "arch=c000003e syscall=59 success=yes exit=0 items=0 ppid=1 pid=2 auid=0 uid=0 \
         ses=1 comm=\"x\" exe={exe} key=\"k\""
    );
    let text = text(body.as_bytes());
    laws::events_of(&[(MessageType::SYSCALL, &text)]).pop().expect("an event")
}

#[test]
fn byte_strings_of_an_event_serialize_as_text() {
    let event = event_of_program("\"/usr/bin/ls\"");
    assert_eq!(json!(event.subject().exe), json!("/usr/bin/ls"));
    assert_eq!(json!(event.action()), json!("execve"));
    assert_eq!(json!(event.keys()), json!(["k"]));
    let record = event.records().next().expect("the call");
    assert_eq!(json!(record.as_syscall().and_then(|call| call.comm())), json!("x"));
    assert_eq!(
        json!(record.field("exe").and_then(|exe| exe.untrusted().bytes())),
        json!("/usr/bin/ls")
    );
}

#[test]
fn byte_strings_that_are_not_utf_8_serialize_as_hex() {
    let event = event_of_program("2F62696E2FE9");
    assert_eq!(json!(event.subject().exe), json!({"hex": "2f62696e2fe9"}));
    assert_eq!(event.subject().exe.map(|exe| exe.to_string()).as_deref(), Some("/bin/\\351"));
}

#[test]
fn values_of_records_serialize() {
    let text = text(b"subj=u:r:t:s0 exe=(null) comm=\"sh\"");
    let record = Record::parse(MessageType::SYSCALL, &text).expect("a header");
    let label = record.as_syscall().and_then(|call| call.label()).expect("a label");
    let parts = json!({"user": "u", "role": "r", "type": "t", "range": "s0"});
    assert_eq!(json!(label.selinux()), parts);
    assert_eq!(json!(record.field("comm")), json!("sh"));
    assert_eq!(json!(record.field("exe").map(|exe| exe.untrusted())), json!(null));
}

#[test]
fn plain_values_serialize() {
    use auditlink::arch::Abi;
    use auditlink::event::Signal;

    let json = |value: serde_json::Value| value.to_string();
    assert_eq!(json(serde_json::json!(Abi::B32)), r#""b32""#);
    assert_eq!(json(serde_json::json!(Signal::Idle)), r#"{"signal":"idle"}"#);
    let overrun = Signal::Overrun { dropped: Some(3) };
    assert_eq!(
        serde_json::to_string(&overrun).expect("JSON"),
        r#"{"signal":"overrun","dropped":3}"#
    );
}
