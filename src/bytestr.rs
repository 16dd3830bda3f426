//! Byte strings that are usually, but not always, UTF-8.

use std::borrow::{Borrow, Cow};
use std::ffi::OsStr;
use std::fmt;
use std::ops::Deref;
use std::os::unix::ffi::OsStrExt;
use std::str::Utf8Error;

use crate::macros::pad_with;

/// A byte string that a process or the kernel chose: a path, a program, a key, an argument.
///
/// Such strings are arbitrary bytes without NUL; most are UTF-8. The bytes are borrowed from the
/// record where it holds them literally, and owned where they were decoded from hex.
///
/// `Display` writes control bytes, and bytes that are not UTF-8, as `\ooo`, so that a file name
/// cannot forge a line of a log; it honours width and alignment. With the feature `serde` the value
/// serializes as a string if it is UTF-8, and as `{"hex":"…"}` otherwise.
///
/// # Examples
///
/// ```
/// use auditlink::{ByteStr, MessageType, Record};
///
/// let text = b"audit(1700000000.123:30): cwd=2F746D702F610A62";
/// let record = Record::parse(MessageType::CWD, text)?;
/// let path = record.as_cwd().and_then(|cwd| cwd.path()).unwrap_or_default();
/// assert_eq!(path, b"/tmp/a\nb");
/// assert_eq!(path.to_str(), Ok("/tmp/a\nb"));
/// assert_eq!(path.to_string(), r"/tmp/a\012b");
/// assert!(path.starts_with(b"/tmp/"));
/// assert_eq!(format!("{:>6}", ByteStr::from("sshd")), "  sshd");
/// # Ok::<(), auditlink::DecodeError>(())
/// ```
#[derive(Clone, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ByteStr<'a>(Cow<'a, [u8]>);

impl<'a> ByteStr<'a> {
    /// Borrows a byte string.
    #[inline]
    #[must_use]
    pub const fn borrowed(bytes: &'a [u8]) -> Self {
        Self(Cow::Borrowed(bytes))
    }

    /// Returns the bytes.
    #[inline]
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// Returns the bytes as the operating system's string, which file functions take.
    #[must_use]
    pub fn as_os_str(&self) -> &OsStr {
        OsStr::from_bytes(&self.0)
    }

    /// Returns the text.
    ///
    /// # Errors
    ///
    /// [`Utf8Error`] if the bytes are not UTF-8.
    pub fn to_str(&self) -> Result<&str, Utf8Error> {
        std::str::from_utf8(&self.0)
    }

    /// Returns the text, with U+FFFD in place of bytes that are not UTF-8.
    #[must_use]
    pub fn to_str_lossy(&self) -> Cow<'_, str> {
        String::from_utf8_lossy(&self.0)
    }

    /// Returns a byte string that owns its bytes; copies them if they are borrowed.
    #[must_use]
    pub fn into_owned(self) -> ByteStr<'static> {
        ByteStr(Cow::Owned(self.0.into_owned()))
    }

    /// Returns the bytes as a vector; copies them if they are borrowed.
    #[must_use]
    pub fn into_bytes(self) -> Vec<u8> {
        self.0.into_owned()
    }

    /// Returns the parts between separators; they borrow what this string borrows.
    pub(crate) fn split_at_each(self, separator: u8) -> Vec<Self> {
        let is_separator = |byte: &u8| *byte == separator;
        match self.0 {
            Cow::Borrowed(bytes) => bytes.split(is_separator).map(ByteStr::borrowed).collect(),
            Cow::Owned(bytes) => bytes.split(is_separator).map(|p| p.to_vec().into()).collect(),
        }
    }
}

impl Deref for ByteStr<'_> {
    type Target = [u8];

    #[inline]
    fn deref(&self) -> &[u8] {
        &self.0
    }
}

impl AsRef<[u8]> for ByteStr<'_> {
    fn as_ref(&self) -> &[u8] {
        &self.0
    }
}

impl AsRef<OsStr> for ByteStr<'_> {
    fn as_ref(&self) -> &OsStr {
        self.as_os_str()
    }
}

impl Borrow<[u8]> for ByteStr<'_> {
    fn borrow(&self) -> &[u8] {
        &self.0
    }
}

impl fmt::Display for ByteStr<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        pad_with(f, |out| print_text(&self.0, out))
    }
}

impl fmt::Debug for ByteStr<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("\"")?;
        for chunk in self.0.utf8_chunks() {
            write!(f, "{}", chunk.valid().escape_debug())?;
            for byte in chunk.invalid() {
                write!(f, "\\x{byte:02x}")?;
            }
        }
        f.write_str("\"")
    }
}

/// Makes byte strings of what borrows or owns bytes.
macro_rules! from {
    ($([$($parameter:tt)*] $from:ty, $value:ident => $cow:expr;)*) => {
        $(
            impl<'a, $($parameter)*> From<$from> for ByteStr<'a> {
                fn from($value: $from) -> Self {
                    Self($cow)
                }
            }
        )*
    };
}

