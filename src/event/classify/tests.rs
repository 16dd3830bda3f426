use super::*;
use crate::constants::{Errno, Signal};
use crate::event::{ClosedBy, Delivery, Object, Outcome};
use crate::{Events, log};

/// Makes an event from lines `TYPE body`.
fn event(lines: &[&str]) -> Event {
    let mut text = String::new();
    for line in lines {
        let (name, body) = line.split_once(' ').expect("a type and a body");
        text.push_str(&format!("type={name} msg=audit(1.000:2): {body}\n"));
    }
    let mut deliveries = Events::new(log::Reader::new(text.as_bytes()));
    match deliveries.next() {
        Some(Ok(Delivery::Event(event))) => event,
        other => panic!("{other:?}"),
    }
}

/// The record of a call on x86_64, with a caller.
fn call(number: u32, rest: &str) -> String {
    format!(
        "SYSCALL arch=c000003e syscall={number} {rest} items=1 ppid=1 pid=7 auid=1000 uid=0 ses=3 comm=\"x\" exe=\"/bin/x\" key=(null)"
    )
}

fn objects(event: &Event) -> Vec<String> {
    event.objects().iter().map(ToString::to_string).collect()
}

const OK: &str = "success=yes exit=0 a0=0 a1=0 a2=0 a3=0";

#[test]
fn calls_have_the_kind_of_their_class() {
    for (number, kind) in [
        (2, "file_open"),
        (83, "file_create"),
        (87, "file_delete"),
        (82, "file_rename"),
        (88, "file_link"),
        (90, "file_attr"),
        (165, "file_mount"),
        (42, "connect"),
        (49, "bind"),
        (288, "accept"),
        (50, "listen"),
        (44, "send"),
        (105, "identity"),
        (62, "kill"),
        (101, "ptrace"),
        (175, "module"),
        (321, "bpf"),
        (227, "time"),
        (39, "syscall"),
    ] {
        assert_eq!(event(&[&call(number, OK)]).kind().name(), kind, "{number}");
        let failed = event(&[&call(number, "success=no exit=-1 a0=0")]);
        assert_eq!(failed.kind().name(), kind, "{number} failed");
        assert_eq!(failed.outcome(), Outcome::Failure(Some(Errno::new(1))));
    }
    assert_eq!(event(&[&call(59, "success=no exit=-2")]).kind().name(), "syscall");
    assert_eq!(event(&[&call(231, "a0=103")]).kind().name(), "exit");
}

#[test]
fn specific_records_decide_the_kind() {
    let denied = event(&[
        "AVC avc:  denied  { read } for  pid=7 comm=\"x\" name=\"shadow\" scontext=a:b:c tcontext=a:b:d tclass=file permissive=0",
        &call(257, "success=no exit=-13 a0=ffffff9c a1=0 a2=0 a3=0"),
        "CWD cwd=\"/etc\"",
        "PATH item=0 name=\"shadow\" nametype=NORMAL",
    ]);
    assert!(matches!(denied.kind(), EventKind::Mac(_)));
    assert_eq!(&denied.action()[..], b"denied read");
    assert_eq!(denied.outcome(), Outcome::Failure(None));
    assert_eq!(objects(&denied), ["/etc/shadow"]);
    let login = event(&[
        "LOGIN pid=7 uid=0 old-auid=4294967295 auid=1000 tty=(none) old-ses=4294967295 ses=3 res=1",
        &call(1, OK),
    ]);
    let EventKind::Login(view) = login.kind() else { panic!("{login:?}") };
    assert_eq!((view.auid(), login.outcome()), (Some(1000), Outcome::Success));
}

#[test]
fn an_open_that_created_a_file_is_a_creation() {
    let made = event(&[
        &call(257, "success=yes exit=3 a0=ffffff9c a1=0 a2=241 a3=1b6"),
        "CWD cwd=\"/\"",
        "PATH item=0 name=\"/tmp/\" nametype=PARENT",
        "PATH item=1 name=2F746D702F6120FF nametype=CREATE",
    ]);
    let EventKind::FileCreate(view) = made.kind() else { panic!("{made:?}") };
    assert_eq!((view.name(), view.paths().count()), (Some("openat"), 2));
    assert_eq!(made.objects(), [Object::Path(b"/tmp/a \xFF".into())]);
    assert_eq!(made.outcome(), Outcome::Success);
}

