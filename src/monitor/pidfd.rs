//! Pidfds: files that are readable when a process has exited.

use std::collections::HashMap;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use nix::sys::epoll::{Epoll, EpollCreateFlags, EpollEvent, EpollFlags, EpollTimeout};

use super::procfs;
use crate::error::Error;
use crate::process::{Lookup, ProcessId};

/// The processes whose exits are awaited.
#[derive(Debug)]
pub(super) struct Pidfds {
    epoll: Epoll,
    files: HashMap<u32, (ProcessId, OwnedFd)>,
    /// Processes that had exited before they were added.
    exited: Vec<ProcessId>,
}

impl Pidfds {
    pub(super) fn new() -> Result<Self, Error> {
        let epoll = Epoll::new(EpollCreateFlags::EPOLL_CLOEXEC)
            .map_err(|error| Error::io("create an epoll file", error.into()))?;
        Ok(Self { epoll, files: HashMap::new(), exited: Vec::new() })
    }

    /// Waits for a process. Beyond the limit of open files, its exit is found when `/proc` is listed.
    pub(super) fn add(&mut self, id: ProcessId) {
        let pid = id.pid();
        let file = open(pid);
        // after PID reuse, the file belongs to another process
        let is_same = match procfs::process(pid) {
            Lookup::Process(seen) => id.start_ticks() == Some(seen.start_ticks),
            _ => false,
        };
        if !is_same {
            self.exited.push(id);
            return;
        }
        let Some(file) = file else { return };
        let event = EpollEvent::new(EpollFlags::EPOLLIN, u64::from(pid));
        if self.epoll.add(&file, event).is_ok() {
            self.files.insert(pid, (id, file));
        }
    }

    /// Ends the wait for a process.
    pub(super) fn remove(&mut self, id: ProcessId) {
        if self.files.get(&id.pid()).is_some_and(|(waited, _)| *waited == id) {
            self.files.remove(&id.pid()); // closing the file removes it from the epoll file
        }
    }

    /// Removes and returns the processes that have exited.
    pub(super) fn take_exited(&mut self) -> Vec<ProcessId> {
        let mut exited = std::mem::take(&mut self.exited);
        loop {
            let mut events = [EpollEvent::empty(); 64];
            let ready = self.epoll.wait(&mut events, EpollTimeout::ZERO).unwrap_or(0);
            if ready == 0 {
                return exited;
            }
            for event in events.iter().take(ready) {
                let pid = u32::try_from(event.data()).unwrap_or_default();
                exited.extend(self.files.remove(&pid).map(|(id, _)| id));
            }
        }
    }
}

impl AsFd for Pidfds {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.epoll.0.as_fd()
    }
}

fn open(pid: u32) -> Option<OwnedFd> {
    let pid = rustix::process::Pid::from_raw(i32::try_from(pid).ok()?)?;
    rustix::process::pidfd_open(pid, rustix::process::PidfdFlags::empty()).ok()
}
