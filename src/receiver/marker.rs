//! Messages of our own that pass through the kernel's queue and are recognised when they come back.
//!
//! The queue is first in, first out: when a marker comes back, so has everything before it.

use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use crate::control::Control;
use crate::error::Error;
use crate::host::Clock;
use crate::message_type::MessageType;
use crate::time::Tick;

/// How long a marker may take to come back, from when the socket was found empty.
const LIMIT: Duration = Duration::from_secs(2);

/// A marker that is to come back, and when the kernel took it.
#[derive(Debug)]
pub(super) struct Awaited {
    marker: Marker,
    taken_at: Option<Tick>,
}

impl Awaited {
    pub(super) const fn new(marker: Marker) -> Self {
        Self { marker, taken_at: None }
    }

    pub(super) const fn marker(&self) -> &Marker {
        &self.marker
    }

    /// The kernel took it.
    pub(super) fn taken(&mut self, now: Tick) {
        self.taken_at = Some(now);
    }

    /// When it is given up; `None` as long as the kernel has not taken it.
    pub(super) fn deadline(&self) -> Option<Tick> {
        self.taken_at.map(|at| at.saturating_add(LIMIT))
    }
}

/// A word that no other record has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Marker {
    purpose: &'static str,
    word: String,
}

/// Counts the markers of this process.
static MADE: AtomicU32 = AtomicU32::new(0);

impl Marker {
    /// Makes a marker for a purpose, which its text names.
    pub(super) fn new(purpose: &'static str, clock: Clock) -> Self {
        let (pid, nanos) = (std::process::id(), clock.now().as_nanos());
        let count = MADE.fetch_add(1, Ordering::Relaxed);
        Self { purpose, word: format!("auditlink-{pid:x}-{nanos:x}-{count:x}") }
    }

    /// Returns the word, which the kernel writes into records as it is.
    pub(super) fn word(&self) -> &str {
        &self.word
    }

    /// Sends the marker through the kernel's queue.
    pub(super) fn send(&self, control: &mut Control) -> Result<(), Error> {
        let text = format!("op=auditlink:{} id={} res=success", self.purpose, self.word);
        control.user_message(MessageType::TRUSTED_APP, text)
    }

    /// Tells whether records of this type can be markers.
    pub(super) const fn can_be_in(message_type: MessageType) -> bool {
        matches!(message_type, MessageType::TRUSTED_APP | MessageType::EXECVE)
    }

    /// Tells whether a datagram is the marker, or of a program that bears its name.
    pub(super) fn is_in(&self, message_type: MessageType, datagram: &[u8]) -> bool {
        Self::can_be_in(message_type)
            && memchr::memmem::find(datagram, self.word.as_bytes()).is_some()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_two_are_alike() {
        let clock = Clock::start();
        let [one, other] = [(); 2].map(|()| Marker::new("nudge", clock));
        assert_ne!(one.word(), other.word());
        let datagram = format!("audit(1.000:2): pid=1 msg='op=auditlink:nudge id={}'", one.word());
        assert!(one.is_in(MessageType::TRUSTED_APP, datagram.as_bytes()));
        assert!(!other.is_in(MessageType::TRUSTED_APP, datagram.as_bytes()));
        assert!(!one.is_in(MessageType::PATH, datagram.as_bytes()));
    }
}
