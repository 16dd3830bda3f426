//! Iterators and loops over a [`Source`](crate::Source): events, process events, a receive thread,
//! a stream.

pub(crate) mod events;
mod next;
pub(crate) mod processes;
pub(crate) mod pump;
mod state;
#[cfg(feature = "tokio")]
pub(crate) mod stream;

pub use self::events::IgnoreLosses;
pub use self::next::Next;
pub use self::pump::{Overflow, PumpBuilder};
