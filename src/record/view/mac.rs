//! The `MAC_*` records: changes of mandatory access control.

use std::net::IpAddr;

use super::view;
use crate::bytestr::ByteStr;
use crate::record::schema::{DECIMAL, Kind};

view! {
    /// A `MAC_*` record: a change of mandatory access control.
    ///
    /// Policies, modes and booleans of SELinux, and labels of NetLabel and IPsec.
    ///
    /// Source: `security/selinux/selinuxfs.c`, `net/netlabel/`, `net/xfrm/`.
    ///
    /// # Examples
    ///
    /// ```
    /// use auditlink::{MessageType, Record};
    ///
    /// let text = b"audit(1700000000.123:30): enforcing=0 old_enforcing=1 auid=1000 ses=1 enabled=1 old-enabled=1 lsm=selinux res=1";
    /// let record = Record::parse(MessageType::MAC_STATUS, text)?;
    /// let view = record.as_mac_change().ok_or("another type")?;
    /// assert_eq!((view.enforcing(), view.was_enforcing()), (Some(false), Some(true)));
    /// assert_eq!(view.lsm().unwrap_or_default(), "selinux");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[doc(alias = "AUDIT_MAC_POLICY_LOAD")]
    #[doc(alias = "AUDIT_MAC_STATUS")]
    #[doc(alias = "AUDIT_MAC_CONFIG_CHANGE")]
    #[doc(alias = "AUDIT_MAC_UNLBL_ALLOW")]
    #[doc(alias = "AUDIT_MAC_UNLBL_STCADD")]
    #[doc(alias = "AUDIT_MAC_UNLBL_STCDEL")]
    #[doc(alias = "AUDIT_MAC_MAP_ADD")]
    #[doc(alias = "AUDIT_MAC_MAP_DEL")]
    #[doc(alias = "AUDIT_MAC_CIPSOV4_ADD")]
    #[doc(alias = "AUDIT_MAC_CIPSOV4_DEL")]
    #[doc(alias = "AUDIT_MAC_CALIPSO_ADD")]
    #[doc(alias = "AUDIT_MAC_CALIPSO_DEL")]
    #[doc(alias = "AUDIT_MAC_IPSEC_EVENT")]
    MacChange, as_mac_change, "a `MAC_*` record",
    (message_type => matches!(message_type.number(), 1403..=1419));
    "auid" => auid -> u32, "Returns the login user.";
    "ses" => session -> u32, "Returns the login session.";
    "op" => op -> ByteStr<'a>, "Returns the operation of NetLabel or IPsec.";
    "lsm": Kind::Word => lsm -> ByteStr<'a>,
        "Returns the security module; before Linux 4.18 the field is absent and it is SELinux.";
    "enforcing" => enforcing -> bool, "Returns whether the module enforces its policy now.";
    "old_enforcing" => was_enforcing -> bool,
        "Returns whether the module enforced its policy before.";
    "enabled": Kind::Bit;
    "old-enabled": Kind::Bit;
    "bool": Kind::Word => boolean -> ByteStr<'a>, "Returns the SELinux boolean that was set.";
    "val": Kind::Bit => value -> bool, "Returns the new value of the boolean.";
    "old_val": Kind::Bit => old_value -> bool, "Returns the old value of the boolean.";
    "unlbl_accept": Kind::Bit;
    "old": DECIMAL;
    "netif": Kind::Word => interface -> ByteStr<'a>,
        "Returns the network interface of a NetLabel mapping.";
    "src": Kind::Ip => source -> IpAddr, "Returns the source address, for NetLabel and IPsec.";
    "src_prefixlen": DECIMAL => source_prefix -> u8,
        "Returns the prefix length of the source address; absent for a single address.";
    "dst": Kind::Ip => destination -> IpAddr,
        "Returns the destination address, for NetLabel and IPsec.";
    "dst_prefixlen": DECIMAL => destination_prefix -> u8,
        "Returns the prefix length of the destination address; absent for a single address.";
    "sec_obj": Kind::Label;
    "res" => result -> bool, "Returns whether the change was made.";
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::message_type::MessageType;
    use crate::record::Interpretation;
    use crate::record::view::tests::record;

    #[test]
    fn a_policy_was_loaded() {
        let old = record(MessageType::MAC_POLICY_LOAD, "policy loaded auid=0 ses=1");
        let new = record(MessageType::MAC_POLICY_LOAD, "auid=0 ses=1 lsm=selinux res=1");
        let (old, new) = (old.as_mac_change().expect("a view"), new.as_mac_change().expect("one"));
        assert_eq!((old.auid(), old.session(), old.lsm()), (Some(0), Some(1), None));
        assert_eq!((new.auid(), new.lsm()), (Some(0), Some("selinux".into())));
        assert_eq!(new.result(), Some(true));
    }

    // `security/selinux/selinuxfs.c`, `sel_write_enforce`: "enforcing=%d old_enforcing=%d …" of
    // booleans
    #[test]
    fn the_mode_of_selinux_is_a_bit() {
        let body =
            "enforcing=1 old_enforcing=0 auid=0 ses=1 enabled=1 old-enabled=1 lsm=selinux res=1";
        let record = record(MessageType::MAC_STATUS, body);
        let view = record.as_mac_change().expect("a view");
        assert_eq!((view.enforcing(), view.was_enforcing()), (Some(true), Some(false)));
        assert_eq!(record.interpret("enforcing"), Some(Interpretation::Bit(true)));
        assert_eq!(record.interpret("old_enforcing"), Some(Interpretation::Bit(false)));
    }

    // `net/netlabel/netlabel_addrlist.c`, `netlbl_af4list_audit_addr`: "src=%pI4 src_prefixlen=%d"
    #[test]
    fn the_source_of_a_netlabel_mapping_is_an_address() {
        let body =
            "netlabel: auid=0 ses=1 netif=lo src=10.0.0.0 src_prefixlen=8 sec_obj=a:b:c res=1";
        let record = record(MessageType::MAC_UNLBL_STCADD, body);
        let view = record.as_mac_change().expect("a view");
        let address = IpAddr::from([10, 0, 0, 0]);
        assert_eq!((view.source(), view.source_prefix()), (Some(address), Some(8)));
        assert_eq!(record.interpret("src"), Some(Interpretation::Ip(address)));
    }
}
