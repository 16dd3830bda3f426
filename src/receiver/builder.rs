//! Setting up a receiver.

use std::collections::VecDeque;
use std::os::fd::AsFd;
use std::sync::Arc;
use std::time::Duration;

use super::backpressure::Congestion;
use super::coalesce::Density;
use super::heartbeat::Canaries;
use super::shutdown::Leaving;
use super::watchdog::Permit;
use super::worker::Mailbox;
use super::{Receiver, Role};
use crate::control::Control;
use crate::control::registration;
use crate::error::Error;
use crate::event::{HealthFaults, Signal};
use crate::host::Clock;
use crate::host::procfs;
use crate::netlink::error_map;
use crate::netlink::socket::{Batch, NetlinkSocket};
use crate::time::Tick;

/// Sets up a [`Receiver`]; made by [`Receiver::observer`] or [`Receiver::daemon`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use = "nothing is received before it is opened"]
pub struct ReceiverBuilder {
    role: Role,
    receive_buffer: usize,
    batch: usize,
    buffer_size: usize,
    coalesce: Duration,
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

    /// Asks for a receive buffer of so many bytes. Default 16 MiB for an observer, about 30,000
    /// records, 4 MiB for a daemon, for which the kernel keeps what does not fit.
    ///
    /// Beyond `net.core.rmem_max` this needs `CAP_NET_ADMIN`; what was granted is told by
    /// [`Receiver::receive_buffer`].
    pub const fn receive_buffer(mut self, bytes: usize) -> Self {
        self.receive_buffer = bytes;
        self
    }

    /// Sets how many datagrams one system call may receive. Default 128.
    pub const fn batch(mut self, datagrams: usize) -> Self {
        self.batch = if datagrams == 0 { 1 } else { datagrams };
        self
    }

    /// Sets how long a record may be. Default 16 KiB, at least 1 KiB; the longest that were
    /// measured have 8.6 KB. A longer one is delivered without its end, and told as a loss.
    pub const fn record_size(mut self, bytes: usize) -> Self {
        self.buffer_size = if bytes < 1024 { 1024 } else { bytes };
        self
    }

    /// Sets how long to let records gather while they come thick and fast. Default 200 µs.
    ///
    /// It saves a system call and a wake-up per record under load, and delays nothing while fewer than
    /// some 16,000 records come a second. Zero turns it off.
    pub const fn coalesce(mut self, time: Duration) -> Self {
        self.coalesce = time;
        self
    }

    /// Starts receiving. It makes one or two requests, which can wait in the kernel while its queue
    /// is over its limit.
    ///
    /// # Errors
    ///
    /// For an observer, [`ErrorKind::NoPermission`](crate::ErrorKind::NoPermission) without
    /// `CAP_AUDIT_READ`, and [`ErrorKind::Network`](crate::ErrorKind::Network) in another network
    /// namespace than that of process 1, as far as that can be told: it would hear nothing. For a
    /// daemon, [`ErrorKind::AlreadyRegistered`](crate::ErrorKind::AlreadyRegistered), which names the process that
    /// has the place, and those of a request.
    pub fn open(self) -> Result<Receiver, Error> {
        let mailbox = Mailbox::new()?;
        let socket = NetlinkSocket::open()?;
        let receive_buffer = socket.set_receive_buffer(self.receive_buffer)?;
        let drops = socket.drops(); // before the first record can be dropped
        // read before the first record is made, or what is lost until then is not known
        let clock = Clock::start();
        let begun = clock.now();
        let lost = Control::open().and_then(|mut control| control.status());
        let (socket, kept) = match self.role {
            Role::Observer => {
                socket.join_multicast()?;
                if procfs::is_in_first_network() == Some(false) {
                    return Err(error_map::deaf_here());
                }
                (socket, Vec::new())
            }
            Role::Daemon => {
                socket.stay_open_when_full()?;
                registration::register(socket)?
            }
        };
        let lost = match lost {
            Ok(status) => Some((Signal::LostCounter { total: status.lost }, begun)),
            // an observer may not be allowed to ask
            Err(_) if self.role == Role::Observer => None,
            Err(error) => return Err(error),
        };
        Ok(Receiver {
            readiness: mailbox.joined_with(socket.as_fd())?,
            socket: Arc::new(socket),
            batch: Batch::new(self.batch, self.buffer_size),
            role: self.role,
            clock,
            mailbox,
            notes: VecDeque::new(),
            receive_buffer,
            coalesce: self.coalesce,
            density: Density::default(),
            filled_at: Tick::ZERO,
            read_at: clock.now(),
            signals: lost.into_iter().collect(),
            kept: kept.into(),
            handed: Vec::new(),
            drops,
            congestion: Congestion::None,
            leaving: Leaving::No,
            last_reading: None,
            reading_at: begun,
            watching: None,
            permit: Arc::new(Permit::new()),
            heartbeats: Canaries::default(),
            faults: HealthFaults::empty(),
            woken: false,
            companion: None,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn limits_that_make_no_sense_are_raised() {
        let builder = Receiver::observer().batch(0).record_size(1);
        assert_eq!((builder.batch, builder.buffer_size), (1, 1024));
    }
}
