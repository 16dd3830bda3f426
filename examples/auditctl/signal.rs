//! Signals to the audit daemon, `--signal`.

use std::thread::sleep;
use std::time::Duration;

use auditlink::constants::Signal;
use nix::errno::Errno;
use nix::sys::signal::{self, kill};
use nix::unistd::Pid;

use super::stdio;

/// Sends a signal to the daemon with this PID, and after SIGTERM waits until it has ended, so that the
/// next daemon does not meet it; returns the exit code.
pub(crate) fn send(daemon: u32, number: Signal) -> u8 {
    if daemon == 0 {
        stdio::warn(format_args!("auditctl: no audit daemon is running"));
        return 2;
    }
    let number = i32::try_from(number.number()).ok();
    let signal = number.and_then(|number| signal::Signal::try_from(number).ok());
    let (Some(signal), Ok(pid)) = (signal, i32::try_from(daemon)) else { return 1 };
    let pid = Pid::from_raw(pid);
    if let Err(error) = kill(pid, signal) {
        stdio::warn(format_args!("auditctl: {signal} to the audit daemon, process {pid}: {error}"));
        return 1;
    }
    while signal == signal::Signal::SIGTERM && kill(pid, None) != Err(Errno::ESRCH) {
        sleep(Duration::from_millis(50));
    }
    0
}
