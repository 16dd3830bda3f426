//! The key that distinguishes events: timestamp, serial and machine.

use std::fmt;

use crate::record::EventId;
use crate::time::Timestamp;

/// What distinguishes one event from another: timestamp, serial, and machine.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct EventKey {
    time: Timestamp,
    /// The machine and the serial in one word: two words stay in registers.
    node_and_serial: u64,
}

impl EventKey {
    #[inline]
    pub(super) const fn new(id: EventId, node: u32) -> Self {
        Self { time: id.time(), node_and_serial: (node as u64) << 32 | id.serial() as u64 }
    }

    #[inline]
    pub(super) const fn id(self) -> EventId {
        EventId::new(self.time, self.node_and_serial as u32)
    }

    /// Returns the number of the machine; 0 if the records name none.
    #[inline]
    pub(super) const fn node(self) -> u32 {
        (self.node_and_serial >> 32) as u32
    }

    /// Returns the index into a table of `length` entries that is indexed by the serial.
    ///
    /// Serials are consecutive, so events that are close in time have different entries.
    pub(super) const fn table_index(self, length: usize) -> usize {
        let node = self.node().wrapping_mul(0x9E37_79B9);
        (self.node_and_serial as u32).wrapping_add(node) as usize % length
    }

    /// Mixes the whole key into one word, which is never zero.
    pub(super) const fn fingerprint(self) -> u64 {
        (self.time.as_millis().wrapping_mul(0x9E37_79B9_7F4A_7C15)
            ^ self.node_and_serial.wrapping_mul(0xD6E8_FEB8_6659_FD93))
            | 1
    }
}

impl fmt::Debug for EventKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}@{}", self.id(), self.node())
    }
}
