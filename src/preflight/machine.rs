//! The process itself, the kernel's settings, and who is the daemon.

use std::fs;

use super::{Check, Finding};
use crate::host::procfs::{self, Standing};
use crate::netlink::error_map::{
    AUDIT_CONTROL, AUDIT_READ, AUDIT_WRITE, Capability, GIVE_CAPABILITY, NET_ADMIN,
};
use crate::wire::status::{Enabled, FailureMode, Status};

/// The capabilities, what they are for, and whether something is missed without.
const CAPABILITIES: [(Capability, &str, bool); 4] = [
    (AUDIT_CONTROL, "to be the daemon, to change rules, and to read what was lost", true),
    (AUDIT_READ, "to be an observer", true),
    (AUDIT_WRITE, "to wake the kernel up after a congestion", false),
    (NET_ADMIN, "for a receive buffer beyond net.core.rmem_max", false),
];

/// Looks at what this process may do.
pub(super) fn look_at_self(findings: &mut Vec<Finding>) {
    let Some(standing) = Standing::of_self() else {
        let text = "/proc is not mounted: capabilities and namespaces are not known";
        findings.push(Finding::missed(Check::Capabilities, text, "mount /proc"));
        return;
    };
    let mut lacks = false;
    for (Capability { number, name }, purpose, is_missed) in CAPABILITIES {
        if standing.has(number) {
            continue;
        }
        lacks = true;
        let text = format!("{name} is missing: it is needed {purpose}");
        let finding = if is_missed { Finding::missed } else { Finding::note };
        findings.push(finding(Check::Capabilities, text, GIVE_CAPABILITY));
    }
    if !lacks {
        findings.push(Finding::fine(Check::Capabilities, "all that are needed"));
    }
    findings.push(if standing.is_initial {
        Finding::fine(Check::Namespace, "the initial user and pid namespace")
    } else {
        let text = "not the initial user and pid namespace: the kernel takes no requests from here";
        Finding::missed(Check::Namespace, text, "run it on the host, outside of containers")
    });
    look_at_network(findings);
    look_at_buffer(standing, findings);
}

/// Multicast records come in the initial network namespace only, that of process 1.
fn look_at_network(findings: &mut Vec<Finding>) {
    findings.push(match procfs::is_in_first_network() {
        Some(true) => Finding::fine(Check::Network, "the network namespace of process 1"),
        Some(false) => {
            let text =
                "another network namespace than process 1 has: an observer gets no records here";
            Finding::missed(Check::Network, text, "run it on the host, or be the daemon")
        }
        None => {
            let text = "whether this is the initial network namespace cannot be told";
            let remedy = "give the program CAP_SYS_PTRACE, which looking at process 1 needs";
            Finding::note(Check::Network, text, remedy)
        }
    });
}

fn look_at_buffer(standing: Standing, findings: &mut Vec<Finding>) {
    let limit = fs::read_to_string("/proc/sys/net/core/rmem_max").ok();
    let limit: Option<u64> = limit.and_then(|text| text.trim().parse().ok());
    findings.push(match limit {
        _ if standing.has(NET_ADMIN.number) => {
            Finding::fine(Check::ReceiveBuffer, "as large as is asked for")
        }
        Some(bytes) if bytes >= 4 << 20 => {
            Finding::fine(Check::ReceiveBuffer, format!("up to {bytes} bytes"))
        }
        Some(bytes) => Finding::note(
            Check::ReceiveBuffer,
            format!("{bytes} bytes at most, about {} records", bytes / 500),
            "set net.core.rmem_max to 16777216, or give the program CAP_NET_ADMIN",
        ),
        None => Finding::note(Check::ReceiveBuffer, "its limit cannot be read", None),
    });
}

/// Looks at the kernel's settings and counters.
pub(super) fn look_at_status(status: &Status, findings: &mut Vec<Finding>) {
    findings.push(if status.enabled == Enabled::OFF {
        let remedy = "turn it on with Settings::enabled(true), or auditctl -e 1";
        Finding::missed(Check::Enabled, "auditing is off", remedy)
    } else {
        Finding::fine(Check::Enabled, "auditing is on")
    });
    if status.enabled == Enabled::LOCKED {
        let text = "rules and settings are locked until the next boot";
        findings.push(Finding::note(Check::Locked, text, "reboot to change them"));
    }
    findings.push(match status.rate_limit {
        0 => Finding::fine(Check::RateLimit, "none"),
        limit => Finding::missed(
            Check::RateLimit,
            format!("what goes beyond {limit} records a second is dropped"),
            "set it to 0 with Settings::lossless, or auditctl -r 0",
        ),
    });
    let full = status.pressure().map_or(0.0, |pressure| pressure * 100.0);
    let text =
        format!("{} of {} records queued, {full:.0} %", status.backlog, status.backlog_limit);
    findings.push(match status.backlog_limit {
        1..8192 => Finding::note(
            Check::Backlog,
            format!("{text}: a small queue"),
            "set it to 8192 with Settings::lossless, or auditctl -b 8192",
        ),
        _ => Finding::fine(Check::Backlog, text),
    });
    let waited = match status.backlog_wait_time_actual {
        Some(ticks) => format!(", {ticks} waited up to now"),
        None => String::new(),
    };
    match status.backlog_wait_time {
        Some(0) if status.backlog_limit > 0 => findings.push(Finding::missed(
            Check::WaitTime,
            "0: when the queue is full, records are lost at once",
            "set it to 15000 with Settings::lossless, or auditctl --backlog_wait_time 15000",
        )),
        Some(ticks) => {
            let text = format!("{ticks} kernel ticks{waited}");
            findings.push(Finding::fine(Check::WaitTime, text));
        }
        None => {}
    }
    findings.push(match status.failure {
        FailureMode::PRINTK => Finding::fine(Check::Failure, "a line in the kernel's log"),
        FailureMode::PANIC => Finding::note(
            Check::Failure,
            "any lost record halts the machine",
            "see that the reader never stalls, or set it to 1 with auditctl -f 1",
        ),
        mode => Finding::note(
            Check::Failure,
            format!("{mode}: the kernel's log will not tell of what is lost"),
            "set it to 1 with Settings::failure, or auditctl -f 1",
        ),
    });
    findings.push(match status.lost {
        0 => Finding::fine(Check::Lost, "nothing was counted as lost"),
        lost => Finding::note(
            Check::Lost,
            format!("{lost} records or events were lost before now"),
            "use a longer queue and a faster reader; auditctl --reset-lost sets the counter to 0",
        ),
    });
}

/// Looks who has the daemon's place.
pub(super) fn look_at_daemon(status: &Status, findings: &mut Vec<Finding>) {
    let pid = status.pid;
    if pid == 0 {
        findings.push(Finding::fine(Check::Daemon, "there is none: the place is free"));
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
            "listen beside it as an observer, or stop it",
        ),
        (_, Some(holder)) => {
            let command = procfs::command(holder).unwrap_or_default();
            let text = format!(
                "process {pid} is on record, but process {holder} ({command}) holds its port, and may \
                 get the audit trail"
            );
            Finding::missed(Check::Daemon, text, "stop the process that holds the port")
        }
        (None, None) => Finding::note(
            Check::Daemon,
            format!("process {pid} is on record, but gone: the kernel has not noticed"),
            "start a daemon; it takes the place over",
        ),
    });
}
