//! What events mean: subject, action, objects, outcome.

use super::*;
use crate::event::Delivery;
use crate::{Events, log};

/// Makes the events of a log.
fn events(log: &str) -> Vec<Event> {
    let deliveries = Events::new(log::Reader::new(log.as_bytes()));
    let events = deliveries.map(|delivery| match delivery.expect("reading memory does not fail") {
        Delivery::Event(event) => event,
        Delivery::Loss(loss) => panic!("{loss}"),
    });
    events.collect()
}

fn event(log: &str) -> Event {
    events(log).pop().expect("an event")
}

fn objects(event: &Event) -> Vec<String> {
    event.objects().iter().map(ToString::to_string).collect()
}

/// The record of a call on x86_64, with a caller.
fn call(number: u32, rest: &str) -> String {
    format!(
        "type=SYSCALL msg=audit(1700000000.323:886): arch=c000003e syscall={number} {rest} \
         ppid=1452 pid=1455 auid=1000 uid=0 gid=0 tty=pts0 ses=1 comm=\"ls\" exe=\"/usr/bin/ls\" \
         subj=? key=\"exec\"\n"
    )
}

/// Ubuntu 22.04, kernel 5.15: the number is that of IPE's decisions in Linux 6.12.
#[test]
fn labels_of_several_modules_do_not_decide_the_kind() {
    let labels = "type=UNKNOWN[1420] msg=audit(1700000000.323:886): subj_apparmor=unconfined\n";
    let objects_of =
        "type=UNKNOWN[1421] msg=audit(1700000000.323:886): obj_selinux=u:object_r:t:s0\n";
    let ok = "success=yes exit=0 a0=3 a1=0 a2=10 a3=0 items=2";
    let exec = event(&[&call(59, ok), labels, objects_of].concat());
    assert_eq!((exec.kind().name(), &exec.action()[..]), ("exec", &b"execve"[..]));
    assert_eq!((exec.outcome(), exec.subject().pid), (Outcome::Success, Some(1455)));
    let first = event(&[labels, objects_of, &call(42, ok)].concat());
    assert_eq!((first.kind().name(), first.outcome()), ("connect", Outcome::Success));
    let alone = event(labels);
    assert_eq!((alone.kind().name(), alone.outcome()), ("other", Outcome::Unknown));
    assert_eq!(&alone.action()[..], b"MAC_TASK_CONTEXTS");
    let strange = event("type=UNKNOWN[1420] msg=audit(1700000000.323:886): x=1\n");
    assert_eq!((strange.kind().name(), strange.outcome()), ("other", Outcome::Unknown));
}

#[test]
fn decisions_of_ipe_count_while_it_enforces() {
    let ipe = |rest: &str| {
        let body = format!("ipe_op=EXECUTE ipe_hook=MMAP {rest}");
        let record = format!("type=1420 audit(1700000000.323:886): {body}\n");
        event(
            &[&record, &call(9, "success=no exit=-13 a0=0 a1=1000 a2=5 a3=2 items=0")[..]].concat(),
        )
    };
    let denied = ipe(
        "enforcing=1 pid=2 comm=\"x\" path=\"/deny/x.so\" dev=\"sda2\" ino=1 rule=\"DEFAULT action=DENY\"",
    );
    assert_eq!((denied.kind().name(), denied.outcome()), ("mac", Outcome::Failure(None)));
    assert_eq!(
        (&denied.action()[..], objects(&denied)),
        (&b"EXECUTE"[..], vec!["/deny/x.so".into()])
    );
    let logged = ipe("enforcing=0 pid=2 rule=\"DEFAULT action=DENY\"");
    assert_eq!(logged.outcome(), Outcome::Success);
    let granted = ipe("enforcing=1 pid=2 rule=\"op=EXECUTE action=ALLOW\"");
    assert_eq!(granted.outcome(), Outcome::Success);
}

