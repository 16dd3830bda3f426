//! The watch-dog: looks at regular intervals whether the service is what it was.

use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::sync::{Arc, Mutex, PoisonError, mpsc};
use std::thread;
use std::time::Duration;

use super::marker::Marker;
use super::worker::{Note, Post};
use crate::control::Control;
use crate::control::registration;
use crate::error::Error;
use crate::event::HealthFaults;
use crate::host::Clock;
use crate::netlink::socket::NetlinkSocket;
use crate::rule::{Ownership, Rule, RuleSet, Step};
use crate::wire::status::{Enabled, Status};

/// What is sent on its way, to see whether it comes back.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Heartbeat {
    /// Nothing.
    Off,
    /// A user message. It shows that the kernel queues and sends.
    Message,
    /// This program is started under a name of its own, and its `EXECVE` record is awaited. It
    /// shows that processes are still recorded; some rule must record that it is started. It must
    /// end by itself, as `/bin/true` does.
    Exec(PathBuf),
}

/// What to do about a fault besides telling it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Repair {
    /// Nothing.
    #[default]
    Never,
    /// Mend it, each time.
    Always,
}

/// Says how to watch over the service; [`Receiver::watch`](crate::Receiver::watch) begins with it.
///
/// At every interval, and whenever a record tells of a changed configuration, it reads the status
/// and the counter of lost records, compares the loaded rules with those that were loaded when the
/// watch began, and sends a heartbeat. What is wrong is told as [`Cause::HealthFault`], once, and
/// [`Cause::HealthRestored`] when nothing is wrong any more.
///
/// It works on a thread of its own, since requests can block in the kernel.
///
/// [`Cause::HealthFault`]: crate::event::Cause::HealthFault
/// [`Cause::HealthRestored`]: crate::event::Cause::HealthRestored
#[derive(Clone, Debug, PartialEq, Eq)]
#[must_use = "nothing is watched before Receiver::watch"]
pub struct Watchdog {
    interval: Duration,
    limit: Duration,
    heartbeat: Heartbeat,
    compares_rules: bool,
    reregister: Repair,
    reapply_rules: Repair,
}

impl Default for Watchdog {
    fn default() -> Self {
        Self::new()
    }
}

impl Watchdog {
    /// Watches every 10 seconds, with a message as a heartbeat that must be back within 2 seconds,
    /// compares the rules, and repairs nothing.
    pub const fn new() -> Self {
        Self {
            interval: Duration::from_secs(10),
            limit: Duration::from_secs(2),
            heartbeat: Heartbeat::Message,
            compares_rules: true,
            reregister: Repair::Never,
            reapply_rules: Repair::Never,
        }
    }

    /// Sets the time between two looks. Default 10 s, at least 50 ms.
    pub const fn interval(mut self, interval: Duration) -> Self {
        self.interval = interval;
        self
    }

    /// Sets within what time a heartbeat must be back. Default 2 s.
    ///
    /// A heartbeat that lies in the socket unread is not late: only the reader is.
    pub const fn limit(mut self, limit: Duration) -> Self {
        self.limit = limit;
        self
    }

    /// Sets what is sent as a heartbeat. Default [`Heartbeat::Message`].
    pub fn heartbeat(mut self, heartbeat: Heartbeat) -> Self {
        self.heartbeat = heartbeat;
        self
    }

    /// Sets whether the loaded rules are compared with those at the beginning. Default yes.
    pub const fn compare_rules(mut self, compare: bool) -> Self {
        self.compares_rules = compare;
        self
    }

    /// Sets whether a daemon takes its place again when it has lost it. Default never.
    pub const fn reregister(mut self, repair: Repair) -> Self {
        self.reregister = repair;
        self
    }

    /// Sets whether rules that vanished are loaded again. Default never.
    ///
    /// Only rules that are missing are added; those of others are left alone. Leave, and receive to
    /// the end, before you remove rules yourself: until then they are loaded again.
    pub const fn reapply_rules(mut self, repair: Repair) -> Self {
        self.reapply_rules = repair;
        self
    }
}

/// The time between two looks at least.
const MIN_INTERVAL: Duration = Duration::from_millis(50);

/// A watch that runs. It ends when this is dropped.
#[derive(Debug)]
pub(super) struct Watching {
    look: mpsc::Sender<()>,
}

/// Whether the watch-dogs of a receiver may still mend things. Without it, one could take a place
/// again that was just given back.
#[derive(Debug)]
pub(super) struct Permit(Mutex<bool>);

impl Permit {
    pub(super) const fn new() -> Self {
        Self(Mutex::new(true))
    }

    /// Mends something, if that is still wanted; tells whether it was mended.
    fn use_for(&self, mend: impl FnOnce() -> bool) -> bool {
        let is_wanted = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        *is_wanted && mend()
    }

    /// Waits until nothing is being mended, and allows no more of it.
    pub(super) fn revoke(&self) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = false;
    }
}

impl Watching {
    /// Asks for a look before its time.
    pub(super) fn look_now(&self) {
        let _ = self.look.send(());
    }
}

