//! The live kernel: its control socket, and receiving.
//!
//! Requests and records use sockets of their own, so that a slow consumer never blocks a request,
//! and no record is thrown away while an answer is awaited.

mod clock;
mod control;
mod diagnosis;
mod exchange;
mod installed;
mod mailbox;
mod marker;
mod names;
mod plan;
pub mod preflight;
pub mod procfs;
mod receiver;
mod slot;
mod socket;
mod system;
mod tuning;
mod watchdog;
mod witness;

pub use self::clock::Clock;
pub use self::control::Control;
pub use self::installed::InstalledRules;
pub use self::names::IdNames;
pub use self::plan::{ApplyMode, ApplyReport};
pub(crate) use self::receiver::Waker;
pub use self::receiver::{Receiver, ReceiverBuilder};
pub use self::system::System;
pub use self::tuning::Tuning;
pub use self::watchdog::{Canary, Repair, Watchdog};
pub use self::witness::{Witness, WitnessBuilder, WitnessKind};
