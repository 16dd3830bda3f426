//! The tracker, fed with scripts of records and observations.

mod exits;
mod namespaces;
mod observations;
mod order;

use std::collections::HashMap;
use std::time::Duration;

use super::*;
use crate::event::{Assembler, Delivery, Received, Signal};
use crate::message_type::MessageType as T;
use crate::process::ProcessTable;
use crate::record::EventId;
use crate::time::{BootClock, Tick};
use crate::wire::frame;

/// A machine that was booted at `DAY - 1000 s`; script times are milliseconds from `DAY` on.
const DAY: u64 = 1_700_000_000;

/// What can be seen of the processes of a script.
#[derive(Default)]
struct FakeProcfs {
    there: HashMap<u32, Lookup>,
    is_blind: bool,
    since_boot: Option<Duration>,
}

impl FakeProcfs {
    fn put(&mut self, pid: u32, ppid: u32, start_ticks: u64) -> &mut ProcessSnapshot {
        let seen =
            ProcessSnapshot { pid, ppid, start_ticks, threads: 1, ..ProcessSnapshot::default() };
        self.there.insert(pid, Lookup::Process(Box::new(seen)));
        match self.there.get_mut(&pid) {
            Some(Lookup::Process(seen)) => seen,
            _ => panic!("it was put there"),
        }
    }
}

impl ProcessInspector for FakeProcfs {
    fn process(&mut self, pid: u32) -> Lookup {
        if self.is_blind {
            return Lookup::Unknown;
        }
        self.there.get(&pid).cloned().unwrap_or(Lookup::Nothing)
    }

    fn details(&mut self, pid: u32) -> Lookup {
        self.process(pid)
    }

    fn control_group(&mut self, pid: u32) -> Option<String> {
        match self.process(pid) {
            Lookup::Process(seen) => seen.cgroup,
            _ => None,
        }
    }

    fn since_boot(&mut self) -> Option<Duration> {
        self.since_boot
    }

    fn list(&mut self) -> Option<ProcessTable> {
        let seen = self.there.values().filter_map(|lookup| match lookup {
            Lookup::Process(seen) => Some((**seen).clone()),
            _ => None,
        });
        Some(ProcessTable { processes: seen.collect(), since_boot: Duration::from_secs(1000) })
    }
}

/// A tracker with its surroundings.
struct TrackerHarness {
    tracker: Tracker<FakeProcfs>,
    serial: u32,
    now: u64,
    /// When the next record's call was entered, if that was before now.
    stamp: Option<u64>,
}

/// Clock ticks since boot of a time of the script.
fn ticks(millis: u64) -> u64 {
    100_000 + millis / 10
}

impl TrackerHarness {
    fn new() -> Self {
        Self::with(|config| config)
    }

    /// With a configuration that differs from the default.
    fn with(change: impl FnOnce(TrackerConfig) -> TrackerConfig) -> Self {
        let mut clock = BootClock::new(100, Duration::from_millis(4));
        clock.sample(Duration::from_secs(DAY), Duration::from_secs(1000));
        let config = change(TrackerConfig::default().clock(clock));
        let tracker = Tracker::with_inspector(config, FakeProcfs::default());
        Self { tracker, serial: 0, now: 0, stamp: None }
    }

    /// With a shell, PID 10, that ran before the tracker started.
    fn listed() -> Self {
        Self::listed_with(|config| config)
    }

    fn listed_with(change: impl FnOnce(TrackerConfig) -> TrackerConfig) -> Self {
        let mut harness = Self::with(change);
        harness.procfs().put(10, 1, 5);
        harness.tracker.start();
        harness
    }

    fn procfs(&mut self) -> &mut FakeProcfs {
        self.tracker.inspector_mut()
    }

    /// As [`listed`](Self::listed), with a process monitor.
    fn monitored() -> Self {
        Self::listed_with(|config| config.process_monitor(true))
    }

    fn at(&self) -> Tick {
        Tick::from_nanos((1_000_000 + self.now) * 1_000_000)
    }

    /// Makes an event of a call at the present time.
    fn call(&mut self, fields: &str, others: &[(T, &str)]) -> &mut Self {
        let fields = format!("arch=c000003e {fields}");
        let mut records = vec![(T::SYSCALL, fields.as_str())];
        records.extend_from_slice(others);
        records.push((T::EOE, ""));
        self.event(&records)
    }

