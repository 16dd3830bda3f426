//! Measures what rules cost a system call that none of them records.
//!
//! Run `AUDITLINK_LIVE=1 cargo bench --bench rule_cost` as root. It loads rules that match no process,
//! measures `getppid` in a process started afterwards, and restores rules and settings. Unmerged, each
//! rule names one call; merged, one rule names all of them. A rule on a directory is for all calls;
//! narrowed, for those that its permissions match.

use std::hint::black_box;
use std::path::Path;
use std::process::{Command, ExitCode};
use std::time::Instant;

use auditlink::arch::Arch;
use auditlink::rule::{Permissions, SyscallMask};
use auditlink::{Control, Error, Rule, RuleSet, Settings};

/// Calls per measurement.
const CALLS: u32 = 1_000_000;

/// Measurements, of which the best counts.
const ROUNDS: usize = 7;

fn main() -> ExitCode {
    if std::env::args().nth(1).as_deref() == Some("measure") {
        println!("{}", measure());
        return ExitCode::SUCCESS;
    }
    if std::env::var_os("AUDITLINK_LIVE").is_none_or(|value| value != "1") {
        println!("not run: the cost is measured on the running kernel, with AUDITLINK_LIVE=1");
        return ExitCode::SUCCESS;
    }
    match table() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("rule_cost: {error:?}");
            ExitCode::FAILURE
        }
    }
}

/// Returns the duration of a call in nanoseconds.
#[expect(clippy::disallowed_methods, reason = "a benchmark needs a clock")]
fn measure() -> f64 {
    let round = || {
        let start = Instant::now();
        for _ in 0..CALLS {
            black_box(nix::unistd::getppid());
        }
        start.elapsed().as_secs_f64() * 1e9 / f64::from(CALLS)
    };
    (0..ROUNDS).map(|_| round()).fold(f64::MAX, f64::min)
}

/// Measures in a new process: auditing affects only processes that start after it is turned on.
fn in_a_process() -> f64 {
    let own = std::env::current_exe().expect("a path");
    let output = Command::new(own).arg("measure").output().expect("the benchmark starts");
    let text = String::from_utf8(output.stdout).expect("a number");
    text.trim().parse().expect("a number")
}

/// Returns rules that name one call each and match no process.
fn rules(count: usize) -> RuleSet {
    let arch = Arch::native().expect("a supported architecture");
    let names = arch.syscall_names().filter(|name| *name != "getppid");
    let rule = |name| Rule::on_exit().arch(arch).syscall(name).pid(i32::MAX as u32).key("cost");
    names.take(count).map(|name| rule(name).build().expect("a valid rule")).collect()
}

/// Returns rules on directories in which nothing happens.
fn directory_rules(folder: &Path, count: usize) -> RuleSet {
    let arch = Arch::native().expect("a supported architecture");
    let permissions = Permissions::WRITE | Permissions::ATTRIBUTE;
    let rule = |number| {
        let path = folder.join(format!("{number}"));
        std::fs::create_dir_all(&path).expect("a directory");
        let path = path.to_str().expect("UTF-8");
        Rule::on_exit().arch(arch).dir(path).perm(permissions).key("cost")
    };
    (0..count).map(|number| rule(number).build().expect("a valid rule")).collect()
}

/// Loads rules, and returns what a call costs more than `base` nanoseconds.
fn cost(control: &mut Control, rules: &RuleSet, base: f64) -> Result<f64, Error> {
    let installed = control.apply(rules)?;
    assert_eq!(control.rules()?.len(), rules.len());
    let cost = in_a_process() - base;
    installed.remove()?;
    Ok(cost)
}

fn table() -> Result<(), Error> {
    let mut control = Control::open()?;
    assert!(control.rules()?.is_empty(), "rules of another program are loaded");
    let off = in_a_process();
    let former = control.configure(&Settings::new().enabled(true))?;
    let on = in_a_process();
    println!("auditing off: {off:.1} ns a call; on, without rules: {:+.1} ns", on - off);
    println!("{:>5} {:>14} {:>14}", "rules", "unmerged +ns", "merged +ns");
    for count in [0, 1, 10, 50, 100] {
        let unmerged = rules(count);
        let merged = unmerged.merged().rules;
        assert_eq!(unmerged.len(), count);
        assert_eq!(merged.len(), count.min(1), "rules that differ only in their calls are merged");
        let [unmerged, merged] = [unmerged, merged].map(|rules| cost(&mut control, &rules, on));
        println!("{count:>5} {:>14.1} {:>14.1}", unmerged?, merged?);
    }
    let folder = std::env::temp_dir().join(format!("auditlink-cost-{}", std::process::id()));
    println!("{:>5} {:>14} {:>14} {:>6}", "rules", "all calls +ns", "narrowed +ns", "ratio");
    for count in [1, 10, 50, 100] {
        let wide = directory_rules(&folder, count);
        let narrowed = wide.narrowed();
        assert!(wide.iter().all(|rule| rule.syscalls == SyscallMask::ALL));
        assert!(narrowed.iter().all(|rule| !rule.syscalls.is_all()), "each names its calls");
        let wide = cost(&mut control, &wide, on)?;
        let narrowed = cost(&mut control, &narrowed, on)?;
        println!("{count:>5} {wide:>14.1} {narrowed:>14.1} {:>6.2}", wide / narrowed);
    }
    let _ = std::fs::remove_dir_all(&folder);
    control.configure(&former)?;
    Ok(())
}
