//! Markers: user messages that pass through the kernel's queue and are recognised on their return.
//!
//! The queue is first in, first out: once a marker has come back, all earlier records have, too.

use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use crate::message_type::MessageType;
use crate::time::Tick;

/// A word that occurs in no other record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Marker {
    purpose: &'static str,
    word: String,
}

/// Counts the markers of this process.
static COUNT: AtomicU32 = AtomicU32::new(0);

impl Marker {
    /// Makes a marker whose message names `purpose`.
    pub(crate) fn new(purpose: &'static str, now: Tick) -> Self {
        let (pid, nanos) = (std::process::id(), now.as_nanos());
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        Self { purpose, word: format!("auditlink-{pid:x}-{nanos:x}-{count:x}") }
    }

    /// Returns the word. The kernel writes it into records without encoding it.
    pub(crate) fn word(&self) -> &str {
        &self.word
    }

    /// Returns the text of the user message.
    pub(crate) fn text(&self) -> String {
        format!("op=auditlink:{} id={} res=success", self.purpose, self.word)
    }

    /// Returns whether records of this type can be markers.
    #[inline]
    pub(crate) const fn can_be_in(message_type: MessageType) -> bool {
        matches!(message_type, MessageType::TRUSTED_APP | MessageType::EXECVE)
    }

    /// Returns whether a datagram is this marker, or the execution of a program with its word as name.
    pub(crate) fn is_in(&self, message_type: MessageType, datagram: &[u8]) -> bool {
        Self::can_be_in(message_type)
            && memchr::memmem::find(datagram, self.word.as_bytes()).is_some()
    }
}

/// A marker that is to come back, and when the kernel accepted it.
#[derive(Debug)]
pub(super) struct AwaitedMarker {
    marker: Marker,
    sent_at: Option<Tick>,
}

impl AwaitedMarker {
    pub(super) const fn new(marker: Marker) -> Self {
        Self { marker, sent_at: None }
    }

    pub(super) const fn marker(&self) -> &Marker {
        &self.marker
    }

    /// Notes that the kernel accepted the marker.
    pub(super) fn sent(&mut self, now: Tick) {
        self.sent_at = Some(now);
    }

    /// Returns when the marker is given up; `None` until the kernel has accepted it.
    pub(super) fn deadline(&self) -> Option<Tick> {
        self.sent_at.map(|at| at.saturating_add(TIMEOUT))
    }
}

/// How long a marker may take to come back.
const TIMEOUT: Duration = Duration::from_secs(2);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn markers_are_unique_and_recognised() {
        let [one, other] = [(); 2].map(|()| Marker::new("flush", Tick::ZERO));
        assert_ne!(one.word(), other.word());
        let datagram = format!("audit(1.000:2): pid=1 msg='{}'", one.text());
        assert!(one.is_in(MessageType::TRUSTED_APP, datagram.as_bytes()));
        assert!(!other.is_in(MessageType::TRUSTED_APP, datagram.as_bytes()));
        assert!(!one.is_in(MessageType::PATH, datagram.as_bytes()));
    }
}
