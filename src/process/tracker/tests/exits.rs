//! Exits of processes that had several threads.

use super::*;

const TERM: i32 = 15;
const SEGV: i32 = 11;
const SYS: i32 = 31;
const DUMPED: i32 = 0x80;

/// The code of a thread that exits by itself.
const fn own(status: i32) -> i32 {
    status << 8
}

/// Returns the reported status of process 20, whose threads (20 is the leader) exit with these codes.
fn ending(change: impl Fn(TrackerConfig) -> TrackerConfig, ends: &[(u32, i32)]) -> String {
    // all at once, or each after it is clear that the others run, …
    let all = ending_after(&change, ends, 0);
    let each = ending_after(&change, ends, 1_100);
    assert_eq!(all, each, "{ends:?}");
    // … or with the record of the exit of a thread among them
    let mut harness = threads(&change);
    for (task, code) in ends {
        harness.observe_exit_of(*task, 20, *code);
    }
    harness.procfs().there.remove(&20);
    harness.call("syscall=60 a0=55 ppid=1 pid=20", &[]).wait(1_100);
    assert_eq!(end_of(&mut harness), all, "{ends:?}");
    all
}

fn ending_after(
    change: impl Fn(TrackerConfig) -> TrackerConfig,
    ends: &[(u32, i32)],
    millis: u64,
) -> String {
    let mut harness = threads(change);
    for (task, code) in ends {
        harness.wait(millis);
        assert_eq!(harness.lines(), [""; 0], "it runs");
        harness.observe_exit_of(*task, 20, *code);
    }
    harness.procfs().there.remove(&20);
    harness.wait(1_100);
    end_of(&mut harness)
}

fn threads(change: impl Fn(TrackerConfig) -> TrackerConfig) -> TrackerHarness {
    let mut harness = TrackerHarness::listed_with(|config| change(config.process_monitor(true)));
    harness.procfs().put(20, 10, ticks(0)).threads = 3;
    harness.observe_fork(10, 20, 20).fork(10, 20);
    for thread in [21, 22] {
        harness.observe_fork(20, thread, 20).clone(0x1_0000, 20, thread);
    }
    assert_eq!(harness.lines(), ["fork 10@5 -> 20@100000"]);
    harness
}

fn end_of(harness: &mut TrackerHarness) -> String {
    let lines = harness.lines();
    let [line] = &lines[..] else { panic!("{lines:?}") };
    line.trim_start_matches("exit 20@100000: ").trim_end_matches(" [connector]").to_owned()
}

#[test]
fn a_signal_ends_all_threads() {
    let now = |config| config;
    for first in [true, false] {
        let before_6 = |config: TrackerConfig| config.leader_status(first);
        assert_eq!(ending(before_6, &[(20, TERM), (21, TERM), (22, TERM)]), "SIGTERM");
        // one or the other was about to exit by itself
        assert_eq!(ending(before_6, &[(20, TERM), (21, own(0)), (22, own(0))]), "SIGTERM");
        assert_eq!(ending(before_6, &[(20, own(3)), (21, TERM), (22, own(0))]), "SIGTERM");
        assert_eq!(ending(before_6, &[(21, TERM), (20, own(3)), (22, own(3))]), "SIGTERM");
        assert_eq!(ending(before_6, &[(21, own(1)), (22, TERM), (20, own(0))]), "SIGTERM");
    }
    // only the code of the one that crashed has the core flag
    let dumped = "SIGSEGV, core dumped";
    assert_eq!(ending(now, &[(21, SEGV | DUMPED), (20, SEGV), (22, SEGV)]), dumped);
    assert_eq!(ending(now, &[(20, SEGV), (22, SEGV), (21, SEGV | DUMPED)]), dumped);
}

