//! The values of fields as `auditctl` spells them, read and printed.

use std::fmt;

use crate::arch::{Abi, Arch};
use crate::constants::{ADDRESS_FAMILIES, Errno, FILE_SYSTEMS, FILE_TYPES, Names};
use crate::message_type::MessageType;
use crate::rule::{FieldId, FilterValue, Lookup, RuleError};

/// Reads the value of a field.
pub(super) fn parse(
    field: FieldId,
    text: &str,
    lookup: &dyn Lookup,
) -> Result<FilterValue, RuleError> {
    if field.is_text() {
        return Ok(text.into());
    }
    let expect = |number: Option<u32>, expected| {
        number.map(FilterValue::Number).ok_or_else(|| RuleError::value(field, text, expected))
    };
    match field {
        FieldId::ARCH => {
            let arch = text.parse::<Arch>().ok().map(Arch::number);
            expect(arch, "give b64, b32, a name such as x86_64, or a number in hex")
        }
        FieldId::MSGTYPE => {
            let number = text.parse::<MessageType>().ok().map(|t| u32::from(t.number()));
            expect(number, "give the name of a message type, or its number")
        }
        FieldId::EXIT => expect(exit(text), "give a number, or an errno such as -EACCES"),
        FieldId::PERM => expect(permissions(text), "give some of the letters r, w, x, a"),
        FieldId::FILETYPE => expect(
            named(&FILE_TYPES, text).or_else(|| number(text)),
            "give file, dir, socket, link, character, block or fifo",
        ),
        FieldId::FSTYPE => expect(
            named(&FILE_SYSTEMS, text).or_else(|| number(text)),
            "give debugfs or tracefs, or a number",
        ),
        FieldId::SADDR_FAM => expect(
            named(&ADDRESS_FAMILIES, text).or_else(|| number(text)),
            "give an address family such as inet, or its number",
        ),
        FieldId::SESSIONID if is_unset(text) => Ok(FilterValue::Number(u32::MAX)),
        FieldId::A0 | FieldId::A1 | FieldId::A2 | FieldId::A3 => {
            expect(signed_number(text), "give a number")
        }
        _ if field.is_user() => {
            let user = if is_unset(text) { Some(u32::MAX) } else { number(text) };
            expect(user.or_else(|| lookup.user_id(text)), "give a number, a user's name, or unset")
        }
        _ if field.is_group() => expect(
            number(text).or_else(|| lookup.group_id(text)),
            "give a number or a group's name",
        ),
        _ => expect(number(text), "give a number"),
    }
}

fn is_unset(text: &str) -> bool {
    matches!(text, "unset" | "-1")
}

fn named(names: &Names, text: &str) -> Option<u32> {
    names.number(text).and_then(|number| u32::try_from(number).ok())
}

/// Reads a number: decimal, hex with `0x`, or octal with `0`.
fn number(text: &str) -> Option<u32> {
    if !text.starts_with(|first: char| first.is_ascii_digit()) {
        return None;
    }
    if let Some(digits) = text.strip_prefix("0x") {
        return u32::from_str_radix(digits, 16).ok();
    }
    match text.strip_prefix('0').filter(|digits| !digits.is_empty()) {
        Some(digits) => u32::from_str_radix(digits, 8).ok(),
        None => text.parse().ok(),
    }
}

/// Reads a number that may be negative.
fn signed_number(text: &str) -> Option<u32> {
    match text.strip_prefix('-') {
        Some(_) => text.parse().ok().map(unsigned),
        None => number(text),
    }
}

/// The bits of a negative number, as the kernel takes them.
fn unsigned(number: i32) -> u32 {
    u32::from_ne_bytes(number.to_ne_bytes())
}

fn signed(number: u32) -> i32 {
    i32::from_ne_bytes(number.to_ne_bytes())
}

/// Reads what a call returned: a number, or the name of an errno, usually negative.
fn exit(text: &str) -> Option<u32> {
    let (negative, name) = match text.strip_prefix('-') {
        Some(name) => (true, name),
        None => (false, text),
    };
    if name.starts_with('E') {
        let code = i32::try_from(Errno::from_name(name)?.number()).ok()?;
        return Some(unsigned(if negative { -code } else { code }));
    }
    signed_number(text)
}

