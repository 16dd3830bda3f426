//! Fields: what a rule compares, and on which lists, with which operators and values.
//!
//! The table at the end is the only place that describes a field. Parsing, printing, validation,
//! lints, coverage and suggestions read it. To add a field, add a row; to add a kind of values,
//! extend [`ValueKind`].

use std::fmt;

use bitflags::bitflags;
use netlink_packet_audit::constants as audit;

use super::List;
use super::operator::Operators;
use super::value::ValueKind;
use crate::macros::kernel_number;

kernel_number! {
    /// A field that a rule compares, such as `uid` or `exe`.
    ///
    /// Fields are an open set: an unknown number survives a listing and prints as `f<number>`.
    ///
    /// Source: `include/uapi/linux/audit.h`, the rule fields.
    ///
    /// # Examples
    ///
    /// ```
    /// use auditlink::rule::FieldId;
    ///
    /// assert_eq!(FieldId::from_name("auid"), Some(FieldId::AUID));
    /// assert_eq!(FieldId::EXE.to_string(), "exe");
    /// assert!(FieldId::EXE.is_text() && !FieldId::AUID.is_text());
    /// assert_eq!(FieldId::new(300).to_string(), "f300");
    /// ```
    FieldId(u32)
}

impl FieldId {
    /// Returns the name that `auditctl -F` takes, or `None` for an unknown number.
    #[must_use]
    pub const fn name(self) -> Option<&'static str> {
        match self.spec() {
            Some(spec) => Some(spec.name),
            None => None,
        }
    }

    /// Returns whether the field's value is text: a path, a part of a security label, or keys.
    ///
    /// Source: `kernel/auditfilter.c`, `audit_data_to_entry`.
    #[must_use]
    pub const fn is_text(self) -> bool {
        match self.spec() {
            Some(spec) => spec.value.is_text(),
            None => false,
        }
    }
}

impl FieldId {
    /// Returns whether values can be the names of users or groups.
    pub(super) const fn names_ids(self) -> bool {
        match self.spec() {
            Some(spec) => {
                matches!(spec.value, ValueKind::User | ValueKind::LoginUser | ValueKind::Group)
            }
            None => false,
        }
    }
}

impl fmt::Display for FieldId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.name() {
            Some(name) => f.pad(name),
            None => f.pad(&format!("f{}", self.0)),
        }
    }
}

/// The description of a field.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct FieldSpec {
    /// The name that `auditctl` uses.
    pub(super) name: &'static str,
    pub(super) value: ValueKind,
    pub(super) operators: Operators,
    /// The lists on which the kernel evaluates the field.
    ///
    /// Source: `kernel/auditfilter.c`, `audit_field_valid`, `audit_filter`; `kernel/auditsc.c`,
    /// `audit_filter_rules`. Each combination was tried on Linux 6.18.
    pub(super) lists: Lists,
    /// Whether only system calls that take a path can match.
    pub(super) needs_path: bool,
    pub(super) occurrence: Occurrence,
}

/// How often a field can occur in a rule.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Occurrence {
    /// Any number of times.
    Any,
    /// Once among the fields that name the object: `path`, `dir` and `inode`.
    OneObject,
    /// Once: the kernel keeps one executable.
    OneProgram,
    /// Once: the kernel keeps one text of keys, which holds them all.
    OneKeyField,
}

impl Occurrence {
    /// States the limit, if the field has one.
    pub(super) const fn limit(self) -> Option<&'static str> {
        match self {
            Self::Any => None,
            Self::OneObject => Some("a rule has one object only, by path, dir or inode"),
            Self::OneProgram => Some("a rule has one exe only"),
            Self::OneKeyField => Some("a rule has one field of keys only, which holds all of them"),
        }
    }
}

bitflags! {
    /// A set of lists.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub(super) struct Lists: u8 {
        const USER = 1;
        const TASK = 2;
        const EXIT = 4;
        const EXCLUDE = 8;
        const FILESYSTEM = 16;
        const IO_URING = 32;
        const CALLS = Self::EXIT.bits() | Self::IO_URING.bits();
        const PROCESSES = Self::USER.bits() | Self::TASK.bits() | Self::CALLS.bits();
        const PROCESSES_AND_EXCLUDE = Self::PROCESSES.bits() | Self::EXCLUDE.bits();
        const USER_AND_EXCLUDE = Self::USER.bits() | Self::EXCLUDE.bits();
        const USER_AND_CALLS = Self::USER.bits() | Self::CALLS.bits();
        const CALLS_AND_FILESYSTEM = Self::CALLS.bits() | Self::FILESYSTEM.bits();
    }
}

