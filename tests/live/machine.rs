//! Tests that reboot, lock or crash the machine: they run in virtual machines only.

use std::io::Write;
use std::process::Child;
use std::time::{Duration, Instant};

use auditlink::event::{CauseKind, CounterReading, EventKind};
use auditlink::host::procfs::booted_with_audit;
use auditlink::iter::Next;
use auditlink::preflight::{Check, Level, Preflight};
use auditlink::receiver::WatchdogConfig;
use auditlink::rule::process_lifecycle;
use auditlink::wire::status::{Enabled, FailureMode, FeatureSwitches};
use auditlink::{Delivery, ErrorKind, Events, MessageType, Pump, Receiver, Rule, Settings};

use crate::faults::{Harvest, SMALL, report, watch_getppid};
use crate::kernel_lock::{
    KEY, KernelLock, control, has_matched, run, stderr, stdout, wait_until_sent,
};
use crate::support::example;

/// Booted with `audit=1`, the first daemon gets what was recorded since then; otherwise nothing.
pub(crate) fn since_boot(kernel: &KernelLock) {
    let held = kernel.held_since_boot();
    let begin = held.iter().any(|event| event.records_of(MessageType::KERNEL).next().is_some());
    println!("  {} events held since boot, the kernel's own first record: {begin}", held.len());
    assert_eq!(begin, booted_with_audit(), "{held:?}");
}

/// Records made without a daemon: the kernel keeps the oldest and counts the rest, or drops all
/// silently, depending on how it was booted.
pub(crate) fn hold_queue(kernel: &KernelLock) {
    let mut control = control();
    control.configure(&Settings::new().backlog_limit(64)).expect("good values");
    let rules = watch_getppid(kernel);
    let before = control.status().expect("a status").lost;
    let made = 200;
    kernel.run_helper(&["storm", &made.to_string()]);
    wait_until_sent();
    let lost = u64::from(control.status().expect("a status").lost - before);
    let events = Events::new(Receiver::daemon().open().expect("the place is free"));
    let (harvest, stats) = Harvest::default().finish(events);
    rules.remove().expect("the rules are loaded");
    println!("  made {made}, kept {} records, lost {lost}", harvest.records);
    if booted_with_audit() {
        // the queue holds a few records of changed rules, too
        assert!(harvest.records > 40, "{harvest:?}");
        assert_eq!(harvest.records + lost, made * 3, "{harvest:?}");
    } else {
        assert_eq!((harvest.records, lost), (0, 0));
    }
    // what was lost before the daemon registered is not a loss of the daemon
    assert_eq!(stats.counter, CounterReading::Current);
    assert_eq!(stats.total(CauseKind::KernelLost), 0);
}

