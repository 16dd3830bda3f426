//! What second sources tell, and what is seen in /proc.

use super::*;

#[test]
fn what_no_record_tells_comes_by_the_second_source() {
    let mut story = TrackerHarness::told();
    story.procfs().put(20, 10, ticks(0)).exe = Some("/bin/old".into());
    story.told_birth(10, 20, 20).told_birth(10, 21, 10).told_birth(2, 22, 22);
    assert_eq!(story.wait(999).lines(), [""; 0]);
    assert_eq!(story.wait(1).lines(), ["fork 10@5 -> 20@100000 /bin/old [connector]"]);
    story.told_end(20, 0).wait(1_000);
    assert_eq!(story.lines(), [""; 0], "only its first thread has ended");
    story.procfs().there.remove(&20);
    story.told_end(20, 0).wait(1_000);
    assert_eq!(story.lines(), ["exit 20@100000 /bin/old: 0 [connector]"]);
    // unless nobody wants to know
    let mut story =
        TrackerHarness::listed_with(|config| config.process_monitor(true).unrecorded(false));
    story.told_birth(10, 20, 20).told_end(20, 0).wait(3_000);
    assert_eq!(story.lines(), [""; 0]);
}

#[test]
fn a_second_source_that_is_silent_is_told() {
    let mut story = TrackerHarness::told();
    // from before it began: the kernel kept it
    story.fork(10, 20);
    assert_eq!(story.lines(), ["fork 10@5 -> 20#1"]);
    story.now = 5_000;
    story.fork(10, 21);
    assert_eq!(
        story.lines(),
        ["loss lost 1 observations of the second source", "fork 10@5 -> 21#2"]
    );
    // and the births that it does tell are no gap
    story.told_birth(10, 22, 22).fork(10, 22);
    assert_eq!(story.lines().len(), 1);
}

