//! Captures: records with all their losses, in files that Wireshark opens.
//!
//! A capture is a pcap file of link type NETLINK (253). What a source handed over is written as it
//! came; an overrun is written as a message `NLMSG_OVERRUN` with the number of dropped datagrams,
//! and a reading of the kernel's lost counter as the reply to `AUDIT_GET`. So a replay goes through
//! the same code as the live stream, and ends with the same events and losses.

mod reader;
pub mod synthetic;
mod tee;
mod writer;

pub use self::reader::Reader;
pub use self::tee::Tee;
pub use self::writer::Writer;

/// The pseudo-header in front of each message: direction, device type, padding, family.
///
/// Source: <https://www.tcpdump.org/linktypes/LINKTYPE_NETLINK.html>.
const COOKED_LENGTH: usize = 16;

const NANOS: u64 = 1_000_000_000;

/// `ARPHRD_NETLINK`.
const DEVICE_TYPE: u16 = 824;

/// `NETLINK_AUDIT`, the family in the pseudo-header.
const FAMILY: u16 = 9;

/// The most that a capture keeps of one message.
const SNAPLEN: u32 = 256 * 1024;