/// Reads kinds of access, `AUDIT_PERM_*`.
pub(super) fn permissions(text: &str) -> Option<u32> {
    let mut bits = 0;
    for letter in text.chars() {
        let letter = letter.to_ascii_lowercase();
        bits |= PERMISSIONS.iter().find(|(_, known)| *known == letter)?.0;
    }
    (bits != 0).then_some(bits)
}

/// The kinds of access in the order in which they are printed.
const PERMISSIONS: &[(u32, char)] = &[(4, 'r'), (2, 'w'), (1, 'x'), (8, 'a')];

/// Prints the kinds of access, or the number if it holds others.
pub(super) fn print_permissions(bits: u32, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    if bits == 0 || bits > 15 {
        return write!(f, "{bits}");
    }
    PERMISSIONS
        .iter()
        .filter(|(bit, _)| bits & bit != 0)
        .try_for_each(|(_, letter)| write!(f, "{letter}"))
}

/// Prints an architecture: `b64` or `b32` for those of this machine, else its name.
pub(super) fn print_arch(number: u32, f: &mut fmt::Formatter<'_>) -> fmt::Result {
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

/// Prints the number of a field as `auditctl -l` does.
pub(super) fn print_number(field: FieldId, number: u32, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    match field {
        FieldId::ARCH => print_arch(number, f),
        FieldId::PERM => print_permissions(number, f),
        FieldId::MSGTYPE => match u16::try_from(number) {
            Ok(number) => write!(f, "{}", MessageType::new(number)),
            Err(_) => write!(f, "{number}"),
        },
        FieldId::EXIT => {
            let code = signed(number);
            let errno = code.checked_neg().and_then(|code| u32::try_from(code).ok());
            match errno.and_then(|code| Errno::new(code).name()) {
                Some(name) => write!(f, "-{name}"),
                None => write!(f, "{code}"),
            }
        }
        FieldId::A0 | FieldId::A1 | FieldId::A2 | FieldId::A3 => write!(f, "0x{number:X}"),
        FieldId::FSTYPE => match FILE_SYSTEMS.name(u64::from(number)) {
            Some(name) => f.write_str(name),
            None => write!(f, "{number}"),
        },
        FieldId::AUID | FieldId::SESSIONID if number == u32::MAX => f.write_str("-1"),
        _ => write!(f, "{number}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::user_db::NoLookup;

    fn parse(field: FieldId, text: &str) -> Result<FilterValue, RuleError> {
        super::parse(field, text, &NoLookup)
    }

    #[test]
    fn values_by_field() {
        for (field, text, number) in [
            (FieldId::PID, "77", 77),
            (FieldId::AUID, "unset", u32::MAX),
            (FieldId::AUID, "-1", u32::MAX),
            (FieldId::A0, "0x10", 16),
            (FieldId::A0, "010", 8),
            (FieldId::A1, "-1", u32::MAX),
            (FieldId::EXIT, "-EACCES", unsigned(-13)),
            (FieldId::EXIT, "-13", unsigned(-13)),
            (FieldId::EXIT, "3", 3),
            (FieldId::MSGTYPE, "EOE", 1320),
            (FieldId::PERM, "wa", 10),
            (FieldId::FILETYPE, "dir", 0o040_000),
            (FieldId::FSTYPE, "tracefs", 0x7472_6163),
            (FieldId::SADDR_FAM, "inet6", 10),
            (FieldId::SESSIONID, "unset", u32::MAX),
            (FieldId::UID, "010", 8),
            (FieldId::ARCH, "x86_64", Arch::X86_64.number()),
        ] {
            assert_eq!(parse(field, text), Ok(FilterValue::Number(number)), "{field}={text}");
        }
        for (field, text) in [
            (FieldId::PID, "x"),
            (FieldId::PID, "4294967296"),
            (FieldId::PID, "-5"),
            (FieldId::UID, "nosuchuser"),
            (FieldId::GID, "-1"),
            (FieldId::SADDR_FAM, "internet"),
            (FieldId::EXIT, "-EFOO"),
            (FieldId::PERM, "rz"),
            (FieldId::PERM, ""),
            (FieldId::MSGTYPE, "EOF"),
            (FieldId::FILETYPE, "tree"),
        ] {
            assert!(parse(field, text).is_err(), "{field}={text}");
        }
    }
}
