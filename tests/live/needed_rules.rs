//! The rules that a program needs: others remove them, suppress them, or replace the files that they name.

use std::fs;
use std::io::Read as _;
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use auditlink::event::HealthFaults;
use auditlink::iter::Next;
use auditlink::receiver::{HeartbeatState, Repair, WatchdogConfig};
use auditlink::rule::Ownership;
use auditlink::{Delivery, Events, InstalledRules, Receiver, Rule, RuleSet, Settings};
use nix::sys::signal::Signal;

use crate::faults::watch_getppid;
use crate::health::{quiet_time, wait_for};
use crate::kernel_lock::{KEY, KernelLock, control, wait_until_sent};
use crate::process_load::{Bits, Load, logged_processes};
use crate::support::example;

const INTERVAL: Duration = Duration::from_millis(200);

fn watch() -> WatchdogConfig {
    WatchdogConfig::new().interval(INTERVAL).heartbeat_timeout(Duration::from_secs(5))
}

fn rule(text: &str) -> Rule {
    text.parse().unwrap_or_else(|error| panic!("{text}: {error}"))
}

fn observe() -> Events<Receiver> {
    let mut events = Events::new(Receiver::observer().open().expect("an observer"));
    quiet_time(&mut events, Duration::from_millis(300));
    events
}

fn rest() -> Duration {
    Duration::from_millis(500)
}

/// Without a watchdog, too, records show that needed rules were removed or may be suppressed.
pub(crate) fn removed_unwatched(kernel: &KernelLock) {
    let mut other = control();
    let mut events = observe();
    let rules = watch_getppid(kernel);
    quiet_time(&mut events, rest());
    // as `auditctl -D` does
    assert_eq!(other.delete_rules_by_key(KEY).expect("they are loaded"), 2);
    wait_for(&mut events, Some(HealthFaults::RULES));
    assert!(!events.completeness().is_complete());
    rules.remove().expect("it skips what is not loaded");
    for suppressor in [
        "-a never,task -F uid=4711",
        "-A never,exit -F pid=4711 -F uid=4711",
        "-a always,exclude -F msgtype=CRYPTO_KEY_USER -F uid=4711",
    ] {
        let mut events = observe();
        let rules = watch_getppid(kernel);
        quiet_time(&mut events, rest());
        other.add_rule(&rule(suppressor)).expect("it is new");
        wait_for(&mut events, Some(HealthFaults::RULES));
        other.delete_rule(&rule(suppressor)).expect("it is loaded");
        drop(rules);
    }
    // what this process removes by its guard is needed no more, and rules of others with keys are theirs
    let mut events = observe();
    let rules = watch_getppid(kernel);
    let foreign = rule("-a always,exit -S getpid -F pid=1 -F key=other");
    other.add_rule(&foreign).expect("it is new");
    quiet_time(&mut events, rest());
    other.delete_rule(&foreign).expect("it is loaded");
    rules.remove().expect("they are loaded");
    quiet_time(&mut events, rest());
    events.source_mut().finish().expect("a thread");
    assert!(events.by_ref().all(|next| matches!(next, Ok(Delivery::Event(_)))));
    assert!(events.completeness().is_complete(), "{}", events.completeness());
}

/// A watchdog loads the rules of the guard again, and only these.
pub(crate) fn removed_and_loaded_again(kernel: &KernelLock) {
    let mut other = control();
    let foreign = rule("-a always,exit -S getpid -F pid=1 -F key=other");
    other.add_rule(&foreign).expect("it is new");
    let rules = watch_getppid(kernel);
    let mut events = observe();
    let state = events.source_mut().watch(&watch().reapply_rules(Repair::Always));
    assert_eq!(state.expect("it may ask"), HeartbeatState::Sent);
    quiet_time(&mut events, rest());
    other.delete_all_rules().expect("they are loaded");
    wait_for(&mut events, Some(HealthFaults::RULES));
    wait_for(&mut events, None);
    let loaded = other.rules().expect("a listing");
    assert_eq!(loaded.len(), 2, "{loaded:?}");
    assert!(loaded.iter().all(|rule| rule.keys().any(|key| key == KEY.as_bytes())));
    quiet_time(&mut events, rest());
    drop(events);
    rules.remove().expect("they are loaded");
    // by their key, without a guard
    let own = rule("-a always,exit -S getppid -F pid=1 -F key=auditlink-live-own");
    other.add_rule(&own).expect("it is new");
    other.add_rule(&foreign).expect("it is new");
    let mut events = observe();
    let by_key = Ownership::KeyPrefix(KEY.into());
    let watch = watch().rules_of(by_key).reapply_rules(Repair::Always);
    events.source_mut().watch(&watch).expect("it may ask");
    other.delete_all_rules().expect("they are loaded");
    wait_for(&mut events, Some(HealthFaults::RULES));
    wait_for(&mut events, None);
    let loaded = other.rules().expect("a listing");
    assert!(matches!(&loaded[..], [only] if only.is_same(&own)), "{loaded:?}");
}

