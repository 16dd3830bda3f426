//! The `SOCKADDR` record: the address that a call was given.

use std::net::{Ipv4Addr, Ipv6Addr, SocketAddrV4, SocketAddrV6};

use super::value::from_hex;
use super::{Value, getters, view};
use crate::message_type::MessageType;

view! {
    /// A `SOCKADDR` record.
    ///
    /// Source: `kernel/auditsc.c`, `audit_log_exit`; the bytes are those that the caller passed.
    SockAddr, record, record.message_type() == MessageType::SOCKADDR
}

getters! {
    SockAddr {
        address, "saddr", |value: Value<'a>| from_hex(value.bytes()).map(SocketAddress::parse)
            => SocketAddress, "Returns the address; `None` if the field holds no hex.";
    }
}

/// A socket address as the caller passed it, whatever its length.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum SocketAddress {
    /// `AF_UNIX` with a path.
    UnixPath(Vec<u8>),
    /// `AF_UNIX` with an abstract name, given here without its leading NUL.
    UnixAbstract(Vec<u8>),
    /// `AF_UNIX` without a name.
    UnixUnnamed,
    /// `AF_INET`.
    Inet(SocketAddrV4),
    /// `AF_INET6`.
    Inet6(SocketAddrV6),
    /// `AF_NETLINK`.
    Netlink {
        /// The port.
        port: u32,
        /// The multicast groups, a bit each.
        groups: u32,
    },
    /// Another family, or too few bytes for its own: all bytes, the family included.
    Other(Vec<u8>),
}

impl SocketAddress {
    fn parse(bytes: Vec<u8>) -> Self {
        Self::known(&bytes).unwrap_or(Self::Other(bytes))
    }

    fn known(bytes: &[u8]) -> Option<Self> {
        let (family, rest) = bytes.split_first_chunk()?;
        match u16::from_ne_bytes(*family) {
            AF_UNIX => Some(Self::unix(rest)),
            AF_INET => {
                let (port, rest) = rest.split_first_chunk()?;
                let address: [u8; 4] = *rest.first_chunk()?;
                let address = Ipv4Addr::from(address);
                Some(Self::Inet(SocketAddrV4::new(address, u16::from_be_bytes(*port))))
            }
            AF_INET6 => {
                let (port, rest) = rest.split_first_chunk()?;
                let (flow, rest) = rest.split_first_chunk()?;
                let (address, rest) = rest.split_first_chunk::<16>()?;
                let scope = rest.first_chunk().map_or(0, |scope| u32::from_ne_bytes(*scope));
                Some(Self::Inet6(SocketAddrV6::new(
                    Ipv6Addr::from(*address),
                    u16::from_be_bytes(*port),
                    u32::from_be_bytes(*flow),
                    scope,
                )))
            }
            AF_NETLINK => {
                let (_padding, rest) = rest.split_first_chunk::<2>()?;
                let (port, rest) = rest.split_first_chunk()?;
                let groups = rest.first_chunk()?;
                Some(Self::Netlink {
                    port: u32::from_ne_bytes(*port),
                    groups: u32::from_ne_bytes(*groups),
                })
            }
            _ => None,
        }
    }

    fn unix(path: &[u8]) -> Self {
        match path {
            [] => Self::UnixUnnamed,
            [0, name @ ..] => Self::UnixAbstract(name.to_vec()),
            _ => {
                let end = memchr::memchr(0, path).unwrap_or(path.len());
                Self::UnixPath(path.get(..end).unwrap_or_default().to_vec())
            }
        }
    }
}

const AF_UNIX: u16 = 1;
const AF_INET: u16 = 2;
const AF_INET6: u16 = 10;
const AF_NETLINK: u16 = 16;

#[cfg(all(test, target_endian = "little"))]
mod tests {
    use super::*;
    use crate::record::Record;

    fn address(hex: &str) -> Option<SocketAddress> {
        let text = format!("audit(1.000:2): saddr={hex}");
        let record = Record::parse(MessageType::SOCKADDR, text.as_bytes()).expect("a head");
        record.as_sockaddr().expect("a SOCKADDR record").address()
    }

    #[test]
    fn trap_72_socket_addresses() {
        assert_eq!(address("0100"), Some(SocketAddress::UnixUnnamed));
        assert_eq!(address("01000061"), Some(SocketAddress::UnixAbstract(b"a".to_vec())));
        let path = SocketAddress::UnixPath(b"/a/b".to_vec());
        assert_eq!(address("01002F612F62"), Some(path.clone()), "no final NUL");
        assert_eq!(address("01002F612F6200FF"), Some(path));
        let inet = SocketAddrV4::new(Ipv4Addr::new(10, 0, 0, 1), 80);
        assert_eq!(address("020000500A000001"), Some(SocketAddress::Inet(inet)));
        let inet6 = SocketAddrV6::new(Ipv6Addr::LOCALHOST, 443, 0, 0);
        let hex = format!("0A0001BB00000000{}01", "00".repeat(15));
        assert_eq!(address(&hex), Some(SocketAddress::Inet6(inet6)), "24 bytes, no scope");
        let netlink = SocketAddress::Netlink { port: 7, groups: 1 };
        assert_eq!(address("100000000700000001000000"), Some(netlink));
        assert_eq!(address("0200"), Some(SocketAddress::Other(vec![2, 0])), "too short");
        assert_eq!(address("0000"), Some(SocketAddress::Other(vec![0, 0])));
        assert_eq!(address("2"), None);
    }
}
