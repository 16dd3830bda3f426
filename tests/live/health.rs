//! The service and its loss: the watch-dog, the daemon's place, and who comes after a daemon.

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::os::fd::AsFd;
use std::process::Command;
use std::thread::sleep;
use std::time::{Duration, Instant};

use auditlink::event::{Assembler, AssemblerConfig, Cause, CauseKind, HealthFaults};
use auditlink::host::procfs::booted_with_audit;
use auditlink::iter::Next;
use auditlink::receiver::{Heartbeat, Repair, WatchdogConfig};
use auditlink::wire::frame;
use auditlink::{Control, Delivery, ErrorKind, Events, MessageType, Receiver, Rule, Settings};
use netlink_sys::{Socket, SocketAddr};
use nix::poll::{PollFd, PollFlags, poll};

use crate::faults::{Harvest, Random, report, watch_getppid};
use crate::kernel_lock::{
    KEY, KernelLock, control, count_of, has_matched, run, stderr, wait_until_sent,
};
use crate::support::example;

const INTERVAL: Duration = Duration::from_millis(200);
/// Longer than any pause of a busy machine.
const LIMIT: Duration = Duration::from_secs(2);

fn watch() -> WatchdogConfig {
    WatchdogConfig::new().interval(INTERVAL).heartbeat_timeout(LIMIT)
}

/// Receives until the audit health is as wanted: exactly these faults so far, or restored.
pub(crate) fn wait_for(events: &mut Events<Receiver>, wanted: Option<HealthFaults>) {
    let end = Instant::now() + Duration::from_secs(20);
    let mut lost = HealthFaults::empty();
    while Instant::now() < end {
        match events.next_timeout(INTERVAL).expect("no error") {
            Next::Item(Delivery::Loss(loss)) => match (loss.cause(), wanted) {
                (Cause::HealthFault { faults }, Some(wanted)) => {
                    assert!(!lost.intersects(*faults), "reported twice: {loss}");
                    lost |= *faults;
                    assert!(wanted.contains(lost), "{loss}");
                    if lost == wanted {
                        return;
                    }
                }
                (Cause::HealthRestored, None) => return,
                _ => panic!("{loss}"),
            },
            Next::Item(Delivery::Event(_)) | Next::Idle | Next::Ended => {}
        }
    }
    panic!("{wanted:?} did not come: {:?}", events.stats());
}

/// Receives for a while, in which nothing may go missing.
pub(crate) fn quiet_time(events: &mut Events<Receiver>, time: Duration) -> Vec<auditlink::Event> {
    let end = events.source().now().saturating_add(time);
    let mut seen = Vec::new();
    while events.source().now() < end {
        match events.next_until(end).expect("no error") {
            Next::Item(Delivery::Event(event)) => seen.push(event),
            Next::Item(Delivery::Loss(loss)) => panic!("{loss}"),
            Next::Idle | Next::Ended => {}
        }
    }
    seen
}

fn heartbeats(events: &[auditlink::Event]) -> usize {
    let is_heartbeat = |event: &&auditlink::Event| {
        let record = event.records().next();
        let message = record.and_then(auditlink::Record::as_user_message);
        message.and_then(|message| message.op()).is_some_and(|op| *op == *b"auditlink:heartbeat")
    };
    events.iter().filter(is_heartbeat).count()
}

pub(crate) fn without_faults(_: &KernelLock) {
    // heartbeats in quick succession: each is recognised, though another thread announces it
    let mut events = Events::new(Receiver::daemon().open().expect("the place is free"));
    let often = watch().interval(Duration::from_millis(50));
    events.source_mut().watch(&often.compare_rules(false)).expect("it may ask");
    let seen = quiet_time(&mut events, Duration::from_secs(3));
    println!("  {} heartbeats came back in 3 s", heartbeats(&seen));
    drop(events);

    let mut events = Events::new(Receiver::daemon().open().expect("the place is free"));
    events.source_mut().watch(&watch()).expect("it may ask");
    let seen = quiet_time(&mut events, Duration::from_secs(2));
    println!("  {} heartbeats came back in 2 s", heartbeats(&seen));
    assert!(heartbeats(&seen) >= 5);
    let (_, stats) = Harvest::default().finish(events);
    assert!(stats.completeness().is_complete(), "{}", stats.completeness());
}

