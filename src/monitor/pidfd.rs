//! Files of processes, which can be read when the process is over.

use std::collections::HashMap;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use nix::sys::epoll::{Epoll, EpollCreateFlags, EpollEvent, EpollFlags, EpollTimeout};

use super::procfs;
use crate::error::Error;
use crate::process::{Lookup, ProcessId};

/// The processes that are waited for.
#[derive(Debug)]
pub(super) struct Pidfds {
    epoll: Epoll,
    files: HashMap<u32, (ProcessId, OwnedFd)>,
    /// Those that were over before they could be waited for.
    over: Vec<ProcessId>,
}

impl Pidfds {
    pub(super) fn new() -> Result<Self, Error> {
        let epoll = Epoll::new(EpollCreateFlags::EPOLL_CLOEXEC)
            .map_err(|error| Error::io("make a file to wait for processes", error.into()))?;
        Ok(Self { epoll, files: HashMap::new(), over: Vec::new() })
    }

    /// Begins to wait for a process. Where there are too many, nobody waits; a sweep sees it.
    pub(super) fn add(&mut self, id: ProcessId) {
        let pid = id.pid();
        let file = open(pid);
        // the file is of whoever has the number now
        let is_there = match procfs::process(pid) {
            Lookup::Process(seen) => id.start_ticks() == Some(seen.start_ticks),
            _ => false,
        };
        if !is_there {
            self.over.push(id);
            return;
        }
        let Some(file) = file else { return };
        let event = EpollEvent::new(EpollFlags::EPOLLIN, u64::from(pid));
        if self.epoll.add(&file, event).is_ok() {
            self.files.insert(pid, (id, file));
        }
    }

    /// Ceases to wait for a process.
    pub(super) fn remove(&mut self, id: ProcessId) {
        if self.files.get(&id.pid()).is_some_and(|(waited, _)| *waited == id) {
            self.files.remove(&id.pid()); // closing the file takes it out of the epoll file
        }
    }

    /// Takes the processes that are over.
    pub(super) fn take_over(&mut self) -> Vec<ProcessId> {
        let mut over = std::mem::take(&mut self.over);
        loop {
            let mut events = [EpollEvent::empty(); 64];
            let ready = self.epoll.wait(&mut events, EpollTimeout::ZERO).unwrap_or(0);
            if ready == 0 {
                return over;
            }
            for event in events.iter().take(ready) {
                let pid = u32::try_from(event.data()).unwrap_or_default();
                over.extend(self.files.remove(&pid).map(|(id, _)| id));
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