#[test]
fn paths_are_completed_only_if_relative_to_the_working_directory() {
    let path = ["CWD cwd=\"/home\"", "PATH item=0 name=\"a\" nametype=NORMAL"];
    let by_cwd =
        event(&[&call(257, "success=yes exit=3 a0=ffffff9c a1=0 a2=0 a3=0"), path[0], path[1]]);
    assert_eq!(objects(&by_cwd), ["/home/a"]);
    let by_directory =
        event(&[&call(257, "success=yes exit=3 a0=5 a1=0 a2=0 a3=0"), path[0], path[1]]);
    assert_eq!(objects(&by_directory), ["a"]);
}

#[test]
fn repeated_records_are_all_read() {
    let killed = event(&[
        &call(62, "success=yes exit=0 a0=ffffffff a1=9"),
        "OBJ_PID opid=70 oauid=-1 ouid=0 oses=-1 ocomm=\"a\"",
        "OBJ_PID opid=71 oauid=-1 ouid=0 oses=-1 ocomm=6220",
        "OBJ_PID opid=72 oauid=-1 ouid=0 oses=-1 ocomm=\"c\"",
    ]);
    let EventKind::Kill(kill) = killed.kind() else { panic!("{killed:?}") };
    assert_eq!(kill.signal(), Some(Signal::new(9)));
    assert_eq!(objects(&killed), ["a[70]", "b [71]", "c[72]"]);
    assert_eq!(
        kill.call().targets().filter_map(|target| target.pid()).collect::<Vec<_>>(),
        [70, 71, 72]
    );
}

#[test]
fn socket_calls_have_addresses_and_socketcall_is_resolved() {
    let connect = event(&[
        &call(42, "success=no exit=-111 a0=3 a1=7f a2=10"),
        "SOCKADDR saddr=020000500A0000010000000000000000",
    ]);
    let EventKind::Connect(view) = connect.kind() else { panic!("{connect:?}") };
    assert_eq!(view.errno().and_then(Errno::name), Some("ECONNREFUSED"));
    assert_eq!(objects(&connect), ["10.0.0.1:80"]);
    let by_number =
        event(&["SYSCALL arch=40000003 syscall=102 success=yes exit=0 a0=2 a1=ff pid=1"]);
    assert!(matches!(by_number.kind(), EventKind::Bind(_)));
}

#[test]
fn operations_of_io_uring_are_calls() {
    let alone = event(&[
        "URINGOP uring_op=18 success=yes exit=5 items=1 ppid=1 pid=2 uid=0 gid=0 key=\"k\"",
        "CWD cwd=\"/\"",
        "PATH item=0 name=\"a\" nametype=NORMAL",
        "EOE ",
    ]);
    let EventKind::FileOpen(view) = alone.kind() else { panic!("{alone:?}") };
    assert_eq!((view.name(), view.pid(), view.exit()), (Some("openat"), Some(2), Some(5)));
    assert!(view.syscall().is_none() && view.uring_op().is_some());
    assert_eq!((alone.closed_by(), alone.missing()), (ClosedBy::EndRecord, vec![]));
    assert_eq!(alone.keys(), [b"k"]);
    let inline = event(&["URINGOP uring_op=36 success=yes exit=0 pid=7 uid=0", &call(426, OK)]);
    assert!(matches!(inline.kind(), EventKind::FileDelete(_)));
    assert_eq!(
        inline.subject().exe.as_deref(),
        Some(&b"/bin/x"[..]),
        "the call contains the program"
    );
}

