//! Turning an errno of the kernel into what is the matter.

use std::io;

use nix::errno::Errno;

use crate::error::{Error, ErrorKind};
use crate::host::procfs::Standing;
use crate::message_type::{MessageType, Origin};

/// A capability by number and name.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Capability {
    pub(crate) number: u32,
    pub(crate) name: &'static str,
}

/// Needed to send user-space messages.
pub(crate) const AUDIT_WRITE: Capability = Capability { number: 29, name: "CAP_AUDIT_WRITE" };
/// Needed for every other request.
pub(crate) const AUDIT_CONTROL: Capability = Capability { number: 30, name: "CAP_AUDIT_CONTROL" };
/// Needed to join the multicast group.
pub(crate) const AUDIT_READ: Capability = Capability { number: 37, name: "CAP_AUDIT_READ" };
/// Needed for a receive buffer beyond the limit of the system.
pub(crate) const NET_ADMIN: Capability = Capability { number: 12, name: "CAP_NET_ADMIN" };

pub(crate) const GIVE_CAPABILITY: &str = "run as root, or give the program the capability";
pub(crate) const BOOT_WITH_SUPPORT: &str = "boot without audit=0, on a kernel with CONFIG_AUDIT";
const LEAVE_NAMESPACE: &str =
    "run it on the host, outside of containers and of unshared user and pid namespaces";

/// Explains what the kernel answered to a request.
///
/// `EPERM` has three causes that the kernel does not tell apart: the pid namespace, the capability,
/// and a locked configuration.
pub(crate) fn request_refused(
    operation: &'static str,
    code: i32,
    message_type: MessageType,
    is_locked: impl FnOnce() -> bool,
) -> Error {
    let capability =
        if message_type.origin() == Origin::UserSpace { AUDIT_WRITE } else { AUDIT_CONTROL };
    let (kind, remedy) = match Errno::from_raw(code) {
        Errno::ECONNREFUSED => (ErrorKind::Namespace, Some(LEAVE_NAMESPACE)),
        Errno::EPERM => match Standing::of_self() {
            Some(standing) if !standing.is_initial => (ErrorKind::Namespace, Some(LEAVE_NAMESPACE)),
            Some(standing) if standing.has(capability.number) && is_locked() => {
                (ErrorKind::Locked, Some("reboot to change it"))
            }
            _ => (ErrorKind::NoPermission { capability: capability.name }, Some(GIVE_CAPABILITY)),
        },
        Errno::EEXIST => (ErrorKind::RuleExists, None),
        Errno::ENOENT if message_type == MessageType::DEL_RULE => (ErrorKind::RuleNotFound, None),
        Errno::ENOENT => (ErrorKind::NoSuchPath, Some("create it first, or correct the path")),
        Errno::EINVAL => (
            ErrorKind::Invalid,
            Some("check its range, and whether this kernel has the field, operator or list"),
        ),
        _ => (ErrorKind::Io, None),
    };
    Error::new(operation, kind, remedy).with_io(io::Error::from_raw_os_error(code))
}

/// Explains why a socket could not be opened.
pub(crate) fn socket_refused(error: io::Error) -> Error {
    let code = error.raw_os_error().map(Errno::from_raw);
    if matches!(code, Some(Errno::EPROTONOSUPPORT | Errno::EAFNOSUPPORT)) {
        let remedy = BOOT_WITH_SUPPORT;
        return Error::new("open the audit socket", ErrorKind::NotSupported, remedy).with_io(error);
    }
    Error::io("open the audit socket", error)
}

/// Explains why the multicast group could not be joined.
///
/// The kernel asks for the capability in the initial user namespace.
pub(crate) fn group_refused(error: io::Error) -> Error {
    const OPERATION: &str = "join the audit multicast group";
    if error.raw_os_error() != Some(Errno::EPERM as i32) {
        return Error::io(OPERATION, error);
    }
    let (kind, remedy) = match Standing::of_self() {
        Some(standing) if standing.has(AUDIT_READ.number) && !standing.is_initial => {
            (ErrorKind::Namespace, Some(LEAVE_NAMESPACE))
        }
        _ => (ErrorKind::NoPermission { capability: AUDIT_READ.name }, Some(GIVE_CAPABILITY)),
    };
    Error::new(OPERATION, kind, remedy).with_io(error)
}

/// Says that no records come here: the kernel sends them to its initial network namespace only.
pub(crate) fn deaf_here() -> Error {
    let remedy = "run it in the network namespace of process 1, or be the daemon";
    Error::new("join the audit multicast group", ErrorKind::Network, remedy)
}
