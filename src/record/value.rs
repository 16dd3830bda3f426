//! The value of a field, and the encodings that the kernel uses.

use std::fmt;

use crate::bytestr::ByteStr;

/// The bytes of a field's value, and how they are delimited.
///
/// # Examples
///
/// ```
/// use auditlink::{MessageType, Record};
///
/// let text = br#"audit(1.000:2): comm="ls" exe=2F746D702F612062 exit=-13 a0=7ffd"#;
/// let record = Record::parse(MessageType::SYSCALL, text)?;
/// let field = |name| record.field(name);
/// assert_eq!(field("comm").and_then(|comm| comm.untrusted().bytes()), Some("ls".into()));
/// assert_eq!(field("exe").and_then(|exe| exe.untrusted().bytes()), Some("/tmp/a b".into()));
/// assert_eq!(field("exit").and_then(|exit| exit.decimal()), Some(-13));
/// assert_eq!(field("a0").and_then(|a0| a0.hexadecimal()), Some(0x7ffd));
/// # Ok::<(), auditlink::DecodeError>(())
/// ```
#[derive(Clone, Copy, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "records have no other delimiters")]
pub enum Value<'a> {
    /// In quotes, which are not part of the bytes; the text is literal.
    Quoted(&'a [u8]),
    /// The `'…'` of `msg=`: the message of a user-space program, which has fields of its own.
    Nested(&'a [u8]),
    /// Without quotes: a number, a word, text in hex, or a marker such as `(null)`.
    Bare(&'a [u8]),
}

/// A string that a process chose, such as a file name.
///
/// The kernel writes such a string in quotes, or, if it contains a space, a quote, a control byte or a
/// byte above 0x7E, in hex without quotes. Only the quote distinguishes both.
///
/// Source: `kernel/audit.c`, `audit_log_n_untrustedstring`.
#[doc(alias = "audit_log_untrustedstring")]
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Untrusted<'a> {
    /// The bytes of the string, decoded.
    Bytes(ByteStr<'a>),
    /// `(null)`: the kernel had no string to write.
    Null,
    /// Neither quoted nor hex, which the kernel does not write; the bytes as they came.
    Odd(&'a [u8]),
}

impl<'a> Untrusted<'a> {
    /// Returns the string; `None` for `(null)`. Odd values are returned as they came.
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

    /// Reads a string that a process chose: quoted, hex, or `(null)`.
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

    /// Reads a decimal number with an optional sign; `None` for other text.
    #[must_use]
    pub fn decimal<T: std::str::FromStr>(self) -> Option<T> {
        std::str::from_utf8(self.bytes()).ok()?.parse().ok()
    }

    /// Reads a hexadecimal number with or without `0x`; `None` for other text.
    #[must_use]
    pub fn hexadecimal(self) -> Option<u64> {
        let digits = self.bytes();
        radix(digits.strip_prefix(b"0x").unwrap_or(digits), 16)
    }

    /// Reads an octal number; `None` for other text.
    #[must_use]
    pub fn octal(self) -> Option<u64> {
        radix(self.bytes(), 8)
    }

    /// Reads the ID of a user, group or session; `None` for 4294967295 and -1, which mean "not set".
    #[must_use]
    pub fn id(self) -> Option<u32> {
        self.decimal().filter(|id| *id != u32::MAX)
    }

    /// Reads the major and minor number of a device, `MAJOR:MINOR` in hex.
    #[must_use]
    pub fn device(self) -> Option<(u32, u32)> {
        let (major, minor) = self.split_at_colon()?;
        let number = |part: Self| u32::try_from(part.hexadecimal()?).ok();
        Some((number(major)?, number(minor)?))
    }

    /// Reads the major and minor number of a device, `MAJOR:MINOR` in decimal.
    #[must_use]
    pub fn decimal_device(self) -> Option<(u32, u32)> {
        let (major, minor) = self.split_at_colon()?;
        Some((major.decimal()?, minor.decimal()?))
    }

    /// Splits the value at its first colon.
    fn split_at_colon(self) -> Option<(Self, Self)> {
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

/// Prints the bytes without the quotes, control bytes as `\ooo`.
impl fmt::Display for Value<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&ByteStr::borrowed(self.bytes()), f)
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

/// Decodes pairs of upper-case hex digits, as the kernel writes them; `None` for other or empty text.
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
    fn only_the_quote_distinguishes_text_and_hex() {
        assert_eq!(untrusted(Value::Quoted(b"bash")), Some(b"bash".to_vec()));
        assert_eq!(untrusted(Value::Bare(b"6120622E7368")), Some(b"a b.sh".to_vec()));
        assert_eq!(untrusted(Value::Bare(b"(null)")), None);
    }

    #[test]
    fn quoted_text_that_looks_like_hex() {
        assert_eq!(untrusted(Value::Quoted(b"BEEF")), Some(b"BEEF".to_vec()));
    }

    #[test]
    fn a_bare_word_that_is_not_hex_is_odd() {
        assert_eq!(Value::Bare(b"abc").untrusted(), Untrusted::Odd(b"abc"));
        assert_eq!(Value::Bare(b"beef").untrusted(), Untrusted::Odd(b"beef"));
        assert_eq!(Value::Bare(b"").untrusted(), Untrusted::Odd(b""));
    }

    #[test]
    fn display_prints_the_bytes_without_quotes() {
        assert_eq!(format!("{:>4}|{}", Value::Quoted(b"sh"), Value::Bare(b"a\nb")), "  sh|a\\012b");
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
