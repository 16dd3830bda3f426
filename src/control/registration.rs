//! The kernel's one place for an audit daemon.

use std::io;

use nix::errno::Errno;

use super::request::Exchange;
use crate::error::{Error, ErrorKind};
use crate::host::procfs;
use crate::message_type::MessageType;
use crate::netlink::socket::NetlinkSocket;
use crate::wire::request::request;
use crate::wire::status::{Change, Mask, Status};

/// Makes this process the audit daemon; records go to `socket` from now on.
///
/// Returns the records that came before the kernel's answer (kernels before 6.7 may send some).
pub(crate) fn register(socket: NetlinkSocket) -> Result<(NetlinkSocket, Vec<Vec<u8>>), Error> {
    let mut exchange = Exchange::new(socket, Some(Vec::new()));
    let status = Status { pid: std::process::id(), ..Status::zero() };
    match exchange.change(REGISTER, Mask::PID, &status) {
        Ok(_) => Ok(exchange.into_socket()),
        Err(error) if error.raw_os_error() == Some(Errno::EEXIST as i32) => {
            Err(taken(&mut exchange))
        }
        Err(error) => Err(error),
    }
}

/// Asks for the place once more, for a socket that had it. Its answer comes among the records.
pub(crate) fn reregister(socket: &NetlinkSocket) -> io::Result<()> {
    let status = Status { pid: std::process::id(), ..Status::zero() };
    let payload = Change { mask: Mask::PID, status: &status }.to_bytes();
    socket.send(&request(MessageType::SET, 1, &payload))
}

/// Gives the place back. That somebody else has it by now is no error.
///
/// A daemon that goes without doing this leaves its port to whoever takes the number next.
pub(crate) fn unregister() -> Result<(), Error> {
    let mut exchange = Exchange::new(NetlinkSocket::open()?, None);
    match exchange.change("give up being the audit daemon", Mask::PID, &Status::zero()) {
        Err(error) if error.raw_os_error() == Some(Errno::EACCES as i32) => Ok(()),
        other => other.map(drop),
    }
}

const REGISTER: &str = "become the audit daemon";

/// Finds out who has the place.
///
/// The kernel keeps the number of a process and of a port. The process may be dead, and another
/// may have taken its port, by chance or on purpose.
fn taken(exchange: &mut Exchange) -> Error {
    let pid = match exchange.status() {
        Ok(status) => status.pid,
        Err(error) => return error,
    };
    let holder = procfs::port_hijacker(pid);
    let kind = ErrorKind::AlreadyRegistered { pid, command: procfs::command(pid), holder };
    let remedy = if holder.is_some() {
        "stop the process that holds the port, or listen beside it with Receiver::observer()"
    } else {
        "stop it, or listen beside it with Receiver::observer()"
    };
    Error::new(REGISTER, kind, remedy).with_io(Errno::EEXIST.into())
}
