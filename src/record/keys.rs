//! The keys of the rule that made a record.

use std::borrow::Cow;

use super::{Record, Value};
use crate::bytestr::ByteStr;

/// The keys of the rule that made a record.
///
/// An iterator over byte strings. A rule has no key, one, or several.
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

/// The byte between the keys of a rule that has several.
const KEY_SEPARATOR: u8 = 0x01;
