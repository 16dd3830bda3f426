//! Each failure names the operation, the cause and the remedy, and changes nothing.

use std::process::{Command, Output};
use std::thread::sleep;
use std::time::Duration;

use auditlink::{ErrorKind, Receiver, Rule};

use crate::kernel_lock::{KernelLock, control, run, stderr};
use crate::support::example;

/// Runs something, and checks that it failed with these words and changed nothing.
fn fails(words: &[&str], what: impl FnOnce() -> Output) {
    let state = || {
        let mut control = control();
        let mut status = control.status().expect("a status");
        // counters that change on their own
        status.backlog = 0;
        status.backlog_wait_time_actual = None;
        (status, control.rules().expect("a listing"))
    };
    let before = state();
    let output = what();
    let said = stderr(&output);
    assert!(!output.status.success(), "it succeeded: {said}");
    for word in words {
        assert!(said.contains(word), "{word:?} is not in {said:?}");
    }
    assert_eq!(state(), before, "something changed in the kernel");
}

/// Runs an example through a program that first drops a privilege.
fn through(wrapper: &[&str], name: &str, words: &[&str]) -> Output {
    let [program, options @ ..] = wrapper else { panic!("a program") };
    // an unprivileged user may not be allowed into the folder of the build
    let copy = std::env::temp_dir().join(format!("auditlink-{name}-{}", std::process::id()));
    std::fs::copy(example(name), &copy).expect("a copy");
    let output = Command::new(program).args(options).arg(&copy).args(words).output();
    let _ = std::fs::remove_file(&copy);
    output.unwrap_or_else(|error| panic!("{program} does not start: {error}"))
}

const RULE: &[&str] = &["-a", "always,exit", "-F", "pid=77"];

pub(crate) fn no_privilege(kernel: &KernelLock) {
    let helper = kernel.helper();
    let unprivileged = [helper.to_str().expect("a plain path"), "unprivileged"];
    fails(&["read the audit status", "CAP_AUDIT_CONTROL"], || {
        through(&unprivileged, "auditctl", &["-s"])
    });
    fails(&["add a rule", "CAP_AUDIT_CONTROL"], || through(&unprivileged, "auditctl", RULE));
    fails(&["join the audit multicast group", "CAP_AUDIT_READ", "root"], || {
        through(&unprivileged, "dump", &["--observer", "--for", "1"])
    });
    fails(&["register as the audit daemon", "CAP_AUDIT_CONTROL"], || {
        through(&unprivileged, "dump", &["--daemon"])
    });
    assert_eq!(
        through(&unprivileged, "auditctl", &["-s"]).status.code(),
        Some(4),
        "as auditctl does"
    );
}

pub(crate) fn no_capability(_: &KernelLock) {
    let without = ["setpriv", "--bounding-set", "-audit_control", "--inh-caps", "-audit_control"];
    fails(&["add a rule", "CAP_AUDIT_CONTROL"], || through(&without, "auditctl", RULE));
    // an observer may be without it, but then the kernel's counter is not known
    let output = through(&without, "dump", &["--observer", "--format", "none", "--for", "1"]);
    let said = stderr(&output);
    assert!(output.status.success(), "{said}");
    assert!(
        said.contains("completeness=unverified: the kernel's counter of lost records was not read"),
        "{said}"
    );
}

pub(crate) fn wrong_namespace(kernel: &KernelLock) {
    let helper = kernel.helper();
    let [user, pid, net] = ["user", "pid", "net"]
        .map(|kind| [helper.to_str().expect("a plain path"), "unshare", kind]);
    for wrapper in [&user, &pid] {
        fails(&["add a rule", "initial user and PID namespaces"], || {
            through(wrapper, "auditctl", RULE)
        });
        fails(&["initial user and PID namespaces"], || through(wrapper, "dump", &["--daemon"]));
    }
    fails(&["join the audit multicast group", "namespace"], || {
        through(&user, "dump", &["--observer", "--for", "1"])
    });
    // an observer that may read /proc/1 learns that no records would arrive; in a virtual machine it may
    if std::fs::read_link("/proc/1/ns/net").is_ok() {
        fails(&["join the audit multicast group", "network namespace", "process 1"], || {
            through(&net, "dump", &["--observer", "--for", "1"])
        });
    } else {
        let output = through(&net, "dump", &["--observer", "--format", "none", "--for", "1"]);
        assert!(
            stderr(&output).contains("completeness=unverified: no records received"),
            "{output:?}"
        );
    }
    // in another network namespace requests work, and records come to a daemon
    let output = through(&net, "auditctl", &["-s"]);
    assert!(output.status.success(), "{}", stderr(&output));
    let output = through(&net, "dump", &["--daemon", "--format", "none", "--for", "1"]);
    assert!(output.status.success(), "{}", stderr(&output));
    assert!(stderr(&output).contains("completeness=complete"), "{}", stderr(&output));
}

pub(crate) fn another_daemon(_: &KernelLock) {
    let daemon = Receiver::daemon().open().expect("the place is free");
    let own = std::process::id().to_string();
    let comm = std::fs::read_to_string("/proc/self/comm").expect("a name");
    fails(&["register as the audit daemon", &own, comm.trim(), "observer"], || {
        run(example("dump"), &["--daemon", "--format", "none"])
    });
    let error = Receiver::daemon().open().expect_err("one place only");
    let ErrorKind::AlreadyRegistered { pid, command, holder } = error.kind() else {
        panic!("{error:?}")
    };
    assert_eq!((*pid, *holder), (std::process::id(), None));
    assert_eq!(command.as_deref(), Some(comm.trim()));

    let mut events = auditlink::Events::new(daemon);
    sleep(Duration::from_millis(200));
    let until = events.source().now();
    while events.next_until(until).expect("no error").item().is_some() {}
    assert_eq!(events.stats().registration_probes, 1, "the other was noticed, we ourselves not");
}

pub(crate) fn bad_rules(_: &KernelLock) {
    let auditctl = |words: &'static [&'static str]| move || run(example("auditctl"), words);
    fails(
        &["no_such_call", "x86_64"],
        auditctl(&["-a", "always,exit", "-F", "arch=b64", "-S", "no_such_call"]),
    );
    fails(&["msgtype", "user, exclude"], auditctl(&["-a", "always,exit", "-F", "msgtype=EOE"]));
    fails(
        &["add a rule", "does not exist", "create it first"],
        auditctl(&["-w", "/no/such/folder/file"]),
    );
    fails(
        &["delete a rule", "the rule is not loaded"],
        auditctl(&["-d", "always,exit", "-F", "pid=77"]),
    );
    let rule = Rule::on_exit().pid(77).build().expect("a good rule");
    control().add_rule(&rule).expect("it is new");
    fails(&["add a rule", "already loaded"], auditctl(RULE));
}
