//! The keys of the rule that made a record.

use std::borrow::Cow;

use super::{Record, Value};

/// The keys of the rule that made a record.
///
/// An iterator over byte strings. A rule has no key, one, or several.
#[derive(Clone, Debug)]
pub struct Keys<'a> {
    rest: Option<Cow<'a, [u8]>>,
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
    type Item = Cow<'a, [u8]>;

    fn next(&mut self) -> Option<Self::Item> {
        let rest = self.rest.take()?;
        let Some(end) = memchr::memchr(KEY_SEPARATOR, &rest) else {
            return Some(rest);
        };
        let (key, after) = match rest {
            Cow::Borrowed(bytes) => {
                let (key, after) = bytes.split_at(end);
                (Cow::Borrowed(key), Cow::Borrowed(after.get(1..).unwrap_or_default()))
            }
            Cow::Owned(mut bytes) => {
                let after = bytes.split_off(end + 1);
                bytes.truncate(end);
                (Cow::Owned(bytes), Cow::Owned(after))
            }
        };
        self.rest = Some(after);
        Some(key)
    }
}

/// The byte between the keys of a rule that has several.
const KEY_SEPARATOR: u8 = 0x01;
