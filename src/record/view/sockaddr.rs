//! The `SOCKADDR` record.

use super::view;
use crate::record::SocketAddress;
use crate::record::schema::Kind;

view! {
    /// A `SOCKADDR` record: the socket address that was passed to the system call.
    ///
    /// Source: `kernel/auditsc.c`, `audit_log_exit`.
    ///
    /// # Examples
    ///
    /// ```
    /// use auditlink::{MessageType, Record};
    ///
    /// let text = b"audit(1700000000.123:30): saddr=020000357F0000010000000000000000";
    /// let record = Record::parse(MessageType::SOCKADDR, text)?;
    /// let address = record.as_sockaddr().and_then(|sockaddr| sockaddr.address());
    /// assert_eq!(address.map(|address| address.to_string()).as_deref(), Some("127.0.0.1:53"));
    /// # Ok::<(), auditlink::DecodeError>(())
    /// ```
    #[doc(alias = "AUDIT_SOCKADDR")]
    SockAddr, as_sockaddr, "a `SOCKADDR` record", [SOCKADDR];
    "saddr": Kind::Address => address -> SocketAddress,
        "Returns the address; `None` if the field is not hex.";
}
