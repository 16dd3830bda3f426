//! Types of audit messages: their numbers, names and origins, and the role of a record in its event.

pub(crate) mod table;

pub(crate) use self::table::MessageType;
pub use self::table::{Origin, RecordRole, UnknownMessageType};
