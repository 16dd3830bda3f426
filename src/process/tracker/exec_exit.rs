//! What records tell.

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStringExt;
use std::sync::Arc;
use std::time::Duration;

use super::{Check, Crash, End, LATER, SOON, Tracker};
use crate::constants::Signal;
use crate::event::{self, Event, EventKind};
use crate::message_type::MessageType;
use crate::process::inspector::{Lookup, ProcessInspector};
use crate::process::tracker::instance::{Life, Threads};
use crate::process::tracker::pending::{Ends, Entry};
use crate::process::{
    Audited, Credentials, Exec, ExitStatus, Fact, Fork, Parent, Process, ProcessEvent, ProcessId,
    Provenance, Start,
};
use crate::record::view::{AnomAbend, Syscall};
use crate::record::{EventId, Record};
use crate::time::{Span, Timestamp};

/// Who made a record, as it says itself.
#[derive(Clone, Debug)]
pub(super) struct Caller {
    pub(super) pid: u32,
    pub(super) ppid: Option<u32>,
    pub(super) event: EventId,
    pub(super) span: Option<Span>,
    pub(super) comm: Option<Arc<[u8]>>,
    pub(super) exe: Option<Arc<OsStr>>,
    pub(super) credentials: Credentials,
}

/// Which life a record is of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Actor {
    /// The one that goes on.
    Live(ProcessId),
    /// One that has ended.
    Former(ProcessId),
}

impl Actor {
    pub(super) const fn id(self) -> ProcessId {
        match self {
            Self::Live(id) | Self::Former(id) => id,
        }
    }
}

