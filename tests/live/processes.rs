//! Process events, compared with the log that a load generator writes of the processes it creates.

use std::fs;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::RecvTimeoutError;
use std::time::Duration;

use auditlink::event::Completeness;
use auditlink::host::procfs::booted_with_audit;
use auditlink::iter::Next;
use auditlink::monitor::{MonitorKind, ProcessMonitor, ProcessMonitorBuilder};
use auditlink::process::{ExitStatus, LifecycleLoss, ProcessEvent, Provenance};
use auditlink::{InstalledRules, Processes, Receiver, Settings};
use nix::sys::signal::Signal;
use nix::time::{ClockId, clock_gettime, clock_settime};

use crate::kernel_lock::{KernelLock, control};
use crate::process_load::{Bits, Load, ObservedProcesses, Tally, is_before_6, logged_processes};
use crate::support::example;

pub(crate) fn of_64_bits(kernel: &KernelLock) {
    ground_truth(kernel, Bits::B64, ProcessMonitor::builder(), count(4_000));
}

pub(crate) fn of_32_bits(kernel: &KernelLock) {
    ground_truth(kernel, Bits::B32, ProcessMonitor::builder(), count(4_000));
}

/// Returns how many processes to create; `AUDITLINK_PROCESSES` overrides the usual number.
fn count(usual: usize) -> usize {
    std::env::var("AUDITLINK_PROCESSES").ok().and_then(|text| text.parse().ok()).unwrap_or(usual)
}

/// Follows the processes that run the program of a load.
struct Watch {
    processes: Processes<Receiver>,
    rules: InstalledRules,
    kind: MonitorKind,
}

impl Watch {
    fn start(load: &Load, monitor: ProcessMonitorBuilder) -> Self {
        control().configure(&Settings::lossless().backlog_wait_time(15_000)).expect("good values");
        let receiver = Receiver::daemon().open().expect("the place is free");
        let monitor = monitor.open().expect("we are root");
        let kind = monitor.kind();
        let rules = load.rules();
        let processes = Processes::watch(receiver, monitor).expect("files");
        Self { processes, rules, kind }
    }

    /// Passes on the events that arrive within some time.
    fn for_time(&mut self, time: Duration, mut report: impl FnMut(ProcessEvent)) {
        let end = self.processes.source().now().saturating_add(time);
        while let Next::Item(change) = self.processes.next_until(end).expect("no error") {
            report(change);
        }
    }

    /// Passes on the events until the children have ended and no more are expected, then shuts down.
    fn run_out(
        mut self,
        children: &mut [Child],
        mut report: impl FnMut(ProcessEvent),
    ) -> Completeness {
        let has_ended = |child: &mut Child| {
            child.try_wait().expect("it runs").is_some_and(|status| {
                assert!(status.success(), "the load failed: {status}");
                true
            })
        };
        while !children.iter_mut().all(has_ended) {
            self.for_time(Duration::from_millis(100), &mut report);
        }
        // what no record reports comes from the process monitor
        self.for_time(Duration::from_secs(3), &mut report);
        self.rules.remove().expect("they are loaded");
        self.processes.source_mut().finish().expect("a thread");
        for change in &mut self.processes {
            report(change.expect("no error"));
        }
        self.processes.completeness()
    }
}

/// Follows a load to its end.
fn follow(
    load: &Load,
    monitor: ProcessMonitorBuilder,
    count: usize,
) -> (ObservedProcesses, MonitorKind) {
    let watch = Watch::start(load, monitor);
    let kind = watch.kind;
    let mut children = [load.start(count / 2, 0), load.start(count - count / 2, count / 2)];
    let mut observed = ObservedProcesses::of_roots(&children.each_ref().map(Child::id));
    let completeness = watch.run_out(&mut children, |change| observed.add(change));
    assert!(completeness.is_complete(), "{completeness}");
    (observed, kind)
}