    fn event(&mut self, records: &[(T, &str)]) -> &mut Self {
        self.serial += 1;
        let mut assembler = Assembler::new();
        for (message_type, body) in records {
            let stamp = self.stamp.unwrap_or(self.now);
            let (seconds, millis) = (DAY + stamp / 1000, stamp % 1000);
            let text = format!("audit({seconds}.{millis:03}:{}): {body}", self.serial);
            let bytes = &frame::message(*message_type, 0, text.as_bytes());
            let (needed, at) = (bytes.len(), self.at());
            assembler.handle(Received::Datagram { bytes, needed, at });
        }
        assembler.handle(Signal::End.at(self.at()));
        while let Some(delivery) = assembler.poll() {
            self.tracker.handle(&delivery);
        }
        self
    }

    fn fork(&mut self, parent: u32, child: u32) -> &mut Self {
        let fields = format!("syscall=57 success=yes exit={child} ppid=1 pid={parent} comm=\"sh\"");
        self.call(&fields, &[])
    }

    fn clone3(&mut self, parent: u32, child: u32) -> &mut Self {
        self.call(&format!("syscall=435 success=yes exit={child} ppid=1 pid={parent}"), &[])
    }

    fn clone(&mut self, flags: u32, parent: u32, child: u32) -> &mut Self {
        self.call(
            &format!("syscall=56 success=yes exit={child} a0={flags:x} ppid=1 pid={parent}"),
            &[],
        )
    }

    fn exec(&mut self, parent: u32, pid: u32, arg: &str) -> &mut Self {
        let fields =
            format!("syscall=59 success=yes exit=0 ppid={parent} pid={pid} exe=\"/bin/{arg}\"");
        let args = format!("argc=1 a0=\"{arg}\"");
        self.call(&fields, &[(T::EXECVE, &args), (T::CWD, "cwd=\"/\"")])
    }

    fn exit(&mut self, pid: u32, status: u32) -> &mut Self {
        self.call(&format!("syscall=231 a0={status:x} ppid=1 pid={pid}"), &[])
    }

    fn exit_thread(&mut self, pid: u32) -> &mut Self {
        self.call(&format!("syscall=60 a0=0 ppid=1 pid={pid}"), &[])
    }

    fn since_boot(&self) -> Duration {
        Duration::from_millis(1_000_000 + self.now)
    }

    fn observe_fork(&mut self, parent: u32, task: u32, process: u32) -> &mut Self {
        let since_boot = self.since_boot();
        self.tracker.observe(Observation::Forked { parent, task, process, since_boot }, self.at());
        self
    }

    fn observe_exit(&mut self, pid: u32, code: i32) -> &mut Self {
        self.observe_exit_of(pid, pid, code)
    }

    fn observe_exit_of(&mut self, task: u32, process: u32, code: i32) -> &mut Self {
        let (code, since_boot) = (Some(code), self.since_boot());
        let source = Provenance::Connector;
        let end = Observation::Exited { task, process, code, since_boot, source };
        self.tracker.observe(end, self.at());
        self
    }

    fn wait(&mut self, millis: u64) -> &mut Self {
        let end = self.now + millis;
        while self.now < end {
            let due = self.tracker.poll_timeout();
            let due = due.map(|due| due.as_nanos().div_ceil(1_000_000).saturating_sub(1_000_000));
            self.now = due.filter(|due| *due > self.now).unwrap_or(end).min(end);
            let at = self.at();
            self.tracker.idle(at);
            self.tracker.advance(at);
        }
        self
    }

    fn lose(&mut self) -> &mut Self {
        let mut assembler = Assembler::new();
        assembler.handle(Signal::Overrun { dropped: Some(3) }.at(self.at()));
        while let Some(delivery @ Delivery::Loss(_)) = assembler.poll() {
            self.tracker.handle(&delivery);
        }
        self
    }

    /// Returns the events since the last call, a line each.
    fn lines(&mut self) -> Vec<String> {
        std::iter::from_fn(|| self.tracker.poll()).map(|change| change.to_string()).collect()
    }
}

