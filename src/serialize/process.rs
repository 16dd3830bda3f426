//! Process events, and what they consist of.

use std::os::unix::ffi::OsStrExt;

use serde::ser::{Serialize, SerializeMap, Serializer};

use super::Bytes;
use super::record::ByteList;
use crate::event::Event;
use crate::process::{
    Audited, BootId, Credentials, Exec, Exit, ExitStatus, Fact, Fork, LifecycleLoss, Parent,
    Process, ProcessEvent, ProcessId, Provenance,
};
use crate::record::EventId;

impl Serialize for ProcessEvent {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Fork(fork) => fork.serialize(serializer),
            Self::Exec(exec) => exec.serialize(serializer),
            Self::Exit(exit) => exit.serialize(serializer),
            Self::Loss(loss) => loss.serialize(serializer),
        }
    }
}

impl Serialize for Provenance {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.name())
    }
}

impl<T: Serialize> Serialize for Fact<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(2))?;
        map.serialize_entry("value", &self.value)?;
        map.serialize_entry("source", &self.source)?;
        map.end()
    }
}

impl Serialize for Parent {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(2))?;
        map.serialize_entry("pid", &self.pid)?;
        map.serialize_entry("id", &self.id)?;
        map.end()
    }
}

impl Serialize for Fork {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("type", "fork")?;
        event(&mut map, self.event)?;
        let parent = self.process.parent.map(|parent| parent.value);
        map.serialize_entry("pid", &parent.map(|parent| parent.pid))?;
        map.serialize_entry("child", &self.process.pid())?;
        map.serialize_entry("source", &self.source)?;
        let ticks = parent.and_then(|parent| parent.id?.start_ticks());
        map.serialize_entry("parent_start_ticks", &ticks)?;
        if let Some(creator) = self.creator {
            map.serialize_entry("creator", &creator.pid())?;
        }
        process(&mut map, &self.process)?;
        map.end()
    }
}

impl Serialize for Exec {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("type", "exec")?;
        event(&mut map, self.event.as_ref().map(Event::id))?;
        map.serialize_entry("pid", &self.process.pid())?;
        map.serialize_entry("source", &self.source)?;
        if let Some(path) = &self.path {
            map.serialize_entry("path", &Bytes(path.as_bytes()))?;
        }
        match &self.args {
            Some(args) => {
                let args = args.value.iter().map(|arg| arg.as_bytes());
                map.serialize_entry("args", &ByteList(args))?;
            }
            None => map.serialize_entry("args", &None::<()>)?,
        }
        map.serialize_entry("missing", &self.event.as_ref().map(Event::missing))?;
        process(&mut map, &self.process)?;
        map.end()
    }
}

impl Serialize for Exit {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("type", "exit")?;
        event(&mut map, self.event)?;
        map.serialize_entry("pid", &self.process.pid())?;
        map.serialize_entry("source", &self.source)?;
        status(&mut map, self.status.value)?;
        map.serialize_entry("ending_source", &self.status.source)?;
        if let Some(abend) = &self.abend {
            map.serialize_entry("abend", abend)?;
        }
        process(&mut map, &self.process)?;
        map.end()
    }
}

impl Serialize for LifecycleLoss {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if let Self::Records(loss) = self {
            return loss.serialize(serializer);
        }
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("type", "loss")?;
        map.serialize_entry("cause", self.name())?;
        if let Self::Unsettled { parent, task, event } = self {
            map.serialize_entry("event", event)?;
            map.serialize_entry("pid", &parent.map(ProcessId::pid))?;
            map.serialize_entry("task", task)?;
        }
        if let Self::ProcessMonitor { count } = self {
            map.serialize_entry("count", count)?;
        }
        map.serialize_entry("message", &self.to_string())?;
        map.end()
    }
}

/// A string, such as `4711@100000`.
impl Serialize for ProcessId {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl Serialize for BootId {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// `true`, `false`, or `null` if it is unknown.
impl Serialize for Audited {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Yes => Some(true),
            Self::No => Some(false),
            Self::Unknown => None,
        }
        .serialize(serializer)
    }
}

/// An object with the member `status`, or `signal` and `dumped`; empty if it is unknown.
impl Serialize for ExitStatus {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        status(&mut map, *self)?;
        map.end()
    }
}

/// An object with the members that every process event has.
impl Serialize for Process {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("pid", &self.pid())?;
        process(&mut map, self)?;
        map.end()
    }
}

impl Serialize for Credentials {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("auid", &self.auid)?;
        map.serialize_entry("uid", &self.uid)?;
        map.serialize_entry("gid", &self.gid)?;
        map.serialize_entry("euid", &self.euid)?;
        map.serialize_entry("egid", &self.egid)?;
        map.serialize_entry("session", &self.session)?;
        map.end()
    }
}

/// Writes the event, and its time.
fn event<M: SerializeMap>(map: &mut M, event: Option<EventId>) -> Result<(), M::Error> {
    map.serialize_entry("event", &event)?;
    map.serialize_entry("time", &event.map(EventId::time))
}

/// Writes how a process exited.
fn status<M: SerializeMap>(map: &mut M, status: ExitStatus) -> Result<(), M::Error> {
    match status {
        ExitStatus::Exited(status) => map.serialize_entry("status", &status),
        ExitStatus::Signaled { signal, dumped } => {
            map.serialize_entry("signal", &signal)?;
            map.serialize_entry("dumped", &dumped)
        }
        ExitStatus::Unknown => Ok(()),
    }
}

/// Writes what is known of a process.
fn process<M: SerializeMap>(map: &mut M, process: &Process) -> Result<(), M::Error> {
    map.serialize_entry("id", &process.id.to_string())?;
    map.serialize_entry("start_ticks", &process.id.start_ticks())?;
    if let (None, Some(range)) = (process.id.start_ticks(), &process.start_range) {
        map.serialize_entry("start_ticks_between", &[range.start(), range.end()])?;
    }
    if let Some(comm) = &process.comm {
        map.serialize_entry("comm", &Bytes(&comm.value))?;
    }
    if let Some(exe) = &process.exe {
        map.serialize_entry("exe", &Bytes(exe.value.as_bytes()))?;
        map.serialize_entry("exe_source", &exe.source)?;
    }
    if let Some(cwd) = &process.cwd {
        map.serialize_entry("cwd", &Bytes(cwd.value.as_bytes()))?;
    }
    if let Some(credentials) = process.credentials.map(|credentials| credentials.value) {
        map.serialize_entry("auid", &credentials.auid)?;
        map.serialize_entry("uid", &credentials.uid)?;
        map.serialize_entry("euid", &credentials.euid)?;
        map.serialize_entry("session", &credentials.session)?;
    }
    if let Some(cgroup) = &process.cgroup {
        map.serialize_entry("cgroup", &*cgroup.value)?;
        map.serialize_entry("container", &process.container())?;
    }
    map.serialize_entry("audited", &process.audited)
}
