//! Configuring and opening a receiver.

use std::os::fd::AsFd;
use std::sync::Arc;
use std::time::Duration;

use super::coalesce::Coalesce;
use super::receiver::{Kept, Receiver};
use super::upkeep::{Role, Upkeep};
use super::worker::Workers;
use crate::control::registration;
use crate::error::{Error, ErrorKind};
use crate::host::{Clock, procfs};
use crate::netlink::batch::Batch;
use crate::netlink::error_map;
use crate::netlink::socket::NetlinkSocket;
use crate::time::Tick;

/// Configures a [`Receiver`]; made by [`Receiver::observer`] or [`Receiver::daemon`].
///
/// # Examples
///
/// ```no_run
/// use auditlink::Receiver;
///
/// let receiver = Receiver::observer().receive_buffer(32 << 20).batch(256).open()?;
/// # Ok::<(), auditlink::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use = "nothing is received before the receiver is opened"]
pub struct ReceiverBuilder {
    role: Role,
    receive_buffer: usize,
    batch: usize,
    buffer_size: usize,
    coalesce: Duration,
}

impl Receiver {
    /// Returns a builder for a reader of the multicast group.
    ///
    /// It requires `CAP_AUDIT_READ` in the initial user namespace, and the initial network namespace,
    /// because the kernel sends no records elsewhere. With `CAP_AUDIT_CONTROL` it reads the kernel's
    /// counter of lost records at the start and at the end; without it, completeness cannot be
    /// verified.
    ///
    /// # Kernel version
    ///
    /// Since 3.16.
    pub const fn observer() -> ReceiverBuilder {
        ReceiverBuilder::new(Role::Observer)
    }

    /// Returns a builder for the audit daemon.
    ///
    /// It requires `CAP_AUDIT_CONTROL` in the initial user and pid namespace, and `CAP_AUDIT_WRITE` to
    /// flush the kernel's retry queue. While rules are loaded, the kernel does not audit the system
    /// calls of the daemon itself, only those of its children.
    #[doc(alias = "AUDIT_STATUS_PID")]
    pub const fn daemon() -> ReceiverBuilder {
        ReceiverBuilder::new(Role::Daemon)
    }
}

impl ReceiverBuilder {
    pub(super) const fn new(role: Role) -> Self {
        Self {
            role,
            receive_buffer: match role {
                Role::Observer => 16 << 20,
                Role::Daemon => 4 << 20,
            },
            batch: 128,
            buffer_size: 16 * 1024,
            coalesce: Duration::from_micros(200),
        }
    }

    /// Requests a receive buffer of this many bytes. Default 16 MiB for an observer, about 30,000
    /// records, and 4 MiB for a daemon, for which the kernel keeps records that do not fit.
    ///
    /// Exceeding `net.core.rmem_max` requires `CAP_NET_ADMIN`; [`Receiver::receive_buffer`] returns the
    /// size that the kernel granted.
    #[doc(alias = "SO_RCVBUF")]
    pub const fn receive_buffer(mut self, bytes: usize) -> Self {
        self.receive_buffer = bytes;
        self
    }

    /// Sets how many datagrams one system call may receive. Default 128.
    pub const fn batch(mut self, datagrams: usize) -> Self {
        self.batch = if datagrams == 0 { 1 } else { datagrams };
        self
    }

    /// Sets the maximum length of a record. Default 16 KiB, at least 1 KiB; the longest measured record
    /// has 8.6 KB. A longer record is delivered truncated, and reported as a loss.
    pub const fn record_size(mut self, bytes: usize) -> Self {
        self.buffer_size = if bytes < 1024 { 1024 } else { bytes };
        self
    }

    /// Sets how long to wait for further records before each read under load. Default 200 µs.
    ///
    /// This saves a system call and a wake-up per record. It delays nothing at rates below about 16,000
    /// records a second. Zero turns it off.
    pub const fn coalesce(mut self, time: Duration) -> Self {
        self.coalesce = time;
        self
    }

    /// Opens the receiver, which makes one or two requests. They can block in the kernel while its
    /// queue exceeds the backlog limit.
    ///
    /// # Errors
    ///
    /// For an observer, [`ErrorKind::NoPermission`](crate::ErrorKind::NoPermission) without
    /// `CAP_AUDIT_READ`, and [`ErrorKind::Network`](crate::ErrorKind::Network) if the process can
    /// determine that its network namespace is not that of process 1, because no records arrive there.
    /// For a daemon, [`ErrorKind::AlreadyRegistered`](crate::ErrorKind::AlreadyRegistered), which names
    /// the registered process, and the errors of [`Control::status`](crate::Control::status).
    pub fn open(self) -> Result<Receiver, Error> {
        let clock = Clock::start();
        // registering is the last thing that can fail: what leaving needs is there before
        let socket = NetlinkSocket::open()?;
        let workers = Workers::new(clock)?;
        let readiness = workers.joined_with(socket.as_fd())?;
        let receive_buffer = socket.set_receive_buffer(self.receive_buffer)?;
        // read before the first record can be lost
        let drops = socket.drops();
        let begun = clock.now();
        let lost = match workers.control().lock().status() {
            Ok(status) => Some(status.lost),
            // an observer may lack the permission to read the status
            Err(_) if self.role == Role::Observer => None,
            Err(error) => return Err(error.with_operation(registration::REGISTER)),
        };
        let (socket, kept) = match self.role {
            Role::Observer => {
                socket.join_multicast()?;
                if procfs::is_in_initial_network() == Some(false) {
                    return Err(error_map::other_network());
                }
                (socket, Vec::new())
            }
            Role::Daemon => {
                socket.disable_enobufs()?;
                registration::register(socket).inspect_err(|error| {
                    // the kernel may have registered this process, though no answer arrived
                    if *error.kind() == ErrorKind::Timeout {
                        let _ = workers.unregister_here();
                    }
                })?
            }
        };
        let has_hold_queue = self.role == Role::Daemon && procfs::booted_with_audit();
        let mut upkeep = Upkeep::new(self.role, has_hold_queue, drops, clock.now());
        if let Some(lost) = lost {
            upkeep.handle_first_lost_counter(lost, begun);
        }
        Ok(Receiver {
            readiness,
            companion: None,
            socket: Arc::new(socket),
            receive_buffer,
            batch: Batch::new(self.batch, self.buffer_size),
            filled_at: Tick::ZERO,
            kept: Kept::new(kept),
            clock,
            coalesce: Coalesce::new(self.coalesce),
            upkeep,
            workers,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn limits_that_are_too_low_are_raised() {
        let builder = Receiver::observer().batch(0).record_size(1);
        assert_eq!((builder.batch, builder.buffer_size), (1, 1024));
    }
}
