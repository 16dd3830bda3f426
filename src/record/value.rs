//! The value of a field, and the few encodings that the kernel uses.

use std::fmt;

use crate::bytestr::ByteStr;

/// The bytes of a field's value, and how they were delimited.
#[derive(Clone, Copy, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "a record delimits values in no other way")]
pub enum Value<'a> {
    /// In quotes, which are not part of the bytes: the text is literal.
    Quoted(&'a [u8]),
    /// The `'…'` of `msg=`: the message of a user-space program, with fields of its own.
    Nested(&'a [u8]),
    /// Without quotes: a number, a word, a marker such as `(null)`, or text in hex.
    Bare(&'a [u8]),
}

/// A string that somebody else than the kernel chose, such as a file name.
///
/// The kernel writes such strings in quotes if they are plain, and in hex without quotes if they
/// hold a space, a quote, a control byte or a byte above 0x7E. The quote alone decides.
///
/// Source: `kernel/audit.c`, `audit_log_n_untrustedstring`.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Untrusted<'a> {
    /// The bytes of the string, decoded.
    Bytes(ByteStr<'a>),
    /// The kernel wrote `(null)`: there is no string.
    Null,
    /// Neither quoted nor hex: not what the kernel writes. The bytes are as they came.
    Odd(&'a [u8]),
}

impl<'a> Untrusted<'a> {
    /// Returns the string, or `None` where there is none; odd values are returned as they came.
    #[must_use]
    pub fn bytes(self) -> Option<ByteStr<'a>> {
        match self {
            Self::Bytes(bytes) => Some(bytes),
            Self::Null => None,
            Self::Odd(raw) => Some(raw.into()),
        }
    }
}

impl<'a> Value<'a> {
    /// Returns the bytes without the quotes.
    #[inline]
    #[must_use]
    pub const fn bytes(self) -> &'a [u8] {
        match self {
            Self::Quoted(bytes) | Self::Nested(bytes) | Self::Bare(bytes) => bytes,
        }
    }

    /// Reads the value of a field that holds somebody's string: quoted, hex, or `(null)`.
    #[must_use]
    pub fn untrusted(self) -> Untrusted<'a> {
        match self {
            Self::Quoted(bytes) | Self::Nested(bytes) => Untrusted::Bytes(bytes.into()),
            Self::Bare(b"(null)") => Untrusted::Null,
            Self::Bare(bytes) => match from_hex(bytes) {
                Some(decoded) => Untrusted::Bytes(decoded.into()),
                None => Untrusted::Odd(bytes),
            },
        }
    }

    /// Reads a decimal number with an optional sign; `None` if it is not one.
    #[must_use]
    pub fn decimal<T: std::str::FromStr>(self) -> Option<T> {
        std::str::from_utf8(self.bytes()).ok()?.parse().ok()
    }

    /// Reads a hexadecimal number with or without `0x`; `None` if it is not one.
    #[must_use]
    pub fn hexadecimal(self) -> Option<u64> {
        let digits = self.bytes();
        radix(digits.strip_prefix(b"0x").unwrap_or(digits), 16)
    }

    /// Reads an octal number; `None` if it is not one.
    #[must_use]
    pub fn octal(self) -> Option<u64> {
        radix(self.bytes(), 8)
    }

    /// Reads the number of a user, group or session, where 4294967295 and -1 mean "not set".
    #[must_use]
    pub fn id(self) -> Option<u32> {
        self.decimal().filter(|id| *id != u32::MAX)
    }

    /// Reads the major and minor number of a device, `MAJOR:MINOR` in hex.
    #[must_use]
    pub fn device(self) -> Option<(u32, u32)> {
        let (major, minor) = self.divided()?;
        let number = |part: Self| u32::try_from(part.hexadecimal()?).ok();
        Some((number(major)?, number(minor)?))
    }

    /// Reads a device as the device mapper writes it: `MAJOR:MINOR` in decimal.
    #[must_use]
    pub fn decimal_device(self) -> Option<(u32, u32)> {
        let (major, minor) = self.divided()?;
        Some((major.decimal()?, minor.decimal()?))
    }

    /// Divides a value at its first colon.
    fn divided(self) -> Option<(Self, Self)> {
        let bytes = self.bytes();
        let (head, tail) = bytes.split_at(memchr::memchr(b':', bytes)?);
        Some((Self::Bare(head), Self::Bare(tail.get(1..)?)))
    }

    /// Reads a boolean: `yes`, `success` or `1`, `no`, `failed` or `0`; `None` for other words.
    #[must_use]
    pub const fn boolean(self) -> Option<bool> {
        match self.bytes() {
            b"yes" | b"success" | b"1" => Some(true),
            b"no" | b"failed" | b"0" => Some(false),
            _ => None,
        }
    }
}