pub(crate) fn turned_off(_: &KernelLock) {
    let mut events = Events::new(Receiver::observer().open().expect("an observer"));
    events.source_mut().watch(&watch().compare_rules(false)).expect("it may ask");
    quiet_time(&mut events, Duration::from_millis(500));
    control().set_enabled(false).expect("not locked");
    wait_for(&mut events, Some(HealthFaults::DISABLED | HealthFaults::HEARTBEAT));
    control().set_enabled(true).expect("not locked");
    wait_for(&mut events, None);
    quiet_time(&mut events, Duration::from_millis(500));
    assert_eq!(events.stats().total(CauseKind::HealthFault), 2);
    assert!(!events.completeness().is_complete());
}

/// An event loop of the caller is also woken by reports of the watchdog.
pub(crate) fn in_an_event_loop(kernel: &KernelLock) {
    let rules = watch_getppid(kernel);
    wait_until_sent();
    let mut events = Events::new(Receiver::daemon().open().expect("the place is free"));
    events.source_mut().watch(&watch()).expect("it may ask");
    let (mut whole, mut lost, mut restored, mut waits) = (0, false, false, 0);
    let end = Instant::now() + Duration::from_secs(20);
    while !(lost && restored && whole == 100) {
        assert!(Instant::now() < end, "{whole} {lost} {restored} {:?}", events.stats());
        let mut files = [PollFd::new(events.source().as_fd(), PollFlags::POLLIN)];
        assert!(poll(&mut files, 5_000_u16).expect("a file") > 0, "nothing wakes it");
        waits += 1;
        let now = events.source().now();
        while let Next::Item(delivery) = events.next_until(now).expect("no error") {
            match delivery {
                Delivery::Event(event) => {
                    whole += u32::from(has_matched(&event));
                }
                Delivery::Loss(loss) => match loss.cause() {
                    Cause::HealthFault { .. } => lost = true,
                    Cause::HealthRestored => restored = true,
                    _ => panic!("{loss}"),
                },
            }
        }
        match waits {
            2 => drop(kernel.run_helper(&["storm", "100"])),
            8 => unregister(),
            _ if lost && !restored && waits > 8 => {
                let watch = watch().reregister(Repair::Always);
                events.source_mut().watch(&watch).expect("it may ask");
            }
            _ => {}
        }
    }
    println!("  woken {waits} times");
    drop(events);
    rules.remove().expect("they are loaded");
}

pub(crate) fn rules_removed(kernel: &KernelLock) {
    let folder = kernel.path("watched");
    fs::create_dir_all(&folder).expect("a folder");
    let path = folder.to_str().expect("a plain path");
    let rule: Rule =
        format!("-a always,exit -F dir={path} -F perm=wa -k {KEY}").parse().expect("a good rule");
    let mut control = control();
    control.add_rule(&rule).expect("it is new");

    let mut events = Events::new(Receiver::observer().open().expect("an observer"));
    let watch = watch().reapply_rules(Repair::Always);
    events.source_mut().watch(&watch).expect("it may ask");
    quiet_time(&mut events, Duration::from_millis(500));
    // another tool deletes it: that is reported, and the rule is loaded again
    control.delete_rule(&rule).expect("it is loaded");
    wait_for(&mut events, Some(HealthFaults::RULES));
    wait_for(&mut events, None);
    assert_eq!(control.rules().expect("a listing").len(), 1);
    quiet_time(&mut events, Duration::from_millis(500));
    // its directory is removed, and the rule with it: it cannot be loaded before the directory exists
    fs::remove_dir_all(&folder).expect("a folder");
    wait_for(&mut events, Some(HealthFaults::RULES));
    assert_eq!(control.rules().expect("a listing").len(), 0);
    quiet_time(&mut events, Duration::from_millis(500));
    fs::create_dir_all(&folder).expect("a folder");
    wait_for(&mut events, None);
    assert_eq!(control.rules().expect("a listing").len(), 1);
    // an additional rule may suppress others: that is reported, and the rule stays
    let foreign = Rule::on_exit().syscall("getppid").pid(1).key("other").build();
    let foreign = foreign.expect("a good rule");
    control.add_rule(&foreign).expect("it is new");
    wait_for(&mut events, Some(HealthFaults::RULES));
    assert_eq!(control.rules().expect("a listing").len(), 2);
    control.delete_rule(&foreign).expect("it is loaded");
    wait_for(&mut events, None);
}

pub(crate) fn heartbeat_missing(_: &KernelLock) {
    let mut events = Events::new(Receiver::daemon().open().expect("the place is free"));
    let watch = watch().compare_rules(false);
    events.source_mut().watch(&watch).expect("it may ask");
    quiet_time(&mut events, Duration::from_millis(500));
    let rule: Rule = "-a always,exclude -F msgtype=TRUSTED_APP".parse().expect("a good rule");
    let mut control = control();
    control.add_rule(&rule).expect("it is new");
    wait_for(&mut events, Some(HealthFaults::HEARTBEAT));
    control.delete_rule(&rule).expect("it is loaded");
    wait_for(&mut events, None);
    // nor does the last marker of an orderly shutdown: then completeness cannot be verified
    control.add_rule(&rule).expect("it is new");
    let (_, stats) = Harvest::default().finish(events);
    assert!(stats.has_backpressure, "{stats:?}");
}

