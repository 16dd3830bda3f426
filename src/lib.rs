#![doc = include_str!("../docs/crate.md")]
#![cfg_attr(docsrs, feature(doc_cfg))]
#![forbid(unsafe_code)]
#![expect(
    clippy::module_inception,
    reason = "a room's main type stands in the file of its name, and is public at the root"
)]

// The layers, bottom-up: `docs/architecture.md` describes them, `tests/layering.rs` checks them.

mod macros;

pub mod arch;
mod bytestr;
mod decode;
pub mod message_type;
mod setting;
pub mod time;
pub mod user_db;

pub mod constants;

pub mod record;
pub mod rule;

pub mod wire;

mod error;
pub mod event;

pub mod process;
mod source;

#[cfg(feature = "capture")]
pub mod capture;
pub mod log;

pub mod host;
mod netlink;

pub mod control;

pub mod monitor;
pub mod preflight;
pub mod receiver;

#[cfg(feature = "serde")]
mod serialize;

pub mod iter;

// A type that stands here is private in its module: every public type has one path.
pub use self::bytestr::ByteStr;
#[doc(inline)]
pub use self::control::installed::InstalledRules;
#[doc(inline)]
pub use self::control::requests::Control;
#[doc(inline)]
pub use self::control::settings::Settings;
pub use self::decode::DecodeError;
pub use self::error::{Error, ErrorKind};
#[doc(inline)]
pub use self::event::event::Event;
#[doc(inline)]
pub use self::event::loss::{Delivery, Loss};
#[doc(inline)]
pub use self::iter::events::Events;
#[doc(inline)]
pub use self::iter::processes::Processes;
#[doc(inline)]
pub use self::iter::pump::Pump;
#[cfg(feature = "tokio")]
#[doc(inline)]
pub use self::iter::stream::EventStream;
#[doc(inline)]
pub use self::message_type::table::MessageType;
#[doc(inline)]
pub use self::receiver::receiver::Receiver;
#[doc(inline)]
pub use self::record::header::EventId;
#[doc(inline)]
pub use self::record::record::Record;
#[doc(inline)]
pub use self::rule::rule::Rule;
#[doc(inline)]
pub use self::rule::set::RuleSet;
#[doc(inline)]
pub use self::source::Source;

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
    #[doc = include_str!("../docs/measurements.md")]
    pub mod measurements {}
    #[doc = include_str!("../docs/history.md")]
    pub mod history {}
}

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