/// Without the connector, the cause of a sudden exit may be unknown, and so may whether a task that
/// is gone was a thread: both must be reported.
pub(crate) fn by_pidfds(kernel: &KernelLock) {
    without_connector(kernel, ProcessMonitor::builder().connector(false), MonitorKind::Pidfd);
}

pub(crate) fn by_sweeps(kernel: &KernelLock) {
    let monitor = ProcessMonitor::builder().connector(false).pidfds(false);
    without_connector(kernel, monitor, MonitorKind::Procfs);
}

fn without_connector(kernel: &KernelLock, monitor: ProcessMonitorBuilder, expected: MonitorKind) {
    let load = Load::new(kernel, Bits::B64);
    let (observed, kind) = follow(&load, monitor, 2_000);
    assert_eq!(kind, expected);
    let logged = logged_processes(&load.log);
    let tally = observed.check(&logged, &load, false);
    println!("  {} processes, by {kind:?}: {tally:?}, {} gaps", logged.len(), observed.gaps.len());
    let is_unsettled = |gap: &LifecycleLoss| matches!(gap, LifecycleLoss::Unsettled { .. });
    assert!(observed.gaps.iter().all(is_unsettled), "{:?}", observed.gaps);
}

/// With few PIDs, each one is reused all the time.
pub(crate) fn with_few_pids(kernel: &KernelLock) {
    /// Restores the limit, also when the test fails.
    struct Limit(String);
    impl Drop for Limit {
        fn drop(&mut self) {
            fs::write(PID_MAX, &self.0).expect("we are root");
        }
    }
    const PID_MAX: &str = "/proc/sys/kernel/pid_max";
    let _former = Limit(fs::read_to_string(PID_MAX).expect("/proc is there"));
    let count = count(12_000).max(3_000);
    fs::write(PID_MAX, (count / 3).min(4_000).to_string()).expect("we are root");
    let tally = ground_truth(kernel, Bits::B64, ProcessMonitor::builder(), count);
    assert!(tally.reused > count / 2, "{tally:?}");
}

/// The wall clock is set an hour forward and back, again and again.
pub(crate) fn while_the_clock_jumps(kernel: &KernelLock) {
    let (stop, stopped) = std::sync::mpsc::channel::<()>();
    let setter = std::thread::spawn(move || {
        let hour = nix::sys::time::TimeSpec::from_duration(Duration::from_secs(3_600));
        let mut steps = 0;
        while stopped.recv_timeout(Duration::from_millis(700)) == Err(RecvTimeoutError::Timeout) {
            let now = clock_gettime(ClockId::CLOCK_REALTIME).expect("a clock");
            let then = if steps % 2 == 0 { now + hour } else { now - hour };
            clock_settime(ClockId::CLOCK_REALTIME, then).expect("we are root");
            steps += 1;
        }
        steps
    });
    ground_truth(kernel, Bits::B64, ProcessMonitor::builder(), count(4_000));
    drop(stop);
    let steps = setter.join().expect("it ends");
    println!("  the clock was set {steps} times");
    assert!(steps > 4);
}

