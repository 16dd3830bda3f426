//! The watchdog thread.

use std::os::unix::process::CommandExt;
use std::process::{Command, Stdio};
use std::sync::{Arc, mpsc};
use std::thread;
use std::time::Duration;

use super::{RepairGate, Sender, send_marker};
use crate::control::{Control, registration};
use crate::error::Error;
use crate::event::HealthFaults;
use crate::host::Clock;
use crate::netlink::socket::NetlinkSocket;
use crate::receiver::upkeep::{Marker, WorkerMessage};
use crate::receiver::watchdog::{Heartbeat, Repair, WatchdogConfig};
use crate::rule::{Ownership, Rule, RuleSet, Step};
use crate::wire::status::{Enabled, Status};

/// A running watchdog. Dropping the handle ends it.
#[derive(Debug)]
pub(super) struct WatchdogHandle {
    requests: mpsc::Sender<()>,
}

impl WatchdogHandle {
    /// Requests a check before the interval is over.
    pub(super) fn check_now(&self) {
        let _ = self.requests.send(());
    }
}

/// The thread's state.
struct Watchdog {
    config: WatchdogConfig,
    control: Control,
    sender: Sender,
    clock: Clock,
    /// The socket that receives the records, if this process is the daemon.
    daemon: Option<Arc<NetlinkSocket>>,
    /// The rules that were loaded at the start.
    rules: Vec<Rule>,
    repairs: Arc<RepairGate>,
}

/// Starts a watchdog, which expects the rules that are loaded now.
pub(super) fn start(
    config: &WatchdogConfig,
    sender: Sender,
    clock: Clock,
    daemon: Option<Arc<NetlinkSocket>>,
    repairs: Arc<RepairGate>,
) -> Result<WatchdogHandle, Error> {
    let mut control = Control::open()?;
    let rules = if config.compares_rules { control.rules()? } else { Vec::new() };
    control.status()?; // if it fails here, every check would fail
    let config = config.clone();
    let mut watchdog = Watchdog { config, control, sender, clock, daemon, rules, repairs };
    let (requests, received) = mpsc::channel();
    thread::Builder::new()
        .name("auditlink-watchdog".to_owned())
        .spawn(move || watchdog.run(&received))
        .map_err(|error| Error::io("start the watchdog", error))?;
    Ok(WatchdogHandle { requests })
}

impl Watchdog {
    fn run(&mut self, requests: &mpsc::Receiver<()>) {
        loop {
            let faults = self.check().unwrap_or(HealthFaults::REQUESTS);
            self.sender.send(WorkerMessage::Health(faults));
            self.send_heartbeat();
            match requests.recv_timeout(self.config.interval.max(MIN_INTERVAL)) {
                Err(mpsc::RecvTimeoutError::Disconnected) => return,
                Err(mpsc::RecvTimeoutError::Timeout) => {}
                Ok(()) => {
                    // one check answers all requests of a short time, so that the records of a
                    // repair do not cause another check
                    thread::sleep(MIN_INTERVAL);
                    while requests.try_recv().is_ok() {}
                }
            }
        }
    }

    /// Checks the audit system once, and repairs what the configuration allows.
    fn check(&mut self) -> Result<HealthFaults, Error> {
        let mut faults = HealthFaults::empty();
        let begun = self.clock.now();
        let status = self.control.status()?;
        self.sender.send(WorkerMessage::LostCounter { total: status.lost, begun });
        faults.set(HealthFaults::DISABLED, status.enabled == Enabled::OFF);
        if self.has_lost_registration(&status) {
            faults |= HealthFaults::REGISTRATION;
            self.sender.send(WorkerMessage::Health(faults)); // a fault is reported before its repair
            if self.config.reregister == Repair::Always && self.reregister() {
                faults -= HealthFaults::REGISTRATION;
            }
        }
        if self.config.compares_rules && !self.has_expected_rules()? {
            faults |= HealthFaults::RULES;
            self.sender.send(WorkerMessage::Health(faults));
            if self.config.reapply_rules == Repair::Always && self.reapply_rules() {
                faults -= HealthFaults::RULES;
            }
        }
        Ok(faults)
    }

    fn has_lost_registration(&self, status: &Status) -> bool {
        self.daemon.is_some() && status.pid != std::process::id()
    }

    /// Registers the daemon's socket again. Returns whether that succeeded.
    fn reregister(&mut self) -> bool {
        let repairs = Arc::clone(&self.repairs);
        repairs.run(|| {
            self.daemon.as_ref().is_some_and(|socket| registration::reregister(socket).is_ok())
                && self.control.status().is_ok_and(|status| !self.has_lost_registration(&status))
        })
    }

    fn has_expected_rules(&mut self) -> Result<bool, Error> {
        let loaded = self.control.rules()?;
        let is_same = |(one, other): (&Rule, &Rule)| one.is_same(other);
        Ok(loaded.len() == self.rules.len() && loaded.iter().zip(&self.rules).all(is_same))
    }

    /// Loads missing rules, in order. Returns whether the rules are the expected ones afterwards.
    fn reapply_rules(&mut self) -> bool {
        let repairs = Arc::clone(&self.repairs);
        repairs.run(|| {
            let wanted: RuleSet = self.rules.iter().cloned().collect();
            let Ok(loaded) = self.control.rules() else { return false };
            for step in wanted.plan(&loaded, &Ownership::All).steps() {
                if !matches!(step, Step::Delete(_)) {
                    // a rule that cannot be loaded, such as one whose directory was removed, does
                    // not prevent the others
                    drop(self.control.step(step));
                }
            }
            self.has_expected_rules().unwrap_or(false)
        })
    }

    fn send_heartbeat(&mut self) {
        if self.config.heartbeat == Heartbeat::Off {
            return;
        }
        let now = self.clock.now();
        let (marker, due) =
            (Marker::new("heartbeat", now), now.saturating_add(self.config.heartbeat_timeout));
        // announced first, because it may come back before its sender continues
        self.sender.send(WorkerMessage::Heartbeat { marker: marker.clone(), due });
        // a heartbeat that cannot be sent does not come back, which is what is reported
        match &self.config.heartbeat {
            Heartbeat::Off => {}
            Heartbeat::Message => drop(send_marker(&mut self.control, &marker)),
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

/// The shortest time between two checks.
const MIN_INTERVAL: Duration = Duration::from_millis(50);
