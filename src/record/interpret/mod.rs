//! Values as types: what the bytes of a field mean.

mod arguments;
mod display;
mod kinds;
#[cfg(test)]
mod tests;

use self::arguments::Call;
pub use self::display::WithNames;
use self::kinds::{Kind, Radix};
use super::{Field, Fields, Keys, Label, Record, SocketAddress, Untrusted, Value};
use crate::arch::{Arch, uring};
use crate::bytestr::ByteStr;
use crate::constants::{
    AT_FDCWD, CLONE_FLAGS, Capability, CapabilitySet, Errno, Flags, IPC_CALLS, Mode, Named,
    OPEN_FLAGS, PROTOCOLS, SECCOMP_ACTIONS, SHM_FLAGS, SOCKET_LEVELS, Signal, has_generic_numbers,
    open_flags,
};

/// What a field's value means.
///
/// It is decided by the type of the record and the name of the field, never by the value's look:
/// `a0=dad` is a register in a `SYSCALL` record and an argument in an `EXECVE` record.
///
/// Its `Display` form is what `ausearch -i` prints, without names of users; where
/// it differs, [the manual](crate::manual::records) says why.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Interpretation<'a> {
    /// There is no value, and the record says how.
    Absent(Absent),
    /// A string that somebody chose, decoded.
    Text(ByteStr<'a>),
    /// A word of the writer's own, as it came.
    Word(&'a [u8]),
    /// A number.
    Number(u64),
    /// A number that may be negative.
    Signed(i64),
    /// A number that is better read in hex: an address, a mask, an argument of a call.
    Hex(u64),
    /// A user; `None` if not set.
    User(Option<u32>),
    /// A group; `None` if not set.
    Group(Option<u32>),
    /// A login session; `None` if not set.
    Session(Option<u32>),
    /// A machine, whose calls are meant.
    Arch(Arch),
    /// A system call: its number, and its name on the record's machine.
    Syscall {
        /// The number.
        number: u32,
        /// The name.
        name: Option<&'static str>,
    },
    /// An operation of io_uring: its number and name.
    Operation {
        /// The number.
        number: u32,
        /// The name.
        name: Option<&'static str>,
    },
    /// What a call returned.
    Exit(i64),
    /// An error number.
    Errno(Errno),
    /// A signal.
    Signal(Signal),
    /// A file's type and permissions.
    Mode(Mode),
    /// Permissions alone.
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
    /// Yes or no, success or failure.
    Boolean(bool),
    /// What a seccomp filter decided.
    Seccomp {
        /// The action.
        action: Named,
        /// The filter's own number: an errno for `errno`, a message for `trace`.
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
        /// The signal that the parent gets when the child dies.
        signal: Signal,
    },
    /// The flags of `shmget` and the like, and the permissions in their low bits.
    SharedMemory {
        /// The flags.
        flags: Flags,
        /// The permissions.
        permissions: Mode,
    },
    /// A directory that a path is relative to: a descriptor; `None` for the working directory.
    Directory(Option<i32>),
    /// What a process returns when it ends.
    ExitStatus(u8),
    /// The keys of a rule.
    Keys(Vec<ByteStr<'a>>),
    /// The arguments of a command line.
    Arguments(Vec<ByteStr<'a>>),
    /// What was typed at a terminal.
    Keystrokes(ByteStr<'a>),
    /// The label of a security module.
    Label(Label<'a>),
    /// The message of a program, with fields of its own.
    Message(&'a [u8]),
    /// Not such a value as the field should have; the bytes as they came.
    Malformed(&'a [u8]),
}

/// The ways in which a record says that there is nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Absent {
    /// `(null)`: there is none.
    Null,
    /// `(none)`: there is none.
    None,
    /// `?`: not known.
    Unknown,
    /// Nothing behind the `=`.
    Empty,
    /// `"(null)"`, with quotes: the kernel wrote it for none, or it is really called so.
    QuotedNull,
    /// `"<too_long>"`: the path was too long for the kernel's buffer.
    TooLong,
    /// `"<no_memory>"`: the kernel had no memory for the path.
    NoMemory,
}

/// What the fields of one record mean; made by [`Record::interpretations`].
#[derive(Clone, Debug)]
pub struct Interpretations<'a> {
    fields: Fields<'a>,
    context: Context,
}

/// What is needed to read a field, beside the field.
#[derive(Clone, Copy, Debug)]
struct Context {
    record: crate::message_type::MessageType,
    in_message: bool,
    call: Call,
    /// The number of the call.
    number: Option<u32>,
}

impl<'a> Interpretations<'a> {
    pub(super) fn of_kernel(record: Record<'a>) -> Self {
        let mut call = Call::default();
        let mut number = None;
        for Field { name, value } in record.fields() {
            match name {
                b"arch" => call.arch = value.hexadecimal().and_then(narrow).map(Arch::new),
                b"syscall" => number = value.decimal(),
                b"a0" => call.first = value.hexadecimal(),
                b"a1" => call.second = value.hexadecimal(),
                b"items" => break, // nothing behind it is needed
                _ => {}
            }
        }
        call.name = call.arch.zip(number).and_then(|(arch, number)| arch.syscall_name(number));
        let context = Context { record: record.message_type(), in_message: false, call, number };
        Self { fields: record.fields(), context }
    }

    pub(super) fn of_message(record: Record<'a>, fields: Fields<'a>) -> Self {
        let call = Call::default();
        let context =
            Context { record: record.message_type(), in_message: true, call, number: None };
        Self { fields, context }
    }
}

impl<'a> Iterator for Interpretations<'a> {
    type Item = (Field<'a>, Interpretation<'a>);

    fn next(&mut self) -> Option<Self::Item> {
        let field = self.fields.next()?;
        Some((field, self.context.read(field)))
    }
}

impl Context {
    fn read<'a>(&self, field: Field<'a>) -> Interpretation<'a> {
        let Field { name, value } = field;
        if let Value::Nested(text) = value {
            // what a program writes inside its message is text
            return if self.in_message {
                Interpretation::Word(text)
            } else {
                Interpretation::Message(text)
            };
        }
        let kind = if name.is_empty() {
            Kind::Word
        } else if self.in_message {
            kinds::of_message(self.record, name)
        } else {
            match kinds::of_kernel(self.record, name) {
                Kind::Argument(index) => arguments::of(self.call, index),
                kind => kind,
            }
        };
        absent(value, kind)
            .or_else(|| self.of_kind(kind, value))
            .unwrap_or_else(|| Interpretation::Malformed(value.bytes()))
    }

    /// Reads a value that is there; `None` if it is not of the kind.
    fn of_kind<'a>(&self, kind: Kind, value: Value<'a>) -> Option<Interpretation<'a>> {
        let bytes = value.bytes();
        let generic = self.call.arch.is_none_or(has_generic_numbers);
        Some(match kind {
            Kind::Word => Interpretation::Word(bytes),
            Kind::Text => Interpretation::Text(text(value)?),
            Kind::Number(Radix::Hex) => Interpretation::Hex(value.hexadecimal()?),
            Kind::Number(radix) => Interpretation::Number(number(value, radix)?),
            Kind::Signed => Interpretation::Signed(value.decimal()?),
            Kind::User => Interpretation::User(id(value)?),
            Kind::Group => Interpretation::Group(id(value)?),
            Kind::Session => Interpretation::Session(id(value)?),
            Kind::UserArgument => Interpretation::User(id_argument(value)?),
            Kind::GroupArgument => Interpretation::Group(id_argument(value)?),
            Kind::Arch => Interpretation::Arch(Arch::new(narrow(value.hexadecimal()?)?)),
            Kind::Call => {
                let number = value.decimal()?;
                let name = if Some(number) == self.number { self.call.name } else { None };
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
                let names = self.call.arch.map_or(&OPEN_FLAGS, open_flags);
                Interpretation::Flags(Flags::new(number(value, radix)?, names))
            }
            Kind::CloneFlags => {
                let bits = value.hexadecimal()?;
                let signal = Signal::new(narrow(bits & 0x7F)?);
                Interpretation::Clone { flags: Flags::new(bits & !0x7F, &CLONE_FLAGS), signal }
            }
            Kind::SharedMemory if generic => {
                let bits = value.hexadecimal()?;
                let permissions = Mode::new(narrow(bits & 0o777)?);
                Interpretation::SharedMemory {
                    flags: Flags::new(bits & !0o777, &SHM_FLAGS),
                    permissions,
                }
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
            Kind::Argument(_) | Kind::SharedMemory => Interpretation::Hex(value.hexadecimal()?),
        })
    }
}

/// Recognises the ways of writing nothing.
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

/// Reads an id; `Some(None)` if it is not set.
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

/// The lower half of a register as a signed number.
fn signed(register: u64) -> i32 {
    let [a, b, c, d, ..] = register.to_le_bytes();
    i32::from_le_bytes([a, b, c, d])
}