/// The machine is suspended while processes come and go: the boot-time clock continues, others do not.
pub(crate) fn across_suspend(kernel: &KernelLock) {
    const ALARM: &str = "/sys/class/rtc/rtc0/wakealarm";
    const FREEZE_TIMEOUT: &str = "/sys/power/pm_freeze_timeout";
    const STATE: &str = "/sys/power/state";
    const WAKEUP_COUNT: &str = "/sys/power/wakeup_count";
    let slept = || {
        let now = |clock| Duration::from(clock_gettime(clock).expect("a clock"));
        now(ClockId::CLOCK_BOOTTIME).saturating_sub(now(ClockId::CLOCK_MONOTONIC))
    };
    /// Suspends the machine for some seconds, unless something prevents it.
    fn sleep() -> std::io::Result<()> {
        fs::write(FREEZE_TIMEOUT, "1000")?;
        // if the alarm fires before the suspend, the wakeup count has changed and the kernel refuses
        let count = fs::read_to_string(WAKEUP_COUNT)?;
        fs::write(ALARM, "0")?;
        fs::write(ALARM, "+4")?;
        fs::write(WAKEUP_COUNT, count.trim())?;
        fs::write(STATE, "mem")
    }
    let before = slept();
    let sleeper = std::thread::spawn(move || {
        let mut refusals = Vec::new();
        for _ in 0..2 {
            std::thread::sleep(Duration::from_millis(700));
            // a process that waits for its frozen vfork child cannot be frozen
            while let Err(error) = sleep() {
                refusals.push(error.to_string());
                assert!(refusals.len() < 20, "{refusals:?}");
            }
        }
        refusals.len()
    });
    ground_truth(kernel, Bits::B64, ProcessMonitor::builder(), count(4_000));
    let refusals = sleeper.join().expect("it ends");
    let slept = slept().saturating_sub(before);
    println!("  the machine slept for {slept:?}, and would not {refusals} times");
    assert!(slept > Duration::from_secs(3));
}

fn ground_truth(
    kernel: &KernelLock,
    bits: Bits,
    monitor: ProcessMonitorBuilder,
    count: usize,
) -> Tally {
    let load = Load::new(kernel, bits);
    let (observed, kind) = follow(&load, monitor, count);
    let logged = logged_processes(&load.log);
    let tally = observed.check(&logged, &load, true);
    println!("  {} processes, by {kind:?}: {tally:?}", logged.len());
    assert_eq!(observed.gaps, [], "nothing was lost");
    // a thread is not a process; an orphan comes with its parent
    let of_kind = |kind| logged.iter().filter(|logged_process| logged_process.kind == kind).count();
    assert_eq!(logged.len() - of_kind(100) + threads(count), count, "what was to be made");
    assert_eq!(of_kind(100), of_kind(10));
    // which status the kernel takes where threads exit one after the other
    for logged_process in logged.iter().filter(|logged_process| logged_process.kind == 13) {
        let last = u8::try_from(logged_process.number % 120).expect("below 120");
        let status = if is_before_6() { 121 } else { last };
        assert_eq!(logged_process.ending, ExitStatus::Exited(status), "{logged_process:?}");
    }
    tally
}

/// Returns how many of the numbers create a thread instead of a process.
fn threads(count: usize) -> usize {
    (0..count).filter(|number| number % 20 == 7).count()
}

/// In a container, calls return PIDs that belong to other processes outside of it.
pub(crate) fn in_a_pid_namespace(kernel: &KernelLock) {
    let load = Load::new(kernel, Bits::B64);
    let watch = Watch::start(&load, ProcessMonitor::builder());
    let mut unshare = Command::new("unshare");
    let unshare = unshare.args(["--pid", "--fork"]).arg(&load.program);
    let mut children = [load.start_under(unshare, 2_000, 0)];
    let root = children[0].id();
    // the first process of the namespace is the child of that program
    let mut first = None;
    let mut observed = ObservedProcesses::default();
    let completeness = watch.run_out(&mut children, |change| {
        if let ProcessEvent::Fork(fork) = &change
            && fork.process.parent.is_some_and(|parent| parent.value.pid == root)
        {
            assert_eq!(first.replace(fork.process.id), None, "it has one child");
            observed = ObservedProcesses::of_known(fork.process.id);
        } else {
            observed.add(change);
        }
    });
    assert!(completeness.is_complete(), "{completeness}");
    let logged = logged_processes(&load.log);
    println!(
        "  {} processes, by {} in its own numbers",
        logged.len(),
        first.expect("a report of its own PID")
    );
    let lowest = observed.forked.iter().map(|id| id.pid()).min();
    assert!(
        logged.iter().any(|logged_process| Some(logged_process.pid) < lowest),
        "the numbers are others"
    );
    observed.check_unnumbered(&logged, &load);
}

