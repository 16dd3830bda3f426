#![doc = include_str!("../docs/crate.md")]
#![cfg_attr(docsrs, feature(doc_cfg))]
#![forbid(unsafe_code)]

// The floors, bottom-up; `docs/architecture.md` has the plan, `tests/layering.rs` enforces it.

mod number;

pub mod arch;
mod cursor;
pub mod message_type;
pub mod time;

pub mod names;

pub mod record;
pub mod rule;

pub mod wire;

mod error;
pub mod event;

pub mod process;
mod source;

#[cfg(feature = "capture")]
pub mod capture;
pub mod link;
pub mod log;

#[cfg(feature = "serde")]
mod serialize;

mod events;
pub mod pump;

mod processes;
#[cfg(feature = "tokio")]
mod stream;

pub use self::cursor::DecodeError;
pub use self::error::{Error, ErrorKind};
pub use self::event::{Delivery, Event, Loss};
pub use self::events::{Events, IgnoreLosses};
pub use self::link::{Control, InstalledRules, Receiver, Tuning};
pub use self::message_type::MessageType;
pub use self::processes::Processes;
pub use self::pump::Pump;
pub use self::record::{EventId, Record};
pub use self::rule::{Rule, RuleSet};
pub use self::source::Source;
#[cfg(feature = "tokio")]
pub use self::stream::EventStream;

/// The manual: long prose, kept in `docs/`.
pub mod manual {
    #[doc = include_str!("../docs/architecture.md")]
    pub mod architecture {}
    #[doc = include_str!("../docs/loss.md")]
    pub mod loss {}
    #[doc = include_str!("../docs/kernel-interface.md")]
    pub mod kernel_interface {}
    #[doc = include_str!("../docs/records.md")]
    pub mod records {}
    #[doc = include_str!("../docs/json.md")]
    pub mod json {}
    #[doc = include_str!("../docs/rules.md")]
    pub mod rules {}
    #[doc = include_str!("../docs/processes.md")]
    pub mod processes {}
    #[doc = include_str!("../docs/captures.md")]
    pub mod captures {}
    #[doc = include_str!("../docs/embedding.md")]
    pub mod embedding {}
    #[doc = include_str!("../docs/defaults.md")]
    pub mod defaults {}
    #[doc = include_str!("../docs/privileges.md")]
    pub mod privileges {}
    #[doc = include_str!("../docs/testing.md")]
    pub mod testing {}
    #[doc = include_str!("../docs/benchmarks.md")]
    pub mod benchmarks {}
}

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
