//! What a load generator writes down of its logged, and what was reported of them.

use std::collections::{HashMap, HashSet};
use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command};

use auditlink::InstalledRules;
use auditlink::process::{
    BootId, Exec, Exit, ExitStatus, Fork, LifecycleLoss, Process, ProcessEvent, ProcessId,
    Provenance, Start,
};
use auditlink::rule::process_lifecycle;

use crate::kernel_lock::{KEY, KernelLock, control};

/// How wide the programs of a load are.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Bits {
    B64,
    B32,
}

/// The programs of a load, in a folder of our own.
pub(crate) struct Load {
    pub(crate) program: PathBuf,
    script: PathBuf,
    pub(crate) log: PathBuf,
}

impl Load {
    pub(crate) fn new(kernel: &KernelLock, bits: Bits) -> Self {
        let name = match bits {
            Bits::B64 => "load64",
            Bits::B32 => "load32",
        };
        let program = kernel.path(name);
        // a virtual machine has no compiler: there it was put beside this program
        let ready = std::env::current_exe().expect("a path").with_file_name(name);
        if ready.exists() {
            fs::copy(ready, &program).expect("it is copied");
        } else if !program.exists() {
            build(bits, &program);
        }
        let script = kernel.path(&format!("{name}.script"));
        fs::write(&script, format!("#!{} leaf\n", program.display())).expect("a file");
        let mode = std::os::unix::fs::PermissionsExt::from_mode(0o755);
        fs::set_permissions(&script, mode).expect("our file");
        let log = kernel.path(&format!("{name}.log"));
        let _ = fs::remove_file(&log);
        Self { program, script, log }
    }

    pub(crate) fn start(&self, count: usize, first: usize) -> Child {
        self.start_under(&mut Command::new(&self.program), count, first)
    }

    /// Starts it in the hands of another program.
    pub(crate) fn start_under(&self, command: &mut Command, count: usize, first: usize) -> Child {
        command
            .arg(&self.log)
            .args([count.to_string(), first.to_string()])
            .arg(&self.script)
            .spawn()
            .expect("it starts")
    }

    /// Runs the program in another way.
    pub(crate) fn command(&self, words: &[&str]) -> Command {
        let mut command = Command::new(&self.program);
        command.args(words);
        command
    }

    pub(crate) fn rules(&self) -> InstalledRules {
        let rules =
            process_lifecycle().exe(self.program.to_str().expect("UTF-8")).key(KEY).for_both_abis();
        control().apply(&rules.expect("the calls exist")).expect("they are new")
    }
}