#[test]
fn a_process_forks_executes_and_exits() {
    let mut harness = TrackerHarness::listed();
    harness.procfs().put(20, 10, ticks(0));
    harness.fork(10, 20).exec(10, 20, "ls").exit(20, 3);
    assert_eq!(
        harness.lines(),
        ["fork 10@5 -> 20@100000", "exec 20@100000 /bin/ls ls", "exit 20@100000 /bin/ls: 3"]
    );
    assert_eq!(harness.tracker.processes().count(), 1, "the shell runs");
}

#[test]
fn the_record_of_a_child_may_arrive_before_that_of_the_call() {
    // as with vfork, always, and with fork, often
    let mut harness = TrackerHarness::listed();
    harness.exec(10, 20, "ls").exit(20, 0).fork(10, 20);
    assert_eq!(
        harness.lines(),
        ["fork 10@5 -> 20#1 /bin/ls [own_record]", "exec 20#1 /bin/ls ls", "exit 20#1 /bin/ls: 0"]
    );
    // while it runs
    harness.exec(10, 21, "cat").fork(10, 21).exit(21, 0);
    let lines = harness.lines();
    assert_eq!(lines.len(), 3, "{lines:?}");
    assert!(lines[0].starts_with("fork 10@5 -> 21#4"));
}

#[test]
fn a_process_gone_before_it_was_seen_has_an_identity_and_a_start_range() {
    let mut harness = TrackerHarness::monitored();
    harness.now = 5;
    harness.observe_fork(10, 20, 20).fork(10, 20);
    let Some(ProcessEvent::Fork(fork)) = harness.tracker.poll() else { panic!("a fork") };
    assert_eq!(fork.process.id.start(), Start::SinceBoot(Duration::from_millis(1_000_005)));
    assert_eq!(fork.process.start_range, Some(99_998..=100_000));
    // the PID was reused already: the process that is seen is another one
    let mut harness = TrackerHarness::listed();
    harness.procfs().put(20, 10, ticks(5_000));
    harness.fork(10, 20);
    let Some(ProcessEvent::Fork(fork)) = harness.tracker.poll() else { panic!("a fork") };
    assert_eq!(fork.process.id.start(), Start::Event(1));
    assert_eq!(fork.process.start_range, Some(100_000..=100_003));
}

#[test]
fn threads_are_not_processes() {
    let mut harness = TrackerHarness::listed();
    harness.clone(0x3D_0F00, 10, 21).clone(0x11, 10, 22); // CLONE_THREAD among others; SIGCHLD alone
    assert_eq!(harness.lines(), ["fork 10@5 -> 22#2"]);
    // the record of clone3 does not show which: it is looked up, …
    harness.procfs().there.insert(23, Lookup::Thread);
    harness.procfs().put(24, 10, ticks(0));
    harness.clone3(10, 23).clone3(10, 24);
    assert_eq!(harness.lines(), ["fork 10@5 -> 24@100000"]);
    // … or observed, …
    let mut harness = TrackerHarness::monitored();
    harness.observe_fork(10, 25, 10).observe_fork(10, 26, 26).clone3(10, 25).clone3(10, 26);
    assert_eq!(harness.lines(), ["fork 10@5 -> 26@1000000000000ns"]);
    // … even if the record arrives after the observation has expired, …
    let mut harness = TrackerHarness::monitored();
    harness.observe_fork(10, 29, 10).wait(1_000).clone3(10, 29);
    assert_eq!(harness.wait(1_000).lines(), [""; 0]);
    // … or its own record shows it, …
    let mut harness = TrackerHarness::listed();
    harness.clone3(10, 27).exec(10, 27, "ls");
    assert_eq!(harness.lines(), ["fork 10@5 -> 27#2 /bin/ls", "exec 27#2 /bin/ls ls"]);
    // … or it is unknown, which is reported
    harness.clone3(10, 28);
    assert_eq!(harness.lines(), [""; 0]);
    let lines = harness.wait(1_000).lines();
    assert_eq!(lines.len(), 1);
    assert!(lines[0].starts_with("loss task 28 of 10@5"), "{lines:?}");
}

