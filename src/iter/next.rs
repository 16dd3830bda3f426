//! What a call that may return without an item returns.

/// The result of a call that does not wait, or waits for a limited time only.
///
/// `try_next`, `next_timeout` and `next_until` of [`Events`](crate::Events) and
/// [`Processes`](crate::Processes) return it. The enum is exhaustive: a loop handles all three cases.
///
/// # Examples
///
/// ```
/// use std::time::Duration;
///
/// use auditlink::iter::Next;
/// use auditlink::{Events, log};
///
/// let text: &[u8] = b"type=LOGIN msg=audit(1.000:2): pid=7\n";
/// let mut events = Events::new(log::Reader::new(text));
/// let mut deliveries = 0;
/// loop {
///     match events.next_timeout(Duration::from_secs(1))? {
///         Next::Item(_) => deliveries += 1,
///         Next::Idle => {} // the second is over: time for other work
///         Next::Ended => break,
///     }
/// }
/// assert_eq!(deliveries, 1);
/// # Ok::<(), auditlink::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[must_use = "it may hold an item"]
#[expect(clippy::exhaustive_enums, reason = "a loop handles all cases, and there are no others")]
pub enum Next<T> {
    /// The next item.
    Item(T),
    /// No item is available now, or none arrived in time. More may follow.
    Idle,
    /// The source ended, and every item was returned. No more will follow.
    Ended,
}

impl<T> Next<T> {
    /// Returns the item, `None` if there is none, whatever the reason.
    #[must_use]
    pub fn item(self) -> Option<T> {
        match self {
            Self::Item(item) => Some(item),
            Self::Idle | Self::Ended => None,
        }
    }

    /// Returns whether the source ended.
    #[must_use]
    pub const fn is_ended(&self) -> bool {
        matches!(self, Self::Ended)
    }
}

impl<T> From<Option<T>> for Next<T> {
    /// Converts what an iterator returns: `None` means that it ended.
    fn from(next: Option<T>) -> Self {
        next.map_or(Self::Ended, Self::Item)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn idle_and_ended_have_no_item() {
        assert_eq!(Next::Item(7).item(), Some(7));
        assert_eq!(Next::<u8>::Idle.item(), None);
        assert_eq!(Next::<u8>::Ended.item(), None);
        assert!(Next::<u8>::from(None).is_ended() && !Next::<u8>::Idle.is_ended());
        assert_eq!(Next::from(Some(7)), Next::Item(7));
    }
}