/// Builds the generator: see the head of its source.
fn build(bits: Bits, program: &Path) {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/live/build-load");
    let bits = match bits {
        Bits::B64 => "64",
        Bits::B32 => "32",
    };
    let output = Command::new(script).arg(bits).arg(program).output().expect("it starts");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

/// What the generator wrote down of one process.
#[derive(Clone, Debug)]
pub(crate) struct LoggedProcess {
    pub(crate) pid: u32,
    pub(crate) parent: u32,
    pub(crate) ending: ExitStatus,
    pub(crate) kind: u32,
    pub(crate) number: u32,
    program: u32,
}

pub(crate) fn logged_processes(log: &Path) -> Vec<LoggedProcess> {
    let text = fs::read_to_string(log).expect("a log");
    let logged_process = |line: &str| {
        let words: Vec<u32> = line.split(' ').map(|word| word.parse().expect("digits")).collect();
        let [pid, parent, end, kind, number, program] = words[..] else { panic!("{line}") };
        let ending = match end {
            0..=255 => ExitStatus::Exited(u8::try_from(end).expect("a status")),
            _ => ExitStatus::Signaled {
                signal: auditlink::constants::Signal::new(end - 1000),
                dumped: None,
            },
        };
        LoggedProcess { pid, parent, ending, kind, number, program }
    };
    text.lines().map(logged_process).collect()
}

impl LoggedProcess {
    /// The arguments of the program that was run, if one was.
    fn args(&self, load: &Load) -> Option<Vec<OsString>> {
        let number = self.number.to_string().into();
        let words = match self.program {
            0 => return None,
            1 => [number, (self.number % 120).to_string().into()],
            _ => [load.script.clone().into(), number],
        };
        Some([load.program.clone().into(), "leaf".into()].into_iter().chain(words).collect())
    }
}

/// What was reported of one process.
#[derive(Debug)]
pub(crate) struct ObservedProcess {
    fork: Fork,
    execs: Vec<Exec>,
    exits: Vec<Exit>,
}

/// All that was reported of the descendants of some processes.
#[derive(Debug, Default)]
pub(crate) struct ObservedProcesses {
    /// In the order of births.
    pub(crate) forked: Vec<ProcessId>,
    reported: HashMap<ProcessId, ObservedProcess>,
    roots: HashMap<u32, ProcessId>,
    pub(crate) gaps: Vec<LifecycleLoss>,
    pub(crate) strange: Vec<String>,
}

impl ObservedProcesses {
    pub(crate) fn of_roots(roots: &[u32]) -> Self {
        let unknown = |pid| ProcessId::new(BootId::UNKNOWN, pid, Start::Event(0));
        let roots = roots.iter().map(|pid| (*pid, unknown(*pid))).collect();
        Self { roots, ..Self::default() }
    }

    /// Of a process that is known already.
    pub(crate) fn of_known(root: ProcessId) -> Self {
        Self { roots: HashMap::from([(root.pid(), root)]), ..Self::default() }
    }

    fn is_ours(&self, process: &Process) -> bool {
        let parent = process.parent.and_then(|parent| parent.value.id);
        parent.is_some_and(|parent| {
            self.reported.contains_key(&parent) || self.roots.values().any(|root| *root == parent)
        })
    }

    pub(crate) fn add(&mut self, change: ProcessEvent) {
        match change {
            ProcessEvent::Loss(gap) => self.gaps.push(gap),
            ProcessEvent::Fork(fork) => {
                let id = fork.process.id;
                if let Some(root) = self.roots.get_mut(&id.pid()) {
                    if root.start() != Start::Event(0) {
                        self.strange.push(format!("two births of {root}: {id}"));
                    }
                    *root = id;
                    return;
                }
                if self.is_ours(&fork.process) {
                    self.forked.push(id);
                    let process = ObservedProcess { fork, execs: Vec::new(), exits: Vec::new() };
                    if self.reported.insert(id, process).is_some() {
                        self.strange.push(format!("two births of {id}"));
                    }
                }
            }
            ProcessEvent::Exec(exec) => {
                if let Some(process) = self.reported.get_mut(&exec.process.id) {
                    if !process.exits.is_empty() {
                        self.strange
                            .push(format!("{} ran a program after its end", exec.process.id));
                    }
                    process.execs.push(exec);
                }
            }
            ProcessEvent::Exit(exit) => {
                if let Some(process) = self.reported.get_mut(&exit.process.id) {
                    process.exits.push(exit);
                }
            }
        }
    }

    /// Compares it with what was done.
    pub(crate) fn check(&self, logged: &[LoggedProcess], load: &Load, knows_all: bool) -> Tally {
        let mut tally = Tally::default();
        let mut wrong = self.strange.clone();
        let mut by_pid: HashMap<u32, Vec<&ObservedProcess>> = HashMap::new();
        for id in &self.forked {
            by_pid.entry(id.pid()).or_default().push(&self.reported[id]);
        }
        let mut done: HashMap<u32, Vec<&LoggedProcess>> = HashMap::new();
        for logged_process in logged {
            done.entry(logged_process.pid).or_default().push(logged_process);
        }
        for (pid, processes) in &by_pid {
            let count = done.get(pid).map_or(0, Vec::len);
            if processes.len() > count {
                let reported: Vec<_> = processes.iter().map(|process| describe(process)).collect();
                let logged = done.get(pid);
                wrong.push(format!(
                    "{} of {logged:?} too many: {reported:?}",
                    processes.len() - count
                ));
            }
        }
        for (pid, logged) in &done {
            let processes = by_pid.get(pid).map_or(&[][..], Vec::as_slice);
            let unsettled = self
                .gaps
                .iter()
                .filter(|gap| matches!(gap, LifecycleLoss::Unsettled { task, .. } if task == pid));
            let unsettled = if knows_all { 0 } else { unsettled.count() };
            if processes.is_empty() && unsettled == logged.len() {
                tally.unsettled += unsettled; // it was reported that unprivileged knows
                continue;
            }
            if processes.len() < logged.len() {
                wrong.push(format!(
                    "{} processes of {pid} missing: {logged:?}",
                    logged.len() - processes.len()
                ));
            }
            tally.reused += logged.len() - 1;
            for (process, logged_process) in processes.iter().zip(logged) {
                tally.add(process);
                if let Some(fault) = fault(process, logged_process, load, knows_all) {
                    wrong.push(format!(
                        "{fault}: {logged_process:?} was reported as {}",
                        describe(process)
                    ));
                }
            }
        }
        let shown: Vec<_> = wrong.iter().take(4).collect();
        assert!(wrong.is_empty(), "{} of {} processes: {shown:#?}", wrong.len(), logged.len());
        tally
    }

    /// Compares it with what was done where other numbers are in use: each logged_process must have been reported, by
    /// what was run and how it ended, and nothing else.
    pub(crate) fn check_unnumbered(&self, logged: &[LoggedProcess], load: &Load) {
        assert_eq!((&self.gaps[..], &self.strange[..]), (&[][..], &[][..]));
        let words = |args: Option<Vec<OsString>>, ending: ExitStatus| {
            let ending = match ending {
                ExitStatus::Signaled { signal, .. } => signal.to_string(),
                ending => ending.to_string(),
            };
            format!("{args:?} {ending}")
        };
        let reported = |process: &ObservedProcess| {
            assert!(process.execs.len() < 2 && process.exits.len() == 1, "{}", describe(process));
            let args = process.execs.first().and_then(|exec| exec.args.clone());
            words(args.map(|args| args.value), process.exits[0].status.value)
        };
        let mut reported: Vec<_> = self.reported.values().map(reported).collect();
        let mut done: Vec<_> = logged
            .iter()
            .map(|logged_process| words(logged_process.args(load), logged_process.ending))
            .collect();
        reported.sort_unstable();
        done.sort_unstable();
        // no call created two
        let mut calls = HashSet::new();
        for fork in self.reported.values().map(|process| &process.fork) {
            let is_call = fork.source == Provenance::Record;
            assert!(!is_call || calls.insert(fork.event), "{fork:?}");
        }
        println!("  {} of {} births by their call", calls.len(), self.reported.len());
        let differ = reported.iter().zip(&done).find(|(reported, done)| reported != done);
        assert_eq!((differ, reported.len()), (None, done.len()));
    }
}

fn describe(process: &ObservedProcess) -> String {
    let execs = process.execs.iter().cloned().map(ProcessEvent::Exec);
    let exits = process.exits.iter().cloned().map(ProcessEvent::Exit);
    let changes = [ProcessEvent::Fork(process.fork.clone())].into_iter().chain(execs).chain(exits);
    changes.map(|change| change.to_string()).collect::<Vec<_>>().join("; ")
}

/// What is wrong with what was reported of a process, if anything is.
fn fault(
    process: &ObservedProcess,
    logged_process: &LoggedProcess,
    load: &Load,
    knows_all: bool,
) -> Option<&'static str> {
    let parent = process.fork.process.parent.map(|parent| parent.value.pid);
    if parent != Some(logged_process.parent) {
        return Some("another parent");
    }
    let reported: Vec<_> = process.execs.iter().filter_map(|exec| exec.args.as_ref()).collect();
    match (logged_process.args(load), &reported[..]) {
        (None, []) => {}
        (Some(expected), [reported]) if reported.value == expected => {}
        _ => return Some("other programs"),
    }
    if logged_process.program == 2
        && process.execs[0].path.as_deref() != Some(load.script.as_os_str())
    {
        return Some("another script");
    }
    let [exit] = &process.exits[..] else { return Some("not one end") };
    match (exit.status.value, logged_process.ending) {
        (ExitStatus::Signaled { signal: reported, .. }, ExitStatus::Signaled { signal, .. })
            if reported == signal =>
        {
            None
        }
        (ExitStatus::Exited(reported), ExitStatus::Exited(status)) if reported == status => None,
        // a crash is reported by its record; else unprivileged knows who cannot ask the connector
        (ExitStatus::Unknown, ExitStatus::Signaled { .. })
            if !knows_all && logged_process.kind != 9 =>
        {
            None
        }
        // before Linux 6.0 the first thread's status counts, or the last one's
        (ExitStatus::Unknown, _) if logged_process.kind == 13 && (!knows_all || is_before_6()) => {
            None
        }
        _ => Some("another end"),
    }
}

pub(crate) fn is_before_6() -> bool {
    let release = fs::read_to_string("/proc/sys/kernel/osrelease").expect("/proc is there");
    let first: u32 = release.split('.').next().and_then(|n| n.parse().ok()).expect("a number");
    first < 6
}

/// How the observed is known.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    births: HashMap<Provenance, usize>,
    ends: HashMap<Provenance, usize>,
    exact_starts: usize,
    pub(crate) reused: usize,
    /// Crashes whose record was joined.
    crashes: usize,
    /// Of which unprivileged knows whether they were processes.
    unsettled: usize,
}

impl Tally {
    fn add(&mut self, process: &ObservedProcess) {
        *self.births.entry(process.fork.source).or_default() += 1;
        for exit in &process.exits {
            *self.ends.entry(exit.source).or_default() += 1;
            self.crashes += usize::from(exit.abend.is_some());
        }
        self.exact_starts += usize::from(process.fork.process.id.start_ticks().is_some());
    }
}
