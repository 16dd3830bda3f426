//! Kinds of access to a file, `-p` and `-F perm=`.

use std::fmt::{self, Write as _};
use std::ops::{BitOr, BitOrAssign};

/// Kinds of access to a file: read, write, execute, attribute change.
///
/// The kernel derives the access from the system call and its flags, by tables: opening a file for
/// writing is a write, and each `write` after that is not matched.
///
/// Source: `include/uapi/linux/audit.h`, `AUDIT_PERM_*`; `kernel/auditsc.c`, `audit_match_perm`.
///
/// # Examples
///
/// ```
/// use auditlink::rule::Permissions;
///
/// let permissions = Permissions::WRITE | Permissions::ATTRIBUTE;
/// assert_eq!(permissions.to_string(), "wa");
/// assert_eq!(Permissions::from_letters("wa"), Some(permissions));
/// assert_eq!(Permissions::from_letters("z"), None);
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Permissions(u32);

impl Permissions {
    /// `x`: the file is executed.
    #[doc(alias = "AUDIT_PERM_EXEC")]
    pub const EXECUTE: Self = Self(1);
    /// `w`: the file is written, or opened for writing.
    #[doc(alias = "AUDIT_PERM_WRITE")]
    pub const WRITE: Self = Self(2);
    /// `r`: the file is read, or opened for reading.
    #[doc(alias = "AUDIT_PERM_READ")]
    pub const READ: Self = Self(4);
    /// `a`: the owner, the mode or another attribute of the file changes.
    #[doc(alias = "AUDIT_PERM_ATTR")]
    pub const ATTRIBUTE: Self = Self(8);
    /// All four; the default of `auditctl -w`.
    pub const ALL: Self = Self(15);

    /// Returns the permissions with these bits; `None` if no bit or an unknown one is set.
    #[must_use]
    pub const fn from_bits(bits: u32) -> Option<Self> {
        if bits == 0 || bits > Self::ALL.0 { None } else { Some(Self(bits)) }
    }

    /// Returns the bits as the kernel takes them.
    #[must_use]
    pub const fn bits(self) -> u32 {
        self.0
    }

    /// Parses the letters that `auditctl -p` takes, in any order and case.
    #[must_use]
    pub fn from_letters(letters: &str) -> Option<Self> {
        let mut bits = 0;
        for letter in letters.chars() {
            let letter = letter.to_ascii_lowercase();
            bits |= LETTERS.iter().find(|(_, known)| *known == letter)?.0.bits();
        }
        Self::from_bits(bits)
    }

    /// Returns whether all of the other permissions are among these.
    #[must_use]
    pub const fn contains(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }
}

/// The permissions in the order in which `auditctl -l` prints them.
const LETTERS: &[(Permissions, char)] = &[
    (Permissions::READ, 'r'),
    (Permissions::WRITE, 'w'),
    (Permissions::EXECUTE, 'x'),
    (Permissions::ATTRIBUTE, 'a'),
];

impl BitOr for Permissions {
    type Output = Self;

    fn bitor(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }
}

impl BitOrAssign for Permissions {
    fn bitor_assign(&mut self, other: Self) {
        *self = *self | other;
    }
}

impl fmt::Display for Permissions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut letters = String::new();
        for (permission, letter) in LETTERS {
            if self.contains(*permission) {
                letters.write_char(*letter)?;
            }
        }
        f.pad(&letters)
    }
}

impl fmt::Debug for Permissions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_combinations_are_printed_and_parsed_back() {
        for bits in 1..16 {
            let permissions = Permissions::from_bits(bits).expect("known bits");
            assert_eq!(permissions.bits(), bits);
            assert_eq!(Permissions::from_letters(&permissions.to_string()), Some(permissions));
        }
        assert_eq!(Permissions::ALL.to_string(), "rwxa");
        assert_eq!(format!("{:>4}|", Permissions::READ), "   r|");
        for letters in ["", "rz", "é"] {
            assert_eq!(Permissions::from_letters(letters), None, "{letters}");
        }
        assert_eq!(Permissions::from_letters("Wrr"), Permissions::from_bits(6));
        assert_eq!((Permissions::from_bits(0), Permissions::from_bits(16)), (None, None));
    }
}