/// A watchdog of some rules reports rules of others only if they suppress records.
pub(crate) fn suppressed(kernel: &KernelLock) {
    let mut other = control();
    let rules = watch_getppid(kernel);
    let mut events = observe();
    events.source_mut().watch(&watch().reapply_rules(Repair::Always)).expect("it may ask");
    quiet_time(&mut events, rest());
    for suppressor in [
        "-a never,task -F uid=4711",
        "-A never,exit -F pid=4711 -F uid=4711",
        "-a always,exclude -F msgtype=CRYPTO_KEY_USER -F uid=4711",
    ] {
        let suppressor = rule(suppressor);
        other.add_rule(&suppressor).expect("it is new");
        wait_for(&mut events, Some(HealthFaults::RULES));
        other.delete_rule(&suppressor).expect("it is loaded");
        wait_for(&mut events, None);
        quiet_time(&mut events, rest());
    }
    for harmless in [
        "-A always,exit -S getpid -F pid=4711 -F key=other",
        "-a never,exit -S getpid -F pid=4711 -F key=other",
    ] {
        let harmless = rule(harmless);
        other.add_rule(&harmless).expect("it is new");
        quiet_time(&mut events, rest());
        other.delete_rule(&harmless).expect("it is loaded");
        quiet_time(&mut events, rest());
    }
    drop(events);
    rules.remove().expect("they are loaded");
}

/// Receives for a while, and returns how many events have the key of the tests.
fn recorded(events: &mut Events<Receiver>, time: Duration) -> usize {
    let seen = quiet_time(events, time);
    seen.iter().filter(|event| event.keys().iter().any(|key| key == KEY.as_bytes())).count()
}

fn apply(rules: &[&str]) -> InstalledRules {
    let rules: RuleSet = rules.iter().map(|text| rule(text)).collect();
    control().apply(&rules).expect("they are new")
}

/// A program is upgraded, and directories are replaced: the rules refer to the new ones.
pub(crate) fn files_replaced(kernel: &KernelLock) {
    let (program, upgrade) = (kernel.path("program"), kernel.path("program.new"));
    fs::copy("/bin/true", &program).expect("a copy");
    let (folder, former) = (kernel.path("tree"), kernel.path("tree.former"));
    fs::create_dir_all(&folder).expect("a folder");
    let rules = apply(&[
        &format!("-a always,exit -F arch=b64 -S execve -F exe={} -k {KEY}", program.display()),
        &format!("-a always,exit -F arch=b64 -F dir={} -F perm=wa -k {KEY}", folder.display()),
    ]);
    let mut events = observe();
    events.source_mut().watch(&watch().reapply_rules(Repair::Always)).expect("it may ask");
    let run = || assert!(Command::new(&program).status().expect("it starts").success());
    run();
    fs::write(folder.join("file"), "x").expect("a file");
    assert_eq!(recorded(&mut events, rest()), 2);

    fs::copy("/bin/true", &upgrade).expect("a copy");
    fs::rename(&upgrade, &program).expect("it is replaced");
    wait_for(&mut events, Some(HealthFaults::FILES));
    wait_for(&mut events, None);
    run();
    assert_eq!(recorded(&mut events, rest()), 1, "the kernel follows");

    fs::rename(&folder, &former).expect("it is moved");
    wait_for(&mut events, Some(HealthFaults::FILES));
    fs::create_dir_all(&folder).expect("a folder");
    wait_for(&mut events, None);
    recorded(&mut events, rest());
    fs::write(folder.join("file"), "x").expect("a file");
    assert_eq!(recorded(&mut events, rest()), 1, "the new directory is watched");
    drop(events);
    rules.remove().expect("they are loaded");

    // the kernel removes a rule for a file whose directory is moved
    fs::remove_dir_all(&former).expect("a folder");
    let file = folder.join("file");
    let rules = apply(&[&format!(
        "-a always,exit -F arch=b64 -F path={} -F perm=wa -k {KEY}",
        file.display()
    )]);
    let mut events = observe();
    events.source_mut().watch(&watch().reapply_rules(Repair::Always)).expect("it may ask");
    quiet_time(&mut events, rest());
    fs::rename(&folder, &former).expect("it is moved");
    wait_for(&mut events, Some(HealthFaults::RULES));
    fs::create_dir_all(&folder).expect("a folder");
    wait_for(&mut events, None);
    recorded(&mut events, rest());
    fs::write(&file, "x").expect("a file");
    assert_eq!(recorded(&mut events, rest()), 1, "the new file is watched");
    drop(events);
    rules.remove().expect("they are loaded");
}

