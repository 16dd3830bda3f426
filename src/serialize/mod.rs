//! The JSON forms of events, losses and values, through `serde`.
//!
//! `docs/json.md` describes them, and golden tests check them. Bytes are a string if they are UTF-8,
//! otherwise `{"hex": "…"}`.

mod event;
mod kernel;
mod preflight;
mod process;
mod record;

use serde::de::{Deserialize, Deserializer, Error as _};
use serde::ser::{Serialize, SerializeMap, Serializer};

use crate::arch::{Abi, Arch};
use crate::constants::{Capability, CapabilitySet, Errno, Flags, Mode, Named, Signal};
use crate::event::{CauseKind, ClosedBy, CounterReading, Missing, Outcome, Unit};
use crate::message_type::MessageType;
use crate::record::{EventId, Interpretation, Label, SocketAddress};
use crate::rule::{
    Action, CallCoverage, FieldId, Filter, Lint, List, Operator, Permissions, Rule, RuleSet,
    SyscallMask,
};
use crate::time::{Span, Tick, Timestamp, nanos};
use crate::wire::status::Status;

/// Bytes as a string, or as hex digits if they are not UTF-8.
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
        let _ = write!(text, "{byte:02x}"); // writing to a string cannot fail
        text
    })
}

/// Serializes values as the text that `Display` prints.
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
    Abi,
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
    Missing,
    Mode,
    Named,
    Operator,
    Permissions,
    Rule,
    Signal,
    SocketAddress,
    SyscallMask
);

/// Deserializes values from the text that `Display` prints.
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

/// Serializes values as their names.
macro_rules! as_name {
    ($($name:ty),*) => {
        $(
            impl Serialize for $name {
                fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                    serializer.serialize_str(self.name())
                }
            }
        )*
    };
}

as_name!(CauseKind, ClosedBy, CounterReading, Outcome, Unit);

/// As nanoseconds.
impl Serialize for Tick {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_u64(self.as_nanos())
    }
}

/// As nanoseconds since boot.
impl Serialize for Span {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(2))?;
        map.serialize_entry("earliest", &nanos(self.earliest))?;
        map.serialize_entry("latest", &nanos(self.latest))?;
        map.end()
    }
}

/// As RFC 3339.
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

impl Serialize for Status {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.fields())
    }
}
