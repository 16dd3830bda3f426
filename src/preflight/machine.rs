//! Checks of this process, the kernel's settings, and the registered daemon.

use std::fs;

use super::{Check, Finding};
use crate::host::privileges::{
    AUDIT_CONTROL, AUDIT_READ, AUDIT_WRITE, Capability, NET_ADMIN, Privileges,
};
use crate::host::procfs;
use crate::netlink::error_map::GIVE_CAPABILITY;
use crate::wire::status::{Enabled, FailureMode, Status};

/// The capabilities, their purpose, and whether records are missed without them.
const CAPABILITIES: [(Capability, &str, bool); 4] = [
    (
        AUDIT_CONTROL,
        "to register as the daemon, to change rules, and to read the counter of lost records",
        true,
    ),
    (AUDIT_READ, "to receive records as an observer", true),
    (AUDIT_WRITE, "to flush the kernel's retry queue after backpressure", false),
    (NET_ADMIN, "for a receive buffer that exceeds net.core.rmem_max", false),
];

/// Checks the privileges of this process.
pub(super) fn check_self(findings: &mut Vec<Finding>) {
    let Some(privileges) = Privileges::of_self() else {
        let text = "/proc is not mounted, so capabilities and namespaces are unknown";
        findings.push(Finding::missed(Check::Capabilities, text, "mount /proc"));
        return;
    };
    let mut lacks = false;
    for (capability @ Capability { name, .. }, purpose, is_missed) in CAPABILITIES {
        if privileges.has(capability) {
            continue;
        }
        lacks = true;
        let text = format!("{name} is missing; it is required {purpose}");
        let finding = if is_missed { Finding::missed } else { Finding::note };
        findings.push(finding(Check::Capabilities, text, GIVE_CAPABILITY));
    }
    if !lacks {
        findings.push(Finding::fine(Check::Capabilities, "all required capabilities"));
    }
    findings.push(if privileges.is_initial {
        Finding::fine(Check::Namespace, "the initial user and pid namespace")
    } else {
        let text = "not the initial user and pid namespace: the kernel refuses requests";
        Finding::missed(
            Check::Namespace,
            text,
            "run the program on the host, outside of containers",
        )
    });
    check_network(findings);
    check_buffer(privileges, findings);
}

/// Checks the network namespace: the kernel sends multicast records to the initial one only.
fn check_network(findings: &mut Vec<Finding>) {
    findings.push(match procfs::is_in_initial_network() {
        Some(true) => Finding::fine(Check::Network, "the network namespace of process 1"),
        Some(false) => {
            let text =
                "not the network namespace of process 1: an observer receives no records";
            Finding::missed(Check::Network, text, "run the program on the host, or use Receiver::daemon()")
        }
        None => {
            let text = "it is unknown whether this is the initial network namespace";
            let remedy = "give the program CAP_SYS_PTRACE, which reading the namespace of process 1 requires";
            Finding::note(Check::Network, text, remedy)
        }
    });
}

fn check_buffer(privileges: Privileges, findings: &mut Vec<Finding>) {
    let limit = fs::read_to_string("/proc/sys/net/core/rmem_max").ok();
    let limit: Option<u64> = limit.and_then(|text| text.trim().parse().ok());
    findings.push(match limit {
        _ if privileges.has(NET_ADMIN) => Finding::fine(Check::ReceiveBuffer, "any requested size"),
        Some(bytes) if bytes >= 4 << 20 => {
            Finding::fine(Check::ReceiveBuffer, format!("up to {bytes} bytes"))
        }
        Some(bytes) => Finding::note(
            Check::ReceiveBuffer,
            format!("at most {bytes} bytes, about {} records", bytes / 500),
            "set net.core.rmem_max to 16777216, or give the program CAP_NET_ADMIN",
        ),
        None => Finding::note(Check::ReceiveBuffer, "its limit cannot be read", None),
    });
}