/// An observer with rules and exactly the capabilities that it needs has no heartbeat, says so, and reports
/// no fault.
pub(crate) fn heartbeat_refused(kernel: &KernelLock) {
    let helper = kernel.helper();
    let output = Command::new("setpriv")
        .args(["--bounding-set", "-all,+audit_control,+audit_read"])
        .args(["--inh-caps", "-all,+audit_control,+audit_read"])
        .arg(helper)
        .args(["watched", "4"])
        .output()
        .expect("it starts");
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{output:?}");
    assert_eq!(said.trim(), "heartbeat=Refused losses=0 completeness=complete");
}

/// The observer of that test: `helper watched SECONDS`.
pub(crate) fn watched(seconds: &str) {
    let mut receiver = Receiver::observer().open().expect("it has CAP_AUDIT_READ");
    let rules = Rule::on_exit().syscall("getppid").pid(1).key(KEY).for_both_abis();
    let rules = control().apply(&rules.expect("the call exists")).expect("CAP_AUDIT_CONTROL");
    let state = receiver.watch(&WatchdogConfig::new().interval(INTERVAL)).expect("it may ask");
    assert_eq!(receiver.heartbeat_state(), state);
    let mut events = Events::new(receiver);
    let end = Instant::now() + Duration::from_secs(seconds.parse().expect("a number"));
    let (mut losses, mut rules) = (0, Some(rules));
    while !events.is_ended() {
        if let Some(rules) = rules.take_if(|_| Instant::now() >= end) {
            rules.remove().expect("they are loaded");
            events.source_mut().finish().expect("a thread");
        }
        if let Next::Item(Delivery::Loss(loss)) = events.next_timeout(INTERVAL).expect("no error") {
            eprintln!("{loss}");
            losses += 1;
        }
    }
    println!("heartbeat={state:?} losses={losses} completeness={}", events.completeness());
}

/// Rules that a guard removes are not loaded again, whatever the watchdog does meanwhile.
pub(crate) fn given_up(kernel: &KernelLock) {
    for round in 0..30_u64 {
        let rules = watch_getppid(kernel);
        wait_until_sent(); // a daemon that joins within the event of a loaded rule has a part of it
        let mut receiver = Receiver::daemon().open().expect("the place is free");
        let mut watch = watch().interval(Duration::from_millis(50)).reapply_rules(Repair::Always);
        if round % 2 == 1 {
            watch = watch.rules_of(Ownership::All);
        }
        receiver.watch(&watch).expect("it may ask");
        let mut events = Events::new(receiver);
        quiet_time(&mut events, Duration::from_millis(round * 3));
        // the order of docs/embedding.md
        rules.remove().expect("they are loaded");
        quiet_time(&mut events, Duration::from_millis(round * 5 % 120));
        events.source_mut().finish().expect("a thread");
        for delivery in &mut events {
            assert!(matches!(delivery, Ok(Delivery::Event(_))), "{delivery:?}");
        }
        assert!(events.completeness().is_complete(), "{}", events.completeness());
        let loaded = control().rules().expect("a listing");
        assert!(loaded.is_empty(), "round {round}: {loaded:?}");
    }
}

fn start(name: &str, words: &[&str]) -> Child {
    let mut command = Command::new(example(name));
    command.args(words).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("it starts")
}

fn signal(child: &Child, signal: Signal) {
    let pid = nix::unistd::Pid::from_raw(i32::try_from(child.id()).expect("a pid"));
    nix::sys::signal::kill(pid, signal).expect("it runs");
}

fn wait_until(what: &str, mut is_so: impl FnMut() -> bool) {
    let end = Instant::now() + Duration::from_secs(20);
    while !is_so() {
        assert!(Instant::now() < end, "{what} did not come");
        sleep(Duration::from_millis(10));
    }
}

/// A daemon leaves although no file descriptor is left; and one that cannot start is not registered.
pub(crate) fn leaving_without_descriptors(_: &KernelLock) {
    let words = ["--daemon", "--format", "none"];
    let child = start("dump", &words);
    let pid = child.id();
    wait_until("the registration", || control().status().expect("a status").pid == pid);
    let output = Command::new("prlimit").args(["--pid", &pid.to_string(), "--nofile=3"]).output();
    assert!(output.expect("it starts").status.success());
    signal(&child, Signal::SIGTERM);
    let output = child.wait_with_output().expect("it ends");
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    assert_eq!(control().status().expect("a status").pid, 0);
    let mut started = 0;
    for limit in 4..14 {
        let output = Command::new("prlimit")
            .arg(format!("--nofile={limit}"))
            .arg(example("dump"))
            .args(words)
            .args(["--for", "1"])
            .output()
            .expect("it starts");
        started += usize::from(output.status.success());
        assert_eq!(control().status().expect("a status").pid, 0, "with {limit}: {output:?}");
    }
    println!("  {started} of 10 limits suffice");
    assert!(started > 0);
}

