//! Events: the records of one stamp, how they are put together, and what may be missing.

mod assembler;
mod classify;
pub(crate) mod event;
pub(crate) mod loss;
mod missing;
mod normalize;
mod received;

pub use self::assembler::Assembler;
pub use self::classify::{Call, EventKind, Exec, Exit, Fork, Kill, Ptrace};
pub(crate) use self::event::Event;
pub use self::event::{ClosedBy, Records};
pub use self::loss::{
    Cause, Completeness, Count, CounterReading, HealthFaults, Stats, Unit, UnverifiedReason,
};
pub(crate) use self::loss::{Delivery, Loss};
pub use self::missing::Missing;
pub use self::normalize::{Object, Outcome, Subject};
pub use self::received::{Received, Signal};
