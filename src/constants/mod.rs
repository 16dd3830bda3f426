//! Names of the kernel's numbers: options, flags, signals, errors, capabilities.
//!
//! Every number is a value, with or without a name here. A number without a name prints as the
//! number; bits without names print after the names of the others.
//!
//! The numbers are those of `include/uapi`. Where architectures differ, the table names those that it
//! is for.

mod files;
mod processes;
mod security;
mod sockets;

use std::fmt;

pub use self::files::Mode;
pub(crate) use self::files::{
    ACCESS_MODES, AT_ACCESS_FLAGS, AT_FDCWD, AT_FLAGS, AT_UNLINK_FLAGS, DESCRIPTOR_FLAGS,
    FCNTL_COMMANDS, FILE_SYSTEMS, FILE_TYPES, FSCONFIG_COMMANDS, FSMOUNT_FLAGS, FSOPEN_FLAGS,
    FSPICK_FLAGS, IOCTL_REQUESTS, MOUNT_ATTRIBUTES, MOUNT_FLAGS, OPEN_FLAGS, OPEN_TREE_FLAGS,
    RESOLVE_FLAGS, UMOUNT_FLAGS, WHENCE, open_flags,
};
pub(crate) use self::processes::{
    CLOCKS, CLONE_FLAGS, EPOLL_OPERATIONS, IPC_CALLS, IPC_FLAGS, KEYCTL_OPERATIONS, MAP_FLAGS,
    MSG_COMMANDS, PERSONALITIES, PRCTL_OPTIONS, PROTECTION_FLAGS, PTRACE_REQUESTS, RESOURCE_LIMITS,
    SCHEDULER_POLICIES, SEM_COMMANDS, SHM_COMMANDS, SHM_FLAGS, has_generic_numbers,
};
pub use self::processes::{Errno, Signal};
pub(crate) use self::security::{
    AUDIT_LISTS, BPF_COMMANDS, ETHERTYPES, FANOTIFY_INFO_TYPES, FANOTIFY_RESPONSES, ICMP_TYPES,
    MULTICAST_GROUPS, NETFILTER_ACTIONS, NETFILTER_ARP_HOOKS, NETFILTER_FAMILIES, NETFILTER_HOOKS,
    PERMISSIONS, SECCOMP_ACTIONS, SECCOMP_OPERATIONS, TRUST,
};
pub use self::security::{Capability, CapabilitySet};
pub(crate) use self::sockets::{
    ADDRESS_FAMILIES, IP_OPTIONS, IPV6_OPTIONS, MESSAGE_FLAGS, PACKET_OPTIONS, PROTOCOLS,
    SCTP_OPTIONS, SOCKET_CALLS, SOCKET_LEVELS, SOCKET_OPTIONS, SOCKET_TYPE_FLAGS, TCP_OPTIONS,
    UDP_OPTIONS,
};
use crate::macros::pad_with;

/// Names of single numbers, such as the options of `prctl`.
#[derive(Debug)]
pub(crate) struct Names {
    entries: &'static [(u64, &'static str)],
}

impl Names {
    const fn new(entries: &'static [(u64, &'static str)]) -> Self {
        Self { entries }
    }

    /// Returns the name of a number; the first if it has several.
    pub(crate) fn name(&self, number: u64) -> Option<&'static str> {
        self.entries.iter().find(|(known, _)| *known == number).map(|(_, name)| *name)
    }

    /// Returns the number with this name.
    pub(crate) fn number(&self, name: &str) -> Option<u64> {
        self.entries.iter().find(|(_, known)| *known == name).map(|(number, _)| *number)
    }

    /// Iterates over all numbers and names.
    #[cfg(test)]
    fn iter(&self) -> impl Iterator<Item = (u64, &'static str)> {
        self.entries.iter().copied()
    }
}

/// A number that the kernel's headers can have a name for, such as an option of `prctl`.
///
/// `Display` prints the name, or the number in hexadecimal.
#[derive(Clone, Copy)]
pub struct Named {
    number: u64,
    names: &'static Names,
}

