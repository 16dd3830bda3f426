//! Calls in other pid namespaces, which return PIDs of these, and processes that join a container.

use super::*;

/// A machine on which a service, PID 7, runs, and a kernel thread, PID 3.
fn with_service(harness: &mut TrackerHarness) {
    harness.procfs().put(7, 1, 20).is_nested = Some(false);
    harness.procfs().put(3, 2, 0).is_kernel_thread = true;
    let Some(Lookup::Process(shell)) = harness.procfs().there.get_mut(&10) else {
        panic!("it runs")
    };
    shell.is_nested = Some(false);
    harness.tracker.start();
}

/// Returns that the service runs, and was reported neither as born nor as exited.
fn assert_service_runs(harness: &mut TrackerHarness, lines: &[String]) {
    let is_of_service = |line: &&String| line.contains(" 7@") || line.contains(" 7#");
    let of_service: Vec<_> = lines.iter().filter(is_of_service).collect();
    assert_eq!(of_service, [""; 0], "{lines:#?}");
    let of_kernel = lines.iter().filter(|line| line.contains("-> 3")).count();
    assert_eq!(of_kernel, 0, "{lines:#?}");
    let service = harness.tracker.process(7).and_then(|process| process.id.start_ticks());
    assert_eq!(service, Some(20));
}

#[test]
fn a_short_lived_process_of_a_container_neither_begins_nor_ends_a_process_of_the_host() {
    let mut harness = TrackerHarness::monitored();
    with_service(&mut harness);
    harness.now = 5_000;
    // 12 is the first process of a namespace, and gone before it is looked up
    harness.observe_fork(10, 12, 12).observe_fork(12, 5_000, 5_000).observe_fork(12, 5_001, 5_001);
    harness.observe_exit(5_000, 0).observe_exit(5_001, 9).observe_exit(12, 0);
    harness.fork(10, 12).fork(12, 7).exit(5_000, 0).clone3(12, 3).exit(12, 0);
    // a call that cannot be paired creates nothing: all forks are observed
    harness.fork(12, 7);
    let lines = harness.wait(3_000).lines();
    let forks = lines.iter().filter(|line| line.starts_with("fork")).count();
    let exits = lines.iter().filter(|line| line.starts_with("exit")).count();
    assert_eq!((forks, exits, lines.len()), (3, 3, 6), "{lines:#?}");
    assert!(lines.iter().any(|line| line.starts_with("exit 5001") && line.contains("SIGKILL")));
    assert_service_runs(&mut harness, &lines);
}

#[test]
fn a_returned_pid_is_not_taken_for_one_that_another_process_created() {
    // the namespace's next PID was set to that of a process which the shell has just created
    let mut harness = TrackerHarness::monitored();
    with_service(&mut harness);
    harness.observe_fork(7, 12, 12).observe_fork(10, 20, 20).observe_fork(12, 5_000, 5_000);
    harness.fork(7, 12).fork(12, 20).fork(10, 20);
    assert_eq!(
        harness.lines().iter().map(|line| line.split('@').next()).collect::<Vec<_>>(),
        [Some("fork 7"), Some("fork 12"), Some("fork 10")]
    );
    let parent = |harness: &TrackerHarness, pid| {
        harness
            .tracker
            .process(pid)
            .and_then(|process| process.parent?.value.id)
            .map(ProcessId::pid)
    };
    assert_eq!((parent(&harness, 20), parent(&harness, 5_000)), (Some(10), Some(12)));
    // nor if that one's own record has arrived
    harness.observe_fork(10, 21, 21).exec(10, 21, "x").observe_fork(12, 5_001, 5_001);
    harness.fork(12, 21).fork(10, 21);
    assert_eq!(harness.lines().len(), 3);
    assert_eq!((parent(&harness, 21), parent(&harness, 5_001)), (Some(10), Some(12)));
}

#[test]
fn a_pair_by_number_does_not_prove_that_a_process_is_in_the_initial_namespace() {
    let mut harness = TrackerHarness::monitored();
    with_service(&mut harness);
    // the first call returns the number that its child has here, too
    harness.observe_fork(10, 12, 12).fork(10, 12).observe_fork(12, 5_000, 5_000).fork(12, 5_000);
    assert_eq!(harness.lines().len(), 2);
    harness.now = 5_000;
    harness.observe_fork(12, 5_001, 5_001).fork(12, 7);
    let lines = harness.lines();
    assert_eq!(lines.len(), 1, "{lines:?}");
    assert!(lines[0].contains("-> 5001@"), "{lines:?}");
    assert_service_runs(&mut harness, &lines);
}

