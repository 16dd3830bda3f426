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
mod keys;
mod label;
mod log_line;
pub(crate) mod record;
mod scan;
mod schema;
mod sockaddr;
mod value;
pub mod view;

pub use self::field::{Field, Fields};
pub(crate) use self::header::{EventId, Header};
pub use self::interpret::{Absent, Interpretation, Interpretations, WithNames};
pub use self::keys::Keys;
pub use self::label::{Label, SelinuxLabel};
pub use self::log_line::LogLine;
pub(crate) use self::record::Record;
pub(crate) use self::scan::ByteScanner;
pub use self::sockaddr::SocketAddress;
pub use self::value::{Untrusted, Value};

impl<'a> Record<'a> {
    /// Iterates over the fields, each with its interpretation.
    ///
    /// # Examples
    ///
    /// ```
    /// use auditlink::record::Interpretation;
    /// use auditlink::{MessageType, Record};
    ///
    /// let text = b"audit(1.000:2): arch=c000003e syscall=257 success=no exit=-2 a2=80000";
    /// let record = Record::parse(MessageType::SYSCALL, text)?;
    /// let printed: Vec<_> = record.interpretations().map(|(_, it)| it.to_string()).collect();
    /// assert_eq!(printed[1], "openat");
    /// assert_eq!(printed[3], "ENOENT(No such file or directory)");
    /// assert_eq!(printed[4], "O_RDONLY|O_CLOEXEC");
    /// assert_eq!(record.interpret("exit"), Some(Interpretation::Exit(-2)));
    /// # Ok::<(), auditlink::DecodeError>(())
    /// ```
    #[must_use]
    pub fn interpretations(&self) -> Interpretations<'a> {
        Interpretations::of_kernel(*self, view::schema(self.message_type()))
    }

    /// Returns the interpretation of the first field with this name.
    #[must_use]
    pub fn interpret(&self, name: &str) -> Option<Interpretation<'a>> {
        self.interpretations()
            .find(|(field, _)| field.name == name.as_bytes())
            .map(|(_, interpretation)| interpretation)
    }
}
