//! The values of fields: how each kind is read, printed and checked.

use std::fmt;

use super::filter_value::MAX_KEY_LENGTH;
use super::{FilterValue, Lookup, Operator, Permissions};
use crate::arch::{Abi, Arch};
use crate::constants::{ADDRESS_FAMILIES, Errno, FILE_SYSTEMS, FILE_TYPES, Names};
use crate::message_type::MessageType;

/// What a field is compared with.
///
/// Each match on it is exhaustive, so a new kind does not compile before it can be read, printed
/// and checked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ValueKind {
    /// Any number.
    Number,
    /// 0 or 1.
    Flag,
    /// A process ID.
    Pid,
    /// A user ID, or the name of a user.
    User,
    /// A user ID or name, or `unset`.
    LoginUser,
    /// A group ID, or the name of a group.
    Group,
    /// A session ID, or `unset`.
    Session,
    /// The return value of a system call: a number, or the name of an errno.
    Exit,
    /// An argument of a system call; printed in hexadecimal.
    Argument,
    /// `b64`, `b32` or the name of an architecture.
    Arch,
    /// The name or number of a record type.
    MessageType,
    /// Letters of `rwxa`.
    Permissions,
    /// The type of a file, `S_IFMT`.
    FileType,
    /// The magic number of a file system, by name.
    FileSystem,
    /// An address family.
    AddressFamily,
    /// The number of a comparison of two fields, `-C`.
    Comparison,
    /// Text: a part of a security label.
    Label,
    /// Text: the path of a file.
    Path,
    /// Text: the path of a directory.
    Directory,
    /// Text: keys.
    Key,
}

impl ValueKind {
    /// Returns whether the value is sent as text.
    ///
    /// Source: `kernel/auditfilter.c`, `audit_data_to_entry`.
    pub(super) const fn is_text(self) -> bool {
        matches!(self, Self::Label | Self::Path | Self::Directory | Self::Key)
    }