#[test]
fn seccomp_may_kill_a_single_thread() {
    let now = |config| config;
    assert_eq!(ending(now, &[(21, SYS), (22, own(4)), (20, own(4))]), "4");
    assert_eq!(ending(now, &[(20, SYS), (21, SYS), (22, own(4))]), "4");
    // its exit may be observed last
    assert_eq!(ending(now, &[(22, own(4)), (20, own(4)), (21, SYS)]), "4");
    assert_eq!(ending(now, &[(21, SYS), (20, TERM), (22, TERM)]), "SIGTERM");
    assert_eq!(ending(now, &[(20, TERM), (21, SYS), (22, TERM)]), "SIGTERM");
    assert_eq!(ending(now, &[(20, SYS), (21, SYS), (22, SYS | DUMPED)]), "SIGSYS, core dumped");
    assert_eq!(ending(now, &[(20, SYS), (21, SYS), (22, SYS)]), "SIGSYS");
    assert_eq!(ending(now, &[(20, SYS | DUMPED), (21, own(0)), (22, SYS)]), "SIGSYS, core dumped");
    // it shows nothing about the process if the other exits were lost
    let mut harness = threads(now);
    harness.observe_exit_of(21, 20, SYS).wait(1_000);
    harness.procfs().there.remove(&20);
    harness.lose().wait(200).wait(1_000);
    assert_eq!(harness.lines()[1], "exit 20@100000: not known [procfs]");
}

#[test]
fn threads_may_end_one_after_the_other() {
    let now = |config| config;
    let before_6 = |config: TrackerConfig| config.leader_status(true);
    assert_eq!(ending(now, &[(20, own(3)), (21, own(0)), (22, own(5))]), "5");
    assert_eq!(ending(now, &[(21, own(0)), (22, own(5)), (20, own(3))]), "3");
    // it was that of the leader, or that of the thread that called exit_group
    assert_eq!(ending(before_6, &[(20, own(3)), (21, own(0)), (22, own(5))]), "not known");
    assert_eq!(ending(before_6, &[(20, own(0)), (21, own(1)), (22, own(0))]), "0");
    assert_eq!(ending(before_6, &[(21, own(0)), (22, own(5)), (20, own(3))]), "3");
}

#[test]
fn exit_group_determines_the_status() {
    for first in [true, false] {
        let mut harness = threads(|config| config.leader_status(first));
        harness.observe_exit_of(20, 20, own(3)).wait(1_100);
        harness.observe_exit_of(21, 20, own(5)).observe_exit_of(22, 20, own(5)).exit(20, 5);
        assert_eq!(end_of(&mut harness), "5");
        // unless a signal was faster
        let mut harness = threads(|config| config.leader_status(first));
        harness
            .observe_exit_of(20, 20, own(3))
            .observe_exit_of(21, 20, TERM)
            .observe_exit_of(22, 20, TERM);
        assert_eq!(end_of(harness.exit(20, 5)), "SIGTERM");
        // the record may arrive before the exit is observed
        let mut harness = threads(|config| config.leader_status(first));
        assert_eq!(end_of(harness.observe_exit_of(21, 20, SYS).exit(20, 5)), "5");
    }
}

#[test]
fn without_a_monitor_the_status_is_that_of_the_last_thread_or_unknown() {
    let end = |first, threads: &[u32]| {
        let mut harness = TrackerHarness::listed_with(|config| config.leader_status(first));
        harness.procfs().put(20, 10, ticks(0));
        harness.fork(10, 20);
        for thread in threads {
            harness.clone(0x1_0000, 20, *thread).exit_thread(20).wait(100);
        }
        assert_eq!(harness.lines().len(), 1);
        harness.procfs().there.remove(&20);
        harness.call("syscall=60 a0=5 ppid=1 pid=20", &[]).wait(200);
        end_of(&mut harness)
    };
    assert_eq!((end(false, &[]), end(false, &[21, 22])), ("5".into(), "5".into()));
    assert_eq!((end(true, &[]), end(true, &[21, 22])), ("5".into(), "not known [procfs]".into()));
}

#[test]
fn a_kill_is_reported_after_20_ms() {
    let mut harness = threads(|config| config);
    harness.observe_exit_of(20, 20, own(0)).wait(10).observe_exit_of(21, 20, TERM).wait(19);
    harness.procfs().there.remove(&20);
    assert_eq!(harness.lines(), [""; 0]);
    assert_eq!(end_of(harness.wait(1)), "SIGTERM");
    // but only once the exit of the leader was observed
    let mut harness = threads(|config| config);
    harness.procfs().there.remove(&20);
    harness.observe_exit_of(21, 20, SYS).wait(2_000);
    assert_eq!(harness.lines(), [""; 0]);
    harness.observe_exit_of(20, 20, own(3)).wait(1_020);
    assert_eq!(end_of(&mut harness), "3");
}