/// Calls of both kinds, programs, messages and changing rules, all at once, for as long as the
/// environment says: nothing is lost, and auditing is healthy all the time.
pub(crate) fn mixed_storm(kernel: &KernelLock) {
    let seconds = std::env::var("AUDITLINK_SECONDS").ok().and_then(|text| text.parse().ok());
    let seconds = seconds.unwrap_or(5);
    control().configure(&Settings::lossless().backlog_wait_time(15_000)).expect("good values");
    let mut receiver = Receiver::daemon().open().expect("the place is free");
    let rules = watch_getppid(kernel);
    let programs = Rule::on_exit().syscall("execve").exe("/bin/true").key(KEY).for_both_abis();
    let programs = control().apply(&programs.expect("the call exists")).expect("they are new");
    let watch = WatchdogConfig::new()
        .interval(Duration::from_millis(500))
        .heartbeat_timeout(Duration::from_secs(20));
    receiver.watch(&watch.compare_rules(false)).expect("it may ask");
    let mut events = Events::new(Pump::builder(receiver).start().expect("a thread"));

    let end = Instant::now() + Duration::from_secs(seconds);
    let kinds: [&[&str]; 4] =
        [&["pair", "1000"], &["storm", "1500", "b32"], &["programs", "40"], &["messages", "300"]];
    let (mut made, mut started, mut said) = (0_u64, 0_u64, 0_u64);
    let mut running: Vec<Option<Child>> = kinds.iter().map(|_| None).collect();
    let (mut harvest, mut programs_seen, mut messages_seen) = (Harvest::default(), 0_u64, 0_u64);
    let mut rounds = 0_u32;
    loop {
        let is_over = Instant::now() >= end;
        for (kind, child) in kinds.iter().zip(&mut running) {
            let has_ended = child.as_mut().is_none_or(|child| {
                child.try_wait().expect("it runs").is_some_and(|status| {
                    assert!(status.success(), "{kind:?}");
                    true
                })
            });
            if has_ended {
                *child = None;
                if !is_over {
                    match kind[0] {
                        "programs" => started += 40,
                        "messages" => said += 300,
                        "pair" => made += 2_000,
                        _ => made += 1_500,
                    }
                    *child = Some(kernel.start_helper(kind));
                }
            }
        }
        if is_over && running.iter().all(Option::is_none) {
            break;
        }
        rounds += 1;
        if rounds.is_multiple_of(8) {
            // changed rules make records, too
            let rule = Rule::on_exit().syscall("getpid").pid(1).key("other").build();
            let rule = rule.expect("a good rule");
            std::thread::spawn(move || {
                let mut control = control();
                control.add_rule(&rule).expect("it is new");
                control.delete_rule(&rule).expect("it is loaded");
            });
        }
        let until = events.source().now().saturating_add(Duration::from_millis(50));
        while let Next::Item(delivery) = events.next_until(until).expect("no error") {
            count(&delivery, &mut programs_seen, &mut messages_seen);
            harvest.add(delivery);
        }
    }
    let (harvest, stats) = harvest.finish_with(events, |delivery| {
        count(delivery, &mut programs_seen, &mut messages_seen);
    });
    programs.remove().expect("they are loaded");
    rules.remove().expect("they are loaded");
    let made_all = made + started;
    let reported = format!("nothing; {} records in {seconds} s", stats.records);
    report("none, mixed storm, lossless profile", made_all, &harvest, &stats, &reported);
    println!("  {made} calls, {started} programs, {said} messages");
    assert_eq!((harvest.whole, programs_seen, messages_seen), (made_all, started, said));
    assert!(stats.completeness().is_complete(), "{}", stats.completeness());
}

fn count(delivery: &Delivery, programs: &mut u64, messages: &mut u64) {
    let Delivery::Event(event) = delivery else { return };
    match event.kind() {
        EventKind::Exec(_) => *programs += u64::from(event.is_whole()),
        EventKind::User(message) => {
            *messages += u64::from(message.op().is_some_and(|op| *op == *b"storm"));
        }
        _ => {}
    }
}

/// A process that is older than auditing is never recorded, and preflight names it; booted with
/// `audit=1` no such process exists. `/bin/busybox-old` was started before auditing was ever turned on, and makes calls.
pub(crate) fn older_processes(_: &KernelLock) {
    let report = Preflight::new().run();
    let old = report.older_processes.iter().find(|process| process.command == "busybox-old");
    let old = old.map(|process| process.pid);
    let since = report.status.as_ref().map(|status| status.enabled);
    assert_eq!(since, Some(Enabled::ON));
    assert_eq!(old.is_none(), booted_with_audit(), "{report}");
    let level = report.of(Check::OlderProcesses).next().expect("a finding").level;
    assert_eq!(level, if booted_with_audit() { Level::Fine } else { Level::Missed }, "{report}");

    let mut events = Events::new(Receiver::daemon().open().expect("the place is free"));
    let rules = Rule::on_exit().exe("/bin/busybox-old").key(KEY).build().expect("a good rule");
    let rules = control().apply(&[rules].into_iter().collect()).expect("it is new");
    let mut calls = 0;
    let end = events.source().now().saturating_add(Duration::from_secs(3));
    while let Next::Item(delivery) = events.next_until(end).expect("no error") {
        let Delivery::Event(event) = delivery else { panic!("{delivery:?}") };
        calls += usize::from(has_matched(&event));
    }
    rules.remove().expect("it is loaded");
    println!("  process older than auditing: {old:?}; {calls} of its calls were recorded in 3 s");
    assert_eq!(calls > 0, booted_with_audit());
}

