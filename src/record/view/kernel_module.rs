//! The `KERN_MODULE` record.

use super::view;
use crate::bytestr::ByteStr;

view! {
    /// A `KERN_MODULE` record: a kernel module was loaded or removed.
    ///
    /// Source: `kernel/auditsc.c`, `show_special`.
    ///
    /// # Examples
    ///
    /// ```
    /// use auditlink::{MessageType, Record};
    ///
    /// let text = br#"audit(1700000000.123:30): name="dummy""#;
    /// let record = Record::parse(MessageType::KERN_MODULE, text)?;
    /// let view = record.as_kern_module().ok_or("another type")?;
    /// assert_eq!(view.name().unwrap_or_default(), "dummy");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[doc(alias = "AUDIT_KERN_MODULE")]
    KernModule, as_kern_module, "a `KERN_MODULE` record", [KERN_MODULE];
    "name" => name -> ByteStr<'a>, "Returns the module's name.";
}

#[cfg(test)]
mod tests {
    use crate::message_type::MessageType;
    use crate::record::view::tests::record;

    #[test]
    fn the_name_of_a_module_is_text() {
        let module = record(MessageType::KERN_MODULE, r#"name="dummy""#);
        assert_eq!(module.as_kern_module().and_then(|m| m.name()), Some("dummy".into()));
    }
}