/// A tracker that starts while processes come and go reports all from then on, and none twice.
pub(crate) fn after_a_late_start(kernel: &KernelLock) {
    let load = Load::new(kernel, Bits::B64);
    let mut children = [load.start(3_000, 0)];
    std::thread::sleep(Duration::from_millis(100));
    let watch = Watch::start(&load, ProcessMonitor::builder());
    let root = children[0].id();
    let known = watch.processes.tracker().process(root).expect("it was listed").id;
    let mut observed = ObservedProcesses::of_known(known);
    let completeness = watch.run_out(&mut children, |change| observed.add(change));
    assert!(completeness.is_complete(), "{completeness}");
    assert_eq!((&observed.gaps[..], &observed.strange[..]), (&[][..], &[][..]));
    let logged: Vec<u32> =
        logged_processes(&load.log).iter().map(|logged_process| logged_process.pid).collect();
    let reported: Vec<u32> = observed.forked.iter().map(|id| id.pid()).collect();
    println!("  {} of {} processes came after we did", reported.len(), logged.len());
    assert!(reported.len() > 500 && reported.len() < logged.len());
    // a grandchild may be reported before its parent, whose record came later
    let mut expected = logged[logged.len() - reported.len()..].to_vec();
    let mut sorted = reported.clone();
    expected.sort_unstable();
    sorted.sort_unstable();
    assert_eq!(sorted, expected, "no hole, and nothing twice");
}

/// After a loss, /proc is compared: processes that run and processes that are gone are reported.
pub(crate) fn after_a_loss(kernel: &KernelLock) {
    let load = Load::new(kernel, Bits::B64);
    let receiver = Receiver::observer().receive_buffer(1 << 15).open().expect("we are root");
    let monitor = ProcessMonitor::builder().connector(false).pidfds(false).open().expect("files");
    let rules = load.rules();
    let mut processes = Processes::watch(receiver, monitor).expect("files");
    let mut lasting = load.command(&["wait"]).stdin(Stdio::piped()).spawn().expect("it starts");
    let pid = lasting.id();
    // the receiver does not read meanwhile
    let status = load.command(&["many", "1000"]).status().expect("it starts");
    assert!(status.success());
    let mut reported = Vec::new();
    let mut report = |processes: &mut Processes<Receiver>, millis| {
        let end = processes.source().now().saturating_add(Duration::from_millis(millis));
        while let Next::Item(change) = processes.next_until(end).expect("no error") {
            match change {
                ProcessEvent::Loss(LifecycleLoss::Records(loss)) => {
                    reported.push(format!("loss {:?}", loss.cause().name()))
                }
                ProcessEvent::Fork(fork) if fork.process.pid() == pid => {
                    reported.push("fork".to_owned())
                }
                ProcessEvent::Exit(exit) if exit.process.pid() == pid => {
                    reported.push("exit".to_owned())
                }
                _ => {}
            }
        }
    };
    report(&mut processes, 2_500);
    assert!(processes.tracker().process(pid).is_some(), "it lives");
    drop(lasting.stdin.take());
    lasting.wait().expect("it ends");
    report(&mut processes, 2_500);
    rules.remove().expect("they are loaded");
    let losses = reported.iter().filter(|line| line.starts_with("loss")).count();
    assert!(losses > 0, "{reported:?}");
    reported.retain(|line| !line.starts_with("loss"));
    assert_eq!(reported, ["fork", "exit"]);
}