impl Named {
    /// Creates the value from a number and its table.
    pub(crate) const fn new(number: u64, names: &'static Names) -> Self {
        Self { number, names }
    }

    /// Returns the number.
    #[must_use]
    pub const fn number(self) -> u64 {
        self.number
    }

    /// Returns the name; `None` if the number has none.
    #[must_use]
    pub fn name(self) -> Option<&'static str> {
        self.names.name(self.number)
    }
}

impl PartialEq for Named {
    fn eq(&self, other: &Self) -> bool {
        self.number == other.number && std::ptr::eq(self.names, other.names)
    }
}

impl Eq for Named {}

impl fmt::Display for Named {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.name() {
            Some(name) => f.pad(name),
            None => pad_with(f, |out| write!(out, "{:#x}", self.number)),
        }
    }
}

impl fmt::Debug for Named {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// A flag: its name applies if the bits of the mask have the value.
#[derive(Clone, Copy, Debug)]
struct Flag {
    mask: u64,
    value: u64,
    name: &'static str,
}

/// Names of bits that are combined, such as the flags of `open`.
#[derive(Debug)]
pub(crate) struct FlagNames {
    flags: &'static [Flag],
    /// The name of the value without any bit, if it has one.
    zero: &'static [&'static str],
}

/// Bits that the kernel's headers have names for, such as the personality of a process.
///
/// `Display` prints the names, joined by `|`, and bits without a name in hexadecimal.
///
/// # Examples
///
/// ```
/// use auditlink::{MessageType, Record};
///
/// let text = b"audit(1.000:2): arch=c000003e syscall=59 success=yes exit=0 per=140000";
/// let record = Record::parse(MessageType::SYSCALL, text)?;
/// let flags = record.as_syscall().and_then(|call| call.personality()).ok_or("no flags")?;
/// assert_eq!(flags.to_string(), "PER_LINUX|ADDR_NO_RANDOMIZE|MMAP_PAGE_ZERO");
/// assert!(flags.contains("ADDR_NO_RANDOMIZE"));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy)]
pub struct Flags {
    bits: u64,
    names: &'static FlagNames,
}

impl Flags {
    /// Creates the value from bits and their table.
    pub(crate) const fn new(bits: u64, names: &'static FlagNames) -> Self {
        Self { bits, names }
    }

    /// Returns the bits.
    #[must_use]
    pub const fn bits(self) -> u64 {
        self.bits
    }

    /// Iterates over the names of the flags that are set.
    pub fn names(self) -> impl Iterator<Item = &'static str> {
        self.split().0.into_iter()
    }

    /// Returns the bits without names.
    #[must_use]
    pub fn unnamed(self) -> u64 {
        self.split().1
    }

    /// Returns whether the flag with this name is set.
    #[must_use]
    pub fn contains(self, name: &str) -> bool {
        self.names().any(|known| known == name)
    }

    fn split(self) -> (Vec<&'static str>, u64) {
        let mut left = self.bits;
        let mut names = Vec::new();
        for Flag { mask, value, name } in self.names.flags {
            // a flag of several bits is listed before its parts, and uses their bits up
            if self.bits & mask == *value && (left & mask == *value || *value == 0) {
                names.push(*name);
                left &= !mask;
            }
        }
        if names.is_empty() && left == 0 {
            names.extend_from_slice(self.names.zero);
        }
        (names, left)
    }
}

impl PartialEq for Flags {
    fn eq(&self, other: &Self) -> bool {
        self.bits == other.bits && std::ptr::eq(self.names, other.names)
    }
}

impl Eq for Flags {}

impl fmt::Display for Flags {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        pad_with(f, |out| {
            let (names, left) = self.split();
            for (index, name) in names.iter().enumerate() {
                write!(out, "{}{name}", if index == 0 { "" } else { "|" })?;
            }
            match (names.is_empty(), left) {
                (false, 0) => Ok(()),
                (false, left) => write!(out, "|{left:#x}"),
                (true, left) => write!(out, "{left:#x}"),
            }
        })
    }
}