impl Lists {
    /// Returns whether a list is among these; `None` for an unknown list.
    pub(super) fn has(self, list: List) -> Option<bool> {
        Some(self.contains(match list {
            List::USER => Self::USER,
            List::TASK => Self::TASK,
            List::EXIT => Self::EXIT,
            List::EXCLUDE => Self::EXCLUDE,
            List::FILESYSTEM => Self::FILESYSTEM,
            List::IO_URING => Self::IO_URING,
            _ => return None,
        }))
    }
}

impl fmt::Display for Lists {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, (name, _)) in self.iter_names().enumerate() {
            write!(f, "{}{}", if index == 0 { "" } else { ", " }, name.to_ascii_lowercase())?;
        }
        Ok(())
    }
}

/// Defines a constant and a [`FieldSpec`] for each field.
///
/// A row without one of its parts, and a number or name that occurs twice, does not compile (the
/// latter is an unreachable pattern).
macro_rules! fields {
    ($(
        $constant:ident = $number:expr, $alias:literal, $name:literal, $doc:literal,
        $value:ident, $operators:ident, $lists:ident, needs_path: $needs_path:literal, $occurrence:ident;
    )*) => {
        impl FieldId {
            $(
                #[doc = $doc]
                #[doc = concat!("\n\n`auditctl` calls it `", $name, "`.")]
                #[doc(alias = $alias)]
                pub const $constant: Self = Self($number);
            )*

            /// Returns the field with the name that `auditctl -F` takes; `loginuid` is another name
            /// of `auid`.
            #[must_use]
            pub fn from_name(name: &str) -> Option<Self> {
                match name {
                    $($name => Some(Self::$constant),)*
                    "loginuid" => Some(Self::AUID),
                    _ => None,
                }
            }

            /// Returns the description of the field, or `None` for an unknown number.
            pub(super) const fn spec(self) -> Option<&'static FieldSpec> {
                match self {
                    $(Self::$constant => Some(&FieldSpec {
                        name: $name,
                        value: ValueKind::$value,
                        operators: Operators::$operators,
                        lists: Lists::$lists,
                        needs_path: $needs_path,
                        occurrence: Occurrence::$occurrence,
                    }),)*
                    _ => None,
                }
            }
        }

        /// All known fields.
        pub(super) const FIELDS: &[FieldId] = &[$(FieldId::$constant,)*];
    };
}

