//! Socket addresses in the form of records.

use std::fmt;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddrV4, SocketAddrV6};

use super::value::from_hex;
use crate::bytestr::print_text;
use crate::constants::ADDRESS_FAMILIES;
use crate::macros::pad_with;

/// A socket address as the caller passed it, of any length.
///
/// # Examples
///
/// ```
/// use auditlink::record::SocketAddress;
///
/// let address = SocketAddress::from_hex(b"020000500A000001").ok_or("hex")?;
/// assert_eq!(address.family(), Some("inet"));
/// assert_eq!(address.to_string(), "10.0.0.1:80");
/// # Ok::<(), &str>(())
/// ```
#[doc(alias = "sockaddr")]
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum SocketAddress {
    /// `AF_UNIX` with a path.
    UnixPath(Vec<u8>),
    /// `AF_UNIX` with an abstract name, here without its leading NUL byte.
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
        /// The multicast groups, one bit for each.
        groups: u32,
    },
    /// `AF_PACKET`: link layer frames.
    Packet {
        /// The protocol above Ethernet.
        protocol: u16,
        /// The index of the interface; 0 for any.
        interface: i32,
        /// The hardware address.
        hardware: Vec<u8>,
    },
    /// `AF_VSOCK`: between a virtual machine and its host.
    Vsock {
        /// The context ID of the machine; 2 is the host.
        cid: u32,
        /// The port.
        port: u32,
    },
    /// `AF_AX25`: amateur radio.
    Ax25 {
        /// The call sign.
        call_sign: String,
        /// The secondary station.
        station: u8,
    },
    /// `AF_X25`, with its address in decimal digits.
    X25(Vec<u8>),
    /// `AF_UNSPEC`: no address; `connect` dissolves an association with it.
    Unspecified,
    /// Another family, or too few bytes for the family: all bytes, including the family.
    Other(Vec<u8>),
}

impl SocketAddress {
    /// Reads an address in hex, as records write it; `None` if it is not hex or has no family.
    #[must_use]
    pub fn from_hex(hex: &[u8]) -> Option<Self> {
        let bytes = from_hex(hex)?;
        Some(Self::known(&bytes).unwrap_or(Self::Other(bytes)))
    }

