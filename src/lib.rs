//! placeholder
#![forbid(unsafe_code)]
pub mod arch;
#[cfg(feature = "capture")]
pub mod capture;
mod cursor;
mod error;
pub mod event;
mod events;
pub mod link;
pub mod message_type;
pub mod record;
pub mod rule;
mod source;
pub mod time;
pub mod wire;
/// docs
pub mod manual {
    /// x
    pub mod loss {}
    /// y
    pub mod defaults {}
}

pub use cursor::DecodeError;
pub use error::{Error, ErrorKind};
pub use event::{Delivery, Event, Loss};
pub use events::{Events, IgnoreLosses};
pub use link::{Control, InstalledRules, Receiver, Tuning};
pub use message_type::MessageType;
pub use record::{EventId, Record};
pub use rule::{Rule, RuleSet};
pub use source::Source;
