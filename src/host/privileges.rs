//! Capabilities and namespaces of this process.

use std::fs;

/// A capability: its number in `linux/capability.h`, and its name.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Capability {
    pub(crate) number: u32,
    pub(crate) name: &'static str,
}

/// Required to send user messages.
pub(crate) const AUDIT_WRITE: Capability = Capability { number: 29, name: "CAP_AUDIT_WRITE" };
/// Required for all other requests.
pub(crate) const AUDIT_CONTROL: Capability = Capability { number: 30, name: "CAP_AUDIT_CONTROL" };
/// Required to join the multicast group.
pub(crate) const AUDIT_READ: Capability = Capability { number: 37, name: "CAP_AUDIT_READ" };
/// Required for a receive buffer that exceeds `net.core.rmem_max`.
pub(crate) const NET_ADMIN: Capability = Capability { number: 12, name: "CAP_NET_ADMIN" };

/// Privileges of this process, which decide whether the kernel accepts its requests.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Privileges {
    /// The effective capabilities, one bit each.
    capabilities: u64,
    /// Whether the process is in the initial pid and the initial user namespace.
    pub(crate) is_initial: bool,
}

impl Privileges {
    /// Reads the privileges of the calling thread; `None` if `/proc` is not mounted.
    pub(crate) fn of_self() -> Option<Self> {
        let status = fs::read_to_string("/proc/thread-self/status").ok()?;
        let mask = status.lines().find_map(|line| line.strip_prefix("CapEff:"))?.trim();
        let is_in = |kind: &str, inode: u32| {
            fs::read_link(format!("/proc/self/ns/{kind}"))
                .is_ok_and(|link| *link.as_os_str() == *format!("{kind}:[{inode}]"))
        };
        Some(Self {
            capabilities: u64::from_str_radix(mask, 16).ok()?,
            is_initial: is_in("pid", INITIAL_PID_NS) && is_in("user", INITIAL_USER_NS),
        })
    }

    pub(crate) const fn has(self, capability: Capability) -> bool {
        self.capabilities >> capability.number & 1 != 0
    }
}

/// The inodes of the initial namespaces; `include/linux/proc_ns.h`, `PROC_*_INIT_INO`.
const INITIAL_USER_NS: u32 = 0xEFFF_FFFD;
const INITIAL_PID_NS: u32 = 0xEFFF_FFFC;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn own_privileges_can_be_read() {
        assert!(Privileges::of_self().is_some());
    }

    #[test]
    fn capabilities_are_bits() {
        let privileges = Privileges { capabilities: 1 << 37, is_initial: true };
        assert!(privileges.has(AUDIT_READ));
        assert!(!privileges.has(AUDIT_CONTROL));
    }
}
