//! The watchdog thread.

use std::os::unix::process::CommandExt;
use std::process::{Command, Stdio};
use std::sync::{Arc, mpsc};
use std::thread;
use std::time::Duration;

use super::expected_rules::ExpectedRules;
use super::{RepairGate, Sender, send_marker};
use crate::control::installed::{change_of_rules, while_rules_are_repaired};
use crate::control::{Control, registration};
use crate::error::{Error, ErrorKind};
use crate::event::HealthFaults;
use crate::host::Clock;
use crate::netlink::socket::NetlinkSocket;
use crate::receiver::upkeep::{Marker, WorkerMessage};
use crate::receiver::watchdog::{Heartbeat, HeartbeatState, Repair, WatchdogConfig};
use crate::rule::{Rule, Step};
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
    rules: ExpectedRules,
    repairs: Arc<RepairGate>,
}

/// Starts a watchdog, which expects rules that are loaded now. Returns whether it sends heartbeats.
pub(super) fn start(
    config: &WatchdogConfig,
    sender: Sender,
    clock: Clock,
    daemon: Option<Arc<NetlinkSocket>>,
    repairs: Arc<RepairGate>,
) -> Result<(WatchdogHandle, HeartbeatState), Error> {
    let mut control = Control::open()?;
    let loaded = if config.compares_rules { control.rules()? } else { Vec::new() };
    control.status()?; // if it fails here, every check would fail
    let rules = ExpectedRules::of(&loaded, config.rules_of.as_ref());
    let config = config.clone();
    let mut watchdog = Watchdog { config, control, sender, clock, daemon, rules, repairs };
    // the first message shows whether heartbeats are refused
    let state = match watchdog.config.heartbeat {
        Heartbeat::Off => HeartbeatState::Off,
        Heartbeat::Message => watchdog.send_heartbeat(),
        Heartbeat::Exec(_) => HeartbeatState::Sent,
    };
    let (requests, received) = mpsc::channel();
    thread::Builder::new()
        .name("auditlink-watchdog".to_owned())
        .spawn(move || watchdog.run(&received))
        .map_err(|error| Error::io("start the watchdog", error))?;
    Ok((WatchdogHandle { requests }, state))
}

impl Watchdog {
    fn run(&mut self, requests: &mpsc::Receiver<()>) {
        if matches!(self.config.heartbeat, Heartbeat::Exec(_)) {
            self.send_heartbeat();
        }
        loop {
            let faults = self.check().unwrap_or(HealthFaults::REQUESTS);
            self.sender.send(WorkerMessage::Health(faults));
            match requests.recv_timeout(self.config.interval.max(MIN_INTERVAL)) {
                Err(mpsc::RecvTimeoutError::Disconnected) => return,
                Err(mpsc::RecvTimeoutError::Timeout) => {}
                Ok(()) => {
                    // one check answers all requests of a short time, so that the records of a
                    // repair do not cause another check
                    thread::sleep(MIN_INTERVAL);
                    loop {
                        match requests.try_recv() {
                            Ok(()) => {}
                            Err(mpsc::TryRecvError::Empty) => break,
                            Err(mpsc::TryRecvError::Disconnected) => return,
                        }
                    }
                }
            }
            self.send_heartbeat();
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
        if self.config.compares_rules {
            self.check_rules(&mut faults)?;
        }
        Ok(faults)
    }

    /// Checks the rules and the files that they name, and repairs what the configuration allows.
    fn check_rules(&mut self, faults: &mut HealthFaults) -> Result<(), Error> {
        let _change = change_of_rules();
        self.rules.look_up_files();
        let loaded = self.control.rules()?;
        let files = self.rules.compare_files(&loaded);
        faults.set(HealthFaults::RULES, !self.rules.are(&loaded));
        faults.set(HealthFaults::FILES, files.is_any);
        if !faults.intersects(HealthFaults::RULES | HealthFaults::FILES) {
            return Ok(());
        }
        self.sender.send(WorkerMessage::Health(*faults)); // a fault is reported before its repair
        if self.config.reapply_rules == Repair::Always {
            let is_repaired = while_rules_are_repaired(|| self.reapply_rules(&files.stale));
            faults.set(HealthFaults::RULES, !is_repaired);
            faults.set(HealthFaults::FILES, files.is_gone || !is_repaired && files.is_any);
        } else {
            faults.set(HealthFaults::FILES, files.is_gone || !files.stale.is_empty());
        }
        Ok(())
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

    /// Loads missing rules, in order, and those again that refer to a directory that was replaced. Returns
    /// whether the rules are the expected ones afterwards.
    fn reapply_rules(&mut self, stale: &[Rule]) -> bool {
        let repairs = Arc::clone(&self.repairs);
        repairs.run(|| {
            for rule in stale {
                drop(self.control.step(&Step::Delete(rule.clone())));
            }
            self.rules.forget_files(stale);
            let Ok(loaded) = self.control.rules() else { return false };
            for step in self.rules.plan(&loaded).steps() {
                if !matches!(step, Step::Delete(_)) {
                    // a rule that cannot be loaded, such as one whose directory was removed, does
                    // not prevent the others
                    drop(self.control.step(step));
                }
            }
            let Ok(loaded) = self.control.rules() else { return false };
            self.rules.update_files(&loaded);
            self.rules.are(&loaded)
        })
    }

    /// Sends a heartbeat. Returns whether heartbeats are sent: once one is refused, none is sent any more.
    fn send_heartbeat(&mut self) -> HeartbeatState {
        if self.config.heartbeat == Heartbeat::Off {
            return HeartbeatState::Off;
        }
        let now = self.clock.now();
        let (marker, due) =
            (Marker::new("heartbeat", now), now.saturating_add(self.config.heartbeat_timeout));
        // announced first, because it may come back before its sender continues
        self.sender.send(WorkerMessage::Heartbeat { marker: marker.clone(), due });
        // a heartbeat that cannot be sent otherwise does not come back, which is what is reported
        match &self.config.heartbeat {
            Heartbeat::Off => {}
            Heartbeat::Message => {
                let sent = send_marker(&mut self.control, &marker);
                let is_refused = |error: &Error| {
                    matches!(error.kind(), ErrorKind::NoPermission { .. } | ErrorKind::Namespace)
                };
                if sent.is_err_and(|error| is_refused(&error)) {
                    self.config.heartbeat = Heartbeat::Off;
                    self.sender.send(WorkerMessage::HeartbeatRefused);
                    return HeartbeatState::Refused;
                }
            }
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
        HeartbeatState::Sent
    }
}

/// The shortest time between two checks.
const MIN_INTERVAL: Duration = Duration::from_millis(50);
