//! Interpretations of fields, on a varied workload.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::process::{Child, Command};
use std::time::Duration;

use auditlink::arch::Arch;
use auditlink::capture::{Reader, Tee, Writer};
use auditlink::event::EventKind;
use auditlink::iter::Next;
use auditlink::rule::{FieldId, Operator};
use auditlink::{Delivery, Event, Events, Receiver, Rule, Source, log};

use crate::ausearch::compare;
use crate::kernel_lock::{KEY, KernelLock, control, run};
use crate::support::example;

/// The user under whom a shell script runs; every call of his is recorded.
const USER: u32 = 61_236;

/// The daily work of an ordinary user.
const SCRIPT: &str = r#"
cd /tmp; umask 027
for i in 1 2 3 4 5 6; do
    ls -lR /etc/default /usr/share/doc/bash >/dev/null 2>&1
    grep -r root /etc/default >/dev/null 2>&1
    sort /etc/passwd | head -3 | tr a-z A-Z >/dev/null
    d=$(mktemp -d "/tmp/audit link XXXXXX"); touch "$d/a b" "$d/c"; chmod 4755 "$d/c"
    ln "$d/c" "$d/hard"; ln -s "$d/c" "$d/soft"; mv "$d/hard" "$d/moved"; rm -r "$d"
    cat /etc/shadow 2>/dev/null
    (exec 3<>/dev/tcp/127.0.0.1/9) 2>/dev/null
    sleep 20 & kill -USR1 $!; wait $! 2>/dev/null
done
id=$(ipcmk -M 4096 | sed 's/.* //'); ipcrm -m "$id"
id=$(ipcmk -Q | sed 's/.* //'); ipcrm -q "$id"
nice -n 5 true; setpriv --no-new-privs true; date -s 2000-01-01 >/dev/null 2>&1; true
"#;

fn user_runs_script() -> Child {
    Command::new("setpriv")
        .args(["--reuid", &USER.to_string(), "--regid", &USER.to_string(), "--clear-groups"])
        .args(["bash", "-c", SCRIPT])
        .spawn()
        .expect("setpriv starts")
}

/// The calls of the helper that are recorded.
const CALLS: &[&str] = &[
    "open",
    "openat",
    "openat2",
    "creat",
    "link",
    "linkat",
    "symlink",
    "symlinkat",
    "rename",
    "renameat",
    "renameat2",
    "mkdir",
    "rmdir",
    "unlink",
    "unlinkat",
    "chmod",
    "fchmodat",
    "chown",
    "fchownat",
    "access",
    "faccessat2",
    "mknod",
    "mknodat",
    "chdir",
    "socket",
    "socketpair",
    "bind",
    "connect",
    "listen",
    "accept4",
    "sendto",
    "sendmsg",
    "setsockopt",
    "mount",
    "umount2",
    "unshare",
    "setresuid",
    "setresgid",
    "setuid",
    "kill",
    "clone",
    "clone3",
    "vfork",
    "execve",
    "exit_group",
    "prctl",
    "ptrace",
    "mmap",
    "mprotect",
    "fcntl",
    "ioctl",
    "rt_sigaction",
    "pipe2",
];

/// Runs the workload under an observer whose input is recorded in a capture as well.
fn everything(kernel: &KernelLock, capture: &Path) -> Vec<Event> {
    let folder = kernel.path("variety");
    fs::create_dir_all(&folder).expect("a folder");
    let exe = kernel.helper().to_str().expect("a plain path").to_owned();
    let observer = Receiver::observer().receive_buffer(64 << 20).open().expect("an observer");
    let tee = Tee::new(observer, Writer::create(capture).expect("a file"));
    let mut events = Events::new(tee);
    let calls = CALLS.iter().fold(Rule::on_exit().exe(&exe), |rule, call| rule.syscall(*call));
    let mut rules = vec![calls.key(KEY).for_both_abis().expect("all calls exist")];
    let everything = Rule::on_exit().all_syscalls();
    let everything = everything.filter(FieldId::UID, Operator::EQUAL, USER).key(KEY).key("user");
    rules.push(everything.for_both_abis().expect("a rule"));
    let installed: Vec<_> =
        rules.iter().map(|rules| control().apply(rules).expect("the rules are new")).collect();
    let mut children = vec![
        kernel.start_helper(&["variety", folder.to_str().expect("plain")]),
        user_runs_script(),
    ];
    let mut all = Vec::new();
    loop {
        match events.next_timeout(Duration::from_millis(2500)) {
            Ok(Next::Item(Delivery::Event(event))) => all.push(event),
            Ok(Next::Item(Delivery::Loss(loss))) => panic!("{loss}"),
            Ok(Next::Idle | Next::Ended) => {
                let is_over = |child: &mut Child| child.try_wait().expect("ours").is_some();
                if children.iter_mut().all(is_over) {
                    break;
                }
            }
            Err(error) => panic!("{error:?}"),
        }
    }
    for child in &mut children {
        let status = child.wait().expect("it ended");
        assert!(status.success(), "{status}");
    }
    for rules in installed {
        rules.remove().expect("the rules are loaded");
    }
    let (tee, _) = events.into_parts();
    drop(tee.into_parts().1.finish().expect("it is written"));
    all
}