#[test]
fn the_exits_of_other_threads_may_be_observed_after_the_process_is_gone() {
    let mut harness = threads(|config| config);
    harness.observe_exit_of(20, 20, own(38)).wait(999);
    harness.procfs().there.remove(&20);
    assert_eq!(harness.wait(1).lines(), [""; 0], "the exits of two threads were not observed");
    harness.observe_exit_of(21, 20, TERM).observe_exit_of(22, 20, TERM);
    assert_eq!(end_of(harness.wait(20)), "SIGTERM");
    // also if the exits of two were observed in time
    let mut harness = threads(|config| config);
    harness.observe_exit_of(20, 20, own(38)).observe_exit_of(21, 20, own(0)).wait(999);
    harness.procfs().there.remove(&20);
    assert_eq!(harness.wait(1).lines(), [""; 0]);
    assert_eq!(end_of(harness.observe_exit_of(22, 20, TERM).wait(20)), "SIGTERM");
    // the thread that writes the core file exits last
    let mut harness = threads(|config| config);
    harness.observe_exit_of(20, 20, SEGV).wait(19);
    harness.procfs().there.remove(&20);
    assert_eq!(harness.wait(1).lines(), [""; 0]);
    harness.observe_exit_of(21, 20, SEGV | DUMPED);
    assert_eq!(end_of(harness.wait(20)), "SIGSEGV, core dumped");
    // if none is observed, that of the leader counts
    let mut harness = threads(|config| config);
    harness.observe_exit_of(20, 20, own(38));
    harness.procfs().there.remove(&20);
    assert_eq!(harness.wait(1_019).lines(), [""; 0]);
    assert_eq!(end_of(harness.wait(1)), "38");
}

#[test]
fn the_last_thread_is_the_one_that_began_to_end_last() {
    let exit = |harness: &mut TrackerHarness, status: u32| {
        harness.call(&format!("syscall=60 a0={status:x} ppid=1 pid=20"), &[]);
    };
    let harness = |first, records: [u32; 3]| {
        let mut harness = threads(|config| config.leader_status(first));
        harness.procfs().there.remove(&20);
        // the exit of the leader is observed last
        harness.observe_exit_of(21, 20, own(0)).observe_exit_of(22, 20, own(5));
        harness.observe_exit_of(20, 20, own(3));
        let begin = harness.serial;
        for serial in records {
            harness.serial = begin + serial;
            exit(&mut harness, [3, 0, 5][serial as usize]);
        }
        harness.wait(2_000);
        harness
    };
    // … and its record arrives first, or last
    for records in [[0, 1, 2], [1, 2, 0], [2, 0, 1]] {
        assert_eq!(end_of(&mut harness(false, records)), "5");
        assert_eq!(end_of(&mut harness(true, records)), "3");
    }
    // a signal counts more
    let mut harness = threads(|config| config);
    harness.procfs().there.remove(&20);
    harness.observe_exit_of(21, 20, TERM).observe_exit_of(20, 20, own(3));
    [3, 0, 5].into_iter().for_each(|status| exit(&mut harness, status));
    assert_eq!(end_of(harness.wait(2_000)), "SIGTERM");
}

#[test]
fn at_the_end_every_exit_is_reported() {
    let is_gone = |harness: &mut TrackerHarness| {
        harness.procfs().there.remove(&20);
        harness.tracker.finish();
        end_of(harness)
    };
    assert_eq!(is_gone(threads(|config| config).observe_exit(20, own(3))), "3");
    let mut harness = threads(|config| config);
    harness.exit_thread(20).exit_thread(20).exit_thread(20).observe_exit(20, own(0));
    assert_eq!(is_gone(&mut harness), "0");
    harness = TrackerHarness::listed();
    harness.procfs().put(20, 10, ticks(0));
    harness.fork(10, 20).exit_thread(20);
    assert_eq!(harness.lines().len(), 1);
    assert_eq!(is_gone(&mut harness), "0");
}

#[test]
fn the_monitor_is_ahead_of_the_records() {
    let mut harness = threads(|config| config);
    harness.procfs().there.remove(&20);
    harness.stamp = Some(0);
    harness.now = 500;
    harness.observe_fork(20, 30, 30).observe_exit(20, own(1)).exit_thread(20);
    harness.now += 30;
    harness.stamp = Some(490);
    harness.exec(20, 30, "ls");
    assert_eq!(harness.lines().len(), 2, "what it did before its exit comes first");
    harness.stamp = Some(499);
    harness.exit(20, 1);
    assert_eq!(harness.lines(), ["exit 20@100000: 1"]);
    // once the stream has passed the exit, the record of the thread's exit is the last one
    let mut harness = threads(|config| config);
    harness.procfs().there.remove(&20);
    harness.observe_exit(20, own(1)).exit_thread(20);
    harness.now += 30;
    harness.exec(1, 10, "ls").wait(20);
    assert_eq!(harness.lines()[1..], ["exit 20@100000: 1 [connector]"]);
}

