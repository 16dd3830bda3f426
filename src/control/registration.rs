//! Registration as the audit daemon. The kernel has one.

use std::io;

use nix::errno::Errno;

use super::Control;
use super::socket::RequestSocket;
use crate::error::{Error, ErrorKind};
use crate::host::procfs;
use crate::message_type::MessageType;
use crate::netlink::socket::NetlinkSocket;
use crate::wire::request::request;
use crate::wire::status::Change;

/// Registers this process as the audit daemon: the kernel sends records to `socket` from now on.
///
/// Returns the records that arrived before the kernel's answer; kernels before 6.7 may send some.
pub(crate) fn register(socket: NetlinkSocket) -> Result<(NetlinkSocket, Vec<Vec<u8>>), Error> {
    let mut requests = RequestSocket::keeping_records(socket);
    match requests.change(REGISTER, Change::Daemon(std::process::id())) {
        Ok(_) => Ok(requests.into_parts()),
        Err(error) if error.raw_os_error() == Some(Errno::EEXIST as i32) => {
            Err(already_registered(&mut requests))
        }
        Err(error) => Err(error),
    }
}

/// Requests registration again, for a socket that was registered. The answer arrives among the records.
pub(crate) fn reregister(socket: &NetlinkSocket) -> io::Result<()> {
    let payload = Change::Daemon(std::process::id()).to_bytes();
    socket.send(&request(MessageType::SET, 1, &payload))
}

/// Unregisters this process. It is not an error if another process is registered by now.
///
/// If a daemon exits without unregistering, any process that binds its netlink port receives the audit
/// trail.
pub(crate) fn unregister(control: &mut Control) -> Result<(), Error> {
    match control.socket.change("unregister the audit daemon", Change::Daemon(0)) {
        Err(error) if error.raw_os_error() == Some(Errno::EACCES as i32) => Ok(()),
        other => other.map(drop),
    }
}

pub(crate) const REGISTER: &str = "register as the audit daemon";

/// Explains that another process is registered.
///
/// The kernel stores a PID and a netlink port. The process may have exited, and another process may
/// have bound its port.
fn already_registered(requests: &mut RequestSocket) -> Error {
    let pid = match requests.status() {
        Ok(status) => status.pid,
        Err(error) => return error,
    };
    let holder = procfs::port_hijacker(pid);
    let kind = ErrorKind::AlreadyRegistered { pid, command: procfs::command(pid), holder };
    let remedy = if holder.is_some() {
        "stop the process that holds the port, or use Receiver::observer()"
    } else {
        "stop it, or use Receiver::observer()"
    };
    Error::new(REGISTER, kind, remedy).with_io(Errno::EEXIST.into())
}