    /// Parses a value as `auditctl` takes it; the error states what was expected.
    pub(super) fn parse(
        self,
        text: &str,
        lookup: &dyn Lookup,
    ) -> Result<FilterValue, &'static str> {
        let value = match self {
            Self::Label | Self::Path | Self::Directory | Self::Key => return Ok(text.into()),
            Self::Number | Self::Flag | Self::Pid | Self::Comparison => unsigned_number(text),
            Self::User | Self::LoginUser => {
                unset(text).or_else(|| signed_number(text)).or_else(|| lookup.user_id(text))
            }
            Self::Group => unsigned_number(text).or_else(|| lookup.group_id(text)),
            Self::Session => unset(text).or_else(|| signed_number(text)),
            Self::Exit => exit(text),
            Self::Argument => signed_number(text),
            Self::Arch => arch(text).map(Arch::number),
            Self::MessageType => unsigned_number(text).or_else(|| {
                let kind = text.to_ascii_uppercase().parse::<MessageType>().ok()?;
                Some(u32::from(kind.number()))
            }),
            Self::Permissions => Permissions::from_letters(text).map(Permissions::bits),
            Self::FileType => named(&FILE_TYPES, text).or_else(|| unsigned_number(text)),
            Self::FileSystem => named(&FILE_SYSTEMS, text).or_else(|| unsigned_number(text)),
            Self::AddressFamily => named(&ADDRESS_FAMILIES, text).or_else(|| unsigned_number(text)),
        };
        value.map(FilterValue::Number).ok_or_else(|| self.expected())
    }

    /// States which values are valid.
    const fn expected(self) -> &'static str {
        match self {
            Self::Number | Self::Argument => "expected a number",
            Self::Flag => "expected 0 or 1",
            Self::Pid => "expected a PID of at most 2147483647",
            Self::User => "expected a user ID or a user name",
            Self::LoginUser => "expected a user ID, a user name, or unset",
            Self::Group => "expected a group ID or a group name",
            Self::Session => "expected a session ID, or unset",
            Self::Exit => "expected a number, or an errno such as -EACCES",
            Self::Arch => "expected b64, b32, a name such as x86_64, or a number in hexadecimal",
            Self::MessageType => "expected the name or the number of a record type",
            Self::Permissions => EXPECTED_PERMISSIONS,
            Self::FileType => "expected file, dir, socket, link, character, block or fifo",
            Self::FileSystem => "expected debugfs, tracefs, cgroup, cgroup2, or a number",
            Self::AddressFamily => "expected an address family such as inet, or its number",
            Self::Comparison => "expected the number of a comparison, from 1 to 25",
            Self::Label => "expected a part of a security label",
            Self::Path => "expected the absolute path of a file",
            Self::Directory => "expected the absolute path of a directory",
            Self::Key => "expected a key",
        }
    }

    /// Prints a number as `auditctl -l` does.
    pub(super) fn print(self, number: u32, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Arch => print_arch(number, f),
            Self::MessageType => match u16::try_from(number) {
                Ok(number) => write!(f, "{}", MessageType::new(number)),
                Err(_) => write!(f, "{number}"),
            },
            Self::Permissions => match Permissions::from_bits(number) {
                Some(permissions) => write!(f, "{permissions}"),
                None => write!(f, "{number}"),
            },
            Self::Exit => print_exit(signed(number), f),
            Self::Argument => write!(f, "0x{number:X}"),
            Self::FileSystem => print_named(&FILE_SYSTEMS, number, f),
            Self::FileType => print_named(&FILE_TYPES, number, f),
            Self::LoginUser | Self::Session if number == UNSET => f.write_str("-1"),
            Self::Number
            | Self::Flag
            | Self::Pid
            | Self::User
            | Self::LoginUser
            | Self::Group
            | Self::Session
            | Self::AddressFamily
            | Self::Comparison
            | Self::Label
            | Self::Path
            | Self::Directory
            | Self::Key => write!(f, "{number}"),
        }
    }

    /// Checks the range of a number, which the kernel does not do since 5.6.
    ///
    /// The error states what was expected.
    pub(super) fn check_number(self, operator: Operator, number: u32) -> Result<(), &'static str> {
        let is_valid = match self {
            Self::Flag => number <= 1,
            Self::Pid => number <= MAX_PID,
            Self::Permissions => Permissions::from_bits(number).is_some(),
            Self::FileType => number & !S_IFMT == 0,
            Self::AddressFamily => number < AF_MAX,
            Self::Comparison => (1..=MAX_COMPARISON).contains(&number),
            Self::User | Self::Group if number == UNSET => {
                return Err("only auid and sessionid can be unset");
            }
            Self::LoginUser
                if number == UNSET
                    && ![Operator::EQUAL, Operator::NOT_EQUAL].contains(&operator) =>
            {
                return Err("unset can be compared with = and != only");
            }
            Self::User
            | Self::LoginUser
            | Self::Group
            | Self::Number
            | Self::Session
            | Self::Exit
            | Self::Argument
            | Self::Arch
            | Self::MessageType
            | Self::FileSystem
            | Self::Label
            | Self::Path
            | Self::Directory
            | Self::Key => true,
        };
        if is_valid { Ok(()) } else { Err(self.expected()) }
    }

    /// Checks text by itself; the error states what is wrong.
    pub(super) fn check_text(self, text: &[u8]) -> Result<(), &'static str> {
        let is_path = matches!(self, Self::Path | Self::Directory);
        let (limit, too_long) = match self {
            Self::Key => (MAX_KEY_LENGTH, "keys are limited to 256 bytes in total"),
            _ => (MAX_PATH_LENGTH, "text is limited to 4096 bytes"),
        };
        Err(if text.is_empty() {
            "expected at least one byte"
        } else if text.contains(&0) {
            "the kernel would end the text at the NUL byte"
        } else if text.len() > limit {
            too_long
        } else if is_path && !text.starts_with(b"/") {
            "expected an absolute path"
        } else if self == Self::Path && text.ends_with(b"/") {
            "the path of a file cannot end in /"
        } else {
            return Ok(());
        })
    }
}