// Each row: constant = number, its name in linux/audit.h, auditctl's name, documentation,
//     kind of values, operators, lists, whether the call must take a path, occurrence.
fields! {
    PID = audit::AUDIT_PID, "AUDIT_PID", "pid", "The process.",
        Pid, Order, PROCESSES_AND_EXCLUDE, needs_path: false, Any;
    UID = audit::AUDIT_UID, "AUDIT_UID", "uid", "The real user.",
        User, Order, PROCESSES_AND_EXCLUDE, needs_path: false, Any;
    EUID = audit::AUDIT_EUID, "AUDIT_EUID", "euid", "The effective user.",
        User, Order, PROCESSES, needs_path: false, Any;
    SUID = audit::AUDIT_SUID, "AUDIT_SUID", "suid", "The saved user.",
        User, Order, PROCESSES, needs_path: false, Any;
    FSUID = audit::AUDIT_FSUID, "AUDIT_FSUID", "fsuid", "The file system user.",
        User, Order, PROCESSES, needs_path: false, Any;
    GID = audit::AUDIT_GID, "AUDIT_GID", "gid", "The real group.",
        Group, Order, PROCESSES_AND_EXCLUDE, needs_path: false, Any;
    EGID = audit::AUDIT_EGID, "AUDIT_EGID", "egid", "The effective group.",
        Group, Order, PROCESSES, needs_path: false, Any;
    SGID = audit::AUDIT_SGID, "AUDIT_SGID", "sgid", "The saved group.",
        Group, Order, PROCESSES, needs_path: false, Any;
    FSGID = audit::AUDIT_FSGID, "AUDIT_FSGID", "fsgid", "The file system group.",
        Group, Order, PROCESSES, needs_path: false, Any;
    AUID = audit::AUDIT_LOGINUID, "AUDIT_LOGINUID", "auid", "The login user, which a process keeps when its user changes.",
        LoginUser, Order, PROCESSES_AND_EXCLUDE, needs_path: false, Any;
    PERS = audit::AUDIT_PERS, "AUDIT_PERS", "pers", "The personality of the process.",
        Number, All, PROCESSES, needs_path: false, Any;
    ARCH = audit::AUDIT_ARCH, "AUDIT_ARCH", "arch", "The architecture, and with it the system call interface.",
        Arch, Equality, PROCESSES, needs_path: false, Any;
    MSGTYPE = audit::AUDIT_MSGTYPE, "AUDIT_MSGTYPE", "msgtype", "The type of the record.",
        MessageType, Order, USER_AND_EXCLUDE, needs_path: false, Any;
    SUBJ_USER = audit::AUDIT_SUBJ_USER, "AUDIT_SUBJ_USER", "subj_user", "The user of the process's security label.",
        Label, Equality, PROCESSES_AND_EXCLUDE, needs_path: false, Any;
    SUBJ_ROLE = audit::AUDIT_SUBJ_ROLE, "AUDIT_SUBJ_ROLE", "subj_role", "The role of the process's security label.",
        Label, Equality, PROCESSES_AND_EXCLUDE, needs_path: false, Any;
    SUBJ_TYPE = audit::AUDIT_SUBJ_TYPE, "AUDIT_SUBJ_TYPE", "subj_type", "The type of the process's security label.",
        Label, Equality, PROCESSES_AND_EXCLUDE, needs_path: false, Any;
    SUBJ_SEN = audit::AUDIT_SUBJ_SEN, "AUDIT_SUBJ_SEN", "subj_sen", "The sensitivity of the process's security label.",
        Label, Order, PROCESSES_AND_EXCLUDE, needs_path: false, Any;
    SUBJ_CLR = audit::AUDIT_SUBJ_CLR, "AUDIT_SUBJ_CLR", "subj_clr", "The clearance of the process's security label.",
        Label, Order, PROCESSES_AND_EXCLUDE, needs_path: false, Any;
    PPID = audit::AUDIT_PPID, "AUDIT_PPID", "ppid", "The parent process.",
        Pid, Order, CALLS, needs_path: false, Any;
    OBJ_USER = audit::AUDIT_OBJ_USER, "AUDIT_OBJ_USER", "obj_user", "The user of the object's security label.",
        Label, Equality, CALLS, needs_path: false, Any;
    OBJ_ROLE = audit::AUDIT_OBJ_ROLE, "AUDIT_OBJ_ROLE", "obj_role", "The role of the object's security label.",
        Label, Equality, CALLS, needs_path: false, Any;
    OBJ_TYPE = audit::AUDIT_OBJ_TYPE, "AUDIT_OBJ_TYPE", "obj_type", "The type of the object's security label.",
        Label, Equality, CALLS, needs_path: false, Any;
    OBJ_LEV_LOW = audit::AUDIT_OBJ_LEV_LOW, "AUDIT_OBJ_LEV_LOW", "obj_lev_low", "The low level of the object's security label.",
        Label, Order, CALLS, needs_path: false, Any;
    OBJ_LEV_HIGH = audit::AUDIT_OBJ_LEV_HIGH, "AUDIT_OBJ_LEV_HIGH", "obj_lev_high", "The high level of the object's security label.",
        Label, Order, CALLS, needs_path: false, Any;
    AUID_SET = audit::AUDIT_LOGINUID_SET, "AUDIT_LOGINUID_SET", "loginuid_set", "Whether the login user is set.",
        Flag, Equality, PROCESSES_AND_EXCLUDE, needs_path: false, Any;
    SESSIONID = audit::AUDIT_SESSIONID, "AUDIT_SESSIONID", "sessionid", "The login session.",
        Session, Order, USER_AND_CALLS, needs_path: false, Any;
    FSTYPE = audit::AUDIT_FSTYPE, "AUDIT_FSTYPE", "fstype", "The file system, on the list `filesystem`.",
        FileSystem, Equality, FILESYSTEM, needs_path: false, Any;
    DEVMAJOR = audit::AUDIT_DEVMAJOR, "AUDIT_DEVMAJOR", "devmajor", "The major number of the object's device.",
        Number, Order, CALLS, needs_path: false, Any;
    DEVMINOR = audit::AUDIT_DEVMINOR, "AUDIT_DEVMINOR", "devminor", "The minor number of the object's device.",
        Number, All, CALLS, needs_path: false, Any;
    INODE = audit::AUDIT_INODE, "AUDIT_INODE", "inode", "The inode of the object.",
        Number, Equality, CALLS, needs_path: true, OneObject;
    EXIT = audit::AUDIT_EXIT, "AUDIT_EXIT", "exit", "The return value of the system call.",
        Exit, Order, CALLS, needs_path: false, Any;
    SUCCESS = audit::AUDIT_SUCCESS, "AUDIT_SUCCESS", "success", "Whether the system call succeeded.",
        Flag, Order, CALLS, needs_path: false, Any;
    PATH = audit::AUDIT_WATCH, "AUDIT_WATCH", "path", "One file, by path.",
        Path, Equal, CALLS, needs_path: true, OneObject;
    PERM = audit::AUDIT_PERM, "AUDIT_PERM", "perm", "The kind of access; see [`Permissions`](super::Permissions).",
        Permissions, Equal, EXIT, needs_path: true, Any;
    DIR = audit::AUDIT_DIR, "AUDIT_DIR", "dir", "A directory and the whole tree below it.",
        Directory, Equal, CALLS, needs_path: true, OneObject;
    FILETYPE = audit::AUDIT_FILETYPE, "AUDIT_FILETYPE", "filetype", "The type of the object.",
        FileType, Equality, CALLS, needs_path: true, Any;
    OBJ_UID = audit::AUDIT_OBJ_UID, "AUDIT_OBJ_UID", "obj_uid", "The owner of the object.",
        User, Order, PROCESSES, needs_path: false, Any;
    OBJ_GID = audit::AUDIT_OBJ_GID, "AUDIT_OBJ_GID", "obj_gid", "The group of the object.",
        Group, Order, PROCESSES, needs_path: false, Any;
    FIELD_COMPARE = audit::AUDIT_FIELD_COMPARE, "AUDIT_FIELD_COMPARE", "field_compare", "A comparison of two fields.",
        Comparison, Equality, CALLS, needs_path: false, Any;
    EXE = audit::AUDIT_EXE, "AUDIT_EXE", "exe", "The executable of the process, by path.",
        Path, Equality, PROCESSES_AND_EXCLUDE, needs_path: false, OneProgram;
    SADDR_FAM = 113, "AUDIT_SADDR_FAM", "saddr_fam", "The address family of the system call's socket address.",
        AddressFamily, Order, PROCESSES, needs_path: false, Any;
    A0 = audit::AUDIT_ARG0, "AUDIT_ARG0", "a0", "The first argument.",
        Argument, All, PROCESSES, needs_path: false, Any;
    A1 = audit::AUDIT_ARG1, "AUDIT_ARG1", "a1", "The second argument.",
        Argument, All, PROCESSES, needs_path: false, Any;
    A2 = audit::AUDIT_ARG2, "AUDIT_ARG2", "a2", "The third argument.",
        Argument, All, PROCESSES, needs_path: false, Any;
    A3 = audit::AUDIT_ARG3, "AUDIT_ARG3", "a3", "The fourth argument.",
        Argument, All, PROCESSES, needs_path: false, Any;
    KEY = audit::AUDIT_FILTERKEY, "AUDIT_FILTERKEY", "key", "The keys, which mark the events of the rule.",
        Key, Equality, CALLS_AND_FILESYSTEM, needs_path: false, OneKeyField;
}