/// Compares the start time of a process with the timestamp of the call that created it.
pub(crate) fn start_times(kernel: &KernelLock) {
    let load = Load::new(kernel, Bits::B64);
    let watch = Watch::start(&load, ProcessMonitor::builder());
    let mut clock = auditlink::time::BootClock::new(100, Duration::from_millis(4));
    sample(&mut clock);
    let count = count(1_000);
    let mut children = [load.command(&["lasting", &count.to_string()]).spawn().expect("it starts")];
    let root = children[0].id();
    let mut starts = Vec::new();
    let completeness = watch.run_out(&mut children, |change| {
        let ProcessEvent::Fork(fork) = change else { return };
        let parent = fork.process.parent.map(|parent| parent.value.pid);
        if let (Some(parent), Some(event), Some(ticks)) =
            (parent, fork.event, fork.process.id.start_ticks())
            && parent == root
            && fork.source == Provenance::Record
        {
            starts.push((event.time(), ticks));
        }
    });
    assert!(completeness.is_complete(), "{completeness}");
    sample(&mut clock);
    let mut deltas: Vec<i64> = Vec::new();
    let mut outside = 0;
    for (stamp, ticks) in &starts {
        let range = clock.starts(*stamp).expect("the clock was read");
        outside += usize::from(!range.contains(ticks));
        let (first, _) = clock.wall(*ticks).expect("the clock was read");
        let millis = |time: auditlink::time::Timestamp| time.since_epoch().as_millis() as i64;
        deltas.push(millis(first) - millis(*stamp));
    }
    deltas.sort_unstable();
    let at = |share: usize| deltas[(deltas.len() - 1) * share / 1000];
    println!(
        "  {} forks: start of the tick minus stamp, ms: least {}, p0.1 {}, p50 {}, p99.9 {}, most {}; \
         {outside} outside of the stated range",
        deltas.len(),
        at(0),
        at(1),
        at(500),
        at(999),
        at(1000)
    );
    assert!(deltas.len() > count * 9 / 10, "{} were seen while they lived", deltas.len());
    assert_eq!(outside, 0);
}

fn sample(clock: &mut auditlink::time::BootClock) {
    let now = |clock| Duration::from(clock_gettime(clock).expect("a clock"));
    let since_boot = now(ClockId::CLOCK_BOOTTIME);
    clock.sample(now(ClockId::CLOCK_REALTIME), since_boot);
}

/// The memory of the tracker does not grow with the number of processes.
pub(crate) fn memory(kernel: &KernelLock) {
    let load = Load::new(kernel, Bits::B64);
    let mut watch = Watch::start(&load, ProcessMonitor::builder());
    let count = std::env::var("AUDITLINK_MANY").ok().and_then(|text| text.parse().ok());
    let count: usize = count.unwrap_or(40_000);
    let (mut births, mut ends, mut sizes) = (0_usize, 0_usize, Vec::new());
    let mut children = Vec::new();
    for _ in 0..2 {
        let words = ["many", &(count / 2).to_string()].map(str::to_owned);
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        children.push(load.command(&words).spawn().expect("it starts"));
    }
    let roots: Vec<u32> = children.iter().map(Child::id).collect();
    let mut see = |change| match change {
        ProcessEvent::Fork(fork) => {
            let parent = fork.process.parent.map(|parent| parent.value.pid);
            if parent.is_some_and(|parent| roots.contains(&parent)) {
                births += 1;
                if births % (count / 10) == 0 {
                    sizes.push(resident());
                }
            }
        }
        ProcessEvent::Exit(exit) => {
            let parent = exit.process.parent.map(|parent| parent.value.pid);
            ends += usize::from(parent.is_some_and(|parent| roots.contains(&parent)));
        }
        ProcessEvent::Exec(_) => {}
        ProcessEvent::Loss(gap) => panic!("{gap}"),
    };
    watch.for_time(Duration::from_millis(100), &mut see);
    let completeness = watch.run_out(&mut children, &mut see);
    println!("  {births} births, {ends} ends; resident kB after each tenth: {sizes:?}");
    assert_eq!((births, ends), (count, count));
    assert!(completeness.is_complete(), "{completeness}");
    // ended processes are kept for ten seconds, at most 16,384 of them
    assert!(sizes[9] < sizes[4] + sizes[4] / 5, "{sizes:?}");
}

