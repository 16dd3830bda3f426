//! Stopping in an orderly way: a daemon that dies leaves its place to a stranger.

use std::io;

use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::signal::{SigSet, Signal};
use nix::sys::signalfd::{SfdFlags, SignalFd};
use std::os::fd::AsFd;

/// SIGINT, SIGTERM and SIGHUP, which no longer end the program but can be asked for.
pub(crate) struct StopSignals {
    file: SignalFd,
}

impl StopSignals {
    /// Blocks the signals; threads that are started later inherit it.
    pub(crate) fn block() -> io::Result<Self> {
        let mut set = SigSet::empty();
        for signal in [Signal::SIGINT, Signal::SIGTERM, Signal::SIGHUP] {
            set.add(signal);
        }
        set.thread_block()?;
        let flags = SfdFlags::SFD_CLOEXEC | SfdFlags::SFD_NONBLOCK;
        Ok(Self { file: SignalFd::with_flags(&set, flags)? })
    }

    /// Tells whether one of them came.
    pub(crate) fn is_pending(&self) -> bool {
        let mut files = [PollFd::new(self.file.as_fd(), PollFlags::POLLIN)];
        poll(&mut files, PollTimeout::ZERO).is_ok_and(|ready| ready > 0)
    }
}
