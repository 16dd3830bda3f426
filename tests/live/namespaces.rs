//! Short-lived pid namespaces, whose processes have PIDs that other processes have on the host.

use std::fs;
use std::path::PathBuf;
use std::process::{Child, Command};
use std::time::Duration;

use auditlink::event::Completeness;
use auditlink::iter::Next;
use auditlink::monitor::{MonitorKind, ProcessMonitor, ProcessMonitorBuilder};
use auditlink::process::{LifecycleLoss, ProcessEvent, ProcessId};
use auditlink::rule::process_lifecycle;
use auditlink::{Processes, Receiver, Settings};

use crate::kernel_lock::{KEY, KernelLock, control};

/// How many namespaces are made.
const RUNS: usize = 40;

/// Processes in each: the first one, and its children.
const CHILDREN: usize = 4;

pub(crate) fn pids_of_the_host(_: &KernelLock) {
    let unshare = ["unshare", "--pid", "--fork", "--mount-proc"];
    check(ProcessMonitor::builder(), MonitorKind::Connector, &unshare);
    let without = ProcessMonitor::builder().connector(false);
    check(without, MonitorKind::Pidfd, &unshare);
    check(without.pidfds(false), MonitorKind::Procfs, &unshare);
}

/// Any user can do so, where user namespaces are allowed.
pub(crate) fn unprivileged(_: &KernelLock) {
    let unprivileged = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"];
    let unshare = ["unshare", "--user", "--map-root-user", "--pid", "--fork", "--mount-proc"];
    let words = [&unprivileged[..], &unshare].concat();
    let [program, others @ ..] = &words[..] else { panic!("a program") };
    let is_allowed = Command::new(program).args(others).arg("true").output();
    if !is_allowed.is_ok_and(|output| output.status.success()) {
        println!("  unprivileged user namespaces are not allowed here");
        return;
    }
    check(ProcessMonitor::builder(), MonitorKind::Connector, &words);
}

/// Ends a process when it is dropped, also when the test fails.
struct Victim(Child);

impl Drop for Victim {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// What was reported.
#[derive(Debug, Default)]
struct Reported {
    of_victim: Vec<String>,
    of_kernel: Vec<String>,
    losses: Vec<LifecycleLoss>,
    /// The first processes of the namespaces.
    firsts: Vec<ProcessId>,
    children: usize,
    exits: usize,
}

impl Reported {
    fn add(&mut self, event: &ProcessEvent, victim: u32, shell: &str) {
        let process = match event {
            ProcessEvent::Fork(fork) => &fork.process,
            ProcessEvent::Exec(exec) => &exec.process,
            ProcessEvent::Exit(exit) => &exit.process,
            ProcessEvent::Loss(loss) => return self.losses.push(loss.clone()),
        };
        if process.pid() == victim {
            self.of_victim.push(event.to_string());
        } else if process.pid() < 10 {
            self.of_kernel.push(event.to_string());
        }
        let parent = process.parent.and_then(|parent| parent.value.id);
        let is_child = parent.is_some_and(|parent| self.firsts.contains(&parent));
        match event {
            ProcessEvent::Exec(exec)
                if exec.process.exe.as_ref().is_some_and(|exe| *exe.value == *shell) =>
            {
                self.firsts.push(exec.process.id);
            }
            ProcessEvent::Fork(_) => self.children += usize::from(is_child),
            ProcessEvent::Exit(exit) => {
                self.exits += usize::from(is_child || self.firsts.contains(&exit.process.id));
            }
            _ => {}
        }
    }
}

/// Returns whether `sleep` waits for its time to pass.
fn is_asleep(pid: u32) -> bool {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).expect("it runs");
    stat.contains("(sleep) S ")
}

fn check(monitor: ProcessMonitorBuilder, kind: MonitorKind, unshare: &[&str]) {
    control().configure(&Settings::lossless().backlog_wait_time(15_000)).expect("good values");
    // a shell of its own, so that the rules match nothing else; others may run it
    let shell: PathBuf =
        std::env::temp_dir().join(format!("auditlink-shell-{}", std::process::id()));
    fs::copy("/bin/dash", &shell).expect("a copy");
    let shell_path = shell.to_str().expect("UTF-8");
    let victim = Victim(Command::new("sleep").arg("600").spawn().expect("it starts"));
    let pid = victim.0.id();
    // `spawn` returns a little before the kernel reports the exec to the process connector
    while !is_asleep(pid) {
        std::thread::sleep(Duration::from_millis(1));
    }

    let receiver = Receiver::daemon().open().expect("the place is free");
    let monitor = monitor.open().expect("we are root");
    assert_eq!(monitor.kind(), kind);
    let rules = process_lifecycle().exe(shell_path).key(KEY).for_both_abis();
    let rules = control().apply(&rules.expect("the calls exist")).expect("they are new");
    let mut processes = Processes::watch(receiver, monitor).expect("files");
    let mut reported = Reported::default();
    let mut receive = |processes: &mut Processes<Receiver>, millis| {
        let end = processes.source().now().saturating_add(Duration::from_millis(millis));
        while let Next::Item(event) = processes.next_until(end).expect("no error") {
            reported.add(&event, pid, shell_path);
        }
    };
    // each subshell has the PID of the victim, or of a kernel thread
    let script = format!(
        "set_next() {{ echo $(($1 - 1)) 2>/dev/null > /proc/sys/kernel/ns_last_pid; }}; \
         (exit 1); (exit 2); set_next {pid}; (exit 3); set_next {pid}; (exit 4)"
    );
    let [program, others @ ..] = unshare else { panic!("a program") };
    for _ in 0..RUNS {
        let mut child = Command::new(program)
            .args(others)
            .args([shell_path, "-c", &format!("{script}; exit 0")])
            .spawn()
            .expect("it starts");
        while child.try_wait().expect("it runs").is_none() {
            receive(&mut processes, 5);
        }
    }
    receive(&mut processes, 3_000);
    let is_listed = processes.tracker().process(pid).is_some();
    rules.remove().expect("they are loaded");
    processes.source_mut().finish().expect("a thread");
    for event in &mut processes {
        reported.add(&event.expect("no error"), pid, shell_path);
    }
    let completeness = processes.lifecycle_completeness();
    let _ = fs::remove_file(&shell);
    let Reported { of_victim, of_kernel, losses, firsts, children, exits } = &reported;
    println!(
        "  {kind:?}: {} namespaces, {children} children, {exits} exits, {} losses; {completeness}",
        firsts.len(),
        losses.len()
    );
    assert!(is_listed, "it runs");
    assert_eq!((&of_victim[..], &of_kernel[..]), (&[][..], &[][..]), "{reported:#?}");
    assert_eq!(firsts.len(), RUNS, "{reported:#?}");
    if kind == MonitorKind::Connector {
        assert_eq!((*children, *exits), (RUNS * CHILDREN, RUNS * (CHILDREN + 1)));
        assert_eq!(losses[..], [], "nothing was lost");
        assert_eq!(completeness, Completeness::Complete);
    } else {
        // what cannot be known is reported
        let is_unsettled = |loss: &LifecycleLoss| matches!(loss, LifecycleLoss::Unsettled { .. });
        assert!(losses.iter().all(is_unsettled), "{losses:?}");
        assert_eq!(completeness.is_complete(), losses.is_empty());
    }
}