/// What the thread works with.
struct Watcher {
    watch: Watchdog,
    control: Control,
    post: Post,
    clock: Clock,
    /// The socket that gets the records, if this process is the daemon.
    daemon: Option<Arc<NetlinkSocket>>,
    rules: Vec<Rule>,
    permit: Arc<Permit>,
}

/// Begins to watch, with the rules that are loaded now.
pub(super) fn start(
    watch: &Watchdog,
    post: Post,
    clock: Clock,
    daemon: Option<Arc<NetlinkSocket>>,
    permit: Arc<Permit>,
) -> Result<Watching, Error> {
    let mut control = Control::open()?;
    let rules = if watch.compares_rules { control.rules()? } else { Vec::new() };
    let watch = watch.clone();
    let mut watcher = Watcher { watch, control, post, clock, daemon, rules, permit };
    watcher.control.status()?; // or every look would fail
    let (look, looks) = mpsc::channel();
    thread::Builder::new()
        .name("auditlink-watch".to_owned())
        .spawn(move || watcher.run(&looks))
        .map_err(|error| Error::io("start the watch", error))?;
    Ok(Watching { look })
}

impl Watcher {
    fn run(&mut self, looks: &mpsc::Receiver<()>) {
        loop {
            let faults = self.look().unwrap_or(HealthFaults::REQUESTS);
            self.post.send(Note::Checked(faults));
            self.send_canary();
            match looks.recv_timeout(self.watch.interval.max(MIN_INTERVAL)) {
                Err(mpsc::RecvTimeoutError::Disconnected) => return,
                Err(mpsc::RecvTimeoutError::Timeout) => {}
                Ok(()) => {
                    // one look for all that is asked shortly, so that a look never causes itself
                    thread::sleep(MIN_INTERVAL);
                    while looks.try_recv().is_ok() {}
                }
            }
        }
    }

    /// Looks once, and repairs what it may.
    fn look(&mut self) -> Result<HealthFaults, Error> {
        let mut faults = HealthFaults::empty();
        let begun = self.clock.now();
        let status = self.control.status()?;
        self.post.send(Note::LostCounter(status.lost, begun));
        faults.set(HealthFaults::DISABLED, status.enabled == Enabled::OFF);
        if self.has_lost_registration(&status) {
            faults |= HealthFaults::REGISTRATION;
            self.post.send(Note::Checked(faults)); // told before it is mended
            if self.watch.reregister == Repair::Always && self.reregister() {
                faults -= HealthFaults::REGISTRATION;
            }
        }
        if self.watch.compares_rules && !self.has_its_rules()? {
            faults |= HealthFaults::RULES;
            self.post.send(Note::Checked(faults));
            if self.watch.reapply_rules == Repair::Always && self.reapply_rules() {
                faults -= HealthFaults::RULES;
            }
        }
        Ok(faults)
    }

    fn has_lost_registration(&self, status: &Status) -> bool {
        self.daemon.is_some() && status.pid != std::process::id()
    }

    /// Takes the place again, for the socket that had it; tells whether that went well.
    fn reregister(&mut self) -> bool {
        let permit = Arc::clone(&self.permit);
        permit.use_for(|| {
            self.daemon.as_ref().is_some_and(|socket| registration::reregister(socket).is_ok())
                && self.control.status().is_ok_and(|status| !self.has_lost_registration(&status))
        })
    }

    fn has_its_rules(&mut self) -> Result<bool, Error> {
        let loaded = self.control.rules()?;
        let is_same = |(one, other): (&Rule, &Rule)| one.is_same(other);
        Ok(loaded.len() == self.rules.len() && loaded.iter().zip(&self.rules).all(is_same))
    }

    /// Loads what is missing, in its order; tells whether the rules are then the same.
    fn reapply_rules(&mut self) -> bool {
        let permit = Arc::clone(&self.permit);
        permit.use_for(|| {
            let wanted: RuleSet = self.rules.iter().cloned().collect();
            let Ok(loaded) = self.control.rules() else { return false };
            for step in wanted.plan(&loaded, &Ownership::All).steps() {
                if !matches!(step, Step::Delete(_)) {
                    // one that cannot be loaded, since its directory is gone, say, keeps no other
                    // away
                    drop(self.control.step(step));
                }
            }
            self.has_its_rules().unwrap_or(false)
        })
    }

    fn send_canary(&mut self) {
        if self.watch.heartbeat == Heartbeat::Off {
            return;
        }
        let marker = Marker::new("heartbeat", self.clock);
        let due = self.clock.now().saturating_add(self.watch.limit);
        // announced first: it may be back before its sender
        self.post.send(Note::Heartbeat(marker.clone(), due));
        match &self.watch.heartbeat {
            Heartbeat::Off => {}
            // whatever goes wrong, the heartbeat will not be back
            Heartbeat::Message => drop(marker.send(&mut self.control)),
            Heartbeat::Exec(program) => {
                let status = Command::new(program)
                    .arg0(marker.word())
                    .stdin(Stdio::null())
                    .stdout(Stdio::null())
                    .stderr(Stdio::null())
                    .status();
                drop(status);
            }
        }
    }
}
