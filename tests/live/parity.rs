//! Debian's auditctl, the installed one and the newest, as the oracle.

use std::fs::{Permissions, set_permissions};
use std::os::unix::fs::{PermissionsExt as _, chown};
use std::path::{Path, PathBuf};

use auditlink::rule::process_lifecycle;
use auditlink::wire::rule::to_bytes;
use auditlink::{Rule, RuleSet};

use crate::kernel_lock::{KEY, KernelLock, control, run, stderr, stdout};
use crate::newest::newest;
use crate::rule_text::as_auditctl_prints;
use crate::support::example;

/// The reference tools.
fn tools() -> [PathBuf; 2] {
    ["auditctl".into(), newest().join("auditctl")]
}

/// Rules that this release's language covers, as a person would write them.
const RULES: &[&str] = &[
    "-w /tmp/auditlink-a -p wa -k auditlink-live",
    "-w /tmp -p x -k auditlink-live",
    "-a always,exit -F arch=b64 -S clone,fork -F auid>=1000 -F auid!=-1 -F exe=/tmp/auditlink-b -k auditlink-live -k two",
    "-a always,exit -F arch=b32 -S execve,exit_group -F pid=77 -k auditlink-live",
    "-a exit,always -S all -F pid=77 -F exit=-EACCES -k auditlink-live",
    "-a always,exit -F path=/tmp/auditlink-c -F perm=rx -F pid=77",
    "-a always,exit -F arch=b64 -S openat -F dir=/tmp/ -F pid=77 -F success=0",
    "-a always,exit -F arch=b32 -S getppid -F pid=77 -F a0&0x10 -F a1&=3 -F a2=-1 -F a3<=7",
    "-a always,exit -F arch=b64 -S connect -F pid=77 -F saddr_fam=2 -F sessionid=unset",
    "-a always,exit -F arch=b64 -S openat -F pid=77 -F filetype=dir -F obj_uid=0 -F inode=5",
    "-a always,exit -F pid=77 -F ppid=1 -F uid=0 -F gid=0 -F egid=0 -F fsuid>0 -F devmajor=1 -F devminor=2",
    "-a never,task -F pid=77",
    "-a never,user -F pid=77",
    "-a always,exclude -F msgtype=EOE -F pid=77",
    "-a always,exit -F arch=b64 -S 39 -F pid=77 -F pers=4 -F exit>0",
    "-a always,exit -F arch=b64 -S getppid -F pid=77 -F subj_type=a_t -F obj_role=b_r",
];

fn listing() -> Vec<Rule> {
    control().rules().expect("a listing")
}

/// Loads a rule with the reference tool, and returns what the kernel then has.
fn by_reference(tool: &Path, line: &str) -> Vec<Rule> {
    let words: Vec<&str> = line.split(' ').collect();
    let output = run(tool, &words);
    assert!(output.status.success(), "{line}: {}", stderr(&output));
    let rules = listing();
    control().delete_all_rules().expect("it is ours");
    rules
}

fn by_us(line: &str) -> Vec<Rule> {
    let words: Vec<&str> = line.split(' ').collect();
    let output = run(example("auditctl"), &words);
    assert!(output.status.success(), "{line}: {}", stderr(&output));
    let rules = listing();
    control().delete_all_rules().expect("it is ours");
    rules
}

pub(crate) fn same_bytes(_: &KernelLock) {
    for line in RULES {
        let [ours]: [Rule; 1] = by_us(line).try_into().expect("one rule");
        for tool in tools() {
            let [theirs]: [Rule; 1] = by_reference(&tool, line).try_into().expect("one rule");
            assert_eq!(
                to_bytes(&ours),
                to_bytes(&theirs),
                "{line}\nours   {ours}\ntheirs {theirs}"
            );
        }
    }
}

pub(crate) fn same_text(_: &KernelLock) {
    let mut control = control();
    let pair = process_lifecycle().exe("/tmp/auditlink-unused").key(KEY).for_both_abis();
    let mut rules: RuleSet = pair.expect("all calls exist");
    rules.extend(RULES.iter().map(|line| {
        let words: Vec<&str> = line.split(' ').collect();
        match auditlink::rule::Command::parse(&words, &auditlink::host::UserNames::new()) {
            Ok(auditlink::rule::Command::Add(rule)) => rule,
            other => panic!("{line}: {other:?}"),
        }
    }));
    let installed = control.apply(&rules).expect("they are new");
    let ours = |words: &[&str]| {
        let printed = stdout(&run(example("auditctl"), words));
        printed.lines().map(as_auditctl_prints).collect::<Vec<_>>()
    };
    for tool in tools() {
        for words in [&["-l"][..], &["-l", "-k", KEY], &["-l", "-i"]] {
            let theirs = stdout(&run(&tool, words));
            assert_eq!(ours(words), theirs.lines().collect::<Vec<_>>(), "{words:?}");
        }
    }
    assert_eq!(ours(&["-l"]).len(), rules.len());
    installed.remove().expect("they are loaded");
}

pub(crate) fn log_form(kernel: &KernelLock) {
    let log = run(example("dump"), &["--demo", "--format", "log"]).stdout;
    let path = kernel.path("audit.log");
    std::fs::write(&path, &log).expect("a file");
    let records = |text: &str| text.lines().filter(|line| line.starts_with("type=")).count();
    let path = path.to_str().expect("a plain path");
    let read = stdout(&run("ausearch", &["-if", path, "--format", "raw"]));
    assert_eq!(records(&read), records(&String::from_utf8_lossy(&log)));
    let execs = stdout(&run("ausearch", &["-if", path, "-m", "EXECVE", "-i"]));
    assert!(execs.contains("a1=two words a2=ünïcode"), "{execs}");
}