/// The memory that this process occupies, in kB.
fn resident() -> u64 {
    let status = fs::read_to_string("/proc/self/status").expect("/proc is there");
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).expect("a size");
    line.trim().trim_end_matches(" kB").parse().expect("digits")
}

/// The example as users run it: what it prints, how it ends, and that it restores everything.
pub(crate) fn procwatch(kernel: &KernelLock) {
    let load = Load::new(kernel, Bits::B64);
    for (role, signal) in [("--observer", Signal::SIGINT), ("--daemon", Signal::SIGTERM)] {
        let _ = fs::remove_file(&load.log);
        // booted with audit=1, the kernel keeps unread records for the next daemon, such as the one of
        // turning auditing off
        kernel.prepare();
        if !booted_with_audit() {
            control().configure(&Settings::new().enabled(false)).expect("good values");
        }
        let before = control().status().expect("a status");
        let mut watcher = Command::new(example("procwatch"))
            .args([role, "--json", "--exe"])
            .arg(&load.program)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("it starts");
        let output = std::thread::spawn({
            let mut stdout = watcher.stdout.take().expect("a pipe");
            move || {
                let mut text = String::new();
                std::io::Read::read_to_string(&mut stdout, &mut text).expect("text");
                text
            }
        });
        while control().rules().expect("a listing").len() < 2 {
            std::thread::sleep(Duration::from_millis(10));
        }
        std::thread::sleep(Duration::from_millis(200));
        assert!(load.start(180, 0).wait().expect("it runs").success());
        std::thread::sleep(Duration::from_millis(1_500));
        let pid = nix::unistd::Pid::from_raw(i32::try_from(watcher.id()).expect("a pid"));
        nix::sys::signal::kill(pid, signal).expect("it runs");
        let status = watcher.wait().expect("it ends");
        let text = output.join().expect("it ends");
        let mut words = String::new();
        let mut stderr = watcher.stderr.take().expect("a pipe");
        std::io::Read::read_to_string(&mut stderr, &mut words).expect("text");
        let losses: Vec<_> =
            text.lines().filter(|line| line.contains(r#""type":"loss""#)).collect();
        assert_eq!(status.code(), Some(0), "{losses:?} {words}");

        let lines: Vec<serde_json::Value> =
            text.lines().map(|line| serde_json::from_str(line).expect("an object")).collect();
        let logged = logged_processes(&load.log);
        for logged_process in &logged {
            let birth = lines
                .iter()
                .find(|line| line["type"] == "fork" && line["child"] == logged_process.pid);
            let birth = birth.unwrap_or_else(|| panic!("{logged_process:?} was not reported"));
            assert_eq!(birth["pid"], logged_process.parent);
            assert!(birth["source"].is_string());
            assert!(birth["start_ticks"].is_u64() || birth["start_ticks_between"].is_array());
            assert!(
                lines
                    .iter()
                    .any(|line| line["type"] == "exit" && line["pid"] == logged_process.pid)
            );
        }
        let of_type = |name: &str| lines.iter().filter(|line| line["type"] == name).count();
        assert_eq!(of_type("loss"), 0);
        let counts = format!(
            "forks={} execs={} exits={} losses=0",
            of_type("fork"),
            of_type("exec"),
            of_type("exit")
        );
        assert!(words.ends_with(&format!("{counts}\n")), "{words}");
        println!("  {role}, {signal}: {} processes, {counts}", logged.len());
        // everything is restored
        let after = control().status().expect("a status");
        assert!(control().rules().expect("a listing").is_empty());
        assert_eq!(
            (after.enabled, after.pid, after.backlog_limit, after.rate_limit),
            (before.enabled, 0, before.backlog_limit, before.rate_limit)
        );
    }
}
