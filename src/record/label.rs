//! Security labels.

use std::fmt;

use memchr::memchr;

use crate::bytestr::ByteStr;

/// A security label (context), such as SELinux's `user:role:type:range`.
///
/// # Examples
///
/// ```
/// use auditlink::record::Label;
///
/// let label = Label::new(b"system_u:system_r:init_t:s0-s15:c0.c1023");
/// let parts = label.selinux().ok_or("four parts")?;
/// assert_eq!(parts.type_, b"init_t");
/// assert_eq!(parts.range, Some(&b"s0-s15:c0.c1023"[..]));
/// assert_eq!(Label::new(b"unconfined").selinux(), None);
/// # Ok::<(), &str>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Label<'a>(&'a [u8]);

/// The parts of an SELinux label.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct SelinuxLabel<'a> {
    /// The SELinux user.
    pub user: &'a [u8],
    /// The role.
    pub role: &'a [u8],
    /// The type, or domain.
    pub type_: &'a [u8],
    /// The range of levels and categories, including colons and commas; `None` without MLS.
    pub range: Option<&'a [u8]>,
}

impl<'a> Label<'a> {
    /// Creates a label from its bytes.
    #[must_use]
    pub const fn new(bytes: &'a [u8]) -> Self {
        Self(bytes)
    }

    /// Returns the bytes.
    #[must_use]
    pub const fn as_bytes(self) -> &'a [u8] {
        self.0
    }

    /// Returns the parts of an SELinux label; `None` if the label has another form.
    ///
    /// The first three colons separate the parts; the range can contain others.
    #[must_use]
    pub fn selinux(self) -> Option<SelinuxLabel<'a>> {
        let (user, rest) = split(self.0)?;
        let (role, rest) = split(rest)?;
        let (type_, range) = match split(rest) {
            Some((type_, range)) => (type_, Some(range)),
            None => (rest, None),
        };
        Some(SelinuxLabel { user, role, type_, range })
    }

    /// Returns the profile and mode of an AppArmor label; `None` if the label has another form.
    ///
    /// AppArmor labels are `/usr/bin/man (enforce)`, or `unconfined` without a mode.
    #[must_use]
    pub fn apparmor(self) -> Option<(&'a [u8], Option<&'a [u8]>)> {
        let text = self.0.strip_suffix(b")");
        let parts = text.and_then(|text| {
            let at = memchr::memmem::rfind(text, b" (")?;
            Some((text.get(..at)?, text.get(at + 2..)?))
        });
        match parts {
            Some((profile, mode)) => Some((profile, Some(mode))),
            None if self.0 == b"unconfined" || self.0 == b"=unconfined" => Some((self.0, None)),
            None => None,
        }
    }
}

fn split(text: &[u8]) -> Option<(&[u8], &[u8])> {
    let (head, tail) = text.split_at_checked(memchr(b':', text)?)?;
    Some((head, tail.get(1..)?))
}

impl fmt::Display for Label<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&ByteStr::borrowed(self.0), f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_three_colons_separate_the_parts() {
        let label = Label::new(b"u:r:t:s0-s15:c0.c1023,c5");
        let parts = label.selinux().expect("four parts");
        assert_eq!((parts.user, parts.role, parts.type_), (&b"u"[..], &b"r"[..], &b"t"[..]));
        assert_eq!(parts.range, Some(&b"s0-s15:c0.c1023,c5"[..]));
        assert_eq!(Label::new(b"u:r:t").selinux().map(|parts| parts.range), Some(None));
        assert_eq!(Label::new(b"u:r").selinux(), None);
    }

    #[test]
    fn labels_of_apparmor() {
        let label = Label::new(b"=/usr/bin/man//&man_groff (enforce)");
        let parts = label.apparmor();
        assert_eq!(parts, Some((&b"=/usr/bin/man//&man_groff"[..], Some(&b"enforce"[..]))));
        assert_eq!(Label::new(b"unconfined").apparmor(), Some((&b"unconfined"[..], None)));
        assert_eq!(Label::new(b"u:r:t:s0").apparmor(), None);
    }
}