impl fmt::Debug for Value<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Quoted(bytes) => write!(f, "\"{}\"", bytes.escape_ascii()),
            Self::Nested(bytes) => write!(f, "'{}'", bytes.escape_ascii()),
            Self::Bare(bytes) => write!(f, "{}", bytes.escape_ascii()),
        }
    }
}

fn radix(digits: &[u8], radix: u32) -> Option<u64> {
    let text = std::str::from_utf8(digits).ok()?;
    if text.starts_with('+') {
        return None;
    }
    u64::from_str_radix(text, radix).ok()
}

/// Decodes upper-case hex pairs, the kernel's spelling; `None` for anything else, or nothing.
pub(crate) fn from_hex(text: &[u8]) -> Option<Vec<u8>> {
    if text.is_empty() || !text.len().is_multiple_of(2) {
        return None;
    }
    text.chunks_exact(2)
        .map(|pair| match pair {
            [high, low] => Some(hex_digit(*high)? << 4 | hex_digit(*low)?),
            _ => None,
        })
        .collect()
}

const fn hex_digit(digit: u8) -> Option<u8> {
    match digit {
        b'0'..=b'9' => Some(digit - b'0'),
        b'A'..=b'F' => Some(digit - b'A' + 10),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn untrusted(value: Value<'_>) -> Option<Vec<u8>> {
        value.untrusted().bytes().map(ByteStr::into_bytes)
    }

    #[test]
    fn the_quote_decides() {
        assert_eq!(untrusted(Value::Quoted(b"bash")), Some(b"bash".to_vec()));
        assert_eq!(untrusted(Value::Bare(b"6120622E7368")), Some(b"a b.sh".to_vec()));
        assert_eq!(untrusted(Value::Bare(b"(null)")), None);
    }

    #[test]
    fn quoted_text_that_looks_like_hex() {
        assert_eq!(untrusted(Value::Quoted(b"BEEF")), Some(b"BEEF".to_vec()));
    }

    #[test]
    fn a_bare_word_that_is_no_kernel_hex() {
        assert_eq!(Value::Bare(b"abc").untrusted(), Untrusted::Odd(b"abc"));
        assert_eq!(Value::Bare(b"beef").untrusted(), Untrusted::Odd(b"beef"));
        assert_eq!(Value::Bare(b"").untrusted(), Untrusted::Odd(b""));
    }

    #[test]
    fn booleans() {
        for yes in [&b"1"[..], b"yes", b"success"] {
            assert_eq!(Value::Bare(yes).boolean(), Some(true));
        }
        assert_eq!(Value::Bare(b"failed").boolean(), Some(false));
        assert_eq!(Value::Bare(b"perhaps").boolean(), None);
    }

    #[test]
    fn unset_ids() {
        assert_eq!(Value::Bare(b"4294967295").id(), None);
        assert_eq!(Value::Bare(b"-1").id(), None);
        assert_eq!(Value::Bare(b"1000").id(), Some(1000));
    }

    #[test]
    fn numbers() {
        assert_eq!(Value::Bare(b"-13").decimal::<i64>(), Some(-13));
        assert_eq!(Value::Bare(b"18446744073709551615").decimal::<u64>(), Some(u64::MAX));
        assert_eq!(Value::Bare(b"7ffd1234").hexadecimal(), Some(0x7ffd_1234));
        assert_eq!(Value::Bare(b"+7").hexadecimal(), None);
        assert_eq!(Value::Bare(b"0100644").octal(), Some(0o100_644));
        assert_eq!(Value::Bare(b"8").octal(), None);
    }
}
