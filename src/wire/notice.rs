//! What a reader noticed, as a capture holds it: the payload of a message without effect.
//!
//! Not the kernel but this crate writes these, so that a replay knows what the live reader knew.

/// Something that a reader noticed between the datagrams.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Notice {
    /// The kernel holds records back.
    BackpressureStarted,
    /// It has sent what it held back.
    BackpressureEnded,
    /// A queue behind the socket had no room.
    QueueFull {
        /// For so many records.
        dropped: u64,
    },
    /// The service was looked at.
    Health {
        /// What is wrong with it, by bits.
        faults: u32,
    },
}

impl Notice {
    /// Reads a payload; `None` if it is none of these.
    pub(crate) fn parse(payload: &[u8]) -> Option<Self> {
        let text = std::str::from_utf8(payload).ok()?.strip_prefix(PREFIX)?;
        match text.split_once(' ') {
            None if text == "congested" => Some(Self::BackpressureStarted),
            None if text == "decongested" => Some(Self::BackpressureEnded),
            Some(("queue_full", count)) => Some(Self::QueueFull { dropped: count.parse().ok()? }),
            Some(("service", bits)) => Some(Self::Health { faults: bits.parse().ok()? }),
            _ => None,
        }
    }

    /// Writes the payload.
    #[cfg(any(feature = "capture", test))]
    pub(crate) fn to_text(self) -> String {
        match self {
            Self::BackpressureStarted => format!("{PREFIX}congested"),
            Self::BackpressureEnded => format!("{PREFIX}decongested"),
            Self::QueueFull { dropped } => format!("{PREFIX}queue_full {dropped}"),
            Self::Health { faults } => format!("{PREFIX}service {faults}"),
        }
    }
}

const PREFIX: &str = "auditlink:";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read() {
        for notice in [
            Notice::BackpressureStarted,
            Notice::BackpressureEnded,
            Notice::QueueFull { dropped: u64::MAX },
            Notice::Health { faults: 5 },
        ] {
            let text = notice.to_text();
            assert_eq!(Notice::parse(text.as_bytes()), Some(notice));
            for end in 0..text.len() {
                // a shorter number is a number
                let short = Notice::parse(text.get(..end).unwrap_or_default().as_bytes());
                assert_ne!(short, Some(notice));
            }
        }
        assert_eq!(Notice::parse(b"auditlink:service x"), None);
        assert_eq!(Notice::parse(b"\xff"), None);
    }
}