fn events_of(source: impl Source) -> Vec<Event> {
    let deliveries = Events::new(source).map(|delivery| delivery.expect("a good file"));
    let events = deliveries.filter_map(|delivery| match delivery {
        Delivery::Event(event) => Some(event),
        // records that the test left out are missing in the log that it wrote
        Delivery::Loss(_) => None,
    });
    events.collect()
}

/// The parts of a delivery that must be equal on all paths; receive times differ.
fn shape(event: &Event) -> String {
    let kind = event.kind().name();
    let records: Vec<_> = event.records().collect();
    let observed = (event.subject(), event.objects(), event.outcome(), event.missing());
    format!("{} {kind} {:?} {records:?} {observed:?}", event.id(), event.closed_by())
}

fn shapes(events: &[Event]) -> Vec<String> {
    let mut shapes: Vec<String> = events.iter().map(shape).collect();
    shapes.sort();
    shapes
}

pub(crate) fn agree(kernel: &KernelLock) {
    let capture = kernel.path("everything.pcap");
    let live = everything(kernel, &capture);
    assert!(live.len() >= 5000, "only {} events", live.len());
    let mut kinds: BTreeMap<&str, usize> = BTreeMap::new();
    for event in &live {
        *kinds.entry(event.kind().name()).or_default() += 1;
    }
    println!("live: {} events: {kinds:?}", live.len());
    for kind in [
        "exec",
        "fork",
        "exit",
        "file_open",
        "file_create",
        "file_delete",
        "file_rename",
        "file_link",
        "file_attr",
        "file_mount",
        "connect",
        "bind",
        "accept",
        "listen",
        "send",
        "identity",
        "kill",
        "ptrace",
        "seccomp",
        "user",
        "login",
        "config",
    ] {
        assert!(kinds.contains_key(kind), "no {kind} among {kinds:?}");
    }

    // the same events through the capture, and through the log that is made of it
    let replayed = events_of(Reader::open(&capture).expect("a capture"));
    assert_eq!(shapes(&replayed), shapes(&live));
    let dump = example("dump");
    let capture = capture.to_str().expect("a plain path");
    let written = run(dump, &["--capture", capture, "--format", "log"]).stdout;
    let path = kernel.path("everything.log");
    fs::write(&path, &written).expect("a file");
    let logged = events_of(log::Reader::open(&path).expect("a log"));
    assert_eq!(shapes(&logged), shapes(&live));

    compare(&live, path.to_str().expect("a plain path"));
}

