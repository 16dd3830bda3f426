//! Receiving records from the running kernel.

mod builder;
mod coalesce;
pub(crate) mod receiver;
mod rule_change;
mod upkeep;
mod watchdog;
mod worker;

pub use self::builder::ReceiverBuilder;
pub(crate) use self::receiver::Receiver;
pub use self::watchdog::{Heartbeat, HeartbeatState, Repair, WatchdogConfig};
pub(crate) use self::worker::Waker;
