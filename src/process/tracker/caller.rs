//! The process that made a record.

use std::ffi::OsStr;
use std::sync::Arc;
use std::time::Duration;

use crate::process::{Audited, Credentials, Fact, Process, Provenance};
use crate::record::EventId;
use crate::record::view::{AnomAbend, Syscall};
use crate::time::{Span, Timestamp};

/// The process that made a record, as the record states it.
#[derive(Clone, Debug)]
pub(super) struct Caller {
    pub(super) pid: u32,
    pub(super) ppid: Option<u32>,
    pub(super) event: EventId,
    pub(super) call: CallTime,
    comm: Option<Arc<[u8]>>,
    exe: Option<Arc<OsStr>>,
    credentials: Credentials,
}

impl Caller {
    pub(super) fn of_syscall(syscall: Syscall<'_>, event: EventId, call: CallTime) -> Option<Self> {
        let exe = syscall.exe();
        Some(Self {
            pid: syscall.pid()?,
            ppid: syscall.ppid(),
            event,
            call,
            comm: syscall.comm().map(|comm| Arc::from(&*comm)),
            exe: exe.map(|exe| Arc::from(exe.as_os_str())),
            credentials: Credentials {
                auid: syscall.auid(),
                uid: syscall.uid(),
                gid: syscall.gid(),
                euid: syscall.euid(),
                egid: syscall.egid(),
                session: syscall.session(),
            },
        })
    }

    /// The process of a crash, which is not a call.
    pub(super) fn of_crash(abend: AnomAbend<'_>, event: EventId, call: CallTime) -> Option<Self> {
        Some(Self {
            pid: abend.pid()?,
            ppid: None,
            event,
            call,
            comm: abend.comm().map(|comm| Arc::from(&*comm)),
            exe: abend.exe().map(|exe| Arc::from(exe.as_os_str())),
            credentials: Credentials {
                auid: abend.auid(),
                uid: abend.uid(),
                session: abend.session(),
                ..Credentials::default()
            },
        })
    }

    /// Copies what the record states to the process.
    pub(super) fn describe(&self, process: &mut Process) {
        process.audited = Audited::Yes;
        process.credentials = Some(Fact::new(self.credentials, Provenance::Record));
        if let Some(comm) = &self.comm {
            process.comm = Some(Fact::new(Arc::clone(comm), Provenance::Record));
        }
        if let Some(exe) = &self.exe {
            process.exe = Some(Fact::new(Arc::clone(exe), Provenance::Record));
        }
    }
}

/// When a call was entered.
#[derive(Clone, Copy, Debug)]
pub(super) struct CallTime {
    pub(super) stamp: Timestamp,
    /// The same as time since boot, with a margin; `None` if the clock was not read.
    pub(super) span: Option<Span>,
}

impl CallTime {
    pub(super) fn latest(self) -> Option<Duration> {
        self.span.map(|span| span.latest)
    }
}
