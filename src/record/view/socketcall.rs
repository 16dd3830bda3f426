//! The `SOCKETCALL` record.

use super::view;
use crate::record::schema::{DECIMAL, HEX};

view! {
    /// A `SOCKETCALL` record: the arguments of `socketcall`, the one system call for all operations
    /// on sockets that some architectures have, such as i386.
    ///
    /// Source: `kernel/auditsc.c`, `show_special`.
    ///
    /// # Examples
    ///
    /// ```
    /// use auditlink::{MessageType, Record};
    ///
    /// let text = b"audit(1700000000.123:30): nargs=3 a0=2 a1=1 a2=0";
    /// let record = Record::parse(MessageType::SOCKETCALL, text)?;
    /// let view = record.as_socket_call().ok_or("another type")?;
    /// assert_eq!(view.arguments(), [2, 1, 0]);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[doc(alias = "AUDIT_SOCKETCALL")]
    SocketCall, as_socket_call, "a `SOCKETCALL` record", [SOCKETCALL];
    "nargs": DECIMAL;
    "a0": HEX;
    "a1": HEX;
    "a2": HEX;
    "a3": HEX;
    "a4": HEX;
    "a5": HEX;
}

impl SocketCall<'_> {
    /// Returns the arguments, the fields `a0` to `a5`.
    #[must_use]
    pub fn arguments(&self) -> Vec<u64> {
        let is_argument = |name: &[u8]| matches!(name, [b'a', b'0'..=b'5']);
        let fields = self.record.fields().filter(|field| is_argument(field.name));
        fields.filter_map(|field| field.value.hexadecimal()).collect()
    }
}

#[cfg(test)]
mod tests {
    use crate::message_type::MessageType;
    use crate::record::view::tests::record;

    #[test]
    fn the_arguments_of_a_socket_call() {
        let call = record(MessageType::SOCKETCALL, "nargs=3 a0=2 a1=1 a2=dad");
        assert_eq!(call.as_socket_call().map(|call| call.arguments()), Some(vec![2, 1, 0xdad]));
    }
}
