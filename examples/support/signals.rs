//! Orderly shutdown on a signal.
//!
//! If an audit daemon exits without unregistering, any process that binds its netlink port receives
//! the audit trail.

use std::io;
use std::os::fd::AsFd;

use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::signal::{SigSet, Signal};
use nix::sys::signalfd::{SfdFlags, SignalFd};

/// A signalfd that becomes readable on SIGINT, SIGTERM or SIGHUP.
pub(crate) struct StopSignals {
    file: SignalFd,
}

impl StopSignals {
    /// Blocks the signals in this thread and in the threads that it starts later.
    pub(crate) fn block() -> io::Result<Self> {
        let mut set = SigSet::empty();
        for signal in [Signal::SIGINT, Signal::SIGTERM, Signal::SIGHUP] {
            set.add(signal);
        }
        set.thread_block()?;
        let flags = SfdFlags::SFD_CLOEXEC | SfdFlags::SFD_NONBLOCK;
        Ok(Self { file: SignalFd::with_flags(&set, flags)? })
    }

    /// Returns whether one of the signals is pending.
    pub(crate) fn is_pending(&self) -> bool {
        let mut files = [PollFd::new(self.file.as_fd(), PollFlags::POLLIN)];
        poll(&mut files, PollTimeout::ZERO).is_ok_and(|ready| ready > 0)
    }
}
