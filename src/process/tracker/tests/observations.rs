//! What the process monitor observes, and what is seen in /proc.

use super::*;

#[test]
fn an_observation_without_a_record_is_reported_after_a_second() {
    let mut harness = TrackerHarness::monitored();
    harness.procfs().put(20, 10, ticks(0)).exe = Some("/bin/old".into());
    harness.observe_fork(10, 20, 20).observe_fork(10, 21, 10).observe_fork(2, 22, 22);
    assert_eq!(harness.wait(999).lines(), [""; 0]);
    assert_eq!(harness.wait(1).lines(), ["fork 10@5 -> 20@100000 /bin/old [connector]"]);
    harness.observe_exit(20, 0).wait(1_000);
    assert_eq!(harness.lines(), [""; 0], "only its leader has exited");
    harness.procfs().there.remove(&20);
    harness.observe_exit(20, 0).wait(1_020);
    assert_eq!(harness.lines(), ["exit 20@100000 /bin/old: 0 [connector]"]);
    // unless unrecorded processes are not wanted
    let mut harness =
        TrackerHarness::listed_with(|config| config.process_monitor(true).unrecorded(false));
    harness.observe_fork(10, 20, 20).observe_exit(20, 0).wait(3_000);
    assert_eq!(harness.lines(), [""; 0]);
}

#[test]
fn a_fork_that_the_monitor_missed_is_a_loss() {
    let mut harness = TrackerHarness::monitored();
    // from before the tracker started: the kernel kept it
    harness.fork(10, 20);
    assert_eq!(harness.lines(), ["fork 10@5 -> 20#1"]);
    harness.now = 5_000;
    harness.fork(10, 21);
    assert_eq!(
        harness.lines(),
        ["loss lost 1 observation of the process monitor", "fork 10@5 -> 21#2"]
    );
    // and a fork that it observed is not a loss
    harness.observe_fork(10, 22, 22).fork(10, 22);
    assert_eq!(harness.lines().len(), 1);
}

#[test]
fn after_a_loss_processes_are_listed_and_compared() {
    let mut harness = TrackerHarness::listed();
    harness.procfs().put(11, 10, 50).exe = Some("/bin/a".into());
    harness.tracker.start();
    harness.fork(10, 20).lose();
    // 20 is gone, 30 is new, 11 runs another program, and 31 has a record after all
    harness.procfs().put(11, 10, 50).exe = Some("/bin/b".into());
    harness.procfs().put(30, 10, ticks(0));
    harness.procfs().put(31, 10, ticks(0));
    harness.wait(200).fork(10, 31).wait(1_000);
    let mut lines = harness.lines();
    lines.sort();
    assert_eq!(
        lines,
        [
            "exec 11@50 /bin/b [procfs]",
            "exit 20#1: not known [procfs]",
            "fork 10@5 -> 20#1",
            "fork 10@5 -> 30@100000 [procfs]",
            "fork 10@5 -> 31@100000",
            "loss lost 3 records: the reader was too slow for its socket buffer",
        ]
    );
}

#[test]
fn a_pid_of_another_namespace_is_not_mistaken() {
    let mut harness = TrackerHarness::monitored();
    harness.procfs().put(7, 1, 20);
    harness.procfs().put(11, 10, 30).is_nested = Some(true);
    harness.tracker.start();
    // the call of a process in a container returns 7, which is 5000 in the initial namespace
    harness.observe_fork(11, 5000, 5000).fork(11, 7);
    assert_eq!(harness.lines(), ["fork 11@30 -> 5000@1000000000000ns"]);
    // nor is a PID that no process has in the initial namespace
    harness.observe_fork(11, 5001, 5001).exec(11, 5001, "x").fork(11, 8);
    assert_eq!(harness.lines()[0], "fork 11@30 -> 5001@1000000000000ns /bin/x [own_record]");
    assert_eq!(harness.lines(), [""; 0]);
    assert_eq!(harness.tracker.process(7).and_then(|process| process.id.start_ticks()), Some(20));
    assert!(harness.tracker.process(8).is_none());
    // a new container is recognised when a returned PID does not match
    let mut harness = TrackerHarness::monitored();
    harness.procfs().put(7, 1, 20);
    harness.tracker.start();
    harness.observe_fork(10, 12, 12).fork(10, 12).observe_fork(12, 5003, 5003);
    harness.procfs().put(12, 10, ticks(0)).is_nested = Some(true);
    harness.fork(12, 7);
    assert_eq!(harness.lines().len(), 2);
    assert_eq!(harness.tracker.process(7).and_then(|process| process.id.start_ticks()), Some(20));
    // without a process monitor, the namespace of the caller is looked up
    let mut harness = TrackerHarness::listed();
    harness.procfs().put(12, 10, ticks(0)).is_nested = Some(true);
    harness.fork(10, 12).fork(12, 7).exec(12, 5002, "y");
    let lines = harness.lines();
    assert_eq!(lines.len(), 3, "{lines:?}");
    assert!(lines[1].contains(" -> 5002#3"), "{lines:?}");
}