    /// Returns the name of the family as auditctl spells it.
    #[must_use]
    pub fn family(&self) -> Option<&'static str> {
        let number = match self {
            Self::UnixPath(_) | Self::UnixAbstract(_) | Self::UnixUnnamed => AF_UNIX,
            Self::Inet(_) => AF_INET,
            Self::Inet6(_) => AF_INET6,
            Self::Netlink { .. } => AF_NETLINK,
            Self::Packet { .. } => AF_PACKET,
            Self::Vsock { .. } => AF_VSOCK,
            Self::Ax25 { .. } => AF_AX25,
            Self::X25(_) => AF_X25,
            Self::Unspecified => AF_UNSPEC,
            Self::Other(bytes) => u16::from_ne_bytes(*bytes.first_chunk()?),
        };
        ADDRESS_FAMILIES.name(u64::from(number))
    }

    fn known(bytes: &[u8]) -> Option<Self> {
        let (family, rest) = bytes.split_first_chunk()?;
        match u16::from_ne_bytes(*family) {
            AF_UNSPEC => Some(Self::Unspecified),
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
            AF_PACKET => {
                let (protocol, rest) = rest.split_first_chunk()?;
                let (interface, rest) = rest.split_first_chunk()?;
                let (_type, rest) = rest.split_first_chunk::<3>()?;
                let (length, rest) = rest.split_first()?;
                let length = usize::from(*length).min(rest.len());
                Some(Self::Packet {
                    protocol: u16::from_be_bytes(*protocol),
                    interface: i32::from_ne_bytes(*interface),
                    hardware: rest.get(..length)?.to_vec(),
                })
            }
            AF_VSOCK => {
                let (_reserved, rest) = rest.split_first_chunk::<2>()?;
                let (port, rest) = rest.split_first_chunk()?;
                let cid = rest.first_chunk()?;
                Some(Self::Vsock { cid: u32::from_ne_bytes(*cid), port: u32::from_ne_bytes(*port) })
            }
            AF_AX25 => {
                // each letter is shifted up by one bit, as it goes over the air
                let (call_sign, rest) = rest.split_first_chunk::<6>()?;
                let letters = call_sign.iter().map(|letter| char::from(letter >> 1));
                let station = rest.first()? >> 1 & 0xF;
                let call_sign: String = letters.collect();
                Some(Self::Ax25 { call_sign: call_sign.trim_end().to_owned(), station })
            }
            AF_X25 => {
                let end = memchr::memchr(0, rest).unwrap_or(rest.len());
                Some(Self::X25(rest.get(..end)?.to_vec()))
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

impl fmt::Display for SocketAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        pad_with(f, |out| self.print(out))
    }
}

impl SocketAddress {
    fn print(&self, out: &mut dyn fmt::Write) -> fmt::Result {
        match self {
            Self::UnixPath(path) => print_text(path, out),
            Self::UnixAbstract(name) => {
                out.write_str("@")?;
                print_text(name, out)
            }
            Self::UnixUnnamed => out.write_str("unnamed"),
            Self::Inet(address) => write!(out, "{address}"),
            Self::Inet6(address) => write!(out, "{address}"),
            Self::Netlink { port, groups } => write!(out, "netlink:{port} groups:{groups:#x}"),
            Self::Packet { protocol, interface, hardware } => {
                write!(out, "packet:{protocol:#06x} interface:{interface}")?;
                for (index, byte) in hardware.iter().enumerate() {
                    write!(out, "{}{byte:02x}", if index == 0 { ' ' } else { ':' })?;
                }
                Ok(())
            }
            Self::Vsock { cid, port } => write!(out, "vsock:{cid}:{port}"),
            Self::Ax25 { call_sign, station } => write!(out, "ax25:{call_sign}-{station}"),
            Self::X25(digits) => {
                out.write_str("x25:")?;
                print_text(digits, out)
            }
            Self::Unspecified => out.write_str("unspec"),
            Self::Other(bytes) => {
                out.write_str(self.family().unwrap_or("unknown"))?;
                out.write_str(":")?;
                bytes.iter().try_for_each(|byte| write!(out, "{byte:02x}"))
            }
        }
    }
}

const AF_UNSPEC: u16 = 0;
const AF_UNIX: u16 = 1;
const AF_INET: u16 = 2;
const AF_AX25: u16 = 3;
const AF_X25: u16 = 9;
const AF_INET6: u16 = 10;
const AF_NETLINK: u16 = 16;
const AF_PACKET: u16 = 17;
const AF_VSOCK: u16 = 40;

#[cfg(all(test, target_endian = "little"))]
mod tests {
    use super::*;
    use crate::message_type::MessageType;
    use crate::record::Record;

    fn address(hex: &str) -> Option<SocketAddress> {
        let text = format!("audit(1.000:2): saddr={hex}");
        let record = Record::parse(MessageType::SOCKADDR, text.as_bytes()).expect("a header");
        record.as_sockaddr().expect("a SOCKADDR record").address()
    }

    #[test]
    fn socket_addresses() {
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
        assert_eq!(address("0000"), Some(SocketAddress::Unspecified));
        assert_eq!(address("2"), None);
        let vsock = SocketAddress::Vsock { cid: 2, port: 1234 };
        assert_eq!(address("28000000D2040000020000000000000000000000"), Some(vsock));
        let packet = SocketAddress::Packet {
            protocol: 0x0800,
            interface: 2,
            hardware: vec![0, 0x11, 0x22, 0x33, 0x44, 0x55],
        };
        assert_eq!(address("11000800020000000100000600112233445500"), Some(packet.clone()));
        assert_eq!(packet.to_string(), "packet:0x0800 interface:2 00:11:22:33:44:55");
        let radio = SocketAddress::Ax25 { call_sign: "DL1ABC".to_owned(), station: 7 };
        assert_eq!(address("0300889862828486 0E00000000".replace(' ', "").as_str()), Some(radio));
        let x25 = SocketAddress::X25(b"2342123".to_vec());
        assert_eq!(address("09003233343231323300000000000000"), Some(x25));
        let other = address("1F000102").expect("bytes");
        assert_eq!(
            (other.family(), other.to_string().as_str()),
            (Some("bluetooth"), "bluetooth:1f000102")
        );
    }
}