#[test]
fn a_task_was_a_thread_if_as_many_threads_exited() {
    let mut harness = TrackerHarness::listed();
    harness.procfs().put(20, 10, ticks(0));
    harness.fork(10, 20).clone3(20, 21).exit_thread(20);
    assert_eq!(harness.wait(2_000).lines(), ["fork 10@5 -> 20@100000"]);
    // one exit for two tasks settles neither
    harness.clone3(20, 22).clone3(20, 23).exit_thread(20);
    assert_eq!(harness.wait(2_000).lines().len(), 2);
    // nor does that of a thread whose creation is recorded after it
    harness.clone3(20, 24);
    harness.now += 1_000;
    harness.exit_thread(20).clone3(20, 25);
    assert_eq!(harness.lines(), [""; 0]);
    let lines = harness.wait(1_000).lines();
    assert!(lines.len() == 2 && lines[0].starts_with("loss task 24 of 20"), "{lines:?}");
    // it cannot be known while threads come and go all the time: then it is reported
    harness.clone3(20, 26);
    for _ in 0..1_100 {
        harness.exit_thread(20);
        harness.now += 10;
    }
    let lines = harness.lines();
    assert!(lines.len() == 1 && lines[0].starts_with("loss task 26 of 20"), "{lines:?}");
}

#[test]
fn the_exit_of_a_thread_is_not_that_of_its_process() {
    let mut harness = TrackerHarness::listed();
    harness.procfs().put(20, 10, ticks(0)).threads = 2;
    harness.fork(10, 20).clone(0x1_0000, 20, 21).exit_thread(20).wait(100);
    assert_eq!(harness.lines().len(), 1, "it runs");
    // after the exit of the last one the process is gone
    harness.procfs().there.remove(&20);
    harness.exit_thread(20).wait(200);
    assert_eq!(harness.lines(), ["exit 20@100000: 0"]);
    // a process monitor reports the exit of the process
    let mut harness = TrackerHarness::monitored();
    harness.observe_fork(10, 20, 20).fork(10, 20).exit_thread(20).wait(100);
    assert_eq!(harness.lines().len(), 1);
    harness.exit_thread(20).observe_exit(20, 0x100).wait(200).wait(20);
    assert_eq!(harness.lines(), ["exit 20@1000000000000ns: 1"]);
}

#[test]
fn an_exit_by_signal_is_reported_by_the_monitor() {
    let mut harness = TrackerHarness::monitored();
    harness.observe_fork(10, 20, 20).fork(10, 20).observe_exit(20, 9);
    assert_eq!(harness.lines().len(), 1);
    assert_eq!(harness.wait(19).lines(), [""; 0], "records of it may still arrive");
    assert_eq!(harness.wait(1).lines(), ["exit 20@1000000000000ns: SIGKILL [connector]"]);
    // a record that arrives even later
    assert_eq!(harness.exec(10, 20, "late").lines(), ["exec 20@1000000000000ns late"]);
    // the record of its fork may be late, too
    harness.observe_fork(10, 21, 21).observe_exit(21, 0x8B);
    assert_eq!(harness.lines(), [""; 0]);
    harness.fork(10, 21);
    let lines = harness.wait(20).lines();
    assert_eq!(lines.len(), 2);
    assert!(lines[1].ends_with("SIGSEGV, core dumped [connector]"), "{lines:?}");
}

#[test]
fn a_crash_has_a_record() {
    let crash =
        (T::ANOM_ABEND, "auid=0 uid=0 gid=0 ses=1 pid=20 comm=\"x\" exe=\"/x\" sig=11 res=1");
    let mut harness = TrackerHarness::monitored();
    harness.observe_fork(10, 20, 20).fork(10, 20).event(&[crash]).observe_exit(20, 11).wait(40);
    harness.tracker.poll();
    let Some(ProcessEvent::Exit(exit)) = harness.tracker.poll() else { panic!("an exit") };
    assert_eq!((exit.abend.map(EventId::serial), exit.source), (Some(2), Provenance::Connector));
    // in a replay, the record is all there is
    let mut harness = TrackerHarness::new();
    harness.fork(10, 20).event(&[crash]);
    harness.procfs().is_blind = true;
    harness.tracker.finish();
    assert_eq!(harness.lines(), ["fork 10#1 -> 20#1", "exit 20#1 /x: SIGSEGV"]);
}