/// A real process as a heartbeat.
pub(crate) fn heartbeat_by_a_process(_: &KernelLock) {
    let program = "/bin/true";
    let rules = Rule::on_exit().syscalls(["execve"]).exe(program).key(KEY).for_both_abis();
    let installed = control().apply(&rules.expect("the call exists")).expect("they are new");
    let mut events = Events::new(Receiver::daemon().open().expect("the place is free"));
    let watch = watch().heartbeat(Heartbeat::Exec(program.into())).compare_rules(false);
    events.source_mut().watch(&watch).expect("it may ask");
    let seen = quiet_time(&mut events, Duration::from_secs(2));
    let starts = seen.iter().filter(|event| event.execve().is_some()).count();
    println!("  {starts} processes came back in 2 s");
    assert!(starts >= 5);
    installed.remove().expect("they are loaded");
    wait_for(&mut events, Some(HealthFaults::HEARTBEAT));
}

/// Unregisters this process without the receiver, and checks that it is unregistered.
fn unregister() {
    unregister_once();
    for _ in 0..100 {
        if control().status().expect("a status").pid == 0 {
            return;
        }
        sleep(Duration::from_millis(5));
    }
    panic!("the place was not given away");
}

fn unregister_once() {
    let mut request = frame::message(MessageType::SET, 1, &[]);
    let mut words = [0_u32; 11];
    words[0] = 4; // AUDIT_STATUS_PID
    request.extend(words.iter().flat_map(|word| word.to_ne_bytes()));
    let length = u32::try_from(request.len()).expect("short");
    request[..4].copy_from_slice(&length.to_ne_bytes());
    request[6] = 1; // NLM_F_REQUEST
    let mut socket = Socket::new(9).expect("a netlink socket");
    socket.bind_auto().expect("a port");
    socket.send_to(&request, &SocketAddr::new(0, 0), 0).expect("it is sent");
}

pub(crate) fn registration_lost(kernel: &KernelLock) {
    let rules = watch_getppid(kernel);
    wait_until_sent();
    let mut events = Events::new(Receiver::daemon().open().expect("the place is free"));
    events.source_mut().watch(&watch()).expect("it may ask");
    quiet_time(&mut events, Duration::from_millis(500));
    unregister();
    wait_for(&mut events, Some(HealthFaults::REGISTRATION | HealthFaults::HEARTBEAT));
    drop(events);

    let mut events = Events::new(Receiver::daemon().open().expect("the place is free"));
    let watch = watch().reregister(Repair::Always);
    events.source_mut().watch(&watch).expect("it may ask");
    quiet_time(&mut events, Duration::from_millis(500));
    unregister_once(); // the watchdog may register again before the check
    wait_for(&mut events, Some(HealthFaults::REGISTRATION));
    wait_for(&mut events, None);
    assert_eq!(control().status().expect("a status").pid, std::process::id());
    kernel.run_helper(&["storm", "100"]);
    let (harvest, stats) = Harvest::default().finish(events);
    rules.remove().expect("the rules are loaded");
    report(
        "daemon loses its place, and takes it again",
        100,
        &harvest,
        &stats,
        "service lost, restored",
    );
    assert_eq!(harvest.whole, 100, "it receives again");
    assert!(!stats.completeness().is_complete());
}

/// A watchdog that re-registers never does so after the receiver has unregistered.
pub(crate) fn registration_given_up(_: &KernelLock) {
    for round in 0..30_u64 {
        let mut events = Events::new(Receiver::daemon().open().expect("the place is free"));
        let watch = WatchdogConfig::new().interval(Duration::from_millis(50));
        let watch = watch.reregister(Repair::Always).compare_rules(false);
        events.source_mut().watch(&watch).expect("it may ask");
        unregister_once();
        sleep(Duration::from_millis(round * 5));
        drop(events);
        sleep(Duration::from_millis(20));
        assert_eq!(control().status().expect("a status").pid, 0, "round {round}");
    }
}

/// Starts a daemon that can be killed, and waits until it is one.
fn start_consumer(kernel: &KernelLock) -> (std::process::Child, u32) {
    let mut child = kernel.start_helper(&["consume"]);
    let mut line = String::new();
    let output = child.stdout.as_mut().expect("a pipe");
    BufReader::new(output).read_line(&mut line).expect("it can be read");
    assert_eq!(line.trim(), "ready");
    wait_until_sent(); // a record that is sent after its death would let the kernel notice
    let pid = child.id();
    assert_eq!(control().status().expect("a status").pid, pid);
    (child, pid)
}