#[cfg(test)]
mod tests {
    use super::super::operator::SIGNS;
    use super::*;
    use crate::rule::{Action, Filter, FilterValue, Operator, Rule, RuleError};
    use crate::wire;

    const LISTS: [List; 6] =
        [List::USER, List::TASK, List::EXIT, List::EXCLUDE, List::FILESYSTEM, List::IO_URING];

    /// A value of each kind as `auditctl` takes it, and as the kernel does.
    fn example(kind: ValueKind) -> (&'static str, FilterValue) {
        let text = |text: &'static str| (text, FilterValue::from(text));
        match kind {
            ValueKind::Number => ("5", 5.into()),
            ValueKind::Flag => ("1", 1.into()),
            ValueKind::Pid => ("77", 77.into()),
            ValueKind::User | ValueKind::LoginUser | ValueKind::Group => ("1000", 1000.into()),
            ValueKind::Session => ("3", 3.into()),
            ValueKind::Exit => ("-EACCES", 0xFFFF_FFF3.into()),
            ValueKind::Argument => ("0x10", 16.into()),
            ValueKind::Arch => ("aarch64", 0xC000_00B7.into()),
            ValueKind::MessageType => ("EOE", 1320.into()),
            ValueKind::Permissions => ("wa", 10.into()),
            ValueKind::FileType => ("dir", 0o040_000.into()),
            ValueKind::FileSystem => ("tracefs", 0x7472_6163.into()),
            ValueKind::AddressFamily => ("inet6", 10.into()),
            ValueKind::Comparison => ("25", 25.into()),
            ValueKind::Label => text("s0:c1"),
            ValueKind::Path => text("/bin/x"),
            ValueKind::Directory => text("/etc/"),
            ValueKind::Key => text("mine"),
        }
    }

