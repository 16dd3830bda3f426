//! The JSON forms of events, losses and statistics.

use serde::ser::{Serialize, SerializeMap, Serializer};

use super::record::ByteList;
use super::{Bytes, hex};
use crate::event::{
    Cause, CauseKind, Completeness, Count, Delivery, Event, EventKind, HealthFaults, Loss, Object,
    Outcome, Signal, Stats, Subject, UnverifiedReason,
};

/// Adds entries that have the names of the listed variables to a map.
///
/// Callers destructure the value without `..`: a member that is not listed is an unused variable, and
/// does not compile.
macro_rules! entries {
    ($map:ident: $($member:ident),* $(,)?) => {
        $($map.serialize_entry(stringify!($member), &$member)?;)*
    };
}

impl Serialize for Signal {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("signal", self.name())?;
        match self {
            Self::LostCounter { total } => map.serialize_entry("total", total)?,
            Self::Overrun { dropped } => map.serialize_entry("dropped", dropped)?,
            Self::QueueFull { dropped } => map.serialize_entry("dropped", dropped)?,
            Self::Health { faults } => map.serialize_entry("faults", faults)?,
            Self::Refused { port } => map.serialize_entry("port", port)?,
            Self::Idle | Self::End | Self::BackpressureStarted | Self::BackpressureEnded => {}
        }
        map.end()
    }
}

impl Serialize for Delivery {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Event(event) => event.serialize(serializer),
            Self::Loss(loss) => loss.serialize(serializer),
        }
    }
}

impl Serialize for Event {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("type", "event")?;
        map.serialize_entry("id", &self.id())?;
        map.serialize_entry("time", &self.id().time())?;
        map.serialize_entry("serial", &self.id().serial())?;
        if let Some(node) = self.node() {
            map.serialize_entry("node", &Bytes(node))?;
        }
        let kind = self.kind();
        map.serialize_entry("kind", kind.name())?;
        map.serialize_entry("closed_by", &self.closed_by())?;
        map.serialize_entry("missing", &self.missing())?;
        if self.is_continuation() {
            map.serialize_entry("continuation", &true)?;
        }
        map.serialize_entry("keys", &ByteList(self.keys().iter()))?;
        map.serialize_entry("subject", &self.subject())?;
        map.serialize_entry("action", &Bytes(&self.action()))?;
        if let EventKind::Exec(_) = kind
            && let Some(execve) = self.execve()
        {
            let arguments: Vec<_> = execve.arguments().collect();
            map.serialize_entry("args", &ByteList(arguments.iter()))?;
        }
        map.serialize_entry("objects", &self.objects())?;
        let outcome = self.outcome();
        map.serialize_entry("outcome", &outcome)?;
        if let Outcome::Failure(Some(errno)) = outcome {
            map.serialize_entry("errno", &errno)?;
        }
        map.serialize_entry("records", &Records(self))?;
        map.end()
    }
}

struct Records<'e>(&'e Event);

impl Serialize for Records<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.0.records())
    }
}

impl Serialize for Subject<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("pid", &self.pid)?;
        map.serialize_entry("ppid", &self.ppid)?;
        map.serialize_entry("auid", &self.auid)?;
        map.serialize_entry("uid", &self.uid)?;
        map.serialize_entry("session", &self.session)?;
        map.serialize_entry("exe", &self.exe.as_deref().map(Bytes))?;
        map.serialize_entry("comm", &self.comm.as_deref().map(Bytes))?;
        for (name, value) in [
            ("terminal", &self.terminal),
            ("address", &self.address),
            ("auid_name", &self.auid_name),
            ("uid_name", &self.uid_name),
        ] {
            if let Some(value) = value {
                map.serialize_entry(name, value)?;
            }
        }
        map.end()
    }
}

