//! The keys of the rule that matched.

use std::borrow::Cow;

use super::{Record, Value};
use crate::bytestr::ByteStr;

/// Iterates over the keys of the rule that matched.
///
/// A rule has any number of keys. The kernel joins them by a byte 0x01 in the field `key`.
///
/// # Examples
///
/// ```
/// use auditlink::{MessageType, Record};
///
/// let record = Record::parse(MessageType::SYSCALL, b"audit(1.000:2): key=6B31016B32")?;
/// let call = record.as_syscall().ok_or("another type")?;
/// assert!(call.keys().eq(["k1", "k2"]));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[doc(alias = "key")]
#[derive(Clone, Debug)]
pub struct Keys<'a> {
    rest: Option<ByteStr<'a>>,
}

impl<'a> Keys<'a> {
    pub(crate) fn of(record: Record<'a>) -> Self {
        record.field("key").map_or(Self { rest: None }, Self::of_value)
    }

    pub(in crate::record) fn of_value(value: Value<'a>) -> Self {
        Self { rest: value.untrusted().bytes() }
    }
}

impl<'a> Iterator for Keys<'a> {
    type Item = ByteStr<'a>;

    fn next(&mut self) -> Option<Self::Item> {
        let rest = self.rest.take()?;
        let Some(end) = memchr::memchr(KEY_SEPARATOR, &rest) else {
            return Some(rest);
        };
        let (key, after) = match Cow::from(rest) {
            Cow::Borrowed(bytes) => {
                let (key, after) = bytes.split_at(end);
                (key.into(), after.get(1..).unwrap_or_default().into())
            }
            Cow::Owned(mut bytes) => {
                let after = bytes.split_off(end + 1);
                bytes.truncate(end);
                (bytes.into(), after.into())
            }
        };
        self.rest = Some(after);
        Some(key)
    }
}

/// The byte between keys, `AUDIT_KEY_SEPARATOR`.
const KEY_SEPARATOR: u8 = 0x01;
