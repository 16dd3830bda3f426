//! Interpretations: the values of fields as types.

mod arguments;
mod display;
mod getter;
#[cfg(test)]
mod tests;

use std::net::IpAddr;

use self::arguments::Call;
pub use self::display::WithNames;
pub(in crate::record) use self::getter::{FromInterpretation, get};
use super::schema::{Kind, Radix, Schema, message};
use super::{Field, Fields, Keys, Label, Record, SocketAddress, Untrusted, Value};
use crate::arch::{Arch, uring};
use crate::bytestr::ByteStr;
use crate::constants::{
    AT_FDCWD, CLONE_FLAGS, Capability, CapabilitySet, Errno, Flags, IPC_CALLS, Mode,
    NETFILTER_ARP_HOOKS, NETFILTER_HOOKS, Named, OPEN_FLAGS, PROTOCOLS, SECCOMP_ACTIONS,
    SOCKET_LEVELS, Signal, has_generic_numbers, open_flags,
};
use crate::message_type::MessageType;

/// The interpretation of a field's value.
///
/// The type of the record and the name of the field decide how a value is read, never its look:
/// `a0=dad` is a register in a `SYSCALL` record and an argument in an `EXECVE` record.
///
/// `Display` prints what `ausearch -i` prints, without user names; where it differs, [the
/// manual](crate::manual::records) gives the reason. [`with_names`](Self::with_names) adds the names.
///
/// # Examples
///
/// ```
/// use auditlink::record::Interpretation;
/// use auditlink::{MessageType, Record};
///
/// let text = b"audit(1.000:2): arch=c000003e syscall=257 a0=ffffff9c a2=80000 exit=-2 auid=1000";
/// let record = Record::parse(MessageType::SYSCALL, text)?;
/// let printed = |field| record.interpret(field).map(|it| it.to_string()).unwrap_or_default();
/// assert_eq!(printed("syscall"), "openat");
/// assert_eq!(printed("a2"), "O_RDONLY|O_CLOEXEC");
/// assert_eq!(record.interpret("auid"), Some(Interpretation::User(Some(1000))));
/// # Ok::<(), auditlink::DecodeError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Interpretation<'a> {
    /// The record has no value for the field.
    Absent(Absent),
    /// A string that a process chose, decoded.
    Text(ByteStr<'a>),
    /// A word that the kernel or a program wrote, as it came.
    Word(&'a [u8]),
    /// A number.
    Number(u64),
    /// A number that may be negative.
    Signed(i64),
    /// A number that is 0 or 1, such as `enforcing`; prints as the number.
    Bit(bool),
    /// A number that is best read in hex: an address, a mask, an argument of a system call.
    Hex(u64),
    /// A user; `None` if not set.
    User(Option<u32>),
    /// A group; `None` if not set.
    Group(Option<u32>),
    /// A login session; `None` if not set.
    Session(Option<u32>),
    /// An architecture.
    Arch(Arch),
    /// A system call: its number, and its name on the record's architecture.
    Syscall {
        /// The number.
        number: u32,
        /// The name.
        name: Option<&'static str>,
    },
    /// An io_uring operation.
    Operation {
        /// The number.
        number: u32,
        /// The name.
        name: Option<&'static str>,
    },
    /// The result of a system call.
    Exit(i64),
    /// An error number.
    Errno(Errno),
    /// A signal.
    Signal(Signal),
    /// A file's type and permissions.
    Mode(Mode),
    /// Permissions without a file type.
    Permissions(Mode),
    /// A device.
    Device {
        /// The major number.
        major: u32,
        /// The minor number.
        minor: u32,
    },
    /// A capability.
    Capability(Capability),
    /// A set of capabilities.
    Capabilities(CapabilitySet),
    /// The address of a socket.
    Address(SocketAddress),
    /// An IPv4 or IPv6 address.
    Ip(IpAddr),
    /// Yes or no, success or failure.
    Boolean(bool),
    /// The value of a seccomp filter.
    Seccomp {
        /// The action.
        action: Named,
        /// The data of the action: an errno for `errno`, a message for `trace`.
        data: u16,
    },
    /// A number that may have a name.
    Name(Named),
    /// Bits that may have names.
    Flags(Flags),
    /// The flags of `clone`, and the signal in their low byte.
    Clone {
        /// The flags.
        flags: Flags,
        /// The signal that the parent receives when the child exits.
        signal: Signal,
    },
    /// The flags of `shmget`, `semget` or `msgget`, and the permissions in their low bits.
    SharedMemory {
        /// The flags.
        flags: Flags,
        /// The permissions.
        permissions: Mode,
    },
    /// The directory that a path is relative to: a file descriptor; `None` for `AT_FDCWD`.
    Directory(Option<i32>),
    /// The exit status of a process.
    ExitStatus(u8),
    /// The keys of a rule.
    Keys(Vec<ByteStr<'a>>),
    /// The arguments of a command line.
    Arguments(Vec<ByteStr<'a>>),
    /// Terminal input.
    Keystrokes(ByteStr<'a>),
    /// A security label.
    Label(Label<'a>),
    /// The message of a user-space program, with fields of its own.
    Message(&'a [u8]),
    /// Not a value of the field's kind; the bytes as they came.
    Malformed(&'a [u8]),
}

/// The ways in which a record writes that a field has no value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Absent {
    /// `(null)`: the field has no value.
    Null,
    /// `(none)`: the field has no value.
    None,
    /// `?`: the value is not known.
    Unknown,
    /// Nothing after the `=`.
    Empty,
    /// `"(null)"` in quotes: the field has no value, or its value is this text.
    QuotedNull,
    /// `"<too_long>"`: the path was too long for the kernel's buffer.
    TooLong,
    /// `"<no_memory>"`: the kernel had no memory for the path.
    NoMemory,
}

/// Iterates over the fields of a record with their interpretations; made by
/// [`Record::interpretations`].
#[derive(Clone, Debug)]
pub struct Interpretations<'a> {
    fields: Fields<'a>,
    names: FieldNames,
    call: Call,
}

/// Where the meaning of a field's name is looked up.
#[derive(Clone, Copy, Debug)]
enum FieldNames {
    /// In a record of the kernel.
    Record(&'static Schema),
    /// In the message of a user-space program.
    Message(MessageType),
}

impl<'a> Interpretations<'a> {
    pub(super) fn of_kernel(record: Record<'a>, schema: &'static Schema) -> Self {
        let mut call = Call::default();
        for Field { name, value } in record.fields() {
            match name {
                b"arch" => call.arch = value.hexadecimal().and_then(narrow).map(Arch::new),
                b"syscall" => call.number = value.decimal(),
                b"a0" => call.first = value.hexadecimal(),
                b"a1" => call.second = value.hexadecimal(),
                b"family" => call.family = value.decimal(),
                b"items" => break, // the fields after it are not needed
                _ => {}
            }
        }
        call.name = call.arch.zip(call.number).and_then(|(arch, nr)| arch.syscall_name(nr));
        Self { fields: record.fields(), names: FieldNames::Record(schema), call }
    }

    pub(super) fn of_message(record: Record<'a>, fields: Fields<'a>) -> Self {
        let names = FieldNames::Message(record.message_type());
        Self { fields, names, call: Call::default() }
    }

    fn interpret(&self, Field { name, value }: Field<'a>) -> Interpretation<'a> {
        if let Value::Nested(text) = value {
            // a message inside a message is text
            return match self.names {
                FieldNames::Record(_) => Interpretation::Message(text),
                FieldNames::Message(_) => Interpretation::Word(text),
            };
        }
        let kind = match self.names {
            _ if name.is_empty() => Kind::Word,
            FieldNames::Record(schema) => schema.kind(name),
            FieldNames::Message(message_type) => message::kind(message_type, name),
        };
        match kind {
            Kind::Argument(index) => self.call.value(arguments::of(self.call, index), value),
            kind => self.call.value(kind, value),
        }
    }
}

impl<'a> Iterator for Interpretations<'a> {
    type Item = (Field<'a>, Interpretation<'a>);

    fn next(&mut self) -> Option<Self::Item> {
        let field = self.fields.next()?;
        Some((field, self.interpret(field)))
    }
}

/// Interprets a value whose meaning does not depend on a system call.
pub(in crate::record) fn value(kind: Kind, value: Value<'_>) -> Interpretation<'_> {
    Call::default().value(kind, value)
}

impl Call {
    fn value<'a>(&self, kind: Kind, value: Value<'a>) -> Interpretation<'a> {
        absent(value, kind)
            .or_else(|| self.present(kind, value))
            .unwrap_or_else(|| Interpretation::Malformed(value.bytes()))
    }

    /// Reads a value that is present; `None` if it is not of the kind.
    fn present<'a>(&self, kind: Kind, value: Value<'a>) -> Option<Interpretation<'a>> {
        let bytes = value.bytes();
        let generic = self.arch.is_none_or(has_generic_numbers);
        Some(match kind {
            Kind::Word => Interpretation::Word(bytes),
            Kind::Text => Interpretation::Text(text(value)?),
            Kind::Number(Radix::Hex) => Interpretation::Hex(value.hexadecimal()?),
            Kind::Number(radix) => Interpretation::Number(number(value, radix)?),
            Kind::Signed => Interpretation::Signed(value.decimal()?),
            Kind::Bit => match value.decimal()? {
                0 => Interpretation::Bit(false),
                1 => Interpretation::Bit(true),
                number => Interpretation::Number(number),
            },
            Kind::User => Interpretation::User(id(value)?),
            Kind::Group => Interpretation::Group(id(value)?),
            Kind::Session => Interpretation::Session(id(value)?),
            Kind::UserArgument => Interpretation::User(id_argument(value)?),
            Kind::GroupArgument => Interpretation::Group(id_argument(value)?),
            Kind::Arch => Interpretation::Arch(Arch::new(narrow(value.hexadecimal()?)?)),
            Kind::Call => {
                let number = value.decimal()?;
                let name = if Some(number) == self.number { self.name } else { None };
                Interpretation::Syscall { number, name }
            }
            Kind::Operation => {
                let number = value.decimal()?;
                Interpretation::Operation { number, name: uring::operation_name(number) }
            }
            Kind::Exit => Interpretation::Exit(value.decimal()?),
            Kind::Errno => {
                let code: i64 = value.decimal()?;
                Interpretation::Errno(Errno::new(narrow(code.unsigned_abs())?))
            }
            Kind::Signal(radix) => {
                Interpretation::Signal(Signal::new(narrow(number(value, radix)?)?))
            }
            Kind::Mode(radix) => Interpretation::Mode(mode(value, radix)?),
            Kind::Permissions(radix) => Interpretation::Permissions(mode(value, radix)?),
            Kind::Device(radix) => {
                let (major, minor) = match radix {
                    Radix::Decimal => value.decimal_device()?,
                    _ => value.device()?,
                };
                Interpretation::Device { major, minor }
            }
            Kind::Capability(radix) => {
                Interpretation::Capability(Capability::new(narrow(number(value, radix)?)?))
            }
            Kind::Capabilities => {
                Interpretation::Capabilities(CapabilitySet::new(value.hexadecimal()?))
            }
            Kind::Address => Interpretation::Address(SocketAddress::from_hex(bytes)?),
            Kind::Ip => Interpretation::Ip(std::str::from_utf8(bytes).ok()?.parse().ok()?),
            Kind::Boolean => match value.boolean() {
                Some(value) => Interpretation::Boolean(value),
                None => Interpretation::Word(bytes),
            },
            Kind::Promiscuity => {
                const IFF_PROMISC: u64 = 0x100;
                Interpretation::Boolean(value.decimal::<u64>()? & IFF_PROMISC != 0)
            }
            Kind::Seccomp => {
                let code = value.hexadecimal()?;
                let data = u16::try_from(code & 0xFFFF).unwrap_or_default();
                Interpretation::Seccomp {
                    action: Named::new(code & 0xFFFF_0000, &SECCOMP_ACTIONS),
                    data,
                }
            }
            Kind::Keys => Interpretation::Keys(Keys::of_value(value).collect()),
            Kind::Arguments => Interpretation::Arguments(text(value)?.split_at_each(0)),
            Kind::Keystrokes => Interpretation::Keystrokes(text(value)?),
            Kind::Label => Interpretation::Label(Label::new(bytes)),
            Kind::Name(radix, names) => {
                Interpretation::Name(Named::new(number(value, radix)?, names))
            }
            Kind::Flags(radix, names) => {
                Interpretation::Flags(Flags::new(number(value, radix)?, names))
            }
            Kind::OpenFlags(radix) => {
                let names = self.arch.map_or(&OPEN_FLAGS, open_flags);
                Interpretation::Flags(Flags::new(number(value, radix)?, names))
            }
            Kind::CloneFlags => {
                let bits = value.hexadecimal()?;
                let signal = Signal::new(narrow(bits & 0x7F)?);
                Interpretation::Clone { flags: Flags::new(bits & !0x7F, &CLONE_FLAGS), signal }
            }
            Kind::IpcFlags(names) if generic => {
                let bits = value.hexadecimal()?;
                let permissions = Mode::new(narrow(bits & 0o777)?);
                Interpretation::SharedMemory {
                    flags: Flags::new(bits & !0o777, names),
                    permissions,
                }
            }
            Kind::IpcCommand(names) => {
                const IPC_64: u64 = 0x100;
                let command = value.hexadecimal()? & 0xFFFF_FFFF & !IPC_64;
                Interpretation::Name(Named::new(command, names))
            }
            Kind::NetfilterHook => {
                const NFPROTO_ARP: u64 = 3;
                let is_arp = self.family == Some(NFPROTO_ARP);
                let names = if is_arp { &NETFILTER_ARP_HOOKS } else { &NETFILTER_HOOKS };
                Interpretation::Name(Named::new(value.decimal()?, names))
            }
            Kind::IpcCall => {
                Interpretation::Name(Named::new(value.hexadecimal()? & 0xFFFF, &IPC_CALLS))
            }
            Kind::SocketLevel => {
                let level = value.hexadecimal()?;
                let names =
                    if SOCKET_LEVELS.name(level).is_some() { &SOCKET_LEVELS } else { &PROTOCOLS };
                Interpretation::Name(Named::new(level, names))
            }
            Kind::Directory => {
                let descriptor = signed(value.hexadecimal()?);
                Interpretation::Directory(
                    Some(descriptor).filter(|descriptor| *descriptor != AT_FDCWD),
                )
            }
            Kind::ExitStatus => {
                Interpretation::ExitStatus(u8::try_from(value.hexadecimal()? & 0xFF).ok()?)
            }
            Kind::Argument(_) | Kind::IpcFlags(_) => Interpretation::Hex(value.hexadecimal()?),
        })
    }
}

/// Recognizes the ways in which a record writes that a field has no value.
fn absent<'a>(value: Value<'a>, kind: Kind) -> Option<Interpretation<'a>> {
    let is_path = matches!(kind, Kind::Text);
    Some(Interpretation::Absent(match value {
        Value::Bare(b"") => Absent::Empty,
        Value::Bare(b"(null)") => Absent::Null,
        Value::Bare(b"(none)") => Absent::None,
        Value::Bare(b"?") => Absent::Unknown,
        Value::Quoted(b"(null)") if is_path || matches!(kind, Kind::Arguments) => {
            Absent::QuotedNull
        }
        Value::Quoted(b"<too_long>") if is_path => Absent::TooLong,
        Value::Quoted(b"<no_memory>") if is_path => Absent::NoMemory,
        _ => return None,
    }))
}

fn text(value: Value<'_>) -> Option<ByteStr<'_>> {
    match value.untrusted() {
        Untrusted::Bytes(bytes) => Some(bytes),
        Untrusted::Null | Untrusted::Odd(_) => None,
    }
}

fn number(value: Value<'_>, radix: Radix) -> Option<u64> {
    match radix {
        Radix::Decimal => value.decimal(),
        Radix::Hex => value.hexadecimal(),
        Radix::HalfHex => value.hexadecimal().map(|register| register & 0xFFFF_FFFF),
        Radix::Octal => value.octal(),
    }
}

fn narrow(number: u64) -> Option<u32> {
    u32::try_from(number).ok()
}

fn mode(value: Value<'_>, radix: Radix) -> Option<Mode> {
    narrow(number(value, radix)?).map(Mode::new)
}

/// Reads an ID; `Some(None)` if it is not set.
fn id(value: Value<'_>) -> Option<Option<u32>> {
    let number: i64 = value.decimal()?;
    match number {
        -1 => Some(None),
        _ => Some(Some(u32::try_from(number).ok()?).filter(|id| *id != u32::MAX)),
    }
}

fn id_argument(value: Value<'_>) -> Option<Option<u32>> {
    Some(narrow(value.hexadecimal()? & 0xFFFF_FFFF).filter(|id| *id != u32::MAX))
}

/// Returns the lower half of a register as a signed number.
fn signed(register: u64) -> i32 {
    let [a, b, c, d, ..] = register.to_le_bytes();
    i32::from_le_bytes([a, b, c, d])
}