pub(crate) fn same_answers(kernel: &KernelLock) {
    let file = |name: &str, text: &str| {
        let path = kernel.path(name);
        std::fs::write(&path, text).expect("a file");
        path.to_str().expect("a plain path").to_owned()
    };
    let good = file("good.rules", "# good\n-D\n-b 8192\n-f 1\n-w /tmp/auditlink-a -p w -k x\n");
    let bad = file("bad.rules", "-w relative\n-w /tmp/auditlink-b -p w\n");
    let late = file("late.rules", "-c\n-w relative\n-w /tmp/auditlink-c -p w\n");
    let never = file("never.rules", "-i\n-w relative\n-w /tmp/auditlink-d -p w\n");
    let half =
        file("half.rules", "-D\n-w /tmp/auditlink-e -p w\n-w relative\n-w /tmp/auditlink-f\n");
    let settings = file("settings.rules", "-b 8192 -f 1\n--backlog_wait_time=15000\n");
    let open = file("open.rules", "-w /tmp/auditlink-g -p w\n");
    set_permissions(&open, Permissions::from_mode(0o646)).expect("it is ours");
    for words in [
        &["-s"][..],
        &["-l"],
        &["-b", "8192"],
        &["-r", "0"],
        &["-f", "1"],
        &["-e", "1"],
        &["--backlog_wait_time", "15000"],
        &["-D"],
        &["-a", "always,exit", "-S", "no_such_call"],
        &["-a", "always,exit", "-F", "no_such_field=1"],
        &["-a", "always,entry", "-S", "getppid"],
        &["-d", "always,exit", "-F", "pid=77"],
        &["-w", "relative"],
        &["-k", "alone"],
        &["--nonsense"],
        &["-b", "many"],
        &["-t"],
        &["--reset-lost"],
        &["-q", "/tmp,/no/such/tree"],
        &["-R", &good],
        &["-R", &bad],
        &["-R", &late],
        &["-R", &never],
        &["-R", &half],
        &["-R", &settings],
        &["-R", &open],
        &["-R", "/dev/null"],
        &["-s", "-i"],
        &["-l", "-i"],
        &["-b8192", "-f1"],
        &["--backlog_wait", "15000"],
        &["-aalways,exit", "-Sgetppid", "-Fpid=77", "-kx"],
        &["-a", "always,exit", "-F", "arch=b64", "-F", "pid=77", "-k", "x"],
        &["-a", "always,task", "-F", "pid=77", "-C", "uid!=euid"],
        &["-a", "always,exit", "-S", "getppid", "-F", "pid=77", "extra"],
        &["-R", "/no/such/file"],
    ] {
        let ours = run(example("auditctl"), words);
        let our_rules = listing();
        control().delete_all_rules().expect("they are ours");
        if !ours.status.success() {
            assert!(!stderr(&ours).is_empty(), "{words:?}");
        }
        for tool in tools() {
            let theirs = run(&tool, words);
            assert_eq!(our_rules, listing(), "{words:?}");
            control().delete_all_rules().expect("they are ours");
            assert_eq!(ours.status.code(), theirs.status.code(), "{words:?}: {}", stderr(&ours));
            assert_eq!(settled(&stdout(&ours)), settled(&stdout(&theirs)), "{words:?}");
        }
    }
    // the installed auditctl refuses it, the newest does not look at the owner
    set_permissions(&open, Permissions::from_mode(0o640)).expect("it is ours");
    chown(&open, Some(65534), None).expect("root may");
    let ours = run(example("auditctl"), &["-R", &open]);
    assert!(!ours.status.success() && stderr(&ours).contains("belongs to user 65534"), "{ours:?}");
    assert_eq!(listing(), []);
}

/// A file replaces rules and settings, or nothing.
pub(crate) fn applied_files(kernel: &KernelLock) {
    let path = kernel.path("applied.rules");
    let apply = |text: &str| {
        std::fs::write(&path, text).expect("a file");
        run(example("auditctl"), &["-R", path.to_str().expect("a plain path"), "--apply"])
    };
    let rule = "-a always,exit -S getppid -F pid=77 -k auditlink-live";
    let done = apply(&format!("-D\n-b 8000 -f 0\n{rule}\n-e 0\n"));
    assert!(done.status.success(), "{done:?}");
    let status = control().status().expect("a status");
    assert_eq!((status.backlog_limit, status.failure.number()), (8000, 0));
    assert_eq!(status.enabled.number(), 0);
    assert_eq!(listing().len(), 1);

    let refused = apply(&format!("-b 7000\n-m message\n{rule}2\n"));
    assert!(!refused.status.success() && stderr(&refused).contains("-m message"), "{refused:?}");
    let failed = apply("-f 1\n-b 7000\n-a always,exit -S getppid -F pid=78 -F dir=/no/such/dir\n");
    assert!(!failed.status.success(), "{failed:?}");
    let status = control().status().expect("a status");
    assert_eq!((status.backlog_limit, status.failure.number()), (8000, 0), "restored");
    assert_eq!(listing().len(), 1, "restored");
}

/// Takes out the numbers that change by themselves from one moment to the next.
fn settled(text: &str) -> String {
    let moves = |line: &&str| {
        !line.starts_with("backlog ") && !line.starts_with("backlog_wait_time_actual ")
    };
    text.lines().filter(moves).collect::<Vec<_>>().join("\n")
}
