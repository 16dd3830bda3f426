//! The value of a filter.

use super::permissions::Permissions;

/// The value that a field is compared with.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[expect(clippy::exhaustive_enums, reason = "the kernel has numbers and strings only")]
pub enum FilterValue {
    /// A number.
    Number(u32),
    /// Text, as bytes.
    Text(Vec<u8>),
}

impl From<u32> for FilterValue {
    fn from(number: u32) -> Self {
        Self::Number(number)
    }
}

impl From<Permissions> for FilterValue {
    fn from(permissions: Permissions) -> Self {
        Self::Number(permissions.bits())
    }
}

impl From<&str> for FilterValue {
    fn from(text: &str) -> Self {
        Self::Text(text.as_bytes().to_vec())
    }
}

/// The maximum length of a rule's keys in bytes, with the separators (`AUDIT_MAX_KEY_LEN`).
pub(super) const MAX_KEY_LENGTH: usize = 256;