    #[test]
    fn each_field_operator_and_list_is_refused_or_survives_text_and_wire() {
        let mut accepted = 0;
        for field in FIELDS {
            let spec = field.spec().expect("a known field");
            let (text, value) = example(spec.value);
            for (operator, sign) in SIGNS {
                for list in LISTS {
                    let mut line = format!("-a always,{list} -F {}{sign}{text}", spec.name);
                    if *field == FieldId::KEY {
                        line = line.replace(" -F", " -S mask:all -F"); // a key requires a call
                    }
                    let parsed = line.parse::<Rule>();
                    if !spec.lists.has(list).expect("a known list") {
                        let expected = RuleError::FieldNotOnList { field: *field, list };
                        assert_eq!(parsed, Err(expected), "{line}");
                        continue;
                    }
                    if !spec.operators.contains(*operator) {
                        let expected =
                            RuleError::OperatorNotAllowed { field: *field, operator: *operator };
                        assert_eq!(parsed, Err(expected), "{line}");
                        continue;
                    }
                    accepted += 1;
                    let rule = parsed.expect(&line);
                    let filter =
                        Filter { field: *field, operator: *operator, value: value.clone() };
                    assert_eq!(rule.filters, [filter], "{line}");
                    assert_eq!(rule.to_string().parse(), Ok(rule.clone()), "{line}");
                    let bytes = wire::rule::to_bytes(&rule);
                    assert_eq!(wire::rule::parse(&bytes), Ok(rule), "{line}");
                }
            }
        }
        assert_eq!(accepted, 769, "accepted combinations");
    }

    #[test]
    fn each_field_is_found_by_its_name() {
        for field in FIELDS {
            let name = field.name().expect("a known field");
            assert_eq!(FieldId::from_name(name), Some(*field));
            assert_eq!(FieldId::new(field.number()).to_string(), name);
        }
        assert_eq!(FieldId::from_name("loginuid"), Some(FieldId::AUID));
        assert_eq!(FieldId::new(999).to_string(), "f999");
        assert_eq!(format!("{:>5}", FieldId::new(999)), " f999");
    }

    #[test]
    fn the_lists_of_a_field_are_printed_by_name() {
        assert_eq!(Lists::USER_AND_EXCLUDE.to_string(), "user, exclude");
        assert_eq!(Lists::CALLS.to_string(), "exit, io_uring");
        assert_eq!(Lists::EXIT.has(List::new(9)), None);
        for list in LISTS {
            assert_eq!(Lists::all().has(list), Some(true), "{list}");
        }
    }

    #[test]
    fn an_unknown_list_or_field_is_left_to_the_kernel() {
        let build = |list, field, operator| {
            Rule::builder(list, Action::ALWAYS).filter(field, operator, 1).build()
        };
        assert!(build(List::new(9), FieldId::PID, Operator::EQUAL).is_ok());
        assert!(build(List::EXIT, FieldId::new(99), Operator::LESS).is_ok());
        assert!(build(List::EXIT, FieldId::PID, Operator::new(0x77)).is_ok());
    }
}