#[test]
fn a_thread_that_executes_a_program_becomes_the_leader() {
    let mut harness = TrackerHarness::monitored();
    harness.observe_fork(10, 20, 20).fork(10, 20).observe_exit(20, 0);
    let since_boot = harness.since_boot();
    harness.tracker.observe(Observation::Executed { process: 20, since_boot }, harness.at());
    harness.exec(10, 20, "ls").observe_exit(20, 0x700).wait(3_000);
    let lines = harness.lines();
    assert_eq!(lines.len(), 3, "{lines:?}");
    assert!(lines[2].ends_with(": 7 [connector]"), "{lines:?}");
}

#[test]
fn the_record_of_a_crash_may_arrive_before_that_of_the_fork() {
    let crash =
        (T::ANOM_ABEND, "auid=0 uid=0 gid=0 ses=1 pid=20 comm=\"x\" exe=\"/x\" sig=6 res=1");
    let mut harness = TrackerHarness::listed();
    harness.event(&[crash]).fork(10, 20).wait(100);
    assert_eq!(harness.lines(), ["fork 10@5 -> 20#2 ", "exit 20#2 /x: SIGABRT"].map(str::trim_end));
    // or that never arrives
    harness.wait(1_000).event(&[crash]).wait(2_000);
    let lines = harness.wait(100).lines();
    assert_eq!(lines, ["fork ? -> 20#3 /x [own_record]", "exit 20#3 /x: SIGABRT"]);
}

#[test]
fn a_pid_is_reused() {
    let mut harness = TrackerHarness::listed();
    harness.fork(10, 20).wait(2_000);
    // the first process was killed unobserved
    harness.fork(10, 20).exit(20, 0);
    assert_eq!(
        harness.lines(),
        [
            "fork 10@5 -> 20#1",
            "exit 20#1: not known [inferred]",
            "fork 10@5 -> 20#2",
            "exit 20#2: 0"
        ]
    );
    // two processes with one PID, both observed before their records arrive
    let mut harness = TrackerHarness::monitored();
    harness.observe_fork(10, 20, 20).observe_exit(20, 9);
    harness.now = 500;
    harness.observe_fork(10, 20, 20).observe_exit(20, 0);
    harness.now = 0;
    harness.fork(10, 20);
    harness.now = 500;
    harness.fork(10, 20).exit(20, 0);
    let lines = harness.wait(100).lines();
    let ends: Vec<_> = lines.iter().filter(|line| line.starts_with("exit")).collect();
    assert_eq!(ends.len(), 2, "{lines:#?}");
    assert!(ends[0].contains("SIGKILL") && ends[1].ends_with(": 0"), "{lines:#?}");
}

#[test]
fn a_record_is_of_the_instance_that_ran_at_its_time() {
    let mut harness = TrackerHarness::listed();
    harness.procfs().put(20, 10, ticks(3_000));
    harness.tracker.start(); // it runs already
    harness.now = 100;
    harness.exit(20, 7); // that was another process with this PID
    assert_eq!(harness.lines(), [""; 0]);
    assert_eq!(
        harness.tracker.process(20).map(|process| process.id.start_ticks()),
        Some(Some(ticks(3_000)))
    );
}

#[test]
fn a_late_record_does_not_create_an_instance() {
    let mut harness = TrackerHarness::listed();
    harness.fork(10, 20).exit(20, 0);
    harness.lines();
    // another thread was in a call when the process exited
    harness.fork(20, 30);
    assert_eq!(harness.lines(), ["fork 20#1 -> 30#3"]);
    assert!(harness.tracker.process(20).is_none());
    // a much later record with this PID is of another process
    harness.now = 3_000;
    harness.exec(10, 20, "new");
    assert_eq!(harness.lines()[0], "fork 10@5 -> 20#4 /bin/new [own_record]");
}

#[test]
fn the_parent_is_the_one_at_the_fork() {
    // a double fork: the middle process exits first, and the last one gets another parent
    let mut harness = TrackerHarness::listed();
    harness.fork(10, 20).fork(20, 30).exit(20, 0).exec(1, 30, "daemon");
    let lines = harness.lines();
    assert_eq!(lines[1], "fork 20#1 -> 30#2");
    let parent = harness.tracker.process(30).and_then(|process| process.parent);
    assert_eq!(parent.map(|parent| parent.value.pid), Some(20));
    // CLONE_PARENT makes a sibling
    let mut harness = TrackerHarness::listed();
    harness.fork(10, 20).call("syscall=56 success=yes exit=21 a0=8011 ppid=10 pid=20", &[]);
    harness.tracker.poll();
    let Some(ProcessEvent::Fork(fork)) = harness.tracker.poll() else { panic!("a fork") };
    assert_eq!(fork.process.parent.map(|parent| parent.value.pid), Some(10));
    assert_eq!(fork.creator.map(ProcessId::pid), Some(20));
}

