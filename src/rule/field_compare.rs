//! Comparisons of two fields with each other, `-C`.

use super::FieldId;
use super::value::MAX_COMPARISON;

/// The comparisons, in the order of their numbers, which start at 1.
///
/// Source: `include/uapi/linux/audit.h`, `AUDIT_COMPARE_*`.
const COMPARISONS: [(FieldId, FieldId); MAX_COMPARISON as usize] = [
    (FieldId::UID, FieldId::OBJ_UID),
    (FieldId::GID, FieldId::OBJ_GID),
    (FieldId::EUID, FieldId::OBJ_UID),
    (FieldId::EGID, FieldId::OBJ_GID),
    (FieldId::AUID, FieldId::OBJ_UID),
    (FieldId::SUID, FieldId::OBJ_UID),
    (FieldId::SGID, FieldId::OBJ_GID),
    (FieldId::FSUID, FieldId::OBJ_UID),
    (FieldId::FSGID, FieldId::OBJ_GID),
    (FieldId::UID, FieldId::AUID),
    (FieldId::UID, FieldId::EUID),
    (FieldId::UID, FieldId::FSUID),
    (FieldId::UID, FieldId::SUID),
    (FieldId::AUID, FieldId::FSUID),
    (FieldId::AUID, FieldId::SUID),
    (FieldId::AUID, FieldId::EUID),
    (FieldId::EUID, FieldId::SUID),
    (FieldId::EUID, FieldId::FSUID),
    (FieldId::SUID, FieldId::FSUID),
    (FieldId::GID, FieldId::EGID),
    (FieldId::GID, FieldId::FSGID),
    (FieldId::GID, FieldId::SGID),
    (FieldId::EGID, FieldId::FSGID),
    (FieldId::EGID, FieldId::SGID),
    (FieldId::SGID, FieldId::FSGID),
];

/// Returns the number of a comparison, in either order of its fields.
pub(super) fn number(left: FieldId, right: FieldId) -> Option<u32> {
    let index =
        COMPARISONS.iter().position(|pair| *pair == (left, right) || *pair == (right, left))?;
    u32::try_from(index + 1).ok()
}

/// Returns the fields of a comparison by its number.
pub(super) fn fields(number: u32) -> Option<(FieldId, FieldId)> {
    let index = usize::try_from(number).ok()?.checked_sub(1)?;
    COMPARISONS.get(index).copied()
}

#[cfg(test)]
mod tests {
    use super::*;
    use netlink_packet_audit::constants as audit;

    #[test]
    fn numbers_agree_with_netlink_packet_audit() {
        for (left, right, expected) in [
            (FieldId::UID, FieldId::OBJ_UID, audit::AUDIT_COMPARE_UID_TO_OBJ_UID),
            (FieldId::UID, FieldId::AUID, audit::AUDIT_COMPARE_UID_TO_AUID),
            (FieldId::AUID, FieldId::EUID, audit::AUDIT_COMPARE_AUID_TO_EUID),
            (FieldId::SUID, FieldId::FSUID, audit::AUDIT_COMPARE_SUID_TO_FSUID),
            (FieldId::SGID, FieldId::FSGID, audit::AUDIT_COMPARE_SGID_TO_FSGID),
        ] {
            assert_eq!(number(left, right), Some(expected));
            assert_eq!(number(right, left), Some(expected));
            assert_eq!(fields(expected), Some((left, right)));
        }
        assert_eq!(fields(0), None);
        assert_eq!(fields(MAX_COMPARISON + 1), None);
        assert_eq!(MAX_COMPARISON, audit::AUDIT_MAX_FIELD_COMPARE);
        assert_eq!(number(FieldId::UID, FieldId::GID), None);
    }
}