pub(super) const EXPECTED_PERMISSIONS: &str = "expected one or more of the letters r, w, x and a";

/// The value of `auid` and `sessionid` before a login.
const UNSET: u32 = u32::MAX;

/// The highest process ID, by its type.
const MAX_PID: u32 = i32::MAX as u32;

/// The bits of a file's mode that are its type.
const S_IFMT: u32 = 0o170_000;

/// The lowest number that is not an address family, in Linux 6.18.
const AF_MAX: u32 = 46;

/// The number of comparisons, `AUDIT_MAX_FIELD_COMPARE`.
pub(super) const MAX_COMPARISON: u32 = 25;

/// The kernel's `PATH_MAX`.
const MAX_PATH_LENGTH: usize = 4096;

fn unset(text: &str) -> Option<u32> {
    matches!(text, "unset" | "-1").then_some(UNSET)
}

fn named(names: &Names, text: &str) -> Option<u32> {
    names.number(&text.to_ascii_lowercase()).and_then(|number| u32::try_from(number).ok())
}

fn print_named(names: &Names, number: u32, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    match names.name(u64::from(number)) {
        Some(name) => f.write_str(name),
        None => write!(f, "{number}"),
    }
}

/// Parses an architecture: `b64`, `b32`, the name of a machine, or a number, which auditctl takes in
/// decimal too.
fn arch(text: &str) -> Option<Arch> {
    let decimal = text.parse().ok().map(Arch::new).filter(|arch| arch.name().is_some());
    decimal.or_else(|| text.to_ascii_lowercase().parse().ok())
}

/// Parses a number: decimal, hexadecimal after `0x`, or octal after `0`.
pub(super) fn unsigned_number(text: &str) -> Option<u32> {
    if !text.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
        return None; // from_str_radix takes a sign
    }
    if let Some(digits) = text.strip_prefix("0x").or_else(|| text.strip_prefix("0X")) {
        return u32::from_str_radix(digits, 16).ok();
    }
    match text.strip_prefix('0').filter(|digits| !digits.is_empty()) {
        Some(digits) => u32::from_str_radix(digits, 8).ok(),
        None => text.parse().ok(),
    }
}

/// Parses a number that may be negative.
fn signed_number(text: &str) -> Option<u32> {
    match text.strip_prefix('-') {
        Some(digits) => {
            let number = i64::from(unsigned_number(digits)?);
            i32::try_from(-number).ok().map(unsigned)
        }
        None => unsigned_number(text),
    }
}

/// Returns the bits of a signed number, as the kernel takes them.
fn unsigned(number: i32) -> u32 {
    u32::from_ne_bytes(number.to_ne_bytes())
}

fn signed(number: u32) -> i32 {
    i32::from_ne_bytes(number.to_ne_bytes())
}

/// Parses the return value of a system call: a number, or the name of an errno, usually negative.
fn exit(text: &str) -> Option<u32> {
    let (negative, name) = match text.strip_prefix('-') {
        Some(name) => (true, name),
        None => (false, text),
    };
    if name.starts_with(['E', 'e']) {
        let name = match name.to_ascii_uppercase().as_str() {
            "EWOULDBLOCK" => "EAGAIN".to_owned(),
            "EDEADLOCK" => "EDEADLK".to_owned(),
            name => name.to_owned(),
        };
        let code = i32::try_from(Errno::from_name(&name)?.number()).ok()?;
        return Some(unsigned(if negative { -code } else { code }));
    }
    signed_number(text)
}

fn print_exit(value: i32, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    let errno = value.checked_neg().and_then(|code| u32::try_from(code).ok());
    match errno.and_then(|code| Errno::new(code).name()) {
        Some(name) => write!(f, "-{name}"),
        None => write!(f, "{value}"),
    }
}