#[test]
fn without_a_monitor_the_returned_pid_is_looked_up() {
    let mut harness = TrackerHarness::listed();
    with_service(&mut harness);
    // 12 is gone: 7 runs, and is older than the call; 3 is a kernel thread
    harness.fork(10, 12).fork(12, 7).fork(12, 3).clone3(12, 7).clone3(12, 3).exit(12, 0);
    let lines = harness.wait(3_000).lines();
    assert_eq!(lines, ["fork 10@5 -> 12#1", "exit 12#1: 0"]);
    assert_service_runs(&mut harness, &lines);
}

#[test]
fn in_a_replay_a_process_is_not_taken_for_ended_because_a_call_returned_its_pid() {
    let mut harness = TrackerHarness::new();
    harness.procfs().is_blind = true;
    harness.exec(1, 7, "service").fork(10, 12).fork(12, 7).exec(1, 7, "other");
    let lines = harness.lines();
    assert!(lines.iter().all(|line| !line.starts_with("exit")), "{lines:#?}");
    assert_eq!(lines.iter().filter(|line| line.starts_with("fork")).count(), 1, "{lines:#?}");
    // its own record shows whether the PID was reused
    harness.fork(12, 7).exec(12, 7, "child");
    let lines = harness.lines();
    assert_eq!(
        lines,
        [
            "exit 7#1 /bin/other: not known [inferred]",
            "fork 12#2 -> 7#6 /bin/child",
            "exec 7#6 /bin/child child"
        ]
    );
}

#[test]
fn the_parent_is_the_instance_that_ran_at_the_fork() {
    let mut harness = TrackerHarness::monitored();
    harness.observe_fork(10, 20, 20).fork(10, 20);
    harness.now = 100;
    harness.observe_fork(20, 30, 30); // without a record
    harness.now = 200;
    harness.observe_exit(20, 0).exit(20, 0);
    harness.now = 900;
    harness.observe_fork(10, 20, 20).fork(10, 20);
    harness.now = 1_000;
    harness.observe_fork(20, 31, 31).exec(20, 31, "x");
    let lines = harness.wait(1_000).lines();
    let of = |child: &str| {
        let child = format!("-> {child}@");
        lines.iter().find(|line| line.contains(&child)).cloned().unwrap_or_default()
    };
    assert!(of("30").starts_with("fork 20@1000000000000ns "), "{lines:#?}");
    assert!(of("31").starts_with("fork 20@1000900000000ns "), "{lines:#?}");
}

#[test]
fn the_control_group_is_that_of_the_process_when_it_runs_a_program_or_unknown() {
    let cgroup = |harness: &TrackerHarness, pid| {
        let process = harness.tracker.process(pid).expect("it runs");
        process.cgroup.as_ref().map(|cgroup| (cgroup.value.to_string(), cgroup.source))
    };
    let mut harness = TrackerHarness::monitored();
    harness.procfs().put(7, 1, 20).cgroup = Some("/starter".to_owned());
    harness.tracker.start();
    // the starter was moved after it was listed; its child is gone
    harness.procfs().put(7, 1, 20).cgroup = Some("/moved".to_owned());
    harness.observe_fork(7, 20, 20).fork(7, 20);
    assert_eq!(cgroup(&harness, 20), Some(("/moved".to_owned(), Provenance::Inherited)));
    // what joins a container is in that one when it runs a program; its start is known from its fork
    harness.procfs().put(20, 7, ticks(0)).cgroup = Some("/container".to_owned());
    harness.exec(7, 20, "probe");
    assert_eq!(cgroup(&harness, 20), Some(("/container".to_owned(), Provenance::Procfs)));
    // if it is gone by then, or its PID was reused, the control group is unknown
    harness.procfs().there.remove(&20);
    harness.exec(7, 20, "probe");
    assert_eq!(cgroup(&harness, 20), None);
    harness.observe_fork(7, 21, 21).fork(7, 21);
    harness.procfs().put(21, 7, ticks(9_000)).cgroup = Some("/another".to_owned());
    harness.exec(7, 21, "probe");
    assert_eq!(cgroup(&harness, 21), None);
    // a child is never in a group that its parent was in before
    harness.procfs().there.remove(&7);
    harness.observe_fork(7, 22, 22).fork(7, 22);
    assert_eq!(cgroup(&harness, 22), None);
}
