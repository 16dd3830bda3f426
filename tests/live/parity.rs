//! The reference tool, Debian's auditctl, as the oracle.

use auditlink::rule::process_lifecycle;
use auditlink::wire::rule::to_bytes;
use auditlink::{Rule, RuleSet};

use crate::kernel_lock::{KEY, KernelLock, control, run, stderr, stdout};
use crate::support::example;

/// The reference tool.
const AUDITCTL: &str = "auditctl";

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
fn by_reference(line: &str) -> Vec<Rule> {
    let words: Vec<&str> = line.split(' ').collect();
    let output = run(AUDITCTL, &words);
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
        let [theirs]: [Rule; 1] = by_reference(line).try_into().expect("one rule");
        let [ours]: [Rule; 1] = by_us(line).try_into().expect("one rule");
        assert_eq!(to_bytes(&ours), to_bytes(&theirs), "{line}\nours   {ours}\ntheirs {theirs}");
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
    let theirs = stdout(&run(AUDITCTL, &["-l"]));
    let ours = stdout(&run(example("auditctl"), &["-l"]));
    assert_eq!(ours, theirs);
    assert_eq!(ours.lines().count(), rules.len());
    let keyed = stdout(&run(example("auditctl"), &["-l", "-k", KEY]));
    assert_eq!(keyed, stdout(&run(AUDITCTL, &["-l", "-k", KEY])));
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
        &["-R", "/no/such/file"],
    ] {
        let theirs = run(AUDITCTL, words);
        let their_rules = listing();
        control().delete_all_rules().expect("they are ours");
        let ours = run(example("auditctl"), words);
        assert_eq!(listing(), their_rules, "{words:?}");
        control().delete_all_rules().expect("they are ours");
        assert_eq!(ours.status.code(), theirs.status.code(), "{words:?}: {}", stderr(&ours));
        assert_eq!(settled(&stdout(&ours)), settled(&stdout(&theirs)), "{words:?}");
        if !ours.status.success() {
            assert!(!stderr(&ours).is_empty(), "{words:?}");
        }
    }
}

/// Takes out the numbers that change by themselves from one moment to the next.
fn settled(text: &str) -> String {
    let moves = |line: &&str| {
        !line.starts_with("backlog ") && !line.starts_with("backlog_wait_time_actual ")
    };
    text.lines().filter(moves).collect::<Vec<_>>().join("\n")
}