/// Made-up records with numbers from all tables, beside those of the reference tool.
pub(crate) fn tables(kernel: &KernelLock) {
    let mut text = String::new();
    let mut serial = 0;
    let mut line = |record: &str, body: String| {
        serial += 1;
        text.push_str(&format!("type={record} msg=audit(1700000000.000:{serial}): {body}\n"));
    };
    let call = |number: u32, arguments: [u64; 4]| {
        let [a0, a1, a2, a3] = arguments;
        format!(
            "arch=c000003e syscall={number} success=yes exit=0 a0={a0:x} a1={a1:x} a2={a2:x} a3={a3:x} items=0 ppid=1 pid=2 key=(null)"
        )
    };
    for number in 0..=462 {
        for value in [0, 1, 2, 3, 9, 0x10, 0x1f, 0x241, 0x8000, 0xffff_ff9c, 0x7fff_ffff] {
            line("SYSCALL", call(number, [value; 4]));
        }
    }
    let number = |name| Arch::X86_64.syscall_number(name).expect("a call");
    for value in (0..80).chain(1024..1040).chain(0x4200..0x4210).chain(0x5400..0x5480) {
        for name in
            ["prctl", "ptrace", "fcntl", "bpf", "ioctl", "kill", "socket", "personality", "lseek"]
        {
            line("SYSCALL", call(number(name), [value; 4]));
        }
        for level in [0, 1, 6, 17, 41, 263] {
            line("SYSCALL", call(number("setsockopt"), [3, level, value, 0]));
        }
        line("SYSCALL", call(number("getsockopt"), [3, value, 1, 0]));
        line(
            "SECCOMP",
            format!(
                "sig={value} arch=c000003e syscall={value} compat=0 ip=0x0 code={:#x}",
                value << 16
            ),
        );
        line(
            "NETFILTER_PKT",
            format!("action={value} hook={value} proto={value} icmptype={value}"),
        );
        line("NETFILTER_CFG", format!("table=nat family={value} entries=1"));
        line("SOCKADDR", format!("saddr={:02X}00000000000000", value & 0xFF));
        line(
            "MQ_OPEN",
            format!(
                "oflag={value:#x} mode=0600 mq_flags=0x0 mq_maxmsg=1 mq_msgsize=1 mq_curmsgs=0"
            ),
        );
        line("MMAP", format!("fd=3 flags={:#x}", value << 4));
        line(
            "AVC",
            format!(
                "avc:  denied  {{ x }} for  pid=1 comm=\"x\" capability={value}  tclass=capability"
            ),
        );
    }
    for bit in 0..64 {
        let set = 1_u64 << bit;
        line(
            "PATH",
            format!(
                "item=0 name=\"/x\" inode=1 dev=fe:00 mode=0100644 ouid=0 ogid=0 rdev=00:00 nametype=NORMAL cap_fp={set:016x} cap_fi=0 cap_fe=0 cap_fver=0"
            ),
        );
        for name in
            ["open", "mmap", "mprotect", "clone", "mount", "umount2", "sendto", "unshare", "access"]
        {
            line("SYSCALL", call(number(name), [set; 4]));
        }
    }
    for mode in
        [0o100_000, 0o040_755, 0o104_644, 0o021_777, 0o010_000, 0o140_777, 0o120_777, 0o060_660]
    {
        line(
            "PATH",
            format!(
                "item=0 name=\"/x\" inode=1 dev=fe:00 mode=0{mode:o} ouid=0 ogid=0 rdev=00:00 nametype=NORMAL"
            ),
        );
    }
    for code in 1..140 {
        line(
            "SYSCALL",
            format!("arch=c000003e syscall=39 success=no exit=-{code} a0=0 a1=0 a2=0 a3=0 items=0"),
        );
    }
    let path = kernel.path("tables.log");
    fs::write(&path, &text).expect("a file");
    let events = events_of(log::Reader::open(&path).expect("a log"));
    compare(&events, path.to_str().expect("a plain path"));
}

/// The arguments of a program come back byte for byte, however many and however long.
pub(crate) fn long_arguments(kernel: &KernelLock) {
    let exe = kernel.helper();
    let rules = Rule::on_exit().syscall("execve").exe("/bin/true").key(KEY).for_both_abis();
    let observer = Receiver::observer().receive_buffer(16 << 20).open().expect("an observer");
    let mut events = Events::new(observer);
    let installed = control().apply(&rules.expect("a rule")).expect("the rule is new");
    let many: Vec<Vec<u8>> = (0..2000_u32)
        .map(|number| {
            let bytes = number.to_le_bytes();
            bytes.iter().map(|byte| byte.max(&1).wrapping_mul(7).max(1)).collect()
        })
        .collect();
    let long: Vec<u8> =
        (0..100_000_u32).map(|index| u8::try_from(index % 255 + 1).expect("a byte")).collect();
    let plain = vec![b'x'; 20_000];
    let lists = [many, vec![long, b"after".to_vec()], vec![plain, vec![], b"\xFF".to_vec()]];
    for list in &lists {
        let arguments = list.iter().map(|argument| std::ffi::OsStr::from_bytes(argument));
        let status = Command::new("/bin/true").args(arguments).status().expect("it starts");
        assert!(status.success());
    }
    let mut collected = crate::kernel_lock::Collected::default();
    collected.collect(&mut events, Duration::from_millis(500));
    installed.remove().expect("the rules are loaded");
    assert_eq!(collected.losses, []);
    let execs: Vec<_> = collected.ours().collect();
    assert_eq!(execs.len(), lists.len(), "{}", exe.display());
    for (event, list) in execs.iter().zip(&lists) {
        let EventKind::Exec(exec) = event.kind() else { panic!("{event:?}") };
        let args = exec.args().expect("an argument list");
        assert_eq!(args.len(), list.len() + 1);
        let same = args.iter().skip(1).zip(list).all(|(ours, given)| ours.as_bytes() == given);
        assert!(same, "every byte of {} arguments", list.len());
        assert_eq!(event.missing(), []);
        // and once more through a line of a log
        let lines: Vec<Vec<u8>> = event
            .records()
            .map(|record| {
                [auditlink::record::LogLine::of(&record).to_bytes(), b"\n".to_vec()].concat()
            })
            .collect();
        let again = events_of(log::Reader::new(&lines.concat()[..]));
        assert_eq!(shapes(&again), shapes(std::slice::from_ref(*event)));
    }
}
