//! What a field holds, decided by the type of its record and by its name, never by its look.

use crate::constants::{
    AUDIT_LISTS, ETHERTYPES, FANOTIFY_INFO_TYPES, FANOTIFY_RESPONSES, FlagNames, ICMP_TYPES,
    IOCTL_REQUESTS, MAP_FLAGS, MULTICAST_GROUPS, NETFILTER_ACTIONS, NETFILTER_FAMILIES,
    NETFILTER_HOOKS, Names, PERMISSIONS, PERSONALITIES, PROTOCOLS, RESOLVE_FLAGS, TRUST,
};
use crate::message_type::MessageType;

/// How a number is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Radix {
    Decimal,
    Hex,
    /// Hex, of which the call takes the lower half of the register.
    HalfHex,
    Octal,
}

/// What a field holds.
#[derive(Clone, Copy, Debug)]
pub(super) enum Kind {
    /// A word, or text, as it came.
    Word,
    /// Somebody's string: in quotes, or in hex.
    Text,
    Number(Radix),
    Signed,
    User,
    Group,
    Session,
    Arch,
    Call,
    Operation,
    Exit,
    Errno,
    Signal(Radix),
    Mode(Radix),
    /// Permissions without a type of file.
    Permissions(Radix),
    Device(Radix),
    Capability(Radix),
    Capabilities,
    Address,
    Boolean,
    Promiscuity,
    Seccomp,
    Keys,
    /// Strings divided by NUL bytes.
    Arguments,
    /// Bytes in hex, or a string in quotes.
    Keystrokes,
    Label,
    Name(Radix, &'static Names),
    Flags(Radix, &'static FlagNames),
    OpenFlags(Radix),
    /// An argument of a call, hex, whose meaning depends on the call.
    Argument(usize),
    /// A user or group as an argument.
    UserArgument,
    GroupArgument,
    /// A file descriptor, or the working directory.
    Directory,
    CloneFlags,
    /// An entry of `IPC` calls, whose upper half is a version.
    IpcCall,
    SharedMemory,
    SocketLevel,
    ExitStatus,
}

/// Returns what a field of the kernel's own text holds.
pub(super) fn of_kernel(message_type: MessageType, name: &[u8]) -> Kind {
    use MessageType as T;
    match (message_type, name) {
        (T::SYSCALL, [b'a', digit @ b'0'..=b'3']) => Kind::Argument(usize::from(digit - b'0')),
        (T::SOCKETCALL, [b'a', b'0'..=b'9', ..]) => Kind::Number(Radix::Hex),
        (T::EXECVE, [b'a', b'0'..=b'9', rest @ ..]) if !rest.ends_with(b"_len") => Kind::Text,
        (T::SYSCALL | T::URINGOP, b"items") | (T::EXECVE, b"argc") => Kind::Number(Radix::Decimal),
        (T::PATH, b"dev" | b"rdev") => Kind::Device(Radix::Hex),
        (T::DM_CTRL | T::DM_EVENT, b"dev") => Kind::Device(Radix::Decimal),
        (T::PATH | T::IPC | T::IPC_SET_PERM | T::MQ_OPEN | T::OPENAT2, b"mode") => {
            if message_type == T::PATH {
                Kind::Mode(Radix::Octal)
            } else {
                Kind::Permissions(Radix::Octal)
            }
        }
        (T::IPC_SET_PERM, b"qbytes") => Kind::Number(Radix::Hex),
        (T::PATH, b"cap_fe" | b"cap_fver") | (T::BPRM_FCAPS, b"fe" | b"fver") => {
            Kind::Number(Radix::Decimal)
        }
        (T::PATH, b"cap_frootid") | (T::BPRM_FCAPS, b"frootid") => Kind::User,
        (
            T::BPRM_FCAPS,
            b"fp" | b"fi" | b"old_pp" | b"old_pi" | b"old_pe" | b"old_pa" | b"pp" | b"pi" | b"pe"
            | b"pa",
        ) => Kind::Capabilities,
        (T::MQ_OPEN, b"oflag") => Kind::OpenFlags(Radix::Hex),
        (T::OPENAT2, b"oflag") => Kind::OpenFlags(Radix::Octal),
        (T::OPENAT2, b"resolve") => Kind::Flags(Radix::Hex, &RESOLVE_FLAGS),
        (T::MQ_OPEN | T::MQ_GETSETATTR, b"mq_flags") => Kind::Number(Radix::Hex),
        (T::MMAP, b"flags") => Kind::Flags(Radix::Hex, &MAP_FLAGS),
        (T::TTY, b"data") => Kind::Keystrokes,
        (T::NETFILTER_PKT, _) => of_packet(name),
        (T::NETFILTER_CFG, b"family") => Kind::Name(Radix::Decimal, &NETFILTER_FAMILIES),
        (T::NETFILTER_CFG, b"table" | b"op") => Kind::Word,
        (T::SECCOMP, b"code") => Kind::Seccomp,
        (T::SECCOMP, b"ip") => Kind::Number(Radix::Hex),
        (T::SECCOMP, b"compat") => Kind::Number(Radix::Decimal),
        (T::FANOTIFY, b"resp") => Kind::Name(Radix::Decimal, &FANOTIFY_RESPONSES),
        (T::FANOTIFY, b"fan_type") => Kind::Name(Radix::Decimal, &FANOTIFY_INFO_TYPES),
        (T::FANOTIFY, b"fan_info") => Kind::Number(Radix::Hex),
        (T::FANOTIFY, b"subj_trust" | b"obj_trust") => Kind::Name(Radix::Decimal, &TRUST),
        (T::TIME_ADJNTPVAL, b"old" | b"new") | (T::TIME_INJOFFSET, b"sec" | b"nsec") => {
            Kind::Signed
        }
        (T::CONFIG_CHANGE, b"list") => Kind::Name(Radix::Decimal, &AUDIT_LISTS),
        (T::LANDLOCK_ACCESS | T::LANDLOCK_DOMAIN, b"domain") => Kind::Number(Radix::Hex),
        (T::LANDLOCK_DOMAIN, b"mode" | b"status") => Kind::Word,
        (T::ANOM_PROMISCUOUS, b"prom" | b"old_prom") => Kind::Promiscuity,
        (T::SYSCALL, b"per") => Kind::Flags(Radix::Hex, &PERSONALITIES),
        (T::DM_CTRL | T::DM_EVENT, b"error_msg") => Kind::Text,
        (T::CAPSET, b"cap_pi" | b"cap_pp" | b"cap_pe" | b"cap_pa")
        | (T::PATH, b"cap_fp" | b"cap_fi") => Kind::Capabilities,
        (T::SOCKADDR, b"saddr") => Kind::Address,
        (T::USER_TTY, b"data") => Kind::Keystrokes,
        _ => by_name(name),
    }
}

/// Returns what a field of a packet's record holds.
fn of_packet(name: &[u8]) -> Kind {
    match name {
        b"proto" => Kind::Name(Radix::Decimal, &PROTOCOLS),
        b"hook" => Kind::Name(Radix::Decimal, &NETFILTER_HOOKS),
        b"action" => Kind::Name(Radix::Decimal, &NETFILTER_ACTIONS),
        b"icmptype" => Kind::Name(Radix::Decimal, &ICMP_TYPES),
        b"macproto" => Kind::Name(Radix::Hex, &ETHERTYPES),
        b"mark" => Kind::Number(Radix::Hex),
        b"len" | b"ipid" | b"icmpcode" | b"sport" | b"dport" => Kind::Number(Radix::Decimal),
        b"saddr" | b"daddr" => Kind::Word,
        _ => by_name(name),
    }
}

/// Returns what a field of a program's message holds.
pub(super) fn of_message(message_type: MessageType, name: &[u8]) -> Kind {
    use MessageType as T;
    match (message_type, name) {
        // an account for users, a group for groups
        (T::ADD_GROUP | T::DEL_GROUP | T::GRP_MGMT | T::GRP_CHAUTHTOK | T::CHGRP_ID, b"id") => {
            Kind::Group
        }
        (_, b"id") => Kind::User,
        (T::CRYPTO_KEY_USER | T::CRYPTO_SESSION, b"fp") => Kind::Word,
        (_, b"data") => Kind::Keystrokes,
        (_, b"list") => Kind::Word,
        // what an application calls success it spells as it likes
        (_, b"saddr" | b"family" | b"proto" | b"code" | b"flags" | b"mode" | b"perm") => Kind::Word,
        (
            _,
            b"acct" | b"cmd" | b"vm" | b"grp" | b"new_group" | b"old-disk" | b"new-disk"
            | b"old-chardev" | b"new-chardev" | b"old-fs" | b"new-fs" | b"old-net" | b"new-net"
            | b"old-rng" | b"new-rng" | b"device" | b"cgroup" | b"sw" | b"root_dir" | b"path"
            | b"dir" | b"file" | b"watch",
        ) => Kind::Text,
        (T::USER_AVC | T::USER_SELINUX_ERR, b"capability") => Kind::Capability(Radix::Decimal),
        _ => by_name(name),
    }
}

/// Returns what a name means in all records that do not use it for something else.
fn by_name(name: &[u8]) -> Kind {
    match name {
        b"auid" | b"uid" | b"euid" | b"suid" | b"fsuid" | b"ouid" | b"oauid" | b"old-auid"
        | b"old_auid" | b"iuid" | b"inode_uid" | b"sauid" | b"obj_uid" => Kind::User,
        b"gid" | b"egid" | b"sgid" | b"fsgid" | b"ogid" | b"igid" | b"inode_gid" | b"new_gid"
        | b"obj_gid" => Kind::Group,
        b"ses" | b"oses" | b"old-ses" | b"old_ses" => Kind::Session,
        b"pid" | b"ppid" | b"opid" | b"spid" | b"tpid" | b"vm-pid" | b"item" | b"inode"
        | b"ino" | b"entries" | b"argc" | b"nargs" | b"fd" | b"fd0" | b"fd1" | b"mqdes"
        | b"major" | b"minor" | b"msg_len" | b"msg_prio" | b"prog-id" | b"enforcing"
        | b"old_enforcing" | b"permissive" | b"denials" => Kind::Number(Radix::Decimal),
        b"arch" => Kind::Arch,
        b"syscall" => Kind::Call,
        b"uring_op" => Kind::Operation,
        b"exit" => Kind::Exit,
        b"errno" => Kind::Errno,
        b"sig" | b"sigev_signo" => Kind::Signal(Radix::Decimal),
        b"success" | b"res" | b"result" => Kind::Boolean,
        b"capability" => Kind::Capability(Radix::Decimal),
        b"perm" | b"perm_mask" => Kind::Flags(Radix::Decimal, &PERMISSIONS),
        b"ioctlcmd" => Kind::Name(Radix::Hex, &IOCTL_REQUESTS),
        b"nl-mcgrp" => Kind::Name(Radix::Decimal, &MULTICAST_GROUPS),
        b"comm" | b"exe" | b"name" | b"cwd" | b"ocomm" | b"path" | b"dir" | b"file" | b"watch"
        | b"dev" | b"profile" | b"operation" | b"apparmor" | b"info" | b"requested_mask"
        | b"denied_mask" | b"invalid_context" | b"cgroup" | b"peer_profile" | b"target" => {
            Kind::Text
        }
        b"key" => Kind::Keys,
        b"proctitle" => Kind::Arguments,
        b"subj" | b"obj" | b"scontext" | b"tcontext" | b"ocontext" | b"vm-ctx" | b"img-ctx" => {
            Kind::Label
        }
        _ if name.starts_with(b"subj_") || name.starts_with(b"obj_") => Kind::Label,
        _ => Kind::Word,
    }
}