#[test]
fn calls_of_another_pid_namespace_are_matched_in_the_order_of_forks() {
    let mut harness = TrackerHarness::monitored();
    harness.procfs().put(11, 10, 30).is_nested = Some(true);
    harness.tracker.start();
    // the second child makes a record before that of the call arrives
    harness.observe_fork(11, 5000, 5000);
    harness.now += 1;
    harness.observe_fork(11, 5001, 5001).exec(11, 5001, "x");
    assert_eq!(harness.lines().len(), 2);
    harness.fork(11, 2);
    let Some(ProcessEvent::Fork(fork)) = harness.tracker.poll() else { panic!("a fork") };
    assert_eq!((fork.process.pid(), fork.event.map(|event| event.serial())), (5000, Some(2)));
    harness.fork(11, 3);
    assert_eq!(harness.lines(), [""; 0]);
    // a thread is matched with its own call
    harness.observe_fork(10, 5002, 11);
    harness.now += 1;
    harness.observe_fork(11, 5003, 5003).clone3(11, 4);
    assert_eq!(harness.lines(), [""; 0]);
    harness.fork(11, 5);
    assert_eq!(harness.lines(), ["fork 11@30 -> 5003@1000002000000ns"]);
    // a child that is gone is matched, too; a call without a child creates nothing
    harness.observe_fork(5003, 5004, 5004).fork(5003, 6).fork(5003, 7);
    assert_eq!(harness.lines(), ["fork 5003@1000002000000ns -> 5004@1000002000000ns"]);
    harness.observe_fork(5004, 5005, 5005).exec(5004, 5005, "y").fork(5004, 8);
    assert_eq!(harness.lines().len(), 2);
    harness.observe_fork(5005, 5006, 5006).fork(5005, 9);
    assert_eq!(harness.lines(), ["fork 5005@1000002000000ns -> 5006@1000002000000ns /bin/y"]);
}

#[test]
fn without_a_monitor_processes_are_looked_up_regularly() {
    let second = Duration::from_secs(1);
    let mut harness = TrackerHarness::listed_with(|config| config.sweep_interval(second));
    harness.procfs().put(20, 10, ticks(0));
    harness.fork(10, 20).wait(1_000);
    assert_eq!(harness.lines().len(), 1);
    let seen = harness.procfs().put(20, 10, ticks(0));
    (seen.is_zombie, seen.code) = (true, Some(15));
    harness.wait(1_000).wait(100);
    assert_eq!(harness.lines(), ["exit 20@100000: SIGTERM [procfs]"]);
}

#[test]
fn exits_wait_while_the_kernel_holds_records_back() {
    let mut harness = TrackerHarness::monitored();
    harness.observe_fork(10, 20, 20).fork(10, 20).observe_exit(20, 9);
    harness.tracker.set_backpressure(true);
    assert_eq!(harness.wait(5_000).lines().len(), 1);
    harness.tracker.set_backpressure(false);
    assert_eq!(harness.wait(20).lines().len(), 1);
    // but for ten seconds at most
    harness.observe_fork(10, 21, 21).fork(10, 21).observe_exit(21, 9);
    harness.tracker.set_backpressure(true);
    assert_eq!(harness.wait(10_000).lines().len(), 2);
}

#[test]
fn memory_is_bounded() {
    let mut harness = TrackerHarness::monitored();
    for round in 0..5_000 {
        let pid = 100 + round % 50;
        harness
            .observe_fork(10, pid, pid)
            .fork(10, pid)
            .exec(10, pid, "x")
            .exit(pid, 0)
            .observe_exit(pid, 0);
        harness.now += 60;
        harness.wait(1);
        assert_eq!(harness.lines().len(), 3, "round {round}");
    }
    harness.wait(2_000);
    assert_eq!(harness.tracker.processes().count(), 1);
    assert_eq!(harness.tracker.poll_timeout(), None, "nothing is pending");
}

#[test]
fn a_process_older_than_auditing_is_marked() {
    let mut harness = TrackerHarness::with(|config| config.audited_since(1_000));
    harness.procfs().put(10, 1, 5);
    harness.procfs().put(11, 10, 2_000);
    harness.tracker.start();
    let audited =
        |harness: &TrackerHarness, pid| harness.tracker.process(pid).map(|process| process.audited);
    assert_eq!(audited(&harness, 10), Some(Audited::No));
    assert_eq!(audited(&harness, 11), Some(Audited::Yes));
    let parent = harness.tracker.process(11).and_then(|process| process.parent?.value.id);
    assert_eq!(parent.map(ProcessId::pid), Some(10));
    // a process that makes a record is audited
    harness.exec(1, 10, "x");
    assert_eq!(audited(&harness, 10), Some(Audited::Yes));
}

#[test]
fn a_call_may_be_suspended_after_it_was_entered() {
    let mut harness = TrackerHarness::monitored();
    harness.now = 900;
    harness.observe_fork(10, 20, 20).exec(10, 20, "x").exit(20, 0).observe_exit(20, 0);
    harness.stamp = Some(0);
    harness.fork(10, 20);
    assert_eq!(harness.lines().len(), 3, "it is the same process");
    // and if it made no record before
    harness.observe_fork(10, 21, 21).fork(10, 21);
    assert_eq!(harness.lines(), ["fork 10@5 -> 21@1000900000000ns"]);
    // a clock that stands still does not make a record older than its process
    harness.exec(10, 21, "y").exit(21, 0).observe_fork(10, 22, 22).exec(10, 22, "z").exit(22, 3);
    assert_eq!(harness.lines().len(), 5);
    harness.wait(3_000);
    assert_eq!(harness.lines(), [""; 0]);
}
