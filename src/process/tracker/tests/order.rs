//! Random scripts whose records arrive in any order.

use super::*;

/// A step of a process of a random script.
#[derive(Clone, Copy, Debug)]
enum Step {
    ObservedFork,
    Fork,
    Exec,
    ObservedExit,
    Exit,
}

/// A process of a random script: its PID, its fork, its exit, and its wait status.
#[derive(Clone, Copy, Debug)]
struct Scripted {
    pid: u32,
    fork: u64,
    exit: u64,
    code: i32,
}

fn scripted(random: &mut impl FnMut(u64) -> u64) -> Vec<Scripted> {
    let (mut processes, mut time) = (Vec::new(), 0);
    let mut free_at = [0; 6];
    for _ in 0..60 {
        time += random(40);
        let slot = usize::try_from(random(6)).expect("small");
        // PIDs are reused, but not at once
        let fork = time.max(free_at[slot] + 450);
        let exit = fork + 2 + random(80);
        free_at[slot] = exit;
        let code = if random(3) == 0 { 9 } else { i32::try_from(random(200)).expect("small") << 8 };
        processes.push(Scripted {
            pid: 20 + u32::try_from(slot).expect("small"),
            fork,
            exit,
            code,
        });
    }
    processes
}

/// Plays a script whose records are late, each by another delay, and returns the reported lines.
fn play(
    processes: &[Scripted],
    delay: &mut impl FnMut() -> u64,
    has_backpressure: bool,
) -> Vec<String> {
    let mut steps = Vec::new();
    for (index, process) in processes.iter().enumerate() {
        steps.push((process.fork, 0, index, Step::ObservedFork, process.fork));
        steps.push((process.fork + delay(), 1, index, Step::Fork, process.fork));
        steps.push((process.fork + 1 + delay(), 1, index, Step::Exec, process.fork + 1));
        if process.code & 0x7F == 0 {
            steps.push((process.exit + delay(), 1, index, Step::Exit, process.exit));
        }
        steps.push((process.exit, 2, index, Step::ObservedExit, process.exit));
    }
    steps.sort_by_key(|(at, rank, index, ..)| (*at, *rank, *index));
    let mut harness = TrackerHarness::monitored();
    harness.tracker.set_backpressure(has_backpressure);
    for (at, _, index, step, stamp) in steps {
        while harness.now + 5 <= at {
            harness.wait(5);
        }
        harness.now = at;
        harness.stamp = Some(stamp);
        let Scripted { pid, code, .. } = processes[index];
        match step {
            Step::ObservedFork => harness.observe_fork(10, pid, pid),
            Step::Fork => harness.fork(10, pid),
            Step::Exec => harness.exec(10, pid, &format!("process-{index}")),
            Step::Exit => harness.exit(pid, u32::try_from(code >> 8).expect("a status")),
            Step::ObservedExit => harness.observe_exit(pid, code),
        };
    }
    harness.tracker.set_backpressure(false);
    for _ in 0..1_000 {
        harness.wait(5);
    }
    harness.lines()
}

/// However records interleave, each process is reported once, with its program and its exit.
#[test]
fn any_order_of_records_reports_the_same_processes() {
    for seed in 0..120_u64 {
        let mut state = seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1;
        let mut random = move |below: u64| {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            state % below.max(1)
        };
        let processes = scripted(&mut random);
        // within what a stream in order has, or far beyond it, while the kernel holds records back
        let has_backpressure = seed % 2 == 1;
        let longest = if has_backpressure { 400 } else { 15 };
        let lines = play(&processes, &mut || random(longest), has_backpressure);
        let of = |word: &str| lines.iter().filter(|line| line.starts_with(word)).count();
        assert_eq!(of("fork"), processes.len(), "seed {seed}: {lines:#?}");
        assert_eq!(of("exit"), processes.len(), "seed {seed}: {lines:#?}");
        assert_eq!(of("loss"), 0, "seed {seed}");
        for (index, process) in processes.iter().enumerate() {
            let program = format!(" process-{index}");
            let exec = lines.iter().find(|line| line.contains("exec") && line.ends_with(&program));
            let exec = exec
                .unwrap_or_else(|| panic!("seed {seed}: {process:?} executed nothing: {lines:#?}"));
            let id = exec.split(' ').nth(1).expect("an id");
            let exit = lines.iter().find(|line| line.starts_with(&format!("exit {id}")));
            let exit =
                exit.unwrap_or_else(|| panic!("seed {seed}: {process:?} has no exit: {lines:#?}"));
            let ending = ExitStatus::of_wait_status(process.code).to_string();
            assert!(exit.contains(&format!(": {ending}")), "seed {seed}: {process:?}: {exit}");
        }
    }
}
