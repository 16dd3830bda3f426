//! How processes of several threads ended.

use super::*;

const TERM: i32 = 15;
const SEGV: i32 = 11;
const SYS: i32 = 31;
const DUMPED: i32 = 0x80;

/// The code of a thread that ended itself.
const fn own(status: i32) -> i32 {
    status << 8
}

/// What is told of the end of process 20, whose threads (20 is the first one) ended with these codes.
fn ending(change: impl Fn(TrackerConfig) -> TrackerConfig, ends: &[(u32, i32)]) -> String {
    // all at once, or each when it is known of the others that they go on, …
    let all = ending_after(&change, ends, 0);
    let each = ending_after(&change, ends, 1_100);
    assert_eq!(all, each, "{ends:?}");
    // … or with the record of a thread's end among them
    let mut story = story(&change);
    for (task, code) in ends {
        story.told_end_of(*task, 20, *code);
    }
    story.procfs().there.remove(&20);
    story.call("syscall=60 a0=55 ppid=1 pid=20", &[]).wait(1_100);
    assert_eq!(end_of(&mut story), all, "{ends:?}");
    all
}

fn ending_after(
    change: impl Fn(TrackerConfig) -> TrackerConfig,
    ends: &[(u32, i32)],
    millis: u64,
) -> String {
    let mut story = story(change);
    for (task, code) in ends {
        story.wait(millis);
        assert_eq!(story.lines(), [""; 0], "it lives on");
        story.told_end_of(*task, 20, *code);
    }
    story.procfs().there.remove(&20);
    story.wait(1_100);
    end_of(&mut story)
}

fn story(change: impl Fn(TrackerConfig) -> TrackerConfig) -> TrackerHarness {
    let mut story = TrackerHarness::listed_with(|config| change(config.process_monitor(true)));
    story.procfs().put(20, 10, ticks(0)).threads = 3;
    story.told_birth(10, 20, 20).fork(10, 20);
    for thread in [21, 22] {
        story.told_birth(20, thread, 20).clone(0x1_0000, 20, thread);
    }
    assert_eq!(story.lines(), ["fork 10@5 -> 20@100000"]);
    story
}

fn end_of(story: &mut TrackerHarness) -> String {
    let lines = story.lines();
    let [line] = &lines[..] else { panic!("{lines:?}") };
    line.trim_start_matches("exit 20@100000: ").trim_end_matches(" [connector]").to_owned()
}

#[test]
fn a_signal_ends_all_threads() {
    let now = |config| config;
    for first in [true, false] {
        let before_6 = |config: TrackerConfig| config.leader_status(first);
        assert_eq!(ending(before_6, &[(20, TERM), (21, TERM), (22, TERM)]), "SIGTERM");
        // one or the other was about to end on its own
        assert_eq!(ending(before_6, &[(20, TERM), (21, own(0)), (22, own(0))]), "SIGTERM");
        assert_eq!(ending(before_6, &[(20, own(3)), (21, TERM), (22, own(0))]), "SIGTERM");
        assert_eq!(ending(before_6, &[(21, TERM), (20, own(3)), (22, own(3))]), "SIGTERM");
        assert_eq!(ending(before_6, &[(21, own(1)), (22, TERM), (20, own(0))]), "SIGTERM");
    }
    // only the one that crashed tells of the core file
    let dumped = "SIGSEGV, core dumped";
    assert_eq!(ending(now, &[(21, SEGV | DUMPED), (20, SEGV), (22, SEGV)]), dumped);
    assert_eq!(ending(now, &[(20, SEGV), (22, SEGV), (21, SEGV | DUMPED)]), dumped);
}

#[test]
fn a_filter_may_end_a_single_thread() {
    let now = |config| config;
    assert_eq!(ending(now, &[(21, SYS), (22, own(4)), (20, own(4))]), "4");
    assert_eq!(ending(now, &[(20, SYS), (21, SYS), (22, own(4))]), "4");
    // its word may come late
    assert_eq!(ending(now, &[(22, own(4)), (20, own(4)), (21, SYS)]), "4");
    assert_eq!(ending(now, &[(21, SYS), (20, TERM), (22, TERM)]), "SIGTERM");
    assert_eq!(ending(now, &[(20, TERM), (21, SYS), (22, TERM)]), "SIGTERM");
    assert_eq!(ending(now, &[(20, SYS), (21, SYS), (22, SYS | DUMPED)]), "SIGSYS, core dumped");
    assert_eq!(ending(now, &[(20, SYS), (21, SYS), (22, SYS)]), "SIGSYS");
    assert_eq!(ending(now, &[(20, SYS | DUMPED), (21, own(0)), (22, SYS)]), "SIGSYS, core dumped");
    // nor does it tell anything where nobody knows of the others
    let mut story = story(now);
    story.told_end_of(21, 20, SYS).wait(1_000);
    story.procfs().there.remove(&20);
    story.lose().wait(200).wait(1_000);
    assert_eq!(story.lines()[1], "exit 20@100000: not known [procfs]");
}

#[test]
fn threads_may_end_one_after_the_other() {
    let now = |config| config;
    let before_6 = |config: TrackerConfig| config.leader_status(true);
    assert_eq!(ending(now, &[(20, own(3)), (21, own(0)), (22, own(5))]), "5");
    assert_eq!(ending(now, &[(21, own(0)), (22, own(5)), (20, own(3))]), "3");
    // it was the first one's, or that of one that ended all
    assert_eq!(ending(before_6, &[(20, own(3)), (21, own(0)), (22, own(5))]), "not known");
    assert_eq!(ending(before_6, &[(20, own(0)), (21, own(1)), (22, own(0))]), "0");
    assert_eq!(ending(before_6, &[(21, own(0)), (22, own(5)), (20, own(3))]), "3");
}