#[test]
fn without_a_monitor_a_process_is_ahead_of_its_records_too() {
    let mut harness = TrackerHarness::listed();
    harness.procfs().put(20, 10, ticks(0));
    harness.fork(10, 20);
    harness.procfs().there.remove(&20);
    harness.now = 500;
    harness.procfs().since_boot = Some(harness.since_boot());
    harness.stamp = Some(100);
    harness.clone3(20, 21).exit_thread(20).clone3(20, 22);
    harness.now += 30;
    harness.fork(20, 30);
    assert_eq!(harness.lines().len(), 2, "other records are still to arrive");
    harness.stamp = Some(200);
    harness.exit(20, 3);
    assert_eq!(harness.lines(), ["exit 20@100000: 3"]);
    // once the stream has passed the time at which it was seen to be gone, no record is still to arrive
    let mut harness = TrackerHarness::listed();
    harness.procfs().since_boot = Some(harness.since_boot());
    harness.procfs().put(20, 10, ticks(0));
    harness.fork(10, 20).exit_thread(20);
    harness.procfs().there.remove(&20);
    assert_eq!(harness.lines().len(), 1);
    harness.now += 30;
    harness.exec(1, 10, "ls").wait(20);
    assert_eq!(harness.lines()[1..], ["exit 20@100000: 0"]);
}

#[test]
fn without_a_monitor_the_exit_of_a_thread_recorded_before_its_creation_is_not_that_of_its_process()
{
    let mut harness = TrackerHarness::listed();
    harness.procfs().put(20, 10, ticks(0));
    harness.fork(10, 20);
    harness.procfs().there.remove(&20); // a signal has ended it
    harness.procfs().since_boot = Some(harness.since_boot() + Duration::from_secs(2));
    harness.exit_thread(20).clone3(20, 21);
    for _ in 0..300 {
        harness.now += 10;
        harness.exec(1, 10, "ls");
    }
    let lines = harness.lines();
    let exits: Vec<_> = lines.iter().filter(|line| line.starts_with("exit 20@")).collect();
    assert_eq!(exits, ["exit 20@100000: not known [procfs]"]);
}

#[test]
fn the_leader_may_have_exited_before_the_tracker_started() {
    let mut harness = TrackerHarness::with(|config| config.process_monitor(true));
    let seen = harness.procfs().put(20, 1, 5);
    (seen.is_zombie, seen.threads) = (true, 2);
    harness.tracker.start();
    harness.procfs().there.remove(&20);
    harness.observe_exit_of(22, 20, own(7)).wait(1_020);
    assert_eq!(harness.lines(), ["exit 20@5: 7 [connector]"]);
}

#[test]
fn an_exec_forgets_the_exits_of_threads_before_it() {
    let mut harness = threads(|config| config);
    harness.observe_exit_of(21, 20, SYS).observe_exit_of(20, 20, TERM).wait(1_100);
    let since_boot = harness.since_boot();
    harness.tracker.observe(Observation::Executed { process: 20, since_boot }, harness.at());
    harness.procfs().put(20, 10, ticks(0));
    harness.exec(10, 20, "ls").observe_exit_of(20, 20, own(6)).exit(20, 6);
    assert_eq!(harness.lines()[1..], ["exit 20@100000 /bin/ls: 6"]);
}

#[test]
fn a_killed_thread_does_not_affect_the_next_process_with_its_pid() {
    let mut harness = threads(|config| config);
    harness.procfs().there.remove(&20);
    harness
        .observe_exit_of(20, 20, TERM)
        .observe_exit_of(21, 20, TERM)
        .observe_exit_of(22, 20, TERM);
    harness.now += 50;
    harness.observe_fork(10, 20, 20).exec(10, 20, "ls").observe_exit(20, own(2)).exit(20, 2);
    let lines = harness.lines();
    assert_eq!(lines.len(), 4, "{lines:?}");
    assert_eq!(lines[0], "exit 20@100000: SIGTERM [connector]");
    assert!(lines[3].ends_with(": 2"), "{lines:?}");
}
