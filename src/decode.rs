//! Decoding bytes without panics, and the error for malformed bytes.

use thiserror::Error;

/// The reason why bytes could not be decoded.
///
/// # Examples
///
/// ```
/// use auditlink::{DecodeError, MessageType, Record};
///
/// let error = Record::parse(MessageType::CWD, b"cwd=\"/\"").unwrap_err();
/// assert_eq!(error, DecodeError::Header);
/// assert_eq!(error.to_string(), "the record does not start with audit(SECONDS.MILLIS:SERIAL):");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum DecodeError {
    /// The bytes end within a value.
    #[error("{what} needs {needed} bytes, found {found}")]
    Short {
        /// The name of the value.
        what: &'static str,
        /// The number of bytes that it needs.
        needed: usize,
        /// The number of bytes found.
        found: usize,
    },
    /// A value is out of range.
    #[error("{what} is {value}, which is out of range")]
    Impossible {
        /// The name of the value.
        what: &'static str,
        /// The value.
        value: u64,
    },
    /// A line of a log does not start with `[node=NAME ]type=TYPE msg=audit(`.
    #[error("the line does not start with [node=NAME] type=TYPE msg=audit(")]
    Line,
    /// A record does not start with `audit(SECONDS.MILLIS:SERIAL):`.
    #[error("the record does not start with audit(SECONDS.MILLIS:SERIAL):")]
    Header,
    /// A boot ID is not 32 hexadecimal digits.
    #[error("the boot ID is not 32 hexadecimal digits, with or without dashes")]
    BootId,
}

/// Reads values in host byte order, as netlink has them, from the front of a slice.
#[derive(Clone, Debug)]
pub(crate) struct Cursor<'a> {
    rest: &'a [u8],
    what: &'static str,
}

impl<'a> Cursor<'a> {
    pub(crate) const fn new(bytes: &'a [u8], what: &'static str) -> Self {
        Self { rest: bytes, what }
    }

    pub(crate) fn bytes(&mut self, count: usize) -> Result<&'a [u8], DecodeError> {
        let (head, rest) = self.rest.split_at_checked(count).ok_or(DecodeError::Short {
            what: self.what,
            needed: count,
            found: self.rest.len(),
        })?;
        self.rest = rest;
        Ok(head)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], DecodeError> {
        let (head, rest) = self.rest.split_first_chunk::<N>().ok_or(DecodeError::Short {
            what: self.what,
            needed: N,
            found: self.rest.len(),
        })?;
        self.rest = rest;
        Ok(*head)
    }

    pub(crate) fn u32(&mut self) -> Result<u32, DecodeError> {
        self.array().map(u32::from_ne_bytes)
    }

    pub(crate) fn u64(&mut self) -> Result<u64, DecodeError> {
        self.array().map(u64::from_ne_bytes)
    }

    pub(crate) fn i32(&mut self) -> Result<i32, DecodeError> {
        self.array().map(i32::from_ne_bytes)
    }

    pub(crate) fn u32s<const N: usize>(&mut self) -> Result<[u32; N], DecodeError> {
        let mut words = [0; N];
        for word in &mut words {
            *word = self.u32()?;
        }
        Ok(words)
    }

    pub(crate) const fn rest(&self) -> &'a [u8] {
        self.rest
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failed_read_leaves_the_bytes() {
        let mut cursor = Cursor::new(&[1, 2, 3], "a word");
        assert_eq!(cursor.u32(), Err(DecodeError::Short { what: "a word", needed: 4, found: 3 }));
        assert_eq!(cursor.bytes(3), Ok(&[1, 2, 3][..]));
        assert_eq!(cursor.rest(), b"");
    }
}
