//! The causes of errors of the netlink socket.

use std::io;

use nix::errno::Errno;

use crate::error::{Error, ErrorKind};
use crate::host::privileges::{AUDIT_CONTROL, AUDIT_READ, AUDIT_WRITE, Privileges};
use crate::message_type::{MessageType, Origin};

pub(crate) const GIVE_CAPABILITY: &str = "run as root, or give the program the capability";
pub(crate) const BOOT_WITH_SUPPORT: &str = "boot without audit=0, on a kernel with CONFIG_AUDIT";
const LEAVE_NAMESPACE: &str =
    "run the program on the host, outside of containers and unshared user and pid namespaces";

/// Returns the error for a request that the kernel refused.
///
/// The kernel answers `EPERM` for three causes: the pid namespace, a missing capability, and a locked
/// configuration.
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
        Errno::EPERM => match Privileges::of_self() {
            Some(privileges) if !privileges.is_initial => {
                (ErrorKind::Namespace, Some(LEAVE_NAMESPACE))
            }
            Some(privileges) if privileges.has(capability) && is_locked() => {
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

/// Returns the error for a socket that could not be opened.
pub(crate) fn socket_refused(error: io::Error) -> Error {
    let code = error.raw_os_error().map(Errno::from_raw);
    if matches!(code, Some(Errno::EPROTONOSUPPORT | Errno::EAFNOSUPPORT)) {
        let remedy = BOOT_WITH_SUPPORT;
        return Error::new("open the audit socket", ErrorKind::NotSupported, remedy).with_io(error);
    }
    Error::io("open the audit socket", error)
}

/// Returns the error for a multicast group that could not be joined.
///
/// The kernel requires the capability in the initial user namespace.
pub(crate) fn group_refused(error: io::Error) -> Error {
    const OPERATION: &str = "join the audit multicast group";
    if error.raw_os_error() != Some(Errno::EPERM as i32) {
        return Error::io(OPERATION, error);
    }
    let (kind, remedy) = match Privileges::of_self() {
        Some(privileges) if privileges.has(AUDIT_READ) && !privileges.is_initial => {
            (ErrorKind::Namespace, Some(LEAVE_NAMESPACE))
        }
        _ => (ErrorKind::NoPermission { capability: AUDIT_READ.name }, Some(GIVE_CAPABILITY)),
    };
    Error::new(OPERATION, kind, remedy).with_io(error)
}

/// Returns the error for an observer in another network namespace than the initial one, where the kernel
/// sends no records.
pub(crate) fn other_network() -> Error {
    let remedy = "run the program in the network namespace of process 1, or use Receiver::daemon()";
    Error::new("join the audit multicast group", ErrorKind::Network, remedy)
}