#[test]
fn after_a_loss_what_is_there_is_compared() {
    let mut story = TrackerHarness::listed();
    story.procfs().put(11, 10, 50).exe = Some("/bin/a".into());
    story.tracker.start();
    story.fork(10, 20).lose();
    // 20 is gone, 30 is new, 11 runs another program, and 31 has a record after all
    story.procfs().put(11, 10, 50).exe = Some("/bin/b".into());
    story.procfs().put(30, 10, ticks(0));
    story.procfs().put(31, 10, ticks(0));
    story.wait(200).fork(10, 31).wait(1_000);
    let mut lines = story.lines();
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
fn a_number_of_another_pid_namespace_is_not_taken_for_ours() {
    let mut story = TrackerHarness::told();
    story.procfs().put(7, 1, 20);
    story.procfs().put(11, 10, 30).is_nested = Some(true);
    story.tracker.start();
    // a container's process says that it created 7, which is 5000 for us
    story.told_birth(11, 5000, 5000).fork(11, 7);
    assert_eq!(story.lines(), ["fork 11@30 -> 5000@1000000000000ns"]);
    // nor is a number that nobody has here
    story.told_birth(11, 5001, 5001).exec(11, 5001, "x").fork(11, 8);
    assert_eq!(story.lines()[0], "fork 11@30 -> 5001@1000000000000ns /bin/x [own_record]");
    assert_eq!(story.lines(), [""; 0]);
    assert_eq!(story.tracker.process(7).and_then(|process| process.id.start_ticks()), Some(20));
    assert!(story.tracker.process(8).is_none());
    // of a new container, it is seen when a number makes no sense
    let mut story = TrackerHarness::told();
    story.procfs().put(7, 1, 20);
    story.tracker.start();
    story.told_birth(10, 12, 12).fork(10, 12).told_birth(12, 5003, 5003);
    story.procfs().put(12, 10, ticks(0)).is_nested = Some(true);
    story.fork(12, 7);
    assert_eq!(story.lines().len(), 2);
    assert_eq!(story.tracker.process(7).and_then(|process| process.id.start_ticks()), Some(20));
    // without a second source, it is seen which namespace the caller is in
    let mut story = TrackerHarness::listed();
    story.procfs().put(12, 10, ticks(0)).is_nested = Some(true);
    story.fork(10, 12).fork(12, 7).exec(12, 5002, "y");
    let lines = story.lines();
    assert_eq!(lines.len(), 3, "{lines:?}");
    assert!(lines[1].contains(" -> 5002#3"), "{lines:?}");
}

#[test]
fn calls_of_another_pid_namespace_are_paired_in_the_order_of_births() {
    let mut story = TrackerHarness::told();
    story.procfs().put(11, 10, 30).is_nested = Some(true);
    story.tracker.start();
    // of the second one, its own record comes first
    story.told_birth(11, 5000, 5000);
    story.now += 1;
    story.told_birth(11, 5001, 5001).exec(11, 5001, "x");
    assert_eq!(story.lines().len(), 2);
    story.fork(11, 2);
    let Some(ProcessEvent::Fork(fork)) = story.tracker.poll() else { panic!("a birth") };
    assert_eq!((fork.process.pid(), fork.event.map(|event| event.serial())), (5000, Some(2)));
    story.fork(11, 3);
    assert_eq!(story.lines(), [""; 0]);
    // a thread takes a turn of its own
    story.told_birth(10, 5002, 11);
    story.now += 1;
    story.told_birth(11, 5003, 5003).clone3(11, 4);
    assert_eq!(story.lines(), [""; 0]);
    story.fork(11, 5);
    assert_eq!(story.lines(), ["fork 11@30 -> 5003@1000002000000ns"]);
    // whoever was born there is there, though gone; and where nothing is left, nothing is made up
    story.told_birth(5003, 5004, 5004).fork(5003, 6).fork(5003, 7);
    assert_eq!(story.lines(), ["fork 5003@1000002000000ns -> 5004@1000002000000ns"]);
    story.told_birth(5004, 5005, 5005).exec(5004, 5005, "y").fork(5004, 8);
    assert_eq!(story.lines().len(), 2);
    story.told_birth(5005, 5006, 5006).fork(5005, 9);
    assert_eq!(story.lines(), ["fork 5005@1000002000000ns -> 5006@1000002000000ns /bin/y"]);
}

#[test]
fn without_a_second_source_the_processes_are_looked_after() {
    let second = Duration::from_secs(1);
    let mut story = TrackerHarness::listed_with(|config| config.sweep_interval(second));
    story.procfs().put(20, 10, ticks(0));
    story.fork(10, 20).wait(1_000);
    assert_eq!(story.lines().len(), 1);
    let seen = story.procfs().put(20, 10, ticks(0));
    (seen.is_zombie, seen.code) = (true, Some(15));
    story.wait(1_000).wait(100);
    assert_eq!(story.lines(), ["exit 20@100000: SIGTERM [procfs]"]);
}

#[test]
fn while_the_kernel_holds_records_back_ends_wait() {
    let mut story = TrackerHarness::told();
    story.told_birth(10, 20, 20).fork(10, 20).told_end(20, 9);
    story.tracker.set_backpressure(true);
    assert_eq!(story.wait(5_000).lines().len(), 1);
    story.tracker.set_backpressure(false);
    assert_eq!(story.wait(20).lines().len(), 1);
    // but not for ever
    story.told_birth(10, 21, 21).fork(10, 21).told_end(21, 9);
    story.tracker.set_backpressure(true);
    assert_eq!(story.wait(10_000).lines().len(), 2);
}

#[test]
fn nothing_is_remembered_for_ever() {
    let mut story = TrackerHarness::told();
    for round in 0..5_000 {
        let pid = 100 + round % 50;
        story
            .told_birth(10, pid, pid)
            .fork(10, pid)
            .exec(10, pid, "x")
            .exit(pid, 0)
            .told_end(pid, 0);
        story.now += 60;
        story.wait(1);
        assert_eq!(story.lines().len(), 3, "round {round}");
    }
    story.wait(2_000);
    assert_eq!(story.tracker.processes().count(), 1);
    assert_eq!(story.tracker.poll_timeout(), None, "nothing is waited for");
}

#[test]
fn who_is_older_than_auditing_is_marked() {
    let mut story = TrackerHarness::with(|config| config.audited_since(1_000));
    story.procfs().put(10, 1, 5);
    story.procfs().put(11, 10, 2_000);
    story.tracker.start();
    let audited =
        |story: &TrackerHarness, pid| story.tracker.process(pid).map(|process| process.audited);
    assert_eq!(audited(&story, 10), Some(Audited::No));
    assert_eq!(audited(&story, 11), Some(Audited::Yes));
    let parent = story.tracker.process(11).and_then(|process| process.parent?.value.id);
    assert_eq!(parent.map(ProcessId::pid), Some(10));
    // whoever makes a record is audited
    story.exec(1, 10, "x");
    assert_eq!(audited(&story, 10), Some(Audited::Yes));
}

#[test]
fn a_call_may_be_halted_for_long_after_it_was_entered() {
    let mut story = TrackerHarness::told();
    story.now = 900;
    story.told_birth(10, 20, 20).exec(10, 20, "x").exit(20, 0).told_end(20, 0);
    story.stamp = Some(0);
    story.fork(10, 20);
    assert_eq!(story.lines().len(), 3, "it is the same birth");
    // and without a record of its own before
    story.told_birth(10, 21, 21).fork(10, 21);
    assert_eq!(story.lines(), ["fork 10@5 -> 21@1000900000000ns"]);
    // nor does a clock that stands still make a record older than its life
    story.exec(10, 21, "y").exit(21, 0).told_birth(10, 22, 22).exec(10, 22, "z").exit(22, 3);
    assert_eq!(story.lines().len(), 5);
    story.wait(3_000);
    assert_eq!(story.lines(), [""; 0]);
}
