//! The `SOCKADDR` record: the address that a call was given.

use super::{getters, view};
use crate::message_type::MessageType;
use crate::record::{SocketAddress, Value};

view! {
    /// A `SOCKADDR` record.
    ///
    /// Source: `kernel/auditsc.c`, `audit_log_exit`; the bytes are those that the caller passed.
    SockAddr, as_sockaddr, "a `SOCKADDR` record", record, record.message_type() == MessageType::SOCKADDR
}

getters! {
    SockAddr {
        address, "saddr", |value: Value<'a>| SocketAddress::from_hex(value.bytes())
            => SocketAddress, "Returns the address; `None` if the field holds no hex.";
    }
}
