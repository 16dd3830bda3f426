//! Captures: records with all their losses, in files that Wireshark opens.
//!
//! A capture is a pcap file of link type NETLINK (253). Datagrams are stored as received, signals as
//! netlink messages: an overrun as `NLMSG_OVERRUN` with the number of dropped datagrams, a reading of
//! the kernel's counter of lost records as the reply to `AUDIT_GET`, the others as `NLMSG_NOOP`. A
//! replay therefore runs the same code as the live stream, and yields the same events and losses.

mod reader;
pub mod synthetic;
mod tee;
mod writer;

pub use self::reader::Reader;
pub use self::tee::Tee;
pub use self::writer::Writer;

/// The length of the pseudo-header before each message: direction, device type, padding, family.
///
/// Source: <https://www.tcpdump.org/linktypes/LINKTYPE_NETLINK.html>.
const COOKED_LENGTH: usize = 16;

const NANOS: u64 = 1_000_000_000;

/// `ARPHRD_NETLINK`.
const DEVICE_TYPE: u16 = 824;

/// `NETLINK_AUDIT`, the family in the pseudo-header.
const FAMILY: u16 = 9;

/// The maximum number of bytes that a capture keeps of one message.
const SNAPLEN: u32 = 256 * 1024;