/// Another program deletes the rules of `procwatch`, which loads them again and says that something may be
/// missing.
pub(crate) fn of_procwatch(kernel: &KernelLock) {
    let load = Load::new(kernel, Bits::B64);
    let program = load.program.to_str().expect("UTF-8");
    let mut other = control();
    let mut child = start("procwatch", &["--observer", "--json", "--exe", program]);
    let output = std::thread::spawn({
        let mut stdout = child.stdout.take().expect("a pipe");
        move || {
            let mut text = String::new();
            stdout.read_to_string(&mut text).expect("text");
            text
        }
    });
    wait_until("the rules", || other.rules().expect("a listing").len() == 2);
    sleep(Duration::from_millis(500));
    assert_eq!(other.delete_rules_by_key("procwatch").expect("they are loaded"), 2);
    wait_until("the rules again", || other.rules().expect("a listing").len() == 2);
    assert!(load.start(40, 0).wait().expect("it runs").success());
    sleep(Duration::from_millis(1_500));
    signal(&child, Signal::SIGINT);
    let result = child.wait_with_output().expect("it ends");
    let (said, text) = (String::from_utf8_lossy(&result.stderr), output.join().expect("it ends"));
    assert_eq!(result.status.code(), Some(3), "{said}");
    assert!(said.contains("completeness=unverified: "), "{said}");
    assert!(text.contains(r#""faults":["rules"]"#), "{said}");
    for logged in logged_processes(&load.log) {
        assert!(text.contains(&format!(r#""child":{},"#, logged.pid)), "{logged:?} is missing");
    }
    assert!(other.rules().expect("a listing").is_empty());

    // a second start removes what the first one left when it was killed
    let mut first = start("procwatch", &["--observer", "--exe", program]);
    wait_until("the rules", || other.rules().expect("a listing").len() == 2);
    first.kill().expect("it runs");
    first.wait().expect("it ends");
    other.add_rule(&rule("-a always,exit -S getpid -F pid=1 -F key=procwatch")).expect("it is new");
    let second = start("procwatch", &["--observer", "--exe", program]);
    wait_until("the rules", || other.rules().expect("a listing").len() == 2);
    sleep(Duration::from_millis(500));
    signal(&second, Signal::SIGTERM);
    let result = second.wait_with_output().expect("it ends");
    assert_eq!(result.status.code(), Some(0), "{}", String::from_utf8_lossy(&result.stderr));
    assert!(other.rules().expect("a listing").is_empty());
    // nor does a guard leave rules with a key that were loaded before
    let rules = apply(&[&format!("-a always,exit -S getppid -F pid=1 -k {KEY}")]);
    rules.keep();
    apply(&[&format!("-a always,exit -S getppid -F pid=1 -k {KEY}")]).remove().expect("loaded");
    assert!(other.rules().expect("a listing").is_empty());
}

/// `procwatch` as the audit daemon loses nothing while its output is not read.
pub(crate) fn procwatch_unread(kernel: &KernelLock) {
    control().configure(&Settings::lossless().backlog_wait_time(15_000)).expect("good values");
    let load = Load::new(kernel, Bits::B64);
    let program = load.program.to_str().expect("UTF-8");
    let mut child = start("procwatch", &["--daemon", "--json", "--exe", program]);
    wait_until("the rules", || control().rules().expect("a listing").len() == 2);
    sleep(Duration::from_millis(500));
    let count = 6_000;
    let mut maker = load.command(&["many", &count.to_string()]).spawn().expect("it starts");
    let root = maker.id();
    assert!(maker.wait().expect("it runs").success());
    sleep(Duration::from_secs(12));
    let mut stdout = child.stdout.take().expect("a pipe");
    let output = std::thread::spawn(move || {
        let mut text = String::new();
        stdout.read_to_string(&mut text).expect("text");
        text
    });
    sleep(Duration::from_secs(5));
    signal(&child, Signal::SIGTERM);
    let result = child.wait_with_output().expect("it ends");
    let said = String::from_utf8_lossy(&result.stderr);
    let text = output.join().expect("it ends");
    let lines: Vec<serde_json::Value> =
        text.lines().map(|line| serde_json::from_str(line).expect("an object")).collect();
    let is_birth = |line: &&serde_json::Value| line["type"] == "fork" && line["pid"] == root;
    let born: Vec<_> = lines.iter().filter(is_birth).collect();
    let is_by_record = |line: &&&serde_json::Value| {
        matches!(line["source"].as_str(), Some("record" | "own_record"))
    };
    let by_record = born.iter().filter(is_by_record).count();
    println!("  {} births, {by_record} by their records", born.len());
    assert_eq!(result.status.code(), Some(0), "{said}");
    assert_eq!(born.len(), count);
    assert_eq!(by_record, count);
}
