//! Field names that mean the same in all records that do not give them another meaning.

use super::{DECIMAL, Kind, Radix};
use crate::constants::{IOCTL_REQUESTS, PERMISSIONS};

/// Returns what a name means; `None` if it is not known.
pub(in crate::record) const fn kind(name: &[u8]) -> Option<Kind> {
    Some(match name {
        b"auid" | b"uid" | b"euid" | b"suid" | b"fsuid" | b"ouid" | b"oauid" | b"old-auid"
        | b"old_auid" | b"loginuid" | b"iuid" | b"inode_uid" | b"sauid" | b"obj_uid" => Kind::User,
        b"gid" | b"egid" | b"sgid" | b"fsgid" | b"ogid" | b"igid" | b"inode_gid" | b"new_gid"
        | b"obj_gid" => Kind::Group,
        b"ses" | b"oses" | b"old-ses" | b"old_ses" => Kind::Session,
        b"pid" | b"ppid" | b"opid" | b"spid" | b"tpid" | b"vm-pid" | b"item" | b"items"
        | b"inode" | b"ino" => DECIMAL,
        // `security/selinux/selinuxfs.c` and `security/ipe/audit.c` write booleans with `%d`
        b"permissive" | b"enforcing" | b"old_enforcing" => Kind::Bit,
        b"arch" => Kind::Arch,
        b"syscall" => Kind::Call,
        b"exit" => Kind::Exit,
        b"errno" => Kind::Errno,
        b"sig" => Kind::Signal(Radix::Decimal),
        b"success" | b"res" | b"result" => Kind::Boolean,
        b"capability" => Kind::Capability(Radix::Decimal),
        b"perm" | b"perm_mask" => Kind::Flags(Radix::Decimal, &PERMISSIONS),
        b"ioctlcmd" => Kind::Name(Radix::Hex, &IOCTL_REQUESTS),
        b"comm" | b"exe" | b"name" | b"cwd" | b"ocomm" | b"path" | b"dir" | b"file" | b"watch"
        | b"dev" | b"profile" | b"operation" | b"apparmor" | b"info" | b"requested_mask"
        | b"denied_mask" | b"invalid_context" | b"cgroup" | b"peer_profile" | b"target" => {
            Kind::Text
        }
        b"key" => Kind::Keys,
        b"subj"
        | b"obj"
        | b"scontext"
        | b"tcontext"
        | b"ocontext"
        | b"vm-ctx"
        | b"img-ctx"
        | [b's', b'u', b'b', b'j', b'_', ..]
        | [b'o', b'b', b'j', b'_', ..] => Kind::Label,
        b"op" | b"tty" | b"tclass" | b"class" => Kind::Word,
        _ => return None,
    })
}
