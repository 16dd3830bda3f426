//! The getters of all views against the interpretations of their fields.

use super::*;
use crate::record::schema::{Kind, Radix, common};
use crate::record::{Interpretation, Record};

/// A getter of a view, with the value as text.
pub(super) struct Getter {
    pub(super) view: &'static str,
    pub(super) has: fn(MessageType) -> bool,
    pub(super) field: &'static str,
    pub(super) kind: Kind,
    /// Calls the getter.
    pub(super) call: fn(Record<'static>) -> Option<String>,
    /// Converts an interpretation to the type of the getter.
    pub(super) interpret: fn(Interpretation<'static>) -> Option<String>,
}

/// Returns a record with this body.
pub(super) fn record(message_type: MessageType, body: &str) -> Record<'static> {
    let text: &'static str = format!("audit(1.000:2): {body}").leak();
    Record::parse(message_type, text.as_bytes()).expect("a header")
}

/// All types that have a meaning in the kernel or in auditd.
fn message_types() -> impl Iterator<Item = MessageType> {
    (1000..2200).map(MessageType::new)
}

/// Returns a value of the kind.
const fn sample(kind: Kind) -> &'static str {
    match kind {
        Kind::Word | Kind::Label => "u:r:t:s0",
        Kind::Text | Kind::Keys | Kind::Arguments | Kind::Keystrokes => "\"text\"",
        Kind::Boolean => "yes",
        Kind::Device(Radix::Decimal) => "252:3",
        Kind::Device(_) => "fe:0a",
        Kind::Address => "020000500A000001",
        Kind::Ip => "10.0.0.1",
        Kind::Exit => "-13",
        Kind::Signed => "-1",
        Kind::Mode(_) | Kind::Permissions(_) => "0100644",
        _ => "1",
    }
}

#[test]
fn getters_agree_with_interpretations() {
    let mut count = 0;
    for getter in GETTERS.iter().copied().flatten() {
        for message_type in message_types().filter(|message_type| (getter.has)(*message_type)) {
            for value in [sample(getter.kind), "?", "(null)", "(none)", "", "2", "x"] {
                let record = record(message_type, &format!("{}={value}", getter.field));
                let found = (getter.call)(record);
                let Some(interpretation) = record.interpret(getter.field) else {
                    panic!("{} is not read", getter.field)
                };
                let expected = (getter.interpret)(interpretation);
                assert_eq!(found, expected, "{} {record:?}", getter.view);
                count += 1;
            }
        }
    }
    assert!(count > 1_000, "only {count} values compared");
}

#[test]
fn getters_return_values_of_their_kind() {
    for getter in GETTERS.iter().copied().flatten() {
        let body = format!("{}={}", getter.field, sample(getter.kind));
        for message_type in message_types().filter(|message_type| (getter.has)(*message_type)) {
            let value = (getter.call)(record(message_type, &body));
            assert!(value.is_some(), "{}: no value from {body}", getter.view);
        }
    }
}

#[test]
fn no_field_has_a_second_home() {
    for schema in SCHEMAS {
        for (index, (name, kind)) in schema.fields.iter().enumerate() {
            let text = name.escape_ascii();
            let common = common::kind(name).map(|kind| format!("{kind:?}"));
            assert_ne!(common, Some(format!("{kind:?}")), "{text} means this in all records");
            let is_first = schema.fields.iter().position(|(other, _)| other == name) == Some(index);
            assert!(is_first, "{text} is declared twice");
        }
    }
}

#[test]
fn values_that_are_not_there_are_none() {
    let body = "comm=? exe=(null) tty=(none) subj=? ses=4294967295 key=(null)";
    let record = record(MessageType::SYSCALL, body);
    let call = record.as_syscall().expect("a view");
    assert_eq!((call.comm(), call.exe(), call.tty()), (None, None, None));
    assert_eq!((call.label(), call.session(), call.keys().count()), (None, None, 0));
}

#[test]
fn a_name_with_another_meaning_in_another_record() {
    let printed = |message_type, body: &str, field| {
        record(message_type, body).interpret(field).map(|interpretation| interpretation.to_string())
    };
    let some = |text: &str| Some(text.to_owned());
    assert_eq!(printed(MessageType::MMAP, "fd=3 flags=0x2", "flags"), some("MAP_PRIVATE"));
    assert_eq!(printed(MessageType::MQ_OPEN, "oflag=0x42", "oflag"), some("O_RDWR|O_CREAT"));
    assert_eq!(printed(MessageType::OPENAT2, "oflag=0102", "oflag"), some("O_RDWR|O_CREAT"));
    assert_eq!(printed(MessageType::NETFILTER_CFG, "family=10", "family"), some("ipv6"));
    assert_eq!(printed(MessageType::NETFILTER_PKT, "proto=6", "proto"), some("tcp"));
    assert_eq!(printed(MessageType::NETFILTER_PKT, "saddr=10.0.0.1", "saddr"), some("10.0.0.1"));
    assert_eq!(printed(MessageType::LANDLOCK_DOMAIN, "mode=enforcing", "mode"), some("enforcing"));
    assert_eq!(printed(MessageType::IPC, "mode=0666", "mode"), some("0666"));
    assert_eq!(printed(MessageType::PATH, "mode=0100644", "mode"), some("file,644"));
    assert_eq!(printed(MessageType::CONFIG_CHANGE, "list=4", "list"), some("exit"));
    let id = |message_type| {
        let record = record(message_type, "pid=1 msg='id=1'");
        let message = record.as_user_message().expect("a message");
        message.interpretations().map(|(_, interpretation)| interpretation).next()
    };
    assert_eq!(id(MessageType::ADD_GROUP), Some(Interpretation::Group(Some(1))));
    assert_eq!(id(MessageType::ADD_USER), Some(Interpretation::User(Some(1))));
}

#[test]
fn details_of_system_calls() {
    let pair = record(MessageType::FD_PAIR, "fd0=3 fd1=4").as_fd_pair().expect("a view");
    assert_eq!((pair.first(), pair.second()), (Some(3), Some(4)));
    let map = record(MessageType::MMAP, "fd=-1 flags=0x2");
    assert_eq!(map.as_mmap().and_then(|map| map.descriptor()), Some(-1));
    assert_eq!(map.interpret("fd"), Some(Interpretation::Signed(-1)));
    let time = record(MessageType::TIME_ADJNTPVAL, "op=offset old=0 new=-5");
    let time = time.as_time_adj().expect("a view");
    assert_eq!((time.old_value(), time.new_value()), (Some(0), Some(-5)));
    let how = record(MessageType::OPENAT2, "oflag=0100 mode=0644 resolve=0x8");
    let resolve = how.as_open_how().and_then(|how| how.resolve()).map(|flags| flags.to_string());
    assert_eq!(resolve.as_deref(), Some("RESOLVE_BENEATH"));
    let ipc = record(MessageType::IPC_SET_PERM, "qbytes=4000 ouid=0 ogid=0 mode=0600");
    assert_eq!(ipc.as_ipc().and_then(|ipc| ipc.queue_bytes()), Some(0x4000));
}
