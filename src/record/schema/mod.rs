//! What each field of each record type holds: the one table that interpretations and typed views
//! are made from.
//!
//! The meaning of a field is decided by the record's type and the field's name, never by the look
//! of its value. A name that means the same in all records stands in [`common`]; what a record type
//! has of its own stands with its view, in `record/view/`; the fields of user-space messages stand
//! in [`message`].

pub(super) mod common;
pub(super) mod message;

use crate::constants::{FlagNames, Names};
use crate::message_type::MessageType;

/// The fields of one family of record types.
#[derive(Debug)]
pub(super) struct Schema {
    /// Returns whether the family has this type.
    pub(super) has: fn(MessageType) -> bool,
    /// The fields that have a meaning of their own in these records.
    pub(super) fields: &'static [(&'static [u8], Kind)],
    /// Returns what any other field holds, if that is known.
    pub(super) others: fn(&[u8]) -> Option<Kind>,
}

impl Schema {
    /// The schema of record types that have no fields of their own.
    pub(super) const COMMON: Self = Self { has: |_| true, fields: &[], others: common::kind };

    /// Returns what a field holds; a word if nothing is known of it.
    pub(super) fn kind(&self, name: &[u8]) -> Kind {
        own_kind(self.fields, name).or_else(|| (self.others)(name)).unwrap_or(Kind::Word)
    }
}

/// Returns what a field of a view holds.
///
/// It is evaluated by the compiler: a getter of a field that the schema does not have does not
/// compile.
pub(super) const fn kind_of(fields: &[(&[u8], Kind)], name: &str) -> Kind {
    match (own_kind(fields, name.as_bytes()), common::kind(name.as_bytes())) {
        (Some(kind), _) | (None, Some(kind)) => kind,
        (None, None) => panic!("the schema has no field of this name"),
    }
}

const fn own_kind(fields: &[(&[u8], Kind)], name: &[u8]) -> Option<Kind> {
    let mut index = 0;
    while index < fields.len() {
        if is_equal(fields[index].0, name) {
            return Some(fields[index].1);
        }
        index += 1;
    }
    None
}

const fn is_equal(one: &[u8], other: &[u8]) -> bool {
    if one.len() != other.len() {
        return false;
    }
    let mut index = 0;
    while index < one.len() {
        if one[index] != other[index] {
            return false;
        }
        index += 1;
    }
    true
}

/// How a number is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Radix {
    Decimal,
    Hex,
    /// A register in hex, of which the system call uses the lower half.
    HalfHex,
    Octal,
}

/// What a field holds.
#[derive(Clone, Copy, Debug)]
pub(super) enum Kind {
    /// A word or text as it came.
    Word,
    /// A string that a process chose: in quotes, or in hex.
    Text,
    Number(Radix),
    Signed,
    /// A number that is 0 or 1.
    Bit,
    User,
    Group,
    Session,
    Arch,
    /// The number of a system call.
    Call,
    /// The number of an io_uring operation.
    Operation,
    Exit,
    Errno,
    Signal(Radix),
    Mode(Radix),
    /// Permissions without a file type.
    Permissions(Radix),
    Device(Radix),
    Capability(Radix),
    Capabilities,
    /// A socket address in hex.
    Address,
    /// An IPv4 or IPv6 address.
    Ip,
    Boolean,
    /// The flags of a network interface, of which `IFF_PROMISC` counts.
    Promiscuity,
    Seccomp,
    Keys,
    /// Strings separated by NUL bytes.
    Arguments,
    /// Terminal input: bytes in hex, or a string in quotes.
    Keystrokes,
    Label,
    Name(Radix, &'static Names),
    Flags(Radix, &'static FlagNames),
    OpenFlags(Radix),
    /// An argument of a system call, in hex; its meaning depends on the call.
    Argument(usize),
    /// A user as an argument.
    UserArgument,
    /// A group as an argument.
    GroupArgument,
    /// A directory file descriptor as an argument.
    Directory,
    CloneFlags,
    /// The operation of `ipc`, whose upper half is a version.
    IpcCall,
    /// A command of `shmctl`, `semctl` or `msgctl`, without the bit `IPC_64`.
    IpcCommand(&'static Names),
    /// Flags of `shmget`, `semget` or `msgget`, with permissions.
    IpcFlags(&'static FlagNames),
    /// A hook of netfilter; its name depends on the family.
    NetfilterHook,
    SocketLevel,
    ExitStatus,
}

pub(super) const DECIMAL: Kind = Kind::Number(Radix::Decimal);
pub(super) const HEX: Kind = Kind::Number(Radix::Hex);