impl fmt::Debug for Flags {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// Defines tables of names: `TABLE { NAME = number, … }`.
macro_rules! names {
    ($($(#[$doc:meta])* $table:ident { $($name:ident = $number:literal,)* })*) => {
        $(
            $(#[$doc])*
            pub(crate) static $table: $crate::constants::Names =
                $crate::constants::Names::new(&[$(($number, stringify!($name)),)*]);
        )*
    };
}

/// Defines tables of flags: `TABLE(what zero means) { bits NAME, … }`, or `mask/value NAME` for a
/// field of several bits.
macro_rules! flags {
    ($($(#[$doc:meta])* $table:ident $(($zero:ident))? {
        $($mask:literal $(/ $value:literal)? $name:ident,)*
    })*) => {
        $(
            $(#[$doc])*
            pub(crate) static $table: $crate::constants::FlagNames = $crate::constants::FlagNames {
                flags: &[$($crate::constants::flag($mask, &[$($value)?], stringify!($name)),)*],
                zero: &[$(stringify!($zero))?],
            };
        )*
    };
}

/// Makes an entry of a table of flags; `value` is empty where it is the mask.
const fn flag(mask: u64, value: &[u64], name: &'static str) -> Flag {
    Flag { mask, value: if let [value] = value { *value } else { mask }, name }
}

use {flags, names};

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn flags_lose_no_bit() {
        for bits in [0, 1, 0x241, 0x10_1000, 0x20_0000, 0x41_0000, 0xFFFF_FFFF_FFFF_FFFF] {
            for names in [&OPEN_FLAGS, &CLONE_FLAGS, &MOUNT_FLAGS, &MAP_FLAGS, &MESSAGE_FLAGS] {
                let flags = Flags::new(bits, names);
                let named: u64 = (flags.names.flags.iter())
                    .filter(|flag| flags.contains(flag.name))
                    .map(|flag| flag.value)
                    .fold(0, |all, value| all | value);
                assert_eq!(named | flags.unnamed(), bits, "{flags}");
            }
        }
    }

    #[test]
    fn zero_and_parts_and_leftovers_print() {
        assert_eq!(Flags::new(0, &OPEN_FLAGS).to_string(), "O_RDONLY");
        assert_eq!(Flags::new(0o2_000_000, &OPEN_FLAGS).to_string(), "O_RDONLY|O_CLOEXEC");
        assert_eq!(Flags::new(0o4_010_001, &OPEN_FLAGS).to_string(), "O_WRONLY|O_SYNC");
        assert_eq!(Flags::new(0o10_001, &OPEN_FLAGS).to_string(), "O_WRONLY|O_DSYNC");
        assert_eq!(Flags::new(0, &PROTECTION_FLAGS).to_string(), "PROT_NONE");
        assert_eq!(Flags::new(0, &MOUNT_FLAGS).to_string(), "0x0");
        assert_eq!(Flags::new(1 << 40 | 1, &MOUNT_FLAGS).to_string(), "MS_RDONLY|0x10000000000");
        assert_eq!(Named::new(0x77, &WHENCE).to_string(), "0x77");
    }

    #[test]
    fn display_honours_width() {
        assert_eq!(format!("{:>14}|", Flags::new(0x101, &CLONE_FLAGS)), "  CLONE_VM|0x1|");
        assert_eq!(
            format!("{:6}|{:6}|", Named::new(0x77, &WHENCE), Errno::new(2)),
            "0x77  |ENOENT|"
        );
        assert_eq!(format!("{:8}|{:5}|", Errno::new(4000), Signal::new(34)), "4000    |SIGRT2|");
        assert_eq!(
            format!("{:>6}|{:>6}|", CapabilitySet::new(0), Capability::new(99)),
            "  none|    99|"
        );
        assert_eq!(format!("{:>12}|", Mode::new(0o100_644)), "    file,644|");
    }

    #[test]
    fn names_are_found_again() {
        for table in [&ADDRESS_FAMILIES, &PTRACE_REQUESTS, &PRCTL_OPTIONS, &BPF_COMMANDS] {
            for (number, name) in table.iter() {
                assert_eq!(table.number(name), Some(number), "{name}");
            }
        }
    }
}
