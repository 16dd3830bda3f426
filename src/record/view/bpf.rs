//! The `BPF` record.

use super::view;
use crate::bytestr::ByteStr;
use crate::record::schema::DECIMAL;

view! {
    /// A `BPF` record: a BPF program was loaded or unloaded.
    ///
    /// Source: `kernel/bpf/syscall.c`, `bpf_audit_prog`.
    ///
    /// # Kernel version
    ///
    /// Linux 5.15.
    ///
    /// # Examples
    ///
    /// ```
    /// use auditlink::{MessageType, Record};
    ///
    /// let text = b"audit(1700000000.123:30): prog-id=75 op=LOAD";
    /// let record = Record::parse(MessageType::BPF, text)?;
    /// let view = record.as_bpf().ok_or("another type")?;
    /// assert_eq!((view.program(), view.op()), (Some(75), Some("LOAD".into())));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[doc(alias = "AUDIT_BPF")]
    Bpf, as_bpf, "a `BPF` record", [BPF];
    "prog-id": DECIMAL => program -> u32, "Returns the ID of the program.";
    "op" => op -> ByteStr<'a>, "Returns the operation: `LOAD` or `UNLOAD`.";
}

#[cfg(test)]
mod tests {
    use crate::message_type::MessageType;
    use crate::record::view::tests::record;

    #[test]
    fn a_field_name_with_a_hyphen() {
        let bpf = record(MessageType::BPF, "prog-id=75 op=LOAD");
        let view = bpf.as_bpf().expect("a view");
        assert_eq!((view.program(), view.op()), (Some(75), Some("LOAD".into())));
    }
}
