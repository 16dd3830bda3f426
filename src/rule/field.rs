//! What a rule can look at: fields, and the operators that compare them.

use std::fmt;

use netlink_packet_audit::constants as audit;

use crate::macros::kernel_number;

kernel_number! {
    /// A field that a rule compares, such as `uid` or `exe`.
    ///
    /// Fields are an open set: an unknown number survives a listing and prints as `f<number>`.
    ///
    /// Source: `include/uapi/linux/audit.h`, the rule fields.
    FieldId(u32)
}

impl FieldId {
    /// Returns the name that `auditctl -F` takes, or `None` for an unknown number.
    #[must_use]
    pub fn name(self) -> Option<&'static str> {
        NAMES.iter().find(|(field, _)| *field == self).map(|(_, name)| *name)
    }

    /// Finds a field by the name that `auditctl -F` takes.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        match name {
            "loginuid" => Some(Self::AUID),
            _ => NAMES.iter().find(|(_, known)| *known == name).map(|(field, _)| *field),
        }
    }

    /// Tells whether the field's value is text: a path, a label, a key.
    ///
    /// Source: `kernel/auditfilter.c`, `audit_data_to_entry`.
    #[must_use]
    pub const fn is_text(self) -> bool {
        matches!(self.0, 13..=17 | 19..=23 | 105 | 107 | 112 | 210)
    }

    /// Tells whether the field's value is the number of a user or group.
    pub(super) const fn is_id_of_account(self) -> bool {
        self.is_user() || self.is_group()
    }

    /// Tells whether the field's value is the number of a user.
    pub(super) const fn is_user(self) -> bool {
        matches!(self.0, 1..=4 | 9 | 109)
    }

    /// Tells whether the field's value is the number of a group.
    pub(super) const fn is_group(self) -> bool {
        matches!(self.0, 5..=8 | 110)
    }

    /// Iterates over the names of all fields.
    pub(super) fn names() -> impl Iterator<Item = &'static str> {
        NAMES.iter().map(|(_, name)| *name)
    }
}

impl fmt::Display for FieldId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.name() {
            Some(name) => f.pad(name),
            None => write!(f, "f{}", self.0),
        }
    }
}

/// Defines a constant and a table entry for each field.
macro_rules! fields {
    ($($constant:ident = $number:expr, $name:literal, $doc:literal;)*) => {
        impl FieldId {
            $(
                #[doc = $doc]
                #[doc = concat!("\n\n`auditctl` calls it `", $name, "`.")]
                pub const $constant: Self = Self($number);
            )*
        }

        const NAMES: &[(FieldId, &str)] = &[$((FieldId::$constant, $name),)*];
    };
}

fields! {
    PID = audit::AUDIT_PID, "pid", "The process.";
    UID = audit::AUDIT_UID, "uid", "The real user.";
    EUID = audit::AUDIT_EUID, "euid", "The effective user.";
    SUID = audit::AUDIT_SUID, "suid", "The saved user.";
    FSUID = audit::AUDIT_FSUID, "fsuid", "The file system user.";
    GID = audit::AUDIT_GID, "gid", "The real group.";
    EGID = audit::AUDIT_EGID, "egid", "The effective group.";
    SGID = audit::AUDIT_SGID, "sgid", "The saved group.";
    FSGID = audit::AUDIT_FSGID, "fsgid", "The file system group.";
    AUID = audit::AUDIT_LOGINUID, "auid", "The user who logged in.";
    PERS = audit::AUDIT_PERS, "pers", "The personality of the process.";
    ARCH = audit::AUDIT_ARCH, "arch", "The machine whose system calls are meant.";
    MSGTYPE = audit::AUDIT_MSGTYPE, "msgtype", "The type of the record.";
    SUBJ_USER = audit::AUDIT_SUBJ_USER, "subj_user", "The user of the process's label.";
    SUBJ_ROLE = audit::AUDIT_SUBJ_ROLE, "subj_role", "The role of the process's label.";
    SUBJ_TYPE = audit::AUDIT_SUBJ_TYPE, "subj_type", "The type of the process's label.";
    SUBJ_SEN = audit::AUDIT_SUBJ_SEN, "subj_sen", "The sensitivity of the process's label.";
    SUBJ_CLR = audit::AUDIT_SUBJ_CLR, "subj_clr", "The clearance of the process's label.";
    PPID = audit::AUDIT_PPID, "ppid", "The parent process.";
    OBJ_USER = audit::AUDIT_OBJ_USER, "obj_user", "The user of the object's label.";
    OBJ_ROLE = audit::AUDIT_OBJ_ROLE, "obj_role", "The role of the object's label.";
    OBJ_TYPE = audit::AUDIT_OBJ_TYPE, "obj_type", "The type of the object's label.";
    OBJ_LEV_LOW = audit::AUDIT_OBJ_LEV_LOW, "obj_lev_low", "The low level of the object's label.";
    OBJ_LEV_HIGH = audit::AUDIT_OBJ_LEV_HIGH, "obj_lev_high", "The high level of the object's label.";
    AUID_SET = audit::AUDIT_LOGINUID_SET, "loginuid_set", "Whether anybody logged in.";
    SESSIONID = audit::AUDIT_SESSIONID, "sessionid", "The login session.";
    FSTYPE = audit::AUDIT_FSTYPE, "fstype", "The file system, on the list `filesystem`.";
    DEVMAJOR = audit::AUDIT_DEVMAJOR, "devmajor", "The major number of the object's device.";
    DEVMINOR = audit::AUDIT_DEVMINOR, "devminor", "The minor number of the object's device.";
    INODE = audit::AUDIT_INODE, "inode", "The inode of the object.";
    EXIT = audit::AUDIT_EXIT, "exit", "What the call returned.";
    SUCCESS = audit::AUDIT_SUCCESS, "success", "Whether the call succeeded.";
    PATH = audit::AUDIT_WATCH, "path", "One file, by path.";
    PERM = audit::AUDIT_PERM, "perm", "The kind of access.";
    DIR = audit::AUDIT_DIR, "dir", "A directory and all below it.";
    FILETYPE = audit::AUDIT_FILETYPE, "filetype", "The type of the object.";
    OBJ_UID = audit::AUDIT_OBJ_UID, "obj_uid", "The owner of the object.";
    OBJ_GID = audit::AUDIT_OBJ_GID, "obj_gid", "The group of the object.";
    FIELD_COMPARE = audit::AUDIT_FIELD_COMPARE, "field_compare", "A comparison of two fields.";
    EXE = audit::AUDIT_EXE, "exe", "The program, by path.";
    SADDR_FAM = 113, "saddr_fam", "The address family of the call's socket address.";
    A0 = audit::AUDIT_ARG0, "a0", "The first argument.";
    A1 = audit::AUDIT_ARG1, "a1", "The second argument.";
    A2 = audit::AUDIT_ARG2, "a2", "The third argument.";
    A3 = audit::AUDIT_ARG3, "a3", "The fourth argument.";
    KEY = audit::AUDIT_FILTERKEY, "key", "The name that marks the rule's events.";
}

