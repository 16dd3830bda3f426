//! Records: their types, event IDs and fields.
//!
//! A record is text that the kernel wrote, or that a user-space program sent through the kernel.
//! [`Record`] borrows the text as it came. Fields are parsed on access; a malformed field affects
//! neither the other fields nor the record.
//!
//! A field can be read in three ways: [`Record::field`] returns its value as bytes,
//! [`Record::interpret`] its value as a type, and the views in [`view`] have a getter for it.

mod field;
pub(crate) mod header;
mod interpret;
mod journal;
mod keys;
mod label;
mod log_line;
pub(crate) mod record;
mod scan;
mod schema;
mod sockaddr;
mod value;
pub mod view;
mod wrapped;

pub use self::field::{Field, Fields};
pub(crate) use self::header::{EventId, Header};
pub use self::interpret::{Absent, Interpretation, Interpretations, WithNames};
pub(crate) use self::journal::JournalEntry;
pub use self::keys::Keys;
pub use self::label::{Label, SelinuxLabel};
pub use self::log_line::LogLine;
pub(crate) use self::record::Record;
#[cfg(feature = "serde")]
pub(crate) use self::record::enriched_text;
pub(crate) use self::scan::ByteScanner;
pub use self::sockaddr::SocketAddress;
pub use self::value::{Untrusted, Value};
