//! The netfilter records: `NETFILTER_CFG` and `NETFILTER_PKT`.

use std::net::IpAddr;

use super::view;
use crate::bytestr::ByteStr;
use crate::constants::{
    ETHERTYPES, ICMP_TYPES, NETFILTER_ACTIONS, NETFILTER_FAMILIES, Named, PROTOCOLS,
};
use crate::record::Value;
use crate::record::schema::{DECIMAL, HEX, Kind, Radix};

view! {
    /// A `NETFILTER_CFG` record: a table of packet filter rules was changed.
    ///
    /// Source: `net/netfilter/x_tables.c`, `net/netfilter/nf_tables_api.c`.
    ///
    /// # Examples
    ///
    /// ```
    /// use auditlink::{MessageType, Record};
    ///
    /// let text = b"audit(1700000000.123:30): table=filter:3;?:0 family=10 entries=2 op=nft_register_chain pid=9";
    /// let record = Record::parse(MessageType::NETFILTER_CFG, text)?;
    /// let view = record.as_netfilter_cfg().ok_or("another type")?;
    /// assert_eq!((view.table(), view.generation()), (Some("filter".into()), Some(3)));
    /// assert_eq!(view.family().and_then(|family| family.name()), Some("ipv6"));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[doc(alias = "AUDIT_NETFILTER_CFG")]
    NetfilterCfg, as_netfilter_cfg, "a `NETFILTER_CFG` record", [NETFILTER_CFG];
    "table": Kind::Word;
    "family": Kind::Name(Radix::Decimal, &NETFILTER_FAMILIES) => family -> Named,
        "Returns the protocol family.";
    "entries": DECIMAL => entries -> u32, "Returns the number of entries.";
    "op" => op -> ByteStr<'a>, "Returns the operation (Linux 5.7).";
    "pid" => pid -> u32,
        "Returns the thread that made the change (Linux 5.7): its thread ID, not its process.";
    "comm" => comm -> ByteStr<'a>, "Returns the name of the thread (Linux 5.7).";
}

impl<'a> NetfilterCfg<'a> {
    /// Returns the name of the table, from the field `table`.
    #[must_use]
    pub fn table(&self) -> Option<ByteStr<'a>> {
        self.name_and_generation().map(|(name, _)| name.into())
    }

    /// Returns the generation of the nftables rule set, from `table=NAME:GENERATION;…`.
    #[must_use]
    pub fn generation(&self) -> Option<u32> {
        let (_, generation) = self.name_and_generation()?;
        Value::Bare(generation?).decimal()
    }

    fn name_and_generation(&self) -> Option<(&'a [u8], Option<&'a [u8]>)> {
        let table = self.record.field("table")?.bytes();
        let first = table.split(|byte| *byte == b';').next().unwrap_or(table);
        Some(match memchr::memrchr(b':', first) {
            Some(at) => (first.get(..at)?, first.get(at + 1..)),
            None => (first, None),
        })
    }
}

view! {
    /// A `NETFILTER_PKT` record: a packet that the `AUDIT` target, or a log statement with level
    /// `audit`, saw.
    ///
    /// Source: `net/netfilter/xt_AUDIT.c`, `audit_tg`; `net/netfilter/nft_log.c`.
    ///
    /// # Examples
    ///
    /// ```
    /// use auditlink::{MessageType, Record};
    ///
    /// let text = b"audit(1700000000.123:30): mark=0x1 saddr=10.0.0.1 daddr=10.0.0.2 proto=6";
    /// let record = Record::parse(MessageType::NETFILTER_PKT, text)?;
    /// let view = record.as_netfilter_pkt().ok_or("another type")?;
    /// assert_eq!(view.source(), Some([10, 0, 0, 1].into()));
    /// assert_eq!(view.protocol().and_then(|protocol| protocol.name()), Some("tcp"));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[doc(alias = "AUDIT_NETFILTER_PKT")]
    NetfilterPkt, as_netfilter_pkt, "a `NETFILTER_PKT` record", [NETFILTER_PKT];
    "mark": HEX => mark -> u64, "Returns the packet's mark.";
    "saddr": Kind::Ip => source -> IpAddr, "Returns the source address.";
    "daddr": Kind::Ip => destination -> IpAddr, "Returns the destination address.";
    "proto": Kind::Name(Radix::Decimal, &PROTOCOLS) => protocol -> Named,
        "Returns the protocol above IP.";
    "sport": DECIMAL => source_port -> u16, "Returns the source port; before Linux 4.12 only.";
    "dport": DECIMAL => destination_port -> u16,
        "Returns the destination port; before Linux 4.12 only.";
    // the fields below were removed in Linux 4.12
    "family": Kind::Name(Radix::Decimal, &NETFILTER_FAMILIES);
    "hook": Kind::NetfilterHook;
    "action": Kind::Name(Radix::Decimal, &NETFILTER_ACTIONS);
    "icmptype": Kind::Name(Radix::Decimal, &ICMP_TYPES);
    "macproto": Kind::Name(Radix::Hex, &ETHERTYPES);
    "len": DECIMAL;
    "ipid": DECIMAL;
    "icmpcode": DECIMAL;
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::message_type::MessageType;
    use crate::record::view::tests::record;

    #[test]
    fn tables_of_packet_filters() {
        let old = record(MessageType::NETFILTER_CFG, "table=nat family=2 entries=5");
        let old = old.as_netfilter_cfg().expect("a view");
        assert_eq!((old.table(), old.entries(), old.op()), (Some("nat".into()), Some(5), None));
        assert_eq!((old.family().and_then(Named::name), old.generation()), (Some("ipv4"), None));
        let new = record(
            MessageType::NETFILTER_CFG,
            r#"table=filter:3;?:0 family=10 entries=2 op=nft_register_chain pid=9 subj=x comm="nft""#,
        );
        let view = new.as_netfilter_cfg().expect("a view");
        assert_eq!((view.table(), view.generation()), (Some("filter".into()), Some(3)));
        assert_eq!(view.op(), Some("nft_register_chain".into()));
        assert_eq!(new.field("table").map(Value::bytes), Some(&b"filter:3;?:0"[..]));
    }

    // `include/uapi/linux/netfilter_arp.h`
    #[test]
    fn hooks_are_named_by_their_family() {
        for (body, hook) in [
            ("action=0 hook=1 len=60", "INPUT"),
            ("action=0 family=3 hook=1 len=60", "OUTPUT"),
            ("action=0 hook=0 family=3", "INPUT"),
            ("action=0 family=7 hook=0", "PREROUTING"),
            ("family=3 hook=4", "0x4"),
        ] {
            let record = record(MessageType::NETFILTER_PKT, body);
            let found = record.interpret("hook").map(|hook| hook.to_string());
            assert_eq!(found.as_deref(), Some(hook), "{body}");
        }
    }

    #[test]
    fn addresses_of_a_packet() {
        let body = "mark=0x1 saddr=10.0.0.1 daddr=? proto=6";
        let packet = record(MessageType::NETFILTER_PKT, body);
        let view = packet.as_netfilter_pkt().expect("a view");
        assert_eq!(view.source(), Some(IpAddr::from([10, 0, 0, 1])));
        assert_eq!(view.destination(), None, "`audit_log_nf_skb` writes `?` for other families");
        assert_eq!(view.protocol().and_then(Named::name), Some("tcp"));
    }
}