/// Checks the kernel's settings and counters.
pub(super) fn check_status(status: &Status, findings: &mut Vec<Finding>) {
    findings.push(if status.enabled == Enabled::OFF {
        let remedy = "enable it with Settings::enabled(true), or auditctl -e 1";
        Finding::missed(Check::Enabled, "auditing is disabled", remedy)
    } else {
        Finding::fine(Check::Enabled, "auditing is enabled")
    });
    if status.enabled == Enabled::LOCKED {
        let text = "rules and settings are locked until the next boot";
        findings.push(Finding::note(Check::Locked, text, "reboot to change them"));
    }
    findings.push(match status.rate_limit {
        0 => Finding::fine(Check::RateLimit, "none"),
        limit => Finding::missed(
            Check::RateLimit,
            format!("records beyond {limit} per second are dropped"),
            "set it to 0 with Settings::lossless, or auditctl -r 0",
        ),
    });
    let full = status.pressure().map_or(0.0, |pressure| pressure * 100.0);
    let text =
        format!("{} of {} records queued, {full:.0} %", status.backlog, status.backlog_limit);
    findings.push(match status.backlog_limit {
        1..8192 => Finding::note(
            Check::Backlog,
            format!("{text}; the limit is low"),
            "set it to 8192 with Settings::lossless, or auditctl -b 8192",
        ),
        _ => Finding::fine(Check::Backlog, text),
    });
    let waited = match status.backlog_wait_time_actual {
        Some(ticks) => format!("; processes have waited for {ticks} since boot"),
        None => String::new(),
    };
    match status.backlog_wait_time {
        Some(0) if status.backlog_limit > 0 => findings.push(Finding::missed(
            Check::WaitTime,
            "0: when the queue is full, records are lost immediately",
            "set it to 15000 with Settings::lossless, or auditctl --backlog_wait_time 15000",
        )),
        Some(ticks) => {
            let text = format!("{ticks} kernel ticks{waited}");
            findings.push(Finding::fine(Check::WaitTime, text));
        }
        None => {}
    }
    findings.push(match status.failure {
        FailureMode::PRINTK => Finding::fine(Check::Failure, "the kernel writes to its log"),
        FailureMode::PANIC => Finding::note(
            Check::Failure,
            "the kernel panics on any lost record",
            "set it to 1 with Settings::failure, or auditctl -f 1",
        ),
        mode => Finding::note(
            Check::Failure,
            format!("{mode}: the kernel does not log lost records"),
            "set it to 1 with Settings::failure, or auditctl -f 1",
        ),
    });
    findings.push(match status.lost {
        0 => Finding::fine(Check::Lost, "no record was lost since boot or the last reset"),
        lost => Finding::note(
            Check::Lost,
            format!("{lost} records or events were lost since boot or the last reset"),
            "raise the backlog limit, and read faster; auditctl --reset-lost resets the counter",
        ),
    });
}

/// Checks which process is registered as the daemon.
pub(super) fn check_daemon(status: &Status, findings: &mut Vec<Finding>) {
    let pid = status.pid;
    if pid == 0 {
        findings.push(Finding::fine(Check::Daemon, "none is registered"));
        return;
    }
    let holder = procfs::port_hijacker(pid);
    findings.push(match (procfs::command(pid), holder) {
        (Some(command), _) if pid == std::process::id() => {
            Finding::fine(Check::Daemon, format!("this process ({command})"))
        }
        (Some(command), None) => Finding::note(
            Check::Daemon,
            format!("process {pid} ({command})"),
            "use Receiver::observer(), or stop it",
        ),
        (_, Some(holder)) => {
            let command = procfs::command(holder).unwrap_or_default();
            let text = format!(
                "process {pid} is registered, but process {holder} ({command}) has bound its port and \
                 may receive the audit trail"
            );
            Finding::missed(Check::Daemon, text, "stop the process that holds the port")
        }
        (None, None) => Finding::note(
            Check::Daemon,
            format!("process {pid} is registered, but has exited"),
            "start a daemon, which registers in its place",
        ),
    });
}