impl Serialize for Object<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        match self {
            Self::Path(path) => map.serialize_entry("path", &Bytes(path))?,
            Self::Address(address) => {
                map.serialize_entry("address", address)?;
                map.serialize_entry("family", &address.family())?;
            }
            Self::Process { pid, comm } => {
                map.serialize_entry("pid", pid)?;
                map.serialize_entry("comm", &comm.as_deref().map(Bytes))?;
            }
            Self::Account(name) => map.serialize_entry("account", &Bytes(name))?,
            Self::Setting(name, value) => {
                map.serialize_entry("setting", &Bytes(name))?;
                map.serialize_entry("value", &Bytes(value))?;
            }
            Self::Rule(keys) => map.serialize_entry("rule", &ByteList(keys.iter()))?,
            Self::Name(name) => map.serialize_entry("name", &Bytes(name))?,
        }
        map.end()
    }
}

impl Serialize for Count {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let (name, count) = match self {
            Self::Exactly(count) => ("exactly", count),
            Self::AtLeast(count) => ("at_least", count),
            Self::Unknown => return serializer.serialize_str("unknown"),
        };
        let mut map = serializer.serialize_map(Some(1))?;
        map.serialize_entry(name, count)?;
        map.end()
    }
}

impl Serialize for Loss {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("type", "loss")?;
        map.serialize_entry("cause", &self.cause().kind())?;
        map.serialize_entry("count", &self.count())?;
        map.serialize_entry("unit", &self.unit())?;
        map.serialize_entry("after", &self.after())?;
        match self.cause() {
            Cause::SerialGap { first, last } => {
                map.serialize_entry("first", first)?;
                map.serialize_entry("last", last)?;
            }
            Cause::HealthFault { faults } => {
                map.serialize_entry("faults", faults)?;
            }
            Cause::Undecodable { bytes } => map.serialize_entry("bytes", &hex(bytes))?,
            Cause::KernelLost
            | Cause::SocketOverrun
            | Cause::QueueFull
            | Cause::Truncated
            | Cause::SerialRestart
            | Cause::HealthRestored => {}
        }
        map.serialize_entry("message", &self.to_string())?;
        map.end()
    }
}

/// As the list of their names.
impl Serialize for HealthFaults {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.names())
    }
}

impl Serialize for Stats {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Self {
            datagrams,
            records,
            events,
            incomplete,
            evicted,
            continuations,
            losses,
            totals: _,
            lost_at_least,
            uncounted_losses,
            health_faults,
            pending_serials,
            healed_serials,
            open_events,
            has_backpressure,
            counter,
            refused,
            registration_probes,
            control_messages,
        } = self;
        let (of_health, others): (Vec<_>, Vec<_>) =
            CauseKind::ALL.iter().partition(|cause| cause.is_of_health());
        let mut map = serializer.serialize_map(None)?;
        entries!(map: datagrams, records, events, incomplete, evicted, continuations, losses);
        totals(&mut map, self, others)?;
        entries!(map: lost_at_least, uncounted_losses);
        totals(&mut map, self, of_health)?;
        entries!(map: health_faults, pending_serials, healed_serials, open_events);
        entries!(map: has_backpressure, counter, refused, registration_probes, control_messages);
        map.end()
    }
}

/// Adds the totals of these causes.
fn totals<M: SerializeMap>(
    map: &mut M,
    stats: &Stats,
    causes: Vec<CauseKind>,
) -> Result<(), M::Error> {
    for cause in causes {
        if let Some(member) = cause.member() {
            map.serialize_entry(member, &stats.total(cause))?;
        }
    }
    Ok(())
}

impl Serialize for Completeness {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let (complete, reasons) = (self.is_complete(), self.reasons());
        let mut map = serializer.serialize_map(None)?;
        entries!(map: complete, reasons);
        map.end()
    }
}

impl Serialize for UnverifiedReason {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("reason", self.name())?;
        match self {
            Self::CounterUnknown | Self::CounterStale | Self::NoRecords | Self::Backpressure => {}
            Self::Lost { total: count, .. } | Self::Uncounted(count) | Self::Incomplete(count) => {
                map.serialize_entry("count", count)?;
            }
            Self::Unsettled { events, serials } => {
                entries!(map: events, serials);
            }
        }
        map.serialize_entry("message", &self.to_string())?;
        map.end()
    }
}