/// A daemon is killed; its successor learns of what was recorded meanwhile.
pub(crate) fn successor(kernel: &KernelLock) {
    let observer = Receiver::observer().open().expect("an observer");
    let mut before = Events::new(observer);
    let (mut child, dead) = start_consumer(kernel);
    child.kill().expect("it runs");
    child.wait().expect("it ends");
    let mut control = control();
    assert_eq!(control.status().expect("a status").pid, dead, "the kernel has not noticed");
    control.delete_rules_by_key(KEY).expect("they are loaded");
    let rules = watch_getppid(kernel);
    kernel.run_helper(&["storm", "1"]); // the last event that was read
    let mut last = Harvest::default();
    last.collect(&mut before, Duration::from_millis(500));
    let last = last.last.expect("an event");
    drop(before);
    let made = 300;
    kernel.run_helper(&["storm", &made.to_string()]);
    // booted with audit=1, the kernel kept the one before, too
    let made = made + u64::from(booted_with_audit());
    wait_until_sent();
    let lost = control.status().expect("a status").lost;

    let daemon = Receiver::daemon().open().expect("the dead are no hindrance");
    let events = Events::with_assembler(
        daemon,
        Assembler::with_config(AssemblerConfig::new().resume_after(last).lost_before(lost)),
    );
    let (harvest, stats) = Harvest::default().finish(events);
    rules.remove().expect("the rules are loaded");
    // the records of changed rules have serials too
    let (seen, gap) = (harvest.whole + harvest.torn, stats.total(CauseKind::SerialGap));
    let known = format!("{gap} events by their serials: at least");
    report("daemon killed, successor continues", made, &harvest, &stats, &known);
    assert!(seen + gap >= made, "{harvest:?} {stats:?}");
    assert!(gap < made + 20, "{stats:?}");
    if !booted_with_audit() {
        assert_eq!(harvest.whole, 0, "the kernel keeps nothing");
    }
    assert_eq!(stats.completeness().is_complete(), harvest.whole == made, "{stats:?}");
}

/// Any process can bind the port of a dead daemon, and receives the audit trail; errors name it.
pub(crate) fn port_hijacker(kernel: &KernelLock) {
    let rules = watch_getppid(kernel);
    let (mut child, dead) = start_consumer(kernel);
    child.kill().expect("it runs");
    child.wait().expect("it ends");
    let mut squatter = kernel.start_helper(&["squat", &dead.to_string()]);
    let mut output = BufReader::new(squatter.stdout.take().expect("a pipe"));
    let mut line = String::new();
    output.read_line(&mut line).expect("it can be read");
    assert_eq!(line.trim(), "bound");
    kernel.run_helper(&["storm", "10"]);
    wait_until_sent();
    let result = Receiver::daemon().open();
    let error = result.map(drop).expect_err("the kernel takes it for the daemon");
    let ErrorKind::AlreadyRegistered { pid, holder, command } = error.kind() else {
        panic!("{error:?}")
    };
    assert_eq!((*pid, *holder, command), (dead, Some(squatter.id()), &None), "{error}");
    drop(squatter.stdin.take());
    line.clear();
    output.read_line(&mut line).expect("it can be read");
    println!("  an unprivileged process {}; {error}", line.trim());
    assert!(count_of(&line, "received") > 0, "{line}");
    squatter.wait().expect("it ends");
    let daemon = Receiver::daemon().open().expect("the squatter is gone");
    daemon.close().expect("it is the daemon");
    control().delete_rules_by_key(KEY).expect("they are loaded");
    rules.remove().expect("some are gone already");
}

/// A second daemon is refused; the first stays registered and loses nothing.
pub(crate) fn two_daemons(kernel: &KernelLock) {
    let rules = watch_getppid(kernel);
    wait_until_sent();
    let events = Events::new(Receiver::daemon().open().expect("the place is free"));
    let dump = example("dump");
    let made = 1_000;
    let mut helper = kernel.start_helper(&["storm", &made.to_string()]);
    for _ in 0..5 {
        let output = run(&dump, &["--daemon", "--format", "none", "--for", "1"]);
        assert!(!output.status.success(), "{output:?}");
    }
    assert!(helper.wait().expect("it ends").success());
    let (harvest, stats) = Harvest::default().finish(events);
    rules.remove().expect("the rules are loaded");
    let known = format!("{} attempts refused", stats.registration_probes);
    report("a second daemon wants the place", made, &harvest, &stats, &known);
    assert_eq!((harvest.whole, stats.registration_probes), (made, 5), "{harvest:?} {stats:?}");
    assert!(stats.completeness().is_complete(), "{}", stats.completeness());
}

