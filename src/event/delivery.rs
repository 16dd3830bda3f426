//! What the assembler and the iterators deliver.

use super::event::Event;
use super::loss::Loss;

/// An event, or a report that something is missing.
///
/// The enum is exhaustive, and no third variant will be added: a match must handle losses.
///
/// # Examples
///
/// ```
/// use auditlink::{Delivery, Events, capture::synthetic::Workload};
///
/// let stream = Workload::new(1).events(10).generate();
/// for delivery in Events::new(stream.source()) {
///     match delivery? {
///         Delivery::Event(event) => assert!(event.is_whole()),
///         Delivery::Loss(loss) => panic!("{loss}"),
///     }
/// }
/// # Ok::<(), auditlink::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "a match must handle losses")]
pub enum Delivery {
    /// An event.
    Event(Event),
    /// Something is, or may be, missing at this position.
    Loss(Loss),
}
