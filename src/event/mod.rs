//! Events: how records are assembled to events, what events mean, and what may be missing.

mod assembler;
mod classify;
mod completeness;
pub(crate) mod event;
pub(crate) mod loss;
mod missing;
mod normalize;
mod received;

pub use self::assembler::{Assembler, AssemblerConfig};
pub use self::classify::{Call, EventKind, Exec, Exit, Fork, Kill, Ptrace};
pub use self::completeness::{Completeness, UnverifiedReason};
pub(crate) use self::event::Event;
pub use self::event::{ClosedBy, Records};
pub use self::loss::{Cause, CauseKind, Count, CounterReading, HealthFaults, Stats, Unit};
pub(crate) use self::loss::{Delivery, Loss};
pub use self::missing::Missing;
pub use self::normalize::{Object, Outcome, Subject};
pub use self::received::{Received, Signal};