#[test]
fn messages_of_programs_are_classified() {
    let login = event(&[
        "USER_LOGIN pid=1 uid=0 auid=4294967295 ses=4294967295 msg='op=login acct=\"root\" exe=\"/usr/sbin/sshd\" hostname=? addr=10.0.0.1 terminal=ssh res=failed'",
    ]);
    assert!(matches!(login.kind(), EventKind::Session(_)));
    assert_eq!((&login.action()[..], login.outcome()), (&b"login"[..], Outcome::Failure(None)));
    assert_eq!(objects(&login), ["root"]);
    assert_eq!(login.subject().exe.as_deref(), Some(&b"/usr/sbin/sshd"[..]));
    for (line, kind) in [
        ("USER_AUTH pid=1 msg='op=PAM:x acct=\"a\" res=success'", "auth"),
        ("ADD_USER pid=1 msg='op=add-user id=5 res=success'", "account"),
        ("SERVICE_START pid=1 msg='unit=cron res=success'", "service"),
        ("DAEMON_START op=start ver=4.0 res=success", "service"),
        ("USER_AVC pid=1 msg='avc:  denied  { send_msg } for  x=1'", "mac"),
        ("ANOM_ABEND auid=0 uid=0 gid=0 ses=1 pid=9 sig=11 res=1", "anomaly"),
        ("ANOM_LOGIN_FAILURES pid=1 msg='op=x res=failed'", "anomaly"),
        ("SECCOMP pid=9 sig=0 arch=c000003e syscall=101 code=0x50001", "seccomp"),
        ("INTEGRITY_DATA pid=1 op=appraise_data name=\"/x\" res=0", "integrity"),
        ("BPF prog-id=75 op=UNLOAD", "bpf"),
        ("NETFILTER_CFG table=nat family=2 entries=5", "netfilter"),
        ("TRUSTED_APP pid=1 msg='op=x res=success'", "user"),
        ("UNKNOWN[1425] subj_selinux=a:b:c", "other"),
    ] {
        assert_eq!(event(&[line]).kind().name(), kind, "{line}");
    }
    let filtered = event(&["SECCOMP pid=9 sig=0 arch=c000003e syscall=101 code=0x50001"]);
    assert_eq!(filtered.outcome(), Outcome::Failure(Some(Errno::new(1))));
    assert_eq!(
        (&filtered.action()[..], objects(&filtered)),
        (&b"errno"[..], vec!["ptrace".to_owned()])
    );
}

#[test]
fn bpf_programs_are_loaded_and_unloaded() {
    let loaded = event(&["BPF prog-id=75 op=LOAD", &call(321, "success=yes exit=4 a0=5 a1=0")]);
    let EventKind::Bpf(bpf) = loaded.kind() else { panic!("{loaded:?}") };
    assert_eq!((bpf.program(), loaded.records().len()), (Some(75), 2));
    assert_eq!((&loaded.action()[..], objects(&loaded)), (&b"LOAD"[..], vec!["75".to_owned()]));
    let gone = event(&["BPF prog-id=75 op=UNLOAD"]);
    assert_eq!((gone.closed_by(), gone.outcome()), (ClosedBy::End, Outcome::Unknown));
}

#[test]
fn configuration_changes_have_settings_and_rules_as_objects() {
    let set = event(&["CONFIG_CHANGE op=set audit_backlog_limit=8192 old=64 auid=0 ses=1 res=1"]);
    assert_eq!(
        (&set.action()[..], objects(&set)),
        (&b"set"[..], vec!["audit_backlog_limit=8192".to_owned()])
    );
    let rule = event(&["CONFIG_CHANGE auid=0 ses=1 op=add_rule key=\"k\" list=4 res=1"]);
    assert_eq!((&rule.action()[..], objects(&rule)), (&b"add_rule"[..], vec!["rule k".to_owned()]));
    let feature = event(&[
        "FEATURE_CHANGE pid=1 uid=0  auid=0 ses=1 feature=loginuid_immutable old=0 new=1 old_lock=0 new_lock=1 res=1",
    ]);
    assert_eq!(objects(&feature), ["loginuid_immutable=1"]);
    assert_eq!(feature.outcome(), Outcome::Success);
}