/// RHEL 5: a denial that a permissive policy only logged.
#[test]
fn a_call_that_succeeded_was_not_denied() {
    let avc = "type=AVC msg=audit(1700000000.323:886): avc:  denied  { setuid } for  pid=1455 \
               comm=\"httpd\" capability=7 scontext=u:r:t:s0 tcontext=u:r:t:s0 tclass=capability";
    let of = |avc: &str, result: &str| event(&format!("{avc}\n{}", call(105, result))).outcome();
    let yes = "success=yes exit=0 a0=30 a1=0 a2=0 a3=0 items=0";
    let no = "success=no exit=-1 a0=30 a1=0 a2=0 a3=0 items=0";
    assert_eq!(of(avc, yes), Outcome::Success);
    assert_eq!(of(avc, no), Outcome::Failure(None));
    assert_eq!(event(&format!("{avc}\n")).outcome(), Outcome::Failure(None), "without a call");
    assert_eq!(of(&format!("{avc} permissive=0"), yes), Outcome::Failure(None));
    assert_eq!(of(&format!("{avc} permissive=1"), no), Outcome::Success);
    let apparmor = "type=AVC msg=audit(1700000000.323:886): apparmor=\"DENIED\" operation=\"open\" \
                    profile=\"p\" name=\"/x\" pid=1455 denied_mask=\"r\"";
    assert_eq!(of(apparmor, yes), Outcome::Failure(None), "AppArmor says ALLOWED");
}

/// RHEL 5 writes the path of an object in a record of its own, before the decision.
#[test]
fn the_path_before_the_decision() {
    let path = "type=AVC_PATH msg=audit(1700000000.323:886):  path=\"/etc/rc.d/init.d/innd\"\n";
    let avc = "type=AVC msg=audit(1700000000.323:886): avc:  denied  { getattr } for  pid=7 \
               comm=\"x\" name=\"innd\" dev=dm-0 ino=1 scontext=a:b:c tcontext=a:b:d tclass=file\n";
    for log in [[path, avc], [avc, path]] {
        let event = event(&log.concat());
        assert_eq!((event.kind().name(), &event.action()[..]), ("mac", &b"denied getattr"[..]));
        assert_eq!(event.outcome(), Outcome::Failure(None));
        assert_eq!(objects(&event), ["/etc/rc.d/init.d/innd"]);
    }
}

#[test]
fn the_new_user_of_a_login_is_subject_and_object() {
    for body in [
        "login pid=28281 uid=0 old auid=700 new auid=701 old ses=6793 new ses=12286",
        "pid=28281 uid=0 old-auid=700 auid=701 tty=(none) old-ses=3 ses=12286 res=1",
    ] {
        let login = event(&format!("type=LOGIN msg=audit(1489636960.072:191): {body}\n"));
        let subject = login.subject();
        assert_eq!((subject.auid, subject.session), (Some(701), Some(12286)), "{body}");
        assert_eq!((subject.pid, objects(&login)), (Some(28281), vec!["701".to_owned()]));
    }
    let unset = "login pid=1 uid=0 old auid=700 new auid=4294967295 old ses=1 new ses=4294967295";
    let unset = event(&format!("type=LOGIN msg=audit(1489636960.072:191): {unset}\n"));
    assert_eq!((unset.subject().auid, unset.subject().session), (None, None));
    let named = "pid=1 uid=0 old-auid=700 auid=701 old-ses=3 ses=4 res=1\x1DUID=\"root\" OLD-AUID=\"a\" AUID=\"b\"";
    let named = event(&format!("type=LOGIN msg=audit(1489636960.072:191): {named}\n"));
    assert_eq!(objects(&named), ["b"]);
}

#[test]
fn names_that_auditd_appended_belong_to_their_fields() {
    let failures = event(
        "type=ANOM_LOGIN_FAILURES msg=audit(1700000000.344:1309): pid=16619 uid=0 auid=1000 ses=7 \
         msg='pam_faillock uid=1003  exe=\"/usr/bin/login\" hostname=host1 addr=? terminal=pts/2 \
         res=success'\x1DUID=\"root\" AUID=\"operator\" UID=\"guest\"\n",
    );
    let subject = failures.subject();
    assert_eq!((subject.uid, subject.uid_name), (Some(0), Some("root".into())));
    assert_eq!((subject.auid, subject.auid_name), (Some(1000), Some("operator".into())));
    assert_eq!((subject.address, subject.terminal), (Some("host1".into()), Some("pts/2".into())));
    assert_eq!(objects(&failures), ["guest"]);
    let hex = call(2, "success=yes exit=3 a0=0 a1=0 a2=0 a3=0").replace(
        "key=\"exec\"",
        "key=\"cmd\"\x1DARCH=x86_64 AUID=\"CORP\\user1\" UID=434F52505C646F6D61696E207573657273",
    );
    let event = event(&hex);
    assert_eq!(event.subject().auid_name, Some("CORP\\user1".into()));
    assert_eq!(event.subject().uid_name, Some("CORP\\domain users".into()));
}