kernel_number! {
    /// How a rule compares a field with a value.
    ///
    /// Source: `include/uapi/linux/audit.h`, `AUDIT_OPERATORS`.
    Operator(u32)
}

impl Operator {
    /// `=`
    pub const EQUAL: Self = Self(audit::AUDIT_EQUAL);
    /// `!=`
    pub const NOT_EQUAL: Self = Self(audit::AUDIT_NOT_EQUAL);
    /// `<`
    pub const LESS: Self = Self(audit::AUDIT_LESS_THAN);
    /// `<=`
    pub const LESS_OR_EQUAL: Self = Self(audit::AUDIT_LESS_THAN_OR_EQUAL);
    /// `>`
    pub const GREATER: Self = Self(audit::AUDIT_GREATER_THAN);
    /// `>=`
    pub const GREATER_OR_EQUAL: Self = Self(audit::AUDIT_GREATER_THAN_OR_EQUAL);
    /// `&`: any of the bits
    pub const BIT_MASK: Self = Self(audit::AUDIT_BIT_MASK);
    /// `&=`: all of the bits
    pub const BIT_TEST: Self = Self(audit::AUDIT_BIT_TEST);

    /// Returns the sign that `auditctl -F` takes, or `None` for an unknown number.
    #[must_use]
    pub fn sign(self) -> Option<&'static str> {
        SIGNS.iter().find(|(operator, _)| *operator == self).map(|(_, sign)| *sign)
    }

    /// Splits `name<sign>value`; `None` if there is no sign.
    pub(super) fn split(text: &str) -> Option<(&str, Self, &str)> {
        let at = text.find(['=', '!', '<', '>', '&'])?;
        let (name, rest) = text.split_at_checked(at)?;
        SIGNS.iter().find_map(|(operator, sign)| Some((name, *operator, rest.strip_prefix(sign)?)))
    }
}

/// The operators with their signs, longer signs first.
const SIGNS: &[(Operator, &str)] = &[
    (Operator::NOT_EQUAL, "!="),
    (Operator::LESS_OR_EQUAL, "<="),
    (Operator::GREATER_OR_EQUAL, ">="),
    (Operator::BIT_TEST, "&="),
    (Operator::EQUAL, "="),
    (Operator::LESS, "<"),
    (Operator::GREATER, ">"),
    (Operator::BIT_MASK, "&"),
];

impl fmt::Display for Operator {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.sign() {
            Some(sign) => f.pad(sign),
            None => write!(f, "?{:#x}?", self.0),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_is_found_again() {
        for (field, name) in NAMES {
            assert_eq!(FieldId::from_name(name), Some(*field));
            assert_eq!(field.name(), Some(*name));
        }
        assert_eq!(FieldId::new(999).to_string(), "f999");
    }

    #[test]
    fn every_sign_splits() {
        for (operator, sign) in SIGNS {
            let text = format!("a0{sign}5");
            assert_eq!(Operator::split(&text), Some(("a0", *operator, "5")));
        }
        assert_eq!(Operator::split("a0"), None);
        assert_eq!(Operator::split("a0!5"), None);
    }
}
