//! The device mapper records: `DM_CTRL` and `DM_EVENT`.

use super::view;
use crate::bytestr::ByteStr;
use crate::record::schema::{DECIMAL, Kind, Radix};

view! {
    /// A `DM_CTRL` or `DM_EVENT` record of the device mapper.
    ///
    /// Source: `drivers/md/dm-audit.c`.
    ///
    /// # Kernel version
    ///
    /// Linux 5.16.
    ///
    /// # Examples
    ///
    /// ```
    /// use auditlink::{MessageType, Record};
    ///
    /// let text = b"audit(1700000000.123:30): module=verity op=verify-data-block dev=252:3 sector=128 res=0";
    /// let record = Record::parse(MessageType::DM_EVENT, text)?;
    /// let view = record.as_device_mapper().ok_or("another type")?;
    /// assert_eq!((view.device(), view.sector()), (Some((252, 3)), Some(128)));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[doc(alias = "AUDIT_DM_CTRL")]
    #[doc(alias = "AUDIT_DM_EVENT")]
    DeviceMapper, as_device_mapper, "a `DM_*` record", [DM_CTRL, DM_EVENT];
    "module": Kind::Word => module -> ByteStr<'a>,
        "Returns the module of the target, such as `verity`.";
    "op" => op -> ByteStr<'a>, "Returns the operation.";
    "dev": Kind::Device(Radix::Decimal) => device -> (u32, u32),
        "Returns the major and minor number, which these records write in decimal.";
    "sector": DECIMAL => sector -> u64,
        "Returns the sector; only in `DM_EVENT` records, and `None` if it is not known.";
    "error_msg": Kind::Text => error_message -> ByteStr<'a>,
        "Returns the error message, or `success`; only in `DM_CTRL` records.";
    "res" => result -> bool, "Returns whether the operation succeeded.";
}

#[cfg(test)]
mod tests {
    use crate::message_type::MessageType;
    use crate::record::view::tests::record;
    use crate::record::{Absent, Interpretation};

    #[test]
    fn a_target_is_created() {
        let dm = record(
            MessageType::DM_CTRL,
            "module=verity op=ctr dev=252:3 error_msg='success' res=1",
        );
        assert_eq!(dm.as_device_mapper().and_then(|dm| dm.device()), Some((252, 3)));
        assert_eq!(dm.interpret("error_msg"), Some(Interpretation::Text("success".into())));
        assert_eq!(dm.interpret("dev"), Some(Interpretation::Device { major: 252, minor: 3 }));
    }

    // `drivers/md/dm-audit.c`: `dm_audit_log_bio` writes "sector=%llu", `dm_audit_log_ti` "sector=?"
    #[test]
    fn the_sector_of_an_event_is_a_number_or_unknown() {
        let body = "module=verity op=verify-data-block dev=252:3 sector=128 res=0";
        let event = record(MessageType::DM_EVENT, body);
        assert_eq!(event.as_device_mapper().and_then(|dm| dm.sector()), Some(128));
        assert_eq!(event.interpret("sector"), Some(Interpretation::Number(128)));
        let event = record(MessageType::DM_EVENT, "module=integrity op=x dev=252:3 sector=? res=0");
        assert_eq!(event.as_device_mapper().and_then(|dm| dm.sector()), None);
        assert_eq!(event.interpret("sector"), Some(Interpretation::Absent(Absent::Unknown)));
    }
}
