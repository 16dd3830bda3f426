//! Values as types: what the bytes of a field mean.

mod arguments;
mod display;
mod kinds;

use std::borrow::Cow;

use self::arguments::Call;
pub use self::display::WithNames;
use self::kinds::{Kind, Radix};
use super::{Field, Fields, Keys, Label, Record, SocketAddress, Untrusted, Value};
use crate::arch::{Arch, uring};
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
pub enum Meaning<'a> {
    /// There is no value, and the record says how.
    Absent(Absent),
    /// A string that somebody chose, decoded.
    Text(Cow<'a, [u8]>),
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
    Verdict(bool),
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
    Keys(Vec<Cow<'a, [u8]>>),
    /// The arguments of a command line.
    Arguments(Vec<Vec<u8>>),
    /// What was typed at a terminal.
    Keystrokes(Cow<'a, [u8]>),
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

/// Knows the names of users and groups; [`link::IdNames`](crate::host::IdNames) knows the machine's.
pub trait Ids {
    /// Returns the name of a user.
    fn user(&self, id: u32) -> Option<String>;

    /// Returns the name of a group.
    fn group(&self, id: u32) -> Option<String>;
}

/// What the fields of one record mean; made by [`Record::meanings`].
#[derive(Clone, Debug)]
pub struct Meanings<'a> {
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

impl<'a> Meanings<'a> {
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

impl<'a> Iterator for Meanings<'a> {
    type Item = (Field<'a>, Meaning<'a>);

    fn next(&mut self) -> Option<Self::Item> {
        let field = self.fields.next()?;
        Some((field, self.context.read(field)))
    }
}

impl Context {
    fn read<'a>(&self, field: Field<'a>) -> Meaning<'a> {
        let Field { name, value } = field;
        if let Value::Nested(text) = value {
            // what a program writes inside its message is text
            return if self.in_message { Meaning::Word(text) } else { Meaning::Message(text) };
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
            .unwrap_or_else(|| Meaning::Malformed(value.bytes()))
    }

    /// Reads a value that is there; `None` if it is not of the kind.
    fn of_kind<'a>(&self, kind: Kind, value: Value<'a>) -> Option<Meaning<'a>> {
        let bytes = value.bytes();
        let generic = self.call.arch.is_none_or(has_generic_numbers);
        Some(match kind {
            Kind::Word => Meaning::Word(bytes),
            Kind::Text => Meaning::Text(text(value)?),
            Kind::Number(Radix::Hex) => Meaning::Hex(value.hexadecimal()?),
            Kind::Number(radix) => Meaning::Number(number(value, radix)?),
            Kind::Signed => Meaning::Signed(value.decimal()?),
            Kind::User => Meaning::User(id(value)?),
            Kind::Group => Meaning::Group(id(value)?),
            Kind::Session => Meaning::Session(id(value)?),
            Kind::UserArgument => Meaning::User(id_argument(value)?),
            Kind::GroupArgument => Meaning::Group(id_argument(value)?),
            Kind::Arch => Meaning::Arch(Arch::new(narrow(value.hexadecimal()?)?)),
            Kind::Call => {
                let number = value.decimal()?;
                let name = if Some(number) == self.number { self.call.name } else { None };
                Meaning::Syscall { number, name }
            }
            Kind::Operation => {
                let number = value.decimal()?;
                Meaning::Operation { number, name: uring::operation_name(number) }
            }
            Kind::Exit => Meaning::Exit(value.decimal()?),
            Kind::Errno => {
                let code: i64 = value.decimal()?;
                Meaning::Errno(Errno::new(narrow(code.unsigned_abs())?))
            }
            Kind::Signal(radix) => Meaning::Signal(Signal::new(narrow(number(value, radix)?)?)),
            Kind::Mode(radix) => Meaning::Mode(mode(value, radix)?),
            Kind::Permissions(radix) => Meaning::Permissions(mode(value, radix)?),
            Kind::Device(radix) => {
                let (major, minor) = match radix {
                    Radix::Decimal => value.decimal_device()?,
                    _ => value.device()?,
                };
                Meaning::Device { major, minor }
            }
            Kind::Capability(radix) => {
                Meaning::Capability(Capability::new(narrow(number(value, radix)?)?))
            }
            Kind::Capabilities => Meaning::Capabilities(CapabilitySet::new(value.hexadecimal()?)),
            Kind::Address => Meaning::Address(SocketAddress::from_hex(bytes)?),
            Kind::Verdict => match value.verdict() {
                Some(verdict) => Meaning::Verdict(verdict),
                None => Meaning::Word(bytes),
            },
            Kind::Promiscuity => {
                const IFF_PROMISC: u64 = 0x100;
                Meaning::Verdict(value.decimal::<u64>()? & IFF_PROMISC != 0)
            }
            Kind::Seccomp => {
                let code = value.hexadecimal()?;
                let data = u16::try_from(code & 0xFFFF).unwrap_or_default();
                Meaning::Seccomp { action: Named::new(code & 0xFFFF_0000, &SECCOMP_ACTIONS), data }
            }
            Kind::Keys => Meaning::Keys(Keys::of_value(value).collect()),
            Kind::Arguments => {
                let bytes = text(value)?;
                Meaning::Arguments(bytes.split(|byte| *byte == 0).map(<[u8]>::to_vec).collect())
            }
            Kind::Keystrokes => Meaning::Keystrokes(text(value)?),
            Kind::Label => Meaning::Label(Label::new(bytes)),
            Kind::Name(radix, names) => Meaning::Name(Named::new(number(value, radix)?, names)),
            Kind::Flags(radix, names) => Meaning::Flags(Flags::new(number(value, radix)?, names)),
            Kind::OpenFlags(radix) => {
                let names = self.call.arch.map_or(&OPEN_FLAGS, open_flags);
                Meaning::Flags(Flags::new(number(value, radix)?, names))
            }
            Kind::CloneFlags => {
                let bits = value.hexadecimal()?;
                let signal = Signal::new(narrow(bits & 0x7F)?);
                Meaning::Clone { flags: Flags::new(bits & !0x7F, &CLONE_FLAGS), signal }
            }
            Kind::SharedMemory if generic => {
                let bits = value.hexadecimal()?;
                let permissions = Mode::new(narrow(bits & 0o777)?);
                Meaning::SharedMemory { flags: Flags::new(bits & !0o777, &SHM_FLAGS), permissions }
            }
            Kind::IpcCall => Meaning::Name(Named::new(value.hexadecimal()? & 0xFFFF, &IPC_CALLS)),
            Kind::SocketLevel => {
                let level = value.hexadecimal()?;
                let names =
                    if SOCKET_LEVELS.name(level).is_some() { &SOCKET_LEVELS } else { &PROTOCOLS };
                Meaning::Name(Named::new(level, names))
            }
            Kind::Directory => {
                let descriptor = signed(value.hexadecimal()?);
                Meaning::Directory(Some(descriptor).filter(|descriptor| *descriptor != AT_FDCWD))
            }
            Kind::ExitStatus => {
                Meaning::ExitStatus(u8::try_from(value.hexadecimal()? & 0xFF).ok()?)
            }
            Kind::Argument(_) | Kind::SharedMemory => Meaning::Hex(value.hexadecimal()?),
        })
    }
}

/// Recognises the ways of writing nothing.
fn absent<'a>(value: Value<'a>, kind: Kind) -> Option<Meaning<'a>> {
    let is_path = matches!(kind, Kind::Text);
    Some(Meaning::Absent(match value {
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

fn text(value: Value<'_>) -> Option<Cow<'_, [u8]>> {
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::message_type::MessageType;

    fn meaning(message_type: MessageType, body: &str, field: &str) -> Meaning<'static> {
        let text: &'static str = format!("audit(1.000:2): {body}").leak();
        let record = Record::parse(message_type, text.as_bytes()).expect("a head");
        match record.as_user_message().filter(|_| record.field(field).is_none()) {
            Some(message) => {
                let mut meanings = message.meanings();
                meanings.find(|(found, _)| found.name == field.as_bytes()).expect("the field").1
            }
            None => record.meaning(field).expect("the field"),
        }
    }

    fn shown(message_type: MessageType, body: &str, field: &str) -> String {
        meaning(message_type, body, field).to_string()
    }

    #[test]
    fn trap_38_kinds_of_nothing() {
        let body = "hostname=? exe=\"\" key=(null) tty=(none) subj=";
        let is = |field, absent| {
            assert_eq!(meaning(MessageType::SYSCALL, body, field), Meaning::Absent(absent));
        };
        is("hostname", Absent::Unknown);
        is("key", Absent::Null);
        is("tty", Absent::None);
        is("subj", Absent::Empty);
        let empty = Meaning::Text(b"".into());
        assert_eq!(meaning(MessageType::SYSCALL, body, "exe"), empty, "an empty string is one");
        let title = meaning(MessageType::PROCTITLE, "proctitle=\"(null)\"", "proctitle");
        assert_eq!(title, Meaning::Absent(Absent::QuotedNull));
    }

    #[test]
    fn trap_46_what_looks_like_hex() {
        assert_eq!(meaning(MessageType::SYSCALL, "a0=dad", "a0"), Meaning::Hex(0xdad));
        let account = meaning(MessageType::USER_AUTH, "pid=1 msg='acct=\"beef\"'", "acct");
        assert_eq!(account, Meaning::Text(b"beef".into()));
        let title = meaning(MessageType::PROCTITLE, "proctitle=\"dad\"", "proctitle");
        assert_eq!(title, Meaning::Arguments(vec![b"dad".to_vec()]));
        let device = Meaning::Device { major: 0xfe, minor: 0 };
        assert_eq!(meaning(MessageType::PATH, "dev=fe:00", "dev"), device);
        let machine = meaning(MessageType::VIRT_CONTROL, "pid=1 msg='vm-ctx=AB vm=?'", "vm-ctx");
        assert_eq!(machine, Meaning::Label(Label::new(b"AB")));
    }

    #[test]
    fn trap_47_a_bare_word_that_is_no_hex_is_told() {
        let odd = meaning(MessageType::SYSCALL, "comm=abc", "comm");
        assert_eq!(odd, Meaning::Malformed(b"abc"));
    }

    #[test]
    fn trap_49_the_kernels_own_substitutes() {
        let of = |body, field| meaning(MessageType::PATH, body, field);
        assert_eq!(of("name=\"<too_long>\"", "name"), Meaning::Absent(Absent::TooLong));
        assert_eq!(of("name=\"<no_memory>\"", "name"), Meaning::Absent(Absent::NoMemory));
        let argument = meaning(MessageType::EXECVE, "argc=2 a0=\"x\" a1=\"(null)\"", "a1");
        assert_eq!(argument, Meaning::Absent(Absent::QuotedNull));
        let key = meaning(MessageType::SYSCALL, "key=\"<too_long>\"", "key");
        assert_eq!(key, Meaning::Keys(vec![b"<too_long>".into()]), "nobody substitutes a key");
    }

    #[test]
    fn trap_58_results_and_errors() {
        let exit = |text: &str| shown(MessageType::SYSCALL, &format!("exit={text}"), "exit");
        assert_eq!(exit("-13"), "EACCES(Permission denied)");
        assert_eq!(exit("-512"), "ERESTARTSYS(Restart syscall)");
        assert_eq!(exit("140035712352256"), "140035712352256");
        assert_eq!(exit("-4096"), "-4096");
        assert_eq!(exit("-9223372036854775808"), "-9223372036854775808");
        assert_eq!(exit("0"), "0");
    }

    #[test]
    fn trap_70_inodes_and_capabilities() {
        let of = |body, field| meaning(MessageType::PATH, body, field);
        assert_eq!(of("inode=18446744073709551615", "inode"), Meaning::Number(u64::MAX));
        let set = of("cap_fp=00000000a80425fb", "cap_fp");
        assert_eq!(set, Meaning::Capabilities(CapabilitySet::new(0xa804_25fb)));
        assert!(set.to_string().starts_with("chown,dac_override,"));
        for field in ["cap_fp", "cap_fi", "cap_fe", "cap_fver"] {
            let unknown = of("cap_fe=? cap_fver=? cap_fp=? cap_fi=?", field);
            assert_eq!(unknown, Meaning::Absent(Absent::Unknown), "{field}");
        }
        assert_eq!(of("cap_frootid=0", "cap_frootid"), Meaning::User(Some(0)));
    }

    #[test]
    fn trap_77_records_of_cryptography() {
        let body = "pid=1 uid=0 msg='op=negotiate mac=<implicit> pfs=curve25519-sha256@libssh.org fp=SHA256:02:11 rport=22'";
        for (field, text) in [
            ("mac", "<implicit>"),
            ("pfs", "curve25519-sha256@libssh.org"),
            ("fp", "SHA256:02:11"),
            ("rport", "22"),
        ] {
            let word = meaning(MessageType::CRYPTO_KEY_USER, body, field);
            assert_eq!(word, Meaning::Word(text.as_bytes()));
        }
    }

    #[test]
    fn trap_50_arguments_by_their_call() {
        let call = |body: &str, field| shown(MessageType::SYSCALL, body, field);
        let x86 = |number: u32, rest: &str, field| {
            call(&format!("arch=c000003e syscall={number} success=yes exit=0 {rest}"), field)
        };
        let open = "a0=ffffff9c a1=7f a2=80241 a3=1b6 items=1";
        assert_eq!(x86(257, open, "a0"), "AT_FDCWD");
        assert_eq!(x86(257, open, "a1"), "0x7f");
        assert_eq!(x86(257, open, "a2"), "O_WRONLY|O_CREAT|O_TRUNC|O_CLOEXEC");
        assert_eq!(
            x86(56, "a0=1200011 a1=0", "a0"),
            "CLONE_CHILD_CLEARTID|CLONE_CHILD_SETTID|SIGCHLD"
        );
        assert_eq!(x86(41, "a0=2 a1=80801 a2=6", "a1"), "SOCK_STREAM|SOCK_NONBLOCK|SOCK_CLOEXEC");
        assert_eq!(x86(41, "a0=2 a1=80801 a2=6", "a2"), "tcp");
        assert_eq!(x86(41, "a0=10 a1=3 a2=6", "a2"), "0x6", "no protocol of IP");
        assert_eq!(x86(54, "a0=3 a1=6 a2=1", "a2"), "TCP_NODELAY");
        assert_eq!(x86(62, "a0=ffffffff a1=9", "a1"), "SIGKILL");
        assert_eq!(x86(157, "a0=18 a1=15", "a1"), "sys_admin");
        assert_eq!(x86(117, "a0=ffffffff a1=3e8 a2=0", "a0"), "unset");
        assert_eq!(x86(231, "a0=103", "a0"), "3");
        assert_eq!(x86(4000, "a0=1", "syscall"), "4000");
        // the same call, the flags of another machine
        assert_eq!(
            call("arch=c00000b7 syscall=56 a0=3 a2=84000", "a2"),
            "O_RDONLY|O_DIRECTORY|O_CLOEXEC"
        );
        assert_eq!(call("arch=80000016 syscall=120 a0=0 a1=100", "a1"), "CLONE_VM");
        assert_eq!(call("arch=8 syscall=4037 a0=1 a1=9", "a1"), "0x9", "MIPS numbers others");
        assert_eq!(call("arch=40000003 syscall=102 a0=3 a1=ff", "a0"), "connect");
        assert_eq!(call("a0=7f", "a0"), "0x7f", "no call, no meaning");
    }

    #[test]
    fn a_message_inside_a_message_is_text() {
        let body = "pid=1 msg='op=x msg='pid=2' res=1'";
        let inner = meaning(MessageType::USER, body, "op");
        assert_eq!(inner, Meaning::Word(b"x"));
        let text = format!("audit(1.000:2): {body}");
        let record = Record::parse(MessageType::USER, text.as_bytes()).expect("a head");
        let message = record.as_user_message().expect("a program's");
        let nested = message.meanings().nth(1).expect("two fields");
        assert_eq!(nested.1, Meaning::Word(b"pid=2"));
    }

    #[test]
    fn text_that_would_forge_lines_is_escaped() {
        let name = meaning(MessageType::PATH, "name=610A62FF", "name");
        assert_eq!(name.to_string(), "a\\012b\\377");
    }

    #[test]
    fn values_of_the_wrong_kind_fail_alone() {
        for (field, body) in [
            ("pid", "pid=x"),
            ("exit", "exit=-"),
            ("dev", "dev=fe"),
            ("arch", "arch=xyz"),
            ("saddr", "saddr=2"),
        ] {
            let message_type = match field {
                "dev" => MessageType::PATH,
                "saddr" => MessageType::SOCKADDR,
                _ => MessageType::SYSCALL,
            };
            let meaning = meaning(message_type, body, field);
            let raw = body.split_once('=').expect("a pair").1;
            assert_eq!(meaning, Meaning::Malformed(raw.as_bytes()), "{body}");
        }
    }
}
