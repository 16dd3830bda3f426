//! The netlink socket: opening, options, sending and waiting.

use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd};
use std::time::Duration;

use netlink_sys::{Socket, SocketAddr};
use nix::errno::Errno;
use nix::libc;
use nix::poll::{PollFd, PollFlags, ppoll};
use nix::sys::socket::{self, sockopt};
use nix::sys::time::TimeSpec;
use nix::{getsockopt_impl, sockopt_impl};

use super::error_map;
use crate::error::Error;

/// The netlink protocol of the audit system.
pub(crate) const NETLINK_AUDIT: i32 = libc::NETLINK_AUDIT;

/// The multicast group that gets a copy of every record.
const AUDIT_NLGRP_READLOG: u32 = 1;

/// The multicast group of the process connector; `include/uapi/linux/connector.h`, `CN_IDX_PROC`.
const CN_IDX_PROC: u32 = 1;

/// A netlink socket. It cannot be cloned, because a clone would close the descriptor twice.
pub(crate) struct NetlinkSocket {
    socket: Socket,
}

impl NetlinkSocket {
    /// Opens a socket (close-on-exec) and gives it a port.
    pub(crate) fn open() -> Result<Self, Error> {
        let protocol = isize::try_from(NETLINK_AUDIT).unwrap_or_default();
        let mut socket = Socket::new(protocol).map_err(error_map::socket_refused)?;
        socket.bind_auto().map_err(|error| Error::io("bind the audit socket", error))?;
        Ok(Self { socket })
    }

    /// Opens a socket to the process connector and joins its group.
    ///
    /// The socket option `NETLINK_BROADCAST_ERROR` keeps the connector alive while the socket is full:
    /// without it, the kernel takes a message that reached no socket as a sign that no process listens.
    pub(crate) fn open_connector() -> io::Result<Self> {
        let mut socket = Socket::new(isize::try_from(libc::NETLINK_CONNECTOR).unwrap_or_default())?;
        socket.bind_auto()?;
        socket.set_broadcast_error(true)?;
        socket.add_membership(CN_IDX_PROC)?;
        Ok(Self { socket })
    }

    /// Joins the multicast group.
    pub(crate) fn join_multicast(&self) -> Result<(), Error> {
        self.socket.add_membership(AUDIT_NLGRP_READLOG).map_err(error_map::group_refused)
    }

    /// Leaves the multicast group.
    pub(crate) fn leave_multicast(&self) -> Result<(), Error> {
        self.socket
            .drop_membership(AUDIT_NLGRP_READLOG)
            .map_err(|error| Error::io("leave the audit multicast group", error))
    }

    /// Makes the socket accept datagrams again as soon as one was read, instead of all. Overflows are
    /// then counted by [`drops`](Self::drops), and not reported as `ENOBUFS`.
    pub(crate) fn disable_enobufs(&self) -> Result<(), Error> {
        self.socket.set_no_enobufs(true).map_err(|error| Error::io("set NETLINK_NO_ENOBUFS", error))
    }

    /// Leaves the request out of acknowledgements that report an error.
    pub(crate) fn shorten_acknowledgements(&self) -> Result<(), Error> {
        self.socket.set_cap_ack(true).map_err(|error| Error::io("set NETLINK_CAP_ACK", error))
    }

    /// Requests a receive buffer, and returns the size that the kernel granted, in its own accounting,
    /// which is twice the requested size.
    ///
    /// Exceeding `net.core.rmem_max` requires `CAP_NET_ADMIN`; without it, the size is that limit.
    pub(crate) fn set_receive_buffer(&self, bytes: usize) -> Result<usize, Error> {
        let bytes = bytes.min(usize::try_from(i32::MAX / 2).unwrap_or(usize::MAX));
        socket::setsockopt(&self.socket, sockopt::RcvBufForce, &bytes)
            .or_else(|error| match error {
                Errno::EPERM => socket::setsockopt(&self.socket, sockopt::RcvBuf, &bytes),
                other => Err(other),
            })
            .map_err(|error| Error::io("set the receive buffer", error.into()))?;
        self.receive_buffer()
    }

