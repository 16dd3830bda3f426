//! Random scripts, whose records come in any order.

use super::*;

/// What happens to a life of a random script.
#[derive(Clone, Copy, Debug)]
enum Deed {
    ToldBirth,
    Fork,
    Exec,
    ToldEnd,
    Exit,
}

/// A life of a random script: its number, its birth, its end, and how it ends.
#[derive(Clone, Copy, Debug)]
struct Scripted {
    pid: u32,
    birth: u64,
    end: u64,
    code: i32,
}

fn scripted(random: &mut impl FnMut(u64) -> u64) -> Vec<Scripted> {
    let (mut lives, mut time) = (Vec::new(), 0);
    let mut free_at = [0; 6];
    for _ in 0..60 {
        time += random(40);
        let slot = usize::try_from(random(6)).expect("small");
        // numbers come round, but not at once
        let birth = time.max(free_at[slot] + 450);
        let end = birth + 2 + random(80);
        free_at[slot] = end;
        let code = if random(3) == 0 { 9 } else { i32::try_from(random(200)).expect("small") << 8 };
        lives.push(Scripted { pid: 20 + u32::try_from(slot).expect("small"), birth, end, code });
    }
    lives
}

/// Plays a script whose records come late, each by another time, and returns what was told.
fn play(
    lives: &[Scripted],
    delay: &mut impl FnMut() -> u64,
    has_backpressure: bool,
) -> Vec<String> {
    let mut deeds = Vec::new();
    for (index, life) in lives.iter().enumerate() {
        deeds.push((life.birth, 0, index, Deed::ToldBirth, life.birth));
        deeds.push((life.birth + delay(), 1, index, Deed::Fork, life.birth));
        deeds.push((life.birth + 1 + delay(), 1, index, Deed::Exec, life.birth + 1));
        if life.code & 0x7F == 0 {
            deeds.push((life.end + delay(), 1, index, Deed::Exit, life.end));
        }
        deeds.push((life.end, 2, index, Deed::ToldEnd, life.end));
    }
    deeds.sort_by_key(|(at, rank, index, ..)| (*at, *rank, *index));
    let mut story = TrackerHarness::told();
    story.tracker.set_backpressure(has_backpressure);
    for (at, _, index, deed, stamp) in deeds {
        while story.now + 5 <= at {
            story.wait(5);
        }
        story.now = at;
        story.stamp = Some(stamp);
        let Scripted { pid, code, .. } = lives[index];
        match deed {
            Deed::ToldBirth => story.told_birth(10, pid, pid),
            Deed::Fork => story.fork(10, pid),
            Deed::Exec => story.exec(10, pid, &format!("life-{index}")),
            Deed::Exit => story.exit(pid, u32::try_from(code >> 8).expect("a status")),
            Deed::ToldEnd => story.told_end(pid, code),
        };
    }
    story.tracker.set_backpressure(false);
    for _ in 0..1_000 {
        story.wait(5);
    }
    story.lines()
}

/// However records interleave, each life is told once, with its program and its end.
#[test]
fn any_order_of_records_tells_the_same_lives() {
    for seed in 0..120_u64 {
        let mut state = seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1;
        let mut random = move |below: u64| {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            state % below.max(1)
        };
        let lives = scripted(&mut random);
        // within what a stream in order has, or far beyond it, while the kernel holds records back
        let has_backpressure = seed % 2 == 1;
        let longest = if has_backpressure { 400 } else { 15 };
        let lines = play(&lives, &mut || random(longest), has_backpressure);
        let of = |word: &str| lines.iter().filter(|line| line.starts_with(word)).count();
        assert_eq!(of("fork"), lives.len(), "seed {seed}: {lines:#?}");
        assert_eq!(of("exit"), lives.len(), "seed {seed}: {lines:#?}");
        assert_eq!(of("loss"), 0, "seed {seed}");
        for (index, life) in lives.iter().enumerate() {
            let program = format!(" life-{index}");
            let exec = lines.iter().find(|line| line.contains("exec") && line.ends_with(&program));
            let exec =
                exec.unwrap_or_else(|| panic!("seed {seed}: {life:?} ran nothing: {lines:#?}"));
            let id = exec.split(' ').nth(1).expect("an id");
            let exit = lines.iter().find(|line| line.starts_with(&format!("exit {id}")));
            let exit =
                exit.unwrap_or_else(|| panic!("seed {seed}: {life:?} has no end: {lines:#?}"));
            let ending = ExitStatus::of_wait_status(life.code).to_string();
            assert!(exit.contains(&format!(": {ending}")), "seed {seed}: {life:?}: {exit}");
        }
    }
}
