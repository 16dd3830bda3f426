//! Reading bytes without panics, and the error for bytes that are not what they should be.

use thiserror::Error;

/// Says what was wrong with bytes that could not be decoded.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum DecodeError {
    /// The bytes end before the value does.
    #[error("{what} needs {needed} bytes, found {found}")]
    Short {
        /// The value that was being read.
        what: &'static str,
        /// The bytes that it needs.
        needed: usize,
        /// The bytes that there were.
        found: usize,
    },
    /// The bytes are there, but their value is impossible.
    #[error("{what} is {value}, which is not possible")]
    Impossible {
        /// The value that was being read.
        what: &'static str,
        /// What was found.
        value: u64,
    },
    /// A line of a log does not start with `[node=NAME ]type=TYPE msg=audit(`.
    #[error("the line does not start with [node=NAME] type=TYPE msg=audit(")]
    Line,
    /// A record does not start with `audit(SECONDS.MILLIS:SERIAL):`.
    #[error("the record does not start with audit(SECONDS.MILLIS:SERIAL):")]
    Header,
    /// A boot id is not 32 hexadecimal digits.
    #[error("a boot id is 32 hexadecimal digits, with or without dashes")]
    BootId,
}

/// Walks over bytes in host byte order, as netlink has them.
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
    fn a_short_read_takes_nothing() {
        let mut cursor = Cursor::new(&[1, 2, 3], "a word");
        assert_eq!(cursor.u32(), Err(DecodeError::Short { what: "a word", needed: 4, found: 3 }));
        assert_eq!(cursor.bytes(3), Ok(&[1, 2, 3][..]));
        assert_eq!(cursor.rest(), b"");
    }
}