#[test]
fn a_login_has_an_origin_and_a_logout_is_no_login() {
    let session = |message_type, rest: &str| {
        event(&format!(
            "type={message_type} msg=audit(1795620000.100:21): pid=1 uid=0 auid=1000 ses=3 \
             msg='op=login id=1000 exe=\"/usr/sbin/sshd\" {rest} terminal=/dev/pts/0 res=success'\n"
        ))
    };
    let login = session("USER_LOGIN", "hostname=evil.example addr=203.0.113.9");
    assert_eq!((&login.action()[..], objects(&login)), (&b"login"[..], vec!["1000".to_owned()]));
    let subject = login.subject();
    assert_eq!(subject.address, Some("203.0.113.9".into()));
    assert_eq!(subject.terminal, Some("/dev/pts/0".into()));
    let named = session("USER_LOGIN", "hostname=evil.example addr=?").subject().address.is_some();
    assert!(named, "the name where there is no address");
    let logout = session("USER_LOGOUT", "hostname=? addr=?");
    assert_eq!((logout.kind().name(), &logout.action()[..]), ("session", &b"logout"[..]));
    assert_eq!(logout.subject().address, None);
    assert_eq!(&session("USER_END", "hostname=? addr=?").action()[..], b"logout");
    assert_eq!(&session("USER_START", "hostname=? addr=?").action()[..], b"login");
}

#[test]
fn accounts_in_messages_of_old_programs() {
    let account = |message_type: &str, message: &str| {
        let event = event(&format!(
            "type={message_type} msg=audit(1126817300.399:7): user pid=2957 uid=500 \
             loginuid=4294967295 msg='{message}'\n"
        ));
        assert_eq!(event.subject().auid, None);
        (objects(&event), event.outcome())
    };
    let tail = "exe=\"/bin/su\" (hostname=?, addr=?, terminal=pts/0";
    let root = |outcome| (vec!["root".to_owned()], outcome);
    let user =
        account("USER_AUTH", &format!("PAM authentication: user=root {tail} result=Success)"));
    assert_eq!(user, root(Outcome::Success), "RHEL 4");
    let failed = format!("PAM authentication: user=root {tail} result=Authentication failure)");
    assert_eq!(account("USER_AUTH", &failed), root(Outcome::Failure(None)));
    let acct = account("USER_ACCT", &format!("PAM: accounting acct=root : {tail} res=success)"));
    assert_eq!(acct, root(Outcome::Success), "RHEL 5");
    let acct = account("USER_LOGIN", &format!("acct=root: {tail} res=failed)"));
    assert_eq!(acct, root(Outcome::Failure(None)));
    let uid = account("USER_LOGIN", &format!("uid=848: {tail} res=success)"));
    assert_eq!(uid, (vec!["848".to_owned()], Outcome::Success));
}

#[test]
fn relative_paths_are_resolved() {
    let opened = |cwd: &str, name: &str, directory: &str| {
        let result = format!("success=yes exit=3 a0={directory} a1=0 a2=0 a3=0 items=1");
        objects(&event(&format!(
            "{}type=CWD msg=audit(1700000000.323:886): cwd=\"{cwd}\"\n\
             type=PATH msg=audit(1700000000.323:886): item=0 name=\"{name}\" nametype=NORMAL\n",
            call(257, &result)
        )))
        .remove(0)
    };
    let by_cwd = |cwd, name| opened(cwd, name, "ffffff9c");
    assert_eq!(by_cwd("/home/x", "../../etc/./shadow"), "/etc/shadow");
    assert_eq!(by_cwd("/home/x", "a/../b//c/."), "/home/x/b/c");
    assert_eq!(by_cwd("/", "../../.."), "/");
    assert_eq!(by_cwd("/home/x", "..."), "/home/x/...");
    assert_eq!(by_cwd("/home/x", "a/"), "/home/x/a/");
    assert_eq!(by_cwd("/home", "/etc/../tmp/./x"), "/tmp/x");
    assert_eq!(by_cwd("/home", ".hidden"), "/home/.hidden");
    assert_eq!(opened("/home/x", "../y", "5"), "../y", "relative to an open directory");
}