/// With auditing on before any process, and rules for what is wanted, nothing would be missed, and
/// `doctor` says so; without, it says what.
pub(crate) fn doctor(_: &KernelLock) {
    let ask = |words: &[&str]| {
        let output = run(example("doctor"), words);
        (output.status.code(), stdout(&output))
    };
    let (code, said) = ask(&[]);
    assert_eq!(code, Some(1), "{said}");
    assert!(said.contains("b64: no rule records clone, clone3"), "{said}");
    let rules = process_lifecycle().key(KEY).for_both_abis().expect("all calls exist");
    let rules = control().apply(&rules).expect("they are new");
    let wanted = ["clone", "fork", "vfork", "execve", "execveat", "exit_group"];
    let (code, said) = ask(&wanted);
    println!("  doctor with rules: exit code {code:?}");
    said.lines().filter(|line| !line.starts_with("fine")).for_each(|line| println!("    {line}"));
    assert_eq!(code == Some(0), booted_with_audit(), "{said}");
    assert!(said.contains("fine    coverage        all 6 wanted calls"), "{said}");
    // each setting that can lose records is reported
    let mut control = control();
    let settings = Settings::new().backlog_limit(8).backlog_wait_time(0).rate_limit(5);
    let former = control.configure(&settings.failure(FailureMode::SILENT)).expect("good values");
    let never: Rule = "-a never,task -F uid=4711".parse().expect("a good rule");
    let exclude: Rule = "-a always,exclude -F msgtype=EOE".parse().expect("a good rule");
    control.add_rule(&never).expect("it is new");
    control.add_rule(&exclude).expect("it is new");
    let (code, said) = ask(&["--json", "execve"]);
    control.configure(&former).expect("they were so before");
    control.delete_rule(&never).expect("it is loaded");
    control.delete_rule(&exclude).expect("it is loaded");
    rules.remove().expect("they are loaded");
    assert_eq!(code, Some(1), "{said}");
    for (check, level) in [
        ("rate_limit", "missed"),
        ("wait_time", "missed"),
        ("never_task", "missed"),
        ("excluded", "missed"),
        ("backlog", "note"),
        ("failure", "note"),
    ] {
        let wanted = format!(r#""check":"{check}","level":"{level}""#);
        assert!(said.contains(&wanted), "no {wanted} in {said}");
    }
}

/// A loginuid that was set cannot be set again, and the attempt is recorded.
pub(crate) fn immutable_login(_: &KernelLock) {
    let mut control = control();
    let which = FeatureSwitches::LOGINUID_IMMUTABLE;
    control.set_features(which, which).expect("not locked");
    control.lock_features(which).expect("not locked");
    let features = control.features().expect("features");
    assert!(features.on.contains(which) && features.locked.contains(which));
    let error = control.set_features(which, FeatureSwitches::empty()).expect_err("it is locked");
    assert_eq!(error.raw_os_error(), Some(1), "{error:?}");
    let mut events = Events::new(Receiver::daemon().open().expect("the place is free"));
    std::fs::write("/proc/self/loginuid", "1000").expect("it is not set yet");
    let error = std::fs::write("/proc/self/loginuid", "1001").expect_err("it is immutable");
    assert_eq!(error.raw_os_error(), Some(1));
    events.source_mut().finish().expect("a thread");
    let mut results = Vec::new();
    for delivery in &mut events {
        let Ok(Delivery::Event(event)) = delivery else { panic!("{delivery:?}") };
        results.extend(
            event
                .records_of(MessageType::LOGIN)
                .filter_map(|record| record.field("res").map(|value| value.bytes() == b"1")),
        );
    }
    assert_eq!(results, [true, false]);
    assert!(events.completeness().is_complete(), "{}", events.completeness());
}

/// A locked configuration: everything that is refused says so and changes nothing.
pub(crate) fn locked(kernel: &KernelLock) {
    let rule = Rule::on_exit().syscall("getpid").pid(1).key("before").build().expect("a good rule");
    let mut control = control();
    control.add_rule(&rule).expect("it is new");
    control.lock().expect("not locked yet");
    assert_eq!(control.status().expect("a status").enabled, Enabled::LOCKED);
    let file = kernel.path("new.rules");
    std::fs::write(&file, "-a always,exit -S all -F pid=7 -k new\n").expect("a file");
    let file = file.to_str().expect("a plain path");
    let state = || {
        let output = run(example("auditctl"), &["-l"]);
        let status = stdout(&run(example("auditctl"), &["-s"]));
        let moves = ["backlog ", "lost ", "pid ", "backlog_wait_time_actual"];
        let still = status.lines().filter(|line| !moves.iter().any(|word| line.starts_with(word)));
        (stdout(&output), still.map(str::to_owned).collect::<Vec<_>>())
    };
    let before = state();
    let cases: [(&[&str], &[&str]); 9] = [
        (&["add a rule", "locked", "reboot"], &["-a", "always,exit", "-S", "getpid", "-k", "x"]),
        (
            &["delete a rule", "locked"],
            &["-d", "always,exit", "-S", "getpid", "-F", "pid=1", "-k", "before"],
        ),
        (&["delete a rule", "locked"], &["-D"]),
        (&["backlog limit", "locked"], &["-b", "100"]),
        (&["rate limit", "locked"], &["-r", "100"]),
        (&["failure mode", "locked"], &["-f", "0"]),
        (&["failure mode", "locked"], &["-f", "2"]),
        (&["auditing", "locked"], &["-e", "0"]),
        (&["- -a", "+ -a", "locked"], &["-R", file, "--apply"]),
    ];
    for (wanted, words) in cases {
        let output = run(example("auditctl"), words);
        let said = format!("{}{}", stdout(&output), stderr(&output));
        assert_eq!(output.status.code(), Some(255), "{words:?}: {said}");
        for word in wanted {
            assert!(said.contains(word), "{words:?}: no {word} in {said}");
        }
        assert_eq!(state(), before, "{words:?} changed something");
    }
    let error = control.configure(&Settings::lossless()).expect_err("it is locked");
    assert_eq!(*error.kind(), ErrorKind::Locked);
    // a daemon can still register and unregister
    let daemon = Receiver::daemon().open().expect("the place is free");
    daemon.close().expect("it is the daemon");
}

/// The machine dies of the first record that the kernel counts as lost, and the last status that
/// was read says why.
pub(crate) fn panic(kernel: &KernelLock) {
    let mut control = control();
    control.configure(&Settings::new().backlog_limit(8).backlog_wait_time(0)).expect("good values");
    let daemon = Receiver::daemon().receive_buffer(SMALL).open().expect("the place is free");
    let error = control
        .configure(&Settings::new().failure(FailureMode::PANIC))
        .expect_err("it has a call of its own");
    let remedy = error.remedy().unwrap_or_default();
    assert!(remedy.contains("panic_on_loss"), "{error}: {remedy}");
    control.panic_on_loss().expect("not locked");
    // a record every 10 ms: some ten come while the kernel tries to send the one that did not fit
    let mut child = kernel.start_helper(&["drip", "3000"]);
    while child.try_wait().expect("it runs").is_none() {
        let status = control.status().expect("a status");
        let is_full = status.pressure().is_some_and(|pressure| pressure >= 1.0);
        println!(
            "vm status failure={} backlog={} limit={} wait={:?} lost={}{}",
            status.failure,
            status.backlog,
            status.backlog_limit,
            status.backlog_wait_time,
            status.lost,
            if is_full { " FULL" } else { "" }
        );
        std::io::stdout().flush().expect("stdout");
    }
    drop(daemon);
    panic!("the machine is alive");
}
