//! The shapes of events, losses and values for `serde`.
//!
//! They are described in `docs/json.md` and kept by golden tests. Bytes that are UTF-8 are strings,
//! others are `{"hex": "…"}`.

mod event;
mod preflight;
mod process;
mod record;

use serde::de::{Deserialize, Deserializer, Error as _};
use serde::ser::{Serialize, SerializeMap, SerializeStruct, Serializer};

use crate::arch::Arch;
use crate::constants::{Capability, CapabilitySet, Errno, Flags, Mode, Named, Signal};
use crate::event::Stats;
use crate::message_type::MessageType;
use crate::record::{EventId, Interpretation, Label, SocketAddress};
use crate::rule::{
    Action, CallCoverage, FieldId, Filter, Lint, List, Operator, Permissions, Rule, RuleSet,
    SyscallMask,
};
use crate::time::Timestamp;
use crate::wire::status::Status;

/// Bytes as a string, or in hex if they are not UTF-8.
struct Bytes<'b>(&'b [u8]);

impl Serialize for Bytes<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match std::str::from_utf8(self.0) {
            Ok(text) => serializer.serialize_str(text),
            Err(_) => {
                let mut map = serializer.serialize_map(Some(1))?;
                map.serialize_entry("hex", &hex(self.0))?;
                map.end()
            }
        }
    }
}

fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    bytes.iter().fold(String::with_capacity(2 * bytes.len()), |mut text, byte| {
        let _ = write!(text, "{byte:02x}"); // a string takes everything
        text
    })
}

/// Serializes values as the text that they print as.
macro_rules! as_text {
    ($($name:ty),*) => {
        $(
            impl Serialize for $name {
                fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                    serializer.collect_str(self)
                }
            }
        )*
    };
}

as_text!(
    Action,
    Arch,
    CallCoverage,
    Capability,
    CapabilitySet,
    Errno,
    EventId,
    FieldId,
    Filter,
    Flags,
    Label<'_>,
    Lint,
    List,
    Interpretation<'_>,
    MessageType,
    Mode,
    Named,
    Operator,
    Permissions,
    Rule,
    Signal,
    SocketAddress,
    SyscallMask
);

/// Reads values from the text that they print as.
macro_rules! from_text {
    ($($name:ty),*) => {
        $(
            impl<'de> Deserialize<'de> for $name {
                fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                    let text = std::borrow::Cow::<str>::deserialize(deserializer)?;
                    text.parse().map_err(D::Error::custom)
                }
            }
        )*
    };
}

from_text!(Arch, EventId, MessageType, Rule);

impl Serialize for Timestamp {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&self.rfc3339())
    }
}

impl Serialize for RuleSet {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.iter())
    }
}

impl Serialize for Stats {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut object = serializer.serialize_struct("Stats", 26)?;
        object.serialize_field("datagrams", &self.datagrams)?;
        object.serialize_field("records", &self.records)?;
        object.serialize_field("events", &self.events)?;
        object.serialize_field("incomplete", &self.incomplete)?;
        object.serialize_field("evicted", &self.evicted)?;
        object.serialize_field("continuations", &self.continuations)?;
        object.serialize_field("losses", &self.losses)?;
        object.serialize_field("kernel_lost", &self.kernel_lost)?;
        object.serialize_field("overrun_records", &self.overrun_records)?;
        object.serialize_field("queue_records", &self.queue_records)?;
        object.serialize_field("gap_events", &self.gap_events)?;
        object.serialize_field("truncated", &self.truncated)?;
        object.serialize_field("undecodable", &self.undecodable)?;
        object.serialize_field("restarts", &self.restarts)?;
        object.serialize_field("lost_at_least", &self.lost_at_least)?;
        object.serialize_field("uncounted_losses", &self.uncounted_losses)?;
        object.serialize_field("health_fault_count", &self.health_fault_count)?;
        let faults: Vec<_> = self.health_faults.names().collect();
        object.serialize_field("health_faults", &faults)?;
        object.serialize_field("pending_serials", &self.pending_serials)?;
        object.serialize_field("healed_serials", &self.healed_serials)?;
        object.serialize_field("open_events", &self.open_events)?;
        object.serialize_field("has_backpressure", &self.has_backpressure)?;
        object.serialize_field("counter", self.counter.name())?;
        object.serialize_field("refused", &self.refused)?;
        object.serialize_field("registration_probes", &self.registration_probes)?;
        object.serialize_field("control_messages", &self.control_messages)?;
        object.end()
    }
}

impl Serialize for Status {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut object = serializer.serialize_struct("Status", 9)?;
        object.serialize_field("enabled", &self.enabled.number())?;
        object.serialize_field("failure", &self.failure.number())?;
        object.serialize_field("pid", &self.pid)?;
        object.serialize_field("rate_limit", &self.rate_limit)?;
        object.serialize_field("backlog_limit", &self.backlog_limit)?;
        object.serialize_field("lost", &self.lost)?;
        object.serialize_field("backlog", &self.backlog)?;
        object.serialize_field("backlog_wait_time", &self.backlog_wait_time)?;
        object.serialize_field("backlog_wait_time_actual", &self.backlog_wait_time_actual)?;
        object.end()
    }
}