#[test]
fn a_call_that_ends_all_says_how() {
    for first in [true, false] {
        let mut story = story(|config| config.leader_status(first));
        story.told_end_of(20, 20, own(3)).wait(1_100);
        story.told_end_of(21, 20, own(5)).told_end_of(22, 20, own(5)).exit(20, 5);
        assert_eq!(end_of(&mut story), "5");
        // unless a signal was faster
        let mut story = self::story(|config| config.leader_status(first));
        story.told_end_of(20, 20, own(3)).told_end_of(21, 20, TERM).told_end_of(22, 20, TERM);
        assert_eq!(end_of(story.exit(20, 5)), "SIGTERM");
        // the record may be faster than the word of the second source
        let mut story = self::story(|config| config.leader_status(first));
        assert_eq!(end_of(story.told_end_of(21, 20, SYS).exit(20, 5)), "5");
    }
}

#[test]
fn by_records_alone_the_last_thread_tells_or_nobody() {
    let end = |first, threads: &[u32]| {
        let mut story = TrackerHarness::listed_with(|config| config.leader_status(first));
        story.procfs().put(20, 10, ticks(0));
        story.fork(10, 20);
        for thread in threads {
            story.clone(0x1_0000, 20, *thread).exit_thread(20).wait(100);
        }
        assert_eq!(story.lines().len(), 1);
        story.procfs().there.remove(&20);
        story.call("syscall=60 a0=5 ppid=1 pid=20", &[]).wait(100);
        end_of(&mut story)
    };
    assert_eq!((end(false, &[]), end(false, &[21, 22])), ("5".into(), "5".into()));
    assert_eq!((end(true, &[]), end(true, &[21, 22])), ("5".into(), "not known [procfs]".into()));
}

#[test]
fn who_is_killed_is_told_at_once() {
    let mut story = story(|config| config);
    story.told_end_of(20, 20, own(0)).wait(10).told_end_of(21, 20, TERM).wait(19);
    story.procfs().there.remove(&20);
    assert_eq!(story.lines(), [""; 0]);
    assert_eq!(end_of(story.wait(1)), "SIGTERM");
    // but only when the word of its first thread has come
    let mut story = self::story(|config| config);
    story.procfs().there.remove(&20);
    story.told_end_of(21, 20, SYS).wait(2_000);
    assert_eq!(story.lines(), [""; 0]);
    story.told_end_of(20, 20, own(3)).wait(1_000);
    assert_eq!(end_of(&mut story), "3");
}

#[test]
fn the_second_source_is_ahead_of_the_records() {
    let mut story = story(|config| config);
    story.procfs().there.remove(&20);
    story.stamp = Some(0);
    story.now = 500;
    story.told_birth(20, 30, 30).told_end(20, own(1)).exit_thread(20);
    story.now += 30;
    story.stamp = Some(490);
    story.exec(20, 30, "ls");
    assert_eq!(story.lines().len(), 2, "what it did before its end comes first");
    story.stamp = Some(499);
    story.exit(20, 1);
    assert_eq!(story.lines(), ["exit 20@100000: 1"]);
    // once the stream has come that far, the record of a thread's end is the last one
    let mut story = self::story(|config| config);
    story.procfs().there.remove(&20);
    story.told_end(20, own(1)).exit_thread(20);
    story.now += 30;
    story.exec(1, 10, "ls").wait(20);
    assert_eq!(story.lines()[1..], ["exit 20@100000: 1 [connector]"]);
}

#[test]
fn the_first_thread_may_have_ended_before_we_came() {
    let mut story = TrackerHarness::with(|config| config.process_monitor(true));
    let seen = story.procfs().put(20, 1, 5);
    (seen.is_zombie, seen.threads) = (true, 2);
    story.tracker.start();
    story.procfs().there.remove(&20);
    story.told_end_of(22, 20, own(7)).wait(1_000);
    assert_eq!(story.lines(), ["exit 20@5: 7 [connector]"]);
}

#[test]
fn what_threads_did_before_a_program_was_run_is_forgotten() {
    let mut story = story(|config| config);
    story.told_end_of(21, 20, SYS).told_end_of(20, 20, TERM).wait(1_100);
    let since_boot = story.since_boot();
    story.tracker.observe(Observation::Executed { process: 20, since_boot }, story.at());
    story.procfs().put(20, 10, ticks(0));
    story.exec(10, 20, "ls").told_end_of(20, 20, own(6)).exit(20, 6);
    assert_eq!(story.lines()[1..], ["exit 20@100000 /bin/ls: 6"]);
}

#[test]
fn a_thread_that_is_killed_tells_nothing_of_the_next_owner_of_the_number() {
    let mut story = story(|config| config);
    story.procfs().there.remove(&20);
    story.told_end_of(20, 20, TERM).told_end_of(21, 20, TERM).told_end_of(22, 20, TERM);
    story.now += 50;
    story.told_birth(10, 20, 20).exec(10, 20, "ls").told_end(20, own(2)).exit(20, 2);
    let lines = story.lines();
    assert_eq!(lines.len(), 4, "{lines:?}");
    assert_eq!(lines[0], "exit 20@100000: SIGTERM [connector]");
    assert!(lines[3].ends_with(": 2"), "{lines:?}");
}