impl Caller {
    fn of(syscall: Syscall<'_>, event: EventId, span: Option<Span>) -> Option<Self> {
        let exe = syscall.exe();
        Some(Self {
            pid: syscall.pid()?,
            ppid: syscall.ppid(),
            event,
            span,
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

    /// Of a crash, which is no call.
    fn of_abend(abend: AnomAbend<'_>, event: EventId, span: Option<Span>) -> Option<Self> {
        Some(Self {
            pid: abend.pid()?,
            ppid: None,
            event,
            span,
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

    pub(super) fn stamp(&self) -> Timestamp {
        self.event.time()
    }

    /// Writes down what the record says of its maker.
    fn tell(&self, process: &mut Process) {
        process.audited = Audited::Yes;
        process.credentials = Some(Fact::new(self.credentials, Provenance::Record));
        put(&mut process.comm, self.comm.as_ref());
        put(&mut process.exe, self.exe.as_ref());
    }
}

fn put<T: ?Sized>(place: &mut Option<Fact<Arc<T>>>, value: Option<&Arc<T>>) {
    if let Some(value) = value {
        *place = Some(Fact::new(Arc::clone(value), Provenance::Record));
    }
}

impl<I: ProcessInspector> Tracker<I> {
    pub(super) fn event(&mut self, event: &Event) {
        let span = self.span(event.id());
        if let Some(span) = span {
            self.stream_at = self.stream_at.max(Some(span.earliest));
        }
        for record in event.records_of(MessageType::ANOM_ABEND) {
            self.abend(record, span);
        }
        let Some(kind) = event.kind_of_call() else { return };
        let syscall = event.call().and_then(|call| call.syscall());
        let Some(caller) = syscall.and_then(|syscall| Caller::of(syscall, event.id(), span)) else {
            return;
        };
        let actor = self.actor(&caller);
        match kind {
            EventKind::Fork(fork) => self.fork(&caller, actor, fork),
            EventKind::Exec(exec) => self.exec(&caller, actor, (event, exec)),
            EventKind::Exit(exit) => self.exit(&caller, actor, exit),
            _ => {}
        }
    }

    /// Finds the life that made a record, and makes one if it is not known yet.
    fn actor(&mut self, caller: &Caller) -> Actor {
        let (pid, span, knows_births) = (caller.pid, caller.span, self.knows_births());
        // the connector tells of the end of the first thread: that all have ended, a new birth tells
        let has_ended = self.facts.end(pid).is_some_and(|end| {
            let is_old =
                span.is_some_and(|span| end.since_boot.saturating_add(SOON) < span.earliest);
            let is_reborn = || self.birth(pid, span.map(|span| span.latest)).is_some();
            is_old && (end.source != Provenance::Connector || is_reborn())
        });
        if let Some(life) = self.lives.get_mut(&pid) {
            // every life before it was told, where births are: without one, it is this one's
            let is_first = knows_births && self.graves.last(pid).is_none();
            if !is_first && span.is_some_and(|span| life.is_after(span, &self.config.clock)) {
                let former = self.graves.last(pid).map(|grave| grave.process.id);
                let unknown =
                    ProcessId::new(self.config.boot, pid, Start::Event(caller.event.serial()));
                return Actor::Former(former.unwrap_or(unknown));
            }
            if !has_ended {
                caller.tell(&mut life.process);
                return Actor::Live(life.id());
            }
            let end = self.end_told(pid);
            self.close(pid, end);
        } else if let Some(grave) = self.graves.last(pid) {
            let is_former = grave.covers(caller.stamp(), span) || knows_births;
            if is_former && self.birth_of(caller).is_none() {
                return Actor::Former(grave.process.id);
            }
        }
        Actor::Live(self.first_record(caller))
    }

    /// Makes a life of which its own record is the first thing that is known.
    fn first_record(&mut self, caller: &Caller) -> ProcessId {
        let pid = caller.pid;
        let latest = caller.span.map(|span| span.latest);
        let birth = self.birth_of(caller);
        if let Some((entry, parent)) = birth {
            self.know(parent, entry.since_boot);
            self.take_birth(pid, entry);
        }
        let born = birth.map(|(entry, _)| entry.since_boot);
        let otherwise = born.map_or_else(|| Start::Event(caller.event.serial()), Start::SinceBoot);
        let (id, seen) = self.identify(pid, born.or(latest), otherwise);
        let mut process = Process::new(id);
        if let Some(parent) = birth.map(|(_, parent)| parent).or(caller.ppid) {
            let source =
                if birth.is_some() { Provenance::Connector } else { Provenance::OwnRecord };
            process.parent = self.parent(parent, source);
            self.inherit(&mut process, parent);
        }
        if let (Some(born), None) = (born, id.start_ticks()) {
            process.start_range = Some(self.told_range(born));
        }
        if let Some(seen) = &seen {
            process.take(seen);
        }
        caller.tell(&mut process);
        let mut life = Life::new(process);
        life.born = born;
        if let Some((entry, parent)) = birth {
            life.is_nested = self.nested_like(parent);
            if let Some(parent) = self.lives.get_mut(&parent)
                && parent.is_nested != Some(false)
            {
                parent.children.add(pid, entry.since_boot);
            }
        }
        // the call that created it may have come before, without saying what it created
        let settled = self.unsettled.iter().position(|task| task.task == pid);
        let settled = settled.and_then(|index| self.unsettled.remove(index));
        if let Some(task) = settled {
            self.settle_parent(task.parent);
            life.confirmed = true;
            let parent = Parent { pid: task.parent, id: task.parent_id };
            if birth.is_none() {
                life.process.parent = Some(Fact::new(parent, Provenance::Record));
            }
        }
        life.told = self.is_listed || birth.is_some() || settled.is_some();
        if life.told {
            self.changes.push_back(ProcessEvent::Fork(Fork {
                process: life.process.clone(),
                source: if settled.is_some() { Provenance::Record } else { Provenance::OwnRecord },
                event: Some(settled.map_or(caller.event, |task| task.event)),
                creator: None,
            }));
        } else {
            // it may have been there for long
            life.threads = Threads::of(None);
        }
        self.add(life);
        id
    }

    fn exec(&mut self, caller: &Caller, actor: Actor, (event, exec): (&Event, event::Exec<'_>)) {
        let args: Vec<OsString> = exec.args().into_iter().map(Into::into).collect();
        let path = event.records().find_map(Record::as_path).and_then(|path| path.name());
        let path = path.map(|name| OsString::from_vec(name.into_bytes()));
        let cwd = exec.cwd().map(|cwd| Fact::new(Arc::from(&*cwd), Provenance::Record));
        let process = match self.lives.get_mut(&caller.pid) {
            Some(life) if matches!(actor, Actor::Live(_)) => {
                // the other threads are gone, and this one is the first from now on
                life.threads = Threads::of(Some(1));
                if !self.config.process_monitor {
                    life.ends = Ends::NONE;
                }
                life.exec = caller.span;
                life.process.cwd = cwd.or_else(|| life.process.cwd.take());
                if let Some(cgroup) = self.inspector.control_group(caller.pid) {
                    // it was the group of this life only if that is still there
                    let is_there = matches!(
                        self.inspector.process(caller.pid),
                        Lookup::Process(seen) if life.id().start_ticks() == Some(seen.start_ticks)
                    );
                    if is_there {
                        life.process.cgroup = Some(Fact::new(cgroup.into(), Provenance::Procfs));
                    }
                }
                life.process.clone()
            }
            // a record that comes after the end
            _ => match self.graves.last(caller.pid) {
                Some(grave) => grave.process.clone(),
                None => return,
            },
        };
        self.changes.push_back(ProcessEvent::Exec(Exec {
            process,
            source: Provenance::Record,
            event: Some(event.clone()),
            args: (!args.is_empty()).then(|| Fact::new(args, Provenance::Record)),
            path,
        }));
    }

    fn exit(&mut self, caller: &Caller, actor: Actor, exit: event::Exit<'_>) {
        let Actor::Live(id) = actor else { return };
        let Some(life) = self.lives.get_mut(&caller.pid) else { return };
        let is_group = exit.is_group();
        let is_last = is_group || life.threads.end();
        // one that others may outlive says nothing of how they end, nor always one that outlived others
        let tells = is_group || is_last && (life.threads.is_alone || !self.config.leader_status);
        let ending =
            exit.status().filter(|_| tells).map_or(ExitStatus::Unknown, ExitStatus::Exited);
        if !is_group && (self.is_listed || !is_last) {
            self.checks.push_back(Check {
                due: self.now.saturating_add(SOON),
                pid: caller.pid,
                id,
                ending,
                event: caller.event,
            });
            return;
        }
        let mut end = End::new(Fact::new(ending, Provenance::Record), Provenance::Record);
        if let Some((last, ends)) = self.facts.take_ends(caller.pid, life.ends) {
            end.since_boot = Some(last.since_boot);
            // where a signal was faster, the call ended nothing
            if let Some(status) = ends.signal() {
                end.ending = Fact::new(ExitStatus::of_wait_status(status), last.source);
            }
        }
        end.event = Some(caller.event);
        end.stamp = Some(caller.stamp());
        self.close(caller.pid, end);
    }

    fn abend(&mut self, record: Record<'_>, span: Option<Span>) {
        let Some(abend) = record.as_anom_abend() else { return };
        let (Some(signal), Some(caller)) =
            (abend.signal(), Caller::of_abend(abend, record.id(), span))
        else {
            return;
        };
        let is_known = self.lives.contains_key(&caller.pid)
            || self.birth(caller.pid, span.map(|span| span.latest)).is_some()
            || self.graves.last(caller.pid).is_some();
        if is_known {
            self.crashed(&caller, signal);
        } else {
            // it does not say whose child it was: that comes
            let due = self.now.saturating_add(LATER);
            self.crashes.push_back(Crash { due, caller, signal });
        }
    }

    /// Notes a crash of a process.
    pub(super) fn crashed(&mut self, caller: &Caller, signal: Signal) {
        let Actor::Live(id) = self.actor(caller) else { return };
        let Some(life) = self.lives.get_mut(&caller.pid) else { return };
        life.abend = Some((signal, caller.event));
        self.checks.push_back(Check {
            due: self.now.saturating_add(if self.config.process_monitor { LATER } else { SOON }),
            pid: caller.pid,
            id,
            ending: ExitStatus::Signaled { signal, dumped: None },
            event: caller.event,
        });
    }

    /// Looks at the first birth of a process with this number that a second source told.
    pub(super) fn birth(&self, pid: u32, until: Option<Duration>) -> Option<(Entry, u32)> {
        let (entry, parent, process) = self.facts.birth(pid, until)?;
        (process == pid).then_some((entry, parent))
    }

    /// Finds the birth of who made a record, where it is not known yet.
    ///
    /// It was told before the record was made, whatever the clock of stamps shows, unless the record is
    /// one of a former life.
    fn birth_of(&self, caller: &Caller) -> Option<(Entry, u32)> {
        let latest = caller.span.map(|span| span.latest);
        self.birth(caller.pid, latest).or_else(|| {
            let grave = self.graves.last(caller.pid);
            let is_former = grave.is_some_and(|grave| grave.covers(caller.stamp(), caller.span));
            let birth = self.birth(caller.pid, None).filter(|_| !is_former);
            birth.filter(|(_, parent)| caller.ppid.is_none_or(|known| known == *parent))
        })
    }

    /// How the life that goes on ended, as far as a second source told; else that it must have.
    pub(super) fn end_told(&mut self, pid: u32) -> End {
        let ends = self.lives.get(&pid).map_or(Ends::NONE, |life| life.ends);
        let told = self.facts.take_ends(pid, ends);
        told.map_or(End::inferred(), |(last, ends)| {
            End::of_last(last, ends.status(self.config.leader_status))
        })
    }
}