/// `auditctl --signal term` ends the daemon, and returns when it has ended.
pub(crate) fn stopped_by_auditctl(kernel: &KernelLock) {
    let mut daemon = kernel.start_helper(&["consume"]);
    while control().status().expect("a status").pid != daemon.id() {
        sleep(Duration::from_millis(10));
    }
    let words = ["--signal", "term"];
    let mut auditctl = Command::new(example("auditctl")).args(words).spawn().expect("it starts");
    assert!(daemon.wait().expect("it ends").success(), "it has left in order");
    assert_eq!(auditctl.wait().expect("it ends").code(), Some(0));
    assert_eq!(control().status().expect("a status").pid, 0);
    let without = run(example("auditctl"), &words);
    assert_eq!(without.status.code(), Some(2), "{}", stderr(&without));
}

/// A hundred times, at random moments of its start, its work and its shutdown, a daemon receives
/// SIGTERM or SIGKILL.
pub(crate) fn killed_at_any_moment(kernel: &KernelLock) {
    let mut control = control();
    let base = Settings::new().backlog_limit(777).backlog_wait_time(1_234).rate_limit(9_999);
    control.configure(&base).expect("good values");
    let settings = |control: &mut Control| {
        let status = control.status().expect("a status");
        [Some(status.backlog_limit), status.backlog_wait_time, Some(status.rate_limit)]
    };
    let (before, tuned) =
        ([Some(777), Some(1_234), Some(9_999)], [Some(8_192), Some(15_000), Some(0)]);
    assert_eq!(settings(&mut control), before);
    let (mut untouched, mut left_behind) = (0, 0);
    let mut random = Random(u64::from(std::process::id()));
    for round in 0..100 {
        let mut child = kernel.start_helper(&["consume"]);
        sleep(Duration::from_micros(random.below(60_000)));
        let pid = nix::unistd::Pid::from_raw(i32::try_from(child.id()).expect("a pid"));
        let is_kill = round % 2 == 0;
        let signal = if is_kill { nix::sys::signal::SIGKILL } else { nix::sys::signal::SIGTERM };
        if round % 4 == 0 {
            // in the middle of restoring everything
            sleep(Duration::from_millis(60));
            nix::sys::signal::kill(pid, nix::sys::signal::SIGTERM).expect("it was started");
            sleep(Duration::from_micros(random.below(15_000)));
        }
        nix::sys::signal::kill(pid, signal).expect("it was started");
        drop(child.stdin.take());
        let output = child.wait_with_output().expect("it ends");
        let after = settings(&mut control);
        let status = control.status().expect("a status");
        let rules = control.rules().expect("a listing");
        let own = rules.iter().all(|rule| rule.keys().any(|key| key == KEY.as_bytes()));
        assert!(own && rules.len() <= 2, "{rules:?}");
        // a signal before the program has blocked it ends it before it did anything
        if !is_kill {
            let said = String::from_utf8_lossy(&output.stdout);
            assert_eq!(after, before, "round {round}: {said}");
            assert_eq!((rules.len(), status.pid), (0, 0), "round {round}: {said}");
            continue;
        }
        // each setting is the former or the new one, nothing in between
        for (index, value) in after.iter().enumerate() {
            assert!([before[index], tuned[index]].contains(value), "round {round}: {after:?}");
        }
        assert!([0, child_pid(&pid)].contains(&status.pid), "round {round}: {}", status.pid);
        if after == before && rules.is_empty() && status.pid == 0 {
            untouched += 1;
        } else {
            left_behind += 1;
        }
        // the remedy: settings from where they were kept, rules by their key, the registration by a successor
        control.configure(&base).expect("good values");
        control.delete_rules_by_key(KEY).expect("they are loaded");
        Receiver::daemon().open().expect("the dead are no hindrance").close().expect("it is ours");
        assert_eq!(settings(&mut control), before);
    }
    println!(
        "  50 with SIGTERM restored everything; of 50 killed, {untouched} had touched nothing, {left_behind} left something"
    );
    assert!(left_behind > 0, "no kill came late enough to matter");
    std::io::stdout().flush().expect("stdout");
    control.configure(&Settings::new().rate_limit(0)).expect("a good value");
}

fn child_pid(pid: &nix::unistd::Pid) -> u32 {
    u32::try_from(pid.as_raw()).expect("a pid")
}