#[test]
fn paths_stand_in_the_order_of_their_items() {
    let path = |item, name: &str| {
        format!(
            "type=PATH msg=audit(1700000000.323:886): item={item} name=\"{name}\" nametype=NORMAL\n"
        )
    };
    let call = call(82, "success=yes exit=0 a0=0 a1=0 a2=0 a3=0 items=2");
    let backwards = [path(1, "/b"), path(0, "/a"), call].concat();
    assert_eq!(objects(&event(&backwards)), ["/a", "/b"]);
}

#[test]
fn objects_of_each_type() {
    let of = |message_type: &str, body: &str| {
        objects(&event(&format!("type={message_type} msg=audit(1.000:2): {body}\n")))
    };
    let tail = "exe=\"/usr/sbin/sshd\" hostname=?";
    assert_eq!(of("TTY", "tty pid=9 uid=0 auid=1 ses=3 major=136 minor=2 data=6C73"), ["ls"]);
    assert_eq!(of("USER_TTY", "pid=9 uid=0 auid=1 ses=3 data=\"ls -l\""), ["ls -l"]);
    let role =
        format!("pid=1 msg='pam: default-context=u:r:t:s0 selected-context=u:r:t2:s0 {tail}'");
    assert_eq!(of("USER_ROLE_CHANGE", &role), ["u:r:t2:s0"]);
    let key =
        format!("pid=1 msg='op=destroy kind=server fp=SHA256:aa:bb spid=9 {tail} addr=10.0.0.2'");
    assert_eq!(of("CRYPTO_KEY_USER", &key), ["SHA256:aa:bb"]);
    let session =
        format!("pid=1 msg='op=start cipher=x rport=47788 lport=22 {tail} addr=10.0.0.2'");
    assert_eq!(of("CRYPTO_SESSION", &session), ["10.0.0.2:47788"]);
    let ike =
        format!("pid=1 msg='op=start conn-name=\"gw\" raddr=2001:db8::1 {tail} addr=10.0.0.2'");
    assert_eq!(of("CRYPTO_IKE_SA", &ike), ["gw", "2001:db8::1"]);
    assert_eq!(of("MAC_STATUS", "enforcing=0 old_enforcing=1 auid=0 res=1"), ["enforcing=0"]);
    assert_eq!(of("MAC_CONFIG_CHANGE", "bool=httpd_x val=1 old_val=0 auid=0"), ["httpd_x=1"]);
    assert_eq!(of("USER_LOGIN", &format!("pid=1 msg='op=login acct=? id=5 {tail}'")), ["5"]);
}