from! {
    [] Cow<'a, [u8]>, bytes => bytes;
    [] &'a [u8], bytes => Cow::Borrowed(bytes);
    [const N: usize] &'a [u8; N], bytes => Cow::Borrowed(bytes.as_slice());
    [] Vec<u8>, bytes => Cow::Owned(bytes);
    [] &'a str, text => Cow::Borrowed(text.as_bytes());
    [] String, text => Cow::Owned(text.into_bytes());
}

impl<'a> From<ByteStr<'a>> for Cow<'a, [u8]> {
    fn from(string: ByteStr<'a>) -> Self {
        string.0
    }
}

impl From<ByteStr<'_>> for Vec<u8> {
    fn from(string: ByteStr<'_>) -> Self {
        string.into_bytes()
    }
}

/// Compares with other byte strings and with text, in both directions.
macro_rules! equal {
    ($([$($parameter:tt)*] $other:ty, $value:ident => $bytes:expr;)*) => {
        $(
            impl<$($parameter)*> PartialEq<$other> for ByteStr<'_> {
                fn eq(&self, $value: &$other) -> bool {
                    let other: &[u8] = $bytes;
                    *self.0 == *other
                }
            }

            impl<$($parameter)*> PartialEq<ByteStr<'_>> for $other {
                fn eq(&self, string: &ByteStr<'_>) -> bool {
                    string == self
                }
            }
        )*
    };
}

equal! {
    [] [u8], bytes => bytes;
    [] &[u8], bytes => bytes;
    [const N: usize] [u8; N], bytes => bytes;
    [const N: usize] &[u8; N], bytes => bytes.as_slice();
    [] Vec<u8>, bytes => bytes;
    [] str, text => text.as_bytes();
    [] &str, text => text.as_bytes();
    [] String, text => text.as_bytes();
}

/// Writes control bytes, and bytes that are not UTF-8, as `\ooo`, and all others as they are.
pub(crate) fn print_text(bytes: &[u8], f: &mut dyn fmt::Write) -> fmt::Result {
    for chunk in bytes.utf8_chunks() {
        for c in chunk.valid().chars() {
            if c.is_control() {
                let mut buffer = [0; 4];
                for byte in c.encode_utf8(&mut buffer).bytes() {
                    write!(f, "\\{byte:03o}")?;
                }
            } else {
                f.write_char(c)?;
            }
        }
        for byte in chunk.invalid() {
            write!(f, "\\{byte:03o}")?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn display_escapes_control_bytes_and_bytes_that_are_not_utf_8() {
        let string = ByteStr::from(b"a\n\x1b[31m\xE9\xC3\xA9\x7F\xC2\x80");
        assert_eq!(string.to_string(), "a\\012\\033[31m\\351é\\177\\302\\200");
    }

    #[test]
    fn display_honours_width_alignment_and_precision() {
        let string = ByteStr::from("é\n");
        assert_eq!(format!("{string:8}|"), "é\\012   |");
        assert_eq!(format!("{string:>8}|"), "   é\\012|");
        assert_eq!(format!("{string:.1}|"), "é|");
        assert_eq!(format!("{string}|"), "é\\012|");
    }

    #[test]
    fn debug_quotes_and_escapes() {
        assert_eq!(format!("{:?}", ByteStr::from(b"\"\xFFa\n\xC3\xA9")), "\"\\\"\\xffa\\né\"");
    }

    #[test]
    fn equality_with_bytes_and_text_in_both_directions() {
        let string = ByteStr::from("ls");
        assert_eq!(string, "ls");
        assert_eq!(string, *"ls");
        assert_eq!(string, b"ls");
        assert_eq!(string, *b"ls");
        assert_eq!(string, b"ls"[..]);
        assert_eq!(string, &b"ls"[..]);
        assert_eq!("ls", string);
        assert_eq!(&b"ls"[..], string);
        assert_eq!(vec![b'l', b's'], string);
        assert_ne!(string, "l");
    }

    #[test]
    fn conversions_keep_the_bytes() {
        let bytes = b"\xFF/x";
        let string = ByteStr::from(&bytes[..]);
        assert!(string.to_str().is_err());
        assert_eq!(string.to_str_lossy(), "\u{FFFD}/x");
        assert_eq!(string.as_os_str().as_bytes(), bytes);
        assert_eq!(string.clone().into_owned(), string);
        assert_eq!(string.clone().into_bytes(), bytes);
        assert!(matches!(Cow::from(string), Cow::Borrowed(_)));
        let set = std::collections::HashSet::from([ByteStr::from("key")]);
        assert!(set.contains(&b"key"[..]), "hashed like the bytes");
    }

    #[cfg(feature = "serde")]
    #[test]
    fn serialized_as_a_string_or_in_hex() {
        assert_eq!(serde_json::json!(ByteStr::from("/bin/ls")), serde_json::json!("/bin/ls"));
        let hex = serde_json::json!(ByteStr::from(b"\xE9\x01"));
        assert_eq!(hex, serde_json::json!({"hex": "e901"}));
        assert_eq!(serde_json::json!(Some(ByteStr::default())), serde_json::json!(""));
    }
}
