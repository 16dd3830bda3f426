//! Exclusive use of the kernel's audit system: locked, set to a known state, and restored.

use std::fs::{self, File};
use std::path::PathBuf;
use std::process::{Child, Command, Output, Stdio};
use std::sync::OnceLock;
use std::thread::sleep;
use std::time::Duration;

use auditlink::Delivery;
use auditlink::iter::Next;
use auditlink::wire::status::{Enabled, Status};
use auditlink::{Control, Event, Events, Loss, MessageType, Receiver, Settings};
use nix::fcntl::{Flock, FlockArg};

/// The exclusive use of the kernel's audit system.
#[derive(Debug)]
pub(crate) struct KernelLock {
    before: Status,
    /// What the first daemon received: the records that the kernel had kept since it was booted.
    held_since_boot: OnceLock<Vec<Event>>,
    folder: PathBuf,
    _lock: Flock<File>,
}

/// The key of every rule that a test makes.
pub(crate) const KEY: &str = "auditlink-live";

impl KernelLock {
    /// Locks the audit system, unless another process uses it.
    pub(crate) fn open() -> Result<Self, String> {
        let lock = File::create(std::env::temp_dir().join("auditlink-live.lock"))
            .map_err(|error| format!("the lock file: {error}"))?;
        let lock = Flock::lock(lock, FlockArg::LockExclusive)
            .map_err(|(_, error)| format!("the lock: {error}"))?;
        let mut control = Control::open().map_err(|error| format!("{error:?}"))?;
        let before = control.status().map_err(|error| format!("{error:?}"))?;
        // a dead process is not a daemon: a test that was killed leaves its PID registered
        if before.pid != 0 && auditlink::host::procfs::command(before.pid).is_some() {
            return Err(format!("process {} is the audit daemon", before.pid));
        }
        if before.enabled == Enabled::LOCKED {
            return Err("the configuration is locked".to_owned());
        }
        let rules = control.rules().map_err(|error| format!("{error:?}"))?;
        if !rules.is_empty() {
            return Err(format!("foreign rules are loaded: {rules:?}"));
        }
        let folder = std::env::temp_dir().join(format!("auditlink-live-{}", std::process::id()));
        fs::create_dir_all(&folder).map_err(|error| format!("{}: {error}", folder.display()))?;
        let kernel = Self { before, held_since_boot: OnceLock::new(), folder, _lock: lock };
        // a private copy, so that a rule with its path matches no other process
        let own = std::env::current_exe().map_err(|error| error.to_string())?;
        fs::copy(own, kernel.helper()).map_err(|error| format!("the helper: {error}"))?;
        Ok(kernel)
    }

    /// Sets the kernel up as tests expect it: on, with a queue of 8,192 records.
    pub(crate) fn prepare(&self) {
        let settings = Settings::new().backlog_limit(8192).backlog_wait_time(15_000).enabled(true);
        control().configure(&settings).expect("the settings are accepted");
        self.drain();
    }

    /// Reads what the last test left in the kernel.
    pub(crate) fn drain(&self) {
        wait_until_sent();
        // the next daemon receives the retry queue, and the hold queue if the kernel was booted with audit=1
        let mut held = Vec::new();
        let mut events = Events::new(Receiver::daemon().open().expect("no daemon is registered"));
        events.source_mut().finish().expect("a thread");
        while let Some(delivery) = events.next().transpose().expect("no error") {
            if let Delivery::Event(event) = delivery {
                held.push(event);
            }
        }
        self.held_since_boot.get_or_init(|| held);
    }

    /// What the first daemon was sent.
    pub(crate) fn held_since_boot(&self) -> &[Event] {
        self.held_since_boot.get().map_or(&[], Vec::as_slice)
    }

    /// Restores the settings of the kernel.
    pub(crate) fn restore(&self) {
        let mut control = control();
        if control.status().expect("a status").enabled == Enabled::LOCKED {
            return; // a virtual machine ends soon
        }
        control.delete_all_rules().expect("the rules are ours");
        let before = &self.before;
        let mut settings = Settings::new()
            .backlog_limit(before.backlog_limit)
            .rate_limit(before.rate_limit)
            .failure(before.failure)
            .enabled(before.enabled != Enabled::OFF);
        if let Some(ticks) = before.backlog_wait_time {
            settings = settings.backlog_wait_time(ticks);
        }
        control.configure(&settings).expect("these were the settings before");
        let after = control.status().expect("a status");
        assert_eq!(after.pid, 0, "a test left a daemon registered");
        assert_eq!(after.enabled, before.enabled);
        assert_eq!(after.backlog_limit, before.backlog_limit);
    }

    /// The program that makes system calls on demand; see `helper.rs`.
    pub(crate) fn helper(&self) -> PathBuf {
        self.folder.join("helper")
    }

    /// Returns a path in the private folder.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }

    /// Runs the helper to its end.
    pub(crate) fn run_helper(&self, words: &[&str]) -> String {
        let output = Command::new(self.helper()).args(words).output().expect("the helper starts");
        assert!(output.status.success(), "the helper failed: {output:?}");
        String::from_utf8_lossy(&output.stdout).trim().to_owned()
    }

    /// Starts the helper.
    pub(crate) fn start_helper(&self, words: &[&str]) -> Child {
        Command::new(self.helper())
            .args(words)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("the helper starts")
    }
}

impl Drop for KernelLock {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.folder);
    }
}

/// Waits until the kernel has sent, or dropped, what it queued.
pub(crate) fn wait_until_sent() {
    let mut still = 0;
    while still < 5 {
        sleep(Duration::from_millis(20));
        still = if control().status().expect("a status").backlog > 0 { 0 } else { still + 1 };
    }
}

pub(crate) fn control() -> Control {
    Control::open().expect("a control socket")
}

/// Runs a program to its end.
pub(crate) fn run(program: impl AsRef<std::ffi::OsStr>, words: &[&str]) -> Output {
    Command::new(program.as_ref())
        .args(words)
        .output()
        .unwrap_or_else(|error| panic!("{:?} does not start: {error}", program.as_ref()))
}

pub(crate) fn stdout(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned()
}

pub(crate) fn stderr(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// Reads `name=N` out of a line of counts.
pub(crate) fn count_of(text: &str, name: &str) -> u64 {
    let prefix = format!("{name}=");
    text.split_whitespace().find_map(|word| word.strip_prefix(&prefix)?.parse().ok()).unwrap_or(0)
}

/// Deliveries of a receiver.
#[derive(Debug, Default)]
pub(crate) struct Collected {
    pub(crate) events: Vec<Event>,
    pub(crate) losses: Vec<Loss>,
}

impl Collected {
    /// Takes what comes until nothing has come for `quiet`.
    pub(crate) fn collect(&mut self, events: &mut Events<Receiver>, quiet: Duration) {
        loop {
            match events.next_timeout(quiet).expect("no error") {
                Next::Item(Delivery::Event(event)) => self.events.push(event),
                Next::Item(Delivery::Loss(loss)) => self.losses.push(loss),
                Next::Idle | Next::Ended => return,
            }
        }
    }

    /// The events of rules with the key of the tests.
    pub(crate) fn ours(&self) -> impl Iterator<Item = &Event> {
        self.events.iter().filter(|event| has_matched(event))
    }
}

/// Returns whether a rule of the tests matched. The records of a changed rule have its key, too.
pub(crate) fn has_matched(event: &Event) -> bool {
    event.has_key(KEY) && event.records_of(MessageType::CONFIG_CHANGE).next().is_none()
}