#[test]
fn ancestors_are_reported_before_their_descendants() {
    let mut harness = TrackerHarness::monitored();
    for (parent, child) in [(10, 20), (20, 30), (30, 40)] {
        harness.now += 1;
        harness.observe_fork(parent, child, child);
    }
    // the record of the last one arrives before those of all calls
    harness.exec(30, 40, "x").fork(30, 40).fork(20, 30).fork(10, 20);
    let lines = harness.lines();
    let parents: Vec<_> = lines.iter().map(|line| line.split('@').next()).collect();
    assert_eq!(parents, [Some("fork 10"), Some("fork 20"), Some("fork 30"), Some("exec 40")]);
}

#[test]
fn programs_scripts_and_failures() {
    let mut harness = TrackerHarness::listed();
    harness
        .call("syscall=59 success=no exit=-2 ppid=1 pid=10", &[(T::PATH, "item=0 name=\"/no\"")]);
    assert_eq!(harness.lines(), [""; 0], "the call failed");
    harness.call(
        "syscall=59 success=yes exit=0 ppid=1 pid=10 comm=\"a.sh\" exe=\"/bin/dash\" uid=7",
        &[
            (T::EXECVE, "argc=3 a0=\"/bin/sh\" a1=\"./a.sh\" a2=\"x\""),
            (T::CWD, "cwd=\"/home\""),
            (T::PATH, "item=0 name=\"./a.sh\""),
            (T::PATH, "item=1 name=\"/bin/sh\""),
        ],
    );
    let Some(ProcessEvent::Exec(exec)) = harness.tracker.poll() else { panic!("an exec") };
    assert_eq!(exec.path.as_deref(), Some("./a.sh".as_ref()));
    assert_eq!(exec.args.map(|args| args.value.len()), Some(3));
    assert_eq!(exec.process.cwd.map(|cwd| cwd.source), Some(Provenance::Record));
    assert_eq!(exec.process.credentials.and_then(|who| who.value.uid), Some(7));
    // an event with another record is still an exec
    let denied = (T::AVC, "avc:  denied  { execute } for pid=10 tclass=file permissive=1");
    let syscall = (T::SYSCALL, "arch=c000003e syscall=59 success=yes exit=0 ppid=1 pid=10");
    harness.event(&[denied, syscall, (T::EXECVE, "argc=1 a0=\"x\""), (T::EOE, "")]);
    assert_eq!(harness.lines().len(), 1);
    // a program that was given no arguments differs from one whose arguments were not received
    harness.event(&[syscall, (T::EXECVE, "argc=0"), (T::EOE, "")]).event(&[syscall, (T::EOE, "")]);
    assert_eq!(harness.lines(), ["exec 10@5 /bin/dash []", "exec 10@5 /bin/dash"]);
}

#[test]
fn facts_state_their_provenance() {
    let mut harness = TrackerHarness::listed();
    harness.procfs().put(20, 10, ticks(0)).cgroup = Some("/docker/x".to_owned());
    harness.fork(10, 20);
    let Some(ProcessEvent::Fork(fork)) = harness.tracker.poll() else { panic!("a fork") };
    let Process { parent, comm, cgroup, audited, .. } = fork.process;
    assert_eq!(parent.map(|parent| parent.source), Some(Provenance::Record));
    assert_eq!(comm.map(|comm| comm.source), Some(Provenance::Inherited));
    assert_eq!(cgroup.map(|cgroup| cgroup.source), Some(Provenance::Procfs));
    assert_eq!(audited, Audited::Yes);
    harness.procfs().put(20, 10, ticks(0)).cgroup = Some("/moved".to_owned());
    harness.exec(10, 20, "x");
    let cgroup = harness.tracker.process(20).and_then(|process| process.cgroup.clone());
    assert_eq!(cgroup.map(|cgroup| cgroup.value), Some("/moved".into()));
}