    /// Returns the size of the receive buffer in the kernel's accounting.
    pub(crate) fn receive_buffer(&self) -> Result<usize, Error> {
        socket::getsockopt(&self.socket, sockopt::RcvBuf)
            .map_err(|error| Error::io("read the receive buffer's size", error.into()))
    }

    /// Returns the number of datagrams that this socket has dropped; `None` before Linux 4.12.
    pub(crate) fn drops(&self) -> Option<u32> {
        let info = socket::getsockopt(&self.socket, MemoryInfo).ok()?;
        info.get(SK_MEMINFO_DROPS).copied()
    }

    /// Returns the port that the kernel gave the socket.
    pub(crate) fn port(&self) -> Result<u32, Error> {
        let mut address = SocketAddr::new(0, 0);
        self.socket
            .get_address(&mut address)
            .map_err(|error| Error::io("read the socket's port", error))?;
        Ok(address.port_number())
    }

    /// Sends a datagram to the kernel.
    pub(crate) fn send(&self, datagram: &[u8]) -> io::Result<()> {
        loop {
            match self.socket.send_to(datagram, &SocketAddr::new(0, 0), 0) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
                Ok(_) => return Ok(()),
            }
        }
    }

    /// Waits until a datagram or an error can be received, or `time` has passed (`None` waits
    /// indefinitely). Returns whether one can be. A signal handler ends the wait early.
    pub(crate) fn wait(&self, time: Option<Duration>) -> io::Result<bool> {
        let mut files = [PollFd::new(self.socket.as_fd(), PollFlags::POLLIN)];
        wait(&mut files, time)
    }

    /// As [`wait`](Self::wait), or until one of the other files is readable.
    pub(crate) fn wait_with(
        &self,
        other: BorrowedFd<'_>,
        companion: Option<BorrowedFd<'_>>,
        time: Option<Duration>,
    ) -> io::Result<Ready> {
        let own = self.socket.as_fd();
        let mut files =
            [own, other, companion.unwrap_or(own)].map(|fd| PollFd::new(fd, PollFlags::POLLIN));
        let count = if companion.is_some() { 3 } else { 2 };
        let files = files.get_mut(..count).unwrap_or_default();
        wait(files, time)?;
        let mut ready = files.iter().map(|file| file.any().unwrap_or(false));
        let mut next = || ready.next().unwrap_or(false);
        Ok(Ready { socket: next(), other: next(), companion: next() })
    }
}

/// Which files are readable after [`NetlinkSocket::wait_with`].
#[derive(Clone, Copy, Debug)]
pub(crate) struct Ready {
    pub(crate) socket: bool,
    other: bool,
    companion: bool,
}

impl Ready {
    /// Returns whether the companion is readable, and neither of the others.
    pub(crate) const fn is_only_companion(self) -> bool {
        self.companion && !self.socket && !self.other
    }
}

fn wait(files: &mut [PollFd<'_>], time: Option<Duration>) -> io::Result<bool> {
    match ppoll(files, time.map(TimeSpec::from_duration), None) {
        Ok(ready) => Ok(ready > 0),
        Err(Errno::EINTR) => Ok(false),
        Err(error) => Err(error.into()),
    }
}

impl AsFd for NetlinkSocket {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.socket.as_fd()
    }
}

impl std::fmt::Debug for NetlinkSocket {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("NetlinkSocket").field("fd", &self.socket.as_raw_fd()).finish()
    }
}

sockopt_impl!(
    /// Memory and drops of a socket: `SO_MEMINFO`, since Linux 4.12.
    MemoryInfo,
    GetOnly,
    libc::SOL_SOCKET,
    libc::SO_MEMINFO,
    [u32; 9]
);

/// The index of the drop counter; `include/uapi/linux/sock_diag.h`.
const SK_MEMINFO_DROPS: usize = 8;