/// Prints an architecture: `b64` or `b32` for those of this machine, else its name.
fn print_arch(number: u32, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    let arch = Some(Arch::new(number));
    let native = |abi| Arch::native().and_then(|native| native.abi(abi));
    if arch == native(Abi::B64) {
        f.write_str("b64")
    } else if arch == native(Abi::B32) {
        f.write_str("b32")
    } else {
        write!(f, "{}", Arch::new(number))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::user_db::NoLookup;

    #[test]
    fn each_kind_parses_its_values() {
        for (kind, text, number) in [
            (ValueKind::Pid, "77", 77),
            (ValueKind::LoginUser, "unset", u32::MAX),
            (ValueKind::LoginUser, "-1", u32::MAX),
            (ValueKind::Argument, "0x10", 16),
            (ValueKind::Argument, "010", 8),
            (ValueKind::Argument, "-1", u32::MAX),
            (ValueKind::Exit, "-EACCES", unsigned(-13)),
            (ValueKind::Exit, "-13", unsigned(-13)),
            (ValueKind::Exit, "3", 3),
            (ValueKind::Exit, "-eacces", unsigned(-13)),
            (ValueKind::Exit, "EWOULDBLOCK", 11),
            (ValueKind::Exit, "-0x10", unsigned(-16)),
            (ValueKind::User, "-5", unsigned(-5)),
            (ValueKind::MessageType, "cwd", 1307),
            (ValueKind::MessageType, "UNKNOWN[1999]", 1999),
            (ValueKind::FileSystem, "cgroup2", 0x6367_7270),
            (ValueKind::FileSystem, "CGROUP", 0x27_E0EB),
            (ValueKind::Arch, "I686", Arch::I386.number()),
            (ValueKind::Arch, "armv7l", Arch::ARM.number()),
            (ValueKind::Arch, "armv8l", Arch::AARCH64.number()),
            (ValueKind::Arch, "3221225534", Arch::X86_64.number()),
            (ValueKind::Arch, "c000003e", Arch::X86_64.number()),
            (ValueKind::MessageType, "EOE", 1320),
            (ValueKind::Permissions, "wa", 10),
            (ValueKind::FileType, "dir", 0o040_000),
            (ValueKind::FileSystem, "tracefs", 0x7472_6163),
            (ValueKind::AddressFamily, "inet6", 10),
            (ValueKind::Session, "unset", u32::MAX),
            (ValueKind::User, "010", 8),
            (ValueKind::Arch, "x86_64", Arch::X86_64.number()),
        ] {
            let parsed = kind.parse(text, &NoLookup);
            assert_eq!(parsed, Ok(FilterValue::Number(number)), "{kind:?} {text}");
        }
        for (kind, text) in [
            (ValueKind::Pid, "x"),
            (ValueKind::Pid, "4294967296"),
            (ValueKind::Pid, "-5"),
            (ValueKind::Pid, "+5"),
            (ValueKind::Pid, "0x+5"),
            (ValueKind::Pid, "5a"),
            (ValueKind::User, "nosuchuser"),
            (ValueKind::Group, "-1"),
            (ValueKind::AddressFamily, "internet"),
            (ValueKind::Exit, "-EFOO"),
            (ValueKind::Permissions, "rz"),
            (ValueKind::Permissions, ""),
            (ValueKind::MessageType, "EOF"),
            (ValueKind::FileType, "tree"),
        ] {
            let error = kind.parse(text, &NoLookup).expect_err("not such a value");
            assert!(error.starts_with("expected "), "{kind:?} {text}: {error}");
        }
    }

    #[test]
    fn messages_name_the_limits_of_the_constants() {
        assert!(ValueKind::Pid.expected().contains(&MAX_PID.to_string()));
        assert!(ValueKind::Comparison.expected().contains(&MAX_COMPARISON.to_string()));
        let too_long = ValueKind::Key.check_text(&[b'k'; MAX_KEY_LENGTH + 1]);
        assert!(too_long.is_err_and(|text| text.contains(&MAX_KEY_LENGTH.to_string())));
        let too_long = ValueKind::Path.check_text(&[b'/'; MAX_PATH_LENGTH + 1]);
        assert!(too_long.is_err_and(|text| text.contains(&MAX_PATH_LENGTH.to_string())));
    }
}