#[test]
fn records_inside_lines_of_other_logs() {
    let log = "\
[ 4169.963126] audit: type=1400 audit(1700000000.234:1): apparmor=\"DENIED\" operation=\"sendmsg\" profile=\"p\" name=\"/systemd/notify\" pid=2264 comm=\"x\" requested_mask=\"w\" denied_mask=\"w\" fsuid=0 ouid=0
[Fri Nov 28 12:43:15 2025] audit: type=1400 audit(1700000001.699:2): apparmor=\"DENIED\" operation=\"rename_dest\" class=\"file\" profile=\"p\" name=\"/imjournal.state\" pid=131436 comm=\"y\" requested_mask=\"wc\" denied_mask=\"wc\"
Dec 26 19:37:28 host1 sshd[7]: Accepted publickey
Dec 26 19:37:29 host1 kernel: audit: type=1400 audit(1700000002.025:3): apparmor=\"ALLOWED\" operation=\"open\" profile=\"p\" name=\"/x\" pid=1 comm=\"y\" requested_mask=\"r\" denied_mask=\"r\"
Dec 26 19:37:30 host1 audispd: node=host2 type=SYSCALL msg=audit(1700000003.100:5): arch=c000003e syscall=59 success=yes exit=0 a0=1 ppid=1 pid=2 uid=0 comm=\"ls\" exe=\"/bin/ls\" key=(null)#035UID=\"root\"
<13>1 2025-12-26T19:37:31.000Z host1 audisp-syslog 812 - - type=USER_LOGIN msg=audit(1700000004.100:4): pid=1 uid=0 auid=1000 ses=3 msg='op=login id=1000 exe=\"/usr/sbin/sshd\" hostname=host3 addr=192.0.2.9 terminal=/dev/pts/0 res=success'
audit: type=1300 audit(1700000005.260:3): arch=c000003e syscall=44 success=yes exit=60 a0=4 pid=32697 uid=0 comm=\"auditctl\" exe=\"/usr/sbin/auditctl\" key=(null)
10-27 23:21:21.386  1234  1234 W app: type=1400 audit(0.0:741): avc: denied { read } for name=\"x\" dev=\"dm-0\" ino=5 scontext=u:r:untrusted_app:s0 tcontext=u:object_r:system_file:s0 tclass=file permissive=0
";
    let mut shown: Vec<_> = Vec::new();
    for delivery in Events::new(log::Reader::new(log.as_bytes())) {
        let Ok(Delivery::Event(event)) = delivery else { continue };
        let node = event.node().map(|node| String::from_utf8_lossy(node).into_owned());
        let (pid, kind) = (event.subject().pid, event.kind().name());
        shown.push(format!(
            "{kind} {} {pid:?} {} {}",
            node.unwrap_or_default(),
            event.outcome(),
            event.action()
        ));
        assert!(pid != Some(2) || event.subject().uid_name == Some("root".into()));
    }
    shown.sort();
    assert_eq!(
        shown,
        [
            "exec host2 Some(2) success execve",
            "mac  None failure denied read",
            "mac  Some(131436) failure denied wc",
            "mac  Some(2264) failure denied w",
            "mac host1 Some(1) success granted r",
            "send  Some(32697) success sendto",
            "session host1 Some(1) success login",
        ]
    );
}

/// ausearch prints the records of an event backwards, with lines between the events.
#[test]
fn the_output_of_ausearch_is_a_log() {
    let log = "----\ntime->Tue Nov 14 22:13:20 2023\n\
        type=PROCTITLE msg=audit(1700000000.323:886): proctitle=6C73002D6C\n\
        type=PATH msg=audit(1700000000.323:886): item=1 name=\"/lib64/ld-linux-x86-64.so.2\" nametype=NORMAL\n\
        type=PATH msg=audit(1700000000.323:886): item=0 name=\"/usr/bin/ls\" nametype=NORMAL\n\
        type=CWD msg=audit(1700000000.323:886): cwd=\"/root\"\n\
        type=EXECVE msg=audit(1700000000.323:886): a1[1]=\"b\"\n\
        type=EXECVE msg=audit(1700000000.323:886): argc=2 a0=\"ls\" a1_len=2 a1[0]=\"a\"\n\
        CALL----\ntime->Tue Nov 14 22:13:21 2023\n\
        type=LOGIN msg=audit(1700000001.323:887): pid=1 uid=0 old-auid=0 auid=1 res=1\n";
    let result = "success=yes exit=0 a0=0 a1=0 a2=0 a3=0 items=2";
    let all = events(&log.replace("CALL", &call(59, result)));
    assert_eq!(all.len(), 2);
    let EventKind::Exec(exec) = all[0].kind() else { panic!("{all:?}") };
    assert_eq!(all[0].missing(), []);
    let args: Vec<_> = exec
        .args()
        .unwrap_or_default()
        .iter()
        .map(|arg| arg.to_string_lossy().into_owned())
        .collect();
    assert_eq!(args, ["ls", "ab"]);
    assert_eq!(objects(&all[0])[0], "/usr/bin/ls");
}
